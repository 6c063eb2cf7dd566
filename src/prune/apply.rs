//! Does what a plan says and nothing else, and looks at each thing again right before it goes.
//!
//! A worktree is set aside by one rename, looked at once more where nobody writes any more, and only then removed; its
//! registration goes last. A prune that is killed at any step is finished by the next one, which finds the folder that
//! was set aside, and looks at it like at any other.

use std::path::Path;

use serde::Serialize;

use super::find::{AT_WORK, aside, find_snapshot, find_worktree, folder_of, folder_thing, note_users};
use super::plan::{Item, Plan};
use super::site::{PruneError, Site};
use super::snapshots::run_of;
use super::thing::{Content, Kind, Place, Thing};
use super::trash::trash_thing;
use crate::git::Repository;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs;
use crate::store::history::RunSummary;
use crate::store::snapshots::Snapshots;
use crate::store::state_directory::TaskLock;
use crate::task::TaskId;

/// What became of a thing that was to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// It is gone.
    Removed,
    /// It stays, for something changed since the plan was made.
    Stayed {
        /// What, as fragments.
        because: Vec<String>,
    },
    /// It could not be removed.
    Failed {
        /// Why.
        error: String,
    },
}

/// Removes what a plan says goes, and tells of each what became of it. One that fails does not keep others from going.
///
/// Fails when another prune is at work.
pub fn apply(site: &Site, plan: &Plan, tell: &mut dyn FnMut(&Item, Fate)) -> Result<bool, PruneError> {
    let Some(_alone) = site.try_lock()? else { return Ok(false) };
    let (logs, others): (Vec<&Item>, Vec<&Item>) =
        plan.going().partition(|item| item.thing.kind == Kind::Log);
    // What keeps the files of a worktree goes first, so that the worktree is looked at without it.
    let (snapshots, others): (Vec<&Item>, Vec<&Item>) =
        others.into_iter().partition(|item| item.thing.kind == Kind::Snapshot);
    for item in snapshots.into_iter().chain(others) {
        let fate = remove(site, item).unwrap_or_else(failed);
        tell(item, fate);
    }
    if !logs.is_empty() {
        let fate = match prune_logs(site, &logs) {
            Ok(()) => Fate::Removed,
            Err(error) => failed(error),
        };
        for item in logs {
            tell(item, fate.clone());
        }
    }
    Ok(true)
}

fn failed(error: PruneError) -> Fate {
    Fate::Failed { error: format!("failed to {:#}", anyhow::Error::from(error)) }
}

fn stayed(because: impl Into<String>) -> Fate {
    Fate::Stayed { because: vec![because.into()] }
}

fn remove(site: &Site, item: &Item) -> Result<Fate, PruneError> {
    match (&item.thing.place, item.thing.kind) {
        (Place::Worktree { .. }, _) => locked(site, item, remove_worktree),
        (Place::Ref { .. }, _) => locked(site, item, remove_snapshot),
        (Place::Path { path }, Kind::Cache) => remove_path(path),
        (Place::Path { path }, Kind::Trash) => match trash_thing(site, path.clone()) {
            Some(mut thing) => {
                note_users(std::iter::once(&mut thing));
                if thing.in_use.is_empty() {
                    remove_path(path)
                } else {
                    Ok(Fate::Stayed { because: thing.in_use })
                }
            }
            None => Ok(stayed("it changed meanwhile")),
        },
        (Place::Path { .. }, _) => locked(site, item, remove_folder),
        (Place::Logs { .. }, _) => Ok(stayed("logs go together")),
    }
}

/// Holds the lock of the thing's task meanwhile, so that no run of it begins.
fn locked(
    site: &Site,
    item: &Item,
    remove: fn(&Site, &Item, &Held) -> Result<Fate, PruneError>,
) -> Result<Fate, PruneError> {
    let Some(task) = &item.thing.task else {
        return if item.forced && item.thing.kind == Kind::Snapshot {
            remove(site, item, &Held { task: None, _lock: None })
        } else {
            Ok(stayed("it belongs to no task"))
        };
    };
    match site.state.try_lock_task(task)? {
        Some(lock) => remove(site, item, &Held { task: Some(task.clone()), _lock: Some(lock) }),
        None => Ok(stayed(AT_WORK)),
    }
}

/// The right to remove what belongs to a task.
struct Held {
    task: Option<TaskId>,
    _lock: Option<TaskLock>,
}

impl Held {
    /// Whoever holds the lock finds it held.
    fn objections(&self, now: &Thing, item: &Item) -> Vec<String> {
        let mut because = now.in_use.clone();
        if self.task.is_some() {
            because.retain(|reason| reason != AT_WORK);
        }
        if now.since != item.thing.since || now.outcome != item.thing.outcome {
            because.push("its task went on meanwhile".to_owned());
        }
        match &now.content {
            Content::Lost { reasons } if !item.forced => because.extend(reasons.iter().cloned()),
            Content::NotLookedAt if !item.forced => because.push("it could not be looked at".to_owned()),
            Content::Lost { .. } | Content::NotLookedAt | Content::Safe { .. } | Content::Expendable => {}
        }
        because
    }
}

fn remove_worktree(site: &Site, item: &Item, held: &Held) -> Result<Fate, PruneError> {
    let Some(now) = look_again(site, item, held)? else { return Ok(stayed("it is gone already")) };
    let because = held.objections(&now, item);
    if !because.is_empty() {
        return Ok(Fate::Stayed { because });
    }
    let Place::Worktree { repository, path, folder } = &now.place else { return Ok(stayed("it is gone")) };
    let Some(repository) = site.repository_at(repository) else {
        return Ok(stayed("its repository is gone"));
    };
    if folder.symlink_metadata().is_ok() {
        let set_aside = aside(path);
        if folder != &set_aside {
            if set_aside.symlink_metadata().is_ok() {
                return Ok(stayed(format!("an earlier prune left {}", set_aside.display())));
            }
            fs::rename(folder, &set_aside)?;
        }
        pass(FaultPoint::PrunedAside)?;
        if let Some(fate) = look_last(site, item, held, &set_aside)? {
            if path.symlink_metadata().is_err() {
                fs::rename(&set_aside, path)?;
            }
            return Ok(fate);
        }
        fs::remove_directory(&set_aside)?;
    }
    pass(FaultPoint::PrunedFolder)?;
    forget(repository, path)
}

/// Whoever had a file open in the folder may have written until the rename was seen.
fn look_last(site: &Site, item: &Item, held: &Held, folder: &Path) -> Result<Option<Fate>, PruneError> {
    let Some(now) = look_again(site, item, held)? else {
        return Ok(Some(stayed("its registration is gone")));
    };
    if folder_of(&now) != folder {
        return Ok(Some(stayed("somebody made the folder again")));
    }
    let because = held.objections(&now, item);
    Ok((!because.is_empty()).then_some(Fate::Stayed { because }))
}

fn look_again(site: &Site, item: &Item, held: &Held) -> Result<Option<Thing>, PruneError> {
    let Some(task) = &held.task else { return Ok(None) };
    find_worktree(site, &site.load_known_of(task)?, &item.thing)
}

fn forget(repository: &Repository, path: &Path) -> Result<Fate, PruneError> {
    repository.forget_worktree(path)?;
    Ok(Fate::Removed)
}

fn remove_snapshot(site: &Site, item: &Item, held: &Held) -> Result<Fate, PruneError> {
    let Place::Ref { repository, name, commit, .. } = &item.thing.place else {
        return Ok(stayed("it is no ref"));
    };
    let Some(repository) = site.repository_at(repository) else {
        return Ok(stayed("its repository is gone"));
    };
    if let Some(task) = &held.task {
        let now = find_snapshot(site, &site.load_known_of(task)?, &item.thing)?;
        let Some(now) = now else { return Ok(stayed("it is gone already")) };
        let because = held.objections(&now, item);
        if !because.is_empty() {
            return Ok(Fate::Stayed { because });
        }
    }
    if let (Some(run), Some(task)) = (run_of(name), &held.task) {
        Snapshots::new(repository, &site.state).remove(task, run, *commit)?;
    } else {
        repository.outwait_stale_lock(name)?;
        repository.move_own_ref(name, Some(*commit), None)?;
    }
    Ok(Fate::Removed)
}

/// Removes a folder that is on no ref, and was named.
fn remove_folder(site: &Site, item: &Item, held: &Held) -> Result<Fate, PruneError> {
    let (Place::Path { path }, Some(task), true) = (&item.thing.place, &held.task, item.forced) else {
        return Ok(stayed("it was not named"));
    };
    let known = site.load_known_of(task)?;
    let mut now = folder_thing(site, &known, (item.thing.kind, path.clone()), task.clone())?;
    note_users(std::iter::once(&mut now));
    let because = held.objections(&now, item);
    if !because.is_empty() {
        return Ok(Fate::Stayed { because });
    }
    fs::remove_directory(path)?;
    Ok(Fate::Removed)
}

fn remove_path(path: &Path) -> Result<Fate, PruneError> {
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_directory(path)?;
    } else {
        fs::remove_file(path)?;
    }
    Ok(Fate::Removed)
}

fn prune_logs(site: &Site, items: &[&Item]) -> Result<(), PruneError> {
    let mut runs: Vec<(TaskId, RunSummary)> = Vec::new();
    for item in items {
        let (Some(task), Place::Logs { runs: wanted }) = (&item.thing.task, &item.thing.place) else {
            continue;
        };
        let history = site.records.load_task(task)?;
        let those = history.runs.into_iter().filter(|run| wanted.contains(&run.run));
        runs.extend(those.map(|run| (task.clone(), run)));
    }
    site.records.prune_logs(&runs, site.now)?;
    pass(FaultPoint::PrunedLogs)?;
    Ok(())
}
