//! All tasks at once: their files, their records, their locks, and where each stands.

use std::collections::BTreeMap;

use super::history::TaskHistory;
use super::records::{Records, RecordsError};
use super::state_directory::StateDirectory;
use super::tasks::{LoadedTask, LoadedTasks, Readiness, SETTLE_TIME, SettingsSource, TaskFolder, Unsettled};
use super::trust::{Judge, Trust};
use crate::config::GitEntry;
use crate::os::fs::FileError;
use crate::run::{MachineId, StoredState};
use crate::schedule::{Entry, Lock, Standing, Unfinished, Wish, standings};
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
    /// Whether their bytes may be run, of the tasks that might run next.
    pub trust: BTreeMap<TaskId, Trust>,
}

/// What an overview is put together from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The task files.
    pub tasks: &'a TaskFolder,
    /// The records.
    pub records: &'a Records,
    /// What this clone alone knows.
    pub state: &'a StateDirectory,
    /// `claudedo.*` of git's configuration.
    pub user: &'a [GitEntry],
}

impl Overview {
    /// Looks at everything.
    pub fn load(sources: &Sources<'_>, now: Timestamp) -> Result<Self, RecordsError> {
        let loaded = sources.tasks.load_all(now);
        let histories = sources.records.load_all()?;
        Self::put_together(sources, loaded, histories, now)
    }

    /// Looks at one task, and at those that it comes after, since it waits for them. Costs the same however
    /// many others there are.
    pub fn load_task(sources: &Sources<'_>, task: &TaskId, now: Timestamp) -> Result<Self, RecordsError> {
        let mut loaded = LoadedTasks::default();
        let mut ids = vec![task.clone()];
        match sources.tasks.load(task, now) {
            Ok(Some(found)) => {
                ids.extend(found.task.file.after.iter().cloned());
                loaded.tasks.push((task.clone(), found.task));
            }
            Ok(None) => {}
            Err(error) => loaded.invalid.push(error),
        }
        for id in &ids[1..] {
            if let Ok(Some(found)) = sources.tasks.load(id, now) {
                loaded.tasks.push((id.clone(), found.task));
            }
        }
        let mut histories = BTreeMap::new();
        for id in ids {
            let history =
                sources.records.load_task(&id).unwrap_or_else(|error| TaskHistory::unreadable(&error));
            if history != TaskHistory::default() {
                histories.insert(id, history);
            }
        }
        Self::put_together(sources, loaded, histories, now)
    }

    fn put_together(
        sources: &Sources<'_>,
        loaded: LoadedTasks,
        histories: BTreeMap<TaskId, TaskHistory>,
        now: Timestamp,
    ) -> Result<Self, RecordsError> {
        let mut files: BTreeMap<TaskId, LoadedTask> = loaded.tasks.into_iter().collect();
        let trust = trust(sources, &mut files, &histories, now)?;
        let invalid: Vec<TaskId> = loaded.invalid.iter().filter_map(invalid_task).collect();
        let mut ids: Vec<&TaskId> = files.keys().chain(histories.keys()).chain(&invalid).collect();
        ids.sort();
        ids.dedup();
        // Settings that cannot be read at all are told when a task is run with them.
        let mut settings = SettingsSource::load(sources.tasks, sources.user).ok();
        let mut entries = Vec::with_capacity(ids.len());
        for id in ids {
            let stored = histories.get(id).map(|history| history.state.clone()).unwrap_or_default();
            let damage = histories.get(id).and_then(|history| history.damage.as_ref());
            let wish = match (damage, files.get(id)) {
                (Some(message), _) => Wish::Unreadable { message: message.clone() },
                (None, Some(file)) => wish(file, &stored, trust.get(id).copied(), settings.as_mut()),
                (None, None) if invalid.contains(id) => Wish::Invalid,
                (None, None) => Wish::Gone,
            };
            let lock = if damage.is_some() && sources.state.is_at_work(id)? {
                Lock::Held
            } else {
                lock(sources.state, id, &stored)?
            };
            entries.push(Entry { task: id.clone(), wish, stored, lock });
        }
        let here = here(sources.state)?;
        let standings = standings(&entries, &here, now);
        Ok(Self { entries, standings, tasks: files, histories, invalid: loaded.invalid, trust })
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

/// Asks of each task that might run next whether its bytes may be run. One that may be arriving counts as changing; one
/// whose very bytes the user approved is whole, however it came and whenever.
fn trust(
    sources: &Sources<'_>,
    files: &mut BTreeMap<TaskId, LoadedTask>,
    histories: &BTreeMap<TaskId, TaskHistory>,
    now: Timestamp,
) -> Result<BTreeMap<TaskId, Trust>, FileError> {
    let judge = Judge::load(&sources.records.repository, sources.state, sources.tasks)?;
    let mut all = BTreeMap::new();
    for (id, file) in files {
        let stored = histories.get(id).map_or(&StoredState::New, |history| &history.state);
        if file.file.draft || !might_run(stored) {
            continue;
        }
        let trust = judge.trust(id, &file.content);
        if trust == Trust::Approved {
            file.readiness = Readiness::Ready;
        } else if trust == Trust::Arriving && file.readiness == Readiness::Ready {
            file.readiness = Readiness::Unsettled(Unsettled::Changing { until: now.plus(SETTLE_TIME) });
        }
        all.insert(id.clone(), trust);
    }
    Ok(all)
}

fn wish(
    task: &LoadedTask,
    stored: &StoredState,
    trust: Option<Trust>,
    settings: Option<&mut SettingsSource<'_>>,
) -> Wish {
    match (task.file.draft, &task.readiness) {
        (true, _) => return Wish::Draft,
        (false, Readiness::Unsettled(Unsettled::NoFinalNewline)) => {
            return Wish::Unsettled(Unfinished::NoFinalNewline);
        }
        (false, Readiness::Unsettled(Unsettled::Changing { .. })) => {
            return Wish::Unsettled(Unfinished::Changing);
        }
        (false, Readiness::Ready) => {}
    }
    if trust == Some(Trust::Brought) {
        return Wish::Untrusted;
    }
    if let Some(message) = settings.and_then(|settings| refusal(task, stored, settings)) {
        return Wish::Refused { message };
    }
    Wish::Ready { priority: task.file.priority, after: task.file.after.clone(), since: task.modified }
}

/// Only for a task that might run next: adding up the settings of a thousand that are done takes too long.
fn refusal(task: &LoadedTask, stored: &StoredState, settings: &mut SettingsSource<'_>) -> Option<String> {
    if !might_run(stored) {
        return None;
    }
    let settings = settings.of(Some(task)).ok()?;
    settings.resolved.holds.first().map(ToString::to_string)
}

fn might_run(stored: &StoredState) -> bool {
    match stored {
        StoredState::Claimed { .. } | StoredState::Ended { .. } => false,
        StoredState::New | StoredState::Requested { .. } | StoredState::Held { .. } => true,
    }
}

fn invalid_task(error: &TaskFileError) -> Option<TaskId> {
    error.path.file_stem()?.to_str()?.parse().ok()
}

/// Returns this machine's id; a clone that never ran anything has none, and no claim can be its own.
fn here(state: &StateDirectory) -> Result<MachineId, FileError> {
    Ok(state.load_machine()?.unwrap_or_else(MachineId::new_unique))
}
