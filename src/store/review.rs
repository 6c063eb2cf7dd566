//! Which tasks wait for a person to look at what was done: their branch is there, and its work is not in the history of
//! what is checked out.
//!
//! What a history has never changes, so the answer for a commit is kept in a derived file: only a new
//! `HEAD` and new work have to be walked for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::history::RunSummary;
use super::overview::Overview;
use super::records::Records;
use crate::git::{CommitId, GitError};
use crate::os::fs;
use crate::run::Outcome;
use crate::schedule::Standing;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// Another version counts as no cache.
const CACHE_VERSION: u32 = 1;

/// `merged.json`: which commits the history of `head` has, and which it has not.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    version: u32,
    head: Option<CommitId>,
    reached: BTreeSet<CommitId>,
    others: BTreeSet<CommitId>,
}

/// A task that is done, with what came of it.
struct Work<'a> {
    task: &'a TaskId,
    /// When its first run began: no commit of its own is older.
    began: Timestamp,
    /// What the last run left, and where the branch is now; the work is merged when either is.
    commits: BTreeSet<CommitId>,
}

impl Records {
    /// Returns the tasks that are done and whose work waits on its branch. A branch without a change has none.
    pub fn load_unmerged(&self, overview: &Overview) -> Result<BTreeSet<TaskId>, GitError> {
        let done: Vec<(&TaskId, &[RunSummary])> = done(overview).collect();
        if done.is_empty() {
            return Ok(BTreeSet::new());
        }
        let branches = self.repository.task_branches()?;
        let work: Vec<Work<'_>> =
            done.into_iter().filter_map(|(task, runs)| Work::of(task, runs, &branches)).collect();
        let reached = self.reached(&work)?;
        let waiting = work.iter().filter(|work| work.commits.is_disjoint(&reached));
        Ok(waiting.map(|work| work.task.clone()).collect())
    }

    fn reached(&self, work: &[Work<'_>]) -> Result<BTreeSet<CommitId>, GitError> {
        let wanted: BTreeSet<CommitId> = work.iter().flat_map(|work| &work.commits).copied().collect();
        let Some(oldest) = work.iter().map(|work| work.began).min() else {
            return Ok(BTreeSet::new());
        };
        let head = match self.repository.head_commit_id() {
            Ok(head) => head,
            Err(GitError::NoCommitYet { .. }) => return Ok(BTreeSet::new()),
            Err(error) => return Err(error),
        };
        let path = self.state.cache_path().join("merged.json");
        let known = fs::read_optional(&path).ok().flatten().unwrap_or_default();
        let known: Known = serde_json::from_slice(&known).unwrap_or_default();
        let is_current = known.version == CACHE_VERSION && known.head == Some(head);
        if is_current && wanted.iter().all(|id| known.reached.contains(id) || known.others.contains(id)) {
            return Ok(known.reached);
        }
        let reached = self.repository.reached(head, &wanted, oldest)?;
        let others = wanted.difference(&reached).copied().collect();
        let known = Known { version: CACHE_VERSION, head: Some(head), reached, others };
        // Without the file the next look walks again.
        if let Ok(bytes) = serde_json::to_vec(&known)
            && fs::create_private_directory(&self.state.cache_path()).is_ok()
        {
            drop(fs::write_derived(&path, &bytes));
        }
        Ok(known.reached)
    }
}

impl<'a> Work<'a> {
    fn of(task: &'a TaskId, runs: &[RunSummary], branches: &BTreeMap<String, CommitId>) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last()?);
        if last.commit == last.base {
            return None;
        }
        let left: CommitId = last.commit.as_ref()?.parse().ok()?;
        let tip = *branches.get(task.as_str())?;
        Some(Self { task, began: first.started, commits: BTreeSet::from([left, tip]) })
    }
}

fn done(overview: &Overview) -> impl Iterator<Item = (&TaskId, &[RunSummary])> {
    let is_done = |(_, standing): &(&TaskId, &Standing)| {
        matches!(standing, Standing::Ended { outcome: Outcome::Done, .. })
    };
    let runs = |(task, _)| Some((task, overview.histories.get(task)?.runs.as_slice()));
    overview.standings.iter().filter(is_done).filter_map(runs)
}
