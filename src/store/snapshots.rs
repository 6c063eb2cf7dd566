//! Snapshots of worktrees: for each run a chain of commits, the newest named by `refs/claudedo/snapshots/<run>`.
//!
//! A commit of the chain holds everything that was in the worktree. Its parents are the snapshot before it, the tip
//! of the task's branch at that time, and the commit that the worktree was at, where that is another; so nothing that
//! leads to the work is lost to `git gc`, and `git diff <snapshot>^ <snapshot>` is what changed since the one before.
//! Trailers say the rest. Snapshots of a task are numbered over all its runs, the oldest is 1; a number is written into
//! the snapshot and never means another one, also when that snapshot was removed.
//!
//! The refs are local. They move by compare-and-swap, under a lock of this clone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state_directory::StateDirectory;
use crate::git::{CommitId, GitError, NewCommit, Repository, Signing, SkippedFile, Snapshot, TreeId};
use crate::os::fault::{FaultPoint, pass};
use crate::run::RunId;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// Where the refs are.
const PREFIX: &str = "refs/claudedo/snapshots/";

/// How the first line of a snapshot begins that has no trailers but its run.
const PLAIN_TITLE: &str = "Unfinished work of task ";

/// How many things that were left out are named in a commit.
const LEFT_OUT_MAX: usize = 100;

/// How often a move of a ref is tried that somebody without the lock moves as well.
const ATTEMPTS_MAX: u32 = 20;

/// Why a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An agent is about to start in a worktree that was used before: a person may have written there.
    BeforeRun,
    /// Time went by while the run went on.
    Periodic,
    /// The run ended, and what it left is not on its branch.
    UnfinishedWork,
    /// The worktree is about to be removed.
    BeforeRemoval,
    /// The worktree's files are about to be replaced by those of a snapshot.
    BeforeRestore,
    /// Somebody asked for it.
    Asked,
}

impl Why {
    /// Returns the words in the trailer.
    pub const fn words(self) -> &'static str {
        match self {
            Self::BeforeRun => "before a run",
            Self::Periodic => "periodic",
            Self::UnfinishedWork => "unfinished work",
            Self::BeforeRemoval => "before removal",
            Self::BeforeRestore => "before restore",
            Self::Asked => "asked for",
        }
    }
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSnapshot {
    /// Whose worktree it is of.
    pub task: TaskId,
    /// The run that worked in it, or the last one that had.
    pub run: RunId,
    /// 1, 2, 3 … within the task.
    pub number: u32,
    /// Why it was taken, in the words of the trailer.
    pub why: String,
    /// When.
    pub taken: Timestamp,
    /// The commit.
    pub commit: CommitId,
    /// The files.
    pub tree: TreeId,
    /// Where the task's branch was, if it is known.
    pub tip: Option<CommitId>,
    /// What was in the worktree and is not in the snapshot as it was.
    pub left_out: Vec<SkippedFile>,
    parents: Vec<CommitId>,
}

/// What was just taken, and of what.
#[derive(Debug, Clone, Copy)]
pub struct NewSnapshot<'a> {
    /// Whose worktree it is of.
    pub task: &'a TaskId,
    /// The run that works in it, or the last one that did.
    pub run: RunId,
    /// Why it was taken.
    pub why: Why,
    /// What was taken.
    pub taken: &'a Snapshot,
    /// Where the task's branch is, or was when it was last seen.
    pub tip: CommitId,
    /// The commit that the worktree is at.
    pub head: Option<CommitId>,
}

/// The snapshots of one repository.
#[derive(Debug)]
pub struct Snapshots<'a> {
    repository: &'a Repository,
    state: &'a StateDirectory,
}

/// One line of the trailer for what was left out.
#[derive(Debug, Serialize, Deserialize)]
struct LeftOut {
    path: String,
    reason: String,
}

impl<'a> Snapshots<'a> {
    /// Returns the snapshots in a repository. `state` is that of the clone whose tasks they are of.
    pub fn new(repository: &'a Repository, state: &'a StateDirectory) -> Self {
        Self { repository, state }
    }

    /// Loads all snapshots, by task, the oldest first.
    pub fn load_all(&self) -> Result<BTreeMap<TaskId, Vec<TaskSnapshot>>, GitError> {
        self.load_where(|_| true)
    }

    /// Loads the snapshots of a task, the oldest first.
    pub fn load(&self, task: &TaskId) -> Result<Vec<TaskSnapshot>, GitError> {
        Ok(self.load_where(|found| found == task)?.remove(task).unwrap_or_default())
    }

    /// Loads the newest snapshot of a run.
    pub fn load_newest(&self, run: RunId) -> Result<Option<TaskSnapshot>, GitError> {
        let Some(tip) = self.repository.own_ref(&ref_name(run))? else { return Ok(None) };
        self.read(run, tip)
    }

    /// Adds a snapshot, unless what was taken is reachable already: as the run's last snapshot, or, before the run
    /// has one, as its branch or as the task's last snapshot. Returns it when it was added.
    pub fn add_changed(&self, new: &NewSnapshot<'_>) -> Result<Option<TaskSnapshot>, GitError> {
        if let Some(newest) = self.load_newest(new.run)? {
            let is_same = newest.tree == new.taken.tree && self.holds_head(&newest, new)?;
            return if is_same { Ok(None) } else { self.write(new).map(Some) };
        }
        let is_head_kept = self.is_reachable(new.head, new.tip)?;
        if is_head_kept && self.repository.tree_of(new.tip)? == new.taken.tree {
            return Ok(None);
        }
        let last = self.load(new.task)?.pop();
        let is_last = last.is_some_and(|last| last.tree == new.taken.tree);
        if is_last && is_head_kept { Ok(None) } else { self.write(new).map(Some) }
    }

    /// Returns the snapshot of the run that holds what was taken, adding one if its last does not.
    pub fn add_to_run(&self, new: &NewSnapshot<'_>) -> Result<TaskSnapshot, GitError> {
        match self.load_newest(new.run)?.filter(|newest| newest.tree == new.taken.tree) {
            Some(newest) if newest.why == new.why.words() || self.holds_head(&newest, new)? => Ok(newest),
            Some(_) | None => self.write(new),
        }
    }

    /// Returns a snapshot of the task that holds what was taken, adding one if there is none.
    pub fn add_to_task(&self, new: &NewSnapshot<'_>) -> Result<TaskSnapshot, GitError> {
        let mut same = self.load(new.task)?;
        same.retain(|snapshot| snapshot.tree == new.taken.tree);
        match same.pop() {
            Some(found) if self.holds_head(&found, new)? => Ok(found),
            Some(_) | None => self.write(new),
        }
    }

    fn holds_head(&self, kept: &TaskSnapshot, new: &NewSnapshot<'_>) -> Result<bool, GitError> {
        match new.head {
            Some(head) if kept.parents.contains(&head) => Ok(true),
            head => self.is_reachable(head, new.tip),
        }
    }

    fn is_reachable(&self, head: Option<CommitId>, tip: CommitId) -> Result<bool, GitError> {
        head.map_or(Ok(true), |head| self.repository.is_ancestor(head, tip))
    }

    fn write(&self, new: &NewSnapshot<'_>) -> Result<TaskSnapshot, GitError> {
        let _lock = self.state.lock_snapshots()?;
        let name = ref_name(new.run);
        self.repository.outwait_stale_lock(&name)?;
        let is_beside = !self.is_reachable(new.head, new.tip)?;
        if is_beside {
            // The agent made commits of its own, and git does not sync what it writes.
            self.repository.sync_all_objects()?;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let before = self.repository.own_ref(&name)?;
            let number = self.last_number(new.task)? + 1;
            let head = new.head.filter(|head| is_beside && Some(*head) != before);
            let parents: Vec<CommitId> = before.into_iter().chain([new.tip]).chain(head).collect();
            let commit = self.repository.commit_tree(&NewCommit {
                tree: new.taken.tree,
                parents: &parents,
                message: &message(new, number),
                author: &self.repository.author_identity(),
                signing: Signing::Never,
            })?;
            pass(FaultPoint::SnapshotWritten)?;
            match self.repository.move_own_ref(&name, before, Some(commit)) {
                Ok(()) => {
                    pass(FaultPoint::SnapshotKept)?;
                    return self.require(new.run, commit);
                }
                Err(GitError::RefMoved { .. }) if attempts < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes the snapshots of a run of a task. Fails when the newest of them is not `newest` any more.
    ///
    /// Their numbers are not given again. The caller has made sure that what they keep is kept elsewhere as well.
    pub fn remove(&self, task: &TaskId, run: RunId, newest: CommitId) -> Result<(), GitError> {
        let _lock = self.state.lock_snapshots()?;
        let name = ref_name(run);
        self.repository.outwait_stale_lock(&name)?;
        self.state.keep_snapshot_number(task, self.last_number(task)?)?;
        self.repository.move_own_ref(&name, Some(newest), None)
    }

    fn last_number(&self, task: &TaskId) -> Result<u32, GitError> {
        let last = self.load(task)?.last().map_or(0, |last| last.number);
        Ok(last.max(self.state.load_last_snapshot_number(task)?))
    }

    fn require(&self, run: RunId, commit: CommitId) -> Result<TaskSnapshot, GitError> {
        self.read(run, commit)?.ok_or_else(|| GitError::InvalidName { name: ref_name(run) })
    }

    fn load_where(
        &self,
        wanted: impl Fn(&TaskId) -> bool,
    ) -> Result<BTreeMap<TaskId, Vec<TaskSnapshot>>, GitError> {
        let mut tips: Vec<(RunId, CommitId)> = self
            .repository
            .branch_tips(PREFIX)?
            .into_iter()
            .filter_map(|(name, tip)| Some((name.strip_prefix(PREFIX)?.parse().ok()?, tip)))
            .collect();
        // Ids of runs sort by age.
        tips.sort_unstable_by_key(|(run, _)| *run);
        let mut all: BTreeMap<TaskId, Vec<TaskSnapshot>> = BTreeMap::new();
        for (run, tip) in tips {
            let mut chain = Vec::new();
            let mut next = Some(tip);
            while let Some(commit) = next {
                let Some(found) = self.read(run, commit)?.filter(|found| wanted(&found.task)) else { break };
                next = found.before();
                chain.push(found);
            }
            for snapshot in chain.into_iter().rev() {
                all.entry(snapshot.task.clone()).or_default().push(snapshot);
            }
        }
        for snapshots in all.values_mut() {
            number(snapshots);
        }
        Ok(all)
    }

    /// Reads one snapshot; `None` for a commit that is none.
    fn read(&self, run: RunId, commit: CommitId) -> Result<Option<TaskSnapshot>, GitError> {
        let details = self.repository.commit_details(commit)?;
        let trailers = Trailers(&details.message);
        let plain = details.message.lines().next().and_then(|title| title.strip_prefix(PLAIN_TITLE));
        let Some(task) = trailers.value("Claudedo-Task").or(plain).and_then(|task| task.parse().ok()) else {
            return Ok(None);
        };
        let tip = match trailers.value("Claudedo-Tip") {
            Some(id) => id.parse().ok(),
            None => details.parents.first().copied(),
        };
        let left_out = trailers.values("Claudedo-Left-Out");
        let left_out = left_out.filter_map(|line| serde_json::from_str::<LeftOut>(line).ok());
        Ok(Some(TaskSnapshot {
            task,
            run,
            // Zero until the others are known: those without a number follow the one before.
            number: trailers.value("Claudedo-Snapshot").and_then(|text| text.parse().ok()).unwrap_or(0),
            why: trailers.value("Claudedo-Reason").unwrap_or(Why::UnfinishedWork.words()).to_owned(),
            taken: details.committed,
            commit,
            tree: details.tree,
            tip,
            left_out: left_out.map(|one| SkippedFile { path: one.path, reason: one.reason }).collect(),
            parents: details.parents,
        }))
    }
}

impl TaskSnapshot {
    /// Returns the name for the command line: `<task>@<number>`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.task, self.number)
    }

    /// Returns the commits that it leads to: the snapshot before it, the branch of that time, the worktree's own.
    pub fn follows(&self) -> impl Iterator<Item = CommitId> {
        self.parents.iter().copied()
    }

    /// Returns the snapshot of the same run before this one.
    fn before(&self) -> Option<CommitId> {
        self.parents.first().copied().filter(|first| Some(*first) != self.tip)
    }
}

/// Gives those without a number the next one, and brings all into the order of their numbers.
fn number(snapshots: &mut [TaskSnapshot]) {
    let mut last = 0;
    for snapshot in &mut *snapshots {
        if snapshot.number == 0 {
            snapshot.number = last + 1;
        }
        last = snapshot.number;
    }
    snapshots.sort_by_key(|snapshot| snapshot.number);
}

fn ref_name(run: RunId) -> String {
    format!("{PREFIX}{run}")
}

fn message(new: &NewSnapshot<'_>, number: u32) -> String {
    let NewSnapshot { task, run, why, taken, tip, .. } = new;
    let why = why.words();
    let mut text = format!(
        "Snapshot {number} of task {task}: {why}\n\nClaudedo-Task: {task}\nClaudedo-Run: {run}\nClaudedo-Snapshot: {number}\n\
         Claudedo-Reason: {why}\nClaudedo-Tip: {tip}\n"
    );
    let left_out = taken.left_out();
    let more = left_out.len().saturating_sub(LEFT_OUT_MAX);
    let mut named: Vec<LeftOut> = left_out
        .into_iter()
        .take(LEFT_OUT_MAX)
        .map(|one| LeftOut { path: one.path, reason: one.reason })
        .collect();
    if more > 0 {
        named.push(LeftOut { path: "…".to_owned(), reason: format!("and {more} more are not named here") });
    }
    for one in named {
        // A path and a reason are plain text, which JSON can always hold.
        let line = serde_json::to_string(&one).unwrap_or_default();
        text.push_str("Claudedo-Left-Out: ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The trailers of a message.
struct Trailers<'a>(&'a str);

impl<'a> Trailers<'a> {
    fn values(&self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "))
    }

    fn value(&self, key: &'a str) -> Option<&'a str> {
        self.values(key).next()
    }
}
