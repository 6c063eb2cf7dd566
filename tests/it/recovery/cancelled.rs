//! Cancels that come at an awkward moment: between two runs, while the work is kept, after a claim broke off.
#![expect(clippy::disallowed_methods, reason = "a test breaks things on purpose")]

use std::fs;

use rustix::process::Signal;

use crate::support::{Started, TestRepository, eventually};

const TASK: &str = "long-a1b2";

fn wait_for_words(runner: &Started, words: &str) {
    eventually(words, || runner.stderr().contains(words).then_some(()));
}

fn assert_cancelled(test: &TestRepository, outcomes: &[&str]) {
    let records = test.records(TASK);
    let found: Vec<_> = records.iter().map(|record| record["outcome"].as_str().unwrap()).collect();
    assert_eq!(found, outcomes);
    assert_eq!(test.history(TASK), "claimed finished:cancelled");
    assert_eq!(test.run_folders(), Vec::<std::path::PathBuf>::new());
    assert_eq!(test.fake_starts().len(), 1);
    test.assert_sound();
}

#[test]
fn a_second_interrupt_between_two_runs_ends_the_task_without_another() {
    let test = TestRepository::with_fake();
    test.set("apiRetryPause", "1h");
    test.add_task(
        TASK,
        &["write half.txt 1", "on-fresh result error status=529 terminal_reason=api_error text=Overloaded"],
    );
    let runner = test.start(&["run"]);
    test.wait_for_event("run 1 failed: Overloaded");
    runner.signal(Signal::INT);
    wait_for_words(&runner, "no new task starts");
    runner.signal(Signal::INT);
    assert_eq!(runner.wait().status, 130);
    test.assert_no_process_left();
    test.run(0);
    assert_cancelled(&test, &["failed", "cancelled"]);
}

#[test]
fn a_cancel_that_comes_while_the_work_is_kept_is_no_success() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    let folder = test.run_folders().remove(0);
    // Whoever keeps the work waits for a lock on its branch.
    let lock = test.path().join(format!(".git/refs/heads/claudedo/{TASK}.lock"));
    fs::write(&lock, "").unwrap();
    test.release("gate");
    eventually("the agent is gone", || folder.join("exit.json").exists().then_some(()));
    let cancel = test.start(&["cancel", TASK]);
    eventually("the wish is written", || folder.join("cancel").exists().then_some(()));
    fs::remove_file(lock).unwrap();
    assert_eq!(cancel.wait().status, 0);
    assert_eq!(runner.wait().status, 2);
    assert_cancelled(&test, &["cancelled"]);
}

#[test]
fn a_claim_that_broke_off_under_a_watcher_is_cancelled_at_once() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate")]);
    let watcher = test.start(&["watch"]);
    test.wait_for_output("File written");
    test.git(&["pack-refs", "--all"]);
    let lock = test.path().join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    test.release("gate");
    wait_for_words(&watcher, "this watcher goes on with it");
    fs::remove_file(lock).unwrap();
    let answer = test.claudedo(&["cancel", TASK]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_cancelled(&test, &["cancelled"]);
    test.add_task("next-c3d4", &[]);
    eventually("the watcher goes on", || {
        (test.history("next-c3d4") == "claimed finished:done").then_some(())
    });
    watcher.signal(Signal::INT);
    assert_eq!(watcher.wait().status, 0);
}
