//! Cancelling: the wish is on the disk before anything is signalled, so that no end of the run after it
//! can count as a success.

use std::sync::Arc;
use std::time::Duration;

use super::claim::take_up;
use super::decide::Stay;
use super::engine::Engine;
use super::plan::Plan;
use super::recover::{Remains, take_lock};
use super::threads::runtime;
use crate::os::clock;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::run::{EventKind, Outcome, StoredState};
use crate::store::run_directory::{CancelRequest, RunDirectory};
use crate::store::state_directory::StateDirectory;
use crate::task::TaskId;

/// How often the end of a cancelled run is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the runner that is at work has to record the end, beyond the agent's own grace.
const RECORD_WAIT: Duration = Duration::from_mins(2);

/// What became of the wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// The task had not begun and leaves the queue.
    Queued,
    /// The run was ended, and this is its terminal record.
    Running(Outcome),
    /// There was nothing to cancel: the task had ended like this.
    EndedBefore(Outcome),
    /// The run was told to end, and its runner has not recorded that yet.
    Requested,
}

/// Cancels a task and waits for its end.
pub fn cancel(engine: &Arc<Engine>, task: &TaskId, reason: &str) -> anyhow::Result<Cancelled> {
    if let StoredState::Ended { outcome, .. } = engine.records.load_task(task)?.state
        && !engine.state.is_at_work(task)?
    {
        return Ok(Cancelled::EndedBefore(outcome));
    }
    if let Some(lock) = engine.state.try_lock_task(task)?
        && remains_of(engine, task)?.is_empty()
    {
        let message = reason.to_owned();
        engine.records.append_event(task, EventKind::Cancelled { message }, clock::now())?;
        pass(FaultPoint::QueueLeft)?;
        drop(lock);
        engine.state.wake()?;
        return Ok(Cancelled::Queued);
    }
    runtime()?.block_on(end(engine, task, reason))
}

/// Asks every run of this repository to end. One that is over meanwhile needs no asking.
pub fn request_end_of_all(state: &StateDirectory, reason: &str) -> Result<(), FileError> {
    for run in state.load_runs()? {
        let directory = state.run_directory(run);
        match request_end(&directory, reason) {
            Err(_) if !directory.path().exists() => {}
            asked => asked?,
        }
    }
    Ok(())
}

async fn end(engine: &Arc<Engine>, task: &TaskId, reason: &str) -> anyhow::Result<Cancelled> {
    let give_up = clock::monotonic() + RECORD_WAIT;
    while clock::monotonic() < give_up {
        let remains = remains_of(engine, task)?;
        for remains in &remains {
            request_end(&remains.directory, reason)?;
        }
        if let StoredState::Ended { outcome, .. } = engine.records.load_task(task)?.state {
            return Ok(Cancelled::Running(outcome));
        }
        if !engine.state.has_runner()? {
            for remains in remains {
                let lock = take_lock(engine, &remains).await?;
                take_up(Arc::clone(engine), remains.plan, lock, Stay::UntilEmpty).await;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(Cancelled::Requested)
}

fn request_end(directory: &RunDirectory, reason: &str) -> Result<(), FileError> {
    if !directory.cancel_path().exists() {
        directory.set_cancel(&CancelRequest { at: clock::now(), reason: reason.to_owned() })?;
        pass(FaultPoint::CancelWritten)?;
    }
    Ok(())
}

fn remains_of(engine: &Engine, task: &TaskId) -> anyhow::Result<Vec<Remains>> {
    let mut found = Vec::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        if let Some(plan) = Plan::load(&directory)?
            && plan.intent.task == *task
        {
            found.push(Remains { plan, directory });
        }
    }
    Ok(found)
}
