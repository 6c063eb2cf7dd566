//! What a runner does, while it does it.
//!
//! On a terminal each slot has a line with the task, how long it takes and what the agent did last,
//! and one more line counts the queue. Elsewhere each headline is a line of its own, so that the log of
//! a build server reads well. All of it is narration and goes to stderr.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stream_words::{Weight, line, weight, words};
use super::{Narration, Ui};
use crate::run::Outcome;
use crate::runner::{Listener, Sight};
use crate::store::event_stream::{StreamEvent, StreamEventKind, TaskUpdate};
use crate::task::TaskId;

/// Fast enough to look alive, slow enough to cost nothing.
const TICK: Duration = Duration::from_millis(120);

/// Shows events as they come. May be called from any thread.
pub struct Progress {
    shape: Shape,
}

enum Shape {
    Live(Mutex<Board>),
    Plain,
    Quiet,
}

/// The lines on a terminal.
struct Board {
    screen: MultiProgress,
    queue_line: ProgressBar,
    lines: BTreeMap<TaskId, ProgressBar>,
    counts: Counts,
}

/// What the queue line says.
#[derive(Default)]
struct Counts {
    queued: usize,
    ended: BTreeMap<&'static str, usize>,
}

impl Debug for Progress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Progress {
    /// Returns the progress of a runner that finds `queued` tasks waiting.
    pub fn new(ui: &Ui, queued: usize) -> Self {
        let shape = match ui.narration() {
            Narration::Quiet => Shape::Quiet,
            Narration::Normal if ui.narrates_to_a_terminal() => Shape::Live(Mutex::new(Board::new(queued))),
            Narration::Normal => Shape::Plain,
        };
        Self { shape }
    }

    /// Takes the live lines away.
    pub fn finish(&self) {
        if let Shape::Live(board) = &self.shape
            && let Ok(board) = board.lock()
        {
            drop(board.screen.clear());
        }
    }
}

impl Listener for Progress {
    /// Shows one event.
    fn event(&self, event: &StreamEvent) {
        match &self.shape {
            Shape::Quiet => {}
            Shape::Plain if weight(event) == Weight::Headline => {
                // Narration that cannot be written has no other place to go.
                drop(writeln!(io::stderr().lock(), "{}", line(event)));
            }
            Shape::Plain => {}
            Shape::Live(board) => {
                if let Ok(mut board) = board.lock() {
                    board.show(event);
                }
            }
        }
    }

    fn sight(&self, _: &Sight) {}
}

impl Board {
    fn new(queued: usize) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let queue_line = screen.add(ProgressBar::new_spinner().with_style(style("{wide_msg}")));
        let counts = Counts { queued, ..Counts::default() };
        queue_line.set_message(counts.words(0));
        Self { screen, queue_line, lines: BTreeMap::new(), counts }
    }

    fn show(&mut self, event: &StreamEvent) {
        match (&event.task, &event.kind) {
            (Some(task), StreamEventKind::TaskStarted { title, .. }) => self.start(task, title),
            (Some(task), StreamEventKind::TaskFinished { outcome, .. }) => self.end(task, *outcome, event),
            (Some(task), StreamEventKind::TaskUpdated { update: TaskUpdate::Held, .. }) => {
                self.remove(task);
                self.say(event);
            }
            // Where a worktree lies takes the whole line, and says little while one looks.
            (Some(_), StreamEventKind::WorktreeUpdated { .. }) => {}
            (Some(task), kind) if self.lines.contains_key(task) => {
                if let Some(line) = self.lines.get(task) {
                    line.set_message(words(kind));
                }
                if weight(event) == Weight::Headline {
                    self.say(event);
                }
            }
            _ if weight(event) == Weight::Headline => self.say(event),
            _ => {}
        }
        self.queue_line.set_message(self.counts.words(self.lines.len()));
    }

    fn start(&mut self, task: &TaskId, title: &str) {
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {prefix} {elapsed} {wide_msg}"));
        let bar = self.screen.insert_before(&self.queue_line, bar);
        bar.set_prefix(task.to_string());
        bar.set_message(super::safe::safe(title).into_owned());
        bar.enable_steady_tick(TICK);
        self.lines.insert(task.clone(), bar);
        self.counts.queued = self.counts.queued.saturating_sub(1);
    }

    fn end(&mut self, task: &TaskId, outcome: Outcome, event: &StreamEvent) {
        self.remove(task);
        *self.counts.ended.entry(outcome.name()).or_default() += 1;
        self.say(event);
    }

    fn remove(&mut self, task: &TaskId) {
        if let Some(bar) = self.lines.remove(task) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn say(&self, event: &StreamEvent) {
        // A terminal that is gone needs no progress.
        drop(self.screen.println(line(event)));
    }
}

impl Counts {
    fn words(&self, running: usize) -> String {
        let ended = self.ended.iter().map(|(outcome, count)| format!(", {count} {outcome}"));
        format!("{running} running, {} queued{}", self.queued, ended.collect::<String>())
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that cannot be read would show an empty line, and the tests would show that.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_line_counts_what_there_is() {
        let mut counts = Counts { queued: 3, ..Counts::default() };
        assert_eq!(counts.words(2), "2 running, 3 queued");
        counts.ended.insert("done", 1);
        assert_eq!(counts.words(0), "0 running, 3 queued, 1 done");
    }

    #[test]
    fn the_templates_of_the_lines_can_be_read() {
        for template in ["{wide_msg}", "{spinner} {prefix} {elapsed} {wide_msg}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
