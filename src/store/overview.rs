//! All tasks at once: their files, their records, their locks, and where each stands.

use std::collections::BTreeMap;

use super::history::TaskHistory;
use super::records::{Records, RecordsError};
use super::state_directory::StateDirectory;
use super::tasks::{LoadedTask, Readiness, TaskFolder};
use crate::os::fs::FileError;
use crate::run::{MachineId, StoredState};
use crate::schedule::{Entry, Lock, Standing, Wish, standings};
use crate::task::{TaskFileError, TaskId};
use crate::timestamp::Timestamp;

/// All that is known of all tasks, at one moment.
#[derive(Debug)]
pub struct Overview {
    /// One for each task that has a file or records.
    pub entries: Vec<Entry>,
    /// Where each stands.
    pub standings: BTreeMap<TaskId, Standing>,
    /// The files that can be read.
    pub tasks: BTreeMap<TaskId, LoadedTask>,
    /// What the records say.
    pub histories: BTreeMap<TaskId, TaskHistory>,
    /// The files that cannot be read.
    pub invalid: Vec<TaskFileError>,
}

impl Overview {
    /// Looks at everything.
    pub fn load(
        tasks: &TaskFolder,
        records: &Records,
        state: &StateDirectory,
        now: Timestamp,
    ) -> Result<Self, RecordsError> {
        let loaded = tasks.load_all(now);
        let files: BTreeMap<TaskId, LoadedTask> = loaded.tasks.into_iter().collect();
        let histories = records.load_all()?;
        let invalid: Vec<TaskId> = loaded.invalid.iter().filter_map(invalid_task).collect();
        let mut ids: Vec<&TaskId> = files.keys().chain(histories.keys()).chain(&invalid).collect();
        ids.sort();
        ids.dedup();
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            let stored = histories.get(id).map(|history| history.state.clone()).unwrap_or_default();
            let wish = match files.get(id) {
                Some(file) => wish(file),
                None if invalid.contains(id) => Wish::Invalid,
                None => Wish::Gone,
            };
            let lock = lock(state, id, &stored)?;
            entries.push(Entry { task: id.clone(), wish, stored, lock });
        }
        let here = here(state)?;
        let standings = standings(&entries, &here, now);
        Ok(Self { entries, standings, tasks: files, histories, invalid: loaded.invalid })
    }
}

/// Only a task that was claimed can be at work, so no other lock is looked at.
fn lock(state: &StateDirectory, task: &TaskId, stored: &StoredState) -> Result<Lock, FileError> {
    match stored {
        StoredState::Claimed { .. } if state.is_at_work(task)? => Ok(Lock::Held),
        StoredState::Claimed { .. }
        | StoredState::New
        | StoredState::Requested { .. }
        | StoredState::Held { .. }
        | StoredState::Ended { .. } => Ok(Lock::Free),
    }
}

fn wish(task: &LoadedTask) -> Wish {
    match (task.file.draft, &task.readiness) {
        (true, _) => Wish::Draft,
        (false, Readiness::Unsettled(_)) => Wish::Unsettled,
        (false, Readiness::Ready) => {
            Wish::Ready { priority: task.file.priority, after: task.file.after.clone(), since: task.modified }
        }
    }
}

fn invalid_task(error: &TaskFileError) -> Option<TaskId> {
    error.path.file_stem()?.to_str()?.parse().ok()
}

/// Returns this machine's id; a clone that never ran anything has none, and no claim can be its own.
fn here(state: &StateDirectory) -> Result<MachineId, FileError> {
    Ok(state.load_machine()?.unwrap_or_else(MachineId::new_unique))
}
