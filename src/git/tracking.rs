//! The tracking refs: one for each machine, written by that machine alone, read by all.
//!
//! `refs/claudedo/runs/<machine>` names a chain of commits whose tree holds plain files. Appending makes
//! a new commit whose tree is the old one plus the changes, and moves the ref by compare-and-swap; when
//! somebody else was first, the same changes are put on top of what is there now. Other machines' refs
//! arrive as `refs/claudedo-remotes/<remote>/<machine>`.

use gix::objs::Kind;
use gix::objs::tree::EntryKind as Mode;

use super::commit::write_commit;
use super::objects::{ObjectBatch, TreeEdits};
use super::reference::RefMove;
use super::{BlobId, CommitId, Entry, GitError, NewCommit, Repository, Signing, TreeId};
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs;

const LOCAL_PREFIX: &str = "refs/claudedo/runs/";
const REMOTE_PREFIX: &str = "refs/claudedo-remotes/";

/// How often an append starts again after a lost race. One machine writes the ref, through few processes.
const APPEND_ATTEMPTS_MAX: usize = 20;

/// The line that keeps git from searching deltas between logs: five times less work for `git repack`, and
/// nothing lost, since logs do not resemble each other (measured on 1,000 logs of 1 MB).
const ATTRIBUTES_LINE: &str = "*.ndjson -delta";

/// The tracking ref of one machine. Making the value touches nothing.
#[derive(Debug, Clone)]
pub struct TrackingRef {
    repository: Repository,
    name: String,
}

/// What becomes of the commits before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum History {
    Kept,
    Forgotten,
}

/// A tracking ref found in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingTip {
    /// The full name of the ref.
    pub name: String,
    /// The machine that writes it.
    pub machine: String,
    /// The remote it was fetched from, or `None` for this repository's own.
    pub remote: Option<String>,
    /// Its last commit.
    pub tip: CommitId,
}

/// Changes to be appended. Blobs are written at once, so that a long log need not be held in memory.
pub struct TrackingChanges {
    batch: ObjectBatch,
    edits: TreeEdits,
}

impl std::fmt::Debug for TrackingChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrackingChanges").field("edits", &self.edits.len()).finish_non_exhaustive()
    }
}

impl TrackingChanges {
    /// Puts a file at a path, in place of what is there.
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> Result<BlobId, GitError> {
        let path = require_path(path)?;
        let id = self.batch.write(Kind::Blob, bytes)?;
        self.edits.insert(path, Some((Mode::Blob, id)));
        Ok(BlobId::new(id))
    }

    /// Removes a file or folder. One that is absent counts as removed.
    pub fn remove(&mut self, path: &str) -> Result<(), GitError> {
        self.edits.insert(require_path(path)?, None);
        Ok(())
    }

    /// Returns whether there is nothing to append.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}

impl Repository {
    /// Returns the tracking ref of a machine.
    pub fn tracking_ref(&self, machine: &str) -> Result<TrackingRef, GitError> {
        let name = format!("{LOCAL_PREFIX}{machine}");
        let valid = !machine.contains('/') && gix::validate::reference::name(name.as_str().into()).is_ok();
        if !valid {
            return Err(GitError::InvalidName { name: machine.to_owned() });
        }
        Ok(TrackingRef { repository: self.clone(), name })
    }

    /// Lists the tracking refs of all machines, this repository's first, sorted by name.
    pub fn tracking_tips(&self) -> Result<Vec<TrackingTip>, GitError> {
        let repository = self.local();
        let failed = "list the tracking refs";
        let platform = repository.references().map_err(GitError::on(failed))?;
        let mut tips = Vec::new();
        for prefix in [LOCAL_PREFIX, REMOTE_PREFIX] {
            for reference in platform.prefixed(prefix).map_err(GitError::on(failed))? {
                // A ref that is broken (an empty file after a power cut) must not hide the others.
                let Ok(reference) = reference else { continue };
                let Some(id) = reference.try_id() else { continue };
                let name = reference.name().as_bstr().to_string();
                let (remote, machine) = match name.strip_prefix(LOCAL_PREFIX) {
                    Some(machine) => (None, machine.to_owned()),
                    None => match name.strip_prefix(REMOTE_PREFIX).and_then(|rest| rest.rsplit_once('/')) {
                        Some((remote, machine)) => (Some(remote.to_owned()), machine.to_owned()),
                        None => continue,
                    },
                };
                tips.push(TrackingTip { tip: CommitId::new(id.detach()), name, machine, remote });
            }
        }
        Ok(tips)
    }

    /// Tells git once not to search deltas between logs, in `$GIT_COMMON_DIR/info/attributes`.
    ///
    /// What stands there is kept.
    pub fn set_log_attributes(&self) -> Result<(), GitError> {
        let folder = self.common_dir().join("info");
        let path = folder.join("attributes");
        let mut text = fs::read_optional(&path)?.unwrap_or_default();
        if text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == ATTRIBUTES_LINE.as_bytes()) {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(ATTRIBUTES_LINE.as_bytes());
        text.push(b'\n');
        fs::create_directory(&folder)?;
        Ok(fs::write_atomic(&path, &text)?)
    }
}

impl TrackingRef {
    /// Returns the full name of the ref.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the last commit, or `None` before the first append.
    pub fn tip(&self) -> Result<Option<CommitId>, GitError> {
        self.repository.ref_target(&self.name)
    }

    /// Returns the tree of the last commit, or `None` before the first append.
    pub fn tree(&self) -> Result<Option<TreeId>, GitError> {
        self.tip()?.map(|tip| self.repository.tree_of(tip)).transpose()
    }

    /// Reads a file, or returns `None` when there is none.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        match self.tree()? {
            Some(tree) => self.repository.read_file(tree, path),
            None => Ok(None),
        }
    }

    /// Lists a folder, sorted by name; empty when there is none. `""` is the root.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, GitError> {
        match self.tree()? {
            Some(tree) => self.repository.list_folder(tree, path),
            None => Ok(Vec::new()),
        }
    }

    /// Returns an empty set of changes.
    pub fn changes(&self) -> TrackingChanges {
        TrackingChanges { batch: ObjectBatch::new(self.repository.local()), edits: TreeEdits::new() }
    }

    /// Appends the changes as one commit: the point after which they have happened, also across a power cut.
    ///
    /// What is there and not named by the changes stays. Fails with [`GitError::RefMoved`] after losing 20
    /// races in a row; nothing has happened then.
    pub fn append(&self, changes: TrackingChanges, message: &str) -> Result<CommitId, GitError> {
        self.write(changes, message, History::Kept)
    }

    /// Makes the changes and forgets what was before: the new commit follows none, so that what the changes remove
    /// is reachable no more. The only step by which a tracking ref does not move forward.
    ///
    /// For a caller that keeps others from appending. Fails like [`Self::append`].
    pub fn rewrite(&self, changes: TrackingChanges, message: &str) -> Result<CommitId, GitError> {
        self.write(changes, message, History::Forgotten)
    }

    fn write(&self, changes: TrackingChanges, message: &str, history: History) -> Result<CommitId, GitError> {
        let TrackingChanges { mut batch, edits } = changes;
        let author = self.repository.author_identity();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let tip = self.tip()?;
            let base = match tip {
                Some(tip) => self.repository.tree_of(tip)?.object_id(),
                None => gix::ObjectId::empty_tree(batch.repository().object_hash()),
            };
            let tree = TreeId::new(batch.edit_tree(base, &edits)?);
            let new = NewCommit {
                tree,
                parents: match history {
                    History::Kept => tip.as_slice(),
                    History::Forgotten => &[],
                },
                message,
                author: &author,
                signing: Signing::Never,
            };
            let commit = write_commit(&mut batch, &new)?;
            batch.sync()?;
            pass(FaultPoint::AppendSynced)?;
            let step = RefMove { name: &self.name, from: tip, to: Some(commit), message };
            match self.repository.edit_ref(&step) {
                Ok(()) => return Ok(commit),
                Err(GitError::RefMoved { .. }) if attempts < APPEND_ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Refuses paths that git could not check out: empty names, `.`, `..`, `.git` in any of its disguises.
fn require_path(path: &str) -> Result<Vec<u8>, GitError> {
    let valid = path.split('/').all(|name| {
        gix::validate::path::component(name.into(), None, gix::validate::path::component::Options::default())
            .is_ok()
    });
    if valid { Ok(path.as_bytes().to_vec()) } else { Err(GitError::InvalidName { name: path.to_owned() }) }
}
