//! What a check has to say: how bad it is, what it is, why it matters, and the one command that mends it.

use std::fmt::Display;

use anstyle::Style;
use serde::Serialize;

use crate::ui::{DIM, GREEN, RED, YELLOW};

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) mark: Mark,
    pub(super) what: String,
    pub(super) why: Option<String>,
    pub(super) mend: Option<String>,
}

/// How bad it is. Only a problem keeps tasks from being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// As it should be.
    Ok,
    /// Worth to know, and nothing to do about.
    Info,
    /// It works, and not as well as it could.
    Warning,
    /// It does not work.
    Problem,
}

impl Mark {
    /// Returns the word that stands before the line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    /// Returns how the word is shown.
    pub(super) fn style(self) -> Style {
        match self {
            Self::Ok => GREEN,
            Self::Info => DIM,
            Self::Warning => YELLOW,
            Self::Problem => RED,
        }
    }
}

impl Finding {
    /// Returns that all is well.
    pub(super) fn ok(what: impl Display) -> Self {
        Self::new(Mark::Ok, what)
    }

    /// Returns what is worth to know.
    pub(super) fn info(what: impl Display) -> Self {
        Self::new(Mark::Info, what)
    }

    /// Returns what could be better.
    pub(super) fn warning(what: impl Display) -> Self {
        Self::new(Mark::Warning, what)
    }

    /// Returns what does not work.
    pub(super) fn problem(what: impl Display) -> Self {
        Self::new(Mark::Problem, what)
    }

    /// Returns what does not work and has an error of ours, which is a fragment after "failed to".
    pub(super) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::problem(format!("failed to {:#}", error.into()))
    }

    fn new(mark: Mark, what: impl Display) -> Self {
        Self { mark, what: what.to_string(), why: None, mend: None }
    }

    /// Says why it matters.
    #[must_use]
    pub(super) fn why(mut self, why: impl Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Says which command mends it.
    #[must_use]
    pub(super) fn mend(mut self, command: impl Display) -> Self {
        self.mend = Some(command.to_string());
        self
    }
}

/// Returns a word as a shell takes it, so that a command can be copied as it is.
pub(super) fn quoted(word: impl Display) -> String {
    let word = word.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reaches_the_shell_as_it_is() {
        assert_eq!(quoted("/home/a/.git/index.lock"), "/home/a/.git/index.lock");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quoted("+refs/*:refs/*"), "'+refs/*:refs/*'");
        assert_eq!(quoted(""), "''");
    }
}
