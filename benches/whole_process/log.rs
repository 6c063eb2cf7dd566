//! Figures of a run that prints a lot.

use crate::measure::Costs;
use crate::report::{Figure, Report};
use crate::workshop::{PROGRAM, Workshop};

/// Sizes of the log that is recorded: all of it, and its longest line.
const LOG_BYTES: usize = 50 << 20;
const LOG_LINE_BYTES: usize = 10 << 20;

/// How often it is run.
const ROUNDS: usize = 5;

/// The memory that a huge log takes while it is read and recorded, above that of a runner with nothing to do.
pub(crate) fn log(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.write_log("small", 0, 0);
    workshop.write_log("huge", LOG_BYTES, LOG_LINE_BYTES);
    let idle = workshop.measure_often(ROUNDS, PROGRAM, &["run"]).memory();
    let [small, huge] = ["small", "huge"].map(|name| {
        workshop.use_agent(&format!("cat >/dev/null\nexec cat {}\n", workshop.path(name).display()));
        let mut costs = Costs::default();
        for _ in 0..ROUNDS {
            workshop.claudedo(&["add", "Talk a lot"]);
            costs.push(workshop.measure(PROGRAM, &["run"]));
        }
        costs
    });
    report.add(Figure::new("idle runner, memory", "MB", idle));
    report.add(Figure::new(
        "a small log, memory above the idle runner's",
        "MB",
        small.memory().above(idle.median),
    ));
    let above = huge.memory().above(idle.median);
    report.add(Figure::new("a 50 MB log with a 10 MB line, memory above it", "MB", above).at_most(64.0));
    report.add(Figure::new("a 50 MB log with a 10 MB line, CPU", "ms", huge.cpu()));
    report.add(Figure::new("a 50 MB log with a 10 MB line, wall", "ms", huge.wall()));
}
