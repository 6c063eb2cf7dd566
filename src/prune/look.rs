//! Looks at what is in worktrees: one, or all at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::content::{Snapshots, Subject};
use super::find::Candidate;
use super::site::{Known, Site};
use super::thing::{Content, Place, Thing};

/// Looks at what is in the worktrees, on as many processors as there are.
pub(super) fn look_at_all(
    site: &Site,
    known: &Known,
    snapshots: &[Snapshots],
    candidates: Vec<Candidate>,
    wants_look: &(dyn Fn(&Thing) -> bool + Sync),
) -> Vec<Thing> {
    let next = AtomicUsize::new(0);
    let cells: Vec<Mutex<Candidate>> = candidates.into_iter().map(Mutex::new).collect();
    let work = || {
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut candidate = cell.lock().unwrap_or_else(PoisonError::into_inner);
            if !wants_look(&candidate.thing) {
                continue;
            }
            let none = Snapshots::new();
            let refs = snapshots.get(candidate.repository).unwrap_or(&none);
            look(site, known, refs, &mut candidate);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(cells.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let candidates = cells.into_iter().map(|cell| cell.into_inner().unwrap_or_else(PoisonError::into_inner));
    candidates.map(|candidate| candidate.thing).collect()
}

/// Looks at what is in one worktree. What cannot be looked at stays, and does not keep others from going.
pub(super) fn look(site: &Site, known: &Known, snapshots: &Snapshots, candidate: &mut Candidate) {
    let Some(repository) = site.repositories.get(candidate.repository) else { return };
    let thing = &mut candidate.thing;
    let lost = |reason: String| Content::Lost { reasons: vec![reason] };
    let Some(task) = thing.task.clone() else {
        thing.content = lost("it is named for no task".to_owned());
        return;
    };
    let Some(history) = known.histories.get(&task) else {
        thing.content = lost("no record knows its task".to_owned());
        return;
    };
    let Place::Worktree { folder, .. } = &thing.place else { return };
    let subject =
        Subject { repository, worktree: &candidate.worktree, folder, task: &task, history, snapshots };
    match subject.look() {
        Ok(found) => {
            thing.content = found.content;
            thing.bytes = found.measure.bytes;
            thing.ignored_bytes = found.measure.ignored_bytes;
            thing.largest_ignored = found.measure.largest;
        }
        Err(error) => thing.content = lost(format!("failed to {}", said(&error))),
    }
}

pub(super) fn said(error: &crate::git::GitError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
