//! What a runner does, while it does it.
//!
//! On a terminal some lines stay at its end: what runs, what comes next, what is held and why, what it cost, and
//! what Ctrl-C does; headlines scroll away above them. What is known is in the `model`, what is shown of it, and
//! what gives way where there is little room, is decided in `layout`, and the `painter` draws it by way of
//! the `screen`. Elsewhere, and on a terminal that can only write (`TERM=dumb`), there is a `log` of lines. All of it
//! is narration and goes to stderr.

mod layout;
mod line;
mod log;
mod model;
mod painter;
#[cfg(test)]
mod samples;
mod screen;
mod words;

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use self::line::{Line, Look};
use self::log::Log;
use self::model::Model;
use self::painter::Painter;
use super::stream_words::{Weight, headline, weight};
use super::{DIM, Narration, PLAIN, Ui};
use crate::os::{clock, env};
use crate::runner::{Listener, Sight};
use crate::store::event_stream::StreamEvent;
use crate::store::runner_lock::RunnerKind;

/// Shows what a runner tells. May be told from any thread.
#[derive(Debug)]
pub struct Board {
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Live(Painter),
    Log(Mutex<Log>),
    Quiet,
}

impl Board {
    /// Returns the board of a runner that is about to start.
    pub fn new(ui: &Ui, kind: RunnerKind) -> Self {
        let is_terminal =
            ui.narrates_to_a_terminal() && env::variable("TERM").is_none_or(|name| name != "dumb");
        let look = if ui.narrates_in_color() { Look::Colored } else { Look::Plain };
        let shape = match ui.narration() {
            Narration::Quiet => Shape::Quiet,
            Narration::Normal if is_terminal => Shape::Live(Painter::start(Model::new(kind), look)),
            Narration::Normal => Shape::Log(Mutex::new(Log::new(Model::new(kind)))),
        };
        Self { shape }
    }

    /// Takes the lines away that stay at the end of a terminal, and says how many tasks ended how. To be called once.
    pub fn finish(&self) {
        match &self.shape {
            Shape::Live(painter) => painter.finish(),
            Shape::Log(log) => write(log.lock().unwrap_or_else(PoisonError::into_inner).finish()),
            Shape::Quiet => {}
        }
    }
}

impl Listener for Board {
    fn event(&self, event: &StreamEvent) {
        match &self.shape {
            Shape::Live(painter) => painter.tell(|model| {
                model.event(event);
                (weight(event) == Weight::Headline).then(|| scrolling(event))
            }),
            Shape::Log(log) => write(log.lock().unwrap_or_else(PoisonError::into_inner).event(event)),
            Shape::Quiet => {}
        }
    }

    fn sight(&self, sight: &Sight) {
        match &self.shape {
            Shape::Live(painter) => painter.tell(|model| {
                model.sight(sight, clock::now());
                None
            }),
            Shape::Log(log) => {
                write(log.lock().unwrap_or_else(PoisonError::into_inner).sight(sight, clock::now()));
            }
            Shape::Quiet => {}
        }
    }
}

/// A headline as it scrolls away above the board.
fn scrolling(event: &StreamEvent) -> Line {
    let (subject, style, words) = headline(event);
    Line::of(DIM, &format!("{} ", event.at.to_local_time()))
        .with(PLAIN, &format!("{subject} "))
        .with(style, &words)
}

fn write(lines: impl IntoIterator<Item = String>) {
    for line in lines {
        // Narration that cannot be written has no other place to go.
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}
