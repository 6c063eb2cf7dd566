//! How wide a line may be, and how wide a text is.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::os::env;

/// Narrower than this nothing can be laid out; the terminal breaks the lines then.
const WIDTH_MIN: usize = 20;

/// Returns the columns of the screen: `COLUMNS`, else those of the terminal at stdout.
///
/// `None` when the answer goes to no screen: then nothing is cut.
pub fn screen_width() -> Option<usize> {
    let columns = env::variable("COLUMNS").and_then(|text| text.parse::<usize>().ok());
    let width = columns.filter(|columns| *columns > 0).or_else(terminal_width)?;
    Some(width.max(WIDTH_MIN))
}

/// Returns the columns that a text takes on a screen.
pub fn display_width(text: &str) -> usize {
    // Control characters are gone by now, and every other character of ASCII takes one column.
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Returns the text cut to a number of columns, its last one an ellipsis when something is missing.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if display_width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut taken = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if taken + wide + 1 > columns {
            break;
        }
        taken += wide;
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_never_takes_more_columns_than_allowed() {
        for columns in 0..12 {
            for text in ["plain text here", "日本語のタイトル", "e\u{301}e\u{301}e\u{301}", ""] {
                assert!(display_width(&cut(text, columns)) <= columns, "{text:?} at {columns}");
            }
        }
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
    }
}
