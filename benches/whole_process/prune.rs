//! What a look at everything that is kept costs, for each worktree of a task that is done.

use crate::report::{Figure, Report};
use crate::workshop::{EDITING_AGENT, PROGRAM, Workshop};

/// Worktrees that are kept.
const WORKTREES: u32 = 200;

/// How often they are looked at.
const ROUNDS: usize = 10;

/// What a look at one of them may take, in milliseconds.
const EACH_MAX: f64 = 10.0;

/// A plan in which every worktree goes, and a table of what is kept. Nothing is removed.
pub(crate) fn prune(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent(EDITING_AGENT);
    workshop.write_tasks(WORKTREES as usize);
    workshop.claudedo(&["run"]);
    for (name, arguments) in [
        ("`prune --dry-run`, each of 200 worktrees", ["prune", "--dry-run", "--older-than", "0d"].as_slice()),
        ("`list --kept`, each of 200 worktrees", &["list", "--kept"]),
    ] {
        let costs = workshop.measure_often(ROUNDS, PROGRAM, arguments);
        let each = f64::from(WORKTREES);
        let (cpu, wall) = (costs.cpu().over(each), costs.wall().over(each));
        report.add(Figure::new(&format!("{name}, CPU"), "ms", cpu).at_most(EACH_MAX));
        report.add(Figure::new(&format!("{name}, wall"), "ms", wall).at_most(EACH_MAX));
    }
}
