//! What is wrong with a file that a person wrote: the place, the line itself, the fix.

use std::fmt;
use std::path::{Path, PathBuf};

/// The most characters of a line that an error shows.
const LINE_CHARACTERS_MAX: usize = 100;

/// Parts the words of a complaint from each other while it travels through the YAML library as one text.
/// No complaint can hold it, since control characters are refused or escaped before they are quoted.
const SEPARATOR: char = '\u{1f}';

/// A file under `.claudedo/` that cannot be used, with the place, the line and what to do about it.
///
/// Reads as `read <path>:<line>:<column>: <problem>`, then the line with a caret, then the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TaskFileError {
    /// The file, as the caller named it.
    pub path: PathBuf,
    /// Where in it, when the problem has a place.
    pub place: Option<Place>,
    /// What is wrong, as a lowercase fragment.
    pub problem: String,
    /// What to do, as an imperative.
    pub fix: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The line itself, safe to print, cut to a readable length.
    pub text: String,
    /// How many characters of `text` stand before the place.
    pub caret: usize,
}

impl TaskFileError {
    /// Returns a problem with the file as a whole.
    pub fn whole(path: &Path, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place: None, problem: problem.into(), fix: fix.into() }
    }

    /// Returns the problem on one line: `line 3: unknown key "modle"`.
    pub fn summary(&self) -> String {
        match &self.place {
            Some(place) => format!("line {}: {}", place.line, self.problem),
            None => self.problem.clone(),
        }
    }
}

impl fmt::Display for TaskFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read {}", self.path.display())?;
        if let Some(place) = &self.place {
            let number = place.line.to_string();
            let (gutter, caret) = (" ".repeat(number.len()), " ".repeat(place.caret));
            writeln!(f, ":{number}:{}: {}", place.column, self.problem)?;
            writeln!(f, "  {number} | {}", place.text)?;
            writeln!(f, "  {gutter} | {caret}^")?;
        } else {
            writeln!(f, ": {}", self.problem)?;
        }
        write!(f, "  fix: {}", self.fix)
    }
}

/// A problem at a place, before it is known which file it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: String,
    pub(super) fix: String,
}

impl Flaw {
    pub(super) fn at(line: usize, column: usize, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { line, column, problem: problem.into(), fix: fix.into() }
    }

    /// Returns the flaw at a byte of the text.
    pub(super) fn at_byte(
        text: &[u8],
        byte: usize,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let before = &text[..byte.min(text.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        Self::at(line, column, problem, fix)
    }

    /// Returns the error that a person sees; `bytes` is the whole file.
    pub(super) fn in_file(self, path: &Path, bytes: &[u8]) -> TaskFileError {
        let line = bytes.split(|byte| *byte == b'\n').nth(self.line.saturating_sub(1)).unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches('\u{feff}').trim_end();
        let before = self.column.saturating_sub(1).min(line.chars().count());
        let skipped = before.saturating_sub(LINE_CHARACTERS_MAX * 2 / 3);
        let text = line.chars().skip(skipped).take(LINE_CHARACTERS_MAX).map(printable).collect();
        let place = Place { line: self.line, column: self.column, text, caret: before - skipped };
        TaskFileError { path: path.to_owned(), place: Some(place), problem: self.problem, fix: self.fix }
    }
}

/// Returns one text that carries a problem and its fix through the YAML library.
pub(super) fn complaint(problem: impl fmt::Display, fix: impl fmt::Display) -> String {
    format!("{SEPARATOR}{problem}{SEPARATOR}{fix}{SEPARATOR}")
}

/// Returns the problem and the fix that [`complaint`] packed, wherever they stand in the text.
pub(super) fn unpacked(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split(SEPARATOR).skip(1);
    Some((parts.next()?, parts.next()?))
}

/// Returns the character, or a stand-in of the same width for one that a terminal would act on.
fn printable(letter: char) -> char {
    match letter {
        '\t' => ' ',
        _ if super::strict::is_forbidden(letter) => '\u{fffd}',
        _ => letter,
    }
}
