//! What a drain is asked for, and what it answers.

use super::decide::{Patience, QueueHold, Stay};
use super::scan::Selection;
use crate::run::Outcome;
use crate::store::runner_lock::{RunnerHolder, RunnerKind};
use crate::task::TaskId;

/// What is to be drained.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which tasks; all that may run by default.
    pub selection: Selection,
    /// Room for how many runs.
    pub slots: Slots,
    /// Whether to wait for tasks that are held until a known moment.
    pub patience: Patience,
    /// When to end.
    pub stay: Stay,
    /// What to call itself to whoever asks who the runner is.
    pub kind: RunnerKind,
}

/// Room for how many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// This many, as the user asked at the start.
    Asked(u32),
    /// As many as the settings say, which said this at the start. A runner that stays reads them again.
    Configured(u32),
}

/// What a runner did.
#[derive(Debug, Default)]
pub struct DrainReport {
    /// The tasks that got their terminal record, in that order. A runner that stays keeps no list.
    pub ended: Vec<Ended>,
    /// Why the queue is held, if it is.
    pub hold: Option<QueueHold>,
    /// How often somebody asked it to stop.
    pub stops: u32,
    /// Tasks that could not be taken, or whose end could not be recorded.
    pub not_taken: Vec<TaskId>,
}

/// A task that got its terminal record.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The task.
    pub task: TaskId,
    /// What became of it.
    pub outcome: Outcome,
    /// One line for people.
    pub message: String,
}

/// Why there is no runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A repository has one runner at a time.
    #[error("start a runner: this repository has one already")]
    Busy {
        /// The other one, where it has left its note.
        holder: Option<RunnerHolder>,
    },
    /// Something failed that concerns no single task.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}
