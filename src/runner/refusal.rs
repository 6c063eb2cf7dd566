//! Why a claimed task cannot be run: the words of its record.

use std::error::Error;

use crate::run::FailureReason;
use crate::store::tasks::TaskSettingsError;

/// Why a claimed task cannot be run, before any agent was started.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// For programs.
    pub(crate) reason: FailureReason,
    /// For people: a sentence of its own.
    pub(crate) message: String,
}

impl Refusal {
    /// Returns a refusal because the settings, or the files that they name, cannot be used.
    pub(crate) fn settings(error: &dyn Error) -> Self {
        let message = format!("The task cannot be run: failed to {}.", chain(error));
        Self { reason: FailureReason::Settings, message }
    }

    /// Returns a refusal because the settings of the task cannot be known.
    pub(crate) fn unknown_settings(error: &TaskSettingsError) -> Self {
        match error {
            TaskSettingsError::ListMissing(name) => Self {
                reason: FailureReason::ListMissing,
                message: format!(
                    "List {name:?} does not exist: there is no .claudedo/lists/{name}.yaml.",
                    name = name.as_str()
                ),
            },
            TaskSettingsError::File(_) | TaskSettingsError::Git(_) => Self::settings(error),
        }
    }

    /// Returns a refusal because there is no program to be the agent.
    pub(crate) fn startup(error: &dyn Error) -> Self {
        let message = format!("The agent cannot be started: failed to {}.", chain(error));
        Self { reason: FailureReason::Startup, message }
    }

    /// Returns a refusal because there is no place to work. `what` is the beginning of the sentence.
    pub(crate) fn workspace(what: &str, error: &dyn Error) -> Self {
        Self { reason: FailureReason::Workspace, message: format!("{what}: failed to {}", chain(error)) }
    }
}

/// Returns an error with its causes on one line. A cause that the line before it quotes is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
