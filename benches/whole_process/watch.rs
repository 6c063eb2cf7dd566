//! What the watcher costs, and how soon it starts what it finds.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::measure::{Costs, Range};
use crate::report::{Figure, Report};
use crate::workshop::Workshop;

/// How often a task is written for the watcher.
const ROUNDS: usize = 40;

/// Task files that arrive at once.
const MANY: usize = 10_000;

/// How long the idle watcher is looked at: a minute, in which it looks at everything once, and a bit.
const IDLE: Duration = Duration::from_secs(62);

/// Nothing that is waited for takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// A watcher at work in a workshop.
struct Watcher<'a> {
    workshop: &'a Workshop,
    process: Child,
}

impl<'a> Watcher<'a> {
    fn start(workshop: &'a Workshop) -> Self {
        let process = workshop.start(&["watch", "--slots", "1"]);
        let note = workshop.path("repository/.git/claudedo/locks/runner");
        until(|| fs::read_to_string(&note).is_ok_and(|text| text.contains(&format!("{}", process.id()))));
        Self { workshop, process }
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.process.id()))
    }

    /// User and system time so far, in milliseconds: fields 14 and 15, in ticks of 10 ms (`proc_pid_stat(5)`).
    fn cpu(&self) -> f64 {
        let text = fs::read_to_string(self.path("stat")).unwrap();
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
        ticks * 10.0
    }

    /// Memory in use now, in megabytes.
    fn memory(&self) -> f64 {
        let text = fs::read_to_string(self.path("status")).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.workshop.claudedo(&["watch", "stop"]);
        self.process.wait().unwrap();
    }
}

/// From a file that is there to its agent at work.
pub(crate) fn latency(report: &mut Report) {
    let workshop = Workshop::new();
    let started = workshop.path("started");
    workshop.use_agent(&format!("cat >/dev/null\ndate +%s%N >{}\n", started.display()));
    workshop.claudedo(&["init"]);
    let watcher = Watcher::start(&workshop);
    let mut worktrees = Costs::default();
    let mut latencies = Vec::new();
    for round in 0..ROUNDS {
        let written = now();
        workshop.write_tasks_from(round, 1);
        latencies.push(moment_in(&started) - written);
        fs::remove_file(&started).unwrap();
        until(|| workshop.is_quiet());
        let tree = workshop.path(&format!("by-hand-{round}"));
        let branch = format!("by-hand-{round}");
        worktrees
            .push(workshop.measure("git", &["worktree", "add", "-q", "-b", &branch, tree.to_str().unwrap()]));
    }
    drop(watcher);
    let name = "task file written to agent started (git: its `worktree add` alone)";
    let range = Range::of(latencies.into_iter());
    report.add(Figure::new(name, "ms", range).at_most(100.0).beside(worktrees.wall()));
}

/// A watcher with nothing to do for a minute.
pub(crate) fn idle(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.claudedo(&["init"]);
    let watcher = Watcher::start(&workshop);
    std::thread::sleep(Duration::from_secs(2));
    let before = watcher.cpu();
    std::thread::sleep(IDLE);
    let cpu = watcher.cpu() - before;
    report.add(Figure::new("idle watcher, CPU in a minute", "ms", single(cpu)).at_most(10.0));
    report.add(Figure::new("idle watcher, memory", "MB", single(watcher.memory())).at_most(15.0));
}

/// Very many files at once.
pub(crate) fn arrival(report: &mut Report) {
    let workshop = Workshop::new();
    let started = workshop.path("started");
    let hold = "cat >/dev/null\ndate +%s%N >";
    workshop.use_agent(&format!("{hold}{}\nexec sleep 600\n", started.display()));
    workshop.claudedo(&["init"]);
    workshop.git(&["switch", "-q", "-c", "many"]);
    workshop.write_tasks(MANY);
    workshop.git(&["add", "-A"]);
    workshop.git(&["commit", "-qm", "Many tasks"]);
    workshop.claudedo(&["approve", "--all", "--yes"]);
    workshop.git(&["switch", "-q", "main"]);
    let watcher = Watcher::start(&workshop);
    let before = watcher.memory();
    workshop.git(&["switch", "-q", "many"]);
    let arrived = now();
    let latency = moment_in(&started) - arrived;
    std::thread::sleep(Duration::from_secs(5));
    let after = watcher.memory();
    workshop.claudedo(&["cancel", &Workshop::task(0)]);
    workshop.git(&["switch", "-q", "main"]);
    let name = "10,000 task files in one checkout: from its end to the first agent";
    report.add(Figure::new(name, "ms", single(latency)).at_most(2_000.0));
    report.add(Figure::new("watcher's memory before them", "MB", single(before)));
    report.add(Figure::new("watcher's memory with them", "MB", single(after)));
}

fn single(value: f64) -> Range {
    Range::of(std::iter::once(value))
}

/// Milliseconds since 1970, as `date +%s%N` counts.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3
}

/// Waits for a moment that an agent writes down.
fn moment_in(path: &std::path::Path) -> f64 {
    let mut text = String::new();
    until(|| {
        text = fs::read_to_string(path).unwrap_or_default();
        text.ends_with('\n')
    });
    text.trim().parse::<f64>().unwrap() / 1e6
}

fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited for {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}
