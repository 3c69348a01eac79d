//! Where an interrupted listing goes on.

use super::spool::{Key, Run, Spool, new_key};
use crate::exit::Refusal;
use crate::private_file::private;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What makes the file recognisable.
const KIND: &str = "cognito-triggers listing";
const VERSION: u32 = 1;

/// How old a pagination token may be. Cognito forgets it after an hour; the rest is for the call itself.
const TOKEN_SECONDS: u64 = 3_500;

/// How far a listing has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    kind: String,
    version: u32,
    user_pool_id: String,
    /// The attributes that were kept of each profile.
    attributes: Vec<String>,
    key: Key,
    runs: Vec<Run>,
    /// Profiles listed so far.
    pub(super) listed: u64,
    /// Where the next page starts; `None` at the start and at the end.
    pub(super) token: Option<String>,
    /// The last page was listed.
    pub(super) complete: bool,
    /// Seconds since 1970.
    saved: u64,
}

/// A listing's place on the disk, or none.
#[derive(Debug)]
pub(super) struct State {
    path: Option<PathBuf>,
    pub(super) progress: Progress,
}

impl State {
    /// Opens the listing that `path` tells of, or begins one. Without a path nothing is left when the process ends.
    pub(super) fn open(path: Option<&Path>, user_pool: &str, attributes: &[String]) -> Result<(Self, Spool)> {
        let fresh = Progress {
            kind: KIND.into(),
            version: VERSION,
            user_pool_id: user_pool.into(),
            attributes: attributes.to_vec(),
            key: new_key()?,
            runs: Vec::new(),
            listed: 0,
            token: None,
            complete: false,
            saved: 0,
        };
        let Some(path) = path else {
            // Such a file has no name: it is gone when the process is, however that ends.
            let file = tempfile::tempfile().context("no temporary file can be made")?;
            let spool = Spool::new(file, &fresh.key, Vec::new())?;
            return Ok((Self { path: None, progress: fresh }, spool));
        };
        let progress = match fs::read(path) {
            Ok(text) => resumed(path, &text, &fresh)?,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => fresh,
            Err(why) => return Err(why).with_context(|| format!("{} cannot be read", path.display())),
        };
        let spool = Spool::new(private(&records(path), false)?, &progress.key, progress.runs.clone())?;
        let state = Self { path: Some(path.to_owned()), progress };
        Ok((state, spool))
    }

    /// Whether the listing can be resumed.
    pub(super) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Writes down how far the listing has come.
    pub(super) fn save(&mut self, spool: &mut Spool) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        self.progress.runs = spool.checkpoint()?;
        self.progress.saved = now();
        let new = path.with_added_extension("new");
        let mut file = private(&new, true)?;
        serde_json::to_writer(&mut file, &self.progress)?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&new, path).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Removes what the listing left on the disk.
    pub(super) fn remove(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        for file in [records(path), path.clone()] {
            match fs::remove_file(&file) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                    return Err(why).with_context(|| format!("{} cannot be removed", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads the state of an earlier listing, if it is one of the same pool and can go on.
fn resumed(path: &Path, text: &[u8], fresh: &Progress) -> Result<Progress> {
    let shown = path.display();
    let start_anew = format!("remove {shown} and {} to start anew", records(path).display());
    let refuse = |why: &str| Err(Refusal(format!("{shown}: {why}; {start_anew}")).into());
    let Ok(found) = serde_json::from_slice::<Progress>(text) else {
        return refuse("not the state of a listing");
    };
    if (found.kind.as_str(), found.version) != (KIND, VERSION) {
        return refuse("written by another version of this program");
    }
    if found.user_pool_id != fresh.user_pool_id {
        return refuse(&format!("a listing of {}", found.user_pool_id));
    }
    if found.attributes != fresh.attributes {
        return refuse("a listing for other --providers");
    }
    if found.token.is_some() && now().saturating_sub(found.saved) > TOKEN_SECONDS {
        return refuse("older than an hour, which is how long Cognito can go on with a listing");
    }
    Ok(found)
}

fn records(path: &Path) -> PathBuf {
    path.with_added_extension("records")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, pool: &str, attributes: &[&str]) -> Result<(State, Spool)> {
        let attributes: Vec<_> = attributes.iter().map(|name| (*name).to_owned()).collect();
        State::open(Some(path), pool, &attributes)
    }

    fn refusal(result: Result<(State, Spool)>) -> String {
        result.unwrap_err().downcast::<Refusal>().unwrap().0
    }

    #[test]
    fn a_listing_goes_on_where_it_was_saved_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut state, mut spool) = open(&path, "eu-central-1_A", &["sub"]).unwrap();
        state.progress.listed = 60;
        state.progress.token = Some("next".into());
        state.save(&mut spool).unwrap();
        let (again, _) = open(&path, "eu-central-1_A", &["sub"]).unwrap();
        assert_eq!((again.progress.listed, again.progress.token.as_deref()), (60, Some("next")));
        again.remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut state, mut spool) = open(&path, "p", &[]).unwrap();
        state.save(&mut spool).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut state, mut spool) = open(&path, "eu-central-1_A", &["sub"]).unwrap();
        state.progress.token = Some("next".into());
        state.save(&mut spool).unwrap();
        assert!(refusal(open(&path, "eu-central-1_B", &["sub"])).contains("a listing of eu-central-1_A; remove"));
        assert!(refusal(open(&path, "eu-central-1_A", &["email"])).contains("other --providers"));
        let edit = |change: fn(&mut Progress)| {
            let mut progress = state.progress.clone();
            change(&mut progress);
            fs::write(&path, serde_json::to_vec(&progress).unwrap()).unwrap();
            refusal(open(&path, "eu-central-1_A", &["sub"]))
        };
        assert!(edit(|progress| progress.version = 9).contains("another version"));
        assert!(edit(|progress| progress.saved -= 3_600).contains("older than an hour"));
        fs::write(&path, "{").unwrap();
        assert!(refusal(open(&path, "eu-central-1_A", &["sub"])).contains("not the state of a listing"));
    }
}
