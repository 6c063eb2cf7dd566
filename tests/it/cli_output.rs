//! Colour, silence, pipes that close, and text that would take over a terminal.

use std::io::Read;
use std::process::Stdio;

use crate::cli_support::{add, program, use_demo_agent};
use crate::support::{Answer, TestRepository};

#[test]
fn colour_is_never_needed_and_only_used_where_it_is_wanted() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    let plain = repository.claudedo(&["list"]).stdout;
    assert!(!plain.contains('\u{1b}'));
    let always = repository.claudedo(&["list", "--color=always"]).stdout;
    assert!(always.contains('\u{1b}'));
    assert_eq!(anstream_stripped(&always), plain);
    let mut command = program(&repository);
    command.env_remove("NO_COLOR").args(["list", "--color=never"]);
    assert_eq!(Answer::from(command.output().unwrap()).stdout, plain);
}

#[test]
fn quiet_leaves_the_answer_and_the_errors() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["add", "--quiet", "--id=mine", "Mine"]);
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("mine\n", ""));
    let answer = repository.claudedo(&["add", "--quiet", "--id=mine", "Mine"]);
    assert_eq!(answer.stderr, "error: There is a task mine already.\n");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let repository = TestRepository::new();
    for number in 0..200 {
        repository.write(
            &format!(".claudedo/tasks/task-{number}.yaml"),
            &format!("title: {}\n", "long ".repeat(30)),
        );
    }
    let mut command = program(&repository);
    command.args(["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("COLUMNS");
    let mut child = command.spawn().unwrap();
    let mut byte = [0];
    child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
    let answer = Answer::from(child.wait_with_output().unwrap());
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
}

#[test]
fn nothing_from_outside_reaches_a_terminal_as_a_command() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "evil", "Evil", "demo: say \\u001b[2J and text");
    repository.write(".claudedo/tasks/worse.yaml", "title: \u{1b}[31mred\n");
    repository.claudedo(&["run", "--quiet"]);
    for words in [["list", "--all"].as_slice(), &["show", "evil"], &["logs", "evil"], &["events"]] {
        let answer = repository.claudedo(words);
        let printed = answer.stdout + &answer.stderr;
        assert!(!printed.contains('\u{1b}') && !printed.is_empty(), "{words:?}: {printed:?}");
    }
}

#[test]
fn a_hint_can_be_switched_off() {
    let repository = TestRepository::new();
    let mut command = program(&repository);
    command.env("GIT_ADVICE", "0").args(["list"]);
    assert_eq!(Answer::from(command.output().unwrap()).stderr, "");
}

fn anstream_stripped(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
