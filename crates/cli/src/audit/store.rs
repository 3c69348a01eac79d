//! Listed profiles on disk, by address, with the place where the listing continues.
//!
//! Only the complete list shows which profiles share an address. So all of them are kept in a table that is sorted by
//! address. A page and the place after it are stored together. Memory does not grow with the pool.
//!
//! The file holds personal data. So it has no name unless the listing is to be resumed, and only its owner may read it.

use crate::private_file::{private, tighten};
use crate::terminal::Refused;
use anyhow::{Context, Result};
use cognito_core::user_pool::{Page, ProfileRecord};
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, Range, ReadableDatabase, StorageError, TableDefinition};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Profiles as JSON, by address and user name.
const PROFILES: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("profiles");

/// The one [`Place`], as JSON.
const PLACE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("place");

const VERSION: u32 = 2;

/// How much of the file is kept in memory, in bytes.
const CACHE: usize = 8 << 20;

/// How many profiles are written at once: those of 8 seconds, at 20 pages a second.
const WRITTEN_AT_ONCE: usize = 10_000;

/// How old a listing may be. Cognito forgets a pagination token after an hour; the rest is for the call itself. A
/// complete listing may not be older either, because people sign in and change the pool.
const MAX_SECONDS: u64 = 3_500;

/// How far a listing has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    version: u32,
    user_pool_id: String,
    /// The attributes that are kept of each profile.
    attributes: Vec<String>,
    /// Profiles listed so far.
    pub(super) listed: u64,
    /// Where the next page starts; `None` at the start and at the end.
    pub(super) token: Option<String>,
    /// Whether the last page was listed.
    pub(super) complete: bool,
    /// When the token was given, or the last page: seconds since 1970.
    since: u64,
}

impl Place {
    /// Whether the listing is too old to continue. A listing without a page has no age.
    fn is_old(&self) -> bool {
        (self.token.is_some() || self.complete) && self.age() > MAX_SECONDS
    }

    fn age(&self) -> u64 {
        now().abs_diff(self.since)
    }
}

/// A listing under way.
pub(super) struct Store {
    path: Option<PathBuf>,
    database: Database,
    pub(super) place: Place,
    /// What is not written yet.
    pending: Vec<(String, ProfileRecord)>,
}

impl Store {
    /// Opens the listing in the file, or begins one. Without a path nothing is left when the process ends.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the file holds something else, or a listing that cannot be continued. Also fails if the
    /// file cannot be read or written.
    pub(super) fn open(path: Option<&Path>, user_pool_id: &str, attributes: &[String]) -> Result<Self> {
        let fresh = Place {
            version: VERSION,
            user_pool_id: user_pool_id.to_owned(),
            attributes: attributes.to_vec(),
            listed: 0,
            token: None,
            complete: false,
            since: 0,
        };
        let Some(path) = path else {
            // Such a file has no name, so it disappears with the process, even after a crash.
            let database = database(tempfile::tempfile().context("no temporary file can be made")?)?;
            let mut store = Self { path: None, database, place: fresh, pending: Vec::new() };
            store.save()?;
            return Ok(store);
        };
        let is_new = !path.exists();
        let file = private(path)?;
        if !is_new && file.metadata()?.len() == 0 {
            return Err(refused(path, "not the state of a listing"));
        }
        let opened = file.try_clone()?;
        let database = database(file).map_err(|error| explained(path, error))?;
        let mut store = Self { path: Some(path.to_owned()), database, place: fresh, pending: Vec::new() };
        if is_new {
            store.save()?;
        } else {
            let found = store.stored_place().map_err(|_| refused(path, "not the state of a listing"))?;
            if let Some(why) = obstacle(&found, &store.place) {
                return Err(refused(path, &why));
            }
            store.place = found;
            tighten(path, &opened)?;
        }
        Ok(store)
    }

    /// Adds a page of profiles.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(super) fn add(&mut self, page: Page) -> Result<()> {
        self.place.listed += u64::try_from(page.records.len())?;
        self.place.complete = page.next.is_none();
        self.place.token = page.next;
        self.place.since = now();
        let addressed = page.records.into_iter().filter_map(|record| Some((record.address()?, record)));
        self.pending.extend(addressed.map(|(address, record)| (address, record.keeping(&self.place.attributes))));
        if self.place.complete || self.pending.len() >= WRITTEN_AT_ONCE { self.save() } else { Ok(()) }
    }

    /// Writes everything so far, and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(super) fn save(&mut self) -> Result<()> {
        let transaction = self.database.begin_write()?;
        let mut profiles = transaction.open_table(PROFILES)?;
        for (address, record) in self.pending.drain(..) {
            let text = serde_json::to_vec(&record)?;
            profiles.insert((address.as_str(), record.user_name.as_str()), text.as_slice())?;
        }
        drop(profiles);
        transaction.open_table(PLACE)?.insert((), serde_json::to_vec(&self.place)?.as_slice())?;
        transaction.commit().context("the listed profiles cannot be written")
    }

    fn stored_place(&self) -> Result<Place> {
        let table = self.database.begin_read()?.open_table(PLACE)?;
        let text = table.get_owned(())?.context("there is no listing")?;
        Ok(serde_json::from_slice(text.value())?)
    }

    /// Everything that was added, by address.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub(super) fn sorted(&self) -> Result<Sorted> {
        Ok(Sorted(self.database.begin_read()?.open_table(PROFILES)?.range::<(&str, &str)>(..)?))
    }

    /// What to do after an interruption.
    pub(super) fn way_on(&self) -> String {
        let Some(path) = &self.path else { return "with --state, the next run could continue there".to_owned() };
        if self.place.token.is_none() {
            return "run the same command to try again".to_owned();
        }
        match MAX_SECONDS.saturating_sub(self.place.age()) / 60 {
            0 => format!("a listing can be continued only within an hour, which is over: {}", start_again(path)),
            minutes => format!("run the same command within {minutes} minutes to continue"),
        }
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be removed.
    pub(super) fn remove(self) -> Result<()> {
        let Self { path, database, .. } = self;
        drop(database);
        match path.filter(|path| path.exists()) {
            Some(path) => fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display())),
            None => Ok(()),
        }
    }
}

/// The profiles, those of one address one after the other.
pub(super) struct Sorted(Range<'static, (&'static str, &'static str), &'static [u8]>);

impl Sorted {
    /// The next profile and its address.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<(String, ProfileRecord)>> {
        let Some(entry) = self.0.next() else { return Ok(None) };
        let (key, record) = entry.context("the listed profiles cannot be read")?;
        Ok(Some((key.value().0.to_owned(), serde_json::from_slice(record.value())?)))
    }
}

fn database(file: File) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(CACHE).create_with_backend(FileBackend::new(file)?)
}

fn explained(path: &Path, error: DatabaseError) -> anyhow::Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            Refused(format!("{}: another run is using this listing", path.display())).into()
        }
        DatabaseError::Storage(StorageError::Io(why))
            if !matches!(why.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            anyhow::Error::new(why).context(format!("{} cannot be read", path.display()))
        }
        _ => refused(path, "not the state of a listing, or damaged"),
    }
}

/// Why an earlier listing cannot be continued with the present options.
fn obstacle(found: &Place, wanted: &Place) -> Option<String> {
    if found.version != wanted.version {
        return Some("written by another version of this program".to_owned());
    }
    if found.user_pool_id != wanted.user_pool_id {
        return Some(format!("a listing of {}", found.user_pool_id));
    }
    if found.attributes != wanted.attributes {
        return Some("a listing for other --providers".to_owned());
    }
    let consequence =
        if found.complete { "the pool may have changed since" } else { "Cognito continues a listing only that long" };
    found.is_old().then(|| format!("older than an hour, and {consequence}"))
}

fn refused(path: &Path, why: &str) -> anyhow::Error {
    Refused(format!("{}: {why}; {}", path.display(), start_again(path))).into()
}

fn start_again(path: &Path) -> String {
    format!("remove {} to start again", path.display())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

#[cfg(test)]
mod tests;
