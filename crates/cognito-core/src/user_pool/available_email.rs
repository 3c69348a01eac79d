use super::{Profile, Status, UserName};
use crate::email::Email;

/// An address that may be marked as verified on a profile: nobody else holds it as verified.
///
/// Where the address is an alias, `email_verified` on a second profile takes the alias from its owner without an error
/// (aws-amplify/aws-sdk-ios#515, boto/boto3#3213). So every call that marks an address takes an `AvailableEmail`, and
/// [`Self::among`] checks all profiles that have the address before it makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailableEmail(Email);

impl AvailableEmail {
    /// Returns the address, unless a profile other than `user` holds it as verified. `profiles` must be all that have
    /// the address ([`UserPool::profiles_with_email`](super::UserPool::profiles_with_email)). `user` is the profile
    /// to mark.
    ///
    /// A stand-alone federated profile does not count: nobody signs in to it by an address.
    #[must_use]
    pub fn among<'a>(email: &Email, profiles: impl IntoIterator<Item = &'a Profile>, user: &UserName) -> Option<Self> {
        let is_holder = |profile: &Profile| {
            profile.user_name != *user
                && profile.email_verified
                && profile.status != Status::ExternalProvider
                && profile.email.as_deref().is_some_and(|own| email.is_same(own))
        };
        (!profiles.into_iter().any(is_holder)).then(|| Self(email.clone()))
    }

    /// The address.
    #[must_use]
    pub fn email(&self) -> &Email {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pool::memory::{Account, federated, native};

    const ADA: &str = "ada@example.com";

    #[test]
    fn an_address_is_available_unless_another_native_profile_holds_it_as_verified() {
        let is_available = |holder: Account| {
            let email = Email::parse("Ada@Example.com").unwrap();
            AvailableEmail::among(&email, [&holder.profile()], &UserName::new("somebody")).is_some()
        };
        assert!(!is_available(native(ADA)) && !is_available(native(ADA).disabled()));
        assert!(is_available(native(ADA).unverified()) && is_available(native("eve@example.com")));
        assert!(is_available(native(ADA).named("somebody")));
        let stand_alone = Account { email_verified: true, ..federated("Google", "1", ADA) };
        assert!(is_available(stand_alone.clone()));
        assert!(!is_available(Account { status: Status::Confirmed, ..stand_alone }), "it has a password");
    }
}
