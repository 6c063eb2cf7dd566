//! `git claudedo show`: all that is known of one task.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;

use super::context::Context;
use super::error::CommandError;
use super::json::ShownJson;
use super::list::{invalid_file, task_json};
use super::snapshots::{json, of_task, repository_of};
use crate::run::RunRecord;
use crate::schedule::Standing;
use crate::store::history::{RunSummary, TaskHistory};
use crate::store::overview::Overview;
use crate::store::records::Records;
use crate::store::snapshots::TaskSnapshot;
use crate::task::{TaskFileError, TaskId};
use crate::ui::figures::{dollars, elapsed};
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{BOLD, DIM, Format, PLAIN, standing};

/// Show a task
///
/// Prints what is wanted, where it stands, its runs, what the last one said
/// and which command comes next.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Task; a unique part of the id is enough
    task: String,
}

/// All that is known of one task.
struct Shown<'a> {
    id: &'a TaskId,
    overview: &'a Overview,
    standing: &'a Standing,
    history: &'a TaskHistory,
    record: Option<RunRecord>,
    invalid: Option<&'a TaskFileError>,
    result: Option<String>,
    error: Option<String>,
    snapshot: Option<TaskSnapshot>,
    next: Option<String>,
}

pub(crate) fn run(args: &ShowArguments, context: &Context) -> Result<(), CommandError> {
    let id = context.resolve(&args.task)?;
    let overview = context.overview_of(&id)?;
    let nothing = TaskHistory::default();
    let history = overview.histories.get(&id).unwrap_or(&nothing);
    let Some(standing) = overview.standings.get(&id) else {
        return Err(CommandError::fatal(format!("Task {id} is gone.")));
    };
    let records = context.records()?;
    let shown = Shown {
        id: &id,
        overview: &overview,
        standing,
        history,
        invalid: invalid_file(&overview, &id),
        record: match history.last_run() {
            Some(run) => records.load_record(&id, run)?,
            None => None,
        },
        result: last_text(&records, &id, history, "result.md")?,
        error: last_text(&records, &id, history, "error.md")?,
        // Where the list names a repository that is gone, there is no more to say of its snapshots.
        snapshot: of_task(&id, context).ok().and_then(|mut snapshots| snapshots.pop()),
        next: standing::next_step(&id, standing),
    };
    match context.ui.format() {
        Format::Json => context.ui.json(&shown.json(context)?),
        Format::Text => {
            context.start_pager()?;
            let text = shown.text();
            context.ui.write_answer(|out| out.write_all(text.as_bytes()));
        }
    }
    Ok(())
}

fn last_text(
    records: &Records,
    id: &TaskId,
    history: &TaskHistory,
    name: &str,
) -> Result<Option<String>, CommandError> {
    let Some(run) = history.last_run() else { return Ok(None) };
    let bytes = records.load_file(id, run, name)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

impl Shown<'_> {
    fn json(&self, context: &Context) -> Result<ShownJson<'_>, CommandError> {
        let task = self.overview.tasks.get(self.id);
        let newest_snapshot = match &self.snapshot {
            Some(snapshot) => Some(json(snapshot, &repository_of(self.id, context)?)),
            None => None,
        };
        Ok(ShownJson {
            task: task_json(self.overview, self.id, self.standing),
            path: self.path(),
            file: task.map(|task| &*task.file),
            all_runs: &self.history.runs,
            record: self.record.as_ref(),
            result: self.result.as_deref(),
            error: self.error.as_deref(),
            next: self.next.as_deref(),
            newest_snapshot,
        })
    }

    fn path(&self) -> Option<&Path> {
        let file = self.overview.tasks.get(self.id).map(|task| task.path.as_path());
        file.or_else(|| self.invalid.map(|error| error.path.as_path()))
    }

    fn text(&self) -> String {
        let mut text = self.heading();
        text.push_str(&self.facts());
        text.push_str(&self.wish());
        if let Some(error) = self.invalid {
            section(&mut text, "File cannot be used", &error.to_string());
        }
        if !self.history.runs.is_empty() {
            section(&mut text, "Runs", &self.runs());
        }
        section(&mut text, "Warnings", &self.warnings());
        section(&mut text, "Error", self.error.as_deref().unwrap_or_default());
        section(&mut text, "Result", self.result.as_deref().unwrap_or_default());
        text
    }

    /// What a reader of the last run should know: what was not kept, not allowed, not as usual.
    fn warnings(&self) -> String {
        let Some(record) = &self.record else { return String::new() };
        let denied = record.permission_denials.iter();
        let denied = denied.map(|denial| format!("not allowed: {} {}", denial.tool, denial.input));
        let swept = record.swept.iter().map(|process| format!("left running and ended: {}", process.command));
        let lines: Vec<String> = record.warnings.iter().cloned().chain(denied).chain(swept).collect();
        lines.iter().fold(String::new(), |text, line| text + "- " + line + "\n")
    }

    fn heading(&self) -> String {
        let title = self.overview.tasks.get(self.id).map_or("", |task| task.file.title.as_str());
        format!("{BOLD}{}{BOLD:#}  {}\n\n", self.id, safe(title)).replace("  \n", "\n")
    }

    /// The lines with a name and a value.
    fn facts(&self) -> String {
        let mut table = Table::new(&[Column::Left, Column::Left]);
        let mut fact = |name: &str, value: &str, style| {
            if !value.is_empty() {
                table.push([Cell::new(name, DIM), Cell::new(value, style)]);
            }
        };
        let word = standing::word(self.standing);
        let explanation = standing::explanation(self.standing);
        let explained =
            if explanation.is_empty() { word.to_owned() } else { format!("{word}: {explanation}") };
        fact("state", &explained, standing::style(self.standing));
        fact("file", &self.path().map_or("none".to_owned(), |path| path.display().to_string()), PLAIN);
        let task = self.overview.tasks.get(self.id).map(|task| &task.file);
        fact("list", task.and_then(|task| task.list.as_ref()).map_or("", |list| list.as_str()), PLAIN);
        let after: Vec<&str> = task.into_iter().flat_map(|task| &task.after).map(TaskId::as_str).collect();
        fact("after", &after.join(", "), PLAIN);
        if let Some(run) = self.history.last_run() {
            fact("branch", run.branch.as_deref().unwrap_or_default(), PLAIN);
            fact("commit", run.commit.as_deref().unwrap_or_default(), PLAIN);
            fact("session", run.session.as_ref().map_or("", |session| session.as_str()), PLAIN);
        }
        let snapshot = self.snapshot.as_ref();
        let snapshot = snapshot.map(|newest| {
            format!("{}, {}, {}", newest.name(), safe(&newest.why), newest.taken.to_local_minutes())
        });
        fact("snapshot", &snapshot.unwrap_or_default(), PLAIN);
        fact("cost", &self.history.cost_usd().map_or(String::new(), dollars), PLAIN);
        fact("next", self.next.as_deref().unwrap_or_default(), BOLD);
        table.render(None)
    }

    /// What is wanted beyond the title.
    fn wish(&self) -> String {
        let Some(task) = self.overview.tasks.get(self.id).map(|task| &task.file) else {
            return String::new();
        };
        let mut text = String::new();
        section(&mut text, "Description", task.description.as_ref().map_or("", |text| text.as_str()));
        let subtasks = task.subtasks.iter().map(|subtask| {
            let mark = if subtask.completed { 'x' } else { ' ' };
            format!("- [{mark}] {}\n", subtask.title)
        });
        section(&mut text, "Sub-tasks", &subtasks.collect::<String>());
        text
    }

    fn runs(&self) -> String {
        let mut table = Table::new(&[
            Column::Right,
            Column::Left,
            Column::Left,
            Column::Left,
            Column::Right,
            Column::Right,
            Column::Left,
        ]);
        for run in &self.history.runs {
            table.push(run_cells(run));
        }
        table.render(screen_width().map(|width| width.saturating_sub(2)))
    }
}

fn run_cells(run: &RunSummary) -> [Cell; 7] {
    let changes = run.changes.filter(|changes| changes.files > 0).map(|changes| {
        let files = crate::ui::figures::count(usize::try_from(changes.files).unwrap_or(usize::MAX), "file");
        format!("{files}, +{} -{}", changes.insertions, changes.deletions)
    });
    [
        Cell::new(&run.number.to_string(), BOLD),
        Cell::new(run.kind.name(), PLAIN),
        Cell::new(run.outcome.name(), standing::outcome_style(run.outcome)),
        Cell::new(&run.started.to_local_minutes(), DIM),
        Cell::new(&elapsed(run.finished.since(run.started)), PLAIN),
        Cell::new(&run.cost_usd.map_or("-".to_owned(), dollars), PLAIN),
        Cell::new(&changes.unwrap_or_default(), PLAIN),
    ]
}

/// Adds a part with its heading, indented, or nothing when it is blank.
fn section(text: &mut String, heading: &str, body: &str) {
    let body = safe(body.trim_end());
    if body.trim().is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{BOLD}{heading}{BOLD:#}\n");
    for line in body.lines() {
        text.push_str(if line.is_empty() { "" } else { "  " });
        text.push_str(line);
        text.push('\n');
    }
}
