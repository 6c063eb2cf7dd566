//! Watches the end of a growing log: has the agent said its last word?
//!
//! Claude Code (2.1.330) prints a `result` line at the end of a turn and usually leaves at once. It may
//! stay for minutes while its background tasks run, and then print further turns and results; or it may
//! hang. So a result counts only as long as no turn begins after it, and the tasks still running in the
//! background decide how long it may stay. A log in another format never has a result.
//!
//! The order of keys in a line is not fixed, so every line is parsed that can be an event. Each byte is looked at
//! once, and of a log that grows faster than it can be read only the end is.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::os::clock;
use crate::os::log::{LINE_BYTES_MAX, Line as LogLine, Lines, LogFile};

/// How much is read before the time is looked at.
const CHUNK_BYTES: u64 = 256 << 10;

/// How long one call reads at most, so that a caller with other duties gets back to them.
const READ_TIME_MAX: Duration = Duration::from_millis(2);

/// How far behind the end of the log reading may fall: two of the longest lines that count.
const BEHIND_BYTES_MAX: u64 = 2 * LINE_BYTES_MAX as u64;

/// How much is read of a log when reading has fallen too far behind.
const END_BYTES: u64 = 1 << 20;

/// Where an agent stands, judged by its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works on a turn, or nothing is known.
    Working,
    /// It printed a result and began nothing after it.
    ResultGiven {
        /// How many of its background tasks still run.
        background_tasks: usize,
    },
}

/// What was read of a log so far.
#[derive(Debug)]
pub struct Tail {
    lines: Lines<LogFile>,
    /// Whether a result was printed and no turn began after it.
    result_given: bool,
    /// Where the last result lies.
    result: Range<u64>,
    background_tasks: usize,
}

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the end of the log.
    End,
    /// There is more to read.
    Part,
}

impl Tail {
    /// Watches a log from its beginning.
    pub fn new(log: File) -> Self {
        let lines = Lines::new(LogFile::new(log));
        Self { lines, result_given: false, result: 0..0, background_tasks: 0 }
    }

    /// Reads what was added to the log, for a few milliseconds at most.
    pub fn read(&mut self) -> io::Result<Reach> {
        let until = clock::monotonic() + READ_TIME_MAX;
        let size = self.lines.input().size()?;
        let position = self.lines.input().position();
        if size.saturating_sub(position) > BEHIND_BYTES_MAX {
            self.lines.input().omit(position..size - END_BYTES);
        }
        loop {
            self.lines.input().grant(CHUNK_BYTES);
            self.read_allowed()?;
            if self.lines.input().position() >= size {
                return Ok(Reach::End);
            }
            if clock::monotonic() >= until {
                return Ok(Reach::Part);
            }
        }
    }

    /// Returns where the agent stands, as far as the log was read.
    pub fn standing(&self) -> Standing {
        if self.result_given {
            Standing::ResultGiven { background_tasks: self.background_tasks }
        } else {
            Standing::Working
        }
    }

    /// Returns the part of the log that holds the last result.
    pub fn result(&self) -> Range<u64> {
        self.result.clone()
    }

    /// Returns where the line begins that has no end yet, unless it is too long to count.
    pub fn unfinished(&mut self) -> Option<u64> {
        let pending = self.lines.pending();
        let position = self.lines.input().position();
        (pending <= LINE_BYTES_MAX as u64).then(|| position.saturating_sub(pending))
    }

    fn read_allowed(&mut self) -> io::Result<()> {
        while let Some(line) = self.lines.next_ended_line()? {
            let (line, bytes) = match line {
                LogLine::Whole(text) => (Line::parse(text), text.len() as u64),
                LogLine::Oversized { bytes, .. } => (Line::Work, bytes),
            };
            match line {
                Line::Result => {
                    self.result_given = true;
                    let end = self.lines.input().position();
                    self.result = end.saturating_sub(bytes + 1)..end;
                }
                Line::BackgroundTasks(count) => self.background_tasks = count,
                Line::Bookkeeping => {}
                Line::Work => self.result_given = false,
            }
        }
        Ok(())
    }
}

/// What a line means for the question whether the agent has said its last word.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// The end of a turn.
    Result,
    /// How many tasks run in the background from now on.
    BackgroundTasks(usize),
    /// A `system` line that belongs to no turn, such as the end of a background task.
    Bookkeeping,
    /// Anything else: the beginning of a turn (`system/init`), a part of one, or a foreign line.
    Work,
}

/// The fields that matter; the rest is skipped unread. All but the type stay raw, because a field of
/// another form must not hide what kind of line it is.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subtype: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        // Quickly past what cannot be an event: a program that has gone wrong prints a lot of it.
        if line.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Self::Work;
        }
        let Ok(fields) = serde_json::from_slice::<Fields<'_>>(line) else {
            return Self::Work;
        };
        match (fields.kind.as_ref(), fields.subtype.map(RawValue::get)) {
            ("result", _) => Self::Result,
            ("system", Some("\"background_tasks_changed\"")) => {
                Self::BackgroundTasks(fields.tasks.map_or(0, count))
            }
            ("system", Some("\"init\"")) => Self::Work,
            ("system", _) => Self::Bookkeeping,
            _ => Self::Work,
        }
    }
}

fn count(list: &RawValue) -> usize {
    serde_json::from_str::<Vec<IgnoredAny>>(list.get()).map_or(0, |tasks| tasks.len())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"s"}"#;
    const RESULT: &str = r#"{"duration_api_ms":1,"is_error":false,"subtype":"success","type":"result"}"#;
    const TWO_TASKS: &str =
        r#"{"tasks":[{"task_id":"a"},{"task_id":"b"}],"type":"system","subtype":"background_tasks_changed"}"#;
    const NO_TASKS: &str = r#"{"type":"system","subtype":"background_tasks_changed","tasks":[]}"#;

    fn read(tail: &mut Tail) -> Standing {
        while tail.read().unwrap() == Reach::Part {}
        tail.standing()
    }

    /// Returns a log to be written to, and what watches it.
    fn growing() -> (File, Tail) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tail = Tail::new(file.reopen().unwrap());
        (file.into_file(), tail)
    }

    fn standing_after(lines: &[&str]) -> Standing {
        let mut log = tempfile::tempfile().unwrap();
        for line in lines {
            writeln!(log, "{line}").unwrap();
        }
        read(&mut Tail::new(log))
    }

    #[test]
    fn a_result_counts_until_a_turn_begins() {
        let given = Standing::ResultGiven { background_tasks: 0 };
        assert_eq!(standing_after(&[]), Standing::Working);
        assert_eq!(standing_after(&[INIT]), Standing::Working);
        assert_eq!(standing_after(&[INIT, RESULT]), given);
        assert_eq!(standing_after(&[INIT, RESULT, NO_TASKS]), given);
        assert_eq!(standing_after(&[INIT, RESULT, INIT]), Standing::Working);
        assert_eq!(standing_after(&[INIT, RESULT, r#"{"type":"assistant"}"#]), Standing::Working);
        assert_eq!(standing_after(&[INIT, RESULT, INIT, RESULT]), given);
    }

    #[test]
    fn background_tasks_are_counted_by_their_last_list() {
        let given = |background_tasks| Standing::ResultGiven { background_tasks };
        assert_eq!(standing_after(&[TWO_TASKS, RESULT]), given(2));
        assert_eq!(standing_after(&[TWO_TASKS, RESULT, NO_TASKS]), given(0));
        assert_eq!(standing_after(&[RESULT, TWO_TASKS]), given(2));
    }

    #[test]
    fn lines_of_any_form_are_survived() {
        for line in ["", "not json", "[]", "null", "{", "\u{0}", r#"{"type":7}"#, r#"{"type":"result""#] {
            assert_eq!(standing_after(&[RESULT, line]), Standing::Working, "{line}");
        }
        let odd = r#"{"subtype":{"deep":[1,2]},"tasks":"none","type":"result"}"#;
        assert_eq!(standing_after(&[odd]), Standing::ResultGiven { background_tasks: 0 });
        let escaped = r#"{"type":"res\u0075lt","text":"a\\\"b"}"#;
        assert_eq!(standing_after(&[escaped]), Standing::ResultGiven { background_tasks: 0 });
    }

    #[test]
    fn a_log_written_byte_by_byte_reads_as_one_written_at_once() {
        let whole = format!("{INIT}\n{TWO_TASKS}\n{RESULT}\n");
        let (mut log, mut tail) = growing();
        for byte in whole.as_bytes() {
            assert_eq!(read(&mut tail), Standing::Working);
            log.write_all(&[*byte]).unwrap();
        }
        assert_eq!(read(&mut tail), Standing::ResultGiven { background_tasks: 2 });
    }

    #[test]
    fn a_line_longer_than_a_chunk_is_parsed() {
        let long = format!(r#"{{"result":"{}","type":"result"}}"#, "x".repeat(1_000_000));
        assert_eq!(standing_after(&[INIT, &long]), Standing::ResultGiven { background_tasks: 0 });
        assert_eq!(standing_after(&[&long, INIT]), Standing::Working);
    }

    #[test]
    fn a_line_over_the_limit_is_work() {
        let (mut log, mut tail) = growing();
        write!(log, "{RESULT}\n{}", "x".repeat(LINE_BYTES_MAX + 1)).unwrap();
        read(&mut tail);
        assert_eq!(tail.unfinished(), None);
        write!(log, "\n{RESULT}").unwrap();
        assert_eq!(read(&mut tail), Standing::Working);
        assert_eq!(tail.unfinished(), Some((RESULT.len() + LINE_BYTES_MAX + 3) as u64));
    }

    #[test]
    fn the_end_of_a_log_that_grew_too_fast_is_read() {
        let log = tempfile::tempfile().unwrap();
        let far = 100 * BEHIND_BYTES_MAX;
        std::os::unix::fs::FileExt::write_all_at(&log, format!("x\n{RESULT}\n").as_bytes(), far).unwrap();
        let mut tail = Tail::new(log);
        assert_eq!(read(&mut tail), Standing::ResultGiven { background_tasks: 0 });
        assert_eq!(tail.result(), far + 2..far + 3 + RESULT.len() as u64);
    }
}
