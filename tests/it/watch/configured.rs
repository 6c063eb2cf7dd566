//! Settings that change while a watcher waits.

use super::{assert_ran_once, told, wait_for_all, watching};
use crate::support::{TestRepository, task_yaml};

#[test]
fn a_command_in_the_repository_is_run_once_the_user_allows_it() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    let with_tools = format!("{}allowed_tools: [Read]\n", task_yaml("Held", &[]));
    test.write_task("held-0001", &with_tools);
    wait_for_all(&test, "other-0002");
    assert_eq!(told(&test, "held-0001", "task_started").len(), 0);
    test.git(&["config", "claudedo.allowRepositoryCommands", "true"]);
    assert_ran_once(&test, "held-0001");
}

#[test]
fn a_watcher_has_as_many_slots_as_the_configuration_says_now() {
    let test = TestRepository::with_fake();
    test.git(&["config", "claudedo.slots", "1"]);
    let _watcher = watching(&test, &[]);
    let wait = test.wait_step("gate");
    for task in ["one-0001", "two-0002"] {
        test.add_task(task, &[&wait]);
    }
    test.wait_for_start(2);
    assert_eq!(test.stream().iter().filter_map(|event| event["slot"].as_u64()).max(), Some(1));
    test.git(&["config", "claudedo.slots", "2"]);
    test.wait_for_start(3);
    test.release("gate");
    assert_ran_once(&test, "one-0001");
    assert_ran_once(&test, "two-0002");
}
