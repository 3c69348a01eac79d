//! How findings are written: one after the other, so that a report may be as long as the pool.

use super::findings::{ProfileFinding, Row, Summary};
use crate::terminal::{Format, Table, VERSION, Versioned, json_line, spreadsheet_cell};
use anyhow::Result;
use clap::ValueEnum;
use schemars::JsonSchema;
use std::io::Write;

/// A table is written after this many rows, and its header is repeated. Its columns fit these rows.
const ROWS: usize = 200;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people; the header is repeated every 200 rows
    Table,
    /// One JSON document with all rows and the summary; what --output json means
    Json,
    /// One JSON object a line
    Jsonl,
    /// For spreadsheets: comma-separated values with a header. A value that begins with = + - @, tab or carriage return
    /// gets an apostrophe before it, so that it is no formula; take jsonl for exact values
    Csv,
}

impl From<Format> for ReportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
        }
    }
}

/// The whole report as one document. It is written row by row, and never held.
#[derive(JsonSchema)]
#[schemars(rename = "Audit")]
#[expect(dead_code, reason = "it describes what is written")]
pub(crate) struct Whole {
    /// Profiles with a finding.
    profiles: Vec<Row>,
    /// The numbers.
    summary: Summary,
}

/// A report under way.
pub(crate) struct Report<W: Write> {
    format: ReportFormat,
    out: W,
    /// Whether it is about several pools.
    several: bool,
    rows: usize,
    waiting: Vec<Row>,
}

impl<W: Write> Report<W> {
    /// Begins a report. Of several pools, tables have a column with the pool.
    pub(crate) fn new(format: ReportFormat, out: W, several: bool) -> Self {
        Self { format, out, several, rows: 0, waiting: Vec::new() }
    }

    /// Writes a row, now or with those that follow.
    pub(crate) fn add(&mut self, row: Row) -> Result<()> {
        match self.format {
            ReportFormat::Table => {
                self.waiting.push(row);
                if self.waiting.len() == ROWS {
                    self.table()?;
                }
            }
            ReportFormat::Json => {
                if self.rows == 0 {
                    self.begin_document()?;
                }
                self.out.write_all(if self.rows == 0 { b"\n" } else { b",\n" })?;
                self.out.write_all(json_line(&row)?.as_bytes())?;
            }
            ReportFormat::Jsonl => {
                self.out.write_all(json_line(&Versioned::new(row))?.as_bytes())?;
                self.out.write_all(b"\n")?;
            }
            ReportFormat::Csv => {
                if self.rows == 0 {
                    self.header()?;
                }
                let mut line = csv::WriterBuilder::new().has_headers(false).from_writer(&mut self.out);
                let pool = self.several.then_some(&row.user_pool_id);
                line.write_record(
                    pool.into_iter().chain(&cells(&row)).map(|cell| spreadsheet_cell(cell).into_owned()),
                )?;
                line.flush()?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self, summary: &Summary) -> Result<()> {
        match self.format {
            ReportFormat::Table => self.table()?,
            ReportFormat::Json => {
                if self.rows == 0 {
                    self.begin_document()?;
                }
                self.out.write_all(b"\n],\"summary\":")?;
                serde_json::to_writer(&mut self.out, summary)?;
                self.out.write_all(b"}\n")?;
            }
            ReportFormat::Csv if self.rows == 0 => self.header()?,
            ReportFormat::Jsonl | ReportFormat::Csv => {}
        }
        Ok(self.out.flush()?)
    }

    fn begin_document(&mut self) -> Result<()> {
        Ok(write!(self.out, "{{\"version\":{VERSION},\"profiles\":[")?)
    }

    fn header(&mut self) -> Result<()> {
        let mut line = csv::Writer::from_writer(&mut self.out);
        line.write_record(self.several.then_some("user_pool_id").into_iter().chain(COLUMNS))?;
        Ok(line.flush()?)
    }

    fn table(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let columns = ["address", "found", "user name", "status", "providers", "verdict"];
        let several = self.several;
        let rows = self.waiting.drain(..).map(|row| {
            let [email, findings, user_name, _, status, providers, verdict] = cells(&row);
            let pool = several.then_some(row.user_pool_id);
            pool.into_iter().chain([email, findings, user_name, status, providers, verdict])
        });
        let table = Table::new(several.then_some("pool").into_iter().chain(columns)).with(rows);
        writeln!(self.out, "{}", table.for_stdout())?;
        Ok(())
    }
}

const COLUMNS: [&str; 7] = ["email", "findings", "user_name", "sub", "status", "providers", "verdict"];

/// A row in the order of [`COLUMNS`]; lists with a space between.
fn cells(row: &Row) -> [String; 7] {
    let findings: Vec<_> = row.findings.iter().copied().map(ProfileFinding::name).collect();
    [
        row.email.clone(),
        findings.join(" "),
        row.user_name.clone(),
        row.sub.clone(),
        row.status.clone(),
        row.providers.join(" "),
        row.verdict.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: ReportFormat, rows: usize) -> String {
        written_of(format, rows, false)
    }

    fn written_of(format: ReportFormat, rows: usize, several: bool) -> String {
        let mut out = Vec::new();
        let mut report = Report::new(format, &mut out, several);
        for n in 0..rows {
            let row = Row {
                user_pool_id: "eu-central-1_A".into(),
                email: format!("a,{n}@example.com"),
                findings: vec![ProfileFinding::SeveralProfiles, ProfileFinding::Refused],
                user_name: "n".into(),
                sub: "s".into(),
                status: "CONFIRMED".into(),
                providers: vec!["Google".into(), "Okta".into()],
                verdict: "link",
            };
            report.add(row).unwrap();
        }
        report.finish(&Summary::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_can_be_read_back_however_many_rows() {
        for rows in [0, 1, 3] {
            let document: serde_json::Value = serde_json::from_str(&written(ReportFormat::Json, rows)).unwrap();
            assert_eq!(document["profiles"].as_array().unwrap().len(), rows);
            assert_eq!(document["summary"]["addresses"], 0);
            let lines = written(ReportFormat::Jsonl, rows);
            assert_eq!(
                lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).count(),
                rows
            );
            let table = written(ReportFormat::Csv, rows);
            let mut table = csv::Reader::from_reader(table.as_bytes());
            assert_eq!(table.headers().unwrap(), COLUMNS.as_slice());
            let records: Vec<_> = table.records().map(Result::unwrap).collect();
            assert!(records.len() == rows && records.iter().all(|r| &r[1] == "several_profiles refused"));
        }
    }

    #[test]
    fn of_several_pools_every_format_says_which() {
        for format in [ReportFormat::Table, ReportFormat::Json, ReportFormat::Jsonl, ReportFormat::Csv] {
            assert!(written_of(format, 1, true).contains("eu-central-1_A"), "{format:?}");
        }
        assert!(written_of(ReportFormat::Csv, 1, true).starts_with("user_pool_id,email,"));
        assert!(!written(ReportFormat::Csv, 1).contains("user_pool_id"), "as it always was");
    }

    #[test]
    fn a_long_table_repeats_its_header() {
        assert_eq!(written(ReportFormat::Table, 2 * ROWS + 1).matches("user name").count(), 3);
        assert_eq!(written(ReportFormat::Table, 0), "");
    }
}
