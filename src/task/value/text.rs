//! Texts: a title, free text of several lines, a single word for an argument.

use std::fmt;

use super::{SettingType, json_by_text, quoted};
use crate::task::strict::{forbidden_problem, is_forbidden};

/// The longest title: more is a description.
const TITLE_CHARACTERS_MAX: usize = 200;

/// The longest word: no model, branch or commit has a longer name.
const WORD_CHARACTERS_MAX: usize = 200;

/// How YAML writes nothing (YAML 1.2.2, chapter 10.3.2). The library hands the words over without saying whether
/// they were quoted, so no text here may be one of them.
const YAML_NOTHING: [&str; 4] = ["~", "null", "Null", "NULL"];

/// One line that says what is wanted: 1 to 200 characters, trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

/// Text of any number of lines, without control characters. May be blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

/// One word that becomes an argument of a program: no spaces, not starting with a hyphen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

impl Title {
    /// Returns the title as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text {
    /// Returns the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Word {
    /// Returns the name of the commit that is checked out.
    pub fn head() -> Self {
        Self("HEAD".to_owned())
    }

    /// Returns the word as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingType for Title {
    fn expected() -> String {
        format!("one line of 1 to {TITLE_CHARACTERS_MAX} characters")
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let title = require_value(text)?.trim();
        let length = title.chars().count();
        if title.contains(['\n', '\t']) {
            return Err("has more than one line or a tab".to_owned());
        }
        if length > TITLE_CHARACTERS_MAX {
            return Err(format!("has {length} characters, and at most {TITLE_CHARACTERS_MAX} are allowed"));
        }
        require_allowed(title)?;
        Ok(Self(title.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl SettingType for Text {
    fn expected() -> String {
        "text without control characters".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        if YAML_NOTHING.contains(&text) {
            return Err("has no value".to_owned());
        }
        let text = text.replace("\r\n", "\n");
        require_allowed(&text)?;
        Ok(Self(text))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl SettingType for Word {
    fn expected() -> String {
        "one word that does not start with a hyphen".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let word = require_argument(text)?;
        if word.contains(char::is_whitespace) || word.chars().count() > WORD_CHARACTERS_MAX {
            return Err(format!("{} has a space or is too long", quoted(word)));
        }
        Ok(Self(word.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

json_by_text!(Title, Text, Word);

/// Refuses a blank text and the words that YAML reads as nothing.
pub(super) fn require_value(text: &str) -> Result<&str, String> {
    if text.trim().is_empty() || YAML_NOTHING.contains(&text.trim()) {
        return Err("has no value".to_owned());
    }
    Ok(text)
}

/// Returns a text that is safe as one argument of a program: one line, not an option.
pub(super) fn require_argument(text: &str) -> Result<&str, String> {
    require_value(text)?;
    require_allowed(text)?;
    if text.contains('\n') {
        return Err("has more than one line".to_owned());
    }
    if text.starts_with('-') {
        return Err(format!("{} starts with a hyphen, as an option does", quoted(text)));
    }
    Ok(text)
}

/// Refuses characters that hide text or command a terminal.
pub(super) fn require_allowed(text: &str) -> Result<(), String> {
    match text.chars().find(|letter| is_forbidden(*letter)) {
        None => Ok(()),
        Some(letter) => Err(format!("has a character that is not allowed: {}", forbidden_problem(letter))),
    }
}
