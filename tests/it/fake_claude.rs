//! The stand-in for the Claude Code CLI: its behaviour is what the other tests build on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::support::{Answer, TestRepository, fake_claude};

const SESSION: &str = "4e775b53-598f-4d8b-8912-180e5705cc56";

fn start(repository: &TestRepository, arguments: &[&str], prompt: &str) -> Child {
    let mut child = repository
        .program(fake_claude())
        .args(["-p", "--output-format", "stream-json", "--verbose"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(prompt.as_bytes()).unwrap();
    child
}

fn play(repository: &TestRepository, arguments: &[&str], prompt: &str) -> Answer {
    start(repository, arguments, prompt).wait_with_output().unwrap().into()
}

fn result(answer: &Answer) -> Value {
    serde_json::from_str(answer.stdout.lines().last().unwrap()).unwrap()
}

/// Reads the first event, sends SIGTERM, and returns the exit code with the rest of the stream.
fn terminate_after_first_event(mut child: Child) -> (Option<i32>, String) {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    rustix::process::kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let rest = std::io::read_to_string(stdout).unwrap();
    (child.wait().unwrap().code(), rest)
}

#[test]
fn a_script_changes_files_and_ends_with_a_good_result() {
    let repository = TestRepository::new();
    let prompt = "T\n\n@fake write a/b.txt one\n@fake append a/b.txt two\n@fake delete README.md\n@fake sh echo $CLAUDECODE";
    let answer = play(&repository, &[], prompt);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(repository.path().join("a/b.txt")).unwrap(), "one\ntwo\n");
    assert_eq!(repository.git(&["status", "--porcelain"]), " D README.md\n?? a/");
    let result = result(&answer);
    assert_eq!((&result["is_error"], &result["num_turns"]), (&false.into(), &4.into()));
}

#[test]
fn a_start_is_recorded() {
    let repository = TestRepository::new();
    play(&repository, &["--model", "opus"], "hello\n");
    let [start] = &repository.fake_starts()[..] else { panic!("one start") };
    assert_eq!(
        start.arguments(),
        ["-p", "--output-format", "stream-json", "--verbose", "--model", "opus"].map(str::to_owned)
    );
    assert_eq!(start.variable("TZ").as_deref(), Some("UTC"));
    assert_eq!(
        (start.text("stdin"), start.text("cwd")),
        ("hello\n".into(), repository.path().display().to_string())
    );
}

#[test]
fn a_resumed_session_remembers_its_script_and_its_cost() {
    let repository = TestRepository::new();
    let prompt = "@fake on-fresh result error text=bad luck\n@fake on-resume text better";
    let first = play(&repository, &["--session-id", SESSION], prompt);
    assert_eq!((first.status, &result(&first)["errors"][0]), (1, &"bad luck".into()));
    let second = play(&repository, &["--resume", SESSION], "try again");
    let result = result(&second);
    assert_eq!((second.status, &result["result"]), (0, &"better".into()));
    assert_eq!(result["usage"]["input_tokens"], 100);
    assert_eq!(result["modelUsage"]["claude-opus-5-5"]["inputTokens"], 200, "cumulative over the session");
}

#[test]
fn what_the_real_cli_refuses_is_refused() {
    let repository = TestRepository::new();
    play(&repository, &["--session-id", SESSION], "used");
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (arguments, prompt, said) in [
        (vec!["--frob"], "x", "error: unknown option '--frob'\n".to_owned()),
        (vec!["--session-id", SESSION], "x", format!("Error: Session ID {SESSION} is already in use.\n")),
        (vec!["--resume", unknown], "x", format!("No conversation found with session ID: {unknown}\n")),
        (
            vec![],
            " ",
            "Error: Input must be provided either through stdin or as a prompt argument\n".to_owned(),
        ),
    ] {
        let answer = play(&repository, &arguments, prompt);
        assert_eq!((answer.status, answer.stderr), (1, said), "{arguments:?}");
    }
    let unknown_session = play(&repository, &["--resume", SESSION], "@fake unknown-session");
    assert_eq!((unknown_session.status, &result(&unknown_session)["num_turns"]), (1, &0.into()));
}

#[test]
fn a_misspelled_step_is_not_played() {
    let repository = TestRepository::new();
    let answer = play(&repository, &[], "@fake wrote a.txt x");
    assert_eq!((answer.status, answer.stdout.as_str()), (97, ""));
}

#[test]
fn a_prompt_that_starts_with_a_slash_never_reaches_the_model() {
    let repository = TestRepository::new();
    let answer = play(&repository, &[], "/help me");
    assert_eq!((answer.status, &result(&answer)["num_turns"]), (0, &0.into()));
}

#[test]
fn an_end_without_a_result_is_possible() {
    let repository = TestRepository::new();
    let exit = play(&repository, &[], "@fake no-init\n@fake stderr oops\n@fake exit 3");
    assert_eq!(exit, Answer { status: 3, stdout: String::new(), stderr: "oops\n".to_owned() });
    let killed = start(&repository, &[], "@fake kill 9").wait_with_output().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9));
    let cut = play(&repository, &[], "@fake cut\n@fake exit 0");
    assert!(!cut.stdout.ends_with('\n'));
}

#[test]
fn odd_lines_are_possible() {
    let repository = TestRepository::new();
    let output =
        start(&repository, &[], "@fake garbage\n@fake raw {}\n@fake big-line 200000").wait_with_output();
    let output = output.unwrap().stdout;
    assert!(std::str::from_utf8(&output).is_err());
    assert!(output.windows(4).any(|window| window == b"\n{}\n"));
    assert!(output.split(|byte| *byte == b'\n').any(|line| line.len() > 200_000));
}

#[test]
fn a_recorded_stream_takes_the_place_of_the_events() {
    let repository = TestRepository::new();
    repository.write("stream.ndjson", "{\"type\":\"result\"}\n");
    let path = repository.path().join("stream.ndjson");
    let answer = play(&repository, &[], &format!("@fake print-file {}", path.display()));
    assert_eq!((answer.status, answer.stdout.as_str()), (0, "{\"type\":\"result\"}\n"));
}

#[test]
fn a_result_is_what_the_script_says() {
    let repository = TestRepository::new();
    let prompt = "@fake rate-limit rejected 1790000000\n@fake result error subtype=success terminal_reason=api_error \
        api_error=usage_limit_reached status=429 turns=1 denied=Write text=Limit reached = really";
    let answer = play(&repository, &[], prompt);
    assert!(answer.stdout.contains("\"resetsAt\":1790000000"));
    let result = result(&answer);
    let parts =
        ["subtype", "terminal_reason", "api_error", "result"].map(|key| result[key].as_str().unwrap());
    assert_eq!(parts, ["success", "api_error", "usage_limit_reached", "Limit reached = really"]);
    assert_eq!((&result["api_error_status"], &result["is_error"]), (&429.into(), &true.into()));
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write");
}

#[test]
fn a_structured_answer_is_in_its_result_alone() {
    let repository = TestRepository::new();
    let prompt = "@fake schema-answer {\"n\": 1}\n@fake result ok\n@fake init\n@fake result ok";
    let answer = play(&repository, &[], prompt);
    let events: Vec<Value> = answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answers: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "result")
        .map(|result| &result["structured_output"])
        .collect();
    assert_eq!(answers, [&serde_json::json!({"n": 1}), &Value::Null]);
}

#[test]
fn sigterm_ends_the_running_tool_and_prints_no_result() {
    let repository = TestRepository::new();
    let fifo = repository.root().join("tmp/started");
    repository.program("mkfifo").arg(&fifo).status().unwrap();
    let mut child = start(&repository, &[], &format!("@fake sh echo > {}; sleep 300", fifo.display()));
    // Opening the pipe waits for the tool to be there.
    std::fs::read(&fifo).unwrap();
    rustix::process::kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let stream = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(!stream.contains("\"result\""));
    repository.assert_no_process_left();
}

#[test]
fn sigterm_can_be_ignored_or_answered_with_success() {
    let repository = TestRepository::new();
    let go_on = repository.root().join("tmp/go-on");
    let mut ignoring =
        start(&repository, &[], &format!("@fake ignore-term\n@fake wait-for {}", go_on.display()));
    let mut stdout = BufReader::new(ignoring.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    rustix::process::kill_process(Pid::from_child(&ignoring), Signal::TERM).unwrap();
    repository.write("../tmp/go-on", "");
    assert!(std::io::read_to_string(stdout).unwrap().contains("\"is_error\":false"));
    assert_eq!(ignoring.wait().unwrap().code(), Some(0));

    let (code, rest) = terminate_after_first_event(start(&repository, &[], "@fake term-success\n@fake hang"));
    assert_eq!(code, Some(0));
    assert!(rest.contains("\"subtype\":\"success\""));
}

#[test]
fn a_background_process_outlives_the_agent() {
    let repository = TestRepository::new();
    for kind in ["setsid", "group"] {
        let answer = play(&repository, &[], &format!("@fake background {kind}"));
        assert_eq!(answer.status, 0);
    }
    for start in repository.fake_starts() {
        let id = Pid::from_raw(start.text("background").parse().unwrap()).unwrap();
        rustix::process::kill_process(id, Signal::KILL).unwrap();
    }
    repository.assert_no_process_left();
}

#[test]
fn the_stand_in_is_set_in_the_users_own_settings() {
    let repository = TestRepository::new();
    repository.use_fake_claude();
    let value = repository.git(&["config", "--global", "claudedo.claude"]);
    assert_eq!(value, fake_claude().to_str().unwrap());
    let version = repository.program(value).arg("--version").output().unwrap();
    assert_eq!(version.stdout, b"2.1.330 (Claude Code)\n");
}
