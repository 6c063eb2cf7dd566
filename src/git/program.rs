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

/// The beginnings of variables that say how a remote is reached and who the user is there (git(1), git-config(1)).
const REMOTE_VARIABLES: [&str; 9] = [
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_ASKPASS",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_ALLOW_PROTOCOL",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
];

/// What `git -c` was given, which may be a header or a credential helper.
const PARAMETERS_VARIABLE: &str = "GIT_CONFIG_PARAMETERS";

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
    working_directory: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    time_max: Duration,
    output_bytes_max: usize,
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
        let git_dir = repository.common_dir();
        let environment = without_git(env::all());
        Self {
            working_directory: git_dir.clone(),
            git_dir,
            environment,
            time_max: TIME_MAX,
            output_bytes_max: OUTPUT_BYTES_MAX,
        }
    }

    /// Lets a command say more than most have to say.
    pub(super) fn with_output_max(self, output_bytes_max: usize) -> Self {
        Self { output_bytes_max, ..self }
    }

    /// Returns git for talking to a remote, as the user's own git would: from where addresses that are relative paths
    /// count, with the user's ssh and helpers. It asks nobody for a password, and ends after a time.
    pub(super) fn for_remotes(repository: &Repository, time_max: Duration) -> Self {
        let mut program = Self::new(repository);
        program.environment = for_remotes(env::all());
        program.time_max = time_max;
        program.working_directory = repository.work_tree().unwrap_or_else(|| repository.common_dir());
        let chooses_ssh = |name: &str| program.environment.contains_key(OsStr::new(name));
        let is_set = |value: &super::ConfigValue| value.key == "sshcommand";
        if !chooses_ssh("GIT_SSH")
            && !chooses_ssh("GIT_SSH_COMMAND")
            && !repository.config_values("core").iter().any(is_set)
        {
            program.environment.insert("GIT_SSH_COMMAND".into(), "ssh -o BatchMode=yes".into());
        }
        program
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
            working_directory: self.working_directory.clone(),
            time_max: self.time_max,
            output_bytes_max: self.output_bytes_max,
        }
        .run();
        match captured {
            Ok(captured) => Ok(ProgramOutput { command, captured }),
            Err(CapturedError::Start { source, .. } | CapturedError::Wait { source, .. }) => {
                Err(GitError::ProgramStart { command, source })
            }
            Err(CapturedError::TimeOut { .. }) => {
                let reason = format!("no end after {} s, so it was ended", self.time_max.as_secs());
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
        let mut environment = self.environment.clone();
        environment.insert("GIT_DIR".into(), self.git_dir.clone().into());
        // Commands that only look must not take a lock from somebody who works, nor ask for a password.
        environment.insert("GIT_OPTIONAL_LOCKS".into(), "0".into());
        environment.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        environment
    }
}

impl ProgramOutput {
    /// Returns whether nothing was left out for being too much.
    pub(super) fn is_whole(&self) -> bool {
        self.captured.omitted_bytes == 0
    }

    /// Returns whether the exit code is 0, the standard output, and git's own words about what went wrong.
    pub(super) fn into_parts(self) -> (bool, String, String) {
        let Captured { status, stdout, stderr, .. } = self.captured;
        let stdout = String::from_utf8_lossy(&stdout).into_owned();
        (status.success(), stdout, complaint(&stderr))
    }

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

/// Returns an environment without what git says to its subcommands and hooks, for what is started from there.
pub fn without_git(mut environment: BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    environment.retain(|name, _| !is_git_variable(name));
    environment
}

/// Returns an environment like [`without_git`], with what says how a remote is reached.
pub fn for_remotes(mut environment: BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    environment.retain(|name, _| !is_git_variable(name) || reaches_remotes(name));
    environment
}

fn reaches_remotes(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name == PARAMETERS_VARIABLE || REMOTE_VARIABLES.iter().any(|beginning| name.starts_with(beginning))
}

fn is_git_variable(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("GIT_") && !KEPT_VARIABLES.contains(&name.as_ref())
}

/// Returns what git says is wrong: its first `fatal:` or `error:` line, else its last line.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let wrong =
        lines().find(|line| ["fatal: ", "error: ", "ssh: "].iter().any(|word| line.starts_with(word)));
    wrong
        .or_else(|| lines().next_back())
        .unwrap_or("git said nothing")
        .chars()
        .take(REASON_BYTES_MAX)
        .collect()
}

fn words(arguments: &[OsString]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    format!("git {}", arguments.join(" "))
}
