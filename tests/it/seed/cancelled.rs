//! Cancelling: kept apart from failure, and stronger than anything that the agent says afterwards.

use crate::support::{TestRepository, eventually};

/// Starts a runner on one task and waits until its agent has printed something.
fn at_work(test: &TestRepository) -> crate::support::Started {
    let runner = test.start(&["run"]);
    eventually("the agent prints", || {
        let log = test.run_folders().first()?.join("log.ndjson");
        (std::fs::metadata(log).ok()?.len() > 0).then_some(())
    });
    runner
}

fn assert_cancelled(test: &TestRepository, task: &str) {
    let record = test.record(task);
    assert_eq!(record["outcome"], "cancelled");
    assert_eq!(record["exit_code"], -1);
    assert_eq!(record["error"], "Cancelled.");
    assert_eq!(record["ended_by"], "cancel");
    assert_eq!(record["reason"], serde_json::Value::Null);
    assert_eq!(test.run_file(task, 1, "error.md").unwrap(), b"Cancelled.");
    assert_eq!(test.history(task), "claimed finished:cancelled");
    assert_eq!(test.events(task)[1]["message"], "Task cancelled.");
    test.assert_no_process_left();
}

#[test]
fn a_cancelled_run_is_recorded_as_cancelled_with_code_minus_1_and_not_as_failed() {
    let test = TestRepository::with_fake();
    test.add_task("slow-a1b2", &["write half.txt half", "hang"]);
    let runner = at_work(&test);
    let answer = test.claudedo(&["cancel", "slow"]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, "Cancelled slow-a1b2\n"));
    assert_eq!(runner.wait().status, 2);
    assert_cancelled(&test, "slow-a1b2");
    // Not retried, although there is a session; and what was made is kept aside.
    let snapshot = test.record("slow-a1b2")["workspace"]["snapshot"].as_str().unwrap().to_owned();
    assert_eq!(test.git(&["show", &format!("{snapshot}:half.txt")]), "half");
    assert_eq!(test.claudedo(&["run"]).status, 0);
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn a_cancelled_run_stays_cancelled_when_the_agent_answers_with_success_and_code_0() {
    let test = TestRepository::with_fake();
    test.add_task("slow-a1b2", &["term-success", "hang"]);
    let runner = at_work(&test);
    assert_eq!(test.claudedo(&["cancel", "slow"]).status, 0);
    assert_eq!(runner.wait().status, 2);
    let record = test.record("slow-a1b2");
    assert_eq!(record["exit"], serde_json::json!({"code": 0}));
    assert!(String::from_utf8(test.log("slow-a1b2", 1)).unwrap().contains(r#""subtype":"success""#));
    assert_cancelled(&test, "slow-a1b2");
}

#[test]
fn a_cancelled_run_ends_although_the_agent_ignores_the_signal() {
    let test = TestRepository::with_fake();
    test.set("killGrace", "100ms");
    test.add_task("slow-a1b2", &["ignore-term", "background setsid", "hang"]);
    let runner = at_work(&test);
    assert_eq!(test.claudedo(&["cancel", "slow"]).status, 0);
    assert_eq!(runner.wait().status, 2);
    assert_eq!(test.record("slow-a1b2")["exit"], serde_json::json!({"signal": 9}));
    assert_cancelled(&test, "slow-a1b2");
}

#[test]
fn a_task_that_is_cancelled_in_the_queue_never_runs() {
    let test = TestRepository::with_fake();
    test.add_task("never-a1b2", &[]);
    assert_eq!(test.claudedo(&["cancel", "never"]).status, 0);
    assert_eq!(test.history("never-a1b2"), "cancelled");
    assert_eq!(test.run(0).stdout, "");
    assert_eq!(test.fake_starts().len(), 0);
    let answer = test.claudedo(&["retry", "never", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history("never-a1b2"), "cancelled requested claimed finished:done");
}

#[test]
fn a_task_that_has_ended_is_not_cancelled_any_more() {
    let test = TestRepository::with_fake();
    test.add_task("over-a1b2", &[]);
    test.run(0);
    let answer = test.claudedo(&["cancel", "over"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_eq!(test.history("over-a1b2"), "claimed finished:done");
}

#[test]
fn a_task_that_is_cancelled_while_it_waits_for_a_slot_never_runs() {
    let test = TestRepository::with_fake();
    test.add_task("first-0001", &[&test.wait_step("gate")]);
    test.add_task("second-0002", &[]);
    let runner = test.start(&["run", "--slots", "1", "first", "second"]);
    test.wait_for_start(1);
    assert_eq!(test.claudedo(&["cancel", "second"]).status, 0);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.history("first-0001"), "claimed finished:done");
    assert_eq!(test.history("second-0002"), "cancelled");
    assert_eq!(test.fake_starts().len(), 1);
}
