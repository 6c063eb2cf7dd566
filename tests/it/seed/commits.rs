//! What a success leaves on the branch: one commit of everything, or nothing, said so.
#![expect(clippy::disallowed_methods, reason = "a test installs hooks")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::TestRepository;

#[test]
fn everything_that_changed_is_committed_untracked_deleted_executable_and_symbolic_links() {
    let test = TestRepository::with_fake();
    test.write("gone.txt", "gone\n");
    test.write("tool.sh", "#!/bin/sh\n");
    test.write(".gitignore", "ignored.txt\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=More"]);
    test.add_task(
        "all-a1b2",
        &[
            "write new/deep/file.txt new",
            "write ignored.txt ignored",
            "delete gone.txt",
            "sh chmod +x tool.sh && ln -s new/deep link && mkdir empty",
        ],
    );
    test.run(0);
    let changes = test.git(&["diff", "--raw", "--abbrev=4", "--no-renames", "main", "claudedo/all-a1b2"]);
    let changes: Vec<String> = changes.lines().map(without_ids).collect();
    let expected = [
        "100644 000000 D gone.txt",
        "000000 120000 A link",
        "000000 100644 A new/deep/file.txt",
        "100644 100755 M tool.sh",
    ];
    assert_eq!(changes, expected);
    assert_eq!(test.record("all-a1b2")["workspace"]["changes"]["files"], 4);
    let worktree = test.workspace("worktrees", "all-a1b2");
    assert_eq!(test.git(&["-C", worktree.to_str().unwrap(), "status", "--porcelain"]), "");
    test.assert_sound();
}

/// Returns a line of `git diff --raw` without what depends on the time.
fn without_ids(line: &str) -> String {
    let words: Vec<&str> = line.trim_start_matches(':').split_whitespace().collect();
    format!("{} {} {} {}", words[0], words[1], words[4], words[5])
}

#[test]
fn the_last_file_may_be_deleted() {
    let test = TestRepository::with_fake();
    test.add_task("empty-a1b2", &["delete README.md"]);
    test.run(0);
    assert_eq!(test.git(&["ls-tree", "claudedo/empty-a1b2"]), "");
    test.assert_sound();
}

#[test]
fn the_files_of_a_repository_that_the_agent_made_are_kept_and_said() {
    let test = TestRepository::with_fake();
    test.add_task(
        "nested-a1b2",
        &["sh git init -q inner && cd inner && echo hi > a.txt && git add a.txt && git -c user.name=A -c user.email=a@b commit -qm inner"],
    );
    test.run(0);
    assert_eq!(test.git(&["show", "claudedo/nested-a1b2:inner/a.txt"]), "hi");
    let warnings = test.record("nested-a1b2")["warnings"].to_string();
    assert!(warnings.contains("inner is a repository of its own"), "{warnings}");
}

#[test]
fn a_commit_has_the_title_the_agents_words_and_the_trailers() {
    let test = TestRepository::with_fake();
    test.write_task(
        "hello-a1b2",
        &crate::support::task_yaml("Say hello", &["write a.txt 1", "text I said it."]),
    );
    test.run(0);
    let message = test.git(&["log", "-1", "--format=%B", "claudedo/hello-a1b2"]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(message, @r#"
        Say hello

        I said it.

        Claudedo-Task: hello-[ID]
        Claudedo-Run: [UUID]
        Assisted-by: Claude Code:claude-opus-5-5
        "#);
    });
    let run = test.record("hello-a1b2")["run"].as_str().unwrap().to_owned();
    let trailer = |key: &str| {
        let format = format!("--format=%(trailers:key={key},valueonly,separator=%x2C)");
        test.git(&["log", "-1", &format, "claudedo/hello-a1b2"])
    };
    assert_eq!((trailer("Claudedo-Task"), trailer("Claudedo-Run")), ("hello-a1b2".to_owned(), run));
    assert_eq!(trailer("Co-Authored-By"), "");
    assert_eq!(test.git(&["rev-list", "--count", "main..claudedo/hello-a1b2"]), "1");
}

#[test]
fn a_success_without_a_change_is_done_says_so_and_makes_no_commit() {
    let test = TestRepository::with_fake();
    test.add_task("look-a1b2", &["text Nothing to do."]);
    let answer = test.run(0);
    assert_eq!(test.git(&["rev-parse", "claudedo/look-a1b2"]), test.git(&["rev-parse", "main"]));
    let message = "no change; Nothing to do.";
    assert_eq!(test.events("look-a1b2")[1]["message"], message);
    assert!(answer.stdout.contains(message), "{answer:#?}");
    assert_eq!(test.record("look-a1b2")["outcome"], "done");
}

#[test]
fn the_users_hooks_are_not_run_by_our_own_writes() {
    let test = TestRepository::with_fake();
    let ran = test.gate("hook-ran");
    let hooks = test.path().join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
    ] {
        let script = format!("#!/bin/sh\necho {hook} >> {}\nexit 1\n", ran.display());
        fs::write(hooks.join(hook), script).unwrap();
        fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    test.add_task("hooked-a1b2", &["write a.txt 1"]);
    let answer = test.claudedo(&["run"]);
    assert_eq!(
        (answer.status, fs::read_to_string(&ran).unwrap_or_default().as_str()),
        (0, ""),
        "{answer:#?}"
    );
    assert_eq!(test.record("hooked-a1b2")["workspace"]["changes"]["files"], 1);
}

#[test]
fn the_author_is_gits_identity_and_else_one_of_our_own() {
    let test = TestRepository::with_fake();
    test.add_task("known-0001", &["write a.txt 1"]);
    test.run(0);
    test.git(&["config", "--global", "--unset", "user.name"]);
    test.git(&["config", "--global", "--unset", "user.email"]);
    test.add_task("unknown-0002", &["write a.txt 1"]);
    test.run(0);
    let author = |task: &str| test.git(&["log", "-1", "--format=%an <%ae>", &format!("claudedo/{task}")]);
    assert_eq!(author("known-0001"), "Test User <test@example.com>");
    assert_eq!(author("unknown-0002"), "git-claudedo <git-claudedo@localhost.invalid>");
}

#[test]
fn commits_that_the_agent_made_itself_stay_and_the_rest_follows() {
    let test = TestRepository::with_fake();
    test.add_task(
        "own-a1b2",
        &[
            "write a.txt 1",
            "sh git add a.txt && git -c user.name=A -c user.email=a@b commit -qm 'By the agent'",
            "write b.txt 2",
        ],
    );
    test.run(0);
    let subjects = test.git(&["log", "--format=%s", "main..claudedo/own-a1b2"]);
    assert_eq!(subjects, "own-a1b2\nBy the agent");
    assert_eq!(test.record("own-a1b2")["workspace"]["changes"]["files"], 2);
}

#[test]
fn commits_that_the_agent_made_beside_its_branch_are_kept_and_said() {
    let test = TestRepository::with_fake();
    let commit =
        "git checkout -q --detach && git -c user.name=A -c user.email=a@b commit -q --allow-empty -m Mine";
    test.add_task("beside-a1b2", &[&format!("sh {commit}"), "write a.txt 1"]);
    test.run(0);
    assert_eq!(test.git(&["show", "claudedo/beside-a1b2:a.txt"]), "1");
    let record = test.record("beside-a1b2");
    let kept = format!("refs/claudedo/snapshots/{}-head", record["run"].as_str().unwrap());
    assert!(record["warnings"].to_string().contains(&kept), "{record:#}");
    assert_eq!(test.git(&["log", "-1", "--format=%s", &kept]), "Mine");
    test.assert_sound();
}

#[test]
fn a_merge_that_the_agent_did_not_finish_is_said() {
    let test = TestRepository::with_fake();
    let merge = r#"sh git rev-parse HEAD > "$(git rev-parse --git-path MERGE_HEAD)""#;
    test.add_task("merge-a1b2", &[merge, "write a.txt 1"]);
    test.run(0);
    let record = test.record("merge-a1b2");
    assert!(record["warnings"].to_string().contains("left a merge unfinished"), "{record:#}");
}
