//! The settings of one task, from all who have a say.

use super::{LoadedTask, TaskFolder};
use crate::config::{GitConfigError, GitEntry, Layer, Origin, Resolved, from_git};
use crate::task::{ListFile, ListName, TaskFileError};

/// What applies to a task.
#[derive(Debug)]
pub struct TaskSettings {
    /// The settings.
    pub resolved: Resolved,
    /// The task's list; an empty one for a task without.
    pub list: ListFile,
}

/// Why the settings of a task cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum TaskSettingsError {
    /// The task names a list that is not there.
    #[error("find list {name}: there is no .claudedo/lists/{name}.yaml", name = .0.as_str())]
    ListMissing(ListName),
    /// A file of the folder cannot be used.
    #[error(transparent)]
    File(#[from] TaskFileError),
    /// A value of the user's cannot be used.
    #[error(transparent)]
    Git(#[from] GitConfigError),
}

impl TaskFolder {
    /// Loads the settings of a task, or of one that says nothing of its own.
    ///
    /// They are the task's, its list's, the repository's and the user's, who comes as `claudedo.*` of git's
    /// configuration.
    pub fn load_settings(
        &self,
        task: Option<&LoadedTask>,
        user: &[GitEntry],
    ) -> Result<TaskSettings, TaskSettingsError> {
        let mut layers = Vec::new();
        let mut list = ListFile::default();
        if let Some(task) = task {
            layers.push(Layer::new(task.file.settings.clone(), Origin::Task(task.path.clone())));
            if let Some(name) = &task.file.list {
                list = self.load_list(name)?.ok_or_else(|| TaskSettingsError::ListMissing(name.clone()))?;
                layers.push(Layer::new(list.settings.clone(), Origin::List(self.list_path(name))));
            }
        }
        if let Some(file) = self.load_repository_config()? {
            layers.push(Layer::new(file.settings, Origin::Repository(self.repository_config_path())));
        }
        layers.push(from_git(user)?.0);
        Ok(TaskSettings { resolved: Resolved::new(&layers), list })
    }
}
