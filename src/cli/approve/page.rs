//! What a person reads before a task from elsewhere may run.
//!
//! Everything of it was written by somebody else, so it is shown whole, in the form that the agent gets, with every
//! character that a terminal would obey or hide written out.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::context::Context;
use super::super::error::CommandError;
use crate::config::Resolved;
use crate::git::PathCommit;
use crate::store::tasks::{SettingsSource, TaskWithText};
use crate::store::trust::{Approval, TASKS_FOLDER};
use crate::task::{SettingKey, TaskId};
use crate::template::{TemplateName, prompt};
use crate::timestamp::Timestamp;
use crate::ui::safe::visible;
use crate::ui::{BOLD, DIM, GREEN, RED};

/// Settings that say what an agent may do, shown whoever set them.
const TELLING: [&str; 6] =
    ["agent_command", "claude", "allowed_tools", "permission_mode", "base", "project_settings"];

/// One task with all that a person should know of it.
#[derive(Debug)]
pub(super) struct Page {
    task: TaskWithText,
    prompt: String,
    settings: Vec<SettingLine>,
    commit: Option<PathCommit>,
    former: Option<Approval>,
}

#[derive(Debug, Serialize)]
struct SettingLine {
    key: &'static str,
    value: Option<String>,
    origin: String,
}

/// One task in JSON.
#[derive(Debug, Serialize)]
pub(super) struct PageJson<'a> {
    id: &'a TaskId,
    path: String,
    sha256: String,
    title: &'a str,
    prompt: &'a str,
    settings: &'a [SettingLine],
    last_commit: Option<CommitJson<'a>>,
    approved_before: Option<FormerJson<'a>>,
    text: String,
}

#[derive(Debug, Serialize)]
struct CommitJson<'a> {
    id: String,
    /// What the commit says; nothing proves it.
    author: &'a str,
    email: &'a str,
    authored: Timestamp,
    /// Whether the file is as the commit left it.
    same: bool,
}

#[derive(Debug, Serialize)]
struct FormerJson<'a> {
    when: Timestamp,
    text: &'a str,
}

/// Gathers what is known of tasks. What they have in common is loaded once.
pub(super) fn load_pages(tasks: Vec<TaskWithText>, context: &Context) -> Result<Vec<Page>, CommandError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let folder = context.require_tasks("approve a task")?;
    let template = folder.load_template(TemplateName::Prompt)?;
    let changes = context.repository()?.last_changes(TASKS_FOLDER, tasks.len());
    let mut formers = context.state()?.load_last_approvals()?;
    let mut settings = context.settings_source(&folder);
    let load = |task: TaskWithText| {
        let prompt = prompt(&task.task.file, &template)?;
        let commit = changes.of(&format!("{}.yaml", task.id), &task.task.content)?;
        let settings = setting_lines(&task, settings.as_mut(), context);
        let former = formers.remove(&task.id);
        Ok(Page { task, prompt, settings, commit, former })
    };
    tasks.into_iter().map(load).collect()
}

/// Returns the settings to show. Where they cannot be known, the task can be approved nevertheless, with a warning.
fn setting_lines(
    task: &TaskWithText,
    source: Result<&mut SettingsSource<'_>, &mut CommandError>,
    context: &Context,
) -> Vec<SettingLine> {
    let said = match source {
        Ok(source) => match source.of(Some(&task.task)) {
            Ok(settings) => return lines(&settings.resolved),
            Err(error) => CommandError::from(error).message().unwrap_or_default().to_owned(),
        },
        Err(error) => error.message().unwrap_or_default().to_owned(),
    };
    context.ui.warning(format_args!("The settings of {} cannot be shown: {}", task.id, visible(&said)));
    Vec::new()
}

impl Page {
    /// Returns the bytes that the page shows.
    pub(super) fn task(&self) -> &TaskWithText {
        &self.task
    }

    /// Returns the page for people.
    pub(super) fn text(&self) -> String {
        let title = visible(self.task.task.file.title.as_str());
        let mut text = format!("{BOLD}{id}{BOLD:#}: {title}\n", id = self.task.id);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", self.origin());
        section(&mut text, "The agent is told", &visible(&self.prompt));
        section(&mut text, "With these settings", &self.settings());
        if let Some(former) = self.former.as_ref().filter(|former| former.text.as_bytes() != self.task.bytes)
        {
            let heading = format!("Changed since it was approved on {}", former.when.to_local_minutes());
            section(&mut text, &heading, &difference(&former.text, &self.file_text()));
        }
        text.push('\n');
        text
    }

    /// Returns the page for programs.
    pub(super) fn json(&self) -> PageJson<'_> {
        PageJson {
            id: &self.task.id,
            path: self.task.task.path.display().to_string(),
            sha256: self.task.task.content.id.to_string(),
            title: self.task.task.file.title.as_str(),
            prompt: &self.prompt,
            settings: &self.settings,
            last_commit: self.commit.as_ref().map(|commit| CommitJson {
                id: commit.id.to_string(),
                author: &commit.author,
                email: &commit.email,
                authored: commit.authored,
                same: commit.holds_the_file,
            }),
            approved_before: self
                .former
                .as_ref()
                .map(|former| FormerJson { when: former.when, text: &former.text }),
            text: self.file_text(),
        }
    }

    fn file_text(&self) -> String {
        String::from_utf8_lossy(&self.task.bytes).into_owned()
    }

    /// Says who brought the file, as far as git can tell: anybody can write any name into a commit.
    fn origin(&self) -> String {
        let Some(commit) = &self.commit else {
            return "No commit of this branch has the file.".to_owned();
        };
        let changed = if commit.holds_the_file { "" } else { " The file was changed since." };
        format!(
            "Last changed by commit {id:.12}, which says it is by {author} <{email}>, {date}.{changed}",
            id = commit.id.to_string(),
            author = visible(&commit.author),
            email = visible(&commit.email),
            date = commit.authored.to_local_minutes(),
        )
    }

    fn settings(&self) -> String {
        let mut text = String::new();
        for line in &self.settings {
            let value = visible(line.value.as_deref().unwrap_or("-"));
            let value = value.trim_end().replace('\n', "\n    ");
            let origin = visible(&line.origin);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: {value} {DIM}({origin}){DIM:#}", line.key);
        }
        text
    }
}

/// Returns the settings that a file of the repository made, and those that say what an agent may do.
fn lines(settings: &Resolved) -> Vec<SettingLine> {
    let telling = |key: SettingKey| TELLING.contains(&key.name());
    let rows = settings.rows().into_iter().filter(|row| row.origin.is_repository_side() || telling(row.key));
    let line = |row: crate::config::Row<'_>| SettingLine {
        key: row.key.name(),
        origin: row.origin.to_string(),
        value: row.value,
    };
    rows.map(line).collect()
}

/// Adds a part with its heading, indented, or nothing when it is blank.
fn section(text: &mut String, heading: &str, body: &str) {
    if body.trim().is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{BOLD}{heading}{BOLD:#}\n");
    for line in body.trim_end().lines() {
        let _ = writeln!(text, "  {line}");
    }
}

/// Returns the lines that differ, without those that are the same before and after them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |(old, new): &(&&str, &&str)| old == new;
    let before = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let mut text = String::new();
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    for (lines, sign, style) in [(old, '-', RED), (new, '+', GREEN)] {
        for line in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{style}{sign} {}{style:#}", visible(line));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_what_lies_between_equal_beginnings_and_ends() {
        let shown = |old, new| anstream::adapter::strip_str(&difference(old, new)).to_string();
        assert_eq!(shown("a\nb\nc\n", "a\nx\ny\nc\n"), "- b\n+ x\n+ y\n");
        assert_eq!(shown("a\na\n", "a\n"), "- a\n");
        assert_eq!(shown("", "a\u{200b}\n"), "+ a<U+200B>\n");
        assert_eq!(shown("a\n", "a\n"), "");
    }
}
