//! Snapshots of a run: a chain on one ref, which goes as a whole, and whose numbers are not given again.
#![expect(clippy::disallowed_methods, reason = "a test writes into worktrees as an agent does")]

use std::fs;

use crate::snapshots::{TASK, kept_all_the_time, listed, newest_ref, wait_for_snapshot_of};
use crate::support::TestRepository;

/// Lets a run take two snapshots that were asked for, and fail.
fn with_chain() -> TestRepository {
    let test = TestRepository::with_fake();
    test.set("retries", "0");
    test.add_task(TASK, &["write first.txt 1", &test.wait_step("gate"), "result error text=red"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    take(&test);
    fs::write(test.workspace("worktrees", TASK).join("second.txt"), "22").unwrap();
    take(&test);
    test.release("gate");
    assert_eq!(runner.wait().status, 1);
    test
}

fn take(test: &TestRepository) {
    let taken = test.claudedo(&["snapshots", "create", TASK]);
    assert!(taken.stderr.starts_with("Took snapshot "), "{taken:#?}");
}

fn refs(test: &TestRepository) -> String {
    test.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/snapshots"])
}

#[test]
fn the_snapshots_of_a_run_are_kept_and_named_as_one() {
    let test = with_chain();
    let last = listed(&test).last().unwrap()["number"].as_u64().unwrap();
    let name = format!("{TASK}@1-{last}");
    let kept = test.kept("snapshot", &name);
    assert_eq!(kept["verdict"], "stays");
    assert!(kept["because"].to_string().contains(&format!("({TASK}@1)")), "{kept:#}");
    assert_eq!(kept["bytes"], 4, "{kept:#}");
    test.prune(&[]);
    assert_eq!(listed(&test).len() as u64, last);
    let one = test.prune(&["--force", &format!("{TASK}@1")]);
    assert_eq!(one.status, 129, "{one:#?}");
    assert!(one.stderr.contains(&format!("--force {name}")), "{one:#?}");
    assert_eq!(listed(&test).len() as u64, last);
    let all = test.prune(&["--only", "snapshots", "--force", &name]);
    assert!(all.stdout.contains("not at all: it is the only ref"), "{all:#?}");
    assert_eq!(refs(&test), "");
    test.assert_sound();
}

#[test]
fn snapshots_of_the_way_to_what_is_on_the_branch_go() {
    let test = kept_all_the_time();
    test.add_task(TASK, &["write first.txt 1", &test.wait_step("gate"), "write second.txt 2"]);
    let runner = test.start(&["run"]);
    wait_for_snapshot_of(&test, "first.txt", "1\n");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let answer = test.prune(&["--only", "snapshots"]);
    assert!(answer.stdout.contains(&format!("from refs/heads/claudedo/{TASK}")), "{answer:#?}");
    assert_eq!(refs(&test), "");
    assert!(test.workspace("worktrees", TASK).join("first.txt").exists());
    test.assert_sound();
}

#[test]
fn snapshots_with_one_file_on_the_way_that_the_branch_does_not_have_stay_together() {
    let test = kept_all_the_time();
    test.add_task(TASK, &["write first.txt 1", &test.wait_step("gate"), "write second.txt 2"]);
    let runner = test.start(&["run"]);
    wait_for_snapshot_of(&test, "first.txt", "1\n");
    let worktree = test.workspace("worktrees", TASK);
    fs::write(worktree.join("draft.txt"), "draft").unwrap();
    wait_for_snapshot_of(&test, "draft.txt", "draft");
    fs::remove_file(worktree.join("draft.txt")).unwrap();
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let before = (refs(&test), listed(&test));
    let answer = test.prune(&["--only", "snapshots"]);
    assert_eq!(answer.stdout, "", "{answer:#?}");
    assert_eq!((refs(&test), listed(&test)), before);
    let drafts = before.1.iter().filter(|one| {
        let spec = format!("{}:draft.txt", one["commit"].as_str().unwrap());
        test.program("git").args(["cat-file", "-e", &spec]).output().unwrap().status.success()
    });
    assert!(drafts.count() > 0);
}

#[test]
fn a_number_whose_snapshot_was_removed_is_not_given_again() {
    let test = TestRepository::with_fake();
    test.set("retries", "0");
    test.add_task(TASK, &["write first.txt 1", "result error text=red"]);
    test.run(1);
    assert_eq!(test.claudedo(&["retry", TASK, "--run"]).status, 1);
    let numbers = |test: &TestRepository| -> Vec<u64> {
        listed(test).iter().map(|one| one["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&test), [1, 2]);
    let newest = format!("{TASK}@2");
    assert_eq!(test.prune(&["--only", "snapshots", "--force", &newest]).status, 0);
    assert_eq!(numbers(&test), [1]);
    fs::write(test.workspace("worktrees", TASK).join("second.txt"), "2").unwrap();
    take(&test);
    assert_eq!(numbers(&test), [1, 3]);
    let first = format!("{TASK}@1");
    assert_eq!(test.prune(&["--only", "snapshots", "--force", &first]).status, 0);
    assert_eq!(numbers(&test), [3]);
    let gone = test.claudedo(&["restore", &first]);
    assert!(gone.stderr.contains("has no snapshot 1."), "{gone:#?}");
    assert!(newest_ref(&test).is_some());
    test.assert_sound();
}
