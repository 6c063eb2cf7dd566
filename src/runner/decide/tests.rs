//! What the decision core does with single events, and with thousands of orders of them.

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
    let mut state = State::new(2, Patience::Wait, Stay::UntilEmpty);
    let effects = state.decide(scanned(&["a", "b", "c"]), moment(0));
    assert_eq!(started(&effects), [(1, "a".into()), (2, "b".into())]);
    state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Recorded }, moment(1));
    let effects = state.decide(scanned(&["c"]), moment(1));
    assert_eq!(started(&effects), [(1, "c".into())]);
}

#[test]
fn an_empty_queue_is_the_end() {
    let mut state = State::new(2, Patience::Wait, Stay::UntilEmpty);
    assert_eq!(state.decide(scanned(&[]), moment(0)), [Effect::End]);
}

#[test]
fn the_first_signal_waits_and_the_second_cancels() {
    let mut state = State::new(1, Patience::Wait, Stay::UntilEmpty);
    state.decide(scanned(&["a", "b"]), moment(0));
    assert_eq!(state.decide(Event::StopRequested, moment(1)), [Effect::AnnounceDraining]);
    assert_eq!(state.decide(Event::StopRequested, moment(1)), [Effect::CancelRunning]);
    assert_eq!(state.decide(Event::StopRequested, moment(1)), []);
    state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Recorded }, moment(2));
    assert_eq!(state.decide(scanned(&["b"]), moment(2)), [Effect::End]);
}

#[test]
fn a_usage_limit_holds_every_task_until_it_is_lifted() {
    let mut state = State::new(1, Patience::Wait, Stay::UntilEmpty);
    state.decide(scanned(&["a", "b"]), moment(0));
    let hold = QueueHold { until: Some(moment(100)), reason: FailureReason::UsageLimit };
    state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Holds(hold) }, moment(1));
    assert_eq!(state.decide(scanned(&["b"]), moment(1)), [Effect::WakeAt(moment(100))]);
    assert_eq!(state.decide(Event::Woken, moment(100)), [Effect::ScanIfChanged]);
    assert_eq!(started(&state.decide(scanned(&["a", "b"]), moment(100))), [(1, "a".into())]);
    assert_eq!(state.hold(), None, "a limit that was lifted holds nothing");
}

#[test]
fn without_a_login_the_runner_ends_and_fails_nothing_else() {
    let mut state = State::new(1, Patience::Wait, Stay::UntilEmpty);
    state.decide(scanned(&["a", "b"]), moment(0));
    let hold = QueueHold { until: None, reason: FailureReason::Login };
    state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::Holds(hold) }, moment(1));
    assert_eq!(state.decide(scanned(&["b"]), moment(1)), [Effect::End]);
    assert_eq!(state.hold().map(|hold| hold.reason), Some(FailureReason::Login));
}

#[test]
fn a_task_that_cannot_be_claimed_is_not_tried_for_ever() {
    let mut state = State::new(1, Patience::Wait, Stay::UntilEmpty);
    state.decide(scanned(&["a"]), moment(0));
    state.decide(Event::Ended { slot: SlotId(1), end: ClaimEnd::NotTaken }, moment(1));
    assert_eq!(state.decide(scanned(&["a"]), moment(1)), [Effect::End]);
}

fn watcher(slots: u32) -> State {
    State::new(slots, Patience::Wait, Stay::UntilStopped)
}

fn ended(slot: u32, end: ClaimEnd) -> Event {
    Event::Ended { slot: SlotId(slot), end }
}

#[test]
fn a_watcher_ends_when_it_is_told_to_and_not_before() {
    let mut state = watcher(1);
    assert_eq!(state.decide(scanned(&[]), moment(0)), []);
    assert_eq!(state.decide(Event::Woken, moment(60)), [Effect::ScanIfChanged]);
    assert_eq!(state.decide(Event::Unchanged, moment(60)), []);
    assert_eq!(state.decide(Event::StopRequested, moment(61)), [Effect::End]);
}

#[test]
fn a_held_task_is_looked_at_in_its_moment_also_while_others_run() {
    let mut state = watcher(2);
    let release = Event::Scanned { queue: candidates(&["a"]), next_release: Some(moment(9)) };
    let effects = state.decide(release, moment(0));
    assert_eq!(effects.last(), Some(&Effect::WakeAt(moment(9))));
    assert_eq!(state.decide(Event::Woken, moment(9)), [Effect::Scan]);
}

#[test]
fn a_watcher_tries_a_task_again_that_it_could_not_take_after_a_change_or_a_while() {
    for (event, at) in [(Event::Disturbed, 2), (Event::Woken, 400)] {
        let mut state = watcher(1);
        state.decide(scanned(&["a"]), moment(0));
        state.decide(ended(1, ClaimEnd::NotTaken), moment(1));
        assert_eq!(state.decide(scanned(&["a"]), moment(1)), [Effect::WakeAt(moment(301))]);
        assert_eq!(state.decide(Event::Woken, moment(2)), [Effect::ScanIfChanged], "it is too early");
        assert_eq!(state.decide(event, moment(at)), [Effect::TakeUp, Effect::Scan]);
        assert_eq!(started(&state.decide(scanned(&["a"]), moment(at))), [(1, "a".into())]);
    }
}

#[test]
fn after_a_missing_login_one_task_asks_before_the_others() {
    let hold = || ClaimEnd::Holds(QueueHold { until: None, reason: FailureReason::Login });
    for (event, at) in [(Event::Disturbed, 2), (Event::Woken, 400)] {
        let mut state = watcher(2);
        state.decide(scanned(&["a"]), moment(0));
        state.decide(ended(1, hold()), moment(1));
        assert_eq!(state.decide(scanned(&["a", "b", "c"]), moment(1)), [Effect::WakeAt(moment(301))]);
        state.decide(event, moment(at));
        let effects = state.decide(scanned(&["a", "b", "c"]), moment(at));
        assert_eq!(started(&effects), [(1, "a".into())]);
        assert_eq!(effects.last(), Some(&Effect::WakeAt(moment(at + 30))));
        let mut denied = state.clone();
        denied.decide(ended(1, hold()), moment(at + 1));
        assert_eq!(started(&denied.decide(scanned(&["a", "b", "c"]), moment(at + 1))), []);
        assert!(denied.hold().is_some());
        let effects = state.decide(Event::Unchanged, moment(at + 30));
        assert_eq!(started(&effects), [(2, "b".into())], "it has gone on for long enough");
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_hold_longer() {
    let mut state = watcher(1);
    state.decide(scanned(&["a"]), moment(5000));
    let hold = QueueHold { until: None, reason: FailureReason::Billing };
    state.decide(ended(1, ClaimEnd::Holds(hold)), moment(5000));
    state.decide(Event::Woken, moment(1000));
    assert_eq!(started(&state.decide(scanned(&["a"]), moment(1000))), [(1, "a".into())]);
}

fn any_event() -> impl Strategy<Value = (u8, u32, i64)> {
    (0u8..10, 1u32..5, 0i64..50)
}

proptest! {
    #[test]
    fn no_order_of_events_runs_a_task_twice_or_more_tasks_than_slots(
        slots in 1u32..4, stays in any::<bool>(), steps in prop::collection::vec(any_event(), 1..80)
    ) {
        let stay = if stays { Stay::UntilStopped } else { Stay::UntilEmpty };
        let mut state = State::new(slots, Patience::Wait, stay);
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
                6 => Event::Disturbed,
                7 => Event::Unchanged,
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
            prop_assert!(!effects.contains(&Effect::End) || !stays || stops > 0, "a watcher ended by itself");
        }
    }
}
