//! `git claudedo approve`: let a task that came from elsewhere run here, after a look at what it asks for.
//!
//! What is approved are the bytes that were shown, never what the file holds by the time of the answer.

mod page;

use std::io::IsTerminal;

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::store::overview::Overview;
use crate::store::tasks::TaskWithText;
use crate::store::trust::{ApprovedBy, Trust};
use crate::task::TaskId;
use crate::ui::Format;
use page::{Page, load_pages};

/// The most of an answer that is read.
const ANSWER_BYTES_MAX: usize = 64;

/// Approve tasks that came from elsewhere
///
/// Shows what each would have an agent do, who brought it and what was changed
/// since it was approved before, and asks. Approved are exactly the bytes shown:
/// a file that changes later is held again. With --json, prints the same for
/// programs and asks nothing.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ApproveArguments {
    /// Tasks; a unique part of the id is enough
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "TASK")]
    tasks: Vec<String>,
    /// Take all tasks that are held for want of it
    #[arg(long)]
    all: bool,
    /// Approve without asking
    #[arg(short, long)]
    yes: bool,
    /// Hold the tasks again instead
    #[arg(long, conflicts_with = "yes")]
    revoke: bool,
}

pub(crate) fn run(args: &ApproveArguments, context: &Context) -> Result<(), CommandError> {
    let tasks = wanted(args, context)?;
    if args.revoke {
        return tasks.iter().try_for_each(|task| revoke(task, context));
    }
    let approvals = context.state()?.load_approvals()?;
    let (approved, open): (Vec<TaskWithText>, Vec<TaskWithText>) =
        tasks.into_iter().partition(|task| approvals.contains(task.task.content.id));
    for task in approved {
        context.ui.status(format_args!("Task {} is approved already", task.id));
    }
    let pages = load_pages(open, context)?;
    match (context.ui.format(), args.yes) {
        (Format::Json, yes) => {
            context.ui.json(&pages.iter().map(Page::json).collect::<Vec<_>>());
            if yes { approve(&pages, context) } else { Ok(()) }
        }
        (Format::Text, true) => {
            for page in &pages {
                show(page, context);
            }
            approve(&pages, context)
        }
        (Format::Text, false) => ask_for_all(&pages, context),
    }
}

/// Returns the tasks as their files are now, each read once: what is shown is what is approved.
fn wanted(args: &ApproveArguments, context: &Context) -> Result<Vec<TaskWithText>, CommandError> {
    let folder = context.require_tasks("approve a task")?;
    let ids = if args.all {
        let ids = untrusted(&context.overview()?);
        if ids.is_empty() {
            context.ui.status(format_args!("No task waits for approval"));
        }
        ids
    } else {
        args.tasks.iter().map(|part| context.resolve(part)).collect::<Result<_, _>>()?
    };
    let load = |id: TaskId| {
        folder.load(&id, context.now)?.ok_or_else(|| {
            CommandError::fatal(format!("Task {id} has no file any more, only records."))
                .hint(format!("To see them: git claudedo show {id}"))
        })
    };
    ids.into_iter().map(load).collect()
}

fn untrusted(overview: &Overview) -> Vec<TaskId> {
    let brought = overview.trust.iter().filter(|(_, trust)| **trust == Trust::Brought);
    brought.map(|(id, _)| id.clone()).collect()
}

fn revoke(task: &TaskWithText, context: &Context) -> Result<(), CommandError> {
    context.state()?.revoke(task.task.content.id)?;
    context.ui.status(format_args!("Task {id} is held until it is approved again", id = task.id));
    Ok(())
}

fn show(page: &Page, context: &Context) {
    let text = page.text();
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
}

fn approve(pages: &[Page], context: &Context) -> Result<(), CommandError> {
    let state = context.state()?;
    state.approve_all(pages.iter().map(Page::task), ApprovedBy::Approved, context.now)?;
    state.wake()?;
    for page in pages {
        context.ui.status(format_args!("Approved {}", page.task().id));
    }
    // An approval starts nothing; where no runner is there to be woken, it would be waited for in vain.
    if !pages.is_empty() && !state.has_runner()? {
        context.ui.hint(format_args!("No runner is at work. To run what may run: git claudedo run"));
    }
    Ok(())
}

/// Shows one after the other and asks for each.
fn ask_for_all(pages: &[Page], context: &Context) -> Result<(), CommandError> {
    let can_ask = std::io::stdin().is_terminal() && context.ui.narrates_to_a_terminal();
    let mut left_out = false;
    for page in pages {
        show(page, context);
        if can_ask && ask(page, context)? {
            approve(std::slice::from_ref(page), context)?;
        } else {
            left_out = true;
        }
    }
    match (left_out, can_ask) {
        (false, _) => Ok(()),
        (true, true) => Err(CommandError::silent(ErrorKind::Negative)),
        (true, false) => Err(CommandError::fatal("Nothing was approved: there is no terminal to ask on.")
            .hint("To approve without a question what was read before: git claudedo approve --yes TASK")),
    }
}

fn ask(page: &Page, context: &Context) -> Result<bool, CommandError> {
    let id = &page.task().id;
    context.ui.narrate(format_args!("Let {id} run with these bytes? [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let is_yes = answer.len() <= ANSWER_BYTES_MAX && matches!(answer.trim(), "y" | "Y" | "yes");
    if !is_yes {
        context.ui.status(format_args!("Left {id} as it is"));
    }
    Ok(is_yes)
}

/// Approves what a task's file says now, because its user named the task. Returns whether that was needed.
///
/// A file that is gone or cannot be read is told by whoever runs it.
pub(crate) fn approve_named(task: &TaskId, context: &Context) -> Result<bool, CommandError> {
    let Some(folder) = context.tasks()? else { return Ok(false) };
    let Ok(Some(found)) = folder.load(task, context.now) else { return Ok(false) };
    let state = context.state()?;
    if state.load_approvals()?.contains(found.task.content.id) {
        return Ok(false);
    }
    state.approve(&found, ApprovedBy::Run, context.now)?;
    state.wake()?;
    Ok(true)
}

/// Approves what this command wrote, if the file still holds that.
pub(crate) fn approve_written(
    task: &TaskId,
    text: &str,
    how: ApprovedBy,
    context: &Context,
) -> Result<(), CommandError> {
    let folder = context.require_tasks("approve a task")?;
    let Some(found) = folder.load(task, context.now)? else { return Ok(()) };
    if found.bytes == text.as_bytes() {
        let state = context.state()?;
        state.approve(&found, how, context.now)?;
        state.wake()?;
    }
    Ok(())
}

/// Approves all that came from elsewhere, because its user said to run everything. What was revoked stays held.
pub(crate) fn approve_present(overview: &Overview, context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("approve tasks")?;
    let state = context.state()?;
    let approvals = state.load_approvals()?;
    let mut approved = Vec::new();
    for id in untrusted(overview) {
        let Some(seen) = overview.tasks.get(&id).map(|task| &task.content) else { continue };
        if !approvals.is_revoked(seen.id) {
            let found = folder.load(&id, context.now)?;
            approved.extend(found.filter(|found| found.task.content == *seen));
        }
    }
    if !approved.is_empty() {
        state.approve_all(&approved, ApprovedBy::Run, context.now)?;
    }
    match approved.as_slice() {
        [] => {}
        [task] => {
            let id = &task.id;
            context.ui.status(format_args!("Approved {id}, which was brought by git or changed since"));
        }
        all => context
            .ui
            .status(format_args!("Approved {} tasks, which were brought by git or changed since", all.len())),
    }
    Ok(())
}
