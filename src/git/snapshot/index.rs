//! After a commit the worktree's index must hold what the branch does.
//!
//! The commit was made past the index, so without this `git status` in the worktree would show every
//! change of the agent twice: staged backwards, and unstaged.

use std::path::Path;

use super::View;
use super::known::KnownFiles;
use crate::git::{GitError, Repository, TreeId};

impl Repository {
    /// Makes a worktree's index hold a tree, and nothing else. The files are not touched.
    ///
    /// Fails when somebody holds `index.lock`, which is never removed.
    pub fn set_worktree_index(&self, worktree: &Path, tree: TreeId) -> Result<(), GitError> {
        let view = self.view_of_worktree(worktree)?;
        view.set_index(tree)
    }

    /// Returns the id that some bytes would have as a blob. Nothing is written.
    pub fn blob_id(&self, bytes: &[u8]) -> Result<crate::git::BlobId, GitError> {
        let hash = self.local().object_hash();
        let id = gix::objs::compute_hash(hash, gix::objs::Kind::Blob, bytes)
            .map_err(GitError::on("compute the id of a blob"))?;
        Ok(crate::git::BlobId::new(id))
    }
}

impl View {
    fn set_index(&self, tree: TreeId) -> Result<(), GitError> {
        let failed = || format!("update the index of worktree {}", self.folder.display());
        let Some(git_dir) = &self.git_dir else { return Ok(()) };
        let mut index = self.repository.index_from_tree(&tree.object_id()).map_err(GitError::on(failed()))?;
        let known = KnownFiles::load(self)?;
        known.copy_times_to(&mut index);
        index.set_path(git_dir.join("index"));
        index.write(gix::index::write::Options::default()).map_err(GitError::on(failed()))
    }
}
