//! Where a task stands, and which one is next.
//!
//! A standing is computed from the task's file, its events and its lock whenever somebody looks; it is
//! stored nowhere, so it cannot be out of date.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run::{FailureReason, MachineId, Outcome, RunKind, StoredState};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// What is known of one task when somebody looks.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The task.
    pub task: TaskId,
    /// Its file.
    pub wish: Wish,
    /// What its events add up to.
    pub stored: StoredState,
    /// Whether its lock is held.
    pub lock: Lock,
}

/// What a task's file says about when it may run.
#[derive(Debug, Clone)]
pub enum Wish {
    /// The file can be read.
    Ready {
        /// Higher runs first.
        priority: i32,
        /// Runs once those are done.
        after: Vec<TaskId>,
        /// When the file was last changed: among equals the oldest runs first.
        since: Timestamp,
    },
    /// Kept out of the queue by its author.
    Draft,
    /// Somebody may still be writing it.
    Unsettled(Unfinished),
    /// What it asks for needs something of the user first.
    Refused {
        /// What, for people.
        message: String,
    },
    /// Nobody on this machine approved what it says.
    Untrusted,
    /// It cannot be read; the error is told elsewhere.
    Invalid,
    /// Whatever it says, the task's records cannot be read.
    Unreadable {
        /// Why, for people.
        message: String,
    },
    /// There is no file any more, only records.
    Gone,
}

/// Whether anybody works on a task on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// A kernel lock is held.
    Held,
    /// Nobody holds it.
    Free,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Kept out of the queue by its author.
    Draft,
    /// May not run yet.
    Held {
        /// Why.
        #[serde(flatten)]
        hold: Hold,
    },
    /// Runs when a slot is free.
    Queued {
        /// What kind of run it will be.
        run_kind: RunKind,
    },
    /// An agent or its supervisor is at work: the lock is held.
    Running,
    /// This machine's runner was stopped in the middle; the next start goes on with it.
    Interrupted,
    /// Another machine's runner has it.
    Elsewhere {
        /// Whose.
        machine: MachineId,
    },
    /// Over, until a person says otherwise.
    Ended {
        /// What became of it.
        outcome: Outcome,
        /// Why it failed, if it did.
        reason: Option<FailureReason>,
        /// One line for people.
        message: String,
        /// When.
        at: Timestamp,
    },
}

/// Why a task may not run yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "snake_case")]
pub enum Hold {
    /// Its file cannot be read.
    Invalid,
    /// Its file may still be in the making.
    Unsettled {
        /// Why it looks like that.
        because: Unfinished,
    },
    /// What it asks for needs something of the user first.
    Refused {
        /// What, for people.
        message: String,
    },
    /// Nobody on this machine approved what its file says.
    Untrusted,
    /// Its records cannot be read, so that nobody knows what was done.
    Unreadable {
        /// Why, for people.
        message: String,
    },
    /// Its file is gone, but somebody asked for another run.
    FileMissing,
    /// It runs once another task is done.
    Waiting {
        /// Which.
        on: TaskId,
        /// Where that one stands.
        because: WaitingBecause,
    },
    /// A limit of the service: not before `until`, or not before somebody starts a runner again.
    Service {
        /// When the limit is lifted.
        until: Option<Timestamp>,
        /// Which.
        reason: FailureReason,
        /// One line for people.
        message: String,
    },
}

/// Why a file looks as if somebody was still writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfinished {
    /// Its last line does not end.
    NoFinalNewline,
    /// It changed a moment ago.
    Changing,
}

/// Why a task that others wait for is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingBecause {
    /// Its turn has not come, or it is at work.
    NotYetDone,
    /// It ended without being done.
    NotDone,
    /// No such task is known.
    Unknown,
}

/// One task that may run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The task.
    pub task: TaskId,
    /// What kind of run.
    pub run_kind: RunKind,
    /// The further prompt, for a follow-up.
    pub prompt: Option<String>,
}

/// Returns where each task stands at `now`, as this machine sees it.
pub fn standings(entries: &[Entry], here: &MachineId, now: Timestamp) -> BTreeMap<TaskId, Standing> {
    let outcomes: BTreeMap<&TaskId, &StoredState> =
        entries.iter().map(|entry| (&entry.task, &entry.stored)).collect();
    entries.iter().map(|entry| (entry.task.clone(), standing(entry, &outcomes, here, now))).collect()
}

/// Returns the tasks that may run now, the next one first: by priority, then by age, then by name.
pub fn queue(entries: &[Entry], standings: &BTreeMap<TaskId, Standing>) -> Vec<Candidate> {
    let mut queued: Vec<&Entry> = entries
        .iter()
        .filter(|entry| matches!(standings.get(&entry.task), Some(Standing::Queued { .. })))
        .collect();
    queued.sort_by_key(|entry| (rank(entry), entry.task.clone()));
    queued.into_iter().map(candidate).collect()
}

fn rank(entry: &Entry) -> (Reverse<i32>, Option<Timestamp>) {
    match &entry.wish {
        Wish::Ready { priority, since, .. } => (Reverse(*priority), Some(*since)),
        Wish::Draft
        | Wish::Unsettled(_)
        | Wish::Refused { .. }
        | Wish::Untrusted
        | Wish::Invalid
        | Wish::Unreadable { .. }
        | Wish::Gone => (Reverse(i32::MIN), None),
    }
}

fn candidate(entry: &Entry) -> Candidate {
    let prompt = match &entry.stored {
        StoredState::Requested { prompt, .. } => prompt.clone(),
        StoredState::New
        | StoredState::Claimed { .. }
        | StoredState::Held { .. }
        | StoredState::Ended { .. } => None,
    };
    Candidate { task: entry.task.clone(), run_kind: next_kind(&entry.stored), prompt }
}

fn next_kind(stored: &StoredState) -> RunKind {
    match stored {
        StoredState::Requested { run_kind, .. } => *run_kind,
        StoredState::Held { .. } => RunKind::Resume,
        StoredState::New | StoredState::Claimed { .. } | StoredState::Ended { .. } => RunKind::First,
    }
}

fn standing(
    entry: &Entry,
    others: &BTreeMap<&TaskId, &StoredState>,
    here: &MachineId,
    now: Timestamp,
) -> Standing {
    match (&entry.stored, entry.lock) {
        (_, Lock::Held) => Standing::Running,
        (StoredState::Claimed { machine, .. }, Lock::Free) if machine == here => Standing::Interrupted,
        (StoredState::Claimed { machine, .. }, Lock::Free) => {
            Standing::Elsewhere { machine: machine.clone() }
        }
        (StoredState::Ended { outcome, reason, message, at }, Lock::Free) => {
            Standing::Ended { outcome: *outcome, reason: *reason, message: message.clone(), at: *at }
        }
        (StoredState::Held { until, reason, message }, Lock::Free)
            if until.is_some_and(|until| until > now) =>
        {
            Standing::Held {
                hold: Hold::Service { until: *until, reason: *reason, message: message.clone() },
            }
        }
        (StoredState::New | StoredState::Requested { .. } | StoredState::Held { .. }, Lock::Free) => {
            wished(entry, others)
        }
    }
}

fn wished(entry: &Entry, others: &BTreeMap<&TaskId, &StoredState>) -> Standing {
    let hold = match &entry.wish {
        Wish::Draft => return Standing::Draft,
        Wish::Invalid => Some(Hold::Invalid),
        Wish::Unsettled(because) => Some(Hold::Unsettled { because: *because }),
        Wish::Refused { message } => Some(Hold::Refused { message: message.clone() }),
        Wish::Untrusted => Some(Hold::Untrusted),
        Wish::Unreadable { message } => Some(Hold::Unreadable { message: message.clone() }),
        Wish::Gone => Some(Hold::FileMissing),
        Wish::Ready { after, .. } => after.iter().find_map(|on| waiting(on, others)),
    };
    match hold {
        Some(hold) => Standing::Held { hold },
        None => Standing::Queued { run_kind: next_kind(&entry.stored) },
    }
}

fn waiting(on: &TaskId, others: &BTreeMap<&TaskId, &StoredState>) -> Option<Hold> {
    let because = match others.get(on) {
        None => WaitingBecause::Unknown,
        Some(StoredState::Ended { outcome: Outcome::Done, .. }) => return None,
        Some(StoredState::Ended { .. }) => WaitingBecause::NotDone,
        Some(
            StoredState::New
            | StoredState::Requested { .. }
            | StoredState::Claimed { .. }
            | StoredState::Held { .. },
        ) => WaitingBecause::NotYetDone,
    };
    Some(Hold::Waiting { on: on.clone(), because })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_unix_milliseconds(seconds * 1000).unwrap()
    }

    fn here() -> MachineId {
        "0123456789abcdef".parse().unwrap()
    }

    fn entry(id: &str, priority: i32, since: i64, after: &[&str]) -> Entry {
        let after = after.iter().map(|id| id.parse().unwrap()).collect();
        Entry {
            task: id.parse().unwrap(),
            wish: Wish::Ready { priority, after, since: moment(since) },
            stored: StoredState::New,
            lock: Lock::Free,
        }
    }

    fn ended(outcome: Outcome) -> StoredState {
        StoredState::Ended { outcome, reason: None, message: String::new(), at: moment(0) }
    }

    fn next(entries: &[Entry], now: i64) -> Vec<String> {
        let standings = standings(entries, &here(), moment(now));
        queue(entries, &standings).into_iter().map(|candidate| candidate.task.to_string()).collect()
    }

    #[test]
    fn urgent_tasks_run_first_then_old_ones() {
        let entries = [entry("late", 0, 20, &[]), entry("urgent", 5, 30, &[]), entry("early", 0, 10, &[])];
        assert_eq!(next(&entries, 100), ["urgent", "early", "late"]);
    }

    #[test]
    fn a_task_waits_for_the_one_it_comes_after() {
        let mut entries = [entry("first", 0, 20, &[]), entry("second", 9, 10, &["first"])];
        assert_eq!(next(&entries, 100), ["first"]);
        entries[0].stored = ended(Outcome::Failed);
        assert!(next(&entries, 100).is_empty());
        entries[0].stored = ended(Outcome::Done);
        assert_eq!(next(&entries, 100), ["second"]);
    }

    #[test]
    fn running_means_that_the_lock_is_held_whatever_the_events_say() {
        let mut task = entry("task", 0, 0, &[]);
        task.stored = ended(Outcome::Done);
        task.lock = Lock::Held;
        assert_eq!(standings(&[task], &here(), moment(1)).into_values().next(), Some(Standing::Running));
    }

    #[test]
    fn a_usage_limit_holds_a_task_until_the_moment_given() {
        let mut task = entry("task", 0, 0, &[]);
        task.stored = StoredState::Held {
            until: Some(moment(50)),
            reason: FailureReason::UsageLimit,
            message: String::new(),
        };
        assert!(next(std::slice::from_ref(&task), 49).is_empty());
        assert_eq!(next(&[task], 50), ["task"]);
    }

    #[test]
    fn a_claim_without_a_lock_is_interrupted_here_and_unknown_elsewhere() {
        let mut task = entry("task", 0, 0, &[]);
        let claim = crate::run::RunId::new_unique();
        task.stored = StoredState::Claimed { claim, machine: here(), at: moment(0) };
        let of =
            |task: &Entry| standings(std::slice::from_ref(task), &here(), moment(1)).into_values().next();
        assert_eq!(of(&task), Some(Standing::Interrupted));
        let machine: MachineId = "fedcba9876543210".parse().unwrap();
        task.stored = StoredState::Claimed { claim, machine: machine.clone(), at: moment(0) };
        assert_eq!(of(&task), Some(Standing::Elsewhere { machine }));
    }
}
