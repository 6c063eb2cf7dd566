//! Linked worktrees: made, found, locked, removed. Never the user's own checkout.
//!
//! A worktree is known by its path. Its registration, `$GIT_COMMON_DIR/worktrees/<id>`, is what counts: the
//! `.git` file in the folder belongs to whoever works there, and is neither read nor believed here.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gix::bstr::BStr;
use gix::progress::Discard;
use gix::refs::transaction::{LogChange, PreviousValue, RefEdit};
use gix::refs::{FullName, Target};
use gix::worktree::Proxy;
use gix::worktree::add::Head;
use gix::worktree::remove::Force;

use super::repository::normal;
use super::{BranchName, CommitId, GitError, GitProgram, Repository};
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs;

/// What gix and git write into the lock of a worktree they have not finished making.
pub(super) const UNFINISHED: &str = "initializing";

/// A registered worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The folder. It need not exist.
    pub path: PathBuf,
    /// Its private git directory, `$GIT_COMMON_DIR/worktrees/<id>`.
    pub git_dir: PathBuf,
    /// Why it is locked, where it is.
    pub lock: Option<String>,
}

impl Worktree {
    /// Returns whether this program made it, as far as its private git directory tells.
    pub fn is_made_here(&self) -> bool {
        let is_locked = self.lock.as_ref().is_some_and(|lock| lock.starts_with("git-claudedo "));
        is_locked || super::snapshot::knows_files(&self.git_dir)
    }
}

/// What is found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorktreeState {
    /// A worktree of this repository, with its folder.
    Present(Worktree),
    /// It is registered, but its folder is gone.
    Missing(Worktree),
    /// Its making was interrupted: there may be a part of its files.
    Unfinished(Worktree),
    /// There is a folder or file that is no worktree of this repository.
    NotOurs,
    /// There is nothing.
    Absent,
}

/// How often a registry that somebody else is changing is looked at.
const REGISTRY_TRIES: usize = 50;

/// How long to wait in between. Writing a registration takes far less.
const REGISTRY_PAUSE: Duration = Duration::from_millis(10);

impl Repository {
    /// Makes a worktree at `path` with `branch` checked out, locked with `lock` as the reason.
    ///
    /// The branch must exist and be checked out nowhere else; the path must not exist or be empty. What an
    /// earlier interrupted attempt left at the path is removed first. On failure nothing is left.
    ///
    /// gix does it, without hooks. Trees whose attributes ask for `working-tree-encoding=UTF-16…` are left to
    /// `git worktree add`. With `worktree.useRelativePaths`, gix sets `extensions.relativeWorktrees`, which
    /// git before 2.48 refuses to read.
    pub fn add_worktree(&self, path: &Path, branch: &BranchName, lock: &str) -> Result<(), GitError> {
        let path = &normal(path);
        match self.worktree_state(path)? {
            WorktreeState::Present(_) => {
                return Err(GitError::not_a_worktree(path, "it is one already"));
            }
            WorktreeState::Missing(_) | WorktreeState::Unfinished(_) => self.remove_worktree(path)?,
            WorktreeState::NotOurs if !is_empty_folder(path) => {
                return Err(GitError::not_a_worktree(path, "something else is there; move it away"));
            }
            WorktreeState::NotOurs | WorktreeState::Absent => {}
        }
        let tip = self.branch_tip(branch)?.ok_or_else(|| GitError::NoSuchCommit {
            spec: branch.short().to_owned(),
            source: std::io::Error::from(std::io::ErrorKind::NotFound).into(),
        })?;
        if let Some(worktree) = self.worktree_on(branch)? {
            return Err(GitError::CheckedOut { branch: branch.clone(), worktree });
        }
        if let Some(parent) = path.parent() {
            fs::create_directory(parent)?;
        }
        if self.needs_git_checkout(tip)? {
            self.add_with_git(path, branch)?;
        } else {
            self.add_with_gix(path, branch, tip)?;
        }
        pass(FaultPoint::WorktreeFilled)?;
        self.set_worktree_lock(path, Some(lock))?;
        pass(FaultPoint::WorktreeLocked)?;
        self.remember_files(path)
    }

    /// Removes the lock of a worktree, so that git's own commands may remove it, and what a killed start left beside
    /// its index. The caller holds the task's lock.
    pub fn unlock_worktree(&self, path: &Path) -> Result<(), GitError> {
        self.set_worktree_lock(path, None)?;
        if let Some(proxy) = registered(&self.main()?, path)? {
            fs::sweep_files(proxy.git_dir());
        }
        Ok(())
    }

    /// Locks a worktree again, with another reason, or unlocks it with `None`.
    pub fn set_worktree_lock(&self, path: &Path, reason: Option<&str>) -> Result<(), GitError> {
        let repository = self.main()?;
        let proxy = require_registered(&repository, path)?;
        proxy
            .set_lock(reason.map(BStr::new))
            .map_err(GitError::on(format!("lock worktree {}", path.display())))
    }

    /// Removes a worktree with all that is in its folder, locked or not. An absent one counts as removed.
    ///
    /// The caller has made sure that nothing in it is needed any more. The folder is renamed before it is
    /// emptied, and the registration goes last, so that the removal can be repeated after a crash.
    /// Refuses a folder that is not a worktree of this repository.
    pub fn remove_worktree(&self, path: &Path) -> Result<(), GitError> {
        match self.worktree_state(path)? {
            WorktreeState::Absent => return Ok(()),
            WorktreeState::NotOurs => {
                return Err(GitError::not_a_worktree(path, "it is not a worktree of this repository"));
            }
            WorktreeState::Present(_) | WorktreeState::Missing(_) | WorktreeState::Unfinished(_) => {}
        }
        if let Some(other) = self.other_registration(path, path)? {
            let why = format!("it belongs to {}", other.display());
            return Err(GitError::not_a_worktree(path, why));
        }
        fs::remove_directory(path)?;
        pass(FaultPoint::WorktreeEmptied)?;
        let repository = self.main()?;
        let Some(proxy) = registered(&repository, path)? else { return Ok(()) };
        proxy
            .remove(Force::OverrideLock, Discard)
            .map_err(GitError::on(format!("remove worktree {}", path.display())))
    }

    /// Removes the registration of a worktree whose folder is gone, locked or not. Absent counts as removed.
    ///
    /// Refuses one whose folder is there, whoever made it.
    pub fn forget_worktree(&self, path: &Path) -> Result<(), GitError> {
        let repository = self.main()?;
        let Some(proxy) = registered(&repository, path)? else { return Ok(()) };
        if path.symlink_metadata().is_ok() {
            return Err(GitError::not_a_worktree(path, "somebody made the folder again"));
        }
        proxy
            .remove(Force::OverrideLock, Discard)
            .map_err(GitError::on(format!("remove worktree {}", path.display())))
    }

    /// Returns what is at a path.
    pub fn worktree_state(&self, path: &Path) -> Result<WorktreeState, GitError> {
        let repository = self.main()?;
        let on_disk = path.symlink_metadata().is_ok();
        let Some(proxy) = registered(&repository, path)? else {
            return Ok(if on_disk { WorktreeState::NotOurs } else { WorktreeState::Absent });
        };
        let worktree = describe(&proxy)?;
        Ok(match (&worktree.lock, on_disk) {
            // An agent may lock a worktree as it likes; one that was whole once is never taken for a half one.
            (Some(reason), _) if reason == UNFINISHED && !worktree.is_made_here() => {
                WorktreeState::Unfinished(worktree)
            }
            (_, true) => WorktreeState::Present(worktree),
            (_, false) => WorktreeState::Missing(worktree),
        })
    }

    /// Lists the linked worktrees of the repository, whoever made them. The main worktree is not among them.
    pub fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let repository = self.main()?;
        let proxies = registrations(&repository)?;
        Ok(proxies.iter().filter_map(|proxy| describe(proxy).ok()).collect())
    }

    /// Returns the commit that is checked out in a worktree, which the agent may have changed.
    ///
    /// `None` when it has none, or when its registration cannot be read any more.
    pub fn worktree_head(&self, path: &Path) -> Result<Option<CommitId>, GitError> {
        let repository = self.main()?;
        let Some(proxy) = registered(&repository, path)? else { return Ok(None) };
        let Ok(linked) = proxy.into_repo_with_possibly_inaccessible_worktree() else { return Ok(None) };
        Ok(linked.head_commit().ok().map(|commit| CommitId::new(commit.id)))
    }

    fn add_with_gix(&self, path: &Path, branch: &BranchName, tip: CommitId) -> Result<(), GitError> {
        let name = FullName::try_from(branch.as_str())
            .map_err(|_| GitError::InvalidName { name: branch.to_string() })?;
        let repository = self.local();
        let added = patiently(|| make(&repository, path, &name, tip));
        let (_, mut outcome) = added.map_err(|error| {
            if error.is_not_found() && is_partial_clone(&repository) {
                return self.unsupported(
                    "it is a partial clone, and only git can fetch the files that it lacks; run \
                     `git fetch --refetch --no-filter` there",
                );
            }
            GitError::on(format!("make worktree {}", path.display()))(error)
        })?;
        let is_short = |failed: &gix::worktree::state::checkout::ErrorRecord| {
            failed.error.downcast_any_ref().is_some_and(fs::is_shortage)
        };
        if let Some(at) = outcome.errors.iter().position(is_short) {
            self.remove_worktree(path)?;
            let error = outcome.errors.swap_remove(at).error;
            return Err(GitError::on(format!("fill worktree {}", path.display()))(error));
        }
        let mut failures =
            outcome.errors.iter().map(|error| format!("{}: {}", error.path, error.error)).chain(
                outcome
                    .collisions
                    .iter()
                    .map(|collision| format!("{}: its name collides with another", collision.path)),
            );
        let Some(first) = failures.next() else { return Ok(()) };
        let others = failures.count();
        self.remove_worktree(path)?;
        Err(GitError::Checkout { path: path.to_owned(), first, others })
    }

    fn add_with_git(&self, path: &Path, branch: &BranchName) -> Result<(), GitError> {
        let arguments = ["worktree".as_ref(), "add".as_ref(), path.as_os_str(), branch.short().as_ref()];
        GitProgram::new(self).capture(arguments)?.require_success().map(drop)
    }
}

/// Makes a worktree at a commit and attaches it to the branch that names it, before anything is checked out.
///
/// gix would attach it by itself, and open every other worktree to see that none has the branch; the caller
/// knows that already.
fn make(
    repository: &gix::Repository,
    path: &Path,
    branch: &FullName,
    tip: CommitId,
) -> Result<(gix::Repository, gix::worktree::state::checkout::Outcome), gix::Error> {
    let never = AtomicBool::new(false);
    let prepared = repository.prepare_add_worktree(path, Head::Detached(tip.object_id()), &never)?;
    let head = "HEAD".try_into().map_err(gix::Error::from_error)?;
    prepared.repo().edit_reference(RefEdit::update_with_log(
        head,
        Target::Symbolic(branch.clone()),
        PreviousValue::Any,
        LogChange::default(),
    ))?;
    pass(FaultPoint::WorktreeRegistered).map_err(gix::Error::from_error)?;
    prepared.checkout(Discard, &never)
}

/// Returns the registration of the worktree at a path.
///
/// git and gix name a registration for its folder, so that one is looked at before all others.
pub(super) fn registered<'repository>(
    repository: &'repository gix::Repository,
    path: &Path,
) -> Result<Option<Proxy<'repository>>, GitError> {
    let path = &normal(path);
    let name = path.file_name().map(|name| BStr::new(name.as_bytes()));
    let likely = name.and_then(|name| repository.worktree_proxy_by_id(name).ok().flatten());
    if let Some(proxy) = likely.filter(|proxy| is_at(proxy, path)) {
        return Ok(Some(proxy));
    }
    Ok(registrations(repository)?.into_iter().find(|proxy| is_at(proxy, path)))
}

/// Returns whether a worktree is at a path without symbolic links.
///
/// A registration names the folder itself and no link to it, so that one of another name is another folder;
/// finding out where links lead costs more than all the rest.
fn is_at(proxy: &Proxy<'_>, path: &Path) -> bool {
    let is_same =
        |base: PathBuf| base == *path || (base.file_name() == path.file_name() && normal(&base) == *path);
    proxy.base().is_ok_and(is_same)
}

pub(super) fn registrations(repository: &gix::Repository) -> Result<Vec<Proxy<'_>>, GitError> {
    patiently(|| repository.worktrees()).map_err(GitError::on("list the worktrees"))
}

/// Tries again what failed, for a moment.
///
/// A worktree that somebody else is making is registered in several steps, and gix and git alike fail on one
/// whose `gitdir` is still empty (seen with eight made at once). It is whole a moment later.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, gix::Error>) -> Result<T, gix::Error> {
    for _ in 1..REGISTRY_TRIES {
        match attempt() {
            Err(error) if is_half_registered(&error) => std::thread::park_timeout(REGISTRY_PAUSE),
            settled => return settled,
        }
    }
    attempt()
}

/// No error class tells this one from others.
fn is_half_registered(error: &gix::Error) -> bool {
    format!("{error:?}").contains("gitdir")
}

pub(super) fn require_registered<'repository>(
    repository: &'repository gix::Repository,
    path: &Path,
) -> Result<Proxy<'repository>, GitError> {
    registered(repository, path)?
        .ok_or_else(|| GitError::not_a_worktree(path, "it is not a worktree of this repository"))
}

fn describe(proxy: &Proxy<'_>) -> Result<Worktree, GitError> {
    Ok(Worktree {
        path: proxy.base().map_err(GitError::on("read the path of a worktree"))?,
        git_dir: proxy.git_dir().to_owned(),
        lock: proxy.lock_reason().map(|reason| reason.to_string()),
    })
}

/// Returns whether objects may be missing here until git fetches them (`remote.<name>.promisor`, git-config(1)).
pub(super) fn is_partial_clone(repository: &gix::Repository) -> bool {
    let config = repository.config_snapshot();
    let mut remotes = config.plumbing().sections_by_name("remote").into_iter().flatten();
    remotes.any(|remote| remote.value_implicit("promisor").is_some())
}

fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}
