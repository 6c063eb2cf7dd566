//! One layer of settings, and where each of its values is from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::task::{SettingKey, Settings};

/// Where the value of a setting is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An option of this command.
    CommandLine,
    /// The task's file.
    Task(PathBuf),
    /// The file of the task's list.
    List(PathBuf),
    /// The repository's `config.yaml`.
    Repository(PathBuf),
    /// The user's git config: the scope (`global`) and file, as git names them.
    GitConfig(String),
    /// Nobody said anything.
    BuiltIn,
}

impl Origin {
    /// Returns whether whoever writes to the repository decides this, rather than the user of this machine.
    pub fn is_repository_side(&self) -> bool {
        match self {
            Self::Task(_) | Self::List(_) | Self::Repository(_) => true,
            Self::CommandLine | Self::GitConfig(_) | Self::BuiltIn => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Task(path) | Self::List(path) | Self::Repository(path) => path.display().fmt(f),
            Self::GitConfig(origin) => f.write_str(origin),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// What one file, or the user, says.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The values.
    pub settings: Settings,
    origin: Origin,
    /// For git config, whose values are from several files.
    origins: BTreeMap<SettingKey, Origin>,
}

impl Layer {
    /// Returns settings that all have one origin.
    pub fn new(settings: Settings, origin: Origin) -> Self {
        Self { settings, origin, origins: BTreeMap::new() }
    }

    /// Returns settings with an origin each.
    pub(super) fn with_origins(settings: Settings, origins: BTreeMap<SettingKey, Origin>) -> Self {
        Self { settings, origin: Origin::BuiltIn, origins }
    }

    /// Returns where the value of a setting is from.
    pub fn origin(&self, key: SettingKey) -> &Origin {
        self.origins.get(&key).unwrap_or(&self.origin)
    }
}
