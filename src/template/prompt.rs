//! What the agent is asked: the task as Markdown, and the words for a further try.

use serde::Serialize;

use super::engine::{Template, TemplateError};
use crate::task::{TaskFile, Text};

/// The most characters of an error that a retry repeats. The agent's own session has the rest.
const ERROR_CHARACTERS_MAX: usize = 4_000;

/// What a prompt template may use.
const VALUES: &str = "title, description (trimmed, or empty), subtasks (each with title and completed)";

#[derive(Serialize)]
struct PromptValues<'a> {
    title: &'a str,
    description: &'a str,
    subtasks: Vec<SubtaskValues<'a>>,
}

#[derive(Serialize)]
struct SubtaskValues<'a> {
    title: &'a str,
    completed: bool,
}

/// Returns the prompt of a task's first run.
///
/// It never starts with `/`, nor does what remains of it after trimming: Claude Code 2.1.330 would take
/// it for one of its own commands and never ask the model.
pub fn prompt(task: &TaskFile, template: &Template) -> Result<String, TemplateError> {
    let subtasks = task.subtasks.iter();
    let values = PromptValues {
        title: task.title.as_str(),
        description: task.description.as_ref().map_or("", Text::as_str).trim(),
        subtasks: subtasks
            .map(|subtask| SubtaskValues { title: subtask.title.as_str(), completed: subtask.completed })
            .collect(),
    };
    let rendered = template.render(values, VALUES)?;
    Ok(if starts_like_a_command(&rendered) { format!("Task: {rendered}") } else { rendered })
}

/// Returns the prompt that sends an agent back to a run that failed.
pub fn retry_prompt(error: &str) -> String {
    let error: String =
        error.trim().chars().filter(|letter| *letter != '\0').take(ERROR_CHARACTERS_MAX).collect();
    format!("The previous attempt failed with: {error} Try again and fix the issues.")
}

/// Returns the prompt of a follow-up: a person's words, made safe as those of a task are.
pub fn follow_up_prompt(text: &str) -> String {
    let text = text.trim();
    if starts_like_a_command(text) { format!("Follow-up: {text}") } else { text.to_owned() }
}

/// Looks past all that any program might trim: white space and marks without width.
fn starts_like_a_command(text: &str) -> bool {
    let is_invisible = |letter: char| {
        letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    text.trim_start_matches(is_invisible).starts_with('/')
}
