//! What goes on while the program is broken: the agents of a trial, and what somebody does meanwhile.

use crate::criteria::witness_step;
use crate::support::TestRepository;

/// The task of most scenarios.
pub(super) const TASK: &str = "work-a1b2";

/// The other task of some.
pub(super) const OTHER_TASK: &str = "more-c3d4";

/// The file that an agent makes once it waits to be cancelled.
pub(super) const BEGUN: &str = "begun";

/// The file that lets it go on.
pub(super) const GATE: &str = "gate";

/// One whole life of one task, or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// The agent edits files and succeeds.
    Edits,
    /// It fails and is sent back to work in the same session.
    Retried,
    /// It makes a commit of its own and leaves more.
    Commits,
    /// It is cancelled in the middle.
    Cancelled,
    /// It fails for good and leaves a file unfinished.
    Unfinished,
    /// Two tasks in two slots.
    Two,
    /// The task is written by `git claudedo add`, and runs then.
    Added,
    /// It is kept as a snapshot all the time, and the agent goes on once there is one.
    Snapshots,
    /// One task is done and one failed, each with work in its worktree.
    Ended,
}

impl Scenario {
    pub(super) const ALL: [Self; 9] = [
        Self::Edits,
        Self::Retried,
        Self::Commits,
        Self::Cancelled,
        Self::Unfinished,
        Self::Two,
        Self::Added,
        Self::Snapshots,
        Self::Ended,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edits => "edits",
            Self::Retried => "retried",
            Self::Commits => "commits",
            Self::Cancelled => "cancelled",
            Self::Unfinished => "unfinished",
            Self::Two => "two",
            Self::Added => "added",
            Self::Snapshots => "snapshots",
            Self::Ended => "ended",
        }
    }

    /// Writes the tasks.
    pub(super) fn write(self, test: &TestRepository) {
        match self {
            Self::Two => {
                for task in [TASK, OTHER_TASK] {
                    add(test, task, &self.steps(test));
                }
            }
            Self::Added => {}
            Self::Unfinished => {
                test.set("retries", "0");
                add(test, TASK, &self.steps(test));
            }
            Self::Ended => {
                test.set("retries", "0");
                add(test, TASK, &Self::Edits.steps(test));
                add(test, OTHER_TASK, &Self::Unfinished.steps(test));
            }
            Self::Snapshots => {
                test.set("snapshotInterval", "20ms");
                add(test, TASK, &self.steps(test));
            }
            Self::Edits | Self::Retried | Self::Commits | Self::Cancelled => {
                add(test, TASK, &self.steps(test));
            }
        }
    }

    /// Returns what the agent does.
    fn steps(self, test: &TestRepository) -> Vec<String> {
        let write = |name: &str| witness_step(test, name);
        let fixed = str::to_owned;
        match self {
            Self::Edits | Self::Two | Self::Added => vec![write("one"), write("other")],
            Self::Retried => vec![
                write("one"),
                fixed("on-fresh result error text=It does not work."),
                format!("on-resume {}", write("other")),
            ],
            Self::Commits => {
                let commit = fixed("sh git add --all && git commit --quiet --message=Own");
                vec![write("one"), commit, write("other")]
            }
            Self::Cancelled => {
                let begun = format!("sh touch {}", test.gate(BEGUN).display());
                vec![write("one"), begun, test.wait_step(GATE), write("other")]
            }
            Self::Snapshots => {
                // At most a second: the runner that takes them may be dead.
                let is_there = "git for-each-ref refs/claudedo/snapshots | grep -q .";
                let wait = format!("sh for i in $(seq 50); do {is_there} && break; sleep 0.02; done");
                vec![write("one"), wait, write("other")]
            }
            Self::Unfinished | Self::Ended => vec![
                write("one"),
                fixed("sh printf 'half of a li' >unfinished.txt"),
                fixed("result error text=It cannot be done."),
            ],
        }
    }

    /// Returns the arguments of the command that adds the task.
    pub(super) fn add_arguments(self, test: &TestRepository) -> Vec<String> {
        let mut arguments = vec!["add".to_owned(), "Work".to_owned()];
        for step in self.steps(test) {
            arguments.extend(["--message".to_owned(), format!("@fake {step}")]);
        }
        arguments
    }
}

fn add(test: &TestRepository, task: &str, steps: &[String]) {
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    test.add_task(task, &steps);
}
