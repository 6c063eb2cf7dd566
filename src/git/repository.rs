//! The repository this start of the program is about: found once, then passed around.
//!
//! [`Repository::discover`] is for the start of a command: it goes up from a folder and obeys the
//! variables that git sets for its subcommands. [`Repository::open`] is for every later stage, which is
//! told where the repository is and must never look for one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use gix::bstr::BString;
use gix::sec::Trust;

use super::identity::{FALLBACK_EMAIL, FALLBACK_NAME};
use super::{GitCause, GitError, settings};
use crate::os::env;

/// Bytes of decoded objects that each handle keeps. Trees of the tracking ref are read again and again;
/// 4 MiB holds some thousands of them.
const OBJECT_CACHE_BYTES: usize = 4 * 1024 * 1024;

/// A repository, bare or with worktrees. Cheap to clone, may be sent to and shared between threads.
#[derive(Clone, Debug)]
pub struct Repository {
    inner: gix::ThreadSafeRepository,
}

impl Repository {
    /// Returns the repository that `start` is in, as git would find it for a subcommand.
    ///
    /// * `GIT_DIR`, `GIT_WORK_TREE`, `GIT_CEILING_DIRECTORIES` and `GIT_DISCOVERY_ACROSS_FILESYSTEM` count
    ///   (git(1)). With `GIT_DIR` alone the work tree is the one that belongs to it, not the current folder.
    /// * `GIT_COMMON_DIR` must agree with what is found, since gix cannot be told another one.
    /// * A repository of another user is refused unless `safe.directory` names it, also with `GIT_DIR`.
    /// * `git -c key=value claudedo` counts as configuration.
    pub fn discover(start: &Path) -> Result<Self, GitError> {
        let start = start.canonicalize().map_err(crate::os::fs::FileError::on("find folder", start))?;
        let trust_map =
            gix::sec::trust::Mapping { full: options(Trust::Full), reduced: options(Trust::Reduced) };
        let upwards = gix::discover::upwards::Options {
            match_ceiling_dir_or_error: false,
            ..gix::discover::upwards::Options::default()
        };
        let found =
            gix::ThreadSafeRepository::discover_with_environment_overrides_opts(&start, upwards, trust_map);
        let repository = Self::usable(&found.map_err(|error| refusal(error, &start))?)?;
        repository.require_common_dir_of_environment()?;
        Ok(repository)
    }

    /// Returns the repository whose common directory is known; nothing is searched for.
    ///
    /// `GIT_DIR`, `GIT_WORK_TREE` and the like do not count. The value stands for the main worktree, or for
    /// none in a bare repository.
    pub fn open(common_dir: &Path) -> Result<Self, GitError> {
        let options = options(Trust::Full).open_path_as_is(true);
        let opened = gix::ThreadSafeRepository::open_opts(common_dir, options)
            .map_err(|error| refusal(error, common_dir))?;
        let mut repository = Self::usable(&opened)?;
        if env::path("GIT_WORK_TREE").is_some() {
            // gix lets the variable count here as well, and cannot be told otherwise without losing those
            // that name the configuration files.
            let alone = gix::ThreadSafeRepository::open_opts(
                common_dir,
                gix::open::Options::isolated().open_path_as_is(true),
            );
            let alone = alone.map_err(|error| refusal(error, common_dir))?;
            repository.inner.work_tree = alone.work_tree;
        }
        Ok(repository)
    }

    /// Returns `$GIT_COMMON_DIR`: where objects, branches and configuration are, absolute.
    pub fn common_dir(&self) -> PathBuf {
        normal(self.inner.to_thread_local().common_dir())
    }

    /// Returns `$GIT_DIR`: that of the current worktree, absolute. Equals [`Self::common_dir`] in the main worktree.
    pub fn git_dir(&self) -> PathBuf {
        normal(self.inner.git_dir())
    }

    /// Returns the worktree that this repository was found from, or `None` in a bare repository.
    pub fn work_tree(&self) -> Option<PathBuf> {
        self.inner.work_dir().map(normal)
    }

    /// Returns the main worktree, or `None` in a bare repository.
    pub fn main_work_tree(&self) -> Result<Option<PathBuf>, GitError> {
        Ok(self.main()?.workdir().map(normal))
    }

    /// Returns whether whoever starts in the work tree, with none of git's variables, finds this very repository.
    pub fn is_found_from_its_work_tree(&self) -> bool {
        let Some(link) = self.work_tree().map(|work_tree| work_tree.join(".git")) else { return false };
        if link.is_dir() {
            return same_path(&link, &self.git_dir());
        }
        gix::discover::path::from_gitdir_file(&link).is_ok_and(|named| same_path(&named, &self.git_dir()))
    }

    /// Returns a name for folders: that of the main worktree, or of a bare repository without `.git`.
    pub fn name(&self) -> String {
        let common_dir = self.common_dir();
        let folder = match common_dir.file_name() {
            Some(name) if name == OsStr::new(".git") => common_dir.parent().unwrap_or(&common_dir),
            _ => &common_dir,
        };
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name: String = name
            .strip_suffix(".git")
            .unwrap_or(&name)
            .chars()
            .map(|c| if is_plain(c) { c } else { '-' })
            .collect();
        let name = name.trim_matches(['.', '-']);
        if name.is_empty() { "repository".to_owned() } else { name.to_owned() }
    }

    /// Returns whether the repository has no main worktree.
    pub fn is_bare(&self) -> bool {
        self.inner.to_thread_local().is_bare()
    }

    /// Returns which hash names objects here.
    pub(super) fn object_hash(&self) -> gix::hash::Kind {
        self.inner.to_thread_local().object_hash()
    }

    /// Returns a handle for this thread.
    pub(super) fn local(&self) -> gix::Repository {
        let mut repository = self.inner.to_thread_local();
        // Refs of ours have fixed names, whatever GIT_NAMESPACE says.
        repository.clear_namespace();
        repository.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        repository
    }

    /// Returns a handle that stands for the main worktree, or for none in a bare repository.
    pub(super) fn main(&self) -> Result<gix::Repository, GitError> {
        self.local().main_repo().map_err(GitError::on("open the main repository"))
    }

    fn usable(opened: &gix::ThreadSafeRepository) -> Result<Self, GitError> {
        let mut local = opened.to_thread_local();
        local.make_paths_absolute().map_err(GitError::on("find the current folder"))?;
        let config = local.config_snapshot();
        let storage = config.string("extensions.refStorage");
        if let Some(storage) = storage.filter(|storage| !storage.eq_ignore_ascii_case(b"files")) {
            return Err(GitError::Unsupported {
                path: normal(local.common_dir()),
                reason: format!(
                    "its refs are stored as {storage} (extensions.refStorage), which this program cannot read yet; \
                     run `git refs migrate --ref-format=files` there, with a git that also migrates reflogs"
                ),
            });
        }
        Ok(Self { inner: local.into_sync() })
    }

    fn require_common_dir_of_environment(&self) -> Result<(), GitError> {
        let Some(wanted) = env::path("GIT_COMMON_DIR") else { return Ok(()) };
        let found = self.common_dir();
        if same_path(&wanted, &found) {
            return Ok(());
        }
        Err(self.unsupported(format!("GIT_COMMON_DIR names {} instead; unset it", wanted.display())))
    }

    /// Returns the error for a repository of a form that cannot be used.
    pub(super) fn unsupported(&self, reason: impl Into<String>) -> GitError {
        GitError::Unsupported { path: self.common_dir(), reason: reason.into() }
    }
}

/// Returns whether two paths name the same place, through symbolic links where the place exists.
pub(super) fn same_path(one: &Path, other: &Path) -> bool {
    normal(one) == normal(other)
}

/// Returns the path with symbolic links resolved, as far as it exists.
pub(super) fn normal(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => normal(parent).join(name),
        _ => path.to_owned(),
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._-".contains(character)
}

/// Fails for untrusted repositories, since gix would otherwise go on without their configuration.
fn options(trust: Trust) -> gix::open::Options {
    let overrides = settings::command_line().into_iter().map(|(key, value)| match value {
        Some(value) => BString::from(format!("{key}={value}")),
        None => BString::from(key),
    });
    // A worktree's reflog needs a name, and no work waits for that of its user. gix asks for these last.
    let name = format!("gitoxide.committer.nameFallback={FALLBACK_NAME}");
    let email = format!("gitoxide.committer.emailFallback={FALLBACK_EMAIL}");
    let overrides = overrides.chain([name.into(), email.into()]);
    let options = gix::open::Options::default().bail_if_untrusted(true).cli_overrides(overrides);
    match trust {
        // `open_opts` finds the trust by itself; discovery replaces it anyway.
        Trust::Full => options,
        Trust::Reduced => options.with(Trust::Reduced),
    }
}

fn refusal(error: gix::Error, path: &Path) -> GitError {
    let path = path.to_owned();
    if error.is_permission_denied() {
        return GitError::NotOwned { path, source: error.into() };
    }
    if error.is_not_found() {
        return GitError::NoRepository { path, source: error.into() };
    }
    GitError::Gix {
        action: format!("open the repository at {}", path.display()),
        source: GitCause::from(error),
    }
}
