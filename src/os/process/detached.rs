//! Starts what outlives whoever started it: a supervisor with its task's lock, or a runner in the background.
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

/// Starts a program in the background with exactly this environment: nothing to read, nothing to hold open.
///
/// It starts in `directory`, with standard input, output and errors on `/dev/null`, or the last two on `log`. Until it
/// calls [`leave_session`] it belongs to the session of whoever started it.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn start_in_background(
    program: &Path,
    arguments: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
    directory: &Path,
    log: Option<&File>,
) -> io::Result<std::process::Child> {
    let output = || log.map_or(Ok(Stdio::null()), |file| file.try_clone().map(Stdio::from));
    std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output()?)
        .stderr(output()?)
        .spawn()
}

/// Leaves the session and the terminal of whoever started this process, so that their end is not its own.
///
/// A process that leads its group already has done that, or cannot; both are fine.
pub fn leave_session() {
    if rustix::process::setsid().is_err() {}
}

/// Closes every file but the three standard ones, for a process that outlives whoever started it.
///
/// Who reads a pipe until its end (`git commit | cat`, a test runner that hands out descriptor 3) must not wait for
/// a process that inherited the other end by accident. To be called first of all: what this process has opened
/// itself would be closed as well.
pub fn close_inherited_files() {
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return };
    let numbers: Vec<i32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The one of the folder just read is closed already.
        if nix::unistd::close(number).is_err() {}
    }
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
