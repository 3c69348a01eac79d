//! Inviting people: an account that waits for its owner, and a link on which the owner chooses the password.
//!
//! The account has a temporary password that never leaves the function. The function makes it again from the address
//! and the secret key when it needs it. The link carries a token that works with this API only. So nobody can use the
//! link to sign in at Cognito past the API, and an earlier link still works when the invitation is sent again.

pub(crate) mod complete;
pub mod flow;
mod guest;
pub(crate) mod listing;
pub(crate) mod members;
mod return_urls;
mod settings;

pub use settings::{Mode, Settings};

use crate::clock::DAY;
use crate::code::{Digest, Sealer};
use crate::table::Entry;
use cognito_core::email::Email;
use messages::Person;
use serde::{Deserialize, Serialize};

/// Seconds between two invitations of one address.
pub const PAUSE: u64 = 60;

/// An invitation as it is stored, under the account's user name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// The address that it went to. Completing it proves this address and no other.
    pub(crate) email: Option<Digest>,
    /// Random. The token in the link is made from it. An invitation of an earlier version has none, and its link is
    /// void.
    #[serde(default)]
    seed: Option<String>,
    pub(crate) expires_at: u64,
    pub(crate) completed: bool,
    /// When an answer was last handed to the pool. Its result is not known until `completed` is set.
    #[serde(default)]
    pub(crate) answered_at: Option<u64>,
    /// Its [`Listing`](listing::Listing), if a member invited.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// The `sub` of the account, if this API made it. A revocation deletes only that one, and a link that a member got
    /// opens only that one. Another tool may have made another account with the same user name since.
    #[serde(default)]
    pub(crate) made_sub: Option<String>,
    /// Whether a member got the link instead of the mailbox. Then the link proves nothing about the address.
    #[serde(default)]
    pub(crate) handed_out: bool,
    #[serde(default)]
    pub(crate) revoked_at: Option<u64>,
    /// The group that the guest joins besides the default group.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// Where the guest goes afterwards.
    #[serde(default)]
    pub(crate) return_to: Option<String>,
}

/// What a mail takes from whoever asks for it.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The languages, best first.
    pub(crate) locales: &'a [&'a str],
    /// The app client that the link names.
    pub(crate) client: Option<&'a str>,
}

impl<'a> Asker<'a> {
    /// Whom a mail is for, without a name.
    pub(crate) fn person(&self) -> Person<'a> {
        Person { locales: self.locales, link_client: self.client, ..Person::default() }
    }
}

/// What only a member may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// The group that the guest joins besides the default group.
    pub(crate) group: Option<String>,
    /// Where the guest goes afterwards.
    pub(crate) return_to: Option<String>,
    /// The inviter's name in the mail.
    pub(crate) inviter: Option<String>,
    /// Whether the answer has the link, and no mail goes out.
    pub(crate) hand_out: bool,
}

impl Invitation {
    /// A new invitation of an address.
    pub(crate) fn new(email: &Email, sealer: &Sealer, expires_at: u64) -> Self {
        let (email, seed) = (Some(address_digest(email, sealer)), Some(crate::random_uuid()));
        Self { email, seed, expires_at, ..Self::default() }
    }

    /// The same invitation with another token and more time. The link before is void.
    pub(crate) fn renewed(&self, expires_at: u64) -> Self {
        Self { seed: Some(crate::random_uuid()), expires_at, answered_at: None, ..self.clone() }
    }

    /// The same invitation without a token, so that no link opens it.
    pub(crate) fn void(&self, now: u64) -> Self {
        Self { seed: None, revoked_at: Some(now), ..self.clone() }
    }

    /// The token in the link, for the account with this user name.
    pub(crate) fn token(&self, user_name: &str, sealer: &Sealer) -> Option<Digest> {
        Some(sealer.seal(&["invitation", user_name], self.seed.as_deref()?))
    }

    /// Whether this is the invitation's token. The comparison takes the same time wherever the two differ.
    pub(crate) fn has_token(&self, user_name: &str, token: &str, sealer: &Sealer) -> bool {
        let digest = Digest::given(token);
        self.seed.as_deref().is_some_and(|seed| sealer.matches(&["invitation", user_name], seed, &digest))
    }

    /// Whether it went to this address.
    pub(crate) fn is_for(&self, email: &Email, sealer: &Sealer) -> bool {
        let digest = self.email.as_ref();
        digest.is_some_and(|digest| sealer.matches(&["invited-address"], &email.to_lower_case(), digest))
    }

    /// Whether this API made the account with this `sub` for it.
    pub(crate) fn made(&self, sub: &str) -> bool {
        self.made_sub.as_deref() == Some(sub)
    }

    /// Whether its link may open the account with this `sub`. A mailed link proves the mailbox. One that a member got
    /// proves nothing, so it opens no account that may be somebody's already.
    pub(crate) fn may_open(&self, sub: &str) -> bool {
        !self.handed_out || self.made(sub)
    }

    /// Whether it does already what a member asks for. What the member does not name may be anything.
    pub(crate) fn grants(&self, wishes: &Wishes) -> bool {
        let agrees = |wish: &Option<String>, own: &Option<String>| wish.is_none() || wish == own;
        agrees(&wishes.group, &self.group) && agrees(&wishes.return_to, &self.return_to)
    }

    /// Whether its link opens the account of this address now.
    pub(crate) fn is_open(&self, email: &Email, sealer: &Sealer, now: u64) -> bool {
        self.seed.is_some() && self.is_for(email, sealer) && !self.completed && now < self.expires_at
    }
}

/// What is stored instead of an address.
fn address_digest(email: &Email, sealer: &Sealer) -> Digest {
    sealer.seal(&["invited-address"], &email.to_lower_case())
}

/// How long it is remembered at least that an invitation was answered or revoked, in seconds, so that a late guest learns
/// what happened.
const ANSWER_KEPT: u64 = 30 * DAY;

impl Entry for Invitation {
    /// For good while the account waits, because only the invitation says that this API made the account. Without it,
    /// the API could not give the guest another link, and nobody could invite the address again. After the invitation
    /// is completed or revoked, for [`ANSWER_KEPT`] more. There is no address in it.
    fn keep_until(&self, now: u64) -> Option<u64> {
        (self.completed || self.revoked_at.is_some()).then(|| self.expires_at.max(now) + ANSWER_KEPT)
    }
}

/// When an address was last invited.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastInvited {
    #[serde(default)]
    at: u64,
}

impl LastInvited {
    /// Notes an invitation. The error is the number of seconds until the next one is possible.
    pub(crate) fn admit(&self, now: u64) -> Result<Self, u64> {
        let free_at = self.at + PAUSE;
        if now < free_at { Err(free_at - now) } else { Ok(Self { at: now }) }
    }
}

impl Entry for LastInvited {
    fn keep_until(&self, _now: u64) -> Option<u64> {
        Some(self.at + DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_invited_once_a_minute() {
        let now = 1_800_000_000;
        let invited = LastInvited::default().admit(now).ok().unwrap();
        assert_eq!(invited.admit(now + PAUSE - 1).err(), Some(1));
        assert!(invited.admit(now + PAUSE).is_ok());
    }

    #[test]
    fn a_token_opens_the_invitation_it_was_made_for_and_no_other() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let email = Email::parse("grace@example.com").unwrap();
        let (one, other) = (Invitation::new(&email, &sealer, 100), Invitation::new(&email, &sealer, 100));
        let token = one.token("u", &sealer).unwrap();
        assert!(one.has_token("u", token.as_str(), &sealer));
        assert!(!one.has_token("v", token.as_str(), &sealer) && !other.has_token("u", token.as_str(), &sealer));
        assert!(!Invitation::default().has_token("u", "", &sealer) && !one.has_token("u", "", &sealer));
        assert!(one.is_open(&email, &sealer, 99) && !one.is_open(&email, &sealer, 100));
        let stored = serde_json::to_string(&one).unwrap();
        assert!(!stored.contains(token.as_str()) && !stored.contains('@'), "{stored}");
    }
}
