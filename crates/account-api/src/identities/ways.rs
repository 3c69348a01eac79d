//! What an account signs in with, and what of it may be taken away.

use crate::code::Sealer;
use crate::mask::masked;
use cognito_core::email::Email;
use cognito_core::user_pool::{Identity, Profile, ProfileRecord, Status, UnreadableIdentities};
use linking::MAX_IDENTITIES;
use serde::Serialize;
use utoipa::ToSchema;

/// Every way to sign in of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WaysToSignIn)]
pub struct Ways {
    /// The account's `sub`.
    pub sub: String,
    /// Whether the account has a password that its owner knows.
    pub password: PasswordState,
    /// Whether the address is verified, so that "forgot password" works.
    pub email_verified: bool,
    /// The providers that are connected.
    pub identities: Vec<ConnectedIdentity>,
    /// Whether the account may get one more. An account that was made for a provider's sign-in gets none, Cognito allows
    /// five, and the address has to be verified, because its mailbox approves.
    pub may_connect: bool,
    /// Whether the account has a passkey. Cognito tells the number only to the person: `ListWebAuthnCredentials`.
    pub passkeys: Passkeys,
    /// The second factors that are switched on, in Cognito's words.
    #[schema(example = json!(["SOFTWARE_TOKEN_MFA"]))]
    pub second_factors: Vec<String>,
}

/// Whether an account has a password that its owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordState {
    /// It has none.
    None,
    /// It has one and nothing else, and its owner signed in.
    Known,
    /// It has one. Nobody knows it if the account was made for a provider's sign-in and its owner never set another.
    /// Cognito does not tell.
    Unknown,
}

/// Whether an account has a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Passkeys {
    /// It has none.
    None,
    /// It has at least one.
    Some,
    /// Cognito does not tell.
    Unknown,
}

/// A provider that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectedIdentity)]
pub struct ConnectedIdentity {
    /// Names it in this API. It says nothing about who the person is at the provider.
    #[schema(example = "5f0c9a3b7d2e4f6180a1b2c3d4e5f607")]
    pub id: String,
    /// The provider's name in the pool.
    #[schema(example = "SignInWithApple")]
    pub provider: String,
    /// What people call it.
    #[schema(example = "Apple")]
    pub label: String,
    /// The address that the person has there, masked, where the pool knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a***@example.com")]
    pub account: Option<String>,
    /// When it was connected, in seconds since 1970, where the pool tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<u64>,
    /// Whether the account was made for it.
    pub primary: bool,
    /// Why it cannot be disconnected. Absent if it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,
}

/// Why an identity cannot be disconnected: the code of the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fixed {
    /// The account was made for it.
    OwnIdentity,
    /// It is the only one, and the account has no password.
    OnlyWayIn,
    /// It is the only one, and "forgot password" does not work, because the address is not verified.
    EmailUnverified,
    /// The account is not open.
    AccountUnusable,
}

/// An account and what it signs in with, as the pool shows it now.
pub(super) struct Account {
    pub(super) profile: Profile,
    /// Its sign-in factors in Cognito's words; `None` if Cognito does not tell.
    factors: Option<Vec<String>>,
    second_factors: Vec<String>,
}

impl Account {
    /// `factors` are its sign-in factors in Cognito's words; `None` if Cognito does not tell.
    pub(super) fn read(record: &ProfileRecord, factors: Option<Vec<String>>) -> Result<Self, UnreadableIdentities> {
        Ok(Self { profile: record.profile()?, factors, second_factors: record.mfa.enabled.clone() })
    }

    fn has(&self, factor: &str) -> bool {
        self.factors.iter().flatten().any(|known| known == factor)
    }

    /// Why this identity has to stay.
    pub(super) fn fixed(&self, identity: &Identity) -> Option<Fixed> {
        let profile = &self.profile;
        if identity.primary || profile.is_stand_alone() {
            return Some(Fixed::OwnIdentity);
        }
        if profile.status != Status::Confirmed || !profile.enabled {
            return Some(Fixed::AccountUnusable);
        }
        if profile.identities.len() > 1 {
            return None;
        }
        if !self.has("PASSWORD") {
            return Some(Fixed::OnlyWayIn);
        }
        (!profile.email_verified).then_some(Fixed::EmailUnverified)
    }

    /// The identity with this name.
    pub(super) fn identity(&self, id: &str, sealer: &Sealer) -> Option<&Identity> {
        self.profile.identities.iter().find(|identity| self.id(identity, sealer) == id)
    }

    /// Names an identity of this account without its subject. Another account has another name for it.
    fn id(&self, identity: &Identity, sealer: &Sealer) -> String {
        let purpose = ["identity", &self.profile.sub, &identity.provider_name.to_ascii_lowercase()];
        sealer.seal(&purpose, &identity.user_id).as_str().chars().take(32).collect()
    }

    fn password(&self) -> PasswordState {
        match self.factors.as_deref() {
            Some([only]) if only == "PASSWORD" && self.profile.identities.is_empty() => PasswordState::Known,
            None => PasswordState::Unknown,
            _ if self.has("PASSWORD") && !self.profile.is_stand_alone() => PasswordState::Unknown,
            _ => PasswordState::None,
        }
    }

    /// What its owner sees.
    pub(super) fn ways(&self, sealer: &Sealer) -> Ways {
        let profile = &self.profile;
        let may_connect = !profile.is_stand_alone()
            && profile.status == Status::Confirmed
            && profile.email_verified
            && profile.identities.len() < MAX_IDENTITIES;
        Ways {
            sub: profile.sub.clone(),
            password: self.password(),
            email_verified: profile.email_verified,
            identities: profile.identities.iter().map(|identity| self.connected(identity, sealer)).collect(),
            may_connect,
            passkeys: match &self.factors {
                None => Passkeys::Unknown,
                Some(_) if self.has("WEB_AUTHN") => Passkeys::Some,
                Some(_) => Passkeys::None,
            },
            second_factors: self.second_factors.clone(),
        }
    }

    fn connected(&self, identity: &Identity, sealer: &Sealer) -> ConnectedIdentity {
        ConnectedIdentity {
            id: self.id(identity, sealer),
            provider: identity.provider_name.clone(),
            label: label(&identity.provider_name).to_owned(),
            account: account_at_provider(&self.profile, identity),
            connected_at: connected_at(identity),
            primary: identity.primary,
            fixed: self.fixed(identity),
        }
    }
}

/// When an identity was connected, in seconds since 1970, where the pool tells.
pub(super) fn connected_at(identity: &Identity) -> Option<u64> {
    identity.connected.and_then(|time| u64::try_from(time / 1000).ok())
}

/// What people call a provider.
pub(super) fn label(provider: &str) -> &str {
    match provider {
        "SignInWithApple" => "Apple",
        "LoginWithAmazon" => "Amazon",
        other => other,
    }
}

/// The address at the provider, masked, if the pool has it: as the subject, or as the address of the account that was
/// made for the identity.
pub(super) fn account_at_provider(profile: &Profile, identity: &Identity) -> Option<String> {
    let own = if profile.is_stand_alone() { profile.email.as_deref() } else { None };
    let email = Email::parse(&identity.user_id).ok().or_else(|| Email::parse(own?).ok())?;
    Some(masked(email.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{self, federated, native};

    const ADA: &str = "ada@example.com";

    fn account(account: &memory::Account, factors: &[&str]) -> Account {
        let factors = factors.iter().map(|&factor| factor.to_owned()).collect();
        Account::read(&account.record(), Some(factors)).unwrap()
    }

    fn fixed(of: &memory::Account, factors: &[&str]) -> Option<Fixed> {
        let account = account(of, factors);
        account.fixed(&account.profile.identities[0])
    }

    #[test]
    fn the_last_way_in_stays() {
        let linked = || native(ADA).with_identity("Google", "1");
        assert_eq!(fixed(&linked(), &["PASSWORD"]), None);
        assert_eq!(fixed(&linked(), &[]), Some(Fixed::OnlyWayIn));
        assert_eq!(fixed(&linked(), &["EMAIL_OTP", "WEB_AUTHN"]), Some(Fixed::OnlyWayIn));
        assert_eq!(fixed(&linked().unverified(), &["PASSWORD"]), Some(Fixed::EmailUnverified));
        assert_eq!(fixed(&linked().unverified().with_identity("Corp", "2"), &[]), None, "another one is left");
        assert_eq!(fixed(&linked().disabled(), &["PASSWORD"]), Some(Fixed::AccountUnusable));
        let waits = memory::Account { status: Status::ResetRequired, ..linked() };
        assert_eq!(fixed(&waits, &["PASSWORD"]), Some(Fixed::AccountUnusable));
        let stand_alone = federated("Google", "1", ADA).with_identity("Corp", "2");
        assert_eq!(fixed(&stand_alone, &["PASSWORD"]), Some(Fixed::OwnIdentity));
        let account = account(&stand_alone, &[]);
        assert_eq!(account.fixed(&account.profile.identities[1]), Some(Fixed::OwnIdentity));
    }

    #[test]
    fn a_password_is_known_only_if_there_was_no_other_way_to_sign_in() {
        let state = |of: memory::Account, factors: &[&str]| account(&of, factors).password();
        assert_eq!(state(native(ADA), &["PASSWORD"]), PasswordState::Known);
        assert_eq!(state(native(ADA), &["PASSWORD", "EMAIL_OTP"]), PasswordState::Unknown);
        assert_eq!(state(native(ADA).with_identity("Google", "1"), &["PASSWORD"]), PasswordState::Unknown);
        assert_eq!(state(native(ADA), &["WEB_AUTHN"]), PasswordState::None);
        assert_eq!(state(federated("Google", "1", ADA), &["PASSWORD"]), PasswordState::None);
    }

    #[test]
    fn an_identity_has_a_name_that_tells_nothing_and_a_label_that_its_owner_knows() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let subjects = native(ADA).with_identity("SignInWithApple", "001").with_identity("Corp", ADA);
        let ways = account(&subjects, &["PASSWORD", "WEB_AUTHN"]).ways(&sealer);
        let [apple, corp] = ways.identities.as_slice() else { panic!("{ways:?}") };
        assert_eq!((apple.label.as_str(), apple.account.as_deref()), ("Apple", None));
        assert_eq!((corp.label.as_str(), corp.account.as_deref()), ("Corp", Some("a***@example.com")));
        assert!(apple.id.len() == 32 && apple.id != corp.id && !apple.id.contains("001"));
        assert_eq!(ways.passkeys, Passkeys::Some);
        let other = native("b@example.com").with_identity("SignInWithApple", "001");
        assert_ne!(account(&other, &[]).ways(&sealer).identities[0].id, apple.id, "a name counts in one account only");
        let alone = account(&federated("Google", "1", ADA), &[]).ways(&sealer);
        assert_eq!(alone.identities[0].account.as_deref(), Some("a***@example.com"));
        assert!(!alone.may_connect && ways.may_connect);
    }

    #[test]
    fn an_account_gets_as_many_identities_as_cognito_allows_and_none_while_its_address_is_unverified() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let with = |count| (0..count).fold(native(ADA), |account, n: u8| account.with_identity("Corp", &n.to_string()));
        let may_connect = |of: &memory::Account| account(of, &["PASSWORD"]).ways(&sealer).may_connect;
        assert!(may_connect(&with(4)) && !may_connect(&with(5)) && !may_connect(&with(4).unverified()));
    }

    #[test]
    fn factors_that_cognito_does_not_tell_are_unknown_and_only_the_last_identity_needs_them() {
        let unknown = |of: memory::Account| Account::read(&of.record(), None).unwrap();
        let ways = unknown(native(ADA).with_identity("Google", "1")).ways(&Sealer::new(&[7; 32]).unwrap());
        assert_eq!((ways.password, ways.passkeys), (PasswordState::Unknown, Passkeys::Unknown));
        assert_eq!(ways.identities[0].fixed, Some(Fixed::OnlyWayIn));
        let two = unknown(native(ADA).with_identity("Google", "1").with_identity("Corp", "2"));
        assert!(two.profile.identities.iter().all(|identity| two.fixed(identity).is_none()));
    }
}
