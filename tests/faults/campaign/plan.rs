//! Which points a campaign visits: how many system calls each process makes, and how many of them count.

use std::collections::BTreeMap;

use super::point::{Calls, Fault, Point, Process};
use super::scenario::Scenario;
use super::trial;

/// How far apart the calls are at which a runner is killed whose remains are recovered.
const FIRST_STEP: usize = 37;

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
const ROWS: [Row; 26] = [
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
    Row { scenarios: &RUNS, process: Process::Runner, calls: Calls::Change, faults: KILL, step: 3 },
    Row { scenarios: &[Scenario::Edits], process: Process::Runner, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &[Scenario::Edits], process: Process::MainThread, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &RUNS, process: Process::Supervisor, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Edits, Scenario::Cancelled], process: Process::Supervisor, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &RUNS, process: Process::Recovery, calls: Calls::Change, faults: KILL, step: 5 },
    Row { scenarios: &[Scenario::Retried, Scenario::Two], process: Process::Tree, calls: Calls::Change, faults: KILL, step: 5 },
    Row { scenarios: &[Scenario::Commits], process: Process::Git, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Commits], process: Process::Git, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &[Scenario::Added], process: Process::Add, calls: Calls::Change, faults: KILL, step: 1 },
    Row { scenarios: &[Scenario::Added], process: Process::Add, calls: Calls::All, faults: KILL, step: 9 },
    Row { scenarios: &[Scenario::Cancelled], process: Process::Cancel, calls: Calls::Change, faults: KILL, step: 1 },
];

/// Returns all points of the whole campaign, those of a row together.
pub(super) fn points() -> Vec<Point> {
    let mut counts = BTreeMap::new();
    let mut points = Vec::new();
    for row in ROWS {
        for &scenario in row.scenarios {
            let process = if row.process == Process::MainThread { Process::Runner } else { row.process };
            let log = counts.entry((scenario, process)).or_insert_with(|| trial::count(scenario, process));
            let last = most(log, row.calls);
            for &fault in row.faults {
                points.extend((1..=last).step_by(row.step).map(|at| Point {
                    scenario,
                    process: row.process,
                    calls: row.calls,
                    fault,
                    at,
                    first: if row.process == Process::Recovery { 1 + at * FIRST_STEP % last } else { 0 },
                }));
            }
        }
    }
    points
}

/// Returns how many of these calls the busiest thread makes; strace counts for each thread.
fn most(log: &str, calls: Calls) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        let is_meant = calls.names().is_empty() || calls.names().contains(&name);
        if is_meant && rest.contains('(') && !rest.contains("resumed>") {
            *counts.entry(thread).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or_default()
}
