//! Further runs: the retry of a failure, and what a person adds to a task that has ended.

use serde_json::Value;

use crate::support::TestRepository;

/// A script that fails in a new session, after the model was asked, and succeeds in one that goes on.
const FAILS_ONCE: [&str; 3] =
    ["text At work.", "on-fresh result error text=the tests are red", "on-resume write fixed.txt yes"];

fn fields(records: &[Value], name: &str) -> Vec<Value> {
    records.iter().map(|record| record[name].clone()).collect()
}

#[test]
fn a_failure_with_a_session_is_retried_once_in_that_session_and_flagged() {
    let test = TestRepository::with_fake();
    test.add_task("flaky-a1b2", &FAILS_ONCE);
    test.run(0);
    let records = test.records("flaky-a1b2");
    assert_eq!(fields(&records, "number"), [1, 2]);
    assert_eq!(fields(&records, "kind"), ["first", "retry"]);
    assert_eq!(fields(&records, "outcome"), ["failed", "done"]);
    let claim = &records[0]["run"];
    assert_eq!(fields(&records, "claim"), [claim.clone(), claim.clone()]);
    assert_eq!(test.history("flaky-a1b2"), "claimed finished:done");
    let [first, second] = &test.fake_starts()[..] else { panic!("two starts") };
    let session = records[0]["agent"]["session"].as_str().unwrap();
    assert_eq!(words_after(&first.arguments(), "--session-id"), [session]);
    assert_eq!(words_after(&second.arguments(), "--resume"), [session]);
    assert!(!second.arguments().contains(&"--session-id".to_owned()));
    let words = "The previous attempt failed with: the tests are red Try again and fix the issues.";
    assert_eq!(second.text("stdin"), words);
    assert_eq!(first.text("cwd"), second.text("cwd"));
    assert_eq!(fields(&records, "agent")[1]["resumed"], "resumed");
}

fn words_after(arguments: &[String], flag: &str) -> Vec<String> {
    let pairs = arguments.windows(2).filter(|pair| pair[0] == flag);
    pairs.map(|pair| pair[1].clone()).collect()
}

#[test]
fn every_flag_is_given_again_on_a_retry() {
    let test = TestRepository::with_fake();
    let yaml = crate::support::task_yaml("T", &FAILS_ONCE);
    test.write_task("flaky-a1b2", &format!("{yaml}model: opus\nmax_turns: 7\npermission_mode: plan\n"));
    test.run(0);
    for start in test.fake_starts() {
        let arguments = start.arguments();
        assert_eq!(words_after(&arguments, "--model"), ["opus"]);
        assert_eq!(words_after(&arguments, "--max-turns"), ["7"]);
        assert_eq!(words_after(&arguments, "--permission-mode"), ["plan"]);
    }
}

#[test]
fn the_number_of_retries_can_be_chosen() {
    let test = TestRepository::with_fake();
    for (task, retries) in [("never-0000", 0), ("twice-0002", 2)] {
        let yaml = crate::support::task_yaml("T", &["text At work.", "result error text=red"]);
        test.write_task(task, &format!("{yaml}retries: {retries}\n"));
    }
    test.add_task("once-0001", &["text At work.", "result error text=red"]);
    test.run(1);
    for (task, runs) in [("never-0000", 1), ("once-0001", 2), ("twice-0002", 3)] {
        assert_eq!(fields(&test.records(task), "outcome"), vec!["failed"; runs], "{task}");
        assert_eq!(test.history(task), "claimed finished:failed", "{task}");
    }
}

#[test]
fn a_follow_up_gets_the_next_number_the_same_worktree_and_the_same_session() {
    let test = TestRepository::with_fake();
    test.add_task("login-a1b2", &["on-fresh write a.txt 1", "on-resume append a.txt 2"]);
    test.run(0);
    let answer = test.claudedo(&["continue", "login", "--message", " Also the logout. ", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let records = test.records("login-a1b2");
    assert_eq!(fields(&records, "number"), [1, 2]);
    assert_eq!(fields(&records, "kind"), ["first", "follow_up"]);
    assert_eq!(records[0]["agent"]["session"], records[1]["agent"]["session"]);
    assert_eq!(records[1]["workspace"]["base"], records[0]["workspace"]["commit"]);
    let [first, second] = &test.fake_starts()[..] else { panic!("two starts") };
    assert_eq!(second.text("stdin"), "Also the logout.");
    assert_eq!(
        words_after(&second.arguments(), "--resume"),
        [records[0]["agent"]["session"].as_str().unwrap()]
    );
    assert_eq!(first.text("cwd"), second.text("cwd"));
    assert_eq!(test.git(&["show", "claudedo/login-a1b2:a.txt"]), "1\n2");
    assert_eq!(test.history("login-a1b2"), "claimed finished:done requested claimed finished:done");
}

#[test]
fn what_a_run_cost_is_its_own_and_not_that_of_the_whole_session() {
    let test = TestRepository::with_fake();
    test.add_task("dear-a1b2", &["result ok turns=3"]);
    test.run(0);
    test.claudedo(&["continue", "dear", "--message", "More", "--run"]);
    let usages = fields(&test.records("dear-a1b2"), "usage");
    let numbers = ["turns", "input_tokens", "output_tokens"];
    for usage in &usages {
        assert_eq!(numbers.map(|name| usage[name].as_u64().unwrap()), [3, 300, 60], "{usage}");
        let cost = usage["cost_usd"].as_f64().unwrap();
        assert!((cost - 0.0024).abs() < 1e-9, "{usage}");
    }
}

#[test]
fn continuing_a_task_that_does_not_exist_says_that_it_was_not_found() {
    let test = TestRepository::with_fake();
    test.write_task("login-a1b2", "title: T\n");
    let answer = test.claudedo(&["continue", "logout", "--message", "More"]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(answer.stderr, @r#"
        error: failed to find task "logout": there is no such task; `git claudedo list` shows them
        "#);
    });
    assert_eq!((answer.status, answer.stdout.as_str()), (128, ""));
}

#[test]
fn continuing_a_task_that_never_ran_says_that_there_is_no_previous_run() {
    let test = TestRepository::with_fake();
    test.write_task("login-a1b2", "title: T\n");
    let answer = test.claudedo(&["continue", "login", "--message", "More"]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(answer.stderr, @r#"
        error: No previous run to continue.
        hint: To run it: git claudedo run login-[ID]
        "#);
    });
    assert_eq!((answer.status, answer.stdout.as_str()), (128, ""));
}

#[test]
fn continuing_a_run_without_a_session_says_that_it_cannot_be_resumed() {
    let test = TestRepository::with_fake();
    test.write_task("login-a1b2", "title: T\nlist: nowhere\n");
    test.run(1);
    let answer = test.claudedo(&["continue", "login", "--message", "More"]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(answer.stderr, @r#"
        error: Previous run has no session ID — cannot resume.
        hint: To start again: git claudedo retry login-[ID]
        "#);
    });
    assert_eq!((answer.status, answer.stdout.as_str()), (128, ""));
    assert_eq!(test.history("login-a1b2"), "claimed finished:failed");
}

#[test]
fn a_follow_up_makes_its_worktree_anew_where_it_was_removed() {
    let test = TestRepository::with_fake();
    test.set("keepWorktrees", "false");
    test.add_task("login-a1b2", &["on-fresh write a.txt 1", "on-resume write b.txt 2"]);
    test.run(0);
    let worktree = test.workspace("worktrees", "login-a1b2");
    assert!(!worktree.exists());
    let answer = test.claudedo(&["continue", "login", "--message", "More", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(std::path::Path::new(&test.fake_starts()[1].text("cwd")), worktree);
    assert_eq!(test.git(&["ls-tree", "--name-only", "claudedo/login-a1b2"]), "README.md\na.txt\nb.txt");
    test.assert_sound();
}
