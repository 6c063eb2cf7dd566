//! One claim up to the end of its agent, one write at a time: the order is that of `runner::claim` and `runner::start`.

use super::Bug;
use super::agent::{Space, Step, Supervisor, end_orphan, report};
use super::world::{Lock, Look, Pid, Plan, Process, Promise, World};
use crate::agent::judge::Cancel;
use crate::run::{EndedBy, EventKind, ExitStatus, FailureReason, Judgement, Outcome, RunId, StoredState};
use crate::runner::decide::{ClaimEnd, SlotId};
use crate::runner::follow::Following;
use crate::runner::plan::{Intent, RunPatience, SessionPlan};
use crate::runner::rules::{Claiming, claiming, is_only_planned};
use crate::runner::start::SUPERVISOR_STARTS_MAX;
use crate::schedule::Candidate;
use crate::store::run_directory::ExitReport;
use crate::supervisor::Supervision;
use crate::task::TaskId;

/// The next step of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
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
    After(Pid),
    EndOrphan,
    NotStarted,
    Keep,
    Record,
    NextFolder,
    NextPlan,
    HandOn,
    Release,
    Remove,
    Refuse,
    Over,
}

/// A claim that somebody works on: a runner, or a person's `cancel` where there is none.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) task: TaskId,
    pub(super) slot: SlotId,
    pub(super) candidate: Option<Candidate>,
    pub(super) plan: Option<Plan>,
    pub(super) next_plan: Option<Plan>,
    pub(super) exit: Option<ExitReport>,
    /// How often a supervisor may still be started, and who ended the last one.
    pub(super) starts_left: u32,
    pub(super) given_up_by: EndedBy,
    pub(super) judgement: Option<Judgement>,
    pub(super) outcome: Outcome,
    pub(super) following: Following,
    pub(super) at: At,
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

    /// One that was left behind and whose lock is taken already.
    pub(super) fn locked(plan: Plan, slot: SlotId) -> Self {
        Self { at: At::Look, ..Self::adopted(plan, slot) }
    }

    fn new(task: TaskId, slot: SlotId, candidate: Option<Candidate>, plan: Option<Plan>, at: At) -> Self {
        Self {
            task,
            slot,
            candidate,
            plan,
            next_plan: None,
            exit: None,
            starts_left: SUPERVISOR_STARTS_MAX,
            given_up_by: EndedBy::Itself,
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
                let is_orphaned = world.supervision(self.run()) == Supervision::Orphaned;
                let only_waits = world.has_bug(Bug::OnlyWaits) || !is_orphaned;
                Some(if is_locked {
                    At::Look
                } else if only_waits {
                    At::AwaitLock
                } else {
                    At::Approach
                })
            }
            (At::Look, _) => Some(self.look(world)),
            (At::Child(child), _) if world.processes.contains_key(&child) => Some(self.at),
            (At::Child(child), _) => Some(At::After(child)),
            (At::After(child), _) => Some(self.after(world, child)),
            (At::EndOrphan, _) => {
                self.exit = Some(end_orphan(world, self.run(), space)?);
                Some(At::Keep)
            }
            // Whoever has no room for a step leaves the claim to the next start.
            (At::Over, _) | (_, Space::Full) => None,
            (At::Keep, Space::Free) => self.keep(world),
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
            (At::Refuse, Space::Free) => self.refuse(world, pid),
        }
    }

    pub(super) fn run(&self) -> RunId {
        self.plan.as_ref().map(|plan| plan.intent.run).unwrap()
    }

    pub(super) fn intent(&self) -> Intent {
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
        self.plan = Some(Plan { intent, session, patience, by: pid });
        // Settings that cannot be used are as good a reason as any other for a refusal.
        let priority = world.disk.files.get(&self.task)?.priority;
        Some(if priority == REFUSED_PRIORITY { At::Refuse } else { At::Folder })
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
            Supervision::NeverStarted if self.is_only_planned(world) => At::Remove,
            Supervision::NeverStarted => At::Claim,
        }
    }

    /// As `claim::take_up`.
    fn is_only_planned(&self, world: &World) -> bool {
        let (intent, history) = (self.intent(), world.history(&self.task));
        self.candidate.is_none()
            && !world.has_bug(Bug::RunsOldPlans)
            && is_only_planned(&history, &intent, world.cancel(intent.run))
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
            Claiming::Missing if !self.is_of(world, pid) => None,
            Claiming::Missing => world.append_event(pid, &self.task, kind).then_some(At::Branch),
        }
    }

    /// Whoever claims has just read the file, unless the claim is only made to be cancelled.
    fn is_of(&self, world: &mut World, pid: Pid) -> bool {
        let by = self.plan.as_ref().is_some_and(|plan| plan.by == pid);
        let is_of = by || world.cancel(self.run()) == Cancel::Requested || world.has_bug(Bug::ForgetsCancels);
        world
            .require(is_of, Promise::RunsWhatIsThere, || format!("{} was claimed by an old plan", self.task));
        is_of
    }

    fn spawn(&mut self, world: &mut World) -> Option<At> {
        // The supervisor's own log lies in the run's folder.
        world.disk.runs.get(&self.run())?;
        let child = world.start(Process::Supervisor(Supervisor::new(self.run(), self.task.clone())));
        world.share(child, Lock::Task(self.task.clone()));
        self.starts_left = self.starts_left.saturating_sub(1);
        Some(At::Child(child))
    }

    /// As `start::start`: a supervisor that was killed before it did anything is started again.
    fn after(&mut self, world: &World, child: Pid) -> At {
        match world.supervision(self.run()) {
            Supervision::Ended(exit) => {
                self.exit = Some(exit);
                At::Keep
            }
            Supervision::Orphaned | Supervision::Supervised => At::EndOrphan,
            Supervision::NeverStarted if !world.killed.contains(&child) => {
                self.given_up_by = EndedBy::Itself;
                At::NotStarted
            }
            Supervision::NeverStarted if self.starts_left > 0 => At::Spawn,
            Supervision::NeverStarted => {
                self.given_up_by = EndedBy::SupervisorLost;
                At::NotStarted
            }
        }
    }

    fn not_started(&mut self, world: &mut World) -> Option<At> {
        let status = ExitStatus::NotStarted("it could not be started".to_owned());
        let refusal = Some(FailureReason::Internal);
        let exit = ExitReport { refusal, ..report(world.now(), status, self.given_up_by) };
        world.disk.runs.get_mut(&self.run())?.exit = Some(exit.clone());
        self.exit = Some(exit);
        Some(At::Keep)
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
