//! The other files under `.claudedo/`: lists, the repository's settings, agent files, templates.

use std::path::{Component, Path, PathBuf};

use super::entry::read;
use super::folder::{TaskFolder, require_folder};
use crate::task::{ListFile, ListName, PeopleFile, RelativePath, RepositoryFile, TaskFileError, plain_text};
use crate::template::{Template, TemplateName};

impl TaskFolder {
    /// Returns where a list's file is, or would be.
    pub fn list_path(&self, name: &ListName) -> PathBuf {
        self.lists_path().join(format!("{name}.yaml"))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::task::SettingType;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, TaskFolder) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
        }
        let folder = TaskFolder::new(root.path(), &root.path().join("local"));
        (root, folder)
    }

    fn named(path: &str) -> RelativePath {
        RelativePath::from_text(path).unwrap()
    }

    #[test]
    fn lists_settings_and_templates_are_read_where_they_are_and_absent_where_not() {
        let (_root, folder) = folder(&[
            (".claudedo/lists/backend.yaml", "model: opus\nrepository: ../other\n"),
            (".claudedo/config.yaml", "slots: 4\n"),
            (".claudedo/templates/prompt.md.j2", "Do: {{ title }}\n"),
        ]);
        let list = folder.load_list(&"backend".parse().unwrap()).unwrap().unwrap();
        assert_eq!(list.settings.model.unwrap().as_str(), "opus");
        assert_eq!(folder.load_list(&"frontend".parse().unwrap()).unwrap(), None);
        assert!(folder.load_repository_config().unwrap().unwrap().settings.slots.is_some());
        assert!(matches!(folder.load_template(TemplateName::Prompt), Ok(Template::Custom { .. })));
        assert!(matches!(folder.load_template(TemplateName::CommitMessage), Ok(Template::BuiltIn(_))));
    }

    #[test]
    fn a_named_file_is_inside_the_work_tree_and_is_text() {
        let (root, folder) = folder(&[(".claudedo/agents/a.md", "be kind\n"), ("esc.md", "a\x1b[2J\n")]);
        assert_eq!(folder.require_named_file(&named(".claudedo/agents/a.md")).unwrap(), "be kind\n");
        symlink("/etc", root.path().join("etc")).unwrap();
        symlink("/etc/passwd", root.path().join("passwd.md")).unwrap();
        let errors = ["etc/passwd", "passwd.md", "esc.md", "absent.md", ".claudedo"]
            .map(|path| folder.require_named_file(&named(path)).unwrap_err().to_string());
        let errors = errors.join("\n").replace(&root.path().display().to_string(), "<root>");
        insta::assert_snapshot!(errors, @r##"
        read <root>/etc: it is a symlink, and those are not followed
          fix: replace it by a folder; its content would be somebody else's
        read <root>/passwd.md: it is a symlink, and those are not followed
          fix: replace it by the file that it points to
        read <root>/esc.md:1:2: U+001B is the escape character, which commands a terminal
          1 | a�[2J
            |  ^
          fix: delete the character
        read <root>/absent.md: there is no such file
          fix: create it, or correct the setting that names it
        read <root>/.claudedo: it is not a regular file
          fix: move it out of this folder
        "##);
    }
}
