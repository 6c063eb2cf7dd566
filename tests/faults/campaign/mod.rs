//! The campaign from outside: the program is killed, or told of a full or broken disk, at its system calls.
//!
//! strace breaks one process at its Nth call; then the program is started again, and all that `criteria` asks for
//! must hold. Needs strace and the right to use ptrace; without them, this says so and does nothing, unless
//! `CLAUDEDO_REQUIRE_STRACE` is set.
//!
//! `CLAUDEDO_CAMPAIGN` says how much: nothing (a sample, the same each time unless `CLAUDEDO_CAMPAIGN_SEED` has
//! another number), `whole`, or one or more points as a failed trial prints them, with spaces between:
//!
//! ```text
//! CLAUDEDO_CAMPAIGN=whole cargo test --features fault-points --test faults campaign -- --nocapture
//! CLAUDEDO_CAMPAIGN=edits/runner/fsync/kill/17 cargo test --features fault-points --test faults campaign
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a campaign is told by variables what to do, and tells what it did"
)]

mod plan;
mod point;
mod scenario;
mod table;
mod trial;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use point::Point;
use table::Table;

/// How many trials a sample has, about: what the gate has time for.
const SAMPLE: usize = 200;

/// How many at once: some wait for locks and for sleeping processes while the others work.
const AT_ONCE: usize = 3;

/// After so many trials, the whole campaign says how far it is.
const PROGRESS_STEP: usize = 100;

#[test]
fn a_program_broken_at_any_system_call_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    if !trial::has_strace(folder.path()) {
        assert!(std::env::var_os("CLAUDEDO_REQUIRE_STRACE").is_none(), "strace is missing, or may not trace");
        eprintln!(
            "SKIPPED: the campaign of broken system calls, because strace is missing or may not trace."
        );
        return;
    }
    let begun = Instant::now();
    let points = chosen();
    eprintln!("{} trials", points.len());
    let table = Mutex::new(Table::default());
    let failed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| visit(&points, &next, &table, &failed));
        }
    });
    let (table, failed) = (table.into_inner().unwrap(), failed.into_inner().unwrap());
    let (kills, errors) = table.struck();
    eprintln!("{}", table.markdown());
    eprintln!(
        "{kills} kills and {errors} errors in {:.0} s, failed: {}",
        begun.elapsed().as_secs_f64(),
        failed.len()
    );
    assert!(failed.is_empty(), "{} trials failed:\n{}", failed.len(), failed.join("\n"));
}

/// Takes one point after the other until none is left.
fn visit(points: &[Point], next: &AtomicUsize, table: &Mutex<Table>, failed: &Mutex<Vec<String>>) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(point) = points.get(at) else { return };
        let told = trial::run(point);
        table.lock().unwrap().add(point, &told);
        if !told.broken.is_empty() {
            let words = format!(
                "CLAUDEDO_CAMPAIGN={point} cargo test --features fault-points --test faults campaign\n  {}\n  at: {}\n",
                told.broken.join("\n  "),
                told.calls.replace('\n', "\n      ")
            );
            eprintln!("FAILED {words}");
            failed.lock().unwrap().push(words);
        }
        if (at + 1).is_multiple_of(PROGRESS_STEP) {
            eprintln!("{} of {} trials", at + 1, points.len());
        }
    }
}

/// Returns the points that were asked for.
fn chosen() -> Vec<Point> {
    let asked = std::env::var("CLAUDEDO_CAMPAIGN").unwrap_or_default();
    match asked.as_str() {
        "" => sample(plan::points()),
        "whole" => plan::points(),
        lines => lines.split_whitespace().map(|line| Point::parse(line).unwrap()).collect(),
    }
}

/// Returns every so many-th point, from one that the seed tells: a gate has to break the same way twice.
fn sample(points: Vec<Point>) -> Vec<Point> {
    let given = std::env::var("CLAUDEDO_CAMPAIGN_SEED").ok();
    let seed: usize = given.map_or(0, |seed| seed.parse().unwrap());
    let step = (points.len() / SAMPLE).max(1);
    eprintln!("every {step}th of {} points; CLAUDEDO_CAMPAIGN_SEED={seed}", points.len());
    points.into_iter().skip(seed % step).step_by(step).collect()
}
