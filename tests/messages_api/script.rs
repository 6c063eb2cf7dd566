//! The script in the prompt: lines `@stub NAME key=value …`, each a scenario of one step or more.
//!
//! A value is a word, or JSON where it has blanks: `@stub bash cmd="sleep 5; echo done"`. All such lines
//! of the newest prompt that has any make one script; its steps are played in order, one for each
//! assistant message since. When they are used up, the "model" says "Done." and ends its turn, so a
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
//! | `usage-limit` | `until=`Unix seconds | (the subscription is used up until then, and until there is a follow-up) |
//! | `hang` | | (the API never answers until there is a follow-up) |

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Block, StopReason};
use super::keys::Keys;
use super::reply::Step;
use super::request::MessagesRequest;

/// What starts a line of a script.
const MARK: &str = "@stub ";
/// The CLI gives up a schema after 5 tries (2.1.330, measured); more than that is for ever.
const MORE_TRIES_THAN_THE_CLI_HAS: usize = 20;

/// Returns what the lines of a script say, without their mark.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(MARK)).map(str::trim)
}

/// Returns the steps of one line, or what is wrong with it.
pub(super) fn steps(line: &str, prompt: &str, request: &MessagesRequest) -> Result<Vec<Step>, String> {
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
