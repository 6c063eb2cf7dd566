//! What is written to a terminal so that some lines stay at its end while others scroll away above them.
//!
//! A library of progress bars draws bars that tick, cannot be told how high they may become together, and styles
//! them without asking how this program decides on colour. The few sequences that are needed are understood by
//! every terminal of the last decades; each frame is one text, so nothing flickers.

use std::fmt::Write;

use super::line::{Line, Look};

/// Lets a terminal that can show the frame in one piece; others pass over it.
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";
/// Characters that a terminal takes for wider than we do must not break a line in two.
const NO_WRAP: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";
const ERASE_TO_LINE_END: &str = "\u{1b}[K";
const ERASE_BELOW: &str = "\u{1b}[J";

/// What stands at the end of a terminal. The cursor is at the beginning of the line below it.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    widths: Vec<usize>,
}

impl Screen {
    /// Forgets what stands there, because something else was written below it.
    pub(crate) fn forget(&mut self) {
        self.widths.clear();
    }

    /// Returns what is to be written so that `history` scrolls away above and `lines` stand below it.
    pub(crate) fn frame(
        &mut self,
        history: &[Line],
        lines: &[Line],
        (columns, look): (usize, Look),
    ) -> String {
        let mut frame = format!("{BEGIN}\r");
        let up = self.rows(columns);
        if up > 0 {
            push(&mut frame, format_args!("\u{1b}[{up}A"));
        }
        if !history.is_empty() {
            frame.push_str(ERASE_BELOW);
        }
        for line in history {
            push(&mut frame, format_args!("{}\r\n", line.show(look)));
        }
        frame.push_str(NO_WRAP);
        for line in lines {
            push(&mut frame, format_args!("{}{ERASE_TO_LINE_END}\r\n", line.show(look)));
        }
        frame.push_str(ERASE_BELOW);
        frame.push_str(WRAP);
        frame.push_str(END);
        self.widths = lines.iter().map(Line::width).collect();
        frame
    }

    /// How many rows the lines take that stand there: a terminal that became narrower has broken them.
    fn rows(&self, columns: usize) -> usize {
        self.widths.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum()
    }
}

fn push(frame: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a text cannot fail.
    let _ = frame.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::PLAIN;

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::of(PLAIN, text)).collect()
    }

    fn frame(screen: &mut Screen, history: &[&str], board: &[&str], columns: usize) -> String {
        let frame = screen.frame(&lines(history), &lines(board), (columns, Look::Plain));
        let frame = frame.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap();
        frame.replace(NO_WRAP, "").replace(WRAP, "").replace('\u{1b}', "^")
    }

    #[test]
    fn lines_are_drawn_over_those_before_and_history_above_them() {
        let mut screen = Screen::default();
        assert_eq!(frame(&mut screen, &[], &["a", "b"], 20), "\ra^[K\r\nb^[K\r\n^[J");
        assert_eq!(frame(&mut screen, &[], &["c"], 20), "\r^[2Ac^[K\r\n^[J");
        assert_eq!(frame(&mut screen, &["x"], &["d"], 20), "\r^[1A^[Jx\r\nd^[K\r\n^[J");
        assert_eq!(frame(&mut screen, &[], &[], 20), "\r^[1A^[J");
        assert_eq!(frame(&mut screen, &[], &[], 20), "\r^[J");
    }

    #[test]
    fn a_narrower_terminal_has_broken_the_lines() {
        let mut screen = Screen::default();
        frame(&mut screen, &[], &["0123456789", "", "012345"], 20);
        assert_eq!(frame(&mut screen, &[], &["a"], 5), "\r^[5Aa^[K\r\n^[J");
    }

    #[test]
    fn what_others_wrote_below_is_left_alone() {
        let mut screen = Screen::default();
        frame(&mut screen, &[], &["a", "b"], 20);
        screen.forget();
        assert_eq!(frame(&mut screen, &[], &["a"], 20), "\ra^[K\r\n^[J");
    }
}
