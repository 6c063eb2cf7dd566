//! Named steps at which a test can break the program.
//!
//! Between any two writes of a run stands a [`FaultPoint`]. With the feature `fault-points`, the variable
//! `CLAUDEDO_FAULT=<point>:<kill|enospc|eio>` makes a process that comes by die there, or the step fail as a full or a
//! broken disk would make it fail, every time. `CLAUDEDO_FAULT_TRACE=<file>` names a file that gets a line for each
//! point that any process comes by; with it, `<point>@<number>:<fault>` hits the point that is so many-th of its name
//! in that file, once. Several faults are separated by commas. A supervisor hears of them, an agent does not. Without
//! the feature, nothing of this is compiled.

#[cfg(feature = "fault-points")]
use std::ffi::OsStr;
use std::path::PathBuf;

use super::fs::FileError;

/// The variables that no agent gets to see.
#[cfg(feature = "fault-points")]
pub const VARIABLES: &[&str] = &["CLAUDEDO_FAULT", "CLAUDEDO_FAULT_TRACE"];
/// There are none.
#[cfg(not(feature = "fault-points"))]
pub const VARIABLES: &[&str] = &[];

macro_rules! points {
    (runs { $($point:ident $name:literal $meaning:literal)+ } prune { $($pruned:ident $pruned_name:literal $pruned_meaning:literal)+ }) => {
        /// A step of the order of writes, named for what has just been done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultPoint {
            $(#[doc = $meaning] $point,)+
            $(#[doc = $pruned_meaning] $pruned,)+
        }

        impl FaultPoint {
            /// All points of a run, in the order in which it comes by; those of every file and ref are last.
            pub const ALL: &[Self] = &[$(Self::$point),+];

            /// The points that cleaning up comes by, in its order.
            pub const PRUNE: &[Self] = &[$(Self::$pruned),+];

            /// Returns the name for `CLAUDEDO_FAULT`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)+ $(Self::$pruned => $pruned_name,)+ }
            }

            /// Returns what has just been done, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$point => $meaning,)+ $(Self::$pruned => $pruned_meaning,)+ }
            }
        }
    };
}

points! {
    runs {
    RunnerLocked "runner-locked" "The runner's lock is held and says by whom."
    RemainsCleared "remains-cleared" "What an earlier start left and nobody needs is about to go."
    LostClaimFound "lost-claim-found" "A claim whose run has no folder is about to end as interrupted."
    TaskLocked "task-locked" "The task's lock is held, and nothing is written."
    FolderMade "folder-made" "The run's folder is made, and empty."
    PromptWritten "prompt-written" "The prompt is in the run's folder."
    AgentFilesWritten "agent-files-written" "Instructions and agents are in the run's folder, where there are any."
    PlanWritten "plan-written" "`plan.json` is written: from here on the folder is a run."
    PlanSynced "plan-synced" "The name of the run's folder is synced."
    RefusalRecorded "refusal-recorded" "The claim and the record of a task that cannot be run are on the tracking ref."
    Claimed "claimed" "The claim is on the tracking ref."
    BranchMade "branch-made" "The task's branch is there."
    WorktreeRegistered "worktree-registered" "The worktree is registered, and empty."
    WorktreeFilled "worktree-filled" "The worktree's files are checked out."
    WorktreeLocked "worktree-locked" "The worktree is locked with the task as the reason."
    WorkspaceMade "workspace-made" "The workspace is ready for the agent."
    SupervisorStarted "supervisor-started" "The supervisor's process is started."
    SupervisorLocked "supervisor-locked" "The supervisor holds its lock and has looked at nothing."
    LogsMade "logs-made" "The agent's log files are there: from here on it counts as started."
    AgentStarted "agent-started" "The agent is started, and `process.json` is not written."
    ProcessReported "process-reported" "`process.json` is written."
    CancelWritten "cancel-written" "The request to cancel is in the run's folder, and nothing is signalled."
    AgentSignalled "agent-signalled" "The agent is about to be told to end."
    AgentEnded "agent-ended" "The agent's own process is gone."
    Swept "swept" "No process of the run is left."
    LogSynced "log-synced" "The agent's log is synced."
    ExitWritten "exit-written" "`exit.json` is written."
    OrphanEnded "orphan-ended" "An agent without a supervisor is ended, and `exit.json` is not written."
    OrphanReported "orphan-reported" "`exit.json` of an agent without a supervisor is written."
    Judged "judged" "The log is read and the run judged."
    TreeWritten "tree-written" "The worktree is in the object database as a tree that nothing names."
    HeadKept "head-kept" "Commits that the agent made beside its branch have a ref of their own."
    CommitWritten "commit-written" "The commit of the agent's work is written, and the branch has not moved."
    BranchMoved "branch-moved" "The branch names the agent's work."
    IndexRefreshed "index-refreshed" "The worktree's index is that of the branch."
    SnapshotWritten "snapshot-written" "The commit of unfinished work is written, and no ref names it."
    SnapshotKept "snapshot-kept" "A snapshot ref names the unfinished work."
    RecordWritten "record-written" "The record's files are written as objects that nothing names."
    Recorded "recorded" "The record is on the tracking ref."
    NextPlanned "next-planned" "The next run of the claim is planned, and this one still has its folder."
    WorktreeEmptied "worktree-emptied" "The worktree's folder is gone, and its registration is not."
    WorkspaceReleased "workspace-released" "The worktree is given back to its user, or removed."
    RunClosing "run-closing" "The run's folder is about to go."
    RunClosed "run-closed" "The run's folder is gone."
    QueueLeft "queue-left" "A task that had not begun is cancelled on the tracking ref."
    FileWritten "file-written" "Any file: its bytes lie beside it, under another name."
    FileReplaced "file-replaced" "Any file: it has its new bytes, and its folder is not synced."
    FolderRenamed "folder-renamed" "Any folder that is removed: it is moved aside, and not empty."
    RecordsLocked "records-locked" "Any append to the tracking ref: the right to do so is held."
    AppendSynced "append-synced" "Any append to the tracking ref: its objects are synced, and no ref names them."
    RefLocked "ref-locked" "Any ref: its lock file has the new value, synced."
    RefMoved "ref-moved" "Any ref: it has the new value, and its folder is not synced."
    EventTold "event-told" "Any line of the local event stream: it is about to be written."
    }
    prune {
    PrunedAside "pruned-aside" "A worktree that is to go was set aside."
    PrunedFolder "pruned-folder" "Its folder is gone, and its registration is not."
    PrunedLogs "pruned-logs" "Logs were taken out of the records."
    }
}

/// Comes by a point: returns at once, fails, or does not return.
#[cfg(feature = "fault-points")]
pub fn pass(point: FaultPoint) -> Result<(), FileError> {
    armed::pass(point)
}

/// Comes by a point, which does nothing.
#[cfg(not(feature = "fault-points"))]
pub const fn pass(_point: FaultPoint) -> Result<(), FileError> {
    Ok(())
}

/// Returns the program that is started as the supervisor: this one, unless a test comes between.
///
/// With the feature, `CLAUDEDO_FAULT_PROGRAM` names another, which is to start this one in the end.
#[cfg(feature = "fault-points")]
pub fn supervisor_program(own: PathBuf) -> PathBuf {
    super::env::all().remove(OsStr::new("CLAUDEDO_FAULT_PROGRAM")).map_or(own, PathBuf::from)
}

/// Returns the program that is started as the supervisor: this one.
#[cfg(not(feature = "fault-points"))]
pub const fn supervisor_program(own: PathBuf) -> PathBuf {
    own
}

#[cfg(feature = "fault-points")]
mod armed {
    use std::fs::OpenOptions;
    use std::io::{self, Read, Seek, Write};
    use std::path::Path;

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    use super::{FaultPoint, FileError, VARIABLES};
    use crate::os::env;

    pub(super) fn pass(point: FaultPoint) -> Result<(), FileError> {
        let [wanted, trace] = [VARIABLES[0], VARIABLES[1]].map(env::path);
        let failed = |error: io::Error| {
            FileError::on("pass the fault point", &Path::new("/").join(point.name()))(error)
        };
        let number = trace.map(|trace| trace_of(point, &trace)).transpose().map_err(failed)?;
        let wanted = wanted.and_then(|wanted| wanted.into_os_string().into_string().ok()).unwrap_or_default();
        let fault = wanted.split(',').find_map(|fault| {
            let (place, fault) = fault.split_once(':')?;
            let (name, at) = place.split_once('@').map_or((place, None), |(name, at)| (name, Some(at)));
            let is_here = at.is_none_or(|at| number.is_some_and(|number| at == number.to_string()));
            (name == point.name() && is_here).then_some(fault)
        });
        match fault {
            None => Ok(()),
            Some("enospc") => Err(failed(Errno::NOSPC.into())),
            Some("eio") => Err(failed(Errno::IO.into())),
            Some("kill") => kill_process(getpid(), Signal::KILL).map_err(|error| failed(error.into())),
            Some(_) => Err(failed(io::ErrorKind::InvalidInput.into())),
        }
    }

    /// Adds a line to the trace, and returns how many of this point it has now.
    fn trace_of(point: FaultPoint, trace: &Path) -> io::Result<usize> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(trace)?;
        file.lock()?;
        writeln!(file, "{}", point.name())?;
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        Ok(text.lines().filter(|line| *line == point.name()).count())
    }
}
