//! What was left behind, what can be made again, and logs that are old.
//!
//! Kernel lock files are none of it: a deleted one could be held by one process and made again by another. Neither are
//! edits that could not be used, nor the folders of runs, which the next start of a runner goes on with.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::find::note_users;
use super::measure::measure;
use super::site::{Known, PruneError, Site};
use super::thing::{Content, Kind, Place, Thing};
use crate::run::StoredState;
use crate::timestamp::Timestamp;

/// How long something of ours that looks left behind is left alone: who made it may still be at work.
pub(super) const YOUNG_MAX: Duration = Duration::from_hours(1);

/// Finds the logs of ended tasks that are old enough to be wanted.
pub(super) fn logs(
    site: &Site,
    known: &Known,
    wants_look: &(dyn Fn(&Thing) -> bool + Sync),
) -> Result<Vec<Thing>, PruneError> {
    let mut things = Vec::new();
    for (task, history) in &known.histories {
        let StoredState::Ended { outcome, at, .. } = &history.state else { continue };
        let mut thing = Thing {
            name: task.to_string(),
            task: Some(task.clone()),
            outcome: Some(*outcome),
            since: Some(*at),
            ..plain(Kind::Log, Place::Logs { runs: Vec::new() })
        };
        if !wants_look(&thing) {
            continue;
        }
        let logs = site.records.load_own_logs(task, history)?;
        if logs.is_empty() {
            continue;
        }
        thing.bytes = logs.iter().map(|log| log.bytes).sum();
        thing.place = Place::Logs { runs: logs.iter().map(|log| log.run).collect() };
        things.push(thing);
    }
    Ok(things)
}

/// Finds what programs of ours that were killed left behind.
pub(super) fn trash(site: &Site) -> Result<Vec<Thing>, PruneError> {
    let mut paths = Vec::new();
    let state = site.state.path();
    let mut of_files = vec![state.to_owned()];
    of_files.extend(folders_in(state));
    of_files.extend(folders_in(&site.state.runs_path()));
    if let Some(files) = &site.task_files {
        of_files.push(files.clone());
        of_files.extend(folders_in(files));
    }
    of_files.extend(site.repositories.iter().map(|repository| repository.common_dir().join("info")));
    for folder in of_files {
        paths.extend(named(&folder, |name| {
            name.strip_suffix(".tmp").is_some_and(|name| name.starts_with(".claudedo-"))
        }));
    }
    let mut of_folders = vec![site.state.runs_path()];
    if let Some(clone) = site.clone_name()? {
        of_folders.extend(site.worktree_folders(&clone));
        of_folders.extend(site.state_home.iter().map(|home| home.join(&clone).join("sandboxes")));
    }
    for folder in of_folders {
        paths.extend(named(&folder, |name| name.strip_suffix(".trash").is_some()));
    }
    paths.sort();
    paths.dedup();
    let mut things: Vec<Thing> = paths.into_iter().filter_map(|path| trash_thing(site, path)).collect();
    note_users(things.iter_mut());
    Ok(things)
}

/// Returns what was left behind at a path, if it is there and old enough.
pub(super) fn trash_thing(site: &Site, path: PathBuf) -> Option<Thing> {
    let metadata = path.symlink_metadata().ok()?;
    let seconds = metadata.mtime().max(metadata.ctime());
    let since = Timestamp::from_unix_milliseconds(seconds.saturating_mul(1000))?;
    if site.now.since(since) < YOUNG_MAX {
        return None;
    }
    Some(Thing {
        name: path.display().to_string(),
        since: Some(since),
        bytes: measure(&path, &[]).bytes,
        ..plain(Kind::Trash, Place::Path { path })
    })
}

/// Finds what can be made again.
pub(super) fn caches(site: &Site) -> Vec<Thing> {
    let paths = [site.state.cache_path(), site.state.events_path().with_extension("1.ndjson")];
    let present = paths.into_iter().filter(|path| path.symlink_metadata().is_ok());
    let thing = |path: PathBuf| Thing {
        name: path.display().to_string(),
        since: Timestamp::from_unix_milliseconds(0),
        bytes: measure(&path, &[]).bytes,
        ..plain(Kind::Cache, Place::Path { path })
    };
    present.map(thing).collect()
}

fn plain(kind: Kind, place: Place) -> Thing {
    Thing {
        kind,
        name: String::new(),
        place,
        task: None,
        outcome: None,
        since: None,
        bytes: 0,
        ignored_bytes: 0,
        largest_ignored: Vec::new(),
        content: Content::Expendable,
        in_use: Vec::new(),
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn named(folder: &Path, is_it: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_str().is_some_and(&is_it));
    ours.map(|entry| entry.path()).collect()
}
