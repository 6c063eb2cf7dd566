//! What is known of one task from its records: its state and its runs.

use serde::{Deserialize, Serialize};

use super::records::RecordsError;
use crate::run::{
    Changes, FailureReason, Outcome, RunId, RunKind, RunRecord, SessionId, StoredState, TaskEvent,
    WorkspaceRecord,
};
use crate::timestamp::Timestamp;

/// All that the records say of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskHistory {
    /// What its events add up to.
    pub state: StoredState,
    /// How many events did not fit the state they met.
    pub refused: usize,
    /// The highest lamport number among its events.
    pub lamport: u64,
    /// Its events; left out of the derived cache, which needs only what they add up to.
    #[serde(skip)]
    pub events: Vec<TaskEvent>,
    /// Its runs, by number.
    pub runs: Vec<RunSummary>,
    /// Why its records cannot be read, for people; nothing else is known of it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// One run, as far as lists and decisions need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// 1, 2, 3 … within the task.
    pub number: u32,
    /// The run.
    pub run: RunId,
    /// The first run of its claim.
    pub claim: RunId,
    /// Why there was a run.
    pub kind: RunKind,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed, if it did.
    pub reason: Option<FailureReason>,
    /// The conversation that can be gone on with.
    pub session: Option<SessionId>,
    /// When the agent was started.
    pub started: Timestamp,
    /// When its process was gone.
    pub finished: Timestamp,
    /// Rounds of the model.
    pub turns: u64,
    /// The agent's estimate in US dollars.
    pub cost_usd: Option<f64>,
    /// The branch, in full.
    pub branch: Option<String>,
    /// Where the branch began.
    pub base: Option<String>,
    /// The branch's tip after the run.
    pub commit: Option<String>,
    /// How much it changed.
    pub changes: Option<Changes>,
}

impl TaskHistory {
    /// Returns what is known of a task whose records cannot be read.
    pub fn unreadable(error: &RecordsError) -> Self {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self { damage: Some(format!("Failed to {error}{cause}")), ..Self::default() }
    }

    /// Adds what another machine knows.
    pub fn add(&mut self, part: Self) {
        self.events.extend(part.events);
        self.runs.extend(part.runs);
    }

    /// Works out what the events add up to, once all are in.
    pub fn settle(&mut self) {
        self.runs.sort_by_key(|run| (run.number, run.run));
        self.lamport = self.events.iter().map(|event| event.lamport).max().unwrap_or_default();
        let (state, refused) = StoredState::fold(self.events.clone());
        self.state = state;
        self.refused = refused.len();
    }

    /// Returns the last run.
    pub fn last_run(&self) -> Option<&RunSummary> {
        self.runs.last()
    }

    /// Returns the number of the run that comes next.
    pub fn next_number(&self) -> u32 {
        self.last_run().map_or(1, |run| run.number + 1)
    }

    /// Returns a run by its number.
    pub fn run(&self, number: u32) -> Option<&RunSummary> {
        self.runs.iter().rev().find(|run| run.number == number)
    }

    /// Returns what all runs cost together, where anything is known.
    pub fn cost_usd(&self) -> Option<f64> {
        let known: Vec<f64> = self.runs.iter().filter_map(|run| run.cost_usd).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }
}

impl RunSummary {
    /// Returns the summary of a record.
    pub fn of(record: &RunRecord) -> Self {
        let (branch, base, commit, changes) = match &record.workspace {
            WorkspaceRecord::Worktree { branch, base, commit, changes, .. } => {
                (Some(branch.clone()), Some(base.clone()), Some(commit.clone()), Some(*changes))
            }
            WorkspaceRecord::Sandbox { .. } | WorkspaceRecord::None => (None, None, None, None),
        };
        Self {
            number: record.number,
            run: record.run,
            claim: record.claim,
            kind: record.kind,
            outcome: record.outcome,
            reason: record.reason,
            session: record.agent.session.clone(),
            started: record.started,
            finished: record.finished,
            turns: record.usage.turns,
            cost_usd: record.usage.cost_usd,
            branch,
            base,
            commit,
            changes,
        }
    }
}
