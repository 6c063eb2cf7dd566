//! Objects that survive a power cut: written, then synced, then named by a ref.
//!
//! gix never syncs, and git by default syncs neither loose objects nor refs. On its own that loses the
//! last seconds and no more. But any sync by anybody else commits the file system's journal, and with it
//! renamed files whose bytes were never written: empty objects, empty refs, a repository that git refuses
//! (measured on ext4 and xfs, with power cut by the block layer). So what this program makes a ref name
//! is synced first, all of it, inner trees included.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::Kind;

use super::{GitError, Repository};
use crate::os::clock;
use crate::os::fs::{self, FileError};

/// From this many objects on, one sync of the whole file system is cheaper than one for each.
const SYNC_EACH_MAX: usize = 200;

/// How often an object is written whose folder `git prune` takes away.
const WRITE_TRIES: usize = 5;

/// Objects being written that no ref names yet.
pub(super) struct ObjectBatch {
    repository: gix::Repository,
    written: BTreeSet<ObjectId>,
    purpose: Purpose,
    /// Whether a content was met that the repository does not have, in a batch that writes nothing.
    is_new: bool,
}

/// What a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Objects are written.
    Write,
    /// Only their ids are wanted.
    Look,
}

impl ObjectBatch {
    pub(super) fn new(repository: gix::Repository) -> Self {
        Self { repository, written: BTreeSet::new(), purpose: Purpose::Write, is_new: false }
    }

    /// Returns a batch that finds out ids and writes nothing.
    pub(super) fn looking(repository: gix::Repository) -> Self {
        Self { purpose: Purpose::Look, ..Self::new(repository) }
    }

    /// Returns the handle that objects are written through.
    pub(super) fn repository(&self) -> &gix::Repository {
        &self.repository
    }

    /// Writes an object, or finds it where it is already.
    pub(super) fn write(&mut self, kind: Kind, bytes: &[u8]) -> Result<ObjectId, GitError> {
        let failed = "write an object";
        let id = gix::objs::compute_hash(self.repository.object_hash(), kind, bytes)
            .map_err(GitError::on(failed))?;
        if self.purpose == Purpose::Look {
            self.is_new |= kind == Kind::Blob && !self.repository.objects.exists_without_refresh(&id);
            return Ok(id);
        }
        if self.written.contains(&id) {
            return Ok(id);
        }
        let path = loose_path(&self.repository, &id);
        match path.metadata() {
            // Left by a power cut. gix would see a file and not write; git would call the repository corrupt.
            Ok(metadata) if metadata.len() == 0 => fs::remove_file(&path)?,
            // Made by the agent or by an earlier start, perhaps not synced.
            Ok(_) if freshen(&path) => {
                self.written.insert(id);
                return Ok(id);
            }
            // Pruned in this moment.
            Ok(_) => {}
            // Asked of the object database itself: for the rest of gix the empty tree is always there, and
            // `git fsck` wants it there. One that was packed a moment ago is written again, which does no harm; looking for new packs
            // before each write costs as much as the write.
            Err(_) if self.repository.objects.exists_without_refresh(&id) => return Ok(id),
            Err(_) => {}
        }
        self.write_loose(kind, bytes, id)?;
        self.written.insert(id);
        Ok(id)
    }

    /// Writes a file. `git prune` removes folders that are empty, also one that was made for this very file.
    fn write_loose(&self, kind: Kind, bytes: &[u8], id: ObjectId) -> Result<(), GitError> {
        let write =
            || gix::objs::Write::write_buf_with_known_id(&self.repository.objects, kind, bytes, id).map(drop);
        let written = (1..WRITE_TRIES).find_map(|_| write().ok()).map_or_else(write, Ok);
        written.map_err(GitError::on("write an object"))
    }

    /// Applies edits to a tree and writes all trees that changed.
    ///
    /// `None` removes the path. Removals come first, so that a file may take the place of a folder.
    pub(super) fn edit_tree(&mut self, base: ObjectId, edits: &TreeEdits) -> Result<ObjectId, GitError> {
        if self.is_new {
            // A tree with contents that are nowhere is nobody's tree, and gix would miss them.
            return Ok(ObjectId::null(self.repository.object_hash()));
        }
        let failed = "write a tree";
        let mut in_memory = self.repository.clone().with_object_memory();
        let root = {
            let base = in_memory.find_tree(base).map_err(GitError::on(failed))?;
            let mut editor = base.edit().map_err(GitError::on(failed))?;
            for (path, _) in edits.iter().filter(|(_, edit)| edit.is_none()) {
                editor.remove(path.as_bstr()).map_err(GitError::on(failed))?;
            }
            for (path, edit) in edits {
                if let Some((kind, id)) = edit {
                    editor.upsert(path.as_bstr(), *kind, *id).map_err(GitError::on(failed))?;
                }
            }
            editor.write().map_err(GitError::on(failed))?.detach()
        };
        let trees = in_memory.objects.take_object_memory();
        for (kind, bytes) in trees.iter().flat_map(|trees| trees.values()) {
            self.write(*kind, bytes)?;
        }
        if root == ObjectId::empty_tree(root.kind()) {
            self.write(Kind::Tree, &[])?;
        }
        Ok(root)
    }

    /// Syncs everything written so far. After this, a ref may name it.
    ///
    /// Costs one sync a loose object and one a folder (on a journalling file system about 1 ms each, on
    /// a memory disk nothing), or one sync of the whole file system for more than 200 objects, which takes
    /// as long as everybody's unwritten bytes do.
    pub(super) fn sync(&mut self) -> Result<(), GitError> {
        let objects = self.repository.objects.store_ref().path().to_owned();
        if self.written.len() > SYNC_EACH_MAX && sync_file_system(&objects)? {
            self.written.clear();
            return Ok(());
        }
        let mut folders = BTreeSet::new();
        for id in std::mem::take(&mut self.written) {
            let path = loose_path(&self.repository, &id);
            let file = match File::open(&path) {
                Ok(file) => file,
                // Somebody has packed it meanwhile; git syncs packs.
                Err(_) if self.repository.has_object(id) => continue,
                Err(error) => return Err(FileError::on("open", &path)(error).into()),
            };
            file.sync_all().map_err(FileError::on("sync", &path))?;
            folders.extend(path.parent().map(Path::to_owned));
        }
        if !folders.is_empty() {
            folders.insert(objects);
        }
        folders.iter().try_for_each(|folder| fs::sync_directory(folder))?;
        Ok(())
    }
}

/// Makes a loose object as young as one that was just written, as git does with one that it finds
/// (`freshen_file` in `object-file.c`); returns whether it is still there.
///
/// `git gc` in the background prunes what no ref leads to and what is older than two weeks, and a ref is about to lead
/// here. Nothing keeps an object from `git prune --expire=now`, which asks for no age; plain `git commit` loses objects
/// to it as well.
fn freshen(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let now = u64::try_from(clock::now().unix_milliseconds()).unwrap_or_default();
    // The file of another user in a shared repository stays as it is.
    let _unchangeable = file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(now));
    true
}

impl Repository {
    /// Syncs all that anybody has written to the file system of the repository, where the operating system can.
    ///
    /// For commits that an agent made by itself: git has not synced what they are made of, and a ref of ours
    /// is about to lead there. Takes as long as everybody's unwritten bytes do.
    pub fn sync_all_objects(&self) -> Result<(), GitError> {
        sync_file_system(&self.common_dir().join("objects")).map(drop)
    }
}

/// What to put at a path of a tree, or `None` to remove it. Paths are bytes with `/` between components.
pub(super) type TreeEdits = BTreeMap<Vec<u8>, Option<(gix::objs::tree::EntryKind, ObjectId)>>;

/// Returns where an object lies when it is loose.
fn loose_path(repository: &gix::Repository, id: &ObjectId) -> PathBuf {
    let hex = id.to_string();
    repository.objects.store_ref().path().join(&hex[..2]).join(&hex[2..])
}

/// Syncs the file system that holds a folder, where the operating system can; returns whether it did.
fn sync_file_system(folder: &Path) -> Result<bool, GitError> {
    #[cfg(target_os = "linux")]
    {
        let file = File::open(folder).map_err(FileError::on("open", folder))?;
        rustix::fs::syncfs(&file).map_err(|error| FileError::on("sync", folder)(error.into()))?;
        Ok(true)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        Ok(false)
    }
}
