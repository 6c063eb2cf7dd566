//! What whole commands cost, next to plain git in the same minute and the same file system in memory.
//!
//! `cargo bench --bench whole_process` measures everything; names after `--` choose figures (`-- list add`).
//! Standard output is a table, one line a figure: its limit, what was measured, and plain git where there is
//! something to compare with. A limit that is exceeded makes the exit code 1, and a command that fails stops
//! the measuring.
//!
//! CPU is user and system time of the command and all its descendants, also of those that outlive it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a measuring tool: it fails by panicking, starts programs and asks the clock"
)]

mod hook;
mod log;
mod many;
mod measure;
mod prune;
mod recovery;
mod report;
mod single;
mod snapshot;
mod watch;
mod workshop;

use std::process::ExitCode;

use report::Report;

/// `(name, what it measures)`.
type Figure = (&'static str, fn(&mut Report));

const FIGURES: &[Figure] = &[
    ("version", single::version),
    ("idle", single::idle),
    ("task", single::task),
    ("recovery", recovery::recovery),
    ("log", log::log),
    ("add", many::add),
    ("show", many::show),
    ("list", many::list),
    ("hook", hook::hook),
    ("prune", prune::prune),
    ("snapshot", snapshot::snapshot),
    ("latency", watch::latency),
    ("arrival", watch::arrival),
    ("watcher", watch::idle),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == measure::HELPER) {
        measure::help(&words[1..]);
        return ExitCode::SUCCESS;
    }
    if words.first().is_some_and(|word| word == snapshot::HELPER) {
        snapshot::help(&words[1..]);
        return ExitCode::SUCCESS;
    }
    // Cargo adds this word by itself.
    let names: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let mut report = Report::new();
    for (name, figure) in FIGURES {
        if names.is_empty() || names.contains(name) {
            eprintln!("measuring {name}");
            figure(&mut report);
        }
    }
    report.finish()
}
