//! The two files that an agent writes: how far they are, what they say, and that they do not fill the disk.
//!
//! An agent is not ended for printing too much. The middle of what it printed is given back to the file system while
//! it goes on ([`LogCap`]); the beginning, the last result and what came last stay.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::agent::tail::{Reach, Standing, Tail};
use crate::os::fs::FileError;
use crate::os::log::LogCap;
use crate::store::run_directory::RunDirectory;

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogSight {
    /// Size of the log, in bytes.
    pub(super) log_bytes: u64,
    /// Size of the agent's standard error, in bytes.
    pub(super) error_bytes: u64,
    /// Where the agent stands, by its log.
    pub(super) standing: Standing,
    /// When to look again.
    pub(super) pace: Pace,
}

/// How fast a file grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// The usual interval is short enough.
    Usual,
    /// So fast that it would take too much of the disk until then.
    Fast,
}

/// The agent's log and its standard error.
#[derive(Debug)]
pub(super) struct Logs {
    log: Bounded,
    errors: Bounded,
    tail: Tail,
}

impl Logs {
    /// Opens the files, which are there, for looking and for giving back what is too much.
    pub(super) fn open(directory: &RunDirectory, bytes_max: Option<u64>) -> Result<Self, FileError> {
        let log = Bounded::open(&directory.log_path(), bytes_max)?;
        let shared = log.file.try_clone().map_err(FileError::on("open", &directory.log_path()))?;
        Ok(Self { tail: Tail::new(shared), log, errors: Bounded::open(&directory.stderr_path(), bytes_max)? })
    }

    /// Looks at what was added and gives back what is too much. A file that cannot be looked at counts as unchanged.
    pub(super) fn look(&mut self) -> LogSight {
        let pace = self.log.look().max(self.errors.look());
        let reach = self.tail.read().unwrap_or(Reach::End);
        let kept_from = match reach {
            Reach::End => self.tail.unfinished().unwrap_or(u64::MAX),
            Reach::Part => u64::MAX,
        };
        self.log.bound(kept_from, &self.tail.result());
        self.errors.bound(u64::MAX, &(0..0));
        LogSight {
            log_bytes: self.log.size,
            error_bytes: self.errors.size,
            standing: self.tail.standing(),
            pace: if reach == Reach::Part { Pace::Fast } else { pace },
        }
    }

    /// Syncs the log to the disk.
    pub(super) fn sync(&self, directory: &RunDirectory) -> Result<(), FileError> {
        self.log.file.sync_data().map_err(FileError::on("sync", &directory.log_path()))
    }

    /// Returns what a reader of the record should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let files = [("log", &self.log), ("standard error", &self.errors)];
        let refused =
            files.into_iter().filter_map(|(name, file)| Some((name, file.cap.as_ref()?.refused()?)));
        refused
            .map(|(name, error)| {
                format!(
                    "the agent's {name} grew beyond log_max: no part of the file could be given back: {error}"
                )
            })
            .collect()
    }
}

/// A file with its bound.
#[derive(Debug)]
struct Bounded {
    file: File,
    size: u64,
    cap: Option<LogCap>,
    /// Growth between two looks above which the next one comes soon.
    fast_bytes: u64,
}

impl Bounded {
    fn open(path: &Path, bytes_max: Option<u64>) -> Result<Self, FileError> {
        let file =
            OpenOptions::new().read(true).write(true).open(path).map_err(FileError::on("open", path))?;
        let fast_bytes = bytes_max.map_or(u64::MAX, |bytes| bytes / 32);
        Ok(Self { file, size: 0, cap: bytes_max.map(LogCap::new), fast_bytes })
    }

    fn look(&mut self) -> Pace {
        let size = self.file.metadata().map_or(self.size, |metadata| metadata.len());
        let grown = size.saturating_sub(self.size);
        self.size = size;
        if grown > self.fast_bytes { Pace::Fast } else { Pace::Usual }
    }

    fn bound(&mut self, kept_from: u64, kept: &std::ops::Range<u64>) {
        if let Some(cap) = &mut self.cap {
            cap.apply(&self.file, self.size, kept_from, kept);
        }
    }
}
