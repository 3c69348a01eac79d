//! Takes merges back, as far as Cognito allows.

use crate::group::ADD_TO_GROUP;
use crate::join::record_has;
use crate::journal::{Entry, Journal, JournalError, MergeState, Undone};
use crate::rate_limit::RateLimits;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Administration, PoolError, PoolErrorKind, ProfileRecord};
use std::collections::{BTreeMap, BTreeSet};

/// Why an undo stopped. A repeated call continues from there.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A call to the pool failed.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

impl Undone {
    fn restores(&mut self, what: &str) {
        if self.restored.iter().all(|known| known != what) {
            self.restored.push(what.to_owned());
        }
    }

    fn loses(&mut self, what: &str) {
        if self.lost.iter().all(|known| known != what) {
            self.lost.push(what.to_owned());
        }
    }
}

/// The next sign-in creates a new profile with another `sub`.
pub(crate) const SUB: &str = "the sub of the deleted profile";
const REGISTRATION: &str = "the registration that was replaced, with its sub and its password";
const INVITATION: &str = "the temporary password of the invitation";
const RECLAIMED: &str = "the password, sessions, factors and identities that were removed from the native profile";
const CREATED: &str = "the native profile that was created: it stays";
const MOVED: &str = "the link: the identity is no longer linked to that profile";
/// A native profile that was joined to another one.
const NATIVE: &str = "the password, second factors and sessions of the deleted profile";
const GONE: &str = "the profile is gone, or its name belongs to another one";
const KEPT: &str = "the link: Cognito did not take it away";

/// Takes back every merge of the journal, the last one first. Adds to `report` what became of each. A merge whose undo
/// fails is reported, too, if something of it was restored.
///
/// # Errors
///
/// Returns [`UndoError`] if the journal cannot be written or a call fails. A repeated call continues from there.
pub async fn undo(
    pool: &impl Administration,
    journal: &mut impl Journal,
    limits: &RateLimits,
    report: &mut Vec<Undone>,
) -> Result<(), UndoError> {
    let history = journal.history().clone();
    for user_name in history.order.iter().rev() {
        let Some(state) = history.merge_of(user_name).filter(|state| state.undone.is_none()) else { continue };
        let mut undone = Undone { user_name: user_name.clone(), ..Undone::default() };
        let result = undo_one(pool, user_name, state, limits, &mut undone).await;
        if result.is_ok() || !undone.restored.is_empty() {
            report.push(undone.clone());
        }
        result?;
        journal.write(Entry::Undone(undone)).await?;
    }
    Ok(())
}

async fn undo_one(
    pool: &impl Administration,
    user_name: &str,
    state: &MergeState,
    limits: &RateLimits,
    undone: &mut Undone,
) -> Result<(), PoolError> {
    let Some(last) = state.attempts.last() else { return Ok(()) };
    let now = pool.record(user_name).await?;
    let is_gone = now.is_none();
    let same = now.filter(|record| record.sub() == last.profile.sub());
    if last.decision == ADD_TO_GROUP {
        match &same {
            Some(record) => undo_copies(pool, record, state, limits, undone).await?,
            None => undone.loses(GONE),
        }
        return Ok(());
    }
    if same.is_none() {
        undone.loses(SUB);
        if last.identity.is_none() {
            undone.loses(NATIVE);
        }
    }
    name_what_is_lost(state, undone);
    let linked = state.linked.as_ref().map(|linked| &linked.into);
    match linked.or(last.into.as_ref()) {
        Some(native) => {
            undo_native(pool, native, state, limits, undone).await?;
            match &same {
                Some(going) => give_back(pool, going, &state.moved, limits, undone).await,
                None => Ok(()),
            }
        }
        // The merge was cut off before the name of the new native profile was stored. The identity can be unlinked
        // without that name, but not while it has a profile of its own, because the call would disable that one.
        None if is_gone => {
            for identity in last.identities() {
                limits.updates.wait().await;
                match pool.unlink_source(identity).await {
                    Ok(()) => undone.restores("link"),
                    Err(error) if error.is_not_linked() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        None => Ok(()),
    }
}

/// Adds to the report what no call can restore.
fn name_what_is_lost(state: &MergeState, undone: &mut Undone) {
    if state.attempts.iter().any(|begin| begin.replaces.is_some()) {
        undone.loses(REGISTRATION);
    }
    let attempted = state.attempts.iter().map(|begin| begin.decision.as_str());
    let decisions: BTreeSet<_> = attempted.chain(state.linked.iter().map(|linked| linked.decision.as_str())).collect();
    if state.linked.is_some() {
        for (decision, lost) in [("accept_invitation", INVITATION), ("reclaim", RECLAIMED)] {
            if decisions.contains(decision) {
                undone.loses(lost);
            }
        }
    }
    let has_native = state.linked.is_some() || state.attempts.last().is_some_and(|last| last.into.is_some());
    if was_created(state) && has_native {
        undone.loses(CREATED);
    }
}

/// Whether the native profile was created for the merge.
fn was_created(state: &MergeState) -> bool {
    state.attempts.iter().any(|begin| begin.into.is_none())
}

async fn undo_native(
    pool: &impl Administration,
    native: &str,
    state: &MergeState,
    limits: &RateLimits,
    undone: &mut Undone,
) -> Result<(), PoolError> {
    let Some(record) = pool.record(native).await? else {
        undone.loses(MOVED);
        return Ok(());
    };
    // Somebody else may have registered the name since. Journals of earlier versions know the sub only of a link.
    let linked = state.linked.as_ref().map(|linked| linked.into_sub.as_str());
    let sub = linked.or_else(|| state.attempts.last().and_then(|begin| begin.into_sub.as_deref()));
    if sub.is_some_and(|sub| sub != record.sub()) {
        undone.loses(MOVED);
        return Ok(());
    }
    // Copies are undone before the link, so that an interrupted undo still finds the link and begins again.
    undo_copies(pool, &record, state, limits, undone).await?;
    let Some(last) = state.attempts.last() else { return Ok(()) };
    if state.attempts.first().is_some_and(|begin| begin.decision == "already_linked") {
        undone.restores("link: it was there before, and stays");
        return Ok(());
    }
    for identity in last.identity.iter().chain(&state.moved) {
        unlink(pool, &record, identity, state, limits, undone).await?;
    }
    Ok(())
}

async fn unlink(
    pool: &impl Administration,
    native: &ProfileRecord,
    identity: &SourceIdentity,
    state: &MergeState,
    limits: &RateLimits,
    undone: &mut Undone,
) -> Result<(), PoolError> {
    if !record_has(native, identity) {
        if state.linked.is_some() {
            undone.loses(MOVED);
        }
        return Ok(());
    }
    limits.updates.wait().await;
    let unlinked = pool.unlink_source(identity).await;
    // The profile counts, not the answer of the call.
    if pool.record(&native.user_name).await?.is_some_and(|after| record_has(&after, identity)) {
        unlinked?;
        undone.loses(KEPT);
    } else {
        undone.restores("link");
    }
    Ok(())
}

/// Links the identities again that a profile gave away and that was not deleted after all.
async fn give_back(
    pool: &impl Administration,
    going: &ProfileRecord,
    moved: &[SourceIdentity],
    limits: &RateLimits,
    undone: &mut Undone,
) -> Result<(), PoolError> {
    let name = pool.checked(&going.name(), going.sub()).await?;
    for identity in moved.iter().filter(|identity| !record_has(going, identity)) {
        limits.updates.wait().await;
        match pool.link(&name, identity).await {
            Ok(()) => undone.restores("its own link"),
            Err(error) if error.is_not_linked() => undone.loses(MOVED),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes back the groups and attributes that the native profile got.
async fn undo_copies(
    pool: &impl Administration,
    record: &ProfileRecord,
    state: &MergeState,
    limits: &RateLimits,
    undone: &mut Undone,
) -> Result<(), PoolError> {
    let native = pool.checked(&record.name(), record.sub()).await?;
    let groups: BTreeSet<_> = state.attempts.iter().flat_map(|begin| &begin.add_groups).collect();
    for group in &groups {
        limits.updates.wait().await;
        match pool.leave_group(&native, group).await {
            Err(error) if error.kind() != PoolErrorKind::ResourceNotFound => return Err(error),
            _ => {}
        }
    }
    if !groups.is_empty() {
        undone.restores("groups");
    }
    // A created profile keeps its attributes, because the pool may require them.
    if was_created(state) {
        return Ok(());
    }
    let copied: BTreeMap<_, _> = state.attempts.iter().flat_map(|begin| &begin.add_attributes).collect();
    // A value that somebody has changed since is no longer ours.
    let ours = copied.into_iter().filter(|(name, value)| record.attribute(name) == Some(value.as_str()));
    let ours: Vec<String> = ours.map(|(name, _)| name.clone()).collect();
    if !ours.is_empty() {
        limits.updates.wait().await;
        pool.remove_attributes(&native, &ours).await?;
        undone.restores("attributes");
    }
    Ok(())
}
