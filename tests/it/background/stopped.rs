//! Stopping a watcher that is somewhere else, with agents at work.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use super::{assert_done, at_work, detach, is_gone, status, wait_until_gone};
use crate::support::{Started, TestRepository, eventually};

/// Starts `watch stop` and returns once it has told the watcher and waits.
fn stopping(test: &TestRepository) -> Started {
    let stop = test.start(&["watch", "stop"]);
    eventually("it waits", || stop.stderr().contains("starts no more tasks").then_some(()));
    stop
}

#[test]
fn what_runs_is_waited_for_and_nothing_new_starts() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    let stop = stopping(&test);
    assert!(stop.stderr().contains(&format!(
        "Process {watcher} starts no more tasks and ends after those that run: one-0001\n"
    )));
    assert_eq!(status(&test).0, 0, "it is still there");
    test.release("gate");
    let answer = stop.wait();
    assert_done(&answer);
    assert!(answer.stderr.ends_with(&format!("Stopped process {watcher}\n")), "{answer:#?}");
    assert_eq!(test.history("one-0001"), "claimed finished:done");
    assert_eq!(test.history("two-0002"), "");
    test.assert_no_process_left();
}

#[test]
fn to_stop_twice_cancels_nothing() {
    let test = TestRepository::with_fake();
    at_work(&test);
    let stops = [stopping(&test), stopping(&test), stopping(&test)];
    test.release("gate");
    for stop in stops {
        assert_done(&stop.wait());
    }
    assert_eq!(test.history("one-0001"), "claimed finished:done");
    assert_eq!(test.history("two-0002"), "");
}

#[test]
fn an_interrupt_of_the_waiting_leaves_the_watcher_to_its_end() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    let stop = stopping(&test);
    stop.signal(Signal::INT);
    assert_eq!(stop.wait().status, -1, "ended by the signal, as a shell expects");
    assert!(!is_gone(watcher));
    test.release("gate");
    wait_until_gone(watcher);
    assert_eq!(test.history("one-0001"), "claimed finished:done");
    assert_eq!(test.history("two-0002"), "");
}

#[test]
fn what_runs_is_cancelled_on_request_recorded_and_kept() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    // Somebody waits for a quiet end already; the stronger wish is for both.
    let patient = stopping(&test);
    let answer = test.claudedo(&["watch", "stop", "--cancel", "--json"]);
    assert_done(&answer);
    let said: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(said, json!({"process": watcher, "stopped": true}));
    assert_done(&patient.wait());
    let record = test.record("one-0001");
    assert_eq!(record["outcome"], "cancelled");
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(test.git(&["show", &format!("{snapshot}:one.txt")]), "1");
    assert_eq!(test.history("two-0002"), "");
    test.assert_no_process_left();
    test.assert_sound();
}

#[test]
fn a_watcher_that_is_left_at_once_hands_its_runs_to_the_next() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    let answer = test.claudedo(&["watch", "stop", "--leave"]);
    assert_done(&answer);
    assert!(answer.stderr.contains("Left at work: one-0001\n"), "{answer:#?}");
    wait_until_gone(watcher);
    assert_eq!(status(&test).0, 1);
    detach(&test);
    test.wait_for_event("going on with task");
    test.release("gate");
    eventually("both are done", || {
        let done = |task| test.history(task) == "claimed finished:done";
        (done("one-0001") && done("two-0002")).then_some(())
    });
    assert_eq!(test.fake_starts().len(), 2, "no agent was started twice");
    assert_done(&test.claudedo(&["watch", "stop"]));
    test.assert_no_process_left();
}

#[test]
fn without_waiting_the_answer_comes_at_once() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    let answer = test.claudedo(&["watch", "stop", "--no-wait", "--json"]);
    assert_done(&answer);
    let said: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(said, json!({"process": watcher, "stopped": false}));
    test.release("gate");
    wait_until_gone(watcher);
    assert_eq!(test.history("two-0002"), "");
}

#[test]
fn a_suspended_watcher_hears_that_it_is_to_stop() {
    let test = TestRepository::with_fake();
    let watcher = detach(&test);
    let pid = rustix::process::Pid::from_raw(i32::try_from(watcher).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::STOP).unwrap();
    assert_done(&test.claudedo(&["watch", "stop"]));
    wait_until_gone(watcher);
}

#[test]
fn a_watcher_in_a_terminal_can_be_stopped_as_well() {
    let test = TestRepository::with_fake();
    let watcher = test.start(&["watch"]);
    eventually("it watches", || (status(&test).0 == 0).then_some(()));
    assert_done(&test.claudedo(&["watch", "stop"]));
    assert_eq!(watcher.wait().status, 0);
}

#[test]
fn a_process_that_does_not_hold_the_lock_is_never_signalled() {
    let test = TestRepository::with_fake();
    let watcher = detach(&test);
    assert_done(&test.claudedo(&["watch", "stop"]));
    wait_until_gone(watcher);
    let mut stranger = test.program("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap();
    let mut lock = File::options().write(true).truncate(true).open(test.local("locks/runner")).unwrap();
    writeln!(lock, r#"{{"process":{},"kind":"watch"}}"#, stranger.id()).unwrap();
    // An old note, and nobody holds the lock.
    for words in [&["watch", "stop"][..], &["watch", "stop", "--cancel"], &["watch", "stop", "--leave"]] {
        let answer = test.claudedo(words);
        assert_eq!((answer.status, answer.stderr.as_str()), (0, "No watcher is running\n"));
    }
    // The lock is held, and by somebody else than the note says.
    lock.try_lock().unwrap();
    for words in [&["watch", "stop"][..], &["watch", "stop", "--cancel"], &["watch", "stop", "--leave"]] {
        let answer = test.claudedo(words);
        assert_eq!(answer.status, 128, "{answer:#?}");
        let named = format!("not proven to be process {}", stranger.id());
        assert!(answer.stderr.contains(&named), "{answer:#?}");
    }
    assert_eq!(stranger.try_wait().unwrap(), None, "it still sleeps");
    fs::write(test.local("locks/runner"), "").unwrap();
    assert_eq!(test.claudedo(&["watch", "stop"]).status, 128, "a holder without a note");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}
