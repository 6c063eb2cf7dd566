//! Names of runs and sessions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// A run's id: a UUID version 7, so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// Returns an id that nobody else has.
    pub fn new_unique() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// The id of an agent's conversation: 1 to 128 characters of `[A-Za-z0-9._-]`, not starting with a hyphen.
///
/// Claude Code uses UUIDs (2.1.330); other agents may use any such word. A leading hyphen would be
/// read as an option when the id is passed back on resume.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(String);

/// A text that cannot be the id of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a session id")]
pub struct SessionIdError(String);

impl SessionId {
    /// Returns a new random id in the form that Claude Code accepts (a UUID version 4).
    pub fn new_unique() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let valid = (1..=128).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(allowed);
        if valid { Ok(Self(text.to_owned())) } else { Err(SessionIdError(text.chars().take(80).collect())) }
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The id of this clone of the repository on this machine: 8 to 32 characters of `[a-z0-9]`.
///
/// It names the machine's own tracking ref, `refs/claudedo/runs/<machine>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MachineId(String);

/// A text that cannot be the id of a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a machine id")]
pub struct MachineIdError(String);

impl MachineId {
    /// Returns a new random id of 16 hexadecimal digits.
    pub fn new_unique() -> Self {
        Self(Uuid::new_v4().simple().to_string()[..16].to_owned())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MachineId {
    type Err = MachineIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = (8..=32).contains(&text.len()) && text.bytes().all(allowed);
        if valid { Ok(Self(text.to_owned())) } else { Err(MachineIdError(text.chars().take(80).collect())) }
    }
}

impl<'de> Deserialize<'de> for MachineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_never_an_option() {
        assert!("--dangerous".parse::<SessionId>().is_err());
        assert!("a b".parse::<SessionId>().is_err());
        assert!(SessionId::new_unique().as_str().parse::<SessionId>().is_ok());
    }

    #[test]
    fn run_ids_sort_by_age() {
        let first = RunId::new_unique();
        let second = RunId::new_unique();
        assert!(first < second);
    }
}
