//! What the "model" does, as the prompt says: lines `@stub NAME key=value …`.
//!
//! A value is a word, or JSON where it has blanks: `@stub bash cmd="sleep 5; echo done"`. All such lines
//! of the newest prompt that has any make one script; its steps are played in order, one for each
//! assistant message since. When they are used up, the "model" says [`DONE`] and ends its turn, so a
//! follow-up without such a line goes on with the script, or with plain answers.
//!
//! | name | keys (with their defaults) | the "model" |
//! |---|---|---|
//! | `text` | `text="Hello from the stub."` | answers |
//! | `echo` | | answers with the prompt it got |
//! | `slow` | `seconds=2` | answers, word by word |
//! | `write` | `path` `content` | writes a file |
//! | `edit` | `path` `old` `new` | reads a file and changes it |
//! | `bash` | `cmd` | runs a command |
//! | `background` | `seconds=20` | starts a command that outlives the turn |
//! | `crash` | | kills the CLI from within a command |
//! | `turns` | `n` | writes `turn-1.txt` …, one a turn |
//! | `parallel` | `n=2` | writes `parallel-1.txt` … in one turn |
//! | `structured` | `value={"name":"stub","n":1}` | fills the schema |
//! | `structured-bad` | | never fits the schema |
//! | `text-instead-of-structured` | | answers in words twice |
//! | `max-tokens` | `times=4` | is cut off at the token limit |
//! | `refusal` | | refuses twice, which is when the CLI gives up |
//! | `broken-stream` | | (the stream breaks; the answer comes when asked for in one piece) |
//! | `error` | `status` `times=`for ever, `retry-after` | (the API fails) |
//! | `fail-once` | `status=400` | (the API fails until there is a follow-up) |
//! | `usage-limit` | `until=`Unix seconds | (the subscription is used up until then) |
//! | `hang` | | (the API never answers until there is a follow-up) |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::answer::{Answer, Block, StopReason};
use super::request::{MessagesRequest, UserText};

/// What the "model" says when the script is used up.
const DONE: &str = "Done.";
/// What starts a line of a script.
const MARK: &str = "@stub ";
/// The CLI gives up a schema after 5 tries (2.1.330, measured); more than that is for ever.
const MORE_TRIES_THAN_THE_CLI_HAS: usize = 20;

/// What the stand-in does about a request.
#[derive(Debug)]
pub(super) enum Reply {
    Answer(Answer),
    BrokenStream,
    Failure(Failure),
    Silence,
}

/// A request that the API does not answer with a message.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// One thing the "model" or the API does.
#[derive(Debug, Clone)]
enum Step {
    Say(Answer),
    BreakStream,
    Fail { status: u16, times: Option<usize>, retry_after: Option<String> },
    FailUntilFollowUp { status: u16 },
    LimitUsage { until: u64 },
    Hang,
}

/// What decides whether a step is over, besides the number of answers.
#[derive(Debug, Clone, Copy)]
struct Situation {
    failures_before: usize,
    has_follow_up: bool,
}

impl Reply {
    /// Returns the HTTP status, if there is to be one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(_) | Self::BrokenStream => Some(200),
            Self::Failure(failure) => Some(failure.status),
            Self::Silence => None,
        }
    }
}

impl Failure {
    fn new(status: u16, message: &str) -> Self {
        Self { status, message: format!("stub: {message}"), headers: Vec::new() }
    }

    /// Returns the API's own name for this kind of failure (Anthropic's "Errors" page).
    pub(super) fn kind(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            500..=599 => "api_error",
            _ => "invalid_request_error",
        }
    }
}

/// Returns what a request's script says to do now; `failures_before` counts its failures in this session.
pub(super) fn reply_to(request: &MessagesRequest, failures_before: usize) -> Reply {
    let Some(prompt) = scripted_text(request) else { return Reply::done() };
    let has_follow_up = request.user_texts().next_back().is_some_and(|last| last != prompt);
    let situation = Situation { failures_before, has_follow_up };
    let script: Result<Vec<_>, _> =
        lines(prompt.text).map(|line| steps(line, prompt.text, request)).collect();
    match script {
        Ok(script) => {
            let due = script.into_iter().flatten().filter(|step| !step.is_over(situation));
            let mut due = due.skip(answers_since(request, prompt));
            due.next().map_or_else(Reply::done, |step| step.reply(request))
        }
        Err(problem) => Reply::Failure(Failure::new(400, &problem)),
    }
}

/// Returns the lines of a request that are meant for the stand-in.
pub(super) fn script_text(request: &MessagesRequest) -> String {
    scripted_text(request).map(|prompt| lines(prompt.text).collect::<Vec<_>>().join("\n")).unwrap_or_default()
}

impl Reply {
    fn done() -> Self {
        Self::Answer(Answer::text(DONE, StopReason::EndTurn))
    }
}

impl Step {
    /// Returns whether the step has no more effect although no answer was given for it.
    fn is_over(&self, situation: Situation) -> bool {
        match self {
            Self::Say(_) | Self::BreakStream => false,
            Self::Fail { times, .. } => times.is_some_and(|times| situation.failures_before >= times),
            Self::LimitUsage { until } => unix_seconds() >= *until,
            Self::FailUntilFollowUp { .. } | Self::Hang => situation.has_follow_up,
        }
    }

    fn reply(self, request: &MessagesRequest) -> Reply {
        match self {
            Self::Say(answer) => Reply::Answer(answer),
            Self::BreakStream if request.stream => Reply::BrokenStream,
            Self::BreakStream => Reply::Answer(Answer::text("In one piece.", StopReason::EndTurn)),
            Self::Fail { status, retry_after, .. } => Reply::Failure(Failure {
                headers: retry_after.into_iter().map(|seconds| ("retry-after", seconds)).collect(),
                ..Failure::new(status, "as the prompt asked")
            }),
            Self::FailUntilFollowUp { status } => {
                Reply::Failure(Failure::new(status, "until there is a follow-up"))
            }
            Self::LimitUsage { until } => Reply::Failure(usage_limit(until)),
            Self::Hang => Reply::Silence,
        }
    }
}

/// The answer to a subscription whose five hours are used up; the CLI heeds these headers only with a
/// bearer token, never with an API key (2.1.330, measured).
fn usage_limit(until: u64) -> Failure {
    let headers = vec![
        ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour".to_owned()),
        ("anthropic-ratelimit-unified-reset", until.to_string()),
        ("anthropic-ratelimit-unified-5h-utilization", "1.0".to_owned()),
        ("anthropic-ratelimit-unified-5h-reset", until.to_string()),
        ("anthropic-ratelimit-unified-overage-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-overage-disabled-reason", "out_of_credits".to_owned()),
    ];
    Failure { headers, ..Failure::new(429, "usage limit") }
}

/// Returns the newest text of the user that has a line for the stand-in.
fn scripted_text(request: &MessagesRequest) -> Option<UserText<'_>> {
    request.user_texts().rfind(|said| lines(said.text).next().is_some())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(MARK)).map(str::trim)
}

fn answers_since(request: &MessagesRequest, prompt: UserText<'_>) -> usize {
    request.messages.iter().skip(prompt.message).filter(|message| message.role == "assistant").count()
}

/// Returns the steps of one line, or what is wrong with it.
fn steps(line: &str, prompt: &str, request: &MessagesRequest) -> Result<Vec<Step>, String> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let keys = Keys::parse(rest)?;
    let end = |text: &str| vec![said(text, StopReason::EndTurn)];
    Ok(match name {
        "text" => end(&keys.text_or("text", "Hello from the stub.")),
        "echo" => end(prompt),
        "slow" => vec![slow(keys.number_or("seconds", 2)?)],
        "write" => vec![call(write(request, &keys.required("path")?, &keys.text_or("content", "")))],
        "edit" => edit(request, &keys)?,
        "bash" => vec![call(bash(&keys.required("cmd")?))],
        "background" => vec![call(background(keys.number_or("seconds", 20)?))],
        // The CLI writes its transcript a little later than its output; a session without one cannot go on.
        "crash" => vec![call(bash("sleep 1; kill -KILL $CLAUDE_PID"))],
        "turns" => numbered(request, "turn", keys.number("n")?).map(call).collect(),
        "parallel" => {
            vec![Step::Say(Answer::tools(numbered(request, "parallel", keys.number_or("n", 2)?).collect()))]
        }
        "structured" => {
            vec![call(structured(keys.value("value").unwrap_or_else(|| json!({"name": "stub", "n": 1}))))]
        }
        "structured-bad" => {
            vec![call(structured(json!({"unexpected": true}))); MORE_TRIES_THAN_THE_CLI_HAS]
        }
        "text-instead-of-structured" => [end("No."), end("Still no.")].concat(),
        "max-tokens" => {
            let times = usize::try_from(keys.number_or("times", 4)?).unwrap_or(usize::MAX);
            vec![said("I ran out of", StopReason::MaxTokens); times]
        }
        "broken-stream" => vec![Step::BreakStream],
        "refusal" => vec![said("I will not do that.", StopReason::Refusal); 2],
        "error" => vec![Step::Fail {
            status: keys.status("status", None)?,
            times: keys.number("times").ok().and_then(|times| usize::try_from(times).ok()),
            retry_after: keys.required("retry-after").ok(),
        }],
        "fail-once" => vec![Step::FailUntilFollowUp { status: keys.status("status", Some(400))? }],
        "usage-limit" => vec![Step::LimitUsage { until: keys.number("until")? }],
        "hang" => vec![Step::Hang],
        unknown => return Err(format!("unknown scenario {unknown:?}")),
    })
}

fn said(text: &str, stop: StopReason) -> Step {
    Step::Say(Answer::text(text, stop))
}

fn call(tool: Block) -> Step {
    Step::Say(Answer::tools(vec![tool]))
}

/// Cuts the pause so that the whole stream takes about `seconds`.
fn slow(seconds: u64) -> Step {
    let mut answer = Answer::text("One word after the other, and slowly so.", StopReason::EndTurn);
    let events = u32::try_from(answer.events("").len()).unwrap_or(u32::MAX);
    answer.pause = Duration::from_secs(seconds) / events;
    Step::Say(answer)
}

fn numbered(request: &MessagesRequest, name: &'static str, count: u64) -> impl Iterator<Item = Block> {
    (1..=count).map(move |n| write(request, &format!("{name}-{n}.txt"), &format!("{name} {n}\n")))
}

fn write(request: &MessagesRequest, path: &str, content: &str) -> Block {
    tool("Write", json!({"file_path": absolute(request, path), "content": content}))
}

/// The CLI refuses to edit a file that was not read in the same session, so that comes first.
fn edit(request: &MessagesRequest, keys: &Keys) -> Result<Vec<Step>, String> {
    let path = absolute(request, &keys.required("path")?);
    let (old, new) = (keys.required("old")?, keys.required("new")?);
    Ok(vec![
        call(tool("Read", json!({"file_path": path}))),
        call(tool("Edit", json!({"file_path": path, "old_string": old, "new_string": new}))),
    ])
}

fn bash(command: &str) -> Block {
    tool("Bash", json!({"command": command, "description": "as the prompt asked"}))
}

fn background(seconds: u64) -> Block {
    let command = format!("sleep {seconds}; echo finished");
    tool("Bash", json!({"command": command, "description": "outlives the turn", "run_in_background": true}))
}

fn structured(value: Value) -> Block {
    tool("StructuredOutput", value)
}

fn tool(name: &str, input: Value) -> Block {
    Block::ToolUse { name: name.to_owned(), input }
}

/// The file tools ask for absolute paths, and the conversation says where the CLI works.
fn absolute(request: &MessagesRequest, path: &str) -> String {
    match request.working_directory() {
        Some(folder) if !path.starts_with('/') => format!("{folder}/{path}"),
        Some(_) | None => path.to_owned(),
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The `key=value` pairs of a line.
#[derive(Debug)]
struct Keys(Vec<(String, Value)>);

impl Keys {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        let mut rest = text.trim_start();
        while let Some((key, after)) = rest.split_once('=') {
            let (value, after) = first_value(after)?;
            pairs.push((key.to_owned(), value));
            rest = after.trim_start();
        }
        if rest.is_empty() { Ok(Self(pairs)) } else { Err(format!("{rest:?} is no key=value")) }
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    fn required(&self, key: &str) -> Result<String, String> {
        match self.value(key) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Ok(other.to_string()),
            None => Err(format!("key {key:?} is missing")),
        }
    }

    fn text_or(&self, key: &str, default: &str) -> String {
        self.required(key).unwrap_or_else(|_| default.to_owned())
    }

    fn number(&self, key: &str) -> Result<u64, String> {
        let text = self.required(key)?;
        text.parse().map_err(|_| format!("{key}={text:?} is no number"))
    }

    fn number_or(&self, key: &str, default: u64) -> Result<u64, String> {
        if self.value(key).is_some() { self.number(key) } else { Ok(default) }
    }

    fn status(&self, key: &str, default: Option<u16>) -> Result<u16, String> {
        match (self.value(key), default) {
            (None, Some(default)) => Ok(default),
            _ => u16::try_from(self.number(key)?).map_err(|_| format!("{key} is no HTTP status")),
        }
    }
}

/// Splits off a value: JSON where it begins so, else the text up to the next blank.
fn first_value(text: &str) -> Result<(Value, &str), String> {
    if !text.starts_with(['"', '{', '[']) {
        let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
        return Ok((Value::String(word.to_owned()), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => {
            let end = values.byte_offset();
            Ok((value, &text[end..]))
        }
        Some(Err(error)) => Err(format!("a value is not JSON: {error}")),
        None => Err("a value is missing".to_owned()),
    }
}
