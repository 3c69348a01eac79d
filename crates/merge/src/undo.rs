//! Takes merges back, as far as Cognito allows.

use crate::group::ADD_TO_GROUP;
use crate::join::record_has;
use crate::journal::{Entry, Journal, MergeState, Undone};
use crate::merger::MergeError;
use crate::rate_limit::RateLimits;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Administration, PoolError, PoolErrorKind, ProfileRecord};
use std::collections::{BTreeMap, BTreeSet};

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
/// Returns [`MergeError`], never `Incomplete`, if the journal cannot be written or a call fails. A repeated call continues
/// from there.
pub async fn undo(
    pool: &impl Administration,
    journal: &mut impl Journal,
    limits: &RateLimits,
    report: &mut Vec<Undone>,
) -> Result<(), MergeError> {
    let history = journal.history().clone();
    for user_name in history.order.iter().rev() {
        let Some(state) = history.merge_of(user_name).filter(|state| state.undone.is_none()) else { continue };
        let undone = Undone { user_name: user_name.clone(), ..Undone::default() };
        let mut undo = Undo { pool, limits, state, undone };
        let result = undo.carry_out().await;
        if result.is_ok() || !undo.undone.restored.is_empty() {
            report.push(undo.undone.clone());
        }
        result.map_err(MergeError::Pool)?;
        journal.write(Entry::Undone(undo.undone)).await?;
    }
    Ok(())
}

/// The undo of one merge.
struct Undo<'a, P> {
    pool: &'a P,
    limits: &'a RateLimits,
    state: &'a MergeState,
    /// What became of it so far.
    undone: Undone,
}

impl<P: Administration> Undo<'_, P> {
    async fn carry_out(&mut self) -> Result<(), PoolError> {
        let Some(last) = self.state.attempts.last() else { return Ok(()) };
        let now = self.pool.record(&self.undone.user_name).await?;
        let is_gone = now.is_none();
        let same = now.filter(|record| record.sub() == last.profile.sub());
        if last.decision == ADD_TO_GROUP {
            match &same {
                Some(record) => self.take_copies_back(record).await?,
                None => self.undone.loses(GONE),
            }
            return Ok(());
        }
        if same.is_none() {
            self.undone.loses(SUB);
            if last.identity.is_none() {
                self.undone.loses(NATIVE);
            }
        }
        self.name_what_is_lost();
        let linked = self.state.linked.as_ref().map(|linked| &linked.into);
        if let Some(native) = linked.or(last.into.as_ref()) {
            self.clear_native(native).await?;
            if let Some(going) = &same {
                self.give_back(going).await?;
            }
        } else if is_gone {
            // The merge was cut off before the name of the new native profile was stored. The identity can be unlinked
            // without that name, but not while it has a profile of its own, because the call would disable that one.
            for identity in last.identities() {
                self.limits.updates.wait().await;
                match self.pool.unlink_source(identity).await {
                    Ok(()) => self.undone.restores("link"),
                    Err(error) if error.is_not_linked() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Adds to the report what no call can restore.
    fn name_what_is_lost(&mut self) {
        let MergeState { attempts, linked, .. } = self.state;
        if attempts.iter().any(|begin| begin.replaces.is_some()) {
            self.undone.loses(REGISTRATION);
        }
        if let Some(linked) = linked {
            let attempted = attempts.iter().map(|begin| begin.decision.as_str());
            let decisions: BTreeSet<_> = attempted.chain([linked.decision.as_str()]).collect();
            for (decision, lost) in [("accept_invitation", INVITATION), ("reclaim", RECLAIMED)] {
                if decisions.contains(decision) {
                    self.undone.loses(lost);
                }
            }
        }
        let has_native = linked.is_some() || attempts.last().is_some_and(|last| last.into.is_some());
        if self.was_created() && has_native {
            self.undone.loses(CREATED);
        }
    }

    /// Whether the native profile was created for the merge.
    fn was_created(&self) -> bool {
        self.state.attempts.iter().any(|begin| begin.into.is_none())
    }

    /// Takes back what the native profile got.
    async fn clear_native(&mut self, native: &str) -> Result<(), PoolError> {
        let Some(last) = self.state.attempts.last() else { return Ok(()) };
        // Somebody else may have registered the name since. Journals of earlier versions know the sub only of a link.
        let linked = self.state.linked.as_ref().map(|linked| linked.into_sub.as_str());
        let sub = linked.or(last.into_sub.as_deref());
        let record = self.pool.record(native).await?.filter(|record| sub.is_none_or(|sub| sub == record.sub()));
        let Some(record) = record else {
            self.undone.loses(MOVED);
            return Ok(());
        };
        // Copies are undone before the link, so that an interrupted undo still finds the link and begins again.
        self.take_copies_back(&record).await?;
        if self.state.attempts.first().is_some_and(|begin| begin.decision == "already_linked") {
            self.undone.restores("link: it was there before, and stays");
            return Ok(());
        }
        for identity in last.identity.iter().chain(&self.state.moved) {
            self.unlink(&record, identity).await?;
        }
        Ok(())
    }

    async fn unlink(&mut self, native: &ProfileRecord, identity: &SourceIdentity) -> Result<(), PoolError> {
        if !record_has(native, identity) {
            if self.state.linked.is_some() {
                self.undone.loses(MOVED);
            }
            return Ok(());
        }
        self.limits.updates.wait().await;
        let unlinked = self.pool.unlink_source(identity).await;
        // The profile counts, not the answer of the call.
        if self.pool.record(&native.user_name).await?.is_some_and(|after| record_has(&after, identity)) {
            unlinked?;
            self.undone.loses(KEPT);
        } else {
            self.undone.restores("link");
        }
        Ok(())
    }

    /// Links the identities again that a profile gave away and that was not deleted after all.
    async fn give_back(&mut self, going: &ProfileRecord) -> Result<(), PoolError> {
        let name = self.pool.checked(&going.name(), going.sub()).await?;
        for identity in self.state.moved.iter().filter(|identity| !record_has(going, identity)) {
            self.limits.updates.wait().await;
            match self.pool.link(&name, identity).await {
                Ok(()) => self.undone.restores("its own link"),
                Err(error) if error.is_not_linked() => self.undone.loses(MOVED),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes back the groups and attributes that the profile got.
    async fn take_copies_back(&mut self, record: &ProfileRecord) -> Result<(), PoolError> {
        let name = self.pool.checked(&record.name(), record.sub()).await?;
        let attempts = &self.state.attempts;
        let groups: BTreeSet<_> = attempts.iter().flat_map(|begin| &begin.add_groups).collect();
        for group in &groups {
            self.limits.updates.wait().await;
            match self.pool.leave_group(&name, group).await {
                Err(error) if error.kind() != PoolErrorKind::ResourceNotFound => return Err(error),
                _ => {}
            }
        }
        if !groups.is_empty() {
            self.undone.restores("groups");
        }
        // A created profile keeps its attributes, because the pool may require them.
        if self.was_created() {
            return Ok(());
        }
        let copied: BTreeMap<_, _> = attempts.iter().flat_map(|begin| &begin.add_attributes).collect();
        // A value that somebody has changed since is no longer ours.
        let ours = copied.into_iter().filter(|(name, value)| record.attribute(name) == Some(value.as_str()));
        let ours: Vec<String> = ours.map(|(name, _)| name.clone()).collect();
        if !ours.is_empty() {
            self.limits.updates.wait().await;
            self.pool.remove_attributes(&name, &ours).await?;
            self.undone.restores("attributes");
        }
        Ok(())
    }
}
