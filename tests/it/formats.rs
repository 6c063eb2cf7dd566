//! Repositories of every form, and what must stay as it was in all of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::TestRepository;

/// A script that fails once, leaves work behind, and then succeeds.
const STEPS: [&str; 3] = ["write a.txt 1", "on-fresh result error text=red", "on-resume write b.txt 2"];

/// Runs one task that fails, is retried and succeeds, and requires that all of it can be read.
fn assert_works(test: &TestRepository, task: &str) {
    test.add_task(task, &STEPS);
    test.run(0);
    assert_recorded(test, task);
}

fn assert_recorded(test: &TestRepository, task: &str) {
    assert_eq!(test.history(task), "claimed finished:done");
    assert_eq!(test.records(task).len(), 2);
    let branch = format!("claudedo/{task}");
    assert_eq!(test.git(&["diff", "--name-only", "main", &branch]), "a.txt\nb.txt");
    assert!(test.git(&["log", "-1", "--format=%B", &branch]).contains("\nClaudedo-Run: "));
    test.assert_sound();
}

#[test]
fn a_sha256_repository_works() {
    let test = TestRepository::of_kind_with_fake("repository", &["--object-format=sha256"]);
    assert_works(&test, "task-a1b2");
    assert_eq!(test.records("task-a1b2")[1]["workspace"]["commit"].as_str().unwrap().len(), 64);
}

#[test]
fn a_repository_with_packed_refs_works() {
    let test = TestRepository::with_fake();
    assert_works(&test, "early-0001");
    test.git(&["pack-refs", "--all", "--prune"]);
    assert_recorded(&test, "early-0001");
    assert_works(&test, "late-0002");
    let answer = test.claudedo(&["continue", "early", "--message", "@fake write c.txt 3", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    test.git(&["pack-refs", "--all", "--prune"]);
    assert_eq!(test.git(&["show", "claudedo/early-0001:c.txt"]), "3");
    assert_eq!(test.records("early-0001").len(), 3);
}

#[test]
fn a_reftable_repository_is_refused_with_the_reason() {
    let test = TestRepository::of_kind_with_fake("repository", &["--ref-format=reftable"]);
    test.add_task("task-a1b2", &STEPS);
    for command in ["run", "list"] {
        let answer = test.claudedo(&[command]);
        assert_eq!((answer.status, answer.stdout.as_str()), (128, ""), "{answer:#?}");
        assert!(answer.stderr.contains("git refs migrate --ref-format=files"), "{answer:#?}");
    }
    assert!(!test.path().join(".git/claudedo").exists());
}

#[test]
fn in_a_bare_repository_records_can_be_read_and_run_says_why_it_cannot() {
    let test = TestRepository::with_fake();
    assert_works(&test, "task-a1b2");
    let bare = test.root().join("bare.git");
    let path = bare.to_str().unwrap();
    test.git(&["clone", "--quiet", "--mirror", ".", path]);
    let answer = |arguments: &[&str]| test.claudedo(&[&["-C", path], arguments].concat());
    let list = answer(&["list"]);
    assert_eq!(list.status, 0, "{list:#?}");
    assert!(list.stdout.starts_with("task-a1b2  done"), "{list:#?}");
    let show = answer(&["show", "task"]);
    assert_eq!(show.status, 0, "{show:#?}");
    let raw = answer(&["logs", "task", "--raw"]);
    assert_eq!(raw.stdout.as_bytes(), test.log("task-a1b2", 2));
    let run = answer(&["run"]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(run.stderr, @r#"
        error: Cannot run tasks in a repository without a work tree: [ROOT]/bare.git
        hint: Task files lie in a work tree, and this repository has none. Start in a clone of it.
        "#);
    });
    assert_eq!((run.status, run.stdout.as_str()), (128, ""));
}

#[test]
fn from_a_linked_worktree_its_own_tasks_run_and_the_records_are_those_of_the_repository() {
    let test = TestRepository::with_fake();
    let linked = test.root().join("linked");
    let path = linked.to_str().unwrap();
    test.git(&["worktree", "add", "--quiet", "-b", "side", path]);
    test.add_task("task-a1b2", &STEPS);
    fs::rename(test.path().join(".claudedo"), linked.join(".claudedo")).unwrap();
    let answer = test.claudedo(&["-C", path, "run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_recorded(&test, "task-a1b2");
    assert!(test.claudedo(&["list", "--all"]).stdout.contains("task-a1b2"));
    assert_eq!(test.git(&["-C", path, "symbolic-ref", "HEAD"]), "refs/heads/side");
}

#[test]
fn from_a_subdirectory_everything_works_as_from_the_top() {
    let test = TestRepository::with_fake();
    test.write("deep/down/here.txt", "here\n");
    test.add_task("task-a1b2", &STEPS);
    let answer = test.claudedo(&["-C", "deep/down", "run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_recorded(&test, "task-a1b2");
    let worktree = test.workspace("worktrees", "task-a1b2");
    assert_eq!(Path::new(&test.fake_starts()[0].text("cwd")), worktree);
}

#[test]
fn a_repository_whose_path_has_spaces_quotes_and_letters_of_any_kind_works() {
    let test = TestRepository::of_kind_with_fake("my 'répo' – \u{2713}", &[]);
    assert_works(&test, "task-a1b2");
    let answer = test.claudedo(&["diff", "task", "--no-pager"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
}

#[test]
fn file_names_that_are_no_utf8_are_committed_as_they_are() {
    let test = TestRepository::with_fake();
    test.add_task("odd-a1b2", &["sh printf x > \"$(printf 'b\\377d\\n name')\" && printf y > ' lead'"]);
    test.run(0);
    let output =
        test.program("git").args(["ls-tree", "-z", "--name-only", "claudedo/odd-a1b2"]).output().unwrap();
    assert_eq!(output.stdout, b" lead\0README.md\0b\xffd\n name\0");
    test.assert_sound();
}

#[test]
fn a_submodule_stays_as_it_was() {
    let test = TestRepository::with_fake();
    let library = test.root().join("library");
    let path = library.to_str().unwrap();
    test.git(&["clone", "--quiet", ".", path]);
    test.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", path, "library"]);
    test.git(&["commit", "--quiet", "--message=Add a submodule"]);
    assert_works(&test, "task-a1b2");
    let link = |commit: &str| test.git(&["ls-tree", commit, "library"]);
    assert!(link("main").starts_with("160000 commit "));
    assert_eq!(link("claudedo/task-a1b2"), link("main"));
    assert_eq!(test.records("task-a1b2")[1]["warnings"], serde_json::json!([]));
}

/// What belongs to the user: every file of the work tree and of `.git` but those of ours and the objects.
fn of_the_user(test: &TestRepository) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![test.path()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(test.path()).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !OURS.iter().any(|ours| relative.starts_with(ours)) {
                files.insert(relative, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// What the program writes in a repository, and the objects.
const OURS: [&str; 7] = [
    ".git/claudedo",
    ".git/info/attributes",
    ".git/logs/refs/heads/claudedo",
    ".git/objects",
    ".git/refs/claudedo",
    ".git/refs/heads/claudedo",
    ".git/worktrees",
];

#[test]
fn nothing_of_the_user_is_touched() {
    let test = TestRepository::with_fake();
    test.write("README.md", "# Test\n\nNot staged.\n");
    test.write("staged.txt", "staged\n");
    test.git(&["add", "staged.txt"]);
    test.write("untracked.txt", "untracked\n");
    test.git(&["branch", "other"]);
    test.git(&["tag", "v1"]);
    for (task, step) in
        [("done-0001", "write a.txt 1"), ("failed-0002", "result error text=red"), ("gone-0003", "exit 3")]
    {
        test.add_task(task, &["write README.md mine", "delete README.md", step]);
    }
    let before = of_the_user(&test);
    test.run(1);
    test.claudedo(&["retry", "failed", "--run"]);
    test.claudedo(&["cancel", "gone"]);
    for command in ["list", "show done", "logs done", "diff done", "events", "config"] {
        assert_eq!(test.claudedo(&command.split(' ').collect::<Vec<_>>()).status, 0, "{command}");
    }
    let after = of_the_user(&test);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (path, bytes) in before {
        assert!(after[&path] == bytes, "{} was changed", path.display());
    }
    test.assert_sound();
}

#[test]
fn after_gits_garbage_collection_everything_of_ours_is_there() {
    let test = TestRepository::with_fake();
    assert_works(&test, "done-0001");
    test.add_task("half-0002", &["write half.txt 1", "result error text=red"]);
    test.run(1);
    let snapshot = test.records("half-0002")[1]["workspace"]["snapshot"].as_str().unwrap().to_owned();
    let everything = || {
        let logs: Vec<Vec<u8>> = (1..=2).map(|number| test.log("done-0001", number)).collect();
        (test.records("done-0001"), test.events("half-0002"), logs)
    };
    let before = everything();
    test.git(&["reflog", "expire", "--expire=now", "--all"]);
    test.git(&["gc", "--quiet", "--prune=now"]);
    test.git(&["worktree", "prune", "--expire=now"]);
    assert_eq!(everything(), before);
    assert_eq!(test.git(&["show", &format!("{snapshot}:half.txt")]), "1");
    assert_recorded(&test, "done-0001");
    let answer = test.claudedo(&["continue", "half", "--message", "@fake write rest.txt 2", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", "claudedo/half-0002:half.txt"]), "1");
    assert_eq!(test.git(&["show", "claudedo/half-0002:rest.txt"]), "2");
    test.assert_sound();
}
