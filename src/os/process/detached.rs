//! Starts the supervisor, which outlives whoever started it, and hands it the task's lock.
//!
//! The lock travels as standard input: that is the one descriptor that a child gets without being
//! inheritable in this process, where another thread may be starting a child at the same moment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// Starts `program supervise <run_directory>` with exactly this environment and hands it the locked file.
///
/// The paths are absolute, because it starts in `/` and so keeps no folder busy. It leads its own process
/// group, has no terminal to read from, writes its errors to `log`, and stays when the value returned is
/// dropped or this process ends.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn start_supervisor(
    program: &Path,
    run_directory: &Path,
    task_lock: File,
    log: File,
    environment: &BTreeMap<OsString, OsString>,
) -> io::Result<Child> {
    Command::new(program)
        .arg("supervise")
        .arg(run_directory)
        .env_clear()
        .envs(environment)
        .current_dir("/")
        .stdin(task_lock)
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(false)
        .spawn()
}

/// Takes the locked file that was handed over as standard input; children do not inherit it.
///
/// Fails when it is not a file, or when somebody else holds its lock.
pub fn take_handed_file() -> io::Result<File> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "standard input is not a lock file"));
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "somebody else holds the lock on standard input"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes standard input empty, so that what came in by it is held by nobody who did not ask for it.
pub fn redirect_input_to_null() -> io::Result<()> {
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(())
}
