//! The event with which Claude Code ends a piece of work.
//!
//! Its fields are counted over different times: turns and `usage` belong to this result alone and leave
//! subagents out, `modelUsage` and `total_cost_usd` are sums over the session, earlier runs included. What
//! is new since the last result, subagents included, is in `model_usage_since_last_result`.

use serde_json::value::RawValue;

use super::json::{amount, count, elements, pick, short, text, truth, values};
use crate::run::Usage;

/// How many errors of one result are kept.
const ERRORS_MAX: usize = 50;

/// How many models one run can use. More is not plausible.
const MODELS_MAX: usize = 64;

/// The event with which the agent ends its work: the fields that decide what it means.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultEvent {
    /// `success`, or `error_` and more. Says nothing about success: errors of the service end as `success` too.
    pub subtype: String,
    /// Whether the agent calls it an error.
    pub is_error: bool,
    /// Why it ended, as in `completed` or `api_error`.
    pub terminal_reason: Option<String>,
    /// Why the model stopped, as in `end_turn` or `refusal`.
    pub stop_reason: Option<String>,
    /// What kind of error of the service, as in `usage_limit_reached`.
    pub api_error: Option<String>,
    /// The HTTP status of the service's last answer, where there was one.
    pub api_error_status: Option<u64>,
    /// The service's own name for the error, as in `overloaded_error`.
    pub api_error_type: Option<String>,
    /// The text of the answer.
    pub text: Option<String>,
    /// What went wrong, in the agent's words.
    pub errors: Vec<String>,
    /// The answer that fits the schema, as JSON text.
    pub structured_output: Option<String>,
    /// Rounds of the model; 0 when it was never asked.
    pub turns: u64,
    /// Why the agent did not even start, as in `config_file_invalid`.
    pub startup_failure_reason: Option<String>,
}

impl ResultEvent {
    /// Returns what a line with a result event says; a field that is absent or odd counts as not said.
    pub(super) fn parse(line: &str) -> Self {
        let kinds = pick(
            line,
            [
                "subtype",
                "terminal_reason",
                "stop_reason",
                "api_error",
                "api_error_type",
                "startup_failure_reason",
                "is_error",
                "api_error_status",
                "num_turns",
                "result",
                "errors",
                "structured_output",
            ],
        );
        let Some(
            [
                subtype,
                terminal,
                stop,
                api,
                api_type,
                startup,
                is_error,
                status,
                turns,
                answer,
                errors,
                structured,
            ],
        ) = kinds
        else {
            return Self::default();
        };
        let subtype = subtype.and_then(short).unwrap_or_default();
        Self {
            is_error: is_error.and_then(truth).unwrap_or(subtype != "success")
                || subtype.starts_with("error"),
            subtype,
            terminal_reason: terminal.and_then(short),
            stop_reason: stop.and_then(short),
            api_error: api.and_then(short),
            api_error_status: status.and_then(count),
            api_error_type: api_type.and_then(short),
            text: answer.and_then(text),
            errors: errors.map(error_texts).unwrap_or_default(),
            structured_output: structured
                .filter(|value| value.get() != "null")
                .map(|value| value.get().to_owned()),
            turns: turns.and_then(count).unwrap_or(0),
            startup_failure_reason: startup.and_then(short),
        }
    }
}

fn error_texts(errors: &RawValue) -> Vec<String> {
    elements(errors, ERRORS_MAX).0.into_iter().filter_map(text).collect()
}

/// Returns the tokens of the API's own `usage` object.
pub(super) fn tokens(usage: &RawValue) -> Usage {
    let keys = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    let counts = pick(usage.get(), keys).unwrap_or_default().map(|value| value.and_then(count).unwrap_or(0));
    let [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens] = counts;
    Usage { turns: 0, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd: None }
}

/// Returns what all models together used since the last result, subagents included.
pub(super) fn sum_of_models(deltas: &RawValue) -> Usage {
    let mut sum = Usage { cost_usd: Some(0.0), ..Usage::default() };
    for model in values(deltas, MODELS_MAX) {
        let keys =
            ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "costUSD"];
        let found = pick(model.get(), keys).unwrap_or_default();
        let cost_usd = found[4].and_then(amount);
        let [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, _] =
            found.map(|value| value.and_then(count).unwrap_or(0));
        sum.add(&Usage {
            turns: 0,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cost_usd,
        });
    }
    sum
}
