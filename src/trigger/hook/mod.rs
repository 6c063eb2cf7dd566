//! What happens when git calls a hook of ours.
//!
//! A hook looks, wakes a runner, and is gone. It runs no agent, makes no commit and uses no network; what it has
//! to say it returns, and an error of its own is for the caller to tell in a line and to forget: the user's git
//! command must not fail for it. The one exception is a push that the repository's policy refuses.
//!
//! Only a commit that somebody makes here starts anything ([`commit`]). Tasks that come from elsewhere (a merge, a
//! checkout, a rebase, a commit that is picked) are listed ([`arrival`]) and wait for a person's approval.

mod arrival;
mod background;
mod commit;
mod push;

use std::path::PathBuf;

pub use arrival::{after_checkout, after_merge, after_rewrite};
pub use background::{DRAIN_WORD, PUSH_WORD, start_drain, start_push};
pub use commit::after_commit;
pub use push::{Finding, Unproven, before_push};

use crate::git::{GitError, Repository};
use crate::os::fs::FileError;
use crate::remote::RemoteError;
use crate::runner::task_of_branch;
use crate::store::records::RecordsError;
use crate::store::state_directory::StateDirectory;
use crate::store::tasks::TaskSettingsError;
use crate::task::TaskId;
use crate::trigger::hooks::UnknownEvent;

/// Where task files are in a tree.
const TASKS: &str = ".claudedo/tasks";

/// Where a hook was called.
#[derive(Debug)]
pub struct Site {
    /// The repository, standing for the worktree in which git works.
    pub repository: Repository,
    /// What this clone alone knows.
    pub state: StateDirectory,
}

/// What a hook has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// There are tasks that may run, and no runner: one is to be started.
    Start,
    /// These tasks came from elsewhere and are not approved on this machine.
    Arrived(Vec<TaskId>),
    /// These tasks were just committed by hand before they were approved, so nothing tells them from others' tasks.
    Committed(Vec<TaskId>),
}

/// Why a hook could not find out what it wanted to know.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Git said no.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// The records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// What is to be pushed cannot be known.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The settings cannot be known.
    #[error("read the settings")]
    Settings(#[source] Box<TaskSettingsError>),
    /// No such hook is answered.
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    /// git did not say what it should.
    #[error("understand {what} from git: {text:?}")]
    Unexpected {
        /// What was expected.
        what: &'static str,
        /// What there was.
        text: String,
    },
}

impl Site {
    /// Returns the place that a repository is.
    pub fn new(repository: Repository) -> Self {
        let state = StateDirectory::new(&repository.common_dir());
        Self { repository, state }
    }

    /// Returns whether git works in a worktree that was made for a task: what happens there is an agent's work,
    /// or a person's on the agent's branch, and starts nothing.
    pub fn is_of_a_task(&self) -> Result<bool, HookError> {
        if self.repository.git_dir() == self.repository.common_dir() {
            return Ok(false);
        }
        let branch = self.repository.head_branch()?;
        Ok(branch.is_some_and(|branch| task_of_branch(branch.as_str()).is_some()))
    }

    /// Returns the folder in which to start what goes on after the hook.
    pub fn folder(&self) -> PathBuf {
        self.repository.work_tree().unwrap_or_else(|| self.repository.common_dir())
    }
}

impl HookError {
    /// Returns the error for something that git said otherwise than expected.
    pub fn unexpected(what: &'static str, text: &str) -> Self {
        Self::Unexpected { what, text: text.chars().take(100).collect() }
    }
}
