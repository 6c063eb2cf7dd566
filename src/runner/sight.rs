//! What a runner sees when it looks at its tasks: plain values for who shows it.
//!
//! Half of it is found on the disk by a scan ([`Seen`]), the other half is what the runner makes of it. Both
//! are put together after each decision, and handed on when something is other than before. Lists are
//! bounded and counted, so that ten thousand tasks are no more to hand on than a hundred.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::decide::{Phase, QueueHold, State};
use super::scan::Selection;
use crate::run::StoredState;
use crate::schedule::{Candidate, Hold, Standing};
use crate::store::overview::Overview;
use crate::task::{TaskFileError, TaskId};
use crate::timestamp::Timestamp;

/// How many of the tasks that may run are named.
pub const QUEUE_NAMED_MAX: usize = 100;

/// How many of the tasks that are held for the same kind of reason are named.
pub const HELD_NAMED_MAX: usize = 100;

/// What a runner sees, and what it makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// How far it has been told to stop.
    pub phase: Phase,
    /// What it runs, by slot.
    pub running: Vec<Running>,
    /// The tasks that may run once a slot is free, the next one first: at most [`QUEUE_NAMED_MAX`].
    pub queue: Vec<TaskId>,
    /// How many may run once a slot is free.
    pub queued: usize,
    /// The tasks that may not run yet, those that a person has to do something about first.
    pub held: Vec<HeldGroup>,
    /// Why nothing starts at all, if so.
    pub hold: Option<QueueHold>,
    /// When the first of the held tasks may run, where that is known.
    pub next_release: Option<Timestamp>,
}

/// A task that has a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub task: TaskId,
    /// Its run, once a scan has seen it; the events told of it before, unless an earlier runner started it.
    pub run: Option<RunSeen>,
}

/// A run that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSeen {
    /// The title of its task.
    pub title: String,
    /// 1, 2, 3 … within the task.
    pub number: u32,
    /// When it began.
    pub since: Timestamp,
}

/// Tasks that are held for the same kind of reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldGroup {
    /// How many.
    pub count: usize,
    /// The first of them by name, never none: at most [`HELD_NAMED_MAX`].
    pub first: Vec<HeldTask>,
}

/// A task that may not run yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTask {
    /// Which.
    pub task: TaskId,
    /// Why.
    pub hold: Hold,
    /// What is wrong with its file, in short, where that is why.
    pub problem: Option<String>,
}

/// What a scan found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    runs: BTreeMap<TaskId, RunSeen>,
    held: Vec<HeldGroup>,
    /// How many may run besides the candidates that were handed on.
    pub(crate) unnamed: usize,
}

impl Seen {
    /// Picks out of an overview what is shown of these tasks.
    pub(crate) fn of(overview: &Overview, selection: &Selection) -> Self {
        let mut seen = Self::default();
        let mut groups: BTreeMap<u8, HeldGroup> = BTreeMap::new();
        for (task, standing) in overview.standings.iter().filter(|(task, _)| selection.contains(task)) {
            match standing {
                Standing::Running | Standing::Interrupted => {
                    seen.runs.extend(run(overview, task).map(|run| (task.clone(), run)));
                }
                Standing::Held { hold } => groups.entry(rank(hold)).or_default().add(overview, task, hold),
                Standing::Draft
                | Standing::Queued { .. }
                | Standing::Elsewhere { .. }
                | Standing::Ended { .. } => {}
            }
        }
        seen.held = groups.into_values().collect();
        seen
    }
}

impl Sight {
    /// Puts together what was seen and what the runner made of it.
    pub(crate) fn of(state: &State, seen: &Seen) -> Self {
        let running = state.running().values();
        let at_work: BTreeSet<&TaskId> = running.clone().collect();
        let queue: Vec<&Candidate> =
            state.queue().iter().filter(|next| !at_work.contains(&next.task)).collect();
        Self {
            phase: state.phase(),
            running: running
                .map(|task| Running { task: task.clone(), run: seen.runs.get(task).cloned() })
                .collect(),
            queue: queue.iter().take(QUEUE_NAMED_MAX).map(|next| next.task.clone()).collect(),
            queued: queue.len() + seen.unnamed,
            held: seen.held.clone(),
            hold: state.hold().cloned(),
            next_release: state.next_release(),
        }
    }
}

impl HeldGroup {
    fn add(&mut self, overview: &Overview, task: &TaskId, hold: &Hold) {
        self.count += 1;
        if self.first.len() < HELD_NAMED_MAX {
            let problem = if *hold == Hold::Invalid { problem(overview, task) } else { None };
            self.first.push(HeldTask { task: task.clone(), hold: hold.clone(), problem });
        }
    }
}

/// The present run of a claim began when the last one was over, or with the claim.
fn run(overview: &Overview, task: &TaskId) -> Option<RunSeen> {
    let history = overview.histories.get(task)?;
    let StoredState::Claimed { claim, at, .. } = &history.state else { return None };
    let earlier = history.runs.iter().filter(|run| run.claim == *claim).map(|run| run.finished);
    Some(RunSeen {
        title: overview.tasks.get(task).map_or(String::new(), |task| task.file.title.as_str().to_owned()),
        number: history.next_number(),
        since: earlier.max().unwrap_or(*at),
    })
}

fn problem(overview: &Overview, task: &TaskId) -> Option<String> {
    let of_task = |path: &std::path::Path| path.file_stem().is_some_and(|stem| stem == task.as_str());
    overview.invalid.iter().find(|error| of_task(&error.path)).map(TaskFileError::summary)
}

/// What a person has to do something about comes before what goes on by itself.
fn rank(hold: &Hold) -> u8 {
    match hold {
        Hold::Invalid | Hold::Unreadable { .. } => 0,
        Hold::Untrusted => 1,
        Hold::Refused { .. } => 2,
        Hold::FileMissing => 3,
        Hold::Unsettled { .. } => 4,
        Hold::Service { .. } => 5,
        Hold::Waiting { .. } => 6,
    }
}
