//! Watchers that are told to stop, killed, held up, or not alone.

use rustix::process::Signal;

use super::{assert_ran_once, soon, told, wait_until_done, watching};
use crate::support::{Started, TestRepository};

/// A watcher with one slot, one task at work and one in the queue.
fn at_work(test: &TestRepository) -> Started {
    let watcher = watching(test, &["--slots", "1"]);
    test.add_task("one-0001", &["write one.txt 1", &test.wait_step("gate")]);
    test.wait_for_start(2);
    test.add_task("two-0002", &[]);
    test.wait_for_output("File written");
    watcher
}

fn wait_for_words(watcher: &Started, words: &str) {
    soon(words, || watcher.stderr().contains(words).then_some(()));
}

#[test]
fn a_watcher_with_nothing_to_do_ends_at_once_and_well() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let test = TestRepository::with_fake();
        let watcher = watching(&test, &[]);
        soon("nothing is left to do", || test.run_folders().is_empty().then_some(()));
        watcher.signal(signal);
        let answer = watcher.wait();
        assert_eq!(answer.status, 0, "{answer:#?}");
        assert!(answer.stderr.ends_with("Stopped watching\n"), "{answer:#?}");
        test.assert_no_process_left();
    }
}

#[test]
fn after_one_interrupt_it_waits_for_what_runs_and_says_so() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    watcher.signal(Signal::INT);
    wait_for_words(&watcher, "no new task starts; waiting for those that run (once more to cancel them)");
    test.add_task("late-0003", &[]);
    test.release("gate");
    let answer = watcher.wait();
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history("one-0001"), "claimed finished:done");
    assert_eq!((test.history("two-0002"), test.history("late-0003")), (String::new(), String::new()));
}

#[test]
fn after_two_interrupts_it_cancels_what_runs_and_keeps_what_that_made() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    watcher.signal(Signal::INT);
    wait_for_words(&watcher, "no new task starts");
    watcher.signal(Signal::INT);
    let answer = watcher.wait();
    assert_eq!(answer.status, 130, "{answer:#?}");
    assert!(answer.stderr.contains("cancelling what runs; everything is kept"), "{answer:#?}");
    assert_eq!(test.history("one-0001"), "claimed finished:cancelled");
    let snapshot = test.record("one-0001")["workspace"]["snapshot"].as_str().unwrap().to_owned();
    assert_eq!(test.git(&["show", &format!("{snapshot}:one.txt")]), "1");
    test.assert_no_process_left();
}

#[test]
fn a_second_watcher_says_who_watches() {
    let test = TestRepository::with_fake();
    let watcher = watching(&test, &[]);
    for arguments in [&["watch"][..], &["run"], &["watch", "--once"]] {
        let answer = test.claudedo(arguments);
        assert_eq!(answer.status, 3, "{answer:#?}");
        let holder = format!("Process {} runs tasks in this repository already.", watcher.id());
        assert!(answer.stderr.contains(&holder), "{answer:#?}");
    }
}

#[test]
fn a_watcher_that_was_killed_is_followed_by_one_that_goes_on() {
    let test = TestRepository::with_fake();
    let watcher = at_work(&test);
    watcher.kill();
    let _next = test.start(&["watch", "--slots", "1"]);
    test.wait_for_event("going on with task one-0001");
    test.release("gate");
    assert_ran_once(&test, "one-0001");
    assert_ran_once(&test, "two-0002");
    assert_eq!(test.record("one-0001")["outcome"], "done");
}

#[test]
fn what_happens_while_it_is_held_up_is_seen_afterwards() {
    let test = TestRepository::with_fake();
    let watcher = watching(&test, &[]);
    watcher.signal(Signal::STOP);
    let tasks: Vec<String> = (0..20).map(|number| format!("held-up-{number:04}")).collect();
    for task in &tasks {
        test.add_task(task, &[]);
    }
    watcher.signal(Signal::CONT);
    for task in &tasks {
        wait_until_done(&test, task);
        assert_eq!(told(&test, task, "task_started").len(), 1);
    }
}
