//! What is going on, as `git claudedo status` tells it: for people, for prompts, for programs.

use std::fs;

use git_claudedo::store::runner_lock::RunnerKind;
use git_claudedo::store::state_directory::StateDirectory;
use serde_json::Value;

use crate::cli_support::{claudedo_in, program, shown, snapshots, use_demo_agent};
use crate::support::{Answer, TestRepository};

/// A repository with a task that is done, one that is merged, one that changed nothing and one that failed.
fn with_ended_tasks() -> TestRepository {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    repository.set("retries", "0");
    for (id, description) in [
        ("finished", "demo: write a.txt x"),
        ("merged", "demo: write b.txt x"),
        ("unchanged", "demo: say Nothing to do."),
    ] {
        repository.write_task(id, &format!("title: The task {id}\ndescription: '{description}'\n"));
    }
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    repository.git(&["merge", "--quiet", "claudedo/merged"]);
    repository.set("agentCommand", "[false]");
    repository.write_task("broken-off", "title: The task that fails\n");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 1);
    repository
}

fn status(repository: &TestRepository, arguments: &[&str]) -> Answer {
    repository.claudedo(&[&["status"], arguments].concat())
}

fn json(repository: &TestRepository) -> Value {
    let answer = status(repository, &["--json"]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
    serde_json::from_str(&answer.stdout).unwrap()
}

/// Returns the lines of `--porcelain` that count something.
fn counts(answer: &Answer) -> String {
    let is_zero = |line: &&str| line.ends_with(" 0");
    answer.stdout.lines().filter(|line| !is_zero(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn without_a_task_it_says_how_to_begin_and_writes_nothing() {
    let repository = TestRepository::new();
    insta::assert_snapshot!(shown(&status(&repository, &[])), @r#"
    [0]
    Runner: none
      (use "git claudedo watch" to run tasks as they come)
      (use "git claudedo hooks install" to run them when they are committed)

    No tasks yet.
      (use "git claudedo add" to write one down)
    [stderr]
    "#);
    assert_eq!(status(&repository, &["--exit-code"]).status, 0);
    assert!(!repository.local("locks").exists() && !repository.local("machine").exists());
}

#[test]
fn what_has_ended_waits_for_a_review_until_it_is_merged_or_its_branch_is_gone() {
    let repository = with_ended_tasks();
    let screen = status(&repository, &[]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&screen), @r#"
    [0]
    Runner: none
      (use "git claudedo watch" to run tasks as they come)
      (use "git claudedo hooks install" to run them when they are committed)

    Finished and not merged (1):
      (use "git claudedo diff TASK" to review it)
      (use "git merge claudedo/TASK" to take it)
      (use "git claudedo prune --force TASK" and "git branch -D claudedo/TASK" to drop it)
      finished  1 file, +1 -0  [DURATION]  The task finished

    Failed (1):
      (use "git claudedo logs TASK" to see why)
      (use "git claudedo retry TASK" to try again)
      (use "git claudedo rm TASK" to give it up)
      broken-[ID]  failed  [DURATION]  the agent ended with code 1

    Kept: 4 worktrees of tasks that have ended
      (use "git claudedo prune" to give their room back, "git claudedo list --kept" to see why one stays)
    [stderr]
    "#);
    });
    let first = status(&repository, &["--porcelain"]);
    assert_eq!(counts(&first), "version 1\nrunner none - -\nattention 2\nreview 1\nfailed 1");
    assert_eq!(status(&repository, &["--exit-code", "--porcelain"]).status, 1);
    // The second look is from the cache, and what is merged by rebasing counts as well.
    // A second may have passed.
    assert_eq!(counts(&status(&repository, &["--porcelain"])), counts(&first));
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=More"]);
    let worktree = repository.workspace("worktrees", "finished");
    repository.git(&["-C", worktree.to_str().unwrap(), "rebase", "--quiet", "main"]);
    assert_eq!(json(&repository)["review"][0]["id"], "finished");
    repository.git(&["merge", "--quiet", "--ff-only", "claudedo/finished"]);
    assert_eq!(json(&repository)["review"], Value::Array(Vec::new()));
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(json(&repository)["review"][0]["id"], "finished");
    repository.git(&["worktree", "remove", worktree.to_str().unwrap()]);
    repository.git(&["branch", "--quiet", "-D", "claudedo/finished"]);
    assert_eq!(json(&repository)["review"], Value::Array(Vec::new()));
}

#[test]
fn every_reason_to_hold_a_task_has_its_part() {
    let repository = with_ended_tasks();
    repository.write_task("next", "title: Next\npriority: 5\n");
    repository.write_task("later", "title: Later\n");
    repository.write_task("waits", "title: x\nafter: [next]\n");
    repository.write_task("waits-in-vain", "title: x\nafter: [broken-off]\n");
    repository.write_task("typing", "title: x");
    repository.write_task("refused", "title: x\nchecks: ['true']\n");
    repository.write_task("draft", "title: x\ndraft: true\n");
    repository.write_task("misspelt", "title: x\ntitel: x\n");
    repository.write_task("Bad Name", "title: x\n");
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&status(&repository, &[])), @r#"
    [0]
    Runner: none
      (use "git claudedo run" to run what is queued)
      (use "git claudedo watch" to run tasks as they come)
      (use "git claudedo hooks install" to run them when they are committed)

    Queued (2):
      next   Next
      later  Later

    Held for good (2):
      (use "git claudedo edit TASK" to change what it waits for or asks for)
      refused        checks from .claudedo/tasks/refused.yaml are not run by this version; remove them to run the task without.
      waits-in-[ID]  Waits for broken-[ID], which ended without being done.

    Waiting for other tasks (1):
      waits  Waits for next, which is not done yet.

    Still being written (1):
      typing  Its file does not end in a newline, so somebody may still be writing it.

    Files that cannot be read (2):
      (use "git claudedo edit TASK" to mend one, "git claudedo list" to see how)
      .claudedo/tasks/Bad Name.yaml    the file's name is no task id: only lowercase letters, digits and hyphens are allowed
      .claudedo/tasks/misspelt.yaml:2  unknown key "titel"

    Finished and not merged (1):
      (use "git claudedo diff TASK" to review it)
      (use "git merge claudedo/TASK" to take it)
      (use "git claudedo prune --force TASK" and "git branch -D claudedo/TASK" to drop it)
      finished  1 file, +1 -0  [DURATION]  The task finished

    Failed (1):
      (use "git claudedo logs TASK" to see why)
      (use "git claudedo retry TASK" to try again)
      (use "git claudedo rm TASK" to give it up)
      broken-[ID]  failed  [DURATION]  the agent ended with code 1

    Kept: 4 worktrees of tasks that have ended
      (use "git claudedo prune" to give their room back, "git claudedo list --kept" to see why one stays)
    [stderr]
    "#);
        insta::assert_snapshot!(counts(&status(&repository, &["--porcelain"])), @"
    version 1
    runner none - -
    attention 7
    queued 2
    waiting 2
    held 2
    invalid 2
    review 1
    failed 1
    draft 1
    ");
    });
    let held = &json(&repository)["held"];
    assert_eq!(held.as_array().unwrap().len(), 4, "{held:#}");
}

#[test]
fn a_run_and_its_runner_are_seen_while_they_are_at_work() {
    let repository = TestRepository::with_fake();
    repository.add_task("slow", &["text I begin.", &repository.wait_step("gate")]);
    repository.write_task("after-it", "title: After it\nafter: [slow]\n");
    let runner = repository.start(&["run", "--slots=1"]);
    repository.wait_for_event("I begin.");
    let screen = status(&repository, &[]);
    let porcelain = counts(&status(&repository, &["--porcelain"]));
    let answer = json(&repository);
    let process = runner.id();
    repository.release("gate");
    assert_eq!(runner.wait().status, 0);
    let mut settings = snapshots(&repository);
    settings.add_filter(&process.to_string(), "[PROCESS]");
    settings.add_filter(r"\b1\d{9}\b", "[SECONDS]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&screen), @r#"
    [0]
    Runner: run, process [PROCESS], for [DURATION]

    Running (1):
      (use "git claudedo logs --follow TASK" to look on)
      (use "git claudedo cancel TASK" to end it)
      slow  run 1  slot 1  [DURATION]  I begin.

    Waiting for other tasks (1):
      after-[ID]  Waits for slow, which is not done yet.
    [stderr]
    "#);
        insta::assert_snapshot!(porcelain, @"
    version 1
    runner run [PROCESS] [SECONDS]
    running 1
    waiting 1
    ");
    });
    assert_eq!(answer["runner"]["kind"], "run");
    assert_eq!(answer["running"][0]["slot"], 1);
    assert_eq!(status(&repository, &["--porcelain"]).stdout.lines().nth(1), Some("runner none - -"));
}

#[test]
fn a_watcher_is_told_by_its_kind_and_an_interrupted_task_waits_for_it() {
    let repository = TestRepository::with_fake();
    repository.add_task("cut", &[&repository.wait_step("gate")]);
    let runner = repository.start(&["run"]);
    let process = repository.wait_for_process();
    runner.kill();
    for who in ["supervisor", "agent"] {
        crate::support::kill(&process[who]["pid"]);
    }
    let counted = || counts(&status(&repository, &["--porcelain"]));
    assert_eq!(counted(), "version 1\nrunner none - -\nattention 1\ninterrupted 1");
    let state = StateDirectory::new(repository.local("").parent().unwrap());
    let lock = state.try_lock_runner(RunnerKind::Watch).unwrap().unwrap();
    let mut settings = snapshots(&repository);
    settings.add_filter(&std::process::id().to_string(), "[PROCESS]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&status(&repository, &[])), @"
    [0]
    Runner: watch, process [PROCESS], for [DURATION]

    Interrupted (1):
      cut  cut
    [stderr]
    ");
    });
    drop(lock);
}

#[test]
fn hints_go_away_as_those_of_git_do() {
    let repository = TestRepository::new();
    repository.write_task("next", "title: Next\n");
    let plain = "Runner: none\n\nQueued (1):\n  next  Next\n";
    assert_ne!(status(&repository, &[]).stdout, plain);
    let mut command = program(&repository);
    command.arg("status").env("GIT_ADVICE", "0");
    assert_eq!(Answer::from(command.output().unwrap()).stdout, plain);
    repository.git(&["config", "advice.statusHints", "false"]);
    assert_eq!(status(&repository, &[]).stdout, plain);
}

#[test]
fn a_long_queue_is_cut_and_verbose_shows_it_with_the_disk_used() {
    let repository = TestRepository::new();
    for number in 1..=7 {
        repository.write_task(&format!("task-{number}"), "title: x\n");
    }
    let screen = status(&repository, &[]).stdout;
    assert!(screen.ends_with("  task-5  x\n  … and 2 more\n"), "{screen}");
    let verbose = status(&repository, &["--verbose"]).stdout;
    assert!(verbose.contains("  task-7  x\n") && verbose.contains("\nDisk used: "), "{verbose}");
}

#[test]
fn porcelain_is_never_coloured_and_may_end_lines_with_nul() {
    let repository = TestRepository::new();
    repository.write_task("next", "title: Next\n");
    insta::assert_snapshot!(status(&repository, &["--porcelain=v1", "--color=always"]).stdout, @"
    version 1
    runner none - -
    attention 0
    running 0
    queued 1
    waiting 0
    limited 0
    held 0
    untrusted 0
    invalid 0
    interrupted 0
    elsewhere 0
    review 0
    failed 0
    draft 0
    ");
    let nul = status(&repository, &["--porcelain", "-z"]).stdout;
    assert_eq!(nul.replace('\0', "\n"), status(&repository, &["--porcelain"]).stdout);
    assert!(!nul.contains('\n'));
    for wrong in [["--porcelain=v2"].as_slice(), &["-z"], &["--porcelain", "--json"]] {
        assert_eq!(status(&repository, wrong).status, 129, "{wrong:?}");
    }
}

#[test]
fn it_answers_wherever_there_is_a_repository() {
    let repository = with_ended_tasks();
    let bare = repository.root().join("bare.git");
    repository.git(&["clone", "--quiet", "--mirror", ".", bare.to_str().unwrap()]);
    let linked = repository.root().join("linked");
    repository.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "main~1"]);
    let counted = |folder| counts(&claudedo_in(&repository, folder, &["status", "--porcelain"]));
    // Where no task has a file nobody waits for a failed one; what is merged depends on what is checked out.
    assert_eq!(counted(&bare), "version 1\nrunner none - -\nattention 1\nreview 1");
    assert_eq!(counted(&linked), "version 1\nrunner none - -\nattention 2\nreview 2");
    let unborn = repository.root().join("unborn");
    fs::create_dir(&unborn).unwrap();
    assert_eq!(claudedo_in(&repository, &unborn, &["status"]).status, 128);
    repository.git(&["init", "--quiet", unborn.to_str().unwrap()]);
    assert_eq!(counted(&unborn), "version 1\nrunner none - -");
}
