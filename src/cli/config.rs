//! `git claudedo config`: the settings that apply, and who said so.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::config::Row;
use crate::store::tasks::LoadedTask;
use crate::task::{SettingKey, closest};
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{BOLD, DIM, Format, PLAIN};

/// Show the settings that apply
///
/// Shows what applies to a task, or to one that says nothing of its own: built-in
/// values, the user's git config (claudedo.*), .claudedo/config.yaml, the task's
/// list and the task. To change one for yourself: git config claudedo.KEY VALUE.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// Setting to show, as model or claudedo.maxTurns; all by default
    key: Option<String>,
    /// Show where each value is from
    #[arg(long)]
    show_origin: bool,
    /// Show what applies to TASK; a unique part of the id is enough
    #[arg(short, long, value_name = "TASK")]
    task: Option<String>,
}

/// One setting in JSON.
#[derive(Debug, Serialize)]
struct SettingJson<'a> {
    key: &'static str,
    git_key: String,
    value: Option<&'a str>,
    origin: String,
    meaning: &'static str,
}

pub(crate) fn run(args: &ConfigArguments, context: &Context) -> Result<(), CommandError> {
    let task = args.task.as_deref().map(|part| load_task(part, context)).transpose()?;
    let settings = context.settings(task.as_ref())?;
    let mut rows = settings.rows();
    if let Some(key) = &args.key {
        let key = require_key(key)?;
        rows.retain(|row| row.key == key);
    }
    match (context.ui.format(), &args.key) {
        (Format::Json, _) => context.ui.json(&rows.iter().map(setting_json).collect::<Vec<_>>()),
        (Format::Text, Some(_)) if !args.show_origin => return print_value(&rows, context),
        (Format::Text, _) => print_table(&rows, args, context),
    }
    Ok(())
}

fn load_task(part: &str, context: &Context) -> Result<LoadedTask, CommandError> {
    let id = context.resolve(part)?;
    let folder = context.require_tasks("read a task's settings")?;
    let found = folder.load(&id, context.now)?;
    found.map(|found| found.task).ok_or_else(|| {
        CommandError::fatal(format!("Task {id} has no file any more."))
            .hint(format!("The settings it ran with are in its record: git claudedo show --json {id}"))
    })
}

fn require_key(text: &str) -> Result<SettingKey, CommandError> {
    let key = SettingKey::from_name(text).or_else(|| SettingKey::from_git_key(text));
    key.ok_or_else(|| {
        let error = CommandError::new(ErrorKind::Usage, format!("There is no setting {text:?}."));
        match closest(text, SettingKey::ALL.iter().map(|key| key.name())) {
            Some(near) => error.hint(format!("The nearest is {near}")),
            None => error.hint("To see all: git claudedo config"),
        }
    })
}

/// Prints the bare value of one setting, for scripts; without one, the exit code says so, as `git config` does.
fn print_value(rows: &[Row<'_>], context: &Context) -> Result<(), CommandError> {
    match rows.first().and_then(|row| row.value.as_deref()) {
        Some(value) => {
            context.ui.answer(format_args!("{}", safe(value)));
            Ok(())
        }
        None => Err(CommandError::silent(ErrorKind::Negative)),
    }
}

fn print_table(rows: &[Row<'_>], args: &ConfigArguments, context: &Context) {
    let columns = if args.show_origin {
        [Column::Left, Column::Flexible, Column::Left]
    } else {
        [Column::Left, Column::Left, Column::Flexible]
    };
    let mut table = Table::new(&columns);
    for row in rows {
        let value = Cell::new(row.value.as_deref().unwrap_or("-"), BOLD);
        let last = if args.show_origin { row.origin.to_string() } else { row.key.meaning().to_owned() };
        table.push([Cell::new(row.key.name(), PLAIN), value, Cell::new(&last, DIM)]);
    }
    let text = table.render(screen_width());
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
}

fn setting_json<'a>(row: &'a Row<'_>) -> SettingJson<'a> {
    SettingJson {
        key: row.key.name(),
        git_key: row.key.git_key(),
        value: row.value.as_deref(),
        origin: row.origin.to_string(),
        meaning: row.key.meaning(),
    }
}
