//! Where git looks for hooks, and its configuration of them.

use std::path::PathBuf;

use super::{GitError, GitProgram, Repository, Scope};

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
