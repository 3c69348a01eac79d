//! The journal as a file.
//!
//! JSON lines: a header, then one line for each entry. Each entry is synced before the run goes on. A last line
//! without an end is dropped: the process ended while it wrote that line, so it did nothing after it.

use crate::private_file::{locked, sync_folder_of, tighten};
use crate::terminal::Refused;
use anyhow::{Context, Result};
use merge::{Entry, History, Journal, JournalError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const KIND: &str = "cognito-triggers link journal";
const VERSION: u32 = 1;

/// How every journal begins.
const BEGINNING: &[u8] = b"{\"entry\":\"header\"";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    entry: String,
    kind: String,
    version: u32,
    user_pool_id: String,
    plan: String,
}

impl Header {
    fn new(user_pool_id: &str, plan: &str) -> Self {
        Self {
            entry: "header".into(),
            kind: KIND.into(),
            version: VERSION,
            user_pool_id: user_pool_id.into(),
            plan: plan.into(),
        }
    }
}

/// A journal file that is locked for this process.
#[derive(Debug)]
pub(crate) struct JournalFile {
    file: File,
    pub(crate) user_pool_id: String,
    history: History,
}

impl JournalFile {
    /// Opens the journal of a plan, or begins one.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if another process uses it, if it belongs to another plan or pool, or if it was undone.
    pub(crate) fn open(path: &Path, user_pool_id: &str, plan: &str) -> Result<Self> {
        let (file, parsed) = read(path)?;
        let Some(journal) = parsed else { return Self::begin(path, file, user_pool_id, plan) };
        let name = path.display();
        if journal.user_pool_id != user_pool_id {
            refuse!("{name}: the journal of {}, not of {user_pool_id}", journal.user_pool_id);
        }
        if journal.plan != plan {
            refuse!("{name}: the journal of another plan; choose another file with --journal");
        }
        if journal.history.merges.values().any(|merge| merge.undone.is_some()) {
            refuse!("{name}: it was undone; choose another file with --journal");
        }
        Self::go_on(path, file, journal)
    }

    /// Opens a journal to undo it.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if there is none, or if another process uses it.
    pub(crate) fn open_to_undo(path: &Path) -> Result<Self> {
        if !path.exists() {
            refuse!("there is no journal {}", path.display());
        }
        match read(path)? {
            (file, Some(journal)) => Self::go_on(path, file, journal),
            (_, None) => refuse!("{}: nothing was done yet", path.display()),
        }
    }

    fn begin(path: &Path, mut file: File, user_pool_id: &str, plan: &str) -> Result<Self> {
        tighten(path, &file)?;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        let mut journal = Self { file, user_pool_id: user_pool_id.into(), history: History::default() };
        journal.write_line(&Header::new(user_pool_id, plan)).context("the journal cannot be written")?;
        // So that the file's name survives a loss of power, too.
        sync_folder_of(path).context("the journal's folder is not on the disk")?;
        Ok(journal)
    }

    fn write_line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }

    fn go_on(path: &Path, mut file: File, parsed: Parsed) -> Result<Self> {
        tighten(path, &file)?;
        file.set_len(parsed.whole)?;
        file.seek(SeekFrom::Start(parsed.whole))?;
        Ok(Self { file, user_pool_id: parsed.user_pool_id, history: parsed.history })
    }
}

/// Locks a journal for this process and reads it.
fn read(path: &Path) -> Result<(File, Option<Parsed>)> {
    let mut file = locked(path, || format!("{}: another run is using this journal", path.display()))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).with_context(|| format!("{} cannot be read", path.display()))?;
    let parsed = parse(&text).map_err(|why| Refused(format!("{}: {why}", path.display())))?;
    Ok((file, parsed))
}

/// What a journal's text says.
#[derive(Debug)]
struct Parsed {
    user_pool_id: String,
    plan: String,
    history: History,
    /// Up to where lines have an end.
    whole: u64,
}

/// Reads a journal's text; `None` if not even its first line was finished.
fn parse(text: &[u8]) -> Result<Option<Parsed>, String> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut lines = text[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
    let Some((_, first)) = lines.next() else {
        let unfinished = text.starts_with(BEGINNING) || BEGINNING.starts_with(text);
        return if unfinished { Ok(None) } else { Err("not a journal".into()) };
    };
    let (user_pool_id, plan) = match serde_json::from_slice(first) {
        Ok(Header { kind, version: VERSION, user_pool_id, plan, .. }) if kind == KIND => (user_pool_id, plan),
        Ok(Header { kind, .. }) if kind == KIND => {
            return Err("a journal of another version of this program".into());
        }
        _ => return Err("not a journal".into()),
    };
    let mut history = History::default();
    for (at, line) in lines {
        if line.trim_ascii().is_empty() {
            continue;
        }
        history.add(&serde_json::from_slice(line).map_err(|_| damaged(at + 1))?);
    }
    Ok(Some(Parsed { user_pool_id, plan, history, whole: u64::try_from(whole).map_err(|_| "too long")? }))
}

fn damaged(line: usize) -> String {
    format!(
        "line {line} is damaged. Restore a copy of the journal. If you have none, look the profile up in the pool (the \
         lines around name it), then remove the line"
    )
}

impl Journal for JournalFile {
    async fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.write_line(&entry).map_err(|error| JournalError(error.into()))?;
        self.history.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.history
    }
}

#[cfg(test)]
pub(super) mod tests;
