//! The thread that draws: when something is to be seen that is not seen yet, and not otherwise.
//!
//! Whoever tells something only leaves it here, so a terminal that takes nothing (Ctrl-S) stops nobody. While
//! something runs the lengths of time change once a second; while nothing runs this thread sleeps.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::layout::{lines, summary};
use super::line::{Line, Look};
use super::model::Model;
use super::screen::Screen;
use crate::os::clock;
use crate::os::process::{TerminalChange, TerminalChanges, narration_size};
use crate::timestamp::Timestamp;
use crate::ui::PLAIN;

/// The shortest time between two frames. An eye takes in no more, and an agent can say a lot.
const FRAME_EVERY: Duration = Duration::from_millis(60);

/// How many lines wait at most for a terminal that takes none.
const HISTORY_MAX: usize = 1000;

/// A live view on the terminal at stderr.
#[derive(Debug)]
pub(crate) struct Painter {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _changes: Option<TerminalChanges>,
}

#[derive(Debug)]
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
}

/// What is to be seen.
#[derive(Debug)]
struct Told {
    model: Model,
    history: VecDeque<Line>,
    left_out: usize,
    wish: Wish,
    base: Base,
}

/// What the thread is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Nothing before the next second begins.
    Sleep,
    /// Draw.
    Draw,
    /// Take the board away and end.
    End,
}

/// Whether what was drawn last still stands at the end of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Stands,
    Lost,
}

impl Painter {
    /// Starts to draw. Nothing is written before there is something to show.
    pub(crate) fn start(model: Model, look: Look) -> Self {
        let told =
            Told { model, history: VecDeque::new(), left_out: 0, wish: Wish::Sleep, base: Base::Stands };
        let shared = Arc::new(Shared { told: Mutex::new(told), changed: Condvar::new() });
        let listening = Arc::clone(&shared);
        // Without it the board is drawn anew at the next change of anything else.
        let changes = TerminalChanges::listen(move |change| listening.redraw(change)).ok();
        let drawing = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("board".to_owned()).spawn(move || drawing.draw(look));
        Self { shared, thread: Mutex::new(thread.ok()), _changes: changes }
    }

    /// Lets a function change what is known, and say what scrolls away above the board.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Model) -> Option<Line>) {
        let mut told = self.shared.lock();
        if let Some(line) = change(&mut told.model) {
            told.history.push_back(line);
        }
        if told.history.len() > HISTORY_MAX {
            told.history.pop_front();
            told.left_out += 1;
        }
        told.wish = if told.wish == Wish::End { Wish::End } else { Wish::Draw };
        self.shared.changed.notify_one();
    }

    /// Takes the board away; what scrolled by stays.
    pub(crate) fn finish(&self) {
        let mut told = self.shared.lock();
        if told.wish != Wish::End {
            let summary = summary(&told.model);
            told.history.extend(summary);
            told.wish = Wish::End;
        }
        drop(told);
        self.shared.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that panicked has drawn its last.
            drop(thread.join());
        }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn redraw(&self, change: TerminalChange) {
        let mut told = self.lock();
        if change == TerminalChange::Resumed {
            told.base = Base::Lost;
        }
        told.wish = if told.wish == Wish::End { Wish::End } else { Wish::Draw };
        self.changed.notify_one();
    }

    fn draw(&self, look: Look) {
        let mut screen = Screen::default();
        let mut drawn = None;
        loop {
            let mut told = self.wait();
            let end = told.wish == Wish::End;
            if !end {
                told.wish = Wish::Sleep;
            }
            if std::mem::replace(&mut told.base, Base::Stands) == Base::Lost {
                screen.forget();
                drawn = None;
            }
            let (size, now) = (narration_size(), clock::now());
            let lines = if end { Vec::new() } else { lines(&told.model, size, now) };
            let history = told.take_history();
            drop(told);
            let next = Some((size, lines));
            if let Some((_, lines)) = next.as_ref().filter(|_| !history.is_empty() || next != drawn) {
                let frame = screen.frame(&history, lines, (size.columns, look));
                // A terminal that is gone needs no board.
                drop(io::stderr().lock().write_all(frame.as_bytes()));
            }
            if end {
                return;
            }
            drawn = next;
        }
    }

    /// Waits until something is to be drawn, but not so short that frames follow each other faster than is seen.
    fn wait(&self) -> MutexGuard<'_, Told> {
        let told = self.lock();
        let pause = self.changed.wait_timeout_while(told, FRAME_EVERY, |told| told.wish != Wish::End);
        let told = pause.map_or_else(|poisoned| poisoned.into_inner().0, |(told, _)| told);
        if told.wish != Wish::Sleep {
            return told;
        }
        if told.model.rows.is_empty() {
            let woken = self.changed.wait_while(told, |told| told.wish == Wish::Sleep);
            woken.unwrap_or_else(PoisonError::into_inner)
        } else {
            let second = to_next_second(clock::now());
            let woken = self.changed.wait_timeout_while(told, second, |told| told.wish == Wish::Sleep);
            woken.map_or_else(|poisoned| poisoned.into_inner().0, |(told, _)| told)
        }
    }
}

impl Told {
    fn take_history(&mut self) -> Vec<Line> {
        let left_out = std::mem::take(&mut self.left_out);
        let note = (left_out > 0).then(|| {
            Line::of(PLAIN, &format!("… {left_out} lines are left out here; see git claudedo events"))
        });
        note.into_iter().chain(self.history.drain(..)).collect()
    }
}

/// Returns how long the present second still goes on, so that all lengths of time change together.
fn to_next_second(now: Timestamp) -> Duration {
    let gone = now.unix_milliseconds().rem_euclid(1000);
    Duration::from_millis(u64::try_from(1000 - gone).unwrap_or(1000))
}
