//! The linking rules, asked about profiles that are there already.
//!
//! The decision itself is `linking::decide`, the one that the trigger makes. What is added here only ever
//! says no: a merge deletes a profile, which a sign-in never does.

use crate::registry::{PoolFacts, Record};
use cognito_core::event::Attributes;
use cognito_core::provider::{LinkBy, Provider, Providers, Trust};
use cognito_core::user_pool::{Identity, Profile, Status, UserName};
use linking::{Arrival, Decision, NEW_PROFILE, Owner, Owners, Policy, StoredAddress, SubjectRule, decide};
use std::time::SystemTime;

/// Beyond this many profiles an address is nobody's to merge by program. A tenant of a provider can make such
/// profiles at will, and what one address holds is held in memory.
pub(crate) const MAX_PROFILES: usize = 1000;

/// What decides about the profiles of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// `PROVIDERS`.
    pub(crate) providers: Providers,
    /// What the functions are set to.
    pub(crate) policy: Policy,
    /// Stored values that a person may have changed count as what the provider said.
    pub(crate) trust_stored_values: bool,
    /// The pool stores a changed address only when it is verified.
    pub(crate) keeps_address_until_verified: bool,
}

/// What becomes of a stand-alone federated profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What the trigger would decide if the identity signed in now and had no profile.
    Decided(Decision),
    /// The profile stays as it is, whatever the trigger would decide.
    Left(Left),
}

/// Why a stand-alone profile is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Left {
    /// An administrator disabled it; merging would open another way in.
    Disabled,
    /// It has a password of its own, or a status that is not known.
    NotPlain,
    /// Further identities are linked to it, and nothing says whose address they proved.
    SeveralIdentities,
    /// It does not say which identity it is for.
    NoIdentity,
    /// The provider links by an attribute, and the person may have changed its stored value.
    StoredAttribute,
    /// More than [`MAX_PROFILES`] profiles have the address.
    TooManyProfiles,
    /// A native profile would have to be made, and would lack an attribute that the pool requires.
    RequiredAttribute,
    /// A native profile would have to be made, and the pool names people by phone number.
    NamedByPhone,
}

impl Left {
    /// The stable name in reports, plans and journals.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Disabled => "stand_alone_disabled",
            Self::NotPlain => "stand_alone_has_password",
            Self::SeveralIdentities => "stand_alone_has_links",
            Self::NoIdentity => "stand_alone_without_identity",
            Self::StoredAttribute => "stored_attribute",
            Self::TooManyProfiles => "too_many_profiles",
            Self::RequiredAttribute => "required_attribute_missing",
            Self::NamedByPhone => "user_name_is_phone_number",
        }
    }
}

impl Verdict {
    /// The decision's name, or why the profile is left.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Decided(decision) => decision.name(),
            Self::Left(left) => left.code(),
        }
    }

    /// Whether the profile is to be deleted and its identity linked.
    pub(crate) fn merges(&self) -> bool {
        match self {
            Self::Decided(
                Decision::AlreadyLinked(_)
                | Decision::Link(..)
                | Decision::AcceptInvitation { .. }
                | Decision::CreateAndLink { .. }
                | Decision::Replace { .. }
                | Decision::Reclaim { .. },
            ) => true,
            Self::Decided(Decision::Continue(_) | Decision::Refuse(_)) | Self::Left(_) => false,
        }
    }

    /// Whether a native profile is made.
    pub(crate) fn creates(&self) -> bool {
        matches!(self, Self::Decided(Decision::CreateAndLink { .. } | Decision::Replace { .. }))
    }

    /// Whether the linking rules, or the ones here, say no.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Decided(Decision::Refuse(_)) | Self::Left(_))
    }

    /// The native profile that is linked to, if it is there already.
    pub(crate) fn destination(&self) -> Option<&UserName> {
        match self {
            Self::Decided(
                Decision::AlreadyLinked(to)
                | Decision::Link(to, _)
                | Decision::AcceptInvitation { to, .. }
                | Decision::Reclaim { profile: to, .. },
            ) => Some(&to.user_name),
            Self::Decided(
                Decision::CreateAndLink { .. } | Decision::Replace { .. } | Decision::Continue(_) | Decision::Refuse(_),
            )
            | Self::Left(_) => None,
        }
    }

    /// The native profile that is deleted and made anew.
    pub(crate) fn replaces(&self) -> Option<&UserName> {
        match self {
            Self::Decided(Decision::Replace { profile, .. }) => Some(&profile.user_name),
            _ => None,
        }
    }
}

impl Rules {
    pub(crate) fn new(providers: Providers, policy: Policy, trust_stored_values: bool, pool: &PoolFacts) -> Self {
        let keeps_address_until_verified = pool.keeps_address_until_verified;
        Self { providers, policy, trust_stored_values, keeps_address_until_verified }
    }

    /// The attributes that decisions need.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let linked_by = self.providers.iter().filter_map(|provider| match &provider.link_by {
            LinkBy::Attribute(name) => Some(name.clone()),
            LinkBy::Subject => None,
        });
        ["sub", "email", "email_verified", "identities"].map(str::to_owned).into_iter().chain(linked_by).collect()
    }

    /// The identity of a stand-alone profile as if it signed in now.
    ///
    /// # Errors
    ///
    /// Why the profile is left as it is.
    pub(crate) fn arrival(&self, stand_alone: &Record) -> Result<Arrival, Left> {
        let profile = stand_alone.profile().map_err(|_| Left::NoIdentity)?;
        let identity = match profile.identities.as_slice() {
            [] => return Err(Left::NoIdentity),
            [only] => only,
            _ => return Err(Left::SeveralIdentities),
        };
        if !profile.enabled {
            return Err(Left::Disabled);
        }
        if profile.status != Status::ExternalProvider {
            return Err(Left::NotPlain);
        }
        let provider = self.providers.named(&identity.provider_name);
        let by_attribute = provider.is_some_and(|provider| matches!(provider.link_by, LinkBy::Attribute(_)));
        if by_attribute && !self.trust_stored_values {
            return Err(Left::StoredAttribute);
        }
        let address = if self.keeps_address_until_verified || self.trust_stored_values {
            StoredAddress::FromProvider
        } else {
            StoredAddress::MayBeChanged
        };
        let attributes = stand_alone.as_event();
        Ok(Arrival::of_stand_alone(identity, Attributes::of(&attributes), &self.providers, address))
    }

    /// What becomes of a stand-alone profile. `owners` are all other profiles that have its address.
    pub(crate) fn judge(&self, stand_alone: &Record, owners: &Owners) -> Verdict {
        match self.arrival(stand_alone) {
            Ok(arrival) => Verdict::Decided(decide(&arrival, owners, &self.policy)),
            Err(left) => Verdict::Left(left),
        }
    }

    /// Judges all profiles of one address in the order in which they would be merged, the oldest first, each as if
    /// the ones before it were merged already. Native profiles have no verdict.
    pub(crate) fn judge_all(&self, records: &[Record], now: SystemTime) -> Vec<Option<Verdict>> {
        self.judge_all_unless(records, now, |_, _| None)
    }

    /// The same where more may say no.
    pub(crate) fn judge_all_unless(
        &self,
        records: &[Record],
        now: SystemTime,
        prevented: impl Fn(&Record, &Verdict) -> Option<Left>,
    ) -> Vec<Option<Verdict>> {
        let mut verdicts = vec![None; records.len()];
        let mut order: Vec<usize> = (0..records.len()).filter(|at| records[*at].is_stand_alone()).collect();
        if records.len() > MAX_PROFILES {
            for at in order {
                verdicts[at] = Some(Verdict::Left(Left::TooManyProfiles));
            }
            return verdicts;
        }
        order.sort_by_key(|at| (records[*at].created, &records[*at].user_name));
        let mut profiles: Vec<Profile> = records.iter().filter_map(|record| record.profile().ok()).collect();
        for at in order {
            let name = &records[at].user_name;
            let others = profiles.iter().filter(|profile| profile.user_name.as_str() != name).cloned();
            let verdict = self.judge(&records[at], &owners(others, now));
            let verdict = prevented(&records[at], &verdict).map_or(verdict, Verdict::Left);
            if let (true, Verdict::Decided(decision)) = (verdict.merges(), &verdict) {
                profiles.retain(|profile| profile.user_name.as_str() != name);
                foresee(&mut profiles, decision, records[at].attribute("email"));
            }
            verdicts[at] = Some(verdict);
        }
        verdicts
    }

    /// What the next sign-in with a proven address would mean for the native profiles that have it; `None` if no
    /// provider can prove an address.
    pub(crate) fn next_sign_in(&self, email: &str, records: &[Record], now: SystemTime) -> Option<Decision> {
        let provider = self.providers.iter().find(|provider| provider.trust != Trust::Never)?;
        let mut claims = serde_json::Map::new();
        claims.insert("email".into(), email.into());
        claims.insert("email_verified".into(), "true".into());
        if let LinkBy::Attribute(name) = &provider.link_by {
            claims.entry(name.clone()).or_insert_with(|| UNKNOWN_SUBJECT.into());
        }
        let user_name = format!("{}_{UNKNOWN_SUBJECT}", provider.name);
        let rule = SubjectRule { pool_is_case_sensitive: true, raw_subject_attribute: None };
        let arrival = Arrival::read(&user_name, Attributes::of(&claims), &self.providers, &rule);
        let profiles = records.iter().filter_map(|record| record.profile().ok());
        Some(decide(&arrival, &owners(profiles, now), &self.policy))
    }

    /// Whether the profile's address is proven by its providers and shows as unverified.
    pub(crate) fn needs_repair(&self, record: &Record) -> bool {
        let attributes = record.as_event();
        linking::needs_repair(Attributes::of(&attributes), &self.providers, linking::RepairScope::Linked)
    }

    /// The configured provider of an identity.
    pub(crate) fn provider(&self, identity: &Identity) -> Option<&Provider> {
        self.providers.named(&identity.provider_name)
    }
}

/// A subject that no provider gives anybody.
const UNKNOWN_SUBJECT: &str = "somebody-who-never-signed-in";

/// Facts for a decision.
pub(crate) fn owners(profiles: impl Iterator<Item = Profile>, now: SystemTime) -> Owners {
    let owner = |profile: Profile| Owner { is_new: profile.is_younger_than(NEW_PROFILE, now), profile };
    Owners { profiles: profiles.map(owner).collect(), ..Owners::default() }
}

/// What the profiles of an address will be when the decision is carried out.
fn foresee(profiles: &mut Vec<Profile>, decision: &Decision, email: Option<&str>) {
    let (at, identity) = match decision {
        Decision::Link(to, identity) | Decision::Reclaim { profile: to, identity, .. } => {
            (Some(&to.user_name), Some(identity))
        }
        Decision::AcceptInvitation { to, identity, .. } => (Some(&to.user_name), identity.as_ref()),
        Decision::CreateAndLink { identity, .. } => (None, Some(identity)),
        Decision::Replace { profile, identity, .. } => {
            profiles.retain(|known| known.user_name != profile.user_name);
            (None, Some(identity))
        }
        Decision::AlreadyLinked(_) | Decision::Continue(_) | Decision::Refuse(_) => return,
    };
    let linked = identity.map(|identity| Identity {
        user_id: identity.value().to_owned(),
        provider_name: identity.provider().to_owned(),
        primary: false,
    });
    match at.and_then(|name| profiles.iter_mut().find(|profile| profile.user_name == *name)) {
        Some(native) => {
            if let Decision::Reclaim { unlink, .. } = decision {
                native.identities.retain(|known| !unlink.contains(known));
            }
            native.identities.extend(linked);
            native.status = Status::Confirmed;
            native.email_verified = true;
        }
        None => profiles.push(Profile {
            user_name: UserName::new(""),
            sub: String::new(),
            status: Status::Confirmed,
            enabled: true,
            email: email.map(str::to_owned),
            email_verified: true,
            identities: linked.into_iter().collect(),
            created: None,
        }),
    }
}

#[cfg(test)]
mod tests;
