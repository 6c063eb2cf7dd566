//! What a file must be before it is looked at as YAML, and which of YAML's powers it may use: none.
//!
//! Anchors, aliases, tags, merge keys and several documents are refused outright. No task needs
//! them, and without aliases a small file cannot unfold into a large one.

use std::fmt::Write;
use std::path::Path;

use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::problem::{Flaw, TaskFileError};

/// The largest file that is read. A task is text that a person wrote; this is a hundred pages of it.
pub const FILE_BYTES_MAX: usize = 64 * 1024;

/// How many brackets may be open at once outside of text blocks. The parser's time grows with their number times
/// the length of the file (libyaml looks at every open one for each token), and no file here needs more than three.
const BRACKETS_OPEN_MAX: usize = 100;

/// How many signs are tried to find the one that is an anchor or a tag; beyond, the error names no place.
const SUSPECTS_MAX: usize = 64;

/// Stand-ins for `*`, `&` and `!`: printable, of no meaning to YAML, from Unicode's private area.
const STAND_INS: [(char, char); 3] = [('*', '\u{e0f0}'), ('&', '\u{e0f1}'), ('!', '\u{e0f2}')];

/// Returns the text of a file, when it is one YAML document at most in form.
pub(super) fn require_text(bytes: &[u8]) -> Result<&str, Flaw> {
    let text = require_plain_text(bytes)?;
    require_no_conflict(text)?;
    require_one_document(text)?;
    require_little_nesting(text)?;
    Ok(text)
}

/// Returns the text of a file that is not YAML, such as an agent file: of a readable size, in UTF-8, without
/// characters that hide text or command a terminal. A byte order mark at the start is dropped.
pub fn plain_text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, TaskFileError> {
    require_plain_text(bytes).map_err(|flaw| flaw.in_file(path, bytes))
}

fn require_plain_text(bytes: &[u8]) -> Result<&str, Flaw> {
    if bytes.len() > FILE_BYTES_MAX {
        let problem = format!("the file has {} bytes, and at most {FILE_BYTES_MAX} are read", bytes.len());
        return Err(Flaw::at(
            1,
            1,
            problem,
            "move long material into a file of the repository and name it here",
        ));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let problem = format!("byte {:#04x} is not UTF-8", bytes[error.valid_up_to()]);
        Flaw::at_byte(bytes, error.valid_up_to(), problem, "save the file as UTF-8")
    })?;
    match forbidden(text) {
        None => Ok(text),
        Some((byte, letter)) => {
            Err(Flaw::at_byte(bytes, byte, forbidden_problem(letter), "delete the character"))
        }
    }
}

/// Refuses anchors, aliases and tags. What is not YAML at all passes: the parser has better words for it.
///
/// A text in which each `*`, `&` and `!` is replaced by a stand-in means the same, but for the
/// stand-ins themselves, exactly when none of them was structure.
pub(super) fn require_no_references(text: &str) -> Result<(), Flaw> {
    if !text.contains(['*', '&', '!']) {
        return Ok(());
    }
    let tame = replaced(text, |_, sign| sign == '*');
    let Some(meaning) = outline(&tame) else { return Err(Flaw::in_yaml(&tame)) };
    if outline(&replaced(text, |_, _| true)).as_ref() == Some(&meaning) {
        return Ok(());
    }
    let suspects = text.char_indices().filter(|(_, sign)| "&!".contains(*sign)).take(SUSPECTS_MAX);
    let culprit = suspects.map(|(byte, _)| byte).find(|suspect| {
        outline(&replaced(text, |byte, sign| sign == '*' || byte == *suspect)).as_ref() != Some(&meaning)
    });
    let byte = culprit.unwrap_or(0);
    let (problem, fix) = match text[byte..].chars().next() {
        Some('!') => (
            "a YAML tag, which is not supported here",
            "delete the word that starts with `!`, or quote the text",
        ),
        _ => ("a YAML anchor, which is not supported here", "write the value out, or quote the text"),
    };
    Err(Flaw::at_byte(text.as_bytes(), byte, problem, fix))
}

/// Returns whether a character may not stand in any text: controls other than tab and newline, marks
/// that reorder text on the screen (U+202A–E, U+2066–9), line breaks that only YAML knows, non-characters.
pub(super) fn is_forbidden(letter: char) -> bool {
    match letter {
        '\t' | '\n' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => true,
        _ => letter.is_control(),
    }
}

/// Returns what to say of a forbidden character.
pub(super) fn forbidden_problem(letter: char) -> String {
    let kind = match letter {
        '\0' => "the NUL character",
        '\u{1b}' => "the escape character, which commands a terminal",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "a mark that reorders text on the screen",
        '\u{2028}' | '\u{2029}' => "a line break other than a newline",
        _ => "a control character",
    };
    format!("U+{:04X} is {kind}", u32::from(letter))
}

fn forbidden(text: &str) -> Option<(usize, char)> {
    let mut letters = text.char_indices().peekable();
    while let Some((byte, letter)) = letters.next() {
        let ends_line = letter == '\r' && letters.peek().is_some_and(|(_, next)| *next == '\n');
        if is_forbidden(letter) && !ends_line {
            return Some((byte, letter));
        }
    }
    None
}

fn require_no_conflict(text: &str) -> Result<(), Flaw> {
    let is_marker = |line: &str| {
        ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| {
            line.strip_prefix(marker).is_some_and(|rest| rest.trim().is_empty() || rest.starts_with(' '))
        })
    };
    match text.lines().position(is_marker) {
        None => Ok(()),
        Some(line) => Err(Flaw::at(
            line + 1,
            1,
            "a conflict marker of an unfinished merge",
            "choose one side, delete the markers, then `git add` the file",
        )),
    }
}

/// Refuses an empty file and a second document. `---` and `...` at the start of a line always end a document.
fn require_one_document(text: &str) -> Result<(), Flaw> {
    let mut has_content = false;
    for (number, line) in text.lines().enumerate() {
        let is_marker = ["---", "..."].iter().any(|marker| {
            line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        });
        if is_marker && (has_content || line.starts_with('.')) {
            let fix = "keep one document and delete this line; each task has a file of its own";
            return Err(Flaw::at(number + 1, 1, "a second YAML document starts here", fix));
        }
        has_content |= !matches!(line.trim_start().as_bytes(), [] | [b'#' | b'%', ..]);
    }
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if text.lines().any(|line| is_content(line) && line.trim_end() != "---") {
        return Ok(());
    }
    Err(Flaw::at(1, 1, "the file is empty", "write what is wanted, or delete the file"))
}

/// Refuses deep nesting before the parser meets it. Brackets in a literal or folded block are text and free.
fn require_little_nesting(text: &str) -> Result<(), Flaw> {
    let mut open = 0_usize;
    let mut block_indent = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block_indent.is_some_and(|block| line.trim().is_empty() || indent > block) {
            continue;
        }
        block_indent = (open == 0 && is_block_header(line)).then_some(indent);
        for (column, letter) in line.chars().enumerate() {
            match letter {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > BRACKETS_OPEN_MAX {
                let problem = format!("more than {BRACKETS_OPEN_MAX} brackets are open");
                return Err(Flaw::at(
                    number + 1,
                    column + 1,
                    problem,
                    "close them, or write long text as a block: `key: |`",
                ));
            }
        }
    }
    Ok(())
}

/// Returns whether a line such as `description: |` starts a block of text.
fn is_block_header(line: &str) -> bool {
    let is_indicator =
        |rest: &str| rest.chars().all(|letter| letter.is_ascii_digit() || "+-".contains(letter));
    let header = line.split(" #").next().unwrap_or(line).trim_end();
    let start = header.rsplit_once([' ', '\t']);
    start.is_some_and(|(_, last)| last.strip_prefix(['|', '>']).is_some_and(is_indicator))
}

fn replaced(text: &str, is_chosen: impl Fn(usize, char) -> bool) -> String {
    let stand_in = |(byte, letter): (usize, char)| match STAND_INS.iter().find(|(sign, _)| *sign == letter) {
        Some((_, stand_in)) if is_chosen(byte, letter) => *stand_in,
        _ => letter,
    };
    text.char_indices().map(stand_in).collect()
}

/// Returns a document's values in one line, with the stand-ins read as what they stand for.
fn outline(text: &str) -> Option<String> {
    let Outline(outline) = serde_yaml::from_str(text).ok()?;
    let original =
        |letter| STAND_INS.iter().find(|(_, stand_in)| *stand_in == letter).map_or(letter, |(sign, _)| *sign);
    Some(outline.chars().map(original).collect())
}

struct Outline(String);

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutlineVisitor)
    }
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Outline, E> {
        Ok(Outline("null".to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Outline, E> {
        Ok(Outline(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Outline, E> {
        // The length in front keeps two texts apart from one that looks like both.
        Ok(Outline(format!("{}:{value}", value.chars().count())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Outline, A::Error> {
        let mut outline = "[".to_owned();
        while let Some(Outline(value)) = values.next_element()? {
            let _ = write!(outline, "{value},");
        }
        Ok(Outline(outline + "]"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Outline, A::Error> {
        let mut outline = "{".to_owned();
        while let Some((Outline(key), Outline(value))) = entries.next_entry()? {
            let _ = write!(outline, "{key}:{value},");
        }
        Ok(Outline(outline + "}"))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Outline, A::Error> {
        let (Outline(tag), value) = tagged.variant()?;
        let Outline(value) = value.newtype_variant()?;
        Ok(Outline(format!("!{tag} {value}")))
    }
}
