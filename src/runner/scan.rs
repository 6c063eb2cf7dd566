//! One look at the tasks: what may run now, and when something that is held may.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::sight::Seen;
use crate::config::GitEntry;
use crate::os::clock;
use crate::os::stamps::Stamps;
use crate::schedule::{Candidate, Hold, Standing, Wish, queue};
use crate::store::overview::{Overview, Sources};
use crate::store::tasks::{Readiness, SETTLE_TIME, SettingsSource, Unsettled};
use crate::store::trust::{ApprovedBy, Trust};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// Files whose moments are closer than this are looked at together.
const TOGETHER: Duration = Duration::from_millis(250);

/// Which tasks a runner runs.
#[derive(Debug, Clone)]
pub enum Selection {
    /// All that may run.
    All,
    /// Only these.
    Only(BTreeSet<TaskId>),
}

impl Selection {
    /// Returns whether a task is one of them.
    pub fn contains(&self, task: &TaskId) -> bool {
        match self {
            Self::All => true,
            Self::Only(tasks) => tasks.contains(task),
        }
    }
}

/// What a look depends on, in short: the same means that another look would find the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// What one look found. May be handed on from one process to another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Those that may run, the next one first.
    pub(crate) queue: Vec<Candidate>,
    /// When the first of the held ones may run, where that is known.
    pub(crate) next_release: Option<Timestamp>,
    /// For who looks on.
    pub(crate) seen: Seen,
    /// Whether git is about to say more of an arriving file, which is in no sum.
    pub(crate) is_arriving: bool,
    /// The tasks of this machine that are claimed and that nobody works on.
    pub(crate) interrupted: Vec<TaskId>,
    /// Room for how many runs, by the settings, where those can be read.
    pub(crate) slots: Option<u32>,
    /// `claudedo.*` of git's configuration that this was found with.
    pub(crate) user: Vec<GitEntry>,
}

/// Sums up the files, git's configuration, the records and the last wish to look. A file that changed a moment ago may change again
/// without looking different, so then there is no sum.
pub(crate) fn mark(engine: &Engine) -> anyhow::Result<Option<Mark>> {
    let mut hasher = DefaultHasher::new();
    for tip in engine.repository.tracking_tips()? {
        (tip.name, tip.tip.to_string()).hash(&mut hasher);
    }
    engine.state.load_wake()?.hash(&mut hasher);
    let now = clock::now();
    let folders = [engine.tasks.path(), engine.tasks.tasks_path(), engine.tasks.lists_path()];
    for path in folders.into_iter().chain(engine.repository.config_paths()) {
        let stamps = Stamps::of(&path);
        if stamps.latest.is_some_and(|latest| latest.plus(SETTLE_TIME) > now) {
            return Ok(None);
        }
        stamps.hash.hash(&mut hasher);
    }
    Ok(Some(Mark(hasher.finish())))
}

/// Looks at the tasks, and names this many of those that may run.
pub(crate) fn look(sources: &Sources<'_>, selection: &Selection, most: usize) -> anyhow::Result<Found> {
    let now = clock::now();
    let overview = Overview::load(sources, now)?;
    approve_saved(sources, &overview, now);
    let mut candidates = queue(&overview.entries, &overview.standings);
    candidates.retain(|candidate| selection.contains(&candidate.task));
    let releases: Vec<Timestamp> = overview
        .standings
        .iter()
        .filter(|(task, _)| selection.contains(task))
        .filter_map(|(task, standing)| release(&overview, task, standing))
        .collect();
    let mut seen = Seen::of(&overview, selection);
    seen.unnamed = candidates.len().saturating_sub(most);
    candidates.truncate(most);
    let interrupted =
        |(task, standing): (&TaskId, &Standing)| (*standing == Standing::Interrupted).then(|| task.clone());
    Ok(Found {
        queue: candidates,
        next_release: first_of(&releases),
        seen,
        is_arriving: overview.trust.values().any(|trust| *trust == Trust::Arriving),
        interrupted: overview.standings.iter().filter_map(interrupted).collect(),
        slots: slots(sources),
        user: sources.user.to_vec(),
    })
}

fn slots(sources: &Sources<'_>) -> Option<u32> {
    let settings = SettingsSource::load(sources.tasks, sources.user).and_then(|mut source| source.of(None));
    settings.ok().map(|settings| settings.resolved.slots.value.number())
}

/// Approves what was saved here and is ready, so that it stays so once it is committed.
///
/// What cannot be written down stays saved here, and the next look tries again.
fn approve_saved(sources: &Sources<'_>, overview: &Overview, now: Timestamp) {
    for entry in &overview.entries {
        let is_saved = overview.trust.get(&entry.task) == Some(&Trust::Saved);
        let Some(seen) = overview.tasks.get(&entry.task).filter(|_| is_saved) else { continue };
        if matches!(entry.wish, Wish::Ready { .. })
            && let Ok(Some(task)) = sources.tasks.load(&entry.task, now)
            && task.task.content == seen.content
        {
            drop(sources.state.approve(&task, ApprovedBy::Saved, now));
        }
    }
}

/// Returns the first of these moments, or the last of those that follow it closely: hundreds of files that one
/// checkout wrote are worth one look and not hundreds.
fn first_of(releases: &[Timestamp]) -> Option<Timestamp> {
    let together = releases.iter().min()?.plus(TOGETHER);
    releases.iter().filter(|moment| **moment <= together).max().copied()
}

fn release(overview: &Overview, task: &TaskId, standing: &Standing) -> Option<Timestamp> {
    match standing {
        Standing::Held { hold: Hold::Service { until, .. } } => *until,
        Standing::Held { hold: Hold::Unsettled { .. } } => match overview.tasks.get(task)?.readiness {
            Readiness::Unsettled(Unsettled::Changing { until }) => Some(until),
            Readiness::Unsettled(Unsettled::NoFinalNewline) | Readiness::Ready => None,
        },
        Standing::Held {
            hold:
                Hold::Invalid
                | Hold::Refused { .. }
                | Hold::Untrusted
                | Hold::Unreadable { .. }
                | Hold::FileMissing
                | Hold::Waiting { .. },
        }
        | Standing::Draft
        | Standing::Queued { .. }
        | Standing::Running
        | Standing::Interrupted
        | Standing::Elsewhere { .. }
        | Standing::Ended { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_follow_closely_are_one() {
        let moments = |all: &[i64]| -> Vec<Timestamp> {
            all.iter().map(|moment| Timestamp::from_unix_milliseconds(*moment).unwrap()).collect()
        };
        let first = |all: &[i64]| first_of(&moments(all)).map(Timestamp::unix_milliseconds);
        assert_eq!(first(&[]), None);
        assert_eq!(first(&[5000]), Some(5000));
        assert_eq!(first(&[9000, 5200, 5000, 5100, 5251]), Some(5200));
    }
}
