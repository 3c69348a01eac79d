//! Takes merges back, as far as Cognito allows.

use super::guard::Paces;
use super::journal::{Entry, Ledger, Progress};
use crate::registry::Registry;
use anyhow::Result;
use cognito_core::user_pool::{Identity, PoolError, PoolErrorKind, UserName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What became of one merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undone {
    pub(crate) user_name: String,
    /// What is as it was before.
    #[serde(default)]
    pub(crate) restored: Vec<String>,
    /// What is not, and cannot be.
    #[serde(default)]
    pub(crate) lost: Vec<String>,
}

impl Undone {
    fn restores(&mut self, what: &str) {
        self.restored.push(what.to_owned());
    }

    fn loses(&mut self, what: &str) {
        if self.lost.iter().all(|known| known != what) {
            self.lost.push(what.to_owned());
        }
    }
}

/// The profile comes back at the next sign-in, as a new one.
pub(crate) const SUB: &str = "the sub of the deleted profile";
const REGISTRATION: &str = "the registration that was replaced, with its sub and its password";
const INVITATION: &str = "the temporary password of the invitation";
const RECLAIMED: &str = "the password, sessions, factors and identities that were removed from the native profile";
const CREATED: &str = "the native profile that was created: it stays";
const MOVED: &str = "the link: the identity is not linked to that profile any more";
const KEPT: &str = "the link: Cognito did not take it away";

/// Takes every merge of the journal back, the last one first. Adds to `report` what became of each, of one that was cut
/// off as well if anything of it was taken back.
///
/// # Errors
///
/// The pool's, and the journal's. A repeated call goes on from there.
pub(crate) async fn undo(
    registry: &impl Registry,
    ledger: &mut impl Ledger,
    paces: &Paces,
    report: &mut Vec<Undone>,
) -> Result<()> {
    let history = ledger.history().clone();
    for user_name in history.order.iter().rev() {
        let Some(progress) = history.of.get(user_name).filter(|progress| progress.undone.is_none()) else { continue };
        let mut undone = Undone { user_name: user_name.clone(), ..Undone::default() };
        let result = one(registry, user_name, progress, paces, &mut undone).await;
        if result.is_ok() || !undone.restored.is_empty() {
            report.push(undone.clone());
        }
        result?;
        ledger.write(Entry::Undone(undone))?;
    }
    Ok(())
}

async fn one(
    registry: &impl Registry,
    user_name: &str,
    progress: &Progress,
    paces: &Paces,
    undone: &mut Undone,
) -> Result<()> {
    let Some(last) = progress.begun.last() else { return Ok(()) };
    let still_there = registry.record(user_name).await?.is_some_and(|record| record.sub() == last.profile.sub());
    if !still_there {
        undone.loses(SUB);
    }
    if progress.begun.iter().any(|begin| begin.replaces.is_some()) {
        undone.loses(REGISTRATION);
    }
    let decisions = progress
        .begun
        .iter()
        .map(|begin| begin.decision.as_str())
        .chain(progress.linked.iter().map(|l| l.decision.as_str()));
    let decisions: BTreeSet<_> = decisions.collect();
    if progress.linked.is_some() {
        for (decision, lost) in [("accept_invitation", INVITATION), ("reclaim", RECLAIMED)] {
            if decisions.contains(decision) {
                undone.loses(lost);
            }
        }
    }
    if was_created(progress) && (progress.linked.is_some() || last.into.is_some()) {
        undone.loses(CREATED);
    }
    let linked = progress.linked.as_ref().map(|linked| &linked.into);
    match linked.or(last.into.as_ref()) {
        Some(native) => native_profile(registry, &UserName::new(native), progress, paces, undone).await?,
        // Cut off after a native profile was made and before its name was written down. Whatever it is called, the
        // identity is untied by itself; not while it has a profile of its own, which the call would shut.
        None if !still_there && registry.record(user_name).await?.is_none() => {
            paces.updates.turn().await;
            match registry.disconnect(&last.identity).await {
                Ok(()) => undone.restores("link"),
                Err(error) if is_not_linked(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        None => {}
    }
    Ok(())
}

/// Whether the native profile was made for the merge.
fn was_created(progress: &Progress) -> bool {
    progress.begun.iter().any(|begin| begin.into.is_none())
}

/// Cognito has no error of its own for an identity that is linked to nobody.
fn is_not_linked(error: &PoolError) -> bool {
    let kinds = [PoolErrorKind::ResourceNotFound, PoolErrorKind::UserNotFound, PoolErrorKind::InvalidParameter];
    kinds.contains(&error.kind())
}

async fn native_profile(
    registry: &impl Registry,
    native: &UserName,
    progress: &Progress,
    paces: &Paces,
    undone: &mut Undone,
) -> Result<()> {
    let Some(record) = registry.record(native.as_str()).await? else {
        undone.loses(MOVED);
        return Ok(());
    };
    // What was copied first: an interrupted undo finds the link still there and begins again.
    let groups: BTreeSet<_> = progress.begun.iter().flat_map(|begin| &begin.add_groups).collect();
    for group in &groups {
        paces.updates.turn().await;
        match registry.leave_group(native, group).await {
            Err(error) if error.kind() != PoolErrorKind::ResourceNotFound => return Err(error.into()),
            _ => {}
        }
    }
    if !groups.is_empty() {
        undone.restores("groups");
    }
    let copied: BTreeMap<_, _> = progress.begun.iter().flat_map(|begin| &begin.add_attributes).collect();
    // A value that somebody has changed since is not ours any more.
    let ours = copied.into_iter().filter(|(name, value)| record.attribute(name) == Some(value.as_str()));
    // A profile that was made stays as it was made: the pool may require what was copied.
    let ours: Vec<String> =
        if was_created(progress) { Vec::new() } else { ours.map(|(name, _)| name.clone()).collect() };
    if !ours.is_empty() {
        paces.updates.turn().await;
        registry.remove_attributes(native, &ours).await?;
        undone.restores("attributes");
    }
    let Some(last) = progress.begun.last() else { return Ok(()) };
    if progress.begun.first().is_some_and(|begin| begin.decision == "already_linked") {
        undone.restores("link: it was there before, and stays");
        return Ok(());
    }
    let holds = |text: Option<&str>| {
        let identities = text.map(Identity::parse_list).and_then(Result::ok).unwrap_or_default();
        identities.iter().any(|identity| {
            identity.user_id == last.identity.value
                && identity.provider_name.eq_ignore_ascii_case(&last.identity.provider)
        })
    };
    if !holds(record.attribute("identities")) {
        if progress.linked.is_some() {
            undone.loses(MOVED);
        }
        return Ok(());
    }
    paces.updates.turn().await;
    let unlinked = registry.disconnect(&last.identity).await;
    // Whatever the call said, what counts is what the profile shows now.
    let after = registry.record(native.as_str()).await?;
    if after.is_some_and(|after| holds(after.attribute("identities"))) {
        unlinked?;
        undone.loses(KEPT);
    } else {
        undone.restores("link");
    }
    Ok(())
}
