//! The local event stream in words, one line an event.

use anstyle::Style;

use super::figures::{count, dollars};
use super::safe::safe;
use super::standing::outcome_style;
use super::{PLAIN, RED, YELLOW};
use crate::store::event_stream::{Level, Spent, StreamEvent, StreamEventKind, WorktreeChange};

/// Whether an event belongs into a short account of what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Tasks that start, change and end; warnings and errors.
    Headline,
    /// Everything else.
    Detail,
}

/// Returns how much an event matters to somebody who does not look closely.
pub fn weight(event: &StreamEvent) -> Weight {
    match &event.kind {
        StreamEventKind::WorkerLog { level: Level::Info, .. }
        | StreamEventKind::RunCreated { number: 1, .. }
        | StreamEventKind::TaskMessage { .. }
        | StreamEventKind::WorktreeUpdated { .. } => Weight::Detail,
        StreamEventKind::WorkerLog { level: Level::Warning | Level::Error, .. }
        | StreamEventKind::TaskStarted { .. }
        | StreamEventKind::TaskUpdated { .. }
        | StreamEventKind::RunCreated { .. }
        | StreamEventKind::TaskFinished { .. } => Weight::Headline,
    }
}

/// Returns an event as one harmless line, as in `12:00:01 fix-login-7k3f started in slot 1: Fix the login`.
pub fn line(event: &StreamEvent) -> String {
    let (subject, _, words) = headline(event);
    format!("{} {subject} {words}", event.at.to_local_time())
}

/// Returns what an event is about, how it looks, and what happened.
pub fn headline(event: &StreamEvent) -> (&str, Style, String) {
    let subject = event.task.as_ref().map_or("runner", |task| task.as_str());
    let style = match &event.kind {
        StreamEventKind::WorkerLog { level: Level::Warning, .. } | StreamEventKind::TaskUpdated { .. } => {
            YELLOW
        }
        StreamEventKind::WorkerLog { level: Level::Error, .. } => RED,
        StreamEventKind::TaskFinished { outcome, .. } => outcome_style(*outcome),
        StreamEventKind::WorkerLog { level: Level::Info, .. }
        | StreamEventKind::TaskStarted { .. }
        | StreamEventKind::TaskMessage { .. }
        | StreamEventKind::RunCreated { .. }
        | StreamEventKind::WorktreeUpdated { .. } => PLAIN,
    };
    (subject, style, words(&event.kind))
}

/// Returns what happened, without when and to what.
pub fn words(kind: &StreamEventKind) -> String {
    let words = match kind {
        StreamEventKind::WorkerLog { level: Level::Info, message } => message.clone(),
        StreamEventKind::WorkerLog { level: Level::Warning, message } => format!("warning: {message}"),
        StreamEventKind::WorkerLog { level: Level::Error, message } => format!("error: {message}"),
        StreamEventKind::TaskStarted { slot, title } => format!("started in slot {slot}: {title}"),
        StreamEventKind::TaskUpdated { message, .. } | StreamEventKind::TaskMessage { message, .. } => {
            message.clone()
        }
        StreamEventKind::RunCreated { number, run_kind } => format!("run {number} ({})", run_kind.name()),
        StreamEventKind::WorktreeUpdated { path, change } => {
            format!("worktree {}: {}", change_word(*change), path.display())
        }
        StreamEventKind::TaskFinished { outcome, message, spent } => {
            format!("{}: {message}{}", outcome.name(), in_brackets(*spent))
        }
    };
    safe(&words).replace('\n', " ")
}

fn in_brackets(used: Option<Spent>) -> String {
    // Without a cost it is not worth the room.
    used.filter(|used| used.cost_usd.is_some()).map_or(String::new(), |used| format!(" ({})", spent(used)))
}

/// Returns what was used, as in `3 turns, $0.12`; nothing where nothing is known.
pub fn spent(spent: Spent) -> String {
    let turns = usize::try_from(spent.turns).unwrap_or(usize::MAX);
    let turns = (turns > 0).then(|| count(turns, "turn"));
    let cost = spent.cost_usd.filter(|cost| *cost > 0.0).map(dollars);
    turns.into_iter().chain(cost).collect::<Vec<_>>().join(", ")
}

fn change_word(change: WorktreeChange) -> &'static str {
    match change {
        WorktreeChange::Created => "created",
        WorktreeChange::Reused => "reused",
        WorktreeChange::Removed => "removed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Outcome, RunKind};
    use crate::timestamp::Timestamp;

    fn event(kind: StreamEventKind) -> StreamEvent {
        let at = Timestamp::from_unix_milliseconds(0).unwrap();
        StreamEvent { at, task: Some("fix-it-1a2b".parse().unwrap()), run: None, kind }
    }

    #[test]
    fn an_event_is_one_line_that_no_terminal_obeys() {
        let message = "two\nlines \u{1b}[2J".to_owned();
        let line =
            line(&event(StreamEventKind::TaskFinished { outcome: Outcome::Done, message, spent: None }));
        assert!(line.contains("fix-it-1a2b done: two lines"), "{line:?}");
        assert!(!line.contains('\u{1b}') && !line.contains('\n'), "{line:?}");
    }

    #[test]
    fn a_first_run_goes_without_saying_and_a_retry_does_not() {
        let created = |number, run_kind| weight(&event(StreamEventKind::RunCreated { number, run_kind }));
        assert_eq!(created(1, RunKind::First), Weight::Detail);
        assert_eq!(created(2, RunKind::Retry), Weight::Headline);
    }
}
