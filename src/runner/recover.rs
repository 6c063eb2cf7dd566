//! What an earlier runner left behind. Every start looks for it.
//!
//! * A folder without a plan: the runner was killed before anything had happened. It is removed.
//! * A run that was planned and never claimed is planned anew: its task may have been edited or deleted meanwhile.
//! * A run that a newer version of this program planned is left to that version.
//! * A run whose supervisor lives goes on; its end is waited for.
//! * A run whose supervisor is gone is ended and goes on in its session.
//! * A claim of this machine without any folder has lost its state: it ends as interrupted, and its
//!   branch and records stay. It is found by the first look at the tasks, which has read all records.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cancel::hand_on_request;
use super::engine::Engine;
use super::plan::{NewerPlan, Plan, WorkspacePlan};
use super::rules::{SortedOut, end_of_lost, is_only_planned, sorted_out};
use super::seen::cancel;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::os::{clock, fs};
use crate::store::event_stream::Level;
use crate::store::run_directory::RunDirectory;
use crate::store::state_directory::TaskLock;
use crate::supervisor::{OrphanError, Supervision, end_orphan, supervision};
use crate::task::TaskId;

/// How often the lock of a run is tried that is waited for. A try costs a few system calls.
const LOCK_TRY_EVERY: Duration = Duration::from_millis(100);

/// A run that somebody has to go on with.
#[derive(Debug)]
pub(crate) struct Remains {
    /// Its plan.
    pub(crate) plan: Plan,
    /// Its folder.
    pub(crate) directory: RunDirectory,
}

/// Looks for what was left behind and clears away what means nothing.
pub(crate) fn look(engine: &Engine) -> anyhow::Result<Vec<Remains>> {
    sweep(engine);
    let mut remains = Vec::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        match Plan::load(&directory)? {
            Some(plan) => remains.push(Remains { plan, directory }),
            None if NewerPlan::load(&directory)?.is_some() => engine.broadcast.log(
                Level::Error,
                format!("run {run} was planned by a newer git-claudedo; install it to go on with the run"),
            ),
            None => clear_away(engine, &directory)?,
        }
    }
    let sorted = last_runs(remains)?;
    for earlier in &sorted.earlier {
        clear_away_recorded(engine, earlier)?;
    }
    for remains in &sorted.latest {
        clear_half_registration(engine, &remains.plan);
    }
    Ok(sorted.latest)
}

/// Looks for claims that broke off while the runner went on, other than those `at_work`.
pub(crate) fn left_over(engine: &Engine, at_work: &BTreeSet<TaskId>) -> anyhow::Result<Vec<Remains>> {
    let mut remains = Vec::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        if let Some(plan) = Plan::load(&directory)?
            && !at_work.contains(&plan.intent.task)
        {
            remains.push(Remains { plan, directory });
        }
    }
    Ok(last_runs(remains)?.latest)
}

/// Tells the last run of each task from earlier ones, and hands on what was asked of those.
fn last_runs(remains: Vec<Remains>) -> anyhow::Result<SortedOut<Remains>> {
    let sorted = sorted_out(remains, |remains| &remains.plan.intent);
    for earlier in &sorted.earlier {
        let of_claim = |later: &&Remains| later.plan.intent.claim == earlier.plan.intent.claim;
        if let Some(later) = sorted.latest.iter().find(of_claim) {
            hand_on_request(&earlier.directory, &later.directory)?;
        }
    }
    Ok(sorted)
}

/// Takes the lock of a run that was left behind: at once, or when its agent is gone.
///
/// Its supervisor may be killed at any time, also while this waits: then nobody but us ends the agent.
pub(crate) async fn take_lock(engine: &Engine, remains: &Remains) -> anyhow::Result<TaskLock> {
    let task = &remains.plan.intent.task;
    loop {
        if let Some(lock) = engine.state.try_lock_task(task)? {
            return Ok(lock);
        }
        match supervision(&remains.directory)? {
            Supervision::Orphaned => end_left(engine, remains).await?,
            Supervision::Supervised | Supervision::Ended(_) | Supervision::NeverStarted => {
                tokio::time::sleep(LOCK_TRY_EVERY).await;
            }
        }
    }
}

/// Ends what is left of a run, unless somebody else does.
async fn end_left(engine: &Engine, remains: &Remains) -> Result<(), OrphanError> {
    let task_lock = engine.state.task_lock_path(&remains.plan.intent.task);
    match end_orphan(&remains.directory, Some(&task_lock), clock::now()).await {
        Ok(_) | Err(OrphanError::Supervised(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A worktree whose registration was only begun bars those of all other tasks, so it goes before any of them starts.
fn clear_half_registration(engine: &Engine, plan: &Plan) {
    let WorkspacePlan::Worktree { repository, path, .. } = &plan.workspace else { return };
    // Whoever holds the lock has his worktree, or is about to see to it.
    let Ok(Some(_lock)) = engine.state.try_lock_task(&plan.intent.task) else { return };
    let cleared =
        engine.repository_at(repository.as_deref()).and_then(|found| found.remove_half_registration(path));
    if let Err(error) = cleared {
        let task = &plan.intent.task;
        engine.broadcast.log(Level::Warning, format!("the worktree of task {task}: failed to {error}"));
    }
}

fn clear_away_recorded(engine: &Engine, remains: &Remains) -> anyhow::Result<()> {
    let intent = &remains.plan.intent;
    if engine.records.load_task(&intent.task)?.runs.iter().any(|run| run.run == intent.run) {
        pass(FaultPoint::RemainsCleared)?;
        return Ok(fs::remove_directory(remains.directory.path())?);
    }
    let message = format!(
        "run {} of task {} has no record although a later run was planned; its folder {} is kept",
        intent.number,
        intent.task,
        remains.directory.path().display()
    );
    engine.broadcast.log(Level::Error, message);
    Ok(())
}

/// Forgets a run that was planned and nothing else. Returns whether it was one. Its task's lock is the caller's.
pub(crate) fn forget_only_planned(engine: &Engine, plan: &Plan) -> anyhow::Result<bool> {
    let directory = engine.state.run_directory(plan.intent.run);
    let history = engine.records.load_task(&plan.intent.task)?;
    let is_forgotten = supervision(&directory)? == Supervision::NeverStarted
        && is_only_planned(&history, &plan.intent, cancel(&directory));
    if is_forgotten {
        pass(FaultPoint::RemainsCleared)?;
        fs::remove_directory(directory.path())?;
    }
    Ok(is_forgotten)
}

/// Returns the folders of runs of a task, or of an unknown one, that a newer version planned.
pub(crate) fn runs_of_newer(engine: &Engine, task: &TaskId) -> Result<Vec<RunDirectory>, FileError> {
    let mut found = Vec::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        if NewerPlan::load(&directory)?.is_some_and(|plan| plan.may_be_of(task)) {
            found.push(directory);
        }
    }
    Ok(found)
}

/// Clears away what killed processes left half done in the places of this program.
fn sweep(engine: &Engine) {
    engine.state.sweep();
    let git = engine.repository.common_dir();
    fs::sweep_files(&git.join("info"));
    // Also of tasks that ended since: nobody comes back to their worktrees.
    fs::sweep_files_of_each(&git.join("worktrees"));
    engine.tasks.sweep();
}

/// A folder without a plan means nothing. One whose plan cannot be read may mean a lot, and stays.
fn clear_away(engine: &Engine, directory: &RunDirectory) -> anyhow::Result<()> {
    if directory.plan_path().exists() {
        let path = directory.plan_path();
        let message = format!("failed to read {}; the run's folder is kept", path.display());
        engine.broadcast.log(Level::Error, message);
        return Ok(());
    }
    pass(FaultPoint::RemainsCleared)?;
    Ok(fs::remove_directory(directory.path())?)
}

/// Ends claims of this machine that nobody can go on with, of those that nobody works on. Returns how many.
pub(crate) fn end_lost_claims(engine: &Engine, tasks: &[TaskId]) -> anyhow::Result<usize> {
    let mut ended = 0;
    for task in tasks {
        let Some(_lock) = engine.state.try_lock_task(task)? else { continue };
        let history = engine.records.load_task(task)?;
        let Some(kind) = end_of_lost(&history, &engine.machine) else { continue };
        if !runs_of_newer(engine, task)?.is_empty() {
            continue;
        }
        pass(FaultPoint::LostClaimFound)?;
        engine.records.append_event(task, kind, clock::now())?;
        ended += 1;
        engine.broadcast.log(
            Level::Warning,
            format!("task {task} was interrupted: its run's folder is gone, or its plan cannot be read"),
        );
    }
    Ok(ended)
}
