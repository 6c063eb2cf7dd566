//! How the last push of the records went, for each remote: `push.json` of the local state.
//!
//! It is for people: what a remote has is known only by asking it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::state_directory::StateDirectory;
use crate::os::fs::{self, FileError};
use crate::os::lock::FileLock;
use crate::timestamp::Timestamp;

/// The last push to one remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushNote {
    /// The commit of the tracking ref that was to be pushed.
    pub commit: String,
    /// How far it got.
    pub state: PushState,
    /// What git said, where it failed.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The commits that the remote may have from here, the latest last: what was pushed last, and what was begun since.
    #[serde(default)]
    pub may_have: Vec<String>,
}

/// How many pushes without an answer are remembered.
const MAY_HAVE_MAX: usize = 16;

impl PushNote {
    /// Returns the note that follows this one, or the first.
    pub fn next(
        before: Option<&Self>,
        commit: String,
        (state, reason): (PushState, Option<String>),
        at: Timestamp,
    ) -> Self {
        let mut may_have = before.map(Self::known_commits).unwrap_or_default();
        match state {
            PushState::Pushed => may_have = vec![commit.clone()],
            PushState::Begun | PushState::Failed if !may_have.contains(&commit) => {
                may_have.push(commit.clone());
            }
            PushState::Begun | PushState::Failed | PushState::Refused => {}
        }
        let surplus = may_have.len().saturating_sub(MAY_HAVE_MAX);
        may_have.drain(..surplus);
        Self { commit, state, reason, at, may_have }
    }

    /// Returns the commits that the remote may have from here. An older program noted only the last.
    pub fn known_commits(&self) -> Vec<String> {
        let mut known = self.may_have.clone();
        if known.is_empty() && self.state != PushState::Refused {
            known.push(self.commit.clone());
        }
        known
    }
}

/// How far a push got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushState {
    /// It was begun; if nobody is at it any more, it was cut off.
    Begun,
    /// The remote has the commit.
    Pushed,
    /// The remote did not take it.
    Refused,
    /// The remote was not reached.
    Failed,
}

/// The right to push the records of this clone.
#[derive(Debug)]
pub struct PushLock {
    _lock: FileLock,
}

impl StateDirectory {
    /// Takes the right to push the records, waiting for whoever has it.
    pub fn lock_push(&self) -> Result<PushLock, FileError> {
        self.create()?;
        FileLock::take(&self.push_lock_path()).map(|lock| PushLock { _lock: lock })
    }

    /// Returns whether somebody pushes the records now.
    pub fn is_pushing(&self) -> Result<bool, FileError> {
        FileLock::is_held(&self.push_lock_path())
    }

    fn push_lock_path(&self) -> PathBuf {
        self.path().join("locks/push")
    }

    /// Loads the notes by remote. One that a newer program wrote, or that is damaged, says nothing.
    pub fn load_push_notes(&self) -> Result<BTreeMap<String, PushNote>, FileError> {
        let bytes = fs::read_optional(&self.path().join("push.json"))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    /// Notes how a push to a remote went.
    pub fn note_push(&self, _held: &PushLock, remote: &str, note: PushNote) -> Result<(), FileError> {
        let mut notes = self.load_push_notes()?;
        notes.insert(remote.to_owned(), note);
        let path = self.path().join("push.json");
        let bytes = serde_json::to_vec(&notes).map_err(io::Error::from);
        fs::write_derived(&path, &bytes.map_err(FileError::on("write", &path))?)
    }
}
