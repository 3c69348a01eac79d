//! A product that forgets one of its guards.

use crate::mallory::Mallory;
use cognito_core::user_pool::memory::{Account, MemoryPool};
use std::sync::{Arc, Mutex};

/// What is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A merge takes an address that is stored and not verified for proof.
    StoredAddressIsNoProof,
    /// The repair marks whatever address is stored.
    OnlyThisSignInsAddress,
    /// A mark on a second profile is written without a look at who holds the address.
    TheAddressIsAvailable,
    /// A call for a user name reaches whoever has it for a `sub`.
    TheUserNameIsNobodysSub,
    /// A provider that is trusted for its domain is believed any address.
    TrustHasDomains,
    /// A disabled stand-alone profile is not looked at.
    ABanCountsEverywhere,
    /// Whoever only names an address keeps its owner from it.
    WhoProvedNothingBlocksNobody,
}

/// Each with a seed whose walk catches it, so that the test does not look for one. Any other seed would do.
pub const ALL: [(Guard, u64); 7] = [
    (Guard::StoredAddressIsNoProof, 384),
    (Guard::OnlyThisSignInsAddress, 111),
    (Guard::TheAddressIsAvailable, 6),
    (Guard::TheUserNameIsNobodysSub, 344),
    (Guard::TrustHasDomains, 6),
    (Guard::ABanCountsEverywhere, 239),
    (Guard::WhoProvedNothingBlocksNobody, 5),
];

/// Shows disabled stand-alone profiles as enabled. Returns whose they are, for [`hide_again`].
pub fn show_as_enabled(pool: &MemoryPool) -> Vec<String> {
    let mut shown = Vec::new();
    pool.change(|accounts| {
        for account in accounts.iter_mut().filter(|account| !account.enabled && account.is_stand_alone()) {
            account.enabled = true;
            shown.push(account.sub.clone());
        }
    });
    shown
}

/// The profiles are disabled as before.
pub fn hide_again(pool: &MemoryPool, shown: &[String]) {
    pool.change(|accounts| {
        for account in accounts.iter_mut().filter(|account| shown.contains(&account.sub)) {
            account.enabled = false;
        }
    });
}

/// A repair without any check: the alias moves.
pub fn mark_without_asking(pool: &MemoryPool, user_name: &str) {
    pool.change(|accounts| {
        let Some(marked) = accounts.iter().find(|account| account.user_name == user_name).cloned() else { return };
        let Some(address) = marked.email.as_deref() else { return };
        for account in accounts.iter_mut().filter(|account| account.has_email(address)) {
            account.email_verified = account.user_name == user_name;
        }
    });
}

/// A change of address that looks first and then calls by the name, which by then may be somebody else's `sub`.
pub fn change_address_by_name(pool: &MemoryPool, mallory: &Arc<Mutex<Mallory>>, user_name: &str, new: &str) {
    // A look at the account, one at who has the address, and the write.
    for _ in 0..3 {
        pool.change(|accounts| mallory.lock().unwrap().interrupt(accounts));
    }
    pool.change(|accounts| {
        let by_name = |account: &Account| account.user_name == user_name || account.sub == user_name;
        if let Some(account) = accounts.iter_mut().find(|account| by_name(account)) {
            (account.email, account.email_verified) = (Some(new.to_owned()), true);
        }
    });
}
