//! Looks at the world: where each task stands, and whether the promises about work and processes hold.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Lock, Look, Pid, Piece, Process, Promise, World, here};
use crate::run::StoredState;
use crate::schedule::{Entry, Lock as TaskLock, Standing, Unfinished, Wish, standings};
use crate::task::TaskId;

impl World {
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut ids: Vec<&TaskId> = self.disk.files.keys().chain(self.disk.histories.keys()).collect();
        ids.sort();
        ids.dedup();
        let entry = |id: &&TaskId| {
            let stored = self.stored(id);
            let claimed = matches!(stored, StoredState::Claimed { .. });
            let is_held = claimed && self.is_held(&Lock::Task((*id).clone()));
            let lock = if is_held { TaskLock::Held } else { TaskLock::Free };
            Entry { task: (*id).clone(), wish: self.wish(id), stored, lock }
        };
        ids.iter().map(entry).collect()
    }

    fn wish(&self, task: &TaskId) -> Wish {
        let Some(file) = self.disk.files.get(task) else { return Wish::Gone };
        match file.look {
            Look::Ready => {
                Wish::Ready { priority: file.priority, after: file.after.clone(), since: file.since }
            }
            Look::Draft => Wish::Draft,
            Look::Brought => Wish::Untrusted,
            Look::Invalid => Wish::Invalid,
            Look::Unsettled => Wish::Unsettled(Unfinished::NoFinalNewline),
        }
    }

    pub(super) fn standings(&self) -> BTreeMap<TaskId, Standing> {
        standings(&self.entries(), &here(), self.now())
    }

    /// Says of what agents wrote whether it is anywhere still.
    pub(super) fn check_work(&mut self) {
        let lost = self.written.iter().find(|(piece, task)| {
            let is_in = |place: Option<&BTreeSet<Piece>>| place.is_some_and(|place| place.contains(piece));
            !is_in(self.disk.worktrees.get(task))
                && !is_in(self.disk.branches.get(task))
                && !self.disk.snapshots.values().any(|snapshot| snapshot.contains(piece))
        });
        let lost = lost.map(|(_, task)| task.clone());
        self.require(lost.is_none(), Promise::WorkIsKept, || format!("work of {lost:?} is nowhere"));
    }

    /// Looks at the processes: at most one runner at work, at most one agent a task, and its lock held.
    pub(super) fn check_processes(&mut self) {
        let mut at_work: Vec<(TaskId, Pid)> = Vec::new();
        let mut runners = 0;
        for (pid, process) in &self.processes {
            match process {
                Process::Agent(agent) => at_work.push((agent.task.clone(), *pid)),
                Process::Runner(runner) if runner.is_at_work() => runners += 1,
                Process::Runner(_) | Process::Canceller(_) | Process::Supervisor(_) => {}
            }
        }
        self.require(runners <= 1, Promise::OneRunner, || "two runners are at work".to_owned());
        let mut tasks = BTreeSet::new();
        for (task, pid) in at_work {
            let is_locked = self.holds(pid, &Lock::Task(task.clone()));
            self.require(is_locked, Promise::WorkUnderALock, || format!("an agent of {task} has no lock"));
            let is_alone = tasks.insert(task.clone());
            self.require(is_alone, Promise::OneAgentATask, || format!("two agents work on {task}"));
        }
    }
}
