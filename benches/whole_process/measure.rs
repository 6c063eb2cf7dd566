//! The cost of one command: this program starts itself as a helper that adopts every orphan of the command,
//! waits for all of them, and reports what the kernel counted for its children.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use rustix::process::{WaitOptions, set_child_subreaper};

/// The word that makes this program the helper.
pub(crate) const HELPER: &str = "--measure";

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    cpu_milliseconds: f64,
    wall_milliseconds: f64,
    /// The largest of all its processes at its largest.
    memory_megabytes: f64,
}

/// What the same command took, several times.
#[derive(Debug, Default)]
pub(crate) struct Costs(Vec<Cost>);

/// The middle and the ends of several measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Costs {
    pub(crate) fn push(&mut self, cost: Cost) {
        self.0.push(cost);
    }

    pub(crate) fn cpu(&self) -> Range {
        Range::of(self.0.iter().map(|cost| cost.cpu_milliseconds))
    }

    pub(crate) fn wall(&self) -> Range {
        Range::of(self.0.iter().map(|cost| cost.wall_milliseconds))
    }

    pub(crate) fn memory(&self) -> Range {
        Range::of(self.0.iter().map(|cost| cost.memory_megabytes))
    }

    /// Returns the CPU of each measurement beyond that of its neighbour.
    pub(crate) fn cpu_above(&self, other: &Self) -> Range {
        let pairs = self.0.iter().zip(&other.0);
        Range::of(pairs.map(|(one, other)| one.cpu_milliseconds - other.cpu_milliseconds))
    }

    /// Returns the wall time of each measurement beyond that of its neighbour.
    pub(crate) fn wall_above(&self, other: &Self) -> Range {
        let pairs = self.0.iter().zip(&other.0);
        Range::of(pairs.map(|(one, other)| one.wall_milliseconds - other.wall_milliseconds))
    }
}

impl Range {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
    }

    /// Returns the range with another value as its zero.
    pub(crate) fn above(self, zero: f64) -> Self {
        Self { median: self.median - zero, least: self.least - zero, most: self.most - zero }
    }

    /// Returns the range with another value as its unit.
    pub(crate) fn over(self, unit: f64) -> Self {
        Self { median: self.median / unit, least: self.least / unit, most: self.most / unit }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ({:.1}–{:.1})", self.median, self.least, self.most)
    }
}

/// Runs a prepared command under the helper. It must succeed.
pub(crate) fn measure(prepare: impl FnOnce(&std::path::Path) -> Command) -> Cost {
    let mut command = prepare(&std::env::current_exe().unwrap());
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "failed: {command:?}");
    let numbers: Vec<f64> = String::from_utf8(output.stdout)
        .unwrap()
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    Cost { cpu_milliseconds: numbers[0], wall_milliseconds: numbers[1], memory_megabytes: numbers[2] }
}

/// The helper: runs the words as a command and prints its three numbers. Nobody reads what the command says.
pub(crate) fn help(words: &[String]) {
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let started = Instant::now();
    let output =
        Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let wall = started.elapsed();
    let status = output.unwrap();
    assert!(status.success(), "{words:?}: {status}");
    // Orphans count as well; there are none left when there is nobody to wait for.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    println!("{cpu} {} {}", wall.as_secs_f64() * 1e3, megabytes(usage.max_rss()));
}

/// Prints the three numbers for one of several calls of a function in this process, of which the first is not counted.
pub(crate) fn help_with(calls: u32, mut call: impl FnMut()) {
    call();
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        (milliseconds(usage.user_time()) + milliseconds(usage.system_time()), megabytes(usage.max_rss()))
    };
    let (before, started) = (used().0, Instant::now());
    (0..calls).for_each(|_| call());
    let (wall, (cpu, memory)) = (started.elapsed(), used());
    let calls = f64::from(calls);
    println!("{} {} {memory}", (cpu - before) / calls, wall.as_secs_f64() * 1e3 / calls);
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 microseconds")]
fn milliseconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3
}

/// Linux counts in kibibytes.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 kibibytes")]
fn megabytes(kibibytes: i64) -> f64 {
    kibibytes as f64 * 1024.0 / 1e6
}
