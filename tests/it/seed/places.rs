//! Where a task works: a worktree of its own, a sandbox, and never the user's checkout.
#![expect(clippy::disallowed_methods, reason = "a test puts things in the way")]

use std::fs;

use crate::support::TestRepository;

/// Requires that a task failed before any agent was started, and returns the one reason given everywhere.
fn refused(test: &TestRepository, task: &str, reason: &str) -> String {
    let record = test.record(task);
    assert_eq!((&record["outcome"], &record["reason"]), (&"failed".into(), &reason.into()), "{record:#}");
    assert_eq!(test.history(task), "claimed finished:failed");
    let error = record["error"].as_str().unwrap().to_owned();
    assert_eq!(test.run_file(task, 1, "error.md").unwrap(), error.as_bytes());
    assert_eq!(test.events(task)[1]["message"], error.lines().next().unwrap());
    assert_eq!(test.fake_starts().len(), 0, "an agent was started");
    assert_eq!(test.run_folders(), Vec::<std::path::PathBuf>::new());
    error
}

#[test]
fn a_missing_list_fails_the_task_with_the_reason_as_outcome() {
    let test = TestRepository::with_fake();
    test.write_task("lost-a1b2", "title: T\nlist: nowhere\n");
    let answer = test.run(1);
    let reason = "List \"nowhere\" does not exist: there is no .claudedo/lists/nowhere.yaml.";
    assert_eq!(refused(&test, "lost-a1b2", "list_missing"), reason);
    assert!(answer.stdout.contains("does not exist"), "{answer:#?}");
}

#[test]
fn a_task_works_in_a_worktree_of_its_own_on_a_branch_of_its_own() {
    let test = TestRepository::with_fake();
    let head = test.git(&["rev-parse", "HEAD"]);
    test.add_task("one-0001", &["write one.txt 1"]);
    test.add_task("two-0002", &["write two.txt 2"]);
    test.run(0);
    for (task, file) in [("one-0001", "one.txt"), ("two-0002", "two.txt")] {
        let worktree = test.workspace("worktrees", task);
        let starts = test.fake_starts();
        let cwds: Vec<String> = starts.iter().map(|start| start.text("cwd")).collect();
        assert!(cwds.contains(&worktree.to_str().unwrap().to_owned()), "{cwds:?}");
        let branch = format!("refs/heads/claudedo/{task}");
        assert_eq!(test.git(&["-C", worktree.to_str().unwrap(), "symbolic-ref", "HEAD"]), branch);
        assert_eq!(test.git(&["diff", "--name-only", &head, &branch]), file);
        assert_eq!(test.record(task)["workspace"]["base"], head);
    }
    assert_eq!(test.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(test.git(&["status", "--porcelain"]), "?? .claudedo/");
}

#[test]
fn a_task_without_a_working_directory_gets_a_sandbox_folder_of_its_own() {
    let test = TestRepository::with_fake();
    test.write(".claudedo/lists/chores.yaml", "workspace: sandbox\n");
    for task in ["one-0001", "two-0002"] {
        let yaml = crate::support::task_yaml("T", &["write note.txt hello"]);
        test.write_task(task, &format!("{yaml}list: chores\n"));
    }
    test.run(0);
    for task in ["one-0001", "two-0002"] {
        let sandbox = test.workspace("sandboxes", task);
        assert_eq!(fs::read_to_string(sandbox.join("note.txt")).unwrap(), "hello\n");
        let path = sandbox.to_str().unwrap();
        assert_eq!(test.record(task)["workspace"], serde_json::json!({"kind": "sandbox", "path": path}));
    }
    assert_eq!(test.git(&["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main");
}

#[test]
fn worktree_creation_fails_where_a_branch_stands_in_the_way() {
    let test = TestRepository::with_fake();
    test.git(&["branch", "claudedo"]);
    test.write_task("stuck-a1b2", "title: T\n");
    test.run(1);
    let error = refused(&test, "stuck-a1b2", "workspace");
    assert!(error.starts_with("Worktree creation failed: "), "{error}");
    assert!(error.contains("refs/heads/claudedo"), "{error}");
}

#[test]
fn worktree_creation_fails_where_something_else_lies_in_its_place() {
    let test = TestRepository::with_fake();
    test.set("worktreeRoot", test.root().join("trees").to_str().unwrap());
    test.write_task("first-0001", "title: T\nlist: nowhere\n");
    test.run(1);
    // The folder of this clone is named after the repository and the machine's id.
    let machine = test.record("first-0001")["machine"].as_str().unwrap()[..8].to_owned();
    let place = test.root().join(format!("trees/repository-{machine}/stuck-a1b2"));
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("mine.txt"), "mine\n").unwrap();
    test.write_task("stuck-a1b2", "title: T\n");
    test.run(1);
    let error = refused(&test, "stuck-a1b2", "workspace");
    assert!(error.starts_with("Worktree creation failed: "), "{error}");
    assert!(error.contains(place.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_to_string(place.join("mine.txt")).unwrap(), "mine\n");
}

#[test]
fn worktree_creation_fails_where_there_is_no_commit_yet() {
    let test = TestRepository::with_fake();
    test.git(&["switch", "--quiet", "--orphan", "unborn"]);
    test.write_task("stuck-a1b2", "title: T\n");
    test.run(1);
    let error = refused(&test, "stuck-a1b2", "workspace");
    assert!(error.starts_with("Worktree creation failed: "), "{error}");
    assert!(error.contains("the repository has no commit yet"), "{error}");
}

#[test]
fn worktree_creation_fails_where_the_base_is_no_commit() {
    let test = TestRepository::with_fake();
    test.write_task("stuck-a1b2", "title: T\nbase: no-such-branch\n");
    test.run(1);
    let error = refused(&test, "stuck-a1b2", "workspace");
    assert!(error.starts_with("Worktree creation failed: "), "{error}");
    assert!(error.contains("no-such-branch"), "{error}");
}

#[test]
fn a_program_that_is_not_there_is_a_failure_with_one_terminal_record() {
    let test = TestRepository::new();
    test.set("claude", "/no/such/claude");
    test.write_task("stuck-a1b2", "title: T\n");
    test.run(1);
    let error = refused(&test, "stuck-a1b2", "startup");
    assert!(error.contains("/no/such/claude"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure_with_one_terminal_record() {
    let test = TestRepository::with_fake();
    fs::create_dir_all(test.path().join("schema.json")).unwrap();
    test.write_task("folder-0001", "title: T\nresult_schema: schema.json\n");
    test.write_task("absent-0002", "title: T\nagent: agents/none.md\n");
    test.run(1);
    for (task, name) in [("folder-0001", "schema.json"), ("absent-0002", "agents/none.md")] {
        let error = refused(&test, task, "settings");
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_template_that_cannot_be_used_is_a_failure_with_one_terminal_record() {
    let test = TestRepository::with_fake();
    test.write(".claudedo/templates/prompt.md.j2", "{{ no_such_value }}");
    test.write_task("template-0003", "title: T\n");
    test.run(1);
    let error = refused(&test, "template-0003", "settings");
    assert!(error.contains(".claudedo/templates/prompt.md.j2:1"), "{error}");
}
