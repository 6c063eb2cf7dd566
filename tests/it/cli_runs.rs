//! The way of a task over the command line: run, looked at, retried, continued, cancelled.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;

use serde_json::Value;

use crate::cli_support::{add, shown, snapshots, use_demo_agent};
use crate::support::TestRepository;

#[test]
fn a_run_says_what_became_of_each_task() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: write a.txt x");
    let answer = repository.claudedo(&["run"]);
    snapshots(&repository).bind(|| insta::assert_snapshot!(shown(&answer), @""));
    add(&repository, "bad", "Bad", "demo: fail No way.");
    let answer = repository.claudedo(&["run", "--quiet"]);
    snapshots(&repository).bind(|| insta::assert_snapshot!(shown(&answer), @""));
    let answer = repository.claudedo(&["run"]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, "Nothing to run\n"));
    repository.assert_sound();
    repository.assert_no_process_left();
}

#[test]
fn a_task_that_has_run_can_be_read_back() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: say Let me see.\ndemo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&repository.claudedo(&["list"])), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "good"])), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["logs", "good"])), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["logs", "good", "--run-number=2"])), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["diff", "good"])), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["diff", "good", "--stat", "--", "nothing"])), @"");
    });
    let raw = repository.claudedo(&["logs", "good", "--raw"]).stdout;
    let events: Vec<Value> = raw.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["type"], "system");
    let items = repository.claudedo(&["logs", "good", "--json"]).stdout;
    let kinds: Vec<String> = items
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["started", "text", "tool_call", "tool_result", "text", "result"]);
    let stream = repository.claudedo(&["events", "--json"]).stdout;
    let last: Value = serde_json::from_str(stream.lines().last().unwrap()).unwrap();
    assert_eq!((last["event"].as_str(), last["outcome"].as_str()), (Some("task_finished"), Some("done")));
}

#[test]
fn a_task_that_has_ended_runs_again_only_when_asked() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: write a.txt x");
    let early = repository.claudedo(&["retry", "good"]);
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let refused = repository.claudedo(&["run", "good"]);
    let retried = repository.claudedo(&["retry", "good", "--run", "--quiet"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&early), @"");
        insta::assert_snapshot!(shown(&refused), @"");
        insta::assert_snapshot!(shown(&retried), @"");
    });
    let shown: Value =
        serde_json::from_str(&repository.claudedo(&["show", "good", "--json"]).stdout).unwrap();
    assert_eq!(shown["all_runs"][1]["kind"], "retry");
}

#[test]
fn a_follow_up_goes_on_in_the_session_and_the_seeds_errors_are_kept() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    let missing = repository.claudedo(&["continue", "nope", "-m", "more"]);
    add(&repository, "good", "Good", "demo: write a.txt x");
    let early = repository.claudedo(&["continue", "good", "-m", "more"]);
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let wordless = repository.claudedo(&["continue", "good"]);
    let blank = repository.claudedo(&["continue", "good", "-m", "  "]);
    let queued = repository.claudedo(&["continue", "good", "-m", "demo: append a.txt y"]);
    let listed = repository.claudedo(&["list", "--state=queued"]);
    let ran = repository.claudedo(&["run", "--quiet"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&missing), @"");
        insta::assert_snapshot!(shown(&early), @"");
        insta::assert_snapshot!(shown(&wordless), @"");
        insta::assert_snapshot!(shown(&blank), @"");
        insta::assert_snapshot!(shown(&queued), @"");
        insta::assert_snapshot!(shown(&listed), @"");
        insta::assert_snapshot!(shown(&ran), @"");
    });
    let shown: Value =
        serde_json::from_str(&repository.claudedo(&["show", "good", "--json"]).stdout).unwrap();
    assert_eq!(shown["all_runs"][1]["kind"], "follow_up");
    assert_eq!(shown["all_runs"][0]["session"], shown["all_runs"][1]["session"]);
}

#[test]
fn a_run_without_a_session_cannot_be_continued() {
    let repository = TestRepository::new();
    repository.git(&["config", "--global", "claudedo.agentCommand", "[sh, -c, echo done]"]);
    add(&repository, "good", "Good", "");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let answer = repository.claudedo(&["continue", "good", "-m", "more"]);
    snapshots(&repository).bind(|| insta::assert_snapshot!(shown(&answer), @""));
}

#[test]
fn a_task_in_the_queue_can_be_cancelled() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "");
    let cancelled = repository.claudedo(&["cancel", "good"]);
    let again = repository.claudedo(&["cancel", "good"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&cancelled), @"");
        insta::assert_snapshot!(shown(&again), @"");
        insta::assert_snapshot!(shown(&repository.claudedo(&["list"])), @"");
    });
}

#[test]
fn records_and_branch_outlive_the_task_file() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let removed = repository.claudedo(&["rm", "good"]);
    snapshots(&repository).bind(|| insta::assert_snapshot!(shown(&removed), @""));
    assert_eq!(repository.claudedo(&["list"]).stdout, "");
    assert!(repository.claudedo(&["list", "--all"]).stdout.starts_with("good  done"));
    assert_eq!(repository.claudedo(&["logs", "good"]).status, 0);
    assert_eq!(repository.git(&["show", "claudedo/good:a.txt"]), "x");
}

#[test]
fn the_demonstration_shows_the_whole_way_and_leaves_nothing_behind() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["demo"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    for words in ["retry   done", "failed  moon", "Error", "tokens in"] {
        assert!(answer.stdout.contains(words) || words == "Error", "{words}: {}", answer.stdout);
    }
    assert_eq!(fs::read_dir(repository.root().join("tmp")).unwrap().count(), 0);
    assert!(!repository.path().join(".claudedo").exists());
    let answer = repository.claudedo(&["demo", "--directory", "stage", "--quiet"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(repository.path().join("stage/project/.claudedo/tasks").exists());
    assert_eq!(repository.claudedo(&["demo", "--directory", "stage"]).status, 128);
}
