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
    pub(crate) cpu_milliseconds: f64,
    pub(crate) wall_milliseconds: f64,
    /// The largest of all its processes.
    pub(crate) memory_megabytes: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_milliseconds, wall_milliseconds, memory_megabytes } = self;
        write!(f, "{cpu_milliseconds:.1} ms CPU, {wall_milliseconds:.1} ms wall, {memory_megabytes:.1} MB")
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

/// Returns the median of each part.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    let part = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost {
        cpu_milliseconds: part(|cost| cost.cpu_milliseconds),
        wall_milliseconds: part(|cost| cost.wall_milliseconds),
        memory_megabytes: part(|cost| cost.memory_megabytes),
    }
}

/// The helper: runs the words as a command and prints its three numbers.
pub(crate) fn help(words: &[String]) {
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let started = Instant::now();
    let status = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).status().unwrap();
    let wall = started.elapsed();
    assert!(status.success(), "{words:?}: {status}");
    // Orphans count as well; there are none left when there is nobody to wait for.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    println!("{cpu} {} {}", wall.as_secs_f64() * 1e3, megabytes(usage.max_rss()));
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
