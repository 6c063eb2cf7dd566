//! When a snapshot is taken, of what, and when not.
#![expect(clippy::disallowed_methods, reason = "a test writes into worktrees as an agent does")]

use std::fs;

use super::{TASK, count_objects, kept_all_the_time, listed, newest_ref, wait_for_snapshot_of};
use crate::support::{Started, TestRepository, eventually, kill};

/// Starts a runner on a task that writes a file and waits.
fn at_work(test: &TestRepository) -> Started {
    test.add_task(TASK, &["write first.txt 1", &test.wait_step("gate"), "write second.txt 2"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner
}

#[test]
fn while_a_run_goes_on_what_it_writes_is_kept_tracked_and_untracked() {
    let test = kept_all_the_time();
    let runner = at_work(&test);
    wait_for_snapshot_of(&test, "first.txt", "1\n");
    let worktree = test.workspace("worktrees", TASK);
    fs::write(worktree.join("README.md"), "# Changed\n").unwrap();
    wait_for_snapshot_of(&test, "README.md", "# Changed\n");
    let snapshots = listed(&test);
    assert!(snapshots.len() >= 2, "{snapshots:#?}");
    for (snapshot, number) in snapshots.iter().zip(1..) {
        assert_eq!(snapshot["name"], format!("{TASK}@{number}"));
        assert_eq!(snapshot["why"], "periodic");
    }
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:second.txt")]), "2");
    test.assert_sound();
}

#[test]
fn a_snapshot_says_in_trailers_what_it_is_of_and_follows_the_one_before() {
    let test = kept_all_the_time();
    let runner = at_work(&test);
    wait_for_snapshot_of(&test, "first.txt", "1\n");
    fs::write(test.workspace("worktrees", TASK).join("more.txt"), "more").unwrap();
    wait_for_snapshot_of(&test, "more.txt", "more");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let newest = newest_ref(&test).unwrap();
    let run = newest.rsplit('/').next().unwrap();
    let snapshots = listed(&test);
    let base = test.git(&["rev-parse", "main"]);
    for pair in snapshots.windows(2) {
        let parents = test.git(&["log", "-1", "--format=%P", pair[1]["commit"].as_str().unwrap()]);
        assert_eq!(parents, format!("{} {base}", pair[0]["commit"].as_str().unwrap()));
    }
    let last = snapshots.last().unwrap();
    let trailers = test.git(&["log", "-1", "--format=%(trailers:only)", last["commit"].as_str().unwrap()]);
    let number = last["number"].as_u64().unwrap();
    let expected = format!(
        "Claudedo-Task: {TASK}\nClaudedo-Run: {run}\nClaudedo-Snapshot: {number}\nClaudedo-Reason: periodic\nClaudedo-Tip: {base}"
    );
    assert_eq!(trailers.trim_end(), expected);
}

#[test]
fn where_nothing_changed_nothing_is_written() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let taken = test.claudedo(&["snapshots", "create", TASK]);
    assert_eq!((taken.status, taken.stderr.as_str()), (0, "Took snapshot long-a1b2@1\n"));
    let before = (count_objects(&test), test.git(&["for-each-ref"]));
    for _ in 0..3 {
        let again = test.claudedo(&["snapshots", "create", TASK]);
        assert_eq!(
            (again.status, again.stderr.as_str()),
            (0, "Nothing has changed in the worktree of long-a1b2\n")
        );
    }
    assert_eq!((count_objects(&test), test.git(&["for-each-ref"])), before);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}

#[test]
fn a_run_that_changed_nothing_has_no_snapshot() {
    let test = kept_all_the_time();
    test.add_task(TASK, &["text looking", &test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_output("looking");
    let answer = test.claudedo(&["snapshots", "create", TASK]);
    assert_eq!(answer.stderr, "Nothing has changed in the worktree of long-a1b2\n");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(newest_ref(&test), None);
}

#[test]
fn a_file_that_changes_back_and_forth_within_an_instant_is_read_each_time() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let path = test.workspace("worktrees", TASK).join("first.txt");
    for round in 0..20 {
        let content = format!("{}", round % 10);
        fs::write(&path, &content).unwrap();
        test.claudedo(&["snapshots", "create", TASK]);
        let newest = newest_ref(&test).unwrap();
        assert_eq!(test.git(&["show", &format!("{newest}:first.txt")]), content);
    }
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}

#[test]
fn a_run_that_an_earlier_runner_started_is_kept_too() {
    let test = kept_all_the_time();
    at_work(&test).kill();
    let second = test.start(&["run"]);
    test.wait_for_event("going on with task");
    fs::write(test.workspace("worktrees", TASK).join("later.txt"), "later").unwrap();
    wait_for_snapshot_of(&test, "later.txt", "later");
    test.release("gate");
    assert_eq!(second.wait().status, 0);
    test.assert_sound();
}

#[test]
fn a_lock_that_a_killed_writer_left_is_in_nobodys_way() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    assert_eq!(test.claudedo(&["snapshots", "create", TASK]).status, 0);
    let lock = test.path().join(".git").join(format!("{}.lock", newest_ref(&test).unwrap()));
    fs::write(&lock, "").unwrap();
    fs::write(test.workspace("worktrees", TASK).join("more.txt"), "more").unwrap();
    let answer = test.claudedo(&["snapshots", "create", TASK]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, "Took snapshot long-a1b2@2\n"));
    assert!(!lock.exists());
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}

#[test]
fn several_at_once_get_a_number_each() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let worktree = test.workspace("worktrees", TASK);
    let makers: Vec<Started> = (0..6)
        .map(|number| {
            fs::write(worktree.join(format!("{number}.txt")), "x").unwrap();
            test.start(&["snapshots", "create", TASK])
        })
        .collect();
    for maker in makers {
        let answer = maker.wait();
        assert_eq!(answer.status, 0, "{answer:#?}");
    }
    let numbers: Vec<u64> = listed(&test).iter().map(|one| one["number"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    test.assert_sound();
}

#[test]
fn numbers_go_on_over_all_runs_of_a_task() {
    let test = TestRepository::with_fake();
    test.set("retries", "0");
    test.add_task(TASK, &["sh echo $CLAUDEDO_RUN_NUMBER >> a.txt", "exit 1"]);
    test.run(1);
    test.claudedo(&["retry", TASK]);
    test.run(1);
    let snapshots = listed(&test);
    let summary: Vec<(&str, &str)> =
        snapshots.iter().map(|one| (one["name"].as_str().unwrap(), one["why"].as_str().unwrap())).collect();
    assert_eq!(summary, [("long-a1b2@1", "unfinished work"), ("long-a1b2@2", "unfinished work")]);
    assert_ne!(snapshots[0]["run"], snapshots[1]["run"]);
    let kept: Vec<String> =
        test.records(TASK).iter().map(|one| one["workspace"]["worktree"]["snapshot"].to_string()).collect();
    let named: Vec<String> = snapshots.iter().map(|one| one["commit"].to_string()).collect();
    assert_eq!(kept.len(), named.len());
    test.assert_sound();
}

#[test]
fn a_worktree_that_is_gone_is_told_once_and_ends_nothing() {
    let test = kept_all_the_time();
    let runner = at_work(&test);
    wait_for_snapshot_of(&test, "first.txt", "1\n");
    fs::rename(test.workspace("worktrees", TASK), test.gate("moved")).unwrap();
    test.wait_for_event("no snapshot was taken");
    fs::rename(test.gate("moved"), test.workspace("worktrees", TASK)).unwrap();
    fs::write(test.workspace("worktrees", TASK).join("again.txt"), "again").unwrap();
    wait_for_snapshot_of(&test, "again.txt", "again");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let told =
        test.stream().iter().filter(|event| event.to_string().contains("no snapshot was taken")).count();
    assert_eq!(told, 1);
}

#[test]
fn without_an_interval_none_are_taken() {
    let test = TestRepository::with_fake();
    test.set("snapshotInterval", "never");
    let runner = at_work(&test);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(newest_ref(&test), None);
    let answer = test.claudedo(&["snapshots", TASK]);
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.contains("Task long-a1b2 has no snapshots."), "{}", answer.stderr);
}

#[test]
fn commits_beside_the_branch_are_reachable_from_the_snapshot() {
    let test = kept_all_the_time();
    let beside =
        "sh git checkout -q --detach && echo beside > b.txt && git add b.txt && git commit -qm beside";
    test.add_task(TASK, &[beside, "text committed", &test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_output("committed");
    wait_for_snapshot_of(&test, "b.txt", "beside\n");
    let worktree = test.workspace("worktrees", TASK);
    let head = test.git(&["-C", worktree.to_str().unwrap(), "rev-parse", "HEAD"]);
    eventually("the commit is reachable", || {
        let newest = newest_ref(&test)?;
        let status = test.program("git").args(["merge-base", "--is-ancestor", &head, &newest]).status();
        status.unwrap().success().then_some(())
    });
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
}
