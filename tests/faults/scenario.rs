//! The lives of tasks that are broken at each of their steps.
#![expect(clippy::disallowed_methods, reason = "a test removes a folder from outside")]

use std::path::PathBuf;

use crate::criteria::{prepare, witness_step};
use crate::support::{Answer, Started, TestRepository, eventually, task_yaml};

/// The task of most scenarios.
pub(crate) const TASK: &str = "work-a1b2";

/// The life of a task, or of a few.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Faults without which it would be another life.
    pub(crate) given: &'static str,
    /// Writes the tasks, and whatever came before.
    pub(crate) set_up: fn(&TestRepository),
    /// What is broken; and what is done again until it is over.
    pub(crate) play: fn(&TestRepository, &Faults) -> Vec<Answer>,
    /// What may become of its tasks.
    pub(crate) outcomes: &'static [&'static str],
}

/// What is to break, and where it is written down who came by.
pub(crate) struct Faults {
    pub(crate) wanted: String,
    pub(crate) trace: PathBuf,
}

impl Faults {
    pub(crate) fn new(test: &TestRepository, wanted: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("trace-").tempdir_in(test.root().join("tmp")).unwrap();
        Self { wanted: wanted.to_owned(), trace: folder.keep().join("trace") }
    }

    /// Returns the names of the points that were met, in order.
    pub(crate) fn met(&self) -> Vec<String> {
        std::fs::read_to_string(&self.trace).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Runs a command that may break.
    fn run(&self, test: &TestRepository, arguments: &[&str]) -> Answer {
        self.start(test, arguments).wait()
    }

    fn start(&self, test: &TestRepository, arguments: &[&str]) -> Started {
        let trace = self.trace.to_str().unwrap();
        test.start_with(arguments, &[("CLAUDEDO_FAULT", &self.wanted), ("CLAUDEDO_FAULT_TRACE", trace)])
    }
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "done", given: "", set_up: done, play: run, outcomes: &["done"] },
    Scenario { name: "removed", given: "", set_up: removed, play: run, outcomes: &["done"] },
    Scenario { name: "retried", given: "", set_up: retried, play: run, outcomes: &["done"] },
    Scenario { name: "failed", given: "", set_up: failed, play: run, outcomes: &["failed"] },
    Scenario {
        name: "cancelled",
        given: "",
        set_up: cancelled,
        play: run_and_cancel,
        outcomes: &["cancelled"],
    },
    Scenario { name: "dequeued", given: "", set_up: done, play: cancel, outcomes: &["cancelled"] },
    Scenario { name: "refused", given: "", set_up: refused, play: run, outcomes: &["failed"] },
    Scenario { name: "committed", given: "", set_up: committed, play: run, outcomes: &["done"] },
    Scenario { name: "beside", given: "", set_up: beside, play: run, outcomes: &["done"] },
    Scenario { name: "several", given: "", set_up: several, play: run_in_two_slots, outcomes: &["done"] },
    Scenario {
        name: "orphaned",
        given: "agent-started@1:kill",
        set_up: done,
        play: run,
        outcomes: &["done"],
    },
    Scenario { name: "unplanned", given: "", set_up: unplanned, play: run, outcomes: &["done"] },
    Scenario { name: "half-closed", given: "", set_up: half_closed, play: run, outcomes: &["done"] },
    Scenario { name: "lost", given: "", set_up: lost, play: run, outcomes: &["interrupted"] },
];

fn run(test: &TestRepository, faults: &Faults) -> Vec<Answer> {
    vec![faults.run(test, &["run"])]
}

fn run_in_two_slots(test: &TestRepository, faults: &Faults) -> Vec<Answer> {
    vec![faults.run(test, &["run", "--slots", "2"])]
}

fn cancel(test: &TestRepository, faults: &Faults) -> Vec<Answer> {
    vec![faults.run(test, &["cancel", TASK])]
}

/// Cancels a task whose agent is at work, and any other at once.
fn run_and_cancel(test: &TestRepository, faults: &Faults) -> Vec<Answer> {
    if test.root().join("witness").read_dir().unwrap().next().is_some() {
        return vec![faults.run(test, &["cancel", TASK]), faults.run(test, &["run"])];
    }
    let runner = faults.start(test, &["run"]);
    eventually("the agent works or the runner is gone", || {
        let works = test.root().join("witness").read_dir().unwrap().next().is_some();
        (works || is_over(&runner)).then_some(())
    });
    let mut answers = vec![faults.run(test, &["cancel", TASK])];
    if answers[0].status != 0 && !is_over(&runner) {
        // It was broken before its wish was written, and the agent hangs: whoever gave the command gives it again.
        answers.push(Faults::new(test, "").run(test, &["cancel", TASK]));
    }
    answers.push(runner.wait());
    answers
}

/// Returns whether a command has ended, and nobody has waited for it yet.
fn is_over(command: &Started) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", command.id())).unwrap();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn done(test: &TestRepository) {
    test.set("systemPrompt", "Be brief.");
    test.add_task(TASK, &[&witness_step(test, "a"), "write b.txt 1"]);
}

fn removed(test: &TestRepository) {
    test.set("keepWorktrees", "false");
    done(test);
}

fn retried(test: &TestRepository) {
    let fails = "on-fresh result error subtype=error_max_turns";
    test.add_task(TASK, &[&witness_step(test, "a"), fails]);
}

fn failed(test: &TestRepository) {
    let yaml = task_yaml("T", &[&witness_step(test, "a"), "result error subtype=error_max_turns"]);
    test.write_task(TASK, &format!("{yaml}retries: 0\n"));
}

fn cancelled(test: &TestRepository) {
    test.add_task(TASK, &[&witness_step(test, "a"), "hang"]);
}

fn refused(test: &TestRepository) {
    test.write_task(TASK, "title: T\nresult_schema: missing.json\n");
}

fn committed(test: &TestRepository) {
    let commit = "sh git add --all && git -c user.name=A -c user.email=a@b.c commit --quiet --message=Own";
    test.add_task(TASK, &[&witness_step(test, "a"), commit, &witness_step(test, "b")]);
}

fn beside(test: &TestRepository) {
    let commit = "sh git checkout --quiet --detach && git add --all && git -c user.name=A -c user.email=a@b.c commit --quiet --message=Own";
    test.add_task(TASK, &[&witness_step(test, "a"), commit, &witness_step(test, "b")]);
}

fn several(test: &TestRepository) {
    for task in [TASK, "more-c3d4", "last-e5f6"] {
        test.add_task(task, &[&witness_step(test, task)]);
    }
}

/// A start was killed before the plan was written.
fn unplanned(test: &TestRepository) {
    done(test);
    run(test, &Faults::new(test, "prompt-written@1:kill"));
}

/// A start was killed between the plan of the second run and the end of the first one's folder.
fn half_closed(test: &TestRepository) {
    retried(test);
    run(test, &Faults::new(test, "next-planned@1:kill"));
}

/// A start was killed after the claim, and somebody removed the run's folder.
fn lost(test: &TestRepository) {
    done(test);
    run(test, &Faults::new(test, "claimed@1:kill"));
    for folder in test.run_folders() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Makes the repository of a scenario.
pub(crate) fn repository(scenario: &Scenario) -> TestRepository {
    let test = TestRepository::with_fake();
    prepare(&test);
    (scenario.set_up)(&test);
    test
}
