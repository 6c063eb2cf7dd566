//! Figures of a repository with many tasks.

use std::time::Duration;

use crate::measure::Costs;
use crate::report::{Figure, Report};
use crate::workshop::{EDITING_AGENT, PROGRAM, Workshop};

/// Tasks, and runs, of the repository that is listed.
const TASKS: usize = 1_000;

/// Tasks among which one is added or shown.
const FEW: usize = 10;
const MANY: usize = 10_000;

/// How often each command is run.
const ROUNDS: usize = 40;

/// How often the slow ones are.
const ROUNDS_SLOW: usize = 10;

/// After this long without a change, what is known of branches can be relied on.
const REST: Duration = Duration::from_millis(2_500);

/// A difference of less than this, in milliseconds, is noise.
const SAME_COST: f64 = 1.0;

/// `add` among few and among many tasks.
pub(crate) fn add(report: &mut Report) {
    let (few, many) = (Workshop::new(), Workshop::new());
    few.write_tasks(FEW);
    many.write_tasks(MANY);
    let (mut among_few, mut among_many) = (Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        among_few.push(few.measure(PROGRAM, &["add", "Fix the login redirect"]));
        among_many.push(many.measure(PROGRAM, &["add", "Fix the login redirect"]));
    }
    report.add(Figure::new("`add` among 10 tasks, CPU", "ms", among_few.cpu()).at_most(10.0));
    report.add(Figure::new("`add` among 10,000 tasks, CPU", "ms", among_many.cpu()).at_most(10.0));
    let more = among_many.cpu_above(&among_few);
    report.add(Figure::new("what 10,000 tasks add to it", "ms", more).at_most(SAME_COST));
}

/// `show` of one task among many.
pub(crate) fn show(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.write_tasks(MANY);
    let show = ["show", "task-number-005000"];
    workshop.claudedo(&show);
    let costs = workshop.measure_often(ROUNDS, PROGRAM, &show);
    report.add(Figure::new("`show` of one task among 10,000, CPU", "ms", costs.cpu()));
    report.add(Figure::new("`show` of one task among 10,000, memory", "MB", costs.memory()));
}

/// `list` and `status` in a repository with a long history.
pub(crate) fn list(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent(EDITING_AGENT);
    // Worktrees cost those who make further ones, not those who list tasks.
    workshop.set("claudedo.keepWorktrees", "false");
    workshop.write_tasks(TASKS);
    workshop.claudedo(&["run", "--slots", "4"]);
    list_again(&workshop, report);
    status(&workshop, report);
    list_after_changes(&workshop, report);
    let idle = workshop.measure_often(ROUNDS, PROGRAM, &["run"]);
    report.add(Figure::new("`run` with nothing to do after 1,000 runs, CPU", "ms", idle.cpu()));
}

fn list_again(workshop: &Workshop, report: &mut Report) {
    workshop.claudedo(&["list"]);
    let warm = workshop.measure_often(ROUNDS, PROGRAM, &["list"]);
    report.add(Figure::new("`list`, 1,000 tasks and 1,000 runs, CPU", "ms", warm.cpu()).at_most(15.0));
    report.add(Figure::new("`list`, wall", "ms", warm.wall()));
    report.add(Figure::new("`list`, memory", "MB", warm.memory()).at_most(20.0));
}

fn status(workshop: &Workshop, report: &mut Report) {
    let prompt = ["status", "--porcelain"];
    let costs = workshop.measure_often(ROUNDS, PROGRAM, &prompt);
    report.add(Figure::new("`status --porcelain` within two seconds of a change, CPU", "ms", costs.cpu()));
    std::thread::sleep(REST);
    workshop.claudedo(&prompt);
    let costs = workshop.measure_often(ROUNDS, PROGRAM, &prompt);
    report.add(Figure::new("`status --porcelain` later, CPU", "ms", costs.cpu()).at_most(15.0));
    let costs = workshop.measure_often(ROUNDS, PROGRAM, &["status"]);
    report.add(Figure::new("`status`, as many, CPU", "ms", costs.cpu()));
}

fn list_after_changes(workshop: &Workshop, report: &mut Report) {
    let (mut edited, mut recorded, mut cold) = (Costs::default(), Costs::default(), Costs::default());
    for round in 0..ROUNDS_SLOW {
        workshop.edit_task(round);
        edited.push(workshop.measure(PROGRAM, &["list"]));
        workshop.claudedo(&["retry", &Workshop::task(round)]);
        recorded.push(workshop.measure(PROGRAM, &["list"]));
        workshop.forget();
        cold.push(workshop.measure(PROGRAM, &["list"]));
    }
    report.add(Figure::new("`list` after one file was edited, CPU", "ms", edited.cpu()));
    report.add(Figure::new("`list` after one event was recorded, CPU", "ms", recorded.cpu()));
    report.add(Figure::new("first `list`, without any cache, CPU", "ms", cold.cpu()));
    report.add(Figure::new("first `list`, wall", "ms", cold.wall()));
    report.add(Figure::new("first `list`, memory", "MB", cold.memory()));
}
