//! Joins two profiles that the operator named.
//!
//! Identities that are linked to the profile that goes are moved one by one, before it is deleted: each has no profile for
//! two calls. The identity that it was made for, if it stands alone, is free only after the deletion.

use super::Merger;
use super::guard::Guard;
use super::outcome::{StepResult, Stop};
use crate::join::{
    JOIN, Join, NotJoinable, Side, identities, is_group_of_provider, may_stay, own_identity, record_has,
    refuse_shut_out, stored_link_attribute,
};
use crate::journal::{Begin, Entry, Journal, Linked, MergeState};
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Administration, CheckedUserName, PoolError, ProfileRecord, UserPool};

impl<P: Administration> Merger<'_, P> {
    /// Reads both profiles again, and says what is about to happen. `goes` is the current one.
    pub(super) async fn recheck_join(
        &self,
        goes: ProfileRecord,
        join: &Join,
        state: &MergeState,
    ) -> Result<Begin, Stop> {
        let stays = self.staying(join).await?;
        // Its groups and identities would otherwise move before the deletion fails for this.
        self.checked(&goes).await?;
        let groups = self.pool.groups(&goes.name()).await?;
        // Until the first identity moves, nothing that a run does changes the profile that goes.
        if state.attempts.is_empty() || (state.moved.is_empty() && goes.sub() == join.goes.profile().sub()) {
            self.refuse_changed(&join.goes, &goes, "the profile that goes").await?;
            self.refuse_shut_out(&[&goes, &stays]).await?;
        }
        match state.attempts.last() {
            None => self.refuse_changed(&join.stays, &stays, "the profile that stays").await?,
            Some(begin) if begin.profile.sub() == goes.sub() => {}
            // The owner signed in after the deletion. Only a profile that this very sign-in made may be deleted.
            Some(begin) => {
                let only = goes.profile().is_ok_and(|profile| profile.identities.len() == 1);
                let own = own_identity(&begin.profile).is_some_and(|known| {
                    own_identity(&goes).is_some_and(|own| {
                        own.user_id == known.user_id && own.provider_name.eq_ignore_ascii_case(&known.provider_name)
                    })
                });
                // Its owner may have written another value since the operator compared it.
                let vouched = stored_link_attribute(&goes, &self.rules.providers)
                    .is_none_or(|name| goes.attribute(name) == join.goes.profile().attribute(name));
                if !(goes.is_stand_alone() && only && own && vouched) {
                    return Err(Stop::changed("the profile was deleted and created again"));
                }
            }
        }
        // What somebody else took from it since is not ours to link.
        let found = identities(join.proof, &goes, &stays, &self.rules.providers, &state.moved).map_err(refused)?;
        let name = stays.name();
        let mut rights = groups.clone();
        rights.retain(|group| !is_group_of_provider(group, self.user_pool_id, &goes));
        Ok(Begin {
            decision: JOIN.to_owned(),
            into: Some(stays.user_name.clone()),
            into_sub: Some(stays.sub().to_owned()),
            identity: found.own,
            moves: found.linked,
            add_attributes: self.attributes_to_add(&goes, Some(&name), &[]).await?,
            add_groups: self.groups_to_add(&goes, &rights, Some(&name), state).await?,
            profile: goes,
            groups,
            replaces: None,
            left_out: Vec::new(),
        })
    }

    /// The profile that stays, fit to get identities, and still the planned one.
    async fn staying(&self, join: &Join) -> Result<ProfileRecord, Stop> {
        let planned = join.stays.profile();
        let now = self.pool.record(&planned.user_name).await?.filter(|now| now.sub() == planned.sub());
        let Some(now) = now else { return Err(Stop::changed("the profile that stays is gone")) };
        may_stay(&now).map_err(refused)?;
        self.checked(&now).await?;
        Ok(now)
    }

    /// Refuses somebody who is shut out of the address of one of these profiles.
    pub(super) async fn refuse_shut_out(&self, profiles: &[&ProfileRecord]) -> Result<(), Stop> {
        let guard = Guard::new(self.pool, self.limits, None);
        refuse_shut_out(&guard, profiles, &self.rules.providers).await?.map_err(refused)
    }

    /// The operator decided on what they saw.
    async fn refuse_changed(&self, seen: &Side, now: &ProfileRecord, which: &str) -> Result<(), Stop> {
        // Cognito counts more as a change than what it shows.
        let bare = |record: &ProfileRecord| ProfileRecord { modified: None, ..record.clone() };
        let mut same = bare(seen.profile()) == bare(now);
        if same {
            let as_set = |names: &[String]| names.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            same = as_set(&seen.whole.groups) == as_set(&self.pool.groups(&now.name()).await?);
            if let Some(factors) = &seen.factors {
                same &= as_set(factors) == as_set(&self.pool.sign_in_factors(&now.name()).await?);
            }
        }
        if same { Ok(()) } else { Err(Stop::changed(which)) }
    }

    /// Moves the linked identities of the profile that goes, which is still there.
    pub(super) async fn move_links(&self, journal: &mut impl Journal, begin: &Begin) -> Result<(), Stop> {
        if begin.moves.is_empty() {
            return Ok(());
        }
        let stays = self.native_of(begin).await?;
        let name = self.checked(&stays).await?;
        for identity in begin.moves.iter().filter(|identity| !record_has(&stays, identity)) {
            if record_has(&begin.profile, identity) {
                self.limits.updates.wait().await;
                // The call takes the identity from whoever has it by now, and disables a stand-alone profile.
                let goes = self.pool.record(&begin.profile.user_name).await?;
                let has = |goes: &ProfileRecord| goes.sub() == begin.profile.sub() && record_has(goes, identity);
                if !goes.as_ref().is_some_and(has) {
                    return Err(Stop::changed("an identity is no longer linked to the profile that goes"));
                }
                let user_name = begin.profile.user_name.clone();
                journal.write(Entry::Moving { user_name, identity: identity.clone() }).await?;
                self.pool.unlink_source(identity).await?;
                // Somebody else's link may have the same value, by the attribute that PROVIDERS names today.
                if self.pool.record(&begin.profile.user_name).await?.as_ref().is_some_and(has) {
                    return Err(Stop::changed("the identity was linked by another attribute"));
                }
            }
            self.link_to(&name, identity, begin).await?;
        }
        Ok(())
    }

    /// Links the identities whose move began before somebody else deleted the profile. This comes before the journal says
    /// that it is deleted: after our own deletion all of them were moved, so whoever took one away since meant it.
    pub(super) async fn link_on_their_way(&self, join: &Join, begin: &Begin, state: &MergeState) -> Result<(), Stop> {
        if state.moved.is_empty() {
            return Ok(());
        }
        let stays = self.staying(join).await?;
        let name = self.checked(&stays).await?;
        for identity in state.moved.iter().filter(|identity| !record_has(&stays, identity)) {
            self.link_to(&name, identity, begin).await?;
        }
        Ok(())
    }

    /// Links the identity that the deleted profile was made for. Returns `Ok(Err(_))` if the pool should be read again.
    pub(super) async fn settle_join(
        &self,
        journal: &mut impl Journal,
        join: &Join,
        begin: &Begin,
    ) -> Result<Result<StepResult, String>, Stop> {
        let stays = self.staying(join).await?;
        let name = self.checked(&stays).await?;
        if let Some(identity) = begin.identity.as_ref().filter(|identity| !record_has(&stays, identity))
            && let Err(error) = self.link_to(&name, identity, begin).await
        {
            return Stop::or_again(error);
        }
        let user_name = begin.profile.user_name.clone();
        let linked = Linked {
            user_name: user_name.clone(),
            decision: JOIN.to_owned(),
            into: stays.user_name.clone(),
            into_sub: stays.sub().to_owned(),
            left_out: Vec::new(),
        };
        journal.write(Entry::Linked(Box::new(linked))).await?;
        journal.write(Entry::Done { user_name }).await?;
        Ok(Ok(StepResult::Done))
    }

    async fn link_to(
        &self,
        stays: &CheckedUserName,
        identity: &SourceIdentity,
        begin: &Begin,
    ) -> Result<(), PoolError> {
        self.guard(begin).link(stays, identity).await
    }
}

fn refused(why: NotJoinable) -> Stop {
    Stop::skipped(why.code())
}
