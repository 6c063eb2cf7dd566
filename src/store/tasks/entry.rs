//! One file of a folder that people write: which files count, what identifies a version of one, how it is read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::task::{FILE_BYTES_MAX, TaskFileError};
use crate::timestamp::Timestamp;

/// How often a file is read again because it changed meanwhile.
const READS_MAX: usize = 3;

/// What changes whenever a file's content does, as far as the file system can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size: u64,
    inode: u64,
    modified_ns: i64,
    changed_ns: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.size(),
            inode: metadata.ino(),
            modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Returns when the content last changed, as far as whoever wrote it says.
    pub(super) fn modified(&self) -> Timestamp {
        moment(self.modified_ns)
    }

    /// Returns when anything of the file last changed, as the kernel says.
    pub(super) fn changed(&self) -> Timestamp {
        moment(self.changed_ns)
    }
}

/// A file's bytes and the version they are of.
pub(super) struct FileBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) stamp: Stamp,
}

/// Returns whether a name in the folder is something other than a person's file: hidden, or an editor's.
pub(super) fn is_passed_over(name: &str) -> bool {
    let is_backup = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    let editor = [".swp", ".swo", ".swx", ".bak", ".orig", ".rej", ".tmp", ".part", ".crdownload"];
    name.starts_with('.') || is_backup || editor.iter().any(|ending| name.ends_with(ending)) || name == "4913"
}

/// Reads a regular file whole, never through a symlink, never waiting for a pipe, never more than the limit.
///
/// Bytes and stamp belong together: a file that changes while it is read is read again.
pub(super) fn read(path: &Path) -> Result<Option<FileBytes>, TaskFileError> {
    for _ in 0..READS_MAX {
        let Some(file) = open(path)? else { return Ok(None) };
        let before = metadata(&file, path)?;
        require_regular(path, &before)?;
        let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0).min(FILE_BYTES_MAX));
        let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        (&file).take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
        let stamp = Stamp::of(&before);
        if stamp == Stamp::of(&metadata(&file, path)?) {
            return Ok(Some(FileBytes { bytes, stamp }));
        }
    }
    let problem = "the file changes while it is read";
    Err(TaskFileError::whole(path, problem, "wait until whatever writes it has ended"))
}

/// Refuses folders, symlinks, pipes and devices.
pub(super) fn require_regular(path: &Path, metadata: &Metadata) -> Result<(), TaskFileError> {
    if metadata.is_file() {
        return Ok(());
    }
    let (problem, fix) = if metadata.is_symlink() {
        ("it is a symlink, and those are not followed", "replace it by the file that it points to")
    } else {
        ("it is not a regular file", "move it out of this folder")
    };
    Err(TaskFileError::whole(path, problem, fix))
}

/// Returns what to say when the operating system refuses a file.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> TaskFileError {
    TaskFileError::whole(path, error.to_string(), "make the file readable, or move it out of this folder")
}

fn open(path: &Path) -> Result<Option<File>, TaskFileError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            if let Ok(metadata) = path.symlink_metadata() {
                require_regular(path, &metadata)?;
            }
            Err(unreadable(path, &error))
        }
    }
}

fn metadata(file: &File, path: &Path) -> Result<Metadata, TaskFileError> {
    file.metadata().map_err(|error| unreadable(path, &error))
}

/// Rounds up, so that a file never counts as older than it is. Nanoseconds in 64 bits end in 2262, inside the calendar.
fn moment(nanoseconds: i64) -> Timestamp {
    let milliseconds = nanoseconds.div_euclid(1_000_000) + i64::from(nanoseconds.rem_euclid(1_000_000) > 0);
    #[expect(
        clippy::expect_used,
        reason = "this works because the calendar of the date library is far wider"
    )]
    Timestamp::from_unix_milliseconds(milliseconds)
        .expect("because every 64-bit nanosecond is in the calendar")
}
