//! The end of a run: what it made is kept, what it was is recorded.
//!
//! The order is the promise: the agent is gone; its work becomes objects; the branch moves; the record
//! is committed to the tracking ref. That last step, one compare-and-swap, is *the* commit point: a
//! runner that is killed before it does all of this again, and finds done what is done.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::engine::Engine;
use super::follow::{Following, RunEnd, following, outcome};
use super::keep::{Kept, Work, keep};
use super::plan::{Intent, Plan, Refusal};
use crate::agent::command;
use crate::agent::judge::{Cancel, Conversation, End, Protocol, judge};
use crate::agent::stream::{Reading, read};
use crate::os::clock;
use crate::os::fs::FileError;
use crate::run::{
    AfterFailure, AgentRecord, EndedBy, EventKind, ExitStatus, FailureReason, Isolation, Judgement, Outcome,
    RECORD_VERSION, Resumed, RunRecord, SessionId, Usage, WorkspaceRecord,
};
use crate::store::records::{LogSource, NewRecord};
use crate::store::run_directory::{ExitReport, RunDirectory};

/// The most of a text that stands in `run.json` itself. The whole of it is in the file beside it.
const INLINE_TEXT_BYTES_MAX: usize = 64 * 1024;

/// The most of the agent's standard error that is looked at.
const ERROR_OUTPUT_BYTES_MAX: u64 = 16 * 1024;

/// What the seed records as the exit code of a run that did not return one.
const NO_EXIT_CODE: i32 = -1;

/// A run that has its record.
#[derive(Debug)]
pub(crate) struct Concluded {
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// What follows.
    pub(crate) following: Following,
    /// One line for people.
    pub(crate) message: String,
}

/// Judges a run that is over, keeps its work and records it.
pub(crate) fn conclude(engine: &Engine, plan: &Plan, exit: &ExitReport) -> anyhow::Result<Concluded> {
    let directory = engine.state.run_directory(plan.intent.run);
    let seen = Seen::load(plan, exit, &directory)?;
    let (judgement, kept) = match keep(engine, plan, &seen.judgement, &seen.body()) {
        Ok(kept) => (seen.judgement.clone(), kept),
        Err(error) => (unkept(&seen.judgement, &error), Kept::nothing()),
    };
    let ended = RunEnd {
        judgement: &judgement,
        ended_by: exit.ended_by,
        session: seen.session(plan),
        patience: plan.patience,
        task_prompt: &plan.task_prompt,
        prompt: &plan.prompt,
    };
    let following = following(&ended);
    let outcome = outcome(&judgement, exit.ended_by);
    let message = message(&judgement, &seen, &kept);
    let record = record(engine, plan, exit, &Told { seen: &seen, judgement: &judgement, kept: &kept });
    let event = event(&plan.intent, &following, (outcome, &judgement, &message));
    let new_record = NewRecord {
        record,
        task_text: plan.intent.task_text.clone(),
        prompt: plan.prompt.clone(),
        result: seen.answer.clone(),
        error: error_text(&judgement),
        log: Some(LogSource { path: directory.log_path() }),
        event,
    };
    if !is_recorded(engine, &plan.intent)? {
        engine.records.append_record(new_record, clock::now())?;
    }
    Ok(Concluded { outcome, following, message })
}

/// A runner that was killed right after the record finds it here, and does not write another.
fn is_recorded(engine: &Engine, intent: &Intent) -> anyhow::Result<bool> {
    Ok(engine.records.load_task(&intent.task)?.runs.iter().any(|run| run.run == intent.run))
}

/// Records a claim that ends before any agent was started.
pub(crate) fn refuse(engine: &Engine, intent: &Intent, refusal: &Refusal) -> anyhow::Result<Concluded> {
    let now = clock::now();
    let judgement = Judgement::Failure {
        reason: refusal.reason,
        message: refusal.message.clone(),
        next: AfterFailure::Stop,
    };
    let record = RunRecord {
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
    };
    let message = first_line(&refusal.message).unwrap_or_default().to_owned();
    let event = event(intent, &Following::End, (Outcome::Failed, &judgement, &message));
    let new_record = NewRecord {
        record,
        task_text: intent.task_text.clone(),
        prompt: String::new(),
        result: None,
        error: Some(refusal.message.clone()),
        log: None,
        event,
    };
    engine.records.append_record(new_record, now)?;
    Ok(Concluded { outcome: Outcome::Failed, following: Following::End, message })
}

/// What can be seen of a run from its folder.
struct Seen {
    reading: Reading,
    judgement: Judgement,
    answer: Option<String>,
}

impl Seen {
    fn load(plan: &Plan, exit: &ExitReport, directory: &RunDirectory) -> anyhow::Result<Self> {
        let reading = match open_optional(&directory.log_path())? {
            Some(log) => read(BufReader::with_capacity(256 * 1024, log))?,
            None => Reading::default(),
        };
        let error_output = load_tail(&directory.stderr_path())?;
        let cancel = match directory.load_cancel()? {
            Some(_) => Cancel::Requested,
            None => Cancel::NotRequested,
        };
        let judgement = judge(&End {
            exit: &exit.status,
            refusal: exit.refusal,
            ended_by: exit.ended_by,
            cancel,
            reading: &reading,
            answer: plan.answer(),
            error_output: &error_output,
            protocol: plan.protocol,
            conversation: match plan.session.resumed {
                Resumed::Fresh => Conversation::Begun,
                Resumed::Resumed => Conversation::Resumed,
            },
        });
        let answer = load_answer(plan, &reading, directory)?;
        Ok(Self { reading, judgement, answer })
    }

    /// The conversation that a further run can go on with.
    fn session(&self, plan: &Plan) -> Option<SessionId> {
        use crate::agent::stream::Progress;
        match (self.reading.progress, plan.session.resumed) {
            (Progress::Worked, _) | (Progress::Started, Resumed::Resumed) => {
                Some(self.reading.session_id.clone().unwrap_or_else(|| plan.session.id.clone()))
            }
            (Progress::Started | Progress::Nothing, Resumed::Fresh)
            | (Progress::Nothing, Resumed::Resumed) => None,
        }
    }
}

impl Seen {
    fn body(&self) -> Work<'_> {
        Work { answer: self.answer.as_deref().unwrap_or_default(), model: self.reading.model.as_deref() }
    }
}

struct Told<'a> {
    seen: &'a Seen,
    judgement: &'a Judgement,
    kept: &'a Kept,
}

fn record(engine: &Engine, plan: &Plan, exit: &ExitReport, told: &Told<'_>) -> RunRecord {
    let Told { seen, judgement, kept } = told;
    let reading = &seen.reading;
    let mut warnings = reading.warnings();
    warnings.extend(kept.warnings.iter().cloned());
    if let Ok(Some(process)) = engine.state.run_directory(plan.intent.run).load_process()
        && exit.ended_by == EndedBy::SupervisorLost
    {
        warnings.push(format!("the supervisor (process {}) was killed", process.supervisor.pid));
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
        structured_output: structured(reading),
        usage: reading.usage,
        permission_denials: reading.permission_denials.clone(),
        warnings,
        swept: exit.swept.clone(),
        // Filled in by the store, which cuts the log.
        log: Vec::new(),
    }
}

fn event(
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
            message: message.clone(),
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
            format!("{}{}{said}", kept.summary(), if said.is_empty() { "" } else { "; " })
        }
        Judgement::Cancelled => "Task cancelled.".to_owned(),
        Judgement::Failure { message, .. } => first_line(message).unwrap_or("no reason was given").to_owned(),
    }
}

fn error_text(judgement: &Judgement) -> Option<String> {
    match judgement {
        Judgement::Success => None,
        Judgement::Cancelled => Some("Cancelled.".to_owned()),
        Judgement::Failure { message, .. } => Some(message.clone()),
    }
}

fn reason(judgement: &Judgement) -> Option<FailureReason> {
    match judgement {
        Judgement::Failure { reason, .. } => Some(*reason),
        Judgement::Success | Judgement::Cancelled => None,
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

fn exit_code(status: &ExitStatus, judgement: &Judgement) -> i32 {
    match (status, judgement) {
        (_, Judgement::Cancelled) => NO_EXIT_CODE,
        (ExitStatus::Code(code), _) => *code,
        (ExitStatus::Signal(_) | ExitStatus::NotStarted(_) | ExitStatus::Unknown, _) => NO_EXIT_CODE,
    }
}

fn structured(reading: &Reading) -> Option<serde_json::Value> {
    let text = reading.result.as_ref()?.structured_output.as_deref()?;
    serde_json::from_str(text).ok()
}

fn load_answer(plan: &Plan, reading: &Reading, directory: &RunDirectory) -> anyhow::Result<Option<String>> {
    if let Some(result) = &reading.result {
        return Ok(result.text.clone());
    }
    if plan.protocol == Protocol::Claude {
        return Ok(None);
    }
    Ok(match open_optional(&directory.log_path())? {
        Some(mut log) => Some(command::load_answer(&mut log)?).filter(|text| !text.trim().is_empty()),
        None => None,
    })
}

fn load_tail(path: &Path) -> Result<String, FileError> {
    let Some(mut file) = open_optional(path)? else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::End(0))
        .and_then(|end| file.seek(SeekFrom::Start(end.saturating_sub(ERROR_OUTPUT_BYTES_MAX))))
        .and_then(|_| file.take(ERROR_OUTPUT_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(FileError::on("read", path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn open_optional(path: &Path) -> Result<Option<File>, FileError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("open", path)(error)),
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

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
