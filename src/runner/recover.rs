//! What an earlier runner left behind. Every start looks for it.
//!
//! * A folder without a plan: the runner was killed before anything had happened. It is removed.
//! * A run whose supervisor lives goes on; its end is waited for.
//! * A run whose supervisor is gone is ended and goes on in its session.
//! * A claim of this machine without any folder has lost its state: it ends as interrupted, and its
//!   branch and records stay. It is found by the first look at the tasks, which has read all records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::Engine;
use super::plan::{PLAN_VERSION, Plan};
use super::threads::blocking;
use crate::os::fault::{FaultPoint, pass};
use crate::os::{clock, fs};
use crate::run::{EventKind, Outcome, StoredState};
use crate::store::event_stream::Level;
use crate::store::run_directory::RunDirectory;
use crate::store::state_directory::TaskLock;
use crate::supervisor::{Supervision, end_orphan, supervision};
use crate::task::TaskId;

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
    engine.state.sweep();
    fs::sweep(&engine.repository.common_dir().join("info"));
    let mut remains: BTreeMap<TaskId, Remains> = BTreeMap::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        let Some(plan) = Plan::load(&directory)? else {
            clear_away(engine, &directory)?;
            continue;
        };
        if plan.version > PLAN_VERSION {
            engine.broadcast.log(
                Level::Error,
                format!("run {run} was planned by a newer git-claudedo; install it to go on with the run"),
            );
            continue;
        }
        // Runs are sorted by age. One that has a later run in its claim has its record already.
        if let Some(earlier) = remains.insert(plan.intent.task.clone(), Remains { plan, directory }) {
            clear_away_recorded(engine, &earlier)?;
        }
    }
    Ok(remains.into_values().collect())
}

/// Looks for claims that broke off while the runner went on, other than those `at_work`. Touches nothing.
pub(crate) fn left_over(engine: &Engine, at_work: &BTreeSet<TaskId>) -> anyhow::Result<Vec<Remains>> {
    let mut remains: BTreeMap<TaskId, Remains> = BTreeMap::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        if let Some(plan) = Plan::load(&directory)?
            && plan.version <= PLAN_VERSION
            && !at_work.contains(&plan.intent.task)
        {
            // Runs are sorted by age, and the latest of a task is the one that is not over.
            remains.insert(plan.intent.task.clone(), Remains { plan, directory });
        }
    }
    Ok(remains.into_values().collect())
}

/// Takes the lock of a run that was left behind: at once, or when its agent is gone.
pub(crate) async fn take_lock(engine: &Arc<Engine>, remains: &Remains) -> anyhow::Result<TaskLock> {
    let task = remains.plan.intent.task.clone();
    if let Some(lock) = engine.state.try_lock_task(&task)? {
        return Ok(lock);
    }
    match supervision(&remains.directory)? {
        Supervision::Orphaned => {
            let task_lock = engine.state.task_lock_path(&task);
            end_orphan(&remains.directory, Some(&task_lock), clock::now()).await?;
        }
        Supervision::Supervised | Supervision::Ended(_) | Supervision::NeverStarted => {}
    }
    blocking(engine, move |engine| Ok(engine.state.lock_task(&task)?)).await
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
        let StoredState::Claimed { claim, machine, .. } = &history.state else { continue };
        if *machine != engine.machine {
            continue;
        }
        let kind = EventKind::Finished {
            claim: *claim,
            run: history.last_run().map_or(*claim, |run| run.run),
            outcome: Outcome::Interrupted,
            reason: None,
            message: "Nobody can go on with the run: its folder is gone, or its plan cannot be read. Its branch and records are kept.".to_owned(),
        };
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
