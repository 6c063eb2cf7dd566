//! Reads a log as a conversation, one line at a time.
//!
//! A line of Claude Code's stream becomes the few things a reader wants to see of it: what was said, which
//! tool was called with what, what came back. Bookkeeping becomes nothing at all. A line that is no event is
//! something an ordinary program printed, and is shown as it is.

use std::io::{self, BufRead};

use serde_json::value::RawValue;

use super::json::{amount, count, elements, pick, repaired, text, truth};
use crate::os::log::{Line, Lines};

/// The longest summary in characters. A terminal shows less; a record needs no more.
pub const SUMMARY_CHARACTERS_MAX: usize = 200;

/// How many blocks of one message are read. Claude Code 2.1.330 prints one a line.
const BLOCKS_MAX: usize = 64;

/// The inputs that say best what a tool does, best first.
const TELLING_INPUTS: [&str; 10] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "skill",
    "description",
    "path",
    "prompt",
];

/// One thing of a conversation, and who it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptItem {
    /// Whose it is.
    pub speaker: Speaker,
    /// What it is.
    pub content: Content,
}

/// Who said or did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The agent itself.
    Agent,
    /// A subagent that it started.
    Subagent,
}

/// What was said or done. Texts are as the agent gave them: whoever prints them makes them safe first.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The agent started, or went on after a background task.
    Started {
        /// The model.
        model: String,
        /// The session.
        session: String,
    },
    /// Something said. Markdown, by custom.
    Text(String),
    /// Something thought.
    Thinking(String),
    /// A tool was called.
    ToolCall {
        /// The tool, as in `Bash`.
        name: String,
        /// What it was asked to do, in one short line.
        summary: String,
        /// The whole input, as JSON text.
        input: String,
    },
    /// A tool answered.
    ToolResult {
        /// Whether it did what it was asked.
        verdict: Verdict,
        /// What it answered.
        text: String,
    },
    /// The service did not answer, and the agent tries again.
    Retry {
        /// Which attempt comes next.
        attempt: u64,
        /// How many there are.
        attempts_max: u64,
        /// What went wrong, as in `overloaded`.
        error: String,
    },
    /// Something the agent's program says of itself.
    Notice(String),
    /// The end of a piece of work.
    Result {
        /// Whether the agent calls it an error.
        verdict: Verdict,
        /// The answer, or what went wrong.
        text: String,
        /// Rounds of the model.
        turns: u64,
        /// Tokens sent, those from and to the cache included.
        input_tokens: u64,
        /// Tokens written by the model.
        output_tokens: u64,
        /// What the session has cost so far in US dollars, where the agent says so.
        session_cost_usd: Option<f64>,
    },
    /// An event that is cut or garbled.
    Unreadable {
        /// How long the line is.
        bytes: usize,
    },
}

/// Whether something worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Done,
    /// It did not.
    Failed,
}

impl TranscriptItem {
    /// Returns one short line without control characters, for a list or a progress line.
    pub fn summary(&self) -> String {
        let summary = match &self.content {
            Content::Started { model, .. } => format!("started with {model}"),
            Content::Text(text) => text.clone(),
            Content::Thinking(text) if text.is_empty() => "thinking".to_owned(),
            Content::Thinking(text) => format!("thinking: {text}"),
            Content::ToolCall { name, summary, .. } if summary.is_empty() => name.clone(),
            Content::ToolCall { name, summary, .. } => format!("{name}: {summary}"),
            Content::ToolResult { verdict: Verdict::Done, text } => format!("answer: {text}"),
            Content::ToolResult { verdict: Verdict::Failed, text } => format!("tool failed: {text}"),
            Content::Retry { attempt, attempts_max, error } => {
                format!("retry {attempt} of {attempts_max}: {error}")
            }
            Content::Notice(text) => text.clone(),
            Content::Result { verdict: Verdict::Done, text, .. } => format!("result: {text}"),
            Content::Result { verdict: Verdict::Failed, text, .. } => format!("failed: {text}"),
            Content::Unreadable { bytes } => format!("{bytes} bytes that could not be read"),
        };
        one_line(&summary)
    }
}

/// Hands all that a reader wants to see of a log to `each`, in order.
///
/// Fails when the log cannot be read, or as `each` does.
pub fn read_items(
    log: impl BufRead,
    mut each: impl FnMut(TranscriptItem) -> io::Result<()>,
) -> io::Result<()> {
    let mut lines = Lines::new(log);
    while let Some(line) = lines.next_line()? {
        let found = match line {
            Line::Whole(bytes) => items_in(repaired(bytes)),
            Line::Oversized { bytes, .. } => vec![too_long(bytes)],
        };
        found.into_iter().try_for_each(&mut each)?;
    }
    Ok(())
}

/// Returns what a reader sees of a line that is too long to be shown.
pub fn too_long(bytes: u64) -> TranscriptItem {
    TranscriptItem { speaker: Speaker::Agent, content: Content::Notice(format!("a line of {bytes} bytes")) }
}

/// Returns what a reader wants to see of one line of a log, given without its line end.
pub fn items(line: &[u8]) -> Vec<TranscriptItem> {
    items_in(repaired(&mut line.to_vec()))
}

fn items_in(line: &str) -> Vec<TranscriptItem> {
    let line = line.trim_end_matches(['\r', '\n']);
    let event = line.trim_matches(|character: char| character.is_ascii_whitespace() || character == '\0');
    let Some([kind, subtype, parent]) = pick(event, ["type", "subtype", "parent_tool_use_id"]) else {
        return vec![TranscriptItem { speaker: Speaker::Agent, content: no_event(line, event) }];
    };
    let speaker =
        if parent.is_none_or(|parent| parent.get() == "null") { Speaker::Agent } else { Speaker::Subagent };
    let contents = match (kind.map_or("", RawValue::get), subtype.map_or("", RawValue::get)) {
        ("", _) => vec![no_event(line, event)],
        (r#""assistant""#, _) => message(event),
        (r#""user""#, _) => message(event).into_iter().map(said_to_the_agent).collect(),
        (r#""result""#, _) => result(event).into_iter().collect(),
        (r#""system""#, subtype) => system(event, subtype).into_iter().collect(),
        (r#""rate_limit_event""#, _) => rate_limit(event).into_iter().collect(),
        (r#""git_claudedo""#, subtype) => left_out(event, subtype).into_iter().collect(),
        _ => Vec::new(),
    };
    contents.into_iter().map(|content| TranscriptItem { speaker, content }).collect()
}

/// Returns a text as one line of at most [`SUMMARY_CHARACTERS_MAX`] characters, without any control character.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|character: char| character.is_whitespace() || is_control(character)) {
        if word.is_empty() {
            continue;
        }
        let separator = usize::from(length > 0);
        for character in std::iter::repeat_n(' ', separator).chain(word.chars()) {
            if length == SUMMARY_CHARACTERS_MAX {
                line.pop();
                line.push('…');
                return line;
            }
            line.push(character);
            length += 1;
        }
    }
    line
}

/// Returns what a tool is asked to do in one short line: its most telling input, or all of it.
pub(super) fn input_summary(input: &RawValue) -> String {
    let telling = pick(input.get(), TELLING_INPUTS)
        .and_then(|found| found.into_iter().flatten().find_map(text))
        .map(|text| one_line(&text));
    match telling {
        Some(summary) if !summary.is_empty() => summary,
        _ if input.get() == "{}" => String::new(),
        _ => one_line(input.get()),
    }
}

/// Says whether a character moves the cursor, ends a line, or turns the direction of writing.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a line that is no event: broken when it begins like one, otherwise what a program printed.
fn no_event(line: &str, event: &str) -> Content {
    if event.starts_with("{\"") && pick(event, []).is_none() {
        Content::Unreadable { bytes: line.len() }
    } else {
        Content::Text(line.to_owned())
    }
}

/// Returns what this program says itself of bytes that are missing in a log (`docs/format.md`).
fn left_out(event: &str, subtype: &str) -> Option<Content> {
    let bytes = pick(event, ["bytes"]).and_then(|[bytes]| count(bytes?))?;
    Some(Content::Notice(match subtype {
        r#""line_left_out""# => format!("a line of {bytes} bytes"),
        _ => format!("{bytes} bytes of the log are missing here"),
    }))
}

fn message(event: &str) -> Vec<Content> {
    let content = pick(event, ["message"]).and_then(|[message]| pick(message?.get(), ["content"]));
    let Some([Some(content)]) = content else {
        return Vec::new();
    };
    match text(content) {
        Some(text) => vec![Content::Text(text)],
        None => elements(content, BLOCKS_MAX).0.into_iter().filter_map(block).collect(),
    }
}

/// Returns what stands in a message to the agent: the answers of its tools, and what its program adds by itself.
fn said_to_the_agent(content: Content) -> Content {
    match content {
        Content::Text(text) => Content::Notice(text),
        Content::Started { .. }
        | Content::Thinking(_)
        | Content::ToolCall { .. }
        | Content::ToolResult { .. }
        | Content::Retry { .. }
        | Content::Notice(_)
        | Content::Result { .. }
        | Content::Unreadable { .. } => content,
    }
}

fn block(block: &RawValue) -> Option<Content> {
    let [kind, said, thought, name, input, answer, is_error] =
        pick(block.get(), ["type", "text", "thinking", "name", "input", "content", "is_error"])?;
    match kind?.get() {
        r#""text""# => Some(Content::Text(text(said?)?)),
        r#""thinking""# => Some(Content::Thinking(text(thought?)?)),
        r#""redacted_thinking""# => Some(Content::Thinking(String::new())),
        r#""tool_use""# | r#""server_tool_use""# => Some(Content::ToolCall {
            name: one_line(&text(name?)?),
            summary: input.map(input_summary).unwrap_or_default(),
            input: input.map(|input| input.get().to_owned()).unwrap_or_default(),
        }),
        r#""tool_result""# => Some(Content::ToolResult {
            verdict: verdict(is_error),
            text: answer.map(answer_text).unwrap_or_default(),
        }),
        _ => None,
    }
}

/// Returns the answer of a tool: a text, or the texts of its blocks.
fn answer_text(answer: &RawValue) -> String {
    if let Some(text) = text(answer) {
        return text;
    }
    let part = |block: &RawValue| {
        let [kind, said] = pick(block.get(), ["type", "text"])?;
        said.and_then(text).or_else(|| Some(format!("[{}]", text(kind?)?)))
    };
    let parts: Vec<String> = elements(answer, BLOCKS_MAX).0.into_iter().filter_map(part).collect();
    parts.join("\n")
}

fn verdict(is_error: Option<&RawValue>) -> Verdict {
    if is_error.and_then(truth) == Some(true) { Verdict::Failed } else { Verdict::Done }
}

fn result(event: &str) -> Option<Content> {
    let [is_error, answer, errors, turns, usage, session_cost] =
        pick(event, ["is_error", "result", "errors", "num_turns", "usage", "total_cost_usd"])?;
    let errors = || {
        let errors = elements(errors?, BLOCKS_MAX).0;
        Some(errors.into_iter().filter_map(text).collect::<Vec<_>>().join("; "))
    };
    let keys = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
    let [fresh, read, written, output_tokens] = usage
        .and_then(|usage| pick(usage.get(), keys))
        .unwrap_or_default()
        .map(|value| value.and_then(count).unwrap_or(0));
    Some(Content::Result {
        verdict: verdict(is_error),
        text: answer.and_then(text).or_else(errors).unwrap_or_default(),
        turns: turns.and_then(count).unwrap_or(0),
        input_tokens: fresh.saturating_add(read).saturating_add(written),
        output_tokens,
        session_cost_usd: session_cost.and_then(amount),
    })
}

fn system(event: &str, subtype: &str) -> Option<Content> {
    match subtype {
        r#""init""# => {
            let [model, session] = pick(event, ["model", "session_id"])?;
            let word = |value: Option<&RawValue>| value.and_then(text).map(|text| one_line(&text));
            Some(Content::Started {
                model: word(model).unwrap_or_default(),
                session: word(session).unwrap_or_default(),
            })
        }
        r#""api_retry""# => {
            let [attempt, attempts_max, error] = pick(event, ["attempt", "max_retries", "error"])?;
            Some(Content::Retry {
                attempt: attempt.and_then(count).unwrap_or(0),
                attempts_max: attempts_max.and_then(count).unwrap_or(0),
                error: error.and_then(text).unwrap_or_default(),
            })
        }
        r#""permission_denied""# => {
            let [tool, message] = pick(event, ["tool_name", "message"])?;
            let tool = tool.and_then(text).unwrap_or_default();
            Some(Content::Notice(format!(
                "{tool} not permitted: {}",
                message.and_then(text).unwrap_or_default()
            )))
        }
        r#""compact_boundary""# => {
            Some(Content::Notice("the conversation was summarized to make room".to_owned()))
        }
        r#""model_refusal_no_fallback""# => Some(Content::Notice("the model refused to answer".to_owned())),
        r#""model_fallback""# | r#""informational""# => notice(event, "content"),
        r#""notification""# => notice(event, "text"),
        r#""task_notification""# => notice(event, "summary"),
        _ => None,
    }
}

fn notice(event: &str, key: &str) -> Option<Content> {
    let [text_found] = pick(event, [key])?;
    text(text_found?).filter(|text| !text.is_empty()).map(Content::Notice)
}

fn rate_limit(event: &str) -> Option<Content> {
    let [info] = pick(event, ["rate_limit_info"])?;
    let [status] = pick(info?.get(), ["status"])?;
    match status?.get() {
        r#""rejected""# => Some(Content::Notice("the account's usage limit is reached".to_owned())),
        r#""allowed_warning""# => Some(Content::Notice("the account's usage limit is near".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(name: &str) -> Vec<TranscriptItem> {
        let path = format!("{}/tests/fixtures/captures/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path)
            .unwrap()
            .split(|byte| *byte == b'\n')
            .filter(|l| !l.is_empty())
            .flat_map(items)
            .collect()
    }

    fn summaries(name: &str) -> Vec<String> {
        capture(name).iter().map(TranscriptItem::summary).collect()
    }

    #[test]
    fn a_run_reads_as_a_conversation() {
        insta::assert_snapshot!(summaries("write-default").join("\n"), @"
        started with claude-opus-5-5
        I'll write the file.
        Write: /home/dev/repo/a.txt
        Write not permitted: Claude requested permissions to write to /home/dev/repo/a.txt, but you haven't granted it yet.
        tool failed: Claude requested permissions to write to /home/dev/repo/a.txt, but you haven't granted it yet.
        Wrote a.txt.
        result: Wrote a.txt.
        ");
        insta::assert_snapshot!(summaries("maxturns2").join("\n"), @"
        started with claude-opus-5-5
        Bash: echo turn 1
        answer: turn 1
        Bash: echo turn 2
        answer: turn 2
        failed: Reached maximum number of turns (2)
        ");
    }

    #[test]
    fn what_the_program_tells_its_model_is_no_word_of_the_agent() {
        insta::assert_snapshot!(summaries("kill-hang-SIGINT").join("\n"), @"
        started with claude-opus-5-5
        [Request interrupted by user]
        ");
        let line = br#"{"type":"user","message":{"content":"go on"}}"#;
        assert_eq!(items(line).remove(0).content, Content::Notice("go on".to_owned()));
    }

    #[test]
    fn subagents_are_told_apart() {
        let items = capture("subagent-fwd");
        let of = |speaker| items.iter().filter(|item| item.speaker == speaker).count();
        assert_eq!((of(Speaker::Agent), of(Speaker::Subagent)), (9, 5));
    }

    #[test]
    fn what_is_no_event_is_what_a_program_printed() {
        let content = |line: &[u8]| items(line).remove(0).content;
        assert_eq!(content(b"running 3 tests\r"), Content::Text("running 3 tests".to_owned()));
        assert_eq!(content(b"  {"), Content::Text("  {".to_owned()));
        assert_eq!(content(br#"{"answer":42}"#), Content::Text(r#"{"answer":42}"#.to_owned()));
        assert_eq!(content(br#"{"type":"assis"#), Content::Unreadable { bytes: 14 });
        assert_eq!(items(br#"{"type":"tool_progress"}"#), []);
    }

    #[test]
    fn a_summary_is_one_short_line_that_moves_no_cursor() {
        let text = format!("\u{1b}[2J first\n\n second\u{202e}third {}", "x".repeat(300));
        let item = TranscriptItem { speaker: Speaker::Agent, content: Content::Text(text) };
        let summary = item.summary();
        assert!(summary.starts_with("[2J first second third xxx"), "{summary:?}");
        assert!(summary.ends_with("x…"));
        assert_eq!(summary.chars().count(), SUMMARY_CHARACTERS_MAX);
    }

    #[test]
    fn half_a_surrogate_pair_does_not_hide_a_line() {
        let line =
            br#"{"type":"user","message":{"content":[{"type":"tool_result","content":"cut \ud83d"}]}}"#;
        let Content::ToolResult { verdict: Verdict::Done, text } = items(line).remove(0).content else {
            panic!("no tool result")
        };
        assert!(text.starts_with("cut \u{fffd}"));
    }
}
