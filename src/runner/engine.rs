//! What a runner works with: the repository, this machine's state, the records, the settings, the way out.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::broadcast::{Broadcast, Listener};
use crate::config::GitEntry;
use crate::git::{GitError, Repository};
use crate::run::MachineId;
use crate::store::event_stream::Level;
use crate::store::overview::Sources;
use crate::store::place::Copied;
use crate::store::records::Records;
use crate::store::state_directory::StateDirectory;
use crate::store::tasks::TaskFolder;

/// All that a runner works with. Shared by all its claims.
#[derive(Debug)]
pub struct Engine {
    pub(crate) repository: Repository,
    pub(crate) state: StateDirectory,
    pub(crate) machine: MachineId,
    pub(crate) records: Records,
    pub(crate) tasks: TaskFolder,
    user_config: RwLock<Vec<GitEntry>>,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) executable: PathBuf,
    pub(crate) state_home: PathBuf,
    pub(crate) broadcast: Broadcast,
}

/// What the face hands to the engine.
#[derive(Debug)]
pub struct EngineParts {
    /// The repository whose tasks are run.
    pub repository: Repository,
    /// The folder with the task files.
    pub tasks: TaskFolder,
    /// The user's git configuration under `claudedo.*`.
    pub user_config: Vec<GitEntry>,
    /// The environment this program was started with.
    pub environment: BTreeMap<OsString, OsString>,
    /// This program, to start supervisors with.
    pub executable: PathBuf,
    /// The folder for state that should survive a restart; worktrees and sandboxes lie there by default.
    pub state_home: PathBuf,
}

impl Engine {
    /// Returns an engine; makes this machine's folders where they are missing.
    pub fn new(parts: EngineParts, listener: Arc<dyn Listener>) -> anyhow::Result<Self> {
        let state = StateDirectory::new(&parts.repository.common_dir());
        state.create()?;
        let copied = state.settle()?;
        let machine = state.require_machine()?;
        let records = Records::open(&parts.repository, &state);
        let broadcast = Broadcast::open(&state.events_path(), listener)?;
        if let Some(copied) = copied {
            broadcast.log(Level::Warning, is_a_copy(&copied));
        }
        Ok(Self {
            repository: parts.repository,
            state,
            machine,
            records,
            tasks: parts.tasks,
            user_config: RwLock::new(parts.user_config),
            environment: parts.environment,
            executable: parts.executable,
            state_home: parts.state_home,
            broadcast,
        })
    }

    /// Returns the repository's own folder, which all its worktrees share.
    pub fn common_dir(&self) -> PathBuf {
        self.repository.common_dir()
    }

    /// Returns what a look is put together from.
    pub(crate) fn sources<'a>(&'a self, user: &'a [GitEntry]) -> Sources<'a> {
        Sources { tasks: &self.tasks, records: &self.records, state: &self.state, user }
    }

    /// Returns `claudedo.*` of git's configuration, as it was at the last look of a runner that stays.
    pub(crate) fn user_config(&self) -> Vec<GitEntry> {
        self.user_config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over `claudedo.*` of git's configuration as it is now.
    pub(crate) fn set_user_config(&self, entries: Vec<GitEntry>) {
        *self.user_config.write().unwrap_or_else(PoisonError::into_inner) = entries;
    }

    /// Returns the user's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.environment.get(OsStr::new("HOME")).map(PathBuf::from)
    }

    /// Returns the repository with this common directory on this machine, or the runner's own.
    pub(crate) fn repository_at(&self, common_dir: Option<&Path>) -> Result<Repository, GitError> {
        match common_dir {
            Some(path) => Repository::open(path),
            None => Ok(self.repository.clone()),
        }
    }
}

fn is_a_copy(copied: &Copied) -> String {
    let runs = copied
        .runs
        .as_ref()
        .map(|runs| format!(", and the copies of their folders are kept in {}", runs.display()));
    format!(
        "this repository is a copy of the one with {}; it goes on as a machine of its own; what is at work there stays there{}",
        copied.from.display(),
        runs.unwrap_or_default()
    )
}
