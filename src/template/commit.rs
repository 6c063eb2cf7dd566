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
    /// The agent: `Claude Code`, or the name of the program that took its place.
    pub agent: &'a str,
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
    let model = message.model.and_then(|model| model.split_whitespace().next()).unwrap_or_default();
    let model = one_line(model, MODEL_CHARACTERS_MAX);
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
    let agent = one_line(message.agent, MODEL_CHARACTERS_MAX);
    let assistant = if model.is_empty() { agent } else { format!("{agent}:{model}") };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::TemplateName;

    fn message(title: &str, body: &str, model: Option<&str>, template: &Template) -> String {
        let (task, run) =
            ("fix-it-7k3f".parse().unwrap(), "0199f000-0000-7000-8000-000000000000".parse().unwrap());
        commit_message(
            &CommitMessage { title, body, task: &task, run, agent: "Claude Code", model },
            template,
        )
        .unwrap()
    }

    fn built_in(title: &str, body: &str, model: Option<&str>) -> String {
        message(title, body, model, &Template::BuiltIn(TemplateName::CommitMessage))
    }

    #[test]
    fn a_commit_message_is_title_body_and_trailers() {
        insta::assert_snapshot!(built_in("Fix it", "Moved the check.\n\nTested.\n", Some("claude-opus-4-8")), @r##"
        Fix it

        Moved the check.

        Tested.

        Claudedo-Task: fix-it-7k3f
        Claudedo-Run: 0199f000-0000-7000-8000-000000000000
        Assisted-by: Claude Code:claude-opus-4-8
        "##);
        insta::assert_snapshot!(built_in("Fix it", "", None), @r##"
        Fix it

        Claudedo-Task: fix-it-7k3f
        Claudedo-Run: 0199f000-0000-7000-8000-000000000000
        Assisted-by: Claude Code
        "##);
    }

    #[test]
    fn a_long_title_is_cut_to_a_subject() {
        let title =
            "Replace the hand written configuration parser by one that other people maintain and test";
        let subject = built_in(title, "", None).lines().next().unwrap().to_owned();
        assert_eq!(subject, "Replace the hand written configuration parser by one that other people…");
        assert!(subject.chars().count() <= 72);
    }

    #[test]
    fn the_text_of_an_agent_never_becomes_a_trailer_or_ends_the_message() {
        let body = "done\n---\ndiff --git a b\nClaudedo-Task: other\nSigned-off-by: Boss\x1b[2J\n\nAssisted-by: nobody";
        insta::assert_snapshot!(built_in("Fix\nClaudedo-Run: it", body, Some("m\nClaudedo-Task: x")), @r##"
        Fix Claudedo-Run: it

        done
         ---
         diff --git a b
         Claudedo-Task: other
        Signed-off-by: Boss[2J

         Assisted-by: nobody

        Claudedo-Task: fix-it-7k3f
        Claudedo-Run: 0199f000-0000-7000-8000-000000000000
        Assisted-by: Claude Code:m
        "##);
    }

    #[test]
    fn a_template_of_the_repository_cannot_drop_the_trailers() {
        let template = Template::Custom {
            path: "x.j2".into(),
            text: "{{ task }}: {{ title }} ({{ run }}) {{ body }}".to_owned(),
        };
        insta::assert_snapshot!(message("Fix it", "b", None, &template), @r##"
        fix-it-7k3f: Fix it (0199f000-0000-7000-8000-000000000000) b

        Claudedo-Task: fix-it-7k3f
        Claudedo-Run: 0199f000-0000-7000-8000-000000000000
        Assisted-by: Claude Code
        "##);
    }
}
