//! A move is approved at the mailboxes of the accounts that it changes for good. A session can be stolen: whoever has one
//! for some minutes must not sign in to the account for ever.
//!
//! Two rules make it safe to run many calls at once, as for a change of the address: what a code is worth counts only after
//! the new state has replaced the one that was asked, and a code that was right stays known.

use super::asked::{Approver, Asked, Wish};
use super::flow::{Identities, WRITE_TRIES};
use super::party::Party;
use super::state::{Owner, State};
use super::view::CodeAsked;
use crate::challenge::{self, Challenge, Guess, NotResent};
use crate::code;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::email::Email;
use messages::Mail;
use std::collections::BTreeMap;

/// One request to approve, and what it is about.
pub(super) struct Approval<'a> {
    /// The caller's account, which has the state.
    pub(super) owner: &'a Owner,
    pub(super) wish: Wish<'a>,
    pub(super) approvers: Vec<Approver>,
    /// What people call the provider that is connected.
    pub(super) provider: &'a str,
    pub(super) locales: &'a [String],
}

/// A mailbox's turn to approve, in the state that was read.
struct Turn<'a> {
    read: Versioned<State>,
    approval: &'a Approval<'a>,
    approver: &'a Approver,
}

impl Turn<'_> {
    /// What the digest of its code is bound to.
    fn purpose(&self) -> [&str; 5] {
        self.approver.purpose(&self.approval.wish)
    }
}

impl Identities {
    /// The mailboxes that have to approve: of the account that gets an identity, and of an account that was in use and
    /// goes. No trust in a provider stands in for the code: what is stored of the other account's address is weaker than
    /// what a sign-in says, and where a sign-in proves the account's own address, the triggers link it without this API.
    ///
    /// # Errors
    ///
    /// Returns [`Code::EmailUnverified`] if an account would get an identity and has no mailbox that somebody proved.
    pub(super) fn approvers(&self, goes: &Party, stays: &Party) -> Result<Vec<Approver>, Code> {
        let approver = |party: &Party| {
            let address = Email::parse(&self.proven(&party.record)?).ok()?;
            Some(Approver::new(&party.owner.sub, address))
        };
        let gains =
            if goes.profile.identities.is_empty() { None } else { Some(approver(stays).ok_or(Code::EmailUnverified)?) };
        let loses = if goes.is_new() { None } else { approver(goes) };
        let is_another =
            |loses: &Approver| gains.as_ref().is_none_or(|gains| !gains.address.is_same(loses.address.as_str()));
        let loses = loses.filter(is_another);
        Ok(gains.into_iter().chain(loses).collect())
    }

    /// Takes a code, or sends one. Returns the mailbox that has to approve yet; `None` once all have.
    pub(super) async fn approved(
        &self,
        approval: &Approval<'_>,
        mut given: Option<&str>,
    ) -> Result<Option<CodeAsked>, Problem> {
        let mut has_taken = false;
        for _ in 0..WRITE_TRIES {
            let read = self.read(&approval.owner.sub).await?;
            let now = self.table.now();
            let asked = read.value.asked.clone().filter(|asked| asked.since(&approval.wish, now).is_some());
            // Another call has ended it meanwhile. Nobody is asked again for what is done, or was approved in vain.
            let is_done = read.value.joined.as_ref().is_some_and(|done| done.id == approval.wish.confirmation);
            if is_done || (has_taken && asked.is_none()) {
                return Err(Code::IdentityChanging.into());
            }
            let has_passed = |approver: &&Approver| asked.as_ref().is_some_and(|asked| asked.has_passed(approver));
            // Its answer may have been lost.
            let is_passed =
                |asked: &Asked, code| asked.is_passed_code(&approval.approvers, &approval.wish, &self.sealer, code);
            given = given.filter(|code| !asked.as_ref().is_some_and(|asked| is_passed(asked, code)));
            let Some(next) = approval.approvers.iter().find(|approver| !has_passed(approver)) else { return Ok(None) };
            let turn = Turn { read, approval, approver: next };
            let sent = match (asked, given) {
                (Some(asked), Some(code)) if asked.of == next.sub => {
                    if self.takes(turn, asked, code).await? {
                        (given, has_taken) = (None, true);
                    }
                    continue;
                }
                (Some(asked), None) if asked.of == next.sub => self.sends_again(turn, asked).await?,
                (_, Some(_)) => return Err(Code::CodeExpired.into()),
                (asked, None) => self.asks(turn, asked).await?,
            };
            if sent.is_some() {
                return Ok(sent);
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Judges a code. True if the mailbox has approved; false if the state has changed and is to be read again.
    async fn takes(&self, turn: Turn<'_>, asked: Asked, given: &str) -> Result<bool, Problem> {
        let guess = asked.code.guess(&self.sealer, &turn.purpose(), given);
        let (after, refusal) = match guess {
            Guess::Right => (Some(asked.passing()), None),
            Guess::Wrong(code, left) => {
                (Some(Asked { code, ..asked }), Some(Problem::from(Code::WrongCode).tries_left(left)))
            }
            Guess::LastWrong => (None, Some(Code::TooManyTries.into())),
        };
        let is_dead = after.is_none();
        if self.table.change(turn.read, |state| state.asking(after)).await?.is_none() {
            return Ok(false);
        }
        if is_dead {
            tracing::warn!(decision = "identity_approval_dead", sub = turn.approval.owner.sub, "decided");
        }
        refusal.map_or(Ok(true), Err)
    }

    /// Begins to ask a mailbox. `asked` has those that approved before.
    async fn asks(&self, turn: Turn<'_>, asked: Option<Asked>) -> Result<Option<CodeAsked>, Problem> {
        self.counted(&self.codes, &turn.approver.sub).await?;
        let (now, code) = (self.table.now(), code::draw());
        let (at, passed) = asked.map_or((now, BTreeMap::new()), |asked| (asked.at, asked.passed));
        let wish = &turn.approval.wish;
        let challenge = Challenge::new(now, &self.sealer, &turn.purpose(), &code);
        let (confirmation, stays) = (wish.confirmation.to_owned(), wish.stays.to_owned());
        let asked = Asked { confirmation, stays, at, passed, of: turn.approver.sub.clone(), code: challenge };
        self.mails(turn, asked, &code).await
    }

    /// Sends another code. If a mail went out a moment ago, it stays at that: the answer to it may have been lost.
    async fn sends_again(&self, turn: Turn<'_>, asked: Asked) -> Result<Option<CodeAsked>, Problem> {
        let code = code::draw();
        match asked.code.resent(self.table.now(), &self.sealer, &turn.purpose(), &code) {
            Err(NotResent::TooSoon(_)) => Ok(Some(asked.view(turn.approver))),
            Err(why) => Err(why.into()),
            Ok(challenge) => self.mails(turn, Asked { code: challenge, ..asked }, &code).await,
        }
    }

    /// Stores what a code is asked for, and mails the code. `None` if another call came first.
    async fn mails(&self, turn: Turn<'_>, asked: Asked, code: &str) -> Result<Option<CodeAsked>, Problem> {
        let Turn { read, approval, approver } = turn;
        let Some(read) = self.table.change(read, |state| state.asking(Some(asked.clone()))).await? else {
            return Ok(None);
        };
        let mail = Mail::IdentityCode { code, provider: approval.provider, minutes: challenge::minutes() };
        if let Err(why) = self.outbox.send_in(approval.locales, &approver.address, &mail, None).await {
            let unsent = Asked { code: asked.code.unsent(), ..asked };
            self.table.change(read, |state| state.asking(Some(unsent))).await?;
            return Err(why);
        }
        tracing::info!(decision = "identity_code_sent", sub = approver.sub, "decided");
        Ok(Some(asked.view(approver)))
    }
}
