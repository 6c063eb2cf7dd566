//! Cancelling: the wish is on the disk before anything is signalled, so that no end of the run after it
//! can count as a success.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::claim::go_on;
use super::decide::ClaimEnd;
use super::engine::Engine;
use super::plan::Plan;
use super::recover::{Remains, runs_of_newer, take_lock};
use super::rules::{SortedOut, sorted_out, withdrawal};
use super::threads::runtime;
use crate::os::clock;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::FileError;
use crate::run::{Outcome, StoredState};
use crate::store::run_directory::{CancelRequest, RunDirectory};
use crate::store::state_directory::{StateDirectory, TaskLock};
use crate::task::TaskId;

/// How often the end of a cancelled run is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// After how long a run that could not be ended is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How often that is tried again: a disk that is full stays so.
const TRIES_MAX: u32 = 2;

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
    /// The run is to end, which only the newer version that planned it can bring about.
    LeftToNewer,
}

/// Cancels a task and waits for its end.
pub fn cancel(engine: &Arc<Engine>, task: &TaskId, reason: &str) -> anyhow::Result<Cancelled> {
    if let StoredState::Ended { outcome, .. } = engine.records.load_task(task)?.state
        && !engine.state.is_at_work(task)?
    {
        return Ok(Cancelled::EndedBefore(outcome));
    }
    if let Some(cancelled) = withdraw(engine, task, reason)? {
        return Ok(cancelled);
    }
    let newer = runs_of_newer(engine, task)?;
    for directory in &newer {
        request_end(directory, reason)?;
    }
    if !newer.is_empty() && !engine.state.is_at_work(task)? {
        return Ok(Cancelled::LeftToNewer);
    }
    runtime()?.block_on(end(engine, task, reason))
}

/// Takes a task from the queue, unless somebody works on it or there is a run to be ended.
fn withdraw(engine: &Engine, task: &TaskId, reason: &str) -> anyhow::Result<Option<Cancelled>> {
    let Some(lock) = engine.state.try_lock_task(task)? else { return Ok(None) };
    if !remains_of(engine, task)?.latest.is_empty() || !runs_of_newer(engine, task)?.is_empty() {
        return Ok(None);
    }
    let history = engine.records.load_task(task)?;
    if let StoredState::Ended { outcome, .. } = history.state {
        return Ok(Some(Cancelled::Running(outcome)));
    }
    let kind = withdrawal(&history, &engine.machine, reason.to_owned());
    engine.records.append_event(task, kind, clock::now())?;
    pass(FaultPoint::QueueLeft)?;
    drop(lock);
    engine.state.wake()?;
    Ok(Some(Cancelled::Queued))
}

/// Asks every run of this repository to end. One that is over meanwhile needs no asking, but another may have followed it.
pub fn request_end_of_all(state: &StateDirectory, reason: &str) -> Result<(), FileError> {
    loop {
        let mut is_new = false;
        for run in state.load_runs()? {
            is_new |= request_end(&state.run_directory(run), reason)? != Asked::Before;
        }
        if !is_new {
            return Ok(());
        }
    }
}

/// Hands a request to end a run on to the run that follows it in its claim.
pub(crate) fn hand_on_request(from: &RunDirectory, to: &RunDirectory) -> Result<(), FileError> {
    if from.is_cancelled() {
        let reason =
            from.load_cancel()?.map_or_else(|| "Task cancelled.".to_owned(), |request| request.reason);
        request_end(to, &reason)?;
    }
    Ok(())
}

async fn end(engine: &Arc<Engine>, task: &TaskId, reason: &str) -> anyhow::Result<Cancelled> {
    let give_up = clock::monotonic() + RECORD_WAIT;
    let mut tries_left = TRIES_MAX;
    while clock::monotonic() < give_up {
        // An earlier run has its record: the next start removes its folder.
        let remains = remains_of(engine, task)?.latest;
        for remains in &remains {
            request_end(&remains.directory, reason)?;
        }
        if let StoredState::Ended { outcome, .. } = engine.records.load_task(task)?.state {
            return Ok(Cancelled::Running(outcome));
        }
        let mut pause = LOOK_EVERY;
        for remains in remains {
            let Some(lock) = free_lock(engine, &remains).await? else { continue };
            match go_on(engine, remains.plan, &lock).await {
                Ok(worked) if matches!(worked.end, ClaimEnd::NotTaken) => pause = TRY_AGAIN_AFTER,
                Ok(_) => engine.state.wake()?,
                // The wish is written, and the runner brings it about.
                Err(_) if engine.state.has_runner()? && tries_left == 0 => return Ok(Cancelled::Requested),
                Err(_) if engine.state.has_runner()? => {
                    (pause, tries_left) = (TRY_AGAIN_AFTER, tries_left - 1);
                }
                // What fails here fails again: there is no other to wait for.
                Err(error) => {
                    let what = format!("record the end of task {task}, which the next start goes on with");
                    return Err(error).context(what);
                }
            }
        }
        // A runner that had the task may be gone before it planned a run, and what was left of an earlier run is over now.
        if let Some(cancelled) = withdraw(engine, task, reason)? {
            return Ok(cancelled);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(Cancelled::Requested)
}

/// Takes the lock of a run that is to end. What a runner works on is left to it; a claim of it that broke off is not: a
/// watcher would go on with it only after a while.
async fn free_lock(engine: &Engine, remains: &Remains) -> anyhow::Result<Option<TaskLock>> {
    if engine.state.has_runner()? {
        return Ok(engine.state.try_lock_task(&remains.plan.intent.task)?);
    }
    take_lock(engine, remains).await.map(Some)
}

/// Whether a request to end a run was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Now,
    Before,
    /// The run is over, and its folder gone.
    TooLate,
}

fn request_end(directory: &RunDirectory, reason: &str) -> Result<Asked, FileError> {
    if directory.is_cancelled() {
        return Ok(Asked::Before);
    }
    match directory.set_cancel(&CancelRequest { at: clock::now(), reason: reason.to_owned() }) {
        Err(_) if !directory.path().exists() => return Ok(Asked::TooLate),
        set => set?,
    }
    pass(FaultPoint::CancelWritten)?;
    Ok(Asked::Now)
}

fn remains_of(engine: &Engine, task: &TaskId) -> anyhow::Result<SortedOut<Remains>> {
    let mut found = Vec::new();
    for run in engine.state.load_runs()? {
        let directory = engine.state.run_directory(run);
        if let Some(plan) = Plan::load(&directory)?
            && plan.intent.task == *task
        {
            found.push(Remains { plan, directory });
        }
    }
    Ok(sorted_out(found, |remains| &remains.plan.intent))
}
