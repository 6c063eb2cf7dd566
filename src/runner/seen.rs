//! What can be seen of a run from its folder once the agent is gone, and what that means.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::keep::Work;
use super::plan::{Plan, SessionPlan};
use crate::agent::command;
use crate::agent::judge::{Cancel, Conversation, End, Protocol, judge};
use crate::agent::stream::{Progress, Reading, read};
use crate::os::fs::FileError;
use crate::os::log::LogFile;
use crate::run::{EndedBy, Judgement, Resumed, SessionId};
use crate::store::run_directory::{ExitReport, RunDirectory};

/// The most of the agent's standard error that is looked at.
const ERROR_OUTPUT_BYTES_MAX: u64 = 16 * 1024;

/// What can be seen of a run from its folder.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What the log says.
    pub(crate) reading: Reading,
    /// What the end means.
    pub(crate) judgement: Judgement,
    /// The agent's last words.
    pub(crate) answer: Option<String>,
    /// Why somebody wanted the run to end, if somebody did.
    pub(crate) cancel_reason: Option<String>,
    /// Who ended it.
    ended_by: EndedBy,
}

impl Seen {
    /// Looks at a run whose agent is gone.
    pub(crate) fn load(plan: &Plan, exit: &ExitReport, directory: &RunDirectory) -> anyhow::Result<Self> {
        let reading = match open_optional(&directory.log_path())? {
            Some(log) => read(LogFile::new(log))?,
            None => Reading::default(),
        };
        let error_output = load_tail(&directory.stderr_path())?;
        let cancel = cancel(directory);
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
        let cancel_reason = directory.load_cancel()?.map(|request| request.reason);
        Ok(Self { reading, judgement, answer, cancel_reason, ended_by: exit.ended_by })
    }

    /// Returns the conversation that a further run can go on with.
    pub(crate) fn session(&self, plan: &Plan) -> Option<SessionId> {
        session(&self.reading, &plan.session, self.ended_by)
    }

    /// Returns the answer that fits the result schema.
    pub(crate) fn structured_output(&self) -> Option<Value> {
        let text = self.reading.result.as_ref()?.structured_output.as_deref()?;
        serde_json::from_str(text).ok()
    }

    /// Returns what the agent said of its work, for the commit.
    pub(crate) fn work(&self) -> Work<'_> {
        Work { answer: self.answer.as_deref().unwrap_or_default(), model: self.reading.model.as_deref() }
    }
}

/// Returns the conversation that a further run can go on with: one that began with this run and never got anywhere
/// is not on the disk.
pub(crate) fn session(reading: &Reading, planned: &SessionPlan, ended_by: EndedBy) -> Option<SessionId> {
    match (reading.progress, planned.resumed) {
        // Cut off before it said a word: the conversation is as it was.
        (Progress::Nothing, Resumed::Resumed)
            if matches!(ended_by, EndedBy::SupervisorLost | EndedBy::Cancel) =>
        {
            Some(planned.id.clone())
        }
        (Progress::Worked, _) | (Progress::Started, Resumed::Resumed) => {
            Some(reading.session_id.clone().unwrap_or_else(|| planned.id.clone()))
        }
        (Progress::Started | Progress::Nothing, Resumed::Fresh) | (Progress::Nothing, Resumed::Resumed) => {
            None
        }
    }
}

/// Returns whether somebody asked for the end of a run.
pub(crate) fn cancel(directory: &RunDirectory) -> Cancel {
    if directory.is_cancelled() { Cancel::Requested } else { Cancel::NotRequested }
}

fn load_answer(plan: &Plan, reading: &Reading, directory: &RunDirectory) -> anyhow::Result<Option<String>> {
    if let Some(result) = &reading.result {
        return Ok(result.text.clone());
    }
    // A command that speaks in events has not answered before its result event.
    if plan.protocol == Protocol::Claude || reading.progress != Progress::Nothing {
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
