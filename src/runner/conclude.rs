//! The end of a run: what it made is kept, what it was is recorded.
//!
//! The order is the promise: the agent is gone; its work becomes objects; the branch moves; the record
//! is committed to the tracking ref. That last step, one compare-and-swap, is *the* commit point: a
//! runner that is killed before it does all of this again, and finds done what is done.

use super::engine::Engine;
use super::follow::{Following, RunEnd, following, outcome};
use super::keep::{Kept, keep};
use super::plan::{Intent, Plan};
use super::record::{Told, error_text, reason, record, refused};
use super::refusal::Refusal;
use super::rules::{Written, judged_at_last, left_to_follow, written};
use super::seen::{Seen, cancel};
use crate::git::is_short_of_something;
use crate::os::clock;
use crate::os::fault::{FaultPoint, pass};
use crate::run::{AfterFailure, EventKind, FailureReason, Judgement, Outcome, Usage};
use crate::store::log_segments::LogSource;
use crate::store::records::NewRecord;
use crate::store::run_directory::ExitReport;

/// The most characters of one line for people. What was said at length stands in the record.
const LINE_CHARACTERS_MAX: usize = 500;

/// A run that has its record.
#[derive(Debug)]
pub(crate) struct Concluded {
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// What follows.
    pub(crate) following: Following,
    /// One line for people.
    pub(crate) message: String,
    /// What it used.
    pub(crate) usage: Usage,
}

/// Judges a run that is over, keeps its work and records it.
pub(crate) fn conclude(engine: &Engine, plan: &Plan, exit: &ExitReport) -> anyhow::Result<Concluded> {
    let directory = engine.state.run_directory(plan.intent.run);
    let seen = Seen::load(plan, exit, &directory)?;
    pass(FaultPoint::Judged)?;
    let written = written(&engine.records.load_task(&plan.intent.task)?, &plan.intent);
    let (judgement, kept) = match keep(engine, plan, &seen.judgement, &seen.work()) {
        // Its worktree may have been removed since the record was written.
        Ok(kept) if matches!(written, Written::Record | Written::RecordAndEnd) => {
            (seen.judgement.clone(), kept)
        }
        Ok(kept) => (on_branch(&seen.judgement, &kept), kept),
        // The work lies in its worktree; the next start that has room commits it.
        Err(error) if is_short_of_something(error.as_ref()) => return Err(error),
        Err(error) => (unkept(&seen.judgement, &error), Kept::failed(&error)),
    };
    let judgement = judged_at_last(judgement, cancel(&directory));
    let ended = RunEnd {
        judgement: &judgement,
        ended_by: exit.ended_by,
        session: seen.session(plan),
        patience: plan.patience,
        task_prompt: &plan.task_prompt,
        prompt: &plan.prompt,
    };
    let following = left_to_follow(following(&ended), written);
    let outcome = outcome(&judgement, exit.ended_by);
    let message = message(&judgement, &seen, &kept);
    let record = record(engine, plan, exit, &Told { seen: &seen, judgement: &judgement, kept: &kept });
    let usage = record.usage;
    let event = event(&plan.intent, &following, (outcome, &judgement, &message));
    let task = &plan.intent.task;
    let new_record = |event: Option<EventKind>| NewRecord {
        record,
        task_text: plan.intent.task_text.clone(),
        prompt: plan.prompt.clone(),
        result: seen.answer.clone(),
        error: error_text(&judgement),
        log: Some(LogSource { path: directory.log_path(), bytes_max: plan.log_record_bytes_max }),
        events: event.into_iter().collect(),
    };
    match (written, event) {
        (Written::Record, None) | (Written::RecordAndEnd, _) => {
            return Ok(Concluded { outcome, following, message, usage });
        }
        (Written::Nothing, event) => engine.records.append_record(new_record(event), clock::now())?,
        (Written::End, _) => engine.records.append_record(new_record(None), clock::now())?,
        // Somebody cancelled after the record: the claim has no end yet.
        (Written::Record, Some(end)) => drop(engine.records.append_event(task, end, clock::now())?),
    }
    pass(FaultPoint::Recorded)?;
    Ok(Concluded { outcome, following, message, usage })
}

/// Records a claim that ends before any agent was started: as one commit, since such a run has no folder by which a
/// later start could go on with it.
pub(crate) fn refuse(engine: &Engine, intent: &Intent, refusal: &Refusal) -> anyhow::Result<Concluded> {
    let now = clock::now();
    let judgement = Judgement::Failure {
        reason: refusal.reason,
        message: refusal.message.clone(),
        next: AfterFailure::Stop,
    };
    let record = refused(engine, intent, refusal, now);
    let message = first_line(&refusal.message).unwrap_or_default();
    let event = event(intent, &Following::End, (Outcome::Failed, &judgement, &message));
    let new_record = NewRecord {
        record,
        task_text: intent.task_text.clone(),
        prompt: String::new(),
        result: None,
        error: Some(refusal.message.clone()),
        log: None,
        events: std::iter::once(EventKind::Claimed { claim: intent.claim }).chain(event).collect(),
    };
    engine.records.append_record(new_record, now)?;
    Ok(Concluded { outcome: Outcome::Failed, following: Following::End, message, usage: Usage::default() })
}

pub(crate) fn event(
    intent: &Intent,
    following: &Following,
    (outcome, judgement, message): (Outcome, &Judgement, &str),
) -> Option<EventKind> {
    match following {
        Following::Again { .. } => None,
        Following::Hold { until, reason, message } => Some(EventKind::Held {
            claim: intent.claim,
            run: intent.run,
            until: *until,
            reason: *reason,
            message: first_line(message).unwrap_or_default(),
        }),
        Following::End => Some(EventKind::Finished {
            claim: intent.claim,
            run: intent.run,
            outcome,
            reason: reason(judgement),
            message: message.to_owned(),
        }),
    }
}

fn message(judgement: &Judgement, seen: &Seen, kept: &Kept) -> String {
    match judgement {
        Judgement::Success => {
            let said = seen.answer.as_deref().and_then(first_line).unwrap_or_default();
            let denied = match seen.reading.permission_denials_count {
                0 => String::new(),
                1 => ", 1 call denied".to_owned(),
                count => format!(", {count} calls denied"),
            };
            format!("{}{denied}{}{said}", kept.summary(), if said.is_empty() { "" } else { "; " })
        }
        Judgement::Cancelled => seen.cancel_reason.clone().unwrap_or_else(|| "Task cancelled.".to_owned()),
        Judgement::Failure { message, .. } => {
            first_line(message).unwrap_or_else(|| "no reason was given".to_owned())
        }
    }
}

/// A success whose work is not on the branch is a failure, since there is nothing to review.
fn on_branch(judgement: &Judgement, kept: &Kept) -> Judgement {
    match (judgement, &kept.missing) {
        (Judgement::Success, Some(missing)) => Judgement::Failure {
            reason: FailureReason::Commit,
            message: format!("The agent was done, but {missing}"),
            next: AfterFailure::Stop,
        },
        (Judgement::Success | Judgement::Failure { .. } | Judgement::Cancelled, _) => judgement.clone(),
    }
}

/// Work that could not be kept makes a success a failure; any other end stays what it is.
fn unkept(judgement: &Judgement, error: &anyhow::Error) -> Judgement {
    match judgement {
        Judgement::Success => Judgement::Failure {
            reason: FailureReason::Commit,
            message: format!("The agent was done, but its work could not be committed: failed to {error:#}"),
            next: AfterFailure::Stop,
        },
        Judgement::Failure { .. } | Judgement::Cancelled => judgement.clone(),
    }
}

/// Returns the first line that says something, cut to what a person takes in at a glance.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(LINE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    })
}
