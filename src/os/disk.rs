//! How much of the disk folders take, as far as that can be told in a short time.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::clock;

/// How far is counted. A build folder holds more files than anybody waits for.
#[derive(Debug, Clone, Copy)]
pub struct DiskLimits {
    /// The most files and folders.
    pub entries: usize,
    /// The longest time.
    pub time: Duration,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskUse {
    /// The bytes that the file system gave away.
    pub bytes: u64,
    /// How far the count got.
    pub extent: Extent,
}

/// How far a count got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// Everything was counted.
    #[default]
    Whole,
    /// There is more.
    Part,
}

/// Adds up what folders take with all that is in them. No symlink is followed; a file with several names counts once;
/// what cannot be read counts as nothing.
pub fn disk_use(folders: &[PathBuf], limits: DiskLimits) -> DiskUse {
    let deadline = clock::monotonic() + limits.time;
    let mut found = DiskUse::default();
    let mut linked = BTreeSet::new();
    let mut pending: Vec<PathBuf> = folders.to_vec();
    let mut entries = 0;
    while let Some(path) = pending.pop() {
        entries += 1;
        if entries > limits.entries || is_over(deadline, entries) {
            found.extent = Extent::Part;
            break;
        }
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            let names = std::fs::read_dir(&path).into_iter().flatten();
            pending.extend(names.filter_map(|entry| Some(entry.ok()?.path())));
        } else if metadata.nlink() > 1 && !linked.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        found.bytes = found.bytes.saturating_add(metadata.blocks().saturating_mul(512));
    }
    found
}

/// Asking for the time costs as much as asking for a file.
fn is_over(deadline: Instant, entries: usize) -> bool {
    entries.is_multiple_of(64) && clock::monotonic() >= deadline
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests lay out folders by themselves")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const LIMITS: DiskLimits = DiskLimits { entries: 100, time: Duration::from_hours(1) };

    #[test]
    fn a_symlink_is_not_followed_and_a_second_name_is_not_counted() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("large"), vec![1; 1_000_000]).unwrap();
        std::fs::write(folder.path().join("file"), vec![1; 100_000]).unwrap();
        std::fs::hard_link(folder.path().join("file"), folder.path().join("again")).unwrap();
        symlink(outside.path(), folder.path().join("away")).unwrap();
        let found = disk_use(&[folder.path().to_owned(), folder.path().join("absent")], LIMITS);
        assert!((100_000..150_000).contains(&found.bytes), "{found:?}");
        assert_eq!(found.extent, Extent::Whole);
    }

    #[test]
    fn a_count_that_takes_too_long_says_so() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..10 {
            std::fs::write(folder.path().join(number.to_string()), "x").unwrap();
        }
        let limits = DiskLimits { entries: 5, ..LIMITS };
        assert_eq!(disk_use(&[folder.path().to_owned()], limits).extent, Extent::Part);
    }
}
