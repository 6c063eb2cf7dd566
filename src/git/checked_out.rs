//! Which worktree has a branch: checked out, or to be checked out again after a rebase or a bisection.
//!
//! Read from the few files that say so. gix opens every worktree as a repository to find out, which costs
//! 0.2 ms each: with hundreds of worktrees kept, that would be most of what a run costs.

use std::path::{Path, PathBuf};

use super::repository::normal;
use super::worktree::registrations;
use super::{BranchName, GitError, Repository};

/// The files of a worktree's git directory that name its branch: `HEAD`, and what an unfinished rebase or
/// bisection returns to (gitrepository-layout(5), git-rebase(1), git-bisect(1)).
const NAMING_FILES: [&str; 4] = ["HEAD", "rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];

impl Repository {
    /// Returns the worktree, the main one included, that has a branch.
    pub(super) fn worktree_on(&self, branch: &BranchName) -> Result<Option<PathBuf>, GitError> {
        self.worktree_where(branch, |_| true)
    }

    /// Returns a worktree other than `own`, the main one included, that has a branch: `git checkout
    /// --ignore-other-worktrees` allows that. Moving the branch would leave its files and index behind.
    pub fn other_worktree_on(&self, branch: &BranchName, own: &Path) -> Result<Option<PathBuf>, GitError> {
        let own = normal(own);
        self.worktree_where(branch, |path| normal(path) != own)
    }

    fn worktree_where(
        &self,
        branch: &BranchName,
        counts: impl Fn(&Path) -> bool,
    ) -> Result<Option<PathBuf>, GitError> {
        let main = self.main()?;
        if let Some(path) = main.workdir().filter(|path| counts(path) && has(main.git_dir(), branch)) {
            return Ok(Some(normal(path)));
        }
        let proxies = registrations(&main)?.into_iter().filter(|proxy| has(proxy.git_dir(), branch));
        Ok(proxies.filter_map(|proxy| proxy.base().ok()).find(|path| counts(path)))
    }
}

fn has(git_dir: &Path, branch: &BranchName) -> bool {
    NAMING_FILES.iter().any(|file| {
        let text = std::fs::read_to_string(git_dir.join(file)).unwrap_or_default();
        let name = text.strip_prefix("ref:").unwrap_or(&text).trim();
        name == branch.as_str() || name == branch.short()
    })
}
