//! Which tasks wait for a person to look at what was done: their branch is there, and its work is not in the history of
//! what is checked out.
//!
//! Reading a thousand branches takes longer than listing a thousand tasks. The last answer is therefore kept in a
//! derived file, and holds while `HEAD`, the records and the files of the branches are as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::history::RunSummary;
use super::overview::Overview;
use super::records::Records;
use crate::git::{BranchesStamp, CommitId, GitError};
use crate::os::{clock, fs};
use crate::run::Outcome;
use crate::schedule::Standing;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The form of the cache; another one counts as none.
const FORM: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");

/// A file that changed within these seconds may have changed again since without a trace.
const RACY_SECONDS: i64 = 2;

/// `review.json`: the last answer, and what it was the answer to.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    form: String,
    question: Question,
    /// In seconds since 1970, before anything was read.
    asked: i64,
    waiting: BTreeSet<TaskId>,
}

/// All that the answer depends on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    head: Option<CommitId>,
    branches: BranchesStamp,
    /// A hash of the tasks that are done, with what their last runs left.
    done: u64,
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
        let asked = clock::now().unix_seconds();
        let branches = self.repository.task_branches_stamp();
        let question = Question { head: self.head()?, branches, done: hash(&done) };
        if let Some(known) = self.load_answer()
            && known.question == question
            && known.asked >= question.branches.last_change().saturating_add(RACY_SECONDS)
        {
            return Ok(known.waiting);
        }
        let waiting = self.unmerged(done, question.head)?;
        let known = Known { form: FORM.to_owned(), question, asked, waiting };
        self.store_answer(&known);
        Ok(known.waiting)
    }

    fn unmerged(
        &self,
        done: Vec<(&TaskId, &[RunSummary])>,
        head: Option<CommitId>,
    ) -> Result<BTreeSet<TaskId>, GitError> {
        let branches = self.repository.task_branches()?;
        let work: Vec<Work<'_>> =
            done.into_iter().filter_map(|(task, runs)| Work::of(task, runs, &branches)).collect();
        let wanted: BTreeSet<CommitId> = work.iter().flat_map(|work| &work.commits).copied().collect();
        let oldest = work.iter().map(|work| work.began).min();
        let reached = match (head, oldest) {
            (Some(head), Some(oldest)) => self.repository.reached(head, &wanted, oldest)?,
            (None, _) | (_, None) => BTreeSet::new(),
        };
        let waiting = work.iter().filter(|work| work.commits.is_disjoint(&reached));
        Ok(waiting.map(|work| work.task.clone()).collect())
    }

    fn head(&self) -> Result<Option<CommitId>, GitError> {
        match self.repository.head_commit_id() {
            Ok(head) => Ok(Some(head)),
            Err(GitError::NoCommitYet { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn load_answer(&self) -> Option<Known> {
        let bytes = fs::read_optional(&self.answer_path()).ok()??;
        serde_json::from_slice::<Known>(&bytes).ok().filter(|known| known.form == FORM)
    }

    /// Without the file the next look reads the branches again; there is nothing to tell anybody.
    fn store_answer(&self, known: &Known) {
        if let Ok(bytes) = serde_json::to_vec(known)
            && fs::create_private_directory(&self.state.cache_path()).is_ok()
        {
            drop(fs::write_derived(&self.answer_path(), &bytes));
        }
    }

    fn answer_path(&self) -> PathBuf {
        self.state.cache_path().join("review.json")
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

fn hash(done: &[(&TaskId, &[RunSummary])]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (task, runs) in done {
        (task.as_str(), runs.last().map(|run| &run.commit)).hash(&mut hasher);
    }
    hasher.finish()
}
