//! Starts a watcher that has no terminal, and waits until it really is the runner.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use crate::os::clock;
use crate::os::fs::{self, FileError};
use crate::os::process::start_in_background;
use crate::store::runner_lock::Presence;
use crate::store::state_directory::StateDirectory;

/// A log that is larger than this is moved aside before a watcher starts to write to it.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How much of the end of a log is shown.
const LOG_END_BYTES: u64 = 4096;

/// The longest wait for the runner's lock. A start takes milliseconds; a machine may be very busy.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// How often the lock is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Variables of git that say which configuration to read, and not which repository to use.
const KEPT_VARIABLES: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM"];

/// What a watcher is started from. Paths are absolute.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// This program.
    pub program: &'a Path,
    /// What it is told.
    pub arguments: &'a [OsString],
    /// The folder it starts in.
    pub work_tree: &'a Path,
    /// The file for what it says.
    pub log: &'a Path,
}

/// What became of the start.
#[derive(Debug)]
pub enum Started {
    /// The process is the runner.
    Runner(u32),
    /// It ended before it was.
    Ended {
        /// How.
        status: ExitStatus,
        /// The last of what it said.
        said: String,
    },
    /// It lives and is not the runner yet.
    Slow(u32),
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// A file of the state could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system refused.
    #[error("start a watcher in the background")]
    Start(#[source] io::Error),
}

/// Starts a watcher in the background with what is left of this environment, and waits until it is the runner.
pub fn start(
    start: &Start<'_>,
    state: &StateDirectory,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<Started, DetachError> {
    state.create()?;
    move_large_log_aside(start.log)?;
    let log = fs::open_append_private(start.log)?;
    let begin = log.metadata().map_or(0, |found| found.len());
    let environment = without_repository(environment);
    let mut child =
        start_in_background(start.program, start.arguments, &environment, start.work_tree, Some(&log))
            .map_err(DetachError::Start)?;
    let give_up = clock::monotonic() + START_TIME_MAX;
    loop {
        if matches!(state.load_runner()?, Presence::Known(holder) if holder.process == child.id()) {
            return Ok(Started::Runner(child.id()));
        }
        if let Some(status) = child.try_wait().map_err(DetachError::Start)? {
            return Ok(Started::Ended { status, said: load_end(start.log, begin)? });
        }
        if clock::monotonic() > give_up {
            return Ok(Started::Slow(child.id()));
        }
        clock::pause(LOOK_EVERY);
    }
}

/// Returns an environment without what led its owner to a repository: an alias or a hook has `GIT_DIR`, and the
/// watcher outlives both.
fn without_repository(environment: &BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let stays = |name: &OsStr| {
        !name.as_bytes().starts_with(b"GIT_") || KEPT_VARIABLES.iter().any(|kept| name == *kept)
    };
    environment
        .iter()
        .filter(|(name, _)| stays(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Keeps one older log beside the present one.
fn move_large_log_aside(log: &Path) -> Result<(), FileError> {
    match std::fs::metadata(log) {
        Ok(found) if found.len() > LOG_BYTES_MAX => {
            std::fs::rename(log, log.with_extension("1.log")).map_err(FileError::on("rename", log))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn load_end(log: &Path, begin: u64) -> Result<String, FileError> {
    let mut file = File::open(log).map_err(FileError::on("open", log))?;
    let length = file.metadata().map_err(FileError::on("read", log))?.len();
    let begin = begin.max(length.saturating_sub(LOG_END_BYTES));
    file.seek(SeekFrom::Start(begin)).map_err(FileError::on("read", log))?;
    let mut bytes = Vec::new();
    file.take(LOG_END_BYTES).read_to_end(&mut bytes).map_err(FileError::on("read", log))?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_led_to_a_repository_does_not_live_on_and_the_configuration_does() {
        let names =
            ["GIT_AUTHOR_NAME", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_INDEX_FILE", "HOME"];
        let environment = names.iter().map(|name| (name.into(), "x".into())).collect();
        let left: Vec<OsString> = without_repository(&environment).into_keys().collect();
        assert_eq!(left, ["GIT_CONFIG_GLOBAL", "HOME"]);
    }

    #[test]
    fn a_large_log_makes_room_and_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("watch.log");
        File::create(&log).unwrap().set_len(LOG_BYTES_MAX).unwrap();
        move_large_log_aside(&log).unwrap();
        assert!(log.exists());
        File::create(&log).unwrap().set_len(LOG_BYTES_MAX + 1).unwrap();
        move_large_log_aside(&log).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["watch.1.log"]);
    }
}
