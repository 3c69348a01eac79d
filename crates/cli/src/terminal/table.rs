//! Tables that people read.

use super::visible::visible;
use comfy_table::ContentArrangement;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use console::Term;
use std::fmt;

/// What can be shown to people as a table.
pub(crate) trait Tabular {
    /// The table.
    fn table(&self) -> Table;
}

/// Rows under a header.
#[derive(Debug)]
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table without rows.
    pub(crate) fn new(header: impl IntoIterator<Item = impl Into<Cell>>) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(header.into_iter().map(|cell| cell.into().0));
        Self(table)
    }

    /// The most characters in a line if there is no terminal. Without this, the longest cells set the width.
    pub(crate) fn at_most(mut self, columns: u16) -> Self {
        self.0.set_width(columns);
        self
    }

    /// The same table with these rows.
    pub(crate) fn with<R: IntoIterator<Item: Into<Cell>>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        rows.into_iter().for_each(|row| self.row(row));
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.into().0));
    }

    /// As wide as the terminal of standard output.
    pub(crate) fn for_stdout(self) -> impl fmt::Display {
        self.fitted(&Term::stdout())
    }

    /// As wide as the terminal of standard error.
    pub(super) fn for_stderr(self) -> impl fmt::Display {
        self.fitted(&Term::stderr())
    }

    fn fitted(mut self, terminal: &Term) -> comfy_table::Table {
        if let Some((_, columns)) = terminal.size_checked() {
            self.0.set_width(columns);
        }
        self.0
    }
}

/// The text of a cell: one line, or several.
#[derive(Debug)]
pub(crate) struct Cell(String);

impl Cell {
    /// One line each; "none" if there are none.
    pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let lines: Vec<_> = lines.into_iter().map(|line| visible(line.as_ref()).into_owned()).collect();
        Self(if lines.is_empty() { "none".to_owned() } else { lines.join("\n") })
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self(visible(text.as_ref()).into_owned())
    }
}
