//! What only a person asks: which run, in which slot, what it did last; what worktrees and disk are in use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::gather::Status;
use super::surroundings::{Hooks, Unpushed, unpushed};
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::os::disk::{DiskLimits, DiskUse, disk_use};
use crate::run::StoredState;
use crate::schedule::Standing;
use crate::store::event_stream::{StreamEvent, load_last};
use crate::store::history::TaskHistory;
use crate::task::TaskId;
use crate::timestamp::Timestamp;
use crate::ui::stream_words;

/// The most of the event stream that is searched for the last words of each agent.
const STREAM_TAIL_BYTES: u64 = 256 * 1024;

/// How far the disk used is counted.
const DISK_LIMITS: DiskLimits = DiskLimits { entries: 500_000, time: Duration::from_secs(1) };

/// What only a person asks.
#[derive(Debug)]
pub(crate) struct Details {
    /// One for each task that runs, in the same order.
    pub(crate) running: Vec<Running>,
    /// How git's hooks stand.
    pub(crate) hooks: Hooks,
    /// The remotes that did not get the records.
    pub(crate) unpushed: Vec<Unpushed>,
    /// Worktrees of tasks that have ended.
    pub(crate) worktrees: Vec<PathBuf>,
    /// What the worktrees and this program's own folder take, where that was asked for.
    pub(crate) disk: Option<DiskUse>,
}

/// A task that runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// 1, 2, 3 … within the task; `None` in the instant before it is known.
    pub(crate) number: Option<u32>,
    /// In which slot.
    pub(crate) slot: Option<u32>,
    /// When the task was taken.
    pub(crate) since: Option<Timestamp>,
    /// What the runs before cost in US dollars, where that is known.
    pub(crate) cost_usd: Option<f64>,
    /// What was done last, for people.
    pub(crate) last: Option<String>,
}

/// The part of `plan.json` that is needed here.
#[derive(Debug, Deserialize)]
struct Plan {
    intent: Intent,
}

#[derive(Debug, Deserialize)]
struct Intent {
    task: TaskId,
    number: u32,
    slot: u32,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What is known at once.
    Quick,
    /// The disk as well.
    Full,
}

impl Details {
    /// Finds it out.
    pub(crate) fn gather(context: &Context, status: &Status<'_>, depth: Depth) -> Result<Self, CommandError> {
        let worktrees = ended_worktrees(context, status)?;
        let disk = match depth {
            Depth::Quick => None,
            Depth::Full => Some(disk(context, worktrees.clone())?),
        };
        Ok(Self {
            running: running(context, status)?,
            hooks: Hooks::load(context)?,
            unpushed: unpushed(context)?,
            worktrees,
            disk,
        })
    }
}

fn running(context: &Context, status: &Status<'_>) -> Result<Vec<Running>, CommandError> {
    if status.parts.running.is_empty() {
        return Ok(Vec::new());
    }
    let state = context.state()?;
    let mut plans = BTreeMap::new();
    for run in state.load_runs()? {
        if let Some(Plan { intent }) = state.run_directory(run).load("plan.json")? {
            plans.insert(intent.task.clone(), intent);
        }
    }
    let events = load_last(&state.events_path(), STREAM_TAIL_BYTES);
    let one = |task: &&TaskId| Running {
        number: plans.get(*task).map(|intent| intent.number),
        slot: plans.get(*task).map(|intent| intent.slot),
        since: claimed_at(status, task),
        cost_usd: status.history(task).and_then(TaskHistory::cost_usd),
        last: last_words(&events, task),
    };
    Ok(status.parts.running.iter().map(one).collect())
}

fn claimed_at(status: &Status<'_>, task: &TaskId) -> Option<Timestamp> {
    if let StoredState::Claimed { at, .. } = status.history(task)?.state {
        return Some(at);
    }
    None
}

fn last_words(events: &[StreamEvent], task: &TaskId) -> Option<String> {
    let last = events.iter().rev().find(|event| event.task.as_ref() == Some(task))?;
    Some(stream_words::words(&last.kind))
}

/// Returns the worktrees that are named for a task that has ended.
fn ended_worktrees(context: &Context, status: &Status<'_>) -> Result<Vec<PathBuf>, CommandError> {
    let has_ended = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let task: Option<TaskId> = name.and_then(|name| name.parse().ok());
        let standing = task.and_then(|task| status.overview.standings.get(&task));
        matches!(standing, Some(Standing::Ended { .. })) && path.is_dir()
    };
    let worktrees = context.repository()?.worktrees()?;
    Ok(worktrees.into_iter().map(|worktree| worktree.path).filter(has_ended).collect())
}

fn disk(context: &Context, mut folders: Vec<PathBuf>) -> Result<DiskUse, CommandError> {
    folders.push(context.state()?.path().to_owned());
    Ok(disk_use(&folders, DISK_LIMITS))
}
