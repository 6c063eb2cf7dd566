//! `git claudedo continue`: say more to the agent, in the session of its last run.

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::retry::{request, require_ended};
use super::run::run_tasks;
use super::text::{TextArguments, edit};
use crate::run::{EventKind, RunKind};
use crate::task::TaskId;

/// Give a task a further prompt
///
/// The next run goes on in the session of the last one, in the same worktree
/// and on the same branch.
#[derive(Debug, Args)]
pub(crate) struct ContinueArguments {
    /// Task; a unique part of the id is enough
    task: String,
    #[command(flatten)]
    text: TextArguments,
    /// Run it at once
    #[arg(long)]
    run: bool,
}

pub(crate) fn run(args: &ContinueArguments, context: &Context) -> Result<(), CommandError> {
    let task = context.resolve(&args.task)?;
    let history = context.records()?.load_task(&task)?;
    let last = history.last_run().ok_or_else(|| {
        CommandError::fatal("No previous run to continue.")
            .hint(format!("To run it: git claudedo run {task}"))
    })?;
    if last.session.is_none() {
        return Err(CommandError::fatal("Previous run has no session ID — cannot resume.")
            .hint(format!("To start again: git claudedo retry {task}")));
    }
    require_ended(&task, &history, context)?;
    let prompt = prompt(args, &task, context)?;
    let event = EventKind::Requested { run_kind: RunKind::FollowUp, prompt: Some(prompt) };
    request(&task, event, &history, context)?;
    if args.run { run_tasks(context, vec![task]) } else { Ok(()) }
}

fn prompt(args: &ContinueArguments, task: &TaskId, context: &Context) -> Result<String, CommandError> {
    let given = args.text.load()?;
    let asks = args.text.edit || (given.is_none() && context.ui.answers_a_terminal());
    let text = match (asks, given) {
        (true, given) => {
            let help = format!("What the agent of {task} is told next.\nAn empty text changes nothing.");
            edit(context, given.unwrap_or_default().trim(), &help)?.unwrap_or_default()
        }
        (false, Some(given)) => given,
        (false, None) => {
            return Err(CommandError::new(ErrorKind::Usage, "A follow-up needs a text.")
                .hint(format!("git claudedo continue {task} --message \"Also handle the empty list\"")));
        }
    };
    match text.trim() {
        "" => Err(CommandError::new(ErrorKind::Negative, "The text is empty; nothing was queued.")),
        text => Ok(text.to_owned()),
    }
}
