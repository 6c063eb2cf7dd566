//! A program that a test started: its output as it comes, and how it ended.
//!
//! Nothing here waits for ever, and nothing that was started outlives its test: what is still running
//! when the value is dropped is ended, first kindly, because the CLI takes its commands along only when
//! it gets the chance (2.1.330, measured).

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::NamedTempFile;

/// A run of the CLI takes one or two seconds, and ten when eight of them share two cores (2.1.330, measured).
const PATIENCE: Duration = Duration::from_mins(1);
/// The CLI ends within 1.8 s of SIGTERM (2.1.330, measured).
const GRACE: Duration = Duration::from_secs(5);

/// A program that is not over.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    events: Vec<Value>,
    error_file: NamedTempFile,
    deadline: Instant,
}

impl Running {
    /// Starts a command in a process group of its own.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let error_file = NamedTempFile::new().unwrap();
        command.process_group(0).stdout(Stdio::piped()).stderr(error_file.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test may have stopped listening; the pipe must be drained all the same, because a
                // CLI whose reader stalls drops its result (2.1.330, measured).
                sender.send(line).ok();
            }
        });
        Self { child, lines, events: Vec::new(), error_file, deadline: Instant::now() + PATIENCE }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the first event, old or new, that fits; a line that is not JSON counts as a string.
    pub(crate) fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(event) = self.events.iter().find(|event| fits(event)) {
            return event.clone();
        }
        loop {
            let event = self.next().expect("the program ended before the event the test waits for");
            if fits(&event) {
                return event;
            }
        }
    }

    /// Sends a signal to the program alone.
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
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::TERM);
            let deadline = Instant::now() + GRACE;
            while self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
            // Whatever is left of the group; usually nothing.
            kill_process_group(self.pid(), Signal::KILL).ok();
            self.child.wait().ok();
        }
    }
}

/// A program that is over.
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
