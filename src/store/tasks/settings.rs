//! The settings of one task, from all who have a say.

use std::collections::BTreeMap;

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

/// Where the settings of tasks are from. What several tasks share is loaded once.
#[derive(Debug)]
pub struct SettingsSource<'a> {
    folder: &'a TaskFolder,
    repository: Option<Layer>,
    user: Layer,
    lists: BTreeMap<ListName, ListFile>,
}

impl<'a> SettingsSource<'a> {
    /// Loads what all tasks share: the repository's settings, and the user's, which come as `claudedo.*` of
    /// git's configuration.
    pub fn load(folder: &'a TaskFolder, user: &[GitEntry]) -> Result<Self, TaskSettingsError> {
        let path = folder.repository_config_path();
        let repository = folder.load_repository_config()?;
        Ok(Self {
            folder,
            repository: repository.map(|file| Layer::new(file.settings, Origin::Repository(path))),
            user: from_git(user)?.0,
            lists: BTreeMap::new(),
        })
    }

    /// Returns the settings of a task, or of one that says nothing of its own. Loads its list at first sight.
    pub fn of(&mut self, task: Option<&LoadedTask>) -> Result<TaskSettings, TaskSettingsError> {
        let mut layers = Vec::new();
        let mut list = ListFile::default();
        if let Some(task) = task {
            layers.push(Layer::new(task.file.settings.clone(), Origin::Task(task.path.clone())));
            if let Some(name) = &task.file.list {
                list = self.list(name)?;
                layers.push(Layer::new(list.settings.clone(), Origin::List(self.folder.list_path(name))));
            }
        }
        layers.extend(self.repository.clone());
        layers.push(self.user.clone());
        Ok(TaskSettings { resolved: Resolved::new(&layers), list })
    }

    fn list(&mut self, name: &ListName) -> Result<ListFile, TaskSettingsError> {
        if let Some(list) = self.lists.get(name) {
            return Ok(list.clone());
        }
        let loaded = self.folder.load_list(name)?;
        let list = loaded.ok_or_else(|| TaskSettingsError::ListMissing(name.clone()))?;
        self.lists.insert(name.clone(), list.clone());
        Ok(list)
    }
}
