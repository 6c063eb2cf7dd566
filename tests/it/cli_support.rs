//! What the tests of the command line share: answers as text, the demo agent, standard input.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Answer, TestRepository};

/// Returns an answer as one text for a snapshot.
pub(crate) fn shown(answer: &Answer) -> String {
    format!("[{}]\n{}[stderr]\n{}", answer.status, answer.stdout, answer.stderr)
}

/// Returns the settings for snapshots with the minutes and times of day replaced as well.
pub(crate) fn snapshots(repository: &TestRepository) -> insta::Settings {
    let mut settings = repository.snapshots();
    settings.add_filter(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "[MINUTE]");
    settings.add_filter(r"(?m)^\d\d:\d\d:\d\d ", "[CLOCK] ");
    settings.add_filter(r"/repository-[0-9a-f]{8}/", "/repository-[MACHINE]/");
    settings
}

/// Puts the embedded demo agent, without its pauses, in the place of this test's Claude Code.
pub(crate) fn use_demo_agent(repository: &TestRepository) {
    let command = format!(r#"["{}", "demo-agent", "--no-pauses"]"#, env!("CARGO_BIN_EXE_git-claudedo"));
    repository.git(&["config", "--global", "claudedo.agentCommand", &command]);
}

/// Adds a task with an id of its own.
pub(crate) fn add(repository: &TestRepository, id: &str, title: &str, description: &str) {
    let answer = repository.claudedo(&["add", "--id", id, title, "--message", description]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
}

/// Runs `git-claudedo` in another folder.
pub(crate) fn claudedo_in(repository: &TestRepository, folder: &Path, arguments: &[&str]) -> Answer {
    program(repository).current_dir(folder).args(arguments).output().unwrap().into()
}

/// Runs `git-claudedo` with a text on standard input.
pub(crate) fn claudedo_reading(repository: &TestRepository, input: &str, arguments: &[&str]) -> Answer {
    let mut command = program(repository);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// Returns `git-claudedo`, set up for the test.
pub(crate) fn program(repository: &TestRepository) -> Command {
    repository.program(env!("CARGO_BIN_EXE_git-claudedo"))
}

/// Makes an editor that does this to the file that it is given as `$1`.
pub(crate) fn editor(repository: &TestRepository, script: &str) -> String {
    let path = repository.root().join("editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    format!("sh {}", path.display())
}
