//! What several checks look at, found once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::agent::program::search_path;
use crate::cli::context::{Context, entry};
use crate::config::{GitConfigError, GitEntry, Resolved, from_git};
use crate::git::{GitError, Repository, user_config_values};
use crate::os::env;
use crate::store::state_directory::StateDirectory;
use crate::store::tasks::TaskFolder;
use crate::timestamp::Timestamp;

/// Where the command was started, and what surrounds it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) environment: BTreeMap<OsString, OsString>,
    pub(super) search_path: OsString,
    pub(super) start: PathBuf,
    pub(super) now: Timestamp,
    pub(super) found: Result<Place, GitError>,
}

/// The repository and what belongs to it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) repository: Repository,
    pub(super) state: StateDirectory,
    /// `None` in a bare repository.
    pub(super) tasks: Option<TaskFolder>,
    pub(super) user: Vec<GitEntry>,
}

impl Facts {
    /// Looks around. Not finding a repository is a fact like the others.
    pub(super) fn gather(context: &Context) -> Self {
        let environment = env::all();
        let found = match context.repository() {
            Ok(repository) => Ok(repository.clone()),
            Err(_) => Repository::discover(context.start()),
        };
        Self {
            search_path: search_path(&environment),
            environment,
            start: context.start().to_owned(),
            now: context.now,
            found: found.map(Place::new),
        }
    }

    /// Returns whether a variable is set to something.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.environment.get(OsStr::new(name)).is_some_and(|value| !value.is_empty())
    }

    /// Returns the user's own settings: all that count before a repository, a list or a task has its say.
    pub(super) fn user_settings(&self) -> Result<Resolved, GitConfigError> {
        let entries = match &self.found {
            Ok(place) => place.user.clone(),
            // A configuration that cannot be read is told where the repository is looked for.
            Err(_) => user_config_values("claudedo").unwrap_or_default().into_iter().map(entry).collect(),
        };
        Ok(Resolved::new(&[from_git(&entries)?.0]))
    }

    /// Returns the folder from which relative paths of settings are meant.
    pub(super) fn root(&self) -> PathBuf {
        let root = self.found.as_ref().ok().and_then(|place| place.repository.work_tree());
        root.unwrap_or_else(|| self.start.clone())
    }

    /// Returns the folder that worktrees of runs are made in, with `~` replaced, or `None` where nothing says one.
    pub(super) fn worktree_root(&self) -> Option<PathBuf> {
        let configured = self.user_settings().ok().and_then(|settings| settings.worktree_root.value);
        match configured {
            Some(path) => Some(match (path.as_path().strip_prefix("~"), env::path("HOME")) {
                (Ok(rest), Some(home)) => home.join(rest),
                (Ok(_) | Err(_), _) => self.root().join(path.as_path()),
            }),
            None => env::state_home().map(|home| home.join("git-claudedo")),
        }
    }
}

impl Place {
    fn new(repository: Repository) -> Self {
        let state = StateDirectory::new(&repository.common_dir());
        let tasks = repository.work_tree().map(|root| TaskFolder::new(&root, state.path()));
        let user = repository.config_values("claudedo").into_iter().map(entry).collect();
        Self { repository, state, tasks, user }
    }

    /// Returns every value of one key of git's configuration, the one that counts last, with the file it is from.
    pub(super) fn values(&self, section: &str, key: &str) -> Vec<(String, Option<PathBuf>)> {
        let values = self.repository.config_values(section).into_iter();
        values.filter(|value| value.key == key).map(|value| (value.value, value.path)).collect()
    }

    /// Returns the value of one key that counts.
    pub(super) fn value(&self, section: &str, key: &str) -> Option<String> {
        self.values(section, key).pop().map(|(value, _)| value)
    }
}

/// Returns the part of a path that exists: where something would be made.
pub(super) fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|ancestor| ancestor.exists())
}
