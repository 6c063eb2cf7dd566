//! Reads an agent's log (Claude Code's `stream-json`: one JSON object a line) into what the end of a run needs.
//!
//! The reader is total and bounded: whatever the log holds, it neither fails nor panics, and it keeps one
//! line and a few short texts in memory. Only what the disk says is an error. Lines that are no events
//! are counted and otherwise ignored, and so are kinds of events, and fields, that are not known.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead};

use serde_json::value::RawValue;

use super::json::{self, amount, count, elements, pick, short, truth};
pub use super::result::ResultEvent;
use super::result::{sum_of_models, tokens};
use super::transcript::input_summary;
use crate::os::log::{Line, Lines};
use crate::run::{PermissionDenial, SessionId, Usage};
use crate::timestamp::Timestamp;

/// How many denials, notices and background tasks are kept; the rest is only counted.
const KEPT_MAX: usize = 50;

/// How many answers are told apart when a run without a result is counted. A run of a day makes some thousands.
const MESSAGES_MAX: usize = 100_000;

/// What a log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// How far the agent came.
    pub progress: Progress,
    /// The session, as the last start or result names it.
    pub session_id: Option<SessionId>,
    /// The model that the agent started with.
    pub model: Option<String>,
    /// The agent's version.
    pub agent_version: Option<String>,
    /// Where the key comes from; `none` means a login or no login at all.
    pub api_key_source: Option<String>,
    /// The last complete result event. A run may print several; the last one counts.
    pub result: Option<ResultEvent>,
    /// The kind of the last error of the service, as in `authentication_failed`.
    pub api_error_kind: Option<String>,
    /// What this run used, summed over all its results, and what is known of the work after the last one.
    pub usage: Usage,
    /// What the session has cost so far, earlier runs included; never to be added up over runs.
    pub session_cost_usd: Option<f64>,
    /// What the agent was not allowed to do, at most the first 50.
    pub permission_denials: Vec<PermissionDenial>,
    /// How often it was not allowed to do something.
    pub permission_denials_count: usize,
    /// What a reader of the run should know, one line each, at most the first 50.
    pub notices: Vec<String>,
    /// What the service last said of the account's limit.
    pub rate_limit: Option<RateLimit>,
    /// What the agent left running in the background, as far as it said, at most 50 descriptions.
    pub background_tasks: Vec<String>,
    /// What was in the log.
    pub lines: LineCounts,
}

/// How far an agent came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It never said that it had started.
    #[default]
    Nothing,
    /// It started and said nothing more, so its session may not be on the disk yet.
    Started,
    /// It said or did something.
    Worked,
}

/// The lines of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Events.
    pub events: u64,
    /// Lines that are no events: cut, garbled, or printed by something else.
    pub unreadable: u64,
    /// Lines too long to be read.
    pub oversized: u64,
    /// Bytes that are missing in the log, because it was too long.
    pub left_out_bytes: u64,
}

/// What the service says of the account's limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: String,
    /// When the limit is lifted.
    pub resets_at: Option<Timestamp>,
}

/// Reads a log to its end. Fails only when the log cannot be read.
pub fn read(log: impl BufRead) -> io::Result<Reading> {
    let mut lines = Lines::new(log);
    let mut fold = Fold::default();
    while let Some(line) = lines.next_line()? {
        match line {
            Line::Oversized { .. } => fold.reading.lines.oversized += 1,
            Line::Whole(bytes) => fold.take(json::repaired(bytes)),
        }
    }
    Ok(fold.finish())
}

impl Reading {
    /// Returns what a reader of the run should know, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.notices.clone();
        let mut counted = |count: u64, [one, several]: [&str; 2]| match count {
            0 => {}
            1 => warnings.push(format!("1 {one}")),
            _ => warnings.push(format!("{count} {several}")),
        };
        counted(
            self.permission_denials_count as u64,
            ["request for permission was denied", "requests for permission were denied"],
        );
        counted(
            self.lines.unreadable,
            ["line of the log could not be read", "lines of the log could not be read"],
        );
        counted(
            self.lines.oversized,
            ["line of the log was too long to be read", "lines of the log were too long to be read"],
        );
        if self.lines.left_out_bytes > 0 {
            let bytes = self.lines.left_out_bytes;
            warnings
                .push(format!("the log was longer than log_max: {bytes} bytes of its middle are missing"));
        }
        warnings
    }
}

/// The reading so far, and what is needed to go on.
#[derive(Debug, Default)]
pub(super) struct Fold {
    reading: Reading,
    /// What the answers since the last result used.
    unsettled: Usage,
    messages: HashSet<u64>,
    denial_ids: Vec<String>,
}

impl Fold {
    pub(super) fn take(&mut self, line: &str) {
        let line = line.trim_matches(|character: char| character.is_ascii_whitespace() || character == '\0');
        if line.is_empty() {
            return;
        }
        let event = pick(line, ["type", "subtype"]);
        let Some([Some(kind), subtype]) = event else {
            self.reading.lines.unreadable += 1;
            return;
        };
        self.reading.lines.events += 1;
        match (kind.get(), subtype.map_or("", RawValue::get)) {
            (r#""assistant""#, _) => self.take_assistant(line),
            (r#""user""#, _) => self.reading.progress = Progress::Worked,
            (r#""result""#, _) => self.take_result(line),
            (r#""rate_limit_event""#, _) => self.take_rate_limit(line),
            (r#""system""#, r#""init""#) => self.take_init(line),
            (r#""system""#, r#""permission_denied""#) => self.take_denied(line),
            (r#""system""#, r#""background_tasks_changed""#) => self.take_background(line),
            (
                r#""system""#,
                r#""model_fallback""# | r#""model_refusal_no_fallback""# | r#""informational""#,
            ) => {
                self.take_notice(line);
            }
            (r#""git_claudedo""#, r#""left_out""#) => {
                let bytes = pick(line, ["bytes"]).and_then(|[bytes]| count(bytes?)).unwrap_or_default();
                let left_out = &mut self.reading.lines.left_out_bytes;
                *left_out = left_out.saturating_add(bytes);
            }
            _ => {}
        }
    }

    /// Returns what was used so far.
    pub(super) fn usage(&self) -> Usage {
        let mut usage = self.reading.usage;
        usage.add(&self.unsettled);
        usage
    }

    fn finish(mut self) -> Reading {
        self.reading.usage = self.usage();
        self.reading
    }

    fn take_init(&mut self, line: &str) {
        let Some([session, model, version, key]) =
            pick(line, ["session_id", "model", "claude_code_version", "apiKeySource"])
        else {
            return;
        };
        let reading = &mut self.reading;
        reading.progress = reading.progress.max(Progress::Started);
        reading.session_id = session_id(session).or_else(|| reading.session_id.take());
        reading.model = model.and_then(short).or_else(|| reading.model.take());
        reading.agent_version = version.and_then(short).or_else(|| reading.agent_version.take());
        reading.api_key_source = key.and_then(short).or_else(|| reading.api_key_source.take());
    }

    fn take_assistant(&mut self, line: &str) {
        self.reading.progress = Progress::Worked;
        let Some([message, parent, api_error, error]) =
            pick(line, ["message", "parent_tool_use_id", "is_api_error_message", "error"])
        else {
            return;
        };
        if api_error.and_then(truth) == Some(true) {
            self.reading.api_error_kind = error.and_then(short);
        }
        let Some([Some(id), model, Some(usage)]) =
            message.and_then(|message| pick(message.get(), ["id", "model", "usage"]))
        else {
            return;
        };
        let synthetic = model.is_some_and(|model| model.get() == r#""<synthetic>""#);
        if synthetic || self.messages.len() >= MESSAGES_MAX || !self.messages.insert(hash(id.get())) {
            return;
        }
        // The blocks of one answer carry the same usage, whose count of output is a placeholder.
        let main = parent.is_none_or(|parent| parent.get() == "null");
        self.unsettled.add(&Usage { turns: u64::from(main), output_tokens: 0, ..tokens(usage) });
    }

    fn take_result(&mut self, line: &str) {
        // The old one is dropped first: either may be as large as a line.
        self.reading.result = None;
        let result = ResultEvent::parse(line);
        let Some([session, usage, deltas, session_cost, denials]) = pick(
            line,
            ["session_id", "usage", "model_usage_since_last_result", "total_cost_usd", "permission_denials"],
        ) else {
            return;
        };
        let used = match deltas.filter(|deltas| deltas.get().starts_with('{')) {
            Some(deltas) => sum_of_models(deltas),
            None => usage.map(tokens).unwrap_or_default(),
        };
        self.reading.usage.add(&Usage { turns: result.turns, ..used });
        if result.turns > 0 {
            self.reading.progress = Progress::Worked;
        }
        self.unsettled = Usage::default();
        self.reading.session_cost_usd = session_cost.and_then(amount).or(self.reading.session_cost_usd);
        if let Some(session) = session_id(session) {
            self.reading.session_id = Some(session);
        }
        if let Some(denials) = denials {
            self.take_denials(denials);
        }
        self.reading.result = Some(result);
    }

    fn take_denied(&mut self, line: &str) {
        if let Some([tool, id, message]) = pick(line, ["tool_name", "tool_use_id", "message"]) {
            let id = id.and_then(short).unwrap_or_default();
            let tool = tool.and_then(short).unwrap_or_default();
            self.deny(id, PermissionDenial { tool, input: String::new(), reason: message.and_then(short) });
        }
    }

    fn take_denials(&mut self, denials: &RawValue) {
        let (first, length) = elements(denials, KEPT_MAX);
        for denial in &first {
            let Some([tool, id, input]) = pick(denial.get(), ["tool_name", "tool_use_id", "tool_input"])
            else {
                continue;
            };
            let id = id.and_then(short).unwrap_or_default();
            let tool = tool.and_then(short).unwrap_or_default();
            let input = input.map(input_summary).unwrap_or_default();
            self.deny(id, PermissionDenial { tool, input, reason: None });
        }
        self.reading.permission_denials_count += length - first.len();
    }

    /// Adds a denial, or what is new of one that was announced by an event of its own.
    fn deny(&mut self, id: String, denial: PermissionDenial) {
        if let Some(index) = self.denial_ids.iter().position(|known| *known == id && !id.is_empty()) {
            let known = &mut self.reading.permission_denials[index];
            if known.input.is_empty() {
                known.input = denial.input;
            }
            return;
        }
        self.reading.permission_denials_count += 1;
        if self.denial_ids.len() < KEPT_MAX {
            self.denial_ids.push(id);
            self.reading.permission_denials.push(denial);
        }
    }

    fn take_rate_limit(&mut self, line: &str) {
        let limit =
            pick(line, ["rate_limit_info"]).and_then(|[info]| pick(info?.get(), ["status", "resetsAt"]));
        let Some([Some(status), resets_at]) = limit else {
            return;
        };
        let resets_at = resets_at.and_then(count).and_then(from_unix_seconds);
        self.reading.rate_limit = short(status)
            .map(|status| RateLimit { status, resets_at })
            .or_else(|| self.reading.rate_limit.take());
    }

    fn take_background(&mut self, line: &str) {
        if let Some([Some(tasks)]) = pick(line, ["tasks"]) {
            let describe = |task: &&RawValue| {
                let [description, id] = pick(task.get(), ["description", "task_id"])?;
                description.and_then(short).or_else(|| id.and_then(short))
            };
            let (first, _) = elements(tasks, KEPT_MAX);
            self.reading.background_tasks =
                first.iter().map(|task| describe(task).unwrap_or_else(|| "unnamed".to_owned())).collect();
        }
    }

    fn take_notice(&mut self, line: &str) {
        let Some([subtype, content, level, model]) =
            pick(line, ["subtype", "content", "level", "original_model"])
        else {
            return;
        };
        let content = content.and_then(short).unwrap_or_default();
        let notice = match subtype.map_or("", RawValue::get) {
            r#""model_refusal_no_fallback""# => {
                format!(
                    "{} refused to answer",
                    model.and_then(short).unwrap_or_else(|| "the model".to_owned())
                )
            }
            r#""informational""# if level.is_none_or(|level| level.get() == r#""info""#) => return,
            _ => content,
        };
        let known = self.reading.notices.len() >= KEPT_MAX || self.reading.notices.contains(&notice);
        if !known && !notice.is_empty() {
            self.reading.notices.push(notice);
        }
    }
}

fn session_id(value: Option<&RawValue>) -> Option<SessionId> {
    value.and_then(short)?.parse().ok()
}

fn from_unix_seconds(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_unix_milliseconds(i64::try_from(seconds).ok()?.checked_mul(1000)?)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;
    use crate::agent::testing::{capture, capture_names};

    fn reading(log: &[u8]) -> Reading {
        read(log).unwrap()
    }

    fn used(log: &[u8]) -> (u64, u64, u64, Option<String>) {
        let usage = reading(log).usage;
        let cost = usage.cost_usd.map(|cost| format!("{cost:.6}"));
        (usage.turns, usage.input_tokens, usage.output_tokens, cost)
    }

    #[test]
    fn a_resumed_run_counts_its_own_use_and_not_that_of_the_session() {
        assert_eq!(used(&capture("mt2")), (3, 200, 40, Some("0.001600".to_owned())));
        assert_eq!(used(&capture("mt2-resume")), (3, 300, 60, Some("0.002400".to_owned())));
        assert_eq!(reading(&capture("mt2-resume")).session_cost_usd, Some(0.004));
    }

    #[test]
    fn subagents_and_all_results_of_a_run_are_counted() {
        assert_eq!(used(&capture("subagent")), (3, 600, 120, Some("0.002460".to_owned())));
        assert_eq!(used(&capture("end-runinbg")), (3, 300, 60, Some("0.002400".to_owned())));
        assert_eq!(reading(&capture("end-runinbg")).background_tasks, [""; 0]);
    }

    #[test]
    fn a_run_without_a_result_counts_each_answer_once() {
        let log = capture("parallel");
        let cut = &log[..log.windows(14).position(|w| w == b"duration_api_m").unwrap() - 2];
        assert_eq!(used(&log), (3, 200, 40, Some("0.001600".to_owned())));
        assert_eq!(used(cut), (2, 200, 0, None));
    }

    #[test]
    fn without_deltas_the_usage_of_each_result_counts() {
        let log =
            br#"{"type":"result","num_turns":2,"usage":{"input_tokens":7,"cache_read_input_tokens":5}}"#;
        let usage = reading(log).usage;
        assert_eq!(
            (usage.turns, usage.input_tokens, usage.cache_read_tokens, usage.cost_usd),
            (2, 7, 5, None)
        );
    }

    #[test]
    fn a_denial_is_counted_once_though_it_is_said_twice() {
        let reading = reading(&capture("write-default"));
        assert_eq!(reading.permission_denials_count, 1);
        let denial = &reading.permission_denials[0];
        assert_eq!((denial.tool.as_str(), denial.input.as_str()), ("Write", "/home/dev/repo/a.txt"));
        assert!(denial.reason.as_deref().unwrap().starts_with("Claude requested permissions to write"));
        assert_eq!(reading.warnings(), ["1 request for permission was denied"]);
    }

    #[test]
    fn what_a_reader_should_know_is_noted() {
        let notices = |name| reading(&capture(name)).notices;
        assert_eq!(notices("err529-fallback"), ["Switched to Sonnet 5 due to high demand for Opus 5.5"]);
        assert_eq!(
            notices("refusal"),
            [
                "Opus 5.5's safeguards stopped the response above · continuing once with that noted",
                "claude-opus-5-5 refused to answer",
            ]
        );
        let limit = reading(&capture("ns-oauth-rejected")).rate_limit.unwrap();
        assert_eq!(limit.status, "rejected");
        assert_eq!(limit.resets_at.unwrap().to_string(), "2026-11-23T02:13:20.000Z");
    }

    #[test]
    fn the_start_names_session_model_and_version() {
        let reading = reading(&capture("kill-stream-SIGKILL"));
        assert_eq!(reading.progress, Progress::Started);
        assert_eq!(reading.model.as_deref(), Some("claude-opus-5-5"));
        assert_eq!(reading.agent_version.as_deref(), Some("2.1.330"));
        assert_eq!(reading.api_key_source.as_deref(), Some("ANTHROPIC_API_KEY"));
        assert!(reading.session_id.is_some() && reading.result.is_none());
    }

    #[test]
    fn half_a_result_is_none_and_a_whole_one_needs_no_line_end() {
        let log = capture("text");
        let log = log.trim_ascii_end();
        assert!(reading(log).result.is_some());
        let half = reading(&log[..log.len() - 1]);
        assert_eq!((half.result, half.lines.unreadable), (None, 1));
    }

    #[test]
    fn an_answer_of_ten_megabytes_is_understood() {
        let answer = "line of an answer\\n".repeat(10_000_000 / 19);
        let result =
            format!("{{\"result\":\"{answer}\",\"type\":\"result\",\"is_error\":false,\"num_turns\":1}}\n");
        let mut log = capture("text");
        log.extend(result.as_bytes());
        let text = reading(&log).result.unwrap().text.unwrap();
        assert_eq!(text.len(), 10_000_000 / 19 * 18);
    }

    #[test]
    fn a_line_without_end_is_counted_and_what_follows_is_read() {
        let log = BufReader::new(io::repeat(b'{').take(40 << 20).chain(&b"\n"[..]));
        let all = capture("text");
        let reading = read(log.chain(&all[..])).unwrap();
        assert_eq!((reading.lines.oversized, reading.lines.events), (1, 3));
        assert_eq!(reading.result.unwrap().text.unwrap(), "Hello from the stub.");
    }

    #[test]
    fn what_is_no_event_does_no_harm() {
        let odd: [&[u8]; 12] = [
            b"\0\0\0",
            b"\xff\xfe",
            b"[1,2]",
            b"42",
            b"{}",
            b"{\"type\":{\"a\":[]}}",
            b"{\"type\":\"result\"",
            b"{\"type\":\"of the future\",\"x\":1}",
            b"{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":7,\"model\":[],\"apiKeySource\":null}",
            b"{\"type\":\"assistant\",\"message\":\"no object\"}",
            b"{\"type\":\"rate_limit_event\",\"rate_limit_info\":[]}",
            b"{\"type\":\"system\",\"subtype\":\"background_tasks_changed\",\"tasks\":{\"a\":1}}",
        ];
        let mut log = odd.join(&b'\n');
        log.push(b'\n');
        log.extend(capture("text"));
        let reading = reading(&log);
        assert_eq!((reading.lines.unreadable, reading.lines.events), (5, 9));
        assert_eq!(reading.usage.turns, 1);
        assert_eq!(reading.warnings(), ["5 lines of the log could not be read"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_bytes_can_be_read(log in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let reading = read(&log[..]).unwrap();
            prop_assert!(reading.lines.events + reading.lines.unreadable <= 2_000);
        }

        #[test]
        fn a_damaged_log_can_be_read(
            which in any::<prop::sample::Index>(),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..4), 1..20),
        ) {
            let names = capture_names();
            let mut log = capture(&names[which.index(names.len())]);
            for (place, byte, kind) in damage {
                if log.is_empty() {
                    break;
                }
                let place = place.index(log.len());
                match kind {
                    0 => log[place] = byte,
                    1 => log.insert(place, byte),
                    2 => log.truncate(place),
                    _ => drop(log.drain(place..(place + usize::from(byte)).min(log.len()))),
                }
            }
            let reading = read(&log[..]).unwrap();
            let lines = log.split(|byte| *byte == b'\n').count() as u64;
            prop_assert!(reading.lines.events + reading.lines.unreadable <= lines);
            for line in log.split(|byte| *byte == b'\n') {
                for item in crate::agent::transcript::items(line) {
                    prop_assert!(!item.summary().contains(char::is_control));
                }
            }
        }
    }
}
