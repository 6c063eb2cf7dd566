//! What the demo agent prints: Claude Code's `stream-json`, one event a line.
//!
//! Names and nesting are those of Claude Code 2.1.330, measured; only fields that this program or a reader of
//! its logs has a use for are there. The token counts are made up and the cost is zero, because nothing is
//! paid.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

/// The model that the events name.
const MODEL: &str = "demo";

/// Tokens that one turn pretends to read and to write, so that the columns for them are not empty.
const TURN_TOKENS: (u64, u64) = (100, 20);

/// The events of one session, written as they happen.
#[derive(Debug)]
pub(super) struct Stream<W> {
    output: W,
    session_id: String,
    directory: PathBuf,
    turns: u64,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(output: W, session_id: &str, directory: PathBuf) -> Self {
        Self { output, session_id: session_id.to_owned(), directory, turns: 0 }
    }

    /// Prints the event that opens a session.
    pub(super) fn init(&mut self) -> io::Result<()> {
        let cwd = self.directory.clone();
        self.event(json!({
            "type": "system",
            "subtype": "init",
            "cwd": cwd,
            "tools": ["Write", "Edit"],
            "mcp_servers": [],
            "model": MODEL,
            "permissionMode": "acceptEdits",
            "apiKeySource": "none",
            "claude_code_version": concat!("git-claudedo demo ", env!("CARGO_PKG_VERSION")),
        }))
    }

    /// Prints a text of the agent.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.assistant(&json!({"type": "text", "text": text}))
    }

    /// Prints the start of a tool call and returns its id.
    pub(super) fn tool_use(&mut self, name: &str, input: &Value) -> io::Result<String> {
        let id = format!("toolu_demo_{}", self.turns + 1);
        self.assistant(&json!({"type": "tool_use", "id": id, "name": name, "input": input}))?;
        Ok(id)
    }

    /// Prints what came of a tool call.
    pub(super) fn tool_result(&mut self, id: &str, outcome: Result<&str, &str>) -> io::Result<()> {
        let (Ok(content) | Err(content)) = outcome;
        let block = json!({
            "type": "tool_result",
            "tool_use_id": id,
            "content": content,
            "is_error": outcome.is_err(),
        });
        self.event(json!({
            "type": "user",
            "message": {"role": "user", "content": [block]},
            "parent_tool_use_id": null,
        }))
    }

    /// Prints the event that ends a session.
    pub(super) fn result(&mut self, outcome: Result<&str, &str>) -> io::Result<()> {
        let (input_tokens, output_tokens) = (TURN_TOKENS.0 * self.turns, TURN_TOKENS.1 * self.turns);
        let mut event = json!({
            "type": "result",
            "is_error": outcome.is_err(),
            "num_turns": self.turns,
            "total_cost_usd": 0.0,
            "usage": {
                "input_tokens": input_tokens,
                "output_tokens": output_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
            },
            "permission_denials": [],
        });
        match outcome {
            Ok(text) => {
                event["subtype"] = "success".into();
                event["terminal_reason"] = "completed".into();
                event["result"] = text.into();
            }
            Err(reason) => {
                event["subtype"] = "error_during_execution".into();
                event["errors"] = json!([reason]);
            }
        }
        self.event(event)
    }

    fn assistant(&mut self, content: &Value) -> io::Result<()> {
        self.turns += 1;
        let (input_tokens, output_tokens) = TURN_TOKENS;
        self.event(json!({
            "type": "assistant",
            "message": {
                "id": format!("msg_demo_{}", self.turns),
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [content],
                "stop_reason": null,
                "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
            },
            "parent_tool_use_id": null,
        }))
    }

    fn event(&mut self, mut event: Value) -> io::Result<()> {
        event["session_id"] = self.session_id.as_str().into();
        // One write a line, so that a reader who follows the file rarely sees half of one.
        self.output.write_all(format!("{event}\n").as_bytes())?;
        self.output.flush()
    }
}
