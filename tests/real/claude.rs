//! The real Claude Code CLI, started so that it sees nothing of this machine's user and talks to nothing
//! but the stand-in.
//!
//! It is looked for in `CLAUDEDO_TEST_CLAUDE`, then where `.ci/install-claude` puts it. Without it a test
//! says so loudly and passes, because the program cannot be shipped with this project; with
//! `CLAUDEDO_REQUIRE_CLAUDE=1`, which the gate sets once the installation worked, it fails instead.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::messages_api::MessagesApi;
use crate::running::{Ended, Running};

/// Where `.ci/install-claude` leaves the program.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/claude-code/node_modules/.bin/claude");

/// Returns the program, or `None` after saying that the test is skipped.
pub(crate) fn find_claude() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CLAUDEDO_TEST_CLAUDE") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "CLAUDEDO_TEST_CLAUDE names {}, which is no file", path.display());
        return Some(path);
    }
    let installed = PathBuf::from(INSTALLED);
    if installed.is_file() {
        return Some(installed);
    }
    assert!(
        env::var_os("CLAUDEDO_REQUIRE_CLAUDE").is_none_or(|value| value != "1"),
        "CLAUDEDO_REQUIRE_CLAUDE is set, but {INSTALLED} is missing; run .ci/install-claude"
    );
    eprintln!("SKIPPED: real Claude Code CLI not installed; run .ci/install-claude");
    None
}

/// How the CLI proves to the API who it is. Both are dummies that only the stand-in sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    ApiKey,
    Subscription,
    None,
}

impl Login {
    fn variable(self) -> Option<(OsString, OsString)> {
        match self {
            Self::ApiKey => Some(("ANTHROPIC_API_KEY".into(), "dummy".into())),
            Self::Subscription => Some(("CLAUDE_CODE_OAUTH_TOKEN".into(), "dummy".into())),
            Self::None => None,
        }
    }
}

/// A home, a place to work and a stand-in of the API, for any number of runs of the CLI.
#[derive(Debug)]
pub(crate) struct Claude {
    program: PathBuf,
    folder: TempDir,
    work: PathBuf,
    pub(crate) api: MessagesApi,
    login: Login,
    variables: Vec<(OsString, OsString)>,
}

impl Claude {
    /// Prepares everything, or returns `None` when the program is not there.
    pub(crate) fn prepare() -> Option<Self> {
        let program = find_claude()?;
        let folder = tempfile::Builder::new().prefix("claude-").tempdir().unwrap();
        for name in ["home", "tmp", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let (work, api) = (folder.path().join("work"), MessagesApi::start().unwrap());
        Some(Self { program, folder, work, api, login: Login::ApiKey, variables: Vec::new() })
    }

    /// Logs in another way from now on.
    pub(crate) fn login(mut self, login: Login) -> Self {
        self.login = login;
        self
    }

    /// Sets a variable for all further runs.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Removes the folder the CLI works in and goes on in a new one.
    pub(crate) fn move_to(mut self, name: &str) -> Self {
        fs::remove_dir_all(&self.work).unwrap();
        self.work = self.folder.path().join(name);
        fs::create_dir(&self.work).unwrap();
        self
    }

    /// Returns the folder the CLI works in.
    pub(crate) fn work(&self) -> PathBuf {
        self.work.clone()
    }

    /// Returns the folder of all that belongs to the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the whole environment for the CLI, and for whatever is to start it.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let folder = self.folder.path();
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), env::var_os("PATH").unwrap()),
            ("HOME".into(), folder.join("home").into()),
            ("TMPDIR".into(), folder.join("tmp").into()),
            ("TZ".into(), "UTC".into()),
            ("ANTHROPIC_BASE_URL".into(), self.api.base_url().into()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC".into(), "1".into()),
            ("DISABLE_TELEMETRY".into(), "1".into()),
            ("DISABLE_AUTOUPDATER".into(), "1".into()),
        ];
        variables.extend(self.login.variable());
        variables.extend(self.variables.iter().cloned());
        variables
    }

    /// Runs the CLI to its end.
    pub(crate) fn run(&self, prompt: &str, arguments: &[&str]) -> Ended {
        self.start(prompt, arguments).finish()
    }

    /// Starts the CLI with the prompt as its standard input.
    pub(crate) fn start(&self, prompt: &str, arguments: &[&str]) -> Running {
        let prompt_file = tempfile::tempfile_in(self.folder.path()).unwrap();
        prompt_file.write_all_at(prompt.as_bytes(), 0).unwrap();
        let mut command = Command::new(&self.program);
        command
            .args(["-p", "--output-format", "stream-json", "--verbose"])
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.work())
            .stdin(prompt_file);
        Running::spawn(command)
    }
}
