//! The runner dies or meets a broken disk at a named step, and the next start brings order.

use git_claudedo::os::fault::FaultPoint;

use crate::support::TestRepository;

#[test]
fn a_runner_that_dies_anywhere_is_finished_by_the_next_start() {
    for point in FaultPoint::ALL {
        let test = TestRepository::with_fake();
        test.add_task("work", &["write a.txt text"]);
        let killed = test
            .program(env!("CARGO_BIN_EXE_git-claudedo"))
            .arg("run")
            .env("CLAUDEDO_FAULT", format!("{}:kill", point.name()))
            .output();
        assert!(!killed.unwrap().status.success(), "the point {} was not met", point.name());
        test.run(0);
        assert_eq!(test.record("work")["outcome"], "done", "after a death at {}", point.name());
        test.assert_sound();
    }
}
