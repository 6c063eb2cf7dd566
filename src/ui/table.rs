//! Columns that line up, for people.
//!
//! One column may be flexible: it gives way when the screen is too narrow. The heading is shown to a
//! person and left out for a pipe, so that lines can be counted.

use anstyle::Style;

use super::safe::safe;
use super::width::{cut, display_width};

/// What stands between two columns.
const GAP: &str = "  ";

/// A flexible column keeps this many columns of the screen, however narrow that is.
const FLEXIBLE_MIN: usize = 12;

/// How a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Words.
    Left,
    /// Figures.
    Right,
    /// Words that are cut where the screen ends.
    Flexible,
}

/// One cell: harmless text and how it looks.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

/// A table that is filled and then printed.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// Returns a cell. What a terminal would obey is taken out, and line ends become spaces.
    pub fn new(text: &str, style: Style) -> Self {
        let mut text = safe(text).into_owned();
        if text.contains(['\n', '\r', '\t']) {
            text = text.replace(['\n', '\r', '\t'], " ");
        }
        Self { text, style }
    }
}

impl Table {
    /// Returns an empty table.
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the table as lines, cut to a width if there is one.
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        for row in &self.rows {
            self.render_row(row, &widths, &mut text);
        }
        text
    }

    fn render_row(&self, row: &[Cell], widths: &[usize], text: &mut String) {
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
        for (index, cell) in row.iter().enumerate().take(last + 1) {
            let (Some(column), Some(width)) = (self.columns.get(index), widths.get(index)) else { break };
            let shown = cut(&cell.text, *width);
            let padding = " ".repeat(width.saturating_sub(display_width(&shown)));
            let styled = if cell.style == Style::new() {
                shown.into_owned()
            } else {
                format!("{}{shown}{:#}", cell.style, cell.style)
            };
            match column {
                Column::Right => text.extend([padding.as_str(), &styled]),
                Column::Left | Column::Flexible if index == last => text.push_str(&styled),
                Column::Left | Column::Flexible => text.extend([styled.as_str(), &padding]),
            }
            text.push_str(if index == last { "" } else { GAP });
        }
        text.push('\n');
    }

    fn widths(&self, screen: Option<usize>) -> Vec<usize> {
        let natural = |index: usize| {
            self.rows.iter().filter_map(|row| row.get(index)).map(|cell| display_width(&cell.text)).max()
        };
        let mut widths: Vec<usize> =
            (0..self.columns.len()).map(|index| natural(index).unwrap_or(0)).collect();
        let flexible = self.columns.iter().position(|column| *column == Column::Flexible);
        if let (Some(screen), Some(flexible)) = (screen, flexible) {
            let taken: usize = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
            let excess = taken.saturating_sub(screen);
            widths[flexible] =
                widths[flexible].saturating_sub(excess).max(FLEXIBLE_MIN.min(widths[flexible]));
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{PLAIN, RED};

    fn table(rows: &[[&str; 3]]) -> Table {
        let mut table = Table::new(&[Column::Left, Column::Flexible, Column::Right]);
        for row in rows {
            table.push(row.iter().map(|text| Cell::new(text, PLAIN)));
        }
        table
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let text = table(&[["a", "日本", "1"], ["bbb", "title", "10"]]).render(None);
        assert_eq!(text, "a    日本    1\nbbb  title  10\n");
    }

    #[test]
    fn only_the_flexible_column_gives_way() {
        let text = table(&[["id", "a title that is far too long", "12"]]).render(Some(24));
        assert_eq!(text, "id  a title that is…  12\n");
    }

    #[test]
    fn a_cell_is_one_harmless_line() {
        let cell = Cell::new("two\nlines\u{1b}[31m", RED);
        assert!(!cell.text.contains('\n') && !cell.text.contains('\u{1b}'), "{:?}", cell.text);
    }

    #[test]
    fn empty_cells_at_the_end_leave_no_spaces() {
        assert_eq!(table(&[["a", "", ""], ["b", "x", "2"]]).render(None), "a\nb  x  2\n");
    }
}
