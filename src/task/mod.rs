//! A task: what somebody wants, as one file, and the settings that come with it.
//!
//! People write three kinds of YAML under `.claudedo/`: a task, a list and the repository's
//! `config.yaml`. All three are read strictly: what is not understood is refused, with
//! the place and the fix, because a misspelt limit that is silently ignored costs money overnight.
//! [`settings`] holds the one table of settings; `config` adds up who says what.

mod draft;
pub mod file;
mod id;
mod list_name;
mod lookup;
mod problem;
mod reader;
pub mod settings;
mod slug;
mod strict;
mod suggestion;
pub mod value;
mod write;
mod yaml_error;

pub use file::{ListFile, PeopleFile, RepositoryFile, Subtask, TaskFile};
pub use id::{TASK_ID_BYTES_MAX, TaskId, TaskIdError};
pub use list_name::{ListName, ListNameError};
pub use lookup::{LookupError, resolve};
pub use problem::{Place, TaskFileError};
pub use settings::{SettingKey, SettingPlace, Settings};
pub use slug::{ID_RANDOM_BYTES, new_task_id};
pub use strict::{FILE_BYTES_MAX, plain_text};
pub use suggestion::closest;
pub use value::{
    Age, Budget, CommandWords, Interval, Lines, OutsidePath, PermissionMode, Program, PushAlong,
    PushUnproven, RelativePath, SettingType, Size, Span, Text, Title, Whole, Word, Workspace,
};

#[cfg(test)]
mod promises;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod refused_values;
