//! Two profiles that belong to one person, because the operator says so or the person signed in to both.
//!
//! No rule of linking judges them: their addresses may differ. That word stands in the place of both proofs, so everything
//! that was seen is in the plan, and nothing is done if either profile has changed since.

use crate::journal::WholeProfile;
use cognito_core::email::Email;
use cognito_core::provider::{COGNITO_SUBJECT, LinkBy, Providers, SourceIdentity};
use cognito_core::user_pool::{Administration, Identity, PoolError, PoolErrorKind, ProfileRecord, Status, UserPool};
use linking::{MAX_IDENTITIES, Owners};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// The decision's name in plans and journals.
pub(crate) const JOIN: &str = "join";

/// A join as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// What shows that both belong to one person.
    pub proof: Proof,
    /// The profile that is deleted.
    pub goes: Side,
    /// The profile that gets its identities.
    pub stays: Side,
}

/// What shows that two profiles belong to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The operator says so.
    OperatorsWord,
    /// One person has just signed in to both.
    SignedInToBoth,
}

/// One of the two profiles, as the operator saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Everything known of it, and its groups.
    #[serde(flatten)]
    pub whole: WholeProfile,
    /// What it signs in with apart from its identities, in AWS's words; `None` if the pool did not tell.
    pub factors: Option<Vec<String>>,
}

impl Side {
    /// Reads groups and ways in of a profile. If the call for the ways in is denied, or the endpoint does not know it, they
    /// are left open.
    ///
    /// # Errors
    ///
    /// Returns the pool's error if the groups cannot be read, or the ways in for any other reason.
    pub async fn read(pool: &impl Administration, profile: ProfileRecord) -> Result<Self, PoolError> {
        let groups = pool.groups(&profile.name()).await?;
        let factors = if_told(pool.sign_in_factors(&profile.name()).await)?;
        Ok(Self { whole: WholeProfile { profile, groups }, factors })
    }

    /// What the pool shows of the profile.
    #[must_use]
    pub const fn profile(&self) -> &ProfileRecord {
        &self.whole.profile
    }
}

/// Refuses somebody who is shut out of the address of one of these profiles: they get no other account, and no rights.
/// Reads every profile with these addresses.
///
/// # Errors
///
/// Returns the pool's error if a look-up fails, and otherwise whether they may go on.
pub async fn refuse_shut_out(
    pool: &impl UserPool,
    sides: &[&ProfileRecord],
    providers: &Providers,
) -> Result<Result<(), NotJoinable>, PoolError> {
    let emails: BTreeSet<_> = sides.iter().filter_map(|side| side.address()).collect();
    for email in emails.iter().filter_map(|email| Email::parse(email).ok()) {
        let owners = Owners::current(pool, &email, SystemTime::now(), providers, &Owners::default()).await?;
        if owners.keep_out() {
            return Ok(Err(NotJoinable::ShutOut));
        }
    }
    Ok(Ok(()))
}

/// `None` if the call is denied, or the endpoint does not know it. Any other failure is no answer, and may pass.
///
/// # Errors
///
/// Returns the error of a call that may be answered later.
pub fn if_told<T>(answer: Result<T, PoolError>) -> Result<Option<T>, PoolError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind(), PoolErrorKind::Denied | PoolErrorKind::Other) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why two profiles cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotJoinable {
    /// Both are the same.
    #[error("both are the same profile")]
    SameProfile,
    /// The one that stays was made for an identity.
    #[error("the profile that stays must be native: one that a provider's sign-in made cannot get further identities")]
    StaysNotNative,
    /// The one that stays was never confirmed, or has a status that is not known.
    #[error("the profile that stays must be confirmed")]
    StaysNotConfirmed,
    /// An administrator disabled the one that stays.
    #[error("the profile that stays is disabled")]
    StaysDisabled,
    /// An administrator disabled the one that goes: a join would let the person in again.
    #[error("the profile that goes is disabled, and its identities would open the other one")]
    GoesDisabled,
    /// The one that goes has a status that is not known.
    #[error("the profile that goes has a status that this program does not know")]
    GoesUnknown,
    /// An administrator disabled another profile that proved the address of one of them.
    #[error(
        "somebody disabled a profile that proved the address of one of them, so its owner is shut out; enable it first, or \
         verify the address of a profile that should be left open"
    )]
    ShutOut,
    /// Its identities cannot be read.
    #[error("the identities of one of the profiles cannot be read")]
    Identities,
    /// The provider links by an attribute that the one that goes lacks.
    #[error("the profile that goes lacks the attribute that PROVIDERS links its provider by")]
    NoLinkValue,
    /// The provider links by an attribute, and only the person vouches for its value.
    #[error(
        "PROVIDERS links the provider of the profile that goes by an attribute, which its owner may have written; an \
         operator can join the two"
    )]
    StoredAttribute,
    /// The provider is never linked (`Corp:always:none`).
    #[error("the profile that goes has an identity of a provider that PROVIDERS never links")]
    ProviderNotLinked,
    /// Cognito links five at most.
    #[error("together they have more than the five identities that Cognito links to a profile; remove one with unlink")]
    TooManyIdentities,
}

impl NotJoinable {
    /// The stable name in journals.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SameProfile => "same_profile",
            Self::StaysNotNative => "staying_profile_not_native",
            Self::StaysNotConfirmed => "staying_profile_not_confirmed",
            Self::StaysDisabled => "disabled_profile",
            Self::GoesDisabled => "going_profile_disabled",
            Self::ShutOut => "shut_out",
            Self::GoesUnknown => "going_profile_unknown_status",
            Self::Identities => "unreadable_identities",
            Self::NoLinkValue => "link_attribute_missing",
            Self::StoredAttribute => "stored_attribute",
            Self::ProviderNotLinked => "provider_not_linked",
            Self::TooManyIdentities => "too_many_identities",
        }
    }
}

/// The identities of the profile that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identities {
    /// The one that it was made for. It is free once the profile is deleted.
    pub(crate) own: Option<SourceIdentity>,
    /// Those that are linked to it.
    pub(crate) linked: Vec<SourceIdentity>,
}

/// Whether it is the group that Cognito keeps for the provider of one of the profile's identities. Nobody joins it by hand.
#[must_use]
pub fn is_group_of_provider(group: &str, user_pool_id: &str, profile: &ProfileRecord) -> bool {
    let name = group.strip_prefix(user_pool_id).and_then(|rest| rest.strip_prefix('_'));
    let identities = profile.profile().map(|profile| profile.identities).unwrap_or_default();
    name.is_some_and(|name| identities.iter().any(|identity| identity.provider_name.eq_ignore_ascii_case(name)))
}

/// Whether a profile may get the identities of another.
pub(crate) fn may_stay(stays: &ProfileRecord) -> Result<(), NotJoinable> {
    if stays.is_stand_alone() {
        return Err(NotJoinable::StaysNotNative);
    }
    if !stays.enabled {
        return Err(NotJoinable::StaysDisabled);
    }
    if stays.life() == Status::Confirmed { Ok(()) } else { Err(NotJoinable::StaysNotConfirmed) }
}

/// The identities that one profile gives to the other, if this shows that both belong to one person. `begun` are those that
/// an earlier attempt began to move.
///
/// # Errors
///
/// Returns [`NotJoinable`] if the profiles cannot be joined.
pub(crate) fn identities(
    proof: Proof,
    goes: &ProfileRecord,
    stays: &ProfileRecord,
    providers: &Providers,
    begun: &[SourceIdentity],
) -> Result<Identities, NotJoinable> {
    if goes.user_name == stays.user_name || goes.sub() == stays.sub() {
        return Err(NotJoinable::SameProfile);
    }
    may_stay(stays)?;
    if !goes.enabled {
        return Err(NotJoinable::GoesDisabled);
    }
    if goes.life() == Status::Other {
        return Err(NotJoinable::GoesUnknown);
    }
    let of = |record: &ProfileRecord| record.profile().map(|profile| profile.identities);
    let (going, staying) = (of(goes), of(stays));
    let (Ok(going), Ok(staying)) = (going, staying) else { return Err(NotJoinable::Identities) };
    let mut found = Identities { own: None, linked: begun.to_vec() };
    let own = own_identity(goes);
    for identity in &going {
        if own.as_ref() == Some(identity) {
            found.own = Some(link_to_be(proof, goes, identity, providers)?);
            continue;
        }
        let source = link_of(identity, providers)?;
        if begun.iter().all(|known| !is(known, identity)) {
            found.linked.push(source);
        }
    }
    if goes.is_stand_alone() && found.own.is_none() {
        return Err(NotJoinable::Identities);
    }
    let added = found.own.iter().chain(&found.linked).filter(|source| !has(&staying, source)).count();
    if staying.len() + added > MAX_IDENTITIES { Err(NotJoinable::TooManyIdentities) } else { Ok(found) }
}

/// The identity that a stand-alone profile was made for, by its subject.
pub(crate) fn own_identity(record: &ProfileRecord) -> Option<Identity> {
    let identities = record.profile().ok()?.identities;
    let is_only = record.life() == Status::ExternalProvider && identities.len() == 1;
    identities.into_iter().find(|identity| identity.primary || is_only)
}

/// What the identity of a stand-alone profile is linked by from now on: what its next sign-in is found by.
///
/// The value of an attribute came from the provider, and its owner may have written another one since: that of somebody
/// else, whose next sign-in would come to the profile that stays.
fn link_to_be(
    proof: Proof,
    goes: &ProfileRecord,
    own: &Identity,
    providers: &Providers,
) -> Result<SourceIdentity, NotJoinable> {
    let Some(name) = links_by(own, providers) else { return link_of(own, providers) };
    if proof == Proof::SignedInToBoth {
        return Err(NotJoinable::StoredAttribute);
    }
    let value = goes.attribute(name).ok_or(NotJoinable::NoLinkValue)?;
    Ok(SourceIdentity::linked_by(&own.provider_name, name, value))
}

/// The attribute that the profile's own identity is linked by, if its provider is linked by one. Whether the stored value
/// came from the provider, only the provider can tell.
#[must_use]
pub fn stored_link_attribute<'a>(goes: &ProfileRecord, providers: &'a Providers) -> Option<&'a str> {
    links_by(&own_identity(goes)?, providers)
}

fn links_by<'a>(own: &Identity, providers: &'a Providers) -> Option<&'a str> {
    match &providers.named(&own.provider_name)?.link_by {
        LinkBy::Attribute(name) => Some(name),
        LinkBy::Subject | LinkBy::Nothing => None,
    }
}

/// Whether the profile has an identity.
pub(crate) fn record_has(record: &ProfileRecord, source: &SourceIdentity) -> bool {
    record.profile().is_ok_and(|profile| has(&profile.identities, source))
}

fn has(identities: &[Identity], source: &SourceIdentity) -> bool {
    identities.iter().any(|identity| is(source, identity))
}

/// Subjects compare exactly, as Cognito compares them.
fn is(source: &SourceIdentity, identity: &Identity) -> bool {
    source.value() == identity.user_id && source.provider().eq_ignore_ascii_case(&identity.provider_name)
}

/// What Cognito finds an identity of a profile by.
///
/// # Errors
///
/// Returns [`NotJoinable::ProviderNotLinked`] for a provider that is never linked.
pub fn link_of(identity: &Identity, providers: &Providers) -> Result<SourceIdentity, NotJoinable> {
    let attribute = match providers.named(&identity.provider_name).map(|provider| &provider.link_by) {
        Some(LinkBy::Nothing) => return Err(NotJoinable::ProviderNotLinked),
        // The profile was made by the subject; only a link is by the attribute.
        Some(LinkBy::Attribute(name)) if !identity.primary => name,
        Some(LinkBy::Attribute(_) | LinkBy::Subject) | None => COGNITO_SUBJECT,
    };
    Ok(SourceIdentity::linked_by(&identity.provider_name, attribute, &identity.user_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{Account, federated, native};

    const VOUCHED: Proof = Proof::OperatorsWord;

    fn checked(goes: &Account, stays: &Account) -> Result<Identities, NotJoinable> {
        checked_with(VOUCHED, goes, stays)
    }

    fn checked_with(proof: Proof, goes: &Account, stays: &Account) -> Result<Identities, NotJoinable> {
        let providers = Providers::parse("Google:claim,Corp:always:custom:id,Never:always:none").unwrap();
        identities(proof, &goes.record(), &stays.record(), &providers, &[])
    }

    #[test]
    fn ways_in_are_left_open_only_if_the_call_is_denied_or_not_known() {
        use PoolErrorKind::{Denied, Other, Throttled, Unavailable};
        let told = |kind| if_told::<()>(Err(PoolError::new(kind, "AdminGetUserAuthFactors", "simulated")));
        assert!([Denied, Other].map(told).iter().all(|told| *told == Ok(None)));
        assert!([Throttled, Unavailable].map(told).iter().all(Result::is_err));
        assert_eq!(if_told(Ok(1)), Ok(Some(1)));
    }

    #[test]
    fn only_a_native_confirmed_enabled_profile_stays() {
        let goes = federated("Google", "1", "a@example.com");
        let stays = native("b@example.com");
        assert!(checked(&goes, &stays).is_ok());
        for (stays, why) in [
            (goes.clone(), NotJoinable::SameProfile),
            (federated("Google", "2", "b@example.com"), NotJoinable::StaysNotNative),
            (stays.clone().unconfirmed(), NotJoinable::StaysNotConfirmed),
            (Account { status: Status::ForceChangePassword, ..stays.clone() }, NotJoinable::StaysNotConfirmed),
            (Account { status: Status::Other, ..stays.clone() }, NotJoinable::StaysNotConfirmed),
            (stays.clone().disabled(), NotJoinable::StaysDisabled),
        ] {
            assert_eq!(checked(&goes, &stays), Err(why));
        }
        // A name or a sub that both have is enough: it may be somebody else's by now.
        let (namesake, twin) =
            (stays.clone().named(&goes.user_name), Account { sub: goes.sub.clone(), ..stays.clone() });
        for same in [namesake, twin] {
            assert_eq!(checked(&goes, &same), Err(NotJoinable::SameProfile));
        }
        assert_eq!(checked(&goes.disabled(), &stays), Err(NotJoinable::GoesDisabled));
        let archived = Account { status: Status::Other, ..native("a@example.com") };
        assert_eq!(checked(&archived, &stays), Err(NotJoinable::GoesUnknown));
    }

    #[test]
    fn at_most_five_identities_are_linked_in_the_end() {
        let many = |account: Account, n: usize, from: usize| {
            (from..from + n).fold(account, |account, n| account.with_identity("Google", &n.to_string()))
        };
        let (goes, stays) = (native("a@example.com"), native("b@example.com"));
        let three = checked(&many(goes.clone(), 3, 0), &many(stays.clone(), 2, 10)).unwrap();
        assert_eq!((three.own, three.linked.len()), (None, 3));
        let six = checked(&many(goes, 3, 0), &many(stays.clone(), 3, 10));
        assert_eq!(six, Err(NotJoinable::TooManyIdentities));
        let alone = federated("Google", "1", "a@example.com");
        assert!(checked(&alone, &many(stays.clone(), 4, 10)).is_ok());
        assert_eq!(checked(&alone, &many(stays, 5, 10)), Err(NotJoinable::TooManyIdentities));
    }

    /// What an earlier attempt moved is at the other profile already, and at no other moment counts twice.
    #[test]
    fn an_identity_that_the_other_profile_has_already_needs_no_room() {
        let full =
            (0..5).fold(native("b@example.com"), |account, n: u8| account.with_identity("Google", &n.to_string()));
        let moved = [SourceIdentity::linked_by("Google", COGNITO_SUBJECT, "0")];
        let providers = Providers::default();
        let found = identities(VOUCHED, &native("a@example.com").record(), &full.record(), &providers, &moved).unwrap();
        assert_eq!(found.linked, moved);
        let goes = native("a@example.com").with_identity("Google", "7");
        let begun = [SourceIdentity::linked_by("google", COGNITO_SUBJECT, "7")];
        let found = identities(VOUCHED, &goes.record(), &native("b@example.com").record(), &providers, &begun).unwrap();
        assert_eq!(found.linked, begun, "each once");
    }

    #[test]
    fn a_profile_that_stands_alone_was_made_for_the_identity_that_says_so_or_for_its_only_one() {
        let own = |account: &Account| own_identity(&account.record()).map(|own| own.user_id);
        let alone = federated("Google", "1", "a@example.com");
        let mut unmarked = alone.clone();
        unmarked.identities[0].primary = false;
        assert_eq!(own(&unmarked).as_deref(), Some("1"));
        assert_eq!(
            own(&Account { status: Status::Confirmed, ..alone.clone() }).as_deref(),
            Some("1"),
            "with a password"
        );
        assert_eq!(own(&native("a@example.com").with_identity("Google", "1")), None);
        let two = unmarked.with_identity("Google", "2");
        assert_eq!(own(&two), None, "nobody knows for which");
        assert_eq!(checked(&two, &native("b@example.com")), Err(NotJoinable::Identities));
    }

    #[test]
    fn subjects_compare_exactly_and_providers_in_either_case() {
        let record = native("a@example.com").with_identity("Google", "aB").record();
        let has = |provider: &str, subject: &str| {
            record_has(&record, &SourceIdentity::linked_by(provider, COGNITO_SUBJECT, subject))
        };
        assert!(has("Google", "aB") && has("google", "aB"));
        assert!(!has("Google", "ab") && !has("Corp", "aB"));
    }

    #[test]
    fn only_groups_of_the_profiles_own_providers_are_cognitos() {
        let record = native("a@example.com").with_identity("google", "1").record();
        let is_cognitos = |group: &str| is_group_of_provider(group, "eu-central-1_A", &record);
        assert!(is_cognitos("eu-central-1_A_Google"));
        assert!(
            !is_cognitos("eu-central-1_A_Staff") && !is_cognitos("eu-central-1_B_Google") && !is_cognitos("Google")
        );
    }

    /// The profile was made by the subject. Only a link is by the attribute.
    #[test]
    fn what_a_profile_was_made_for_is_found_by_its_subject() {
        let providers = Providers::parse("Corp:always:custom:id").unwrap();
        let identity = |account: Account| account.profile().identities.remove(0);
        let made = link_of(&identity(federated("Corp", "7", "a@example.com")), &providers).unwrap();
        let linked = link_of(&identity(native("a@example.com").with_identity("Corp", "7")), &providers).unwrap();
        assert_eq!((made.attribute(), linked.attribute()), (COGNITO_SUBJECT, "custom:id"));
    }

    #[test]
    fn a_stand_alone_profile_of_a_provider_that_links_by_an_attribute_is_linked_by_its_value() {
        let stays = native("b@example.com");
        let bare = federated("Corp", "7", "a@example.com");
        let with = Account { attributes: [("custom:id".into(), "staff-7".into())].into(), ..bare.clone() };
        assert_eq!(
            checked(&with, &stays).unwrap().own,
            Some(SourceIdentity::linked_by("Corp", "custom:id", "staff-7"))
        );
        assert_eq!(checked(&bare, &stays), Err(NotJoinable::NoLinkValue));
        // Its owner may have written it, and nobody vouches for it.
        assert_eq!(checked_with(Proof::SignedInToBoth, &with, &stays), Err(NotJoinable::StoredAttribute));
        assert_eq!(
            own_identity(&with.record()).unwrap().user_id,
            "7",
            "a profile that comes back is known by its subject"
        );
    }

    #[test]
    fn an_identity_is_found_by_what_its_link_was_made_with_and_a_provider_that_is_never_linked_stays_away() {
        let stays = native("b@example.com");
        let found = checked(&native("a@example.com").with_identity("Corp", "7"), &stays).unwrap();
        assert_eq!(found.linked, [SourceIdentity::linked_by("Corp", "custom:id", "7")]);
        let never = checked(&native("a@example.com").with_identity("Never", "7"), &stays);
        assert_eq!(never, Err(NotJoinable::ProviderNotLinked));
    }
}
