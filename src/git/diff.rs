//! How much a commit changed.

use super::{CommitId, GitError, GitProgram, Repository, TreeId};

/// The numbers of `git diff --shortstat --no-renames`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffStat {
    /// Files added, changed or removed.
    pub files: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

impl Repository {
    /// Counts what changed from one tree to another. A renamed file counts as one removed and one added.
    pub fn diff_stat(&self, from: TreeId, to: TreeId) -> Result<DiffStat, GitError> {
        let failed = || format!("compare {from} with {to}");
        let repository = self.local();
        let tree = |id: TreeId| repository.find_tree(id.object_id()).map_err(GitError::on(failed()));
        let (old, new) = (tree(from)?, tree(to)?);
        let mut changes = old.changes().map_err(GitError::on(failed()))?;
        changes.options(|options| {
            options.track_rewrites(None);
        });
        let stats = changes.stats(&new).map_err(GitError::on(failed()))?;
        Ok(DiffStat {
            files: stats.files_changed,
            insertions: stats.lines_added,
            deletions: stats.lines_removed,
        })
    }

    /// Shows the changes between two commits on the terminal, with the user's pager; returns git's exit code.
    pub fn show_diff(&self, from: CommitId, to: CommitId) -> Result<Option<i32>, GitError> {
        let (from, to) = (from.to_string(), to.to_string());
        GitProgram::new(self).attached(["diff", "--end-of-options", &from, &to])
    }
}
