//! All that is printed.
//!
//! stdout is the answer, stderr is the narration: `git claudedo list | wc -l` counts tasks and nothing
//! else. With `--json` the answer is JSON and the narration stays. A closed pipe ends the output, not
//! the program (`git claudedo list | head -1`). Colour is decided once, by `--color`, `NO_COLOR` and
//! git's `color.ui`, and is never needed to understand a line.

pub mod safe;
pub mod transcript;

use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON value, or one a line where the answer has no end.
    Json,
}

/// Where words go out.
#[derive(Debug)]
pub struct Ui {
    format: Format,
    color: ColorChoice,
    narration: Narration,
    closed: RefCell<bool>,
}

/// How much of the narration is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narration {
    /// Errors only.
    Quiet,
    /// What a person wants to know.
    Normal,
}

impl Ui {
    /// Returns a way out in the format and colour asked for.
    pub fn new(format: Format, color: ColorChoice, narration: Narration) -> Self {
        Self { format, color, narration, closed: RefCell::new(false) }
    }

    /// Returns how answers are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the colour choice for writers that print for themselves.
    pub fn color(&self) -> ColorChoice {
        self.color
    }

    /// Prints one line of the answer.
    pub fn answer(&self, line: Arguments<'_>) {
        self.write_answer(|out| writeln!(out, "{line}"));
    }

    /// Lets a function write a part of the answer.
    pub fn write_answer(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if *self.closed.borrow() {
            return;
        }
        let mut out = AutoStream::new(io::stdout().lock(), self.color_of(&io::stdout()));
        if write(&mut out).and_then(|()| out.flush()).is_err() {
            // Nobody reads any more; there is nobody to tell either.
            *self.closed.borrow_mut() = true;
        }
    }

    /// Returns whether the reader of the answer has gone away.
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Prints the answer as one JSON value on one line.
    pub fn json<T: Serialize>(&self, value: &T) {
        self.write_answer(|out| {
            serde_json::to_writer(&mut *out, value)?;
            writeln!(out)
        });
    }

    /// Prints one line of narration.
    pub fn status(&self, line: Arguments<'_>) {
        if self.narration == Narration::Normal {
            self.narrate(line);
        }
    }

    /// Prints what is not as it should be, while work goes on.
    pub fn warning(&self, line: Arguments<'_>) {
        self.narrate(format_args!("{YELLOW}warning:{YELLOW:#} {line}"));
    }

    /// Prints what failed.
    pub fn error(&self, line: Arguments<'_>) {
        self.narrate(format_args!("{RED}error:{RED:#} {line}"));
    }

    /// Prints a next step.
    pub fn hint(&self, line: Arguments<'_>) {
        if self.narration == Narration::Normal {
            self.narrate(format_args!("{CYAN}hint:{CYAN:#} {line}"));
        }
    }

    /// Returns whether a person looks at the answer.
    pub fn answers_a_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Returns whether a person looks at the narration.
    pub fn narrates_to_a_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn narrate(&self, line: Arguments<'_>) {
        let mut out = AutoStream::new(io::stderr().lock(), self.color_of(&io::stderr()));
        // Narration that cannot be written has no other place to go.
        drop(writeln!(out, "{line}"));
    }

    fn color_of(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color {
            ColorChoice::Auto => AutoStream::choice(stream),
            ColorChoice::Always | ColorChoice::AlwaysAnsi | ColorChoice::Never => self.color,
        }
    }
}

/// The colour of what failed.
pub const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
/// The colour of what wants attention.
pub const YELLOW: anstyle::Style = anstyle::AnsiColor::Yellow.on_default().bold();
/// The colour of what went well.
pub const GREEN: anstyle::Style = anstyle::AnsiColor::Green.on_default();
/// The colour of names and next steps.
pub const CYAN: anstyle::Style = anstyle::AnsiColor::Cyan.on_default();
/// What matters less.
pub const DIM: anstyle::Style = anstyle::Style::new().dimmed();
/// What matters more.
pub const BOLD: anstyle::Style = anstyle::Style::new().bold();
