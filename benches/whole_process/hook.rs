//! What the hooks add to a commit.

use std::fs;

use crate::measure::Costs;
use crate::report::{Figure, Report};
use crate::workshop::{EDITING_AGENT, Workshop};

/// How often is committed.
const ROUNDS: usize = 60;

/// Commits with and without our hooks, side by side.
pub(crate) fn hook(report: &mut Report) {
    let [without, with] = [(), ()].map(|()| {
        let workshop = Workshop::new();
        workshop.use_agent(EDITING_AGENT);
        workshop.claudedo(&["init"]);
        workshop.git(&["add", "-A"]);
        workshop.git(&["commit", "-qm", "Begin tasks"]);
        workshop
    });
    with.claudedo(&["hooks", "install"]);
    let measured = rounds([&without, &with], |workshop, round| {
        fs::write(workshop.path("repository/file-1.txt"), format!("Round {round}\n")).unwrap();
    });
    add(report, "a commit that touches no task", 5.0, &measured);
    let measured = rounds([&without, &with], |workshop, round| {
        workshop.claudedo(&["add", &format!("Edit a file, round {round}")]);
        workshop.git(&["add", "-A"]);
    });
    add(report, "a commit that brings a task", 15.0, &measured);
}

fn rounds(workshops: [&Workshop; 2], change: impl Fn(&Workshop, usize)) -> [Costs; 2] {
    let mut costs = [Costs::default(), Costs::default()];
    for round in 0..ROUNDS {
        for (workshop, costs) in workshops.iter().zip(&mut costs) {
            change(workshop, round);
            costs.push(workshop.measure("git", &["commit", "-qam", "Change"]));
        }
    }
    costs
}

fn add(report: &mut Report, name: &str, limit: f64, [without, with]: &[Costs; 2]) {
    report.add(Figure::new(&format!("{name}, wall"), "ms", with.wall()).beside(without.wall()));
    let above = with.wall_above(without);
    report.add(Figure::new(&format!("{name}: what the hook adds"), "ms", above).at_most(limit));
}
