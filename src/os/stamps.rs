//! Whether anything in a folder has changed, without opening any of it.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::timestamp::Timestamp;

/// What changes whenever something directly in a folder does, as far as the file system can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// Of the names, sizes, inodes and times.
    pub hash: u64,
    /// When something last changed, by the kernel's clock and not earlier than it did.
    pub latest: Option<Timestamp>,
}

impl Stamps {
    /// Looks at a folder, which may be missing. Opens nothing in it.
    pub fn of(folder: &Path) -> Self {
        let mut stamps = Self { hash: 0, latest: None };
        if let Ok(metadata) = folder.symlink_metadata() {
            stamps.add(&metadata, folder);
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if let Ok(metadata) = entry.metadata() {
                stamps.add(&metadata, Path::new(&entry.file_name()));
            }
        }
        stamps
    }

    /// In any order, since folders have none.
    fn add(&mut self, metadata: &Metadata, name: &Path) {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        let mut hasher = DefaultHasher::new();
        (name, metadata.len(), metadata.ino(), metadata.mode(), times).hash(&mut hasher);
        self.hash = self.hash.wrapping_add(hasher.finish());
        let changed = metadata.ctime().saturating_add(1).saturating_mul(1000);
        self.latest = self.latest.max(Timestamp::from_unix_milliseconds(changed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_in_a_folder_shows() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        let mut seen = vec![Stamps::of(&folder)];
        let mut see = || {
            let stamps = Stamps::of(&folder);
            assert_eq!(stamps, Stamps::of(&folder), "nothing has changed");
            assert!(!seen.contains(&stamps), "{stamps:?}");
            seen.push(stamps);
        };
        fs::create_dir(&folder).unwrap();
        see();
        super::super::fs::write_derived(&folder.join("a"), b"1").unwrap();
        see();
        super::super::fs::write_derived(&folder.join("a"), b"2").unwrap();
        see();
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        see();
        fs::remove_file(folder.join("b")).unwrap();
        see();
    }
}
