//! One pass over the pool.

use super::store::{Sorted, Store};
use crate::terminal::Progress;
use anyhow::{Error, Result};
use cognito_core::user_pool::{Administration, ProfileRecord};
use merge::{MAX_PROFILES, RateLimit};
use std::path::Path;

/// How a pool is listed.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) user_pool: &'a str,
    /// The attributes that are kept of each profile.
    pub(crate) attributes: Vec<String>,
    pub(crate) limit: &'a RateLimit,
    /// The file from which the listing can be resumed.
    pub(crate) state: Option<&'a Path>,
}

/// A pool that was listed to its end.
pub(crate) struct Listed {
    /// How many profiles there are.
    pub(crate) profiles: u64,
    sorted: Sorted,
    waiting: Option<(String, ProfileRecord)>,
    store: Store,
}

impl Scan<'_> {
    /// Lists the pool, or the rest of it.
    ///
    /// # Errors
    ///
    /// Returns the error of the pool or of the disk. With a state, the listed profiles are kept.
    pub(crate) async fn run(self, pool: &impl Administration, estimate: u64) -> Result<Listed> {
        let mut store = Store::open(self.state, self.user_pool, &self.attributes)?;
        let progress = Progress::profiles(estimate, store.place.listed);
        while !store.place.complete {
            self.limit.wait().await;
            match pool.page(store.place.token.as_deref()).await {
                Ok(page) => store.add(page)?,
                Err(error) => {
                    let way_on = store.save().map_or_else(|why| format!("{why:#}"), |()| store.way_on());
                    let listed = store.place.listed;
                    // Nothing is saved yet, and waiting does not help: only the cause counts.
                    if listed == 0 && !error.is_transient() {
                        return Err(Error::from(error).context("the profiles cannot be listed"));
                    }
                    return Err(Error::from(error).context(format!("interrupted after {listed} profiles; {way_on}")));
                }
            }
            progress.reached(store.place.listed);
        }
        drop(progress);
        Ok(Listed { profiles: store.place.listed, sorted: store.sorted()?, waiting: None, store })
    }
}

impl Listed {
    /// The next address, in lower case, and all profiles that have it, by user name. If there are more than
    /// [`MAX_PROFILES`], it returns that many and one more.
    pub(crate) fn next(&mut self) -> Result<Option<(String, Vec<ProfileRecord>)>> {
        let first = match self.waiting.take() {
            Some(first) => Some(first),
            None => self.sorted.next()?,
        };
        let Some((address, record)) = first else { return Ok(None) };
        let mut records = vec![record];
        while let Some((next, record)) = self.sorted.next()? {
            if next != address {
                self.waiting = Some((next, record));
                break;
            }
            if records.len() <= MAX_PROFILES {
                records.push(record);
            }
        }
        Ok(Some((address, records)))
    }

    /// Removes what the listing left on the disk: everything found is reported.
    pub(crate) fn done(self) -> Result<()> {
        drop(self.sorted);
        self.store.remove()
    }
}
