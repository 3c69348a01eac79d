//! What must be true when everything has come to rest, as somebody outside sees it.

use super::cognito::ANEW;
use super::explorer::{End, Run};
use crate::house::{House, settings};
use account_api::description;
use account_api::mailer::memory::Sent;
use cognito_core::user_pool::memory::Account;
use serde_json::Value;
use std::collections::BTreeSet;

/// What may become of whom.
pub(crate) struct Rules {
    before: Vec<Account>,
    /// The accounts that never go.
    stay: BTreeSet<String>,
    /// The accounts that may go.
    go: BTreeSet<String>,
    /// The identities that may be taken away.
    lost: Vec<(&'static str, &'static str)>,
    /// The mailboxes that may get a code.
    asked: BTreeSet<String>,
    /// Other mailboxes that may get a mail.
    mailed: BTreeSet<String>,
    /// Whether a sign-in may make an account anew.
    is_anew: bool,
    description: Value,
    /// The mails before.
    mails: usize,
}

impl Rules {
    pub(crate) fn new(house: &House, stay: &[&Account], go: &[&Account]) -> Self {
        let subs = |accounts: &[&Account]| accounts.iter().map(|account| account.sub.clone()).collect();
        let description = description(&settings(&[("INVITATIONS", "off"), ("SELF_SERVICE_LINKING", "any")]));
        Self {
            before: house.pool.accounts(),
            stay: subs(stay),
            go: subs(go),
            lost: Vec::new(),
            asked: BTreeSet::new(),
            mailed: BTreeSet::new(),
            is_anew: false,
            description: serde_json::to_value(description).expect("a description"),
            mails: house.mailer.sent().len(),
        }
    }

    pub(crate) fn losing(mut self, provider: &'static str, subject: &'static str) -> Self {
        self.lost.push((provider, subject));
        self
    }

    pub(crate) fn asking(mut self, mailbox: &str) -> Self {
        self.asked.insert(mailbox.to_owned());
        self
    }

    pub(crate) fn mailing(mut self, mailbox: &str) -> Self {
        self.mailed.insert(mailbox.to_owned());
        self
    }

    pub(crate) fn signing_in(self) -> Self {
        Self { is_anew: true, ..self }
    }

    /// Everybody who takes part.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Account> {
        self.before.iter().filter(|account| self.takes_part(account))
    }

    /// Where people see what is theirs.
    pub(crate) fn pages(&self) -> &'static [&'static str] {
        if self.mailed.is_empty() { &["/identities"] } else { &["/identities", "/email-change"] }
    }

    fn takes_part(&self, account: &Account) -> bool {
        self.stay.contains(&account.sub) || self.go.contains(&account.sub)
    }

    /// The API gives no answer that its description does not have.
    pub(crate) fn is_documented(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let path = if method == "DELETE" && path.starts_with("/identities/") { "/identities/{id}" } else { path };
        let told = &self.description["paths"][path][method.to_lowercase()]["responses"][status.to_string()];
        let codes = told["description"].as_str().ok_or_else(|| format!("{method} {path} answers {status}: {body}"))?;
        let code = body["code"].as_str();
        let is_known = status < 400 || codes.split(", ").any(|known| Some(known) == code);
        ensure(is_known && status != 500, || format!("{method} {path} answers {status}: {body}"))
    }

    /// What holds at every time: nobody is locked out, nothing is in two places, and nobody else is touched.
    pub(crate) fn holds(&self, house: &House) -> Result<(), String> {
        let now = house.pool.accounts();
        for before in &self.before {
            let after = now.iter().find(|account| account.sub == before.sub);
            if !self.takes_part(before) {
                ensure(same(after, before), || "somebody else's account was changed".to_owned())?;
            }
            if self.stay.contains(&before.sub) {
                let after = after.ok_or("an account that stays is gone")?;
                let is_as_before = (after.enabled, after.status, &after.password, &after.groups)
                    == (before.enabled, before.status, &before.password, &before.groups);
                ensure(is_as_before, || "an account that stays was changed".to_owned())?;
                let opens = !after.identities.is_empty() || (after.password.is_some() && after.email_verified);
                ensure(opens, || "an account that stays has no way in".to_owned())?;
            }
            if let Some(after) = after.filter(|after| self.go.contains(&after.sub)) {
                let has = |account: &Account| -> BTreeSet<(String, String)> {
                    let identities = account.identities.iter();
                    identities.map(|identity| (identity.provider.clone(), identity.value.clone())).collect()
                };
                let is_whole = has(after) == has(before) || (self.go.len() > 1 && has(after).is_superset(&has(before)));
                ensure(is_whole && after.password == before.password, || "an account went halfway".to_owned())?;
            }
        }
        for account in &now {
            let is_known = self.before.iter().any(|before| before.sub == account.sub);
            ensure(is_known || self.is_anew, || format!("an account came from nowhere: {}", account.sub))?;
        }
        for identity in self.before.iter().flat_map(|account| &account.identities) {
            let owners = house.pool.owners_of(&identity.provider, &identity.value);
            ensure(owners.len() <= 1, || format!("{identity:?} signs in to several accounts"))?;
            let may_be_lost = self.lost.contains(&(identity.provider.as_str(), identity.value.as_str()));
            ensure(owners.len() == 1 || may_be_lost, || format!("{identity:?} signs in to no account"))?;
        }
        let mailboxes: BTreeSet<_> = self.people().filter_map(|account| account.email.as_deref()).collect();
        for mail in self.mails(house) {
            let is_asked = mail.code().is_none_or(|_| self.asked.contains(&mail.to));
            let is_known = mailboxes.contains(mail.to.as_str()) || self.mailed.contains(&mail.to);
            ensure(is_asked && is_known, || format!("{} got “{}”", mail.to, mail.letter.subject))?;
        }
        Ok(())
    }

    /// The answers are true.
    pub(crate) fn is_true(&self, house: &House, run: &Run) -> Result<(), String> {
        let now = house.pool.accounts();
        for end in run.ends.iter().flatten() {
            match end {
                End::Answered { status: 200, body } if body.get("goes").is_some() => {
                    let is_gone = now.iter().all(|account| account.sub != body["goes"].as_str().unwrap_or_default());
                    ensure(is_gone, || "an account is said to be gone and is not".to_owned())?;
                }
                End::Answered { status: 200, body } if body["stage"] == "done" => {
                    let is_changed = now.iter().any(|account| self.mailed.iter().any(|new| account.has_email(new)));
                    // An account that goes takes its new address along.
                    ensure(is_changed || now.len() < self.before.len(), || "the address was not changed".to_owned())?;
                }
                End::SignedIn(Some(sub)) => {
                    // The profile may be gone since, but then somebody was told so.
                    let is_known =
                        now.iter().any(|account| account.sub == *sub) || self.go.contains(sub) || sub == ANEW;
                    ensure(is_known, || format!("somebody is signed in to nothing: {sub}"))?;
                }
                End::Answered { .. } | End::SignedIn(None) => {}
            }
        }
        let moves: BTreeSet<_> = run.ends.iter().flatten().filter_map(End::connected).collect();
        let gone: BTreeSet<_> = moves.iter().map(|(goes, _)| goes).collect();
        ensure(gone.len() == moves.len(), || "an account is said to have gone to two".to_owned())?;
        let is_cut = run.ends.iter().any(Option::is_none);
        let is_any = run.ends.iter().flatten().any(End::is_success);
        ensure(is_cut || is_any, || "nothing failed and nobody succeeded".to_owned())
    }

    /// Nothing is left to do, and everybody was told.
    pub(crate) fn is_over(&self, house: &House) -> Result<(), String> {
        for line in house.store.text().lines() {
            let state: Value = serde_json::from_str(line).map_err(|why| why.to_string())?;
            // A change of the address that was not completed waits for its code, or its account is gone. It expires.
            let is_current = |account: &Account| account.email.as_deref() == state["request"]["current"].as_str();
            let commits = state["request"]["committing"].is_object() && house.pool.accounts().iter().any(is_current);
            let is_idle = state["work"].is_null() && state["notice"].is_null() && !commits;
            let owes = state["owed"].as_array().is_some_and(|owed| !owed.is_empty());
            ensure(is_idle && !owes, || format!("work is left: {line}"))?;
        }
        let now = house.pool.accounts();
        for before in &self.before {
            let after = now.iter().find(|account| account.sub == before.sub);
            for identity in &before.identities {
                let owner = house.pool.owners_of(&identity.provider, &identity.value).into_iter().next();
                match owner {
                    Some(owner) if owner.sub == before.sub => {}
                    // The sign-in made it anew, and then it is nobody's news.
                    Some(owner) if self.before.iter().all(|known| known.sub != owner.sub) => {}
                    Some(owner) => {
                        let at_start = self.before.iter().find(|known| known.sub == owner.sub);
                        for told in [Some(before), at_start].into_iter().flatten().filter(|told| told.email_verified) {
                            self.is_told(house, told, "new way to sign in")?;
                        }
                    }
                    None => self.is_told(house, before, "removed")?,
                }
            }
            if let Some(after) = after {
                if after.email != before.email && !after.is_stand_alone() && before.email_verified {
                    self.is_told(house, before, "was changed")?;
                }
                if self.takes_part(before) && after.sessions.is_empty() {
                    let told = ["removed", "signed out", "was changed"]
                        .iter()
                        .any(|subject| self.is_told(house, before, subject).is_ok());
                    ensure(told, || "sessions ended without a word".to_owned())?;
                }
            }
        }
        Ok(())
    }

    fn is_told(&self, house: &House, who: &Account, subject: &str) -> Result<(), String> {
        // The address may have been changed before.
        let is_who = |to: &String| Some(to) == who.email.as_ref() || self.mailed.contains(to);
        let is_it = |mail: &&Sent| is_who(&mail.to) && mail.letter.subject.contains(subject);
        let told = self.mails(house).iter().filter(is_it).count();
        ensure((1..=3).contains(&told), || format!("{:?} was told {told} times: {subject}", who.email))
    }

    fn mails(&self, house: &House) -> Vec<Sent> {
        house.mailer.sent().split_off(self.mails)
    }
}

fn same(one: Option<&Account>, other: &Account) -> bool {
    one.is_some_and(|one| format!("{one:?}") == format!("{other:?}"))
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
