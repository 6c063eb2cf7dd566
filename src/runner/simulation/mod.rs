//! The runner in a small world of its own: files, records, locks, processes and clocks, all in memory.
//!
//! The rules are the real ones: what to do next (`decide`), what follows a run (`follow`), what its end means
//! (`judge`), what a task's events add up to (`StoredState`), which tasks may run (`schedule`), and what the traces of a run
//! mean (`rules`). The world around them takes one write at a time, in the order of the real code, so that anything
//! may happen between two of them: a kill, a power cut, a full disk, another process, a clock that is set. After
//! each step, and at the end when everything was left alone for long enough, the promises must hold.
//!
//! A case is made from a seed; the usual seeds are always the same ones. More, from another start:
//! ```text
//! CLAUDEDO_SIMULATIONS=100000 cargo nextest run --lib -E 'test(simulation)'
//! ```
//! A failure prints its seed and the shortest list of actions that still fails. The same again:
//! ```text
//! CLAUDEDO_SIMULATION_SEED=<seed> CLAUDEDO_SIMULATIONS=1 cargo nextest run --lib -E 'test(simulation)'
//! ```

mod action;
mod agent;
mod claim;
mod conclude;
mod end;
mod looks;
mod machines;
mod people;
mod records;
mod runner;
mod summary;
mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use self::action::{Action, Victim, any_action, any_fate};
use self::agent::Fate;
use self::world::{Promise, World};
use super::plan::WorktreeWhenDone;
use crate::os::env;

/// How many cases a usual test tries.
const CASES: u64 = 2_000;

/// How many cases are tried until a bug that was put in has to be noticed.
const CASES_FOR_A_BUG: u64 = 3_000;

/// A mistake put in on purpose: the simulation has to notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    IgnoresTaskLocks,
    IgnoresTheRunnerLock,
    HandsOnNoLock,
    RecordsTwice,
    RunsWhatEnded,
    ForgetsRemains,
    ForgetsCancels,
    RemovesWorktrees,
    ClaimsAgain,
    TakesOneSlotMore,
    StartsTwice,
    NeverEnds,
    OverlooksTheLast,
    OnlyWaits,
    RunsOldPlans,
}

/// One world and what happens in it.
#[derive(Debug, Clone)]
struct Case {
    fates: Vec<Fate>,
    when_done: WorktreeWhenDone,
    actions: Vec<Action>,
}

fn any_case() -> impl Strategy<Value = Case> {
    let actions = prop::collection::vec(any_action(), 1..100);
    let fates = prop::collection::vec(any_fate(), 1..6);
    let when_done = prop_oneof![Just(WorktreeWhenDone::Keep), Just(WorktreeWhenDone::Remove)];
    (fates, when_done, actions).prop_map(|(fates, when_done, actions)| Case { fates, when_done, actions })
}

/// Plays a case to its end, and returns the promise that was broken.
fn played(case: &Case, bug: Option<Bug>) -> Result<(), (Promise, String)> {
    let mut world = World::new(bug, case.fates.clone(), case.when_done);
    for action in &case.actions {
        world.act(*action);
        if let Some(broken) = world.broken {
            return Err(broken);
        }
    }
    world.leave_alone();
    world.broken.map_or(Ok(()), Err)
}

/// Returns the random numbers of a seed. Neighbours have nothing in common.
fn random(seed: u64) -> TestRng {
    let mut bytes = [0; 16];
    for (part, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        // SplitMix64.
        let mut mixed =
            seed.wrapping_mul(2).wrapping_add(part as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    // A tenth of the time that ChaCha takes without optimisation.
    TestRng::from_seed(RngAlgorithm::XorShift, &bytes)
}

/// Tries one seed.
fn tried(seed: u64, bug: Option<Bug>) -> Result<(), (String, Case)> {
    let config =
        Config { cases: 1, failure_persistence: None, max_shrink_iters: 50_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, random(seed));
    let test = |case: Case| {
        played(&case, bug).map_err(|(promise, words)| TestCaseError::fail(format!("{promise:?}: {words}")))
    };
    match runner.run(&any_case(), test) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, case)) => Err((reason.to_string(), case)),
        Err(TestError::Abort(reason)) => unreachable!("{reason}"),
    }
}

fn number(name: &str) -> Option<u64> {
    env::variable(name)?.parse().ok()
}

#[test]
fn no_order_of_events_breaks_a_promise_in_the_simulation() {
    let cases = number("CLAUDEDO_SIMULATIONS");
    // The usual seeds are the first ones, so that a test that was green stays green; a campaign begins anywhere.
    let anywhere = || cases.map_or(0, |_| rand_seed());
    let first = number("CLAUDEDO_SIMULATION_SEED").unwrap_or_else(anywhere);
    for seed in first..first.saturating_add(cases.unwrap_or(CASES)) {
        if let Err((words, case)) = tried(seed, None) {
            panic!("with CLAUDEDO_SIMULATION_SEED={seed} CLAUDEDO_SIMULATIONS=1: {words}\n{case:?}");
        }
    }
}

/// Returns a start that leaves room for all that follow it.
fn rand_seed() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0) << 24
}

/// Requires that a mistake is noticed as what it is.
fn require_noticed(bug: Bug, expected: Promise) {
    let mut others = BTreeMap::new();
    for seed in 0..CASES_FOR_A_BUG {
        let mut runner = TestRunner::new_with_rng(Config::default(), random(seed));
        let case = any_case().new_tree(&mut runner).unwrap().current();
        match played(&case, Some(bug)) {
            Err((promise, _)) if promise == expected => return,
            // Another promise may be the first to be broken.
            Err((promise, _)) => *others.entry(format!("{promise:?}")).or_insert(0) += 1,
            Ok(()) => {}
        }
    }
    panic!("{bug:?} was not noticed as {expected:?}, but so often as {others:?}");
}

#[test]
fn the_simulation_notices_two_agents_of_one_task() {
    // No single mistake gets that far: the lock, the claim and the supervisor's own lock each stop it.
    let mut world = World::new(None, Vec::new(), WorktreeWhenDone::Keep);
    for _ in 0..2 {
        world.start_agent_of(&people::task(0));
    }
    world.check_processes();
    assert_eq!(world.broken.map(|(promise, _)| promise), Some(Promise::OneAgentATask));
}

#[test]
fn the_simulation_notices_locks_that_are_ignored() {
    require_noticed(Bug::IgnoresTaskLocks, Promise::EndedStaysEnded);
}

#[test]
fn the_simulation_notices_an_agent_that_holds_no_lock() {
    require_noticed(Bug::HandsOnNoLock, Promise::WorkUnderALock);
}

#[test]
fn the_simulation_notices_a_second_runner() {
    require_noticed(Bug::IgnoresTheRunnerLock, Promise::OneRunner);
}

#[test]
fn the_simulation_notices_a_second_record() {
    require_noticed(Bug::RecordsTwice, Promise::OneEndAClaim);
}

#[test]
fn the_simulation_notices_a_task_that_runs_after_its_end() {
    require_noticed(Bug::RunsWhatEnded, Promise::EndedStaysEnded);
}

#[test]
fn the_simulation_notices_remains_that_nobody_goes_on_with() {
    require_noticed(Bug::ForgetsRemains, Promise::NoTaskIsLost);
}

#[test]
fn the_simulation_notices_a_cancel_that_is_forgotten() {
    require_noticed(Bug::ForgetsCancels, Promise::CancelledIsNeverDone);
}

#[test]
fn the_simulation_notices_a_worktree_that_goes_too_early() {
    require_noticed(Bug::RemovesWorktrees, Promise::WorkIsKept);
}

#[test]
fn the_simulation_notices_a_task_too_many() {
    require_noticed(Bug::TakesOneSlotMore, Promise::SlotsHold);
}

#[test]
fn the_simulation_notices_a_task_that_starts_while_it_runs() {
    require_noticed(Bug::StartsTwice, Promise::NothingStartsTwice);
}

#[test]
fn the_simulation_notices_a_drain_that_never_ends() {
    require_noticed(Bug::NeverEnds, Promise::EverythingEnds);
}

#[test]
fn the_simulation_notices_a_task_that_is_overlooked() {
    require_noticed(Bug::OverlooksTheLast, Promise::NoTaskIsLost);
}

/// Plays a run whose agent hangs, with a start of a runner after each of two kills that come after so many steps.
fn killed_twice(victims: [Victim; 2], steps: [u8; 2], bug: Option<Bug>) -> Result<(), (Promise, String)> {
    let start = Action::StartRunner(1);
    let actions = [
        [Action::Add(0, 6), start],
        [Action::Steps(steps[0]), Action::Kill(victims[0])],
        [start, Action::Steps(steps[1])],
        [Action::Kill(victims[1]), start],
    ];
    let case =
        Case { fates: vec![Fate::Hangs], when_done: WorktreeWhenDone::Keep, actions: actions.concat() };
    played(&case, bug)
}

#[test]
fn two_kills_at_any_two_steps_break_no_promise_in_the_simulation() {
    let victims = [Victim::Runner, Victim::Supervisor, Victim::All];
    let pairs = victims.iter().flat_map(|first| victims.map(|second| [*first, second]));
    for (victims, steps) in pairs.flat_map(|pair| moments().map(move |steps| (pair, steps))) {
        let played = killed_twice(victims, steps, None);
        assert_eq!(played, Ok(()), "{victims:?} after {steps:?} steps");
    }
}

fn moments() -> impl Iterator<Item = [u8; 2]> {
    (1..30).flat_map(|first| (1..12).map(move |second| [first, second]))
}

#[test]
fn the_simulation_notices_a_hanging_agent_that_is_only_waited_for() {
    let victims = [Victim::Runner, Victim::Supervisor];
    let mut played = moments().map(|steps| killed_twice(victims, steps, Some(Bug::OnlyWaits)));
    assert!(played.any(|played| matches!(played, Err((Promise::EverythingEnds, _)))));
}

#[test]
fn the_simulation_notices_a_task_that_runs_as_it_once_was() {
    require_noticed(Bug::RunsOldPlans, Promise::RunsWhatIsThere);
}

#[test]
fn the_simulation_notices_events_that_do_not_fit() {
    require_noticed(Bug::ClaimsAgain, Promise::EventsFit);
}
