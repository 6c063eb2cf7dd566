//! Settings with a fixed set of words.

use super::{SettingType, json_by_text, quoted};
use crate::task::suggestion::closest;

/// What the agent may do without asking, in the words of Claude Code 2.1.330 (`--permission-mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionMode {
    /// Edits inside the worktree are allowed.
    AcceptEdits,
    /// The agent decides with a classifier.
    Auto,
    /// Everything is allowed.
    BypassPermissions,
    /// Asks, which without a person means no. Also called `manual`.
    Default,
    /// Denies what is not allowed beforehand.
    DontAsk,
    /// Reads and plans, changes nothing.
    Plan,
}

/// Where a task's agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workspace {
    /// In a linked worktree on a branch of its own.
    Worktree,
    /// In a plain empty folder, for tasks that are not about this repository.
    Sandbox,
}

/// What a push does with a task's branch that is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushUnproven {
    /// Says nothing.
    Allow,
    /// Tells, and lets it go.
    Warn,
    /// Refuses the push.
    Block,
}

/// What travels along with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushAlong {
    /// Nothing.
    Nothing,
    /// The records of this machine, with all that its agents printed.
    Records,
}

const PERMISSION_MODES: [(&str, PermissionMode); 7] = [
    ("acceptEdits", PermissionMode::AcceptEdits),
    ("auto", PermissionMode::Auto),
    ("bypassPermissions", PermissionMode::BypassPermissions),
    ("default", PermissionMode::Default),
    ("dontAsk", PermissionMode::DontAsk),
    ("manual", PermissionMode::Default),
    ("plan", PermissionMode::Plan),
];

const WORKSPACES: [(&str, Workspace); 2] =
    [("worktree", Workspace::Worktree), ("sandbox", Workspace::Sandbox)];

const PUSH_UNPROVEN: [(&str, PushUnproven); 3] =
    [("allow", PushUnproven::Allow), ("warn", PushUnproven::Warn), ("block", PushUnproven::Block)];

const PUSH_ALONG: [(&str, PushAlong); 2] = [("nothing", PushAlong::Nothing), ("records", PushAlong::Records)];

impl SettingType for PermissionMode {
    fn expected() -> String {
        one_of(&PERMISSION_MODES)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        chosen(&PERMISSION_MODES, text)
    }

    fn show(&self) -> String {
        shown(&PERMISSION_MODES, *self)
    }
}

impl SettingType for Workspace {
    fn expected() -> String {
        one_of(&WORKSPACES)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        chosen(&WORKSPACES, text)
    }

    fn show(&self) -> String {
        shown(&WORKSPACES, *self)
    }
}

impl SettingType for PushUnproven {
    fn expected() -> String {
        one_of(&PUSH_UNPROVEN)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        chosen(&PUSH_UNPROVEN, text)
    }

    fn show(&self) -> String {
        shown(&PUSH_UNPROVEN, *self)
    }
}

impl SettingType for PushAlong {
    fn expected() -> String {
        one_of(&PUSH_ALONG)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        chosen(&PUSH_ALONG, text)
    }

    fn show(&self) -> String {
        shown(&PUSH_ALONG, *self)
    }
}

json_by_text!(PermissionMode, PushAlong, PushUnproven, Workspace);

fn one_of<T>(words: &[(&str, T)]) -> String {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    format!("one of {}", names.join(", "))
}

fn chosen<T: Copy>(words: &[(&'static str, T)], text: &str) -> Result<T, String> {
    if let Some((_, value)) = words.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let near = closest(text, words.iter().map(|(name, _)| *name));
    let near = near.map_or(String::new(), |name| format!("; did you mean {name}?"));
    Err(format!("{} is not one of the words allowed here{near}", quoted(text)))
}

fn shown<T: Copy + PartialEq>(words: &[(&str, T)], value: T) -> String {
    words.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name).to_owned()
}
