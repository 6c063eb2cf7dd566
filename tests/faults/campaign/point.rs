//! Where and how a trial breaks the program, as a line of text that brings the same trial back.

use std::fmt::{self, Display, Formatter};

use super::scenario::{Scenario, TASK};

/// Removes all that may go, whatever its age.
const PRUNE: [&str; 9] =
    ["prune", "--older-than", "0d", "--only", "worktrees", "--only", "snapshots", "--only", "logs"];

/// One point of the campaign: `scenario/process/call/fault/at`, and for a start that recovers `/first`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) scenario: Scenario,
    pub(super) process: Process,
    /// The name of a system call.
    pub(super) call: String,
    pub(super) fault: Fault,
    /// The number of that call, counted for each thread from 1.
    pub(super) at: usize,
    /// At which changing call the runner was killed whose remains are recovered; 0 where there is none.
    pub(super) first: usize,
}

/// The process that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Process {
    /// `git claudedo run` with all its threads, and nothing that it starts.
    Runner,
    /// Its first thread alone.
    MainThread,
    /// The supervisor of the first run.
    Supervisor,
    /// `git claudedo run` after a runner that was killed.
    Recovery,
    /// The runner and everything below it: supervisor, agent, the agent's git.
    Tree,
    /// The first git that an agent starts.
    Git,
    /// `git claudedo add`.
    Add,
    /// `git claudedo cancel`.
    Cancel,
    /// `git claudedo prune` of everything that may go, after a run.
    Prune,
    /// `git claudedo restore` into a worktree in which somebody has written, after a run.
    Restore,
    /// `git claudedo retry` of a task that failed.
    Retry,
}

/// Which system calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Calls {
    All,
    /// Those that change what another process can see.
    Change,
    Write,
    Open,
    Rename,
    Sync,
    Mkdir,
    Unlink,
    Link,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Kill,
    NoSpace,
    /// From that call on.
    NoSpaceFrom,
    Broken,
    BrokenFrom,
    NoDescriptor,
    NoDescriptorFrom,
}

impl Process {
    const ALL: [Self; 11] = [
        Self::Runner,
        Self::MainThread,
        Self::Supervisor,
        Self::Recovery,
        Self::Tree,
        Self::Git,
        Self::Add,
        Self::Cancel,
        Self::Prune,
        Self::Restore,
        Self::Retry,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::MainThread => "main-thread",
            Self::Supervisor => "supervisor",
            Self::Recovery => "recovery",
            Self::Tree => "tree",
            Self::Git => "git",
            Self::Add => "add",
            Self::Cancel => "cancel",
            Self::Prune => "prune",
            Self::Restore => "restore",
            Self::Retry => "retry",
        }
    }

    /// Returns the arguments of a command that is given once the tasks have ended.
    pub(super) fn of_ended(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Prune => Some(&PRUNE),
            Self::Restore => Some(&["restore", TASK]),
            Self::Retry => Some(&["retry", TASK]),
            Self::Runner | Self::MainThread | Self::Supervisor | Self::Recovery | Self::Tree => None,
            Self::Git | Self::Add | Self::Cancel => None,
        }
    }
}

impl Calls {
    /// Returns the names of the system calls; empty for all.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::All => &[],
            Self::Change => &[
                "write",
                "pwrite64",
                "writev",
                "rename",
                "renameat",
                "renameat2",
                "unlink",
                "unlinkat",
                "rmdir",
                "mkdir",
                "mkdirat",
                "link",
                "linkat",
                "symlink",
                "symlinkat",
                "fsync",
                "fdatasync",
                "syncfs",
                "ftruncate",
                "fallocate",
                "chmod",
                "fchmod",
                "fchmodat",
                "flock",
                "clone",
                "clone3",
                "vfork",
                "execve",
                "kill",
            ],
            Self::Write => &["write", "pwrite64", "writev"],
            Self::Open => &["open", "openat"],
            Self::Rename => &["rename", "renameat", "renameat2"],
            Self::Sync => &["fsync", "fdatasync", "syncfs"],
            Self::Mkdir => &["mkdir", "mkdirat"],
            Self::Unlink => &["unlink", "unlinkat", "rmdir"],
            Self::Link => &["link", "linkat", "symlink", "symlinkat"],
        }
    }
}

impl Fault {
    const ALL: [Self; 7] = [
        Self::Kill,
        Self::NoSpace,
        Self::NoSpaceFrom,
        Self::Broken,
        Self::BrokenFrom,
        Self::NoDescriptor,
        Self::NoDescriptorFrom,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::NoSpace => "enospc",
            Self::NoSpaceFrom => "enospc+",
            Self::Broken => "eio",
            Self::BrokenFrom => "eio+",
            Self::NoDescriptor => "emfile",
            Self::NoDescriptorFrom => "emfile+",
        }
    }

    /// Returns what strace injects at a call.
    pub(super) fn injection(self, at: usize) -> String {
        match self {
            Self::Kill => format!("signal=KILL:when={at}"),
            Self::NoSpace => format!("error=ENOSPC:when={at}"),
            Self::NoSpaceFrom => format!("error=ENOSPC:when={at}+"),
            Self::Broken => format!("error=EIO:when={at}"),
            Self::BrokenFrom => format!("error=EIO:when={at}+"),
            Self::NoDescriptor => format!("error=EMFILE:when={at}"),
            Self::NoDescriptorFrom => format!("error=EMFILE:when={at}+"),
        }
    }
}

impl Point {
    /// Reads the line that [`Display`] writes.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.trim().split('/').collect();
        let (&[scenario, process, call, fault, at], rest) = words.split_first_chunk::<5>()?;
        Some(Self {
            scenario: Scenario::ALL.into_iter().find(|one| one.name() == scenario)?,
            process: Process::ALL.into_iter().find(|one| one.name() == process)?,
            call: call.to_owned(),
            fault: Fault::ALL.into_iter().find(|one| one.name() == fault)?,
            at: at.parse().ok()?,
            first: rest.first().map_or(Some(0), |first| first.parse().ok())?,
        })
    }
}

impl Display for Point {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { scenario, process, call, fault, at, first } = self;
        let (scenario, process) = (scenario.name(), process.name());
        write!(formatter, "{scenario}/{process}/{call}/{}/{at}", fault.name())?;
        if *first > 0 { write!(formatter, "/{first}") } else { Ok(()) }
    }
}
