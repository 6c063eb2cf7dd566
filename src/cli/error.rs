//! How a command fails: what kind of failure, what happened, what to do next.

use std::fmt::Display;
use std::process::ExitCode;

use crate::ui::Ui;
use crate::ui::safe::safe;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: ErrorKind,
    message: Option<String>,
    causes: Vec<String>,
    hints: Vec<String>,
}

/// The kinds of failure; each has its exit code (see `docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The question was answered with no: a task failed, a check was red, nothing was found.
    Negative,
    /// What was to be done was cancelled.
    Cancelled,
    /// Another runner is at work in this repository.
    Busy,
    /// The agent is not logged in, or its account cannot pay.
    Login,
    /// It could not be done.
    Fatal,
    /// The words were not understood.
    Usage,
    /// A signal ended it.
    Interrupted,
}

impl ErrorKind {
    /// Returns the exit code, by git's conventions where it has some.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Negative => 1,
            Self::Cancelled => 2,
            Self::Busy => 3,
            Self::Login => 4,
            Self::Fatal => 128,
            Self::Usage => 129,
            Self::Interrupted => 130,
        }
    }
}

impl CommandError {
    /// Returns an error with a sentence of its own.
    pub(crate) fn new(kind: ErrorKind, message: impl Display) -> Self {
        Self { kind, message: Some(message.to_string()), causes: Vec::new(), hints: Vec::new() }
    }

    /// Returns an exit code without words, for a command that has said everything already.
    pub(crate) fn silent(kind: ErrorKind) -> Self {
        Self { kind, message: None, causes: Vec::new(), hints: Vec::new() }
    }

    /// Returns a fatal error with a sentence of its own.
    pub(crate) fn fatal(message: impl Display) -> Self {
        Self::new(ErrorKind::Fatal, message)
    }

    /// Adds a next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Returns the kind.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what happened, unless it was said before.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Prints the error and returns its exit code.
    pub(crate) fn report(&self, ui: &Ui) -> ExitCode {
        if let Some(message) = &self.message {
            ui.error(format_args!("{}", safe(message)));
        }
        for cause in &self.causes {
            ui.status(format_args!("  because: {}", safe(cause)));
        }
        for hint in &self.hints {
            ui.hint(format_args!("{}", safe(hint)));
        }
        ExitCode::from(self.kind.code())
    }
}

impl<E: Into<anyhow::Error>> From<E> for CommandError {
    /// Every error from below is a fragment that fits after "failed to".
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let mut causes: Vec<String> = Vec::new();
        for cause in error.chain().skip(1) {
            let text = cause.to_string();
            if causes.last() != Some(&text) {
                causes.push(text);
            }
        }
        Self {
            kind: ErrorKind::Fatal,
            message: Some(format!("failed to {error}")),
            causes,
            hints: Vec::new(),
        }
    }
}
