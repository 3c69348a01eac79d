//! What a registered person can do to a pool without anybody's help: with Cognito's own calls, their own mailbox and
//! their own accounts.

use crate::world::{ADA, ClientRights, MALLORY, MALLORYS_SUBJECT};
use cognito_core::email::Email;
use cognito_core::user_pool::memory::{Account, PoolKind, native};
use cognito_core::user_pool::{NativeUserName, Status};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

pub const PASSWORD: &str = "Mallory's passw0rd!";
const SESSION: &str = "Mallory's session";

pub struct Mallory {
    random: StdRng,
    kind: PoolKind,
    rights: ClientRights,
    /// Whether the pool stores a changed address before it is proven.
    stores_at_once: bool,
    made: u32,
    rests: bool,
    /// For the message of a failure.
    pub did: Vec<&'static str>,
}

/// Whether Mallory can sign in to this account, or is signed in.
pub fn is_mallorys(account: &Account) -> bool {
    account.password.as_deref() == Some(PASSWORD)
        || account.sessions.iter().any(|session| session == SESSION)
        || account.identities.iter().any(|identity| identity.value == MALLORYS_SUBJECT)
}

/// Whether Mallory can act in it: it is confirmed and nobody disabled it.
pub fn reaches(account: &Account) -> bool {
    let is_open = matches!(account.status, Status::Confirmed | Status::ExternalProvider);
    is_mallorys(account) && account.enabled && is_open
}

/// Whether the account stands alone for a provider that is never trusted: there a mark is nobody's word.
pub fn is_of_nobodys_word(account: &Account) -> bool {
    account.identities.iter().any(|identity| identity.primary && identity.provider == "Okta")
}

impl Mallory {
    pub fn new(seed: u64, kind: PoolKind, rights: ClientRights) -> Self {
        let random = StdRng::seed_from_u64(seed ^ 0xa77a_c4e5);
        let stores_at_once = rights != ClientRights::ProvenAddresses;
        Self { random, kind, rights, stores_at_once, made: 0, rests: false, did: Vec::new() }
    }

    /// The operator turns `AttributesRequireVerificationBeforeUpdate` on or off.
    pub fn change_what_people_may_store(&mut self) {
        self.stores_at_once = !self.stores_at_once && self.rights != ClientRights::ProvenAddresses;
    }

    /// Does nothing any more.
    pub fn rest(&mut self) {
        self.rests = true;
    }

    /// Perhaps acts, just before a call that somebody else's sign-in makes.
    pub fn interrupt(&mut self, accounts: &mut Vec<Account>) {
        if !self.rests && self.random.random_ratio(1, 3) {
            self.act(accounts);
        }
    }

    /// The same, between two calls and not just before one.
    pub fn act_at_leisure(&mut self, accounts: &mut Vec<Account>) {
        if self.kind == PoolKind::UserNames && self.random.random_ratio(1, 5) {
            let act = self.take_an_alias(accounts);
            self.did.extend(act);
        } else {
            self.act(accounts);
        }
    }

    /// One thing that a registered person can do at any moment, if it can be done now.
    pub fn act(&mut self, accounts: &mut Vec<Account>) {
        let act = match self.random.random_range(0..8) {
            0 => self.register(accounts),
            1 => confirm(accounts),
            2 | 3 => self.write_an_address(accounts),
            4 => self.delete_an_account(accounts),
            5 => self.sign_in(accounts),
            6 => answer_an_invitation(accounts),
            _ => self.plant(accounts),
        };
        self.did.extend(act);
    }

    /// Registers either address. Where people choose their user names, perhaps under somebody's `sub`, or under the name that
    /// is derived from Ada's address. The product refuses both where it is attached; this pool may be older.
    fn register(&mut self, accounts: &mut Vec<Account>) -> Option<&'static str> {
        self.made += 1;
        let address = *[ADA, MALLORY].choose(&mut self.random)?;
        let sub = format!("11111111-0000-4000-a000-{:012}", self.made);
        let user_name = match self.kind {
            PoolKind::EmailUserNames => sub.clone(),
            PoolKind::UserNames if self.random.random_ratio(1, 4) => adas_derived_name(),
            PoolKind::EmailAlias | PoolKind::UserNames if self.random.random_ratio(1, 3) => {
                format!("mallory-{}", self.made)
            }
            PoolKind::EmailAlias | PoolKind::UserNames => accounts.choose(&mut self.random)?.sub.clone(),
        };
        let is_taken = accounts.iter().any(|account| match self.kind {
            PoolKind::EmailUserNames => !account.is_stand_alone() && account.has_email(address),
            PoolKind::EmailAlias | PoolKind::UserNames => account.user_name == user_name,
        });
        if is_taken {
            return None;
        }
        accounts.push(Account { user_name, sub, password: Some(PASSWORD.into()), ..native(address).unconfirmed() });
        Some("registered")
    }

    /// Writes Ada's address into an account, or the own one back, with the code that goes to the own mailbox.
    fn write_an_address(&mut self, accounts: &mut [Account]) -> Option<&'static str> {
        let back = self.random.random_ratio(1, 3);
        let (stores_at_once, marks) = (self.stores_at_once, self.rights == ClientRights::Marks);
        let account = self.own(accounts)?;
        if back {
            (account.email, account.email_verified, account.pending_email) = (Some(MALLORY.into()), true, None);
            return Some("wrote their own address");
        }
        if marks && is_of_nobodys_word(account) {
            (account.email, account.email_verified) = (Some(ADA.into()), true);
            return Some("marked Ada's address as verified");
        }
        if stores_at_once {
            (account.email, account.email_verified) = (Some(ADA.into()), false);
        } else {
            account.pending_email = Some(ADA.into());
        }
        Some("wrote Ada's address")
    }

    /// Writes the name that is derived from Ada's address as `preferred_username`, which is an alias in this pool.
    ///
    /// Never just before a call: nothing can keep a name from moving between the look at whom it reaches and the call, which
    /// the threat model says.
    fn take_an_alias(&mut self, accounts: &mut [Account]) -> Option<&'static str> {
        let account = self.own(accounts)?;
        account.attributes.insert("preferred_username".into(), adas_derived_name());
        Some("took the name of Ada's account for an alias")
    }

    fn delete_an_account(&mut self, accounts: &mut Vec<Account>) -> Option<&'static str> {
        let name = self.own(accounts)?.user_name.clone();
        accounts.retain(|account| account.user_name != name);
        Some("deleted their account")
    }

    fn sign_in(&mut self, accounts: &mut [Account]) -> Option<&'static str> {
        self.own(accounts)?.sessions.push(SESSION.into());
        Some("signed in")
    }

    /// A phone number and a second factor.
    fn plant(&mut self, accounts: &mut [Account]) -> Option<&'static str> {
        let account = self.own(accounts)?;
        (account.phone, account.second_factor) = (Some("+15550100".into()), true);
        Some("planted a factor")
    }

    fn own<'a>(&mut self, accounts: &'a mut [Account]) -> Option<&'a mut Account> {
        let own: Vec<usize> = (0..accounts.len()).filter(|at| reaches(&accounts[*at])).collect();
        Some(&mut accounts[*own.choose(&mut self.random)?])
    }
}

/// The name that an account of Ada's gets where `NATIVE_USERNAME` is `derived`.
pub fn adas_derived_name() -> String {
    Email::parse(ADA).map(|email| NativeUserName::derived(&email)).unwrap()
}

/// With the code that went to Mallory's mailbox.
fn confirm(accounts: &mut [Account]) -> Option<&'static str> {
    let waits = |account: &&mut Account| {
        account.status == Status::Unconfirmed && account.has_email(MALLORY) && is_mallorys(account)
    };
    let account = accounts.iter_mut().find(waits)?;
    (account.status, account.email_verified) = (Status::Confirmed, true);
    Some("confirmed their registration")
}

/// Answers the temporary password of an invitation to Mallory at Cognito itself, with Ada's address, as the challenge allows.
fn answer_an_invitation(accounts: &mut [Account]) -> Option<&'static str> {
    let waits = |account: &&mut Account| account.status == Status::ForceChangePassword && account.has_email(MALLORY);
    let account = accounts.iter_mut().find(waits)?;
    (account.status, account.password) = (Status::Confirmed, Some(PASSWORD.into()));
    (account.email, account.email_verified) = (Some(ADA.into()), false);
    Some("answered an invitation with Ada's address")
}
