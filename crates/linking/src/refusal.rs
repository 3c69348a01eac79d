use crate::arrival::Unlinkable;
use cognito_core::email::InvalidEmail;
use cognito_core::failure::{Failure, Kind};

/// Why a sign-in is refused. Each has a stable code and a public text. The text tells the person what
/// they can do. A stranger learns from it only that the address is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The address cannot be looked up safely, or software may read it as another one.
    UnusableEmail(InvalidEmail),
    /// Somebody has the address, and this identity did not prove it.
    UnprovenEmail,
    /// The profile never proved the address.
    UnverifiedProfile,
    /// The same, and an administrator reset its password: no password opens it, and no code goes to the address.
    PasswordResetRequired,
    /// Somebody signs in with another identity to the profile, which never proved the address.
    LinkedProfile,
    /// An administrator disabled the profile, or another one that proved the address.
    DisabledProfile,
    /// The profile is archived, compromised, or in a state that is not known here.
    UnusableProfile,
    /// The profile's user name is the `sub` of another profile.
    BorrowedSub,
    /// The person has no account, and the policy makes none for them.
    NotInvited,
    /// The operator lets nobody with an address of this domain have an account.
    DomainNotAllowed,
    /// Several native profiles have the address and none stands out.
    AmbiguousOwner,
    /// The profile holds the five identities that Cognito allows.
    TooManyIdentities,
    /// Another subject of the same provider is linked to the profile.
    SecondSubject,
    /// The profile has a second factor, which a linked identity would go around.
    SecondFactor,
    /// A stand-alone federated profile holds the address, and the pool allows no second owner.
    EmailHeldByFederatedProfile,
    /// A profile with another address, or none, has this address as its user name, so no profile can be created.
    UserNameHeld,
    /// The pool requires a phone number, which is a user name as well, and somebody else has the one that came.
    PhoneNumberHeld,
    /// The new profile would lack an attribute that the pool requires, so the one in its place is not deleted.
    RequiredAttribute,
    /// The profile to reclaim has a passkey, which an administrator cannot remove.
    PasskeyOnProfile,
    /// The identity itself cannot be linked.
    Unlinkable(Unlinkable),
}

impl Refusal {
    /// The stable code and the public text.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::UnusableEmail(_) => Kind::refusal("unusable_email", "This email address is not supported"),
            Self::UnprovenEmail => Kind::refusal(
                "unproven_email",
                "This email address is already in use, please sign in the way you did before",
            ),
            Self::UnverifiedProfile => Kind::refusal(
                "unverified_profile",
                "An account with this email address is waiting to be confirmed, \
                 please sign in with your password and confirm your email address first, or contact support",
            ),
            Self::PasswordResetRequired => Kind::refusal(
                "password_reset_required",
                "The password of the account with this email address must be reset first, please contact support",
            ),
            Self::LinkedProfile => Kind::refusal(
                "linked_profile",
                "This email address is already in use, please sign in the way you did before or contact support",
            ),
            Self::DisabledProfile => {
                Kind::refusal("disabled_profile", "This account is disabled, please contact support")
            }
            Self::UnusableProfile => {
                Kind::refusal("unusable_profile", "This account cannot be used, please contact support")
            }
            Self::BorrowedSub => Kind::refusal("borrowed_sub", "This account cannot be used, please contact support"),
            Self::DomainNotAllowed => {
                Kind::refusal("domain_not_allowed", "An account with this email address is not possible here")
            }
            Self::NotInvited => {
                Kind::refusal("not_invited", "There is no account for you here yet, please ask for an invitation")
            }
            Self::AmbiguousOwner => Kind::refusal(
                "ambiguous_owner",
                "More than one account uses this email address, please sign in with your password or contact support",
            ),
            Self::TooManyIdentities => Kind::refusal(
                "too_many_identities",
                "This account is already connected to the most sign-in methods possible",
            ),
            Self::SecondSubject => Kind::refusal(
                "second_subject",
                "The account with this email address is connected to another sign-in of this provider, \
                 please use that one or contact support",
            ),
            Self::SecondFactor => Kind::refusal(
                "second_factor",
                "The account with this email address is protected by a second factor, please sign in with your password",
            ),
            Self::EmailHeldByFederatedProfile => Kind::refusal(
                "email_held_by_federated_profile",
                "This email address is already in use, please sign in the way you did before",
            ),
            Self::UserNameHeld => Kind::refusal(
                "user_name_held",
                "An account with this email address cannot be created, please contact support",
            ),
            Self::PhoneNumberHeld => Kind::refusal(
                "phone_number_held",
                "An account with this email address cannot be created, please contact support",
            ),
            Self::RequiredAttribute => Kind::refusal(
                "required_attribute_missing",
                "An account with this email address cannot be created, please contact support",
            ),
            Self::PasskeyOnProfile => Kind::refusal(
                "passkey_on_profile",
                "An account with this email address is waiting to be confirmed, please contact support",
            ),
            Self::Unlinkable(Unlinkable::UnlistedProvider) => Kind::refusal(
                "unlisted_provider",
                "This sign-in method is not set up completely, please contact support",
            ),
            Self::Unlinkable(Unlinkable::AmbiguousProvider) => Kind::refusal(
                "ambiguous_provider",
                "This sign-in method is not set up completely, please contact support",
            ),
            Self::Unlinkable(Unlinkable::UnreliableSubject) => Kind::refusal(
                "unreliable_subject",
                "This sign-in method is not set up completely, please contact support",
            ),
            Self::Unlinkable(Unlinkable::ByChoice) => Kind::refusal(
                "provider_not_linked",
                "This email address is already in use, please sign in the way you did before",
            ),
            Self::Unlinkable(Unlinkable::MissingAttribute) => Kind::refusal(
                "missing_attribute",
                "This sign-in method is not set up completely, please contact support",
            ),
            Self::Unlinkable(Unlinkable::TooLong) => {
                Kind::refusal("identity_too_long", "This sign-in method is not supported, please use another one")
            }
        }
    }

    /// What the operator should know, for the log. It never holds the address.
    fn advice(self) -> String {
        let text = match self {
            Self::UnusableEmail(why) => return why.to_string(),
            Self::UnprovenEmail => {
                "somebody has the address, and PROVIDERS does not take this sign-in for proof of it: the provider sent no \
                 email_verified that is true, the claim is not mapped, or the provider is not trusted"
            }
            Self::UnverifiedProfile => "the profile never proved the address, and UNVERIFIED_PROFILE leaves it alone",
            Self::PasswordResetRequired => {
                "the profile waits for a new password (RESET_REQUIRED) and never proved the address, so no password opens it \
                 and no code goes to the address, and UNVERIFIED_PROFILE leaves it alone. If the address is theirs, verify it \
                 with `cognito-triggers verify-email`: the next sign-in is linked, and \"forgot password\" sends a code"
            }
            Self::LinkedProfile => {
                "somebody signs in through a provider to the profile that has the address, which never proved it. If the \
                 address is theirs, verify it with `cognito-triggers verify-email`; if not, take it off the profile"
            }
            Self::DisabledProfile => {
                "an administrator disabled the profile that has the address, or another one that proved it; if it never \
                 proved the address and keeps its owner out, delete it"
            }
            Self::UnusableProfile => "the profile's status is archived, compromised or not known",
            Self::NotInvited => {
                "nobody whom this sign-in proves to be the person has an account, and NEWCOMERS lets in only people whom an \
                 administrator invited, or nobody"
            }
            Self::DomainNotAllowed => {
                "nobody whom this sign-in proves to be the person has an account, and ALLOWED_DOMAINS or DENIED_DOMAINS keep \
                 addresses of this domain from getting one. With ALLOWED_DOMAINS, an address must be there"
            }
            Self::AmbiguousOwner => "several native profiles have the address, and not exactly one of them proved it",
            Self::TooManyIdentities => {
                "the profile holds five identities, the most that Cognito allows; unlink one that is no longer used. If \
                 they are all of one provider, its subjects change at each sign-in: give people a lasting one (SAML: a \
                 persistent NameID), link it by a mapped attribute in PROVIDERS, or set SECOND_SUBJECT=replace"
            }
            Self::SecondSubject => {
                "another subject of this provider is linked to the profile. If the address belongs to another person now, or \
                 several people share it, change the address of the profile. If it is the same person, unlink the old subject \
                 with `cognito-triggers unlink`. If the provider changes its subjects, give people lasting ones (SAML: a \
                 persistent NameID), link it by a mapped attribute in PROVIDERS, or set SECOND_SUBJECT=replace"
            }
            Self::SecondFactor => {
                "the profile has a second factor, for which Cognito does not ask after a sign-in of a linked provider, and \
                 LINK_WITH_FACTORS is refuse"
            }
            Self::RequiredAttribute => {
                "a registration that was never confirmed has the address. It was not deleted, because the pool requires \
                 attributes that this sign-in does not bring or NATIVE_ATTRIBUTES does not name; they are logged. Map them in \
                 the pool's provider and add them to NATIVE_ATTRIBUTES"
            }
            Self::PasskeyOnProfile => "the profile holds a passkey, which no administrator's call removes",
            Self::Unlinkable(Unlinkable::ByChoice) => {
                "somebody has proven the address, and PROVIDERS says that this provider's identities are never linked"
            }
            Self::Unlinkable(Unlinkable::TooLong) => {
                "provider name, attribute name and value together exceed 128 characters"
            }
            Self::Unlinkable(Unlinkable::UnreliableSubject) => {
                "the pool ignores case, so the subject may have lost its upper-case letters; remedies: attach the \
                 inbound federation trigger and set SUBJECT_ATTRIBUTE (not for SAML), or link this provider by a mapped attribute in \
                 PROVIDERS, or use a case-sensitive pool with POOL_CASE_SENSITIVE=true"
            }
            Self::Unlinkable(Unlinkable::UnlistedProvider) => "no name in PROVIDERS matches the provider",
            Self::Unlinkable(Unlinkable::AmbiguousProvider) => {
                "the user name fits two names in PROVIDERS, because one of them and an underscore begin the other, so it \
                 does not show which provider the person came from; give one of the two providers another name in the pool"
            }
            Self::Unlinkable(Unlinkable::MissingAttribute) => {
                "the attribute that PROVIDERS links this provider by is not mapped or came empty"
            }
            Self::BorrowedSub => {
                "the profile's user name is the sub of another profile, so what is done to the one might reach the \
                 other; look at both, then delete the profile with this user name"
            }
            Self::UserNameHeld => {
                "the pool takes the address, or the name derived from it, for the user name of a profile with another address \
                 or none, whose sub is logged if the pool shows it; look at that profile, then delete it or change its address"
            }
            Self::PhoneNumberHeld => {
                "the pool requires a phone number and takes it for a user name, and the profile whose sub is logged has the \
                 one that came; change the number there or at the provider, or stop requiring one: a phone number proves \
                 nothing here"
            }
            Self::EmailHeldByFederatedProfile => "merge the stand-alone federated profile first",
        };
        text.to_owned()
    }

    /// The failure that Cognito is answered with.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        Failure::because(self.kind(), self.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: [Refusal; 25] = [
        Refusal::UnusableEmail(InvalidEmail::Syntax),
        Refusal::UnprovenEmail,
        Refusal::UnverifiedProfile,
        Refusal::PasswordResetRequired,
        Refusal::LinkedProfile,
        Refusal::DisabledProfile,
        Refusal::UnusableProfile,
        Refusal::NotInvited,
        Refusal::DomainNotAllowed,
        Refusal::AmbiguousOwner,
        Refusal::BorrowedSub,
        Refusal::TooManyIdentities,
        Refusal::SecondSubject,
        Refusal::RequiredAttribute,
        Refusal::SecondFactor,
        Refusal::EmailHeldByFederatedProfile,
        Refusal::PasskeyOnProfile,
        Refusal::UserNameHeld,
        Refusal::PhoneNumberHeld,
        Refusal::Unlinkable(Unlinkable::UnlistedProvider),
        Refusal::Unlinkable(Unlinkable::AmbiguousProvider),
        Refusal::Unlinkable(Unlinkable::UnreliableSubject),
        Refusal::Unlinkable(Unlinkable::ByChoice),
        Refusal::Unlinkable(Unlinkable::MissingAttribute),
        Refusal::Unlinkable(Unlinkable::TooLong),
    ];

    #[test]
    fn every_refusal_has_its_own_code_and_a_text_without_a_full_stop() {
        assert_eq!(ALL.iter().map(|refusal| refusal.kind().code).collect::<HashSet<_>>().len(), ALL.len());
        assert!(ALL.iter().all(|refusal| !refusal.kind().message.ends_with('.') && refusal.kind().refusal));
    }

    #[test]
    fn the_readme_lists_every_refusal_with_its_text() {
        for kind in ALL.map(Refusal::kind) {
            assert!(cognito_core::testing::is_documented(kind), "{}", kind.code);
        }
    }

    #[test]
    fn every_refusal_says_why_in_the_log() {
        assert!(ALL.iter().all(|refusal| !refusal.into_failure().cause_chain().is_empty()));
        for (why, word) in [
            (InvalidEmail::Syntax, "syntax"),
            (InvalidEmail::Unsafe, "characters"),
            (InvalidEmail::TooLong, "length"),
            (InvalidEmail::Ambiguous, "ambiguous"),
            (InvalidEmail::Several, "several"),
        ] {
            assert!(Refusal::UnusableEmail(why).into_failure().cause_chain().starts_with(word));
        }
    }

    #[test]
    fn subjects_that_change_name_their_remedies_in_the_log_only() {
        for refusal in [Refusal::SecondSubject, Refusal::TooManyIdentities] {
            let failure = refusal.into_failure();
            for remedy in ["persistent NameID", "PROVIDERS", "SECOND_SUBJECT=replace", "unlink"] {
                assert!(failure.cause_chain().contains(remedy) && !failure.to_string().contains(remedy), "{remedy}");
            }
        }
    }

    #[test]
    fn an_unreliable_subject_names_its_three_remedies_in_the_log_only() {
        let failure = Refusal::Unlinkable(Unlinkable::UnreliableSubject).into_failure();
        for remedy in ["SUBJECT_ATTRIBUTE", "PROVIDERS", "POOL_CASE_SENSITIVE"] {
            assert!(failure.cause_chain().contains(remedy) && !failure.to_string().contains(remedy));
        }
    }
}
