//! `git claudedo watch status`: whether a watcher lives, and what it is at.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::background::log_path;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, ErrorKind};
use crate::os::clock;
use crate::run::StoredState;
use crate::schedule::Standing;
use crate::store::overview::Overview;
use crate::store::runner_lock::{Presence, RunnerHolder, RunnerKind};
use crate::task::TaskId;
use crate::timestamp::Timestamp;
use crate::ui::Format;
use crate::ui::figures::{age, elapsed};

/// Print whether a watcher is running
///
/// Ends with 0 when there is one and with 1 when there is none, also when
/// `git claudedo run` is at work.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {}

/// `git claudedo watch status --json`.
#[derive(Debug, Serialize)]
struct StatusJson<'a> {
    /// Whether a watcher lives.
    watching: bool,
    /// Whoever is the runner; `null` when nobody is, or nobody knows who.
    runner: Option<RunnerJson>,
    /// The tasks that run.
    running: Vec<RunningJson<'a>>,
    /// How many tasks would be next.
    queued: usize,
    /// How many may not run yet.
    held: usize,
    /// What a watcher without a terminal said, if one ever was here.
    log: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct RunnerJson {
    #[serde(flatten)]
    holder: RunnerHolder,
    since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct RunningJson<'a> {
    id: &'a TaskId,
    since: Option<Timestamp>,
}

pub(super) fn run(_args: &StatusArguments, context: &Context) -> Result<(), CommandError> {
    let state = context.state()?;
    let presence = state.load_runner()?;
    let holder = match presence {
        Presence::Known(holder) => Some(holder),
        Presence::Absent | Presence::Unknown => None,
    };
    let overview = context.overview()?;
    let count = |wanted: fn(&Standing) -> bool| overview.standings.values().filter(|s| wanted(s)).count();
    let status = StatusJson {
        watching: holder.is_some_and(|holder| holder.kind == RunnerKind::Watch),
        runner: holder.map(|holder| RunnerJson { holder, since: state.load_runner_since() }),
        running: running(&overview),
        queued: count(|standing| matches!(standing, Standing::Queued { .. } | Standing::Interrupted)),
        held: count(|standing| matches!(standing, Standing::Held { .. })),
        log: Some(log_path(&state)).filter(|log| log.exists()),
    };
    match context.ui.format() {
        Format::Json => context.ui.json(&status),
        Format::Text => print(&status, presence, context),
    }
    if status.watching { Ok(()) } else { Err(CommandError::silent(ErrorKind::Negative)) }
}

fn running(overview: &Overview) -> Vec<RunningJson<'_>> {
    let at_work = overview.standings.iter().filter(|(_, standing)| matches!(standing, Standing::Running));
    let since = |id: &TaskId| match &overview.histories.get(id)?.state {
        StoredState::Claimed { at, .. } => Some(*at),
        StoredState::New
        | StoredState::Requested { .. }
        | StoredState::Held { .. }
        | StoredState::Ended { .. } => None,
    };
    at_work.map(|(id, _)| RunningJson { id, since: since(id) }).collect()
}

fn print(status: &StatusJson<'_>, presence: Presence, context: &Context) {
    let ui = &context.ui;
    let now = clock::now();
    let for_how_long = |since: Option<Timestamp>, words: fn(Duration) -> String| {
        since.map_or_else(|| "?".to_owned(), |since| words(now.since(since)))
    };
    match (&status.runner, presence) {
        (Some(runner), _) => {
            let what = match runner.holder.kind {
                RunnerKind::Watch => "watching",
                RunnerKind::Run => "not watching; `git claudedo run` is at work",
                RunnerKind::Hook => "not watching; a git hook started a runner",
            };
            let age = for_how_long(runner.since, age);
            ui.answer(format_args!("{what}, for {age}, process {}", runner.holder.process));
        }
        (None, Presence::Unknown) => ui.answer(format_args!("a runner is at work, and nobody knows which")),
        (None, Presence::Absent | Presence::Known(_)) => ui.answer(format_args!("not watching")),
    }
    for task in &status.running {
        ui.answer(format_args!("running  {}  {}", task.id, for_how_long(task.since, elapsed)));
    }
    ui.answer(format_args!("queued   {}", status.queued));
    ui.answer(format_args!("held     {}", status.held));
    if let Some(log) = &status.log {
        ui.answer(format_args!("log      {}", log.display()));
    }
    if status.runner.is_none() && presence == Presence::Absent {
        ui.hint(format_args!("To watch: git claudedo watch --detach"));
    }
}
