//! Writes a task as tidy YAML: keys in one order, long text as a block, quotes only where needed.

use std::fmt::Write;

use super::file::TaskFile;
use super::value::Written;

/// Words that some reader of YAML takes for something other than text.
const RESERVED: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

impl TaskFile {
    /// Returns the task as YAML that [`TaskFile::parse`] reads back to the same value.
    pub fn to_yaml(&self) -> String {
        let mut yaml = String::new();
        entry(&mut yaml, "title", self.title.as_str());
        if let Some(description) = &self.description {
            entry(&mut yaml, "description", description.as_str());
        }
        if !self.subtasks.is_empty() {
            yaml.push_str("subtasks:\n");
        }
        for subtask in &self.subtasks {
            let _ = writeln!(yaml, "  - title: {}", scalar(subtask.title.as_str()));
            if subtask.completed {
                yaml.push_str("    completed: true\n");
            }
        }
        if let Some(list) = &self.list {
            entry(&mut yaml, "list", list.as_str());
        }
        if self.draft {
            yaml.push_str("draft: true\n");
        }
        if self.priority != 0 {
            let _ = writeln!(yaml, "priority: {}", self.priority);
        }
        if !self.after.is_empty() {
            let after: Vec<String> = self.after.iter().map(|id| scalar(id.as_str())).collect();
            let _ = writeln!(yaml, "after: [{}]", after.join(", "));
        }
        for (key, value) in self.settings.written() {
            match value {
                Written::Text(text) => entry(&mut yaml, key.name(), &text),
                Written::List(items) => {
                    let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
                    let _ = writeln!(yaml, "{}: [{}]", key.name(), items.join(", "));
                }
            }
        }
        yaml
    }
}

/// Returns a text on one line, quoted unless every reader of YAML takes it for a text, also within brackets.
pub(crate) fn scalar(text: &str) -> String {
    let plain_start = text.starts_with(|first: char| first.is_alphabetic());
    let plain_rest = |letter: char| letter.is_alphanumeric() || " _-./+=()'".contains(letter);
    let reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    if plain_start && text.chars().all(plain_rest) && !text.ends_with(' ') && !reserved {
        return text.to_owned();
    }
    // A JSON string is a double-quoted YAML scalar (YAML 1.2.2, chapter 1.3); the mark U+FEFF alone must be escaped.
    serde_json::Value::from(text).to_string().replace('\u{feff}', "\\ufeff")
}

fn entry(yaml: &mut String, key: &str, text: &str) {
    let _ = match block(text) {
        Some(block) => writeln!(yaml, "{key}: {block}"),
        None if is_number(text) => writeln!(yaml, "{key}: {text}"),
        None => writeln!(yaml, "{key}: {}", scalar(text)),
    };
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.')
}

/// Returns a text of several lines as a literal block, without the last newline, or `None` for other texts.
fn block(text: &str) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if !text.contains('\n')
        || body.trim().is_empty()
        || text.starts_with(['\n', '\t'])
        || text.contains('\u{feff}')
    {
        return None;
    }
    let indicator = if text.starts_with(' ') { "2" } else { "" };
    let (chomping, body) = match (text.ends_with('\n'), body.ends_with('\n')) {
        (false, _) => ("-", text),
        (true, false) => ("", body),
        (true, true) => ("+", body),
    };
    let mut block = format!("|{indicator}{chomping}");
    for line in body.split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.push_str("  ");
            block.push_str(line);
        }
    }
    Some(block)
}
