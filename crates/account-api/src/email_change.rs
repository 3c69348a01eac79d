//! A change of an account's address: what may happen when. Pure: the state, an event and the time go in, the next state
//! and what follows from it come out.
//!
//! Two rules make it safe to run many times at once. The result of a check counts only once the state that goes with it
//! has replaced the state that was checked, so guesses in parallel are worth no more than guesses one after the other.
//! And a code that was right stays known, so a repeated request gets the same answer as the first.

mod commit;
pub mod flow;
mod settings;
pub mod view;

pub use settings::Settings;

use crate::ceilings::Ticket;
use crate::clock::DAY;
use crate::code::{Digest, Sealer};
use crate::mask::masked;
use crate::table::Entry;
use serde::{Deserialize, Serialize};

/// Seconds that a code lives: 15 minutes.
pub const CODE_LIFE: u64 = 15 * 60;
/// Wrong codes that end a request. With a million codes, one request succeeds by guessing once in 200,000 times.
pub const TRIES: u8 = 5;
/// Further codes that each stage may send.
pub const RESENDS: u8 = 3;
/// Seconds between two mails of one request.
pub const RESEND_PAUSE: u64 = 60;
/// Requests that an account may make within 24 hours, those for an address that is taken included: bounds guessing, mails,
/// and asking who has an account.
pub const REQUESTS_A_DAY: usize = 10;
/// Seconds that one process may take to write the new address to the pool. Longer than the function may run, so that
/// whoever takes over does not run beside its predecessor, and longer than a call whose answer was lost stays on its way.
pub const LEASE: u64 = 30;
/// Seconds between two tries to tell the old address of a change that is complete. They end after 24 hours.
pub const NOTICE_PAUSE: u64 = 60;

/// Which of the two addresses is being proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The address the account has.
    Current,
    /// The address it is to get.
    New,
}

impl Stage {
    /// The name in answers and digests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::New => "new",
        }
    }
}

/// A change that is under way. No `Debug`: it holds addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Random; codes are bound to it.
    pub id: String,
    /// The account's address when the change was asked for. If it is another one later, the change ends.
    pub current: String,
    /// The address the account is to get.
    pub new: String,
    /// Which of them is being proven.
    pub stage: Stage,
    /// When the code dies, and the request with it.
    pub expires_at: u64,
    code: Digest,
    /// The code that proved the current address.
    passed: Option<Digest>,
    tries: u8,
    resends: u8,
    sent_at: u64,
    /// What was counted for the code, before there was one.
    #[serde(default)]
    counted: Ticket,
    /// Set once both addresses are proven, until it is known whether the pool has the new one.
    committing: Option<Commit>,
}

/// The new address is being written to the pool, or somebody who did was cut off or got no answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Commit {
    /// Before this the pool cannot be asked: the write may be on its way.
    until: u64,
    /// Whoever began it has given up, so the right code may try again.
    released: bool,
}

/// The note to the old address, when it could not be sent with the end of the change. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The address the account had.
    pub to: String,
    /// The new address, masked.
    pub new: String,
    tried_at: u64,
    until: u64,
}

/// What is kept of an account. No `Debug`: it holds addresses.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeState {
    /// When changes were asked for in the last day.
    recent: Vec<u64>,
    request: Option<Request>,
    done: Option<Done>,
    #[serde(default, alias = "owed")]
    notice: Option<Notice>,
}

/// A change that is complete: kept while the last code could be sent again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    id: String,
    code: Digest,
    until: u64,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Nothing is under way.
    NoRequest,
    /// A change is under way already.
    Pending,
    /// Too many changes were asked for; the oldest is forgotten in so many seconds.
    TooMany(u64),
    /// The code and the request are too old.
    Expired,
    /// A mail went out less than [`RESEND_PAUSE`] ago; so many seconds are left.
    TooSoon(u64),
    /// No more mails for this stage; the request ends in so many seconds.
    UsedUp(u64),
    /// The new address is being written to the pool, or was [`LEASE`] ago at most and it is not known whether it arrived.
    Committing,
}

/// What a code that was entered leads to. What is in parentheses is to be written in place of the state that was asked.
#[derive(Clone, PartialEq, Eq)]
pub enum CodeCheck {
    /// The code is wrong; so many tries are left.
    Wrong(ChangeState, u8),
    /// The code is wrong, while the new address is being written: there is nothing left to guess, and no try is counted.
    WrongMeanwhile(u8),
    /// The code is wrong, and it was the last try.
    LastTryWrong(ChangeState),
    /// The current address is proven: the next code goes to the new one.
    Advance(ChangeState),
    /// Both addresses are proven: the new one is to be written to the pool, by the caller alone.
    Commit(ChangeState),
    /// The code that proved the current address came again: the answer is the same, nothing changes.
    AdvancedBefore,
    /// The code that proved the new address came again.
    DoneBefore,
    /// Both addresses are proven, and somebody else is writing the new one.
    Busy,
    /// Nothing can be verified.
    Refused(RequestError),
}

impl Entry for ChangeState {
    fn keep_until(&self, now: u64) -> Option<u64> {
        Some(now + DAY)
    }
}

impl Request {
    /// What a digest of this request's code is bound to.
    fn purpose(&self, stage: Stage) -> [&str; 3] {
        ["email-change", &self.id, stage.name()]
    }

    fn is_over(&self, now: u64) -> bool {
        now >= self.expires_at && self.committing.is_none()
    }

    /// The address the last code went to.
    #[must_use]
    pub fn sent_to(&self) -> &str {
        match self.stage {
            Stage::Current => &self.current,
            Stage::New => &self.new,
        }
    }

    /// Whether the account keeps its address, which is to be proven once more.
    #[must_use]
    pub fn keeps_address(&self) -> bool {
        self.new.eq_ignore_ascii_case(&self.current)
    }

    /// What was counted for the last code.
    #[must_use]
    pub fn counted(&self) -> Ticket {
        self.counted.clone()
    }

    /// Whether both addresses are proven, so that the account may have the new one already.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.committing.is_some()
    }

    /// Until when the request lives.
    #[must_use]
    pub fn ends_at(&self) -> u64 {
        self.expires_at.max(self.committing.as_ref().map_or(0, |commit| commit.until))
    }
}

impl ChangeState {
    /// The change that is under way, if it has not expired.
    ///
    /// # Errors
    ///
    /// [`RequestError::NoRequest`] or [`RequestError::Expired`].
    pub fn request(&self, now: u64) -> Result<&Request, RequestError> {
        match &self.request {
            None => Err(RequestError::NoRequest),
            Some(request) if request.is_over(now) => Err(RequestError::Expired),
            Some(request) => Ok(request),
        }
    }

    /// Counts somebody's wish to change the address, before anything is looked up for it.
    ///
    /// # Errors
    ///
    /// [`RequestError::Pending`] or [`RequestError::TooMany`].
    pub fn admit(&self, now: u64) -> Result<Self, RequestError> {
        if self.request(now).is_ok() {
            return Err(RequestError::Pending);
        }
        let mut recent: Vec<u64> = self.recent.iter().copied().filter(|at| now < at + DAY).collect();
        if let (true, Some(oldest)) = (recent.len() >= REQUESTS_A_DAY, recent.first()) {
            return Err(RequestError::TooMany(oldest + DAY - now));
        }
        recent.push(now);
        Ok(Self { recent, request: None, ..self.clone() })
    }

    /// Begins a change; `code` is the one that goes to the current address. An account that keeps its address proves it
    /// with one code, as a new one.
    #[must_use]
    pub fn open(&self, now: u64, id: String, current: &str, new: &str, sealer: &Sealer, code: &str) -> Self {
        let stage = if new.eq_ignore_ascii_case(current) { Stage::New } else { Stage::Current };
        let digest = sealer.seal(&["email-change", &id, stage.name()], code);
        let request = Request {
            id,
            current: current.to_owned(),
            new: new.to_owned(),
            stage,
            expires_at: now + CODE_LIFE,
            code: digest,
            passed: None,
            tries: 0,
            resends: 0,
            sent_at: now,
            counted: Ticket::default(),
            committing: None,
        };
        Self { request: Some(request), ..self.clone() }
    }

    /// Notes what was counted for the code of this state, which must not be written before.
    #[must_use]
    pub fn with_counted(&self, counted: Ticket) -> Self {
        let request = self.request.clone().map(|request| Request { counted, ..request });
        Self { request, ..self.clone() }
    }

    /// Judges a code. `next` is the code to send to the new address if this one proves the current one.
    #[must_use]
    pub fn verify(&self, now: u64, sealer: &Sealer, given: &str, next: &str) -> CodeCheck {
        if let Some(done) = &self.done
            && now < done.until
            && sealer.matches(&["email-change", &done.id, Stage::New.name()], given, &done.code)
        {
            return CodeCheck::DoneBefore;
        }
        let request = match self.request(now) {
            Ok(request) => request,
            Err(error) => return CodeCheck::Refused(error),
        };
        if sealer.matches(&request.purpose(request.stage), given, &request.code) {
            return self.right(now, request, sealer, next);
        }
        let known = |passed| sealer.matches(&request.purpose(Stage::Current), given, passed);
        if request.passed.as_ref().is_some_and(known) {
            return CodeCheck::AdvancedBefore;
        }
        if request.is_committing() {
            return CodeCheck::WrongMeanwhile(TRIES - request.tries);
        }
        let tries = request.tries + 1;
        if tries >= TRIES {
            return CodeCheck::LastTryWrong(self.closed());
        }
        let request = Request { tries, ..request.clone() };
        CodeCheck::Wrong(Self { request: Some(request), ..self.clone() }, TRIES - tries)
    }

    fn right(&self, now: u64, request: &Request, sealer: &Sealer, next: &str) -> CodeCheck {
        match (request.stage, &request.committing) {
            (Stage::Current, _) => {
                let request = Request {
                    stage: Stage::New,
                    expires_at: now + CODE_LIFE,
                    code: sealer.seal(&request.purpose(Stage::New), next),
                    passed: Some(request.code.clone()),
                    tries: 0,
                    resends: 0,
                    sent_at: now,
                    ..request.clone()
                };
                CodeCheck::Advance(Self { request: Some(request), ..self.clone() })
            }
            (Stage::New, Some(commit)) if !commit.released => CodeCheck::Busy,
            (Stage::New, _) => CodeCheck::Commit(self.leased(now)),
        }
    }

    fn committing(&self, commit: Option<Commit>) -> Self {
        let request = self.request.clone().map(|request| Request { committing: commit, ..request });
        Self { request, ..self.clone() }
    }

    /// The caller alone works on the end of the change from now on.
    #[must_use]
    pub fn leased(&self, now: u64) -> Self {
        self.committing(Some(Commit { until: now + LEASE, released: false }))
    }

    /// The change that may be complete or not: somebody began to write the new address, and nothing more will come of it.
    /// The pool knows; [`finished`](Self::finished) or [`unwritten`](Self::unwritten) is what follows.
    #[must_use]
    pub fn in_doubt(&self, now: u64) -> Option<&Request> {
        let is_over = |commit: &Commit| now >= commit.until;
        self.request.as_ref().filter(|request| request.committing.as_ref().is_some_and(is_over))
    }

    /// The pool does not have the new address: the request goes on as if nobody had tried to write it.
    #[must_use]
    pub fn unwritten(&self) -> Self {
        self.committing(None)
    }

    /// Sends another code in place of the last one.
    ///
    /// # Errors
    ///
    /// There is no request, or it may not send another code now.
    pub fn resend(&self, now: u64, sealer: &Sealer, code: &str) -> Result<Self, RequestError> {
        let request = self.request(now)?;
        if request.is_committing() {
            return Err(RequestError::Committing);
        }
        if request.resends >= RESENDS {
            return Err(RequestError::UsedUp(request.expires_at - now));
        }
        if now < request.sent_at + RESEND_PAUSE {
            return Err(RequestError::TooSoon(request.sent_at + RESEND_PAUSE - now));
        }
        let request = Request {
            expires_at: now + CODE_LIFE,
            code: sealer.seal(&request.purpose(request.stage), code),
            resends: request.resends + 1,
            sent_at: now,
            // Tries are counted per stage: another code must not be another five guesses.
            ..request.clone()
        };
        Ok(Self { request: Some(request), ..self.clone() })
    }

    /// The last mail was not taken: the next one need not wait for the pause.
    #[must_use]
    pub fn unsent(&self) -> Self {
        let request = self.request.clone().map(|request| Request { sent_at: 0, ..request });
        Self { request, ..self.clone() }
    }

    /// Ends the change at the person's wish.
    ///
    /// # Errors
    ///
    /// [`RequestError::Committing`] once somebody began to write the new address, until the pool was asked what came of it.
    pub fn cancel(&self) -> Result<Self, RequestError> {
        match &self.request {
            Some(request) if request.is_committing() => Err(RequestError::Committing),
            _ => Ok(self.closed()),
        }
    }

    /// Ends the change and forgets its addresses.
    #[must_use]
    pub fn closed(&self) -> Self {
        Self { request: None, ..self.clone() }
    }

    /// The pool did not say that it took the new address: the right code may try again at once.
    #[must_use]
    pub fn released(&self) -> Self {
        let commit = self.request.as_ref().and_then(|request| request.committing.clone());
        self.committing(commit.map(|commit| Commit { released: true, ..commit }))
    }

    /// The account has the new address. `told` says whether the old one knows.
    #[must_use]
    pub fn finished(&self, now: u64, told: bool) -> Self {
        let done = self.request.as_ref().map(|request| Done {
            id: request.id.clone(),
            code: request.code.clone(),
            until: now + CODE_LIFE,
        });
        let notice = self.request.as_ref().filter(|_| !told).map(|request| Notice {
            to: request.current.clone(),
            new: masked(&request.new),
            tried_at: now,
            until: now + DAY,
        });
        Self {
            request: None,
            done: done.or_else(|| self.done.clone()),
            // One of an earlier change stays owed.
            notice: notice.or_else(|| self.notice.clone()),
            recent: self.recent.clone(),
        }
    }

    /// A note to an old address that is owed and may be tried now, with the state to write before it is.
    #[must_use]
    pub fn notice_due(&self, now: u64) -> Option<(&Notice, Self)> {
        let notice =
            self.notice.as_ref().filter(|notice| now < notice.until && now >= notice.tried_at + NOTICE_PAUSE)?;
        let tried = Notice { tried_at: now, ..notice.clone() };
        Some((notice, Self { notice: Some(tried), ..self.clone() }))
    }

    /// The old address was told.
    #[must_use]
    pub fn notice_sent(&self) -> Self {
        Self { notice: None, ..self.clone() }
    }

    /// Whether a code was judged for the change with this id, or for none at all.
    #[must_use]
    pub fn is_about(&self, check: &CodeCheck, id: &str) -> bool {
        let judged = match check {
            CodeCheck::DoneBefore => self.done.as_ref().map(|done| &done.id),
            _ => self.request.as_ref().map(|request| &request.id),
        };
        judged.is_none_or(|judged| judged == id)
    }

    /// Whether the change with this id is complete.
    #[must_use]
    pub fn is_done(&self, id: &str) -> bool {
        self.done.as_ref().is_some_and(|done| done.id == id)
    }
}

#[cfg(test)]
mod tests;
