//! A wish for a look that meets a runner at its end.

use git_claudedo::store::runner_lock::Presence;
use git_claudedo::store::state_directory::StateDirectory;

use super::wait_until_done;
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
