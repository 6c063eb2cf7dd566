//! What the "model" says, in the two forms the Messages API sends it: one JSON object, or the same cut
//! into the events of a stream.
//!
//! Every answer costs the same [`INPUT_TOKENS`] and [`OUTPUT_TOKENS`], so that a test can state sums.

use std::time::Duration;

use serde_json::{Value, json};

/// What each answer counts as read.
pub(crate) const INPUT_TOKENS: u64 = 100;
/// What each answer counts as written.
pub(crate) const OUTPUT_TOKENS: u64 = 20;

/// One answer of the "model".
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) blocks: Vec<Block>,
    pub(super) stop: StopReason,
    /// How long to wait before each event of the stream.
    pub(super) pause: Duration,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    Text(String),
    ToolUse { name: String, input: Value },
}

/// Why the "model" stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    EndTurn,
    ToolUse,
    MaxTokens,
    Refusal,
}

impl StopReason {
    fn name(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::Refusal => "refusal",
        }
    }
}

impl Answer {
    /// Returns an answer in words.
    pub(super) fn text(text: &str, stop: StopReason) -> Self {
        Self { blocks: vec![Block::Text(text.to_owned())], stop, pause: Duration::ZERO }
    }

    /// Returns an answer that calls tools, all at once.
    pub(super) fn tools(blocks: Vec<Block>) -> Self {
        Self { blocks, stop: StopReason::ToolUse, pause: Duration::ZERO }
    }

    /// Returns the whole answer as one object.
    pub(super) fn json(&self, model: &str) -> Value {
        let content: Vec<Value> = self.blocks.iter().map(Block::json).collect();
        let mut message = empty_message(model);
        message["content"] = json!(content);
        message["stop_reason"] = json!(self.stop.name());
        message["usage"] = usage(OUTPUT_TOKENS);
        message
    }

    /// Returns the answer as the events of a stream.
    pub(super) fn events(&self, model: &str) -> Vec<Value> {
        let mut events = vec![json!({"type": "message_start", "message": empty_message(model)})];
        for (index, block) in self.blocks.iter().enumerate() {
            events
                .push(json!({"type": "content_block_start", "index": index, "content_block": block.start()}));
            for delta in block.deltas() {
                events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
            }
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        events.push(json!({
            "type": "message_delta",
            "delta": {"stop_reason": self.stop.name(), "stop_sequence": null},
            "usage": {"output_tokens": OUTPUT_TOKENS},
        }));
        events.push(json!({"type": "message_stop"}));
        events
    }
}

impl Block {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::ToolUse { name, input } => {
                json!({"type": "tool_use", "id": unique("toolu"), "name": name, "input": input})
            }
        }
    }

    /// Returns the block as it is before its first delta.
    fn start(&self) -> Value {
        let mut start = self.json();
        match self {
            Self::Text(_) => start["text"] = json!(""),
            Self::ToolUse { .. } => start["input"] = json!({}),
        }
        start
    }

    /// Returns the block's content, a word or the whole input at a time.
    fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => {
                text.split_inclusive(' ').map(|word| json!({"type": "text_delta", "text": word})).collect()
            }
            Self::ToolUse { input, .. } => {
                vec![json!({"type": "input_json_delta", "partial_json": input.to_string()})]
            }
        }
    }
}

/// Returns the body of a failed request.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn empty_message(model: &str) -> Value {
    json!({
        "id": unique("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(1),
    })
}

fn usage(output_tokens: u64) -> Value {
    json!({
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    })
}

fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}
