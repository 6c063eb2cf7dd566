//! What a person left in a kept worktree is kept before the next agent starts there.
#![expect(clippy::disallowed_methods, reason = "a test writes into worktrees as a person does")]

use std::fs;

use super::{TASK, content, listed};
use crate::support::TestRepository;

/// A task whose agent writes the same file in each run, and fails.
fn failed() -> TestRepository {
    let test = TestRepository::with_fake();
    test.set("retries", "0");
    test.add_task(TASK, &["write a.txt agent", "result error text=red"]);
    test.run(1);
    test
}

#[test]
fn what_a_person_wrote_into_a_kept_worktree_can_be_had_again_after_a_retry() {
    let test = failed();
    let worktree = test.workspace("worktrees", TASK);
    fs::write(worktree.join("a.txt"), b"a person's\r\n\xff").unwrap();
    fs::write(worktree.join("notes.txt"), "also").unwrap();
    let left = content(&worktree);
    let answer = test.claudedo(&["retry", TASK, "--run"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_eq!(fs::read(worktree.join("a.txt")).unwrap(), b"agent\n");
    let all = listed(&test);
    let before = all.iter().find(|one| one["why"] == "before a run").unwrap();
    let name = before["name"].as_str().unwrap();
    assert!(
        test.stream().iter().any(|event| event.to_string().contains(&format!("kept as snapshot {name}")))
    );
    let out = test.root().join("out");
    let restored = test.claudedo(&["restore", name, "--to", out.to_str().unwrap()]);
    assert_eq!(restored.status, 0, "{restored:#?}");
    assert_eq!(content(&out), left);
    test.assert_sound();
}

#[test]
fn a_worktree_that_nobody_touched_since_has_no_snapshot_before_the_next_run() {
    let test = failed();
    assert_eq!(test.claudedo(&["retry", TASK, "--run"]).status, 1);
    let whys: Vec<String> = listed(&test).iter().map(|one| one["why"].to_string()).collect();
    assert!(!whys.iter().any(|why| why.contains("before a run")), "{whys:?}");
}

#[test]
fn a_commit_beside_the_branch_that_a_person_made_is_kept_before_a_follow_up() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", "result ok"]);
    test.run(0);
    let worktree = test.workspace("worktrees", TASK);
    let inside = |words: &[&str]| test.git(&[&["-C", worktree.to_str().unwrap()], words].concat());
    inside(&["checkout", "--quiet", "--detach"]);
    inside(&["commit", "--quiet", "--allow-empty", "--message=Aside"]);
    let aside = inside(&["rev-parse", "HEAD"]);
    let answer = test.claudedo(&[
        "continue",
        TASK,
        "--run",
        "--message",
        "@fake sh git checkout --quiet -f claudedo/long-a1b2",
    ]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let leading = test.git(&["for-each-ref", "--contains", &aside, "--format=%(refname)"]);
    assert!(leading.starts_with("refs/claudedo/snapshots/"), "{leading:?}");
}
