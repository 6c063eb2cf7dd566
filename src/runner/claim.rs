//! One claim, from the task's lock to its terminal record.
//!
//! There is one way through a claim, and a runner that finds the remains of a killed one walks the same
//! way: each step asks first whether it is done. What can fail before an agent was started becomes the
//! record of a failed run; what fails later leaves the run's folder where it is, so that the next start
//! finishes it. Either way a claimed task gets exactly one terminal record.

use std::sync::Arc;
use std::time::Duration;

use super::cancel::hand_on_request;
use super::conclude::{Concluded, conclude, refuse};
use super::decide::{ClaimEnd, QueueHold, RETRY_AFTER, SlotId, Stay};
use super::engine::Engine;
use super::follow::Following;
use super::plan::{Intent, Plan};
use super::prepare::{Prepared, prepare};
use super::recover::forget_only_planned;
use super::start::{announce, start};
use super::threads::blocking;
use super::workspace;
use crate::os::fault::{FaultPoint, pass};
use crate::os::{clock, fs};
use crate::run::Outcome;
use crate::schedule::Candidate;
use crate::store::event_stream::{Level, Spent, StreamEventKind, TaskUpdate};
use crate::store::state_directory::TaskLock;
use crate::supervisor::{Supervision, end_orphan, supervision, wait_for_supervisor};
use crate::task::TaskId;

/// How often a pause between two runs looks for a cancel request.
const PAUSE_STEP: Duration = Duration::from_millis(200);

/// How a claim ended, for the queue and for the report.
#[derive(Debug)]
pub(crate) struct Worked {
    /// For the queue.
    pub(crate) end: ClaimEnd,
    /// For the report, when the task has its terminal record.
    pub(crate) outcome: Option<(Outcome, String)>,
}

impl Worked {
    fn not_taken() -> Self {
        Self { end: ClaimEnd::NotTaken, outcome: None }
    }

    fn recorded(outcome: Outcome, message: String) -> Self {
        Self { end: ClaimEnd::Recorded, outcome: Some((outcome, message)) }
    }
}

/// Takes a task from the queue and works on it to the end of the claim.
pub(crate) async fn work(engine: Arc<Engine>, candidate: Candidate, slot: SlotId, stay: Stay) -> Worked {
    let task = candidate.task.clone();
    let worked = take(&engine, candidate, slot).await;
    told(&engine, &task, stay, worked)
}

/// Goes on with a run that an earlier runner left behind. The lock says that nobody else does.
pub(crate) async fn take_up(engine: Arc<Engine>, plan: Plan, lock: TaskLock, stay: Stay) -> Worked {
    let task = plan.intent.task.clone();
    let worked = go_on(&engine, plan, &lock).await;
    told(&engine, &task, stay, worked)
}

/// Goes on with a run that was left behind, or says why it cannot.
pub(crate) async fn go_on(engine: &Arc<Engine>, plan: Plan, lock: &TaskLock) -> anyhow::Result<Worked> {
    let found = plan.clone();
    if blocking(engine, move |engine| forget_only_planned(engine, &found)).await? {
        return Ok(Worked { end: ClaimEnd::Recorded, outcome: None });
    }
    drive(engine, plan, lock).await
}

fn told(engine: &Engine, task: &TaskId, stay: Stay, worked: anyhow::Result<Worked>) -> Worked {
    worked.unwrap_or_else(|error| {
        let goes_on = match stay {
            Stay::UntilEmpty => "the next start goes on with it".to_owned(),
            Stay::UntilStopped => format!(
                "this watcher goes on with it when something changes, or after {} minutes",
                RETRY_AFTER.as_secs() / 60
            ),
        };
        let message = format!("failed to {error:#}; what the run made is kept, and {goes_on}");
        engine.broadcast.tell(Some(task), None, StreamEventKind::WorkerLog { level: Level::Error, message });
        Worked::not_taken()
    })
}

async fn take(engine: &Arc<Engine>, candidate: Candidate, slot: SlotId) -> anyhow::Result<Worked> {
    let taken = blocking(engine, move |engine| {
        let Some(lock) = engine.state.try_lock_task(&candidate.task)? else { return Ok(None) };
        pass(FaultPoint::TaskLocked)?;
        Ok(prepare(engine, &candidate, slot)?.map(|prepared| (lock, prepared)))
    });
    match taken.await? {
        None => Ok(Worked::not_taken()),
        Some((_lock, Prepared::Refused(intent, refusal))) => {
            let concluded = blocking(engine, move |engine| {
                announce(engine, &intent);
                let concluded = refuse(engine, &intent, &refusal)?;
                pass(FaultPoint::RefusalRecorded)?;
                finished(engine, &intent, &concluded);
                Ok(concluded)
            });
            let concluded = concluded.await?;
            Ok(Worked::recorded(concluded.outcome, concluded.message))
        }
        Some((lock, Prepared::Planned(plan))) => drive(engine, *plan, &lock).await,
    }
}

/// Walks a claim from wherever it stands to its end.
async fn drive(engine: &Arc<Engine>, first: Plan, lock: &TaskLock) -> anyhow::Result<Worked> {
    let mut plan = first;
    loop {
        let Some(concluded) = one_run(engine, &plan, lock).await? else {
            fs::remove_directory(engine.state.run_directory(plan.intent.run).path())?;
            return Ok(Worked { end: ClaimEnd::Recorded, outcome: None });
        };
        let followed = {
            let plan = plan.clone();
            let concluded = Arc::new(concluded);
            let handed = Arc::clone(&concluded);
            let next = blocking(engine, move |engine| close(engine, &plan, &handed)).await?;
            (next, concluded)
        };
        match followed {
            (Some((next, pause)), _) => {
                wait(engine, &next, pause).await;
                plan = next;
            }
            (None, concluded) => return Ok(ended(&concluded)),
        }
    }
}

fn ended(concluded: &Concluded) -> Worked {
    match &concluded.following {
        Following::Hold { until, reason, .. } => {
            Worked { end: ClaimEnd::Holds(QueueHold { until: *until, reason: *reason }), outcome: None }
        }
        Following::End | Following::Again { .. } => {
            Worked::recorded(concluded.outcome, concluded.message.clone())
        }
    }
}

/// Closes a run that has its record: the next one is planned, or the claim is over. The folder goes last.
fn close(engine: &Engine, plan: &Plan, concluded: &Concluded) -> anyhow::Result<Option<(Plan, Duration)>> {
    let spent = Spent::of(&concluded.usage);
    let next = match &concluded.following {
        Following::Again { next, pause } => {
            let next = plan.next(next.clone(), &engine.state.runs_path(), clock::now());
            next.write(&engine.state)?;
            pass(FaultPoint::NextPlanned)?;
            let directory = |run| engine.state.run_directory(run);
            hand_on_request(&directory(plan.intent.run), &directory(next.intent.run))?;
            let message =
                format!("run {} {}: {}", plan.intent.number, concluded.outcome.name(), concluded.message);
            engine.broadcast.tell(
                Some(&plan.intent.task),
                Some(plan.intent.run),
                StreamEventKind::TaskUpdated { update: TaskUpdate::RunEnded, message, spent },
            );
            Some((next, *pause))
        }
        Following::End => {
            workspace::release(engine, plan, concluded.outcome)?;
            pass(FaultPoint::WorkspaceReleased)?;
            finished(engine, &plan.intent, concluded);
            None
        }
        Following::Hold { message, .. } => {
            workspace::release(engine, plan, concluded.outcome)?;
            pass(FaultPoint::WorkspaceReleased)?;
            let message = format!("held: {message}");
            engine.broadcast.tell(
                Some(&plan.intent.task),
                Some(plan.intent.run),
                StreamEventKind::TaskUpdated { update: TaskUpdate::Held, message, spent },
            );
            None
        }
    };
    pass(FaultPoint::RunClosing)?;
    fs::remove_directory(engine.state.run_directory(plan.intent.run).path())?;
    pass(FaultPoint::RunClosed)?;
    Ok(next)
}

fn finished(engine: &Engine, intent: &Intent, concluded: &Concluded) {
    let Concluded { outcome, message, .. } = concluded;
    let kind = StreamEventKind::TaskFinished {
        outcome: *outcome,
        message: message.clone(),
        spent: Spent::of(&concluded.usage),
    };
    engine.broadcast.tell(Some(&intent.task), Some(intent.run), kind);
}

/// Takes one run from wherever it stands to its record. `None`: it never began, and its claim is over.
async fn one_run(engine: &Arc<Engine>, plan: &Plan, lock: &TaskLock) -> anyhow::Result<Option<Concluded>> {
    let directory = engine.state.run_directory(plan.intent.run);
    if supervision(&directory)? == Supervision::Supervised {
        // The task's lock is ours, so its supervisor is about to be gone.
        let directory = directory.clone();
        blocking(engine, move |_| Ok(wait_for_supervisor(&directory)?)).await?;
    }
    let exit = match supervision(&directory)? {
        Supervision::Ended(exit) => exit,
        Supervision::Orphaned | Supervision::Supervised => end_orphan(&directory, None, clock::now()).await?,
        Supervision::NeverStarted => match start(engine, plan, lock).await? {
            Some(exit) => exit,
            None => return Ok(None),
        },
    };
    let plan = plan.clone();
    blocking(engine, move |engine| conclude(engine, &plan, &exit).map(Some)).await
}

/// Waits before a run, unless it is cancelled meanwhile: then the supervisor records that at once.
async fn wait(engine: &Engine, plan: &Plan, pause: Duration) {
    let cancel = engine.state.run_directory(plan.intent.run).cancel_path();
    let end = clock::monotonic() + pause;
    while clock::monotonic() < end && !cancel.exists() {
        tokio::time::sleep(PAUSE_STEP.min(end.saturating_duration_since(clock::monotonic()))).await;
    }
}
