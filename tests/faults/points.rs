//! The runner dies or meets a broken disk at a named step, and the next start brings order.

use git_claudedo::os::fault::FaultPoint;

use crate::criteria::{Theirs, broken, prepare, unclear, witness_step};
use crate::support::TestRepository;

#[test]
fn a_runner_that_dies_anywhere_is_finished_by_the_next_start() {
    for point in FaultPoint::ALL {
        let test = TestRepository::with_fake();
        prepare(&test);
        test.add_task("work-a1b2", &[&witness_step(&test, "a")]);
        let before = Theirs::of(&test);
        let killed = test
            .program(env!("CARGO_BIN_EXE_git-claudedo"))
            .arg("run")
            .env("CLAUDEDO_FAULT", format!("{}:kill", point.name()))
            .output();
        assert!(!killed.unwrap().status.success(), "the point {} was not met", point.name());
        let answer = test.run(0);
        assert_eq!(test.record("work-a1b2")["outcome"], "done", "after a death at {}", point.name());
        assert_eq!([unclear(&answer), broken(&test, &before)], [Vec::<String>::new(), Vec::new()]);
    }
}
