//! Runners that are asked to stop, and runners that meet another one.

use rustix::process::Signal;

use crate::support::{Started, TestRepository, eventually};

fn two_tasks(test: &TestRepository) -> Started {
    let wait = test.wait_step("gate");
    test.add_task("one-0001", &["write one.txt 1", &wait]);
    test.add_task("two-0002", &["write two.txt 2", &wait]);
    let runner = test.start(&["run", "--slots", "1"]);
    test.wait_for_output("File written");
    runner
}

fn wait_for_words(runner: &Started, words: &str) {
    eventually(words, || runner.stderr().contains(words).then_some(()));
}

#[test]
fn a_second_runner_says_which_process_is_at_work() {
    let test = TestRepository::with_fake();
    let runner = two_tasks(&test);
    let answer = test.claudedo(&["run"]);
    assert_eq!((answer.status, answer.stdout.as_str()), (3, ""));
    let holder = format!("error: Process {} runs tasks in this repository already.\n", runner.id());
    assert!(answer.stderr.starts_with(&holder), "{answer:#?}");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.fake_starts().len(), 2);
}

#[test]
fn after_one_interrupt_what_runs_ends_and_no_more_starts() {
    for signal in [Signal::INT, Signal::TERM] {
        let test = TestRepository::with_fake();
        let runner = two_tasks(&test);
        runner.signal(signal);
        wait_for_words(&runner, "no new task starts");
        test.release("gate");
        assert_eq!(runner.wait().status, 130);
        assert_eq!(test.history("one-0001"), "claimed finished:done");
        assert_eq!(test.history("two-0002"), "");
        test.run(0);
        assert_eq!(test.history("two-0002"), "claimed finished:done");
    }
}

#[test]
fn after_two_interrupts_what_runs_is_cancelled_recorded_and_kept() {
    let test = TestRepository::with_fake();
    let runner = two_tasks(&test);
    runner.signal(Signal::INT);
    wait_for_words(&runner, "no new task starts");
    runner.signal(Signal::INT);
    assert_eq!(runner.wait().status, 130);
    let record = test.record("one-0001");
    assert_eq!(record["outcome"], "cancelled");
    assert_eq!(test.history("one-0001"), "claimed finished:cancelled");
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(test.git(&["show", &format!("{snapshot}:one.txt")]), "1");
    let name = format!("refs/claudedo/snapshots/{}", record["run"].as_str().unwrap());
    assert_eq!(test.git(&["rev-parse", &name]), snapshot);
    assert_eq!(test.history("two-0002"), "");
    test.assert_no_process_left();
    test.assert_sound();
}

#[test]
fn a_run_without_a_runner_can_be_cancelled() {
    let test = TestRepository::with_fake();
    two_tasks(&test).kill();
    let answer = test.claudedo(&["cancel", "one"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.record("one-0001")["outcome"], "cancelled");
    assert_eq!(test.history("one-0001"), "claimed finished:cancelled");
    assert_eq!(test.run_folders(), Vec::<std::path::PathBuf>::new());
    test.assert_no_process_left();
}
