//! A run that goes on, seen from a second terminal.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::cli_support::{add, program, shown, snapshots, use_demo_agent};
use crate::support::{Answer, TestRepository};

/// `git claudedo events --follow`, which tells when something has happened.
struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watching {
    fn start(repository: &TestRepository) -> Self {
        let mut command = program(repository);
        command.args(["events", "--follow", "--json"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn wait_for(&mut self, event: &str) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            let found: Value = serde_json::from_str(&line).unwrap();
            if found["event"] == event {
                return;
            }
            line.clear();
        }
        unreachable!("the events end only with this test");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start_runner(repository: &TestRepository) -> Child {
    let mut command = program(repository);
    command.args(["run", "--quiet"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_log_is_followed_to_the_end_of_its_run() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "slow", "Slow", "demo: say Begin.\ndemo: wait 600ms\ndemo: say End.");
    let mut watching = Watching::start(&repository);
    let runner = start_runner(&repository);
    watching.wait_for("run_created");
    let followed = repository.claudedo(&["logs", "--follow", "slow"]);
    watching.wait_for("task_finished");
    let answer = Answer::from(runner.wait_with_output().unwrap());
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&followed), @r"
        [0]
        ○ demo  session [UUID]
        Begin.
        End.
        Done.
        ✓ done
          3 turns · 300 tokens in · 60 tokens out
        [stderr]
        ");
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        done  slow  no change; Done.
        [stderr]
        ");
    });
    assert_eq!(repository.claudedo(&["logs", "slow"]).stdout, followed.stdout);
}

#[test]
fn a_task_that_runs_is_left_alone_by_every_other_command() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "slow", "Slow", "demo: say Begin.\ndemo: wait 500s");
    let mut watching = Watching::start(&repository);
    let runner = start_runner(&repository);
    // The agent has started by then, so the task is claimed and its log is there.
    watching.wait_for("task_message");
    let listed = repository.claudedo(&["list"]);
    let removed = repository.claudedo(&["rm", "slow"]);
    let retried = repository.claudedo(&["retry", "slow"]);
    let busy = repository.claudedo(&["run"]);
    let live = repository.claudedo(&["logs", "slow"]);
    assert_eq!(repository.claudedo(&["cancel", "slow"]).status, 0);
    assert_eq!(runner.wait_with_output().unwrap().status.code(), Some(2));
    let mut settings = snapshots(&repository);
    settings.add_filter(r"Process \d+", "Process [PID]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&listed), @r"
        [0]
        slow  running  Slow  -  -  [DURATION]
        [stderr]
        ");
        insta::assert_snapshot!(shown(&removed), @r"
        [128]
        [stderr]
        error: Task slow is running.
        hint: To end it first: git claudedo cancel slow
        ");
        insta::assert_snapshot!(shown(&retried), @r"
        [128]
        [stderr]
        error: Task slow is running.
        hint: To end it first: git claudedo cancel slow
        ");
        insta::assert_snapshot!(shown(&busy), @r"
        [3]
        [stderr]
        error: Process [PID] runs tasks in this repository already.
        hint: It takes up new tasks by itself; to watch it: git claudedo events --follow
        ");
        insta::assert_snapshot!(shown(&live), @r"
        [0]
        ○ demo  session [UUID]
        Begin.
        [stderr]
        hint: The run goes on; to follow it: git claudedo logs --follow
        ");
    });
}

#[test]
fn a_run_is_cancelled_from_a_second_terminal() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "slow", "Slow", "demo: say Begin.\ndemo: wait 500s");
    let mut watching = Watching::start(&repository);
    let runner = start_runner(&repository);
    watching.wait_for("task_message");
    let cancelled = repository.claudedo(&["cancel", "slow", "--message", "Enough of it."]);
    let answer = Answer::from(runner.wait_with_output().unwrap());
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&cancelled), @r"
        [0]
        [stderr]
        Cancelled slow
        ");
        insta::assert_snapshot!(shown(&answer), @r"
        [2]
        cancelled  slow  Enough of it.
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "slow"])), @r"
        [0]
        slow  Slow

        state    cancelled: Enough of it.
        file     [ROOT]/repository/.claudedo/tasks/slow.yaml
        branch   refs/heads/claudedo/slow
        commit   [OBJECT]
        session  [UUID]
        next     git claudedo retry slow

        Description
          demo: say Begin.
          demo: wait [DURATION]

        Runs
          1  first  cancelled  [MINUTE]  [DURATION]  -

        Error
          Cancelled.
        [stderr]
        ");
    });
    drop(watching);
    repository.assert_no_process_left();
}
