//! Makes text from outside safe to print on a terminal.
//!
//! What an agent, a task file or a service says may hold escape sequences that rewrite what stands on the
//! screen, fill the clipboard (OSC 52), hide where a link leads (OSC 8), or make text read in another order than
//! it is written. Everything of that kind passes through [`safe`] before it is printed, styles of our own
//! are added afterwards. Nothing that can be read is hidden: a sequence without an end loses its start only.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// What stands in for a character that is not printed.
const REPLACEMENT: char = '\u{fffd}';

/// Returns the text without escape sequences, and with control characters replaced by U+FFFD.
///
/// Line feeds and tabs stay; a carriage return before a line feed is dropped. The sequences are those of
/// ECMA-48 in their 7-bit and 8-bit forms, and the bidirectional controls are those of Unicode Standard Annex 9
/// that open or close an embedding, an override or an isolate.
pub fn safe(text: &str) -> Cow<'_, str> {
    let Some(start) = text.find(is_unsafe) else {
        return Cow::Borrowed(text);
    };
    let mut clean = String::with_capacity(text.len());
    clean.push_str(&text[..start]);
    let mut rest = &text[start..];
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match sequence(character, after) {
            Some(after_sequence) => after_sequence,
            None if character == '\r' && after.starts_with('\n') => after,
            None => {
                clean.push(if is_unsafe(character) { REPLACEMENT } else { character });
                after
            }
        };
    }
    Cow::Owned(clean)
}

/// Returns the text with every character written out, as `<U+200B>`, that a terminal would obey or not show.
///
/// For a person who is to judge a text: a model reads what no eye can see. Line feeds and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |character: char| is_unsafe(character) || is_invisible(character);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if is_hidden(character) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character takes no room: the default ignorable code points of Unicode 16.0, among them the tags and
/// variation selectors that can spell whole sentences, and the marks of interlinear annotation.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

/// Returns what follows the escape sequence that begins with this character, or `None` when none does.
fn sequence(character: char, after: &str) -> Option<&str> {
    match character {
        '\u{9b}' => Some(after_control_sequence(after)),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Some(after_control_string(after)),
        '\u{1b}' => match after.chars().next() {
            Some('[') => Some(after_control_sequence(&after[1..])),
            Some('P' | 'X' | ']' | '^' | '_') => Some(after_control_string(&after[1..])),
            _ => Some(after_escape(after)),
        },
        _ => None,
    }
}

/// Skips parameters, intermediates and the final character, as far as they are there.
fn after_control_sequence(text: &str) -> &str {
    let text = text.trim_start_matches(within('\u{30}'..='\u{3f}'));
    let text = text.trim_start_matches(within('\u{20}'..='\u{2f}'));
    text.strip_prefix(within('\u{40}'..='\u{7e}')).unwrap_or(text)
}

/// Skips to the string terminator or the bell; nothing when another control character comes first.
///
/// A terminal would go on swallowing what follows, and a sequence that never ends would hide all of it. The
/// first control character ends the search also so that a text full of such starts is read but once.
fn after_control_string(text: &str) -> &str {
    let end = text.find(char::is_control).map_or("", |end| &text[end..]);
    end.strip_prefix("\u{1b}\\").or_else(|| end.strip_prefix(['\u{7}', '\u{9c}'])).unwrap_or(text)
}

/// Skips intermediates and the final character of a short sequence, as far as they are there.
fn after_escape(text: &str) -> &str {
    let text = text.trim_start_matches(within('\u{20}'..='\u{2f}'));
    text.strip_prefix(within('\u{30}'..='\u{7e}')).unwrap_or(text)
}

fn within(range: RangeInclusive<char>) -> impl Fn(char) -> bool {
    move |character| range.contains(&character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_is_not_touched() {
        let text = "Zażółć\tgęślą\njaźń — 日本語 👩‍👩‍👧‍👦";
        assert!(matches!(safe(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn escape_sequences_vanish_whole() {
        for (text, clean) in [
            ("a\u{1b}]52;c;ZXZpbA==\u{7}b", "ab"),
            ("a\u{1b}]52;c;ZXZpbA==\u{1b}\\b", "ab"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\good.example\u{1b}]8;;\u{1b}\\!", "good.example!"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("a\u{1b}[2Jb\u{1b}[1;31mc\u{1b}[0m\u{1b}[?25ld", "abcd"),
            ("a\u{9b}2Jb\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{1b}P1$r0m\u{1b}\\b\u{1b}_x\u{1b}\\c\u{1b}^y\u{7}d", "abcd"),
            ("a\u{1b}(0b\u{1b}cc\u{1b}7d", "abcd"),
        ] {
            assert_eq!(safe(text), clean, "{text:?}");
        }
    }

    #[test]
    fn a_sequence_without_end_hides_nothing() {
        for (text, clean) in [
            ("a\u{1b}]0;title\nnext", "a0;title\nnext"),
            ("a\u{1b}]0;x\u{1b}", "a0;x"),
            ("a\u{1b}[31", "a"),
            ("a\u{1b}[31\nb", "a\nb"),
            ("a\u{1b}", "a"),
            ("\u{1b}]a\u{1b}]b\u{7}c", "ac"),
        ] {
            assert_eq!(safe(text), clean, "{text:?}");
        }
    }

    #[test]
    fn control_characters_can_be_seen() {
        assert_eq!(safe("a\0b\u{8}c\rd\r\ne\u{7f}f\u{85}g"), "a�b�c�d\ne�f�g");
        assert_eq!(safe("user\u{202e}\u{2066}x\u{2069}"), "user��x�");
    }

    proptest! {
        #[test]
        fn whatever_comes_in_nothing_unsafe_comes_out(text in "[\\x00-\\x1f\\x7f-\\u{9f}a-z\\[\\]\\\\0-9;\u{202a}-\u{202e}é]{0,60}") {
            let clean = safe(&text);
            prop_assert!(!clean.contains(is_unsafe));
            prop_assert_eq!(safe(&clean), clean.as_ref());
        }
    }
}
