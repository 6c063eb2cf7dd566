//! Which process: its number, and what tells it from a later one with the same number.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A process that can be told from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: i32,
    /// Clock ticks between boot and start (`proc_pid_stat(5)`, field 22); 0 where there is no `/proc`.
    pub start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id` when it was seen; empty where there is no `/proc`.
    pub boot_id: String,
}

impl ProcessIdentity {
    /// Returns the identity of this process.
    pub fn of_self() -> std::io::Result<Self> {
        Self::of(own_pid())?.ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    /// Returns the identity of the process that has a number now, or `None` when nobody has it.
    ///
    /// A process that ended and was not waited for yet still has its number.
    #[cfg(target_os = "linux")]
    pub fn of(pid: i32) -> std::io::Result<Option<Self>> {
        let boot_id = super::procfs::load_boot_id()?;
        Ok(super::procfs::load_stat(pid).map(|stat| Self { pid, start_ticks: stat.start_ticks, boot_id }))
    }

    /// Returns the identity of the process that has a number now, as far as this system can tell.
    #[cfg(not(target_os = "linux"))]
    pub fn of(pid: i32) -> std::io::Result<Option<Self>> {
        let exists = raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
        Ok(exists.then(|| Self { pid, start_ticks: 0, boot_id: String::new() }))
    }

    /// Returns whether this very process still runs. One that ended and was not waited for does not.
    #[cfg(target_os = "linux")]
    pub fn is_alive(&self) -> bool {
        super::procfs::load_boot_id().is_ok_and(|boot_id| boot_id == self.boot_id) && self.has_its_number()
    }

    /// Returns whether some process has this number; where there is no `/proc` nothing better is known.
    #[cfg(not(target_os = "linux"))]
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_ok_and(|found| found.is_some())
    }

    /// Asks this very process to end (SIGTERM, and SIGCONT so that a stopped one hears it). Nothing happens when it is
    /// gone.
    pub fn terminate(&self) -> std::io::Result<()> {
        use rustix::process::Signal;

        self.signal(Signal::TERM).and_then(|()| self.signal(Signal::CONT))
    }

    /// Ends this very process at once (SIGKILL). Nothing happens when it is gone.
    pub fn kill(&self) -> std::io::Result<()> {
        self.signal(rustix::process::Signal::KILL)
    }

    /// Returns whether the process has this very file open. False where its files may not be looked at.
    #[cfg(target_os = "linux")]
    pub fn has_open(&self, path: &Path) -> bool {
        super::procfs::has_open(self.pid, path) && self.is_alive()
    }

    /// Returns whether the process exists; where there is no `/proc` nothing better is known.
    #[cfg(not(target_os = "linux"))]
    pub fn has_open(&self, _path: &Path) -> bool {
        self.is_alive()
    }

    #[cfg(not(target_os = "linux"))]
    fn signal(&self, signal: rustix::process::Signal) -> std::io::Result<()> {
        match raw(self.pid).filter(|_| self.pid != own_pid()) {
            None => Ok(()),
            Some(pid) => match rustix::process::kill_process(pid, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Sends a signal to this very process, or does nothing when it is gone.
    ///
    /// A file descriptor of the process (`pidfd_open(2)`, Linux 5.3) is taken first and the identity is
    /// compared after that, so that a number that changes hands in between is harmless. Where the
    /// kernel or a sandbox refuses such descriptors, the comparison comes right before the signal.
    #[cfg(target_os = "linux")]
    pub(super) fn signal(&self, signal: rustix::process::Signal) -> std::io::Result<()> {
        use rustix::io::Errno;
        use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};

        let Some(pid) = raw(self.pid).filter(|_| self.pid != own_pid()) else {
            return Ok(());
        };
        let descriptor = pidfd_open(pid, PidfdFlags::empty());
        if !self.is_alive() {
            return Ok(());
        }
        let sent = match descriptor {
            Ok(descriptor) => pidfd_send_signal(descriptor, signal),
            Err(_) => kill_process(pid, signal),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(target_os = "linux")]
    fn has_its_number(&self) -> bool {
        super::procfs::load_stat(self.pid)
            .is_some_and(|stat| stat.start_ticks == self.start_ticks && !stat.has_ended())
    }
}

/// Returns the number of this process.
pub(super) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

/// Returns a number as the kernel's type; 0 and below name no single process.
pub(super) fn raw(pid: i32) -> Option<rustix::process::Pid> {
    if pid > 0 { rustix::process::Pid::from_raw(pid) } else { None }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive() {
        assert!(ProcessIdentity::of_self().unwrap().is_alive());
    }

    #[test]
    fn another_start_time_or_boot_is_another_process() {
        let own = ProcessIdentity::of_self().unwrap();
        assert!(!ProcessIdentity { start_ticks: own.start_ticks + 1, ..own.clone() }.is_alive());
        assert!(!ProcessIdentity { boot_id: "another".to_owned(), ..own }.is_alive());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test needs a process that lives on")]
    fn a_process_that_only_has_the_number_of_another_is_not_killed() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let real = ProcessIdentity::of(i32::try_from(child.id()).unwrap()).unwrap().unwrap();
        let earlier = ProcessIdentity { start_ticks: real.start_ticks - 1, ..real.clone() };
        earlier.signal(rustix::process::Signal::KILL).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "cat ends by itself at the end of its input");
    }

    #[test]
    fn no_process_signals_itself_or_everybody() {
        let own = ProcessIdentity::of_self().unwrap();
        own.signal(rustix::process::Signal::KILL).unwrap();
        assert_eq!((raw(-1), raw(0)), (None, None));
    }
}
