//! The decision core: one event in, effects out. It touches nothing and asks nothing.
//!
//! All that may go wrong with the order of things (two signals, a task that ends while another is
//! claimed, a limit that is lifted) is decided here, where thousands of orders can be tried in a
//! second; the loop in `super::drain` only does what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::run::FailureReason;
use crate::schedule::Candidate;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// After how long a watcher tries again what it could not take, and what a person has to mend.
pub(crate) const RETRY_AFTER: Duration = Duration::from_mins(5);

/// How long the first task after such a hold runs alone. A login that is missing shows within seconds.
const ALONE: Duration = Duration::from_secs(30);

/// After how long a failed look is repeated.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Room for one run, numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(pub u32);

/// What the runner knows.
#[derive(Debug, Clone)]
pub struct State {
    slots: u32,
    running: BTreeMap<SlotId, TaskId>,
    queue: Vec<Candidate>,
    /// Tasks that could not be claimed, and when; trying again at once would be a loop.
    refused: BTreeMap<TaskId, Timestamp>,
    phase: Phase,
    hold: Option<QueueHold>,
    /// When a hold began that has no known end.
    held_since: Option<Timestamp>,
    caution: Caution,
    patience: Patience,
    stay: Stay,
    /// The earliest moment at which a held task may run.
    next_release: Option<Timestamp>,
}

/// Whether the runner waits for held tasks that will be released at a known moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Wait until then.
    Wait,
    /// End, and leave them to a later start.
    Leave,
}

/// When the runner ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// When nothing is left that may run.
    UntilEmpty,
    /// Never: it waits for tasks until it is told to stop.
    UntilStopped,
}

/// Whether as many tasks may start as there are slots. After a hold that only a person can end, one goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caution {
    /// They may.
    None,
    /// The next one starts alone.
    Next,
    /// This one has started alone, at this moment.
    Alone(SlotId, Timestamp),
}

/// How far the runner has been told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Starts tasks.
    Open,
    /// Starts no more and waits for those that run.
    Draining,
    /// Has cancelled those that run and waits for their end.
    Cancelling,
}

/// Why no task may start now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueHold {
    /// Not before this moment; `None`: not before a person has done something.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: FailureReason,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The tasks were looked at.
    Scanned {
        /// Those that may run, the next one first.
        queue: Vec<Candidate>,
        /// When the first of the held ones may run, where that is known.
        next_release: Option<Timestamp>,
    },
    /// The tasks were looked at, and nothing has changed since the last time.
    Unchanged,
    /// The tasks could not be looked at.
    ScanFailed,
    /// A claim is over and its slot is free.
    Ended {
        /// The slot.
        slot: SlotId,
        /// How.
        end: ClaimEnd,
    },
    /// Somebody asked the runner to stop.
    StopRequested,
    /// Somebody changed something, or asked for a look.
    Disturbed,
    /// Time has passed.
    Woken,
}

/// How a claim ended, as far as the queue is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimEnd {
    /// It has its record.
    Recorded,
    /// The task was never taken: somebody else has it, or it is gone.
    NotTaken,
    /// The service will take no task for now.
    Holds(QueueHold),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Claim and run a task.
    Start {
        /// The task.
        candidate: Candidate,
        /// In which slot.
        slot: SlotId,
    },
    /// Look at the tasks again.
    Scan,
    /// Look at the tasks again if anything has changed.
    ScanIfChanged,
    /// Go on with runs that nobody works on any more.
    TakeUp,
    /// Ask every running task to end.
    CancelRunning,
    /// Tell people that no new task starts.
    AnnounceDraining,
    /// Wake up at this moment.
    WakeAt(Timestamp),
    /// There is nothing left to do.
    End,
}

impl State {
    /// Returns a runner with free slots that has not looked at any task yet.
    pub fn new(slots: u32, patience: Patience, stay: Stay) -> Self {
        Self {
            slots: slots.max(1),
            running: BTreeMap::new(),
            queue: Vec::new(),
            refused: BTreeMap::new(),
            phase: Phase::Open,
            hold: None,
            held_since: None,
            caution: Caution::None,
            patience,
            stay,
            next_release: None,
        }
    }

    /// Returns which task is in which slot.
    pub fn running(&self) -> &BTreeMap<SlotId, TaskId> {
        &self.running
    }

    /// Takes a slot for a run that an earlier runner left behind; beyond the number of slots if need be.
    pub fn adopt(&mut self, task: TaskId) -> SlotId {
        let slot = self.free_slot(u32::MAX).unwrap_or(SlotId(u32::MAX));
        self.running.insert(slot, task);
        slot
    }

    /// Goes on with room for another number of runs.
    pub fn set_slots(&mut self, slots: u32) {
        self.slots = slots.max(1);
    }

    /// Returns how many candidates may be passed over or taken at once.
    pub fn candidates_needed(&self) -> usize {
        (self.slots as usize).saturating_add(self.running.len()).saturating_add(self.refused.len())
    }

    /// Returns how far the runner has been told to stop.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the tasks that may run and have no slot yet, the next one first.
    pub fn queue(&self) -> &[Candidate] {
        &self.queue
    }

    /// Returns when the first of the held tasks may run, where that is known.
    pub fn next_release(&self) -> Option<Timestamp> {
        self.next_release
    }

    /// Returns why no task may start, if that still stood at the last event.
    pub fn hold(&self) -> Option<&QueueHold> {
        self.hold.as_ref()
    }

    /// Takes in one event and returns what is to be done, in order.
    pub fn decide(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.let_time_pass(now);
        let mut effects = match event {
            Event::Scanned { queue, next_release } => {
                self.queue = queue;
                self.next_release = next_release;
                Vec::new()
            }
            Event::ScanFailed => {
                self.next_release = Some(now.plus(LOOK_AGAIN_AFTER));
                Vec::new()
            }
            Event::Ended { slot, end } => return self.ended(slot, end, now),
            Event::StopRequested => self.stop(),
            Event::Disturbed if self.phase == Phase::Open => return self.disturbed(),
            Event::Woken if self.phase == Phase::Open => return self.woken(now),
            Event::Unchanged | Event::Disturbed | Event::Woken => Vec::new(),
        };
        effects.extend(self.start_what_fits(now));
        effects.extend(self.rest());
        effects
    }

    /// Lifts what is over by now. A clock that was set back must not make anything last.
    fn let_time_pass(&mut self, now: Timestamp) {
        self.hold.take_if(|hold| hold.until.is_some_and(|until| until <= now));
        if self.held_since.is_some_and(|since| is_over(since, RETRY_AFTER, now)) {
            self.lift_hold();
        }
        if let Caution::Alone(_, since) = self.caution
            && is_over(since, ALONE, now)
        {
            self.caution = Caution::None;
        }
    }

    /// Ends a hold that has no known end: whatever was missing may be there now. One task finds out.
    fn lift_hold(&mut self) {
        if self.held_since.take().is_some() {
            self.hold = None;
            self.caution = Caution::Next;
        }
    }

    fn disturbed(&mut self) -> Vec<Effect> {
        if self.stay == Stay::UntilEmpty {
            return vec![Effect::ScanIfChanged];
        }
        self.lift_hold();
        self.forgive(|_| true)
    }

    fn woken(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.stay == Stay::UntilStopped {
            let forgiven = self.forgive(|since| is_over(since, RETRY_AFTER, now));
            if forgiven != [Effect::ScanIfChanged] {
                return forgiven;
            }
        }
        let released = self.next_release.is_some_and(|moment| moment <= now);
        vec![if released { Effect::Scan } else { Effect::ScanIfChanged }]
    }

    /// Forgets which tasks could not be taken; what they had begun is gone on with.
    fn forgive(&mut self, is_due: impl Fn(Timestamp) -> bool) -> Vec<Effect> {
        let before = self.refused.len();
        self.refused.retain(|_, since| !is_due(*since));
        if self.refused.len() == before {
            vec![Effect::ScanIfChanged]
        } else {
            vec![Effect::TakeUp, Effect::Scan]
        }
    }

    fn ended(&mut self, slot: SlotId, end: ClaimEnd, now: Timestamp) -> Vec<Effect> {
        let task = self.running.remove(&slot);
        if matches!(self.caution, Caution::Alone(alone, _) if alone == slot) {
            self.caution = Caution::None;
        }
        match end {
            ClaimEnd::Recorded => {}
            ClaimEnd::NotTaken => self.refused.extend(task.map(|task| (task, now))),
            ClaimEnd::Holds(hold) => {
                self.held_since = (hold.until.is_none() && self.stay == Stay::UntilStopped).then_some(now);
                self.hold = Some(hold);
            }
        }
        // What may run is known only after another look: tasks that waited for this one are free now.
        vec![Effect::Scan]
    }

    fn stop(&mut self) -> Vec<Effect> {
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Draining;
                if self.running.is_empty() { Vec::new() } else { vec![Effect::AnnounceDraining] }
            }
            Phase::Draining => {
                self.phase = Phase::Cancelling;
                if self.running.is_empty() { Vec::new() } else { vec![Effect::CancelRunning] }
            }
            Phase::Cancelling => Vec::new(),
        }
    }

    fn start_what_fits(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.phase != Phase::Open || self.hold.is_some() {
            return effects;
        }
        let at_work: BTreeSet<TaskId> = self.running.values().cloned().collect();
        let mut left = Vec::new();
        for candidate in std::mem::take(&mut self.queue) {
            if at_work.contains(&candidate.task) || self.refused.contains_key(&candidate.task) {
                continue;
            }
            match self.room() {
                Some(slot) => {
                    if self.caution == Caution::Next {
                        self.caution = Caution::Alone(slot, now);
                    }
                    self.running.insert(slot, candidate.task.clone());
                    effects.push(Effect::Start { candidate, slot });
                }
                None => left.push(candidate),
            }
        }
        self.queue = left;
        effects
    }

    /// Returns the slot for the next task, if one may start now.
    fn room(&self) -> Option<SlotId> {
        match self.caution {
            Caution::None | Caution::Next => self.free_slot(self.slots),
            Caution::Alone(..) => None,
        }
    }

    fn rest(&self) -> Vec<Effect> {
        let stays =
            self.phase == Phase::Open && (self.stay == Stay::UntilStopped || !self.running.is_empty());
        match self.release() {
            Some(moment) if stays || (self.phase == Phase::Open && self.patience == Patience::Wait) => {
                vec![Effect::WakeAt(moment)]
            }
            _ if stays || !self.running.is_empty() => Vec::new(),
            _ => vec![Effect::End],
        }
    }

    /// The moment at which something may go on, or `None` when nothing will by itself.
    fn release(&self) -> Option<Timestamp> {
        let held = self.hold.as_ref().map_or(self.next_release, |hold| hold.until);
        let mut moments: Vec<Timestamp> = held.into_iter().collect();
        if self.stay == Stay::UntilStopped {
            moments
                .extend(self.held_since.iter().chain(self.refused.values()).map(|at| at.plus(RETRY_AFTER)));
        }
        if let Caution::Alone(_, since) = self.caution {
            moments.push(since.plus(ALONE));
        }
        moments.into_iter().min()
    }

    fn free_slot(&self, slots: u32) -> Option<SlotId> {
        (1..=slots).map(SlotId).find(|slot| !self.running.contains_key(slot))
    }
}

fn is_over(since: Timestamp, duration: Duration, now: Timestamp) -> bool {
    now < since || since.plus(duration) <= now
}

#[cfg(test)]
mod tests;
