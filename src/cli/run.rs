//! `git claudedo run`: drain the queue and end.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;

use super::approve::{approve_named, approve_present};
use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::json::EndedJson;
use crate::run::{FailureReason, Outcome};
use crate::runner::decide::Patience;
use crate::runner::{self, DrainReport, Options, RunnerError, Selection, Slots, Stay};
use crate::schedule::{Hold, Standing};
use crate::store::overview::Overview;
use crate::store::runner_lock::RunnerKind;
use crate::task::TaskId;
use crate::trigger::watch::wakes;
use crate::ui::board::Board;
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::{Format, PLAIN, standing};

/// Run tasks
///
/// Runs the tasks given, or all that are in the queue, several at a time, and
/// ends when nothing is left that may run. What an earlier start left behind
/// is finished first. One interrupt (Ctrl-C) lets what runs end and starts no
/// more; a second one cancels what runs.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Tasks to run; all by default
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// Run NUMBER tasks at the same time
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    slots: Option<u32>,
    /// Do not wait for a usage limit to be lifted
    #[arg(long)]
    no_wait: bool,
}

/// What a runner is to do.
pub(super) struct Wanted {
    pub(super) selection: Selection,
    pub(super) slots: Option<u32>,
    pub(super) patience: Patience,
    pub(super) stay: Stay,
    pub(super) kind: RunnerKind,
}

impl Wanted {
    /// Until nothing is left that may run, for a person who waits.
    pub(super) fn drain(selection: Selection, slots: Option<u32>, patience: Patience) -> Self {
        Self { selection, slots, patience, stay: Stay::UntilEmpty, kind: RunnerKind::Run }
    }
}

pub(crate) fn run(args: &RunArguments, context: &Context) -> Result<(), CommandError> {
    context.require_tasks("run tasks")?;
    let tasks: BTreeSet<TaskId> =
        args.tasks.iter().map(|part| context.resolve(part)).collect::<Result<_, _>>()?;
    approve(&tasks, context)?;
    let selection = if tasks.is_empty() { Selection::All } else { Selection::Only(tasks) };
    let patience = if args.no_wait { Patience::Leave } else { Patience::Wait };
    drain(context, Wanted::drain(selection, args.slots, patience))
}

/// Approves what the user asks to be run: the tasks by name, or all that are there, whoever brought them. Where another
/// runner is at work, this start runs nothing, so only a name counts.
fn approve(tasks: &BTreeSet<TaskId>, context: &Context) -> Result<(), CommandError> {
    for task in tasks {
        approve_named(task, context)?;
    }
    if tasks.is_empty() && !context.state()?.has_runner()? {
        approve_present(&context.overview()?, context)?;
    }
    Ok(())
}

/// Runs these tasks now, as a command does that was given `--run`.
pub(crate) fn run_tasks(context: &Context, tasks: Vec<TaskId>) -> Result<(), CommandError> {
    let selection = Selection::Only(tasks.into_iter().collect());
    drain(context, Wanted::drain(selection, None, Patience::Wait))
}

/// Drains the queue, tells what became of it, and gives the exit code that says so.
pub(super) fn drain(context: &Context, wanted: Wanted) -> Result<(), CommandError> {
    let selection = wanted.selection.clone();
    let report = perform(context, wanted)?;
    print(&report, context);
    if report.stops == 0 {
        tell_what_is_left(&context.overview()?, &selection, context);
    }
    verdict(&report)
}

/// Is the runner until there is no more to do.
pub(super) fn perform(context: &Context, wanted: Wanted) -> Result<DrainReport, CommandError> {
    refuse_what_cannot_run(&wanted.selection, context)?;
    let slots = match wanted.slots {
        Some(slots) => Slots::Asked(slots),
        None => Slots::Configured(context.settings(None)?.slots.value.number()),
    };
    let Wanted { selection, patience, stay, kind, .. } = wanted;
    let board = Arc::new(Board::new(&context.ui, kind));
    let engine = context.engine("run tasks", Arc::clone(&board) as _)?;
    let options = Options { selection, slots, patience, stay, kind };
    let report = runner::drain(&engine, &options, wakes(&engine));
    board.finish();
    report.map_err(refusal)
}

/// Says which tasks did not run and why, so that a quiet end does not hide them.
fn tell_what_is_left(overview: &Overview, selection: &Selection, context: &Context) {
    let held = overview.standings.iter().filter(|(id, _)| selection.contains(id));
    let held = held.filter(|(_, standing)| matches!(standing, Standing::Held { .. }));
    for (id, standing) in held {
        let words = standing::explanation(standing);
        context.ui.status(format_args!("{} {id}: {}", standing::word(standing), safe(&words)));
    }
}

/// Refuses to start for tasks that nobody would run, with what can be done about each.
fn refuse_what_cannot_run(selection: &Selection, context: &Context) -> Result<(), CommandError> {
    let Selection::Only(tasks) = selection else { return Ok(()) };
    let overview = context.overview()?;
    let refused: Vec<(&TaskId, &Standing)> = tasks
        .iter()
        .filter_map(|id| Some((id, overview.standings.get(id)?)))
        .filter(|(_, standing)| !may_run(standing))
        .collect();
    for (id, standing) in &refused {
        let explanation = standing::explanation(standing);
        context.ui.warning(format_args!("Task {id} is {}. {}", standing::word(standing), safe(&explanation)));
        if matches!(standing, Standing::Ended { .. }) {
            context.ui.hint(format_args!("To run it again: git claudedo retry --run {id}"));
        } else if let Some(step) = standing::next_step(id, standing) {
            context.ui.hint(format_args!("Next: {step}"));
        }
    }
    if refused.len() == tasks.len() { Err(CommandError::silent(ErrorKind::Negative)) } else { Ok(()) }
}

fn may_run(standing: &Standing) -> bool {
    match standing {
        Standing::Queued { .. }
        | Standing::Interrupted
        | Standing::Held { hold: Hold::Unsettled { .. } | Hold::Waiting { .. } | Hold::Service { .. } } => {
            true
        }
        Standing::Held {
            hold:
                Hold::Invalid
                | Hold::Refused { .. }
                | Hold::Untrusted
                | Hold::Unreadable { .. }
                | Hold::FileMissing,
        }
        | Standing::Draft
        | Standing::Running
        | Standing::Elsewhere { .. }
        | Standing::Ended { .. } => false,
    }
}

fn refusal(error: RunnerError) -> CommandError {
    match error {
        RunnerError::Busy { holder } => CommandError::new(
            ErrorKind::Busy,
            match holder {
                Some(holder) => format!("Process {} runs tasks in this repository already.", holder.process),
                None => "Another process runs tasks in this repository already.".to_owned(),
            },
        )
        .hint("It takes up new tasks by itself; to watch it: git claudedo events --follow"),
        RunnerError::Other(error) => error.into(),
    }
}

fn print(report: &DrainReport, context: &Context) {
    match context.ui.format() {
        Format::Json => {
            let ended: Vec<EndedJson<'_>> = report
                .ended
                .iter()
                .map(|ended| EndedJson { id: &ended.task, outcome: ended.outcome, message: &ended.message })
                .collect();
            context.ui.json(&ended);
        }
        Format::Text => {
            let mut table = Table::new(&[Column::Left, Column::Left, Column::Left]);
            for ended in &report.ended {
                let style = standing::outcome_style(ended.outcome);
                let cells = [
                    Cell::new(ended.outcome.name(), style),
                    Cell::new(ended.task.as_str(), PLAIN),
                    Cell::new(&ended.message, PLAIN),
                ];
                table.push(cells);
            }
            let text = table.render(crate::ui::width::screen_width());
            context.ui.write_answer(|out| out.write_all(text.as_bytes()));
        }
    }
    if report.ended.is_empty() && report.hold.is_none() && report.not_taken.is_empty() {
        context.ui.status(format_args!("Nothing to run"));
    }
    for task in &report.not_taken {
        context.ui.warning(format_args!("Task {task} was not taken or could not be recorded"));
    }
    if let Some(hold) = &report.hold {
        let until = hold.until.map_or(String::new(), |until| format!(" until {}", until.to_local_minutes()));
        context
            .ui
            .warning(format_args!("The queue is held{until}: {}", standing::service_words(hold.reason)));
    }
}

/// Returns the exit code: the gravest of what happened.
fn verdict(report: &DrainReport) -> Result<(), CommandError> {
    let any = |outcome| report.ended.iter().any(|ended| ended.outcome == outcome);
    let kind = if report.stops > 0 {
        ErrorKind::Interrupted
    } else if let Some(hold) = &report.hold {
        hold_kind(hold.reason)
    } else if any(Outcome::Failed) || any(Outcome::Interrupted) || !report.not_taken.is_empty() {
        ErrorKind::Negative
    } else if any(Outcome::Cancelled) {
        ErrorKind::Cancelled
    } else {
        return Ok(());
    };
    Err(CommandError::silent(kind))
}

fn hold_kind(reason: FailureReason) -> ErrorKind {
    if matches!(reason, FailureReason::Login | FailureReason::Billing) {
        ErrorKind::Login
    } else {
        ErrorKind::Negative
    }
}
