//! How large a worktree is, how much of that git ignores, and whether there are repositories in what it ignores.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::thing::Part;

/// How many parts are named.
const LARGEST_COUNT: usize = 3;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// The bytes that the file system gave away.
    pub(super) bytes: u64,
    /// Those of what is ignored.
    pub(super) ignored_bytes: u64,
    /// The largest of what is ignored.
    pub(super) largest: Vec<Part>,
    /// Repositories in what is ignored, from the folder.
    pub(super) repositories: Vec<PathBuf>,
    /// Folders in what is ignored that cannot be looked into, from the folder.
    pub(super) closed: Vec<PathBuf>,
}

/// Adds up a folder with all that is in it. No symbolic link is followed; a file with several names counts once.
pub(super) fn measure(folder: &Path, ignored: &[PathBuf]) -> Measure {
    let ignored: BTreeSet<&Path> = ignored.iter().map(PathBuf::as_path).collect();
    let mut measure = Measure::default();
    let mut linked = BTreeSet::new();
    // With each path, the ignored part that it belongs to.
    let mut pending: Vec<(PathBuf, Option<usize>)> = vec![(PathBuf::new(), None)];
    let mut parts: Vec<Part> = Vec::new();
    while let Some((path, part)) = pending.pop() {
        let whole = folder.join(&path);
        let Ok(metadata) = whole.symlink_metadata() else { continue };
        let part = part.or_else(|| {
            ignored.contains(path.as_path()).then(|| {
                parts.push(Part { path: path.clone(), bytes: 0 });
                parts.len() - 1
            })
        });
        if part.is_some() && path.file_name().is_some_and(|name| name == ".git") {
            measure.repositories.push(path.parent().unwrap_or(&path).to_owned());
        }
        if metadata.is_dir() {
            match std::fs::read_dir(&whole) {
                Ok(entries) => {
                    let names = entries.flatten().map(|entry| (path.join(entry.file_name()), part));
                    pending.extend(names);
                }
                Err(_) if part.is_some() => measure.closed.push(path),
                Err(_) => {}
            }
        } else if metadata.nlink() > 1 && !linked.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        let bytes = metadata.blocks().saturating_mul(512);
        measure.bytes = measure.bytes.saturating_add(bytes);
        if let Some(part) = part.and_then(|part| parts.get_mut(part)) {
            part.bytes = part.bytes.saturating_add(bytes);
            measure.ignored_bytes = measure.ignored_bytes.saturating_add(bytes);
        }
    }
    parts.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
    parts.truncate(LARGEST_COUNT);
    measure.largest = parts;
    measure
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests lay out folders by themselves")]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_what_is_ignored_is_named_and_a_repository_in_it_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, size: usize| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![1; size]).unwrap();
        };
        write("src/a", 50_000);
        write("target/deep/a", 400_000);
        write("vendor/lib/.git/HEAD", 100);
        let found = measure(folder.path(), &["target".into(), "vendor".into()]);
        assert_eq!(
            found.largest.iter().map(|part| part.path.clone()).collect::<Vec<_>>(),
            [PathBuf::from("target"), PathBuf::from("vendor")]
        );
        assert!((400_000..450_000).contains(&found.ignored_bytes), "{found:?}");
        assert!(found.bytes >= found.ignored_bytes + 50_000);
        assert_eq!(found.repositories, [PathBuf::from("vendor/lib")]);
    }
}
