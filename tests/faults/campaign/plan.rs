//! Which points a campaign visits: how many system calls each process makes, and how many of them count.

use std::collections::BTreeMap;

use super::point::{Calls, Fault, Point, Process};
use super::scenario::Scenario;
use super::trial;

/// How far apart the syncs are at which a runner is killed whose remains are recovered.
const FIRST_STEP: usize = 37;

/// The greatest of them: after it, the first run has nothing left to do.
const FIRST_MAX: usize = 75;

/// A row of the campaign: at every `step`th of these calls of this process, this fault.
#[derive(Debug, Clone, Copy)]
struct Row {
    scenarios: &'static [Scenario],
    process: Process,
    calls: Calls,
    faults: &'static [Fault],
    step: usize,
}

const RUNS: [Scenario; 6] = [
    Scenario::Edits,
    Scenario::Retried,
    Scenario::Commits,
    Scenario::Cancelled,
    Scenario::Unfinished,
    Scenario::Two,
];

const KILL: &[Fault] = &[Fault::Kill];

/// The whole campaign.
#[rustfmt::skip]
const ROWS: [Row; 36] = [
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::Link, faults: &[Fault::NoSpace, Fault::Broken], step: 1 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Write, faults: &[Fault::NoSpace, Fault::Broken], step: 5 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Open, faults: &[Fault::NoDescriptor], step: 9 },
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::Open, faults: &[Fault::NoSpace, Fault::Broken, Fault::NoDescriptorFrom], step: 21 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Rename, faults: &[Fault::NoSpace, Fault::Broken], step: 3 },
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::Rename, faults: &[Fault::NoSpaceFrom], step: 3 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Sync, faults: &[Fault::Broken], step: 3 },
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::Sync, faults: &[Fault::NoSpace, Fault::BrokenFrom], step: 9 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Mkdir, faults: &[Fault::NoSpace, Fault::NoSpaceFrom], step: 5 },
    Row { scenarios: &[Scenario::Edits, Scenario::Unfinished], process: Process::Runner, calls: Calls::Unlink, faults: &[Fault::Broken], step: 1 },
    Row { scenarios: &[Scenario::Edits, Scenario::Cancelled], process: Process::Supervisor, calls: Calls::Open, faults: &[Fault::NoDescriptor, Fault::NoSpace, Fault::NoDescriptorFrom], step: 5 },
    Row { scenarios: &[Scenario::Edits, Scenario::Cancelled], process: Process::Supervisor, calls: Calls::Write, faults: &[Fault::NoSpace, Fault::Broken], step: 1 },
    Row { scenarios: &[Scenario::Edits], process: Process::Supervisor, calls: Calls::Rename, faults: &[Fault::NoSpace, Fault::Broken, Fault::NoSpaceFrom], step: 1 },
    Row { scenarios: &[Scenario::Edits], process: Process::Supervisor, calls: Calls::Sync, faults: &[Fault::Broken, Fault::BrokenFrom], step: 1 },
    Row { scenarios: &[Scenario::Added], process: Process::Add, calls: Calls::Change, faults: &[Fault::NoSpace, Fault::Broken], step: 2 },
    Row { scenarios: &RUNS, process: Process::Runner, calls: Calls::Change, faults: KILL, step: 2 },
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::All, faults: KILL, step: 11 },
    Row { scenarios: &[Scenario::Edits], process: Process::MainThread, calls: Calls::All, faults: KILL, step: 11 },
    Row { scenarios: &RUNS, process: Process::Supervisor, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Edits, Scenario::Cancelled], process: Process::Supervisor, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &RUNS, process: Process::Recovery, calls: Calls::Change, faults: KILL, step: 5 },
    Row { scenarios: &[Scenario::Retried, Scenario::Two], process: Process::Tree, calls: Calls::Change, faults: KILL, step: 5 },
    Row { scenarios: &[Scenario::Commits], process: Process::Git, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Commits], process: Process::Git, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &[Scenario::Added], process: Process::Add, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Added], process: Process::Add, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &[Scenario::Cancelled], process: Process::Cancel, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Snapshots], process: Process::Runner, calls: Calls::Change, faults: KILL, step: 3 },
    Row { scenarios: &[Scenario::Snapshots], process: Process::Recovery, calls: Calls::Change, faults: KILL, step: 7 },
    Row { scenarios: &[Scenario::Snapshots], process: Process::Runner, calls: Calls::Rename, faults: &[Fault::NoSpace, Fault::Broken], step: 5 },
    Row { scenarios: &[Scenario::Ended], process: Process::Prune, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Ended], process: Process::Prune, calls: Calls::Unlink, faults: &[Fault::Broken], step: 5 },
    Row { scenarios: &[Scenario::Unfinished], process: Process::Restore, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Unfinished], process: Process::Restore, calls: Calls::Write, faults: &[Fault::NoSpace, Fault::Broken], step: 4 },
    Row { scenarios: &[Scenario::Unfinished], process: Process::Retry, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Unfinished], process: Process::Retry, calls: Calls::Write, faults: &[Fault::NoSpace, Fault::Broken], step: 4 },
];

/// Returns all points of the whole campaign, those of a row together.
pub(super) fn points() -> Vec<Point> {
    let mut logs = BTreeMap::new();
    let mut points = Vec::new();
    for row in ROWS {
        for &scenario in row.scenarios {
            let process = if row.process == Process::MainThread { Process::Runner } else { row.process };
            let log = logs.entry((scenario, process)).or_insert_with(|| trial::count(scenario, process));
            let places = places(log, row.calls);
            for &fault in row.faults {
                let taken = places.iter().enumerate().step_by(row.step);
                points.extend(taken.map(|(index, (call, at))| Point {
                    scenario,
                    process: row.process,
                    call: call.clone(),
                    fault,
                    at: *at,
                    first: if row.process == Process::Recovery {
                        1 + index * FIRST_STEP % FIRST_MAX
                    } else {
                        0
                    },
                }));
            }
        }
    }
    points
}

/// Returns every call by its name and number; strace counts each name for each thread, and the busiest one tells.
fn places(log: &str, calls: Calls) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((name, _)) = rest.trim_start().split_once('(') else { continue };
        let is_name = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        if is_name && (calls.names().is_empty() || calls.names().contains(&name)) {
            *counts.entry((name, thread)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((name, _), count) in counts {
        let found = most.entry(name).or_default();
        *found = count.max(*found);
    }
    most.into_iter().flat_map(|(name, count)| (1..=count).map(move |at| (name.to_owned(), at))).collect()
}
