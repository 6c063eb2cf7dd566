//! One look at the tasks: what may run now, and when something that is held may.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::decide::Event;
use super::engine::Engine;
use super::sight::Seen;
use crate::os::clock;
use crate::os::stamps::Stamps;
use crate::schedule::{Candidate, Hold, Standing, Wish, queue};
use crate::store::overview::{Overview, Sources};
use crate::store::tasks::{Readiness, SETTLE_TIME, Unsettled};
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

/// One look.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// What was found.
    pub(crate) event: Event,
    /// For the next look, where this one can be told apart from any later change.
    pub(crate) mark: Option<Mark>,
}

/// Looks at the tasks; only at whether anything has changed where the last look is known.
pub(crate) fn scan(engine: &Engine, selection: &Selection, known: Option<&Mark>) -> anyhow::Result<Look> {
    let mark = mark(engine)?;
    if mark.is_some() && mark.as_ref() == known {
        return Ok(Look { event: Event::Unchanged, mark });
    }
    scanned(engine, selection, mark)
}

/// Sums up the files, the records and the last wish to look. A file that changed a moment ago may change again
/// without looking different, so then there is no sum.
fn mark(engine: &Engine) -> anyhow::Result<Option<Mark>> {
    let mut hasher = DefaultHasher::new();
    for tip in engine.repository.tracking_tips()? {
        (tip.name, tip.tip.to_string()).hash(&mut hasher);
    }
    engine.state.load_wake()?.hash(&mut hasher);
    let now = clock::now();
    for folder in [engine.tasks.path(), engine.tasks.tasks_path(), engine.tasks.lists_path()] {
        let stamps = Stamps::of(&folder);
        if stamps.latest.is_some_and(|latest| latest.plus(SETTLE_TIME) > now) {
            return Ok(None);
        }
        stamps.hash.hash(&mut hasher);
    }
    Ok(Some(Mark(hasher.finish())))
}

fn scanned(engine: &Engine, selection: &Selection, mark: Option<Mark>) -> anyhow::Result<Look> {
    let now = clock::now();
    let sources = Sources {
        tasks: &engine.tasks,
        records: &engine.records,
        state: &engine.state,
        user: &engine.user_config,
    };
    let overview = Overview::load(&sources, now)?;
    approve_saved(engine, &overview, now);
    let candidates: Vec<Candidate> = queue(&overview.entries, &overview.standings)
        .into_iter()
        .filter(|candidate| selection.contains(&candidate.task))
        .collect();
    let releases: Vec<Timestamp> = overview
        .standings
        .iter()
        .filter(|(task, _)| selection.contains(task))
        .filter_map(|(task, standing)| release(&overview, task, standing))
        .collect();
    engine.broadcast.note(Seen::of(&overview, selection));
    // What git is about to say of an arriving file is in no sum.
    let is_arriving = overview.trust.values().any(|trust| *trust == Trust::Arriving);
    let mark = mark.filter(|_| !is_arriving);
    Ok(Look { event: Event::Scanned { queue: candidates, next_release: first_of(&releases) }, mark })
}

/// Approves what was saved here and is ready, so that it stays so once it is committed.
///
/// What cannot be written down stays saved here, and the next look tries again.
fn approve_saved(engine: &Engine, overview: &Overview, now: Timestamp) {
    for entry in &overview.entries {
        let is_saved = overview.trust.get(&entry.task) == Some(&Trust::Saved);
        let Some(seen) = overview.tasks.get(&entry.task).filter(|_| is_saved) else { continue };
        if matches!(entry.wish, Wish::Ready { .. })
            && let Ok(Some(task)) = engine.tasks.load(&entry.task, now)
            && task.task.content == seen.content
        {
            drop(engine.state.approve(&task, ApprovedBy::Saved, now));
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
