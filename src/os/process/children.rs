//! The children of this process, its own and adopted ones.

use rustix::io::Errno;
use rustix::process::{WaitOptions, WaitStatus, wait};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildEnd {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// What the kernel says of the children of a subreaper, and so of all that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildrenLeft {
    /// Some run.
    Some,
    /// None, so there is no descendant either.
    None,
    /// What is looked for was started by somebody else, so the kernel has no answer.
    NotOurs,
}

/// Makes this process the one that adopts its descendants when their parents end
/// (`PR_SET_CHILD_SUBREAPER(2const)`), so that they stay its descendants.
///
/// Where there is no such thing, does nothing.
pub fn become_subreaper() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Waits for every child that has ended, without blocking, and tells of each one.
///
/// This takes all children, so nothing else in this process may wait for one.
pub fn reap_children(mut ended: impl FnMut(i32, ChildEnd)) -> ChildrenLeft {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                if let Some(end) = child_end(status) {
                    ended(pid.as_raw_pid(), end);
                }
            }
            Err(Errno::INTR) => {}
            Ok(None) => return ChildrenLeft::Some,
            Err(_) => return ChildrenLeft::None,
        }
    }
}

fn child_end(status: WaitStatus) -> Option<ChildEnd> {
    status.exit_status().map(ChildEnd::Code).or_else(|| status.terminating_signal().map(ChildEnd::Signal))
}
