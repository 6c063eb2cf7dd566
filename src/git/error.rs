//! What can go wrong with the repository, in words that fit after "failed to".

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BranchName, CommitId};
use crate::os::fs::{FileError, is_shortage};
use crate::os::process::find_file_users;

/// What failed, with the data to say which thing and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository.
    #[error("find a git repository from {}; run `git init` there or go to a repository", path.display())]
    NoRepository {
        /// Where the search began.
        path: PathBuf,
        /// What gix said.
        source: GitCause,
    },
    /// Somebody else owns the repository, so nothing of it may be trusted.
    #[error(
        "trust the repository at {path}, which belongs to another user; if it may be trusted, run \
         `git config --global --add safe.directory {path}`",
        path = path.display()
    )]
    NotOwned {
        /// The repository, or the folder from which it was found.
        path: PathBuf,
        /// What gix said.
        source: GitCause,
    },
    /// The repository is of a form that gix cannot read or write.
    #[error("use the repository at {}: {reason}", path.display())]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// HEAD names a branch that has no commit.
    #[error("start from {branch}: the repository has no commit yet; make one first")]
    NoCommitYet {
        /// The branch that HEAD names.
        branch: String,
    },
    /// Nothing by that name is a commit.
    #[error("find the commit {spec:?}")]
    NoSuchCommit {
        /// What was looked for.
        spec: String,
        /// What gix said.
        source: GitCause,
    },
    /// A branch exists that was to be created.
    #[error("create branch {}: it exists, at {tip}", branch.short())]
    BranchExists {
        /// The branch.
        branch: BranchName,
        /// The commit it names.
        tip: String,
    },
    /// A branch to be deleted or used for a worktree is checked out elsewhere.
    #[error("use branch {}: it is checked out in {}", branch.short(), worktree.display())]
    CheckedOut {
        /// The branch.
        branch: BranchName,
        /// The worktree that has it.
        worktree: PathBuf,
    },
    /// Somebody else moved the ref first.
    #[error("move {name}: {expected} was expected there, and {actual} was found")]
    RefMoved {
        /// The ref's full name.
        name: String,
        /// What it should have named.
        expected: String,
        /// What it named.
        actual: String,
    },
    /// A lock file of git is in the way, and stayed there.
    #[error("get past the lock {}, which is {} s old; {holder}", path.display(), age.as_secs())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long ago it was made.
        age: Duration,
        /// Who has it.
        holder: LockHolder,
    },
    /// A name is not one of ours, so it is left alone.
    #[error("touch {name}: only refs/claudedo/ and refs/heads/claudedo/ belong to this program")]
    NotOurs {
        /// The name.
        name: String,
    },
    /// A text cannot be (part of) a ref's name or a path in a tree.
    #[error("use {name:?} as a name in git")]
    InvalidName {
        /// The text.
        name: String,
    },
    /// A folder is in the way of a worktree, or is not the worktree it was taken for.
    #[error("use {} as a worktree: {reason}", path.display())]
    NotAWorktree {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Some files of a new worktree could not be written.
    #[error("fill worktree {}: {first} (and {others} more)", path.display())]
    Checkout {
        /// The worktree, which has been removed again.
        path: PathBuf,
        /// What happened to the first file.
        first: String,
        /// How many more files failed.
        others: usize,
    },
    /// The commit was to be signed and could not be.
    #[error(
        "sign the commit, as commit.gpgSign asks; check user.signingKey, gpg.format and gpg.program, or run \
         `git config commit.gpgSign false`"
    )]
    Signing {
        /// What gix or the signing program said.
        source: GitCause,
    },
    /// The object is on the disk, but empty: the power went before it was written.
    #[error("read object {id}: its file {} is empty; restore it from another clone", path.display())]
    EmptyObject {
        /// The object.
        id: String,
        /// Its file.
        path: PathBuf,
    },
    /// The git program could not be started.
    #[error("start `{command}`")]
    ProgramStart {
        /// The command.
        command: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The git program said no, or did not answer.
    #[error("run `{command}`: {reason}")]
    Program {
        /// The command.
        command: String,
        /// Its exit code or signal and its last words.
        reason: String,
    },
    /// A file operation of ours.
    #[error(transparent)]
    File(#[from] FileError),
    /// Anything else that gix says.
    #[error("{action}")]
    Gix {
        /// What was attempted.
        action: String,
        /// What gix said.
        source: GitCause,
    },
}

/// Who has a lock file of git, as far as the machine tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockHolder {
    /// The process of this number has it open.
    Process(i32),
    /// None of this user's processes has it open.
    Nobody,
    /// The operating system does not say.
    Unknown,
}

impl LockHolder {
    /// Returns who has the file open.
    pub(super) fn of(lock: &Path) -> Self {
        let users = find_file_users(&[lock.to_owned()], &[]);
        match users.first() {
            Some(user) => Self::Process(user.pid),
            None if cfg!(target_os = "linux") => Self::Nobody,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(id) => write!(f, "process {id} has it open"),
            Self::Nobody => {
                f.write_str("no process has it open; if no git command is at work here, remove that file")
            }
            Self::Unknown => f.write_str("if no git command is at work here, remove that file"),
        }
    }
}

impl GitError {
    /// Returns a closure for `map_err` that says what was attempted.
    pub(super) fn on<E: Into<GitCause>>(action: impl Into<String>) -> impl FnOnce(E) -> Self {
        let action = action.into();
        move |source| Self::Gix { action, source: source.into() }
    }

    /// Returns the error for something that a branch name was to be, with the commit found there.
    pub(super) fn branch_exists(branch: &BranchName, tip: CommitId) -> Self {
        Self::BranchExists { branch: branch.clone(), tip: tip.to_string() }
    }

    /// Returns the error for a path that is not a worktree of ours.
    pub(super) fn not_a_worktree(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotAWorktree { path: path.to_owned(), reason: reason.into() }
    }
}

/// The words of gix, from the outermost cause to the innermost, in one line.
///
/// gix keeps causes as a tree, which `std::error::Error::source` does not show.
#[derive(Debug)]
pub struct GitCause {
    words: String,
    is_shortage: bool,
}

/// Returns whether something failed, at whatever depth, because the machine was short of something; see
/// [`is_shortage`].
pub fn is_short_of_something(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        error.downcast_ref::<std::io::Error>().is_some_and(is_shortage)
            || error.downcast_ref::<GitCause>().is_some_and(|cause| cause.is_shortage)
    })
}

impl fmt::Display for GitCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for GitCause {}

impl From<gix::Error> for GitCause {
    fn from(error: gix::Error) -> Self {
        let mut words: Vec<String> = Vec::new();
        for cause in error.iter_errors() {
            let text = cause.to_string();
            if !text.is_empty() && words.last() != Some(&text) {
                words.push(text);
            }
        }
        let is_shortage = error.downcast_any_ref::<std::io::Error>().is_some_and(is_shortage);
        Self { words: words.join(": "), is_shortage }
    }
}

impl From<std::io::Error> for GitCause {
    fn from(error: std::io::Error) -> Self {
        Self { words: error.to_string(), is_shortage: is_shortage(&error) }
    }
}
