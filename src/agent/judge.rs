//! Says what the end of an agent means for its run. No I/O: a pure table over what is known.
//!
//! The order matters and is the heart of this file. What we did to the agent comes first, because a
//! stopped agent may still print a fine result. Then the last result event decides, because neither
//! `subtype: success` nor the exit code 0 means success: errors of the service end as
//! `success`, and an interrupted agent ends with 0. The exit code decides only where no event was printed.

use super::stream::{Progress, Reading, ResultEvent};
use crate::run::{AfterFailure, EndedBy, ExitStatus, FailureReason, Judgement};

/// The longest message in characters; a person reads it in a list.
const MESSAGE_CHARACTERS_MAX: usize = 4_000;

/// How many of the last lines on standard error make a message.
const ERROR_LINES_MAX: usize = 10;

/// All that is known of an agent that ended.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// What the kernel said.
    pub exit: &'a ExitStatus,
    /// Why it was never started, where that was not for its program.
    pub refusal: Option<FailureReason>,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Whether somebody asked for the run to be cancelled, in time or too late.
    pub cancel: Cancel,
    /// What its log says.
    pub reading: &'a Reading,
    /// What kind of answer it was asked for.
    pub answer: Answer,
    /// The end of what it printed on standard error.
    pub error_output: &'a str,
    /// How it speaks.
    pub protocol: Protocol,
    /// Whether its session is older than the run.
    pub conversation: Conversation,
}

/// Whether a run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// Nobody asked.
    NotRequested,
    /// Somebody did.
    Requested,
}

/// What kind of answer an agent is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Any.
    Text,
    /// One that fits the result schema.
    Structured,
}

/// How an agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    /// Claude Code: a stream of events.
    Claude,
    /// An ordinary program: its output is its answer, its exit code the verdict. May print events as well.
    Command,
}

/// Whether a session is older than the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// The run began it, so it may not have reached the disk.
    Begun,
    /// The run went on in it.
    Resumed,
}

/// Says what the end of an agent means.
pub fn judge(end: &End<'_>) -> Judgement {
    if let ExitStatus::NotStarted(reason) = end.exit
        && end.cancel == Cancel::NotRequested
    {
        return failure(end.refusal.unwrap_or(FailureReason::Startup), AfterFailure::Stop, reason);
    }
    match (end.cancel, end.ended_by) {
        (Cancel::Requested, _) | (Cancel::NotRequested, EndedBy::Cancel) => Judgement::Cancelled,
        (Cancel::NotRequested, EndedBy::Deadline) => {
            failure(FailureReason::Deadline, AfterFailure::Stop, "the time for the run was over")
        }
        (Cancel::NotRequested, EndedBy::Silence) => {
            failure(FailureReason::Silence, resume(end), "the agent printed nothing for too long")
        }
        (Cancel::NotRequested, EndedBy::Itself | EndedBy::ResultGrace | EndedBy::SupervisorLost) => {
            by_result(end)
        }
    }
}

fn by_result(end: &End<'_>) -> Judgement {
    match (&end.reading.result, end.protocol) {
        (Some(result), Protocol::Claude | Protocol::Command) if result.is_error => {
            let (reason, next) = cause(end, result);
            failure(reason, next, &message(end, Some(result)))
        }
        (Some(result), Protocol::Claude | Protocol::Command) => by_answer(end, result),
        (None, Protocol::Command) => by_exit_code(end),
        (None, Protocol::Claude) => without_result(end),
    }
}

/// Judges a result that the agent does not call an error.
fn by_answer(end: &End<'_>, result: &ResultEvent) -> Judgement {
    if result.turns == 0 {
        let said = said(result).unwrap_or_else(|| "the agent ended without ever asking the model".to_owned());
        return failure(FailureReason::NothingRan, AfterFailure::Stop, &said);
    }
    if end.answer == Answer::Structured && result.structured_output.is_none() {
        let message = "the agent answered without the structured output that the result schema asks for";
        return failure(FailureReason::StructuredOutput, AfterFailure::Resume, message);
    }
    Judgement::Success
}

fn by_exit_code(end: &End<'_>) -> Judgement {
    match end.exit {
        ExitStatus::Code(0) => Judgement::Success,
        ExitStatus::Code(_) => failure(FailureReason::ExitCode, AfterFailure::Resume, &message(end, None)),
        ExitStatus::Signal(_) | ExitStatus::Unknown | ExitStatus::NotStarted(_) => {
            failure(FailureReason::Crashed, AfterFailure::Resume, &message(end, None))
        }
    }
}

/// Judges an agent that ended without a result: it failed to start, or it was killed.
fn without_result(end: &End<'_>) -> Judgement {
    let message = message(end, None);
    match (end.reading.progress, end.ended_by) {
        (Progress::Started | Progress::Worked, _) => failure(FailureReason::Crashed, resume(end), &message),
        // Not its own fault: the machine or the supervisor went down before it could say a word.
        (Progress::Nothing, EndedBy::SupervisorLost) => {
            failure(FailureReason::Crashed, resume(end), &message)
        }
        // Only the text tells: Claude Code prints no event here. A new id is all that is needed.
        (Progress::Nothing, _) if end.error_output.contains("is already in use") => {
            failure(FailureReason::Startup, AfterFailure::StartFresh, &message)
        }
        (Progress::Nothing, _) => failure(FailureReason::Startup, AfterFailure::Stop, &message),
    }
}

/// Returns how to go on: in the same session, unless it began with this run and never got anywhere.
///
/// A session that was killed right after its start is not on the disk, and one that has only started holds
/// nothing worth keeping.
fn resume(end: &End<'_>) -> AfterFailure {
    match (end.conversation, end.reading.progress) {
        (Conversation::Resumed, _) | (Conversation::Begun, Progress::Worked) => AfterFailure::Resume,
        (Conversation::Begun, Progress::Nothing | Progress::Started) => AfterFailure::StartFresh,
    }
}

/// Returns why a result is an error, and what to do next.
fn cause(end: &End<'_>, result: &ResultEvent) -> (FailureReason, AfterFailure) {
    let hold = AfterFailure::HoldQueue { until: None };
    if let Some(startup) = result.startup_failure_reason.as_deref() {
        // A broken configuration file stops every task; other reasons are of this run's settings.
        let next = if startup == "config_file_invalid" { hold } else { AfterFailure::Stop };
        return (FailureReason::Startup, next);
    }
    match (result.subtype.as_str(), result.terminal_reason.as_deref().unwrap_or_default()) {
        ("error_max_turns", _) | (_, "max_turns") => (FailureReason::MaxTurns, AfterFailure::Resume),
        ("error_max_budget_usd", _) | (_, "budget_exhausted") => (FailureReason::Budget, AfterFailure::Stop),
        ("error_max_structured_output_retries", _) | (_, "structured_output_retry_exhausted") => {
            (FailureReason::StructuredOutput, AfterFailure::Resume)
        }
        (_, "blocking_limit" | "prompt_too_long") => (FailureReason::PromptTooLong, AfterFailure::Stop),
        (_, "image_error") => (FailureReason::ApiRefused, AfterFailure::Stop),
        (_, "aborted_streaming" | "aborted_tools") => (FailureReason::Crashed, resume(end)),
        ("error_during_execution", _) if is_session_missing(result) => {
            (FailureReason::SessionMissing, AfterFailure::StartFresh)
        }
        (_, "api_error") => api_cause(end.reading, result),
        _ if result.api_error_status.is_some() || result.api_error.is_some() => {
            api_cause(end.reading, result)
        }
        _ => (FailureReason::Agent, AfterFailure::Resume),
    }
}

/// Says whether the agent ended because it could not find the session to be resumed.
///
/// The text is Claude Code's own and not the model's, and nothing else tells.
fn is_session_missing(result: &ResultEvent) -> bool {
    result.turns == 0 && result.errors.iter().any(|error| error.starts_with("No conversation found"))
}

/// Returns what an error of the service means.
fn api_cause(reading: &Reading, result: &ResultEvent) -> (FailureReason, AfterFailure) {
    let hold = AfterFailure::HoldQueue { until: None };
    match result.api_error.as_deref() {
        Some("usage_limit_reached") => {
            let until = reading.rate_limit.as_ref().and_then(|limit| limit.resets_at);
            return (FailureReason::UsageLimit, AfterFailure::HoldQueue { until });
        }
        Some("connection_failed") => return (FailureReason::ApiUnavailable, AfterFailure::ResumeLater),
        Some("max_output_tokens") => return (FailureReason::AnswerTooLong, AfterFailure::Resume),
        Some(_) | None => {}
    }
    if result.stop_reason.as_deref() == Some("refusal") {
        return (FailureReason::Refusal, AfterFailure::Stop);
    }
    match (result.api_error_status, reading.api_error_kind.as_deref()) {
        (Some(401), _) | (None, Some("authentication_failed")) => (FailureReason::Login, hold),
        (Some(402), _) => (FailureReason::Billing, hold),
        (Some(408 | 409 | 429), _) => (FailureReason::ApiUnavailable, AfterFailure::ResumeLater),
        (Some(400..=499), _) => (FailureReason::ApiRefused, AfterFailure::Stop),
        // 5xx, a gateway that answers with something else, or no answer at all.
        (Some(_) | None, _) => (FailureReason::ApiUnavailable, AfterFailure::ResumeLater),
    }
}

/// Returns what to tell a person: the agent's words, else what it printed on standard error, else how it ended.
fn message(end: &End<'_>, result: Option<&ResultEvent>) -> String {
    result
        .and_then(said)
        .or_else(|| Some(last_lines(end.error_output)).filter(|text| !text.is_empty()))
        .unwrap_or_else(|| describe(end.exit))
}

/// Returns the agent's own words about its end.
fn said(result: &ResultEvent) -> Option<String> {
    if result.terminal_reason.as_deref().is_some_and(|reason| reason.starts_with("aborted_")) {
        // What it says of an interruption is a diagnostic for its makers.
        return Some("the agent was interrupted".to_owned());
    }
    let text = result.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).or_else(|| Some(result.errors.join("; ")).filter(|text| !text.is_empty()))
}

fn last_lines(error_output: &str) -> String {
    let lines: Vec<&str> = error_output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(ERROR_LINES_MAX)..].join("\n")
}

fn describe(exit: &ExitStatus) -> String {
    match exit {
        ExitStatus::Code(code) => format!("the agent ended with code {code}"),
        ExitStatus::Signal(signal) => format!("signal {signal} ended the agent"),
        ExitStatus::NotStarted(reason) => reason.clone(),
        ExitStatus::Unknown => "nobody saw the agent end".to_owned(),
    }
}

fn failure(reason: FailureReason, next: AfterFailure, message: &str) -> Judgement {
    let message = match message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    };
    Judgement::Failure { reason, message, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::stream::read;
    use crate::agent::testing::{capture, capture_error_output, capture_meta, capture_names};

    /// What each recorded run means, with the start of the message.
    const TABLE: &[(&str, &str)] = &[
        ("after-compact", "Success"),
        ("agent-unknown", "Startup, Stop: --agent 'nosuchagent' not found. Availab"),
        ("ask", "Success"),
        ("bad-input", "Success"),
        ("badflag", "Startup, Stop: error: unknown option '--no-such-flag'"),
        ("bash-acceptEdits", "Success"),
        ("bash-dontAsk", "Success"),
        ("bg-timeout10", "Success"),
        ("budget", "Budget, Stop: Reached maximum budget ($0.002)"),
        ("compact", "Success"),
        ("crash", "Crashed, Resume: signal 9 ended the agent"),
        ("cut", "ApiUnavailable, ResumeLater: API Error: Connection dropped (ECONNRESE"),
        ("cut-once", "Success"),
        ("edit", "Success"),
        ("empty", "Success"),
        ("end-nohup", "Success"),
        ("end-runinbg", "Success"),
        ("end-setsid", "Success"),
        ("err400", "ApiRefused, Stop: API Error: 400 stub: invalid_request_err"),
        ("err401", "Login, HoldQueue: Failed to authenticate. API Error: 401 s"),
        ("err402", "Billing, HoldQueue: API Error: 402 stub: billing_error"),
        ("err403", "ApiRefused, Stop: Failed to authenticate. API Error: 403 s"),
        ("err404", "ApiRefused, Stop: There's an issue with the selected model"),
        ("err413", "ApiRefused, Stop: Request too large (max 32MB). Accumulate"),
        ("err429-retryafter", "Success"),
        ("err429-retryafter-long", "ApiUnavailable, ResumeLater: API Error: Request rejected (429) · stub"),
        ("err500-retries1", "ApiUnavailable, ResumeLater: API Error: 500 stub: api_error. This is "),
        ("err500-twice", "Success"),
        ("err529-default", "ApiUnavailable, ResumeLater: API Error: Repeated 529 Overloaded error"),
        ("err529-fallback", "Success"),
        ("garbage", "ApiUnavailable, ResumeLater: API Error: API returned an empty or malf"),
        ("home-corrupt", "Startup, HoldQueue: Configuration error in /home/dev-bad/.cl"),
        ("hooks", "Success"),
        ("hooks-block-prompt", "NothingRan, Stop: UserPromptSubmit operation blocked by ho"),
        ("hooks-block-stop", "Success"),
        ("kill-hang-SIGINT", "Crashed, Resume: the agent ended with code 0"),
        ("kill-partial-SIGINT", "Crashed, Resume: the agent was interrupted"),
        ("kill-partial-SIGTERM", "Crashed, StartFresh: the agent ended with code 143"),
        ("kill-start-SIGTERM", "Startup, Stop: signal 15 ended the agent"),
        ("kill-stream-SIGHUP", "Crashed, StartFresh: the agent ended with code 129"),
        ("kill-stream-SIGINT", "Crashed, Resume: the agent was interrupted"),
        ("kill-stream-SIGKILL", "Crashed, StartFresh: signal 9 ended the agent"),
        ("kill-stream-SIGTERM", "Crashed, StartFresh: the agent ended with code 143"),
        ("kt-fg-SIGINT", "Crashed, Resume: the agent was interrupted"),
        ("late400", "ApiRefused, Stop: API Error: 400 stub: invalid_request_err"),
        ("long-tool", "Success"),
        ("max-tokens", "AnswerTooLong, Resume: API Error: Claude's response exceeded th"),
        ("maxturns2", "MaxTurns, Resume: Reached maximum number of turns (2)"),
        ("mcp-hang", "Success"),
        ("mt2", "MaxTurns, Resume: Reached maximum number of turns (2)"),
        ("mt2-fork", "Success"),
        ("mt2-resume", "Success"),
        ("mt2-resume-nonexist", "SessionMissing, StartFresh: No conversation found with session ID: 0"),
        ("name-flag", "Success"),
        ("nokey", "Login, HoldQueue: Not logged in · Please run /login"),
        ("noverbose", "Startup, Stop: Error: When using --print, --output-form"),
        (
            "ns-oauth-rejected",
            "UsageLimit, HoldQueue until 2026-11-23T02:13:20.000Z: You've hit your 5-hour limit · resets 2:",
        ),
        ("parallel", "Success"),
        ("partial", "Success"),
        ("plan-exit", "Success"),
        ("project-settings", "Success"),
        ("prompt-40m", "Startup, Stop: Error: piped stdin input exceeds 10MB. P"),
        ("prompt-9m", "PromptTooLong, Stop: Prompt is too long"),
        ("prompt-clear", "NothingRan, Stop: the agent ended without ever asking the "),
        ("prompt-slash", "NothingRan, Stop: /help isn't available in this environmen"),
        ("refusal", "Refusal, Stop: API Error: Opus 5.5's safeguards flagged"),
        ("refused", "ApiUnavailable, ResumeLater: API Error: Connection refused — a firewa"),
        ("resume-after-kill-init", "SessionMissing, StartFresh: No conversation found with session ID: 7"),
        ("resume-after-kill-stream", "Success"),
        ("resume-after-kill-tool", "Success"),
        ("resume-truncated", "Success"),
        ("schema", "Success"),
        ("schema-array", "StructuredOutput, Resume: the agent answered without the structure"),
        ("schema-bad", "StructuredOutput, Resume: Failed to provide valid structured outpu"),
        ("schema-text", "StructuredOutput, Resume: the agent answered without the structure"),
        ("sid-again", "Startup, StartFresh: Error: Session ID 11111111-1111-4111-811"),
        ("snap1", "Success"),
        ("snap2", "Success"),
        ("streamerr", "ApiUnavailable, ResumeLater: API Error: 529 stub: overloaded_error. T"),
        ("streamerr-once", "Success"),
        ("subagent", "Success"),
        ("subagent-fwd", "Success"),
        ("text", "Success"),
        ("think", "Success"),
        ("turns4", "Success"),
        ("unicode", "Success"),
        ("unknown-tool", "Success"),
        (
            "usage-limit",
            "UsageLimit, HoldQueue until 2100-01-01T00:00:00.000Z: You've hit your limit · resets Jan 1, 21",
        ),
        ("write-acceptEdits", "Success"),
        ("write-bypass-root", "Startup, Stop: --dangerously-skip-permissions cannot be"),
        ("write-default", "Success"),
    ];

    #[test]
    fn every_recorded_run_means_what_was_measured() {
        let names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, capture_names());
        let judged: Vec<(&str, String)> = names.into_iter().map(|name| (name, judged(name))).collect();
        let expected: Vec<(&str, String)> =
            TABLE.iter().map(|(name, what)| (*name, (*what).to_owned())).collect();
        assert_eq!(judged, expected);
    }

    fn judged(name: &str) -> String {
        let meta = capture_meta(name);
        let exit = match i32::try_from(meta["exit_code"].as_i64().unwrap()).unwrap() {
            code @ 0.. => ExitStatus::Code(code),
            signal => ExitStatus::Signal(-signal),
        };
        let flags = meta["argv"].as_array().unwrap();
        let has = |flag: &str| flags.iter().any(|given| given == flag);
        describe_judgement(&judge(&End {
            exit: &exit,
            refusal: None,
            ended_by: EndedBy::Itself,
            cancel: Cancel::NotRequested,
            reading: &read(&capture(name)[..]).unwrap(),
            answer: if has("--json-schema") { Answer::Structured } else { Answer::Text },
            error_output: &capture_error_output(name),
            protocol: Protocol::Claude,
            conversation: if has("--resume") { Conversation::Resumed } else { Conversation::Begun },
        }))
    }

    fn describe_judgement(judgement: &Judgement) -> String {
        match judgement {
            Judgement::Success => "Success".to_owned(),
            Judgement::Cancelled => "Cancelled".to_owned(),
            Judgement::Failure { reason, message, next } => {
                let next = match next {
                    AfterFailure::HoldQueue { until: Some(until) } => format!("HoldQueue until {until}"),
                    AfterFailure::HoldQueue { until: None } => "HoldQueue".to_owned(),
                    AfterFailure::Resume
                    | AfterFailure::ResumeLater
                    | AfterFailure::StartFresh
                    | AfterFailure::Stop => format!("{next:?}"),
                };
                let start: String = message.lines().next().unwrap_or_default().chars().take(40).collect();
                format!("{reason:?}, {next}: {start}")
            }
        }
    }

    fn end<'a>(reading: &'a Reading, exit: &'a ExitStatus) -> End<'a> {
        End {
            exit,
            refusal: None,
            ended_by: EndedBy::Itself,
            cancel: Cancel::NotRequested,
            reading,
            answer: Answer::Text,
            error_output: "",
            protocol: Protocol::Claude,
            conversation: Conversation::Begun,
        }
    }

    #[test]
    fn what_we_did_to_the_agent_comes_before_what_it_says() {
        let (reading, exit) = (read(&capture("text")[..]).unwrap(), ExitStatus::Code(0));
        let stopped =
            |ended_by, cancel| describe_judgement(&judge(&End { ended_by, cancel, ..end(&reading, &exit) }));
        assert_eq!(stopped(EndedBy::Itself, Cancel::Requested), "Cancelled");
        assert_eq!(stopped(EndedBy::Cancel, Cancel::NotRequested), "Cancelled");
        assert_eq!(stopped(EndedBy::Deadline, Cancel::Requested), "Cancelled");
        assert_eq!(
            stopped(EndedBy::Deadline, Cancel::NotRequested),
            "Deadline, Stop: the time for the run was over"
        );
        assert_eq!(
            stopped(EndedBy::Silence, Cancel::NotRequested),
            "Silence, Resume: the agent printed nothing for too long"
        );
    }

    #[test]
    fn a_good_result_counts_however_the_process_ended() {
        let reading = read(&capture("text")[..]).unwrap();
        for exit in [ExitStatus::Code(143), ExitStatus::Signal(9), ExitStatus::Unknown] {
            for ended_by in [EndedBy::Itself, EndedBy::ResultGrace, EndedBy::SupervisorLost] {
                assert_eq!(judge(&End { ended_by, ..end(&reading, &exit) }), Judgement::Success);
            }
        }
    }

    #[test]
    fn an_agent_that_never_spoke_failed_to_start_unless_its_supervisor_was_lost() {
        let (reading, exit) = (Reading::default(), ExitStatus::Unknown);
        let said = |end: &End<'_>| describe_judgement(&judge(end));
        assert_eq!(said(&end(&reading, &exit)), "Startup, Stop: nobody saw the agent end");
        let lost = End { ended_by: EndedBy::SupervisorLost, ..end(&reading, &exit) };
        assert_eq!(said(&lost), "Crashed, StartFresh: nobody saw the agent end");
        let resumed = End { conversation: Conversation::Resumed, ..lost };
        assert_eq!(said(&resumed), "Crashed, Resume: nobody saw the agent end");
        let exit = ExitStatus::NotStarted("no such file".to_owned());
        assert_eq!(said(&end(&reading, &exit)), "Startup, Stop: no such file");
    }

    #[test]
    fn a_command_is_judged_by_its_code_unless_it_prints_a_result() {
        let (silent, spoke) = (Reading::default(), read(&capture("err401")[..]).unwrap());
        let judged = |reading: &Reading, exit: &ExitStatus| {
            let end = End { protocol: Protocol::Command, error_output: "a\nwarning\n", ..end(reading, exit) };
            describe_judgement(&judge(&end))
        };
        assert_eq!(judged(&silent, &ExitStatus::Code(0)), "Success");
        assert_eq!(judged(&silent, &ExitStatus::Code(3)), "ExitCode, Resume: a");
        assert_eq!(judged(&silent, &ExitStatus::Signal(11)), "Crashed, Resume: a");
        assert!(judged(&spoke, &ExitStatus::Code(0)).starts_with("Login, HoldQueue"));
    }

    #[test]
    fn an_older_agent_that_calls_a_limit_no_error_is_not_believed() {
        let log = br#"{"type":"result","subtype":"error_max_turns","is_error":false,"num_turns":3}"#;
        let (reading, exit) = (read(&log[..]).unwrap(), ExitStatus::Code(0));
        assert_eq!(
            describe_judgement(&judge(&end(&reading, &exit))),
            "MaxTurns, Resume: the agent ended with code 0"
        );
    }

    #[test]
    fn a_long_message_is_cut() {
        let (reading, exit) = (Reading::default(), ExitStatus::NotStarted("ä".repeat(9_000)));
        let Judgement::Failure { message, .. } = judge(&end(&reading, &exit)) else { panic!("no failure") };
        assert_eq!(message.chars().count(), MESSAGE_CHARACTERS_MAX + 1);
    }
}
