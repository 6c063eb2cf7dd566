//! What happened to a task, one fact a file on the tracking ref.
//!
//! Events are only ever added. A task's state is the fold of its events in the order of
//! (lamport, machine), so that every reader of the same events sees the same state, whatever the
//! clocks of the machines said.

use serde::{Deserialize, Serialize};

use super::{FailureReason, MachineId, Outcome, RunId, RunKind};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The version that this program writes. A reader refuses a newer one.
pub const EVENT_VERSION: u32 = 1;

/// One event of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEvent {
    /// The version of the format.
    pub version: u32,
    /// One more than the highest number the writer had seen for this task.
    pub lamport: u64,
    /// Who wrote it.
    pub machine: MachineId,
    /// The task.
    pub task: TaskId,
    /// When, by the writer's clock. For people: the order is that of `lamport`.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A person asked for another run of a task that had ended.
    Requested {
        /// What kind of run.
        run_kind: RunKind,
        /// The further prompt, for a follow-up.
        prompt: Option<String>,
    },
    /// A runner took the task. All runs until the matching `Finished` or `Held` belong to this claim.
    Claimed {
        /// The first run of the claim, which names it.
        claim: RunId,
    },
    /// The claim is over.
    Finished {
        /// Which claim.
        claim: RunId,
        /// Its last run.
        run: RunId,
        /// What became of the task.
        outcome: Outcome,
        /// Why it failed, if it did.
        reason: Option<FailureReason>,
        /// One line for people.
        message: String,
    },
    /// The claim is given back without an end: the task goes on later, in the same session.
    Held {
        /// Which claim.
        claim: RunId,
        /// Its last run.
        run: RunId,
        /// Not before this moment; `None` until somebody starts a runner again.
        until: Option<Timestamp>,
        /// Why.
        reason: FailureReason,
        /// One line for people.
        message: String,
    },
    /// A person cancelled the task before a runner took it.
    Cancelled {
        /// One line for people.
        message: String,
    },
}

impl TaskEvent {
    /// Returns the file name of the event: `<lamport>-<machine>-<kind>.json`, so that names sort by lamport.
    pub fn file_name(&self) -> String {
        format!("{:08}-{}-{}.json", self.lamport, self.machine, self.kind.name())
    }

    /// Returns what the fold sorts by.
    pub fn order(&self) -> (u64, &MachineId) {
        (self.lamport, &self.machine)
    }
}

impl EventKind {
    /// The names of all kinds, as they stand in the files.
    pub const NAMES: [&str; 5] = ["requested", "claimed", "finished", "held", "cancelled"];

    /// Returns the kind's name as it stands in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Claimed { .. } => "claimed",
            Self::Finished { .. } => "finished",
            Self::Held { .. } => "held",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}
