//! Processes: the only place that starts, finds and ends them.
//!
//! Every process started here has all its streams decided, and all but an editor or a pager lead a
//! process group of their own, so that a Ctrl-C at the terminal reaches only who it was meant for.
//!
//! A process is named by [`ProcessIdentity`], never by its number alone: numbers are used again. A group
//! does not contain an agent's tree (Claude Code 2.1.330 starts every shell command in a session of its
//! own), so the tree is found by a marker in the environment, which every descendant inherits, and by who
//! is whose child: [`RunProcesses`]. [`RunProcesses::end`] ends it for good.
//!
//! Finding needs `/proc`. On other systems (macOS) only what is reached by number works: a process group
//! is signalled, nothing is swept, and an identity is a number alone. A process that left the group
//! survives there.

mod ancestor;
mod attached;
mod captured;
mod children;
mod detached;
mod end;
mod file_users;
mod folder_users;
mod identity;
mod leader;
#[cfg(target_os = "linux")]
mod procfs;
mod search;
mod terminal;

pub use ancestor::{Ancestor, find_ancestor};
pub use attached::{Pager, run_attached, start_pager};
pub use captured::{Captured, CapturedCommand, CapturedError};
pub use children::{ChildEnd, ChildrenLeft, become_subreaper, reap_children};
pub use detached::{
    close_inherited_files, leave_session, redirect_input_to_null, start_in_background, start_supervisor,
    take_handed_file,
};
pub use end::{EndProcessesError, EndedProcesses};
pub use file_users::{FileUse, FileUser, find_file_users};
pub use folder_users::{FolderUser, find_folder_users};
pub use identity::ProcessIdentity;
pub use leader::{GroupLeader, GroupSignal, LeaderCommand};
pub use search::{FoundProcess, RunProcesses};

/// Returns the number of the user that this process acts for.
pub fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}
pub use terminal::{TerminalChange, TerminalChanges, TerminalSize, narration_size};
