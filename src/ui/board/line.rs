//! One line on a terminal: harmless, of one piece, and never wider than it may be.

use std::fmt::Write;

use anstyle::Style;

use crate::ui::safe::safe;
use crate::ui::width::{cut, display_width};

/// A line in the making: texts and how each looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    parts: Vec<(Style, String)>,
}

/// Whether a line is written with its styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// With them.
    Colored,
    /// As mere text.
    Plain,
}

impl Line {
    /// Returns a line with one text.
    pub(crate) fn of(style: Style, text: &str) -> Self {
        Self::default().with(style, text)
    }

    /// Returns the line with one text more.
    #[must_use]
    pub(crate) fn with(mut self, style: Style, text: &str) -> Self {
        self.parts.push((style, one_line(text)));
        self
    }

    /// Returns how many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| display_width(text)).sum()
    }

    /// Returns it cut to a number of columns, with an ellipsis at its end when something is missing.
    #[must_use]
    pub(crate) fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let (mut left, mut parts) = (columns, Vec::with_capacity(self.parts.len()));
        for (style, text) in self.parts {
            let width = display_width(&text);
            if width >= left {
                // The space stands for all that follows, so that even a text that would just fit gives way.
                parts.push((style, cut(&format!("{text} "), left).into_owned()));
                break;
            }
            left -= width;
            parts.push((style, text));
        }
        Self { parts }
    }

    /// Returns it as it is written on a terminal.
    pub(crate) fn show(&self, look: Look) -> String {
        self.parts.iter().fold(String::new(), |mut shown, (style, text)| {
            match look {
                Look::Plain => shown.push_str(text),
                // Writing into a text cannot fail.
                Look::Colored => drop(write!(shown, "{style}{text}{style:#}")),
            }
            shown
        })
    }
}

/// Returns a text from anywhere as a part of one line that no terminal obeys.
fn one_line(text: &str) -> String {
    safe(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ui::{PLAIN, RED};

    #[test]
    fn a_line_is_cut_where_it_ends_to_fit() {
        let line = || Line::of(PLAIN, "fix-it ").with(RED, "12s").with(PLAIN, " Bash");
        assert_eq!(line().cut(15).show(Look::Plain), "fix-it 12s Bash");
        assert_eq!(line().cut(14).show(Look::Plain), "fix-it 12s Ba…");
        assert_eq!(line().cut(10).show(Look::Plain), "fix-it 12…");
        assert_eq!(line().cut(0).show(Look::Plain), "");
        assert_eq!(Line::of(PLAIN, "日本語").cut(5).show(Look::Plain), "日本…");
    }

    #[test]
    fn styles_are_written_only_where_they_are_wanted_and_those_of_others_never() {
        let line = Line::of(RED, "bad\u{1b}[2J\nend\t.");
        assert_eq!(line.show(Look::Plain), "bad end .");
        let colored = line.show(Look::Colored);
        assert!(colored.starts_with("\u{1b}[") && colored.ends_with("\u{1b}[0m"), "{colored:?}");
    }

    proptest! {
        #[test]
        fn no_line_takes_more_columns_than_allowed(texts in prop::collection::vec("[a-z 日é👍\t\u{1b}]{0,12}", 0..5), columns in 0_usize..30) {
            let line = texts.iter().fold(Line::default(), |line, text| line.with(PLAIN, text));
            prop_assert!(line.cut(columns).width() <= columns);
        }
    }
}
