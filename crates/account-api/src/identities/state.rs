//! What is stored of an account that changes its ways to sign in, under its `sub`.

use super::asked::Asked;
use crate::clock::DAY;
use crate::table;
use merge::{Entry, Step};
use serde::{Deserialize, Serialize};

/// How long one call may work at an account before another one completes what it began. Longer than the function may
/// run, and longer than a call to Cognito can still be under way after its answer was lost.
pub(super) const LEASE: u64 = 30;

/// Seconds until a move that failed is tried again. Each time twice as long.
const MOVE_PAUSE: u64 = 2;

/// The longest pause between two tries of a move.
const LONGEST_PAUSE: u64 = 60 * 60;

/// Seconds between two tries to send a mail that is owed.
const NOTICE_PAUSE: u64 = 60;

/// How long a mail is owed.
const NOTICE_TIME: u64 = DAY;

/// How long work that was begun is kept. It can have taken an identity away that it has not given back.
const WORK_TIME: u64 = 30 * DAY;

/// The state of an account. Only while something is under way, and for a day after it, there is anything to store.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// What was begun and is not known to be complete.
    #[serde(default)]
    pub(super) work: Option<Work>,
    /// Until when the call that works at it has the account to itself.
    #[serde(default)]
    held_until: u64,
    /// Mails that are owed.
    #[serde(default)]
    owed: Vec<Notice>,
    /// When something last ended.
    #[serde(default)]
    ended_at: u64,
    /// When its sessions were last ended. Tokens of sign-ins before that go on until they expire.
    #[serde(default)]
    signed_out_at: u64,
    /// Its owner deleted it.
    #[serde(default)]
    pub(super) is_deleted: bool,
    /// What this account last became one with.
    #[serde(default)]
    pub(super) joined: Option<Joined>,
    /// What its owner has confirmed, and a mailbox has to approve.
    #[serde(default)]
    pub(super) asked: Option<Asked>,
}

/// What was begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// An identity is taken away.
    Disconnect {
        /// Its name in this API.
        id: String,
        /// Its provider.
        provider: String,
    },
    /// Another account is absorbed by this one.
    Absorb(Box<Move>),
    /// This account is absorbed by another one, whose state has the [`Move`].
    Leave {
        /// The move.
        id: String,
        /// The `sub` of the account that stays.
        into: String,
    },
    /// The account is deleted.
    Delete {
        /// The address to tell, if its owner proved one.
        tell: Option<String>,
        /// When its owner asked for it.
        asked_at: u64,
        /// The languages of its owner, best first.
        locales: Vec<String>,
    },
}

/// An account, for calls about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its `sub`.
    pub sub: String,
    /// Its exact user name.
    pub user_name: String,
}

/// Two accounts become one: what was decided, and how far it has come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) id: String,
    /// The account that is deleted.
    pub(super) goes: Owner,
    /// What people call the provider that is connected.
    pub(super) provider: String,
    /// Who is told in the end.
    pub(super) tell: Vec<String>,
    /// Both accounts as their owner saw them.
    pub(super) step: Step,
    /// When it was begun.
    #[serde(default)]
    pub(super) begun_at: u64,
    /// How often it failed.
    #[serde(default)]
    pub(super) tries: u32,
    /// The journal.
    #[serde(default)]
    pub(super) entries: Vec<Entry>,
}

/// Accounts that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joined {
    /// The move.
    pub(super) id: String,
    /// The `sub` of the account that stays.
    pub(super) stays: String,
    /// The `sub` of the deleted account.
    pub(super) goes: String,
}

/// A mail about something that has happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) what: What,
    /// The address to tell.
    pub(super) to: String,
    /// What people call the provider; empty where none has to do with it.
    pub(super) provider: String,
    /// The languages of its reader, best first. Empty if the call that sends it knows them.
    #[serde(default)]
    pub(super) locales: Vec<String>,
    #[serde(default)]
    tried_at: u64,
    #[serde(default)]
    owed_since: u64,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Connected,
    Disconnected,
    SignedOutEverywhere,
    PasswordChanged,
    Deleted,
}

impl Notice {
    pub(super) fn new(what: What, to: String, provider: String) -> Self {
        Self { what, to, provider, locales: Vec::new(), tried_at: 0, owed_since: 0 }
    }

    pub(super) fn in_one_of(self, locales: Vec<String>) -> Self {
        Self { locales, ..self }
    }

    fn is(&self, other: &Self) -> bool {
        self.says(other) && self.owed_since == other.owed_since
    }

    /// Whether the same reader would read the same.
    fn says(&self, other: &Self) -> bool {
        (self.what, &self.to, &self.provider) == (other.what, &other.to, &other.provider)
    }
}

impl table::Entry for State {
    fn keep_until(&self, now: u64) -> Option<u64> {
        Some(now + if self.work.is_some() { WORK_TIME } else { NOTICE_TIME })
    }
}

impl State {
    /// Whether another call has the account to itself.
    pub(super) fn is_held(&self, now: u64) -> bool {
        self.work.is_some() && now < self.held_until
    }

    /// Whether nobody else has worked at the account since that state was written. Whoever takes work over holds it for
    /// longer.
    pub(super) fn is_same_work(&self, as_written: &Self) -> bool {
        self.work == as_written.work && self.held_until == as_written.held_until
    }

    /// The work is the caller's alone for some time.
    pub(super) fn held(mut self, now: u64) -> Self {
        self.held_until = now + LEASE;
        self
    }

    /// The caller begins this work.
    pub(super) fn beginning(mut self, work: Work, now: u64) -> Self {
        self.work = Some(work);
        self.held(now)
    }

    /// A mailbox has to approve this, or nothing.
    pub(super) fn asking(self, asked: Option<Asked>) -> Self {
        Self { asked, ..self }
    }

    /// The caller gives up. The next call goes on.
    pub(super) fn released(mut self) -> Self {
        self.held_until = 0;
        self
    }

    /// The work failed. If that may pass, nobody knows whether a call without an answer did it, and the next call finds out.
    pub(super) fn failed(self, may_pass: bool, now: u64) -> Self {
        if may_pass { self.released() } else { self.ended([], now) }
    }

    /// The move failed. A later call tries it again, each time after a longer pause.
    pub(super) fn paused(mut self, now: u64) -> Self {
        if let Some(Work::Absorb(moving)) = &mut self.work {
            let pause = MOVE_PAUSE.saturating_mul(1 << moving.tries.min(16));
            self.held_until = now + pause.min(LONGEST_PAUSE);
            moving.tries = moving.tries.saturating_add(1);
        }
        self
    }

    /// The work is over. These mails are owed.
    pub(super) fn ended(mut self, owed: impl IntoIterator<Item = Notice>, now: u64) -> Self {
        self.work = None;
        self.held_until = 0;
        self.ended_at = now;
        self.owing(owed, now).0
    }

    /// These mails are owed from now on, each once. Returns them as they are stored. The caller sends them itself.
    pub(super) fn owing(mut self, owed: impl IntoIterator<Item = Notice>, now: u64) -> (Self, Vec<Notice>) {
        self.owed.retain(|notice| now < notice.owed_since + NOTICE_TIME);
        let owed: Vec<_> = owed.into_iter().map(|notice| Notice { tried_at: now, owed_since: now, ..notice }).collect();
        let is_new = |old: &Notice| !owed.iter().any(|new| new.says(old));
        self.owed.retain(is_new);
        self.owed.extend(owed.iter().cloned());
        (self, owed)
    }

    /// Every session of the account is ended now.
    pub(super) fn signed_out(self, now: u64) -> Self {
        Self { signed_out_at: now, asked: None, ..self }
    }

    /// Its owner deleted the account.
    pub(super) fn deleted(self) -> Self {
        Self { is_deleted: true, ..self }
    }

    /// Whether somebody who signed in then is signed in still.
    pub(super) const fn is_signed_in(&self, signed_in_at: u64) -> bool {
        signed_in_at >= self.signed_out_at
    }

    /// The move of this account that is under way.
    pub(super) fn moving(&self) -> Option<&Move> {
        match &self.work {
            Some(Work::Absorb(moving)) => Some(moving),
            _ => None,
        }
    }

    /// The caller goes on with a move, and this is written in its journal.
    pub(super) fn noted(mut self, entry: Entry, now: u64) -> Self {
        if let Some(Work::Absorb(moving)) = &mut self.work
            && is_news(&moving.entries, &entry)
        {
            moving.entries.push(entry);
        }
        self.held(now)
    }

    /// The work is over: the account is one with another.
    pub(super) fn joined(self, joined: Joined, owed: impl IntoIterator<Item = Notice>, now: u64) -> Self {
        Self { joined: Some(joined), asked: None, ..self.ended(owed, now) }
    }

    /// Mails that are owed and were not tried within the last minute, and the state that says they are being tried.
    pub(super) fn due(&self, now: u64) -> Option<(Vec<Notice>, Self)> {
        let is_due = |notice: &Notice| now < notice.owed_since + NOTICE_TIME && notice.tried_at + NOTICE_PAUSE <= now;
        let due: Vec<_> = self.owed.iter().filter(|notice| is_due(notice)).cloned().collect();
        if due.is_empty() {
            return None;
        }
        let mut tried = self.clone();
        for notice in tried.owed.iter_mut().filter(|notice| is_due(notice)) {
            notice.tried_at = now;
        }
        Some((due, tried))
    }

    /// Whether a mail is owed still.
    pub(super) fn owes(&self, now: u64) -> bool {
        self.owed.iter().any(|notice| now < notice.owed_since + NOTICE_TIME)
    }

    /// The mails that a call which just ended its work has to send.
    pub(super) fn just_owed(&self) -> Vec<Notice> {
        self.owed.iter().filter(|notice| notice.owed_since == self.ended_at).cloned().collect()
    }

    /// These mails were sent.
    pub(super) fn told(mut self, sent: &[Notice]) -> Self {
        self.owed.retain(|notice| !sent.iter().any(|told| told.is(notice)));
        self
    }
}

/// Whether the journal lacks this entry. A move that is tried again and again must not outgrow what the table takes.
fn is_news(entries: &[Entry], entry: &Entry) -> bool {
    match entry {
        Entry::Skipped { .. } | Entry::Failed { .. } => false,
        // The last attempt counts, as in the history that is made of it.
        Entry::Begin(_) => entries.iter().rfind(|known| matches!(known, Entry::Begin(_))) != Some(entry),
        _ => !entries.contains(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::provider::Providers;

    fn notice() -> Notice {
        Notice::new(What::Disconnected, "ada@example.com".into(), "Google".into())
    }

    #[test]
    fn work_belongs_to_one_call_until_its_time_is_over_or_it_gives_up() {
        let work = Work::Disconnect { id: "1".into(), provider: "Google".into() };
        let begun = State::default().beginning(work, 100);
        assert!(begun.is_held(100 + LEASE - 1) && !begun.is_held(100 + LEASE));
        assert!(!begun.clone().released().is_held(100) && begun.clone().released().work.is_some());
        assert!(!State::default().held(100).is_held(100), "nothing is begun");
        let ended = begun.ended([notice()], 110);
        assert!(ended.work.is_none() && !ended.is_held(110));
    }

    #[test]
    fn a_journal_does_not_grow_by_what_it_says_already() {
        let deleted = |sub: &str| Entry::Deleted { user_name: "Google_1".into(), sub: sub.into() };
        assert!(is_news(&[], &deleted("1")) && !is_news(&[deleted("1")], &deleted("1")));
        assert!(is_news(&[deleted("1")], &deleted("2")));
        assert!(!is_news(&[], &Entry::Failed { user_name: "Google_1".into(), why: "Throttled".into() }));
    }

    #[test]
    fn a_mail_is_owed_until_it_is_sent_and_for_a_day() {
        let ended = State::default().ended([notice()], 1000);
        assert!(ended.due(1000).is_none(), "the call that ended the work sends it");
        assert_eq!(ended.just_owed().len(), 1);
        assert!(ended.owes(1000 + NOTICE_TIME - 1) && !ended.owes(1000 + NOTICE_TIME));
        let (due, tried) = ended.due(1000 + NOTICE_PAUSE).unwrap();
        assert!(tried.due(1000 + NOTICE_PAUSE).is_none() && tried.due(1000 + 2 * NOTICE_PAUSE).is_some());
        assert!(tried.due(1000 + NOTICE_TIME).is_none());
        assert!(tried.told(&due).due(1000 + 2 * NOTICE_PAUSE).is_none());
        assert!(ended.ended([], 1000 + NOTICE_TIME).owed.is_empty());
    }

    #[test]
    fn whoever_ends_work_sends_the_mails_about_it_and_none_from_before() {
        let before = State::default().ended([notice()], 1000);
        let other = Notice::new(What::Connected, "ada@example.com".into(), "Corp".into());
        let ended = before.ended([other], 1010);
        assert_eq!(ended.just_owed().iter().map(|notice| notice.what).collect::<Vec<_>>(), [What::Connected]);
        assert_eq!(ended.due(1000 + NOTICE_PAUSE).unwrap().0.len(), 1, "the other one waits for its minute");
    }

    #[test]
    fn a_mail_that_is_owed_anew_while_the_same_one_is_sent_stays_owed() {
        let sent = State::default().ended([notice()], 1000).just_owed();
        let (again, _) = State::default().ended([notice()], 1000).owing([notice()], 1030);
        assert!(again.told(&sent).owes(1030));
    }

    #[test]
    fn what_is_over_is_kept_for_a_day_and_what_is_under_way_for_thirty() {
        let work = Work::Disconnect { id: "1".into(), provider: "Google".into() };
        let begun = State::default().beginning(work, 1000);
        assert_eq!(table::Entry::keep_until(&begun, 1000), Some(1000 + 30 * 86_400));
        assert_eq!(table::Entry::keep_until(&begun.ended([], 1000), 1000), Some(1000 + 86_400));
    }

    #[test]
    fn a_move_that_fails_waits_longer_each_time() {
        let join = merge::Join {
            proof: merge::Proof::SignedInToBoth,
            goes: memory_side("a@example.com"),
            stays: memory_side("b@example.com"),
        };
        let step = Step::joining(join, &Providers::default()).unwrap();
        let goes = Owner { sub: "1".into(), user_name: "1".into() };
        let (id, provider) = ("1".to_owned(), "Google".to_owned());
        let moving = Move { id, goes, provider, tell: vec![], step, begun_at: 0, tries: 0, entries: vec![] };
        let mut state = State::default().beginning(Work::Absorb(Box::new(moving)), 100);
        let gone = || Entry::Deleted { user_name: "1".into(), sub: "1".into() };
        let noted = state.clone().noted(gone(), 100).noted(gone(), 100);
        assert_eq!(noted.moving().unwrap().entries, [gone()], "what it says already makes no journal longer");
        let mut pauses = Vec::new();
        for _ in 0..13 {
            state = state.paused(100);
            pauses.push(state.held_until - 100);
        }
        assert_eq!(pauses[..4], [2, 4, 8, 16]);
        assert_eq!(pauses[12], 60 * 60);
    }

    fn memory_side(email: &str) -> merge::Side {
        let profile = cognito_core::user_pool::memory::native(email).record();
        merge::Side { whole: merge::WholeProfile { profile, groups: vec![] }, factors: None }
    }
}
