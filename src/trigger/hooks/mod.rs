//! Putting hooks into a repository, taking them out again, and telling whether they run.
//!
//! What is there is looked at first ([`find`](mod@find)) and is a value; from it alone follows what is to be done
//! ([`plan`], by the rules of [`install`] and [`uninstall`]), which can be shown, and then is done
//! ([`apply`](mod@apply)). Whether a hook runs is judged from the same value ([`status`]). The hooks folder belongs
//! to the people who use the repository and to their programs ([`author`]): what they put there keeps running, with
//! its exit code, and is never lost.
//!
//! There are two ways. git 2.54 and later run hooks that are set in the configuration, beside all others. For
//! older ones there is a script an event (the folder `hooks` of this project). It runs what was there before,
//! which is kept beside it as `<event>.pre-claudedo`.

mod apply;
mod author;
mod block;
mod find;
mod folder;
mod install;
mod plan;
mod status;
mod uninstall;

use std::fmt;
use std::str::FromStr;

pub use apply::{ApplyError, apply};
pub use author::Author;
pub use find::{Found, find};
pub use folder::FolderKind;
pub use plan::{Action, EventPlan, Mechanism, Permission, Plan, Refusal, Verdict, Wish};
pub use status::{EventStatus, State, Way, Why};

/// What git calls a hook for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookEvent {
    /// A commit was made.
    PostCommit,
    /// A merge or a pull is done.
    PostMerge,
    /// Files were checked out.
    PostCheckout,
    /// Commits were replaced: a rebase, an amended commit.
    PostRewrite,
    /// Something is about to be pushed.
    PrePush,
}

impl HookEvent {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::PostCommit, Self::PostMerge, Self::PostCheckout, Self::PostRewrite, Self::PrePush];

    /// Returns git's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostCommit => "post-commit",
            Self::PostMerge => "post-merge",
            Self::PostCheckout => "post-checkout",
            Self::PostRewrite => "post-rewrite",
            Self::PrePush => "pre-push",
        }
    }

    /// Returns the script that is installed.
    pub fn script(self) -> &'static str {
        match self {
            Self::PostCommit => include_str!("../../../hooks/post-commit"),
            Self::PostMerge => include_str!("../../../hooks/post-merge"),
            Self::PostCheckout => include_str!("../../../hooks/post-checkout"),
            Self::PostRewrite => include_str!("../../../hooks/post-rewrite"),
            Self::PrePush => include_str!("../../../hooks/pre-push"),
        }
    }

    /// Returns the section of git's configuration that holds its hook.
    pub fn config_section(self) -> String {
        format!("hook.claudedo-{}", self.name())
    }

    /// Returns the command of that section. git puts the arguments of the hook behind it.
    pub fn config_command(self) -> String {
        format!("claudedo() {{ {}; }}; claudedo", self.call())
    }

    /// Returns a call in shell, for wherever somebody else's script runs. It never ends that script, but for a
    /// push that is refused.
    pub fn call(self) -> String {
        let name = self.name();
        let call = format!(
            "test -n \"${{CLAUDEDO_RUN-}}\" || ! command -v git-claudedo >/dev/null 2>&1 || \
             git-claudedo hook {name} \"$@\""
        );
        let closed = "3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
        match self {
            Self::PrePush => format!("{call} {closed} || test $? -ne 1"),
            Self::PostRewrite => format!("{call} {closed} || :"),
            Self::PostCommit | Self::PostMerge | Self::PostCheckout => {
                format!("{call} </dev/null {closed} || :")
            }
        }
    }

    /// Returns whether git tells the rest on standard input: what is pushed, which commits were replaced.
    pub fn reads_input(self) -> bool {
        matches!(self, Self::PrePush | Self::PostRewrite)
    }

    /// Returns whether a text calls the program for this event, in whichever words.
    pub fn is_called_in(self, text: &[u8]) -> bool {
        ["git-claudedo", "git claudedo"].iter().any(|program| {
            let call = format!("{program} hook {}", self.name());
            text.windows(call.len()).any(|part| part == call.as_bytes())
        })
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that is no event.
#[derive(Debug, thiserror::Error)]
#[error("there is no hook of this program for it")]
pub struct UnknownEvent;

impl FromStr for HookEvent {
    type Err = UnknownEvent;

    fn from_str(word: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.into_iter().find(|event| event.name() == word).ok_or(UnknownEvent)
    }
}
