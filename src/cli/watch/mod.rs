//! `git claudedo watch`: wait for tasks and run them, until somebody says stop.

mod detach;
mod status;
mod stop;

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::run::{Wanted, drain, perform};
use crate::os::process::leave_session;
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
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct WatchArguments {
    #[command(subcommand)]
    command: Option<WatchCommand>,
    /// Run NUMBER tasks at the same time
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    slots: Option<u32>,
    /// Run what may run now, and end
    #[arg(long)]
    once: bool,
    /// Watch in the background, without a terminal
    #[arg(short, long, conflicts_with = "once")]
    detach: bool,
    /// Be the watcher that `--detach` starts
    #[arg(long, hide = true, conflicts_with_all = ["once", "detach"])]
    detached: bool,
}

#[derive(Debug, Subcommand)]
enum WatchCommand {
    Stop(stop::StopArguments),
    Status(status::StatusArguments),
}

pub(crate) fn run(args: &WatchArguments, context: &Context) -> Result<(), CommandError> {
    match &args.command {
        Some(WatchCommand::Stop(args)) => return stop::run(args, context),
        Some(WatchCommand::Status(args)) => return status::run(args, context),
        None if args.detach => return detach::run(args.slots, context),
        None if args.detached => leave_session(),
        None => {}
    }
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
