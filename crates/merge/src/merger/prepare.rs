//! Writes what is about to happen to the journal, prepares the native profile, and deletes the stand-alone one.

use super::outcome::{Incomplete, Stop};
use super::recheck::Checked;
use super::{Merger, creates_native};
use crate::journal::{Begin, Entry, Journal, JournalError, MergeState};
use crate::plan::Planned;
use cognito_core::email::EmailClaim;
use cognito_core::user_pool::{Administration, CheckedUserName, PoolError, PoolErrorKind, ProfileRecord, UserPool};
use linking::{LinkError, Refusal};

impl<P: Administration> Merger<'_, P> {
    pub(super) async fn prepare(
        &self,
        journal: &mut impl Journal,
        planned: &Planned,
        checked: Checked,
    ) -> Result<Begin, Stop> {
        let Checked { begin, others } = checked;
        journal.write(Entry::Begin(Box::new(begin.clone()))).await?;
        if begin.into.is_none() {
            let Some(replaced) = &begin.replaces else {
                return self.create_native(journal, planned, begin, &others).await;
            };
            let user = self.checked(&replaced.profile).await?;
            gone_is_deleted(self.guard(&begin).delete(&user).await)?;
            let created = self.create_native(journal, planned, begin, &others).await;
            return created.map_err(|stop| stop.after(Incomplete::NotCreated));
        }
        if !begin.add_groups.is_empty() || !begin.add_attributes.is_empty() {
            let native = self.checked(&self.native_of(&begin).await?).await?;
            self.join(&native, &begin.add_groups).await?;
            if !begin.add_attributes.is_empty() {
                self.limits.updates.wait().await;
                self.pool.write_attributes(&native, &begin.add_attributes).await?;
            }
        }
        self.move_links(journal, &begin).await.map_err(|stop| stop.after(Incomplete::NotMoved))?;
        Ok(begin)
    }

    /// Creates the native profile while the stand-alone one still exists. If the pool allows only one profile with the
    /// address, this waits until the stand-alone one is deleted.
    async fn create_native(
        &self,
        journal: &mut impl Journal,
        planned: &Planned,
        mut begin: Begin,
        others: &[String],
    ) -> Result<Begin, Stop> {
        let guarded = begin.clone();
        let guard = self.guard(&guarded);
        let email = match self.rules.arrival(&begin.profile).map(|arrival| arrival.email) {
            Ok(EmailClaim::Proven(email)) => email,
            Ok(_) => return Err(Stop::skipped(Refusal::UnprovenEmail.kind().code)),
            Err(reason) => return Err(Stop::skipped(reason.code())),
        };
        let native = match self.linker(&guard, &begin).create_native(&email).await {
            Ok(native) => native,
            Err(LinkError::Pool(error))
                if matches!(error.kind(), PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists) =>
            {
                // Deleting this profile frees the address only if no profile that stays has the address.
                let stays = |name: &String| planned.merge.iter().all(|step| step.delete != *name);
                let is_held = others.iter().any(stays);
                let held = Refusal::EmailHeldByFederatedProfile.kind().code;
                return if is_held { Err(Stop::skipped(held)) } else { Ok(begin) };
            }
            Err(LinkError::Refused(refusal)) => return Err(Stop::skipped(refusal.kind().code)),
            Err(LinkError::Pool(error) | LinkError::Unsettled(error)) => return Err(error.into()),
        };
        begin.into = Some(native.user_name.as_str().to_owned());
        begin.into_sub = Some(native.sub.clone());
        begin.replaces = None;
        begin.left_out.extend(guard.left_out());
        begin.add_attributes.retain(|name, _| !begin.left_out.contains(name));
        journal.write(Entry::Begin(Box::new(begin.clone()))).await?;
        self.join(&self.pool.checked(&native.user_name, &native.sub).await?, &begin.add_groups).await?;
        Ok(begin)
    }

    /// The native profile that the journal named. Its name may be somebody else's by now.
    pub(super) async fn native_of(&self, begin: &Begin) -> Result<ProfileRecord, Stop> {
        let now = match &begin.into {
            Some(into) => self.pool.record(into).await?,
            None => None,
        };
        now.filter(|now| begin.is_into(now)).ok_or_else(|| Stop::changed("a profile is gone"))
    }

    pub(super) async fn checked(&self, profile: &ProfileRecord) -> Result<CheckedUserName, PoolError> {
        self.pool.checked(&profile.name(), profile.sub()).await
    }

    pub(super) async fn delete(&self, journal: &mut impl Journal, begin: &Begin) -> Result<(), Stop> {
        let user = self.checked(&begin.profile).await?;
        self.limits.updates.wait().await;
        gone_is_deleted(self.pool.delete(&user).await)?;
        Ok(journal.write(deleted(begin)).await?)
    }

    /// Goes on with a profile that an earlier run or somebody else deleted. Returns what is left to do.
    pub(super) async fn already_deleted(
        &self,
        journal: &mut impl Journal,
        begin: &Begin,
        state: &MergeState,
    ) -> Result<Begin, Stop> {
        self.write_deleted(journal, begin, state).await?;
        let mut begin = begin.clone();
        if creates_native(state) {
            // The operator may have added attributes since, because the pool requires them.
            let before = begin.add_attributes.len();
            for name in &self.copy.attributes {
                if let Some(value) = begin.profile.attribute(name).map(str::to_owned) {
                    begin.add_attributes.entry(name.clone()).or_insert(value);
                }
            }
            if begin.add_attributes.len() > before {
                journal.write(Entry::Begin(Box::new(begin.clone()))).await?;
            }
        }
        Ok(begin)
    }

    /// Writes to the journal that a profile is deleted, unless it says so already.
    pub(super) async fn write_deleted(
        &self,
        journal: &mut impl Journal,
        begin: &Begin,
        state: &MergeState,
    ) -> Result<(), JournalError> {
        if state.deleted { Ok(()) } else { journal.write(deleted(begin)).await }
    }

    pub(super) async fn join(&self, native: &CheckedUserName, groups: &[String]) -> Result<(), Stop> {
        for group in groups {
            self.limits.updates.wait().await;
            match self.pool.add_to_group(native, group).await {
                // Somebody deleted the group, with everybody's membership.
                Err(error) if error.kind() == PoolErrorKind::ResourceNotFound => {}
                joined => joined?,
            }
        }
        Ok(())
    }
}

fn deleted(begin: &Begin) -> Entry {
    Entry::Deleted { user_name: begin.profile.user_name.clone(), sub: begin.profile.sub().to_owned() }
}

fn gone_is_deleted(result: Result<(), PoolError>) -> Result<(), PoolError> {
    result.or_else(|error| if error.kind() == PoolErrorKind::UserNotFound { Ok(()) } else { Err(error) })
}
