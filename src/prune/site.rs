//! Where things are kept: the repository, its records, and the folders outside of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::git::{GitError, Repository};
use crate::os::fs::FileError;
use crate::os::lock::FileLock;
use crate::run::RunId;
use crate::store::history::TaskHistory;
use crate::store::records::{Records, RecordsError};
use crate::store::state_directory::StateDirectory;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// How much of the machine's id tells the folders of two clones with the same name apart.
const MACHINE_PREFIX: usize = 8;

/// All that is looked at.
#[derive(Debug)]
pub struct Site {
    /// The repository, and those that lists of tasks are about.
    pub repositories: Vec<Repository>,
    /// What this clone alone knows.
    pub state: StateDirectory,
    /// The records.
    pub records: Records,
    /// The folder of the user's state in which clones have their worktrees and sandboxes.
    pub state_home: Option<PathBuf>,
    /// The folder that the user wants worktrees in, where one is set.
    pub worktree_root: Option<PathBuf>,
    /// The folder `.claudedo` of the work tree, where there is one.
    pub task_files: Option<PathBuf>,
    /// Now.
    pub now: Timestamp,
}

/// Why cleaning up cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Git said no.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// The records said no.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// What is known of all tasks, loaded once for a look at everything.
#[derive(Debug)]
pub(super) struct Known {
    /// What the records say.
    pub(super) histories: BTreeMap<TaskId, TaskHistory>,
    /// The task of each run.
    pub(super) tasks: BTreeMap<RunId, TaskId>,
    /// The tasks that have a run which is not over, as far as its folder tells.
    pub(super) unfinished: Vec<TaskId>,
}

impl Site {
    /// Returns the name of this clone's folders, or `None` where nothing ever ran.
    pub(super) fn clone_name(&self) -> Result<Option<String>, PruneError> {
        let Some(machine) = self.state.load_machine()? else { return Ok(None) };
        let Some(repository) = self.repositories.first() else { return Ok(None) };
        let prefix: String = machine.as_str().chars().take(MACHINE_PREFIX).collect();
        Ok(Some(format!("{}-{prefix}", repository.name())))
    }

    /// Returns the folders in which this clone's worktrees lie by the settings of today.
    pub(super) fn worktree_folders(&self, clone: &str) -> Vec<PathBuf> {
        let usual = self.state_home.iter().map(|home| home.join(clone).join("worktrees"));
        usual.chain(self.worktree_root.iter().map(|root| root.join(clone))).collect()
    }

    /// Returns the repository with this common directory.
    pub(super) fn repository_at(&self, common_dir: &Path) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.common_dir() == common_dir)
    }

    /// Keeps other prunes away until the value is gone; `None` when there is one.
    pub(super) fn try_lock(&self) -> Result<Option<FileLock>, PruneError> {
        self.state.create()?;
        Ok(FileLock::try_take(&self.state.path().join("locks/prune"))?)
    }

    pub(super) fn load_known(&self) -> Result<Known, PruneError> {
        let histories = self.records.load_all()?;
        let runs = histories
            .iter()
            .flat_map(|(task, history)| history.runs.iter().map(move |run| (run.run, task.clone())));
        let tasks = runs.collect();
        Ok(Known { tasks, histories, unfinished: self.load_unfinished()? })
    }

    /// Loads what is known of one task, as it is now.
    pub(super) fn load_known_of(&self, task: &TaskId) -> Result<Known, PruneError> {
        let history = self.records.load_task(task)?;
        let tasks = history.runs.iter().map(|run| (run.run, task.clone())).collect();
        let histories = BTreeMap::from([(task.clone(), history)]);
        Ok(Known { tasks, histories, unfinished: self.load_unfinished()? })
    }

    fn load_unfinished(&self) -> Result<Vec<TaskId>, PruneError> {
        let mut unfinished = Vec::new();
        for run in self.state.load_runs()? {
            unfinished.extend(self.state.run_directory(run).load_launch()?.map(|launch| launch.task));
        }
        Ok(unfinished)
    }
}
