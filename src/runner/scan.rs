//! One look at the tasks: what may run now, and when something that is held may.

use std::collections::BTreeSet;

use super::decide::Event;
use super::engine::Engine;
use crate::os::clock;
use crate::schedule::{Candidate, Hold, Standing, Wish, queue};
use crate::store::overview::{Overview, Sources};
use crate::store::tasks::{Readiness, Unsettled};
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

/// Looks at the tasks.
pub(crate) fn scan(engine: &Engine, selection: &Selection) -> anyhow::Result<Event> {
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
    Ok(Event::Scanned { queue: candidates, next_release })
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
