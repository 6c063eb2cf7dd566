//! The table of figures, in Markdown, and whether every limit held.

use std::fmt;
use std::process::ExitCode;

use crate::measure::Range;

/// What has been measured so far.
#[derive(Debug)]
pub(crate) struct Report {
    broken: u32,
}

/// What was measured and what it must not exceed, in the same unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) measured: Range,
    /// The most that the median may be.
    pub(crate) limit: Option<f64>,
    /// The same of plain git.
    pub(crate) git: Option<Range>,
}

impl<'a> Figure<'a> {
    pub(crate) fn new(name: &'a str, unit: &'a str, measured: Range) -> Self {
        Self { name, unit, measured, limit: None, git: None }
    }

    pub(crate) fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    pub(crate) fn beside(self, git: Range) -> Self {
        Self { git: Some(git), ..self }
    }

    // Written this way round so that a figure that is no number is broken, too.
    fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.measured.median <= limit)
    }
}

impl fmt::Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, measured, .. } = self;
        let limit = self.limit.map(|limit| format!("{limit} {unit}")).unwrap_or_default();
        let git = self.git.map(|git| format!("{git} {unit}")).unwrap_or_default();
        let verdict = if self.holds() { "" } else { " **too much**" };
        write!(f, "| {name} | {limit} | {measured} {unit}{verdict} | {git} |")
    }
}

impl Report {
    pub(crate) fn new() -> Self {
        println!("| figure | at most | median (least–most) | plain git |");
        println!("|---|--:|--:|--:|");
        Self { broken: 0 }
    }

    /// Prints a figure.
    pub(crate) fn add(&mut self, figure: Figure<'_>) {
        println!("{figure}");
        if !figure.holds() {
            self.broken += 1;
        }
    }

    /// Says how many limits were exceeded.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n{} limits exceeded", self.broken);
        ExitCode::from(u8::from(self.broken > 0))
    }
}
