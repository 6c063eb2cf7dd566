//! What the tracking ref says, and whether each event that is appended keeps the promises.

use super::world::{Lock, Pid, Promise, World, here};
use crate::run::{EventKind, Outcome, StoredState, TaskEvent};
use crate::runner::plan::Intent;
use crate::store::history::{RunSummary, TaskHistory};
use crate::task::TaskId;

impl World {
    pub(super) fn history(&self, task: &TaskId) -> TaskHistory {
        self.disk.histories.get(task).cloned().unwrap_or_default()
    }

    pub(super) fn stored(&self, task: &TaskId) -> StoredState {
        self.disk.histories.get(task).map(|history| history.state.clone()).unwrap_or_default()
    }

    pub(super) fn is_recorded(&self, intent: &Intent) -> bool {
        let history = self.disk.histories.get(&intent.task);
        history.is_some_and(|history| history.runs.iter().any(|run| run.run == intent.run))
    }

    /// Appends one event, if the task's state allows it, as `Records::append_event` does.
    pub(super) fn append_event(&mut self, pid: Pid, task: &TaskId, kind: EventKind) -> bool {
        if self.stored(task).apply(&self.next_event(&self.history(task), task, kind.clone())).is_err() {
            return false;
        }
        self.append(pid, task, None, vec![kind]);
        true
    }

    /// Appends a record with its events as one commit, as `Records::append_record` does.
    pub(super) fn append_record(&mut self, pid: Pid, run: RunSummary, task: &TaskId, kinds: Vec<EventKind>) {
        self.append(pid, task, Some(run), kinds);
    }

    /// Appends an event without a look at the state, as nobody should.
    pub(super) fn append_blindly(&mut self, pid: Pid, task: &TaskId, kind: EventKind) {
        self.append(pid, task, None, vec![kind]);
    }

    fn next_event(&self, history: &TaskHistory, task: &TaskId, kind: EventKind) -> TaskEvent {
        let lamport = history.lamport + 1;
        TaskEvent { version: 1, lamport, machine: here(), task: task.clone(), at: self.now(), kind }
    }

    fn append(&mut self, pid: Pid, task: &TaskId, run: Option<RunSummary>, kinds: Vec<EventKind>) {
        let is_locked = self.holds(pid, &Lock::Task(task.clone()));
        self.require(is_locked, Promise::WorkUnderALock, || format!("{task} was written without its lock"));
        let mut history = self.history(task);
        if let Some(run) = run {
            let is_new = history.runs.iter().all(|known| known.run != run.run);
            self.require(is_new, Promise::OneEndAClaim, || format!("run {} has two records", run.run));
            history.runs.push(run);
        }
        history.settle();
        for kind in kinds {
            let (before, event) = (history.state.clone(), self.next_event(&history, task, kind));
            history.events.push(event.clone());
            history.settle();
            self.check_event(&history, &before, &event);
        }
        self.disk.version += 1;
        self.disk.histories.insert(task.clone(), history);
    }

    fn check_event(&mut self, history: &TaskHistory, before: &StoredState, event: &TaskEvent) {
        let task = &event.task;
        if let EventKind::Finished { claim, .. } | EventKind::Held { claim, .. } = &event.kind {
            let is_end = |other: &&TaskEvent| matches!(&other.kind, EventKind::Finished { claim: of, .. } | EventKind::Held { claim: of, .. } if of == claim);
            let ends = history.events.iter().filter(is_end).count();
            self.require(ends == 1, Promise::OneEndAClaim, || format!("a claim of {task} has {ends} ends"));
        }
        if matches!(before, StoredState::Ended { .. }) {
            let by_person = matches!(event.kind, EventKind::Requested { .. });
            self.require(by_person, Promise::EndedStaysEnded, || {
                format!("{task} ended and was {}", event.kind.name())
            });
        }
        let refused = history.refused;
        self.require(refused == 0, Promise::EventsFit, || {
            format!("{} of {task} does not fit", event.kind.name())
        });
        match &event.kind {
            EventKind::Finished { outcome, .. } => {
                let breaks = self.cancelled.remove(task) && *outcome == Outcome::Done;
                self.require(!breaks, Promise::CancelledIsNeverDone, || format!("{task} was cancelled"));
            }
            EventKind::Requested { .. } | EventKind::Cancelled { .. } => {
                self.cancelled.remove(task);
            }
            EventKind::Claimed { .. } | EventKind::Held { .. } => {}
        }
    }
}
