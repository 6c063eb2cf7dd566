//! This machine's records sent to a remote: exactly its own tracking ref.
//!
//! One machine writes the ref and only ever adds to it, so a push is a fast-forward; one that is refused was refused
//! for a reason that a person must see. Once logs were taken out, the ref does not follow what the remote has: it then
//! takes the place of that, if it is what was pushed from here, and of nothing else. A push without an answer is settled by asking the remote what it has.

use crate::git::{CommitId, GitError, PushEnd, PushWish, Repository};
use crate::os::clock;
use crate::os::fs::FileError;
use crate::store::push_note::{PushNote, PushState};
use crate::store::state_directory::StateDirectory;

/// What was done with the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushReport {
    /// The tracking ref.
    pub name: String,
    /// Its last commit.
    pub commit: CommitId,
    /// What became of it.
    pub end: PushEnd,
}

/// Why nothing is known of a push.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Git said no.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file said no.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Returns this machine's tracking ref and its last commit, or `None` while nothing is recorded.
pub fn own_records(
    repository: &Repository,
    state: &StateDirectory,
) -> Result<Option<(String, CommitId)>, RemoteError> {
    let Some(machine) = state.load_machine()? else { return Ok(None) };
    let tracking = repository.tracking_ref(machine.as_str())?;
    Ok(tracking.tip()?.map(|tip| (tracking.name().to_owned(), tip)))
}

/// Pushes this machine's records to a remote, by name or address; `None` when there are none.
pub fn push_records(
    repository: &Repository,
    state: &StateDirectory,
    remote: &str,
    wish: PushWish,
) -> Result<Option<PushReport>, RemoteError> {
    let alone = state.lock_push()?;
    let Some((name, commit)) = own_records(repository, state)? else { return Ok(None) };
    let before = state.load_push_notes()?.remove(&label(remote));
    let note = |push_state: PushState, reason: Option<String>| {
        let note = PushNote::next(before.as_ref(), commit.to_string(), (push_state, reason), clock::now());
        match wish {
            PushWish::Push => state.note_push(&alone, &label(remote), note),
            PushWish::Try => Ok(()),
        }
    };
    let known = before.as_ref().map(PushNote::known_commits).unwrap_or_default();
    note(PushState::Begun, None)?;
    let over = replaced(repository, remote, (&name, commit), &known);
    let end = match repository.push_ref(remote, &name, over, wish) {
        Ok(PushEnd::Unknown { reason }) if wish == PushWish::Push => {
            settle(repository, remote, (&name, commit), reason)
        }
        Ok(end) => end,
        Err(error) => {
            note(PushState::Failed, Some(error.to_string()))?;
            return Err(error.into());
        }
    };
    match &end {
        PushEnd::Pushed | PushEnd::UpToDate => note(PushState::Pushed, None)?,
        PushEnd::Refused { reason } => note(PushState::Refused, Some(reason.clone()))?,
        PushEnd::Unknown { reason } => note(PushState::Failed, Some(reason.clone()))?,
    }
    Ok(Some(PushReport { name, commit, end }))
}

/// Returns which commit of the remote the ref takes the place of although it does not follow it. Only one that was
/// pushed from here: whatever else is there is refused by git.
fn replaced(
    repository: &Repository,
    remote: &str,
    (name, commit): (&str, CommitId),
    known: &[String],
) -> Option<CommitId> {
    // A commit of before a rewrite may be gone here already.
    let follows = |earlier: CommitId| repository.is_ancestor(earlier, commit).unwrap_or(false);
    let last: CommitId = known.last()?.parse().ok()?;
    if follows(last) {
        return None;
    }
    let found = repository.remote_ref(remote, name).ok().flatten()?;
    (!follows(found) && known.contains(&found.to_string())).then_some(found)
}

/// Asks the remote whether it has what was pushed, when the answer to the push did not arrive.
fn settle(
    repository: &Repository,
    remote: &str,
    (name, commit): (&str, CommitId),
    reason: String,
) -> PushEnd {
    match repository.remote_ref(remote, name) {
        Ok(Some(found)) if found == commit => PushEnd::Pushed,
        Ok(_) => PushEnd::Refused { reason },
        Err(_) => PushEnd::Unknown { reason },
    }
}

/// Returns what to call a remote: its name, or its address without what may be a password.
pub fn label(remote: &str) -> String {
    let Some((scheme, rest)) = remote.split_once("://") else { return remote.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => remote.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_gets_into_the_name_of_a_remote() {
        assert_eq!(label("origin"), "origin");
        assert_eq!(label("https://me:secret@example.com/a@b.git"), "https://example.com/a@b.git");
        assert_eq!(label("git@example.com:a.git"), "git@example.com:a.git");
        assert_eq!(label("https://example.com/a@b.git"), "https://example.com/a@b.git");
    }
}
