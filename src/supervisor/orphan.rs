//! What a later start of the program makes of a run whose supervisor was killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::swept::{swept_processes, warnings};
use crate::agent::environment::RUN_VARIABLE;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::os::lock::FileLock;
use crate::os::process::{ChildrenLeft, EndProcessesError, RunProcesses};
use crate::run::{EndedBy, ExitStatus};
use crate::store::run_directory::{ExitReport, RunDirectory};
use crate::timestamp::Timestamp;

/// Between SIGTERM and SIGKILL where the plan cannot be read.
const KILL_GRACE_DEFAULT: Duration = Duration::from_secs(10);

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supervision {
    /// Its supervisor lives.
    Supervised,
    /// Its agent ended and nothing of it is left.
    Ended(ExitReport),
    /// Its agent was started and its supervisor is gone; the agent may still run.
    Orphaned,
    /// Its agent was not started. While the task's lock is held, a supervisor may be about to.
    NeverStarted,
}

/// Why what was left of a run could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum OrphanError {
    /// A file of the run directory could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its supervisor lives, so it is no orphan.
    #[error("end what is left of {}: its supervisor lives", .0.display())]
    Supervised(PathBuf),
    /// Its folder is not named for a run and there is no plan that says which one it is.
    #[error("end what is left of {}: neither its name nor a plan.json says which run it is", .0.display())]
    NoRun(PathBuf),
    /// Processes of the run survive.
    #[error(transparent)]
    End(#[from] EndProcessesError),
}

/// Returns where a run stands, without changing anything.
pub fn supervision(directory: &RunDirectory) -> Result<Supervision, FileError> {
    if FileLock::is_held(&directory.supervisor_lock_path())? {
        return Ok(Supervision::Supervised);
    }
    Ok(match directory.load_exit()? {
        Some(exit) => Supervision::Ended(exit),
        None if directory.was_started() => Supervision::Orphaned,
        None => Supervision::NeverStarted,
    })
}

/// Waits until the supervisor of a run is gone.
///
/// It lets go of the task's lock a moment before its own, so that whoever gets the one may still find the
/// other held.
pub fn wait_for_supervisor(directory: &RunDirectory) -> Result<(), FileError> {
    FileLock::take(&directory.supervisor_lock_path()).map(drop)
}

/// Ends all that is left of a run whose supervisor is gone, and writes its `exit.json`.
///
/// Returns the report that is there when the run had ended already. Holds the supervisor's lock meanwhile, and
/// a supervisor that comes late finds the report and starts nothing.
///
/// `task_lock` is the task's lock where the caller does not hold it: who inherited it from the agent belongs to the
/// run as well, whatever became of its environment and its parents, and would keep the task from ever being taken up.
pub async fn end_orphan(
    directory: &RunDirectory,
    task_lock: Option<&Path>,
    now: Timestamp,
) -> Result<ExitReport, OrphanError> {
    let _supervisor_lock = FileLock::try_take(&directory.supervisor_lock_path())?
        .ok_or_else(|| OrphanError::Supervised(directory.path().to_owned()))?;
    if let Some(exit) = directory.load_exit()? {
        return Ok(exit);
    }
    let launch = directory.load_launch()?;
    let run = launch.as_ref().map(|launch| launch.run).or_else(|| directory.run());
    let run = run.ok_or_else(|| OrphanError::NoRun(directory.path().to_owned()))?;
    let grace =
        launch.map_or(KILL_GRACE_DEFAULT, |launch| Duration::from_millis(launch.limits.kill_grace_ms));
    let process = directory.load_process()?;
    let roots = process.iter().map(|process| process.agent.clone()).collect();
    let processes = RunProcesses {
        marker: format!("{RUN_VARIABLE}={run}"),
        roots,
        inherited: task_lock.map(Path::to_owned),
    };
    let swept = processes.end(grace, || ChildrenLeft::NotOurs).await?;
    pass(FaultPoint::OrphanEnded)?;
    let report = ExitReport {
        started: process.map_or(now, |process| process.started),
        finished: now,
        status: ExitStatus::Unknown,
        ended_by: if directory.is_cancelled() { EndedBy::Cancel } else { EndedBy::SupervisorLost },
        warnings: warnings(&swept),
        swept: swept_processes(swept),
        refusal: None,
    };
    directory.set_exit(&report)?;
    pass(FaultPoint::OrphanReported)?;
    Ok(report)
}
