//! What the YAML library says of a text, in the words of this program.

use serde::de::IgnoredAny;

use super::problem::{Flaw, unpacked};

/// What the library finds, in words that a person uses.
const FOUND: &[(&str, &str)] = &[
    ("sequence", "a list"),
    ("map", "a mapping"),
    ("unit", "nothing"),
    ("string ", "the text "),
    ("enum", "a tag"),
];

impl Flaw {
    /// Returns what is wrong with a text that is not YAML at all.
    pub(super) fn in_yaml(text: &str) -> Self {
        match serde_yaml::from_str::<IgnoredAny>(text) {
            Err(error) => Self::of(text, &error),
            Ok(_) => Self::at(1, 1, "this is not YAML that can be read", "write plain `key: value` lines"),
        }
    }

    /// Returns what the YAML library found, in the words of this program.
    pub(super) fn of(text: &str, error: &serde_yaml::Error) -> Self {
        let (line, column) = place(text, error);
        let words = error.to_string();
        let (path, problem, fix) = match (unpacked(&words), words.split_once("invalid type: ")) {
            (Some((problem, fix)), _) => (path(&words), problem.to_owned(), fix.to_owned()),
            (None, Some((_, mismatch))) => {
                let (found, expected) = mismatched(mismatch);
                (path(&words), found, format!("write {expected}"))
            }
            (None, None) => {
                let (problem, fix) = translated(text.lines().nth(line - 1).unwrap_or_default(), &words);
                ("", problem, fix)
            }
        };
        let problem = if path.is_empty() { problem } else { format!("{path}: {problem}") };
        Self::at(line, column, problem, fix)
    }
}

/// Returns where the error is; the end of the text counts as the end of its last line with anything on it.
fn place(text: &str, error: &serde_yaml::Error) -> (usize, usize) {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line().max(1), place.column()));
    if text.lines().nth(line - 1).is_some_and(|line| !line.trim().is_empty()) {
        return (line, column);
    }
    let before = text.lines().enumerate().take(line);
    let last = before.filter(|(_, line)| !line.trim().is_empty()).last();
    last.map_or((1, 1), |(index, line)| (index + 1, line.trim_end().chars().count() + 1))
}

/// Returns the key or item that the error is about: `subtasks[0].title`.
fn path(words: &str) -> &str {
    let end = words.find(['\u{1f}', ' ']).unwrap_or(0);
    words[..end].trim_end().strip_suffix(':').unwrap_or_default()
}

/// Returns what was found and what was wanted.
fn mismatched(mismatch: &str) -> (String, &str) {
    let mismatch = mismatch.rsplit_once(" at line ").map_or(mismatch, |(mismatch, _)| mismatch);
    let (found, expected) = mismatch.split_once(", expected ").unwrap_or((mismatch, "something else"));
    let known =
        FOUND.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", found.strip_prefix(theirs)?)));
    (format!("{} cannot stand here", known.unwrap_or_else(|| found.to_owned())), expected)
}

/// Returns the problem and the fix for an error of the parser.
fn translated(line: &str, words: &str) -> (String, String) {
    let words = words.split(" at line ").next().unwrap_or(words);
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') {
        return ("a tab in the indentation".to_owned(), "indent with spaces".to_owned());
    }
    let fix = match words {
        "unknown anchor" => {
            let problem = "a YAML alias, which is not supported here".to_owned();
            return (problem, "quote the text, or write it out".to_owned());
        }
        "mapping values are not allowed in this context" => {
            "quote the text if it holds a colon, or line the key up with the others"
        }
        "recursion limit exceeded" => "write it flat; nothing here needs so many levels",
        "found character that cannot start any token" => "quote the text",
        "found unexpected end of stream" => "close the quote or bracket",
        "could not find expected ':'" => {
            "write `key: value`, or indent every line of a long text under its `key: |`"
        }
        "did not find expected key" => "line all keys up, and quote text that starts with a sign",
        _ => "write plain `key: value` lines, and quote text that holds signs",
    };
    (format!("this is not YAML: {words}"), fix.to_owned())
}
