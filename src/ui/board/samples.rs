//! Sights and events for the tests of what is shown.

use crate::runner::sight::{HeldGroup, HeldTask, RunSeen, Running};
use crate::runner::{Phase, Sight};
use crate::schedule::Hold;
use crate::store::event_stream::{StreamEvent, StreamEventKind};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_milliseconds(1_795_353_000_000 + seconds * 1000).unwrap()
}

pub(super) fn id(name: &str) -> TaskId {
    name.parse().unwrap()
}

pub(super) fn event(task: &str, seconds: i64, kind: StreamEventKind) -> StreamEvent {
    StreamEvent { at: at(seconds), task: Some(id(task)), run: None, kind }
}

pub(super) fn started(task: &str, seconds: i64) -> StreamEvent {
    event(task, seconds, StreamEventKind::TaskStarted { slot: 1, title: format!("Title of {task}") })
}

pub(super) fn sight(running: &[&str], queue: &[&str]) -> Sight {
    Sight {
        phase: Phase::Open,
        running: running.iter().map(|task| Running { task: id(task), run: None }).collect(),
        queue: queue.iter().map(|task| id(task)).collect(),
        queued: queue.len(),
        held: Vec::new(),
        hold: None,
        next_release: None,
    }
}

pub(super) fn adopted(task: &str, since: i64) -> Running {
    let run = RunSeen { title: "Left behind".to_owned(), number: 2, since: at(since) };
    Running { task: id(task), run: Some(run) }
}

pub(super) fn held(task: &str, hold: Hold, problem: Option<&str>) -> HeldGroup {
    let first = vec![HeldTask { task: id(task), hold, problem: problem.map(str::to_owned) }];
    HeldGroup { count: 1, first }
}
