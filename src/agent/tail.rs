//! Watches the end of a growing log: has the agent said its last word?
//!
//! Claude Code (2.1.330) prints a `result` line at the end of a turn and usually leaves at once. It may
//! stay for minutes while its background tasks run, and then print further turns and results; or it may
//! hang. So a result counts only as long as no turn begins after it, and the tasks still running in the
//! background decide how long it may stay. A log in another format never has a result.
//!
//! The order of keys in a line is not fixed, so every line is parsed. Each byte is looked at once; a line
//! that is still being written is remembered by its place in the file, not by its text.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::unix::fs::FileExt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Longest line that is parsed. Lines hold whole answers (10 MB seen); a longer one counts as work, as
/// any line that is no result.
const LINE_BYTES_MAX: u64 = super::lines::LINE_BYTES_MAX as u64;

/// How much is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// How much is read in one call at most, so that a caller with other duties gets back to them.
const READ_BYTES_MAX: u64 = 64 << 20;

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
#[derive(Debug, Default)]
pub struct Tail {
    /// Where the line begins that is not complete yet.
    line_start: u64,
    /// Up to where the file was looked at.
    position: u64,
    /// Whether a result was printed and no turn began after it.
    result_given: bool,
    background_tasks: usize,
}

impl Tail {
    /// Reads what was added to the log and returns where the agent stands now.
    ///
    /// Reads at most 64 MiB a call; what is left is read by the next one.
    pub fn read(&mut self, log: &File) -> io::Result<Standing> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let end = self.position.saturating_add(READ_BYTES_MAX);
        while self.position < end {
            let length = match log.read_at(&mut chunk, self.position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if length == 0 {
                break;
            }
            self.take_chunk(log, &chunk[..length])?;
        }
        Ok(if self.result_given {
            Standing::ResultGiven { background_tasks: self.background_tasks }
        } else {
            Standing::Working
        })
    }

    /// Returns how many bytes of the log were read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes the bytes that lie at `position`.
    fn take_chunk(&mut self, log: &File, chunk: &[u8]) -> io::Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let piece_start = self.position;
            let piece = &rest[..(&mut &*rest).skip_until(b'\n')?];
            rest = &rest[piece.len()..];
            self.position += piece.len() as u64;
            if let Some(text) = piece.strip_suffix(b"\n") {
                if self.line_start == piece_start {
                    self.take_line(text);
                } else {
                    self.take_long_line(log, self.position - 1)?;
                }
                self.line_start = self.position;
            }
        }
        Ok(())
    }

    /// Takes a line that began in an earlier chunk.
    fn take_long_line(&mut self, log: &File, line_end: u64) -> io::Result<()> {
        let length = line_end - self.line_start;
        if length > LINE_BYTES_MAX {
            self.result_given = false;
            return Ok(());
        }
        let mut line = vec![0; usize::try_from(length).unwrap_or_default()];
        log.read_exact_at(&mut line, self.line_start)?;
        self.take_line(&line);
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) {
        match Line::parse(line) {
            Line::Result => self.result_given = true,
            Line::BackgroundTasks(count) => self.background_tasks = count,
            Line::Bookkeeping => {}
            Line::Work => self.result_given = false,
        }
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

    fn standing_after(lines: &[&str]) -> Standing {
        let mut log = tempfile::tempfile().unwrap();
        for line in lines {
            writeln!(log, "{line}").unwrap();
        }
        Tail::default().read(&log).unwrap()
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
        let mut log = tempfile::tempfile().unwrap();
        let mut tail = Tail::default();
        for byte in whole.as_bytes() {
            assert_eq!(tail.read(&log).unwrap(), Standing::Working);
            log.write_all(&[*byte]).unwrap();
        }
        assert_eq!(tail.read(&log).unwrap(), Standing::ResultGiven { background_tasks: 2 });
    }

    #[test]
    fn a_line_longer_than_a_chunk_is_parsed() {
        let long = format!(r#"{{"result":"{}","type":"result"}}"#, "x".repeat(3 * CHUNK_BYTES));
        assert_eq!(standing_after(&[INIT, &long]), Standing::ResultGiven { background_tasks: 0 });
        assert_eq!(standing_after(&[&long, INIT]), Standing::Working);
    }

    #[test]
    fn a_line_over_the_limit_is_work_and_not_held() {
        let log = tempfile::tempfile().unwrap();
        log.write_all_at(format!("{RESULT}\n").as_bytes(), 0).unwrap();
        // A hole reads as zeros without needing the space.
        log.write_all_at(format!("\n{RESULT}").as_bytes(), LINE_BYTES_MAX + 1000).unwrap();
        let mut tail = Tail::default();
        assert_eq!(tail.read(&log).unwrap(), Standing::Working);
        assert_eq!(tail.line_start, LINE_BYTES_MAX + 1001);
    }
}
