//! Kernel locks on files (flock).
//!
//! A lock belongs to the open file, not to a process: children that inherit the file keep it held, and
//! the kernel releases it when the last of them is gone. So a lock that can be taken proves that nobody
//! is left, whatever any file says. Lock files are never deleted: a deleted one could be held and
//! re-made at the same time.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::fs::FileError;

/// How often a lock is tried while others look at it. A look takes microseconds; so many in a row do not happen.
const LOOKS_MAX: u32 = 10_000;

/// A lock that this process holds until the value and all inherited copies of its file are gone.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock at once, or returns `None` when somebody holds it.
    ///
    /// Somebody who merely looks ([`Self::is_held`]) shares the lock for an instant. That instant is waited out.
    pub fn try_take(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        for _ in 0..LOOKS_MAX {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { file, path: path.to_owned() })),
                Err(TryLockError::WouldBlock) if is_only_looked_at(&file, path)? => std::thread::yield_now(),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(FileError::on("lock", path)(error)),
            }
        }
        Ok(None)
    }

    /// Takes the lock, waiting until whoever holds it is gone.
    pub fn take(path: &Path) -> Result<Self, FileError> {
        let file = open(path)?;
        file.lock().map_err(FileError::on("lock", path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Returns whether anybody holds the lock now.
    pub fn is_held(path: &Path) -> Result<bool, FileError> {
        match OpenOptions::new().read(true).open(path) {
            Ok(file) => Ok(!is_only_looked_at(&file, path)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::on("open", path)(error)),
        }
    }

    /// Returns a second handle on the same lock, to hand to a child process.
    pub fn share(&self) -> Result<File, FileError> {
        self.file.try_clone().map_err(FileError::on("share lock", &self.path))
    }

    /// Returns the locked file, to leave a note about the holder in it.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Returns whether nobody holds the lock of a file, although others may look at it. Leaves it unlocked.
fn is_only_looked_at(file: &File, path: &Path) -> Result<bool, FileError> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| true).map_err(FileError::on("unlock", path)),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(FileError::on("lock", path)(error)),
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(FileError::on("open", path))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_lock_that_others_only_look_at_can_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        FileLock::is_held(&path).unwrap();
                    }
                });
            }
            let refused = (0..20_000).filter(|_| FileLock::try_take(&path).unwrap().is_none()).count();
            over.store(true, Ordering::Relaxed);
            assert_eq!(refused, 0);
        });
    }

    #[test]
    fn a_lock_is_held_until_its_last_copy_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = FileLock::try_take(&path).unwrap().unwrap();
        let copy = lock.share().unwrap();
        assert!(FileLock::try_take(&path).unwrap().is_none());
        drop(lock);
        assert!(FileLock::is_held(&path).unwrap());
        drop(copy);
        assert!(!FileLock::is_held(&path).unwrap());
    }

    #[test]
    fn asking_about_a_lock_does_not_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!FileLock::is_held(&path).unwrap());
        assert!(!path.exists());
    }
}
