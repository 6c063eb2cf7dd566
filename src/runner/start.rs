//! The start of a run: its claim is written down, its place is made, its supervisor is started and watched.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use anyhow::Context;

use super::engine::Engine;
use super::live::{self, Watching};
use super::plan::{Intent, Plan};
use super::refusal::Refusal;
use super::rules::{Claiming, claiming};
use super::snapshots::Snapshotting;
use super::threads::blocking;
use super::workspace;
use crate::os::fault::{FaultPoint, pass};
use crate::os::process::start_supervisor;
use crate::os::{clock, fs};
use crate::run::{EndedBy, EventKind, ExitStatus, FailureReason};
use crate::store::event_stream::StreamEventKind;
use crate::store::run_directory::ExitReport;
use crate::store::state_directory::TaskLock;
use crate::supervisor::{Supervision, end_orphan, supervision};

/// How often a supervisor is started that is killed before it has done anything.
pub(crate) const SUPERVISOR_STARTS_MAX: u32 = 3;

/// Claims, makes the workspace, starts the supervisor and waits for its end. `None`: the claim is over.
pub(crate) async fn start(
    engine: &Arc<Engine>,
    plan: &Plan,
    lock: &TaskLock,
) -> anyhow::Result<Option<ExitReport>> {
    let prepared = {
        let plan = plan.clone();
        blocking(engine, move |engine| {
            if ensure_claimed(engine, &plan.intent)? == Claiming::Over {
                return Ok(None);
            }
            announce(engine, &plan.intent);
            Ok(Some(workspace::ensure(engine, &plan.intent, &plan.workspace)?))
        })
    };
    match prepared.await? {
        Some(Ok(())) => {}
        Some(Err(refusal)) => return not_started(engine, plan, refusal, EndedBy::Itself).map(Some),
        None => return Ok(None),
    }
    let given_up = |message, ended_by| {
        not_started(engine, plan, Refusal { reason: FailureReason::Internal, message }, ended_by)
    };
    let mut starts_left = SUPERVISOR_STARTS_MAX;
    loop {
        starts_left -= 1;
        match supervise(engine, plan, lock).await? {
            Supervised::Ended(exit) => return Ok(Some(exit)),
            // Nothing has happened yet, so that it is no failure of the task.
            Supervised::Killed(_) if starts_left > 0 => {}
            Supervised::Killed(message) => return given_up(message, EndedBy::SupervisorLost).map(Some),
            Supervised::Failed(message) => return given_up(message, EndedBy::Itself).map(Some),
        }
    }
}

/// What became of one start of the supervisor.
enum Supervised {
    /// The run has ended.
    Ended(ExitReport),
    /// A signal ended the supervisor before it had started the agent; in words.
    Killed(String),
    /// It gave up before that; in words.
    Failed(String),
}

/// Starts the supervisor and waits for its end.
async fn supervise(engine: &Arc<Engine>, plan: &Plan, lock: &TaskLock) -> anyhow::Result<Supervised> {
    let directory = engine.state.run_directory(plan.intent.run);
    let log = fs::open_append_private(&directory.supervisor_log_path())?;
    let environment = crate::agent::environment::inherited(&engine.environment);
    let started = start_supervisor(&engine.executable, directory.path(), lock.share()?, log, &environment);
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let program = engine.executable.display();
            return Ok(Supervised::Failed(format!(
                "The supervisor could not be started: {program}: {error}"
            )));
        }
    };
    pass(FaultPoint::SupervisorStarted)?;
    let watching = Watching::start(Arc::clone(engine), plan);
    let snapshotting = Snapshotting::start(engine, plan);
    let status = child.wait().await.context("wait for the supervisor")?;
    snapshotting.stop().await;
    watching.stop().await;
    match supervision(&directory)? {
        Supervision::Ended(exit) => Ok(Supervised::Ended(exit)),
        Supervision::Orphaned | Supervision::Supervised => {
            Ok(Supervised::Ended(end_orphan(&directory, None, clock::now()).await?))
        }
        Supervision::NeverStarted => {
            let said = live::load_end_of(&directory.supervisor_log_path());
            let message = format!("The supervisor ended with {status} before the agent started: {said}");
            let ended = if status.signal().is_some() { Supervised::Killed } else { Supervised::Failed };
            Ok(ended(message))
        }
    }
}

/// Writes down that the agent never ran, so that a later runner does not try again what was recorded.
fn not_started(
    engine: &Engine,
    plan: &Plan,
    refusal: Refusal,
    ended_by: EndedBy,
) -> anyhow::Result<ExitReport> {
    let exit = ExitReport {
        started: plan.intent.planned,
        finished: clock::now(),
        status: ExitStatus::NotStarted(refusal.message),
        ended_by,
        swept: Vec::new(),
        refusal: Some(refusal.reason),
        warnings: Vec::new(),
    };
    engine.state.run_directory(plan.intent.run).set_exit(&exit)?;
    Ok(exit)
}

/// Tells that a run begins, and with the first one its claim.
pub(crate) fn announce(engine: &Engine, intent: &Intent) {
    if intent.run == intent.claim {
        let kind = StreamEventKind::TaskStarted { slot: intent.slot.0, title: intent.title.clone() };
        engine.broadcast.tell(Some(&intent.task), Some(intent.run), kind);
    }
    let kind = StreamEventKind::RunCreated { number: intent.number, run_kind: intent.kind };
    engine.broadcast.tell(Some(&intent.task), Some(intent.run), kind);
}

/// Writes down that the task is taken, if that is not known yet.
fn ensure_claimed(engine: &Engine, intent: &Intent) -> anyhow::Result<Claiming> {
    let claiming = claiming(&engine.records.load_task(&intent.task)?, intent);
    if claiming == Claiming::Missing {
        let kind = EventKind::Claimed { claim: intent.claim };
        engine.records.append_event(&intent.task, kind, clock::now())?;
        pass(FaultPoint::Claimed)?;
    }
    Ok(claiming)
}
