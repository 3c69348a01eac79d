//! The file with old and new `sub`s, for the application's own database.

use crate::private_file::{self, draft_of, sync_folder_of};
use anyhow::{Context, Result};
use merge::{History, ReplacedSub};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 4] = ["old_sub", "new_sub", "old_user_name", "new_user_name"];

type Row = [String; 4];

/// The map's file. A row is written as soon as the link is made. A row that a crash lost is written when the same
/// journal is opened again.
#[derive(Debug)]
pub(crate) struct SubMapFile {
    out: csv::Writer<File>,
    written: BTreeSet<Row>,
}

impl SubMapFile {
    /// Opens the map and writes everything that the journal holds so far, or nothing.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`](crate::terminal::Refused) if the file holds anything that the journal does not. Also
    /// fails if it cannot be written.
    pub(crate) fn open(path: &Path, history: &History) -> Result<Self> {
        let shown = || format!("{} cannot be written", path.display());
        let rows: BTreeSet<Row> = history.order.iter().flat_map(|name| rows(history, name)).collect();
        if !is_of(path, &rows)? {
            let why = "exists already and holds something other than the subs of this plan";
            let remedy = "move it away, or choose another file with --sub-map";
            refuse!("{} {why}; {remedy}", path.display());
        }
        let mut out = csv::Writer::from_writer(draft_of(path).with_context(shown)?);
        out.write_record(COLUMNS)?;
        let mut map = BTreeSet::new();
        for name in &history.order {
            write(&mut out, history, name, &mut map)?;
        }
        let file = out.into_inner().map_err(|error| anyhow::anyhow!("{}: {}", shown(), error.error()))?;
        file.as_file().sync_all().with_context(shown)?;
        let file = file.persist(path).with_context(shown)?;
        sync_folder_of(path).with_context(shown)?;
        Ok(Self { out: csv::Writer::from_writer(file), written: map })
    }

    /// Adds the rows of these profiles, by user name. Rows that the file has already are not written again.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(crate) fn add<'a>(&mut self, history: &History, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for name in names {
            write(&mut self.out, history, name, &mut self.written).context("the map of subs cannot be written")?;
        }
        self.out.flush().context("the map of subs cannot be written")
    }

    /// How many subs are in the map.
    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.written.len()).unwrap_or(u64::MAX)
    }
}

fn write(
    out: &mut csv::Writer<impl std::io::Write>,
    history: &History,
    name: &str,
    written: &mut BTreeSet<Row>,
) -> Result<()> {
    for row in rows(history, name) {
        if !written.contains(&row) {
            out.write_record(&row)?;
            written.insert(row);
        }
    }
    Ok(())
}

fn rows(history: &History, name: &str) -> Vec<Row> {
    let row = |sub: ReplacedSub| [sub.old_sub, sub.new_sub, sub.old_user_name, sub.new_user_name];
    history.replaced_subs(name).into_iter().map(row).collect()
}

/// Whether the file is missing, or holds only these rows. A last line without an end is ignored: the process ended
/// while it wrote that line.
fn is_of(path: &Path, rows: &BTreeSet<Row>) -> Result<bool> {
    let Some(text) = private_file::read(path)? else { return Ok(true) };
    let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(COLUMNS.join(",").as_bytes().starts_with(&text));
    };
    let mut records = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..=end]).into_records();
    let is = |record: &csv::StringRecord, row: &[&str]| record.iter().eq(row.iter().copied());
    let head = records.next().is_some_and(|record| record.is_ok_and(|record| is(&record, &COLUMNS)));
    let known = |record: csv::StringRecord| {
        rows.contains(&[0, 1, 2, 3].map(|at| record.get(at).unwrap_or_default().to_owned())) && record.len() == 4
    };
    Ok(head && records.all(|record| record.is_ok_and(known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::link::journal_file::tests::{begin, linked};
    use crate::terminal::Refused;

    fn history(names: &[&str]) -> History {
        let mut history = History::default();
        for name in names {
            history.add(&begin(name));
            history.add(&linked(name));
        }
        history
    }

    const FIRST: &str = "old_sub,new_sub,old_user_name,new_user_name\nsub of Google_1,s,Google_1,native\n";
    const SECOND: &str = "sub of Google_2,s,Google_2,native\n";

    #[test]
    fn rows_are_in_the_file_as_soon_as_they_are_known_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subs.csv");
        let mut map = SubMapFile::open(&path, &history(&["Google_1"])).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FIRST);
        map.add(&history(&["Google_1", "Google_2"]), ["Google_1", "Google_2"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{FIRST}{SECOND}"));
        assert_eq!(map.rows(), 2);
    }

    #[test]
    fn what_an_end_of_the_process_cost_is_written_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subs.csv");
        for left in ["", "old_s", "old_sub,new_sub,old_user_name,new_user_name\n", &format!("{FIRST}sub of Goo")] {
            std::fs::write(&path, left).unwrap();
            SubMapFile::open(&path, &history(&["Google_1", "Google_2"])).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{FIRST}{SECOND}"), "{left}");
        }
    }

    #[test]
    fn a_file_of_another_plan_or_of_something_else_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subs.csv");
        for other in ["Dear Ada", "Dear Ada\n", FIRST, &format!("{FIRST}\"")] {
            std::fs::write(&path, other).unwrap();
            let refused = SubMapFile::open(&path, &history(&["Google_2"])).unwrap_err();
            assert!(refused.downcast_ref::<Refused>().unwrap().0.contains("--sub-map"), "{refused}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_noticed_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = SubMapFile::open(&folder.path().join("nowhere/subs.csv"), &history(&[])).unwrap_err();
        assert!(format!("{error:#}").contains("cannot be written"), "{error:#}");
    }
}
