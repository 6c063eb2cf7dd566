//! `git claudedo add`: write a task down.

use clap::Args;
use serde::Serialize;

use super::approve::approve_written;
use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::run::run_tasks;
use super::text::{TextArguments, edit, load_standard_input};
use crate::store::tasks::{TaskFolder, TaskFolderError};
use crate::store::trust::ApprovedBy;
use crate::task::value::SettingType;
use crate::task::{
    Budget, ID_RANDOM_BYTES, ListName, PermissionMode, RelativePath, Span, Subtask, TaskFile, TaskId, Text,
    Title, Whole, Word, new_task_id,
};
use crate::ui::Format;

/// What an editor shows below the text.
const EDITOR_HELP: &str = "The first line is the title: what is wanted, in a few words.\nThen a blank line and the description, in Markdown.\nAn empty text adds nothing.";

/// Add a task
///
/// Writes .claudedo/tasks/ID.yaml and prints the ID. The file is yours to
/// edit, commit and share. The first line of an edited or piped text is the
/// title, the rest the description.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct AddArguments {
    /// Title; - reads title and description from standard input
    title: Vec<String>,
    #[command(flatten)]
    text: TextArguments,
    /// Add a part of the task; may be repeated
    #[arg(long, value_name = "TITLE", value_parser = parse::<Title>)]
    subtask: Vec<Title>,
    /// Use the defaults of a list
    #[arg(long, value_name = "LIST", value_parser = parse::<ListName>)]
    list: Option<ListName>,
    /// Run once TASK is done; may be repeated
    #[arg(long, value_name = "TASK")]
    after: Vec<String>,
    /// Run before tasks with less
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Keep it out of the queue
    #[arg(long, conflicts_with = "run")]
    draft: bool,
    /// Run it at once
    #[arg(long)]
    run: bool,
    /// Choose the id
    #[arg(long, value_name = "ID")]
    id: Option<TaskId>,
    #[command(flatten)]
    settings: SettingArguments,
}

/// The settings that an option can give to a new task.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings of the task")]
struct SettingArguments {
    /// Commit or branch to start from
    #[arg(long, value_name = "COMMIT", value_parser = parse::<Word>)]
    base: Option<Word>,
    /// Model of the agent
    #[arg(long, value_parser = parse::<Word>)]
    model: Option<Word>,
    /// Instructions on top of the agent's own
    #[arg(long, value_name = "TEXT", value_parser = parse::<Text>)]
    system_prompt: Option<Text>,
    /// Agent file to work as
    #[arg(long, value_name = "PATH", value_parser = parse::<RelativePath>)]
    agent: Option<RelativePath>,
    /// Most turns of one run
    #[arg(long, value_name = "NUMBER", value_parser = parse::<Whole<1, 10000>>)]
    max_turns: Option<Whole<1, 10000>>,
    /// Most US dollars of one run
    #[arg(long, value_name = "DOLLARS", value_parser = parse::<Budget>)]
    max_budget_usd: Option<Budget>,
    /// What it may do without asking
    #[arg(long, value_name = "MODE", value_parser = parse::<PermissionMode>)]
    permission_mode: Option<PermissionMode>,
    /// Longest time of one run, as in 90m
    #[arg(long, value_name = "TIME", value_parser = parse::<Span>)]
    timeout: Option<Span>,
}

/// The answer in JSON.
#[derive(Debug, Serialize)]
struct Added<'a> {
    id: &'a TaskId,
    path: String,
}

pub(crate) fn run(args: &AddArguments, context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("add a task")?;
    let task = task(args, context)?;
    let id = create(args, &folder, &task)?;
    approve_written(&id, &task.to_yaml(), ApprovedBy::Added, context)?;
    let path = folder.task_path(&id);
    warn_about_list(&task, &folder, context);
    match context.ui.format() {
        Format::Json => context.ui.json(&Added { id: &id, path: path.display().to_string() }),
        Format::Text => context.ui.answer(format_args!("{id}")),
    }
    context.ui.status(format_args!("Added {}", path.display()));
    if args.run { run_tasks(context, vec![id]) } else { Ok(()) }
}

fn task(args: &AddArguments, context: &Context) -> Result<TaskFile, CommandError> {
    let (title, description) = words(args, context)?;
    let title = Title::from_text(&title)
        .map_err(|problem| CommandError::new(ErrorKind::Usage, format!("The title {problem}.")))?;
    let mut task = TaskFile::new(title);
    if !description.trim().is_empty() {
        let description = format!("{}\n", description.trim_end());
        let problem = |problem| CommandError::new(ErrorKind::Usage, format!("The description {problem}."));
        task.description = Some(Text::from_text(&description).map_err(problem)?);
    }
    task.subtasks =
        args.subtask.iter().map(|title| Subtask { title: title.clone(), completed: false }).collect();
    task.list.clone_from(&args.list);
    task.priority = args.priority;
    task.draft = args.draft;
    task.after = args.after.iter().map(|part| context.resolve(part)).collect::<Result<_, _>>()?;
    if let Some(base) = &args.settings.base {
        context.repository()?.resolve_commit(base.as_str())?;
    }
    set(&mut task, &args.settings);
    Ok(task)
}

fn set(task: &mut TaskFile, wanted: &SettingArguments) {
    let settings = &mut task.settings;
    settings.base.clone_from(&wanted.base);
    settings.model.clone_from(&wanted.model);
    settings.system_prompt.clone_from(&wanted.system_prompt);
    settings.agent.clone_from(&wanted.agent);
    settings.max_turns = wanted.max_turns;
    settings.max_budget_usd.clone_from(&wanted.max_budget_usd);
    settings.permission_mode = wanted.permission_mode;
    settings.timeout = wanted.timeout;
}

/// Returns title and description as they were given: by words, options, a file, standard input or an editor.
fn words(args: &AddArguments, context: &Context) -> Result<(String, String), CommandError> {
    let title = args.title.join(" ");
    let description = args.text.load()?;
    let nothing_given = title.is_empty() && description.is_none();
    if args.text.edit || (nothing_given && context.ui.answers_a_terminal()) {
        let start = format!("{title}\n\n{}", description.unwrap_or_default());
        return match edit(context, start.trim(), EDITOR_HELP)? {
            Some(text) => Ok(split(&text)),
            None => Err(CommandError::new(ErrorKind::Negative, "The text is empty; nothing was added.")),
        };
    }
    match (title.as_str(), description) {
        ("-", None) => load_standard_input().map(|text| split(&text)),
        ("" | "-", Some(text)) => Ok(split(&text)),
        ("", None) => Err(CommandError::new(ErrorKind::Usage, "A task needs a title.")
            .hint("git claudedo add \"Fix the login redirect\"")),
        (_, description) => Ok((title, description.unwrap_or_default())),
    }
}

/// Splits a text into its first line and the rest.
fn split(text: &str) -> (String, String) {
    let text = text.trim_start();
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    (title.trim().to_owned(), rest.trim_start_matches(['\r', '\n']).to_owned())
}

fn create(args: &AddArguments, folder: &TaskFolder, task: &TaskFile) -> Result<TaskId, CommandError> {
    let Some(id) = &args.id else {
        return Ok(folder.create(task, || new_task_id(task.title.as_str(), random()))?);
    };
    folder.create(task, || id.clone()).map_err(|error| match error {
        TaskFolderError::NoFreeId { .. } => {
            CommandError::fatal(format!("There is a task {id} already.")).hint("Choose another --id.")
        }
        TaskFolderError::Invalid(_) | TaskFolderError::File(_) | TaskFolderError::NotFound { .. } => {
            error.into()
        }
    })
}

/// The first bytes of a UUID version 4 are random; its version and variant stand further back (RFC 9562).
fn random() -> [u8; ID_RANDOM_BYTES] {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    std::array::from_fn(|index| bytes[index])
}

fn warn_about_list(task: &TaskFile, folder: &TaskFolder, context: &Context) {
    if let Some(list) = task.list.as_ref().filter(|list| !folder.list_path(list).exists()) {
        let path = folder.list_path(list);
        context.ui.warning(format_args!("There is no list {list} yet; the task fails unless there is one."));
        context.ui.hint(format_args!("Write its defaults into {}", path.display()));
    }
}

fn parse<T: SettingType>(text: &str) -> Result<T, String> {
    T::from_text(text).map_err(|problem| format!("{problem}; wanted is {}", T::expected()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_title_and_the_rest_the_description() {
        let pair = |title: &str, rest: &str| (title.to_owned(), rest.to_owned());
        assert_eq!(split("Fix it"), pair("Fix it", ""));
        assert_eq!(split("\n\nFix it  \r\n\r\nmore\n  text\n"), pair("Fix it", "more\n  text\n"));
    }
}
