//! The local event stream, `events.ndjson`: what the runner does, as it does it, one JSON object a line.
//!
//! All live views read this file. It is for people and scripts on this machine and decides nothing:
//! what happened to a task is on the tracking ref. A full or broken disk therefore never stops a run
//! because of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::{self, FileError};
use crate::run::{Outcome, RunId, RunKind, Usage};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The size at which the stream is rotated to `events.1.ndjson`, so that two files bound the disk it takes.
pub const STREAM_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// When.
    pub at: Timestamp,
    /// The task it is about, if any.
    pub task: Option<TaskId>,
    /// The run it is about, if any.
    pub run: Option<RunId>,
    /// What.
    #[serde(flatten)]
    pub kind: StreamEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum StreamEventKind {
    /// The runner has something to say.
    WorkerLog {
        /// How loud.
        level: Level,
        /// What.
        message: String,
    },
    /// A task was taken.
    TaskStarted {
        /// In which slot.
        slot: u32,
        /// The task's title.
        title: String,
    },
    /// A task changed its state without having ended.
    TaskUpdated {
        /// What changed.
        update: TaskUpdate,
        /// To what, for people.
        message: String,
        /// What the run used that is over, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Spent>,
    },
    /// A run begins.
    RunCreated {
        /// 1, 2, 3 … within the task.
        number: u32,
        /// Why there is a run.
        run_kind: RunKind,
    },
    /// The agent said or did something.
    TaskMessage {
        /// One line for people.
        message: String,
        /// What the run has used so far, where that is more than was told before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Spent>,
    },
    /// A worktree was made, found or removed.
    WorktreeUpdated {
        /// Where it lies.
        path: PathBuf,
        /// What became of it.
        change: WorktreeChange,
    },
    /// A task has its terminal record.
    TaskFinished {
        /// What became of it.
        outcome: Outcome,
        /// One line for people.
        message: String,
        /// What its last run used, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Spent>,
    },
}

/// What one run used, as far as people want to know while they look. Those of several runs can be added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Rounds of the model.
    pub turns: u64,
    /// The agent's own estimate in US dollars; known once it has ended a piece of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

impl Spent {
    /// Returns what is told of a run's usage: nothing where there is nothing to tell.
    pub fn of(usage: &Usage) -> Option<Self> {
        let spent = Self { turns: usage.turns, cost_usd: usage.cost_usd };
        (spent != Self::default()).then_some(spent)
    }

    /// Adds what another run used.
    pub fn add(&mut self, other: Self) {
        self.turns = self.turns.saturating_add(other.turns);
        self.cost_usd = match (self.cost_usd, other.cost_usd) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }
}

/// How a task changed without having ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskUpdate {
    /// A run is over, and another follows.
    RunEnded,
    /// It is given back until a limit is lifted.
    Held,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For whoever looks closely.
    Info,
    /// Something is not as it should be, and work goes on.
    Warning,
    /// Something failed.
    Error,
}

/// What became of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeChange {
    /// It was made.
    Created,
    /// It was there already.
    Reused,
    /// It was removed.
    Removed,
}

/// The writer of the stream.
#[derive(Debug)]
pub struct EventStream {
    path: PathBuf,
    file: File,
    size: u64,
}

impl EventStream {
    /// Opens the stream for appending.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = fs::open_append_private(path)?;
        let size = file.metadata().map_err(FileError::on("read", path))?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// Appends one line in one write, so that lines of several writers never mix.
    pub fn append(&mut self, event: &StreamEvent) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        if self.size + line.len() as u64 > STREAM_BYTES_MAX {
            self.rotate()?;
        }
        pass(FaultPoint::EventTold).map_err(|error| error.source)?;
        self.file.write_all(&line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        std::fs::rename(&self.path, self.path.with_extension("1.ndjson"))?;
        self.file = fs::open_append_private(&self.path).map_err(|error| error.source)?;
        self.size = 0;
        Ok(())
    }
}

/// Loads the last events of the stream, at most those of its last `bytes_max` bytes. What cannot be read is left out.
pub fn load_last(path: &Path, bytes_max: u64) -> Vec<StreamEvent> {
    let Ok(mut file) = File::open(path) else { return Vec::new() };
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let start = size.saturating_sub(bytes_max);
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(start)).and_then(|_| file.take(bytes_max).read_to_end(&mut bytes)).is_err() {
        return Vec::new();
    }
    // The first line is most likely cut, and then no event.
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_stream_is_rotated_and_loses_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        let mut stream = EventStream::open(&path).unwrap();
        let event = StreamEvent {
            at: Timestamp::from_unix_milliseconds(0).unwrap(),
            task: None,
            run: None,
            kind: StreamEventKind::TaskMessage { message: "x".repeat(100_000), spent: None },
        };
        for _ in 0..100 {
            stream.append(&event).unwrap();
        }
        let lines = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
        assert_eq!(lines(&path) + lines(&folder.path().join("events.1.ndjson")), 100);
    }
}
