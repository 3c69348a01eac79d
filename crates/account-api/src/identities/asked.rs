//! What an owner has confirmed and a mailbox has to approve: what is stored of it, and what a code is bound to. Pure.

use super::view::CodeAsked;
use crate::challenge::Challenge;
use crate::code::{Digest, Sealer};
use crate::mask::masked;
use cognito_core::email::Email;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the owner of an account confirms.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// The seal of both accounts as they were shown, and of the offer.
    pub(super) confirmation: &'a str,
    /// The `sub` of the account that stays.
    pub(super) stays: &'a str,
}

/// An account whose mailbox has to approve.
pub(super) struct Approver {
    pub(super) sub: String,
    pub(super) address: Email,
    /// The address as a code is bound to it, however it is written.
    mailbox: String,
}

impl Approver {
    pub(super) fn new(sub: &str, address: Email) -> Self {
        Self { sub: sub.to_owned(), mailbox: address.to_lower_case(), address }
    }

    /// What the code of this mailbox is good for, and nothing else.
    pub(super) fn purpose<'a>(&'a self, wish: &Wish<'a>) -> [&'a str; 5] {
        ["identity-code", &self.sub, &self.mailbox, wish.confirmation, wish.stays]
    }
}

/// A confirmation that waits for a code. It holds no address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) confirmation: String,
    pub(super) stays: String,
    /// When it was confirmed first. Both sign-ins were fresh then.
    pub(super) at: u64,
    /// The `sub`s of the accounts whose mailboxes have approved, and the codes that they did it with.
    pub(super) passed: BTreeMap<String, Digest>,
    /// The `sub` of the account whose mailbox was asked last.
    pub(super) of: String,
    #[serde(flatten)]
    pub(super) code: Challenge,
}

impl Asked {
    fn is_for(&self, wish: &Wish<'_>) -> bool {
        self.confirmation == wish.confirmation && self.stays == wish.stays
    }

    /// When the wish was confirmed first, if its code has not expired.
    pub(super) fn since(&self, wish: &Wish<'_>, now: u64) -> Option<u64> {
        (self.is_for(wish) && !self.code.is_over(now)).then_some(self.at)
    }

    pub(super) fn has_passed(&self, approver: &Approver) -> bool {
        self.passed.contains_key(&approver.sub)
    }

    /// Whether this is the code with which a mailbox has approved already.
    pub(super) fn is_passed_code(&self, approvers: &[Approver], wish: &Wish<'_>, sealer: &Sealer, given: &str) -> bool {
        approvers.iter().any(|approver| {
            let passed = self.passed.get(&approver.sub);
            passed.is_some_and(|digest| sealer.matches(&approver.purpose(wish), given, digest))
        })
    }

    pub(super) fn passing(mut self) -> Self {
        self.passed.insert(self.of.clone(), self.code.digest().clone());
        self
    }

    pub(super) fn view(&self, approver: &Approver) -> CodeAsked {
        CodeAsked { sent_to: masked(approver.address.as_str()), expires_at: self.code.expires_at() }
    }
}
