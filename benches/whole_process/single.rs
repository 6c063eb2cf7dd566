//! Figures of a small repository: starting, finding nothing to do, one task from end to end.

use crate::measure::Costs;
use crate::report::{Figure, Report};
use crate::workshop::{EDITING_AGENT, PROGRAM, Workshop};

/// How often the smallest commands are run.
const ROUNDS: usize = 100;

/// How many tasks are run.
const TASKS: usize = 40;

/// The price of starting at all.
pub(crate) fn version(report: &mut Report) {
    let workshop = Workshop::new();
    let (mut git, mut ours) = (Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        git.push(workshop.measure("git", &["--version"]));
        ours.push(workshop.measure(PROGRAM, &["--version"]));
    }
    report.add(Figure::new("`--version`, CPU", "ms", ours.cpu()).beside(git.cpu()));
    report.add(Figure::new("`--version`, wall", "ms", ours.wall()).beside(git.wall()));
    let times = ours.cpu().over(git.cpu().median);
    report.add(Figure::new("`--version`, CPU against git's", "×", times).at_most(2.0));
    let times = ours.wall().over(git.wall().median);
    report.add(Figure::new("`--version`, wall against git's", "×", times).at_most(2.0));
}

/// The price of finding nothing to do.
pub(crate) fn idle(report: &mut Report) {
    let workshop = Workshop::new();
    let (mut git, mut ours) = (Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        git.push(workshop.measure("git", &["status"]));
        ours.push(workshop.measure(PROGRAM, &["run"]));
    }
    report.add(
        Figure::new("`run` with nothing to do (git: `status`), CPU", "ms", ours.cpu()).beside(git.cpu()),
    );
    report.add(Figure::new("`run` with nothing to do, memory", "MB", ours.memory()).beside(git.memory()));
}

/// One task whose agent edits one file, against the same steps by hand.
pub(crate) fn task(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent(EDITING_AGENT);
    let agent = workshop.path("agent");
    let (mut git, mut ours) = (Costs::default(), Costs::default());
    for round in 0..TASKS {
        let tree = workshop.path(&format!("by-hand-{round}"));
        let script = format!(
            "git worktree add -q -b by-hand-{round} {tree} && cd {tree} && {agent} </dev/null && git add -A && git commit -qm Edit",
            tree = tree.display(),
            agent = agent.display(),
        );
        git.push(workshop.measure("sh", &["-c", &script]));
        workshop.claudedo(&["add", &format!("Edit a file, round {round}")]);
        ours.push(workshop.measure(PROGRAM, &["run"]));
    }
    report.add(Figure::new("one task, CPU above git", "ms", ours.cpu_above(&git)).at_most(20.0));
    report.add(Figure::new("one task, CPU", "ms", ours.cpu()).beside(git.cpu()));
    report.add(Figure::new("one task, wall", "ms", ours.wall()).beside(git.wall()));
}
