//! What the CLI asked: the request as far as the stand-in reads it, and the note it keeps for the tests.

use serde::Deserialize;
use serde_json::Value;

use super::http::Head;

/// How a text begins that the CLI added to a user's message.
const REMINDER: &str = "<system-reminder>";

/// The body of `POST /v1/messages`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct MessagesRequest {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    system: Value,
    #[serde(default)]
    tools: Vec<Tool>,
}

/// One message of the conversation; `role` is `user`, `assistant` or, in between, `system`.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    content: Value,
}

#[derive(Debug, Deserialize)]
struct Tool {
    name: String,
}

/// A text of the user, and the place of its message in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserText<'a> {
    pub(super) message: usize,
    pub(super) text: &'a str,
}

/// How the client said who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// `x-api-key`.
    ApiKey,
    /// `authorization: Bearer`, as a subscription's login sends it.
    Bearer,
    /// Neither.
    None,
}

/// A request that was answered, refused or is still waiting.
#[derive(Debug, Clone)]
pub(crate) struct SeenRequest {
    /// The CLI's session id, from `x-claude-code-session-id`.
    pub(crate) session: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) model: String,
    /// Everything the CLI put into the system prompt.
    pub(crate) system: String,
    /// All texts of the conversation, whoever put them there.
    pub(crate) conversation: String,
    /// The names of the offered tools.
    pub(crate) tools: Vec<String>,
    /// What the user said last.
    pub(crate) last_user_text: String,
    /// The HTTP status of the reply; `None` when there is none to come.
    pub(crate) status: Option<u16>,
    /// What the prompt asks of the stand-in, to count the failures of one scenario apart from another's.
    script: String,
}

impl MessagesRequest {
    /// Returns what the user said, oldest first, without what the CLI slips in.
    ///
    /// Two prompts in a row, the first of which failed, arrive as two blocks of one message.
    pub(super) fn user_texts(&self) -> impl DoubleEndedIterator<Item = UserText<'_>> {
        let messages = self.messages.iter().enumerate().filter(|(_, message)| message.role == "user");
        messages
            .flat_map(|(message, Message { content, .. })| {
                texts(content).into_iter().map(move |text| UserText { message, text })
            })
            .filter(|UserText { text, .. }| !text.trim().is_empty() && !text.starts_with(REMINDER))
    }

    /// Returns the folder the CLI says it works in.
    pub(super) fn working_directory(&self) -> Option<String> {
        const LABEL: &str = "Primary working directory: ";
        /// What follows when a session goes on in another folder.
        const FORMER: &str = " (was ";
        let contents = self.messages.iter().rev().map(|message| &message.content).chain([&self.system]);
        let line = contents.flat_map(texts).find_map(|text| text.split_once(LABEL)?.1.lines().next())?;
        Some(line.split(FORMER).next()?.trim().to_owned())
    }
}

impl SeenRequest {
    pub(super) fn new(request: &MessagesRequest, head: &Head) -> Self {
        let credentials = match (head.header("x-api-key"), head.header("authorization")) {
            (Some(_), _) => Credentials::ApiKey,
            (None, Some(_)) => Credentials::Bearer,
            (None, None) => Credentials::None,
        };
        Self {
            session: head.header("x-claude-code-session-id").map(str::to_owned),
            credentials,
            model: request.model.clone(),
            system: texts(&request.system).join("\n"),
            conversation: request
                .messages
                .iter()
                .flat_map(|message| texts(&message.content))
                .collect::<Vec<_>>()
                .join("\n"),
            tools: request.tools.iter().map(|tool| tool.name.clone()).collect(),
            last_user_text: request
                .user_texts()
                .next_back()
                .map(|last| last.text.to_owned())
                .unwrap_or_default(),
            status: None,
            script: super::reply::script_text(request),
        }
    }

    /// Returns whether this request failed, and asked for the same in the same session as `other`.
    pub(super) fn failed_like(&self, other: &Self) -> bool {
        self.status.is_some_and(|status| status >= 400)
            && self.session == other.session
            && self.script == other.script
    }
}

/// Returns the texts of a message: a string, or its blocks of type `text`.
fn texts(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(blocks) => {
            let blocks = blocks.iter().filter(|block| block["type"] == "text");
            blocks.filter_map(|block| block["text"].as_str()).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
