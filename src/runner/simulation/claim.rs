//! One claim, one write at a time: the order is that of `runner::claim` and `runner::conclude`.

use super::Bug;
use super::agent::{Space, Step, Supervisor, end_orphan, report};
use super::summary::summary;
use super::world::{Lock, Look, Pid, Plan, Process, Promise, World};
use crate::run::{
    AfterFailure, EventKind, ExitStatus, FailureReason, Judgement, Outcome, RunId, StoredState,
};
use crate::runner::conclude::event;
use crate::runner::decide::{ClaimEnd, QueueHold, SlotId};
use crate::runner::follow::{Following, RunEnd, following, outcome};
use crate::runner::plan::{Intent, RunPatience, SessionPlan, WorktreeWhenDone};
use crate::runner::rules::{Claiming, Written, claiming, judged_at_last, left_to_follow, written};
use crate::schedule::Candidate;
use crate::store::run_directory::ExitReport;
use crate::supervisor::Supervision;
use crate::task::TaskId;

/// The next step of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Lock,
    Prepare,
    Folder,
    Plan,
    Approach,
    AwaitLock,
    Look,
    Claim,
    Branch,
    Worktree,
    Spawn,
    Child(Pid),
    After,
    EndOrphan,
    NotStarted,
    Keep,
    Record,
    NextFolder,
    NextPlan,
    HandOn,
    Release,
    Remove,
    RefusedClaim,
    RefusedRecord,
    Over,
}

/// A claim that somebody works on: a runner, or a person's `cancel` where there is none.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) task: TaskId,
    slot: SlotId,
    candidate: Option<Candidate>,
    plan: Option<Plan>,
    next_plan: Option<Plan>,
    exit: Option<ExitReport>,
    judgement: Option<Judgement>,
    outcome: Outcome,
    following: Following,
    at: At,
    /// What the queue hears when it is over.
    pub(super) end: ClaimEnd,
}

impl Claim {
    pub(super) fn fresh(candidate: Candidate, slot: SlotId) -> Self {
        Self::new(candidate.task.clone(), slot, Some(candidate), None, At::Lock)
    }

    pub(super) fn adopted(plan: Plan, slot: SlotId) -> Self {
        Self::new(plan.intent.task.clone(), slot, None, Some(plan), At::Approach)
    }

    fn new(task: TaskId, slot: SlotId, candidate: Option<Candidate>, plan: Option<Plan>, at: At) -> Self {
        Self {
            task,
            slot,
            candidate,
            plan,
            next_plan: None,
            exit: None,
            judgement: None,
            outcome: Outcome::Failed,
            following: Following::End,
            at,
            end: ClaimEnd::NotTaken,
        }
    }

    /// Takes one step. The lock is let go of when the claim is over.
    pub(super) fn step(&mut self, world: &mut World, pid: Pid, space: Space) -> Step {
        match self.turn(world, pid, space) {
            Some(next) if next == self.at => Step::Waits,
            Some(next) => {
                self.at = next;
                Step::Done
            }
            None => {
                if self.needs_lock() {
                    world.unlock(pid, &Lock::Task(self.task.clone()));
                }
                self.at = At::Over;
                Step::Over
            }
        }
    }

    fn turn(&mut self, world: &mut World, pid: Pid, space: Space) -> Option<At> {
        match (self.at, space) {
            // A step that only reads needs no room, nor does one that asks the kernel.
            (At::Lock, _) => world.try_lock(pid, Lock::Task(self.task.clone())).then_some(At::Prepare),
            (At::Prepare, _) => self.prepare(world, pid),
            (At::Approach, _) => self.approach(world, pid, space),
            (At::AwaitLock, _) => {
                let is_locked = world.try_lock(pid, Lock::Task(self.task.clone()));
                Some(if is_locked { At::Look } else { At::AwaitLock })
            }
            (At::Look, _) => Some(self.look(world)),
            (At::Child(child), _) if world.processes.contains_key(&child) => Some(self.at),
            (At::Child(_), _) => Some(At::After),
            (At::After, _) => Some(self.after(world)),
            (At::EndOrphan, _) => {
                self.exit = Some(end_orphan(world, self.run(), space)?);
                Some(At::Keep)
            }
            (At::Branch | At::Worktree | At::Spawn, Space::Full) => Some(At::NotStarted),
            (At::Keep, _) => self.keep(world, space),
            (At::Over, _) | (_, Space::Full) => None,
            (At::Folder, Space::Free) => {
                world.disk.runs.insert(self.run(), super::world::Folder::default());
                Some(At::Plan)
            }
            (At::Plan, Space::Free) => {
                world.disk.runs.get_mut(&self.run())?.plan = self.plan.clone();
                Some(At::Look)
            }
            (At::Claim, Space::Free) => self.claim(world, pid),
            (At::Branch, Space::Free) => {
                world.disk.branches.entry(self.task.clone()).or_default();
                Some(At::Worktree)
            }
            (At::Worktree, Space::Free) => {
                let branch = world.disk.branches.get(&self.task).cloned().unwrap_or_default();
                world.disk.worktrees.entry(self.task.clone()).or_insert(branch);
                Some(At::Spawn)
            }
            (At::Spawn, Space::Free) => self.spawn(world),
            (At::NotStarted, Space::Free) => self.not_started(world),
            (At::Record, Space::Free) => self.record(world, pid),
            (At::NextFolder, Space::Free) => {
                let next = self.next_plan.as_ref()?.intent.run;
                world.disk.runs.insert(next, super::world::Folder::default());
                Some(At::NextPlan)
            }
            (At::NextPlan, Space::Free) => {
                let run = self.next_plan.as_ref()?.intent.run;
                world.disk.runs.get_mut(&run)?.plan = self.next_plan.clone();
                Some(At::HandOn)
            }
            (At::HandOn, Space::Free) => {
                let next = self.next_plan.as_ref()?.intent.run;
                world.hand_on_request(self.run(), next);
                Some(At::Remove)
            }
            (At::Release, Space::Free) => Some(self.release(world)),
            (At::Remove, Space::Free) => self.remove(world),
            (At::RefusedClaim, Space::Free) => self.claim(world, pid).map(|_| At::RefusedRecord),
            (At::RefusedRecord, Space::Free) => self.refuse(world, pid),
        }
    }

    fn run(&self) -> RunId {
        self.plan.as_ref().map(|plan| plan.intent.run).unwrap()
    }

    fn intent(&self) -> Intent {
        self.plan.as_ref().map(|plan| plan.intent.clone()).unwrap()
    }

    /// As `runner::prepare`: the file may be another one than the runner looked at.
    fn prepare(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let candidate = self.candidate.clone()?;
        let history = world.history(&self.task);
        let may_run = !matches!(history.state, StoredState::Claimed { .. } | StoredState::Ended { .. });
        let ready = world.disk.files.get(&self.task)?.look == Look::Ready;
        if !(may_run || world.has_bug(Bug::RunsWhatEnded)) || !ready {
            return None;
        }
        let run = world.run_id(pid);
        let intent = Intent {
            run,
            claim: run,
            task: self.task.clone(),
            task_text: String::new(),
            title: String::new(),
            number: history.next_number(),
            kind: candidate.run_kind,
            slot: self.slot,
            planned: world.now(),
        };
        let session = history.last_run().and_then(|run| run.session.clone());
        let session = session.map_or_else(SessionPlan::fresh, SessionPlan::resume);
        let patience = RunPatience { retries_left: 1, resumes_left: 2, service_pause_ms: 0 };
        self.plan = Some(Plan { intent, session, patience });
        // Settings that cannot be used are as good a reason as any other for a refusal.
        let priority = world.disk.files.get(&self.task)?.priority;
        Some(if priority == REFUSED_PRIORITY { At::RefusedClaim } else { At::Folder })
    }

    /// As `recover::take_lock`.
    fn approach(&mut self, world: &mut World, pid: Pid, space: Space) -> Option<At> {
        if world.try_lock(pid, Lock::Task(self.task.clone())) {
            return Some(At::Look);
        }
        match world.supervision(self.run()) {
            Supervision::Orphaned => end_orphan(world, self.run(), space).map(|_| At::AwaitLock),
            Supervision::Supervised | Supervision::Ended(_) | Supervision::NeverStarted => {
                Some(At::AwaitLock)
            }
        }
    }

    fn look(&mut self, world: &World) -> At {
        match world.supervision(self.run()) {
            // The task's lock is ours, so its supervisor is about to be gone.
            Supervision::Supervised => At::Look,
            Supervision::Ended(exit) => {
                self.exit = Some(exit);
                At::Keep
            }
            Supervision::Orphaned => At::EndOrphan,
            Supervision::NeverStarted => At::Claim,
        }
    }

    fn claim(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let intent = self.intent();
        let kind = EventKind::Claimed { claim: intent.claim };
        if world.has_bug(Bug::RunsWhatEnded) || world.has_bug(Bug::ClaimsAgain) {
            world.append_blindly(pid, &self.task, kind);
            return Some(At::Branch);
        }
        match claiming(&world.history(&self.task), &intent) {
            Claiming::Written => Some(At::Branch),
            Claiming::Over => Some(At::Remove),
            Claiming::Missing => world.append_event(pid, &self.task, kind).then_some(At::Branch),
        }
    }

    fn spawn(&mut self, world: &mut World) -> Option<At> {
        // The supervisor's own log lies in the run's folder.
        world.disk.runs.get(&self.run())?;
        let child = world.start(Process::Supervisor(Supervisor::new(self.run(), self.task.clone())));
        world.share(child, Lock::Task(self.task.clone()));
        Some(At::Child(child))
    }

    fn after(&mut self, world: &World) -> At {
        match world.supervision(self.run()) {
            Supervision::Ended(exit) => {
                self.exit = Some(exit);
                At::Keep
            }
            Supervision::Orphaned | Supervision::Supervised => At::EndOrphan,
            Supervision::NeverStarted => At::NotStarted,
        }
    }

    fn not_started(&mut self, world: &mut World) -> Option<At> {
        let status = ExitStatus::NotStarted("it could not be started".to_owned());
        let refusal = Some(FailureReason::Internal);
        let exit = ExitReport { refusal, ..report(world.now(), status, crate::run::EndedBy::Itself) };
        world.disk.runs.get_mut(&self.run())?.exit = Some(exit.clone());
        self.exit = Some(exit);
        Some(At::Keep)
    }

    /// The work becomes objects, and the branch moves or a snapshot holds it.
    fn keep(&mut self, world: &mut World, space: Space) -> Option<At> {
        let plan = self.plan.clone()?;
        let (mut judgement, _) = world.judged(&plan, self.exit.as_ref()?);
        let unkept = |judgement: &mut Judgement| {
            if *judgement == Judgement::Success {
                *judgement = Judgement::Failure {
                    reason: FailureReason::Commit,
                    message: String::new(),
                    next: AfterFailure::Stop,
                };
            }
        };
        let has_branch = world.disk.branches.contains_key(&self.task);
        match world.disk.worktrees.get(&self.task).cloned() {
            _ if space == Space::Full || world.has_bug(Bug::RemovesWorktrees) => unkept(&mut judgement),
            None if world.is_recorded(&plan.intent) => {}
            None => unkept(&mut judgement),
            Some(work) if judgement == Judgement::Success && has_branch => {
                world.disk.branches.insert(self.task.clone(), work);
            }
            Some(work) => {
                world.disk.snapshots.insert(plan.intent.run, work);
            }
        }
        self.judgement = Some(judgement);
        Some(At::Record)
    }

    /// The commit point, as `conclude::conclude`.
    fn record(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let plan = self.plan.clone()?;
        let exit = self.exit.clone()?;
        let judgement = judged_at_last(self.judgement.clone()?, world.cancel(plan.intent.run));
        let (_, session) = world.judged(&plan, &exit);
        let ended = RunEnd {
            judgement: &judgement,
            ended_by: exit.ended_by,
            session: session.clone(),
            patience: plan.patience,
            task_prompt: "",
            prompt: "",
        };
        let mut written = written(&world.history(&self.task), &plan.intent);
        if world.has_bug(Bug::RecordsTwice) {
            written = Written::Nothing;
        }
        self.following = left_to_follow(following(&ended), written);
        self.outcome = outcome(&judgement, exit.ended_by);
        let event = event(&plan.intent, &self.following, (self.outcome, &judgement, ""));
        let summary = summary(&plan.intent, self.outcome, session);
        match (written, event) {
            (Written::Nothing, event) => world.append_record(pid, summary, &self.task, event),
            (Written::End, _) => world.append_record(pid, summary, &self.task, None),
            (Written::Record, Some(end)) => world.append_event(pid, &self.task, end).then_some(())?,
            (Written::Record, None) | (Written::RecordAndEnd, _) => {}
        }
        self.close(world, pid)
    }

    fn close(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let Following::Again { next, .. } = &self.following else { return Some(At::Release) };
        let mut plan = self.plan.clone()?;
        plan.intent.run = world.run_id(pid);
        plan.intent.number += 1;
        plan.intent.kind = next.kind;
        plan.session = next.session.clone();
        plan.patience = next.patience;
        self.next_plan = Some(plan);
        Some(At::NextFolder)
    }

    fn release(&self, world: &mut World) -> At {
        let work = world.disk.worktrees.get(&self.task);
        let is_on_branch = work.is_some() && work == world.disk.branches.get(&self.task);
        let may_go = is_on_branch && self.outcome == Outcome::Done;
        if world.when_done == WorktreeWhenDone::Remove && (may_go || world.has_bug(Bug::RemovesWorktrees)) {
            world.disk.worktrees.remove(&self.task);
        }
        At::Remove
    }

    fn remove(&mut self, world: &mut World) -> Option<At> {
        world.disk.runs.remove(&self.run());
        if let Some(next) = self.next_plan.take() {
            self.plan = Some(next);
            return Some(At::Look);
        }
        self.end = match &self.following {
            Following::Hold { until, reason, .. } => {
                ClaimEnd::Holds(QueueHold { until: *until, reason: *reason })
            }
            Following::End | Following::Again { .. } => ClaimEnd::Recorded,
        };
        None
    }

    fn refuse(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let intent = self.intent();
        let judgement = Judgement::Failure {
            reason: FailureReason::Settings,
            message: String::new(),
            next: AfterFailure::Stop,
        };
        let event = event(&intent, &Following::End, (Outcome::Failed, &judgement, ""));
        world.append_record(pid, summary(&intent, Outcome::Failed, None), &self.task, event);
        self.end = ClaimEnd::Recorded;
        None
    }

    fn needs_lock(&self) -> bool {
        !matches!(self.at, At::Lock | At::Approach | At::AwaitLock | At::Over)
    }

    /// Whoever is past the lock has it.
    pub(super) fn check(&self, world: &mut World, pid: Pid) {
        let holds = !self.needs_lock() || world.holds(pid, &Lock::Task(self.task.clone()));
        world
            .require(holds, Promise::WorkUnderALock, || format!("{} is worked on without a lock", self.task));
    }
}

/// A task of this priority has settings that cannot be used.
pub(super) const REFUSED_PRIORITY: i32 = -7;
