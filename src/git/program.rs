//! The `git` program, for what gix does not do.
//!
//! It is told which repository to use and never looks for one: every `GIT_*` variable is removed (git
//! sets some for its subcommands and hooks, and a leaked `GIT_INDEX_FILE` has cost people their index),
//! except those that choose the configuration files; `GIT_DIR` is set. No hook and no fsmonitor runs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{GitError, Repository};
use crate::os::env;
use crate::os::process::{Captured, CapturedCommand, CapturedError, run_attached};

/// No command that is captured takes longer, unless it hangs. A worktree of 80,000 files took 5 s.
const TIME_MAX: Duration = Duration::from_mins(5);

/// How much of its output is kept: what is captured here is a line or two.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// How much of what git said goes into an error.
const REASON_BYTES_MAX: usize = 2_000;

/// Variables of git that say which configuration to read, and not which repository to use.
const KEPT_VARIABLES: [&str; 4] =
    ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"];

/// What every command is told first. Hooks of git's configuration (git 2.54 and later) are not in that folder and
/// are switched off by name: those that `git claudedo hooks install` sets. To older ones the names mean nothing.
const NO_HOOKS: [&str; 14] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "hook.claudedo-post-commit.enabled=false",
    "-c",
    "hook.claudedo-post-merge.enabled=false",
    "-c",
    "hook.claudedo-post-checkout.enabled=false",
    "-c",
    "hook.claudedo-post-rewrite.enabled=false",
    "-c",
    "hook.claudedo-pre-push.enabled=false",
];

/// How to start git for one repository.
#[derive(Debug, Clone)]
pub struct GitProgram {
    git_dir: PathBuf,
}

/// What a captured command said.
#[derive(Debug)]
pub struct ProgramOutput {
    command: String,
    captured: Captured,
}

impl GitProgram {
    /// Returns git for the main repository, started in its common directory.
    pub fn new(repository: &Repository) -> Self {
        Self { git_dir: repository.common_dir() }
    }

    /// Runs git with its output captured and no input. It is ended after five minutes.
    pub fn capture<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<ProgramOutput, GitError> {
        let arguments: Vec<OsString> = arguments.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let command = words(&arguments);
        let captured = CapturedCommand {
            program: PathBuf::from("git"),
            arguments: NO_HOOKS.iter().map(OsString::from).chain(arguments).collect(),
            environment: self.environment(),
            working_directory: self.git_dir.clone(),
            time_max: TIME_MAX,
            output_bytes_max: OUTPUT_BYTES_MAX,
        }
        .run();
        match captured {
            Ok(captured) => Ok(ProgramOutput { command, captured }),
            Err(CapturedError::Start { source, .. } | CapturedError::Wait { source, .. }) => {
                Err(GitError::ProgramStart { command, source })
            }
            Err(CapturedError::TimeOut { .. }) => {
                let reason = format!("no end after {} s, so it was ended", TIME_MAX.as_secs());
                Err(GitError::Program { command, reason })
            }
        }
    }

    /// Runs git on this process's own terminal, with the user's pager and colours, and returns its exit code.
    pub fn attached<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Option<i32>, GitError> {
        let arguments: Vec<OsString> = arguments.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let command = words(&arguments);
        // `--git-dir` wins over the environment, which is the user's own here.
        let mut all: Vec<OsString> = vec!["--git-dir".into(), self.git_dir.clone().into()];
        all.extend(NO_HOOKS.iter().map(OsString::from).chain(arguments));
        match run_attached(Path::new("git"), &all, &self.git_dir) {
            Ok(status) => Ok(status.code()),
            Err(source) => Err(GitError::ProgramStart { command, source }),
        }
    }

    fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut environment = env::all();
        environment.retain(|name, _| !is_git_variable(name));
        environment.insert("GIT_DIR".into(), self.git_dir.clone().into());
        // Commands that only look must not take a lock from somebody who works, nor ask for a password.
        environment.insert("GIT_OPTIONAL_LOCKS".into(), "0".into());
        environment.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        environment
    }
}

impl ProgramOutput {
    /// Returns the standard output, or an error with git's own words when the exit code is not 0.
    pub fn require_success(self) -> Result<Vec<u8>, GitError> {
        let Captured { status, stdout, stderr, .. } = self.captured;
        if status.success() {
            return Ok(stdout);
        }
        let end = stderr.len().saturating_sub(REASON_BYTES_MAX);
        let reason = format!("{status}: {}", String::from_utf8_lossy(&stderr[end..]).trim());
        Err(GitError::Program { command: self.command, reason })
    }
}

fn is_git_variable(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("GIT_") && !KEPT_VARIABLES.contains(&name.as_ref())
}

fn words(arguments: &[OsString]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    format!("git {}", arguments.join(" "))
}
