//! Which files have not been touched since the worktree was made.
//!
//! A copy of the index that filled the worktree, under a name that git does not use. It only saves
//! reading files: without it, or with a wrong one, every file is read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::bstr::BStr;
use gix::index::entry::{Flags, Stat};

use super::View;
use crate::git::{GitError, TreeId};
use crate::os::fs;

const NAME: &str = "claudedo-index";

/// Every field counts, to the nanosecond. git leaves parts out for file systems that forget them; here that
/// costs a second look and no more. Without nanoseconds, all files of a worktree made within one second would
/// count as touched.
const STAT_OPTIONS: gix::index::entry::stat::Options = gix::index::entry::stat::Options {
    trust_ctime: true,
    use_nsec: true,
    use_stdev: false,
    check_stat: true,
};

/// What the files looked like.
pub(super) struct KnownFiles {
    index: Option<gix::index::File>,
}

impl KnownFiles {
    pub(super) fn load(view: &View) -> Self {
        let index = view.git_dir.as_deref().map(path).and_then(|path| {
            let hash = view.repository.object_hash();
            gix::index::File::at(path, hash, false, gix::index::decode::Options::default()).ok()
        });
        Self { index }
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
            && entry.stat.matches(&stat, STAT_OPTIONS)
            && !entry.stat.is_racy(index.timestamp(), STAT_OPTIONS)
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

/// Replaces the worktree's index by that of a tree. Files that are surely as they were keep their times in it;
/// git looks at the others once and remembers them.
pub(super) fn set_index(view: &View, tree: TreeId) -> Result<(), GitError> {
    let Some(git_dir) = view.git_dir.as_deref() else { return Ok(()) };
    let known = KnownFiles::load(view);
    let mut index = view
        .repository
        .index_from_tree(&tree.object_id())
        .map_err(GitError::on(format!("read tree {tree}")))?;
    super::walk::mark_sparse(view, &mut index)?;
    for (entry, name) in index.entries_mut_with_paths() {
        let file = view.folder.join(Path::new(OsStr::from_bytes(name)));
        let Ok(metadata) = gix::index::fs::Metadata::from_path_no_follow(&file) else { continue };
        if known.is_untouched(name, &entry.id, &metadata)
            && let Ok(stat) = Stat::from_fs(&metadata)
        {
            entry.stat = stat;
        }
    }
    let mut bytes = Vec::new();
    index
        .write_to(&mut bytes, gix::index::write::Options::default())
        .map_err(GitError::on(format!("encode the index of {}", view.folder.display())))?;
    Ok(fs::write_atomic(&git_dir.join("index"), &bytes)?)
}

pub(super) fn path(git_dir: &Path) -> PathBuf {
    git_dir.join(NAME)
}
