//! Commits: found by name, made from a tree, described.

use std::borrow::Cow;

use gix::objs::Kind;

use super::objects::ObjectBatch;
use super::{BranchName, CommitId, GitCause, GitError, Identity, Repository, TreeId};
use crate::os::clock;
use crate::timestamp::Timestamp;

/// A commit to be made.
#[derive(Debug, Clone)]
pub struct NewCommit<'a> {
    /// What it holds.
    pub tree: TreeId,
    /// What it follows.
    pub parents: &'a [CommitId],
    /// Why it was made. Ends with a line end.
    pub message: &'a str,
    /// Who made it; also the committer.
    pub author: &'a Identity,
    /// Whether the user's wish for signatures counts.
    pub signing: Signing,
}

/// Whether a commit is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// As `commit.gpgSign` says.
    AsConfigured,
    /// Never: for bookkeeping, which must not ask for a passphrase.
    Never,
}

/// What a list of commits shows of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSummary {
    /// The commit.
    pub id: CommitId,
    /// The first line of its message.
    pub title: String,
    /// Its author's name.
    pub author: String,
    /// When it was committed.
    pub committed: Timestamp,
}

/// All that a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitDetails {
    /// What it holds.
    pub tree: TreeId,
    /// What it follows.
    pub parents: Vec<CommitId>,
    /// The whole message. Bytes that are not UTF-8 are replaced.
    pub message: String,
    /// When it was committed.
    pub committed: Timestamp,
}

impl Repository {
    /// Returns the commit that a revision names: a branch, a tag, an id, `HEAD~2` (gitrevisions(7)).
    pub fn resolve_commit(&self, spec: &str) -> Result<CommitId, GitError> {
        let repository = self.local();
        let missing = |error: gix::Error| match spec {
            "HEAD" => match self.head_commit_id() {
                Err(unborn @ GitError::NoCommitYet { .. }) => unborn,
                Ok(_) | Err(_) => GitError::NoSuchCommit { spec: spec.to_owned(), source: error.into() },
            },
            _ => GitError::NoSuchCommit { spec: spec.to_owned(), source: error.into() },
        };
        let object = repository.rev_parse_single(spec).and_then(|id| id.object()).map_err(missing)?;
        let commit = object.peel_to_commit().map_err(missing)?;
        Ok(CommitId::new(commit.id))
    }

    /// Returns the commit that is checked out; fails with [`GitError::NoCommitYet`] in a fresh repository.
    pub fn head_commit_id(&self) -> Result<CommitId, GitError> {
        let repository = self.local();
        let mut head = repository.head().map_err(GitError::on("read HEAD"))?;
        if head.is_unborn() {
            let branch = head.referent_name().map(|name| name.shorten().to_string()).unwrap_or_default();
            return Err(GitError::NoCommitYet { branch });
        }
        let commit = head.peel_to_commit().map_err(GitError::on("read the commit of HEAD"))?;
        Ok(CommitId::new(commit.id))
    }

    /// Returns the branch that is checked out, or `None` when HEAD is detached. It may have no commit yet.
    pub fn head_branch(&self) -> Result<Option<BranchName>, GitError> {
        let repository = self.local();
        let name = repository.head_name().map_err(GitError::on("read HEAD"))?;
        Ok(name.and_then(|name| name.as_bstr().to_string().parse().ok()))
    }

    /// Returns the tree of a commit.
    pub fn tree_of(&self, commit: CommitId) -> Result<TreeId, GitError> {
        let repository = self.local();
        let tree = repository
            .find_commit(commit.object_id())
            .and_then(|commit| Ok(commit.tree_id()?.detach()))
            .map_err(GitError::on(format!("read commit {commit}")))?;
        Ok(TreeId::new(tree))
    }

    /// Writes a commit and syncs it. No ref moves.
    ///
    /// Fails with [`GitError::Signing`] rather than leave a signature out that was asked for. The signing
    /// program may ask for a passphrase, and is waited for.
    pub fn commit_tree(&self, new: &NewCommit<'_>) -> Result<CommitId, GitError> {
        let mut batch = ObjectBatch::new(self.local());
        let id = write_commit(&mut batch, new)?;
        batch.sync()?;
        Ok(id)
    }

    /// Returns what to show of a commit.
    pub fn commit_summary(&self, commit: CommitId) -> Result<CommitSummary, GitError> {
        let failed = || format!("read commit {commit}");
        let repository = self.local();
        let found = repository.find_commit(commit.object_id()).map_err(GitError::on(failed()))?;
        let title = found.message().map_err(GitError::on(failed()))?.title.to_string();
        let author = found.author().map_err(GitError::on(failed()))?.name.to_string();
        let seconds = found.time().map_err(GitError::on(failed()))?.seconds;
        let committed =
            Timestamp::from_unix_milliseconds(seconds.saturating_mul(1000)).unwrap_or_else(clock::now);
        Ok(CommitSummary { id: commit, title: title.trim_end().to_owned(), author, committed })
    }

    /// Returns all that a commit says.
    pub fn commit_details(&self, commit: CommitId) -> Result<CommitDetails, GitError> {
        let failed = || format!("read commit {commit}");
        let repository = self.local();
        let found = repository.find_commit(commit.object_id()).map_err(GitError::on(failed()))?;
        let decoded = found.decode().map_err(GitError::on(failed()))?;
        let seconds = found.time().map_err(GitError::on(failed()))?.seconds;
        Ok(CommitDetails {
            tree: TreeId::new(decoded.tree()),
            parents: decoded.parents().map(CommitId::new).collect(),
            message: decoded.message.to_string(),
            committed: Timestamp::from_unix_milliseconds(seconds.saturating_mul(1000))
                .unwrap_or_else(clock::now),
        })
    }

    /// Returns whether `ancestor` is `descendant` or one of the commits that it follows.
    pub fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, GitError> {
        if ancestor == descendant {
            return Ok(true);
        }
        let repository = self.local();
        match repository.merge_base(ancestor.object_id(), descendant.object_id()) {
            Ok(base) => Ok(base.is_some_and(|base| base.detach() == ancestor.object_id())),
            Err(error) => Err(GitError::on(format!("compare {ancestor} with {descendant}"))(error)),
        }
    }
}

/// Writes a commit into a batch, which its caller syncs.
pub(super) fn write_commit(batch: &mut ObjectBatch, new: &NewCommit<'_>) -> Result<CommitId, GitError> {
    let repository = batch.repository();
    let time = now();
    let signature = gix::actor::Signature {
        name: new.author.name.as_str().into(),
        email: new.author.email.as_str().into(),
        time,
    };
    let commit = gix::objs::Commit {
        tree: new.tree.object_id(),
        parents: new.parents.iter().map(|parent| parent.object_id()).collect(),
        author: signature.clone(),
        committer: signature,
        encoding: None,
        message: with_line_end(new.message).into_owned().into(),
        extra_headers: Vec::new(),
    };
    let commit = match new.signing {
        Signing::Never => commit,
        Signing::AsConfigured => sign(repository, commit)?,
    };
    let mut bytes = Vec::new();
    gix::objs::WriteTo::write_to(&commit, &mut bytes).map_err(GitError::on("encode a commit"))?;
    Ok(CommitId::new(batch.write(Kind::Commit, &bytes)?))
}

/// Returns the present moment, in the machine's own time zone, as git writes it into commits.
pub(super) fn now() -> gix::date::Time {
    let now = clock::now();
    gix::date::Time { seconds: now.unix_seconds(), offset: now.local_offset_seconds() }
}

fn sign(repository: &gix::Repository, commit: gix::objs::Commit) -> Result<gix::objs::Commit, GitError> {
    let refused = |error: gix::Error| GitError::Signing { source: GitCause::from(error) };
    match repository.commit_signing_options_if_enabled().map_err(refused)? {
        Some(options) => commit.sign(options).map_err(refused),
        None => Ok(commit),
    }
}

fn with_line_end(message: &str) -> Cow<'_, str> {
    if message.ends_with('\n') { Cow::Borrowed(message) } else { Cow::Owned(format!("{message}\n")) }
}
