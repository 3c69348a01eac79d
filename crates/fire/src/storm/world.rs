//! What the people of the storm need around them.

use account_api::mailer::memory::MemoryMailer;
use anyhow::Result;
use local_cloud::user_pool::Profile;

/// The group whose members invite.
pub(super) const ADMINS: &str = "admins";

/// The provider that people connect.
pub(super) const PROVIDER: &str = "Google";

/// The deployed API's settings that the storm needs: the name of the template's parameter, that of the variable, and
/// the value. A storm is more than a day.
pub(super) const SETTINGS: [(&str, &str, &str); 6] = [
    ("Invitations", "INVITATIONS", "members"),
    ("AdminGroup", "ADMIN_GROUP", ADMINS),
    ("SelfServiceLinking", "SELF_SERVICE_LINKING", "any"),
    ("LinkedEmailChange", "LINKED_EMAIL_CHANGE", "allow"),
    ("EmailChangesADay", "EMAIL_CHANGES_A_DAY", "1000,1000000,1000000"),
    ("InvitationsADay", "INVITATIONS_A_DAY", "1000,1000000,1000000"),
];

/// Seconds until nothing of the storm counts any more: leases, codes, and the limits of a day.
pub(super) const AFTERWARDS: u64 = 2 * 24 * 60 * 60;

/// The address that a person has before the storm.
pub(super) fn first_address(number: u32) -> String {
    format!("p{number}-at-first@example.com")
}

/// The address that a person has at the provider.
pub(super) fn address_at_provider(number: u32) -> String {
    format!("p{number}-google@example.org")
}

/// What the provider knows a person by.
pub(super) fn subject(number: u32) -> String {
    format!("google-{number}")
}

/// The API, the user pool and the mailboxes.
pub(super) trait World: Send + Sync + 'static {
    /// The address of the API, without a slash at its end.
    fn api(&self) -> &str;

    /// Everybody's mailboxes.
    fn mailboxes(&self) -> &MemoryMailer;

    /// Makes the account of a person: with a password, confirmed, and in the group of those who invite.
    fn registers(&self, number: u32) -> impl Future<Output = Result<Profile>> + Send;

    /// Signs a person in with the provider, where they have another address. The sign-in makes an account of its own.
    fn signs_in_with_provider(&self, number: u32) -> impl Future<Output = Result<Profile>> + Send;

    /// A token of a person who has signed in to the account just now.
    fn token(&self, account: &Profile) -> impl Future<Output = Result<String>> + Send;

    /// The account with this user name, as the pool has it.
    fn account(&self, user_name: &str) -> impl Future<Output = Result<Option<Profile>>> + Send;

    /// Every account of the pool.
    fn accounts(&self) -> impl Future<Output = Result<Vec<Profile>>> + Send;

    /// Whether this password opens the account with this address.
    fn opens(&self, email: &str, password: &str) -> impl Future<Output = Result<bool>> + Send;

    /// Makes everything that has happened so far two days old.
    fn ages(&self) -> impl Future<Output = Result<()>> + Send;
}
