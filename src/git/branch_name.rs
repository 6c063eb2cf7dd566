//! Names of branches, always in full (`refs/heads/…`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

const PREFIX: &str = "refs/heads/";

/// The full name of a local branch, valid by the rules of `git check-ref-format --branch`.
///
/// Read from either form (`main` or `refs/heads/main`), written as the full one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BranchName(String);

/// A text that cannot be the name of a branch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a branch name")]
pub struct BranchNameError(String);

impl BranchName {
    /// Returns the full name, as in `refs/heads/main`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as people write it, as in `main`.
    pub fn short(&self) -> &str {
        self.0.strip_prefix(PREFIX).unwrap_or(&self.0)
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = BranchNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let short = text.strip_prefix(PREFIX).unwrap_or(text);
        let full = format!("{PREFIX}{short}");
        // A leading hyphen would be read as an option by the git program, and git itself refuses a
        // branch called HEAD (git-check-ref-format(1)).
        let valid = !short.starts_with('-')
            && short != "HEAD"
            && gix::validate::reference::name(full.as_str().into()).is_ok();
        if valid { Ok(Self(full)) } else { Err(BranchNameError(text.chars().take(200).collect())) }
    }
}

impl<'de> Deserialize<'de> for BranchName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_name_are_the_same_branch() {
        let short: BranchName = "claudedo/fix-login-a1b2".parse().unwrap();
        let full: BranchName = "refs/heads/claudedo/fix-login-a1b2".parse().unwrap();
        assert_eq!(short, full);
        assert_eq!(short.short(), "claudedo/fix-login-a1b2");
        assert_eq!(short.as_str(), "refs/heads/claudedo/fix-login-a1b2");
    }

    #[test]
    fn what_git_refuses_is_refused() {
        for text in ["", "-x", "HEAD", "a..b", "a b", "a.lock", "a/", "/a", "a//b", "@{", "a\u{7}"] {
            assert!(text.parse::<BranchName>().is_err(), "{text:?} was accepted");
        }
    }
}
