//! One look at every file of the worktree.
//!
//! A walk of our own rather than gix's: gix stops at nested repositories and at folders it cannot read,
//! and here neither may cost the rest.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{DirEntry, FileType};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Mode, Stat};
use gix::objs::Kind;
use gix::objs::tree::EntryKind;
use gix::worktree::stack::state::ignore::Source;

use super::blob::{self, BlobReader, Opened};
use super::known::{FilesTaken, Gaps, KnownFiles, Tracked};
use super::{NestedKind, NestedRepository, Rereading, SkippedFile, Snapshot, View};
use crate::git::objects::{ObjectBatch, TreeEdits};
use crate::git::{GitError, TreeId};

pub(super) struct Walk<'view> {
    view: &'view View,
    /// The base tree as a sorted list; what is in it counts as tracked.
    index: gix::index::File,
    /// For each entry of the index, whether it stays or was replaced by an edit.
    settled: Vec<bool>,
    known: KnownFiles,
    rereading: Rereading,
    taken: FilesTaken,
    ignores: gix::AttributeStack<'view>,
    reader: BlobReader<'view>,
    abilities: gix::fs::Capabilities,
    submodules: BTreeSet<BString>,
    batch: ObjectBatch,
    edits: TreeEdits,
    nested: Vec<NestedRepository>,
    skipped: Vec<SkippedFile>,
    ignored: Vec<PathBuf>,
    pending: Vec<Folder>,
}

/// A folder to look into.
struct Folder {
    name: BString,
    ignored: Ignored,
}

/// Whether a folder is ignored, so that only what is tracked in it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ignored {
    No,
    Yes,
}

impl<'view> Walk<'view> {
    pub(super) fn new(
        view: &'view View,
        base: TreeId,
        batch: ObjectBatch,
        rereading: Rereading,
    ) -> Result<Self, GitError> {
        let repository = &view.repository;
        let mut index = repository
            .index_from_tree(&base.object_id())
            .map_err(GitError::on(format!("read tree {base}")))?;
        mark_sparse(view, &mut index)?;
        let ignores = repository
            .excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped)
            .map_err(GitError::on("read the ignore files"))?;
        Ok(Self {
            reader: BlobReader::new(view, &index)?,
            known: KnownFiles::load(view, rereading),
            rereading,
            taken: FilesTaken::new(),
            abilities: repository.filesystem_options().map_err(GitError::on("read core.fileMode"))?,
            submodules: submodules(view, &index),
            settled: vec![false; index.entries().len()],
            view,
            index,
            ignores,
            batch,
            edits: TreeEdits::new(),
            nested: Vec::new(),
            skipped: Vec::new(),
            ignored: Vec::new(),
            pending: vec![Folder { name: BString::default(), ignored: Ignored::No }],
        })
    }

    /// Looks at everything; returns whether it came to the end before it was told to stop.
    pub(super) fn run(&mut self, stop: &AtomicBool) -> Result<bool, GitError> {
        while let Some(folder) = self.pending.pop() {
            self.look_into(&folder, stop)?;
        }
        Ok(!stop.load(Ordering::Relaxed))
    }

    /// Returns what is ignored, as far as the walk has come.
    pub(super) fn take_ignored(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.ignored)
    }

    /// Returns what differs from the base tree, once the walk has come to its end. Bytes that are not UTF-8 are replaced.
    pub(super) fn changed(&mut self) -> Vec<String> {
        self.settle_deleted();
        self.edits.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
    }

    fn settle_deleted(&mut self) {
        for (entry, settled) in self.index.entries().iter().zip(&self.settled) {
            // A sparse checkout leaves files out on purpose.
            if !settled && !entry.flags.contains(Flags::SKIP_WORKTREE) {
                self.edits.entry(entry.path(&self.index).to_vec()).or_insert(None);
            }
        }
    }

    /// Writes the tree and syncs it.
    pub(super) fn finish(mut self, base: TreeId) -> Result<Snapshot, GitError> {
        self.settle_deleted();
        let tree = TreeId::new(self.batch.edit_tree(base.object_id(), &self.edits)?);
        self.batch.sync()?;
        if self.rereading == Rereading::SinceTaken {
            let gaps = self.gaps();
            // It only saves time; without it the next snapshot reads more.
            drop(self.taken.save(self.view, base, tree, gaps));
        }
        self.nested.sort_by(|one, other| one.path.cmp(&other.path));
        self.skipped.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Snapshot { tree, nested: self.nested, skipped: self.skipped })
    }

    /// Returns whether the tree has what no list of files tells, or lacks something.
    fn gaps(&self) -> Gaps {
        let is_special = |entry: &gix::index::Entry| {
            entry.mode == Mode::COMMIT || entry.flags.contains(Flags::SKIP_WORKTREE)
        };
        let is_whole =
            self.skipped.is_empty() && self.nested.is_empty() && !self.index.entries().iter().any(is_special);
        if is_whole { Gaps::None } else { Gaps::Some }
    }

    fn look_into(&mut self, folder: &Folder, stop: &AtomicBool) -> Result<(), GitError> {
        let entries = std::fs::read_dir(self.path(folder.name.as_ref()))
            .and_then(Iterator::collect::<Result<Vec<DirEntry>, _>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let below = self.tracked_below(folder.name.as_ref());
                self.settle_all(below);
                self.skip(folder.name.as_ref(), format!("cannot be listed: {error}"));
                return Ok(());
            }
        };
        let is_root = folder.name.is_empty();
        if !is_root && entries.iter().any(|entry| entry.file_name() == ".git") {
            self.nested.push(NestedRepository { path: folder.name.to_string(), kind: NestedKind::Files });
        }
        for entry in entries {
            if stop.load(Ordering::Relaxed) {
                self.pending.clear();
                return Ok(());
            }
            let leaf = BString::from(entry.file_name().into_vec());
            if leaf == ".git" {
                continue;
            }
            let mut name = folder.name.clone();
            if !is_root {
                name.push(b'/');
            }
            name.extend_from_slice(&leaf);
            match entry.file_type() {
                Ok(kind) => self.meet(folder, name, leaf.as_ref(), kind)?,
                Err(error) => self.skip_and_keep(name.as_ref(), format!("cannot be read: {error}")),
            }
        }
        Ok(())
    }

    fn meet(&mut self, folder: &Folder, name: BString, leaf: &BStr, kind: FileType) -> Result<(), GitError> {
        let mode = if kind.is_dir() { Mode::DIR } else { Mode::FILE };
        let tracked = self.tracked(name.as_ref());
        let below = if kind.is_dir() { self.tracked_below(name.as_ref()) } else { None };
        let is_tracked = tracked.is_some() || below.is_some();
        let ignored = match folder.ignored {
            // Whether a tracked file is ignored makes no difference, and costs the most to find out.
            Ignored::No if tracked.is_some() && !kind.is_dir() => Ignored::No,
            Ignored::No if !self.is_ignored(name.as_ref(), mode) => Ignored::No,
            Ignored::No | Ignored::Yes => Ignored::Yes,
        };
        if ignored == Ignored::Yes && !is_tracked {
            self.ignored.push(PathBuf::from(OsStr::from_bytes(&name)));
            return Ok(());
        }
        if let Err(error) = gix::validate::path::component(leaf, None, name_rules()) {
            self.settle_all(below);
            self.skip_and_keep(name.as_ref(), format!("has a name that git refuses: {error}"));
            return Ok(());
        }
        if kind.is_dir() {
            self.meet_folder(Folder { name, ignored }, tracked);
            return Ok(());
        }
        let tracked = tracked.filter(|position| !self.is_gitlink(*position));
        if kind.is_symlink() {
            self.store_link(name.as_ref(), tracked)
        } else if kind.is_file() {
            self.store_file(name.as_ref(), tracked)
        } else {
            self.skip_and_keep(name.as_ref(), "is neither a file nor a symbolic link".to_owned());
            Ok(())
        }
    }

    /// Looks into a folder later, unless it is a submodule.
    fn meet_folder(&mut self, folder: Folder, tracked: Option<usize>) {
        if let Some(position) = tracked.filter(|position| self.is_gitlink(*position)) {
            let name = folder.name.as_ref();
            let is_empty = std::fs::read_dir(self.path(name)).is_ok_and(|mut all| all.next().is_none());
            if is_empty || self.submodules.contains(&folder.name) {
                if !is_empty {
                    self.nested
                        .push(NestedRepository { path: name.to_string(), kind: NestedKind::Submodule });
                }
                self.settle(Some(position));
                return;
            }
        }
        self.pending.push(folder);
    }

    fn store_link(&mut self, name: &BStr, tracked: Option<usize>) -> Result<(), GitError> {
        let path = self.path(name);
        let stat = gix::index::fs::Metadata::from_path_no_follow(&path).ok();
        let stat = stat.and_then(|all| Stat::from_fs(&all).ok());
        match std::fs::read_link(path) {
            Ok(target) => {
                let id = self.batch.write(Kind::Blob, target.as_os_str().as_bytes())?;
                self.taken.note_link(name, id, stat, is_tracked(tracked));
                self.put(name, tracked, EntryKind::Link, id);
            }
            Err(error) => self.skip_and_keep(name, format!("cannot be read: {error}")),
        }
        Ok(())
    }

    fn store_file(&mut self, name: &BStr, tracked: Option<usize>) -> Result<(), GitError> {
        let path = self.path(name);
        let known = gix::index::fs::Metadata::from_path_no_follow(&path).ok().and_then(|metadata| {
            let stat = Stat::from_fs(&metadata).ok()?;
            let id = self.unchanged(tracked, name, &stat)?;
            let found = if metadata.is_executable() { EntryKind::BlobExecutable } else { EntryKind::Blob };
            Some((self.mode(tracked, found), id, stat))
        });
        if let Some((mode, id, stat)) = known {
            self.taken.note_known(name, id, stat, is_tracked(tracked));
            self.put(name, tracked, mode, id);
            return Ok(());
        }
        let (file, metadata) = match blob::open(&path) {
            Ok(Opened::File(file, metadata)) => (file, metadata),
            Ok(Opened::Special) => {
                self.skip_and_keep(name, "is neither a file nor a symbolic link".to_owned());
                return Ok(());
            }
            Err(error) => {
                self.skip_and_keep(name, format!("cannot be read: {error}"));
                return Ok(());
            }
        };
        let mode = self.mode(tracked, blob::kind(metadata.permissions().mode()));
        let stat = gix::index::fs::Metadata::from_file(&file).ok().and_then(|all| Stat::from_fs(&all).ok());
        match self.reader.read(name, file, metadata.len(), &self.index) {
            Ok(bytes) => {
                let id = self.batch.write(Kind::Blob, &bytes)?;
                self.taken.note_read(name, id, stat, is_tracked(tracked));
                self.put(name, tracked, mode, id);
            }
            Err(reason) => self.skip_and_keep(name, reason),
        }
        Ok(())
    }

    /// Returns what a file holds, where that is sure without a look into it.
    ///
    /// Whoever works there could write what is known of the files; so what the base tree does not name has to exist.
    fn unchanged(&self, tracked: Option<usize>, name: &BStr, stat: &Stat) -> Option<ObjectId> {
        let (mode, id) = self.known.untouched(name, stat)?;
        if !matches!(kind_of(mode), Some(EntryKind::Blob | EntryKind::BlobExecutable)) {
            return None;
        }
        let base = tracked.map(|position| &self.index.entries()[position]).filter(|entry| {
            entry.id == id && matches!(kind_of(entry.mode), Some(EntryKind::Blob | EntryKind::BlobExecutable))
        });
        let is_sure = match self.rereading {
            Rereading::SinceMade => base.is_some(),
            Rereading::SinceTaken => base.is_some() || self.batch.repository().has_object(id),
        };
        is_sure.then_some(id)
    }

    /// Returns the mode to store: where the file system has no executable bit or no links, what was there stays.
    fn mode(&self, tracked: Option<usize>, found: EntryKind) -> EntryKind {
        let before = tracked.and_then(|position| kind_of(self.index.entries()[position].mode));
        match before {
            Some(EntryKind::Link) if !self.abilities.symlink => EntryKind::Link,
            Some(EntryKind::BlobExecutable) if !self.abilities.executable_bit => EntryKind::BlobExecutable,
            _ if !self.abilities.executable_bit => EntryKind::Blob,
            _ => found,
        }
    }

    fn put(&mut self, name: &BStr, tracked: Option<usize>, mode: EntryKind, id: ObjectId) {
        self.settle(tracked);
        let same = tracked.is_some_and(|position| {
            let entry = &self.index.entries()[position];
            entry.id == id && kind_of(entry.mode) == Some(mode)
        });
        if !same {
            self.edits.insert(name.to_vec(), Some((mode, id)));
        }
    }

    fn tracked(&self, name: &BStr) -> Option<usize> {
        self.index.entry_index_by_path(name).ok()
    }

    fn is_gitlink(&self, position: usize) -> bool {
        self.index.entries()[position].mode == Mode::COMMIT
    }

    fn settle(&mut self, position: Option<usize>) {
        if let Some(settled) = position.and_then(|position| self.settled.get_mut(position)) {
            *settled = true;
        }
    }

    fn is_ignored(&mut self, name: &BStr, mode: Mode) -> bool {
        self.ignores.at_entry(name, Some(mode)).is_ok_and(|platform| platform.is_excluded())
    }

    fn skip(&mut self, name: &BStr, reason: String) {
        self.skipped.push(SkippedFile { path: name.to_string(), reason });
    }

    /// Leaves a file as the base tree has it, and reports it.
    fn skip_and_keep(&mut self, name: &BStr, reason: String) {
        let tracked = self.tracked(name);
        self.settle(tracked);
        self.skip(name, reason);
    }

    /// Leaves entries as the base tree has them.
    fn settle_all(&mut self, entries: Option<Range<usize>>) {
        if let Some(settled) = entries.and_then(|entries| self.settled.get_mut(entries)) {
            settled.fill(true);
        }
    }

    /// Returns the entries of the base tree below a folder.
    fn tracked_below(&self, folder: &BStr) -> Option<Range<usize>> {
        let mut prefix = folder.to_owned();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        self.index.prefixed_entries_range(prefix.as_ref())
    }

    fn path(&self, name: &BStr) -> PathBuf {
        self.view.folder.join(Path::new(OsStr::from_bytes(name)))
    }
}

/// What git on Linux refuses in a name, by its defaults (`core.protectNTFS`, `core.protectHFS`).
fn name_rules() -> gix::validate::path::component::Options {
    gix::validate::path::component::Options { protect_windows: false, protect_hfs: false, protect_ntfs: true }
}

fn is_tracked(position: Option<usize>) -> Tracked {
    if position.is_some() { Tracked::Yes } else { Tracked::No }
}

fn kind_of(mode: Mode) -> Option<EntryKind> {
    mode.to_tree_entry_mode().map(|mode| mode.kind())
}

/// Marks what a sparse checkout leaves out, as its own patterns say.
pub(super) fn mark_sparse(view: &View, index: &mut gix::index::File) -> Result<(), GitError> {
    let config = view.repository.config_snapshot();
    let Some(git_dir) =
        view.git_dir.as_deref().filter(|_| config.boolean("core.sparseCheckout") == Some(true))
    else {
        return Ok(());
    };
    let failed = "read the sparse-checkout patterns";
    let Some(patterns) = gix::worktree::sparse::read_patterns(git_dir).map_err(GitError::on(failed))? else {
        return Ok(());
    };
    let cone = config.boolean("core.sparseCheckoutCone") == Some(true);
    let source = git_dir.join("info/sparse-checkout");
    gix::worktree::sparse::apply_patterns(
        index,
        &patterns,
        &source,
        cone,
        gix::glob::pattern::Case::Sensitive,
    )
    .map_err(GitError::on(failed))
}

/// Returns the paths that `.gitmodules` registers, on the disk or in the base tree.
///
/// A link to a commit at any other path is a repository that the agent made and committed by accident.
fn submodules(view: &View, index: &gix::index::File) -> BTreeSet<BString> {
    let name = BStr::new(".gitmodules");
    let in_base = index
        .entry_by_path(name)
        .and_then(|entry| view.repository.find_blob(entry.id).ok())
        .map(|mut blob| std::mem::take(&mut blob.data));
    let on_disk = match blob::open(&view.folder.join(".gitmodules")) {
        Ok(Opened::File(file, _)) => {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(file, blob::FILE_BYTES_MAX), &mut text)
                .is_ok()
                .then_some(text)
        }
        Ok(Opened::Special) | Err(_) => None,
    };
    in_base.iter().chain(&on_disk).flat_map(|text| registered_paths(text)).collect()
}

fn registered_paths(text: &[u8]) -> Vec<BString> {
    let metadata = gix::config::file::Metadata::from(gix::config::Source::Local);
    let Ok(file) = gix::config::File::from_bytes_no_includes(
        text,
        metadata,
        gix::config::file::init::Options::default(),
    ) else {
        return Vec::new();
    };
    let sections = file.sections_by_name("submodule").into_iter().flatten();
    sections
        .filter_map(|section| section.value("path"))
        .map(|path| path.trim_end_with(|c| c == '/').into())
        .collect()
}
