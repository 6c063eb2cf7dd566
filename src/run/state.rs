//! A task's stored state: the fold of its events.
//!
//! "Running" is not among them: that a claim is being worked on is known only from the task's kernel
//! lock (a status cannot lie).

use serde::{Deserialize, Serialize};

use super::{EventKind, FailureReason, MachineId, Outcome, RunId, RunKind, TaskEvent};
use crate::timestamp::Timestamp;

/// What the events of a task add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StoredState {
    /// No runner ever took the task.
    #[default]
    New,
    /// A person asked for another run.
    Requested {
        /// What kind of run.
        run_kind: RunKind,
        /// The further prompt, for a follow-up.
        prompt: Option<String>,
        /// When it was asked.
        at: Timestamp,
    },
    /// A runner took the task and has not given it back.
    Claimed {
        /// The first run of the claim.
        claim: RunId,
        /// Whose runner.
        machine: MachineId,
        /// When.
        at: Timestamp,
    },
    /// The task goes on later, in the same session.
    Held {
        /// Not before this moment; `None` until somebody starts a runner again.
        until: Option<Timestamp>,
        /// Why.
        reason: FailureReason,
        /// One line for people.
        message: String,
    },
    /// The task is over until a person says otherwise.
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

/// An event that does not fit the state it met. The state stays what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {state} cannot be {event}")]
pub struct IllegalTransition {
    /// The state.
    pub state: &'static str,
    /// The event.
    pub event: &'static str,
}

impl StoredState {
    /// Folds events, sorted here, into a state. Events that do not fit are left out and returned.
    pub fn fold(mut events: Vec<TaskEvent>) -> (Self, Vec<IllegalTransition>) {
        events.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut refused = Vec::new();
        let state = events.iter().fold(Self::New, |state, event| match state.clone().apply(event) {
            Ok(next) => next,
            Err(error) => {
                refused.push(error);
                state
            }
        });
        (state, refused)
    }

    /// Returns the state after an event.
    pub fn apply(self, event: &TaskEvent) -> Result<Self, IllegalTransition> {
        let at = event.at;
        let refused = IllegalTransition { state: self.name(), event: event.kind.name() };
        match (self, &event.kind) {
            (Self::New | Self::Requested { .. } | Self::Held { .. }, EventKind::Claimed { claim }) => {
                Ok(Self::Claimed { claim: *claim, machine: event.machine.clone(), at })
            }
            (Self::Ended { .. } | Self::Held { .. }, EventKind::Requested { run_kind, prompt }) => {
                Ok(Self::Requested { run_kind: *run_kind, prompt: prompt.clone(), at })
            }
            (
                Self::Claimed { claim: current, .. },
                EventKind::Finished { claim, outcome, reason, message, .. },
            ) if current == *claim => {
                Ok(Self::Ended { outcome: *outcome, reason: *reason, message: message.clone(), at })
            }
            (Self::Claimed { claim: current, .. }, EventKind::Held { claim, until, reason, message, .. })
                if current == *claim =>
            {
                Ok(Self::Held { until: *until, reason: *reason, message: message.clone() })
            }
            (Self::New | Self::Requested { .. } | Self::Held { .. }, EventKind::Cancelled { message }) => {
                Ok(Self::Ended { outcome: Outcome::Cancelled, reason: None, message: message.clone(), at })
            }
            (Self::Claimed { .. } | Self::Ended { .. }, EventKind::Claimed { .. }) => Err(refused),
            (Self::New | Self::Requested { .. } | Self::Claimed { .. }, EventKind::Requested { .. }) => {
                Err(refused)
            }
            (
                Self::New
                | Self::Requested { .. }
                | Self::Held { .. }
                | Self::Ended { .. }
                | Self::Claimed { .. },
                EventKind::Finished { .. } | EventKind::Held { .. },
            ) => Err(refused),
            (Self::Claimed { .. } | Self::Ended { .. }, EventKind::Cancelled { .. }) => Err(refused),
        }
    }

    /// Returns the state's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Requested { .. } => "requested",
            Self::Claimed { .. } => "claimed",
            Self::Held { .. } => "held",
            Self::Ended { .. } => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(lamport: u64, kind: EventKind) -> TaskEvent {
        TaskEvent {
            version: 1,
            lamport,
            machine: "0123456789abcdef".parse().unwrap(),
            task: "fix-it-1a2b".parse().unwrap(),
            at: Timestamp::from_unix_milliseconds(lamport.cast_signed()).unwrap(),
            kind,
        }
    }

    fn finished(claim: RunId, outcome: Outcome) -> EventKind {
        EventKind::Finished { claim, run: claim, outcome, reason: None, message: String::new() }
    }

    #[test]
    fn a_finished_task_never_moves_again_without_a_person() {
        let claim = RunId::new_unique();
        let (state, refused) = StoredState::fold(vec![
            event(1, EventKind::Claimed { claim }),
            event(2, finished(claim, Outcome::Cancelled)),
            event(3, finished(claim, Outcome::Done)),
            event(4, EventKind::Claimed { claim: RunId::new_unique() }),
        ]);
        assert!(matches!(state, StoredState::Ended { outcome: Outcome::Cancelled, .. }));
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let claim = RunId::new_unique();
        let events = vec![
            event(2, finished(claim, Outcome::Done)),
            event(3, EventKind::Requested { run_kind: RunKind::FollowUp, prompt: Some("more".into()) }),
            event(1, EventKind::Claimed { claim }),
        ];
        let (state, refused) = StoredState::fold(events);
        assert!(matches!(state, StoredState::Requested { run_kind: RunKind::FollowUp, .. }));
        assert!(refused.is_empty());
    }

    #[test]
    fn the_end_of_another_claim_ends_nothing() {
        let claim = RunId::new_unique();
        let (state, refused) = StoredState::fold(vec![
            event(1, EventKind::Claimed { claim }),
            event(2, finished(RunId::new_unique(), Outcome::Done)),
        ]);
        assert!(matches!(state, StoredState::Claimed { .. }));
        assert_eq!(refused.len(), 1);
    }
}
