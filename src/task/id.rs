//! The name of a task: safe as a file name, a path component of a ref, and an argument.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest id in bytes.
pub const TASK_ID_BYTES_MAX: usize = 63;

/// A task's id: `^[a-z0-9][a-z0-9-]{0,62}$`.
///
/// Flat and lowercase, so that no two ids differ only by case, none is a folder of another
/// (`git check-ref-format`), and none looks like an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TaskId(String);

/// Why a text is not a task id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a task id: {reason}")]
pub struct TaskIdError {
    /// What was given, cut to a readable length.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl TaskId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the folder that holds this task on the tracking ref: the id's last two characters.
    ///
    /// The generated ids end in four random characters, so the tasks spread over 1,296 folders and
    /// none grows past what forges handle well.
    pub fn shard(&self) -> &str {
        &self.0[self.0.len().saturating_sub(2)..]
    }
}

impl FromStr for TaskId {
    type Err = TaskIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(TaskIdError { text: text.chars().take(80).collect(), reason }),
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn problem(text: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text.as_bytes() {
        [] => Some("it is empty"),
        bytes if bytes.len() > TASK_ID_BYTES_MAX => Some("it is longer than 63 characters"),
        [b'-', ..] => Some("it starts with a hyphen"),
        bytes if !bytes.iter().copied().all(allowed) => {
            Some("only lowercase letters, digits and hyphens are allowed")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_mean_something_else_are_refused() {
        for text in ["", "-x", "A", "a/b", "a.b", "ä", "a b", "../x", &"x".repeat(64)] {
            assert!(text.parse::<TaskId>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn the_shard_is_the_end_of_the_id() {
        assert_eq!("fix-login-redirect-7k3f".parse::<TaskId>().unwrap().shard(), "3f");
        assert_eq!("a".parse::<TaskId>().unwrap().shard(), "a");
    }
}
