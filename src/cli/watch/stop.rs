//! `git claudedo watch stop`: end a watcher, wherever it runs.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::{CommandError, ErrorKind};
use crate::os::clock;
use crate::os::fs::FileError;
use crate::runner::request_end_of_all;
use crate::schedule::Standing;
use crate::store::runner_lock::RunnerKind;
use crate::store::state_directory::StateDirectory;
use crate::trigger::holder::{Holder, ProvenHolder};
use crate::ui::Format;

/// Why runs were cancelled, for their records.
const REASON: &str = "The watcher was told to stop and to cancel what runs.";

/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Stop the watcher
///
/// It starts no more tasks and ends when those that run have ended; this
/// command waits for that. Ctrl-C ends the waiting only. What a git hook started
/// in the background is stopped in the same way.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct StopArguments {
    /// Cancel what runs; everything it made is kept
    #[arg(long, conflicts_with = "leave")]
    cancel: bool,
    /// End at once and let what runs go on; the next start takes it up
    #[arg(long)]
    leave: bool,
    /// Do not wait for the end
    #[arg(long)]
    no_wait: bool,
}

/// What becomes of what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    WaitedFor,
    Cancelled,
    Left,
}

/// `git claudedo watch stop --json`.
#[derive(Debug, Serialize)]
struct StoppedJson {
    /// Whom it was about; `null` when there was none.
    process: Option<u32>,
    /// Whether it is gone.
    stopped: bool,
}

pub(super) fn run(args: &StopArguments, context: &Context) -> Result<(), CommandError> {
    let state = context.state()?;
    let holder = match Holder::load(&state)? {
        Holder::Nobody => {
            context.ui.status(format_args!("No watcher is running"));
            answer(&StoppedJson { process: None, stopped: true }, context);
            return Ok(());
        }
        Holder::Doubtful(named) => return Err(doubtful(named.map(|named| named.process))),
        Holder::Proven(holder) if holder.kind == RunnerKind::Run => return Err(no_watcher(&holder)),
        Holder::Proven(holder) => holder,
    };
    let running = match (args.cancel, args.leave) {
        (true, _) => Running::Cancelled,
        (false, true) => Running::Left,
        (false, false) => Running::WaitedFor,
    };
    tell(&holder, running)?;
    if running == Running::Cancelled {
        request_end_of_all(&state, REASON)?;
    }
    announce(&holder, running, context)?;
    if !args.no_wait {
        wait(&holder, running, &state)?;
        context.ui.status(format_args!("Stopped process {}", holder.process));
    }
    answer(&StoppedJson { process: Some(holder.process), stopped: !holder.is_runner(&state)? }, context);
    Ok(())
}

fn tell(holder: &ProvenHolder, running: Running) -> Result<(), CommandError> {
    let told = match running {
        Running::WaitedFor | Running::Cancelled => holder.tell_to_end(),
        Running::Left => holder.end_at_once(),
    };
    told.map_err(|error| {
        CommandError::fatal(format!("Process {} cannot be told to stop: {error}", holder.process))
    })
}

/// Says what is waited for.
fn announce(holder: &ProvenHolder, running: Running, context: &Context) -> Result<(), CommandError> {
    let overview = context.overview()?;
    let at_work: Vec<&str> = overview
        .standings
        .iter()
        .filter(|(_, standing)| matches!(standing, Standing::Running))
        .map(|(task, _)| task.as_str())
        .collect();
    if at_work.is_empty() {
        return Ok(());
    }
    let tasks = at_work.join(", ");
    match running {
        Running::WaitedFor => {
            context.ui.status(format_args!(
                "Process {} starts no more tasks and ends after those that run: {tasks}",
                holder.process
            ));
            context.ui.hint(format_args!("Ctrl-C ends this waiting and nothing else"));
            context.ui.hint(format_args!("To cancel what runs: git claudedo watch stop --cancel"));
        }
        Running::Cancelled => context.ui.status(format_args!("Cancelling {tasks}")),
        Running::Left => {
            context.ui.status(format_args!("Left at work: {tasks}"));
            context.ui.hint(format_args!("The next `git claudedo run` or `watch` records how they end"));
        }
    }
    Ok(())
}

/// Waits until it is the runner no more. A run that begins while the wish to cancel is on its way is asked as well.
fn wait(holder: &ProvenHolder, running: Running, state: &StateDirectory) -> Result<(), FileError> {
    while holder.is_runner(state)? {
        if running == Running::Cancelled {
            request_end_of_all(state, REASON)?;
        }
        clock::pause(LOOK_EVERY);
    }
    Ok(())
}

fn answer(stopped: &StoppedJson, context: &Context) {
    if context.ui.format() == Format::Json {
        context.ui.json(stopped);
    }
}

fn no_watcher(holder: &ProvenHolder) -> CommandError {
    CommandError::new(
        ErrorKind::Busy,
        format!("Process {} is `git claudedo run` and no watcher; it ends with its queue.", holder.process),
    )
    .hint("To stop it: Ctrl-C where it was started; to end one task: git claudedo cancel TASK")
}

fn doubtful(named: Option<u32>) -> CommandError {
    let message = match named {
        Some(process) => format!(
            "A runner is at work, and it is not proven to be process {process}, so nothing was signalled."
        ),
        None => "A runner is at work, and it has not said which process it is.".to_owned(),
    };
    CommandError::fatal(message)
        .hint("It may be in a container or belong to another user: stop it where it was started")
}
