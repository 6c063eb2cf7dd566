//! Paths and programs that a setting names.

use std::path::Path;

use super::text::require_argument;
use super::{SettingType, json_by_text, quoted};

/// A file of the repository, relative to its root, that cannot lead out of it or into `.git`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelativePath(String);

/// A path anywhere on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsidePath(String);

/// A program: a name to be found in `PATH`, or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(String);

impl RelativePath {
    /// Returns the path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl OutsidePath {
    /// Returns the path as it was written; a leading `~/` is not yet the home folder.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl Program {
    /// Returns the name or path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the program that is looked for where nothing is set.
    pub fn claude() -> Self {
        Self("claude".to_owned())
    }
}

impl SettingType for RelativePath {
    fn expected() -> String {
        "a path relative to the root of the repository, without `..`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let path = require_argument(text)?;
        let problem = if path.starts_with('/') || path.starts_with('~') {
            "is not relative to the repository"
        } else if path.split('/').any(|part| part == "..") {
            "leads out of the repository"
        } else if path.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
            "leads into git's own folder"
        } else if path.split('/').any(|part| part.is_empty() || part == ".") || path.contains('\\') {
            "is not in its plain form"
        } else {
            return Ok(Self(path.to_owned()));
        };
        Err(format!("{} {problem}", quoted(path)))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl SettingType for OutsidePath {
    fn expected() -> String {
        "a path".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        require_argument(text).map(|path| Self(path.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl SettingType for Program {
    fn expected() -> String {
        "a program's name or path".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        require_argument(text).map(|program| Self(program.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

json_by_text!(RelativePath, OutsidePath, Program);
