//! The real Claude Code CLI, started so that it sees nothing of this machine's user and talks to nothing
//! but the stand-in.
//!
//! It is looked for in `CLAUDEDO_TEST_CLAUDE`, then where `.ci/install-claude` puts it. Without it a test
//! says so loudly and passes, because the program cannot be shipped with this project; with
//! `CLAUDEDO_REQUIRE_CLAUDE=1`, which the gate sets once the installation worked, it fails instead.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::messages_api::MessagesApi;

/// Where `.ci/install-claude` leaves the program.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/claude-code/node_modules/.bin/claude");
/// A run takes one or two seconds, and ten when eight of them share two cores (2.1.330, measured).
const PATIENCE: Duration = Duration::from_secs(60);

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
        let api = MessagesApi::start().unwrap();
        Some(Self { program, folder, api, login: Login::ApiKey, variables: Vec::new() })
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

    /// Returns the folder the CLI works in.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
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

    /// Starts the CLI, in a process group of its own, with the prompt on a closed standard input.
    pub(crate) fn start(&self, prompt: &str, arguments: &[&str]) -> Running {
        let prompt_file = self.folder.path().join("prompt");
        fs::write(&prompt_file, prompt).unwrap();
        let error_file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let mut child = Command::new(&self.program)
            .args(["-p", "--output-format", "stream-json", "--verbose"])
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.work())
            .process_group(0)
            .stdin(File::open(&prompt_file).unwrap())
            .stdout(Stdio::piped())
            .stderr(error_file.reopen().unwrap())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test may have stopped listening; the pipe must be drained all the same, because a
                // CLI whose reader stalls drops its result (2.1.330, measured).
                sender.send(line).ok();
            }
        });
        Running { child, lines, events: Vec::new(), error_file, deadline: Instant::now() + PATIENCE }
    }
}

/// A run of the CLI that is not over; killed with its process group when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    events: Vec<Value>,
    error_file: tempfile::NamedTempFile,
    deadline: Instant,
}

impl Running {
    /// Returns the process id of the CLI.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the first event, old or new, that fits.
    pub(crate) fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(event) = self.events.iter().find(|event| fits(event)) {
            return event.clone();
        }
        loop {
            let event = self.next().expect("the CLI ended before the event the test waits for");
            if fits(&event) {
                return event;
            }
        }
    }

    /// Sends a signal to the CLI alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end of output and process.
    pub(crate) fn finish(mut self) -> Ended {
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        Ended {
            code: status.code(),
            signal: status.signal(),
            events: std::mem::take(&mut self.events),
            stderr: fs::read_to_string(self.error_file.path()).unwrap(),
        }
    }

    fn next(&mut self) -> Option<Value> {
        let patience = self.deadline.saturating_duration_since(Instant::now());
        let line = match self.lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("no event within {PATIENCE:?}; so far: {:#?}", self.events)
            }
        };
        let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
        self.events.push(event.clone());
        Some(event)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group may be gone already, which is the ordinary case.
        kill_process_group(self.pid(), Signal::KILL).ok();
        self.child.wait().ok();
    }
}

/// A run of the CLI that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Ended {
    /// Returns the last result event; panics with everything there is to know when there is none.
    pub(crate) fn result(&self) -> &Value {
        self.results().last().copied().unwrap_or_else(|| panic!("no result event: {self:#?}"))
    }

    /// Returns all result events.
    pub(crate) fn results(&self) -> Vec<&Value> {
        self.of_type("result")
    }

    /// Returns all events of a type.
    pub(crate) fn of_type(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == name).collect()
    }

    /// Returns all events of type `system` and a subtype.
    pub(crate) fn of_subtype(&self, name: &str) -> Vec<&Value> {
        self.of_type("system").into_iter().filter(|event| event["subtype"] == name).collect()
    }

    /// Returns the session id of the run.
    pub(crate) fn session(&self) -> &str {
        self.events[0]["session_id"].as_str().unwrap()
    }
}
