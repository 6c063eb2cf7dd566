//! Trees that were committed: one file read, one folder listed, many folders walked.
//!
//! Walking reads trees and never blobs, and the caller may leave out any folder by its id: a tree that was
//! seen before has not changed, which is what makes a cache keyed by ids exact.

use gix::ObjectId;
use gix::objs::TreeRefIter;

use super::{BlobId, CommitId, GitError, Repository, TreeId};

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the folder. Bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A folder.
    Folder(TreeId),
    /// A file, executable or not, or a symbolic link.
    File(BlobId),
    /// A submodule.
    Submodule(CommitId),
}

/// What a walk does after a folder was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Goes into it.
    Enter,
    /// Leaves it out.
    Skip,
}

impl Repository {
    /// Returns what is at a path of a tree, or `None` when there is nothing. `path` has `/` between names.
    pub fn lookup(&self, tree: TreeId, path: &str) -> Result<Option<EntryKind>, GitError> {
        lookup(&self.local(), tree, path)
    }

    /// Reads a file of a tree, or returns `None` when there is no such file. `path` has `/` between names.
    pub fn read_file(&self, tree: TreeId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        match lookup(&self.local(), tree, path)? {
            Some(EntryKind::File(blob)) => self.read_blob(blob).map(Some),
            Some(EntryKind::Folder(_) | EntryKind::Submodule(_)) | None => Ok(None),
        }
    }

    /// Returns the id that a blob of these bytes has here. Nothing is written.
    ///
    /// Bytes made to collide under SHA-1 have no id; the answer for them is all zeros, which no blob has.
    pub fn blob_id_of(&self, bytes: &[u8]) -> BlobId {
        let hash = self.object_hash();
        let id = gix::objs::compute_hash(hash, gix::objs::Kind::Blob, bytes);
        BlobId::new(id.unwrap_or_else(|_| ObjectId::null(hash)))
    }

    /// Reads a blob.
    pub fn read_blob(&self, blob: BlobId) -> Result<Vec<u8>, GitError> {
        let repository = self.local();
        let mut found =
            repository.find_blob(blob.object_id()).map_err(GitError::on(format!("read blob {blob}")))?;
        Ok(std::mem::take(&mut found.data))
    }

    /// Lists a folder of a tree, sorted by name; empty when there is no such folder. `""` is the root.
    pub fn list_folder(&self, tree: TreeId, path: &str) -> Result<Vec<Entry>, GitError> {
        let repository = self.local();
        let folder =
            if path.is_empty() { Some(EntryKind::Folder(tree)) } else { lookup(&repository, tree, path)? };
        let Some(EntryKind::Folder(folder)) = folder else { return Ok(Vec::new()) };
        let mut buffer = Vec::new();
        entries(&repository, folder.object_id(), &mut buffer)
    }

    /// Shows every entry below a tree, parents before children, without reading any blob.
    ///
    /// `visit` gets the path from the tree's root and says, for a folder, whether to go in; for a file its
    /// answer does not matter. About 10 µs a folder when packed.
    pub fn walk_tree(
        &self,
        tree: TreeId,
        visit: &mut dyn FnMut(&str, EntryKind) -> Visit,
    ) -> Result<(), GitError> {
        let repository = self.local();
        let mut buffer = Vec::new();
        let mut pending = vec![(String::new(), tree.object_id())];
        while let Some((folder, id)) = pending.pop() {
            let mut folders = Vec::new();
            for entry in entries(&repository, id, &mut buffer)? {
                let path = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
                let answer = visit(&path, entry.kind);
                if let (EntryKind::Folder(child), Visit::Enter) = (entry.kind, answer) {
                    folders.push((path, child.object_id()));
                }
            }
            pending.extend(folders.into_iter().rev());
        }
        Ok(())
    }
}

fn lookup(repository: &gix::Repository, tree: TreeId, path: &str) -> Result<Option<EntryKind>, GitError> {
    let failed = || format!("read tree {tree}");
    let tree = repository.find_tree(tree.object_id()).map_err(GitError::on(failed()))?;
    let entry = tree.lookup_entry(path.split('/')).map_err(GitError::on(failed()))?;
    Ok(entry.map(|entry| kind(entry.mode(), entry.object_id())))
}

pub(super) fn entries(
    repository: &gix::Repository,
    id: ObjectId,
    buffer: &mut Vec<u8>,
) -> Result<Vec<Entry>, GitError> {
    let failed = || format!("read tree {id}");
    let data = gix::objs::Find::try_find(&repository.objects, &id, buffer).map_err(GitError::on(failed()))?;
    let Some(data) = data.filter(|data| data.kind == gix::objs::Kind::Tree) else {
        if id == ObjectId::empty_tree(repository.object_hash()) {
            return Ok(Vec::new());
        }
        return Err(GitError::on(failed())(std::io::Error::from(std::io::ErrorKind::NotFound)));
    };
    let mut entries = Vec::new();
    for entry in TreeRefIter::from_bytes(data.data, repository.object_hash()) {
        let entry = entry.map_err(GitError::on(failed()))?;
        entries
            .push(Entry { name: entry.filename.to_string(), kind: kind(entry.mode, entry.oid.to_owned()) });
    }
    Ok(entries)
}

fn kind(mode: gix::objs::tree::EntryMode, id: ObjectId) -> EntryKind {
    if mode.is_tree() {
        EntryKind::Folder(TreeId::new(id))
    } else if mode.is_commit() {
        EntryKind::Submodule(CommitId::new(id))
    } else {
        EntryKind::File(BlobId::new(id))
    }
}
