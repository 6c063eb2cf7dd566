//! The shapes of the answers in JSON. Keys are added, never renamed or removed.

use std::path::Path;

use serde::Serialize;

use super::snapshots::SnapshotJson;
use crate::run::{Outcome, RunRecord};
use crate::schedule::Standing;
use crate::store::history::RunSummary;
use crate::task::{TaskFile, TaskFileError, TaskId};

/// One task of `git claudedo list --json`.
#[derive(Debug, Serialize)]
pub(crate) struct TaskJson<'a> {
    /// The task.
    pub(crate) id: &'a TaskId,
    /// The one word of the table.
    pub(crate) state: &'static str,
    /// Where it stands, with all that is true of it only there.
    pub(crate) standing: &'a Standing,
    /// What is wanted, in one line; `null` without a file that can be read.
    pub(crate) title: Option<&'a str>,
    /// The list whose defaults apply.
    pub(crate) list: Option<&'a str>,
    /// How many runs there were.
    pub(crate) runs: usize,
    /// What they cost in US dollars, where the agent said so.
    pub(crate) cost_usd: Option<f64>,
    /// The last of them.
    pub(crate) last_run: Option<&'a RunSummary>,
    /// Why its file cannot be read, and what to do.
    pub(crate) invalid: Option<String>,
}

/// One thing of `git claudedo list --json`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ListedJson<'a> {
    /// A task.
    Task(TaskJson<'a>),
    /// A file in the folder of tasks whose name is no task's.
    Invalid {
        /// Always `invalid`.
        state: &'static str,
        /// The file.
        path: &'a Path,
        /// Why it is none, and what to do.
        invalid: String,
    },
}

impl<'a> ListedJson<'a> {
    /// Returns a file that is no task.
    pub(crate) fn invalid(error: &'a TaskFileError) -> Self {
        Self::Invalid { state: "invalid", path: &error.path, invalid: error.to_string() }
    }
}

/// `git claudedo show --json`.
#[derive(Debug, Serialize)]
pub(crate) struct ShownJson<'a> {
    /// What `list` says of it.
    #[serde(flatten)]
    pub(crate) task: TaskJson<'a>,
    /// Its file.
    pub(crate) path: Option<&'a Path>,
    /// What the file says.
    pub(crate) file: Option<&'a TaskFile>,
    /// All runs, the first one first.
    pub(crate) all_runs: &'a [RunSummary],
    /// The record of the last run, as it is on the tracking ref.
    pub(crate) record: Option<&'a RunRecord>,
    /// The last run's last words, in Markdown.
    pub(crate) result: Option<&'a str>,
    /// What went wrong in the last run, in Markdown.
    pub(crate) error: Option<&'a str>,
    /// The command that comes next.
    pub(crate) next: Option<&'a str>,
    /// What was kept last of its worktree.
    pub(crate) newest_snapshot: Option<SnapshotJson>,
}

/// A task that `run` or `cancel` brought to an end.
#[derive(Debug, Serialize)]
pub(crate) struct EndedJson<'a> {
    /// The task.
    pub(crate) id: &'a TaskId,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// One line for people.
    pub(crate) message: &'a str,
}
