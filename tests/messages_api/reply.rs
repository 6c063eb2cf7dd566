//! What the stand-in does about a request: the step of the script that is due.
//!
//! The step is found by counting the assistant messages since the script, so nothing of a conversation is
//! remembered here. Failures leave no message behind; what ends them is a number, a moment or a follow-up.

use std::time::{SystemTime, UNIX_EPOCH};

use super::answer::{Answer, StopReason};
use super::request::{MessagesRequest, UserText};
use super::script::{lines, steps};

/// What the "model" says when the script is used up.
const DONE: &str = "Done.";

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
pub(super) enum Step {
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

    fn done() -> Self {
        Self::Answer(Answer::text(DONE, StopReason::EndTurn))
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

impl Step {
    /// Returns whether the step has no more effect although no answer was given for it.
    fn is_over(&self, situation: Situation) -> bool {
        match self {
            Self::Say(_) | Self::BreakStream => false,
            Self::Fail { times, .. } => times.is_some_and(|times| situation.failures_before >= times),
            // Only a follow-up ends it, so that a slow first request is limited all the same.
            Self::LimitUsage { until } => situation.has_follow_up && unix_seconds() >= *until,
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

fn answers_since(request: &MessagesRequest, prompt: UserText<'_>) -> usize {
    request.messages.iter().skip(prompt.message).filter(|message| message.role == "assistant").count()
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
