//! Where an interrupted listing goes on.

use super::spool::{Key, Run, Spool, new_key};
use crate::private_file::{private, sync_folder_of};
use crate::terminal::Refused;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What makes the file recognisable.
const KIND: &str = "cognito-triggers listing";
const VERSION: u32 = 1;

/// How old a listing may be. Cognito forgets a pagination token after an hour; the rest is for the call itself. A
/// listing that came to its end is no older when it is reported: people sign in meanwhile.
const MAX_SECONDS: u64 = 3_500;

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
    /// When the token was given, or the last page: seconds since 1970. Not when the file was written, for a token does
    /// not live longer because it failed.
    since: u64,
}

impl Progress {
    /// A page was listed.
    pub(super) fn page(&mut self, profiles: u64, next: Option<String>) {
        self.listed += profiles;
        self.complete = next.is_none();
        self.token = next;
        self.since = now();
    }

    /// Whether what was listed is too old to go on with. A listing that has not begun has no age.
    fn is_old(&self) -> bool {
        (self.token.is_some() || self.complete) && self.age() > MAX_SECONDS
    }

    fn age(&self) -> u64 {
        now().abs_diff(self.since)
    }
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
            since: 0,
        };
        let Some(path) = path else {
            // Such a file has no name: it is gone when the process is, however that ends.
            let file = tempfile::tempfile().context("no temporary file can be made")?;
            let spool = Spool::new(file, &fresh.key, Vec::new())?;
            return Ok((Self { path: None, progress: fresh }, spool));
        };
        let progress = match fs::read(path) {
            Ok(text) => resumed(path, &text, &fresh)?,
            Err(why) if why.kind() == ErrorKind::NotFound => begun(path, fresh)?,
            Err(why) => return Err(why).with_context(|| format!("{} cannot be read", path.display())),
        };
        let spool = Spool::new(private(&records(path), false)?, &progress.key, progress.runs.clone())?;
        let state = Self { path: Some(path.to_owned()), progress };
        Ok((state, spool))
    }

    /// What to do after an interruption.
    pub(super) fn way_on(&self) -> String {
        let Some(path) = &self.path else { return "with --state, the next run could continue there".to_owned() };
        if self.progress.token.is_none() {
            return "run the same command to try again".to_owned();
        }
        match MAX_SECONDS.saturating_sub(self.progress.age()) / 60 {
            0 => format!("a listing can be continued only within an hour, which is over: {}", start_again(path)),
            minutes => format!("run the same command within {minutes} minutes to continue"),
        }
    }

    /// Whether the listing can be resumed.
    pub(super) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Writes down how far the listing has come.
    pub(super) fn save(&mut self, spool: &mut Spool) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        self.progress.runs = spool.checkpoint()?;
        write(path, &self.progress)
    }

    /// Removes what the listing left on the disk.
    pub(super) fn remove(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        for file in [records(path), path.clone()] {
            match fs::remove_file(&file) {
                Err(why) if why.kind() != ErrorKind::NotFound => {
                    return Err(why).with_context(|| format!("{} cannot be removed", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Begins a listing. From then on the records' file is known to be this listing's: it is shortened, and removed in the
/// end.
fn begun(path: &Path, fresh: Progress) -> Result<Progress> {
    let records = records(path);
    if records.symlink_metadata().is_ok() {
        let (shown, records) = (path.display(), records.display());
        return Err(Refused(format!(
            "{records} exists already, but {shown} holds no listing for it; remove it, or choose another file with \
             --state"
        ))
        .into());
    }
    write(path, &fresh)?;
    Ok(fresh)
}

/// Writes the file in one step: whatever happens, it is the old one or the new one.
fn write(path: &Path, progress: &Progress) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // Only its owner may read such a file.
        let mut new = tempfile::Builder::new().prefix(".listing-").tempfile_in(folder)?;
        new.write_all(&serde_json::to_vec(progress)?)?;
        new.as_file().sync_all()?;
        new.persist(path)?;
        sync_folder_of(path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Reads the state of an earlier listing, if it is one of the same pool and can go on.
fn resumed(path: &Path, text: &[u8], fresh: &Progress) -> Result<Progress> {
    let shown = path.display();
    let refuse = |why: &str| Err(Refused(format!("{shown}: {why}; {}", start_again(path))).into());
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
    if found.is_old() {
        return refuse(if found.complete {
            "older than an hour, and the pool may have changed since"
        } else {
            "older than an hour, and Cognito continues a listing only that long"
        });
    }
    let end = found.runs.iter().map(|run| run.end()).max().unwrap_or_default();
    if records(path).metadata().map_or(0, |records| records.len()) < end {
        return refuse("its records are gone, or were shortened");
    }
    Ok(found)
}

fn start_again(path: &Path) -> String {
    format!("remove {} and {} to start again", path.display(), records(path).display())
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
    use cognito_core::user_pool::ProfileRecord;
    use cognito_core::user_pool::memory::native;

    fn open(path: &Path, pool: &str, attributes: &[&str]) -> Result<(State, Spool)> {
        let attributes: Vec<_> = attributes.iter().map(|name| (*name).to_owned()).collect();
        State::open(Some(path), pool, &attributes)
    }

    fn ada() -> ProfileRecord {
        native("ada@example.com").record()
    }

    fn refusal(result: Result<(State, Spool)>) -> String {
        result.unwrap_err().downcast::<Refused>().unwrap().0
    }

    #[test]
    fn a_listing_goes_on_where_it_was_saved_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut state, mut spool) = open(&path, "eu-central-1_A", &["sub"]).unwrap();
        state.progress.page(60, Some("next".into()));
        state.save(&mut spool).unwrap();
        let (again, _) = open(&path, "eu-central-1_A", &["sub"]).unwrap();
        assert_eq!((again.progress.listed, again.progress.token.as_deref()), (60, Some("next")));
        again.remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_listing_that_fails_again_is_as_old_as_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut state, mut spool) = open(&path, "p", &[]).unwrap();
        assert_eq!(state.way_on(), "run the same command to try again");
        state.progress.page(60, Some("next".into()));
        assert!(state.way_on().contains("within 58 minutes"), "{}", state.way_on());
        state.progress.since -= 3_000;
        state.save(&mut spool).unwrap();
        let (mut again, mut spool) = open(&path, "p", &[]).unwrap();
        again.save(&mut spool).unwrap();
        assert_eq!(again.progress.since, state.progress.since);
        assert!(again.way_on().contains("within 8 minutes"), "{}", again.way_on());
        again.progress.since -= 600;
        assert!(again.way_on().contains("remove"), "{}", again.way_on());
        again.save(&mut spool).unwrap();
        assert!(refusal(open(&path, "p", &[])).contains("older than an hour"));
    }

    #[test]
    fn a_file_that_is_no_listings_is_neither_shortened_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(records(&path), "mine").unwrap();
        fs::write(path.with_added_extension("new"), "mine").unwrap();
        assert!(refusal(open(&path, "p", &[])).contains("state.records exists already"));
        assert_eq!(fs::read_to_string(records(&path)).unwrap(), "mine");
        assert!(!path.exists());
        fs::remove_file(records(&path)).unwrap();
        let (mut state, mut spool) = open(&path, "p", &[]).unwrap();
        state.save(&mut spool).unwrap();
        // As if the run had ended before anything was listed: the records are known to be the listing's.
        let (state, _) = open(&path, "p", &[]).unwrap();
        state.remove().unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["state.new"]);
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
        spool.add("a", &ada()).unwrap();
        state.progress.page(1, Some("next".into()));
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
        assert!(edit(|progress| progress.since -= 3_600).contains("older than an hour"));
        let ended_long_ago = |progress: &mut Progress| {
            progress.page(0, None);
            progress.since -= 3_600;
        };
        assert!(edit(ended_long_ago).contains("the pool may have changed since; remove"));
        fs::write(records(&path), "").unwrap();
        assert!(edit(|_| {}).contains("its records are gone"));
        fs::write(&path, "{").unwrap();
        assert!(refusal(open(&path, "eu-central-1_A", &["sub"])).contains("not the state of a listing"));
    }
}
