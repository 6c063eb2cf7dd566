//! `kill -9` of the runner, of the supervisor, of everything: the next start brings order.

use git_claudedo::os::process::ProcessIdentity;
use serde_json::Value;

use crate::support::{Started, TestRepository, eventually, kill, task_yaml};

const TASK: &str = "long-a1b2";

/// Starts a runner on a task that writes a file, waits, and writes another one; returns once the first is written.
fn at_work(test: &TestRepository) -> Started {
    let wait = format!("on-fresh {}", test.wait_step("gate"));
    test.add_task(TASK, &["write before.txt 1", &wait, "write after.txt 2"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner
}

fn assert_finished(test: &TestRepository, outcomes: &[(&str, &str)]) -> Vec<Value> {
    let records = test.records(TASK);
    let found =
        records.iter().map(|record| (record["kind"].as_str().unwrap(), record["outcome"].as_str().unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), outcomes);
    assert_eq!(test.history(TASK), "claimed finished:done");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:before.txt")]), "1");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:after.txt")]), "2");
    assert_eq!(test.run_folders(), Vec::<std::path::PathBuf>::new());
    assert_eq!(test.claudedo(&["run"]).status, 0);
    assert_eq!(test.records(TASK).len(), outcomes.len(), "a later start ran it again");
    test.assert_no_process_left();
    test.assert_sound();
    records
}

#[test]
fn a_run_outlives_its_runner_and_the_next_start_finishes_it() {
    let test = TestRepository::with_fake();
    at_work(&test).kill();
    let list = test.claudedo(&["list", "--json"]).stdout;
    let tasks: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(tasks[0]["state"], "running", "{list}");
    test.release("gate");
    test.run(0);
    assert_finished(&test, &[("first", "done")]);
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn a_run_that_goes_on_is_waited_for() {
    let test = TestRepository::with_fake();
    at_work(&test).kill();
    let second = test.start(&["run"]);
    test.wait_for_event("going on with task");
    test.release("gate");
    let answer = second.wait();
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_finished(&test, &[("first", "done")]);
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn a_runner_that_is_killed_while_it_recovers_leaves_the_same_to_the_next() {
    let test = TestRepository::with_fake();
    at_work(&test).kill();
    for count in 1..=2 {
        let runner = test.start(&["run"]);
        eventually("the runner goes on", || {
            let told =
                test.stream().iter().filter(|event| event.to_string().contains("going on with")).count();
            (told == count).then_some(())
        });
        runner.kill();
    }
    test.release("gate");
    test.run(0);
    assert_finished(&test, &[("first", "done")]);
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn all_runs_of_a_killed_runner_are_finished_each_in_its_slot() {
    let test = TestRepository::with_fake();
    let tasks = ["one-0001", "two-0002", "three-0003"];
    for task in tasks {
        test.add_task(task, &["write a.txt 1", &test.wait_step("gate")]);
    }
    let runner = test.start(&["run", "--slots", "3"]);
    test.wait_for_start(3);
    runner.kill();
    test.add_task("four-0004", &[]);
    // Fewer slots than runs that go on: those come first, and nobody is stopped for it.
    let second = test.start(&["run", "--slots", "1"]);
    eventually("the runner goes on with all", || {
        let told = test.stream().iter().filter(|event| event.to_string().contains("going on with")).count();
        (told == 3).then_some(())
    });
    assert_eq!(test.history("four-0004"), "");
    test.release("gate");
    assert_eq!(second.wait().status, 0);
    let mut slots: Vec<u64> = tasks.map(|task| test.record(task)["slot"].as_u64().unwrap()).to_vec();
    slots.sort_unstable();
    assert_eq!(slots, [1, 2, 3]);
    for task in tasks.iter().chain(&["four-0004"]) {
        assert_eq!(test.history(task), "claimed finished:done", "{task}");
    }
    assert_eq!(test.fake_starts().len(), 4);
    test.assert_sound();
}

#[test]
fn without_its_supervisor_the_agent_is_ended_and_goes_on_in_its_session() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    test.run(0);
    assert_resumed(&test);
}

#[test]
fn after_a_kill_of_everything_the_session_goes_on() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    kill(&process["agent"]["pid"]);
    test.run(0);
    assert_resumed(&test);
}

#[test]
fn a_runner_that_lives_notices_that_its_supervisor_was_killed() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    kill(&test.wait_for_process()["supervisor"]["pid"]);
    assert_eq!(runner.wait().status, 0);
    assert_resumed(&test);
}

#[test]
fn a_supervisor_that_is_killed_while_a_later_start_waits_for_its_run_is_noticed() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let process = test.wait_for_process();
    runner.kill();
    let second = test.start(&["run"]);
    test.wait_for_event("going on with task");
    kill(&process["supervisor"]["pid"]);
    assert_eq!(second.wait().status, 0);
    assert_resumed(&test);
}

#[test]
fn a_resumed_run_outlives_its_runner_too() {
    let test = TestRepository::with_fake();
    let wait = format!("on-fresh {}", test.wait_step("never"));
    let wait_again = format!("on-resume {}", test.wait_step("gate"));
    test.add_task(TASK, &["write before.txt 1", &wait, &wait_again, "write after.txt 2"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    let second = test.start(&["run"]);
    test.wait_for_start(2);
    second.kill();
    test.release("gate");
    test.run(0);
    assert_resumed(&test);
}

#[test]
fn a_runner_that_is_killed_while_it_ends_an_orphan_leaves_the_rest_to_the_next() {
    let test = TestRepository::with_fake();
    let ready = test.gate("ready");
    let stubborn =
        format!("background setsid trap '' TERM; touch {}; while :; do sleep 1; done", ready.display());
    let yaml = task_yaml("T", &["write before.txt 1", &stubborn, "on-fresh hang", "write after.txt 2"]);
    test.write_task(TASK, &format!("{yaml}kill_grace: 3s\n"));
    let runner = test.start(&["run"]);
    eventually("the agent is at work", || ready.exists().then_some(()));
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    let agent = process["agent"]["pid"].as_i64().unwrap();
    let second = test.start(&["run"]);
    // The agent goes at once; what ignores SIGTERM has three seconds.
    eventually("the orphan is being ended", || {
        let stat = std::fs::read_to_string(format!("/proc/{agent}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
    second.kill();
    test.run(0);
    assert_finished(&test, &[("first", "interrupted"), ("resume", "done")]);
}

#[test]
fn what_hid_from_the_start_after_a_crash_does_not_keep_the_task_from_going_on() {
    let test = TestRepository::new();
    // Its parents are gone, its environment is empty: only the task's lock, which it inherited, tells whose it is.
    let hide = "setsid env -i sh -c 'sleep 309 & echo $! > \"$0\"' \"$TMPDIR/hidden\" & wait";
    let script = format!("[ -e \"$TMPDIR/hidden\" ] && exit 0; {hide}; exec sleep 300");
    for word in ["sh", "-c", &script] {
        test.git(&["config", "--global", "--add", "claudedo.agentCommand", word]);
    }
    test.write_task(TASK, "title: T\n");
    let runner = test.start(&["run"]);
    let hidden: i32 = eventually("the agent has hidden something", || {
        std::fs::read_to_string(test.gate("hidden")).ok()?.trim().parse().ok()
    });
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    kill(&process["agent"]["pid"]);
    test.run(0);
    let records = test.records(TASK);
    assert_eq!(records[0]["swept"], serde_json::json!([{"pid": hidden, "command": "sleep 309"}]));
    assert!(ProcessIdentity::of(hidden).unwrap().is_none_or(|process| !process.is_alive()));
    assert_eq!(test.history(TASK), "claimed finished:done");
}

fn assert_resumed(test: &TestRepository) {
    let records = assert_finished(test, &[("first", "interrupted"), ("resume", "done")]);
    assert_eq!(records[0]["ended_by"], "supervisor_lost");
    assert_eq!(records[0]["exit"], "unknown");
    assert_eq!(records[0]["exit_code"], -1);
    assert!(records[0]["warnings"].to_string().contains("was killed"), "{:#}", records[0]);
    assert_eq!(records[0]["agent"]["session"], records[1]["agent"]["session"]);
    let starts = test.fake_starts();
    assert_eq!(starts.len(), 2);
    assert!(starts[1].arguments().contains(&"--resume".to_owned()));
    assert!(starts[1].text("stdin").starts_with("The previous run was interrupted"));
}

#[test]
fn what_a_killed_process_left_half_written_goes_with_the_next_start() {
    let test = TestRepository::with_fake();
    test.add_task("ended-c3d4", &["write c.txt 1"]);
    test.run(0);
    let wait = test.wait_step("gate");
    test.add_task(TASK, &["write a.txt 1", &wait]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner.kill();
    let folders =
        [".git/claudedo", ".git/claudedo/cache", ".git/claudedo/trust", ".git/info", ".claudedo/tasks"];
    let (worktree, ended) = (format!(".git/worktrees/{TASK}"), ".git/worktrees/ended-c3d4");
    let files: Vec<String> = folders
        .iter()
        .chain(&[worktree.as_str(), ended])
        .map(|folder| format!("{folder}/.claudedo-x1.tmp"))
        .collect();
    for file in &files {
        test.write(file, "half of a li");
        let file = std::fs::File::options().append(true).open(test.path().join(file)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    test.release("gate");
    test.run(0);
    let left: Vec<&String> = files.iter().filter(|file| test.path().join(file).exists()).collect();
    assert_eq!(left, Vec::<&String>::new());
}

#[test]
fn a_worktree_that_was_only_begun_bars_no_other() {
    let test = TestRepository::with_fake();
    test.set("apiRetryPause", "1h");
    test.add_task(TASK, &["on-fresh result error status=529 terminal_reason=api_error text=Overloaded"]);
    let runner = test.start(&["run"]);
    test.wait_for_event("run 1 failed: Overloaded");
    runner.kill();
    // As after a kill right after git has made the two files and before it has filled the second.
    test.git(&[
        "worktree",
        "remove",
        "--force",
        "--force",
        test.workspace("worktrees", TASK).to_str().unwrap(),
    ]);
    let registration = format!(".git/worktrees/{TASK}");
    test.write(&format!("{registration}/locked"), "initializing\n");
    test.write(&format!("{registration}/gitdir"), "");
    test.add_task("other-c3d4", &["write b.txt 1"]);
    test.run(0);
    for task in [TASK, "other-c3d4"] {
        assert_eq!(test.history(task), "claimed finished:done", "{task}");
    }
    test.assert_sound();
}
