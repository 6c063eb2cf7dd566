//! The other files under `.claudedo/`: lists, the repository's settings, agent files, templates.

use std::path::{Component, Path, PathBuf};

use super::entry::read;
use super::folder::{TaskFolder, require_folder};
use crate::task::{ListFile, ListName, PeopleFile, RelativePath, RepositoryFile, TaskFileError, plain_text};
use crate::template::{Template, TemplateName};

impl TaskFolder {
    /// Returns where a list's file is, or would be.
    pub fn list_path(&self, name: &ListName) -> PathBuf {
        self.path().join("lists").join(format!("{name}.yaml"))
    }

    /// Returns where the repository's settings are, or would be.
    pub fn repository_config_path(&self) -> PathBuf {
        self.path().join("config.yaml")
    }

    /// Loads a list, or `None` when there is no such list.
    pub fn load_list(&self, name: &ListName) -> Result<Option<ListFile>, TaskFileError> {
        self.load_yaml(&self.list_path(name))
    }

    /// Loads the repository's settings, or `None` when it has none.
    pub fn load_repository_config(&self) -> Result<Option<RepositoryFile>, TaskFileError> {
        self.load_yaml(&self.repository_config_path())
    }

    /// Loads a template: the repository's own where it has one, else the one that comes with the program.
    pub fn load_template(&self, name: TemplateName) -> Result<Template, TaskFileError> {
        let path = self.path().join("templates").join(name.file_name());
        match self.load_text(&path)? {
            Some(text) => Ok(Template::Custom { path, text }),
            None => Ok(Template::BuiltIn(name)),
        }
    }

    /// Loads a text file that a setting names by its path from the root of the work tree, such as an agent file.
    pub fn require_named_file(&self, name: &RelativePath) -> Result<String, TaskFileError> {
        let path = self.work_tree.join(name.as_path());
        self.load_text(&path)?.ok_or_else(|| {
            TaskFileError::whole(
                &path,
                "there is no such file",
                "create it, or correct the setting that names it",
            )
        })
    }

    fn load_yaml<T: PeopleFile>(&self, path: &Path) -> Result<Option<T>, TaskFileError> {
        self.require_inside(path)?;
        read(path)?.map(|read| T::parse(path, &read.bytes)).transpose()
    }

    fn load_text(&self, path: &Path) -> Result<Option<String>, TaskFileError> {
        self.require_inside(path)?;
        read(path)?.map(|read| plain_text(path, &read.bytes).map(str::to_owned)).transpose()
    }

    /// Refuses a path any of whose folders, below the work tree, is a symlink or no folder.
    fn require_inside(&self, path: &Path) -> Result<(), TaskFileError> {
        let inner = path.strip_prefix(&self.work_tree).unwrap_or(path);
        let mut folder = self.work_tree.clone();
        let mut parts = inner.components().peekable();
        while let Some(part) = parts.next() {
            if !matches!(part, Component::Normal(_)) {
                return Err(TaskFileError::whole(
                    path,
                    "the path leads out of the work tree",
                    "name a file inside it",
                ));
            }
            folder.push(part);
            if parts.peek().is_some() {
                require_folder(&folder)?;
            }
        }
        Ok(())
    }
}
