//! Which files have not been touched since the worktree was made.
//!
//! A copy of the index that filled the worktree, under a name that git does not use. It only saves
//! reading files: without it, or with a wrong one, every file is read.

use std::path::{Path, PathBuf};

use gix::bstr::BStr;
use gix::index::entry::{Flags, Stat};

use super::View;
use crate::git::GitError;
use crate::os::fs;

const NAME: &str = "claudedo-index";

/// What the files looked like.
pub(super) struct KnownFiles {
    index: Option<gix::index::File>,
    options: gix::index::entry::stat::Options,
}

impl KnownFiles {
    pub(super) fn load(view: &View) -> Result<Self, GitError> {
        let options =
            view.repository.stat_options().map_err(GitError::on("read the file system's settings"))?;
        let index = view.git_dir.as_deref().map(path).and_then(|path| {
            let hash = view.repository.object_hash();
            gix::index::File::at(path, hash, false, gix::index::decode::Options::default()).ok()
        });
        Ok(Self { index, options })
    }

    /// Returns whether a file surely holds what `id` holds.
    ///
    /// A file written in the same instant as the index may have changed without a trace, and counts as touched.
    pub(super) fn is_untouched(
        &self,
        name: &BStr,
        id: &gix::oid,
        metadata: &gix::index::fs::Metadata,
    ) -> bool {
        let Some(index) = &self.index else { return false };
        let Some(entry) = index.entry_by_path(name).filter(|entry| entry.id == id) else { return false };
        let unsure = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD;
        let Ok(stat) = Stat::from_fs(metadata) else { return false };
        !entry.flags.intersects(unsure)
            && entry.stat.matches(&stat, self.options)
            && !entry.stat.is_racy(index.timestamp(), self.options)
    }

    /// Fills in what the files looked like, so that git need not read those that stayed the same.
    ///
    /// A file whose look has changed since does not match it, and is read by git.
    pub(super) fn copy_times_to(&self, index: &mut gix::index::File) {
        let Some(known) = &self.index else { return };
        for (entry, path) in index.entries_mut_with_paths() {
            if let Some(old) = known.entry_by_path(path).filter(|old| old.id == entry.id) {
                entry.stat = old.stat;
            }
        }
    }
}

/// Copies the index of a worktree that was just made.
pub(super) fn remember(view: &View) -> Result<(), GitError> {
    let Some(git_dir) = view.git_dir.as_deref() else { return Ok(()) };
    match fs::read_optional(&git_dir.join("index"))? {
        Some(bytes) => Ok(fs::write_derived(&path(git_dir), &bytes)?),
        None => Ok(()),
    }
}

fn path(git_dir: &Path) -> PathBuf {
    git_dir.join(NAME)
}
