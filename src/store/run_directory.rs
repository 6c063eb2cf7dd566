//! The folder of one live run: the whole protocol between runner and supervisor, files only.
//!
//! `$GIT_COMMON_DIR/claudedo/runs/<run>/`
//! * `plan.json`    all the supervisor needs and all a later runner needs to finish the run; written,
//!   synced and renamed before anything starts, never changed
//! * `prompt.md`    the agent's standard input
//! * `instructions.md`, `agents.json`  what the agent reads besides, where the settings say so
//! * `log.ndjson`   the agent's standard output, written by the kernel straight into the file; 0600
//! * `stderr.log`   the agent's standard error; 0600
//! * `supervisor.log`  what the supervisor itself had to say; empty when all is well
//! * `supervisor.lock` held by the supervisor alone: with the task's lock it tells a supervised agent
//!   from an orphaned one
//! * `process.json` who runs: pid, start time, boot id
//! * `cancel`       a request to end the run, with its reason; synced before any signal is sent
//! * `exit.json`    how the agent ended; its presence means that no process of the run is left
//!
//! A file that is absent or cut is treated as not yet written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::os::fs::{self, FileError};
pub use crate::os::process::ProcessIdentity;
use crate::run::{EndedBy, ExitStatus, FailureReason, RunId, SweptProcess};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// A run's folder. Making the value touches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

/// What the supervisor is to start and when it is to stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The run, which is also the marker in the environment of all its processes.
    pub run: RunId,
    /// The task, for messages.
    pub task: TaskId,
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<String>,
    /// Absolute path of the folder it starts in.
    pub working_directory: PathBuf,
    /// Variables set on top of the supervisor's own environment, which the runner has already cleaned. No secrets.
    pub environment: BTreeMap<String, String>,
    /// The times after which the agent is ended.
    pub limits: Limits,
}

/// How long an agent may take, in milliseconds, so that tests need not wait, and how much it may print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From start to end, or `None` for no limit.
    pub deadline_ms: Option<u64>,
    /// Without any output, or `None` for no limit. Healthy runs are silent for up to 361 s (Claude Code 2.1.330).
    pub silence_ms: Option<u64>,
    /// Between the last result and the agent's own exit, when nothing runs in its background.
    pub result_grace_ms: u64,
    /// The same while background tasks of the agent are running.
    pub background_grace_ms: u64,
    /// Between SIGTERM and SIGKILL.
    pub kill_grace_ms: u64,
    /// What the log, and what the agent's standard error, may take of the disk. `None` in a plan of an earlier version.
    #[serde(default)]
    pub log_bytes_max: Option<u64>,
}

/// `process.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// The supervisor.
    pub supervisor: ProcessIdentity,
    /// The agent.
    pub agent: ProcessIdentity,
    /// When the agent was started.
    pub started: Timestamp,
}

/// `cancel`: somebody wants the run to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// When it was asked.
    pub at: Timestamp,
    /// Why, in words for the record.
    pub reason: String,
}

/// `exit.json`: how the agent ended. Written when no process of the run is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitReport {
    /// When the agent was started.
    pub started: Timestamp,
    /// When the agent's own process was gone.
    pub finished: Timestamp,
    /// What the kernel said of the agent's process.
    pub status: ExitStatus,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Processes of the run that outlived the agent and were killed.
    pub swept: Vec<SweptProcess>,
    /// Why the agent was never started, where that was not for its program.
    #[serde(default)]
    pub refusal: Option<FailureReason>,
    /// What a reader of the record should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl RunDirectory {
    /// Returns the folder of a run under `$GIT_COMMON_DIR/claudedo/runs`.
    pub fn new(runs: &Path, run: RunId) -> Self {
        Self { path: runs.join(run.to_string()) }
    }

    /// Returns the run directory at a path.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the run that the folder is named for.
    pub fn run(&self) -> Option<RunId> {
        self.path.file_name()?.to_str()?.parse().ok()
    }

    /// Returns the path of `plan.json`.
    pub fn plan_path(&self) -> PathBuf {
        self.path.join("plan.json")
    }

    /// Returns the path of the agent's standard input.
    pub fn prompt_path(&self) -> PathBuf {
        self.path.join("prompt.md")
    }

    /// Returns the path of what is added to the agent's system prompt.
    pub fn instructions_path(&self) -> PathBuf {
        self.path.join("instructions.md")
    }

    /// Returns the path of the definitions of agents that can be chosen.
    pub fn agents_path(&self) -> PathBuf {
        self.path.join("agents.json")
    }

    /// Returns the path of the agent's standard output.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("log.ndjson")
    }

    /// Returns the path of the agent's standard error.
    pub fn stderr_path(&self) -> PathBuf {
        self.path.join("stderr.log")
    }

    /// Returns the path of the supervisor's own messages.
    pub fn supervisor_log_path(&self) -> PathBuf {
        self.path.join("supervisor.log")
    }

    /// Returns the path of the lock that the supervisor alone holds.
    pub fn supervisor_lock_path(&self) -> PathBuf {
        self.path.join("supervisor.lock")
    }

    /// Returns the path of `cancel`.
    pub fn cancel_path(&self) -> PathBuf {
        self.path.join("cancel")
    }

    /// Loads the supervisor's part of `plan.json`.
    pub fn load_launch(&self) -> Result<Option<Launch>, FileError> {
        #[derive(Deserialize)]
        struct LaunchOnly {
            launch: Launch,
        }
        Ok(self.load::<LaunchOnly>("plan.json")?.map(|plan| plan.launch))
    }

    /// Loads `process.json`.
    pub fn load_process(&self) -> Result<Option<ProcessReport>, FileError> {
        self.load("process.json")
    }

    /// Writes `process.json`.
    pub fn set_process(&self, report: &ProcessReport) -> Result<(), FileError> {
        self.set("process.json", report)
    }

    /// Loads `cancel`, or `None` when it is absent or not readable as a request. Whether the run is to
    /// end is what [`Self::is_cancelled`] says.
    pub fn load_cancel(&self) -> Result<Option<CancelRequest>, FileError> {
        self.load("cancel")
    }

    /// Returns whether somebody asked for the run to end. A file that cannot be read is still a request.
    pub fn is_cancelled(&self) -> bool {
        std::fs::symlink_metadata(self.cancel_path()).is_ok()
    }

    /// Returns whether the agent was started, or was about to be: the supervisor makes the log right before.
    pub fn was_started(&self) -> bool {
        std::fs::symlink_metadata(self.log_path()).is_ok()
    }

    /// Writes `cancel`, synced: after this returns, no end of the run counts as a success.
    pub fn set_cancel(&self, request: &CancelRequest) -> Result<(), FileError> {
        self.set("cancel", request)
    }

    /// Loads `exit.json`.
    pub fn load_exit(&self) -> Result<Option<ExitReport>, FileError> {
        self.load("exit.json")
    }

    /// Writes `exit.json`.
    pub fn set_exit(&self, report: &ExitReport) -> Result<(), FileError> {
        self.set("exit.json", report)
    }

    /// Loads one JSON file of the folder; absent or cut counts as absent.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FileError> {
        let bytes = fs::read_optional(&self.path.join(name))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Replaces one JSON file of the folder as one synced step.
    pub fn set<T: Serialize>(&self, name: &str, value: &T) -> Result<(), FileError> {
        let path = self.path.join(name);
        let bytes =
            serde_json::to_vec_pretty(value).map_err(|error| FileError::on("encode", &path)(error.into()))?;
        fs::write_private(&path, &bytes)
    }
}
