//! git, moving hundreds of task files at once.

use super::{assert_never_ran, assert_ran_once, draft, soon, wait_for_all, watching};
use crate::support::{TestRepository, task_yaml};

/// How many files a branch brings.
const FILES: usize = 300;

/// Commits drafts and some tasks on a branch of their own, and goes back to `main`.
fn commit_tasks(test: &TestRepository, branch: &str, tasks: &[&str]) {
    test.git(&["checkout", "--quiet", "-b", branch]);
    for number in 0..FILES {
        let path = format!(".claudedo/tasks/{branch}-draft-{number:04}.yaml");
        test.write(&path, &draft(&format!("Draft {number}")));
    }
    for task in tasks {
        test.write(&format!(".claudedo/tasks/{task}.yaml"), &task_yaml(task, &[]));
        assert_eq!(test.claudedo(&["approve", "--yes", task]).status, 0);
    }
    test.git(&["add", ".claudedo"]);
    test.git(&["commit", "--quiet", "--message=Tasks"]);
    test.git(&["checkout", "--quiet", "main"]);
}

#[test]
fn tasks_that_a_checkout_brings_are_run_once_however_often_they_come() {
    let test = TestRepository::with_fake();
    commit_tasks(&test, "many", &["one-0001", "two-0002"]);
    let _watcher = watching(&test, &[]);
    test.git(&["checkout", "--quiet", "many"]);
    assert_ran_once(&test, "one-0001");
    assert_ran_once(&test, "two-0002");
    test.git(&["checkout", "--quiet", "main"]);
    test.git(&["checkout", "--quiet", "many"]);
    wait_for_all(&test, "other-0003");
    assert_ran_once(&test, "one-0001");
    assert_ran_once(&test, "two-0002");
}

#[test]
fn tasks_that_were_stashed_are_run_when_they_are_back() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    for number in 0..FILES {
        test.write_task(&format!("draft-{number:04}"), &draft("Draft"));
    }
    // Without its last line break nothing runs, however slow the machine.
    test.write_task("back-0001", task_yaml("Back", &[]).trim_end());
    test.git(&["stash", "--quiet", "--include-untracked"]);
    wait_for_all(&test, "other-0002");
    assert_never_ran(&test, "back-0001");
    test.git(&["checkout", "--quiet", "stash@{0}^3", "--", ".claudedo/tasks"]);
    test.write_task("back-0001", &task_yaml("Back", &[]));
    assert_eq!(test.claudedo(&["approve", "--yes", "back-0001"]).status, 0);
    assert_ran_once(&test, "back-0001");
}

#[test]
fn a_rebase_that_takes_the_files_away_and_brings_them_back_runs_each_task_once() {
    let test = TestRepository::with_fake();
    commit_tasks(&test, "topic", &["topic-0001"]);
    test.write("more.txt", "more\n");
    test.git(&["add", "more.txt"]);
    test.git(&["commit", "--quiet", "--message=More"]);
    let _watcher = watching(&test, &[]);
    test.git(&["checkout", "--quiet", "topic"]);
    test.git(&["rebase", "--quiet", "main"]);
    assert_ran_once(&test, "topic-0001");
    test.git(&["rebase", "--quiet", "--force-rebase", "main"]);
    wait_for_all(&test, "other-0002");
    assert_ran_once(&test, "topic-0001");
    soon("nothing is left to do", || test.run_folders().is_empty().then_some(()));
}
