//! What ties a worktree to its registration, and what is left of either when one of them went.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reference::age;
use super::repository::normal;
use super::worktree::{UNFINISHED, registered, require_registered};
use super::{GitError, Repository};
use crate::os::fs::{self, FileError};

/// More than the longest path.
const LINK_BYTES_MAX: u64 = 8192;

/// Far longer than a registration takes to be made.
const MAKING_MAX: Duration = Duration::from_secs(10);

impl Repository {
    /// Lets a worktree find its repository again, as `git worktree repair` does after the repository was moved.
    ///
    /// A `.git` that leads to something that is there is left as it is, whoever made it.
    pub fn repair_worktree(&self, path: &Path) -> Result<(), GitError> {
        let repository = self.main()?;
        let proxy = require_registered(&repository, path)?;
        let link = path.join(".git");
        let is_replaceable = link.symlink_metadata().map_or(true, |metadata| metadata.is_file());
        if is_replaceable && !link_target(path).is_some_and(|target| target.exists()) {
            let mut text = b"gitdir: ".to_vec();
            text.extend_from_slice(proxy.git_dir().as_os_str().as_bytes());
            text.push(b'\n');
            fs::write_atomic(&link, &text)?;
        }
        Ok(())
    }

    /// Returns the registration that a worktree itself names, where that is there and is not this repository's:
    /// after a repository was copied, both have a registration of the same folder.
    ///
    /// `folder` is where the files of the worktree that is registered at `path` lie now.
    pub fn other_registration(&self, path: &Path, folder: &Path) -> Result<Option<PathBuf>, GitError> {
        let repository = self.main()?;
        let Some(proxy) = registered(&repository, path)? else { return Ok(None) };
        let own = normal(proxy.git_dir());
        Ok(link_target(folder).filter(|target| target.join("commondir").exists() && normal(target) != own))
    }

    /// Removes registrations for a worktree at a path that were begun and do not say yet where it is.
    ///
    /// While there is one, gix and git alike make no worktree at all. For a caller whose lock proves that nobody is
    /// making this one: its maker was killed.
    pub fn remove_half_registration(&self, path: &Path) -> Result<(), GitError> {
        let path = normal(path);
        let Some(name) = path.file_name() else { return Ok(()) };
        let entries = std::fs::read_dir(self.common_dir().join("worktrees")).into_iter().flatten().flatten();
        for registration in entries.map(|entry| entry.path()) {
            if is_of(&registration, name) && is_half(&registration)? {
                fs::remove_tree(&registration)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a registration was made for a worktree of that name. Where the name was taken, a number follows it;
/// such a name may be that of another worktree, which somebody is making at this moment.
fn is_of(registration: &Path, name: &OsStr) -> bool {
    let found = registration.file_name().map_or(&[][..], OsStrExt::as_bytes);
    let Some(number) = found.strip_prefix(name.as_bytes()) else { return false };
    let is_numbered = number.iter().all(u8::is_ascii_digit);
    number.is_empty() || (is_numbered && age(registration).is_some_and(|age| age > MAKING_MAX))
}

/// Returns whether a registration does not say where its worktree is, and nobody has locked it for a reason.
fn is_half(registration: &Path) -> Result<bool, FileError> {
    let text = |name: &str| -> Result<Vec<u8>, FileError> {
        let bytes = fs::read_optional(&registration.join(name))?.unwrap_or_default();
        Ok(bytes.trim_ascii().to_vec())
    };
    let lock = text("locked")?;
    Ok(text("gitdir")?.is_empty() && (lock.is_empty() || lock == UNFINISHED.as_bytes()))
}

/// Returns the git directory that a worktree's `.git` file names (gitrepository-layout(5)).
fn link_target(worktree: &Path) -> Option<PathBuf> {
    let link = worktree.join(".git");
    let bytes = link
        .symlink_metadata()
        .ok()
        .filter(|metadata| metadata.is_file() && metadata.len() < LINK_BYTES_MAX)
        .and_then(|_| std::fs::read(&link).ok())?;
    let target = bytes.strip_prefix(b"gitdir:")?.trim_ascii();
    Some(worktree.join(OsStr::from_bytes(target)))
}
