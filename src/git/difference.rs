//! What one tree has that another does not have in the same place.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::entries;
use super::{EntryKind, GitError, Repository, TreeId};

impl Repository {
    /// Returns the files and submodules of a tree that another one does not have in the same place.
    ///
    /// Folders that are the same in both are not read, so this costs what was changed and not what there is.
    pub fn differing_files(&self, from: TreeId, to: TreeId) -> Result<BTreeSet<EntryKind>, GitError> {
        let repository = self.local();
        let mut buffer = Vec::new();
        let mut changed = BTreeSet::new();
        let mut pending = vec![(Some(from), to)];
        while let Some((from, to)) = pending.pop() {
            if from == Some(to) {
                continue;
            }
            let before = match from {
                Some(from) => entries(&repository, from.object_id(), &mut buffer)?,
                None => Vec::new(),
            };
            let before: BTreeMap<String, EntryKind> =
                before.into_iter().map(|entry| (entry.name, entry.kind)).collect();
            for entry in entries(&repository, to.object_id(), &mut buffer)? {
                match (before.get(&entry.name), entry.kind) {
                    (Some(same), kind) if *same == kind => {}
                    (Some(EntryKind::Folder(old)), EntryKind::Folder(new)) => pending.push((Some(*old), new)),
                    (_, EntryKind::Folder(new)) => pending.push((None, new)),
                    (_, kind) => drop(changed.insert(kind)),
                }
            }
        }
        Ok(changed)
    }

    /// Returns how many bytes the files among these have. What cannot be read counts for nothing.
    pub fn files_size(&self, files: &BTreeSet<EntryKind>) -> u64 {
        let repository = self.local();
        let size = |kind: &EntryKind| match kind {
            EntryKind::File(blob) => {
                repository.find_header(blob.object_id()).map_or(0, |header| header.size())
            }
            EntryKind::Folder(_) | EntryKind::Submodule(_) => 0,
        };
        files.iter().map(size).sum()
    }
}
