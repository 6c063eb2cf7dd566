//! Named steps at which a test can break the program.
//!
//! Between any two writes of a run stands a [`FaultPoint`]. With the feature `fault-points`, the variable
//! `CLAUDEDO_FAULT=<point>:<kill|enospc|eio>` makes the first process that comes by die there, or the step fail as
//! a full or a broken disk would make it fail. `CLAUDEDO_FAULT_ONCE=<file>` names a file that is made then, and whose
//! presence disarms the point, so that one process of many is hit. Without the feature, nothing of this is compiled.

use super::fs::FileError;

/// A step of the order of writes, named for what has just been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// The task's lock is held, and nothing is written.
    TaskLocked,
    /// The record is on the tracking ref.
    Recorded,
    /// The run's folder is about to go.
    Released,
    /// A worktree that is to go was set aside.
    PrunedAside,
    /// Its folder is gone, its registration is not.
    PrunedFolder,
    /// Logs were taken out of the records.
    PrunedLogs,
}

impl FaultPoint {
    /// All points, in the order in which a run comes by.
    pub const ALL: [Self; 3] = [Self::TaskLocked, Self::Recorded, Self::Released];

    /// The points that cleaning up comes by, in its order.
    pub const PRUNE: [Self; 3] = [Self::PrunedAside, Self::PrunedFolder, Self::PrunedLogs];

    /// Returns the name for `CLAUDEDO_FAULT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskLocked => "task-locked",
            Self::Recorded => "recorded",
            Self::Released => "released",
            Self::PrunedAside => "pruned-aside",
            Self::PrunedFolder => "pruned-folder",
            Self::PrunedLogs => "pruned-logs",
        }
    }
}

/// Comes by a point: returns at once, fails, or does not return.
#[cfg(feature = "fault-points")]
pub fn pass(point: FaultPoint) -> Result<(), FileError> {
    armed::pass(point)
}

/// Comes by a point, which does nothing.
#[cfg(not(feature = "fault-points"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature it can fail")]
pub const fn pass(_point: FaultPoint) -> Result<(), FileError> {
    Ok(())
}

#[cfg(feature = "fault-points")]
mod armed {
    use std::ffi::OsStr;
    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    use super::{FaultPoint, FileError};
    use crate::os::env;

    pub(super) fn pass(point: FaultPoint) -> Result<(), FileError> {
        let variables = env::all();
        let Some(wanted) = variables.get(OsStr::new("CLAUDEDO_FAULT")).and_then(|value| value.to_str())
        else {
            return Ok(());
        };
        let Some((name, fault)) = wanted.split_once(':').filter(|(name, _)| *name == point.name()) else {
            return Ok(());
        };
        if let Some(once) = variables.get(OsStr::new("CLAUDEDO_FAULT_ONCE"))
            && OpenOptions::new().write(true).create_new(true).open(Path::new(once)).is_err()
        {
            return Ok(());
        }
        let failed = |errno: Errno| FileError::on("pass the fault point", Path::new(name))(errno.into());
        match fault {
            "enospc" => Err(failed(Errno::NOSPC)),
            "eio" => Err(failed(Errno::IO)),
            "kill" => {
                kill_process(getpid(), Signal::KILL).map_err(failed)?;
                Ok(())
            }
            _ => Err(FileError::on("pass the fault point", Path::new(name))(
                io::ErrorKind::InvalidInput.into(),
            )),
        }
    }
}
