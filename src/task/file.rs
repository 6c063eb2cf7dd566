//! The YAML that people write: tasks, lists and the repository's `config.yaml`, and what each holds.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::draft::TaskDraft;
use super::problem::{Flaw, TaskFileError};
use super::reader::{Keyed, parse};
use super::settings::Settings;
use super::value::{OutsidePath, Text, Title};
use super::{ListName, TaskId};

/// What somebody wants: `.claudedo/tasks/<id>.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// What is wanted, in one line.
    pub title: Title,
    /// The rest of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<Subtask>,
    /// The list whose defaults apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListName>,
    /// Whether it is kept out of the queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Higher runs first; 0 when absent.
    #[serde(default)]
    pub priority: i32,
    /// Tasks that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<TaskId>,
    /// What it says of the settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A part of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subtask {
    /// What is to be done, in one line.
    pub title: Title,
    /// Whether it is done.
    #[serde(default)]
    pub completed: bool,
}

/// Defaults for the tasks of one list: `.claudedo/lists/<list>.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListFile {
    /// Another local repository to work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<OutsidePath>,
    /// What it says of the settings.
    pub settings: Settings,
}

/// Defaults for all tasks of the repository: `.claudedo/config.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryFile {
    /// What it says of the settings.
    pub settings: Settings,
}

impl TaskFile {
    /// Returns a task with nothing but a title.
    pub fn new(title: Title) -> Self {
        Self {
            title,
            description: None,
            subtasks: Vec::new(),
            list: None,
            draft: false,
            priority: 0,
            after: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Reads a task file. `path` is for messages; its stem is the task's id where it is one.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        <Self as PeopleFile>::parse(path, bytes)
    }
}

/// A kind of file that people write.
pub trait PeopleFile: Sized {
    /// Reads the file. `path` is for messages.
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError>;
}

impl PeopleFile for TaskFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        let own_id = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        let draft = TaskDraft { own_id, ..TaskDraft::default() };
        let parts = parse(path, bytes, draft)?;
        let mut task = Self::new(parts.title.ok_or_else(|| missing_title(path, bytes))?);
        task.description = parts.description;
        task.subtasks = parts.subtasks;
        task.list = parts.list;
        task.draft = parts.draft;
        task.priority = parts.priority;
        task.after = parts.after;
        task.settings = parts.settings;
        Ok(task)
    }
}

impl PeopleFile for ListFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        parse_defaults(path, bytes)
    }
}

impl PeopleFile for RepositoryFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        parse_defaults(path, bytes)
    }
}

/// Reads defaults, which may be none: a file of nothing but comments is what `git claudedo init` writes.
fn parse_defaults<T: Keyed + Default>(path: &Path, bytes: &[u8]) -> Result<T, TaskFileError> {
    let is_silent = |line: &[u8]| matches!(line.trim_ascii_start(), [] | [b'#', ..]);
    if bytes.split(|byte| *byte == b'\n').all(is_silent) {
        return Ok(T::default());
    }
    parse(path, bytes, T::default())
}

fn missing_title(path: &Path, bytes: &[u8]) -> TaskFileError {
    Flaw::at(1, 1, "the task has no title", "write `title: …` on a line of its own").in_file(path, bytes)
}
