//! Supervisors that die before they have done anything.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Answer, TestRepository};

/// Runs a task whose supervisor is a script at first, and the program after it.
fn run_with_supervisor(test: &TestRepository, script: &str) -> Answer {
    let path = test.root().join("supervisor");
    let program = env!("CARGO_BIN_EXE_git-claudedo");
    fs::write(&path, format!("#!/bin/sh\n{script}\nexec '{program}' \"$@\"\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    test.add_task("work-a1b2", &["write a.txt 1"]);
    let mut command = test.program(program);
    command.arg("run").env("CLAUDEDO_FAULT_PROGRAM", path).output().unwrap().into()
}

#[test]
fn one_that_is_killed_at_once_is_started_again() {
    let test = TestRepository::with_fake();
    let once = test.gate("once");
    let answer = run_with_supervisor(&test, &format!("mkdir '{}' 2>/dev/null && kill -9 $$", once.display()));
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(once.exists());
    assert_eq!(test.history("work-a1b2"), "claimed finished:done");
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn one_that_is_killed_each_time_cuts_the_task_off_and_says_so() {
    let test = TestRepository::with_fake();
    let answer = run_with_supervisor(&test, "kill -9 $$");
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert!(answer.stderr.contains("before the agent started"), "{answer:#?}");
    // Nothing of it is the task's failure.
    assert_eq!(test.history("work-a1b2"), "claimed finished:interrupted");
}
