//! Task files that come, change and go.

use std::fs;

use super::{assert_never_ran, assert_ran_once, draft, soon, told, wait_for_all, wait_until_done, watching};
use crate::support::{TestRepository, task_yaml};

#[test]
fn a_new_task_is_run_at_once_and_the_watcher_waits_for_the_next() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    for task in ["one-0001", "two-0002", "three-0003"] {
        test.add_task(task, &["write a.txt 1"]);
        wait_until_done(&test, task);
    }
    let added = test.claudedo(&["add", "Four"]);
    assert_eq!(added.status, 0, "{added:#?}");
    let id = added.stdout.split_whitespace().next().unwrap().to_owned();
    assert_ran_once(&test, &id);
    assert_ran_once(&test, "three-0003");
}

#[test]
fn a_file_somebody_just_wrote_is_run_when_it_has_been_left_alone_without_another_event() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    test.write(".claudedo/tasks/fresh-0001.yaml", &task_yaml("Fresh", &[]));
    assert_ran_once(&test, "fresh-0001");
}

#[test]
fn a_task_that_is_changed_is_run_as_it_is_then() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    test.write_task("later-0001", &draft("Later"));
    wait_for_all(&test, "other-0002");
    assert_never_ran(&test, "later-0001");
    test.write_task("later-0001", &task_yaml("Now", &["write now.txt 1"]));
    assert_ran_once(&test, "later-0001");
    assert_eq!(test.git(&["ls-tree", "--name-only", "claudedo/later-0001"]), "README.md\nnow.txt");
}

#[test]
fn a_task_that_is_removed_before_its_turn_is_not_run() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &["--slots", "1"]);
    test.add_task("first-0001", &[&test.wait_step("gate")]);
    test.wait_for_start(2);
    test.add_task("removed-0002", &[]);
    assert_eq!(test.claudedo(&["rm", "removed"]).status, 0);
    test.release("gate");
    wait_until_done(&test, "first-0001");
    wait_for_all(&test, "other-0003");
    assert_never_ran(&test, "removed-0002");
}

#[test]
fn a_file_is_run_when_a_rename_makes_it_a_task() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    let tasks = test.path().join(".claudedo/tasks");
    test.write_task("inside-0001", &draft("Inside"));
    fs::rename(tasks.join("inside-0001.yaml"), tasks.join("note.txt")).unwrap();
    test.add_task("outside-0002", &[]);
    wait_until_done(&test, "outside-0002");
    test.write("elsewhere.yaml", &task_yaml("Moved here", &[]));
    fs::rename(test.path().join("elsewhere.yaml"), tasks.join("moved-0003.yaml")).unwrap();
    assert_ran_once(&test, "moved-0003");
    fs::rename(tasks.join("outside-0002.yaml"), tasks.join("again-0004.yaml")).unwrap();
    assert_ran_once(&test, "again-0004");
    assert_never_ran(&test, "inside-0001");
}

#[test]
fn a_half_written_file_is_run_once_its_last_line_ends() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    let whole = task_yaml("Half", &["write a.txt 1"]);
    test.write_task("half-0001", whole.trim_end());
    wait_for_all(&test, "other-0002");
    assert_never_ran(&test, "half-0001");
    test.write_task("half-0001", &whole);
    assert_ran_once(&test, "half-0001");
}

#[test]
fn a_file_that_is_no_task_stops_no_other_and_is_run_when_it_is_repaired() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    test.write_task("broken-0001", "title: [\n");
    wait_for_all(&test, "other-0002");
    assert_never_ran(&test, "broken-0001");
    test.write_task("broken-0001", &task_yaml("Repaired", &[]));
    assert_ran_once(&test, "broken-0001");
}

#[test]
fn a_task_is_run_again_when_a_command_asks_for_it() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    wait_for_all(&test, "one-0001");
    assert_eq!(test.claudedo(&["retry", "one"]).status, 0);
    soon("the second run is finished", || {
        (told(&test, "one-0001", "task_finished").len() == 2).then_some(())
    });
    assert_eq!(test.claudedo(&["continue", "one", "--message", "More."]).status, 0);
    soon("the third run is finished", || (told(&test, "one-0001", "task_finished").len() == 3).then_some(()));
    assert_eq!(test.records("one-0001").len(), 3);
}

#[test]
fn an_approved_task_that_a_checkout_brings_needs_not_be_left_alone_first() {
    let test = TestRepository::with_fake();
    test.git(&["switch", "-q", "-c", "theirs"]);
    // Nothing but the approval says that this file is whole.
    let task = task_yaml("Brought", &["write a.txt 1"]);
    test.write(".claudedo/tasks/brought-0001.yaml", task.trim_end());
    test.git(&["add", "-A"]);
    test.git(&["commit", "-qm", "Bring a task"]);
    let approved = test.claudedo(&["approve", "--yes", "brought-0001"]);
    assert_eq!(approved.status, 0, "{approved:#?}");
    test.git(&["switch", "-q", "main"]);
    let _watcher = watching(&test, &[]);
    test.git(&["switch", "-q", "theirs"]);
    assert_ran_once(&test, "brought-0001");
}
