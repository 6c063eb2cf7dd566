//! The settings of one task, from all who have a say.

use super::engine::Engine;
use super::refusal::Refusal;
use crate::config::{Layer, Origin, Resolved, from_git};
use crate::run::FailureReason;
use crate::store::tasks::LoadedTask;
use crate::task::ListFile;

/// What applies to a task.
#[derive(Debug)]
pub(crate) struct TaskSettings {
    /// The settings.
    pub(crate) resolved: Resolved,
    /// The task's list.
    pub(crate) list: ListFile,
}

/// Loads the settings of a task: its own, its list's, the repository's, the user's.
pub(crate) fn load_settings(engine: &Engine, task: &LoadedTask) -> Result<TaskSettings, Refusal> {
    let mut layers = vec![Layer::new(task.file.settings.clone(), Origin::Task(task.path.clone()))];
    let mut list = ListFile::default();
    if let Some(name) = &task.file.list {
        let path = engine.tasks.list_path(name);
        list = engine.tasks.load_list(name).map_err(|error| Refusal::settings(&error))?.ok_or_else(|| {
            Refusal {
                reason: FailureReason::ListMissing,
                message: format!(
                    "List {name:?} does not exist: there is no .claudedo/lists/{name}.yaml.",
                    name = name.as_str()
                ),
            }
        })?;
        layers.push(Layer::new(list.settings.clone(), Origin::List(path)));
    }
    if let Some(file) = engine.tasks.load_repository_config().map_err(|error| Refusal::settings(&error))? {
        layers.push(Layer::new(file.settings, Origin::Repository(engine.tasks.repository_config_path())));
    }
    let (user, _warnings) = from_git(&engine.user_config).map_err(|error| Refusal::settings(&error))?;
    layers.push(user);
    Ok(TaskSettings { resolved: Resolved::new(&layers), list })
}
