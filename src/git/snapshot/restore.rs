//! The files of a tree, written where somebody wants them again.
//!
//! gix writes them as a checkout does: filters, line ends, modes, links. Every file is created anew, never written
//! over and never through a link, so what has to make room is removed first, and only what a snapshot has just taken.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Mode};
use gix::progress::Discard;
use gix::worktree::stack::state::attributes::Source;

use super::{SkippedFile, Snapshot};
use crate::git::{GitError, Repository, TreeId};
use crate::os::fs;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// How many files and links were written.
    pub written: usize,
    /// How many were removed because the tree has none there.
    pub removed: usize,
    /// What is not as the tree has it, and why.
    pub left: Vec<SkippedFile>,
}

/// The files of a tree: what each is.
type Files = BTreeMap<BString, (Mode, ObjectId)>;

impl Repository {
    /// Writes all files of a tree into a folder that is empty or not there.
    ///
    /// Submodules are left out. A failure in the middle leaves what was written.
    pub fn write_tree_to(&self, tree: TreeId, folder: &Path) -> Result<Restored, GitError> {
        self.require_writable(tree)?;
        let repository = self.main()?;
        let index = index(&repository, tree)?;
        let left = submodules(&index);
        fs::create_directory(folder)?;
        let written = checkout(&repository, index, folder)?;
        Ok(Restored { left: left.into_iter().chain(written.left).collect(), ..written })
    }

    /// Makes the files of a worktree those of a tree.
    ///
    /// `now` is what a snapshot has just taken there: nothing else is removed, so what it skipped stays, and so does
    /// what git ignores. The worktree's index and HEAD stay as they are. Can be repeated after a failure.
    pub fn restore_worktree(
        &self,
        worktree: &Path,
        now: &Snapshot,
        tree: TreeId,
    ) -> Result<Restored, GitError> {
        self.require_writable(tree)?;
        let repository = self.view_of_worktree(worktree)?.repository;
        let mut index = index(&repository, tree)?;
        let wanted = files(&index);
        let present = files(&*self::index(&repository, now.tree)?);
        let mut restored = Restored::default();
        let is_kept = |name: &BStr| now.skipped.iter().any(|skipped| covers(&skipped.path, name));
        for name in present.keys().filter(|name| !wanted.contains_key(*name) && !is_kept(name.as_ref())) {
            restored.removed += usize::from(remove(worktree, name.as_ref())?);
        }
        for (entry, name) in index.entries_mut_with_paths() {
            let before = present.get(name);
            if before == Some(&(entry.mode, entry.id)) {
                entry.flags.insert(Flags::SKIP_WORKTREE);
            } else if is_kept(name) {
                entry.flags.insert(Flags::SKIP_WORKTREE);
                let reason = "could not be kept as it is now, and stays".to_owned();
                restored.left.push(SkippedFile { path: name.to_string(), reason });
            } else if before.is_some() {
                remove(worktree, name)?;
            }
        }
        let written = checkout(&repository, index, worktree)?;
        restored.written = written.written;
        restored.left.extend(written.left);
        Ok(restored)
    }

    fn require_writable(&self, tree: TreeId) -> Result<(), GitError> {
        if !self.is_widely_encoded(tree)? {
            return Ok(());
        }
        Err(self.unsupported(
            "files of the snapshot are to be written as UTF-16 or UTF-32, which only git can do; \
             run `git worktree add --detach` with a new folder and the snapshot's commit",
        ))
    }
}

fn index(repository: &gix::Repository, tree: TreeId) -> Result<gix::index::File, GitError> {
    repository.index_from_tree(&tree.object_id()).map_err(GitError::on(format!("read tree {tree}")))
}

fn files(index: &gix::index::State) -> Files {
    let entries = index.entries().iter().filter(|entry| entry.mode != Mode::COMMIT);
    entries.map(|entry| (entry.path(index).to_owned(), (entry.mode, entry.id))).collect()
}

fn submodules(index: &gix::index::State) -> Vec<SkippedFile> {
    let entries = index.entries().iter().filter(|entry| entry.mode == Mode::COMMIT);
    let left = |entry: &gix::index::Entry| SkippedFile {
        path: entry.path(index).to_string(),
        reason: "is a submodule".to_owned(),
    };
    entries.map(left).collect()
}

/// Returns whether something that a snapshot skipped is a file, or a folder above it.
fn covers(skipped: &str, name: &BStr) -> bool {
    let name = name.to_string();
    name.strip_prefix(skipped).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Creates what is not marked as left out. What is in the way stays, and is told.
fn checkout(
    repository: &gix::Repository,
    mut index: gix::index::File,
    folder: &Path,
) -> Result<Restored, GitError> {
    let failed = || format!("write files to {}", folder.display());
    let mut options = repository.checkout_options(Source::IdMapping).map_err(GitError::on(failed()))?;
    options.destination_is_initially_empty = true;
    options.overwrite_existing = false;
    options.keep_going = true;
    let wanted = |entry: &&gix::index::Entry| {
        !entry.flags.contains(Flags::SKIP_WORKTREE) && entry.mode != Mode::COMMIT
    };
    let count = index.entries().iter().filter(wanted).count();
    let objects = repository.objects.clone().into_arc().map_err(GitError::on(failed()))?;
    let never = AtomicBool::new(false);
    let outcome =
        gix::worktree::state::checkout(&mut index, folder, objects, &Discard, &Discard, &never, options)
            .map_err(GitError::on(failed()))?;
    let in_the_way = outcome.collisions.iter().map(|collision| SkippedFile {
        path: collision.path.to_string(),
        reason: format!("something else is in the way: {}", collision.error_kind),
    });
    let failures = outcome
        .errors
        .iter()
        .map(|error| SkippedFile { path: error.path.to_string(), reason: error.error.to_string() });
    let left: Vec<SkippedFile> = in_the_way.chain(failures).collect();
    Ok(Restored { written: count.saturating_sub(left.len()), removed: 0, left })
}

/// Removes a file or link, and the folders that are empty then; returns whether there was one.
///
/// A folder on the way that has become a link leads elsewhere, where nothing is touched.
fn remove(worktree: &Path, name: &BStr) -> Result<bool, GitError> {
    let path = worktree.join(Path::new(OsStr::from_bytes(name.as_bytes())));
    let folders: Vec<PathBuf> =
        path.ancestors().skip(1).take_while(|folder| *folder != worktree).map(Path::to_owned).collect();
    let is_folder = |folder: &PathBuf| folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if !folders.iter().all(is_folder) || !path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        return Ok(false);
    }
    fs::remove_file(&path)?;
    for folder in folders {
        if !fs::remove_empty_directory(&folder)? {
            break;
        }
    }
    Ok(true)
}
