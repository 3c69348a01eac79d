//! One of two accounts that may become one.

use super::state::Owner;
use super::view::{AccountView, IdentityView};
use super::ways::{account_at_provider, connected_at, label};
use crate::caller::FRESH;
use crate::mask::masked;
use cognito_core::user_pool::{Identity, Profile, ProfileRecord, Status};
use merge::{Side, WholeProfile, is_group_of_provider};
use std::collections::BTreeSet;

/// A native account was made for an identity if the two are no further apart than this, in seconds.
const TOGETHER: u64 = 60;

/// One of the two accounts, as it is now, and its sign-in.
pub(super) struct Party {
    pub(super) owner: Owner,
    pub(super) record: ProfileRecord,
    pub(super) profile: Profile,
    pub(super) groups: Vec<String>,
    pub(super) signed_in_at: u64,
    pub(super) may_be_federated: bool,
}

impl Party {
    /// Whether this sign-in made the account, or one at most ten minutes before it.
    pub(super) fn is_new(&self) -> bool {
        self.record.created.is_some_and(|created| created.saturating_add(FRESH) >= self.signed_in_at)
    }

    /// Whether the person signed in with the account's only identity, so that nobody who merely knows a password moves
    /// it. A stand-alone profile has no password. A native one that was made with its identity a moment ago has one that
    /// nobody knows yet.
    pub(super) fn is_signed_in_by_its_identity(&self) -> bool {
        let [only] = self.profile.identities.as_slice() else { return false };
        if self.profile.is_stand_alone() {
            return self.profile.status == Status::ExternalProvider;
        }
        self.may_be_federated && self.is_new() && self.was_made_with(only)
    }

    fn was_made_with(&self, identity: &Identity) -> bool {
        connected_at(identity).zip(self.record.created).is_some_and(|(one, other)| one.abs_diff(other) <= TOGETHER)
    }

    pub(super) fn view(&self, settings: &super::Settings) -> AccountView {
        let identity = |identity: &Identity| IdentityView {
            provider: identity.provider_name.clone(),
            label: label(&identity.provider_name).to_owned(),
            account: account_at_provider(&self.profile, identity),
        };
        AccountView {
            sub: self.owner.sub.clone(),
            created_at: self.record.created,
            email: self.profile.email.as_deref().map(masked),
            is_new: self.is_new(),
            identities: self.profile.identities.iter().map(identity).collect(),
            groups: self.own_groups(settings).into_iter().cloned().collect(),
        }
    }

    /// Its groups, without those that Cognito keeps for a provider.
    pub(super) fn own_groups(&self, settings: &super::Settings) -> BTreeSet<&String> {
        let is_own = |group: &&String| !is_group_of_provider(group, &settings.user_pool_id, &self.record);
        self.groups.iter().filter(is_own).collect()
    }

    pub(super) fn side(&self) -> Side {
        let whole = WholeProfile { profile: self.record.clone(), groups: self.groups.clone() };
        Side { whole, factors: None }
    }
}
