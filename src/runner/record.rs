//! The record of a run, put together from all that is known of it.

use super::engine::Engine;
use super::follow::outcome;
use super::keep::Kept;
use super::plan::{Intent, Plan};
use super::refusal::Refusal;
use super::seen::Seen;
use crate::run::{
    AgentRecord, EndedBy, ExitStatus, FailureReason, Isolation, Judgement, Outcome, RECORD_VERSION, Resumed,
    RunRecord, Usage, WorkspaceRecord,
};
use crate::store::run_directory::ExitReport;
use crate::timestamp::Timestamp;

/// The most of a text that stands in `run.json` itself. The whole of it is in the file beside it.
const INLINE_TEXT_BYTES_MAX: usize = 64 * 1024;

/// The exit code of a run that did not return one.
const NO_EXIT_CODE: i32 = -1;

/// What is told of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// What could be seen of it.
    pub(crate) seen: &'a Seen,
    /// What its end means, once its work was kept or not.
    pub(crate) judgement: &'a Judgement,
    /// What was kept.
    pub(crate) kept: &'a Kept,
}

/// Returns the record of a run whose agent was to be started.
pub(crate) fn record(engine: &Engine, plan: &Plan, exit: &ExitReport, told: &Told<'_>) -> RunRecord {
    let Told { seen, judgement, kept } = told;
    let reading = &seen.reading;
    let mut warnings = reading.warnings();
    warnings.extend(exit.warnings.iter().cloned());
    warnings.extend(kept.warnings.iter().cloned());
    if exit.ended_by == EndedBy::SupervisorLost {
        warnings.push("the run's supervisor was killed".to_owned());
    }
    RunRecord {
        version: RECORD_VERSION,
        run: plan.intent.run,
        claim: plan.intent.claim,
        task: plan.intent.task.clone(),
        task_blob: engine.repository.blob_id_of(plan.intent.task_text.as_bytes()).to_string(),
        number: plan.intent.number,
        kind: plan.intent.kind,
        prompt: inline(&plan.prompt),
        agent: AgentRecord {
            program: plan.launch.program.display().to_string(),
            version: reading.agent_version.clone(),
            model: reading.model.clone().or_else(|| plan.model_asked_for()),
            session: seen.session(plan),
            resumed: plan.session.resumed,
        },
        workspace: kept.workspace.clone(),
        slot: plan.intent.slot.0,
        machine: engine.machine.clone(),
        isolation: Isolation::None,
        started: exit.started,
        finished: exit.finished,
        exit: exit.status.clone(),
        exit_code: exit_code(&exit.status, judgement),
        ended_by: exit.ended_by,
        outcome: outcome(judgement, exit.ended_by),
        reason: reason(judgement),
        result: seen.answer.as_deref().map(inline),
        error: error_text(judgement).as_deref().map(inline),
        structured_output: seen.structured_output(),
        usage: reading.usage,
        permission_denials: reading.permission_denials.clone(),
        warnings,
        swept: exit.swept.clone(),
        // Filled in by the store, which cuts the log.
        log: Vec::new(),
    }
}

/// Returns the record of a run that ends before any agent was to be started.
pub(crate) fn refused(engine: &Engine, intent: &Intent, refusal: &Refusal, now: Timestamp) -> RunRecord {
    RunRecord {
        version: RECORD_VERSION,
        run: intent.run,
        claim: intent.claim,
        task: intent.task.clone(),
        task_blob: engine.repository.blob_id_of(intent.task_text.as_bytes()).to_string(),
        number: intent.number,
        kind: intent.kind,
        prompt: String::new(),
        agent: AgentRecord {
            program: String::new(),
            version: None,
            model: None,
            session: None,
            resumed: Resumed::Fresh,
        },
        workspace: WorkspaceRecord::None,
        slot: intent.slot.0,
        machine: engine.machine.clone(),
        isolation: Isolation::None,
        started: intent.planned,
        finished: now,
        exit: ExitStatus::NotStarted(refusal.message.clone()),
        exit_code: NO_EXIT_CODE,
        ended_by: EndedBy::Itself,
        outcome: Outcome::Failed,
        reason: Some(refusal.reason),
        result: None,
        error: Some(refusal.message.clone()),
        structured_output: None,
        usage: Usage::default(),
        permission_denials: Vec::new(),
        warnings: Vec::new(),
        swept: Vec::new(),
        log: Vec::new(),
    }
}

/// Returns what went wrong, in Markdown.
pub(crate) fn error_text(judgement: &Judgement) -> Option<String> {
    match judgement {
        Judgement::Success => None,
        Judgement::Cancelled => Some("Cancelled.".to_owned()),
        Judgement::Failure { message, .. } => Some(message.clone()),
    }
}

/// Returns why a run failed, if it did.
pub(crate) fn reason(judgement: &Judgement) -> Option<FailureReason> {
    match judgement {
        Judgement::Failure { reason, .. } => Some(*reason),
        Judgement::Success | Judgement::Cancelled => None,
    }
}

fn exit_code(status: &ExitStatus, judgement: &Judgement) -> i32 {
    match (status, judgement) {
        (_, Judgement::Cancelled) => NO_EXIT_CODE,
        (ExitStatus::Code(code), _) => *code,
        (ExitStatus::Signal(_) | ExitStatus::NotStarted(_) | ExitStatus::Unknown, _) => NO_EXIT_CODE,
    }
}

fn inline(text: &str) -> String {
    if text.len() <= INLINE_TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mut cut = text[..text.floor_char_boundary(INLINE_TEXT_BYTES_MAX)].to_owned();
    cut.push_str("\n… cut here; the whole text is in the file beside this record\n");
    cut
}
