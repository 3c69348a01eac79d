use crate::arrival::Arrival;
use crate::owners::{Owner, Owners};
use crate::policy::{NativeProfile, Policy, UnprovenEmail, UnverifiedProfile};
use crate::refusal::Refusal;
use cognito_core::email::{EmailClaim, ProvenEmail};
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Identity, Profile, Status, UserName};

/// The most identities a profile may hold (Cognito quota, not adjustable).
const MAX_IDENTITIES: usize = 5;

/// What a sign-in means. Every outcome has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Leave the sign-in to Cognito, which makes a stand-alone profile.
    Continue(Continued),
    /// The identity signs in to this profile already: an earlier invocation got that far.
    AlreadyLinked(Destination),
    /// Link to a profile that proved the address itself.
    Link(Destination, SourceIdentity),
    /// Link to a profile with a temporary password, which is replaced.
    AcceptInvitation {
        /// The invited profile.
        to: Destination,
        /// The identity, or `None` if it is linked already.
        identity: Option<SourceIdentity>,
        /// The address to verify if it is not yet; then what is left of an earlier life goes too.
        verify: Option<ProvenEmail>,
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
        /// The identities that somebody else tied to it.
        unlink: Vec<Identity>,
        /// The identity to link.
        identity: SourceIdentity,
        /// The address to verify.
        email: ProvenEmail,
    },
    /// Refuse the sign-in.
    Refuse(Refusal),
}

/// Why a sign-in is left to Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Continued {
    /// No address came along.
    NoEmail,
    /// The address is not proven, and nobody has it.
    UnprovenEmail,
    /// The address is not proven, and the policy separates such people.
    Separate,
    /// Nobody has the address, and the policy creates no native profiles.
    NoNativeProfile,
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
            Self::AlreadyLinked(_) => "already_linked",
            Self::Link(..) => "link",
            Self::AcceptInvitation { .. } => "accept_invitation",
            Self::CreateAndLink { .. } => "create_and_link",
            Self::Replace { .. } => "replace",
            Self::Reclaim { .. } => "reclaim",
            Self::Refuse(refusal) => refusal.kind().code,
        }
    }

    /// The profile that is there already and that carrying it out changes.
    #[must_use]
    pub fn target(&self) -> Option<&Destination> {
        match self {
            Self::AlreadyLinked(to) | Self::Link(to, _) | Self::AcceptInvitation { to, .. } => Some(to),
            Self::Replace { profile, .. } | Self::Reclaim { profile, .. } => Some(profile),
            Self::Continue(_) | Self::CreateAndLink { .. } | Self::Refuse(_) => None,
        }
    }

    /// Whether carrying it out destroys something, a password included, so that it must rest on
    /// current facts: a list that lags may still show an invitation whose owner has just accepted it.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Reclaim { .. } | Self::AcceptInvitation { .. })
    }
}

/// The decision for sign-ins that need no look-up; `None` if the owners of the address matter.
#[must_use]
pub fn decide_without_owners(arrival: &Arrival, policy: &Policy) -> Option<Decision> {
    match (&arrival.email, policy.unproven_email) {
        (EmailClaim::Absent, _) => Some(Decision::Continue(Continued::NoEmail)),
        (EmailClaim::Unusable(why), _) => Some(Decision::Refuse(Refusal::UnusableEmail(*why))),
        (EmailClaim::Unproven(_), UnprovenEmail::Separate) => Some(Decision::Continue(Continued::Separate)),
        (EmailClaim::Unproven(_), UnprovenEmail::Refuse) | (EmailClaim::Proven(_), _) => None,
    }
}

/// Decides what a sign-in means. `owners` must be all profiles that have the address.
#[must_use]
pub fn decide(arrival: &Arrival, owners: &Owners, policy: &Policy) -> Decision {
    if let Some(decision) = decide_without_owners(arrival, policy) {
        return decision;
    }
    let EmailClaim::Proven(email) = &arrival.email else {
        let free = owners.profiles.is_empty();
        return if free {
            Decision::Continue(Continued::UnprovenEmail)
        } else {
            Decision::Refuse(Refusal::UnprovenEmail)
        };
    };
    let natives: Vec<&Owner> = owners.profiles.iter().filter(|owner| !owner.profile.is_stand_alone()).collect();
    match natives.as_slice() {
        [] => without_native(arrival, email, owners, policy),
        [owner] => with_native(owner, arrival, email, policy),
        several => match standing_out(several, arrival) {
            Some(owner) => with_native(owner, arrival, email, policy),
            None => Decision::Refuse(Refusal::AmbiguousOwner),
        },
    }
}

fn without_native(arrival: &Arrival, email: &ProvenEmail, owners: &Owners, policy: &Policy) -> Decision {
    if policy.native_profile == NativeProfile::Skip {
        return Decision::Continue(Continued::NoNativeProfile);
    }
    // Only stand-alone profiles are left here. They are never a destination; but whoever was shut out of one does not get
    // another account with the same address. One that never proved the address says nothing about its owner.
    if owners.profiles.iter().any(|owner| !owner.profile.enabled && owner.profile.email_verified) {
        return Decision::Refuse(Refusal::DisabledProfile);
    }
    let duplicate = !owners.profiles.is_empty();
    match &arrival.identity {
        Err(why) => Decision::Refuse(Refusal::Unlinkable(*why)),
        Ok(_) if duplicate && owners.creation_refused => Decision::Refuse(Refusal::EmailHeldByFederatedProfile),
        Ok(identity) => Decision::CreateAndLink { identity: identity.clone(), email: email.clone(), duplicate },
    }
}

/// Of several native profiles, the one that already has the identity, or the only one that proved
/// the address. In alias pools anybody may register a profile with anybody's address, so neither
/// the first nor the oldest means anything.
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

/// The pool holds the address for verified, and the profile is past registration.
fn has_proof(profile: &Profile) -> bool {
    profile.email_verified
        && matches!(profile.status, Status::Confirmed | Status::ResetRequired | Status::ForceChangePassword)
}

fn with_native(owner: &Owner, arrival: &Arrival, email: &ProvenEmail, policy: &Policy) -> Decision {
    let profile = &owner.profile;
    if !profile.enabled {
        return Decision::Refuse(Refusal::DisabledProfile);
    }
    let identity = match &arrival.identity {
        Ok(identity) => identity,
        Err(why) => return Decision::Refuse(Refusal::Unlinkable(*why)),
    };
    let to = Destination {
        user_name: profile.user_name.clone(),
        sub: profile.sub.clone(),
        newcomer: owner.is_new || profile.status == Status::ForceChangePassword,
    };
    let linked = is_linked(profile, identity);
    let room = linked || profile.identities.len() < MAX_IDENTITIES;
    match profile.status {
        Status::Confirmed | Status::ResetRequired if linked => Decision::AlreadyLinked(to),
        Status::Confirmed | Status::ResetRequired if profile.email_verified && room => {
            Decision::Link(to, identity.clone())
        }
        Status::Confirmed | Status::ResetRequired if profile.email_verified => {
            Decision::Refuse(Refusal::TooManyIdentities)
        }
        // A temporary password on a profile that never proved the address but has identities is no
        // invitation: somebody was there before.
        Status::ForceChangePassword if profile.email_verified || profile.identities.is_empty() => {
            if room {
                Decision::AcceptInvitation {
                    to,
                    identity: (!linked).then(|| identity.clone()),
                    verify: (!profile.email_verified).then(|| email.clone()),
                }
            } else {
                Decision::Refuse(Refusal::TooManyIdentities)
            }
        }
        Status::Confirmed | Status::ResetRequired | Status::ForceChangePassword => {
            unverified(profile, to, identity, email, policy)
        }
        Status::Unconfirmed => match policy.unverified_profile {
            UnverifiedProfile::Refuse => Decision::Refuse(Refusal::UnverifiedProfile),
            UnverifiedProfile::Replace | UnverifiedProfile::Reclaim => {
                Decision::Replace { profile: to, identity: identity.clone(), email: email.clone() }
            }
        },
        Status::ExternalProvider | Status::Other => Decision::Refuse(Refusal::UnusableProfile),
    }
}

fn unverified(
    profile: &Profile,
    to: Destination,
    identity: &SourceIdentity,
    email: &ProvenEmail,
    policy: &Policy,
) -> Decision {
    match policy.unverified_profile {
        UnverifiedProfile::Replace | UnverifiedProfile::Refuse => Decision::Refuse(Refusal::UnverifiedProfile),
        UnverifiedProfile::Reclaim => Decision::Reclaim {
            profile: to,
            unlink: profile.identities.iter().filter(|known| !is(known, identity)).cloned().collect(),
            identity: identity.clone(),
            email: email.clone(),
        },
    }
}

fn is_linked(profile: &Profile, identity: &SourceIdentity) -> bool {
    profile.identities.iter().any(|known| is(known, identity))
}

/// Subjects are compared by case, as Cognito does; provider names appear in either case.
fn is(known: &Identity, identity: &SourceIdentity) -> bool {
    known.user_id == identity.value() && known.provider_name.eq_ignore_ascii_case(identity.provider())
}

#[cfg(test)]
mod tests;
