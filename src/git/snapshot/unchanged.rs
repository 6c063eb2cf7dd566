//! Whether a worktree still is what the last snapshot took: one look at every file, without reading the base tree.
//!
//! This is what is done again and again while a run goes on, mostly to find that nothing has changed. The list of
//! files that the last snapshot left names each of them with the times that it had. When every one of them is as it
//! was and there is no other that git would take, the tree is the same as well. Whatever does not fit means "unknown",
//! and the whole walk answers.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::stat::Time;
use gix::index::entry::{Flags, Mode, Stat};
use gix::worktree::stack::state::ignore::Source;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode as Permissions, OFlags};

use super::View;
use super::known::{KnownFiles, STAT_OPTIONS};
use crate::git::TreeId;

/// How deep a worktree may be. Each level needs an open file.
const DEPTH_MAX: usize = 100;

/// A walk beside the sorted list of files.
struct Comparison<'view> {
    index: &'view gix::index::State,
    ignores: gix::AttributeStack<'view>,
    /// The entry that comes next.
    next: usize,
    /// The path that the walk has come to.
    path: Vec<u8>,
    stop: &'view AtomicBool,
}

/// Something in a folder.
struct Found {
    /// The name; that of a folder ends in `/`, as in the order of the list.
    name: Vec<u8>,
    kind: FileType,
}

/// Returns the tree of the worktree if that is surely `kept`, or `base` itself.
///
/// Whoever works there could write the list, and name a tree in it that is not whole. So only a tree counts that the
/// caller keeps already.
pub(super) fn unchanged(
    view: &View,
    base: TreeId,
    kept: Option<TreeId>,
    stop: &AtomicBool,
) -> Option<TreeId> {
    let (index, tree) = KnownFiles::load_whole(view, base)?;
    if tree != base && Some(tree) != kept {
        return None;
    }
    let ignores = view.repository.excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped).ok()?;
    let mut comparison = Comparison { index: &index, ignores, next: 0, path: Vec::new(), stop };
    let root = open_folder(CWD, view.folder.as_path())?;
    (comparison.is_same(root, 0) && comparison.index.entries().len() == comparison.next).then_some(tree)
}

impl Comparison<'_> {
    /// Returns whether everything in a folder is as it was.
    fn is_same(&mut self, folder: OwnedFd, depth: usize) -> bool {
        if depth > DEPTH_MAX || self.stop.load(Ordering::Relaxed) {
            return false;
        }
        let Some((folder, entries)) = list(folder) else { return false };
        entries.iter().all(|found| {
            if found.name == b".git" || found.name == b".git/" {
                // Anywhere else it makes a repository of its own of the folder.
                return depth == 0;
            }
            let length = self.path.len();
            self.path.extend_from_slice(&found.name);
            let is_same = if found.kind == FileType::Directory {
                self.is_same_folder(&folder, found, depth)
            } else {
                self.is_same_file(&folder, found)
            };
            self.path.truncate(length);
            is_same
        })
    }

    fn is_same_folder(&mut self, parent: &Dir, found: &Found, depth: usize) -> bool {
        let is_listed = self.next_path().is_some_and(|next| next.starts_with(&self.path));
        let name = &self.path[..self.path.len() - 1];
        if !is_listed && is_ignored(&mut self.ignores, name.as_bstr(), Mode::DIR) {
            return true;
        }
        let name = &found.name[..found.name.len() - 1];
        let opened = parent.fd().ok().and_then(|parent| open_folder(parent, name));
        opened.is_some_and(|folder| self.is_same(folder, depth + 1))
    }

    fn is_same_file(&mut self, parent: &Dir, found: &Found) -> bool {
        let name = self.path.as_bstr();
        if self.next_path() != Some(name) {
            return is_ignored(&mut self.ignores, name, Mode::FILE);
        }
        let entry = &self.index.entries()[self.next];
        self.next += 1;
        let stat = parent
            .fd()
            .and_then(|parent| rustix::fs::statat(parent, found.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW));
        let is_same = stat.is_ok_and(|stat| entry.stat.matches(&stat_of(&stat), STAT_OPTIONS));
        // What the base does not have may be ignored by now, by a file that is no part of the worktree.
        is_same
            && (!entry.flags.contains(Flags::INTENT_TO_ADD)
                || !is_ignored(&mut self.ignores, name, Mode::FILE))
    }

    fn next_path(&self) -> Option<&BStr> {
        self.index.entries().get(self.next).map(|entry| entry.path(self.index))
    }
}

fn is_ignored(ignores: &mut gix::AttributeStack<'_>, name: &BStr, mode: Mode) -> bool {
    ignores.at_entry(name, Some(mode)).is_ok_and(|platform| platform.is_excluded())
}

/// Opens a folder; a symbolic link is none.
fn open_folder(parent: impl AsFd, name: impl rustix::path::Arg) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Permissions::empty()).ok()
}

/// Lists a folder in the order of an index. `None`: it cannot be listed, or does not say what is a folder.
fn list(folder: OwnedFd) -> Option<(Dir, Vec<Found>)> {
    let mut folder = Dir::new(folder).ok()?;
    let mut entries = Vec::new();
    for entry in &mut folder {
        let entry = entry.ok()?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let (mut name, kind) = (name.to_vec(), entry.file_type());
        if kind == FileType::Unknown {
            return None;
        }
        if kind == FileType::Directory {
            name.push(b'/');
        }
        entries.push(Found { name, kind });
    }
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Some((folder, entries))
}

/// Returns what an index would say of a file.
fn stat_of(found: &rustix::fs::Stat) -> Stat {
    Stat {
        mtime: Time { secs: low_bits(found.st_mtime), nsecs: low_bits(found.st_mtime_nsec) },
        ctime: Time { secs: low_bits(found.st_ctime), nsecs: low_bits(found.st_ctime_nsec) },
        dev: low_bits(found.st_dev),
        ino: low_bits(found.st_ino),
        uid: found.st_uid,
        gid: found.st_gid,
        size: low_bits(found.st_size),
    }
}

/// Cuts a number as git does (`match_stat_data` in `statinfo.c`).
fn low_bits(number: impl Into<i128>) -> u32 {
    u32::try_from(number.into().rem_euclid(1 << 32)).unwrap_or_default()
}
