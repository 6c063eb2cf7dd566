//! `git claudedo list`: every task and where it stands.

use std::cmp::Reverse;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::error::CommandError;
use super::json::{ListedJson, TaskJson};
use crate::schedule::{Hold, Standing, Wish};
use crate::store::history::TaskHistory;
use crate::store::overview::Overview;
use crate::store::tasks::LoadedTask;
use crate::task::{TaskFile, TaskFileError, TaskId};
use crate::timestamp::Timestamp;
use crate::ui::figures::{age, dollars};
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{DIM, Format, PLAIN, standing};

/// The columns of the table; the heading is for a person and left out for a pipe.
const HEADINGS: [&str; 6] = ["task", "state", "title", "runs", "cost", "age"];

/// List tasks
///
/// Shows what is at work first, then what waits, then what has ended, the
/// newest of each first. Files that cannot be read are told on standard error
/// and do not keep the others from being listed.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ListArguments {
    /// Show tasks in STATE only; may be repeated
    #[arg(short, long, value_name = "STATE")]
    state: Vec<StateWord>,
    /// Show tasks of LIST only
    #[arg(short, long, value_name = "LIST")]
    list: Option<String>,
    /// Include tasks that have records and no file; in a bare repository always
    #[arg(short, long)]
    all: bool,
    /// List what is kept on this machine instead, and why
    ///
    /// Worktrees, sandboxes, snapshots and what was left behind: how old and
    /// large each is, what keeps it, and what `git claudedo prune` would do with it.
    #[arg(long, conflicts_with_all = ["state", "list", "all"])]
    kept: bool,
}

/// The words of the state column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateWord {
    Draft,
    Held,
    Waiting,
    Invalid,
    Unreadable,
    Queued,
    Running,
    Interrupted,
    Elsewhere,
    Done,
    Failed,
    Cancelled,
}

/// One line of the list.
struct Row<'a> {
    id: &'a TaskId,
    standing: &'a Standing,
    title: Option<String>,
    file: Option<&'a LoadedTask>,
    history: Option<&'a TaskHistory>,
    changed: Option<Timestamp>,
}

pub(crate) fn run(args: &ListArguments, context: &Context) -> Result<(), CommandError> {
    if args.kept {
        return super::kept::run(context);
    }
    let overview = context.overview()?;
    let mut rows = rows(&overview);
    // Where nobody can write a task, the records are all there is.
    let all = args.all || context.tasks()?.is_none();
    rows.retain(|row| is_wanted(row, args) && (all || !is_gone(row, &overview)));
    load_missing_titles(&mut rows, context)?;
    rows.sort_by_key(|row| (rank(row.standing), Reverse(row.changed), row.id));
    for error in &overview.invalid {
        context.ui.warning(format_args!("failed to {}", safe(&error.to_string())));
    }
    match context.ui.format() {
        Format::Json => print_json(&rows, &overview, context),
        Format::Text => print_table(&rows, context)?,
    }
    if rows.is_empty() && overview.invalid.is_empty() {
        context.ui.hint(format_args!("To add a task: git claudedo add \"Fix the login redirect\""));
    }
    let is_untrusted = |row: &&Row<'_>| matches!(row.standing, Standing::Held { hold: Hold::Untrusted });
    match rows.iter().filter(is_untrusted).count() {
        0 => {}
        1 => context.ui.hint(format_args!("One task waits for approval: git claudedo approve --all")),
        more => context.ui.hint(format_args!("{more} tasks wait for approval: git claudedo approve --all")),
    }
    Ok(())
}

/// Returns what `list` and `show` say of one task in JSON.
pub(crate) fn task_json<'a>(overview: &'a Overview, id: &'a TaskId, standing: &'a Standing) -> TaskJson<'a> {
    let file = overview.tasks.get(id).map(|task| &task.file);
    let history = overview.histories.get(id);
    TaskJson {
        id,
        state: standing::word(standing),
        standing,
        title: file.map(|file| file.title.as_str()),
        list: file.and_then(|file| file.list.as_ref()).map(crate::task::ListName::as_str),
        runs: history.map_or(0, |history| history.runs.len()),
        cost_usd: history.and_then(TaskHistory::cost_usd),
        last_run: history.and_then(TaskHistory::last_run),
        invalid: invalid_file(overview, id).map(ToString::to_string),
    }
}

/// Returns why a task's file cannot be read.
pub(crate) fn invalid_file<'a>(overview: &'a Overview, id: &TaskId) -> Option<&'a TaskFileError> {
    overview.invalid.iter().find(|error| error.path.file_stem().is_some_and(|stem| stem == id.as_str()))
}

fn rows(overview: &Overview) -> Vec<Row<'_>> {
    let row = |(id, standing)| {
        let file = overview.tasks.get(id);
        let history = overview.histories.get(id);
        let ended = history.and_then(TaskHistory::last_run).map(|run| run.finished);
        let changed = ended.max(file.map(|file| file.modified));
        let title = file.map(|task| task.file.title.as_str().to_owned());
        Row { id, standing, title, file, history, changed }
    };
    overview.standings.iter().map(row).collect()
}

fn is_wanted(row: &Row<'_>, args: &ListArguments) -> bool {
    let word = standing::word(row.standing);
    let list = row.file.and_then(|task| task.file.list.as_ref()).map(crate::task::ListName::as_str);
    let in_state = args.state.is_empty() || args.state.iter().any(|wanted| wanted.word() == word);
    in_state && (args.list.is_none() || args.list.as_deref() == list)
}

/// Returns whether a task has records and no file.
fn is_gone(row: &Row<'_>, overview: &Overview) -> bool {
    let entry = overview.entries.binary_search_by(|entry| entry.task.cmp(row.id));
    entry.is_ok_and(|index| matches!(overview.entries[index].wish, Wish::Gone))
}

/// Reads the titles of tasks without a file from the files as they ran.
fn load_missing_titles(rows: &mut [Row<'_>], context: &Context) -> Result<(), CommandError> {
    let records = context.records()?;
    for row in rows.iter_mut().filter(|row| row.file.is_none()) {
        let Some(run) = row.history.and_then(TaskHistory::last_run) else { continue };
        let Some(text) = records.load_file(row.id, run, "task.yaml")? else { continue };
        // A file that could not be read then has no title now either.
        let task = TaskFile::parse(Path::new("task.yaml"), &text).ok();
        row.title = task.map(|task| task.title.as_str().to_owned());
    }
    Ok(())
}

/// What is at work first, what may run next, what waits for a person, what has ended last.
fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::Running | Standing::Elsewhere { .. } | Standing::Interrupted => 0,
        Standing::Queued { .. } => 1,
        Standing::Held { .. } => 2,
        Standing::Draft => 3,
        Standing::Ended { .. } => 4,
    }
}

fn print_table(rows: &[Row<'_>], context: &Context) -> Result<(), CommandError> {
    context.start_pager()?;
    let columns = [Column::Left, Column::Left, Column::Flexible, Column::Right, Column::Right, Column::Right];
    let mut table = Table::new(&columns);
    if context.ui.answers_a_terminal() && !rows.is_empty() {
        table.push(HEADINGS.map(|heading| Cell::new(heading, DIM)));
    }
    for row in rows {
        table.push(cells(row, context.now));
    }
    let text = table.render(screen_width());
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
    Ok(())
}

fn cells(row: &Row<'_>, now: Timestamp) -> [Cell; 6] {
    let runs = row.history.map_or(0, |history| history.runs.len());
    let cost = row.history.and_then(TaskHistory::cost_usd);
    let changed = row.changed.map(|changed| age(now.since(changed)));
    [
        Cell::new(row.id.as_str(), PLAIN),
        Cell::new(standing::word(row.standing), standing::style(row.standing)),
        Cell::new(row.title.as_deref().unwrap_or_default(), PLAIN),
        Cell::new(&if runs == 0 { "-".to_owned() } else { runs.to_string() }, PLAIN),
        Cell::new(&cost.map_or("-".to_owned(), dollars), PLAIN),
        Cell::new(&changed.unwrap_or_else(|| "-".to_owned()), DIM),
    ]
}

fn print_json(rows: &[Row<'_>], overview: &Overview, context: &Context) {
    let tasks = rows.iter().map(|row| {
        ListedJson::Task(TaskJson {
            title: row.title.as_deref(),
            ..task_json(overview, row.id, row.standing)
        })
    });
    let nameless = overview.invalid.iter().filter(|error| !is_listed(error, rows));
    let listed: Vec<ListedJson<'_>> = tasks.chain(nameless.map(ListedJson::invalid)).collect();
    context.ui.json(&listed);
}

/// Returns whether the file is told as a task's already.
fn is_listed(error: &TaskFileError, rows: &[Row<'_>]) -> bool {
    rows.iter().any(|row| error.path.file_stem().is_some_and(|stem| stem == row.id.as_str()))
}

impl StateWord {
    fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Invalid => "invalid",
            Self::Unreadable => "unreadable",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Elsewhere => "elsewhere",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
