//! Several tasks side by side.

use std::collections::BTreeSet;

use crate::support::{TestRepository, eventually};

#[test]
fn three_slots_run_three_tasks_at_a_time_and_the_record_says_which() {
    let test = TestRepository::with_fake();
    let tasks = ["one-0001", "two-0002", "three-0003", "four-0004"];
    let wait = test.wait_step("gate");
    for task in tasks {
        test.add_task(task, &[&wait]);
    }
    let runner = test.start(&["run", "--slots", "3"]);
    test.wait_for_start(3);
    let running = || {
        let answer = test.claudedo(&["list", "--json"]);
        let tasks: Vec<serde_json::Value> = serde_json::from_str(&answer.stdout).unwrap();
        let count = |state: &str| tasks.iter().filter(|task| task["state"] == state).count();
        (count("running"), count("queued"))
    };
    assert_eq!(running(), (3, 1));
    assert_eq!(test.fake_starts().len(), 3);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let records: Vec<_> = tasks.iter().map(|task| test.record(task)).collect();
    let slots: Vec<u64> = records.iter().map(|record| record["slot"].as_u64().unwrap()).collect();
    assert_eq!(slots.iter().collect::<BTreeSet<_>>(), [1, 2, 3].iter().collect());
    // The last one began when another had ended, in its slot.
    let mut starts = test.stream().into_iter().filter(|event| event["event"] == "task_started");
    let last = starts.next_back().unwrap();
    let late = records.iter().find(|record| record["task"] == last["task"]).unwrap();
    let before = records.iter().find(|record| record["slot"] == late["slot"] && record != &late).unwrap();
    assert!(before["finished"].as_str() <= late["started"].as_str());
}

#[test]
fn without_a_number_two_tasks_run_at_a_time_or_as_many_as_the_repository_says() {
    for (config, slots) in [("", 2), ("slots: 1\n", 1)] {
        let test = TestRepository::with_fake();
        test.write(".claudedo/config.yaml", config);
        let wait = test.wait_step("gate");
        for task in ["one-0001", "two-0002", "three-0003"] {
            test.add_task(task, &[&wait]);
        }
        let runner = test.start(&["run"]);
        test.wait_for_start(slots);
        test.release("gate");
        assert_eq!(runner.wait().status, 0);
        let starts = test.stream().into_iter().filter(|event| event["event"] == "task_started");
        let most = starts.map(|event| event["slot"].as_u64().unwrap()).max();
        assert_eq!(most, Some(slots as u64));
    }
}

#[test]
fn a_task_that_is_added_while_others_run_is_taken_by_the_same_runner() {
    let test = TestRepository::with_fake();
    test.add_task("one-0001", &[&test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_start(1);
    test.add_task("late-0002", &[]);
    eventually("the late task has its record", || {
        (test.history("late-0002").contains("finished")).then_some(())
    });
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.history("one-0001"), "claimed finished:done");
}
