//! `git claudedo watch`, by what people, editors and git do to the files while it waits.
//!
//! A watcher looks at everything once a minute, so a test that waited that long would pass although nothing had
//! been heard. These wait for less than that ([`soon`]).
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]
#![expect(clippy::print_stdout, reason = "a test that cannot do its work here says so")]

mod configured;
mod editors;
mod files;
mod moved;
mod queue;
mod raced;
mod stopped;
mod troubled;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Started, TestRepository, eventually, task_yaml};

/// Longer than anything takes, shorter than until a watcher looks by itself.
const SOON: Duration = Duration::from_secs(40);

/// Starts a watcher that has nothing to do and waits until it listens.
fn watching(test: &TestRepository, arguments: &[&str]) -> Started {
    let watcher = test.start(&[&["watch"], arguments].concat());
    // A task that has run says that everything was looked at, and that the watcher waits now.
    test.add_task("begin-0000", &[]);
    wait_until_done(test, "begin-0000");
    watcher
}

/// Waits until something is there, and no longer than a watcher that has missed it would take.
fn soon<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    eventually(what, || {
        assert!(Instant::now() < deadline, "{what}: not before the next full look");
        look()
    })
}

/// Returns the events of this kind that were told of a task.
fn told(test: &TestRepository, task: &str, kind: &str) -> Vec<Value> {
    let mut events = test.stream();
    events.retain(|event| event["event"] == kind && event["task"] == task);
    events
}

fn wait_until_done(test: &TestRepository, task: &str) {
    let finished = || told(test, task, "task_finished").pop();
    let event = soon(&format!("{task} is finished"), finished);
    assert_eq!(event["outcome"], "done", "{event:#}");
}

/// Waits until a task has run that was added last: whatever the watcher did before, it has done by then.
fn wait_for_all(test: &TestRepository, name: &str) {
    test.add_task(name, &[]);
    wait_until_done(test, name);
}

fn assert_never_ran(test: &TestRepository, task: &str) {
    assert_eq!(told(test, task, "task_started"), Vec::<Value>::new());
}

fn assert_ran_once(test: &TestRepository, task: &str) {
    wait_until_done(test, task);
    assert_eq!(test.history(task), "claimed finished:done");
}

/// Returns a task that stays out of the queue.
fn draft(title: &str) -> String {
    format!("{}draft: true\n", task_yaml(title, &[]))
}
