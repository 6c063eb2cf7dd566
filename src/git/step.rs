//! What one step of history did to one folder: a commit, or a move from one commit to another.
//!
//! For hooks, which must be quick: trees are compared by id, so that a step that left the folder alone costs a few
//! small objects however much else it changed.

use std::collections::HashMap;

use super::{BlobId, CommitId, EntryKind, GitError, Repository, TreeId};

/// The files that say that git is in the middle of replaying commits, and which way (gitrepository-layout(5),
/// git-rebase(1), git-cherry-pick(1), git-revert(1)).
const REPLAYING_FILES: [(&str, Replaying); 5] = [
    ("rebase-merge", Replaying::Rebase),
    ("rebase-apply", Replaying::Rebase),
    ("CHERRY_PICK_HEAD", Replaying::Pick),
    ("REVERT_HEAD", Replaying::Pick),
    ("sequencer", Replaying::Pick),
];

/// What git is in the middle of in a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaying {
    /// A rebase, or a series of patches.
    Rebase,
    /// A cherry-pick or a revert.
    Pick,
}

/// The commit that is checked out, and what it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadStep {
    /// The commit.
    pub commit: CommitId,
    /// The commits that it follows; none for the first one of a history.
    pub parents: Vec<CommitId>,
}

impl Repository {
    /// Returns the commit that is checked out, with its parents.
    pub fn head_step(&self) -> Result<HeadStep, GitError> {
        let repository = self.local();
        let commit = repository.head_commit().map_err(GitError::on("read the commit of HEAD"))?;
        let parents = commit.parent_ids().map(|id| CommitId::new(id.detach())).collect();
        Ok(HeadStep { commit: CommitId::new(commit.id), parents })
    }

    /// Returns the folder that a commit has at a path. `path` has `/` between names.
    pub fn folder_of(&self, commit: CommitId, path: &str) -> Result<Option<TreeId>, GitError> {
        match self.lookup(self.tree_of(commit)?, path)? {
            Some(EntryKind::Folder(folder)) => Ok(Some(folder)),
            Some(EntryKind::File(_) | EntryKind::Submodule(_)) | None => Ok(None),
        }
    }

    /// Returns the files of a folder that another version of it has not, or has with other bytes, by name.
    pub fn changed_files(
        &self,
        before: Option<TreeId>,
        after: TreeId,
    ) -> Result<Vec<(String, BlobId)>, GitError> {
        let files = |folder: TreeId| -> Result<Vec<(String, BlobId)>, GitError> {
            let entries = self.list_folder(folder, "")?.into_iter();
            let file = |kind| if let EntryKind::File(blob) = kind { Some(blob) } else { None };
            Ok(entries.filter_map(|entry| Some((entry.name, file(entry.kind)?))).collect())
        };
        let before: HashMap<String, BlobId> = match before {
            Some(before) => files(before)?.into_iter().collect(),
            None => HashMap::new(),
        };
        let mut changed = files(after)?;
        changed.retain(|(name, blob)| before.get(name) != Some(blob));
        Ok(changed)
    }

    /// Returns what git is in the middle of in this worktree, if it is.
    pub fn replaying(&self) -> Option<Replaying> {
        let git_dir = self.git_dir();
        REPLAYING_FILES.into_iter().find(|(name, _)| git_dir.join(name).exists()).map(|(_, what)| what)
    }

    /// Returns whether a rebase that has begun has no commit to replay and so only moves the branch forward.
    pub fn rebases_nothing(&self) -> bool {
        let todo = std::fs::read_to_string(self.git_dir().join("rebase-merge/git-rebase-todo"));
        let is_step = |line: &str| !line.is_empty() && !line.starts_with('#') && line != "noop";
        todo.is_ok_and(|todo| !todo.lines().any(is_step))
    }
}
