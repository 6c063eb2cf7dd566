//! The runner and the supervisor die, or meet a broken disk, at every named step of every life of a task: the start
//! after is killed at the same step, and the one after that brings order.

use std::collections::{BTreeMap, BTreeSet};

use git_claudedo::os::env;
use git_claudedo::os::fault::FaultPoint;

use crate::criteria::{Theirs, broken, unclear};
use crate::scenario::{ALL, Faults, Scenario, TASK, repository};
use crate::support::TestRepository;

/// Of the steps of a life, one of so many is broken, unless `CLAUDEDO_FAULT_STEPS=all` is set.
const SAMPLE: usize = 20;

/// Of those of the first life, one of so many meets a broken or a full disk; it is killed at each.
const FIRST_SAMPLE: usize = 4;

/// A step of a life: the point, and the how-many-th time that it is met.
type Step = (String, usize);

/// Returns the steps of a life in which nothing breaks but what is given.
fn steps(scenario: &Scenario) -> Vec<Step> {
    let test = repository(scenario);
    let faults = Faults::new(&test, scenario.given);
    (scenario.play)(&test, &faults);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let step = |name: String| {
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        (name, *count)
    };
    faults.met().into_iter().map(step).collect()
}

/// Breaks one step, kills the start after at the same point, starts again, and returns what does not hold then.
#[expect(clippy::print_stdout, reason = "a test that hangs has to tell what it broke")]
fn trial(scenario: &Scenario, (point, number): &Step, fault: &str) -> Vec<String> {
    // Whatever panics below, this is what was broken.
    println!("{} {point}@{number}:{fault}", scenario.name);
    let test = repository(scenario);
    let before = Theirs::of(&test);
    // A disk that is full stays full.
    let place = if fault == "enospc" && *number == 1 { point.clone() } else { format!("{point}@{number}") };
    let first = Faults::new(&test, &format!("{place}:{fault},{}", scenario.given));
    let mut answers = (scenario.play)(&test, &first);
    let mut bad = Vec::new();
    // Two slots take turns as they like, and how much an agent without its supervisor still does is a race.
    if !["several", "orphaned"].contains(&scenario.name)
        && first.met().iter().filter(|name| *name == point).count() < *number
    {
        bad.push("0: the step was not met".to_owned());
    }
    let words = format!("{answers:#?}");
    answers.extend((scenario.play)(&test, &Faults::new(&test, &format!("{point}@1:kill"))));
    answers.extend((scenario.play)(&test, &Faults::new(&test, "")));
    bad.extend(answers.iter().flat_map(unclear));
    bad.extend(broken(&test, &before));
    bad.extend(ends(&test, scenario, of_the_disk(point, fault)));
    if !bad.is_empty() {
        bad.push(words);
    }
    bad.iter().map(|line| format!("{} {point}@{number}:{fault}: {line}", scenario.name)).collect()
}

/// Returns the ends that a disk may bring about. A full one is no failure of the task: at most its runs are cut off,
/// or its supervisor cannot even begin.
fn of_the_disk(point: &str, fault: &str) -> &'static [&'static str] {
    match (fault, point) {
        ("kill", _) => &[],
        ("enospc", "supervisor-locked") | ("eio", _) => &["failed", "interrupted"],
        _ => &["interrupted"],
    }
}

/// Returns the tasks that did not come to an end that was meant for them.
fn ends(test: &TestRepository, scenario: &Scenario, of_the_disk: &[&str]) -> Vec<String> {
    let tasks = [TASK, "more-c3d4", "last-e5f6"].into_iter().filter(|task| !test.history(task).is_empty());
    let end = |task: &str| test.history(task).rsplit([' ', ':']).next().unwrap_or_default().to_owned();
    let wrong = tasks.filter(|task| {
        let end = end(task);
        !scenario.outcomes.contains(&end.as_str()) && !of_the_disk.contains(&end.as_str())
    });
    let reasons = |task: &str| -> Vec<String> {
        test.records(task)
            .iter()
            .map(|record| format!("{}: {}", record["reason"], record["message"]))
            .collect()
    };
    wrong.map(|task| format!("2: {task}: {} {:?}", test.history(task), reasons(task))).collect()
}

/// Breaks the steps of a life, one at a time.
fn break_each(name: &str, fault: &str) {
    let (at, scenario) = ALL.iter().enumerate().find(|(_, scenario)| scenario.name == name).unwrap();
    let is_whole = env::variable("CLAUDEDO_FAULT_STEPS").is_some_and(|steps| steps == "all");
    let stride = match (at, fault) {
        _ if is_whole => 1,
        (0, "kill") => 1,
        (0, _) => FIRST_SAMPLE,
        _ => SAMPLE,
    };
    let steps = steps(scenario);
    let broken = steps.iter().skip((at + fault.len()) % stride).step_by(stride);
    let bad: Vec<String> = broken.flat_map(|step| trial(scenario, step, fault)).collect();
    assert!(bad.is_empty(), "{} lines of {} steps:\n{}", bad.len(), steps.len(), bad.join("\n"));
}

#[test]
fn every_point_is_met_in_some_life() {
    let mut met: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for scenario in ALL {
        for (name, _) in steps(scenario) {
            met.entry(name).or_default().insert(scenario.name);
        }
    }
    for point in FaultPoint::ALL {
        let lives: Vec<&str> = met.get(point.name()).into_iter().flatten().copied().collect();
        let lives = if lives.len() > 3 { format!("{} lives", lives.len()) } else { lives.join(", ") };
        println!("| `{}` | {} | {lives} |", point.name(), point.meaning());
    }
    for point in FaultPoint::PRUNE {
        println!("| `{}` | {} | `prune` |", point.name(), point.meaning());
    }
    let missed: Vec<&str> =
        FaultPoint::ALL.iter().map(|point| point.name()).filter(|name| !met.contains_key(*name)).collect();
    assert_eq!(missed, Vec::<&str>::new());
}

macro_rules! lives {
    ($($test:ident $name:literal)+) => {$(
        mod $test {
            #[test] fn killed() { super::break_each($name, "kill"); }
            #[test] fn on_a_full_disk() { super::break_each($name, "enospc"); }
            #[test] fn on_a_broken_disk() { super::break_each($name, "eio"); }
        }
    )+};
}

lives! {
    done "done"
    removed "removed"
    retried "retried"
    failed "failed"
    cancelled "cancelled"
    dequeued "dequeued"
    refused "refused"
    committed "committed"
    beside "beside"
    several "several"
    orphaned "orphaned"
    unplanned "unplanned"
    half_closed "half-closed"
    lost "lost"
}

/// These were found by the lives above, and are looked at on each run whatever the sample is.
#[test]
fn a_run_that_is_cut_off_before_its_first_word_goes_on_in_its_conversation() {
    assert_holds("half-closed", "logs-made", "kill");
}

#[test]
fn a_supervisor_that_is_killed_before_it_starts_the_agent_is_no_failure_of_the_task() {
    assert_holds("done", "supervisor-locked", "kill");
}

#[test]
fn commits_beside_the_branch_that_were_kept_before_the_kill_are_kept_again() {
    assert_holds("beside", "record-written", "kill");
}

#[test]
fn a_cancel_that_cannot_be_recorded_says_so_at_once() {
    assert_holds("cancelled", "ref-locked", "enospc");
}

fn assert_holds(name: &str, point: &str, fault: &str) {
    let scenario = ALL.iter().find(|scenario| scenario.name == name).unwrap();
    let bad = trial(scenario, &(point.to_owned(), 1), fault);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
