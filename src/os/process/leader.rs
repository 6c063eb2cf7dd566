//! Starts a process that leads a group of its own and writes straight into files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, kill_process_group};

use super::identity::raw;
use crate::os::fault;

/// What to start. Its environment is that of this process plus `environment`.
#[derive(Debug)]
pub struct LeaderCommand<'a> {
    /// Absolute path of the program.
    pub program: &'a Path,
    /// Its arguments, without the program's name.
    pub arguments: &'a [String],
    /// Variables set on top of this process's own.
    pub environment: BTreeMap<OsString, OsString>,
    /// Absolute path of the folder it starts in.
    pub working_directory: &'a Path,
    /// Its standard input.
    pub input: File,
    /// Its standard output.
    pub output: File,
    /// Its standard error.
    pub errors: File,
    /// A file that it and all its children keep open under the same number: a lock.
    pub inherited: &'a File,
}

/// A process that leads a group of its own. It is waited for by [`super::reap_children`].
#[derive(Debug)]
pub struct GroupLeader {
    pid: i32,
}

/// What to tell the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupSignal {
    /// SIGTERM, and SIGCONT so that stopped processes take it.
    Terminate,
    /// SIGKILL.
    Kill,
}

impl LeaderCommand<'_> {
    /// Starts it.
    ///
    /// The inherited file loses its close-on-exec flag only for the moment of the start, so no other
    /// thread of this process may start anything meanwhile.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn start(self) -> io::Result<GroupLeader> {
        let mut command = Command::new(self.program);
        command
            .args(self.arguments)
            .envs(self.environment)
            .current_dir(self.working_directory)
            .stdin(self.input)
            .stdout(self.output)
            .stderr(self.errors)
            .process_group(0);
        for name in fault::VARIABLES {
            command.env_remove(name);
        }
        fcntl_setfd(self.inherited, FdFlags::empty())?;
        let child = command.spawn();
        fcntl_setfd(self.inherited, FdFlags::CLOEXEC)?;
        let pid = i32::try_from(child?.id()).map_err(io::Error::other)?;
        Ok(GroupLeader { pid })
    }
}

impl GroupLeader {
    /// Returns the number of the process and of its group.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Signals the whole group. Only while the leader was not waited for: after that the number may be
    /// somebody else's. A group without members counts as signalled.
    pub fn signal(&self, signal: GroupSignal) {
        let signals: &[Signal] = match signal {
            GroupSignal::Terminate => &[Signal::TERM, Signal::CONT],
            GroupSignal::Kill => &[Signal::KILL],
        };
        if let Some(group) = raw(self.pid) {
            for signal in signals {
                kill_process_group(group, *signal).unwrap_or_default();
            }
        }
    }
}
