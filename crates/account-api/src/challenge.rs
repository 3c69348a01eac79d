//! A code that was mailed: how long it is valid, how often it may be entered wrong, and how often another one is sent.

use crate::code::{Digest, Sealer};
use crate::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

/// Seconds that a code is valid: 15 minutes.
pub const CODE_LIFE: u64 = 15 * 60;
/// How many wrong codes end a challenge. There are a million codes, so guessing succeeds in one of 200,000 challenges.
pub const TRIES: u8 = 5;
/// How many more codes a challenge may send.
pub const RESENDS: u8 = 3;
/// Seconds between two mails of one challenge.
pub const RESEND_PAUSE: u64 = 60;

/// How many minutes a code is valid, for the mail.
pub(crate) fn minutes() -> u32 {
    u32::try_from(CODE_LIFE / 60).unwrap_or(u32::MAX)
}

/// A code that a person has to enter. What it is bound to is the caller's: the purpose of its digest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    code: Digest,
    tries: u8,
    resends: u8,
    sent_at: u64,
    expires_at: u64,
}

/// What a code that was entered is worth. A wrong one counts only after the challenge here has replaced the one that was
/// asked.
#[derive(Clone, PartialEq, Eq)]
pub enum Guess {
    /// It is the code.
    Right,
    /// It is not. This number of tries is left.
    Wrong(Challenge, u8),
    /// It is not, and it was the last try.
    LastWrong,
}

/// Why no other code is sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotResent {
    /// A mail went out less than [`RESEND_PAUSE`] ago. This number of seconds is left.
    TooSoon(u64),
    /// There are no more mails. The challenge ends in this number of seconds.
    UsedUp(u64),
}

impl From<NotResent> for Problem {
    fn from(why: NotResent) -> Self {
        match why {
            NotResent::TooSoon(seconds) => Self::from(Code::ResendTooSoon).retry_after(seconds),
            NotResent::UsedUp(seconds) => Self::from(Code::ResendsUsedUp).retry_after(seconds),
        }
    }
}

impl Challenge {
    /// A code that is sent now.
    #[must_use]
    pub fn new(now: u64, sealer: &Sealer, purpose: &[&str], code: &str) -> Self {
        Self { code: sealer.seal(purpose, code), tries: 0, resends: 0, sent_at: now, expires_at: now + CODE_LIFE }
    }

    /// When it ends.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_over(&self, now: u64) -> bool {
        now >= self.expires_at
    }

    /// The digest of the code.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.code
    }

    /// How many wrong codes it still takes.
    #[must_use]
    pub const fn tries_left(&self) -> u8 {
        TRIES.saturating_sub(self.tries)
    }

    /// Judges a code, in the time that a comparison takes wherever the two differ.
    #[must_use]
    pub fn guess(&self, sealer: &Sealer, purpose: &[&str], given: &str) -> Guess {
        if sealer.matches(purpose, given, &self.code) {
            return Guess::Right;
        }
        let tried = Self { tries: self.tries.saturating_add(1), ..self.clone() };
        match tried.tries_left() {
            0 => Guess::LastWrong,
            left => Guess::Wrong(tried, left),
        }
    }

    /// Another code in place of the last one. The tries stay: a new code must not allow another five guesses.
    ///
    /// # Errors
    ///
    /// Returns [`NotResent`] if no code may be sent now.
    pub fn resent(&self, now: u64, sealer: &Sealer, purpose: &[&str], code: &str) -> Result<Self, NotResent> {
        if self.resends >= RESENDS {
            return Err(NotResent::UsedUp(self.expires_at.saturating_sub(now)));
        }
        if now < self.sent_at + RESEND_PAUSE {
            return Err(NotResent::TooSoon(self.sent_at + RESEND_PAUSE - now));
        }
        Ok(Self { tries: self.tries, resends: self.resends + 1, ..Self::new(now, sealer, purpose, code) })
    }

    /// SES did not take the mail, so the next one need not wait for the pause.
    #[must_use]
    pub fn unsent(&self) -> Self {
        Self { sent_at: 0, ..self.clone() }
    }
}
