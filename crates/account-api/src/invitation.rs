//! Inviting people: an account that opens with a temporary password, which travels in a link and is replaced by the
//! person's own.

pub mod flow;

use crate::code::Digest;
use crate::email_change::DAY;
use serde::{Deserialize, Serialize};

/// Seconds between two invitations of one address.
pub const PAUSE: u64 = 60;
/// Invitations of one address within [`DAY`].
pub const A_DAY: usize = 5;

/// `INVITATIONS`: who may invite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: the routes do not exist.
    #[default]
    Off,
    /// Everybody, themselves included. The answer is always the same.
    Public,
    /// Members of this group.
    Members(String),
}

/// `NATIVE_USERNAME`: what an account that is created is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvitedUserName {
    /// The address: for pools where it is the user name.
    #[default]
    Email,
    /// A random UUID: for pools where the address is an alias.
    Uuid,
}

/// An invitation as it is kept, under the account's user name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// The address it went to. Whoever completes it proves that one and no other.
    pub(crate) email: Option<Digest>,
    /// The token in the link.
    pub(crate) token: Option<Digest>,
    pub(crate) expires_at: u64,
    pub(crate) completed: bool,
    /// When an answer was last handed to the pool. What became of it is not known until `completed` is set.
    #[serde(default)]
    pub(crate) answered_at: Option<u64>,
}

impl Invitation {
    /// Kept for a while after it has expired, so that a late guest is told what happened.
    pub(crate) fn keep_until(&self, _now: u64) -> u64 {
        self.expires_at + 30 * DAY
    }
}

/// When an address was invited in the last day.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quota {
    recent: Vec<u64>,
}

impl Quota {
    /// Counts an invitation; the error is after how many seconds the next one is possible.
    pub(crate) fn admit(&self, now: u64) -> Result<Self, u64> {
        let mut recent: Vec<u64> = self.recent.iter().copied().filter(|at| now < at + DAY).collect();
        if let Some(last) = recent.last()
            && now < last + PAUSE
        {
            return Err(last + PAUSE - now);
        }
        if let (true, Some(oldest)) = (recent.len() >= A_DAY, recent.first()) {
            return Err(oldest + DAY - now);
        }
        recent.push(now);
        Ok(Self { recent })
    }

    /// Kept while its newest entry counts.
    pub(crate) fn keep_until(&self, now: u64) -> u64 {
        self.recent.last().copied().unwrap_or(now) + DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_invited_five_times_a_day_with_a_pause() {
        let (mut quota, mut now) = (Quota::default(), 1_800_000_000);
        let first = now;
        for _ in 0..A_DAY {
            quota = quota.admit(now).ok().unwrap();
            assert_eq!(quota.admit(now + PAUSE - 1).err(), Some(1));
            now += PAUSE;
        }
        assert_eq!(quota.admit(now).err(), Some(first + DAY - now));
        assert!(quota.admit(first + DAY).is_ok());
    }
}
