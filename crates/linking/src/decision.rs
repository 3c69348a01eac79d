use crate::arrival::Arrival;
use crate::owners::{Owner, Owners};
use crate::policy::{
    LinkWithFactors, NativeProfile, Newcomers, Policy, SecondSubject, UnprovenEmail, UnverifiedProfile,
};
use crate::refusal::{Refusal, Unlinkable};
use cognito_core::email::{Email, EmailClaim, ProvenEmail};
use cognito_core::provider::{COGNITO_SUBJECT, SourceIdentity};
use cognito_core::user_pool::{AvailableEmail, Identity, Profile, Status, UserName};
use std::ops::ControlFlow::{self, Break, Continue};

/// The most identities a profile may hold (Cognito quota, not adjustable).
pub const MAX_IDENTITIES: usize = 5;

/// What a sign-in means. Every outcome has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Leave the sign-in to Cognito, which makes a stand-alone profile.
    Continue(Continued),
    /// The identity signs in to this profile already: an earlier invocation linked it.
    AlreadyLinked(Destination),
    /// Link to a profile that proved the address itself.
    Link(Destination, SourceIdentity),
    /// Link to a profile with a temporary password, which is replaced.
    AcceptInvitation {
        /// The invited profile.
        to: Destination,
        /// The identity, or `None` if it is linked already.
        identity: Option<SourceIdentity>,
        /// Set if the address is unverified: the profile is then cleaned first.
        verify: Option<AvailableEmail>,
    },
    /// Create a native profile and link.
    CreateAndLink {
        /// The identity to link.
        identity: SourceIdentity,
        /// The address of the new profile.
        email: ProvenEmail,
        /// A stand-alone federated profile has the address too and should be merged.
        duplicate: bool,
    },
    /// Delete a profile that was never confirmed, then create and link.
    Replace {
        /// The profile to delete.
        profile: Destination,
        /// The identity to link.
        identity: SourceIdentity,
        /// The address of the new profile.
        email: ProvenEmail,
    },
    /// Take a confirmed but never verified profile over, then link.
    Reclaim {
        /// The profile.
        profile: Destination,
        /// The identity to link.
        identity: SourceIdentity,
        /// The address to verify.
        email: AvailableEmail,
    },
    /// Refuse the sign-in.
    Refuse(Refusal),
}

/// Why a sign-in is left to Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Continued {
    /// No address came along.
    NoEmail,
    /// The address is not proven, and no account has it.
    UnprovenEmail,
    /// The address is not proven, and the policy separates such people.
    Separate,
    /// Nobody has the address, and the policy creates no native profiles.
    NoNativeProfile,
    /// Nobody has proven the address, and the provider's identities are never linked.
    NeverLinked,
}

/// A native profile of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its exact user name.
    pub user_name: UserName,
    /// Its sub, for the log.
    pub sub: String,
    /// Whether the person is new and joins the default group.
    pub newcomer: bool,
    /// Other subjects of the arriving identity's provider, which are unlinked before the identity is linked.
    pub replaced: Vec<SourceIdentity>,
    /// Whether the profile shows this identity already, perhaps linked by another attribute than the one of today.
    pub links_again: bool,
}

impl Decision {
    /// The outcome's name in logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Continue(Continued::NoEmail) => "continue_no_email",
            Self::Continue(Continued::UnprovenEmail) => "continue_unproven_email",
            Self::Continue(Continued::Separate) => "continue_separate",
            Self::Continue(Continued::NoNativeProfile) => "continue_no_native_profile",
            Self::Continue(Continued::NeverLinked) => "continue_never_linked",
            Self::AlreadyLinked(_) => "already_linked",
            Self::Link(to, _) if !to.replaced.is_empty() => "replace_subject",
            Self::Link(..) => "link",
            Self::AcceptInvitation { .. } => "accept_invitation",
            Self::CreateAndLink { .. } => "create_and_link",
            Self::Replace { .. } => "replace",
            Self::Reclaim { .. } => "reclaim",
            Self::Refuse(refusal) => refusal.kind().code,
        }
    }

    /// The existing profile that the decision changes.
    #[must_use]
    pub fn target(&self) -> Option<&Destination> {
        match self {
            Self::AlreadyLinked(to) | Self::Link(to, _) | Self::AcceptInvitation { to, .. } => Some(to),
            Self::Replace { profile, .. } | Self::Reclaim { profile, .. } => Some(profile),
            Self::Continue(_) | Self::CreateAndLink { .. } | Self::Refuse(_) => None,
        }
    }

    /// Whether it must rest on current facts. A list does not show second factors. What destroys something must not rest on
    /// a list that lags, and neither must a link that needs no call: if it is gone, Cognito makes a second account and never
    /// asks again.
    pub(crate) fn needs_current_facts(&self, policy: &Policy) -> bool {
        match self {
            Self::AlreadyLinked(_) => true,
            Self::Link(..) if policy.link_with_factors == LinkWithFactors::Refuse => true,
            _ => self.is_destructive(),
        }
    }

    /// Whether carrying it out first takes every way in from somebody who never proved the address. No call takes a passkey.
    #[must_use]
    pub fn cleans(&self) -> bool {
        matches!(self, Self::Reclaim { .. } | Self::AcceptInvitation { verify: Some(_), .. })
    }

    /// Whether carrying it out destroys something, such as a password. Then it must rest on current
    /// facts: a list that lags may still show an invitation whose owner has just accepted it.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Reclaim { .. } | Self::AcceptInvitation { .. })
            || self.target().is_some_and(|to| !to.replaced.is_empty())
    }
}

/// The address of a sign-in whose meaning depends on who else has the address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claimed<'a> {
    /// The sign-in proves it.
    Proven(&'a ProvenEmail),
    /// The sign-in does not prove it, and the policy refuses the sign-in if an account has the address.
    Unproven(&'a Email),
}

impl<'a> Claimed<'a> {
    /// The address to look up, or the decision if the sign-in needs no look-up.
    pub(crate) fn by(arrival: &'a Arrival, policy: &Policy) -> ControlFlow<Decision, Self> {
        let left = |why| Break(admitted(Decision::Continue(why), arrival, policy));
        match (&arrival.email, policy.unproven_email) {
            (EmailClaim::Absent, _) => left(Continued::NoEmail),
            (EmailClaim::Unusable(why), _) => Break(Decision::Refuse(Refusal::UnusableEmail(*why))),
            (EmailClaim::Unproven(_), UnprovenEmail::Separate) => left(Continued::Separate),
            (EmailClaim::Unproven(email), UnprovenEmail::Refuse) => Continue(Self::Unproven(email)),
            (EmailClaim::Proven(email), _) => Continue(Self::Proven(email)),
        }
    }

    /// The address.
    pub(crate) fn email(self) -> &'a Email {
        match self {
            Self::Proven(email) => email.email(),
            Self::Unproven(email) => email,
        }
    }
}

/// Decides what a sign-in means. `owners` must be all profiles that have the address.
#[must_use]
pub fn decide(arrival: &Arrival, owners: &Owners, policy: &Policy) -> Decision {
    match Claimed::by(arrival, policy) {
        Continue(claimed) => decide_among(claimed, arrival, owners, policy),
        Break(decision) => decision,
    }
}

/// The same once it is known that the owners matter.
pub(crate) fn decide_among(claimed: Claimed<'_>, arrival: &Arrival, owners: &Owners, policy: &Policy) -> Decision {
    admitted(decide_for_anybody(claimed, arrival, owners, policy), arrival, policy)
}

/// Refuses newcomers whom the policy does not let in. Who has an account already is no newcomer.
fn admitted(decision: Decision, arrival: &Arrival, policy: &Policy) -> Decision {
    let refused = match &decision {
        Decision::Continue(_) | Decision::CreateAndLink { .. } | Decision::Replace { .. } => {
            if !arrival.may_join {
                return Decision::Refuse(Refusal::DomainNotAllowed);
            }
            policy.newcomers != Newcomers::Create
        }
        Decision::AcceptInvitation { .. } => policy.newcomers == Newcomers::Refuse,
        Decision::AlreadyLinked(_) | Decision::Link(..) | Decision::Reclaim { .. } | Decision::Refuse(_) => false,
    };
    if refused { Decision::Refuse(Refusal::NotInvited) } else { decision }
}

/// What the sign-in means where everybody may come.
fn decide_for_anybody(claimed: Claimed<'_>, arrival: &Arrival, owners: &Owners, policy: &Policy) -> Decision {
    let email = match claimed {
        Claimed::Proven(email) => email,
        Claimed::Unproven(_) => return unproven(arrival, owners),
    };
    if owners.keep_out() {
        return Decision::Refuse(Refusal::DisabledProfile);
    }
    let natives: Vec<&Owner> = owners.profiles.iter().filter(|owner| is_considered(owner)).collect();
    if arrival.identity == Err(Unlinkable::ByChoice) {
        return never_linked(&natives);
    }
    match natives.as_slice() {
        [] => without_native(arrival, email, owners, policy),
        [owner] => with_native(owner, arrival, email, owners, policy),
        several => match standing_out(several, arrival) {
            Some(owner) => with_native(owner, arrival, email, owners, policy),
            None => Decision::Refuse(Refusal::AmbiguousOwner),
        },
    }
}

/// Whether the profile is native and matters. A disabled one that proved nothing and has no identities does not: it is
/// never a destination, and it does not show who owns the address.
fn is_considered(owner: &Owner) -> bool {
    !owner.profile.is_stand_alone() && !owner.is_shut_squatter()
}

/// The sign-in proves nothing, so it is never linked. It is refused if it would give the owner of an account a second one.
/// An unconfirmed registration and a profile that only names the address do not count as an account: anybody can make
/// them, so they keep nobody out.
fn unproven(arrival: &Arrival, owners: &Owners) -> Decision {
    let is_somebodys = |owner: &Owner| {
        let registered = is_considered(owner) && owner.profile.status != Status::Unconfirmed;
        registered || owner.has_proven_address
    };
    if !owners.profiles.iter().any(is_somebodys) {
        return Decision::Continue(Continued::UnprovenEmail);
    }
    Decision::Refuse(match arrival.identity {
        Err(why @ Unlinkable::AmbiguousProvider) => Refusal::Unlinkable(why),
        _ => Refusal::UnprovenEmail,
    })
}

/// Only stand-alone profiles have the address, and disabled ones that proved nothing. They are never a destination.
fn without_native(arrival: &Arrival, email: &ProvenEmail, owners: &Owners, policy: &Policy) -> Decision {
    if policy.native_profile == NativeProfile::Skip {
        return Decision::Continue(Continued::NoNativeProfile);
    }
    let duplicate = owners.profiles.iter().any(|owner| owner.profile.is_stand_alone());
    // Where the address is the user name, the pool keeps it for a disabled profile, too.
    let shut = owners.profiles.iter().any(Owner::is_shut_squatter);
    match &arrival.identity {
        Err(why) => Decision::Refuse(Refusal::Unlinkable(*why)),
        Ok(_) if owners.creation_refused && owners.name_holder.is_some() => Decision::Refuse(Refusal::UserNameHeld),
        Ok(_) if shut && owners.creation_refused => Decision::Refuse(Refusal::DisabledProfile),
        Ok(_) if duplicate && owners.creation_refused => Decision::Refuse(Refusal::EmailHeldByFederatedProfile),
        Ok(identity) => Decision::CreateAndLink { identity: identity.clone(), email: email.clone(), duplicate },
    }
}

/// The provider's identities are never linked. People who have an account sign in to it another way; everybody else
/// gets a profile of their own. A native profile that never proved the address keeps nobody out.
fn never_linked(natives: &[&Owner]) -> Decision {
    if natives.iter().any(|owner| !owner.profile.enabled) {
        return Decision::Refuse(Refusal::DisabledProfile);
    }
    if natives.iter().any(|owner| owner.has_proven_address || !owner.profile.identities.is_empty()) {
        return Decision::Refuse(Refusal::Unlinkable(Unlinkable::ByChoice));
    }
    Decision::Continue(Continued::NeverLinked)
}

/// Of several native profiles, the one that already has the identity, or the only one that proved
/// the address. In alias pools anybody can register a profile with anybody's address, so being the
/// first or the oldest means nothing.
fn standing_out<'a>(several: &[&'a Owner], arrival: &Arrival) -> Option<&'a Owner> {
    let only = |fits: &dyn Fn(&Owner) -> bool| {
        let mut fitting = several.iter().copied().filter(|owner| fits(owner));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    let linked = |owner: &Owner| {
        owner.profile.status != Status::Unconfirmed
            && arrival.identity.as_ref().is_ok_and(|identity| is_linked(&owner.profile, identity))
    };
    only(&linked).or_else(|| only(&|owner| has_proof(&owner.profile)))
}

/// Whether the pool shows the address as verified, and the profile is past registration.
fn has_proof(profile: &Profile) -> bool {
    profile.email_verified
        && matches!(profile.status, Status::Confirmed | Status::ResetRequired | Status::ForceChangePassword)
}

fn with_native(owner: &Owner, arrival: &Arrival, email: &ProvenEmail, owners: &Owners, policy: &Policy) -> Decision {
    let profile = &owner.profile;
    if !profile.enabled {
        return Decision::Refuse(Refusal::DisabledProfile);
    }
    let identity = match &arrival.identity {
        Ok(identity) => identity,
        Err(why) => return Decision::Refuse(Refusal::Unlinkable(*why)),
    };
    let linked = is_linked(profile, identity);
    // A profile does not show by which attribute it was linked. If that was another one, the person would never be found.
    let links_again = linked
        && identity.attribute() != COGNITO_SUBJECT
        && profile.email_verified
        && profile.identities.len() < MAX_IDENTITIES;
    let earlier = if linked { vec![] } else { earlier_subjects(profile, identity) };
    let is_second = !earlier.is_empty();
    let replaced = if policy.second_subject == SecondSubject::Replace { earlier } else { vec![] };
    let obstacle = if is_second && policy.second_subject == SecondSubject::Refuse {
        Some(Refusal::SecondSubject)
    } else if !linked && profile.identities.len() - replaced.len() >= MAX_IDENTITIES {
        Some(Refusal::TooManyIdentities)
    } else if !linked && profile.has_second_factor && policy.link_with_factors == LinkWithFactors::Refuse {
        Some(Refusal::SecondFactor)
    } else {
        None
    };
    let to = Destination {
        user_name: profile.user_name.clone(),
        sub: profile.sub.clone(),
        newcomer: owner.is_new || profile.status == Status::ForceChangePassword,
        replaced,
        links_again,
    };
    match profile.status {
        Status::ExternalProvider | Status::Other => Decision::Refuse(Refusal::UnusableProfile),
        Status::Confirmed | Status::ResetRequired if linked && !links_again => Decision::AlreadyLinked(to),
        Status::Confirmed | Status::ResetRequired if profile.email_verified => match obstacle {
            Some(refusal) => Decision::Refuse(refusal),
            None => Decision::Link(to, identity.clone()),
        },
        // Reclaiming or deleting it would give somebody else's account away.
        _ if !has_proof(profile) && is_linked_with_others(profile, identity) => {
            Decision::Refuse(Refusal::LinkedProfile)
        }
        Status::ForceChangePassword if profile.email_verified || profile.identities.is_empty() => {
            if let Some(refusal) = obstacle.filter(|_| profile.email_verified) {
                return Decision::Refuse(refusal);
            }
            let verify = if profile.email_verified { None } else { available(email, owners, profile) };
            if verify.is_none() && !profile.email_verified {
                return Decision::Refuse(Refusal::AmbiguousOwner);
            }
            Decision::AcceptInvitation { to, identity: (!linked).then(|| identity.clone()), verify }
        }
        // A temporary password on a profile that never proved the address but has an identity is no invitation: somebody
        // was there before.
        Status::Confirmed | Status::ResetRequired | Status::ForceChangePassword => {
            if policy.unverified_profile != UnverifiedProfile::Reclaim {
                let resets = profile.status == Status::ResetRequired;
                return Decision::Refuse(if resets {
                    Refusal::PasswordResetRequired
                } else {
                    Refusal::UnverifiedProfile
                });
            }
            let Some(email) = available(email, owners, profile) else {
                return Decision::Refuse(Refusal::AmbiguousOwner);
            };
            Decision::Reclaim { profile: to, identity: identity.clone(), email }
        }
        Status::Unconfirmed if policy.unverified_profile == UnverifiedProfile::Refuse => {
            Decision::Refuse(Refusal::UnverifiedProfile)
        }
        // Nothing is deleted that could not be created again.
        Status::Unconfirmed if owners.name_holder.is_some() => Decision::Refuse(Refusal::UserNameHeld),
        Status::Unconfirmed => Decision::Replace { profile: to, identity: identity.clone(), email: email.clone() },
    }
}

fn available(email: &ProvenEmail, owners: &Owners, profile: &Profile) -> Option<AvailableEmail> {
    AvailableEmail::among(email.email(), owners.profiles.iter().map(|owner| &owner.profile), &profile.user_name)
}

/// Whether the profile shows this identity, whatever attribute it was linked by.
pub(crate) fn is_linked(profile: &Profile, identity: &SourceIdentity) -> bool {
    profile.identities.iter().any(|known| is(known, identity))
}

/// The subjects of the identity's provider that the profile is linked with and that are not the identity's own. A link in
/// another case is its own: a pool that ignores case misled whoever made that link. Where the provider links by address,
/// the address itself is the identity, so no other one shows another person.
fn earlier_subjects(profile: &Profile, identity: &SourceIdentity) -> Vec<SourceIdentity> {
    if identity.attribute() == "email" {
        return vec![];
    }
    let is_another = |known: &&Identity| {
        known.provider_name.eq_ignore_ascii_case(identity.provider())
            && known.user_id.to_lowercase() != identity.value().to_lowercase()
    };
    let source =
        |known: &Identity| SourceIdentity::linked_by(identity.provider(), identity.attribute(), &known.user_id);
    profile.identities.iter().filter(is_another).map(source).collect()
}

/// Whether somebody signs in to the profile with another identity. If its address shows as unverified, either somebody
/// stored an address without proof, or a sign-in took the mark away from the address's owner.
pub(crate) fn is_linked_with_others(profile: &Profile, identity: &SourceIdentity) -> bool {
    profile.identities.iter().any(|known| !is(known, identity))
}

/// Subjects are compared by case, as Cognito does; provider names appear in either case.
fn is(known: &Identity, identity: &SourceIdentity) -> bool {
    known.user_id == identity.value() && known.provider_name.eq_ignore_ascii_case(identity.provider())
}

#[cfg(test)]
mod tests;
