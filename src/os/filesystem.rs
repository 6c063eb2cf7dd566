//! What a folder lies on: how much room there is, whether the room survives a restart, and whose clock dates
//! its files.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::timestamp::Timestamp;

/// One file system, as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// What keeps the files.
    pub kind: FileSystemKind,
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Files that may still be made, where there is a limit.
    pub free_files: Option<u64>,
    /// Tells one file system from another.
    pub device: u64,
}

/// What keeps the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystemKind {
    /// The memory of this machine; a restart empties it.
    Memory,
    /// Another machine, or the host of this one, by this protocol. What others change there is not told.
    Remote(&'static str),
    /// A disk, as far as is known.
    Local,
}

/// Looks at the file system of an existing path.
pub fn load(path: &Path) -> io::Result<FileSystem> {
    let room = rustix::fs::statvfs(path)?;
    Ok(FileSystem {
        kind: kind(path)?,
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        // Where files are made from the same room (btrfs), there is no count.
        free_files: (room.f_files > 0).then_some(room.f_favail),
        device: path.metadata()?.dev(),
    })
}

/// Returns the moment by which the file system dates a file made now. The file is in `folder` and gone afterwards.
pub fn load_moment(folder: &Path) -> io::Result<Timestamp> {
    let probe = tempfile::Builder::new().prefix("clock-").tempfile_in(folder)?;
    let file = probe.as_file().metadata()?;
    let milliseconds = file.mtime().saturating_mul(1000).saturating_add(file.mtime_nsec() / 1_000_000);
    Timestamp::from_unix_milliseconds(milliseconds).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Names the kind by the numbers of `statfs(2)`.
#[cfg(target_os = "linux")]
fn kind(path: &Path) -> io::Result<FileSystemKind> {
    // The width of the number differs from one architecture to another; its lower half is the number.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is meant")]
    let number = rustix::fs::statfs(path)?.f_type as u32;
    Ok(match number {
        0x0102_1994 | 0x8584_58f6 => FileSystemKind::Memory,
        0x6969 => FileSystemKind::Remote("NFS"),
        0x0102_1997 => FileSystemKind::Remote("9p"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => FileSystemKind::Remote("SMB"),
        0x00c3_6400 => FileSystemKind::Remote("Ceph"),
        0x786f_4256 => FileSystemKind::Remote("a shared folder of VirtualBox"),
        _ => FileSystemKind::Local,
    })
}

#[cfg(not(target_os = "linux"))]
fn kind(_path: &Path) -> io::Result<FileSystemKind> {
    Ok(FileSystemKind::Local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock;

    #[test]
    fn a_folder_has_room_and_its_files_are_dated_by_a_clock() {
        let folder = tempfile::tempdir().unwrap();
        let found = load(folder.path()).unwrap();
        assert_eq!(found.device, load(folder.path()).unwrap().device);
        let moment = load_moment(folder.path()).unwrap();
        assert!(clock::now().since(moment) < std::time::Duration::from_hours(1));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(load(&folder.path().join("none")).is_err());
    }
}
