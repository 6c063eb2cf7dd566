//! `git claudedo retry`: run a task again from the start.

use clap::Args;

use super::context::Context;
use super::error::CommandError;
use super::run::run_tasks;
use crate::run::{EventKind, RunKind, StoredState};
use crate::store::history::TaskHistory;
use crate::task::TaskId;

/// Queue a task again
///
/// The next run starts in a new session, on the task's branch as it is.
#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Task; a unique part of the id is enough
    task: String,
    /// Run it at once
    #[arg(long)]
    run: bool,
}

pub(crate) fn run(args: &RetryArguments, context: &Context) -> Result<(), CommandError> {
    let task = context.resolve(&args.task)?;
    let history = context.records()?.load_task(&task)?;
    require_ended(&task, &history, context)?;
    request(&task, EventKind::Requested { run_kind: RunKind::Retry, prompt: None }, &history, context)?;
    if args.run { run_tasks(context, vec![task]) } else { Ok(()) }
}

/// Refuses a task that cannot be asked for another run, with what can be done instead.
pub(crate) fn require_ended(
    task: &TaskId,
    history: &TaskHistory,
    context: &Context,
) -> Result<(), CommandError> {
    if context.state()?.is_at_work(task)? {
        return Err(running(task));
    }
    match &history.state {
        StoredState::Ended { .. } | StoredState::Held { .. } => Ok(()),
        // It may be a draft, or wait for another: only `show` can say.
        StoredState::New => Err(CommandError::fatal(format!("Task {task} has not run yet."))
            .hint(format!("To see where it stands: git claudedo show {task}"))),
        StoredState::Requested { .. } => {
            Err(CommandError::fatal(format!("Task {task} is in the queue already."))
                .hint(format!("To run it: git claudedo run {task}")))
        }
        StoredState::Claimed { .. } => {
            Err(CommandError::fatal(format!("Task {task} has a run that is not over."))
                .hint("To go on with it where its runner was stopped: git claudedo run"))
        }
    }
}

fn running(task: &TaskId) -> CommandError {
    CommandError::fatal(format!("Task {task} is running."))
        .hint(format!("To end it first: git claudedo cancel {task}"))
}

/// Writes the wish down and tells about it.
pub(crate) fn request(
    task: &TaskId,
    event: EventKind,
    history: &TaskHistory,
    context: &Context,
) -> Result<(), CommandError> {
    // Whoever appends for a task holds its lock, so that no runner takes it in the same moment.
    let state = context.state()?;
    state.create()?;
    let Some(lock) = state.try_lock_task(task)? else { return Err(running(task)) };
    context.records()?.append_event(task, event, context.now)?;
    drop(lock);
    state.wake()?;
    context.ui.status(format_args!("Queued run {} of {task}", history.next_number()));
    if let Some(folder) = context.tasks()?
        && !folder.task_path(task).exists()
    {
        context.ui.warning(format_args!("Task {task} has no file any more and waits until there is one."));
        context.ui.hint(format_args!("Expected is {}", folder.task_path(task).display()));
    }
    Ok(())
}
