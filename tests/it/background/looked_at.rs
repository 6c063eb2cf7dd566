//! Whether a watcher lives: the lock says so, and the note alone never does.

use std::fs;

use serde_json::json;

use super::{at_work, detach, status};
use crate::cli_support::{shown, snapshots};
use crate::support::{TestRepository, eventually, kill};

#[test]
fn status_tells_what_runs_and_what_waits() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    test.write_task("half-0003", "title: Half");
    let (code, said) = status(&test);
    assert_eq!((code, &said["watching"], &said["runner"]["process"]), (0, &json!(true), &json!(watcher)));
    assert_eq!(said["runner"]["kind"], "watch");
    assert!(said["runner"]["since"].is_string() && said["running"][0]["since"].is_string(), "{said:#}");
    assert_eq!(
        (&said["running"][0]["id"], &said["queued"], &said["held"]),
        (&json!("one-0001"), &json!(1), &json!(1))
    );
    let mut settings = snapshots(&test);
    settings.add_filter(r"process \d+", "process [PID]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&test.claudedo(&["watch", "status"])), @r"
        [0]
        watching, for [DURATION], process [PID]
        running  one-[ID]  [DURATION]
        queued   1
        held     1
        log      [ROOT]/repository/.git/claudedo/watch.log
        [stderr]
        ");
    });
}

#[test]
fn a_watcher_that_was_killed_is_not_running_whatever_its_note_says() {
    let test = TestRepository::with_fake();
    let watcher = detach(&test);
    kill(&json!(watcher));
    let note = fs::read_to_string(test.local("locks/runner")).unwrap();
    assert!(note.contains(&watcher.to_string()), "{note}");
    // The kernel frees a lock when the last thread of its holder is gone.
    let said = eventually("nobody watches", || Some(status(&test)).filter(|(code, _)| *code == 1)).1;
    assert_eq!((&said["watching"], &said["runner"]), (&json!(false), &json!(null)));
    let answer = test.claudedo(&["watch", "stop"]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, "No watcher is running\n"));
    assert_ne!(detach(&test), watcher);
}

#[test]
fn a_runner_that_is_no_watcher_is_named_and_does_not_count() {
    let test = TestRepository::with_fake();
    test.add_task("one-0001", &[&test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_start(1);
    let (code, said) = status(&test);
    assert_eq!((code, &said["watching"], &said["runner"]["kind"]), (1, &json!(false), &json!("run")));
    let answer = test.claudedo(&["watch", "stop"]);
    assert_eq!(answer.status, 3, "{answer:#?}");
    test.release("gate");
    assert_eq!(runner.wait().status, 0, "nobody told it to stop");
}

#[test]
fn asking_changes_nothing_in_a_repository_without_a_watcher() {
    let test = TestRepository::new();
    snapshots(&test).bind(|| {
        insta::assert_snapshot!(shown(&test.claudedo(&["watch", "status"])), @r"
        [1]
        not watching
        queued   0
        held     0
        [stderr]
        hint: To watch: git claudedo watch --detach
        ");
    });
    assert!(!test.local("locks").exists());
}
