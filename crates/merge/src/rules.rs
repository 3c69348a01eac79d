//! The linking rules, applied to existing profiles.
//!
//! [`linking::decide`] makes the decision, as it does for the trigger. The rules here can only add refusals, because a
//! merge deletes a stand-alone profile and a sign-in never does.

use cognito_core::email::EmailClaim;
use cognito_core::event::Attributes;
use cognito_core::provider::{LinkBy, Provider, Providers};
use cognito_core::user_pool::{Identity, Profile, ProfileRecord, Status, UserName};
use linking::{
    Arrival, Decision, Destination, Owner, Owners, Policy, RepairScope, SecondSubject, SignIn, StoredAddress,
    SubjectRule, decide, needs_repair,
};
use std::time::SystemTime;

/// The most profiles of one address that are merged. More are left to a person: somebody who controls a provider can
/// create any number of them, and all profiles of one address are held in memory at once.
pub const MAX_PROFILES: usize = 1000;

/// The rules that judge the profiles of a pool.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// What the functions are set to.
    pub policy: Policy,
    /// Whether the operator vouches that people never changed two kinds of stored values: unverified addresses of
    /// `always` providers, and attributes that providers link by. Without this they prove nothing, even if the pool
    /// lets nobody change them today.
    pub trust_stored_values: bool,
}

/// What a merge would make of a stand-alone federated profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// What the trigger would decide if the identity signed in now and had no profile.
    Decided(Decision),
    /// The profile stays as it is. The trigger's decision does not matter.
    Leave(LeaveReason),
}

/// Why a stand-alone profile is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// An administrator disabled it; merging would open another way in.
    Disabled,
    /// It has a password of its own, or a status that is not known.
    NotPlain,
    /// Other identities are linked to it, and it is not known which of them proved the address.
    SeveralIdentities,
    /// It does not say which identity it is for.
    NoIdentity,
    /// The provider links by an attribute, and the person may have changed its stored value.
    StoredAttribute,
    /// More than [`MAX_PROFILES`] profiles have the address.
    TooManyProfiles,
    /// A native profile would have to be created, and would lack an attribute that the pool requires.
    RequiredAttribute,
    /// A native profile would have to be created, and the pool names people by phone number.
    NamedByPhone,
}

impl LeaveReason {
    /// The stable name in reports, plans and journals.
    #[must_use]
    pub const fn code(self) -> &'static str {
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

impl Judgement {
    /// The decision's name, or why the profile is left.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Decided(decision) => decision.name(),
            Self::Leave(why) => why.code(),
        }
    }

    /// Whether the profile is to be deleted and its identity linked.
    #[must_use]
    pub fn merges(&self) -> bool {
        match self {
            Self::Decided(
                Decision::AlreadyLinked(_)
                | Decision::Link(..)
                | Decision::AcceptInvitation { .. }
                | Decision::CreateAndLink { .. }
                | Decision::Replace { .. }
                | Decision::Reclaim { .. },
            ) => true,
            Self::Decided(Decision::Continue(_) | Decision::Refuse(_)) | Self::Leave(_) => false,
        }
    }

    /// Whether a native profile is created.
    #[must_use]
    pub fn creates(&self) -> bool {
        matches!(self, Self::Decided(Decision::CreateAndLink { .. } | Decision::Replace { .. }))
    }

    /// Whether the linking rules, or the ones here, say no.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Decided(Decision::Refuse(_)) | Self::Leave(_))
    }

    /// The native profile that is linked to, if it exists already.
    #[must_use]
    pub fn destination(&self) -> Option<&Destination> {
        match self {
            Self::Decided(
                Decision::AlreadyLinked(to)
                | Decision::Link(to, _)
                | Decision::AcceptInvitation { to, .. }
                | Decision::Reclaim { profile: to, .. },
            ) => Some(to),
            Self::Decided(
                Decision::CreateAndLink { .. } | Decision::Replace { .. } | Decision::Continue(_) | Decision::Refuse(_),
            )
            | Self::Leave(_) => None,
        }
    }

    /// The native profile that is deleted and created again.
    #[must_use]
    pub fn replaces(&self) -> Option<&UserName> {
        match self {
            Self::Decided(Decision::Replace { profile, .. }) => Some(&profile.user_name),
            _ => None,
        }
    }
}

impl Rules {
    /// The attributes that judgements need.
    #[must_use]
    pub fn attributes(&self) -> Vec<String> {
        let linked_by = self.providers.iter().filter_map(|provider| match &provider.link_by {
            LinkBy::Attribute(name) => Some(name.clone()),
            LinkBy::Subject | LinkBy::Nothing => None,
        });
        ["sub", "email", "email_verified", "identities"].map(str::to_owned).into_iter().chain(linked_by).collect()
    }

    /// The identity of a stand-alone profile as if it signed in now.
    ///
    /// # Errors
    ///
    /// Returns [`LeaveReason`] if the profile stays as it is. The other profiles of the address do not matter then.
    pub fn arrival(&self, stand_alone: &ProfileRecord) -> Result<Arrival, LeaveReason> {
        let profile = stand_alone.profile().map_err(|_| LeaveReason::NoIdentity)?;
        let identity = match profile.identities.as_slice() {
            [] => return Err(LeaveReason::NoIdentity),
            [only] => only,
            _ => return Err(LeaveReason::SeveralIdentities),
        };
        if !profile.enabled {
            return Err(LeaveReason::Disabled);
        }
        if profile.status != Status::ExternalProvider {
            return Err(LeaveReason::NotPlain);
        }
        let provider = self.providers.named(&identity.provider_name);
        let by_attribute = provider.is_some_and(|provider| matches!(provider.link_by, LinkBy::Attribute(_)));
        if by_attribute && !self.trust_stored_values {
            return Err(LeaveReason::StoredAttribute);
        }
        let address = if self.trust_stored_values { StoredAddress::FromProvider } else { StoredAddress::MayBeChanged };
        let attributes = stand_alone.as_event();
        Ok(Arrival::of_stand_alone(identity, Attributes::of(&attributes), &self.providers, address))
    }

    /// Judges a stand-alone profile. `owners` are all other profiles that have its address.
    #[must_use]
    pub fn judge(&self, stand_alone: &ProfileRecord, owners: &Owners) -> Judgement {
        match self.arrival(stand_alone) {
            Ok(arrival) => Judgement::Decided(decide(&arrival, owners, &self.policy)),
            Err(why) => Judgement::Leave(why),
        }
    }

    /// Judges all profiles of one address in the order in which they would be merged, the oldest first, each as if
    /// the ones before it were merged already. Native profiles get no judgement. `prevented` may say no to more.
    #[must_use]
    pub fn judge_all(
        &self,
        records: &[ProfileRecord],
        now: SystemTime,
        prevented: impl Fn(&ProfileRecord, &Judgement) -> Option<LeaveReason>,
    ) -> Vec<Option<Judgement>> {
        let mut judgements = vec![None; records.len()];
        let mut order: Vec<usize> = (0..records.len()).filter(|at| records[*at].is_stand_alone()).collect();
        if records.len() > MAX_PROFILES {
            for at in order {
                judgements[at] = Some(Judgement::Leave(LeaveReason::TooManyProfiles));
            }
            return judgements;
        }
        order.sort_by_key(|at| (records[*at].created, &records[*at].user_name));
        let mut profiles: Vec<Profile> = records.iter().filter_map(|record| record.profile().ok()).collect();
        for at in order {
            let name = &records[at].user_name;
            let others = profiles.iter().filter(|profile| profile.user_name.as_str() != name).cloned();
            let judgement = self.judge(&records[at], &owners(others, now, &self.providers));
            let judgement = prevented(&records[at], &judgement).map_or(judgement, Judgement::Leave);
            if let (true, Judgement::Decided(decision)) = (judgement.merges(), &judgement) {
                profiles.retain(|profile| profile.user_name.as_str() != name);
                foresee(&mut profiles, decision, records[at].attribute("email"));
            }
            judgements[at] = Some(judgement);
        }
        judgements
    }

    /// What the next sign-in with a proven address would mean for the native profiles that have it; `None` if no
    /// provider proves this address and is linked. Of several providers, the one that would change the most counts.
    #[must_use]
    pub fn next_sign_in(&self, email: &str, records: &[ProfileRecord], now: SystemTime) -> Option<Decision> {
        let arrivals = self.providers.iter().filter_map(|provider| self.proven_arrival(provider, email));
        let profiles = records.iter().filter_map(|record| record.profile().ok());
        let owners = owners(profiles, now, &self.providers);
        // Who is linked with a provider signs in with that identity, not with a second one.
        let policy = Policy { second_subject: SecondSubject::Link, ..self.policy };
        arrivals.map(|arrival| decide(&arrival, &owners, &policy)).max_by_key(consequence)
    }

    /// Somebody new from a provider, if it proves the address and may be linked.
    fn proven_arrival(&self, provider: &Provider, email: &str) -> Option<Arrival> {
        let mut claims = serde_json::Map::new();
        claims.insert("email".into(), email.into());
        claims.insert("email_verified".into(), "true".into());
        if let LinkBy::Attribute(name) = &provider.link_by {
            claims.entry(name.clone()).or_insert_with(|| UNKNOWN_SUBJECT.into());
        }
        let user_name = format!("{}_{UNKNOWN_SUBJECT}", provider.name);
        let rule = SubjectRule { pool_is_case_sensitive: true, raw_subject_attribute: None };
        let arrival = Arrival::read(&user_name, Attributes::of(&claims), &self.providers, &rule);
        (arrival.identity.is_ok() && matches!(arrival.email, EmailClaim::Proven(_))).then_some(arrival)
    }

    /// Whether the profile's address is proven by its providers and shows as unverified.
    #[must_use]
    pub fn needs_repair(&self, record: &ProfileRecord) -> bool {
        let attributes = record.as_event();
        needs_repair(Attributes::of(&attributes), &self.providers, RepairScope::Linked, SignIn::Later)
    }

    /// The configured provider of an identity.
    #[must_use]
    pub fn provider(&self, identity: &Identity) -> Option<&Provider> {
        self.providers.named(&identity.provider_name)
    }
}

/// A subject that no provider uses.
const UNKNOWN_SUBJECT: &str = "somebody-who-never-signed-in";

/// How much a decision takes away from the person who has the address now. A refusal counts little: with another
/// provider they may still be linked.
fn consequence(decision: &Decision) -> u8 {
    match decision {
        Decision::Replace { .. } => 5,
        Decision::Reclaim { .. } => 4,
        Decision::AcceptInvitation { .. } => 3,
        Decision::Link(..) | Decision::CreateAndLink { .. } | Decision::AlreadyLinked(_) => 2,
        Decision::Refuse(_) => 1,
        Decision::Continue(_) => 0,
    }
}

/// The facts for a decision.
fn owners(profiles: impl Iterator<Item = Profile>, now: SystemTime, providers: &Providers) -> Owners {
    let profiles = profiles.map(|profile| Owner::of(profile, now, providers)).collect();
    Owners { profiles, ..Owners::default() }
}

/// Changes the profiles of an address as the decision will.
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
        connected: None,
    });
    match at.and_then(|name| profiles.iter_mut().find(|profile| profile.user_name == *name)) {
        Some(native) => {
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
            has_second_factor: false,
        }),
    }
}

#[cfg(test)]
mod tests;
