//! The message of the commit that holds what an agent changed.

use serde::Serialize;

use super::engine::{Template, TemplateError};
use crate::run::RunId;
use crate::task::TaskId;

/// The longest subject: what `git log --oneline` and the forges show whole.
const SUBJECT_CHARACTERS_MAX: usize = 72;

/// The longest body in characters; the whole answer of the agent is in the record.
const BODY_CHARACTERS_MAX: usize = 8_000;

/// The longest name of a model that a trailer repeats.
const MODEL_CHARACTERS_MAX: usize = 100;

/// What a commit template may use.
const VALUES: &str = "title, body, task, run, model (may be empty)";

/// What a commit message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitMessage<'a> {
    /// The task's title.
    pub title: &'a str,
    /// What the agent said of its work; may be empty.
    pub body: &'a str,
    /// The task.
    pub task: &'a TaskId,
    /// The run.
    pub run: RunId,
    /// The model as the agent named it, when it did.
    pub model: Option<&'a str>,
}

#[derive(Serialize)]
struct CommitValues<'a> {
    title: &'a str,
    body: &'a str,
    task: &'a str,
    run: String,
    model: &'a str,
}

/// Returns subject, body and trailers, ending in a newline.
///
/// The trailers are the last paragraph and written here alone; a line of the text that git would read as
/// the end of the message, or that poses as one of ours, is moved in by a space.
pub fn commit_message(message: &CommitMessage<'_>, template: &Template) -> Result<String, TemplateError> {
    let title = one_line(message.title, usize::MAX);
    let body: String = message.body.trim().chars().take(BODY_CHARACTERS_MAX).collect();
    let model = one_line(message.model.unwrap_or_default(), MODEL_CHARACTERS_MAX);
    let (task, run) = (message.task.as_str(), message.run.to_string());
    let values = CommitValues { title: &title, body: &body, task, run: run.clone(), model: &model };
    let rendered = template.render(values, VALUES)?;
    let (subject, body) = rendered.split_once('\n').unwrap_or((&rendered, ""));
    let mut text = format!("{}\n\n", shortened(&one_line(subject, usize::MAX)));
    let body = defused(body);
    if !body.trim().is_empty() {
        text.push_str(body.trim_matches('\n'));
        text.push_str("\n\n");
    }
    let assistant = if model.is_empty() { "Claude Code".to_owned() } else { format!("Claude Code:{model}") };
    Ok(format!("{text}Claudedo-Task: {task}\nClaudedo-Run: {run}\nAssisted-by: {assistant}\n"))
}

/// Returns a text without line breaks and control characters, trimmed and cut.
fn one_line(text: &str, characters_max: usize) -> String {
    let spaced: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(characters_max).collect()
}

/// Cuts a subject at the end of a word where there is one.
fn shortened(subject: &str) -> String {
    if subject.chars().count() <= SUBJECT_CHARACTERS_MAX {
        return subject.to_owned();
    }
    let cut: String = subject.chars().take(SUBJECT_CHARACTERS_MAX - 1).collect();
    let kept = match cut.rsplit_once(' ') {
        Some((kept, _)) if kept.chars().count() > SUBJECT_CHARACTERS_MAX / 2 => kept,
        _ => &cut,
    };
    format!("{}…", kept.trim_end())
}

/// Takes away a body's power over git: `---` and diff headers end a message for `git am` and
/// `git interpret-trailers`, and trailers are ours alone.
fn defused(body: &str) -> String {
    let is_powerful = |line: &str| {
        let lower = line.to_ascii_lowercase();
        ["---", "diff -", "index: ", "claudedo-", "assisted-by:"].iter().any(|start| lower.starts_with(start))
    };
    let mut lines = Vec::new();
    for line in body.lines() {
        let line: String = line.chars().filter(|letter| *letter == '\t' || !letter.is_control()).collect();
        lines.push(if is_powerful(&line) { format!(" {line}") } else { line });
    }
    lines.join("\n")
}
