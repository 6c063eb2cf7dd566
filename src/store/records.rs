//! Records and events on the tracking refs: this machine's own is written, all machines' are read.
//!
//! ```text
//! tasks/<shard>/<task>/events/<lamport>-<machine>-<kind>.json
//! tasks/<shard>/<task>/runs/<number>-<run>/run.json
//!                                         /task.yaml  prompt.md  result.md  error.md
//!                                         /log/000001.ndjson …
//! ```
//!
//! Nothing here is ever changed once it is there. Whoever appends for a task holds the task's lock, so
//! that the lamport numbers of one machine never repeat.

use super::history::{RunSummary, TaskHistory};
use super::log_segments::{LogReader, LogSource, put_log};
use super::state_directory::StateDirectory;
use crate::git::{BlobId, EntryKind, GitError, Repository, TrackingChanges, TrackingRef, TreeId};
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::run::{
    EVENT_VERSION, EventKind, IllegalTransition, MachineId, RECORD_VERSION, RunRecord, TaskEvent,
};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The most bytes of a text beside the record. Forges recommend blobs of at most 1 MB.
const TEXT_BYTES_MAX: usize = 1_000_000;

/// The records of a repository.
#[derive(Debug, Clone)]
pub struct Records {
    pub(super) repository: Repository,
    pub(super) state: StateDirectory,
}

/// A run that is over, to be recorded.
#[derive(Debug)]
pub struct NewRecord {
    /// The record; its list of log segments is filled in here.
    pub record: RunRecord,
    /// The task file as it was run.
    pub task_text: String,
    /// What the agent was told.
    pub prompt: String,
    /// The agent's last words.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the agent printed.
    pub log: Option<LogSource>,
    /// What it means for the task, if this was the last run of its claim; for one that is refused, also the claim.
    pub events: Vec<EventKind>,
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Git said no.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// A record is not what it should be.
    #[error("read {path} on the tracking ref")]
    Malformed {
        /// Which.
        path: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A record cannot be put into words. Nothing was written.
    #[error("encode {path} for the tracking ref")]
    NotEncoded {
        /// Which.
        path: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error(
        "read {path}: it has version {found}, and this program reads up to {newest}; install a newer git-claudedo"
    )]
    TooNew {
        /// Which.
        path: String,
        /// Its version.
        found: u32,
        /// The newest that is understood.
        newest: u32,
    },
    /// The event does not fit the task's state.
    #[error("record the event")]
    Illegal(#[from] IllegalTransition),
}

impl Records {
    /// Returns the records of a repository. Touches nothing.
    pub fn open(repository: &Repository, state: &StateDirectory) -> Self {
        Self { repository: repository.clone(), state: state.clone() }
    }

    /// Loads what is known of one task; an unknown one has an empty history.
    pub fn load_task(&self, task: &TaskId) -> Result<TaskHistory, RecordsError> {
        let mut history = TaskHistory::default();
        for tree in self.task_trees(task)? {
            history.add(self.load_part(task, tree)?);
        }
        history.settle();
        Ok(history)
    }

    /// Loads the record of one run.
    pub fn load_record(&self, task: &TaskId, run: &RunSummary) -> Result<Option<RunRecord>, RecordsError> {
        let Some(bytes) = self.load_file(task, run, "run.json")? else { return Ok(None) };
        decode_record(&bytes, &format!("run.json of run {} of {task}", run.number)).map(Some)
    }

    /// Loads a text that lies beside a record: `prompt.md`, `result.md`, `error.md` or `task.yaml`.
    pub fn load_file(
        &self,
        task: &TaskId,
        run: &RunSummary,
        name: &str,
    ) -> Result<Option<Vec<u8>>, RecordsError> {
        let path = format!("runs/{}/{name}", RunRecord::folder_name(run.number, run.run));
        for tree in self.task_trees(task)? {
            if let Some(bytes) = self.repository.read_file(tree, &path)? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Opens the log of a run: its segments one after the other, one in memory at a time.
    pub fn open_log(&self, task: &TaskId, run: &RunSummary) -> Result<LogReader, RecordsError> {
        let path = format!("runs/{}/log", RunRecord::folder_name(run.number, run.run));
        for tree in self.task_trees(task)? {
            let entries = self.repository.list_folder(tree, &path)?;
            if !entries.is_empty() {
                return Ok(LogReader::new(self.repository.clone(), entries));
            }
        }
        Ok(LogReader::new(self.repository.clone(), Vec::new()))
    }

    /// Appends one event. The caller holds the task's lock.
    ///
    /// Fails with [`RecordsError::Illegal`] when the task's state does not allow it; nothing is written then.
    pub fn append_event(
        &self,
        task: &TaskId,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<TaskEvent, RecordsError> {
        let machine = self.state.require_machine()?;
        let history = self.load_task(task)?;
        let event = next_event(&history, task, &machine, (kind, now));
        history.state.clone().apply(&event)?;
        let tracking = self.repository.tracking_ref(machine.as_str())?;
        let mut changes = tracking.changes();
        put_event(&mut changes, &event)?;
        self.append(&tracking, changes, &format!("{} {task}", event.kind.name()))?;
        Ok(event)
    }

    /// Appends the record of a run, with the event it ends in, as one commit. The caller holds the task's lock.
    pub fn append_record(&self, new: NewRecord, now: Timestamp) -> Result<(), RecordsError> {
        let NewRecord { mut record, task_text, prompt, result, error, log, events } = new;
        let machine = self.state.require_machine()?;
        self.repository.set_log_attributes()?;
        let tracking = self.repository.tracking_ref(machine.as_str())?;
        let mut changes = tracking.changes();
        let folder = format!(
            "{}/runs/{}",
            task_folder(&record.task),
            RunRecord::folder_name(record.number, record.run)
        );
        if let Some(log) = log {
            let (segments, left_out) = put_log(&mut changes, &folder, &log)?;
            record.log = segments;
            if left_out > 0 {
                record.warnings.push(format!(
                    "the log was longer than log_record_max: {left_out} bytes of its middle are not in the record"
                ));
            }
        }
        let record_path = format!("{folder}/run.json");
        changes.put(&record_path, &encode(&record, &record_path)?)?;
        changes.put(&format!("{folder}/task.yaml"), task_text.as_bytes())?;
        let texts = [("prompt.md", Some(prompt)), ("result.md", result), ("error.md", error)];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                changes.put(&format!("{folder}/{name}"), capped(&text).as_bytes())?;
            }
        }
        let mut history = self.load_task(&record.task)?;
        for kind in events {
            let event = next_event(&history, &record.task, &machine, (kind, now));
            put_event(&mut changes, &event)?;
            history.lamport = event.lamport;
        }
        pass(FaultPoint::RecordWritten)?;
        let message = format!("{} {} run {}", record.outcome.name(), record.task, record.number);
        self.append(&tracking, changes, &message)
    }

    /// Appends while no other process of this clone does: one that was killed may have left the ref's lock.
    fn append(
        &self,
        tracking: &TrackingRef,
        changes: TrackingChanges,
        message: &str,
    ) -> Result<(), RecordsError> {
        let _alone = self.state.lock_records()?;
        pass(FaultPoint::RecordsLocked)?;
        self.repository.outwait_stale_lock(tracking.name())?;
        tracking.append(changes, message)?;
        Ok(())
    }

    /// Returns the folders of a task on all tracking refs, this machine's first.
    fn task_trees(&self, task: &TaskId) -> Result<Vec<TreeId>, RecordsError> {
        let mut trees = Vec::new();
        for tip in self.repository.tracking_tips()? {
            let root = self.repository.tree_of(tip.tip)?;
            if let Some(EntryKind::Folder(tree)) = self.repository.lookup(root, &task_folder(task))? {
                trees.push(tree);
            }
        }
        Ok(trees)
    }

    /// Loads what one machine knows of a task.
    pub(super) fn load_part(&self, task: &TaskId, tree: TreeId) -> Result<TaskHistory, RecordsError> {
        let mut part = TaskHistory::default();
        for entry in self.repository.list_folder(tree, "events")? {
            if let EntryKind::File(blob) = entry.kind {
                part.events.extend(self.load_event(task, &entry.name, blob)?);
            }
        }
        for entry in self.repository.list_folder(tree, "runs")? {
            let path = format!("runs/{}/run.json", entry.name);
            if let Some(bytes) = self.repository.read_file(tree, &path)? {
                let record = decode_record(&bytes, &format!("{}/{path}", task_folder(task)))?;
                part.runs.push(RunSummary::of(&record));
            }
        }
        Ok(part)
    }

    /// An event of a kind that a newer program added is left out, as are its effects; a newer version is
    /// refused. One of a known kind that cannot be read is an error: without it the task's state would lie.
    fn load_event(&self, task: &TaskId, name: &str, blob: BlobId) -> Result<Option<TaskEvent>, RecordsError> {
        let bytes = self.repository.read_blob(blob)?;
        let path = format!("{}/events/{name}", task_folder(task));
        require_version(&bytes, &path, EVENT_VERSION)?;
        decode_event(&bytes, &path)
    }
}

/// Returns the folder of a task on a tracking ref.
pub fn task_folder(task: &TaskId) -> String {
    format!("tasks/{}/{task}", task.shard())
}

fn next_event(
    history: &TaskHistory,
    task: &TaskId,
    machine: &MachineId,
    (kind, at): (EventKind, Timestamp),
) -> TaskEvent {
    TaskEvent {
        version: EVENT_VERSION,
        lamport: history.lamport + 1,
        machine: machine.clone(),
        task: task.clone(),
        at,
        kind,
    }
}

fn put_event(changes: &mut TrackingChanges, event: &TaskEvent) -> Result<(), RecordsError> {
    let path = format!("{}/events/{}", task_folder(&event.task), event.file_name());
    changes.put(&path, &encode(event, &path)?)?;
    Ok(())
}

fn encode<T: serde::Serialize>(value: &T, path: &str) -> Result<Vec<u8>, RecordsError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|source| RecordsError::NotEncoded { path: path.to_owned(), source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn decode_record(bytes: &[u8], path: &str) -> Result<RunRecord, RecordsError> {
    require_version(bytes, path, RECORD_VERSION)?;
    serde_json::from_slice(bytes).map_err(|source| RecordsError::Malformed { path: path.to_owned(), source })
}

fn decode_event(bytes: &[u8], path: &str) -> Result<Option<TaskEvent>, RecordsError> {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let malformed = |source| RecordsError::Malformed { path: path.to_owned(), source };
    let Kind { kind } = serde_json::from_slice(bytes).map_err(malformed)?;
    if !EventKind::NAMES.contains(&kind.as_str()) {
        return Ok(None);
    }
    serde_json::from_slice(bytes).map(Some).map_err(malformed)
}

fn require_version(bytes: &[u8], path: &str, newest: u32) -> Result<(), RecordsError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let versioned: Versioned = serde_json::from_slice(bytes)
        .map_err(|source| RecordsError::Malformed { path: path.to_owned(), source })?;
    if versioned.version > newest {
        return Err(RecordsError::TooNew { path: path.to_owned(), found: versioned.version, newest });
    }
    Ok(())
}

fn capped(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_kind_to_come_is_left_out_and_a_damaged_one_is_not() {
        let event = |kind: &str, claim: &str| {
            format!(
                r#"{{"version":1,"lamport":1,"machine":"0123456789abcdef","task":"fix","at":"2026-11-22T13:10:19.123Z","kind":"{kind}","claim":"{claim}"}}"#
            )
        };
        let claim = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert!(decode_event(event("claimed", claim).as_bytes(), "e").unwrap().is_some());
        assert!(decode_event(event("celebrated", claim).as_bytes(), "e").unwrap().is_none());
        assert!(decode_event(event("claimed", "nobody").as_bytes(), "e").is_err());
    }
}
