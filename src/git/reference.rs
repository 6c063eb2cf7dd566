//! Refs move by compare-and-swap, and what they name is on the disk before they do.
//!
//! One function does it ([`Repository::edit_ref`]): lock, look again under the lock, sync the new value,
//! rename, sync the folder. A lock in the way is waited for a bounded time, then named with its age.
//! Only locks of this program's own refs are ever removed, and only when the caller asks
//! ([`Repository::outwait_stale_lock`], [`Repository::remove_stale_lock`]).

use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

use super::error::LockHolder;
use super::{CommitId, GitError, Identity, Repository};
use crate::os::fault::{FaultPoint, pass};
use crate::os::{clock, fs};

/// How long to wait for the lock of one ref. Writers hold it for milliseconds.
const REF_LOCK_WAIT: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 2_000 });

/// How often is looked whether a lock that is waited for has gone.
const REF_LOCK_STEP: Duration = Duration::from_millis(20);

/// How long to wait for `packed-refs.lock`, which `git gc` holds while it rewrites every ref.
const PACKED_REFS_LOCK_WAIT: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 10_000 });

/// Refs that belong to this program.
const OUR_PREFIXES: [&str; 2] = ["refs/claudedo/", "refs/heads/claudedo/"];

/// One move of a ref.
pub(super) struct RefMove<'a> {
    /// The full name.
    pub(super) name: &'a str,
    /// What it must name now, or `None` when it must not exist.
    pub(super) from: Option<CommitId>,
    /// What it is to name, or `None` to delete it.
    pub(super) to: Option<CommitId>,
    /// The line for the reflog.
    pub(super) message: &'a str,
}

impl Repository {
    /// Returns the commit that a ref names, or `None` when there is no such ref.
    pub(super) fn ref_target(&self, name: &str) -> Result<Option<CommitId>, GitError> {
        target(&self.local(), name)
    }

    /// Moves, creates or deletes one ref, or fails and leaves it as it was.
    pub(super) fn edit_ref(&self, step: &RefMove<'_>) -> Result<(), GitError> {
        let repository = self.local();
        // gix takes no lock for a ref that has its new target already.
        if step.from.is_some() && step.from == step.to {
            let actual = target(&repository, step.name)?;
            return if actual == step.to { Ok(()) } else { Err(moved(step, actual)) };
        }
        let full_name = FullName::try_from(step.name)
            .map_err(|_| GitError::InvalidName { name: step.name.to_owned() })?;
        let prepared = repository.refs.transaction().prepare(
            Some(edit(full_name, step)),
            gix::lock::acquire::Fail::AfterDurationWithBackoff(REF_LOCK_WAIT),
            gix::lock::acquire::Fail::AfterDurationWithBackoff(PACKED_REFS_LOCK_WAIT),
        );
        let transaction = prepared.map_err(|error| self.refused(&repository, step, error))?;
        // gix takes "must not exist" to be met by a ref that already has the same target. Two who claim
        // with the same bytes would both win, so look again now that the lock is ours.
        if step.from.is_none()
            && let Some(actual) = target(&repository, step.name)?
        {
            return Err(moved(step, Some(actual)));
        }
        let path = repository.common_dir().join(step.name);
        if step.to.is_some() {
            let lock = lock_path(&path);
            let file = std::fs::File::open(&lock).map_err(fs::FileError::on("open", &lock))?;
            file.sync_all().map_err(fs::FileError::on("sync", &lock))?;
        }
        pass(FaultPoint::RefLocked)?;
        let identity = self.author_identity();
        let time = super::commit::now().to_string();
        transaction
            .commit(Some(signature(&identity, &time)))
            .map_err(GitError::on(format!("move {}", step.name)))?;
        pass(FaultPoint::RefMoved)?;
        // gix has rewritten packed-refs without a sync when the deleted ref was in there.
        let packed = repository.common_dir().join("packed-refs");
        if step.to.is_none() && packed.is_file() {
            let file = std::fs::File::open(&packed).map_err(fs::FileError::on("open", &packed))?;
            file.sync_all().map_err(fs::FileError::on("sync", &packed))?;
        }
        // The first ref of its kind makes folders; the last one that is deleted takes them along.
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != repository.common_dir());
        for folder in folders.filter(|folder| folder.is_dir()) {
            fs::sync_directory(folder)?;
        }
        Ok(())
    }

    /// Removes the lock file of one of this program's own refs; returns whether there was one.
    ///
    /// For a caller that holds the task's (or the runner's) kernel lock, which proves that whoever made the
    /// file is gone. Refuses any other name: the locks of the index, of HEAD, of the configuration and of
    /// packed-refs may belong to the user's own git.
    pub fn remove_stale_lock(&self, ref_name: &str) -> Result<bool, GitError> {
        let valid = gix::validate::reference::name(ref_name.into()).is_ok();
        if !valid || !OUR_PREFIXES.iter().any(|prefix| ref_name.starts_with(prefix)) {
            return Err(GitError::NotOurs { name: ref_name.to_owned() });
        }
        let lock = lock_path(&self.common_dir().join(ref_name));
        let existed = lock.exists();
        fs::remove_file(&lock)?;
        Ok(existed)
    }

    /// Waits for the lock file of one of this program's own refs to go, and removes one that stays.
    ///
    /// For a caller that knows that no other process of this program writes the ref. git itself holds such a
    /// lock for milliseconds (`git pack-refs`); one that stays was left by a writer that was killed.
    pub fn outwait_stale_lock(&self, ref_name: &str) -> Result<(), GitError> {
        let lock = lock_path(&self.common_dir().join(ref_name));
        let give_up = clock::monotonic() + REF_LOCK_WAIT;
        while lock.exists() {
            if clock::monotonic() >= give_up {
                return self.remove_stale_lock(ref_name).map(drop);
            }
            clock::pause(REF_LOCK_STEP);
        }
        Ok(())
    }

    /// Says why a ref could not be locked or did not have the value expected.
    fn refused(&self, repository: &gix::Repository, step: &RefMove<'_>, error: gix::Error) -> GitError {
        let ref_lock = lock_path(&repository.common_dir().join(step.name));
        let packed_lock = repository.common_dir().join("packed-refs.lock");
        if let Some(out_of_date) =
            error.downcast_any_ref::<gix::refs::file::transaction::prepare::ReferenceOutOfDate>()
        {
            return moved(step, id_of(&out_of_date.actual));
        }
        if let Some(exists) = error.downcast_any_ref::<gix::refs::file::transaction::prepare::MustNotExist>()
        {
            return moved(step, id_of(&exists.actual));
        }
        for lock in [ref_lock, packed_lock] {
            if let Some(age) = age(&lock) {
                let holder = LockHolder::of(&lock);
                return GitError::Locked { path: lock, age, holder };
            }
        }
        match (step.from, self.ref_target(step.name)) {
            (Some(_), Ok(None)) => moved(step, None),
            _ => GitError::Gix { action: format!("lock {}", step.name), source: error.into() },
        }
    }
}

/// Returns a signature for gix. `time` is in git's raw form (`1795353019 +0100`).
pub(super) fn signature<'a>(identity: &'a Identity, time: &'a str) -> gix::actor::SignatureRef<'a> {
    gix::actor::SignatureRef {
        name: identity.name.as_str().into(),
        email: identity.email.as_str().into(),
        time,
    }
}

fn edit(name: FullName, step: &RefMove<'_>) -> RefEdit {
    let expected = match step.from {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id.object_id())),
        None => PreviousValue::MustNotExist,
    };
    let change = match step.to {
        Some(new) => Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: step.message.into(),
            },
            expected,
            new: Target::Object(new.object_id()),
        },
        None => Change::Delete { expected, log: RefLog::AndReference },
    };
    RefEdit { change, name, deref: false }
}

fn target(repository: &gix::Repository, name: &str) -> Result<Option<CommitId>, GitError> {
    let failed = || format!("read {name}");
    let found = repository.try_find_reference(name).map_err(GitError::on(failed()))?;
    // A partial name also finds `refs/tags/<name>` and the like, which is not what was asked for.
    let Some(mut reference) = found.filter(|reference| reference.name().as_bstr() == name) else {
        return Ok(None);
    };
    let id = reference.peel_to_id().map_err(GitError::on(failed()))?;
    Ok(Some(CommitId::new(id.detach())))
}

fn moved(step: &RefMove<'_>, actual: Option<CommitId>) -> GitError {
    let text = |id: Option<CommitId>| id.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
    GitError::RefMoved { name: step.name.to_owned(), expected: text(step.from), actual: text(actual) }
}

fn id_of(target: &Target) -> Option<CommitId> {
    target.try_id().map(|id| CommitId::new(id.to_owned()))
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Returns how long ago a file was last written, or `None` when there is none.
pub(super) fn age(path: &Path) -> Option<Duration> {
    let modified = path.symlink_metadata().ok()?.modified().ok()?;
    let modified = modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let now = u64::try_from(clock::now().unix_seconds()).ok()?;
    Some(Duration::from_secs(now.saturating_sub(modified)))
}
