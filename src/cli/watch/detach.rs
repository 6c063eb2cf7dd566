//! `git claudedo watch --detach`: a watcher without a terminal.

use std::ffi::OsString;

use serde::Serialize;

use crate::cli::background::Background;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, ErrorKind};
use crate::os::env;
use crate::store::runner_lock::{Presence, RunnerKind};
use crate::trigger::detach::{self, Start, Started};
use crate::ui::Format;
use crate::ui::safe::safe;

/// How many lines of the log are shown when a start failed.
const LOG_LINES: usize = 10;

/// `git claudedo watch --detach --json`.
#[derive(Debug, Serialize)]
struct DetachedJson<'a> {
    /// The watcher.
    process: u32,
    /// `started`, or `present` when it was there before.
    watcher: &'static str,
    /// What it says.
    log: &'a std::path::Path,
}

/// Starts one, unless one is there: then what was wanted is so already.
pub(super) fn run(slots: Option<u32>, context: &Context) -> Result<(), CommandError> {
    let background = Background::of(context)?;
    let log = background.log();
    match background.state.load_runner()? {
        Presence::Known(holder) if holder.kind == RunnerKind::Watch => {
            tell(&DetachedJson { process: holder.process, watcher: "present", log: &log }, context);
            return Ok(());
        }
        Presence::Known(holder) => return Err(busy(holder.process)),
        Presence::Unknown | Presence::Absent => {}
    }
    let mut arguments: Vec<OsString> = vec!["watch".into(), "--detached".into()];
    if let Some(slots) = slots {
        arguments.extend(["--slots".into(), slots.to_string().into()]);
    }
    let start = Start {
        program: &background.program,
        arguments: &arguments,
        work_tree: &background.work_tree,
        log: &log,
    };
    match detach::start(&start, &background.state, &env::all())? {
        Started::Runner(process) => {
            tell(&DetachedJson { process, watcher: "started", log: &log }, context);
            Ok(())
        }
        Started::Slow(process) => Err(CommandError::fatal(format!(
            "The watcher was started as process {process} and has not become the runner yet."
        ))
        .hint(format!("What it says: {}", log.display()))),
        Started::Ended { status, said } => {
            let lines: Vec<&str> = said.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                context.ui.status(format_args!("  {}", safe(line)));
            }
            let busy = Some(i32::from(ErrorKind::Busy.code()));
            let kind = if status.code() == busy { ErrorKind::Busy } else { ErrorKind::Fatal };
            Err(CommandError::new(kind, format!("The watcher did not start ({status})."))
                .hint(format!("What it said: {}", log.display())))
        }
    }
}

fn tell(detached: &DetachedJson<'_>, context: &Context) {
    let ui = &context.ui;
    match (ui.format(), detached.watcher) {
        (Format::Json, _) => ui.json(detached),
        (Format::Text, "present") => {
            ui.answer(format_args!("Watched already by process {}", detached.process));
        }
        (Format::Text, _) => ui.answer(format_args!("Watching as process {}", detached.process)),
    }
    ui.hint(format_args!("To see it: git claudedo watch status; what it says: {}", detached.log.display()));
    ui.hint(format_args!("To stop it: git claudedo watch stop"));
}

fn busy(process: u32) -> CommandError {
    CommandError::new(ErrorKind::Busy, format!("Process {process} runs tasks in this repository already."))
        .hint("It ends with its queue; a watcher can start then: git claudedo watch --detach")
}
