//! The runner's loop around the real `decide`, and what it does with each effect.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Bug;
use super::agent::{Space, Step};
use super::claim::Claim;
use super::world::{Lock, Pid, Plan, Promise, World, here};
use crate::runner::decide::{ClaimEnd, Effect, Event, Patience, SlotId, State, Stay};
use crate::runner::rules::{SortedOut, end_of_lost, sorted_out};
use crate::runner::signals::Told;
use crate::schedule::{Hold, Standing, queue};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// What wakes a runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Change,
    Time,
}

/// How far a runner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Starts,
    Works,
    Over,
}

/// Whether claims were looked for that nobody can go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LostClaims {
    Unknown,
    Ended,
}

/// What happens when all effects are performed.
enum Next {
    Event(Event),
    Wait,
    End,
}

#[derive(Debug)]
pub(super) struct Runner {
    state: State,
    stay: Stay,
    slots: usize,
    life: Life,
    claims: BTreeMap<SlotId, Claim>,
    /// Whose end was not heard yet.
    tasks: BTreeMap<SlotId, TaskId>,
    adopted: BTreeSet<SlotId>,
    inbox: VecDeque<(SlotId, ClaimEnd)>,
    pub(super) wake_at: Option<Timestamp>,
    mark: Option<(u64, u64)>,
    known_wake: u64,
    lost_claims: LostClaims,
    stops: u32,
}

impl Runner {
    pub(super) fn new(world: &World, slots: u32, patience: Patience, stay: Stay) -> Self {
        let given = if world.has_bug(Bug::TakesOneSlotMore) { slots + 1 } else { slots };
        Self {
            state: State::new(given, patience, stay),
            stay,
            slots: slots as usize,
            life: Life::Starts,
            claims: BTreeMap::new(),
            tasks: BTreeMap::new(),
            adopted: BTreeSet::new(),
            inbox: VecDeque::new(),
            wake_at: None,
            mark: None,
            known_wake: 0,
            lost_claims: LostClaims::Unknown,
            stops: 0,
        }
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.life == Life::Works
    }

    /// Whether there is a wish to look that it has not heard of. One that was told to stop leaves it to the next.
    pub(super) fn hears(&self, world: &World) -> bool {
        self.life == Life::Works && self.stops == 0 && world.disk.wake != self.known_wake
    }

    pub(super) fn stays(&self) -> bool {
        self.stay == Stay::UntilStopped
    }

    /// Takes a step of the loop, or of one of its claims.
    pub(super) fn step(&mut self, world: &mut World, pid: Pid, (unit, space): (usize, Space)) -> Step {
        if self.life == Life::Starts {
            return self.begin(world, pid);
        }
        let units = self.claims.len() + 1;
        let Some(slot) = self.claims.keys().nth(unit % units).copied() else { return self.hear(world, pid) };
        let Some(claim) = self.claims.get_mut(&slot) else { return Step::Waits };
        let step = claim.step(world, pid, space);
        claim.check(world, pid);
        if step == Step::Over {
            if let Some(claim) = self.claims.remove(&slot) {
                self.inbox.push_back((slot, claim.end));
            }
            return Step::Done;
        }
        step
    }

    pub(super) fn units(&self) -> usize {
        self.claims.len() + 1
    }

    fn begin(&mut self, world: &mut World, pid: Pid) -> Step {
        // A second runner is refused.
        if !world.try_lock(pid, Lock::Runner) {
            return Step::Over;
        }
        self.life = Life::Works;
        self.take_up_remains(world);
        let event = self.scanned(world, pid);
        self.turn(world, pid, event)
    }

    /// Hears that a claim is over.
    fn hear(&mut self, world: &mut World, pid: Pid) -> Step {
        let Some((slot, end)) = self.inbox.pop_front() else { return Step::Waits };
        self.adopted.remove(&slot);
        self.tasks.remove(&slot);
        self.turn(world, pid, Event::Ended { slot, end })
    }

    /// Its sleep is over, or somebody woke it.
    pub(super) fn wake(&mut self, world: &mut World, pid: Pid, cause: Cause) -> Step {
        if self.life != Life::Works {
            return Step::Waits;
        }
        let event = if cause == Cause::Change || world.disk.wake != self.known_wake {
            Event::Disturbed
        } else {
            Event::Woken
        };
        self.turn(world, pid, event)
    }

    /// A signal asks it to stop.
    pub(super) fn stop(&mut self, world: &mut World, pid: Pid, told: Told) -> Step {
        if self.life != Life::Works {
            return Step::Waits;
        }
        if told == Told::ByProgram && self.stops > 0 {
            return self.turn(world, pid, Event::Woken);
        }
        self.stops += 1;
        self.turn(world, pid, Event::StopRequested)
    }

    fn turn(&mut self, world: &mut World, pid: Pid, first: Event) -> Step {
        let mut event = first;
        loop {
            self.wake_at = None;
            let effects = self.state.decide(event, world.now());
            event = match self.perform(world, pid, effects) {
                Next::Event(event) => event,
                Next::Wait => return Step::Done,
                Next::End if self.may_end(world, pid) => {
                    self.life = Life::Over;
                    return Step::Over;
                }
                Next::End => {
                    self.take_up_remains(world);
                    self.scanned(world, pid)
                }
            };
        }
    }

    fn may_end(&mut self, world: &mut World, pid: Pid) -> bool {
        let is_idle = self.tasks.is_empty();
        world.require(is_idle, Promise::EverythingEnds, || {
            "a runner ended in the middle of a claim".to_owned()
        });
        world.unlock(pid, &Lock::Runner);
        if self.stops > 0 || world.disk.wake == self.known_wake {
            return true;
        }
        !world.try_lock(pid, Lock::Runner)
    }

    fn perform(&mut self, world: &mut World, pid: Pid, effects: Vec<Effect>) -> Next {
        let mut next = Next::Wait;
        for effect in effects {
            match effect {
                Effect::Start { candidate, slot } => {
                    self.check_start(world, &candidate.task, slot);
                    self.tasks.insert(slot, candidate.task.clone());
                    self.claims.insert(slot, Claim::fresh(candidate.clone(), slot));
                    if world.has_bug(Bug::StartsTwice) {
                        self.check_start(world, &candidate.task, SlotId(slot.0 + 1));
                    }
                }
                Effect::Scan => {
                    self.mark = None;
                    next = Next::Event(self.scanned(world, pid));
                }
                Effect::ScanIfChanged => next = Next::Event(self.scanned(world, pid)),
                Effect::TakeUp => self.take_up_left_over(world),
                Effect::CancelRunning => request_end_of_all(world),
                Effect::AnnounceDraining => {}
                Effect::WakeAt(moment) => self.wake_at = Some(moment),
                Effect::End if world.has_bug(Bug::NeverEnds) => {}
                Effect::End => next = Next::End,
            }
        }
        next
    }

    fn check_start(&self, world: &mut World, task: &TaskId, slot: SlotId) {
        let runs = self.claims.values().any(|claim| claim.task == *task);
        world.require(!runs, Promise::NothingStartsTwice, || format!("{task} was started while it ran"));
        let is_free = !self.claims.contains_key(&slot);
        world.require(is_free, Promise::SlotsHold, || format!("slot {} was given twice", slot.0));
        let fresh = self.claims.keys().filter(|slot| !self.adopted.contains(slot)).count();
        let fits = fresh < self.slots;
        world
            .require(fits, Promise::SlotsHold, || format!("{} tasks run in {} slots", fresh + 1, self.slots));
    }

    /// As `Loop::try_scan`.
    fn scanned(&mut self, world: &mut World, pid: Pid) -> Event {
        self.known_wake = world.disk.wake;
        let mark = Some((world.disk.version, world.disk.wake));
        if self.mark.take().is_some_and(|known| Some(known) == mark) {
            self.mark = mark;
            return Event::Unchanged;
        }
        if self.lost_claims == LostClaims::Unknown {
            self.end_lost_claims(world, pid);
        }
        self.lost_claims = LostClaims::Ended;
        self.mark = mark;
        look(world)
    }

    fn end_lost_claims(&self, world: &mut World, pid: Pid) {
        if world.has_bug(Bug::ForgetsRemains) {
            return;
        }
        let standings = world.standings();
        for (task, standing) in standings {
            let at_work = self.tasks.values().any(|at_work| *at_work == task);
            let lock = Lock::Task(task.clone());
            if standing != Standing::Interrupted || at_work || !world.try_lock(pid, lock.clone()) {
                continue;
            }
            if let Some(kind) = end_of_lost(&world.history(&task), &here()) {
                world.append_event(pid, &task, kind);
            }
            world.unlock(pid, &lock);
        }
    }

    /// As `recover::look`.
    fn take_up_remains(&mut self, world: &mut World) {
        (self.mark, self.lost_claims) = (None, LostClaims::Unknown);
        if world.has_bug(Bug::ForgetsRemains) {
            return;
        }
        world.disk.runs.retain(|_, folder| folder.plan.is_some());
        let sorted = last_runs(world, plans(world));
        for earlier in &sorted.earlier {
            if world.is_recorded(&earlier.intent) {
                world.disk.runs.remove(&earlier.intent.run);
            }
        }
        self.adopt(sorted.latest);
    }

    /// As `recover::left_over`.
    fn take_up_left_over(&mut self, world: &mut World) {
        let mut plans = plans(world);
        plans.retain(|plan| self.tasks.values().all(|at_work| *at_work != plan.intent.task));
        let sorted = last_runs(world, plans);
        self.adopt(sorted.latest);
    }

    fn adopt(&mut self, plans: Vec<Plan>) {
        for plan in plans {
            let slot = self.state.adopt(plan.intent.task.clone());
            self.adopted.insert(slot);
            self.tasks.insert(slot, plan.intent.task.clone());
            self.claims.insert(slot, Claim::adopted(plan, slot));
        }
    }
}

/// As `recover::last_runs`.
fn last_runs(world: &mut World, plans: Vec<Plan>) -> SortedOut<Plan> {
    let sorted = sorted_out(plans, |plan| &plan.intent);
    for earlier in &sorted.earlier {
        if let Some(later) = sorted.latest.iter().find(|later| later.intent.claim == earlier.intent.claim) {
            world.hand_on_request(earlier.intent.run, later.intent.run);
        }
    }
    sorted
}

pub(super) fn plans(world: &World) -> Vec<Plan> {
    world.disk.runs.values().filter_map(|folder| folder.plan.clone()).collect()
}

/// As `cancel::request_end_of_all`.
fn request_end_of_all(world: &mut World) {
    let runs: Vec<_> = world.disk.runs.keys().copied().collect();
    for run in runs {
        world.request_end(run);
    }
}

/// As `scan::look`.
fn look(world: &World) -> Event {
    let entries = world.entries();
    let standings = world.standings();
    let mut queue = queue(&entries, &standings);
    if world.has_bug(Bug::OverlooksTheLast) {
        queue.pop();
    }
    let release = |standing: &Standing| match standing {
        Standing::Held { hold: Hold::Service { until, .. } } => *until,
        Standing::Held { .. }
        | Standing::Draft
        | Standing::Queued { .. }
        | Standing::Running
        | Standing::Interrupted
        | Standing::Elsewhere { .. }
        | Standing::Ended { .. } => None,
    };
    let next_release = standings.values().filter_map(release).min();
    Event::Scanned { queue, next_release }
}
