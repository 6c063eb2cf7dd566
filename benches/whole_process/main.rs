//! What whole commands cost, next to plain git in the same minute and the same file system in memory.
//!
//! `cargo bench --bench whole_process` measures everything; names after `--` choose figures (`-- list add`).
//! Each line is a median with its limit; a limit that is exceeded makes the exit code 1, and a command that
//! fails stops the measuring.
//!
//! CPU is user and system time of the command and all its descendants, also of those that outlive it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring tool: it fails by panicking, starts programs and asks the clock"
)]

mod measure;
mod workshop;

use std::process::ExitCode;

use measure::median;
use workshop::Workshop;

/// `(name, what it measures)`.
type Figure = (&'static str, fn(&mut Report));

const FIGURES: &[Figure] =
    &[("task", one_task), ("list", list), ("add", add), ("version", version), ("log", log)];

/// Tasks, and runs, of the repository that `list` reads.
const LISTED_TASKS: usize = 1_000;

/// Sizes of the log that is recorded: all of it, and its longest line.
const LOG_BYTES: usize = 50 << 20;
const LOG_LINE_BYTES: usize = 10 << 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == measure::HELPER) {
        measure::help(&words[1..]);
        return ExitCode::SUCCESS;
    }
    // Cargo adds this word by itself.
    let names: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let mut report = Report { broken: 0 };
    for (name, figure) in FIGURES {
        if names.is_empty() || names.contains(name) {
            figure(&mut report);
        }
    }
    println!("{} limits exceeded", report.broken);
    ExitCode::from(u8::from(report.broken > 0))
}

/// One task whose agent edits one file, against the same steps by hand.
fn one_task(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent("cat >/dev/null\necho edited >>file-1.txt\n");
    let agent = workshop.path("agent");
    let mut plain = Vec::new();
    let mut ours = Vec::new();
    for round in 0..20 {
        let worktree = workshop.path(&format!("by-hand-{round}"));
        let script = format!(
            "git worktree add -q -b by-hand-{round} {tree} && cd {tree} && {agent} </dev/null && git add -A && git commit -qm Edit",
            tree = worktree.display(),
            agent = agent.display(),
        );
        plain.push(workshop.measure("sh", &["-c", &script]));
        workshop.claudedo(&["add", &format!("Edit a file, round {round}")]);
        ours.push(workshop.measure(workshop::PROGRAM, &["run"]));
    }
    let (plain, ours) = (median(&plain), median(&ours));
    println!("task: by hand {plain}");
    println!("task: git claudedo run {ours}");
    report.limit("task: CPU above plain git", ours.cpu_milliseconds - plain.cpu_milliseconds, 20.0, "ms");
}

/// `list` in a repository with a long history.
fn list(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent("cat >/dev/null\necho edited >>file-1.txt\n");
    workshop.write_tasks(LISTED_TASKS);
    workshop.claudedo(&["run", "--slots", "4"]);
    // The first call may fill a cache, and is not what a day consists of.
    let cold = workshop.measure(workshop::PROGRAM, &["list"]);
    let warm = workshop.measure_often(20, workshop::PROGRAM, &["list"]);
    println!("list: first call {cold}");
    println!("list: {LISTED_TASKS} tasks and runs {warm}");
    report.limit("list: CPU", warm.cpu_milliseconds, 15.0, "ms");
    report.limit("list: memory", warm.memory_megabytes, 20.0, "MB");
}

/// `add` among few and among many tasks.
fn add(report: &mut Report) {
    let costs = [10, 10_000].map(|count| {
        let workshop = Workshop::new();
        workshop.write_tasks(count);
        let cost = workshop.measure_often(20, workshop::PROGRAM, &["add", "Fix the login redirect"]);
        println!("add: among {count} tasks {cost}");
        report.limit("add: CPU", cost.cpu_milliseconds, 10.0, "ms");
        cost.cpu_milliseconds
    });
    // A difference below a millisecond is noise.
    report.limit("add: CPU that 10,000 tasks add", costs[1] - costs[0], 1.0, "ms");
}

/// The price of starting at all.
fn version(report: &mut Report) {
    let workshop = Workshop::new();
    let git = workshop.measure_often(50, "git", &["--version"]);
    let ours = workshop.measure_often(50, workshop::PROGRAM, &["--version"]);
    println!("version: git {git}");
    println!("version: git-claudedo {ours}");
    report.limit(
        "version: times the CPU of git --version",
        ours.cpu_milliseconds / git.cpu_milliseconds,
        2.0,
        "",
    );
}

/// The memory that a huge log takes while it is read and recorded.
fn log(report: &mut Report) {
    let memory = ["log-small", "log-huge"].map(|name| {
        let workshop = Workshop::new();
        workshop.write_log("log-small", 0, 0);
        workshop.write_log("log-huge", LOG_BYTES, LOG_LINE_BYTES);
        workshop.use_agent(&format!("cat >/dev/null\nexec cat {}\n", workshop.path(name).display()));
        workshop.claudedo(&["add", "Talk a lot"]);
        let cost = workshop.measure(workshop::PROGRAM, &["run"]);
        println!("log: {name} {cost}");
        cost.memory_megabytes
    });
    report.limit("log: memory above that of a small log", memory[1] - memory[0], 64.0, "MB");
}

/// How many limits did not hold.
#[derive(Debug)]
struct Report {
    broken: u32,
}

impl Report {
    fn limit(&mut self, name: &str, measured: f64, limit: f64, unit: &str) {
        let verdict = if measured <= limit { "ok" } else { "TOO MUCH" };
        println!("{name}: {measured:.1} {unit} (at most {limit} {unit}) {verdict}");
        // Written this way round so that a figure that is no number is broken, too.
        if measured <= limit {
            return;
        }
        self.broken += 1;
    }
}
