use cognito_core::email::InvalidEmail;
use cognito_core::failure::{Failure, Kind};

const IN_USE: &str = "This email address is already in use, please sign in the way you did before";
const UNUSABLE: &str = "This account cannot be used, please contact support";
const NOT_CREATED: &str = "An account with this email address cannot be created, please contact support";
const NOT_SET_UP: &str = "This sign-in method is not set up completely, please contact support";

macro_rules! refusals {
    (
        Refusal { $($(#[$about:meta])* $refusal:ident = $code:literal, $text:expr, $advice:literal;)* }
        Unlinkable { $($(#[$why:meta])* $unlinkable:ident = $its_code:literal, $its_text:expr, $its_advice:literal;)* }
    ) => {
        /// Why a sign-in is refused. Each has a stable code and a public text. The text tells the person what
        /// they can do. A stranger learns from it only that the address is in use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            /// The address cannot be looked up safely, or software may read it as another one.
            UnusableEmail(InvalidEmail),
            $($(#[$about])* $refusal,)*
            /// The identity itself cannot be linked.
            Unlinkable(Unlinkable),
        }

        /// Why an identity can be linked to no account at all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Unlinkable {
            $($(#[$why])* $unlinkable,)*
        }

        impl Refusal {
            #[cfg(test)]
            const ALL: &[Self] = &[
                Self::UnusableEmail(InvalidEmail::Syntax),
                $(Self::$refusal,)*
                $(Self::Unlinkable(Unlinkable::$unlinkable),)*
            ];

            /// The stable code and the public text.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self {
                    Self::UnusableEmail(_) => Kind::refusal("unusable_email", "This email address is not supported"),
                    $(Self::$refusal => Kind::refusal($code, $text),)*
                    $(Self::Unlinkable(Unlinkable::$unlinkable) => Kind::refusal($its_code, $its_text),)*
                }
            }

            /// What the operator should know, for the log. It never holds the address.
            fn advice(self) -> String {
                let text = match self {
                    Self::UnusableEmail(why) => return why.to_string(),
                    $(Self::$refusal => $advice,)*
                    $(Self::Unlinkable(Unlinkable::$unlinkable) => $its_advice,)*
                };
                text.to_owned()
            }
        }
    };
}

// Stable code, public text, and what the operator should know.
refusals! {
    Refusal {
        /// Somebody has the address, and this identity did not prove it.
        UnprovenEmail = "unproven_email", IN_USE,
            "somebody has the address, and PROVIDERS does not take this sign-in for proof of it: the provider sent no \
             email_verified that is true, the claim is not mapped, or the provider is not trusted";
        /// The profile never proved the address.
        UnverifiedProfile = "unverified_profile",
            "An account with this email address is waiting to be confirmed, please sign in with your password and \
             confirm your email address first, or contact support",
            "the profile never proved the address, and UNVERIFIED_PROFILE leaves it alone";
        /// The same, and an administrator reset its password: no password opens it, and no code goes to the address.
        PasswordResetRequired = "password_reset_required",
            "The password of the account with this email address must be reset first, please contact support",
            "the profile waits for a new password (RESET_REQUIRED) and never proved the address, so no password opens \
             it and no code goes to the address, and UNVERIFIED_PROFILE leaves it alone. If the address is theirs, \
             verify it with `cognito-triggers verify-email`: the next sign-in is linked, and \"forgot password\" sends \
             a code";
        /// Somebody signs in with another identity to the profile, which never proved the address.
        LinkedProfile = "linked_profile",
            "This email address is already in use, please sign in the way you did before or contact support",
            "somebody signs in through a provider to the profile that has the address, which never proved it. If the \
             address is theirs, verify it with `cognito-triggers verify-email`; if not, take it off the profile";
        /// An administrator disabled the profile, or another one that proved the address.
        DisabledProfile = "disabled_profile", "This account is disabled, please contact support",
            "an administrator disabled the profile that has the address, or another one that proved it; if it never \
             proved the address and keeps its owner out, delete it";
        /// The profile is archived, compromised, or in a state that is not known here.
        UnusableProfile = "unusable_profile", UNUSABLE, "the profile's status is archived, compromised or not known";
        /// The profile's user name is the `sub` of another profile.
        BorrowedSub = "borrowed_sub", UNUSABLE,
            "the profile's user name is the sub of another profile, so what is done to the one might reach the other; \
             look at both, then delete the profile with this user name";
        /// The person has no account, and the policy makes none for them.
        NotInvited = "not_invited", "There is no account for you here yet, please ask for an invitation",
            "nobody whom this sign-in proves to be the person has an account, and NEWCOMERS lets in only people whom an \
             administrator invited, or nobody";
        /// The operator lets nobody with an address of this domain have an account.
        DomainNotAllowed = "domain_not_allowed", "An account with this email address is not possible here",
            "nobody whom this sign-in proves to be the person has an account, and ALLOWED_DOMAINS or DENIED_DOMAINS \
             keep addresses of this domain from getting one. With ALLOWED_DOMAINS, an address must be there";
        /// Several native profiles have the address and none stands out.
        AmbiguousOwner = "ambiguous_owner",
            "More than one account uses this email address, please sign in with your password or contact support",
            "several native profiles have the address, and not exactly one of them proved it";
        /// The profile holds the five identities that Cognito allows.
        TooManyIdentities = "too_many_identities",
            "This account is already connected to the most sign-in methods possible",
            "the profile holds five identities, the most that Cognito allows; unlink one that is no longer used. If \
             they are all of one provider, its subjects change at each sign-in: give people a lasting one (SAML: a \
             persistent NameID), link it by a mapped attribute in PROVIDERS, or set SECOND_SUBJECT=replace";
        /// Another subject of the same provider is linked to the profile.
        SecondSubject = "second_subject",
            "The account with this email address is connected to another sign-in of this provider, please use that one \
             or contact support",
            "another subject of this provider is linked to the profile. If the address belongs to another person now, \
             or several people share it, change the address of the profile. If it is the same person, unlink the old \
             subject with `cognito-triggers unlink`. If the provider changes its subjects, give people lasting ones \
             (SAML: a persistent NameID), link it by a mapped attribute in PROVIDERS, or set SECOND_SUBJECT=replace";
        /// The profile has a second factor, which a linked identity would go around.
        SecondFactor = "second_factor",
            "The account with this email address is protected by a second factor, please sign in with your password",
            "the profile has a second factor, for which Cognito does not ask after a sign-in of a linked provider, and \
             LINK_WITH_FACTORS is refuse";
        /// A stand-alone federated profile holds the address, and the pool allows no second owner.
        EmailHeldByFederatedProfile = "email_held_by_federated_profile", IN_USE,
            "merge the stand-alone federated profile first";
        /// A profile with another address, or none, has this address as its user name, so no profile can be created.
        UserNameHeld = "user_name_held", NOT_CREATED,
            "the pool takes the address, or the name derived from it, for the user name of a profile with another \
             address or none, whose sub is logged if the pool shows it; look at that profile, then delete it or change \
             its address";
        /// The pool requires a phone number, which is a user name as well, and somebody else has the one that came.
        PhoneNumberHeld = "phone_number_held", NOT_CREATED,
            "the pool requires a phone number and takes it for a user name, and the profile whose sub is logged has the \
             one that came; change the number there or at the provider, or stop requiring one: a phone number proves \
             nothing here";
        /// The new profile would lack an attribute that the pool requires, so the one in its place is not deleted.
        RequiredAttribute = "required_attribute_missing", NOT_CREATED,
            "a registration that was never confirmed has the address. It was not deleted, because the pool requires \
             attributes that this sign-in does not bring or NATIVE_ATTRIBUTES does not name; they are logged. Map them \
             in the pool's provider and add them to NATIVE_ATTRIBUTES";
        /// The profile to reclaim has a passkey, which an administrator cannot remove.
        PasskeyOnProfile = "passkey_on_profile",
            "An account with this email address is waiting to be confirmed, please contact support",
            "the profile holds a passkey, which no administrator's call removes";
    }
    Unlinkable {
        /// The provider is not configured, so it is not known where its name ends and the subject begins.
        UnlistedProvider = "unlisted_provider", NOT_SET_UP, "no name in PROVIDERS matches the provider";
        /// Several configured names fit, so the identity may be of another provider than it seems.
        AmbiguousProvider = "ambiguous_provider", NOT_SET_UP,
            "the user name fits two names in PROVIDERS, because one of them and an underscore begin the other, so it \
             does not show which provider the person came from; give one of the two providers another name in the pool";
        /// The subject may have lost the case of its letters on the way. A link with the wrong case is
        /// accepted, and every later sign-in then fails.
        UnreliableSubject = "unreliable_subject", NOT_SET_UP,
            "the pool ignores case, so the subject may have lost its upper-case letters; remedies: attach the inbound \
             federation trigger and set SUBJECT_ATTRIBUTE (not for SAML), or link this provider by a mapped attribute \
             in PROVIDERS, or use a case-sensitive pool with POOL_CASE_SENSITIVE=true";
        /// The operator chose that this provider's identities are never linked.
        ByChoice = "provider_not_linked", IN_USE,
            "somebody has proven the address, and PROVIDERS says that this provider's identities are never linked";
        /// The provider links by an attribute that the sign-in did not bring.
        MissingAttribute = "missing_attribute", NOT_SET_UP,
            "the attribute that PROVIDERS links this provider by is not mapped or came empty";
        /// Longer than the 128 characters that Cognito accepts.
        TooLong = "identity_too_long", "This sign-in method is not supported, please use another one",
            "provider name, attribute name and value together exceed 128 characters";
    }
}

impl Refusal {
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

    #[test]
    fn every_refusal_has_its_own_code_and_a_text_without_a_full_stop() {
        assert_eq!(
            Refusal::ALL.iter().map(|refusal| refusal.kind().code).collect::<HashSet<_>>().len(),
            Refusal::ALL.len()
        );
        assert!(Refusal::ALL.iter().all(|refusal| !refusal.kind().message.ends_with('.') && refusal.kind().refusal));
    }

    #[test]
    fn the_readme_lists_every_refusal_with_its_text() {
        for kind in Refusal::ALL.iter().map(|refusal| refusal.kind()) {
            assert!(cognito_core::testing::is_documented(kind), "{}", kind.code);
        }
    }

    #[test]
    fn every_refusal_says_why_in_the_log() {
        assert!(Refusal::ALL.iter().all(|refusal| !refusal.into_failure().cause_chain().is_empty()));
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
