//! `git claudedo cancel`: end a run and keep what it made, or take a task out of the queue.

use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::json::EndedJson;
use crate::run::Outcome;
use crate::runner::{self, Cancelled};
use crate::task::TaskId;
use crate::ui::Format;

/// The reason in the record when none is given.
const REASON: &str = "Task cancelled.";

/// Cancel tasks
///
/// A running agent gets SIGTERM, then SIGKILL after its grace time; what it
/// made stays on its branch. A task in the queue leaves it. Waits for the end.
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    /// Tasks; a unique part of the id is enough
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
    /// Say why, for the record
    #[arg(short, long, value_name = "TEXT", default_value = REASON)]
    message: String,
}

pub(crate) fn run(args: &CancelArguments, context: &Context) -> Result<(), CommandError> {
    let tasks: Vec<TaskId> = args.tasks.iter().map(|part| context.resolve(part)).collect::<Result<_, _>>()?;
    let engine = context.engine("cancel a task", Arc::new(()))?;
    let mut all = true;
    for task in &tasks {
        let cancelled = runner::cancel(&engine, task, &args.message)?;
        all &= tell(task, &cancelled, &args.message, context);
    }
    if all { Ok(()) } else { Err(CommandError::silent(ErrorKind::Negative)) }
}

/// Says what became of the wish, and returns whether the task is cancelled now.
fn tell(task: &TaskId, cancelled: &Cancelled, reason: &str, context: &Context) -> bool {
    let outcome = match cancelled {
        Cancelled::Queued => Some(Outcome::Cancelled),
        Cancelled::Running(outcome) | Cancelled::EndedBefore(outcome) => Some(*outcome),
        Cancelled::Requested | Cancelled::LeftToNewer => None,
    };
    if let (Format::Json, Some(outcome)) = (context.ui.format(), outcome) {
        context.ui.json(&EndedJson { id: task, outcome, message: reason });
    }
    match cancelled {
        Cancelled::Queued => context.ui.status(format_args!("Cancelled {task} before it ran")),
        Cancelled::Running(Outcome::Cancelled) => context.ui.status(format_args!("Cancelled {task}")),
        Cancelled::Running(outcome) => {
            context
                .ui
                .warning(format_args!("Task {task} was {} before it could be cancelled", outcome.name()));
        }
        Cancelled::EndedBefore(outcome) => {
            context.ui.warning(format_args!("Task {task} had ended before: {}", outcome.name()));
        }
        Cancelled::Requested => {
            context
                .ui
                .warning(format_args!("Task {task} was told to end; its runner has not recorded it yet"));
        }
        Cancelled::LeftToNewer => context.ui.warning(format_args!(
            "Task {task} was told to end, but its run was planned by a newer git-claudedo; install it and use \"git claudedo run\""
        )),
    }
    outcome == Some(Outcome::Cancelled)
}
