//! What `snapshots`, `show` and `diff` say of snapshots.
#![expect(clippy::disallowed_methods, reason = "a test writes into worktrees as an agent does")]

use std::fs;

use super::{TASK, listed};
use crate::support::TestRepository;

/// Makes a task that is over, and returns its worktree.
fn at_rest(test: &TestRepository) -> std::path::PathBuf {
    test.add_task(TASK, &["write begun.txt 1"]);
    test.run(0);
    test.workspace("worktrees", TASK)
}

#[test]
fn what_a_snapshot_could_not_take_is_listed() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    let huge = fs::File::create(worktree.join("huge.bin")).unwrap();
    huge.set_len(50 * 1024 * 1024 + 1).unwrap();
    fs::create_dir(worktree.join("inner")).unwrap();
    fs::write(worktree.join("inner/a.txt"), "a").unwrap();
    test.git(&["init", "--quiet", worktree.join("inner").to_str().unwrap()]);
    let answer = test.claudedo(&["snapshots", "create", TASK]);
    assert!(answer.stderr.contains("warning: huge.bin is larger than 50 MB"), "{answer:#?}");
    let left_out = listed(&test)[0]["left_out"].to_string();
    assert!(left_out.contains(r#""path":"huge.bin","reason":"is larger than 50 MB""#), "{left_out}");
    assert!(left_out.contains(r#""path":"inner","reason":"is a repository of its own"#), "{left_out}");
    let answer = test.claudedo(&["restore", TASK]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(worktree.join("huge.bin").exists());
}

#[test]
fn a_file_of_fifty_megabytes_is_taken_and_comes_back() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    let file = fs::File::create(worktree.join("large.bin")).unwrap();
    file.set_len(50 * 1024 * 1024).unwrap();
    let answer = test.claudedo(&["snapshots", "create", TASK]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, "Took snapshot long-a1b2@1\n"));
    fs::remove_file(worktree.join("large.bin")).unwrap();
    assert_eq!(test.claudedo(&["restore", TASK]).status, 0);
    assert_eq!(fs::metadata(worktree.join("large.bin")).unwrap().len(), 50 * 1024 * 1024);
}

#[test]
fn the_list_has_one_line_a_snapshot_and_show_names_the_newest() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    fs::write(worktree.join("more.txt"), "one\ntwo\n").unwrap();
    test.claudedo(&["snapshots", "create", TASK]);
    let list = test.claudedo(&["snapshots"]).stdout;
    let words: Vec<&str> = list.split_whitespace().collect();
    assert_eq!(words[0], "long-a1b2@1", "{list}");
    assert!(list.contains("asked for") && list.contains("1 file, +2 -0"), "{list}");
    let shown = test.claudedo(&["show", TASK]).stdout;
    assert!(shown.contains("long-a1b2@1, asked for"), "{shown}");
    let diff = test.claudedo(&["diff", "long-a1b2@1", "--stat", "--no-pager"]).stdout;
    assert!(diff.contains("more.txt") && diff.contains("begun.txt"), "{diff}");
}

#[test]
fn a_number_that_is_none_is_said() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    fs::write(worktree.join("more.txt"), "more").unwrap();
    test.claudedo(&["snapshots", "create", TASK]);
    for (name, status, message) in [
        ("long-a1b2@7", 1, "Task long-a1b2 has no snapshot 7."),
        ("long-a1b2@x", 129, "\"long-a1b2@x\" does not end in the number of a snapshot."),
    ] {
        let answer = test.claudedo(&["restore", name]);
        assert_eq!(answer.status, status);
        assert!(answer.stderr.contains(message), "{answer:#?}");
    }
}

#[test]
fn a_sandbox_has_none_and_a_task_that_never_ran_neither() {
    let test = TestRepository::with_fake();
    test.write_task("apart-a1b2", "title: Apart\nworkspace: sandbox\n");
    test.run(0);
    let answer = test.claudedo(&["snapshots", "create", "apart-a1b2"]);
    assert!(answer.stderr.contains("works in a sandbox, which has none"), "{answer:#?}");
    test.write_task("draft-a1b2", "title: Draft\ndraft: true\n");
    let answer = test.claudedo(&["snapshots", "create", "draft-a1b2"]);
    assert!(answer.stderr.contains("has not run yet"), "{answer:#?}");
}
