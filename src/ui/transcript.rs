//! Shows a log as a conversation: what was said as it is, tools and their answers in a few lines.
//!
//! Every text of the agent's passes through [`safe`]; styles are added afterwards, line by line, so that
//! nothing the agent says can end one or begin another. Whoever writes to the terminal strips the styles where
//! they are not wanted.

use std::io::{self, BufRead, Write};

use anstyle::Style;

use super::safe::safe;
use super::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::agent::transcript::{Content, Speaker, TranscriptItem, Verdict, read_items};

/// How much of long answers is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// That many lines of each tool's answer, and of each thought.
    Lines(usize),
    /// All of it.
    Off,
}

/// Writes a whole log as a conversation. Fails when the log cannot be read or the output not be written.
pub fn write_log(output: &mut dyn Write, log: impl BufRead, folding: Folding) -> io::Result<()> {
    read_items(log, |item| output.write_all(render(&item, folding).as_bytes()))
}

/// Returns one thing of a conversation as whole lines, or nothing when there is nothing to see.
pub fn render(item: &TranscriptItem, folding: Folding) -> String {
    let lines = match &item.content {
        Content::Started { model, session } => styled(DIM, &format!("○ {model}  session {session}")),
        // A blank line of a program's output is a line all the same.
        Content::Text(text) if text.is_empty() => vec![String::new()],
        Content::Text(text) => safe(text).lines().map(str::to_owned).collect(),
        Content::Thinking(text) => fold(styled(DIM, text), folding),
        Content::ToolCall { name, summary, .. } => vec![tool_call(name, summary)],
        Content::ToolResult { verdict: Verdict::Done, text } => indented(fold(styled(DIM, text), folding)),
        Content::ToolResult { verdict: Verdict::Failed, text } => indented(fold(styled(RED, text), folding)),
        Content::Retry { attempt, attempts_max, error } => {
            styled(YELLOW, &format!("↻ retry {attempt} of {attempts_max}: {error}"))
        }
        Content::Notice(text) => fold(styled(YELLOW, &format!("! {text}")), folding),
        Content::Result { .. } => result(&item.content),
        Content::Unreadable { bytes } => styled(DIM, &format!("({bytes} bytes that could not be read)")),
    };
    let margin = match item.speaker {
        Speaker::Agent => String::new(),
        Speaker::Subagent => format!("{DIM}│{DIM:#} "),
    };
    lines.into_iter().flat_map(|line| [margin.clone(), line, "\n".to_owned()]).collect()
}

fn tool_call(name: &str, summary: &str) -> String {
    let (name, summary) = (safe(name), safe(summary));
    format!("● {BOLD}{name}{BOLD:#}  {summary}").trim_end().to_owned()
}

/// Returns the end of a piece of work. A good answer was said before, so that only its price is told.
fn result(content: &Content) -> Vec<String> {
    let Content::Result { verdict, text, turns, input_tokens, output_tokens, session_cost_usd } = content
    else {
        return Vec::new();
    };
    let (style, mark) = match verdict {
        Verdict::Done => (GREEN, "✓ done".to_owned()),
        Verdict::Failed => (RED, format!("✗ failed: {text}")),
    };
    let mut price = vec![
        counted(*turns, "turn"),
        format!("{} in", counted(*input_tokens, "token")),
        format!("{} out", counted(*output_tokens, "token")),
    ];
    price.extend(session_cost_usd.filter(|cost| *cost > 0.0).map(|cost| format!("session ${cost:.4}")));
    let mut lines = styled(style, &mark);
    lines.extend(styled(DIM, &format!("  {}", price.join(" · "))));
    lines
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Returns the lines of a text from outside, made safe and each styled by itself.
fn styled(style: Style, text: &str) -> Vec<String> {
    safe(text).trim_end().lines().map(|line| format!("{style}{line}{style:#}")).collect()
}

fn indented(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("  {line}")).collect()
}

fn fold(mut lines: Vec<String>, folding: Folding) -> Vec<String> {
    let Folding::Lines(shown) = folding else {
        return lines;
    };
    // One line more costs no more room than the line that says so.
    if lines.len() > shown.saturating_add(1) {
        let hidden = lines.len() - shown;
        lines.truncate(shown);
        lines.push(format!("{DIM}… {hidden} more lines{DIM:#}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        let path = format!("{}/tests/fixtures/captures/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
        let mut output = Vec::new();
        write_log(&mut output, &std::fs::read(path).unwrap()[..], Folding::Lines(2)).unwrap();
        plain(&String::from_utf8(output).unwrap())
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn item(content: Content) -> TranscriptItem {
        TranscriptItem { speaker: Speaker::Agent, content }
    }

    #[test]
    fn a_log_reads_as_a_conversation() {
        insta::assert_snapshot!(shown("write-default"), @"
        ○ claude-opus-5-5  session f9bfaf0c-29f8-4091-a056-3d37c9bcd5e2
        I'll write the file.
        ● Write  /home/dev/repo/a.txt
        ! Write not permitted: Claude requested permissions to write to /home/dev/repo/a.txt, but you haven't granted it yet.
          Claude requested permissions to write to /home/dev/repo/a.txt, but you haven't granted it yet.
        Wrote a.txt.
        ✓ done
          2 turns · 200 tokens in · 40 tokens out · session $0.0016
        ");
        insta::assert_snapshot!(shown("maxturns2"), @"
        ○ claude-opus-5-5  session 7fb2a593-4277-40bb-9fa0-91dd12f6ab17
        ● Bash  echo turn 1
          turn 1
        ● Bash  echo turn 2
          turn 2
        ✗ failed: Reached maximum number of turns (2)
          3 turns · 200 tokens in · 40 tokens out · session $0.0016
        ");
        insta::assert_snapshot!(shown("subagent-fwd"), @"
        ○ claude-opus-5-5  session 8b382915-199c-4bcd-824a-bc51e7dc5335
        ● Agent  d
          Async agent launched successfully. (This tool result is internal metadata — never quote or paste any part of it, including the agentId below, into a user-facing reply.)
          agentId: a8dde2e30391160bc (internal ID - do not mention to user. Use SendMessage with to: 'a8dde2e30391160bc', summary: '<5-10 word recap>' to continue this agent.)
          … 4 more lines
        done
        │ ● Bash  echo turn 1
        │   turn 1
        │ ● Bash  echo turn 2
        │   turn 2
        │ Done after 2 calls.
        ! Done after 2 calls.
        ○ claude-opus-5-5  session 8b382915-199c-4bcd-824a-bc51e7dc5335
        done
        ✓ done
          2 turns · 200 tokens in · 40 tokens out · session $0.0048
        ✓ done
          1 turn · 100 tokens in · 20 tokens out · session $0.0048
        ");
        insta::assert_snapshot!(shown("cut-once"), @"
        ○ claude-opus-5-5  session a02d3fd7-45eb-40c2-b0c9-05ce98f88ba7
        ↻ retry 1 of 10: unknown
        Cut short once, then whole.
        ✓ done
          1 turn · 100 tokens in · 20 tokens out · session $0.0008
        ");
    }

    #[test]
    fn long_answers_are_folded() {
        let text = (1..=14).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
        let result = item(Content::ToolResult { verdict: Verdict::Done, text });
        let lines = |folding| plain(&render(&result, folding)).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(Folding::Lines(2)), ["  line 1", "  line 2", "  … 12 more lines"]);
        assert_eq!(lines(Folding::Lines(13)).len(), 14);
        assert_eq!(lines(Folding::Off).len(), 14);
    }

    #[test]
    fn nothing_that_is_said_reaches_the_terminal_as_an_order() {
        let evil = "a\u{1b}]52;c;x\u{7}\u{1b}[2J\u{1b}[0m\rb".to_owned();
        let contents = [
            Content::Started { model: evil.clone(), session: evil.clone() },
            Content::Text(evil.clone()),
            Content::Thinking(evil.clone()),
            Content::ToolCall { name: evil.clone(), summary: evil.clone(), input: evil.clone() },
            Content::ToolResult { verdict: Verdict::Failed, text: evil.clone() },
            Content::Retry { attempt: 1, attempts_max: 2, error: evil.clone() },
            Content::Notice(evil.clone()),
            Content::Result {
                verdict: Verdict::Failed,
                text: evil,
                turns: 1,
                input_tokens: 1,
                output_tokens: 1,
                session_cost_usd: None,
            },
        ];
        for content in contents {
            let text = render(&item(content), Folding::Off);
            assert!(text.contains("a\u{fffd}b"), "{text:?}");
            let ours = text.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[31m", "");
            let ours = ours.replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
            assert!(!ours.contains(|c: char| c.is_control() && c != '\n'), "{ours:?}");
        }
    }

    #[test]
    fn a_blank_line_of_a_program_is_a_line() {
        assert_eq!(render(&item(Content::Text(String::new())), Folding::Off), "\n");
    }
}
