//! Makes text from outside harmless on a terminal.

use std::borrow::Cow;

/// Returns the text without anything that a terminal would obey.
pub fn safe(text: &str) -> Cow<'_, str> {
    Cow::Owned(text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect())
}
