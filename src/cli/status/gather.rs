//! What is going on, as a value: every task in the one part of the screen that it belongs to.

use std::cmp::Reverse;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::run::{MachineId, Outcome};
use crate::schedule::{Hold, Standing, Unfinished, WaitingBecause, Wish, queue};
use crate::store::history::TaskHistory;
use crate::store::overview::Overview;
use crate::store::runner_lock::Presence;
use crate::task::{TaskFileError, TaskId};
use crate::timestamp::Timestamp;

/// What is going on.
#[derive(Debug)]
pub(crate) struct Status<'a> {
    /// Everything that is known of all tasks.
    pub(crate) overview: &'a Overview,
    /// Who is the runner.
    pub(crate) runner: Presence,
    /// Since when, where there is one.
    pub(crate) runner_since: Option<Timestamp>,
    /// The tasks.
    pub(crate) parts: Parts<'a>,
}

/// The tasks, each in one part, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    /// An agent or its supervisor is at work.
    pub(crate) running: Vec<&'a TaskId>,
    /// The runner was stopped in the middle.
    pub(crate) interrupted: Vec<&'a TaskId>,
    /// What runs next, the first one first.
    pub(crate) queued: Vec<TaskId>,
    /// Came from elsewhere and wait for a person's word.
    pub(crate) untrusted: Vec<&'a TaskId>,
    /// May not run yet for another reason.
    pub(crate) held: Vec<(&'a TaskId, &'a Hold)>,
    /// Files that cannot be read.
    pub(crate) invalid: Vec<&'a TaskFileError>,
    /// Done, and not merged; the last one first.
    pub(crate) review: Vec<&'a TaskId>,
    /// Ended without being done, and still wanted; the last one first.
    pub(crate) failed: Vec<&'a TaskId>,
    /// Another machine's runner has them.
    pub(crate) elsewhere: Vec<(&'a TaskId, &'a MachineId)>,
    /// Kept out of the queue by their author.
    pub(crate) drafts: Vec<&'a TaskId>,
}

impl<'a> Status<'a> {
    /// Finds out what is going on.
    pub(crate) fn gather(context: &Context, overview: &'a Overview) -> Result<Self, CommandError> {
        let state = context.state()?;
        let runner = state.load_runner()?;
        let runner_since = state.load_runner_start().filter(|_| runner != Presence::Absent);
        let mut parts = Parts::of(overview);
        let unmerged = context.records()?.load_unmerged(overview)?;
        parts.review = overview.standings.keys().filter(|task| unmerged.contains(*task)).collect();
        let ended = |task: &&TaskId| Reverse(ending(overview, task).map(|(_, at)| at));
        parts.review.sort_by_cached_key(ended);
        parts.failed.sort_by_cached_key(ended);
        Ok(Self { overview, runner, runner_since, parts })
    }

    /// Returns how many things want a person.
    pub(crate) fn attention(&self) -> usize {
        let parts = &self.parts;
        let held = parts.held.iter().filter(|(_, hold)| wants_a_person(hold)).count();
        let stopped = if self.runner == Presence::Absent { parts.interrupted.len() } else { 0 };
        stopped + held + parts.untrusted.len() + parts.invalid.len() + parts.review.len() + parts.failed.len()
    }

    /// Returns a task's title, where its file can be read.
    pub(crate) fn title(&self, task: &TaskId) -> Option<&'a str> {
        self.overview.tasks.get(task).map(|task| task.file.title.as_str())
    }

    /// Returns what is known of a task from its records.
    pub(crate) fn history(&self, task: &TaskId) -> Option<&'a TaskHistory> {
        self.overview.histories.get(task)
    }

    /// Returns how a task ended, in one line for people, and when.
    pub(crate) fn ending(&self, task: &TaskId) -> Option<(&'a str, Timestamp)> {
        ending(self.overview, task)
    }
}

impl<'a> Parts<'a> {
    fn of(overview: &'a Overview) -> Self {
        let mut parts = Self { invalid: overview.invalid.iter().collect(), ..Self::default() };
        let queued = queue(&overview.entries, &overview.standings);
        parts.queued = queued.into_iter().map(|candidate| candidate.task).collect();
        // Both are in the order of the ids.
        for (entry, (task, standing)) in overview.entries.iter().zip(&overview.standings) {
            match standing {
                Standing::Running => parts.running.push(task),
                Standing::Interrupted => parts.interrupted.push(task),
                Standing::Elsewhere { machine } => parts.elsewhere.push((task, machine)),
                Standing::Draft => parts.drafts.push(task),
                Standing::Held { hold: Hold::Untrusted } => parts.untrusted.push(task),
                Standing::Held { hold } if *hold != Hold::Invalid => parts.held.push((task, hold)),
                Standing::Ended { outcome: Outcome::Failed | Outcome::Interrupted, .. }
                    if !matches!(entry.wish, Wish::Gone) =>
                {
                    parts.failed.push(task);
                }
                Standing::Held { .. } | Standing::Queued { .. } | Standing::Ended { .. } => {}
            }
        }
        parts
    }
}

/// Returns whether a hold stays for as long as nobody does anything.
fn wants_a_person(hold: &Hold) -> bool {
    match hold {
        Hold::Invalid
        | Hold::Refused { .. }
        | Hold::Untrusted
        | Hold::FileMissing
        | Hold::Unreadable { .. }
        | Hold::Unsettled { because: Unfinished::NoFinalNewline }
        | Hold::Waiting { because: WaitingBecause::NotDone | WaitingBecause::Unknown, .. }
        | Hold::Service { until: None, .. } => true,
        Hold::Unsettled { because: Unfinished::Changing }
        | Hold::Waiting { because: WaitingBecause::NotYetDone, .. }
        | Hold::Service { until: Some(_), .. } => false,
    }
}

fn ending<'a>(overview: &'a Overview, task: &TaskId) -> Option<(&'a str, Timestamp)> {
    if let Standing::Ended { message, at, .. } = overview.standings.get(task)? {
        return Some((message, *at));
    }
    None
}
