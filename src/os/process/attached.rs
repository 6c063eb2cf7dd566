//! Programs that talk to the person at the terminal: the editor and the pager.
//!
//! They stay in this process's group, because only the foreground group may use the terminal.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Runs a program with this process's own terminal and environment and waits for its end.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn run_attached(
    program: &Path,
    arguments: &[OsString],
    working_directory: &Path,
) -> io::Result<ExitStatus> {
    Command::new(program).args(arguments).current_dir(working_directory).status()
}

/// A pager that shows what is written to it.
#[derive(Debug)]
pub struct Pager {
    child: Child,
}

/// Starts a pager with this process's environment plus `environment`.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn start_pager(
    program: &Path,
    arguments: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
) -> io::Result<Pager> {
    let child = Command::new(program).args(arguments).envs(environment).stdin(Stdio::piped()).spawn()?;
    Ok(Pager { child })
}

impl Pager {
    /// Ends its input and waits until the person has left it.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        drop(self.child.stdin.take());
        self.child.wait()
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.child.stdin.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |input| input.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.child.stdin.as_mut().map_or(Ok(()), Write::flush)
    }
}
