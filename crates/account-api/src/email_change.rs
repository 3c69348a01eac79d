//! The rules of a change of an account's address, as pure functions. The state, an event and the time go in; the next
//! state and what follows from it come out.
//!
//! Two rules make it safe to run many calls at once. First, the result of a check counts only after its new state has
//! replaced the state that was checked. So guesses in parallel are worth no more than guesses one after the other.
//! Second, a code that was right stays known, so a repeated request gets the same answer as the first.

mod commit;
pub mod flow;
mod settings;
pub mod view;

pub use settings::Settings;

use crate::ceilings::Ticket;
use crate::challenge::{CODE_LIFE, Challenge, Guess, NotResent};
use crate::clock::DAY;
use crate::code::{Digest, Sealer};
use crate::mask::masked;
use crate::table::Entry;
use serde::{Deserialize, Serialize};

/// Requests that an account may make within 24 hours. Requests for an address that is taken count too. This limits
/// guessing, mails, and finding out who has an account.
pub const REQUESTS_A_DAY: usize = 10;
/// Seconds that one run may take to write the new address to the pool. That is longer than the function may run, so the
/// next run does not start beside it. It is also longer than a call to Cognito can still be under way after its answer
/// was lost.
pub const LEASE: u64 = 30;
/// Seconds between two tries to tell the old address about a change that is complete. The tries end after 24 hours.
pub const NOTICE_PAUSE: u64 = 60;

/// Which of the two addresses is being proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The address the account has.
    Current,
    /// The address it will get.
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

/// A change that is under way. It has no `Debug`, because it holds addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// A random id. Codes are bound to it.
    pub id: String,
    /// The account's address when the change began. If the account has another one later, the change ends.
    pub current: String,
    /// The address that the account will get.
    pub new: String,
    /// Which of the two is being proven.
    pub stage: Stage,
    /// The code. When it expires, the request does, too.
    #[serde(flatten)]
    code: Challenge,
    /// The code that proved the current address.
    passed: Option<Digest>,
    /// What was counted for the code before it existed.
    #[serde(default)]
    counted: Ticket,
    /// The app client that the links name, so that the pages lead back to its application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Set when both addresses are proven, until it is known whether the pool has the new one.
    committing: Option<Commit>,
}

/// A run is writing the new address to the pool, or it was cut off, or it got no answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Commit {
    /// Until then, the pool's answer proves nothing, because the write may still be under way.
    until: u64,
    /// Whether the run that began it has given up, so that the right code may try again.
    released: bool,
}

/// A mail to the old address that could not be sent when the change ended. It has no `Debug`, because it holds an
/// address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The address the account had.
    pub to: String,
    /// The new address, masked.
    pub new: String,
    tried_at: u64,
    until: u64,
}

/// What is stored for an account. It has no `Debug`, because it holds addresses.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeState {
    /// When somebody asked for changes in the last day.
    recent: Vec<u64>,
    request: Option<Request>,
    done: Option<Done>,
    #[serde(default, alias = "owed")]
    notice: Option<Notice>,
}

/// A change that is complete. It is stored as long as the client may repeat the last code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    id: String,
    code: Digest,
    until: u64,
}

/// Why a call changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Nothing is under way.
    NoRequest,
    /// A change is under way already.
    Pending,
    /// The account asked for too many changes. The oldest stops counting in this number of seconds.
    TooMany(u64),
    /// The code and the request have expired.
    Expired,
    /// No other code is sent now.
    NotResent(NotResent),
    /// The new address is being written to the pool. Or a write began less than [`LEASE`] ago, and it is not known
    /// whether it arrived.
    Committing,
}

/// The result of entering a code. A state in a variant must replace the state that was checked.
#[derive(Clone, PartialEq, Eq)]
pub enum CodeCheck {
    /// The code is wrong. This number of tries is left.
    Wrong(ChangeState, u8),
    /// The code is wrong, but the new address is being written already. There is nothing left to guess, so the try is
    /// not counted.
    WrongMeanwhile(u8),
    /// The code is wrong, and it was the last try.
    LastTryWrong(ChangeState),
    /// The current address is proven. The next code goes to the new one.
    Advance(ChangeState),
    /// Both addresses are proven. The caller, and nobody else, must write the new one to the pool.
    Commit(ChangeState),
    /// The code that proved the current address came again. The answer is the same, and nothing changes.
    AdvancedBefore,
    /// The code that proved the new address came again.
    DoneBefore,
    /// Both addresses are proven, and another call is writing the new one.
    Busy,
    /// There is nothing to verify.
    Refused(RequestError),
}

impl From<NotResent> for RequestError {
    fn from(why: NotResent) -> Self {
        Self::NotResent(why)
    }
}

impl Entry for ChangeState {
    fn keep_until(&self, now: u64) -> Option<u64> {
        Some(now + DAY)
    }
}

impl Request {
    /// What the digest of this request's code is bound to.
    fn purpose(&self, stage: Stage) -> [&str; 3] {
        ["email-change", &self.id, stage.name()]
    }

    fn is_over(&self, now: u64) -> bool {
        self.code.is_over(now) && self.committing.is_none()
    }

    /// The address the last code went to.
    #[must_use]
    pub fn sent_to(&self) -> &str {
        match self.stage {
            Stage::Current => &self.current,
            Stage::New => &self.new,
        }
    }

    /// Whether the account keeps its address and only proves it once more.
    #[must_use]
    pub fn keeps_address(&self) -> bool {
        self.new.eq_ignore_ascii_case(&self.current)
    }

    /// What was counted for the last code.
    #[must_use]
    pub fn counted(&self) -> Ticket {
        self.counted.clone()
    }

    /// Whether both addresses are proven. The account may have the new one already.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.committing.is_some()
    }

    /// When the request ends.
    #[must_use]
    pub fn ends_at(&self) -> u64 {
        self.code.expires_at().max(self.committing.as_ref().map_or(0, |commit| commit.until))
    }
}

impl ChangeState {
    /// The change that is under way, if it has not expired.
    ///
    /// # Errors
    ///
    /// Returns [`RequestError::NoRequest`] or [`RequestError::Expired`].
    pub fn request(&self, now: u64) -> Result<&Request, RequestError> {
        match &self.request {
            None => Err(RequestError::NoRequest),
            Some(request) if request.is_over(now) => Err(RequestError::Expired),
            Some(request) => Ok(request),
        }
    }

    /// Counts a request for a change. Call it before anything is looked up for the request.
    ///
    /// # Errors
    ///
    /// Returns [`RequestError::Pending`] or [`RequestError::TooMany`].
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

    /// Begins a change. `code` is the code for the current address. An account that keeps its address needs one code
    /// only: it starts in the stage for the new address.
    #[must_use]
    pub fn open(&self, now: u64, id: String, current: &str, new: &str, sealer: &Sealer, code: &str) -> Self {
        let stage = if new.eq_ignore_ascii_case(current) { Stage::New } else { Stage::Current };
        let code = Challenge::new(now, sealer, &["email-change", &id, stage.name()], code);
        let request = Request {
            id,
            current: current.to_owned(),
            new: new.to_owned(),
            stage,
            code,
            passed: None,
            counted: Ticket::default(),
            client: None,
            committing: None,
        };
        Self { request: Some(request), ..self.clone() }
    }

    /// Notes the app client that the links of both mails name.
    #[must_use]
    pub fn with_client(&self, client: Option<String>) -> Self {
        let request = self.request.clone().map(|request| Request { client, ..request });
        Self { request, ..self.clone() }
    }

    /// Notes what was counted for the code of this state. The state must not be written before that.
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
        let guess = request.code.guess(sealer, &request.purpose(request.stage), given);
        if guess == Guess::Right {
            return self.right(now, request, sealer, next);
        }
        let is_passed_code = |passed| sealer.matches(&request.purpose(Stage::Current), given, passed);
        if request.passed.as_ref().is_some_and(is_passed_code) {
            return CodeCheck::AdvancedBefore;
        }
        if request.is_committing() {
            return CodeCheck::WrongMeanwhile(request.code.tries_left());
        }
        match guess {
            Guess::Wrong(code, left) => CodeCheck::Wrong(self.with_code(code), left),
            Guess::Right | Guess::LastWrong => CodeCheck::LastTryWrong(self.closed()),
        }
    }

    fn with_code(&self, code: Challenge) -> Self {
        let request = self.request.clone().map(|request| Request { code, ..request });
        Self { request, ..self.clone() }
    }

    fn right(&self, now: u64, request: &Request, sealer: &Sealer, next: &str) -> CodeCheck {
        match (request.stage, &request.committing) {
            (Stage::Current, _) => {
                let request = Request {
                    stage: Stage::New,
                    code: Challenge::new(now, sealer, &request.purpose(Stage::New), next),
                    passed: Some(request.code.digest().clone()),
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

    /// From now on, the caller alone finishes the change.
    #[must_use]
    pub fn leased(&self, now: u64) -> Self {
        self.committing(Some(Commit { until: now + LEASE, released: false }))
    }

    /// The change, if nobody knows whether it is complete: a run began to write the new address, and its time is over.
    /// The caller asks the pool, and goes on with [`finished`](Self::finished) or [`unwritten`](Self::unwritten).
    #[must_use]
    pub fn in_doubt(&self, now: u64) -> Option<&Request> {
        let is_over = |commit: &Commit| now >= commit.until;
        self.request.as_ref().filter(|request| request.committing.as_ref().is_some_and(is_over))
    }

    /// The pool does not have the new address. The request goes on as if no run had tried to write it.
    #[must_use]
    pub fn unwritten(&self) -> Self {
        self.committing(None)
    }

    /// Sends another code in place of the last one.
    ///
    /// # Errors
    ///
    /// Returns a [`RequestError`] if there is no request, or if it may not send another code now.
    pub fn resend(&self, now: u64, sealer: &Sealer, code: &str) -> Result<Self, RequestError> {
        let request = self.request(now)?;
        if request.is_committing() {
            return Err(RequestError::Committing);
        }
        Ok(self.with_code(request.code.resent(now, sealer, &request.purpose(request.stage), code)?))
    }

    /// SES did not take the last mail, so the next one need not wait for the pause.
    #[must_use]
    pub fn unsent(&self) -> Self {
        let request = self.request.clone().map(|request| Request { code: request.code.unsent(), ..request });
        Self { request, ..self.clone() }
    }

    /// Ends the change because the person cancels it.
    ///
    /// # Errors
    ///
    /// Returns [`RequestError::Committing`] if a run began to write the new address, and the pool has not been asked
    /// for the result yet.
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

    /// The pool did not confirm that it took the new address. The right code may try again at once.
    #[must_use]
    pub fn released(&self) -> Self {
        let commit = self.request.as_ref().and_then(|request| request.committing.clone());
        self.committing(commit.map(|commit| Commit { released: true, ..commit }))
    }

    /// The account has the new address. `told` says whether the old address was told.
    #[must_use]
    pub fn finished(&self, now: u64, told: bool) -> Self {
        let done = self.request.as_ref().map(|request| Done {
            id: request.id.clone(),
            code: request.code.digest().clone(),
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
            // A mail that is still owed for an earlier change stays owed.
            notice: notice.or_else(|| self.notice.clone()),
            recent: self.recent.clone(),
        }
    }

    /// A mail to an old address that is owed and may be tried now, with the state that must be written first.
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

    /// Whether a code was checked against the change with this id, or against no change at all.
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
