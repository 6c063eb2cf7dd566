//! Everything in a worktree as one tree, whatever state an agent left it in.
//!
//! The result is what `git add -A && git write-tree` would give: tracked and untracked files, not ignored
//! ones, with filters, line ends, modes and symbolic links as git stores them. It differs where git
//! would lose work or stop:
//! * a repository that the agent made in a subfolder (`git init`, a clone) is taken file by file and
//!   reported, where git keeps a bare link to a commit that exists nowhere else, or fails for the whole;
//! * what cannot be read or stored is left as it was in the base tree and reported.
//!
//! One thing is not taken that git would have: an ignored file that the agent staged by force and did not
//! commit, since its index is not read.
//!
//! Nothing here depends on what the agent could have changed: its index, its lock files, its `.git`, its
//! HEAD. What counts as tracked is the base tree that the caller names. No hook, no fsmonitor, no
//! discovery; filters come from the repository's configuration alone.

mod blob;
mod known;
mod restore;
mod unchanged;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use restore::Restored;

use super::objects::ObjectBatch;
use super::repository::same_path;
use super::worktree::registered;
use super::{CommitId, GitError, Repository, TreeId};

/// The tree of a worktree, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Everything that could be stored. Equal to the base commit's tree when nothing changed.
    pub tree: TreeId,
    /// Repositories inside the worktree.
    pub nested: Vec<NestedRepository>,
    /// Files and folders that are there and are not in the tree as they are.
    pub skipped: Vec<SkippedFile>,
}

/// A repository inside the worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedRepository {
    /// Its folder, from the worktree's root. Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// What became of it.
    pub kind: NestedKind,
}

/// What became of a repository inside the worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NestedKind {
    /// Its files are in the tree. Its own history is not.
    Files,
    /// It is a submodule with files in it: the tree has the link that it had before, and nothing of the files.
    Submodule,
}

/// Something that is not in the tree as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// The path from the worktree's root. Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Why, as a sentence's end: "is larger than 50 MB".
    pub reason: String,
}

/// Which files a snapshot reads, and which it believes to be as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rereading {
    /// Those that were touched since the worktree was made.
    SinceMade,
    /// Those that were touched since the last snapshot of this kind.
    SinceTaken,
}

impl Snapshot {
    /// Returns what is there and not in the tree as it is: skipped files, and what nested repositories lack.
    pub fn left_out(&self) -> Vec<SkippedFile> {
        let nested = self.nested.iter().map(|nested| {
            let reason = match nested.kind {
                NestedKind::Files => "is a repository of its own; its files were kept, its history was not",
                NestedKind::Submodule => "is a submodule; what was changed in it was not kept",
            };
            SkippedFile { path: nested.path.clone(), reason: reason.to_owned() }
        });
        nested.chain(self.skipped.iter().cloned()).collect()
    }
}

/// A worktree as it lies there, of which nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorktreeLook {
    /// What a snapshot would be. Its objects need not exist; the tree's id is all zeros where a content does not.
    pub snapshot: Snapshot,
    /// What differs from the base commit, from the worktree's root. Bytes that are not UTF-8 are replaced.
    pub changed: Vec<String>,
    /// Files and folders that git ignores, from the worktree's root; what is in such a folder is not named again.
    pub ignored: Vec<PathBuf>,
}

impl Repository {
    /// Stores everything in a worktree as a tree like [`Self::snapshot`], at little cost where little has changed.
    ///
    /// Files that look as they did at the last call are not read again, untracked ones included, and nothing is
    /// written where nothing has changed. A file that changed without a trace (through mapped memory, say) is taken
    /// as it was before, so this is for what is done again and again while an agent works, never for the last look.
    /// `kept` is a tree that the caller knows to be on a ref, the last snapshot's: while the worktree is that or the
    /// base tree, the base tree is not even read. `None`: `stop` was set meanwhile, by another thread.
    pub fn snapshot_again(
        &self,
        worktree: &Path,
        base: CommitId,
        kept: Option<TreeId>,
        stop: &AtomicBool,
    ) -> Result<Option<Snapshot>, GitError> {
        let base_tree = self.tree_of(base)?;
        let view = self.view_of_worktree(worktree)?;
        if let Some(tree) = unchanged::unchanged(&view, base_tree, kept, stop) {
            return Ok(Some(Snapshot { tree, nested: Vec::new(), skipped: Vec::new() }));
        }
        take(&view, base_tree, Rereading::SinceTaken, stop)
    }

    /// Looks at everything in a worktree as [`Self::snapshot`] does, and writes nothing.
    ///
    /// `folder` is where the files of the worktree that is registered at `worktree` lie now: the same, unless it was
    /// moved aside.
    pub fn look_at_worktree(
        &self,
        worktree: &Path,
        folder: &Path,
        base: CommitId,
    ) -> Result<WorktreeLook, GitError> {
        let base_tree = self.tree_of(base)?;
        let view = self.view_at(worktree, folder)?;
        let batch = ObjectBatch::looking(view.repository.clone());
        let mut walk = walk::Walk::new(&view, base_tree, batch, Rereading::SinceMade)?;
        walk.run(&AtomicBool::new(false))?;
        let (ignored, changed) = (walk.take_ignored(), walk.changed());
        Ok(WorktreeLook { snapshot: walk.finish(base_tree)?, changed, ignored })
    }

    /// Stores everything in a worktree as a tree, and syncs it. `base` is the commit whose files count as tracked.
    ///
    /// For a worktree of [`Repository::add_worktree`] whose agent has ended; files that change meanwhile are
    /// taken in either state. Costs one look at each file, and reading those whose time, size or inode
    /// differ from when the worktree was made.
    pub fn snapshot(&self, worktree: &Path, base: CommitId) -> Result<Snapshot, GitError> {
        let (base, view) = (self.tree_of(base)?, self.view_of_worktree(worktree)?);
        let taken = take(&view, base, Rereading::SinceMade, &AtomicBool::new(false))?;
        // Nobody else has the flag.
        taken.ok_or_else(|| GitError::not_a_worktree(worktree, "the look at it was stopped"))
    }

    /// Makes a worktree's own index that of a tree which the caller has just put on its branch.
    ///
    /// Commits here are made without the worktree's index, which would go on describing the commit before:
    /// the next `git commit` in the worktree, by the agent or by a person, would take the work back. The index
    /// is replaced as one step. An `index.lock` that a killed git left there is neither heeded nor removed, so
    /// this is for a caller that holds the task's lock and has seen the agent end.
    pub fn set_worktree_index(&self, worktree: &Path, tree: TreeId) -> Result<(), GitError> {
        let view = self.view_of_worktree(worktree)?;
        known::set_index(&view, tree)?;
        known::remember(&view)
    }

    /// Remembers how the files of a fresh worktree look, so that a snapshot need not read those that stay so.
    pub(super) fn remember_files(&self, worktree: &Path) -> Result<(), GitError> {
        known::remember(&self.view_of_worktree(worktree)?)
    }

    /// Opens the worktree by its registration. Without one, the main repository looks at the folder.
    fn view_of_worktree(&self, path: &Path) -> Result<View, GitError> {
        self.view_at(path, path)
    }

    /// Opens the worktree that is registered at `registered_at`, whose files lie at `path`.
    fn view_at(&self, registered_at: &Path, path: &Path) -> Result<View, GitError> {
        let failed = || format!("open worktree {}", path.display());
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(GitError::not_a_worktree(path, "the folder is gone"));
        }
        let main = self.main()?;
        if let Some(own) = main.workdir().filter(|own| same_path(own, path)) {
            return Err(GitError::not_a_worktree(own, "it is the main worktree"));
        }
        let git_dir = registered(&main, registered_at)?.map(|proxy| (proxy.git_dir().to_owned(), proxy));
        let (mut repository, git_dir) = match git_dir {
            // Nobody can open a worktree whose folder is not where it is registered. The main repository looks at the
            // folder then, without configuration that the worktree alone has.
            Some((git_dir, _)) if registered_at != path => (main.clone(), Some(git_dir)),
            Some((git_dir, proxy)) => {
                let linked =
                    proxy.into_repo_with_possibly_inaccessible_worktree().map_err(GitError::on(failed()))?;
                (linked, Some(git_dir))
            }
            None => (main.clone(), None),
        };
        repository.clear_namespace();
        // Whatever the registration or `core.worktree` says, the folder is the one asked for.
        repository.set_workdir(Some(path.to_owned())).map_err(GitError::on(failed()))?;
        Ok(View { repository, folder: path.to_owned(), git_dir })
    }
}

fn take(
    view: &View,
    base: TreeId,
    rereading: Rereading,
    stop: &AtomicBool,
) -> Result<Option<Snapshot>, GitError> {
    let batch = ObjectBatch::new(view.repository.clone());
    let mut walk = walk::Walk::new(view, base, batch, rereading)?;
    if walk.run(stop)? { walk.finish(base).map(Some) } else { Ok(None) }
}

/// Returns whether a private git directory is that of a worktree made by this program.
pub(super) fn knows_files(git_dir: &Path) -> bool {
    known::is_known(git_dir)
}

/// A repository seen through one worktree.
pub(super) struct View {
    repository: gix::Repository,
    folder: PathBuf,
    git_dir: Option<PathBuf>,
}
