//! Logs taken out of the records of this machine, to give their room back.
//!
//! A blob is gone only when no commit leads to it, so this is the one place where a tracking ref does not move
//! forward: its new commit follows none. Events, records and texts stay byte for byte; where a log was, a note beside
//! the record, `log-pruned.json`, says so.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::history::{RunSummary, TaskHistory};
use super::records::{Records, RecordsError, task_folder};
use crate::git::{EntryKind, TreeId};
use crate::run::{RunId, RunRecord};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The version that this program writes.
const NOTE_VERSION: u32 = 1;

/// The name of the note in a run's folder.
const NOTE: &str = "log-pruned.json";

/// `log-pruned.json`: a run's log was here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogNote {
    /// The version of the format.
    pub version: u32,
    /// When it was taken out.
    pub at: Timestamp,
    /// How large it was.
    pub bytes: u64,
    /// In how many segments.
    pub segments: usize,
}

/// A log in the records of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnLog {
    /// The run.
    pub run: RunId,
    /// When its process was gone.
    pub finished: Timestamp,
    /// How large it is.
    pub bytes: u64,
}

impl Records {
    /// Loads which logs of a task are in the records of this machine.
    pub fn load_own_logs(&self, task: &TaskId, history: &TaskHistory) -> Result<Vec<OwnLog>, RecordsError> {
        let Some(root) = self.own_tree()? else { return Ok(Vec::new()) };
        let mut logs = Vec::new();
        for run in &history.runs {
            if let Some((bytes, _)) = self.log_size(root, &run_folder(task, run))? {
                logs.push(OwnLog { run: run.run, finished: run.finished, bytes });
            }
        }
        Ok(logs)
    }

    /// Takes the logs of runs out of the records of this machine, as one step; returns how many there were.
    ///
    /// Whatever else is in the records stays as it is, also what is appended at the same time.
    pub fn prune_logs(&self, runs: &[(TaskId, RunSummary)], now: Timestamp) -> Result<usize, RecordsError> {
        let Some(machine) = self.state.load_machine()? else { return Ok(0) };
        let tracking = self.repository.tracking_ref(machine.as_str())?;
        let _alone = self.state.lock_records()?;
        self.repository.outwait_stale_lock(tracking.name())?;
        let Some(root) = tracking.tree()? else { return Ok(0) };
        let mut changes = tracking.changes();
        let mut pruned = BTreeSet::new();
        for (task, run) in runs {
            let folder = run_folder(task, run);
            let Some((bytes, segments)) = self.log_size(root, &folder)? else { continue };
            let note = LogNote { version: NOTE_VERSION, at: now, bytes, segments };
            let path = format!("{folder}/{NOTE}");
            let mut text = serde_json::to_vec_pretty(&note)
                .map_err(|source| RecordsError::NotEncoded { path: path.clone(), source })?;
            text.push(b'\n');
            changes.remove(&format!("{folder}/log"))?;
            changes.put(&path, &text)?;
            pruned.insert(run.run);
        }
        if !changes.is_empty() {
            tracking.rewrite(changes, &format!("prune {} logs", pruned.len()))?;
        }
        Ok(pruned.len())
    }

    /// Loads what is said of a log that was taken out, or `None` where it was not.
    pub fn load_log_note(&self, task: &TaskId, run: &RunSummary) -> Result<Option<LogNote>, RecordsError> {
        let note = self.load_file(task, run, NOTE)?;
        // What a newer program says, or nobody, is no reason to show nothing else.
        Ok(note.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn own_tree(&self) -> Result<Option<TreeId>, RecordsError> {
        let Some(machine) = self.state.load_machine()? else { return Ok(None) };
        Ok(self.repository.tracking_ref(machine.as_str())?.tree()?)
    }

    fn log_size(&self, root: TreeId, folder: &str) -> Result<Option<(u64, usize)>, RecordsError> {
        match self.repository.lookup(root, &format!("{folder}/log"))? {
            Some(EntryKind::Folder(log)) => Ok(Some(self.repository.tree_size(log)?)),
            Some(EntryKind::File(_) | EntryKind::Submodule(_)) | None => Ok(None),
        }
    }
}

fn run_folder(task: &TaskId, run: &RunSummary) -> String {
    format!("{}/runs/{}", task_folder(task), RunRecord::folder_name(run.number, run.run))
}
