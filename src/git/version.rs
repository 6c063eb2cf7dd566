//! Which git it is. Several may be installed, and the user's hooks, editor and shell need not take the same.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::GitError;
use crate::os::env;
use crate::os::process::{CapturedCommand, CapturedError};

/// `git --version` reads nothing; it took 4 ms.
const TIME_MAX: Duration = Duration::from_secs(5);

/// More than any version needs.
const OUTPUT_BYTES_MAX: usize = 4096;

/// A version of git, as `git --version` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl GitVersion {
    /// The oldest version that can do what this program asks of it: `git diff --end-of-options` came with it.
    pub const OLDEST: Self = Self::new(2, 24, 0);

    /// The first version in which holes are closed by which cloning a repository ran its code (CVE-2024-32002).
    pub const SAFE_TO_CLONE: Self = Self::new(2, 45, 1);

    /// The first version that reads worktrees registered by relative paths.
    pub const RELATIVE_WORKTREES: Self = Self::new(2, 48, 0);

    /// The first version that runs hooks named in its configuration.
    pub const CONFIG_HOOKS: Self = Self::new(2, 54, 0);

    /// Returns a version.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Returns whether this version runs hooks that are set in the configuration. Older ones ignore them and say
    /// nothing.
    pub fn runs_configured_hooks(self) -> bool {
        self >= Self::CONFIG_HOOKS
    }

    /// Reads `git version 2.47.3`, with whatever follows: `.windows.1`, ` (Apple Git-154)`, `.rc1`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().strip_prefix("git version ")?.split(['.', '-', ' ']);
        let mut next = || numbers.next().map(str::parse::<u32>);
        Some(Self {
            major: next()?.ok()?,
            minor: next()?.ok()?,
            patch: next().and_then(Result::ok).unwrap_or(0),
        })
    }

    /// Asks a git program for its version. It is ended after five seconds.
    pub fn load(program: &Path) -> Result<Self, GitError> {
        let command = format!("{} --version", program.display());
        let captured = CapturedCommand {
            program: program.to_owned(),
            arguments: vec!["--version".into()],
            environment: env::all(),
            working_directory: "/".into(),
            time_max: TIME_MAX,
            output_bytes_max: OUTPUT_BYTES_MAX,
        }
        .run();
        let captured = match captured {
            Ok(captured) => captured,
            Err(CapturedError::Start { source, .. } | CapturedError::Wait { source, .. }) => {
                return Err(GitError::ProgramStart { command, source });
            }
            Err(CapturedError::TimeOut { .. }) => {
                let reason = format!("no answer within {} s", TIME_MAX.as_secs());
                return Err(GitError::Program { command, reason });
            }
        };
        let text = String::from_utf8_lossy(&captured.stdout);
        Self::parse(&text).ok_or_else(|| {
            let reason = format!("{}, and no version in {:?}", captured.status, text.trim());
            GitError::Program { command, reason }
        })
    }
}

impl fmt::Display for GitVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_distributions_are_read() {
        for (text, expected) in [
            ("git version 2.47.3\n", Some(GitVersion::new(2, 47, 3))),
            ("git version 2.39.5 (Apple Git-154)\n", Some(GitVersion::new(2, 39, 5))),
            ("git version 2.45.1.windows.1", Some(GitVersion::new(2, 45, 1))),
            ("git version 2.54.rc1", Some(GitVersion::new(2, 54, 0))),
            ("git version 2.55.0.618.g1a3e64c\n", Some(GitVersion::new(2, 55, 0))),
            ("git version 3.0\n", Some(GitVersion::new(3, 0, 0))),
            ("git version 2.54-rc1", Some(GitVersion::new(2, 54, 0))),
            ("not git", None),
            ("git version unknown", None),
        ] {
            assert_eq!(GitVersion::parse(text), expected, "{text:?}");
        }
        assert!(GitVersion::new(2, 9, 5) < GitVersion::OLDEST);
    }

    #[test]
    fn configured_hooks_came_with_2_54() {
        let runs = |major, minor| GitVersion::new(major, minor, 0).runs_configured_hooks();
        assert!(runs(2, 54) && runs(2, 60) && runs(3, 0));
        assert!(!runs(2, 53) && !runs(1, 99));
    }
}
