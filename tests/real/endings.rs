//! How the CLI ends when somebody ends it, and what it leaves behind.
//!
//! Nothing here waits by the clock: a command that the CLI runs tells through a pipe that it runs.

use std::io::Write;
use std::time::Duration;

use rustix::process::Signal;

use crate::claude::Claude;
use crate::named_pipe::NamedPipe;

/// A command that holds the pipe open for as long as it lives, far longer than the test.
const TOOL_CALL: &str = "@stub bash cmd=\"exec 3>told; echo running >&3; sleep 600\"";
const ALLOW_BASH: [&str; 2] = ["--allowedTools", "Bash"];

#[test]
fn sigterm_ends_the_run_and_its_commands_without_a_result() {
    let Some(claude) = Claude::prepare() else { return };
    let told = NamedPipe::create(&claude.work().join("told"));
    let running = claude.start(&format!("Task: wait\n{TOOL_CALL}"), &ALLOW_BASH);
    assert_eq!(told.line().as_deref(), Some("running"));
    running.signal(Signal::TERM);
    let ended = running.finish();
    assert_eq!((ended.code, ended.signal), (Some(143), None), "{ended:#?}");
    assert!(ended.results().is_empty());
    assert_eq!(told.line(), None, "the command still runs");
}

/// The trap: exit code 0 of a run that was stopped. Its result is usually there, but on a busy machine the
/// process ends before it is written.
#[test]
fn sigint_ends_the_run_with_exit_code_0_and_no_success() {
    let Some(claude) = Claude::prepare() else { return };
    let told = NamedPipe::create(&claude.work().join("told"));
    let running = claude.start(&format!("Task: wait\n{TOOL_CALL}"), &ALLOW_BASH);
    assert_eq!(told.line().as_deref(), Some("running"));
    running.signal(Signal::INT);
    let ended = running.finish();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for result in ended.results() {
        assert_eq!(result["subtype"], "error_during_execution");
        assert_eq!(result["terminal_reason"], "aborted_tools");
    }
    assert_eq!(told.line(), None, "the command still runs");
}

#[test]
fn sigkill_leaves_the_commands_running() {
    let Some(claude) = Claude::prepare() else { return };
    let told = NamedPipe::create(&claude.work().join("told"));
    let mut asked = NamedPipe::writer(&claude.work().join("asked"));
    let tool_call =
        "@stub bash cmd=\"exec 3>told; echo running >&3; read -t 60 question <> asked; echo $question >&3\"";
    let running = claude.start(&format!("Task: wait\n{tool_call}"), &ALLOW_BASH);
    assert_eq!(told.line().as_deref(), Some("running"));
    running.signal(Signal::KILL);
    let ended = running.finish();
    assert_eq!(ended.signal, Some(9), "{ended:#?}");
    asked.write_all(b"still there\n").unwrap();
    assert_eq!(told.line().as_deref(), Some("still there"));
    assert_eq!(told.line(), None);
}

#[test]
fn a_crashed_run_goes_on_in_the_same_session() {
    let Some(claude) = Claude::prepare() else { return };
    let crashed = claude.run("Task: crash\n@stub crash", &ALLOW_BASH);
    assert_eq!(crashed.signal, Some(9), "{crashed:#?}");
    assert!(crashed.results().is_empty());
    let ended = claude.run("Go on.", &["--resume", crashed.session()]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.session(), crashed.session());
}

#[test]
fn an_api_that_never_answers_is_waited_for_until_sigterm() {
    let Some(claude) = Claude::prepare() else { return };
    let running = claude.start("Task: wait\n@stub hang", &[]);
    claude.api.wait_for(Duration::from_secs(30), |request| request.status.is_none()).unwrap();
    running.signal(Signal::TERM);
    let ended = running.finish();
    assert_eq!(ended.code, Some(143), "{ended:#?}");
    assert!(ended.results().is_empty());
    let resumed = claude.run("Go on.", &["--resume", ended.session()]);
    assert_eq!(resumed.code, Some(0), "{resumed:#?}");
}

/// The reason why a result is not the end: the process lives on, and a second result may follow.
#[test]
fn a_background_command_keeps_the_run_alive_after_its_result() {
    let Some(claude) = Claude::prepare() else { return };
    let mut running = claude.start("Task: wait\n@stub background seconds=4", &ALLOW_BASH);
    running.wait_for(|event| event["type"] == "result");
    let ended = running.finish();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let [first, second] = ended.results()[..] else { panic!("{ended:#?}") };
    assert_eq!((&first["result_index"], &second["result_index"]), (&0.into(), &1.into()));
    assert_eq!(second["origin"]["kind"], "task-notification");
    assert_eq!(ended.of_subtype("init").len(), 2);
    let tasks = ended.of_subtype("background_tasks_changed");
    assert_eq!(tasks.last().unwrap()["tasks"], serde_json::json!([]));
}

#[test]
fn without_background_tasks_a_result_is_the_end() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.variable("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");
    let ended = claude.run("Task: wait\n@stub background seconds=1", &ALLOW_BASH);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.results().len(), 1);
}

#[test]
fn a_session_goes_on_in_another_folder_when_its_own_is_gone() {
    let Some(claude) = Claude::prepare() else { return };
    let first = claude.run("Task: say hello\n@stub text", &[]);
    let claude = claude.move_to("elsewhere");
    let edits = ["--permission-mode", "acceptEdits", "--resume", first.session()];
    let ended = claude.run("Go on.\n@stub write path=a.txt content=hi", &edits);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.session(), first.session());
    assert!(claude.work().join("a.txt").exists(), "{ended:#?}");
}
