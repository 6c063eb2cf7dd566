//! A wish for a look that meets a runner at its end.

use git_claudedo::store::runner_lock::Presence;
use git_claudedo::store::state_directory::StateDirectory;

use super::{assert_ran_once, wait_for_all, wait_until_done, watching};
use crate::support::TestRepository;

/// How often it is tried; a runner that has nothing left to do lives for some milliseconds.
const TRIES: usize = 20;

#[test]
fn whoever_wakes_a_runner_and_sees_one_can_go_away() {
    let test = TestRepository::with_fake();
    let state = StateDirectory::new(&test.path().join(".git"));
    for number in 0..TRIES {
        let (last, late) = (format!("last-{number:04}"), format!("late-{number:04}"));
        test.add_task(&last, &[]);
        let runner = test.start(&["run"]);
        wait_until_done(&test, &last);
        // From here on the runner may end at any moment.
        test.add_task(&late, &[]);
        state.wake().unwrap();
        if state.load_runner().unwrap() == Presence::Absent {
            test.run(0);
        }
        wait_until_done(&test, &late);
        assert_eq!(runner.wait().status, 0);
    }
}

#[test]
fn an_approval_makes_a_watcher_try_at_once_what_it_could_not_take() {
    let test = TestRepository::with_fake();
    let state = StateDirectory::new(&test.path().join(".git"));
    let watcher = watching(&test, &["--slots=1"]);
    let lock = state.try_lock_task(&"taken-0000".parse().unwrap()).unwrap().unwrap();
    test.add_task("taken-0000", &[]);
    // The first in the queue was tried before this one, and not taken.
    wait_for_all(&test, "later-0000");
    drop(lock);
    let answer = test.claudedo(&["approve", "--revoke", "later-0000"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let answer = test.claudedo(&["approve", "--yes", "later-0000"]);
    assert!(!answer.stderr.contains("No runner"), "{answer:#?}");
    assert_ran_once(&test, "taken-0000");
    watcher.kill();
}
