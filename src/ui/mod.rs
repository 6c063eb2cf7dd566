//! All that is printed.
//!
//! stdout is the answer, stderr is the narration: `git claudedo list | wc -l` counts tasks and nothing
//! else. With `--json` the answer is JSON and the narration stays. A closed pipe ends the output, not
//! the program (`git claudedo list | head -1`). Colour is decided once, by `--color`, `NO_COLOR` and
//! git's `color.ui`, and is never needed to understand a line.

pub mod board;
pub mod figures;
pub mod pager;
pub mod safe;
pub mod standing;
pub mod stream_words;
pub mod table;
pub mod transcript;
pub mod width;

use std::cell::{Cell, RefCell};
use std::fmt::Arguments;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::os::env;
use crate::os::process::Pager;

/// The most of an answer that waits to be written.
const ANSWER_BUFFER_BYTES: usize = 64 * 1024;

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
    color: Cell<ColorChoice>,
    narration: Narration,
    reader: Cell<Reader>,
    pager: RefCell<Option<Pager>>,
}

/// How much of the narration is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narration {
    /// Errors only.
    Quiet,
    /// What a person wants to know.
    Normal,
}

/// Whether anybody still reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Listening,
    Gone,
}

impl Ui {
    /// Returns a way out in the format and colour asked for.
    pub fn new(format: Format, color: ColorChoice, narration: Narration) -> Self {
        Self {
            format,
            color: Cell::new(color),
            narration,
            reader: Cell::new(Reader::Listening),
            pager: RefCell::new(None),
        }
    }

    /// Returns how answers are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the colour choice for writers that print for themselves.
    pub fn color(&self) -> ColorChoice {
        self.color.get()
    }

    /// Returns how much narration is wanted.
    pub fn narration(&self) -> Narration {
        self.narration
    }

    /// Takes the colour of git's configuration, unless the command line said something else.
    pub fn prefer_color(&self, configured: ColorChoice) {
        if self.color.get() == ColorChoice::Auto {
            self.color.set(configured);
        }
    }

    /// Prints one line of the answer.
    pub fn answer(&self, line: Arguments<'_>) {
        self.write_answer(|out| writeln!(out, "{line}"));
    }

    /// Lets a function write a part of the answer.
    pub fn write_answer(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.is_closed() {
            return;
        }
        let color = self.color_of(&io::stdout());
        let written = if let Some(pager) = self.pager.borrow_mut().as_mut() {
            let pager: &mut dyn Write = pager;
            write_through(AutoStream::new(pager, color), write)
        } else {
            // Without it, every line of a long list is a system call of its own.
            let mut buffer = BufWriter::with_capacity(ANSWER_BUFFER_BYTES, io::stdout().lock());
            let out: &mut dyn Write = &mut buffer;
            write_through(AutoStream::new(out, color), write)
        };
        if written.is_err() {
            // Nobody reads any more; there is nobody to tell either.
            self.reader.set(Reader::Gone);
        }
    }

    /// Prints bytes for a program as they are, NUL and all.
    pub fn write_exactly(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        if !self.is_closed() && out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            self.reader.set(Reader::Gone);
        }
    }

    /// Shows what follows of the answer in a pager, when a person looks at it. See [`pager`].
    pub fn start_pager(&self, command: Option<&str>) {
        let wanted = self.answers_a_terminal() && self.format == Format::Text;
        if let Some(command) = command.filter(|_| wanted && self.pager.borrow().is_none()) {
            *self.pager.borrow_mut() = pager::start(command);
        }
    }

    /// Waits until the person has left the pager, if there is one.
    pub fn finish(&self) {
        if let Some(pager) = self.pager.borrow_mut().take() {
            // How a pager ends is the person's business.
            drop(pager.wait());
        }
    }

    /// Returns whether the reader of the answer has gone away.
    pub fn is_closed(&self) -> bool {
        self.reader.get() == Reader::Gone
    }

    /// Prints the answer as one JSON value on one line.
    pub fn json<T: Serialize>(&self, value: &T) {
        self.write_answer(|out| {
            let mut line = serde_json::to_vec(value)?;
            line.push(b'\n');
            out.write_all(&line)
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

    /// Prints a next step. `GIT_ADVICE=0` (git(1), `--no-advice`) silences it.
    pub fn hint(&self, line: Arguments<'_>) {
        if self.is_advising() {
            self.narrate(format_args!("{CYAN}hint:{CYAN:#} {line}"));
        }
    }

    /// Returns whether next steps are wanted.
    pub fn is_advising(&self) -> bool {
        let advised = env::variable("GIT_ADVICE").is_none_or(|value| value != "0" && value != "false");
        self.narration == Narration::Normal && advised
    }

    /// Prints a line of narration whatever was asked: for errors that carry their own heading.
    pub fn narrate(&self, line: Arguments<'_>) {
        let mut out = AutoStream::new(io::stderr().lock(), self.color_of(&io::stderr()));
        // Narration that cannot be written has no other place to go.
        drop(writeln!(out, "{line}"));
    }

    /// Returns whether a person looks at the answer.
    pub fn answers_a_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Returns whether a person looks at the narration.
    pub fn narrates_to_a_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Returns whether the narration is coloured.
    pub fn narrates_in_color(&self) -> bool {
        self.color_of(&io::stderr()) != ColorChoice::Never
    }

    fn color_of(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color.get() {
            ColorChoice::Auto if pager::is_in_use_by_git() && env::path("NO_COLOR").is_none() => {
                ColorChoice::Always
            }
            ColorChoice::Auto => AutoStream::choice(stream),
            chosen @ (ColorChoice::Always | ColorChoice::AlwaysAnsi | ColorChoice::Never) => chosen,
        }
    }
}

fn write_through<S: anstream::stream::RawStream + anstream::stream::AsLockedWrite>(
    mut out: AutoStream<S>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write(&mut out)?;
    out.flush()
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
/// What is as usual.
pub const PLAIN: anstyle::Style = anstyle::Style::new();
