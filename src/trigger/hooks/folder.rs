//! A folder of hooks as it was found: whose it is, and for each event the files that matter.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Author, HookEvent};
use crate::git::{HooksPath, Repository, Scope};
use crate::os::fs::FileError;

/// What the hook that was there before is called.
const PREVIOUS: &str = ".pre-claudedo";

/// What pre-commit and prek call the hook that was there before them.
const LEGACY: &str = ".legacy";

/// What lefthook calls it.
const OLD: &str = ".old";

/// The largest script that is looked into. Larger ones are somebody's program.
const SCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// Whose folder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderKind {
    /// This repository's own.
    Own,
    /// husky's. It is made anew by `husky`; people write their scripts into the folder around it.
    Husky {
        /// The folder around it.
        scripts: PathBuf,
    },
    /// A folder of the work tree: what is in it is shared with everybody.
    WorkTree,
    /// A folder outside, which other repositories may use as well.
    Elsewhere {
        /// Whose configuration says so.
        scope: Option<Scope>,
    },
    /// No folder at all: hooks are switched off.
    Nowhere,
}

/// The files of one event in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// The event.
    pub event: HookEvent,
    /// The folder.
    pub folder: PathBuf,
    /// What git runs.
    pub hook: Option<HookFile>,
    /// What pre-commit and prek run as well.
    pub legacy: Option<HookFile>,
    /// What lefthook put aside.
    pub old: Option<HookFile>,
    /// What this program's script runs first.
    pub previous: Option<HookFile>,
}

/// One file of a folder of hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFile {
    /// Where it is.
    pub path: PathBuf,
    /// Who wrote it.
    pub author: Author,
    /// Its bytes; those of its target for a symbolic link. Empty when they cannot be read.
    pub bytes: Vec<u8>,
    /// Its mode; that of its target for a symbolic link.
    pub mode: u32,
    /// Device and number, which tell two names of one file from two files.
    pub identity: (u64, u64),
}

impl FolderKind {
    /// Returns the kind of the folder in which git looks.
    pub fn of(hooks: &HooksPath, repository: &Repository) -> Self {
        let path = &hooks.path;
        // A link in the place of the folder leads to one that others may use as well.
        if *path == repository.own_hooks_path() && path.starts_with(repository.common_dir()) {
            return Self::Own;
        }
        if path.exists() && !path.is_dir() {
            return Self::Nowhere;
        }
        let inside = |root: &Path| path.starts_with(root) && !path.starts_with(repository.common_dir());
        if !repository.work_tree().is_some_and(|root| inside(&root)) {
            return Self::Elsewhere { scope: hooks.chosen.as_ref().map(|chosen| chosen.scope) };
        }
        match path.parent() {
            // A worktree in which husky was never started lacks the folder, but not its name.
            Some(scripts)
                if path.ends_with(".husky/_") || path.ends_with("_") && path.join("h").is_file() =>
            {
                Self::Husky { scripts: scripts.to_owned() }
            }
            Some(_) | None => Self::WorkTree,
        }
    }
}

impl Slots {
    /// Looks at the files of an event.
    pub fn load(folder: &Path, event: HookEvent) -> Result<Self, FileError> {
        let file = |suffix: &str| HookFile::load(&folder.join(format!("{event}{suffix}")), event);
        Ok(Self {
            event,
            folder: folder.to_owned(),
            hook: file("")?,
            legacy: file(LEGACY)?,
            old: file(OLD)?,
            previous: file(PREVIOUS)?,
        })
    }

    /// Returns a folder without any files for an event.
    pub fn empty(folder: &Path, event: HookEvent) -> Self {
        Self { event, folder: folder.to_owned(), hook: None, legacy: None, old: None, previous: None }
    }

    /// Returns where git looks.
    pub fn hook_path(&self) -> PathBuf {
        self.folder.join(self.event.name())
    }

    /// Returns where the hook of before is kept.
    pub fn previous_path(&self) -> PathBuf {
        self.folder.join(format!("{}{PREVIOUS}", self.event))
    }

    /// Returns where pre-commit and prek look for what else to run.
    pub fn legacy_path(&self) -> PathBuf {
        self.folder.join(format!("{}{LEGACY}", self.event))
    }

    /// Returns the files of this program, in the order in which they would be found.
    pub fn own(&self) -> impl Iterator<Item = &HookFile> {
        [&self.hook, &self.legacy, &self.old].into_iter().flatten().filter(|file| file.author.is_own())
    }
}

impl HookFile {
    /// Looks at a file, or returns `None` when there is none.
    pub fn load(path: &Path, event: HookEvent) -> Result<Option<Self>, FileError> {
        let link = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(FileError::on("look at", path)(error)),
        };
        // A link without a target is there, and is kept like any other.
        let target = fs::metadata(path).ok();
        let bytes = target.as_ref().filter(|target| is_script(target)).and_then(|_| fs::read(path).ok());
        let bytes = bytes.unwrap_or_default();
        Ok(Some(Self {
            path: path.to_owned(),
            author: Author::of(event, &bytes),
            bytes,
            mode: target.map_or(0, |target| target.permissions().mode() & 0o7777),
            identity: (link.dev(), link.ino()),
        }))
    }

    /// Returns whether git would run it.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }

    /// Returns whether both are the same file, or say the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity || (!self.bytes.is_empty() && self.bytes == other.bytes)
    }
}

fn is_script(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.len() <= SCRIPT_BYTES_MAX
}
