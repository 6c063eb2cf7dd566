//! Who is the repository's runner, and how to wake it.
//!
//! The lock alone decides: the note in the locked file tells people who holds it and means nothing while
//! the lock is free.
//!
//! Whoever wants the tasks looked at first [wakes](StateDirectory::wake) and then asks for the
//! [holder](StateDirectory::load_runner); a runner that is about to end first lets go of the lock and then looks
//! whether the wake-up it [knew](StateDirectory::load_wake) is still the last. So one of the two always sees the other,
//! and no wish is lost between them.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::state_directory::StateDirectory;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::{self, FileError};
use crate::os::lock::FileLock;
use crate::timestamp::Timestamp;

/// The most of the note that is read.
const NOTE_BYTES_MAX: u64 = 4096;

/// The right to be the repository's runner.
#[derive(Debug)]
pub struct RunnerLock {
    _lock: FileLock,
}

/// What keeps a runner alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// It drains the queue for a person who waits, and ends.
    Run,
    /// It waits for tasks until it is stopped.
    Watch,
    /// A git hook started it in the background; it drains the queue and ends.
    Hook,
}

impl RunnerKind {
    /// Returns the word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Watch => "watch",
            Self::Hook => "hook",
        }
    }
}

/// Who holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerHolder {
    /// Its process id.
    pub process: u32,
    /// What keeps it alive.
    pub kind: RunnerKind,
}

/// Whether there is a runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nobody holds the lock.
    Absent,
    /// Somebody does, and its note cannot be read (yet).
    Unknown,
    /// This one does.
    Known(RunnerHolder),
}

impl StateDirectory {
    /// Becomes the repository's runner, or returns who is. The holder's note may be missing for an instant.
    pub fn try_lock_runner(
        &self,
        kind: RunnerKind,
    ) -> Result<Result<RunnerLock, Option<RunnerHolder>>, FileError> {
        self.create()?;
        let path = self.runner_lock_path();
        match FileLock::try_take(&path)? {
            Some(lock) => {
                let holder = RunnerHolder { process: std::process::id(), kind };
                note(&lock, holder).map_err(FileError::on("write", &path))?;
                pass(FaultPoint::RunnerLocked)?;
                Ok(Ok(RunnerLock { _lock: lock }))
            }
            None => Ok(Err(load_note(&path))),
        }
    }

    /// Returns whether a runner is at work.
    pub fn has_runner(&self) -> Result<bool, FileError> {
        FileLock::is_held(&self.runner_lock_path())
    }

    /// Returns who is the runner.
    pub fn load_runner(&self) -> Result<Presence, FileError> {
        Ok(match (self.has_runner()?, load_note(&self.runner_lock_path())) {
            (false, _) => Presence::Absent,
            (true, None) => Presence::Unknown,
            (true, Some(holder)) => Presence::Known(holder),
        })
    }

    /// Returns when whoever is, or was last, the runner became it: then the note was written.
    pub fn load_runner_start(&self) -> Option<Timestamp> {
        let written = std::fs::metadata(self.runner_lock_path()).ok()?.modified().ok()?;
        let since_epoch = written.duration_since(UNIX_EPOCH).ok()?;
        Timestamp::from_unix_milliseconds(i64::try_from(since_epoch.as_millis()).ok()?)
    }

    /// Returns the folder that changes whenever somebody wakes the runner.
    pub fn wake_path(&self) -> PathBuf {
        self.path().join("wake")
    }

    /// Asks whoever is the runner to look at the tasks.
    pub fn wake(&self) -> Result<(), FileError> {
        self.create()?;
        fs::write_derived(&self.wake_path().join("last"), Uuid::new_v4().to_string().as_bytes())
    }

    /// Returns the last wake-up, to compare it with a later one.
    pub fn load_wake(&self) -> Result<Option<Vec<u8>>, FileError> {
        fs::read_optional(&self.wake_path().join("last"))
    }

    /// Returns since when the present holder is the runner, by its note.
    pub fn load_runner_since(&self) -> Option<Timestamp> {
        let modified = std::fs::metadata(self.runner_lock_path()).and_then(|found| found.modified()).ok()?;
        let since_epoch = modified.duration_since(UNIX_EPOCH).ok()?;
        Timestamp::from_unix_milliseconds(i64::try_from(since_epoch.as_millis()).ok()?)
    }

    /// Returns the file whose lock makes a process the runner.
    pub fn runner_lock_path(&self) -> PathBuf {
        self.path().join("locks/runner")
    }
}

fn note(lock: &FileLock, holder: RunnerHolder) -> io::Result<()> {
    let mut file = lock.file();
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", serde_json::to_string(&holder)?)
}

fn load_note(path: &Path) -> Option<RunnerHolder> {
    let mut text = String::new();
    let file = OpenOptions::new().read(true).open(path).ok()?;
    file.take(NOTE_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_one_runner_and_the_second_learns_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        assert_eq!(state.load_runner().unwrap(), Presence::Absent);
        let first = state.try_lock_runner(RunnerKind::Watch).unwrap().unwrap();
        let me = RunnerHolder { process: std::process::id(), kind: RunnerKind::Watch };
        assert_eq!(state.try_lock_runner(RunnerKind::Run).unwrap().unwrap_err(), Some(me));
        assert_eq!(state.load_runner().unwrap(), Presence::Known(me));
        drop(first);
        assert_eq!(state.load_runner().unwrap(), Presence::Absent, "the note means nothing without the lock");
        assert!(state.try_lock_runner(RunnerKind::Run).unwrap().is_ok());
    }

    #[test]
    fn every_wake_up_differs_from_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        assert_eq!(state.load_wake().unwrap(), None);
        state.wake().unwrap();
        let first = state.load_wake().unwrap();
        state.wake().unwrap();
        assert_ne!(state.load_wake().unwrap(), first);
    }
}
