//! The `@fake` lines of a prompt as values. A line that makes no sense stops the fake, so that a test with a
//! typing error fails.

use std::path::PathBuf;

use serde_json::Value;

/// One thing to do. See the table in `main.rs`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Write { path: PathBuf, text: String },
    Append { path: PathBuf, text: String },
    Delete { path: PathBuf },
    Shell(String),
    Background { detachment: Detachment, command: String },
    Text(String),
    Raw(String),
    Stderr(String),
    PrintFile(PathBuf),
    BigLine(usize),
    Garbage,
    Cut,
    RateLimit { status: String, resets_at: u64 },
    SchemaAnswer(Value),
    Result(ResultEvent),
    Init,
    NoInit,
    WaitFor(PathBuf),
    Hang,
    Exit(u8),
    Kill(i32),
    OnTerm(OnTerm),
    UnknownSession,
}

/// Whether a session is new to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Fresh,
    Resumed,
}

/// How far a background process is from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detachment {
    OwnSession,
    SameGroup,
}

/// What SIGTERM does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnTerm {
    Die,
    Ignore,
    Succeed,
}

/// The parts of a result event that a script may choose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ResultEvent {
    pub(crate) is_error: bool,
    pub(crate) subtype: Option<String>,
    pub(crate) terminal_reason: Option<String>,
    pub(crate) api_error: Option<String>,
    pub(crate) status: Option<u64>,
    pub(crate) turns: Option<u64>,
    pub(crate) denied: Option<String>,
    pub(crate) text: Option<String>,
}

/// Returns the steps that count in this kind of session, or what is wrong with which line.
pub(crate) fn steps(prompt: &str, beginning: Beginning) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for line in prompt.lines().filter_map(|line| line.trim_start().strip_prefix("@fake ")) {
        let (condition, rest) = words(line);
        let step = match condition {
            "on-resume" if beginning == Beginning::Fresh => None,
            "on-fresh" if beginning == Beginning::Resumed => None,
            "on-resume" | "on-fresh" => Some(rest),
            _ => Some(line.trim()),
        };
        if let Some(text) = step {
            steps.push(parse(text).ok_or_else(|| format!("step {text:?} cannot be read"))?);
        }
    }
    Ok(steps)
}

fn parse(line: &str) -> Option<Step> {
    let (verb, rest) = words(line);
    let (first, tail) = words(rest);
    Some(match verb {
        "write" => Step::Write { path: path(first)?, text: text(tail) },
        "append" => Step::Append { path: path(first)?, text: text(tail) },
        "delete" => Step::Delete { path: path(rest)? },
        "sh" => Step::Shell(required(rest)?),
        "background" => Step::Background { detachment: detachment(first)?, command: background(tail) },
        "text" => Step::Text(required(rest)?),
        "raw" => Step::Raw(rest.to_owned()),
        "stderr" => Step::Stderr(required(rest)?),
        "print-file" => Step::PrintFile(path(rest)?),
        "big-line" => Step::BigLine(rest.parse().ok()?),
        "rate-limit" => Step::RateLimit { status: required(first)?, resets_at: tail.parse().ok()? },
        "schema-answer" => Step::SchemaAnswer(serde_json::from_str(rest).ok()?),
        "result" => Step::Result(result(first, tail)?),
        "wait-for" => Step::WaitFor(path(rest)?),
        "exit" => Step::Exit(rest.parse().ok()?),
        "kill" => Step::Kill(rest.parse().ok()?),
        _ if !rest.is_empty() => return None,
        "garbage" => Step::Garbage,
        "cut" => Step::Cut,
        "init" => Step::Init,
        "no-init" => Step::NoInit,
        "hang" => Step::Hang,
        "ignore-term" => Step::OnTerm(OnTerm::Ignore),
        "term-success" => Step::OnTerm(OnTerm::Succeed),
        "unknown-session" => Step::UnknownSession,
        _ => return None,
    })
}

fn result(verdict: &str, keys: &str) -> Option<ResultEvent> {
    let is_error = match verdict {
        "ok" => false,
        "error" => true,
        _ => return None,
    };
    let mut event = ResultEvent { is_error, ..ResultEvent::default() };
    let mut rest = keys;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        if key == "text" {
            event.text = Some(after.to_owned());
            break;
        }
        let (value, next) = after.split_once(' ').unwrap_or((after, ""));
        match key {
            "subtype" => event.subtype = Some(value.to_owned()),
            "terminal_reason" => event.terminal_reason = Some(value.to_owned()),
            "api_error" => event.api_error = Some(value.to_owned()),
            "status" => event.status = Some(value.parse().ok()?),
            "turns" => event.turns = Some(value.parse().ok()?),
            "denied" => event.denied = Some(value.to_owned()),
            _ => return None,
        }
        rest = next.trim_start();
    }
    Some(event)
}

fn detachment(word: &str) -> Option<Detachment> {
    match word {
        "setsid" => Some(Detachment::OwnSession),
        "group" => Some(Detachment::SameGroup),
        _ => None,
    }
}

/// Returns the command, or one that outlives every test.
fn background(command: &str) -> String {
    if command.is_empty() { "exec sleep 300".to_owned() } else { command.to_owned() }
}

fn words(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(' ').map_or((line, ""), |(first, rest)| (first, rest.trim()))
}

fn required(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn path(text: &str) -> Option<PathBuf> {
    required(text).map(PathBuf::from)
}

fn text(rest: &str) -> String {
    format!("{}\n", rest.replace("\\n", "\n"))
}
