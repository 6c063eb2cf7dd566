//! Owns one run and outlives the runner.
//!
//! `git-claudedo supervise <run directory>` starts one agent, watches it, ends whatever is left of it and
//! writes how it ended. It knows nothing of queues or git; all it is told and all it tells are files of
//! the run directory ([`crate::store::run_directory`]). The runner may be killed, upgraded or absent
//! meanwhile.
//!
//! Two locks tell where a run stands. The *task's lock* comes in as standard input, locked by the runner;
//! the supervisor keeps it and the agent inherits it, so the task is free only when both are gone. The
//! *supervisor's lock* is never inherited: when it is free and the task's is not, an agent runs that nobody
//! watches, and [`end_orphan`] ends it.
//!
//! A supervisor that is killed takes nothing with it: the agent goes on, still holding the task's lock,
//! until the next start of the program finds it.

mod life;
mod logs;
mod orphan;
mod swept;
mod watch;

use std::io;
use std::path::{Path, PathBuf};

pub use orphan::{OrphanError, Supervision, end_orphan, supervision, wait_for_supervisor};

use crate::os::clock;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::os::lock::FileLock;
use crate::os::process::{self, EndProcessesError};
use crate::run::{EndedBy, ExitStatus};
use crate::store::run_directory::{ExitReport, Launch, RunDirectory};

/// Why a supervisor gave up. When it did after the agent's start, it ended the agent first, as far as it could.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// A file of the run directory could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another supervisor owns the run.
    #[error("supervise {}: another supervisor does", .0.display())]
    Supervised(PathBuf),
    /// There is no plan, or it cannot be read.
    #[error("supervise {}: it has no readable plan.json", .0.display())]
    NoPlan(PathBuf),
    /// The agent was started before; a run starts once.
    #[error("supervise {}: its agent was started before, and a run starts once", .0.display())]
    StartedBefore(PathBuf),
    /// The task's lock did not come in as standard input.
    #[error("take over the task's lock from standard input")]
    TaskLock(#[source] io::Error),
    /// The operating system refused what a supervisor needs.
    #[error("{action}")]
    System {
        /// What was asked for.
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// Processes of the run survive.
    #[error(transparent)]
    End(#[from] EndProcessesError),
}

/// Runs the supervisor of one run to its end: starts the agent, watches it, ends what is left of it, writes `exit.json`.
///
/// When there is an `exit.json` already, there is nothing to do.
pub fn run(run_directory: &Path) -> Result<(), SupervisorError> {
    let directory = RunDirectory::at(run_directory.to_owned());
    let lock_path = directory.supervisor_lock_path();
    let _supervisor_lock = FileLock::try_take(&lock_path)?
        .ok_or_else(|| SupervisorError::Supervised(run_directory.to_owned()))?;
    pass(FaultPoint::SupervisorLocked)?;
    let task_lock = process::take_handed_file().map_err(SupervisorError::TaskLock)?;
    process::redirect_input_to_null().map_err(system("empty standard input"))?;
    let launch = directory.load_launch()?.ok_or_else(|| SupervisorError::NoPlan(run_directory.to_owned()))?;
    if directory.load_exit()?.is_some() {
        return Ok(());
    }
    if directory.was_started() {
        return Err(SupervisorError::StartedBefore(run_directory.to_owned()));
    }
    if directory.is_cancelled() {
        let reason = "cancelled before the start".to_owned();
        return Ok(directory.set_exit(&not_started(reason, EndedBy::Cancel))?);
    }
    process::become_subreaper().map_err(system("become a subreaper"))?;
    supervise(&directory, &launch, &task_lock)
}

fn supervise(
    directory: &RunDirectory,
    launch: &Launch,
    task_lock: &std::fs::File,
) -> Result<(), SupervisorError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("start the event loop"))?;
    runtime.block_on(life::live(directory, launch, task_lock))
}

/// Returns the report of a run whose agent never ran.
fn not_started(reason: String, ended_by: EndedBy) -> ExitReport {
    let now = clock::now();
    ExitReport {
        started: now,
        finished: now,
        status: ExitStatus::NotStarted(reason),
        ended_by,
        swept: Vec::new(),
        refusal: None,
        warnings: Vec::new(),
    }
}

fn system(action: &'static str) -> impl FnOnce(io::Error) -> SupervisorError {
    move |source| SupervisorError::System { action, source }
}
