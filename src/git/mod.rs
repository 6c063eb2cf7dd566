//! The only place that names gix or the git program.
//!
//! gix does nearly all of it: finding the repository, refs, objects, worktrees, snapshots, the tracking
//! ref. The `git` program is started ([`program`]) for four things only: to write a person's
//! configuration, to show a diff with that person's pager, to fill a worktree whose attributes ask
//! for an encoding that gix cannot write, and to hear what it thinks of itself and of a repository
//! ([`version`], [`health`]).
//!
//! Four rules hold throughout.
//! * Refs move by compare-and-swap; what a ref names is on the disk before the ref is ([`objects`]).
//! * A repository is discovered once, at the start, from where the user stands ([`Repository::discover`]).
//!   Nothing is ever discovered from inside a worktree that an agent could write.
//! * Nothing here runs a hook or an fsmonitor.
//! * The user's checkout, index and branches are never written.

mod branch;
mod branch_name;
mod checked_out;
mod commit;
mod content;
mod diff;
mod difference;
mod encoding;
mod error;
mod health;
mod hooks;
mod id;
mod identity;
mod installed;
mod last_change;
mod leftover;
mod objects;
mod program;
mod provenance;
mod push;
mod reached;
mod reference;
mod registration;
mod repository;
mod settings;
mod snapshot;
mod stash;
mod step;
mod tracking;
mod tree;
mod version;
mod worktree;

#[cfg(test)]
mod tests;

pub use branch_name::{BranchName, BranchNameError};
pub use commit::{CommitDetails, CommitSummary, NewCommit, Signing};
pub use content::{ContentId, ContentIdError, FileContent};
pub use diff::DiffStat;
pub use error::{GitCause, GitError, LockHolder, is_short_of_something};

pub use health::{Peculiarity, complaint};
pub use hooks::{HooksPath, HooksPathChoice};
pub use id::{BlobId, CommitId, IdError, TreeId};
pub use identity::Identity;
pub use installed::{InstalledGit, commands_folder, git_programs, installed_gits};
pub use last_change::{LastChanges, PathCommit};
pub use leftover::PrivateState;
pub use program::{GitProgram, ProgramOutput, for_remotes, without_git};
pub use provenance::{KnownContents, KnownNames};
pub use push::{PushEnd, PushWish};
pub use reached::BranchesStamp;
pub use repository::Repository;
pub use settings::{ConfigValue, Scope, user_config_values};
pub use snapshot::{NestedKind, NestedRepository, Restored, SkippedFile, Snapshot, WorktreeLook};
pub use step::{HeadStep, Replaying};
pub use tracking::{TrackingChanges, TrackingRef, TrackingTip};
pub use tree::{Entry, EntryKind, Visit};
pub use version::GitVersion;
pub use worktree::{Worktree, WorktreeState};
