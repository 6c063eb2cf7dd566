//! Which of many commits a history has: one walk for all of them, and none to the beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use serde::{Deserialize, Serialize};

use super::{CommitId, GitError, Repository};
use crate::timestamp::Timestamp;

/// Branches of tasks.
const TASK_BRANCHES: &str = "refs/heads/claudedo/";

/// The most commits that one walk looks at; reading one takes some 10 µs without a commit graph.
const COMMITS_MAX: usize = 20_000;

/// How far the clock of whoever made a merge may lag behind the clock of whoever made the commit.
const CLOCK_SKEW_SECONDS: i64 = 24 * 60 * 60;

/// When the branches of tasks were last changed, and in which files: the same value means the same branches.
///
/// git replaces a ref by renaming its lock, which changes the folder, and `packed-refs` likewise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchesStamp {
    folder: Option<FileStamp>,
    packed: Option<FileStamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileStamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl BranchesStamp {
    /// Returns the second of the last change, since 1970.
    pub fn last_change(&self) -> i64 {
        let files = self.folder.iter().chain(&self.packed);
        files.map(|file| file.modified.0.max(file.changed.0)).max().unwrap_or_default()
    }
}

impl FileStamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.symlink_metadata().ok()?;
        Some(Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Repository {
    /// Returns when the branches of tasks were last changed. Reads none of them.
    pub fn task_branches_stamp(&self) -> BranchesStamp {
        let common_dir = self.common_dir();
        BranchesStamp {
            folder: FileStamp::of(&common_dir.join(TASK_BRANCHES)),
            packed: FileStamp::of(&common_dir.join("packed-refs")),
        }
    }

    /// Returns the tips of the branches of tasks, by what follows `claudedo/`.
    pub fn task_branches(&self) -> Result<BTreeMap<String, CommitId>, GitError> {
        let repository = self.local();
        let failed = "list the branches of tasks";
        let platform = repository.references().map_err(GitError::on(failed))?;
        let mut tips = BTreeMap::new();
        for reference in platform.prefixed(TASK_BRANCHES).map_err(GitError::on(failed))? {
            // A ref that is broken must not hide the others.
            let Ok(reference) = reference else { continue };
            let Some(id) = reference.try_id() else { continue };
            let name = reference.name().as_bstr().to_string();
            if let Some(task) = name.strip_prefix(TASK_BRANCHES) {
                tips.insert(task.to_owned(), CommitId::new(id.detach()));
            }
        }
        Ok(tips)
    }

    /// Returns those of the commits that `head` is or follows. None of them is older than `oldest`.
    ///
    /// What follows a commit was made after it, so the walk ends at `oldest`, less a day for clocks that disagree. A
    /// commit that is not found among the newest 20,000 counts as not reached.
    pub fn reached(
        &self,
        head: CommitId,
        commits: &BTreeSet<CommitId>,
        oldest: Timestamp,
    ) -> Result<BTreeSet<CommitId>, GitError> {
        let mut reached = BTreeSet::new();
        if commits.is_empty() {
            return Ok(reached);
        }
        let failed = || format!("walk the history of {head}");
        let repository = self.local();
        let seconds = oldest.unix_seconds().saturating_sub(CLOCK_SKEW_SECONDS);
        let walk = repository
            .rev_walk([head.object_id()])
            .sorting(Sorting::ByCommitTimeCutoff { order: CommitTimeOrder::NewestFirst, seconds })
            .all()
            .map_err(GitError::on(failed()))?;
        for commit in walk.take(COMMITS_MAX) {
            // The history of a shallow clone ends where it was cut off.
            let Ok(commit) = commit else { break };
            let id = CommitId::new(commit.id);
            if commits.contains(&id) {
                reached.insert(id);
            }
            if reached.len() == commits.len() {
                break;
            }
        }
        Ok(reached)
    }
}
