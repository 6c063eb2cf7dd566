//! Branches: created from nothing, moved by compare-and-swap, never forced.

use super::reference::RefMove;
use super::{BranchName, CommitId, GitError, Repository};

impl Repository {
    /// Creates a branch that must not exist. `message` goes to its reflog.
    ///
    /// Fails with [`GitError::BranchExists`] also when the branch names that very commit already.
    pub fn create_branch(
        &self,
        branch: &BranchName,
        commit: CommitId,
        message: &str,
    ) -> Result<(), GitError> {
        let step = RefMove { name: branch.as_str(), from: None, to: Some(commit), message };
        match self.edit_ref(&step) {
            Err(GitError::RefMoved { .. }) => match self.branch_tip(branch)? {
                Some(tip) => Err(GitError::branch_exists(branch, tip)),
                None => self.edit_ref(&step),
            },
            other => other,
        }
    }

    /// Returns the commit that a branch names, or `None` when there is no such branch.
    pub fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        self.ref_target(branch.as_str())
    }

    /// Returns the full names and tips of the branches below a prefix such as `refs/heads/claudedo/`.
    pub fn branch_tips(&self, prefix: &str) -> Result<Vec<(String, CommitId)>, GitError> {
        let repository = self.local();
        let failed = || format!("list {prefix}");
        let platform = repository.references().map_err(GitError::on(failed()))?;
        let found = platform.prefixed(prefix).map_err(GitError::on(failed()))?;
        // A ref that is broken must not hide the others.
        let tip = |reference: gix::Reference<'_>| {
            let id = reference.try_id()?.detach();
            Some((reference.name().as_bstr().to_string(), CommitId::new(id)))
        };
        Ok(found.filter_map(|reference| tip(reference.ok()?)).collect())
    }

    /// Moves a branch from one commit to another, or fails with [`GitError::RefMoved`] and changes nothing.
    ///
    /// Worktrees that have the branch checked out are not updated.
    pub fn move_branch(
        &self,
        branch: &BranchName,
        expected: CommitId,
        new: CommitId,
        message: &str,
    ) -> Result<(), GitError> {
        self.edit_ref(&RefMove { name: branch.as_str(), from: Some(expected), to: Some(new), message })
    }

    /// Deletes a branch that still names `expected` and is checked out nowhere.
    pub fn delete_branch(&self, branch: &BranchName, expected: CommitId) -> Result<(), GitError> {
        if let Some(worktree) = self.worktree_on(branch)? {
            return Err(GitError::CheckedOut { branch: branch.clone(), worktree });
        }
        self.edit_ref(&RefMove { name: branch.as_str(), from: Some(expected), to: None, message: "" })
    }

    /// Creates or moves any ref of this program (`refs/claudedo/…`) by compare-and-swap.
    ///
    /// `expected` is `None` for a ref that must not exist. Used for snapshots that keep unfinished work alive.
    pub fn move_own_ref(
        &self,
        name: &str,
        expected: Option<CommitId>,
        new: Option<CommitId>,
    ) -> Result<(), GitError> {
        if !name.starts_with("refs/claudedo/") {
            return Err(GitError::NotOurs { name: name.to_owned() });
        }
        self.edit_ref(&RefMove { name, from: expected, to: new, message: "git-claudedo" })
    }

    /// Returns the commit that any ref of this program names, by full name.
    pub fn own_ref(&self, name: &str) -> Result<Option<CommitId>, GitError> {
        if !name.starts_with("refs/claudedo") {
            return Err(GitError::NotOurs { name: name.to_owned() });
        }
        self.ref_target(name)
    }
}
