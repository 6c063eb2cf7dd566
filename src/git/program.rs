//! The `git` program, for what gix does not do.
//!
//! It is told which repository to use and never looks for one: every `GIT_*` variable is removed (git
//! sets some for its subcommands and hooks, and a leaked `GIT_INDEX_FILE` has cost people their index),
//! except those that choose the configuration files; `GIT_DIR` is set. No hook runs.
#![expect(
    clippy::disallowed_methods,
    reason = "a door of its own, until os::process has one for short commands"
)]

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{GitError, Repository};
use crate::os::env;

/// No command that is captured takes longer, unless it hangs. A worktree of 80,000 files took 5 s.
const CAPTURE_DEADLINE: Duration = Duration::from_secs(300);

/// How much of what git said goes into an error.
const REASON_BYTES_MAX: usize = 2_000;

/// Variables of git that say which configuration to read, and not which repository to use.
const KEPT_VARIABLES: [&str; 4] =
    ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"];

/// How to start git for one repository.
#[derive(Debug, Clone)]
pub struct GitProgram {
    git_dir: PathBuf,
    folder: PathBuf,
}

/// What a captured command said.
#[derive(Debug, Clone)]
pub struct ProgramOutput {
    /// The command, for messages.
    pub command: String,
    /// The exit code, or `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl GitProgram {
    /// Returns git for the main repository, started in its common directory.
    pub fn new(repository: &Repository) -> Self {
        let git_dir = repository.common_dir();
        Self { folder: git_dir.clone(), git_dir }
    }

    /// Runs git with its output captured and no input. It is killed after five minutes.
    pub fn capture<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<ProgramOutput, GitError> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let words = words(&command);
        let child =
            command.spawn().map_err(|source| GitError::ProgramStart { command: words.clone(), source })?;
        let pid = rustix::process::Pid::from_child(&child);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        match receiver.recv_timeout(CAPTURE_DEADLINE) {
            Ok(Ok(output)) => Ok(ProgramOutput {
                command: words,
                code: output.status.code(),
                stdout: output.stdout,
                stderr: output.stderr,
            }),
            Ok(Err(source)) => Err(GitError::ProgramStart { command: words, source }),
            Err(_) => {
                // The thread has not reaped it yet, so the id is still its own.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                let reason = format!("no end after {} s, so it was killed", CAPTURE_DEADLINE.as_secs());
                Err(GitError::Program { command: words, reason })
            }
        }
    }

    /// Runs git on this process's own terminal, with the user's pager and colours, and returns its exit code.
    pub fn attached<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Option<i32>, GitError> {
        let mut command = self.command(arguments);
        for (name, value) in env::all() {
            // The user's own choice of pager is no danger here: it is their terminal.
            if name == "GIT_PAGER" {
                command.env(name, value);
            }
        }
        let words = words(&command);
        match command.status() {
            Ok(status) => Ok(status.code()),
            Err(source) => Err(GitError::ProgramStart { command: words, source }),
        }
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("git");
        for name in env::all().into_keys().filter(is_git_variable) {
            command.env_remove(name);
        }
        command
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(&self.folder)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
            .args(arguments);
        command
    }
}

impl ProgramOutput {
    /// Returns the standard output, or an error with git's own words when the exit code is not 0.
    pub fn require_success(self) -> Result<Vec<u8>, GitError> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let code =
            self.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"));
        let said = &self.stderr[..self.stderr.len().min(REASON_BYTES_MAX)];
        let reason = format!("{code}: {}", String::from_utf8_lossy(said).trim());
        Err(GitError::Program { command: self.command, reason })
    }
}

fn is_git_variable(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("GIT_") && !KEPT_VARIABLES.contains(&name.as_ref())
}

fn words(command: &Command) -> String {
    let arguments = command.get_args().skip(4).map(OsStr::to_string_lossy).collect::<Vec<_>>();
    format!("git {}", arguments.join(" "))
}
