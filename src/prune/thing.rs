//! What is kept, and what would be lost with it.

use std::path::PathBuf;

use serde::Serialize;

use crate::git::CommitId;
use crate::run::{Outcome, RunId};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// What kind of thing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The worktree of a task.
    Worktree,
    /// The plain folder of a task that is not about the repository.
    Sandbox,
    /// A ref that keeps unfinished work.
    Snapshot,
    /// The logs of a task's runs, in the records.
    Log,
    /// What a program that was killed left behind.
    Trash,
    /// What can be made again at any time.
    Cache,
}

impl Kind {
    /// Returns the word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Sandbox => "sandbox",
            Self::Snapshot => "snapshot",
            Self::Log => "log",
            Self::Trash => "trash",
            Self::Cache => "cache",
        }
    }
}

/// Where a thing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A worktree.
    Worktree {
        /// The common git directory of its repository.
        repository: PathBuf,
        /// Where it is registered.
        path: PathBuf,
        /// Where its files lie: there too, unless it was set aside by a prune that was killed.
        folder: PathBuf,
    },
    /// A file or folder.
    Path {
        /// Where it lies.
        path: PathBuf,
    },
    /// A ref.
    Ref {
        /// The common git directory of its repository.
        repository: PathBuf,
        /// Its full name.
        name: String,
        /// What it names.
        commit: CommitId,
        /// The numbers of the snapshots that it keeps, where it keeps a chain of them.
        numbers: Vec<u32>,
    },
    /// Logs in the records.
    Logs {
        /// The runs.
        runs: Vec<RunId>,
    },
}

/// What would be lost with a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum Content {
    /// Nothing: all of it can be had again.
    Safe {
        /// From which refs, by their full names.
        refs: Vec<String>,
    },
    /// What is on no ref.
    Lost {
        /// What that is, as fragments: `has changes that are on no ref: 3 files`.
        reasons: Vec<String>,
    },
    /// What a setting alone decides about.
    Expendable,
    /// It was not looked at, since it stays anyway.
    NotLookedAt,
}

/// A part of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Where, from the thing's folder.
    pub path: PathBuf,
    /// How large.
    pub bytes: u64,
}

/// Something that is kept on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// What kind of thing.
    pub kind: Kind,
    /// What it is called on the command line.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// How the task ended, if it did.
    pub outcome: Option<Outcome>,
    /// Since when it is of no use: the end of the task, or the last change.
    pub since: Option<Timestamp>,
    /// How much room it takes, in bytes.
    pub bytes: u64,
    /// How much of that git ignores.
    pub ignored_bytes: u64,
    /// The largest of what git ignores.
    pub largest_ignored: Vec<Part>,
    /// What would be lost with it.
    #[serde(flatten)]
    pub content: Content,
    /// Why it stays whatever anybody says, as fragments.
    pub in_use: Vec<String>,
}
