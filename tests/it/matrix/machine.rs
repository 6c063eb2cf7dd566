//! The machine around the program: limits, clocks, sleep, a home that is not there (F06, F18, F19, F26, F27).
#![expect(clippy::disallowed_methods, reason = "a test starts programs and rewrites records")]

use std::io::Write as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::criteria::{Belongings, assert_clear};
use crate::support::{Answer, TestRepository, eventually};

const TASK: &str = "work-a1b2";

#[test]
fn with_too_few_open_files_a_runner_says_so_at_once_and_claims_nothing() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    for limit in [7, 12, 16, 255] {
        let script = format!("ulimit -n {limit}; exec git-claudedo run");
        let answer = Answer::from(test.program("sh").args(["-c", &script]).output().unwrap());
        assert_eq!(answer.status, 128, "{answer:#?}");
        assert_clear(&answer, &["open files: at least 256 are needed", "ulimit -n 1024"]);
    }
    assert_eq!(test.history(TASK), "");
    let script = "ulimit -n 256; exec git-claudedo run";
    let answer = Answer::from(test.program("sh").args(["-c", script]).output().unwrap());
    assert_eq!(answer.status, 0, "{answer:#?}");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn of_many_runners_that_start_in_one_instant_each_task_gets_one_run() {
    let test = TestRepository::with_fake();
    let tasks = ["one-0001", "two-0002", "three-0003"];
    for task in tasks {
        test.add_task(task, &["write a.txt 1"]);
    }
    let before = Belongings::of(&test);
    let runners: Vec<_> = (0..8).map(|_| test.start(&["run"])).collect();
    for runner in runners {
        let answer = runner.wait();
        assert!([0, 3].contains(&answer.status), "{answer:#?}");
        assert_clear(&answer, &[]);
    }
    assert_eq!(test.fake_starts().len(), tasks.len());
    for task in tasks {
        assert_eq!(test.history(task), "claimed finished:done");
    }
    before.assert_order(&test, &tasks);
}

/// Moves every moment in a task's records by whole years, as a machine with a wrong clock writes them.
fn redate(test: &TestRepository, task: &str, from: &str, to: &str) {
    let name = test.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
    let index = test.gate("private-index");
    let git = |arguments: &[&str], input: Option<&[u8]>| {
        let mut command = test.program("git");
        command.args(arguments).env("GIT_INDEX_FILE", &index).stdout(Stdio::piped());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.unwrap_or_default()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    git(&["read-tree", &name], None);
    let folder = format!("tasks/{}/{task}/", &task[task.len() - 2..]);
    for path in git(&["ls-files"], None).lines().filter(|path| path.starts_with(&folder)) {
        if !path.ends_with("json") {
            continue;
        }
        let old = git(&["cat-file", "blob", &format!("{name}:{path}")], None);
        assert!(old.contains(from), "no moment of {from} in {old}");
        let blob = git(&["hash-object", "-w", "--stdin"], Some(old.replace(from, to).as_bytes()));
        git(&["update-index", "--cacheinfo", &format!("100644,{blob},{path}")], None);
    }
    let tree = git(&["write-tree"], None);
    let commit = git(&["commit-tree", &tree, "-p", &name, "-m", "Redate"], None);
    git(&["update-ref", &name, &commit], None);
}

#[test]
fn records_of_a_clock_that_was_years_ahead_or_behind_keep_their_order() {
    for years in [-1, 1] {
        let test = TestRepository::with_fake();
        test.write_task(
            TASK,
            &format!("{}retries: 0\n", crate::support::task_yaml("T", &["no-init", "exit 1"])),
        );
        let before = Belongings::of(&test);
        test.run(1);
        let now = test.record(TASK)["started"].as_str().unwrap()[..4].to_owned();
        let other = (now.parse::<i32>().unwrap() + years).to_string();
        redate(&test, TASK, &format!("\"{now}-"), &format!("\"{other}-"));
        test.write_task(TASK, &crate::support::task_yaml("T", &["write a.txt 1"]));
        let answer = test.claudedo(&["retry", "--run", TASK]);
        assert_eq!(answer.status, 0, "{answer:#?}");
        assert_eq!(test.history(TASK), "claimed finished:failed requested claimed finished:done");
        assert_eq!(test.records(TASK).len(), 2);
        let tasks: Value = serde_json::from_str(&test.claudedo(&["list", "--json"]).stdout).unwrap();
        assert_eq!(tasks[0]["state"], "done", "{tasks:#}");
        for command in [&["show", TASK][..], &["status"], &["logs", TASK], &["list"]] {
            let answer = test.claudedo(command);
            assert_eq!(answer.status, 0, "{command:?}: {answer:#?}");
            assert_clear(&answer, &[]);
        }
        before.assert_order(&test, &[TASK]);
    }
}

#[test]
fn a_run_whose_plan_and_files_are_of_the_future_is_taken_up() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate")]);
    let before = Belongings::of(&test);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner.kill();
    let future = std::time::SystemTime::now() + std::time::Duration::from_hours(366 * 24);
    for entry in std::fs::read_dir(&test.run_folders()[0]).unwrap() {
        std::fs::File::open(entry.unwrap().path()).unwrap().set_modified(future).unwrap();
    }
    test.release("gate");
    test.run(0);
    assert_eq!(test.fake_starts().len(), 1);
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_machine_that_sleeps_in_the_middle_of_everything_goes_on_where_it_was() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate"), "write b.txt 2"]);
    let before = Belongings::of(&test);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    let process = test.wait_for_process();
    let id = |who: &str| process[who]["pid"].as_i64().and_then(|id| i32::try_from(id).ok()).unwrap();
    let all = [i32::try_from(runner.id()).unwrap(), id("supervisor"), id("agent")];
    let signal =
        |signal| all.iter().for_each(|id| kill_process(Pid::from_raw(*id).unwrap(), signal).unwrap());
    signal(Signal::STOP);
    for id in all {
        eventually("all are asleep", || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T').then_some(())
        });
    }
    test.release("gate");
    // Somebody else who is awake sees a run at work, and no runner to take its place.
    let second = test.claudedo(&["run"]);
    assert_eq!(second.status, 3, "{second:#?}");
    signal(Signal::CONT);
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.history(TASK), "claimed finished:done");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:b.txt")]), "2");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn without_a_home_worktrees_need_a_place_and_with_one_tasks_run() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let homeless = |variables: &[&str]| {
        let mut command = test.program(env!("CARGO_BIN_EXE_git-claudedo"));
        for name in variables {
            command.env_remove(name);
        }
        Answer::from(command.arg("run").output().unwrap())
    };
    let answer = homeless(&["HOME", "XDG_STATE_HOME"]);
    assert_eq!(answer.status, 128, "{answer:#?}");
    assert_clear(&answer, &["neither HOME nor XDG_STATE_HOME is set"]);
    assert_eq!(test.history(TASK), "");
    let answer = homeless(&["HOME"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    before.assert_order(&test, &[TASK]);
}
