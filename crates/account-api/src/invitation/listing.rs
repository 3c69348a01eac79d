//! What members see of an invitation.

use super::Invitation;
use crate::table::Entry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The table's list of them.
pub(super) const LIST: &str = "invitations";

/// What members see of an invitation and what the [`Invitation`] must not hold, because it stays longer: the address,
/// and who invited. It expires with the invitation. The state is not stored here: the [`Invitation`] decides it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub(crate) id: String,
    /// The account's user name, under which the [`Invitation`] is stored.
    pub(crate) user_name: String,
    pub(crate) email: String,
    /// The `sub` of the member who invited.
    pub(crate) invited_by: String,
    /// The name that this member gave for the mail.
    pub(crate) inviter: Option<String>,
    pub(crate) invited_at: u64,
    /// When the link was last sent or handed out.
    pub(crate) sent_at: u64,
    pub(crate) expires_at: u64,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = InvitationState)]
pub(crate) enum State {
    /// Its link opens the account.
    Open,
    /// The account is open.
    Answered,
    /// Its link is void: it was revoked, a newer invitation took its place, or the account is gone.
    Revoked,
}

impl Listing {
    /// The key in the table. `None` if this is no id, so that an id never leads to anything else in the table.
    pub(super) fn key(id: &str) -> Option<String> {
        let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        is_id.then(|| format!("listed-invitation#{id}"))
    }

    pub(super) fn own_key(&self) -> String {
        format!("listed-invitation#{}", self.id)
    }

    /// Its place in the list. What expires last comes first, so that the list ends where the expired ones begin.
    pub(super) fn place(&self) -> String {
        format!("{}{}", place_at(self.expires_at), self.id)
    }

    /// What became of it, as far as the table knows. The account may have been opened in another way.
    pub(super) fn state(&self, invitation: &Invitation) -> State {
        match invitation {
            _ if invitation.id.as_deref() != Some(&self.id) => State::Revoked,
            Invitation { completed: true, .. } => State::Answered,
            Invitation { seed: None, .. } => State::Revoked,
            _ => State::Open,
        }
    }
}

/// Where the invitations begin that expire at this time.
pub(super) fn place_at(expires_at: u64) -> String {
    format!("{expires_at:012}.")
}

impl Entry for Listing {
    fn keep_until(&self, _now: u64) -> Option<u64> {
        Some(self.expires_at)
    }

    fn listed(&self) -> Option<(&'static str, String)> {
        Some((LIST, self.place()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leads_to_anything_else_in_the_table() {
        let id = crate::random_uuid();
        assert_eq!(Listing::key(&id), Some(format!("listed-invitation#{id}")));
        for wrong in ["", "x", "complete", "../invitation", &"#".repeat(36), &"é".repeat(18), &format!("{id}0")] {
            assert_eq!(Listing::key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_expires_later_comes_first() {
        let at = |expires_at| Listing { id: crate::random_uuid(), expires_at, ..Listing::default() }.place();
        assert!(at(9_999_999_999) < at(10_000_000_000) && at(1) < place_at(2) && place_at(2) < at(2));
    }
}
