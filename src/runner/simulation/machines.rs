//! Events of several machines: each writes its own ref and knows of the others what it has fetched.
//!
//! A task that two machines took before either had heard of the other has two claims on the refs. Whoever reads all
//! refs must still see one state, whatever the order of the refs, with one end at most for each claim.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::run::{EventKind, MachineId, Outcome, RunId, RunKind, StoredState, TaskEvent};
use crate::store::history::TaskHistory;
use crate::timestamp::Timestamp;

const MACHINES: usize = 3;

/// What one machine does next.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// It hears of all that another machine has written until now.
    Fetch(usize),
    /// It takes the task.
    Claim,
    /// It ends what it believes to be its claim.
    Finish(u8),
    /// It gives the claim back.
    Hold,
    /// A person asks for another run.
    Request,
    /// A person cancels.
    Cancel,
}

fn any_move() -> impl Strategy<Value = (usize, Move)> {
    let next = prop_oneof![
        3 => (0..MACHINES).prop_map(Move::Fetch), 3 => Just(Move::Claim), 3 => any::<u8>().prop_map(Move::Finish),
        1 => Just(Move::Hold), 2 => Just(Move::Request), 1 => Just(Move::Cancel)
    ];
    (0..MACHINES, next)
}

/// A machine: what it wrote, what it knows, and its claim.
#[derive(Debug, Clone, Default)]
struct Machine {
    own: Vec<TaskEvent>,
    known: [usize; MACHINES],
    claim: Option<RunId>,
}

/// Puts parts of refs together, as a reader does.
fn history<'a>(parts: impl IntoIterator<Item = &'a [TaskEvent]>) -> TaskHistory {
    let mut history = TaskHistory::default();
    for part in parts {
        history.add(TaskHistory { events: part.to_vec(), ..TaskHistory::default() });
    }
    history.settle();
    history
}

/// Returns what a machine sees: its own ref whole, and of the others what it has fetched.
fn seen(machines: &[Machine], here: usize) -> TaskHistory {
    let part = |(number, machine): (usize, &'_ Machine)| {
        if number == here { machine.own.len() } else { machines[here].known[number] }
    };
    history(machines.iter().enumerate().map(|of| &of.1.own[..part(of)]))
}

fn step(machines: &mut [Machine], here: usize, next: Move, count: usize) {
    let run = || -> RunId { format!("00000000-0000-7000-8000-{count:012x}").parse().unwrap() };
    let claim = machines[here].claim;
    let kind = match next {
        Move::Fetch(from) => {
            machines[here].known[from] = machines[from].own.len();
            return;
        }
        Move::Claim => EventKind::Claimed { claim: run() },
        Move::Finish(how) => EventKind::Finished {
            claim: claim.unwrap_or_else(run),
            run: run(),
            outcome: if how % 2 == 0 { Outcome::Done } else { Outcome::Failed },
            reason: None,
            message: String::new(),
        },
        Move::Hold => EventKind::Held {
            claim: claim.unwrap_or_else(run),
            run: run(),
            until: None,
            reason: crate::run::FailureReason::UsageLimit,
            message: String::new(),
        },
        Move::Request => EventKind::Requested { run_kind: RunKind::Retry, prompt: None },
        Move::Cancel => EventKind::Cancelled { message: String::new() },
    };
    let history = seen(machines, here);
    let event = TaskEvent {
        version: 1,
        lamport: history.lamport + 1,
        machine: format!("machine{here:08}").parse::<MachineId>().unwrap(),
        task: "fix".parse().unwrap(),
        at: Timestamp::from_unix_milliseconds(0).unwrap(),
        kind,
    };
    // Nobody writes what does not fit what it sees.
    if history.state.apply(&event).is_ok() {
        if let EventKind::Claimed { claim } = event.kind {
            machines[here].claim = Some(claim);
        }
        machines[here].own.push(event);
    }
}

/// Walks through the events in their order and returns the claims that were ended, with all steps that count.
fn walked(mut events: Vec<TaskEvent>) -> Vec<(StoredState, TaskEvent, StoredState)> {
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut state = StoredState::New;
    let mut steps = Vec::new();
    for event in events {
        if let Ok(next) = state.clone().apply(&event) {
            steps.push((std::mem::replace(&mut state, next.clone()), event, next));
        }
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_of_several_machines_add_up_to_one_state_in_any_order_of_their_refs(
        moves in prop::collection::vec(any_move(), 1..60), order in Just([0, 1, 2]).prop_shuffle(), twice in 0..MACHINES
    ) {
        let mut machines = vec![Machine::default(); MACHINES];
        for (count, (here, next)) in moves.into_iter().enumerate() {
            step(&mut machines, here, next, count);
        }
        let refs: Vec<&[TaskEvent]> = machines.iter().map(|machine| &machine.own[..]).collect();
        let all = history(refs.clone());
        let shuffled = history(order.map(|number| refs[number]));
        prop_assert_eq!(&all.state, &shuffled.state);
        // A ref may be there twice: as it was fetched, and as it is pushed.
        let again = history(refs.iter().copied().chain([refs[twice]]));
        prop_assert_eq!(&all.state, &again.state);

        let mut ended = BTreeSet::new();
        for (before, event, after) in walked(all.events) {
            if let EventKind::Finished { claim, .. } | EventKind::Held { claim, .. } = &event.kind {
                prop_assert!(ended.insert(*claim), "claim {} ended twice", claim);
            }
            if matches!(before, StoredState::Ended { .. }) {
                prop_assert!(matches!(event.kind, EventKind::Requested { .. }), "{:?} left its end", after);
            }
        }
    }
}
