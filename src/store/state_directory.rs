//! What this clone on this machine knows and nobody else needs: `$GIT_COMMON_DIR/claudedo/`, mode 0700.
//!
//! ```text
//! machine          random id of this clone on this machine
//! place.json       where this folder lies, so that a copy is known as one (see `place`)
//! locks/runner     held by the one runner of the repository (see `runner_lock`)
//! wake/            changes whenever the runner is to look at the tasks
//! locks/snapshots  held while a snapshot gets its number and its ref
//! locks/task-<id>  held while a task is worked on, by the runner, its supervisor and its agent
//! trust/           what the user approved (see `trust`)
//! runs/<run>/      one live run (see `run_directory`)
//! events.ndjson    the local event stream
//! cache/           derived, may be deleted at any time
//! ```

use std::io;
use std::path::{Path, PathBuf};

use super::run_directory::RunDirectory;
use crate::os::fs::{self, FileError};
use crate::os::lock::FileLock;
use crate::run::{MachineId, RunId};
use crate::task::TaskId;

/// The folder `$GIT_COMMON_DIR/claudedo`. Making the value touches nothing.
#[derive(Debug, Clone)]
pub struct StateDirectory {
    path: PathBuf,
}

/// The right to write this machine's tracking ref.
#[derive(Debug)]
pub struct RecordsLock {
    _lock: FileLock,
}

/// The right to write refs of snapshots.
#[derive(Debug)]
pub struct SnapshotsLock {
    _lock: FileLock,
}

/// The right to work on a task.
#[derive(Debug)]
pub struct TaskLock {
    lock: FileLock,
}

impl StateDirectory {
    /// Returns the folder of a repository.
    pub fn new(common_dir: &Path) -> Self {
        Self { path: common_dir.join("claudedo") }
    }

    /// Returns the folder at a path.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder of all live runs.
    pub fn runs_path(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Returns the folder of a run.
    pub fn run_directory(&self, run: RunId) -> RunDirectory {
        RunDirectory::new(&self.runs_path(), run)
    }

    /// Returns the path of the local event stream.
    pub fn events_path(&self) -> PathBuf {
        self.path.join("events.ndjson")
    }

    /// Returns the folder of derived files.
    pub fn cache_path(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// Makes the folders that are missing.
    pub fn create(&self) -> Result<(), FileError> {
        for folder in ["locks", "runs", "wake", "cache"] {
            fs::create_private_directory(&self.path.join(folder))?;
        }
        Ok(())
    }

    /// Removes what killed processes left in these folders of what they were doing.
    pub fn sweep(&self) {
        for folder in ["", "runs", "wake", "trust", "edit", "cache"] {
            fs::sweep(&self.path.join(folder));
        }
    }

    /// Loads the machine's id, or returns `None` when this clone has none yet.
    pub fn load_machine(&self) -> Result<Option<MachineId>, FileError> {
        let path = self.path.join("machine");
        let Some(bytes) = fs::read_optional(&path)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        // Without the end of its line, it may be the beginning of another id.
        let id = text.strip_suffix('\n').and_then(|line| line.trim().parse().ok());
        id.map(Some).ok_or_else(|| {
            let words = "it is cut; this clone's id is the name of its ref below refs/claudedo/runs \
                         (`git for-each-ref`), and belongs there as one line";
            FileError::on("read machine id from", &path)(io::Error::new(io::ErrorKind::InvalidData, words))
        })
    }

    /// Loads the machine's id, making one when there is none, and another when this is a copy (see [`Self::settle`]).
    pub fn require_machine(&self) -> Result<MachineId, FileError> {
        self.create()?;
        self.settle()?;
        if let Some(machine) = self.load_machine()? {
            return Ok(machine);
        }
        let machine = MachineId::new_unique();
        match fs::create_new(&self.path.join("machine"), format!("{machine}\n").as_bytes()) {
            Ok(()) => Ok(machine),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => self.require_machine(),
            Err(error) => Err(error),
        }
    }

    /// Replaces the machine's id.
    pub(super) fn set_machine(&self, machine: &MachineId) -> Result<(), FileError> {
        fs::write_private(&self.path.join("machine"), format!("{machine}\n").as_bytes())
    }

    /// Returns the ids of the runs that have a folder, the oldest first.
    pub fn load_runs(&self) -> Result<Vec<RunId>, FileError> {
        let path = self.runs_path();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::on("read folder", &path)(error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut runs: Vec<RunId> = names.filter_map(|name| name.parse().ok()).collect();
        runs.sort();
        Ok(runs)
    }

    /// Takes a task's lock, or returns `None` when somebody works on it.
    pub fn try_lock_task(&self, task: &TaskId) -> Result<Option<TaskLock>, FileError> {
        self.create()?;
        Ok(FileLock::try_take(&self.task_lock_path(task))?.map(|lock| TaskLock { lock }))
    }

    /// Takes the right to write this machine's tracking ref, waiting for whoever has it.
    pub fn lock_records(&self) -> Result<RecordsLock, FileError> {
        self.create()?;
        FileLock::take(&self.path.join("locks/records")).map(|lock| RecordsLock { _lock: lock })
    }

    /// Takes the right to write refs of snapshots, waiting for whoever has it. Nobody keeps it for long.
    pub fn lock_snapshots(&self) -> Result<SnapshotsLock, FileError> {
        self.create()?;
        FileLock::take(&self.path.join("locks/snapshots")).map(|lock| SnapshotsLock { _lock: lock })
    }

    /// Returns whether anybody works on a task.
    pub fn is_at_work(&self, task: &TaskId) -> Result<bool, FileError> {
        FileLock::is_held(&self.task_lock_path(task))
    }

    /// Returns the path of a task's lock.
    pub fn task_lock_path(&self, task: &TaskId) -> PathBuf {
        // The prefix keeps a task named `runner` apart from the runner's own lock.
        self.path.join("locks").join(format!("task-{task}"))
    }
}

impl TaskLock {
    /// Returns a handle on the lock for the supervisor, which keeps it held when this process is gone.
    pub fn share(&self) -> Result<std::fs::File, FileError> {
        self.lock.share()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_keeps_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        assert_eq!(state.load_machine().unwrap(), None);
        let machine = state.require_machine().unwrap();
        assert_eq!(state.require_machine().unwrap(), machine);
    }

    #[test]
    fn a_task_named_runner_does_not_stop_the_runner() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        state.create().unwrap();
        let _task = state.try_lock_task(&"runner".parse().unwrap()).unwrap().unwrap();
        assert!(!state.has_runner().unwrap());
    }
}
