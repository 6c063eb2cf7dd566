//! One look at the tasks: what may run now, and when something that is held may.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::decide::Event;
use super::engine::Engine;
use crate::os::clock;
use crate::os::stamps::Stamps;
use crate::schedule::{Candidate, Hold, Standing, Wish, queue};
use crate::store::overview::{Overview, Sources};
use crate::store::tasks::{Readiness, SETTLE_TIME, Unsettled};
use crate::store::trust::{ApprovedBy, Trust};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

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
pub(crate) struct Seen(u64);

/// One look.
#[derive(Debug)]
pub(crate) struct Look {
    /// What was found.
    pub(crate) event: Event,
    /// For the next look, where what was seen can be told apart from any later change.
    pub(crate) seen: Option<Seen>,
}

/// Looks at the tasks; only at whether anything has changed where the last look is known.
pub(crate) fn scan(engine: &Engine, selection: &Selection, known: Option<&Seen>) -> anyhow::Result<Look> {
    let seen = see(engine)?;
    if seen.is_some() && seen.as_ref() == known {
        return Ok(Look { event: Event::Unchanged, seen });
    }
    scanned(engine, selection, seen)
}

/// Sums up the files, the records and the last wish to look. A file that changed a moment ago may change again
/// without looking different, so then there is no sum.
fn see(engine: &Engine) -> anyhow::Result<Option<Seen>> {
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
    Ok(Some(Seen(hasher.finish())))
}

fn scanned(engine: &Engine, selection: &Selection, seen: Option<Seen>) -> anyhow::Result<Look> {
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
    let next_release = overview
        .standings
        .iter()
        .filter(|(task, _)| selection.contains(task))
        .filter_map(|(task, standing)| release(&overview, task, standing))
        .min();
    // What git is about to say of an arriving file is in no sum.
    let is_arriving = overview.trust.values().any(|trust| *trust == Trust::Arriving);
    let seen = seen.filter(|_| !is_arriving);
    Ok(Look { event: Event::Scanned { queue: candidates, next_release }, seen })
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

fn release(overview: &Overview, task: &TaskId, standing: &Standing) -> Option<Timestamp> {
    match standing {
        Standing::Held { hold: Hold::Service { until, .. } } => *until,
        Standing::Held { hold: Hold::Unsettled { .. } } => match overview.tasks.get(task)?.readiness {
            Readiness::Unsettled(Unsettled::Changing { until }) => Some(until),
            Readiness::Unsettled(Unsettled::NoFinalNewline) | Readiness::Ready => None,
        },
        Standing::Held {
            hold:
                Hold::Invalid | Hold::Refused { .. } | Hold::Untrusted | Hold::FileMissing | Hold::Waiting { .. },
        }
        | Standing::Draft
        | Standing::Queued { .. }
        | Standing::Running
        | Standing::Interrupted
        | Standing::Elsewhere { .. }
        | Standing::Ended { .. } => None,
    }
}
