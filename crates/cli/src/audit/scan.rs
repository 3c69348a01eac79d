//! One pass over the pool.

use super::spool::Sorted;
use super::state::State;
use crate::terminal::Progress;
use anyhow::{Error, Result};
use cognito_core::user_pool::{Administration, ProfileRecord};
use merge::{MAX_PROFILES, RateLimit};
use std::path::Path;

/// After how many profiles the listing is written down, if it can be resumed: at 20 pages a second every 8 seconds.
const SAVED_EVERY: u64 = 10_000;

/// How a pool is listed.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) user_pool: &'a str,
    /// The attributes that are kept of each profile.
    pub(crate) attributes: Vec<String>,
    pub(crate) limit: &'a RateLimit,
    /// Where the listing is written down to be resumed.
    pub(crate) state: Option<&'a Path>,
}

/// A pool that was listed to its end.
#[derive(Debug)]
pub(crate) struct Listed {
    /// How many profiles there are.
    pub(crate) profiles: u64,
    sorted: Sorted,
    waiting: Option<(String, ProfileRecord)>,
    state: State,
}

impl Scan<'_> {
    /// Lists the pool, or what is left of it.
    ///
    /// # Errors
    ///
    /// The pool's, and those of the disk. What was listed is kept if there is a state.
    pub(crate) async fn run(self, pool: &impl Administration, estimate: u64) -> Result<Listed> {
        let (mut state, mut spool) = State::open(self.state, self.user_pool, &self.attributes)?;
        let progress = Progress::profiles(estimate, state.progress.listed);
        let mut saved = state.progress.listed;
        while !state.progress.complete {
            self.limit.wait().await;
            let page = match pool.page(state.progress.token.as_deref()).await {
                Ok(page) => page,
                Err(error) => {
                    let listed = state.progress.listed;
                    return Err(match state.save(&mut spool) {
                        Ok(()) => Error::from(error)
                            .context(format!("interrupted after {listed} profiles; {}", state.way_on())),
                        Err(why) => Error::from(error).context(format!("interrupted after {listed} profiles; {why:#}")),
                    });
                }
            };
            state.progress.page(u64::try_from(page.records.len())?, page.next);
            for record in page.records {
                if let Some(address) = record.address() {
                    spool.add(&address, &record.keeping(&self.attributes))?;
                }
            }
            progress.reached(state.progress.listed);
            if state.is_kept() && (state.progress.complete || state.progress.listed - saved >= SAVED_EVERY) {
                state.save(&mut spool)?;
                saved = state.progress.listed;
            }
        }
        drop(progress);
        Ok(Listed { profiles: state.progress.listed, sorted: spool.sorted()?, waiting: None, state })
    }
}

impl Listed {
    /// The next address, in lower case, and all profiles that have it, each once. Of an address that more than
    /// [`MAX_PROFILES`] have, so many and one more.
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
            // A profile may be listed twice when others are made or deleted meanwhile.
            let again = records.len() > MAX_PROFILES || records.iter().any(|r| r.user_name == record.user_name);
            if !again {
                records.push(record);
            }
        }
        records.sort_by(|a, b| a.user_name.cmp(&b.user_name));
        Ok(Some((address, records)))
    }

    /// Removes what the listing left on the disk: everything found is reported.
    pub(crate) fn done(self) -> Result<()> {
        self.state.remove()
    }
}
