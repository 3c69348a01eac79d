//! The table of a comparison.

use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use local_cloud::function::BARE;

use crate::measure::Row;
use crate::size::mebibytes;

/// A column: its title, and its cell in a row, which may compare with the bare function's row.
type Column = (&'static str, fn(&Row, &Row) -> String);

const COLUMNS: [Column; 11] = [
    ("", |row, _| row.name.clone()),
    ("CPU ms", |row, _| format!("{:.2}", milliseconds(row.cpu))),
    ("ratio", |row, bare| format!("{:.2}", row.cpu.div_duration_f64(bare.cpu))),
    ("wall ms", |row, _| format!("{:.2}", milliseconds(row.wall))),
    ("ratio", |row, bare| format!("{:.2}", row.wall.div_duration_f64(bare.wall))),
    ("answer ms", |row, _| format!("{:.2}", milliseconds(row.answer))),
    ("peak MiB", |row, _| format!("{:.1}", mebibytes(row.peak * 1024))),
    ("zip MiB", |row, _| row.zipped.map(|bytes| format!("{:.2}", mebibytes(bytes))).unwrap_or_default()),
    ("CPU us per event", |row, _| {
        row.per_event.map(|cpu| format!("{:.0}", milliseconds(cpu) * 1000.0)).unwrap_or_default()
    }),
    ("calls", |row, _| row.calls.to_string()),
    ("rounds", |row, _| row.rounds.to_string()),
];

/// The rows as a table. Ratios compare with the bare function.
///
/// # Errors
///
/// Fails if the bare function is not among the rows.
pub(crate) fn table(rows: &[Row]) -> Result<String> {
    let bare = rows.iter().find(|row| row.name == BARE).context("the bare function was not measured")?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(COLUMNS.map(|(title, _)| title));
    table.add_rows(rows.iter().map(|row| COLUMNS.map(|(_, cell)| cell(row, bare))));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok(table.to_string())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Start;

    fn row(name: &str, cpu: [u64; 3]) -> Row {
        let start = |cpu| Start {
            wall: Duration::from_millis(3),
            answer: Duration::from_millis(2),
            cpu: Duration::from_millis(cpu),
            peak: 2048,
        };
        Row::new(name, &cpu.map(start))
    }

    #[test]
    fn a_row_shows_the_median_and_its_ratio_to_the_bare_function() {
        let text = table(&[row(BARE, [2, 9, 1]), row("function", [3, 3, 3])]).unwrap();
        let line = text.lines().last().unwrap();
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(&cells[1..8], ["function", "3.00", "1.50", "3.00", "1.00", "2.00", "2.0"], "{text}");
    }
}
