//! The way of a task over the command line: run, looked at, retried, continued, cancelled.

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
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        done  good  1 file, +1 -0; Done: wrote `a.txt`.
        [stderr]
        [CLOCK] good started in slot 1: Good
        [CLOCK] good done: 1 file, +1 -0; Done: wrote `a.txt`.
        ");
    });
    add(&repository, "bad", "Bad", "demo: fail No way.");
    let answer = repository.claudedo(&["run", "--quiet"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        failed  bad  No way.
        [stderr]
        ");
    });
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
        insta::assert_snapshot!(shown(&repository.claudedo(&["list"])), @r"
        [0]
        good  done  Good  1  -  [DURATION]
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "good"])), @r"
        [0]
        good  Good

        state    done: 1 file, +1 -0; Done: wrote `a.txt`.
        file     [ROOT]/repository/.claudedo/tasks/good.yaml
        branch   refs/heads/claudedo/good
        commit   [OBJECT]
        session  [UUID]
        next     git claudedo diff good

        Description
          demo: say Let me see.
          demo: write a.txt x

        Runs
          1  first  done  [MINUTE]  [DURATION]  -  1 file, +1 -0

        Result
          Done: wrote `a.txt`.
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["logs", "good"])), @r"
        [0]
        ○ demo  session [UUID]
        Let me see.
        ● Write  [ROOT]/state/git-claudedo/repository-[MACHINE]/worktrees/good/a.txt
          Wrote a.txt
        Done: wrote `a.txt`.
        ✓ done
          3 turns · 300 tokens in · 60 tokens out
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["logs", "good", "--run-number=2"])), @r"
        [1]
        [stderr]
        error: Task good has no run 2; its only run is 1.
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["diff", "good"])), @r"
        [0]
        diff --git a/a.txt b/a.txt
        new file mode 100644
        index 0000000..587be6b
        --- /dev/null
        +++ b/a.txt
        @@ -0,0 +1 @@
        +x
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["diff", "good", "--stat", "--", "nothing"])), @r"
        [0]
        [stderr]
        ");
    });
}

#[test]
fn a_log_can_be_read_by_programs() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: say Let me see.\ndemo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
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
        insta::assert_snapshot!(shown(&early), @r"
        [128]
        [stderr]
        error: Task good has not run yet.
        hint: To see where it stands: git claudedo show good
        ");
        insta::assert_snapshot!(shown(&refused), @r"
        [1]
        [stderr]
        warning: Task good is done. 1 file, +1 -0; Done: wrote `a.txt`.
        hint: To run it again: git claudedo retry --run good
        ");
        insta::assert_snapshot!(shown(&retried), @r"
        [0]
        done  good  no change; Done: wrote `a.txt`.
        [stderr]
        ");
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
        insta::assert_snapshot!(shown(&missing), @r#"
        [128]
        [stderr]
        error: failed to find task "nope": there is no such task; `git claudedo list` shows them
        "#);
        insta::assert_snapshot!(shown(&early), @r"
        [128]
        [stderr]
        error: No previous run to continue.
        hint: To run it: git claudedo run good
        ");
        insta::assert_snapshot!(shown(&wordless), @r#"
        [129]
        [stderr]
        error: A follow-up needs a text.
        hint: git claudedo continue good --message "Also handle the empty list"
        "#);
        insta::assert_snapshot!(shown(&blank), @r"
        [1]
        [stderr]
        error: The text is empty; nothing was queued.
        ");
        insta::assert_snapshot!(shown(&queued), @r"
        [0]
        [stderr]
        Queued run 2 of good
        ");
        insta::assert_snapshot!(shown(&listed), @r"
        [0]
        good  queued  Good  1  -  [DURATION]
        [stderr]
        ");
        insta::assert_snapshot!(shown(&ran), @r"
        [0]
        done  good  1 file, +1 -0; Done: wrote `a.txt`.
        [stderr]
        ");
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
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [128]
        [stderr]
        error: Previous run has no session ID — cannot resume.
        hint: To start again: git claudedo retry good
        ");
    });
}

#[test]
fn a_task_in_the_queue_can_be_cancelled() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "");
    let cancelled = repository.claudedo(&["cancel", "good"]);
    let again = repository.claudedo(&["cancel", "good"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&cancelled), @r"
        [0]
        [stderr]
        Cancelled good before it ran
        ");
        insta::assert_snapshot!(shown(&again), @r"
        [0]
        [stderr]
        warning: Task good had ended before: cancelled
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["list"])), @r"
        [0]
        good  cancelled  Good  -  -  [DURATION]
        [stderr]
        ");
    });
}

#[test]
fn records_and_branch_outlive_the_task_file() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "good", "Good", "demo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let removed = repository.claudedo(&["rm", "good"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&removed), @r"
        [0]
        [stderr]
        Removed good; the record of its run and its branch stay
        ");
    });
    assert_eq!(repository.claudedo(&["list"]).stdout, "");
    assert!(repository.claudedo(&["list", "--all"]).stdout.starts_with("good  done"));
    assert_eq!(repository.claudedo(&["logs", "good"]).status, 0);
    assert_eq!(repository.git(&["show", "claudedo/good:a.txt"]), "x");
}

#[test]
fn the_demonstration_shows_the_whole_way_and_leaves_nothing_behind() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["demo"]);
    assert_eq!((answer.status, answer.stdout.matches("$ git claudedo").count()), (0, 6), "{}", answer.stderr);
    assert_eq!(fs::read_dir(repository.root().join("tmp")).unwrap().count(), 0);
    assert!(!repository.path().join(".claudedo").exists());
    let answer = repository.claudedo(&["demo", "--directory", "stage", "--quiet"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let listed = repository.claudedo(&["-C", "stage/project", "list", "--json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut ended: Vec<(&str, &str, u64)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            (task["id"].as_str().unwrap(), task["state"].as_str().unwrap(), task["runs"].as_u64().unwrap())
        })
        .collect();
    ended.sort_unstable();
    let expected = [
        ("colours-2m9c", "done", 1),
        ("flaky-4x8p", "done", 2),
        ("greeting-7k3f", "done", 1),
        ("moon-9d2w", "failed", 1),
        ("translation-5h6t", "done", 1),
    ];
    assert_eq!(ended, expected);
    assert_eq!(repository.claudedo(&["demo", "--directory", "stage"]).status, 128);
}
