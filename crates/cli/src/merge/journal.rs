//! The write-ahead journal: what is about to be done, on the disk before it is done.
//!
//! JSON lines, each synced before anything that follows from it. A last line without an end was being written when
//! the process ended; nothing followed from it, so it is dropped.

use super::undo::Undone;
use crate::private_file::{locked, sync_folder_of, tighten};
use crate::registry::{LinkedAs, Record};
use crate::terminal::Refused;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

const KIND: &str = "cognito-triggers link journal";
const VERSION: u32 = 1;

/// How every journal begins.
const BEGINNING: &[u8] = b"{\"entry\":\"header\"";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The first line.
    Header { kind: String, version: u32, user_pool_id: String, plan: String },
    /// A profile is about to be deleted. Everything that is known of it.
    Begin(Box<Begin>),
    /// It is deleted.
    Deleted { user_name: String, sub: String },
    /// Its identity signs in to the native profile.
    Linked(Box<Linked>),
    /// Groups are copied as well: nothing is left to do.
    Done { user_name: String },
    /// Left as it was, because the situation is another than when it was planned.
    Skipped { user_name: String, why: String },
    /// Not finished. A later run tries again.
    Failed { user_name: String, why: String },
    /// Taken back, as far as Cognito allows.
    Undone(Undone),
}

/// What is about to happen to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// The decision's name.
    pub(crate) decision: String,
    /// The native profile, if it is there already.
    pub(crate) into: Option<String>,
    /// What will be linked.
    pub(crate) identity: LinkedAs,
    /// The profile to delete.
    pub(crate) profile: Record,
    pub(crate) groups: Vec<String>,
    /// A native profile that the decision deletes and makes anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<Replaced>,
    /// Groups that the native profile joins.
    #[serde(default)]
    pub(crate) add_groups: Vec<String>,
    /// Attributes that the native profile gets.
    #[serde(default)]
    pub(crate) add_attributes: BTreeMap<String, String>,
    /// Attributes that it was to get and that the pool did not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
}

/// A native profile that is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub(crate) profile: Record,
    pub(crate) groups: Vec<String>,
}

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Linked {
    /// The deleted profile.
    pub(crate) user_name: String,
    /// The decision that was carried out in the end.
    pub(crate) decision: String,
    pub(crate) into: String,
    pub(crate) into_sub: String,
    /// Attributes that the native profile was to get and that the pool did not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
}

/// How far a profile's merge has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Every time that a profile of this name was about to be deleted: it comes back when its owner signs in before
    /// the link is made.
    pub(crate) begun: Vec<Begin>,
    /// It was deleted at least once.
    pub(crate) deleted: bool,
    pub(crate) linked: Option<Linked>,
    pub(crate) done: bool,
    pub(crate) undone: Option<Undone>,
}

/// What was done, by user name, in the order of the beginnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) order: Vec<String>,
    pub(crate) of: BTreeMap<String, Progress>,
}

impl History {
    /// How many profiles are deleted whose identities are not linked.
    pub(crate) fn half_done(&self) -> u64 {
        let half_done = self.of.values().filter(|progress| progress.deleted && progress.linked.is_none());
        u64::try_from(half_done.count()).unwrap_or(u64::MAX)
    }

    /// Takes an entry in. Entries that are there twice change nothing.
    pub(crate) fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Header { .. } | Entry::Skipped { .. } | Entry::Failed { .. } => {}
            Entry::Deleted { user_name, .. } => self.of.entry(user_name.clone()).or_default().deleted = true,
            Entry::Begin(begin) => {
                let name = &begin.profile.user_name;
                if !self.of.contains_key(name) {
                    self.order.push(name.clone());
                }
                let progress = self.of.entry(name.clone()).or_default();
                if progress.begun.last() != Some(begin) {
                    progress.begun.push((**begin).clone());
                }
            }
            Entry::Linked(linked) => {
                self.of.entry(linked.user_name.clone()).or_default().linked = Some((**linked).clone());
            }
            Entry::Done { user_name } => self.of.entry(user_name.clone()).or_default().done = true,
            Entry::Undone(undone) => self.of.entry(undone.user_name.clone()).or_default().undone = Some(undone.clone()),
        }
    }
}

/// Where entries are written down.
pub(crate) trait Ledger {
    /// Writes an entry; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// It may not be on the disk. Nothing may follow from it.
    fn write(&mut self, entry: Entry) -> Result<()>;

    /// What was written so far, by earlier runs as well.
    fn history(&self) -> &History;
}

/// A journal file that is locked for this process.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    pub(crate) user_pool_id: String,
    /// The plan's id.
    pub(crate) plan: String,
    history: History,
}

/// What a locked file turned out to be.
enum Found {
    Journal(Journal),
    Nothing(File),
}

impl Journal {
    /// Opens the journal of a plan, or begins one.
    ///
    /// # Errors
    ///
    /// A [`Refused`] if another process uses it, or it belongs to another plan or pool, or was undone.
    pub(crate) fn open(path: &Path, user_pool_id: &str, plan: &str) -> Result<Self> {
        let journal = match Self::read(path, locked(path, || in_use(path))?)? {
            Found::Journal(journal) => journal,
            Found::Nothing(file) => return Self::begin(path, file, user_pool_id, plan),
        };
        let refuse = |why: String| Err(Refused(format!("{}: {why}", path.display())).into());
        if journal.user_pool_id != user_pool_id {
            return refuse(format!("the journal of {}, not of {user_pool_id}", journal.user_pool_id));
        }
        if journal.plan != plan {
            return refuse("the journal of another plan; choose another file with --journal".into());
        }
        if journal.history.of.values().any(|progress| progress.undone.is_some()) {
            return refuse("it was undone; choose another file with --journal".into());
        }
        Ok(journal)
    }

    /// Opens a journal to undo it.
    ///
    /// # Errors
    ///
    /// A [`Refused`] if there is none, or another process uses it.
    pub(crate) fn open_to_undo(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Refused(format!("there is no journal {}", path.display())).into());
        }
        match Self::read(path, locked(path, || in_use(path))?)? {
            Found::Journal(journal) => Ok(journal),
            Found::Nothing(_) => Err(Refused(format!("{}: nothing was begun", path.display())).into()),
        }
    }

    fn begin(path: &Path, mut file: File, user_pool_id: &str, plan: &str) -> Result<Self> {
        tighten(path, &file)?;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        let mut journal =
            Self { file, user_pool_id: user_pool_id.into(), plan: plan.into(), history: History::default() };
        journal.write(Entry::Header {
            kind: KIND.into(),
            version: VERSION,
            user_pool_id: user_pool_id.into(),
            plan: plan.into(),
        })?;
        // So that the file itself, and not only what is in it, survives a loss of power.
        sync_folder_of(path).context("the journal's folder is not on the disk")?;
        Ok(journal)
    }

    fn read(path: &Path, mut file: File) -> Result<Found> {
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(|| format!("{} cannot be read", path.display()))?;
        let Some(parsed) = parse(&text).map_err(|why| Refused(format!("{}: {why}", path.display())))? else {
            return Ok(Found::Nothing(file));
        };
        tighten(path, &file)?;
        file.set_len(parsed.whole)?;
        file.seek(SeekFrom::Start(parsed.whole))?;
        let Parsed { user_pool_id, plan, history, .. } = parsed;
        Ok(Found::Journal(Self { file, user_pool_id, plan, history }))
    }
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
        Ok(Entry::Header { kind, version: VERSION, user_pool_id, plan }) if kind == KIND => (user_pool_id, plan),
        Ok(Entry::Header { kind, .. }) if kind == KIND => {
            return Err("a journal of another version of this program".into());
        }
        _ => return Err("not a journal".into()),
    };
    let mut history = History::default();
    for (at, line) in lines {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(Entry::Header { .. }) | Err(_) => return Err(damaged(at + 1)),
            Ok(entry) => history.add(&entry),
        }
    }
    Ok(Some(Parsed { user_pool_id, plan, history, whole: u64::try_from(whole).map_err(|_| "too long")? }))
}

fn damaged(line: usize) -> String {
    format!(
        "line {line} is damaged: restore the journal from a copy; without one, remove the line, after looking up in the \
         pool the profile that the lines around it name, for nothing else says what became of it"
    )
}

impl Ledger for Journal {
    fn write(&mut self, entry: Entry) -> Result<()> {
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).context("the journal cannot be written")?;
        self.history.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.history
    }
}

fn in_use(path: &Path) -> String {
    format!("{}: another run is using this journal", path.display())
}

#[cfg(test)]
pub(super) mod tests;
