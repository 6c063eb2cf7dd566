//! What git itself says about hooks: where it looks for them, and whether it reads them from its configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{GitError, GitProgram, Repository, Scope};
use crate::os::env;
use crate::os::process::CapturedCommand;

/// The first version that runs `hook.<name>.command`. Older ones ignore it and say nothing.
const CONFIGURED_HOOKS_SINCE: GitVersion = GitVersion { major: 2, minor: 54 };

/// How long a git may take to tell its version.
const VERSION_TIME_MAX: Duration = Duration::from_secs(10);

/// How much of what it says is kept.
const VERSION_BYTES_MAX: usize = 1_000;

/// The folder in which git looks for hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksPath {
    /// The folder, absolute, with symbolic links resolved as far as it exists.
    pub path: PathBuf,
    /// Who chose it, when `core.hooksPath` is set.
    pub chosen: Option<HooksPathChoice>,
}

/// One `core.hooksPath`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksPathChoice {
    /// As written.
    pub value: String,
    /// Whose configuration it is in.
    pub scope: Scope,
}

/// The two numbers of a version of git that tell what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    /// The first.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

/// A git on the search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledGit {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, unless it did not tell.
    pub version: Option<GitVersion>,
}

impl GitVersion {
    /// Returns whether this version runs hooks that are set in the configuration.
    pub fn runs_configured_hooks(self) -> bool {
        self >= CONFIGURED_HOOKS_SINCE
    }

    /// Reads what `git version` prints: `git version 2.47.3`, `git version 2.50.1 (Apple Git-155)`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix("git version ")?.split(['.', ' ', '\n']);
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(Self { major, minor })
    }
}

impl Repository {
    /// Returns the folder in which git looks for hooks when it works in this worktree.
    pub fn hooks_path(&self) -> Result<HooksPath, GitError> {
        let chosen = self.config_values("core").into_iter().rfind(|value| value.key == "hookspath");
        let Some(chosen) = chosen else {
            return Ok(HooksPath { path: self.own_hooks_path(), chosen: None });
        };
        let config = self.local();
        let configured = config.config_snapshot().trusted_path("core.hooksPath");
        let path = configured.map_err(GitError::on("read core.hooksPath"))?.unwrap_or_default();
        // git-config(1): a relative path is seen from the folder in which hooks run.
        let base = self.work_tree().unwrap_or_else(|| self.git_dir());
        let choice = HooksPathChoice { value: chosen.value, scope: chosen.scope };
        Ok(HooksPath { path: super::repository::normal(&base.join(path)), chosen: Some(choice) })
    }

    /// Returns the folder for hooks that belongs to this repository, and to all its worktrees.
    pub fn own_hooks_path(&self) -> PathBuf {
        super::repository::normal(&self.common_dir().join("hooks"))
    }

    /// Removes a section of the repository's configuration. An absent one counts as removed.
    pub fn remove_config_section_local(&self, section: &str) -> Result<(), GitError> {
        let present = GitProgram::new(self).capture([
            "config",
            "--local",
            "--name-only",
            "--get-regexp",
            &format!("^{section}\\."),
        ])?;
        if present.require_success().is_err() {
            return Ok(());
        }
        let arguments = ["config", "--local", "--remove-section", section];
        GitProgram::new(self).capture(arguments)?.require_success().map(drop)
    }
}

/// Returns every git on the search path, the one that is used first.
pub fn installed_gits() -> Vec<InstalledGit> {
    let search = env::path("PATH").unwrap_or_default();
    let mut seen = BTreeSet::new();
    std::env::split_paths(&search)
        .map(|folder| folder.join("git"))
        .filter(|path| path.is_file() && path.canonicalize().is_ok_and(|real| seen.insert(real)))
        .map(|path| InstalledGit { version: version(&path), path })
        .collect()
}

fn version(program: &Path) -> Option<GitVersion> {
    let command = CapturedCommand {
        program: program.to_owned(),
        arguments: vec!["version".into()],
        environment: env::all(),
        working_directory: PathBuf::from("/"),
        time_max: VERSION_TIME_MAX,
        output_bytes_max: VERSION_BYTES_MAX,
    };
    GitVersion::parse(&String::from_utf8_lossy(&command.run().ok()?.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_which_git_tells_its_version_is_read() {
        let version = |major, minor| Some(GitVersion { major, minor });
        assert_eq!(GitVersion::parse("git version 2.47.3\n"), version(2, 47));
        assert_eq!(GitVersion::parse("git version 2.50.1 (Apple Git-155)\n"), version(2, 50));
        assert_eq!(GitVersion::parse("git version 2.55.0.618.g1a3e64c\n"), version(2, 55));
        assert_eq!(GitVersion::parse("git version 3.0\n"), version(3, 0));
        assert_eq!(GitVersion::parse("hub version 2.14\n"), None);
    }

    #[test]
    fn configured_hooks_came_with_2_54() {
        let runs = |major, minor| GitVersion { major, minor }.runs_configured_hooks();
        assert!(runs(2, 54) && runs(2, 60) && runs(3, 0));
        assert!(!runs(2, 53) && !runs(1, 99));
    }
}
