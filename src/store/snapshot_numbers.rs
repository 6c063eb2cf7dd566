//! The last number that a task's snapshots had, kept when snapshots are removed.
//!
//! The next number follows the highest that is there. Without this file, one whose snapshot was removed would come to
//! name another.

use std::path::PathBuf;

use super::state_directory::StateDirectory;
use crate::os::fs::{self, FileError};
use crate::task::TaskId;

impl StateDirectory {
    /// Returns the highest number that a removed snapshot of a task had, or 0.
    pub(super) fn load_last_snapshot_number(&self, task: &TaskId) -> Result<u32, FileError> {
        let bytes = fs::read_optional(&self.snapshot_number_path(task))?.unwrap_or_default();
        // One that cannot be read says nothing.
        Ok(String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(0))
    }

    /// Remembers that a number was given, whatever becomes of its snapshot.
    pub(super) fn keep_snapshot_number(&self, task: &TaskId, number: u32) -> Result<(), FileError> {
        if self.load_last_snapshot_number(task)? >= number {
            return Ok(());
        }
        fs::create_private_directory(&self.path().join("snapshots"))?;
        fs::write_private(&self.snapshot_number_path(task), format!("{number}\n").as_bytes())
    }

    fn snapshot_number_path(&self, task: &TaskId) -> PathBuf {
        self.path().join("snapshots").join(task.as_str())
    }
}
