//! The table, the file, and the comparison with the last one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};

use super::case::{Bars, ECHO, Warm};
use super::lambda::Start;

const MIB: f64 = 1024.0 * 1024.0;

/// What was measured of one program on one case: medians.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name in the table.
    pub name: String,
    /// CPU time from start to first answer.
    pub cpu: Duration,
    /// Time from start to first answer.
    pub wall: Duration,
    /// Peak memory in KiB.
    pub peak: u64,
    /// Zipped size in bytes, of a program that is one file.
    pub zipped: Option<u64>,
    /// CPU time per further event.
    pub warm: Option<Duration>,
    /// Calls to Cognito for one event.
    pub calls: usize,
    /// How many of them waited for one before.
    pub rounds: usize,
    bars: Bars,
}

/// One row as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// CPU time from start to first answer, in milliseconds.
    pub cpu_ms: f64,
    /// As a ratio to the bare function of the same run.
    pub cpu_ratio: f64,
    /// Time from start to first answer, in milliseconds.
    pub wall_ms: f64,
    /// As a ratio.
    pub wall_ratio: f64,
    /// Peak memory in MiB.
    pub peak_mib: f64,
    /// Zipped size in MiB.
    pub zipped_mib: Option<f64>,
    /// CPU time per further event in microseconds.
    pub warm_us: Option<f64>,
    /// Calls to Cognito for one event.
    pub calls: usize,
    /// How many of them waited for one before.
    pub rounds: usize,
}

/// A whole run as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What it ran on, without a name.
    pub machine: String,
    /// The command that made it.
    pub command: String,
    /// The rows, that of the bare function first.
    pub rows: Vec<Kept>,
}

impl Row {
    /// The medians of some starts.
    #[must_use]
    pub fn new(name: &str, starts: &[Start], bars: Bars) -> Self {
        Self {
            name: name.to_owned(),
            cpu: median(starts.iter().map(|start| start.cpu)),
            wall: median(starts.iter().map(|start| start.wall)),
            peak: median(starts.iter().map(|start| start.peak)),
            zipped: None,
            warm: None,
            calls: 0,
            rounds: 0,
            bars,
        }
    }

    fn kept(&self, echo: &Self) -> Kept {
        Kept {
            name: self.name.clone(),
            cpu_ms: rounded(milliseconds(self.cpu)),
            cpu_ratio: rounded(ratio(self.cpu, echo.cpu)),
            wall_ms: rounded(milliseconds(self.wall)),
            wall_ratio: rounded(ratio(self.wall, echo.wall)),
            peak_mib: rounded(mebibytes(self.peak * 1024)),
            zipped_mib: self.zipped.map(|bytes| rounded(mebibytes(bytes))),
            warm_us: self.warm.map(|warm| rounded(milliseconds(warm) * 1000.0)),
            calls: self.calls,
            rounds: self.rounds,
        }
    }
}

/// The table of a run; `*` marks what misses its bar.
///
/// # Errors
///
/// The bare function is not among the rows.
pub fn table(rows: &[Row]) -> Result<(String, usize)> {
    let echo = echo(rows)?;
    let mut missed = 0;
    let mut mark = |text: String, value: f64, bar: f64| {
        if value > bar {
            missed += 1;
            format!("{text} *")
        } else {
            text
        }
    };
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "",
        "CPU ms",
        "ratio",
        "wall ms",
        "ratio",
        "peak MiB",
        "zip MiB",
        "CPU us per event",
        "calls",
        "rounds",
    ]);
    for row in rows {
        let kept = row.kept(echo);
        let warm = row.warm.zip(echo.warm).zip(kept.warm_us).map(|((warm, echo), shown)| {
            let (value, bar) = match row.bars.warm {
                Warm::Microseconds(bar) => (shown, bar),
                Warm::Ratio(bar) => (ratio(warm, echo), bar),
                Warm::None => (0.0, 1.0),
            };
            mark(format!("{shown:.0} ({:.1}x)", ratio(warm, echo)), value, bar)
        });
        table.add_row([
            row.name.clone(),
            format!("{:.2}", kept.cpu_ms),
            mark(format!("{:.2}", kept.cpu_ratio), kept.cpu_ratio, row.bars.cpu),
            format!("{:.2}", kept.wall_ms),
            mark(format!("{:.2}", kept.wall_ratio), kept.wall_ratio, row.bars.wall),
            mark(format!("{:.1}", kept.peak_mib), kept.peak_mib, row.bars.peak),
            kept.zipped_mib.map_or_else(String::new, |zip| mark(format!("{zip:.2}"), zip, row.bars.zip)),
            warm.unwrap_or_default(),
            row.calls.to_string(),
            row.rounds.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok((table.to_string(), missed))
}

/// A run as it is kept.
///
/// # Errors
///
/// The bare function is not among the rows.
pub fn results(rows: &[Row], machine: String, command: String) -> Result<Results> {
    let echo = echo(rows)?;
    Ok(Results { machine, command, rows: rows.iter().map(|row| row.kept(echo)).collect() })
}

impl Results {
    /// Reads a kept run.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is of another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is of another form", path.display()))
    }

    /// Writes the run.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// What is different from an earlier run by more than a tenth, or in the number of calls; a line each.
    #[must_use]
    pub fn changes_since(&self, earlier: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            let Some(was) = earlier.rows.iter().find(|was| was.name == row.name) else {
                lines.push(format!("{}: new", row.name));
                continue;
            };
            let mut compare = |what: &str, now: Option<f64>, was: Option<f64>| {
                if let (Some(now), Some(was)) = (now, was)
                    && (now / was - 1.0).abs() > 0.1
                {
                    lines.push(format!("{}: {what} {was:.2} -> {now:.2}", row.name));
                }
            };
            compare("CPU ratio", Some(row.cpu_ratio), Some(was.cpu_ratio));
            compare("wall ratio", Some(row.wall_ratio), Some(was.wall_ratio));
            compare("peak MiB", Some(row.peak_mib), Some(was.peak_mib));
            compare("zip MiB", row.zipped_mib, was.zipped_mib);
            if (row.calls, row.rounds) != (was.calls, was.rounds) {
                let line = (was.calls, was.rounds, row.calls, row.rounds);
                lines.push(format!("{}: calls and rounds {}, {} -> {}, {}", row.name, line.0, line.1, line.2, line.3));
            }
        }
        lines
    }
}

fn echo(rows: &[Row]) -> Result<&Row> {
    rows.iter().find(|row| row.name == ECHO).context("the bare function was not measured")
}

/// The value in the middle, or the default of none.
pub(super) fn median<T: Ord + Copy + Default>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(value: Duration, to: Duration) -> f64 {
    value.as_secs_f64() / to.as_secs_f64()
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files and processes are far below 2^52")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cpu: u64, bar: f64) -> Row {
        let start = Start { wall: Duration::from_millis(3), cpu: Duration::from_millis(cpu), peak: 2048 };
        let bars = Bars { cpu: bar, wall: 1.5, peak: 4.0, zip: 1.0, warm: Warm::None };
        Row::new(name, &[start], bars)
    }

    #[test]
    fn what_misses_its_bar_is_marked_and_counted() {
        let (text, missed) = table(&[row(ECHO, 2, 2.0), row("fits", 3, 1.5), row("does not", 4, 1.5)]).unwrap();
        assert_eq!((missed, text.matches(" *").count()), (1, 1), "{text}");
    }

    #[test]
    fn a_run_is_compared_by_ratio_and_by_calls() {
        let kept = |cpu, calls| {
            let mut rows = [row(ECHO, 2, 2.0), row("function", cpu, 2.0)];
            rows[1].calls = calls;
            results(&rows, String::new(), String::new()).unwrap()
        };
        assert_eq!(kept(4, 2).changes_since(&kept(4, 2)), Vec::<String>::new());
        assert_eq!(kept(6, 2).changes_since(&kept(4, 2)), ["function: CPU ratio 2.00 -> 3.00"]);
        assert_eq!(kept(4, 3).changes_since(&kept(4, 2)), ["function: calls and rounds 2, 0 -> 3, 0"]);
    }

    #[test]
    fn the_median_is_a_value_that_was_measured() {
        assert_eq!(median([5, 1, 9]), 5);
    }
}
