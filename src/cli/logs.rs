//! `git claudedo logs`: what an agent said and did, as a conversation.

use std::io::{self, BufReader, Read};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::live::{LiveRun, live_run};
use crate::agent::transcript::{Content, Speaker, TranscriptItem, Verdict, items, read_items, too_long};
use crate::os::fs::FileError;
use crate::os::log::{Line, Lines, LogFile, long_line};
use crate::os::watch::Changes;
use crate::store::history::{RunSummary, TaskHistory};
use crate::task::TaskId;
use crate::ui::Format;
use crate::ui::figures::bytes;
use crate::ui::transcript::{Folding, render};

/// How many lines of a tool's answer are shown. The rest is there with `--all`.
const FOLDED_LINES: usize = 8;

/// How long to wait for a change that nobody tells about.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Show what an agent said and did
///
/// Shows the log of the task's last run as a conversation: text, tool calls
/// and folded answers. While a run goes on, its log is read as it grows.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Task; a unique part of the id is enough
    task: String,
    /// Show run NUMBER; the last by default
    #[arg(short = 'n', long, value_name = "NUMBER")]
    run_number: Option<u32>,
    #[command(flatten)]
    shape: ShapeArguments,
}

/// How the log is shown.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct ShapeArguments {
    /// Go on while the run does
    #[arg(short, long)]
    follow: bool,
    /// Print the agent's own lines
    #[arg(long)]
    raw: bool,
    /// Show tool answers in full
    #[arg(short, long)]
    all: bool,
}

/// How one line of a log is printed.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Raw,
    Json,
    Conversation(Folding),
}

pub(crate) fn run(args: &LogsArguments, context: &Context) -> Result<(), CommandError> {
    let task = context.resolve(&args.task)?;
    let shape = shape(&args.shape, context);
    let live = live_run(context, &task)?;
    if let Some(live) = live.filter(|live| args.run_number.is_none_or(|number| number == live.number)) {
        return show_live(&live, shape, args, context);
    }
    let history = context.records()?.load_task(&task)?;
    let run = require_run(&task, &history, args.run_number)?;
    if let Some(note) = context.records()?.load_log_note(&task, run)? {
        let (when, size) = (note.at.to_local_minutes(), bytes(note.bytes));
        return Err(CommandError::new(
            ErrorKind::Negative,
            format!("The log of run {} of task {task} was pruned on {when}; it was {size}.", run.number),
        )
        .hint(format!("What the run came to is still there: git claudedo show {task}")));
    }
    context.start_pager()?;
    print_log(BufReader::new(context.records()?.open_log(&task, run)?), shape, context)
}

fn shape(args: &ShapeArguments, context: &Context) -> Shape {
    match (args.raw, context.ui.format(), args.all) {
        (true, _, _) => Shape::Raw,
        (false, Format::Json, _) => Shape::Json,
        (false, Format::Text, true) => Shape::Conversation(Folding::Off),
        (false, Format::Text, false) => Shape::Conversation(Folding::Lines(FOLDED_LINES)),
    }
}

fn require_run<'a>(
    task: &TaskId,
    history: &'a TaskHistory,
    number: Option<u32>,
) -> Result<&'a RunSummary, CommandError> {
    let found = match number {
        Some(number) => history.run(number),
        None => history.last_run(),
    };
    found.ok_or_else(|| match (number, history.runs.len()) {
        (_, 0) => CommandError::new(ErrorKind::Negative, format!("Task {task} has not run yet."))
            .hint(format!("To run it: git claudedo run {task}")),
        (number, runs) => {
            let number = number.unwrap_or_default();
            let have = if runs == 1 { "its only run is 1".to_owned() } else { format!("it has 1 to {runs}") };
            CommandError::new(ErrorKind::Negative, format!("Task {task} has no run {number}; {have}."))
        }
    })
}

/// Prints a log to its end.
fn print_log(mut log: impl io::BufRead, shape: Shape, context: &Context) -> Result<(), CommandError> {
    let printed = match shape {
        Shape::Raw => print_raw(&mut log, context),
        Shape::Json | Shape::Conversation(_) => read_items(log, |item| {
            print_item(&item, shape, context);
            if context.ui.is_closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }),
    };
    match printed {
        Err(error) if !context.ui.is_closed() => {
            Err(CommandError::fatal(format!("The log cannot be read to its end: {error}.")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn print_raw(log: &mut impl Read, context: &Context) -> io::Result<()> {
    let mut result = Ok(());
    context.ui.write_answer(|out| {
        result = io::copy(log, out).map(drop);
        Ok(())
    });
    match result {
        // The reader has gone away.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn print_item(item: &TranscriptItem, shape: Shape, context: &Context) {
    match shape {
        Shape::Conversation(folding) => {
            let text = render(item, folding);
            context.ui.write_answer(|out| out.write_all(text.as_bytes()));
        }
        Shape::Json | Shape::Raw => context.ui.json(&item_json(item)),
    }
}

/// Shows the log of a run that is not over: to where it is, or to the end of the run.
fn show_live(
    live: &LiveRun,
    shape: Shape,
    args: &LogsArguments,
    context: &Context,
) -> Result<(), CommandError> {
    let path = live.directory.log_path();
    let follow = args.shape.follow;
    if !follow {
        context.start_pager()?;
    }
    let changes = if follow { Some(Changes::of(live.directory.path())?) } else { None };
    let mut log = None;
    loop {
        // Asked before the log is read: what the agent wrote last was there by then.
        let over = is_over(live)?;
        if log.is_none() {
            log = open_log(&path)?.map(Lines::new);
        }
        if let Some(log) = &mut log {
            print_added(log, shape, context).map_err(FileError::on("read", &path))?;
        }
        let Some(changes) = changes.as_ref().filter(|_| !over && !context.ui.is_closed()) else { break };
        changes.wait(LOOK_AGAIN);
    }
    if !follow {
        context.ui.hint(format_args!("The run goes on; to follow it: git claudedo logs --follow"));
    }
    Ok(())
}

fn is_over(live: &LiveRun) -> Result<bool, CommandError> {
    Ok(live.directory.load_exit()?.is_some() || !live.directory.path().exists())
}

/// Opens a log. A folder that is gone, or not written to yet, has none.
fn open_log(path: &std::path::Path) -> Result<Option<LogFile>, FileError> {
    match LogFile::open(path) {
        Ok(log) => Ok(Some(log)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("open", path)(error)),
    }
}

/// Prints the whole lines that were added, as far as the log reaches now.
fn print_added(log: &mut Lines<LogFile>, shape: Shape, context: &Context) -> io::Result<()> {
    let added = log.input().size()?.saturating_sub(log.input().position());
    log.input().grant(added);
    while !context.ui.is_closed()
        && let Some(line) = log.next_ended_line()?
    {
        match line {
            Line::Whole(line) => print_line(line, shape, context),
            Line::Oversized { bytes, beginning } => match shape {
                Shape::Raw => print_line(long_line(bytes, beginning).as_bytes(), shape, context),
                Shape::Json | Shape::Conversation(_) => print_item(&too_long(bytes), shape, context),
            },
        }
    }
    Ok(())
}

fn print_line(line: &[u8], shape: Shape, context: &Context) {
    match shape {
        Shape::Raw => context.ui.write_answer(|out| {
            out.write_all(line)?;
            out.write_all(b"\n")
        }),
        Shape::Json | Shape::Conversation(_) => {
            for item in items(line) {
                print_item(&item, shape, context);
            }
        }
    }
}

/// Returns one thing of a conversation for programs: a `kind`, and what belongs to it.
fn item_json(item: &TranscriptItem) -> Value {
    let mut value = content_json(&item.content);
    let speaker = match item.speaker {
        Speaker::Agent => "agent",
        Speaker::Subagent => "subagent",
    };
    value["speaker"] = speaker.into();
    value
}

fn content_json(content: &Content) -> Value {
    match content {
        Content::Started { model, session } => json!({"kind": "started", "model": model, "session": session}),
        Content::Text(text) => json!({"kind": "text", "text": text}),
        Content::Thinking(text) => json!({"kind": "thinking", "text": text}),
        Content::ToolCall { name, summary, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_else(|_| input.as_str().into());
            json!({"kind": "tool_call", "name": name, "summary": summary, "input": input})
        }
        Content::ToolResult { verdict, text } => {
            json!({"kind": "tool_result", "verdict": verdict_word(*verdict), "text": text})
        }
        Content::Retry { attempt, attempts_max, error } => {
            json!({"kind": "retry", "attempt": attempt, "attempts_max": attempts_max, "error": error})
        }
        Content::Notice(text) => json!({"kind": "notice", "text": text}),
        Content::Result { verdict, text, turns, input_tokens, output_tokens, session_cost_usd } => json!({
            "kind": "result", "verdict": verdict_word(*verdict), "text": text, "turns": turns,
            "input_tokens": input_tokens, "output_tokens": output_tokens, "session_cost_usd": session_cost_usd,
        }),
        Content::Unreadable { bytes } => json!({"kind": "unreadable", "bytes": bytes}),
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Failed => "failed",
    }
}
