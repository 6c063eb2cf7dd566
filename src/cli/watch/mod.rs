//! `git claudedo watch`: wait for tasks and run them, until somebody says stop.

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::run::{Wanted, drain, perform};
use crate::runner::{Patience, Selection, Stay};
use crate::store::runner_lock::RunnerKind;

/// How often a watcher was told to stop when it has cancelled what ran.
const STOPS_TO_CANCEL: u32 = 2;

/// Run tasks as they come
///
/// Waits for task files that are new or changed and runs them, several at a
/// time, until it is stopped. What an earlier start left behind is finished
/// first. One interrupt (Ctrl-C) lets what runs end and starts no more; a
/// second one cancels what runs. What it made is kept either way.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// Run NUMBER tasks at the same time
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    slots: Option<u32>,
    /// Run what may run now, and end
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(args: &WatchArguments, context: &Context) -> Result<(), CommandError> {
    if args.once {
        context.require_tasks("run tasks")?;
        return drain(context, Wanted::drain(Selection::All, args.slots, Patience::Leave));
    }
    let folder = context.require_tasks("watch for tasks")?.tasks_path();
    context.ui.status(format_args!("Watching {} (Ctrl-C to stop)", folder.display()));
    let wanted = Wanted {
        selection: Selection::All,
        slots: args.slots,
        patience: Patience::Wait,
        stay: Stay::UntilStopped,
        kind: RunnerKind::Watch,
    };
    let report = perform(context, wanted)?;
    context.ui.status(format_args!("Stopped watching"));
    if report.stops < STOPS_TO_CANCEL { Ok(()) } else { Err(CommandError::silent(ErrorKind::Interrupted)) }
}
