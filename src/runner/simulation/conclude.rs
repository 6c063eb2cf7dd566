//! The end of a run and of its claim, one write at a time: the order is that of `runner::conclude` and of `close` in
//! `runner::claim`.

use super::Bug;
use super::claim::{At, Claim};
use super::summary::summary;
use super::world::{Pid, World};
use crate::run::{AfterFailure, EventKind, FailureReason, Judgement, Outcome};
use crate::runner::conclude::event;
use crate::runner::decide::{ClaimEnd, QueueHold};
use crate::runner::follow::{Following, RunEnd, following, outcome};
use crate::runner::plan::WorktreeWhenDone;
use crate::runner::rules::{Written, judged_at_last, left_to_follow, written};
use crate::runner::start::SUPERVISOR_STARTS_MAX;

impl Claim {
    /// The work becomes objects, and the branch moves or a snapshot holds it.
    pub(super) fn keep(&mut self, world: &mut World) -> Option<At> {
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
            _ if world.has_bug(Bug::RemovesWorktrees) => unkept(&mut judgement),
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
    pub(super) fn record(&mut self, world: &mut World, pid: Pid) -> Option<At> {
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
            (Written::Nothing, event) => {
                world.append_record(pid, summary, &self.task, event.into_iter().collect());
            }
            (Written::End, _) => world.append_record(pid, summary, &self.task, Vec::new()),
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

    pub(super) fn release(&self, world: &mut World) -> At {
        let work = world.disk.worktrees.get(&self.task);
        let is_on_branch = work.is_some() && work == world.disk.branches.get(&self.task);
        let may_go = is_on_branch && self.outcome == Outcome::Done;
        if world.when_done == WorktreeWhenDone::Remove && (may_go || world.has_bug(Bug::RemovesWorktrees)) {
            world.disk.worktrees.remove(&self.task);
        }
        At::Remove
    }

    pub(super) fn remove(&mut self, world: &mut World) -> Option<At> {
        world.disk.runs.remove(&self.run());
        if let Some(next) = self.next_plan.take() {
            self.plan = Some(next);
            self.starts_left = SUPERVISOR_STARTS_MAX;
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

    /// As `conclude::refuse`: one commit.
    pub(super) fn refuse(&mut self, world: &mut World, pid: Pid) -> Option<At> {
        let intent = self.intent();
        let judgement = Judgement::Failure {
            reason: FailureReason::Settings,
            message: String::new(),
            next: AfterFailure::Stop,
        };
        let end = event(&intent, &Following::End, (Outcome::Failed, &judgement, ""));
        let events = std::iter::once(EventKind::Claimed { claim: intent.claim }).chain(end).collect();
        world.append_record(pid, summary(&intent, Outcome::Failed, None), &self.task, events);
        self.end = ClaimEnd::Recorded;
        None
    }
}
