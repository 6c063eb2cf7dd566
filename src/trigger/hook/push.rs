//! Before a push: which of the pushed commits are the work of a task, and what speaks against them.

use super::{HookError, Site};
use crate::run::{Outcome, StoredState};
use crate::runner::task_of_branch;
use crate::store::history::{RunSummary, TaskHistory};
use crate::store::records::Records;
use crate::task::TaskId;

/// Below which the branches of tasks are.
const BRANCHES: &str = "refs/heads/claudedo/";

/// Work of a task that is pushed and not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// Somebody works on the task at this moment.
    AtWork,
    /// No run of it is recorded here.
    NoRun,
    /// Its last run has not come to its end.
    Unfinished,
    /// Its last run ended otherwise than well.
    Ended(Outcome),
    /// The commit is not the one that the last run left.
    OtherCommit,
    /// The agent says that it is done, and nothing checked it.
    NoCheck,
}

/// One thing to say of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The task.
    pub task: TaskId,
    /// What speaks against its work.
    pub why: Unproven,
}

/// Looks at what is about to be pushed; `input` has a line for each ref, githooks(5).
pub fn before_push(site: &Site, input: &str) -> Result<Vec<Finding>, HookError> {
    let records = Records::open(&site.repository, &site.state);
    let mut findings: Vec<Finding> = Vec::new();
    let pushed = pushed(site, input)?;
    for (task, commit) in pushed.branches {
        let why = unproven(site, &task, &commit, &records.load_task(&task)?)?;
        findings.push(Finding { task, why });
    }
    for (task, commit) in pushed.under_other_names {
        let history = records.load_task(&task)?;
        // A branch without work of its own is where somebody else's commit is.
        let is_work = |run: &RunSummary| {
            run.commit.as_deref() == Some(commit.as_str()) && run.base.as_deref() != Some(commit.as_str())
        };
        let is_new = findings.iter().all(|finding| finding.task != task);
        if is_new && history.last_run().is_some_and(is_work) {
            let why = unproven(site, &task, &commit, &history)?;
            findings.push(Finding { task, why });
        }
    }
    Ok(findings)
}

/// The commits of tasks among those that are pushed.
#[derive(Debug, Default)]
struct Pushed {
    branches: Vec<(TaskId, String)>,
    under_other_names: Vec<(TaskId, String)>,
}

/// Finds the branches of tasks among what is pushed, and the tips of such branches under other names.
fn pushed(site: &Site, input: &str) -> Result<Pushed, HookError> {
    let mut pushed = Pushed::default();
    let mut others = Vec::new();
    for line in input.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let &[local, id, _, _] = words.as_slice() else {
            return Err(HookError::unexpected("a line about a ref", line));
        };
        // Zeros: the remote ref is deleted.
        if id.bytes().all(|byte| byte == b'0') {
            continue;
        }
        match task_of_branch(local) {
            Some(task) => pushed.branches.push((task, id.to_owned())),
            None => others.push(id),
        }
    }
    if !others.is_empty() {
        for (name, tip) in site.repository.branch_tips(BRANCHES)? {
            let tip = tip.to_string();
            if others.contains(&tip.as_str()) {
                pushed.under_other_names.extend(task_of_branch(&name).map(|task| (task, tip)));
            }
        }
    }
    Ok(pushed)
}

/// Returns what speaks against a commit of a task. This version runs no checks, so there always is something.
fn unproven(site: &Site, task: &TaskId, commit: &str, history: &TaskHistory) -> Result<Unproven, HookError> {
    if site.state.is_at_work(task)? {
        return Ok(Unproven::AtWork);
    }
    if matches!(history.state, StoredState::Claimed { .. }) {
        return Ok(Unproven::Unfinished);
    }
    Ok(match history.last_run() {
        None => Unproven::NoRun,
        Some(run) if run.outcome != Outcome::Done => Unproven::Ended(run.outcome),
        Some(run) if run.commit.as_deref() != Some(commit) => Unproven::OtherCommit,
        Some(_) => Unproven::NoCheck,
    })
}
