//! Which files have not been touched since the worktree was made, or since the last snapshot.
//!
//! Two files in the form of an index, under names that git does not use: a copy of the index that filled the
//! worktree, and the files as the last snapshot took them, untracked ones included. They only save reading files:
//! without them every file is read. What a run leaves behind is taken with the first alone, because a file may
//! change without a trace (through memory that is mapped, or twice within one tick of the clock), and the more often
//! a file was looked at while somebody wrote it, the likelier that is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::index::entry::{Flags, Mode, Stat};

use super::{Rereading, View};
use crate::git::{GitError, TreeId};
use crate::os::{clock, fs};
use crate::timestamp::Timestamp;

/// The files as they were when the worktree was made.
const AS_MADE: &str = "claudedo-index";

/// The files as the last snapshot took them.
const AS_TAKEN: &str = "claudedo-files";

/// A file written so shortly before it was read may be written again without a trace: some file systems count
/// in steps of two seconds.
const FRESH_SECONDS: i64 = 2;

/// Names that no file can have, for the trees that a list without gaps is of.
const BASE_TREE: &str = ".git/base";
const TAKEN_TREE: &str = ".git/taken";

/// Every field counts, to the nanosecond. git leaves parts out for file systems that forget them; here that
/// costs a second look and no more. Without nanoseconds, all files of a worktree made within one second would
/// count as touched.
pub(super) const STAT_OPTIONS: gix::index::entry::stat::Options = gix::index::entry::stat::Options {
    trust_ctime: true,
    use_nsec: true,
    use_stdev: false,
    check_stat: true,
};

/// What the files looked like.
pub(super) struct KnownFiles {
    index: Option<gix::index::File>,
    source: Source,
}

/// Who wrote down what the files look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// git or gix, when the worktree was made.
    AsMade,
    /// A snapshot, which left out what was too fresh to be sure of.
    AsTaken,
}

/// What the files look like now, for the next snapshot.
pub(super) struct FilesTaken {
    begun: Timestamp,
    files: Vec<(BString, ObjectId, Stat, Tracked)>,
    news: News,
    gaps: Gaps,
}

/// Whether the base tree has something under a file's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracked {
    No,
    Yes,
}

/// Whether anything was read that was not known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Some,
}

/// Whether the list lacks anything that is in the tree, or the tree anything that is in the worktree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
    None,
    Some,
}

impl KnownFiles {
    pub(super) fn load(view: &View, rereading: Rereading) -> Self {
        if rereading == Rereading::SinceTaken
            && let Some(index) = load(view, AS_TAKEN)
        {
            return Self { index: Some(index), source: Source::AsTaken };
        }
        Self { index: load(view, AS_MADE), source: Source::AsMade }
    }

    /// Loads the list of the last snapshot and its tree, if it was taken upon this base and the list has no gaps.
    pub(super) fn load_whole(view: &View, base: TreeId) -> Option<(gix::index::File, TreeId)> {
        let mut index = load(view, AS_TAKEN)?;
        let (of, tree) = trees(&index)?;
        if of != base {
            return None;
        }
        index.remove_entries(|_, path, _| is_tree(path));
        Some((index, tree))
    }

    /// Returns whether a file surely holds what `id` holds.
    pub(super) fn is_untouched(
        &self,
        name: &BStr,
        id: &gix::oid,
        metadata: &gix::index::fs::Metadata,
    ) -> bool {
        Stat::from_fs(metadata)
            .is_ok_and(|stat| self.untouched(name, &stat).is_some_and(|(_, known)| known == id))
    }

    /// Returns what a file surely holds.
    ///
    /// A file written in the same instant as the index may have changed without a trace, and counts as touched.
    pub(super) fn untouched(&self, name: &BStr, stat: &Stat) -> Option<(Mode, ObjectId)> {
        let index = self.index.as_ref()?;
        let entry = index.entry_by_path(name)?;
        let unsure = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD;
        let is_sure = entry.stat.matches(stat, STAT_OPTIONS)
            && (self.source == Source::AsTaken
                || !entry.flags.intersects(unsure) && !entry.stat.is_racy(index.timestamp(), STAT_OPTIONS));
        is_sure.then_some((entry.mode, entry.id))
    }
}

impl FilesTaken {
    /// Returns none; every file is looked at after this moment.
    pub(super) fn new() -> Self {
        Self { begun: clock::now(), files: Vec::new(), news: News::None, gaps: Gaps::None }
    }

    /// Notes a file that was known.
    pub(super) fn note_known(&mut self, name: &BStr, id: ObjectId, stat: Stat, tracked: Tracked) {
        self.files.push((name.to_owned(), id, stat, tracked));
    }

    /// Notes a file that was read. `stat` is from before that.
    pub(super) fn note_read(&mut self, name: &BStr, id: ObjectId, stat: Option<Stat>, tracked: Tracked) {
        self.news = News::Some;
        self.note_link(name, id, stat, tracked);
    }

    /// Notes a symbolic link, which is read whether it is known or not.
    pub(super) fn note_link(&mut self, name: &BStr, id: ObjectId, stat: Option<Stat>, tracked: Tracked) {
        let fresh = self.begun.unix_seconds() - FRESH_SECONDS;
        // Whoever writes cannot choose the time of the last change, other than that of the content.
        match stat.filter(|stat| i64::from(stat.ctime.secs) < fresh) {
            Some(stat) => self.files.push((name.to_owned(), id, stat, tracked)),
            None => self.gaps = Gaps::Some,
        }
    }

    /// Keeps what was noted, if there is anything new. `gaps` are those that the walk knows of.
    pub(super) fn save(self, view: &View, base: TreeId, tree: TreeId, gaps: Gaps) -> Result<(), GitError> {
        let Some(git_dir) = view.git_dir.as_deref() else { return Ok(()) };
        let is_whole = self.gaps == Gaps::None && gaps == Gaps::None;
        let is_known = || load(view, AS_TAKEN).and_then(|index| trees(&index)) == Some((base, tree));
        if self.news == News::None && (!is_whole || is_known()) {
            return Ok(());
        }
        let mut state = gix::index::State::new(view.repository.object_hash());
        for (name, id, stat, tracked) in self.files {
            let flags = match tracked {
                Tracked::Yes => Flags::empty(),
                Tracked::No => Flags::INTENT_TO_ADD | Flags::EXTENDED,
            };
            // Whether one is executable is looked at anyway.
            state.dangerously_push_entry(stat, id, flags, Mode::FILE, name.as_ref());
        }
        for (name, tree) in [(BASE_TREE, base), (TAKEN_TREE, tree)].into_iter().filter(|_| is_whole) {
            let id = tree.object_id();
            state.dangerously_push_entry(Stat::default(), id, Flags::empty(), Mode::DIR, name.into());
        }
        state.sort_entries();
        let path = git_dir.join(AS_TAKEN);
        let mut bytes = Vec::new();
        gix::index::File::from_state(state, &path)
            .write_to(&mut bytes, gix::index::write::Options::default())
            .map_err(GitError::on(format!("encode {}", path.display())))?;
        Ok(fs::write_derived(&path, &bytes)?)
    }
}

/// Returns the base that a list without gaps was taken upon, and the tree that was taken.
fn trees(index: &gix::index::File) -> Option<(TreeId, TreeId)> {
    let tree = |name: &str| Some(TreeId::new(index.entry_by_path(name.into())?.id));
    Some((tree(BASE_TREE)?, tree(TAKEN_TREE)?))
}

fn is_tree(path: &BStr) -> bool {
    path == BASE_TREE || path == TAKEN_TREE
}

fn load(view: &View, name: &str) -> Option<gix::index::File> {
    let path = view.git_dir.as_deref()?.join(name);
    let hash = view.repository.object_hash();
    // One thread is enough: starting more costs as much as they would save.
    let options = gix::index::decode::Options { thread_limit: Some(1), ..Default::default() };
    gix::index::File::at(path, hash, false, options).ok()
}

/// Copies the index of a worktree that was just made.
pub(super) fn remember(view: &View) -> Result<(), GitError> {
    let Some(git_dir) = view.git_dir.as_deref() else { return Ok(()) };
    match fs::read_optional(&git_dir.join("index"))? {
        Some(bytes) => Ok(fs::write_derived(&git_dir.join(AS_MADE), &bytes)?),
        None => Ok(()),
    }
}

/// Replaces the worktree's index by that of a tree. Files that are surely as they were keep their times in it;
/// git looks at the others once and remembers them.
pub(super) fn set_index(view: &View, tree: TreeId) -> Result<(), GitError> {
    let Some(git_dir) = view.git_dir.as_deref() else { return Ok(()) };
    let known = KnownFiles::load(view, Rereading::SinceMade);
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

/// Returns whether a private git directory has what only this program writes into one.
pub(super) fn is_known(git_dir: &Path) -> bool {
    git_dir.join(AS_MADE).symlink_metadata().is_ok()
}
