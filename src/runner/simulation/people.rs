//! What people do: they add, edit and delete tasks, cancel them, ask for more, and start and stop runners.

use super::agent::{Space, Step};
use super::claim::{Claim, REFUSED_PRIORITY};
use super::runner::{Runner, plans};
use super::world::{File, Lock, Look, Pid, Plan, Process, Promise, World, here};
use crate::run::{EventKind, RunKind, StoredState};
use crate::runner::decide::{ClaimEnd, Patience, SlotId, Stay};
use crate::runner::rules::{sorted_out, withdrawal};
use crate::task::TaskId;

/// How many tasks people know.
pub(super) const TASKS: usize = 4;

pub(super) fn task(number: usize) -> TaskId {
    ["a", "b", "c", "d"][number % TASKS].parse().unwrap()
}

impl World {
    /// Writes a task's file, or writes it anew.
    pub(super) fn add(&mut self, number: usize, kind: u8) {
        let (look, after, priority) = match kind % 8 {
            0 => (Look::Draft, Vec::new(), 0),
            1 => (Look::Brought, Vec::new(), 0),
            2 => (Look::Invalid, Vec::new(), 0),
            3 => (Look::Unsettled, Vec::new(), 0),
            4 => (Look::Ready, vec![task(number + 1)], 0),
            5 => (Look::Ready, Vec::new(), REFUSED_PRIORITY),
            _ => (Look::Ready, Vec::new(), i32::from(kind % 3)),
        };
        let file = File { priority, after, since: self.now(), look };
        self.disk.files.insert(task(number), file);
        self.disk.version += 1;
    }

    /// Removes a task's file, as `git claudedo rm` does.
    pub(super) fn remove(&mut self, number: usize) {
        if !self.is_held(&Lock::Task(task(number))) {
            self.disk.files.remove(&task(number));
            self.disk.version += 1;
        }
    }

    /// Asks for another run, as `git claudedo retry` and `continue` do.
    pub(super) fn ask_again(&mut self, number: usize, run_kind: RunKind) {
        let id = task(number);
        let may = matches!(self.stored(&id), StoredState::Ended { .. } | StoredState::Held { .. });
        let has_session = self.history(&id).last_run().is_some_and(|run| run.session.is_some());
        let pid = self.count();
        if !may
            || (run_kind == RunKind::FollowUp && !has_session)
            || !self.try_lock(pid, Lock::Task(id.clone()))
        {
            return;
        }
        self.append_event(pid, &id, EventKind::Requested { run_kind, prompt: None });
        self.unlock(pid, &Lock::Task(id));
        self.disk.wake += 1;
    }

    /// Starts `git claudedo run` or `watch`.
    pub(super) fn start_runner(&mut self, kind: u8) -> Pid {
        let stay = if kind.is_multiple_of(3) { Stay::UntilStopped } else { Stay::UntilEmpty };
        let patience = if kind.is_multiple_of(2) { Patience::Wait } else { Patience::Leave };
        let runner = Runner::new(self, u32::from(kind % 2) + 1, patience, stay);
        self.start(Process::Runner(Box::new(runner)))
    }
}

/// `git claudedo cancel`.
#[derive(Debug)]
pub(super) struct Canceller {
    task: TaskId,
    first: bool,
    /// What it works on where there is no runner.
    claims: Vec<Claim>,
}

impl Canceller {
    pub(super) fn new(task: TaskId) -> Self {
        Self { task, first: true, claims: Vec::new() }
    }

    pub(super) fn step(&mut self, world: &mut World, pid: Pid, space: Space) -> Step {
        if std::mem::replace(&mut self.first, false) {
            let step = self.begin(world, pid);
            return if step == Step::Over { step } else { Step::Done };
        }
        let Some(claim) = self.claims.last_mut() else { return self.look(world, pid) };
        let step = claim.step(world, pid, space);
        claim.check(world, pid);
        if step == Step::Over {
            let is_over = self.claims.pop().is_some_and(|claim| claim.end != ClaimEnd::NotTaken);
            world.disk.wake += u64::from(is_over);
            return Step::Done;
        }
        step
    }

    fn begin(&mut self, world: &mut World, pid: Pid) -> Step {
        let lock = Lock::Task(self.task.clone());
        if matches!(world.stored(&self.task), StoredState::Ended { .. }) && !world.is_held(&lock) {
            return Step::Over;
        }
        self.withdraw(world, pid)
    }

    /// As `cancel::withdraw`.
    fn withdraw(&self, world: &mut World, pid: Pid) -> Step {
        let lock = Lock::Task(self.task.clone());
        if !world.try_lock(pid, lock.clone()) {
            return Step::Waits;
        }
        let may_withdraw = self.remains(world).is_empty();
        let history = world.history(&self.task);
        if may_withdraw && !matches!(history.state, StoredState::Ended { .. }) {
            let kind = withdrawal(&history, &here(), String::new());
            world.append_event(pid, &self.task, kind);
            world.disk.wake += 1;
        }
        world.unlock(pid, &lock);
        if may_withdraw { Step::Over } else { Step::Waits }
    }

    /// One look of `cancel::end`.
    fn look(&mut self, world: &mut World, pid: Pid) -> Step {
        let remains = self.remains(world);
        let mut has_asked = false;
        for plan in &remains {
            has_asked |= world.disk.runs.get(&plan.intent.run).is_some_and(|folder| !folder.is_cancelled);
            world.request_end(plan.intent.run);
        }
        if matches!(world.stored(&self.task), StoredState::Ended { .. }) {
            return Step::Over;
        }
        // As `cancel::free_lock`.
        if !world.is_held(&Lock::Runner) {
            self.claims = remains.into_iter().rev().map(|plan| Claim::adopted(plan, SlotId(1))).collect();
        } else if let Some(plan) = remains.into_iter().next()
            && world.try_lock(pid, Lock::Task(self.task.clone()))
        {
            self.claims = vec![Claim::locked(plan, SlotId(1))];
        }
        if has_asked || !self.claims.is_empty() {
            return Step::Done;
        }
        self.withdraw(world, pid)
    }

    fn remains(&self, world: &World) -> Vec<Plan> {
        let plans = plans(world).into_iter().filter(|plan| plan.intent.task == self.task).collect();
        sorted_out(plans, |plan: &Plan| &plan.intent).latest
    }

    /// Whoever cancels gets an answer once nothing else happens.
    pub(super) fn check_stuck(&self, world: &mut World) {
        let words = || format!("the cancelling of {} never ends", self.task);
        world.require(false, Promise::EverythingEnds, words);
    }
}
