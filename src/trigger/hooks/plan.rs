//! What is to be done so that hooks run, or are gone. Decided from what was found, before anything is touched.
//!
//! Each action can be done again: a plan that was cut short is completed by the next one, in either direction.

use std::path::PathBuf;

use super::find::{Found, FoundEvent};
use super::install::{install_config, install_files};
use super::uninstall::{clear, clear_chosen, unset_config};
use super::{Author, HookEvent};
use crate::git::Scope;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// For which events.
    pub events: Vec<HookEvent>,
    /// How git is to learn of it.
    pub mechanism: Mechanism,
    /// What may be written that is not this repository's alone.
    pub shared: Permission,
    /// What may be written over that somebody changed.
    pub edited: Permission,
}

/// How git learns of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// By its configuration where it can, else by scripts.
    Best,
    /// By its configuration.
    Config,
    /// By scripts.
    Files,
}

/// Whether something may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Given,
    /// It may not.
    Missing,
}

/// What is to be done, for each event that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the events.
    pub events: Vec<EventPlan>,
}

/// What is to be done for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlan {
    /// The event.
    pub event: HookEvent,
    /// What is to be done.
    pub verdict: Verdict,
}

/// What is to be done for an event, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Already,
    /// These, in this order.
    Change(Vec<Action>),
    /// Nothing, for this reason.
    Refused(Refusal),
}

/// One step. Doing it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Keep a file under another name as well, which must be free.
    Keep {
        /// The file.
        path: PathBuf,
        /// The other name.
        kept: PathBuf,
    },
    /// Write a whole file.
    Write {
        /// The file.
        path: PathBuf,
        /// What will be in it.
        bytes: Vec<u8>,
        /// Who may do what with it.
        mode: u32,
    },
    /// Give a kept file its old name back.
    Restore {
        /// The file.
        kept: PathBuf,
        /// Its old name.
        path: PathBuf,
    },
    /// Remove a file.
    Remove {
        /// The file.
        path: PathBuf,
    },
    /// Let git start a file.
    MakeExecutable {
        /// The file.
        path: PathBuf,
    },
    /// Set the hook of an event in the repository's configuration.
    SetConfig(HookEvent),
    /// Remove it from there.
    UnsetConfig(HookEvent),
}

/// Why nothing is done for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A file of this program was changed by somebody.
    Edited {
        /// The file.
        path: PathBuf,
    },
    /// Another hook is there, and a still older one is kept already.
    PreviousTaken {
        /// What git runs.
        hook: PathBuf,
        /// Who wrote that.
        author: Author,
        /// What is kept.
        previous: PathBuf,
    },
    /// lefthook writes this hook and would put ours aside.
    Lefthook {
        /// Its script.
        hook: PathBuf,
    },
    /// The script is shared with everybody who uses the repository.
    Shared {
        /// The script.
        path: PathBuf,
    },
    /// The folder is not this repository's.
    Elsewhere {
        /// The folder.
        folder: PathBuf,
        /// Whose configuration names it.
        scope: Option<Scope>,
    },
    /// The script that is there is none of a shell.
    NotShell {
        /// The script.
        path: PathBuf,
    },
    /// Hooks are switched off.
    Nowhere {
        /// What is in the place of a folder.
        path: PathBuf,
    },
    /// The configuration holds something else under this program's name.
    OtherConfig {
        /// The section.
        section: String,
    },
    /// The git that is used does not run hooks of the configuration.
    OldGit,
}

/// What is to be done for one event.
pub(super) type Decision = Result<Vec<Action>, Refusal>;

impl Plan {
    /// Returns what is to be done so that hooks run.
    pub fn install(found: &Found, wish: &Wish) -> Self {
        let by_config = match wish.mechanism {
            Mechanism::Best => found.runs_configured_hooks(),
            Mechanism::Config => true,
            Mechanism::Files => false,
        };
        Self::decide(found, wish, |event| {
            if by_config {
                install_config(event, found, wish)
            } else {
                let mut actions = install_files(event, &found.kind, wish)?;
                // Otherwise a git that reads the configuration would call this program twice.
                actions.extend(unset_config(event, wish)?);
                Ok(actions)
            }
        })
    }

    /// Returns what is to be done so that nothing of this program is left.
    pub fn uninstall(found: &Found, wish: &Wish) -> Self {
        Self::decide(found, wish, |event| {
            let mut actions = unset_config(event, wish)?;
            actions.extend(clear(&event.own, wish)?);
            actions.extend(clear_chosen(event, &found.kind, wish)?);
            Ok(actions)
        })
    }

    /// Returns whether anything could not be done.
    pub fn is_refused(&self) -> bool {
        self.events.iter().any(|event| matches!(event.verdict, Verdict::Refused(_)))
    }

    fn decide(found: &Found, wish: &Wish, decide: impl Fn(&FoundEvent) -> Decision) -> Self {
        let wanted = found.events.iter().filter(|found| wish.events.contains(&found.event));
        let events = wanted.map(|found| {
            let verdict = match decide(found) {
                Ok(actions) if actions.is_empty() => Verdict::Already,
                Ok(actions) => Verdict::Change(actions),
                Err(refusal) => Verdict::Refused(refusal),
            };
            EventPlan { event: found.event, verdict }
        });
        Self { events: events.collect() }
    }
}

pub(super) fn require(permission: Permission, refusal: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
    match permission {
        Permission::Given => Ok(()),
        Permission::Missing => Err(refusal()),
    }
}
