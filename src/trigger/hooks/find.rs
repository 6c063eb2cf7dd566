//! Looks at everything that decides about hooks, once. Nothing is changed.

use std::path::{Path, PathBuf};

use super::block::{self, Rest};
use super::folder::{FolderKind, HookFile, Slots};
use super::{Author, HookEvent};
use crate::git::{ConfigValue, GitError, HooksPath, InstalledGit, Repository, Scope, installed_gits};
use crate::os::env;
use crate::os::fs::{FileError, read_optional};

/// Where lefthook reads what to run: git's event is a key there.
const LEFTHOOK_FILES: [&str; 6] = [
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".config/lefthook.yml",
    "lefthook-local.yml",
];

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The repository did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be looked at.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Everything that decides about hooks.
#[derive(Debug, Clone)]
pub struct Found {
    /// Every git on the search path. Each is started only when its version decides.
    pub gits: Vec<InstalledGit>,
    /// Where `git-claudedo` is on the search path.
    pub program: Option<PathBuf>,
    /// The folder in which git looks.
    pub hooks: HooksPath,
    /// Whose it is.
    pub kind: FolderKind,
    /// What is there for each event.
    pub events: Vec<FoundEvent>,
}

/// What is there for one event.
#[derive(Debug, Clone)]
pub struct FoundEvent {
    /// The event.
    pub event: HookEvent,
    /// What git's configuration says.
    pub config: ConfiguredHook,
    /// The files in the repository's own folder.
    pub own: Slots,
    /// The files in the folder in which git looks, when that is another one.
    pub chosen: Option<Slots>,
    /// The script that people share, of husky or in a folder of the work tree.
    pub shared: Option<SharedScript>,
    /// The file in which lefthook is told to call this program.
    pub lefthook: Option<PathBuf>,
    /// A manager whose next installation deletes hooks that it was not told of.
    pub deleter: Option<Author>,
}

/// A script that is tracked like code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedScript {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What is there.
    pub file: Option<HookFile>,
    /// What it would be without this program's block.
    pub rest: Rest,
}

/// The hook of an event in git's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfiguredHook {
    /// Nothing.
    Absent,
    /// As this program sets it.
    Set,
    /// The same, and not by this repository but by the user or the machine.
    SetElsewhere,
    /// A setting that was cut short.
    Half,
    /// As this program sets it, but switched off.
    Disabled,
    /// A part of it, or another command.
    Other,
}

impl Found {
    /// Returns whether the git that is used runs hooks of the configuration.
    pub fn runs_configured_hooks(&self) -> bool {
        let used = self.gits.first().and_then(InstalledGit::version);
        used.is_some_and(crate::git::GitVersion::runs_configured_hooks)
    }

    /// Returns the gits that do not, though the one that is used does.
    pub fn older_gits(&self) -> impl Iterator<Item = &InstalledGit> {
        let older =
            |git: &&InstalledGit| git.version().is_some_and(|version| !version.runs_configured_hooks());
        self.gits.iter().skip(1).filter(older).filter(|_| self.runs_configured_hooks())
    }
}

impl FoundEvent {
    /// Returns the files that git would run.
    pub fn effective(&self) -> &Slots {
        self.chosen.as_ref().unwrap_or(&self.own)
    }
}

/// Looks at a repository.
pub fn find(repository: &Repository) -> Result<Found, FindError> {
    let hooks = repository.hooks_path()?;
    let kind = FolderKind::of(&hooks, repository);
    let values = repository.config_values("hook");
    let look = |event| find_event(event, &hooks.path, (&kind, &values), repository);
    let events = HookEvent::ALL.into_iter().map(look).collect::<Result<_, _>>()?;
    Ok(Found { gits: installed_gits(), program: program(), hooks, kind, events })
}

fn find_event(
    event: HookEvent,
    path: &Path,
    (kind, values): (&FolderKind, &[ConfigValue]),
    repository: &Repository,
) -> Result<FoundEvent, FindError> {
    let chosen = if *kind == FolderKind::Own { None } else { Some(Slots::load(path, event)?) };
    let shared = match kind {
        FolderKind::Husky { scripts } => Some(shared_script(&scripts.join(event.name()), event)?),
        FolderKind::WorkTree => Some(shared_script(&path.join(event.name()), event)?),
        FolderKind::Own | FolderKind::Elsewhere { .. } | FolderKind::Nowhere => None,
    };
    Ok(FoundEvent {
        event,
        config: configured(event, values),
        own: own_slots(event, path, kind, repository)?,
        chosen,
        shared,
        lefthook: lefthook_file(event, repository)?,
        deleter: deleter(repository)?,
    })
}

/// Where the repository's own folder is a link to another one, there is no own folder.
fn own_slots(
    event: HookEvent,
    path: &Path,
    kind: &FolderKind,
    repository: &Repository,
) -> Result<Slots, FileError> {
    let own = repository.own_hooks_path();
    if own == path && *kind != FolderKind::Own {
        return Ok(Slots::empty(path, event));
    }
    Slots::load(&own, event)
}

fn shared_script(path: &Path, event: HookEvent) -> Result<SharedScript, FileError> {
    let file = HookFile::load(path, event)?;
    let rest = file.as_ref().map_or(Rest::NoBlock, |file| block::remove(event, &file.bytes));
    Ok(SharedScript { path: path.to_owned(), file, rest })
}

fn configured(event: HookEvent, values: &[ConfigValue]) -> ConfiguredHook {
    let prefix = format!("claudedo-{event}.");
    let of = |key: &str| {
        let key = format!("{prefix}{key}");
        values.iter().filter(move |value| value.key == key)
    };
    let is_own = |value: &ConfigValue| value.value == event.config_command();
    let (command, last) = match (of("command").next_back(), of("event").next_back()) {
        (Some(command), Some(last)) => (command, last),
        (None, None) => return ConfiguredHook::Absent,
        (Some(command), None) if is_own(command) => return ConfiguredHook::Half,
        (Some(_), None) | (None, Some(_)) => return ConfiguredHook::Other,
    };
    let is_switched_off = of("enabled").next_back().is_some_and(|value| is_false(&value.value));
    if !is_own(command) || of("event").any(|value| value.value != event.name()) {
        ConfiguredHook::Other
    } else if is_switched_off {
        ConfiguredHook::Disabled
    } else if last.scope == Scope::Local {
        ConfiguredHook::Set
    } else {
        ConfiguredHook::SetElsewhere
    }
}

/// As git-config(1) has it.
fn is_false(value: &str) -> bool {
    ["false", "no", "off", "0", ""].iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn lefthook_file(event: HookEvent, repository: &Repository) -> Result<Option<PathBuf>, FileError> {
    let Some(root) = repository.work_tree() else { return Ok(None) };
    for name in LEFTHOOK_FILES {
        let path = root.join(name);
        if read_optional(&path)?.is_some_and(|text| event.is_called_in(&text)) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// simple-git-hooks deletes what its settings, most often in `package.json`, do not name.
fn deleter(repository: &Repository) -> Result<Option<Author>, FileError> {
    let Some(root) = repository.work_tree() else { return Ok(None) };
    let text = read_optional(&root.join("package.json"))?.unwrap_or_default();
    let mark = b"\"simple-git-hooks\"";
    Ok(text.windows(mark.len()).any(|part| part == mark).then_some(Author::SimpleGitHooks))
}

/// Returns where a hook would find this program.
fn program() -> Option<PathBuf> {
    let search = env::path("PATH")?;
    std::env::split_paths(&search).map(|folder| folder.join("git-claudedo")).find(|path| path.is_file())
}
