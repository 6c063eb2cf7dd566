//! The screen for people: the runner, a part for each kind of task that there is, and what is left lying about.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::gather::Status;
use super::parts::{Part, parts};
use super::running::{Depth, Details};
use super::surroundings::Hooks;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::os::disk::{DiskUse, Extent};
use crate::store::runner_lock::Presence;
use crate::timestamp::Timestamp;
use crate::trigger::hooks::HookEvent;
use crate::ui::figures::{age, bytes, count};
use crate::ui::safe::safe;
use crate::ui::table::Table;
use crate::ui::width::screen_width;
use crate::ui::{CYAN, DIM, YELLOW};

/// The most tasks of a part that are shown to somebody who did not ask for all.
const ROWS_MAX: usize = 5;

/// What every line of a part begins with.
const INDENT: &str = "  ";

/// How the screen is laid out.
#[derive(Debug)]
pub(crate) struct Screen {
    rows_max: usize,
    hints: Hints,
    width: Option<usize>,
    now: Timestamp,
    work_tree: Option<PathBuf>,
}

/// Whether next commands are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hints {
    Shown,
    Hidden,
}

impl Screen {
    /// Returns the layout for this screen and this person.
    pub(crate) fn new(context: &Context, depth: Depth) -> Result<Self, CommandError> {
        let configured = context.git_setting("advice", "statushints")?;
        let is_off =
            |value: String| ["false", "no", "off", "0"].contains(&value.to_ascii_lowercase().as_str());
        let is_wanted = context.ui.is_advising() && !configured.is_some_and(is_off);
        Ok(Self {
            rows_max: if depth == Depth::Full { usize::MAX } else { ROWS_MAX },
            hints: if is_wanted { Hints::Shown } else { Hints::Hidden },
            width: screen_width().map(|width| width.saturating_sub(INDENT.len())),
            now: context.now,
            work_tree: context.repository()?.work_tree(),
        })
    }

    /// Returns the whole screen.
    pub(crate) fn render(&self, status: &Status<'_>, details: &Details) -> String {
        let mut text = self.runner(status, &details.hooks);
        self.hooks(&mut text, &details.hooks);
        let parts = parts(self, status, details);
        let is_calm = parts.is_empty();
        for part in parts {
            self.add(&mut text, part);
        }
        if is_calm && status.overview.standings.is_empty() {
            text.push_str("\nNo tasks yet.\n");
            if self.work_tree.is_some() {
                self.hint(&mut text, "use \"git claudedo add\" to write one down");
            }
        } else if is_calm {
            text.push_str("\nNothing to run and nothing to review.\n");
        }
        self.leftovers(&mut text, details);
        text
    }

    /// Returns how long ago something was.
    pub(super) fn age(&self, then: Timestamp) -> String {
        age(self.now.since(then))
    }

    /// Returns a path as seen from the root of the work tree.
    pub(super) fn path<'a>(&self, path: &'a Path) -> &'a Path {
        self.work_tree.as_ref().and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path)
    }

    /// Returns a sentence with the paths in it as seen from the root of the work tree.
    pub(super) fn without_root(&self, text: &str) -> String {
        match &self.work_tree {
            Some(root) => text.replace(&format!("{}/", root.display()), ""),
            None => text.to_owned(),
        }
    }

    fn runner(&self, status: &Status<'_>, hooks: &Hooks) -> String {
        let since = status.runner_since.map(|since| format!(", for {}", self.age(since)));
        let since = since.unwrap_or_default();
        let mut text = match status.runner {
            Presence::Absent => "Runner: none\n".to_owned(),
            Presence::Unknown => format!("Runner: {CYAN}at work{CYAN:#}{since}\n"),
            Presence::Known(holder) => {
                format!("Runner: {CYAN}{}{CYAN:#}, process {}{since}\n", holder.kind.name(), holder.process)
            }
        };
        // Task files lie in a work tree, and nothing can be run without one.
        if status.runner == Presence::Absent && self.work_tree.is_some() {
            if !status.parts.queued.is_empty() {
                self.hint(&mut text, "use \"git claudedo run\" to run what is queued");
            }
            self.hint(&mut text, "use \"git claudedo watch\" to run tasks as they come");
            if *hooks == Hooks::Absent {
                self.hint(
                    &mut text,
                    "use \"git claudedo hooks install\" to run them when they are committed",
                );
            }
        }
        text
    }

    /// Who never installed any hears nothing of it here.
    fn hooks(&self, text: &mut String, hooks: &Hooks) {
        let names = |events: &[HookEvent]| {
            let names: Vec<_> = events.iter().map(|event| event.name()).collect();
            names.join(", ")
        };
        // Writing to a string cannot fail.
        let _ = match hooks {
            Hooks::Absent => Ok(()),
            Hooks::Installed { missing } if missing.is_empty() => writeln!(text, "Hooks: installed"),
            Hooks::Installed { missing } => {
                writeln!(text, "Hooks: installed, but for {}", names(missing))
            }
            Hooks::Idle { events } if events.len() == HookEvent::ALL.len() => {
                writeln!(text, "Hooks: {YELLOW}none runs{YELLOW:#}")
            }
            Hooks::Idle { events } => {
                writeln!(text, "Hooks: {YELLOW}do not run{YELLOW:#}: {}", names(events))
            }
            Hooks::Unknown(problem) => {
                writeln!(text, "Hooks: {YELLOW}not known{YELLOW:#}: {}", safe(problem))
            }
        };
        match hooks {
            Hooks::Installed { missing } if !missing.is_empty() => {
                self.hint(text, "use \"git claudedo hooks install\" to install the others");
            }
            Hooks::Idle { .. } => self.hint(text, "use \"git claudedo hooks status\" to see why"),
            Hooks::Absent | Hooks::Installed { .. } | Hooks::Unknown(_) => {}
        }
    }

    fn add(&self, text: &mut String, part: Part<'_>) {
        let Part { heading, style, hints, columns, rows } = part;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{style}{heading}{style:#} ({}):", rows.len());
        for hint in hints {
            self.hint(text, hint);
        }
        let more = rows.len().saturating_sub(self.rows_max);
        let mut table = Table::new(columns);
        for row in rows.into_iter().take(self.rows_max) {
            table.push(row);
        }
        for line in table.render(self.width).lines() {
            let _ = writeln!(text, "{INDENT}{line}");
        }
        if more > 0 {
            let _ = writeln!(text, "{INDENT}{DIM}… and {more} more{DIM:#}");
        }
    }

    /// What takes room and is perhaps not needed any more.
    fn leftovers(&self, text: &mut String, details: &Details) {
        if !details.worktrees.is_empty() {
            let kept = count(details.worktrees.len(), "worktree");
            let _ = writeln!(text, "\nKept: {kept} of tasks that have ended");
            self.hint(text, "use \"git claudedo prune\" to give their room back, \"git claudedo list --kept\" to see why one stays");
        }
        if let Some(DiskUse { bytes: used, extent }) = details.disk {
            let more = if extent == Extent::Part { "more than " } else { "" };
            let _ = writeln!(text, "\nDisk used: {more}{}", bytes(used));
            for path in &details.worktrees {
                let _ = writeln!(text, "{INDENT}{}", safe(&path.display().to_string()));
            }
        }
    }

    fn hint(&self, text: &mut String, words: &str) {
        if self.hints == Hints::Shown {
            let _ = writeln!(text, "{INDENT}{DIM}({words}){DIM:#}");
        }
    }
}
