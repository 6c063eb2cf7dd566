//! The watcher without a terminal: started, looked at and stopped from outside.

mod detached;
mod looked_at;
mod stopped;

use serde_json::Value;

use crate::support::{Answer, TestRepository, eventually};

/// Starts a watcher in the background and returns its process id.
fn detach(test: &TestRepository) -> u32 {
    let answer = test.claudedo(&["watch", "--detach", "--json"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(said["watcher"], "started");
    u32::try_from(said["process"].as_u64().unwrap()).unwrap()
}

/// Returns the exit code and the answer of `watch status`.
fn status(test: &TestRepository) -> (i32, Value) {
    let answer = test.claudedo(&["watch", "status", "--json"]);
    (answer.status, serde_json::from_str(&answer.stdout).unwrap())
}

/// Adds two tasks that wait, and returns once the first is at work for a watcher with one slot.
fn at_work(test: &TestRepository) -> u32 {
    test.git(&["config", "--global", "claudedo.slots", "1"]);
    let wait = test.wait_step("gate");
    test.add_task("one-0001", &["write one.txt 1", &wait]);
    test.add_task("two-0002", &["write two.txt 2", &wait]);
    let watcher = detach(test);
    test.wait_for_output("File written");
    watcher
}

fn wait_until_gone(process: u32) {
    eventually("the watcher is gone", || is_gone(process).then_some(()));
}

/// A zombie counts as gone: it has no parent here that waits for it.
fn is_gone(process: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

fn assert_done(answer: &Answer) {
    assert_eq!(answer.status, 0, "{answer:#?}");
}
