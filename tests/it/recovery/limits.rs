//! What the service does not give: usage, a login, an answer now.

use serde_json::Value;

use crate::support::TestRepository;

/// Returns the Unix time that many seconds from now.
fn in_seconds(seconds: u64) -> u64 {
    u64::try_from(git_claudedo::os::clock::now().unix_seconds()).unwrap() + seconds
}

fn limited(until: u64) -> [String; 4] {
    [
        "write a.txt 1".to_owned(),
        format!("on-fresh rate-limit rejected {until}"),
        "on-fresh result error api_error=usage_limit_reached status=429 text=You've hit your limit"
            .to_owned(),
        "on-resume write b.txt 2".to_owned(),
    ]
}

fn add_limited(test: &TestRepository, task: &str, until: u64) {
    let steps = limited(until);
    test.add_task(task, &steps.each_ref().map(String::as_str));
}

/// Returns a moment of a record, in milliseconds.
fn milliseconds(moment: &Value) -> i64 {
    let moment = serde_json::from_value::<git_claudedo::timestamp::Timestamp>(moment.clone());
    moment.unwrap().unix_milliseconds()
}

#[test]
fn a_usage_limit_holds_the_queue_until_it_is_lifted_and_the_session_goes_on() {
    let test = TestRepository::with_fake();
    let until = in_seconds(3);
    add_limited(&test, "first-0001", until);
    test.add_task("second-0002", &[]);
    let answer = test.claudedo(&["run", "--slots", "1"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history("first-0001"), "claimed held claimed finished:done");
    assert_eq!(test.history("second-0002"), "claimed finished:done");
    let records = test.records("first-0001");
    let outcomes: Vec<&Value> = records.iter().map(|record| &record["outcome"]).collect();
    assert_eq!(outcomes, ["interrupted", "done"]);
    assert_eq!((&records[0]["reason"], &records[1]["kind"]), (&"usage_limit".into(), &"resume".into()));
    assert_eq!(records[0]["agent"]["session"], records[1]["agent"]["session"]);
    assert!(test.fake_starts()[1].arguments().contains(&"--resume".to_owned()));
    let until = i64::try_from(until).unwrap() * 1000;
    for record in [&records[1], &test.record("second-0002")] {
        assert!(milliseconds(&record["started"]) >= until, "{record:#}");
    }
    assert_eq!(test.git(&["ls-tree", "--name-only", "claudedo/first-0001"]), "README.md\na.txt\nb.txt");
}

#[test]
fn a_runner_that_does_not_wait_leaves_held_tasks_to_a_later_one() {
    let test = TestRepository::with_fake();
    add_limited(&test, "first-0001", in_seconds(3600));
    test.add_task("second-0002", &[]);
    let answer = test.claudedo(&["run", "--slots", "1", "--no-wait"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert!(answer.stderr.contains("the agent's usage limit is reached"), "{answer:#?}");
    assert_eq!(test.history("first-0001"), "claimed held");
    assert_eq!(test.history("second-0002"), "");
    // What was made so far is not lost, and the task can be cancelled.
    assert!(test.record("first-0001")["workspace"]["snapshot"].is_string());
    assert_eq!(test.claudedo(&["cancel", "first"]).status, 0);
    assert_eq!(test.history("first-0001"), "claimed held cancelled");
}

#[test]
fn without_a_login_the_queue_is_held_and_no_other_task_fails() {
    let test = TestRepository::with_fake();
    let denied = "on-fresh result error status=401 terminal_reason=api_error text=Please run /login";
    test.add_task("first-0001", &[denied]);
    test.add_task("second-0002", &[]);
    let answer = test.claudedo(&["run", "--slots", "1"]);
    assert_eq!(answer.status, 4, "{answer:#?}");
    assert!(answer.stderr.contains("not logged in"), "{answer:#?}");
    assert_eq!(test.history("first-0001"), "claimed held");
    assert_eq!(test.history("second-0002"), "");
    assert_eq!(test.record("first-0001")["reason"], "login");
    // Once somebody has logged in, a new start goes on.
    assert_eq!(test.claudedo(&["run"]).status, 0);
    assert_eq!(test.history("first-0001"), "claimed held claimed finished:done");
    assert_eq!(test.history("second-0002"), "claimed finished:done");
}

#[test]
fn a_busy_service_is_asked_again_after_a_pause_in_the_same_session() {
    for status in [429, 529] {
        let test = TestRepository::with_fake();
        test.set("apiRetryPause", "700ms");
        let busy = format!("on-fresh result error status={status} terminal_reason=api_error text=Overloaded");
        test.add_task("busy-a1b2", &["text Hm.", &busy]);
        test.run(0);
        let [first, second] = &test.records("busy-a1b2")[..] else { panic!("two runs") };
        assert_eq!((&first["reason"], &second["kind"]), (&"api_unavailable".into(), &"retry".into()));
        assert_eq!(first["agent"]["session"], second["agent"]["session"]);
        let pause = milliseconds(&second["started"]) - milliseconds(&first["finished"]);
        assert!(pause >= 700, "{pause} ms");
    }
}

/// Starts a runner whose only task waits an hour for a busy service.
fn in_a_pause(test: &TestRepository) -> crate::support::Started {
    test.set("apiRetryPause", "1h");
    let busy = "on-fresh result error status=529 terminal_reason=api_error text=Overloaded";
    test.add_task("busy-a1b2", &["write a.txt 1", busy]);
    let runner = test.start(&["run"]);
    test.wait_for_event("run 1 failed: Overloaded");
    runner
}

#[test]
fn a_pause_ends_when_the_task_is_cancelled() {
    let test = TestRepository::with_fake();
    let runner = in_a_pause(&test);
    let answer = test.claudedo(&["cancel", "busy"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(runner.wait().status, 2);
    let [first, second] = &test.records("busy-a1b2")[..] else { panic!("two runs") };
    assert_eq!((&first["outcome"], &second["outcome"]), (&"failed".into(), &"cancelled".into()));
    assert_eq!((&second["exit_code"], &second["error"]), (&(-1).into(), &"Cancelled.".into()));
    assert_eq!(test.history("busy-a1b2"), "claimed finished:cancelled");
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn a_runner_that_is_killed_in_a_pause_loses_nothing() {
    let test = TestRepository::with_fake();
    in_a_pause(&test).kill();
    test.run(0);
    let [first, second] = &test.records("busy-a1b2")[..] else { panic!("two runs") };
    assert_eq!((&first["kind"], &second["kind"]), (&"first".into(), &"retry".into()));
    assert_eq!(first["agent"]["session"], second["agent"]["session"]);
    assert_eq!(test.history("busy-a1b2"), "claimed finished:done");
    assert_eq!(test.git(&["show", "claudedo/busy-a1b2:a.txt"]), "1");
}
