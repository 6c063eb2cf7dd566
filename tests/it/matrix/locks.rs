//! Lock files that killed programs left behind: ours and those of git (F31, F32).
//!
//! Locks of refs of ours (F30) are in `tests/it/recovery/disturbed.rs`, the kernel's in `tests/it/supervisor.rs`.
#![expect(clippy::disallowed_methods, reason = "a test breaks things on purpose")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::criteria::{Belongings, assert_clear};
use crate::support::TestRepository;

const TASK: &str = "work-a1b2";

/// Leaves a lock file as a program that was killed an hour ago did.
fn leave(test: &TestRepository, name: &str) -> PathBuf {
    let path = test.path().join(".git").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    path
}

#[test]
fn locks_of_the_users_git_neither_stop_a_task_nor_are_removed() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let locks =
        ["index.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock", "shallow.lock", "FETCH_HEAD.lock"]
            .map(|name| leave(&test, name));
    test.run(0);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    for lock in locks {
        fs::remove_file(lock).unwrap();
    }
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_lock_of_the_packed_refs_is_waited_for_then_named_with_its_age_and_holder_and_left_alone() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    test.git(&["pack-refs", "--all"]);
    let before = Belongings::of(&test);
    let lock = leave(&test, "packed-refs.lock");
    let answer = test.claudedo(&["run"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_clear(
        &answer,
        &[TASK, "packed-refs.lock", "which is 36", "no process has it open", "the next start"],
    );
    assert!(lock.exists());
    assert_eq!(test.fake_starts().len(), 0, "an agent was started without a claim");
    fs::remove_file(lock).unwrap();
    test.run(0);
    assert_eq!(test.history(TASK), "claimed finished:done");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_lock_that_comes_while_the_agent_works_delays_the_record_and_loses_nothing() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate")]);
    let before = Belongings::of(&test);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    test.git(&["pack-refs", "--all"]);
    let lock = leave(&test, "packed-refs.lock");
    // Somebody has it open, as a git that hangs does.
    let holder = fs::File::open(&lock).unwrap();
    test.release("gate");
    let answer = runner.wait();
    assert_eq!(answer.status, 1, "{answer:#?}");
    let open = format!("process {} has it open", std::process::id());
    assert_clear(&answer, &[TASK, "packed-refs.lock", &open]);
    assert!(lock.exists());
    drop(holder);
    fs::remove_file(lock).unwrap();
    test.run(0);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    assert_eq!(test.fake_starts().len(), 1);
    before.assert_order(&test, &[TASK]);
}
