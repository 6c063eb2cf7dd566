//! The decision core: one event in, effects out. It touches nothing and asks nothing.
//!
//! All that may go wrong with the order of things (two signals, a task that ends while another is
//! claimed, a limit that is lifted) is decided here, where thousands of orders can be tried in a
//! second; the loop in `super::drain` only does what it is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::run::FailureReason;
use crate::schedule::Candidate;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

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
    /// Tasks that could not be claimed; trying again at once would be a loop.
    refused: BTreeSet<TaskId>,
    phase: Phase,
    hold: Option<QueueHold>,
    patience: Patience,
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
    /// Not before this moment; `None`: not by this runner.
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
    /// A claim is over and its slot is free.
    Ended {
        /// The slot.
        slot: SlotId,
        /// How.
        end: ClaimEnd,
    },
    /// Somebody asked the runner to stop.
    StopRequested,
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
    pub fn new(slots: u32, patience: Patience) -> Self {
        Self {
            slots: slots.max(1),
            running: BTreeMap::new(),
            queue: Vec::new(),
            refused: BTreeSet::new(),
            phase: Phase::Open,
            hold: None,
            patience,
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
        self.hold.take_if(|hold| hold.until.is_some_and(|until| until <= now));
        let mut effects = match event {
            Event::Scanned { queue, next_release } => {
                self.queue = queue;
                self.next_release = next_release;
                Vec::new()
            }
            Event::Ended { slot, end } => return self.ended(slot, end),
            Event::StopRequested => self.stop(),
            Event::Woken if self.phase == Phase::Open => return vec![Effect::Scan],
            Event::Woken => Vec::new(),
        };
        effects.extend(self.start_what_fits());
        effects.extend(self.rest());
        effects
    }

    fn ended(&mut self, slot: SlotId, end: ClaimEnd) -> Vec<Effect> {
        let task = self.running.remove(&slot);
        match end {
            ClaimEnd::Recorded => {}
            ClaimEnd::NotTaken => self.refused.extend(task),
            ClaimEnd::Holds(hold) => self.hold = Some(hold),
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

    fn start_what_fits(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.phase != Phase::Open || self.hold.is_some() {
            return effects;
        }
        let at_work: BTreeSet<TaskId> = self.running.values().cloned().collect();
        let mut left = Vec::new();
        for candidate in std::mem::take(&mut self.queue) {
            if at_work.contains(&candidate.task) || self.refused.contains(&candidate.task) {
                continue;
            }
            match self.free_slot(self.slots) {
                Some(slot) => {
                    self.running.insert(slot, candidate.task.clone());
                    effects.push(Effect::Start { candidate, slot });
                }
                None => left.push(candidate),
            }
        }
        self.queue = left;
        effects
    }

    fn rest(&self) -> Vec<Effect> {
        if !self.running.is_empty() {
            return Vec::new();
        }
        match self.release() {
            Some(moment) if self.phase == Phase::Open && self.patience == Patience::Wait => {
                vec![Effect::WakeAt(moment)]
            }
            _ => vec![Effect::End],
        }
    }

    /// The moment at which something that is held may go on, or `None` when nothing will by itself.
    fn release(&self) -> Option<Timestamp> {
        match &self.hold {
            Some(hold) => hold.until,
            None => self.next_release,
        }
    }

    fn free_slot(&self, slots: u32) -> Option<SlotId> {
        (1..=slots).map(SlotId).find(|slot| !self.running.contains_key(slot))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::RunKind;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_unix_milliseconds(seconds * 1000).unwrap()
    }

    fn candidates(names: &[&str]) -> Vec<Candidate> {
        names
            .iter()
            .map(|name| Candidate { task: name.parse().unwrap(), run_kind: RunKind::First, prompt: None })
            .collect()
    }

    fn scanned(names: &[&str]) -> Event {
        Event::Scanned { queue: candidates(names), next_release: None }
    }

    fn started(effects: &[Effect]) -> Vec<(u32, String)> {
        effects
            .iter()
            .filter_map(|effect| {
                let Effect::Start { candidate, slot } = effect else { return None };
                Some((slot.0, candidate.task.to_string()))
            })
            .collect()
    }

    #[test]
    fn as_many_tasks_start_as_there_are_slots() {
        let mut state = State::new(2, Patience::Wait);
        let effects = state.decide(scanned(&["a", "b", "c"]), moment(0));
        assert_eq!(started(&effects), [(1, "a".into()), (2, "b".into())]);
        state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Recorded }, moment(1));
        let effects = state.decide(scanned(&["c"]), moment(1));
        assert_eq!(started(&effects), [(1, "c".into())]);
    }

    #[test]
    fn an_empty_queue_is_the_end() {
        let mut state = State::new(2, Patience::Wait);
        assert_eq!(state.decide(scanned(&[]), moment(0)), [Effect::End]);
    }

    #[test]
    fn the_first_signal_waits_and_the_second_cancels() {
        let mut state = State::new(1, Patience::Wait);
        state.decide(scanned(&["a", "b"]), moment(0));
        assert_eq!(state.decide(Event::StopRequested, moment(1)), [Effect::AnnounceDraining]);
        assert_eq!(state.decide(Event::StopRequested, moment(1)), [Effect::CancelRunning]);
        assert_eq!(state.decide(Event::StopRequested, moment(1)), []);
        state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Recorded }, moment(2));
        assert_eq!(state.decide(scanned(&["b"]), moment(2)), [Effect::End]);
    }

    #[test]
    fn a_usage_limit_holds_every_task_until_it_is_lifted() {
        let mut state = State::new(1, Patience::Wait);
        state.decide(scanned(&["a", "b"]), moment(0));
        let hold = QueueHold { until: Some(moment(100)), reason: FailureReason::UsageLimit };
        state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Holds(hold) }, moment(1));
        assert_eq!(state.decide(scanned(&["b"]), moment(1)), [Effect::WakeAt(moment(100))]);
        assert_eq!(state.decide(Event::Woken, moment(100)), [Effect::Scan]);
        assert_eq!(started(&state.decide(scanned(&["a", "b"]), moment(100))), [(1, "a".into())]);
        assert_eq!(state.hold(), None, "a limit that was lifted holds nothing");
    }

    #[test]
    fn without_a_login_the_runner_ends_and_fails_nothing_else() {
        let mut state = State::new(1, Patience::Wait);
        state.decide(scanned(&["a", "b"]), moment(0));
        let hold = QueueHold { until: None, reason: FailureReason::Login };
        state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Holds(hold) }, moment(1));
        assert_eq!(state.decide(scanned(&["b"]), moment(1)), [Effect::End]);
        assert_eq!(state.hold().map(|hold| hold.reason), Some(FailureReason::Login));
    }

    #[test]
    fn a_task_that_cannot_be_claimed_is_not_tried_for_ever() {
        let mut state = State::new(1, Patience::Wait);
        state.decide(scanned(&["a"]), moment(0));
        state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::NotTaken }, moment(1));
        assert_eq!(state.decide(scanned(&["a"]), moment(1)), [Effect::End]);
    }

    fn any_event() -> impl Strategy<Value = (u8, u32, i64)> {
        (0u8..8, 1u32..5, 0i64..50)
    }

    proptest! {
        #[test]
        fn no_order_of_events_runs_a_task_twice_or_more_tasks_than_slots(
            slots in 1u32..4, steps in prop::collection::vec(any_event(), 1..80)
        ) {
            let mut state = State::new(slots, Patience::Wait);
            let mut clock = 0;
            let mut stops = 0;
            for (kind, slot, passed) in steps {
                clock += passed - 10; // clocks jump backwards, too
                let end = match kind { 2 => ClaimEnd::NotTaken, 3 => ClaimEnd::Holds(QueueHold {
                    until: Some(moment(clock + 5)), reason: FailureReason::UsageLimit }), _ => ClaimEnd::Recorded };
                let event = match kind {
                    0 | 1 => scanned(&["a", "b", "c", "d", "e"]),
                    2..=4 => Event::Ended { slot: SlotId(slot), end },
                    5 => { stops += 1; Event::StopRequested }
                    _ => Event::Woken,
                };
                let before: BTreeSet<TaskId> = state.running().values().cloned().collect();
                let effects = state.decide(event, moment(clock));
                for effect in &effects {
                    if let Effect::Start { candidate, .. } = effect {
                        prop_assert!(!before.contains(&candidate.task), "{} runs already", candidate.task);
                        prop_assert_eq!(stops, 0, "started after a signal");
                    }
                }
                let distinct: BTreeSet<&TaskId> = state.running().values().collect();
                prop_assert_eq!(distinct.len(), state.running().len());
                prop_assert!(state.running().len() <= slots as usize);
                prop_assert!(!effects.contains(&Effect::End) || state.running().is_empty());
            }
        }
    }
}
