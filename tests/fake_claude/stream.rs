//! The events, in the shapes of Claude Code 2.1.330 (measured). Costs and model usage are cumulative over a
//! session, the plain usage is per result, and a result line does not start with its type: the traps that the
//! real stream has.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::script::ResultEvent;
use crate::state::Session;
use crate::{EXIT_MISUSE, Refusal};

/// What one turn costs, in tokens read, tokens written and dollars.
const TURN: (u64, u64, f64) = (100, 20, 0.0008);

/// The stream of one process.
#[derive(Debug)]
pub(crate) struct Stream {
    session: Session,
    turns: u64,
    results: u64,
    last_text: String,
    structured: Option<Value>,
    failed: bool,
}

impl Stream {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, turns: 0, results: 0, last_text: "Done.".to_owned(), structured: None, failed: false }
    }

    /// Returns how many results were printed.
    pub(crate) fn results(&self) -> u64 {
        self.results
    }

    /// Returns the exit code that goes with the last result.
    pub(crate) fn exit_code(&self) -> u8 {
        u8::from(self.failed)
    }

    pub(crate) fn session_id(&self) -> &str {
        self.session.id()
    }

    pub(crate) fn init(&mut self) {
        let cwd = std::env::current_dir().unwrap();
        self.event(json!({
            "type": "system",
            "subtype": "init",
            "cwd": cwd,
            "original_cwd": cwd,
            "tools": ["Bash", "Edit", "Read", "Write"],
            "mcp_servers": [],
            "model": self.session.model,
            "permissionMode": self.session.permission_mode,
            "slash_commands": ["clear", "compact"],
            "apiKeySource": "ANTHROPIC_API_KEY",
            "claude_code_version": "2.1.330",
            "output_style": "default",
        }));
    }

    pub(crate) fn text(&mut self, text: &str) {
        text.clone_into(&mut self.last_text);
        self.assistant(&json!({"type": "text", "text": text}));
    }

    /// Prints a tool call and what came of it.
    pub(crate) fn tool(&mut self, name: &str, input: &Value, outcome: Result<&str, &str>) {
        let id = self.tool_use(name, input);
        self.tool_result(&id, outcome);
    }

    pub(crate) fn tool_use(&mut self, name: &str, input: &Value) -> String {
        let id = format!("toolu_{}", uuid::Uuid::new_v4().simple());
        self.assistant(&json!({"type": "tool_use", "id": id, "name": name, "input": input}));
        id
    }

    pub(crate) fn tool_result(&mut self, id: &str, outcome: Result<&str, &str>) {
        let (Ok(content) | Err(content)) = outcome;
        let mut block = json!({"tool_use_id": id, "type": "tool_result", "content": content});
        if outcome.is_err() {
            block["is_error"] = true.into();
        }
        self.event(json!({
            "type": "user",
            "message": {"role": "user", "content": [block]},
            "parent_tool_use_id": null,
            "tool_result_meta": [{
                "id": id,
                "permission_decision": {"decision": "accept", "source": "config", "reason_type": "mode"},
            }],
        }));
    }

    pub(crate) fn rate_limit(&mut self, status: &str, resets_at: u64) {
        self.event(json!({
            "type": "rate_limit_event",
            "rate_limit_info": {"status": status, "resetsAt": resets_at, "rateLimitType": "five_hour"},
        }));
    }

    pub(crate) fn set_structured(&mut self, answer: Value) {
        self.tool("StructuredOutput", &answer, Ok("Structured output provided successfully"));
        self.last_text = answer.to_string();
        self.structured = Some(answer);
    }

    pub(crate) fn result(&mut self, wanted: &ResultEvent) {
        let turns = wanted.turns.unwrap_or(self.turns.max(1));
        let session_turns = self.session.add_turns(turns);
        let default_subtype = if wanted.is_error { "error_during_execution" } else { "success" };
        let subtype = wanted.subtype.as_deref().unwrap_or(default_subtype);
        let denials: Vec<Value> = wanted
            .denied
            .iter()
            .map(|tool| json!({"tool_name": tool, "tool_use_id": "toolu_denied", "tool_input": {}}))
            .collect();
        let mut event = json!({
            "duration_api_ms": 283,
            "stop_reason": "end_turn",
            "total_cost_usd": dollars(session_turns),
            "usage": usage(turns),
            "modelUsage": {self.session.model.as_str(): model_usage(session_turns)},
            "permission_denials": denials,
            "is_error": wanted.is_error,
            "num_turns": turns,
            "subtype": subtype,
            "api_error_status": wanted.status,
            "type": "result",
            "duration_ms": 1233,
            "result_index": self.results,
            "model_usage_since_last_result": {self.session.model.as_str(): model_usage(turns)},
        });
        let text = wanted.text.clone().unwrap_or_else(|| self.last_text.clone());
        if subtype.starts_with("error_") {
            event["errors"] = json!([text]);
        } else {
            event["result"] = text.into();
        }
        let default_reason = if wanted.is_error { "" } else { "completed" };
        let reason = wanted.terminal_reason.as_deref().unwrap_or(default_reason);
        if !reason.is_empty() {
            event["terminal_reason"] = reason.into();
        }
        if let Some(api_error) = &wanted.api_error {
            event["api_error"] = api_error.as_str().into();
        }
        if let Some(answer) = self.structured.take() {
            event["structured_output"] = answer;
        }
        self.event(event);
        self.results += 1;
        self.turns = 0;
        self.failed = wanted.is_error;
    }

    fn assistant(&mut self, content: &Value) {
        self.turns += 1;
        self.event(json!({
            "type": "assistant",
            "message": {
                "id": format!("msg_{}", uuid::Uuid::new_v4().simple()),
                "type": "message",
                "role": "assistant",
                "model": self.session.model,
                "content": [content],
                "stop_reason": null,
                "usage": {"input_tokens": TURN.0, "output_tokens": 1},
            },
            "parent_tool_use_id": null,
        }));
    }

    fn event(&mut self, mut event: Value) {
        event["session_id"] = self.session.id().into();
        event["uuid"] = uuid::Uuid::new_v4().to_string().into();
        print_bytes(format!("{event}\n").as_bytes());
    }
}

/// Writes to stdout at once. A reader that is gone is ignored, as the real CLI does.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout();
    drop(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

/// Prints the only event of a resume that finds no conversation.
pub(crate) fn unknown_session(id: &str) -> Refusal {
    let message = format!("No conversation found with session ID: {id}");
    let event = json!({
        "type": "result",
        "subtype": "error_during_execution",
        "duration_ms": 0,
        "is_error": true,
        "num_turns": 0,
        "session_id": id,
        "total_cost_usd": 0,
        "usage": usage(0),
        "modelUsage": {},
        "permission_denials": [],
        "errors": [message],
    });
    print_bytes(format!("{event}\n").as_bytes());
    Refusal::real(message)
}

/// Copies a recorded stream to stdout; returns an exit code when there is none.
pub(crate) fn print_file(path: &Path) -> Option<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("fake-claude: no file {}", path.display());
        return Some(EXIT_MISUSE);
    };
    print_bytes(&bytes);
    None
}

fn usage(turns: u64) -> Value {
    json!({
        "input_tokens": TURN.0 * turns,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": TURN.1 * turns,
    })
}

fn model_usage(turns: u64) -> Value {
    json!({
        "inputTokens": TURN.0 * turns,
        "outputTokens": TURN.1 * turns,
        "cacheReadInputTokens": 0,
        "cacheCreationInputTokens": 0,
        "costUSD": dollars(turns),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a test has few turns")]
fn dollars(turns: u64) -> f64 {
    turns as f64 * TURN.2
}
