//! Slots, priorities, tasks that come after others, and a service that takes none.

use super::{draft, soon, told, wait_for_all, wait_until_done, watching};
use crate::support::{TestRepository, task_yaml};

fn order(test: &TestRepository) -> Vec<String> {
    let mut events = test.stream();
    events.retain(|event| event["event"] == "task_started");
    events.iter().map(|event| event["task"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tasks_that_wait_for_a_slot_run_by_priority_and_after_those_they_come_after() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &["--slots", "1"]);
    test.add_task("first-0001", &[&test.wait_step("gate")]);
    test.wait_for_start(2);
    let with = |title: &str, more: &str| format!("{}{more}\n", task_yaml(title, &[]));
    test.write_task("after-0002", &with("After", "priority: 9\nafter: [low-0003]"));
    test.write_task("low-0003", &with("Low", "priority: -1"));
    test.write_task("high-0004", &with("High", "priority: 5"));
    test.release("gate");
    wait_until_done(&test, "after-0002");
    assert_eq!(order(&test), ["begin-0000", "first-0001", "high-0004", "low-0003", "after-0002"]);
}

#[test]
fn as_many_tasks_run_at_a_time_as_there_are_slots() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &["--slots", "2"]);
    let wait = test.wait_step("gate");
    for task in ["one-0001", "two-0002", "three-0003"] {
        test.add_task(task, &[&wait]);
    }
    test.wait_for_start(3);
    assert_eq!(order(&test).len(), 3);
    test.release("gate");
    for task in ["one-0001", "two-0002", "three-0003"] {
        wait_until_done(&test, task);
    }
    let most = test.stream().iter().filter_map(|event| event["slot"].as_u64()).max();
    assert_eq!(most, Some(2));
}

#[test]
fn a_missing_login_is_asked_about_by_one_task_when_somebody_changes_something() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &["--slots", "2"]);
    let wait = test.wait_step("gate");
    let denied = "result error status=401 terminal_reason=api_error text=Please run /login";
    for task in ["one-0001", "two-0002"] {
        test.add_task(task, &[&wait, denied]);
    }
    test.wait_for_start(3);
    let held = |count: usize| {
        soon(&format!("{count} are held"), || {
            let of = |task| told(&test, task, "task_updated").len();
            (of("one-0001") + of("two-0002") == count).then_some(())
        });
    };
    test.add_task("three-0003", &[]);
    test.release("gate");
    held(2);
    assert_eq!(test.fake_starts().len(), 3);
    test.write_task("draft-0004", &draft("Draft"));
    held(3);
    assert_eq!(test.fake_starts().len(), 4, "one task asks, not one for each slot");
    // Somebody has logged in and says so by any change.
    test.write_task("one-0001", &draft("One"));
    soon("the third task is done or another asks", || (test.fake_starts().len() > 4).then_some(()));
}

#[test]
fn once_it_runs_what_may_run_now_and_ends() {
    let test = TestRepository::with_fake();
    test.add_task("one-0001", &[]);
    test.write_task("draft-0002", &draft("Draft"));
    let answer = test.claudedo(&["watch", "--once"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history("one-0001"), "claimed finished:done");
    assert_eq!(test.claudedo(&["watch", "--once"]).status, 0);
    let _watcher = watching(&test, &[]);
    wait_for_all(&test, "other-0003");
}
