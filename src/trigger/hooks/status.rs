//! Whether the hook of each event runs, by which way, and if not, why.

use std::path::{Path, PathBuf};

use super::block::Rest;
use super::find::{ConfiguredHook, Found, FoundEvent};
use super::folder::{FolderKind, HookFile, Slots};
use super::install::is_called_by_others;
use super::{Author, HookEvent};
use crate::git::Scope;

/// How one event stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStatus {
    /// The event.
    pub event: HookEvent,
    /// Whether it runs.
    pub state: State,
    /// The hook of before, which this program's script runs first.
    pub chained: Option<PathBuf>,
}

/// Whether a hook runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Runs(Way),
    /// It does not.
    Idle(Why),
}

/// By which way a hook runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// git reads it from its configuration.
    Config,
    /// git starts this program's script.
    File(PathBuf),
    /// The same, but somebody changed the script.
    EditedFile(PathBuf),
    /// A manager starts this program's script.
    Through(Author, PathBuf),
    /// A script that is shared has the block.
    Shared(PathBuf),
    /// Somebody's own script calls this program.
    Called(PathBuf),
}

/// Why a hook does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is not installed.
    Missing,
    /// It is not installed, and this manager may have deleted it.
    Deleted(Author),
    /// It is in the configuration, and this git does not look there.
    OldGit,
    /// It is in the configuration, and switched off there.
    Disabled,
    /// The configuration holds something else under its name.
    OtherConfig,
    /// git may not start the script.
    NotExecutable(PathBuf),
    /// A manager put the script aside.
    PutAside(PathBuf),
    /// Another script took its place.
    Replaced(PathBuf, Author),
    /// git looks in another folder.
    OtherFolder(PathBuf, Option<Scope>),
    /// Hooks are switched off.
    Nowhere(PathBuf),
    /// The manager that should call it is not installed.
    ManagerMissing(PathBuf),
    /// git finds the hook, and the hook does not find this program.
    NoProgram,
}

impl State {
    /// Returns whether it depends on a git that reads hooks from its configuration.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Runs(Way::Config) | Self::Idle(Why::OldGit))
    }
}

impl Way {
    /// Returns one word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::File(_) => "file",
            Self::EditedFile(_) => "edited-file",
            Self::Through(author, _) => author.name(),
            Self::Shared(_) => "block",
            Self::Called(_) => "called",
        }
    }

    /// Returns the file that makes it run.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Config => None,
            Self::File(path)
            | Self::EditedFile(path)
            | Self::Through(_, path)
            | Self::Shared(path)
            | Self::Called(path) => Some(path),
        }
    }
}

impl Why {
    /// Returns the file or folder that is the reason.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Missing
            | Self::Deleted(_)
            | Self::OldGit
            | Self::Disabled
            | Self::OtherConfig
            | Self::NoProgram => None,
            Self::NotExecutable(path)
            | Self::PutAside(path)
            | Self::Replaced(path, _)
            | Self::OtherFolder(path, _)
            | Self::Nowhere(path)
            | Self::ManagerMissing(path) => Some(path),
        }
    }
}

impl Found {
    /// Returns how each event stands.
    pub fn statuses(&self) -> Vec<EventStatus> {
        self.events.iter().map(|event| self.status(event)).collect()
    }

    fn status(&self, event: &FoundEvent) -> EventStatus {
        let state = match self.way(event) {
            Ok(_) if self.program.is_none() => State::Idle(Why::NoProgram),
            Ok(way) => State::Runs(way),
            Err(why) => State::Idle(why),
        };
        let chained = match &state {
            State::Runs(Way::File(_) | Way::EditedFile(_) | Way::Through(..)) => {
                event.effective().previous.as_ref()
            }
            State::Runs(Way::Config | Way::Shared(_) | Way::Called(_)) | State::Idle(_) => None,
        };
        let chained = chained.filter(|file| file.is_executable()).map(|file| file.path.clone());
        EventStatus { event: event.event, state, chained }
    }

    fn way(&self, event: &FoundEvent) -> Result<Way, Why> {
        let is_set = matches!(event.config, ConfiguredHook::Set | ConfiguredHook::SetElsewhere);
        if is_set && self.runs_configured_hooks() {
            return Ok(Way::Config);
        }
        self.file_way(event).map_err(|why| match (event.config, &why) {
            (ConfiguredHook::Set | ConfiguredHook::SetElsewhere, Why::Missing | Why::Deleted(_)) => {
                Why::OldGit
            }
            (ConfiguredHook::Disabled, Why::Missing | Why::Deleted(_)) => Why::Disabled,
            (ConfiguredHook::Other, Why::Missing | Why::Deleted(_)) => Why::OtherConfig,
            _ => why,
        })
    }

    fn file_way(&self, event: &FoundEvent) -> Result<Way, Why> {
        let slots = event.effective();
        if self.kind == FolderKind::Nowhere {
            return Err(Why::Nowhere(self.hooks.path.clone()));
        }
        if let Some(way) = shared_way(event, &self.kind) {
            return way;
        }
        match slots_way(slots) {
            Ok(way) => Ok(way),
            Err(_) if is_called_by_others(event) => {
                Ok(Way::Called(event.lefthook.clone().unwrap_or_else(|| slots.hook_path())))
            }
            Err(why) => Err(match (&event.lefthook, why) {
                (Some(path), _) => Why::ManagerMissing(path.clone()),
                (None, Why::Missing) if event.chosen.is_some() && event.own.own().next().is_some() => {
                    let scope = self.hooks.chosen.as_ref().map(|chosen| chosen.scope);
                    Why::OtherFolder(self.hooks.path.clone(), scope)
                }
                (None, Why::Missing) => event.deleter.map_or(Why::Missing, Why::Deleted),
                (None, why) => why,
            }),
        }
    }
}

/// By a script that is shared, if there is one of this program.
fn shared_way(event: &FoundEvent, kind: &FolderKind) -> Option<Result<Way, Why>> {
    let shared = event.shared.as_ref()?;
    let file = shared.file.as_ref()?;
    let own = matches!(shared.rest, Rest::Script(_) | Rest::Nothing | Rest::Edited);
    let called = event.event.is_called_in(&file.bytes);
    if !own && !called && !file.author.is_own() {
        return None;
    }
    let started = match kind {
        FolderKind::Husky { .. } => event.effective().hook.as_ref(),
        FolderKind::Own | FolderKind::WorkTree | FolderKind::Elsewhere { .. } | FolderKind::Nowhere => {
            Some(file)
        }
    };
    Some(match started {
        None => Err(Why::ManagerMissing(shared.path.clone())),
        Some(started) if !started.is_executable() => Err(Why::NotExecutable(started.path.clone())),
        Some(_) if own => Ok(Way::Shared(shared.path.clone())),
        Some(_) if file.author.is_own() => Ok(file_way(file)),
        Some(_) => Ok(Way::Called(shared.path.clone())),
    })
}

pub(super) fn slots_way(slots: &Slots) -> Result<Way, Why> {
    let Some(hook) = &slots.hook else { return Err(Why::Missing) };
    let legacy = slots.legacy.as_ref().filter(|legacy| legacy.author.is_own());
    match (hook.author, legacy) {
        (Author::Own | Author::OwnEdited, _) if !hook.is_executable() => {
            Err(Why::NotExecutable(hook.path.clone()))
        }
        (Author::Own | Author::OwnEdited, _) => Ok(file_way(hook)),
        (author, Some(legacy)) if author.runs_legacy() => {
            let started = [hook, legacy].into_iter().find(|file| !file.is_executable());
            match started {
                Some(file) => Err(Why::NotExecutable(file.path.clone())),
                None => Ok(Way::Through(author, legacy.path.clone())),
            }
        }
        (author, _) => Err(match (slots.own().next(), &slots.previous) {
            (Some(aside), _) => Why::PutAside(aside.path.clone()),
            (None, Some(_)) => Why::Replaced(hook.path.clone(), author),
            (None, None) => Why::Missing,
        }),
    }
}

fn file_way(file: &HookFile) -> Way {
    if file.author == Author::Own { Way::File(file.path.clone()) } else { Way::EditedFile(file.path.clone()) }
}
