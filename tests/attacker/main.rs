//! An attacker who may do whatever a registered person may, at any moment, in any history of a pool's settings.
//!
//! Ada and Mallory act in turn in one pool, and Mallory acts once more before any call that the product makes. The
//! functions, the account API and the merge are the real ones; the pool is the one in memory. Whatever happens, nobody
//! ends with a way into an account that shows an address they never proved.
//!
//! Each walk is made of its seed, which a failure prints.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the modules of one test")]

mod mallory;
mod naive;
mod world;

use cognito_core::provider::Providers;
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, PoolKind};
use mallory::{PASSWORD, adas_derived_name, is_mallorys, is_of_nobodys_word, reaches};
use naive::Guard;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use world::{
    ADA, ADA_BEFORE, ADAS_PASSWORD, ADAS_SUBJECT, Claims, DISABLED, GOOGLE, MALLORY, MALLORYS_SUBJECT, Setup, World,
    is_adas,
};

/// Steps of a walk. Longer walks find nothing that these do not.
const STEPS: u32 = 8;

/// What a person does next.
#[derive(Clone, Copy, Debug)]
enum Move {
    MalloryActs,
    MallorySignsIn(&'static str, Claims),
    MalloryInvites(&'static str),
    MalloryChangesAnAddress,
    AdaSignsIn,
    AdaRegisters,
    AdaCompletesAnInvitation,
    AdaChangesHerAddress,
    OperatorChangesWhatPeopleMayStore,
    OperatorChangesWhatCognitoHears,
    OperatorBans,
    OperatorMerges,
}

/// What the providers say of Mallory. Only Okta, which is never trusted, and Corp, which is trusted for its own domain
/// only, say what is not so.
const MALLORYS_CLAIMS: [(&str, Claims); 9] = [
    ("Facebook", Claims { email: None, verified: None }),
    ("Facebook", Claims { email: Some(MALLORY), verified: None }),
    ("Google", Claims { email: Some(ADA), verified: Some(false) }),
    ("Google", Claims { email: Some(MALLORY), verified: Some(true) }),
    ("Google", Claims { email: None, verified: None }),
    ("Okta", Claims { email: Some(ADA), verified: Some(true) }),
    ("Okta", Claims { email: Some(MALLORY), verified: Some(true) }),
    ("Corp", Claims { email: Some(ADA), verified: Some(true) }),
    ("Corp", Claims { email: Some("mallory@corp.example"), verified: Some(true) }),
];

fn next_move(random: &mut StdRng) -> Move {
    match random.random_range(0..21) {
        0..4 => Move::MalloryActs,
        4..8 => {
            let (provider, claims) = MALLORYS_CLAIMS[random.random_range(0..MALLORYS_CLAIMS.len())];
            Move::MallorySignsIn(provider, claims)
        }
        8 => Move::MalloryInvites(if random.random() { ADA } else { MALLORY }),
        16 | 17 => Move::MalloryChangesAnAddress,
        9 | 10 => Move::AdaSignsIn,
        11 => Move::AdaRegisters,
        12 => Move::AdaCompletesAnInvitation,
        13 => Move::AdaChangesHerAddress,
        14 => Move::OperatorChangesWhatPeopleMayStore,
        18 => Move::OperatorChangesWhatCognitoHears,
        19 | 20 => Move::OperatorBans,
        _ => Move::OperatorMerges,
    }
}

async fn make(world: &mut World, next: Move, random: &mut StdRng) {
    match next {
        Move::MalloryActs => world.pool.change(|accounts| world.mallory.lock().unwrap().act_at_leisure(accounts)),
        Move::MallorySignsIn(provider, claims) => drop(world.sign_in(provider, MALLORYS_SUBJECT, claims).await),
        Move::MalloryInvites(address) => world.invite(address).await,
        Move::MalloryChangesAnAddress => world.mallory_changes_an_address().await,
        Move::AdaSignsIn => drop(world.sign_in("Google", ADAS_SUBJECT, GOOGLE).await),
        Move::AdaRegisters => world.ada_registers(),
        Move::AdaCompletesAnInvitation => world.ada_completes_an_invitation().await,
        Move::AdaChangesHerAddress => drop(world.ada_changes_her_address().await),
        Move::OperatorChangesWhatPeopleMayStore => world.mallory.lock().unwrap().change_what_people_may_store(),
        Move::OperatorChangesWhatCognitoHears => world.change_what_cognito_hears(),
        Move::OperatorBans => world.ban(random),
        Move::OperatorMerges => world.merge().await,
    }
}

/// What must never be, after anything that anybody did.
fn violation(before: &[Account], after: &[Account]) -> Option<&'static str> {
    for account in after {
        let (adas, mallorys) = (is_adas(account), is_mallorys(account));
        let marked = account.email_verified && !is_of_nobodys_word(account);
        if mallorys && marked && (account.has_email(ADA) || account.has_email(ADA_BEFORE)) {
            return Some("Mallory is in an account that shows Ada's address as verified");
        }
        if adas && mallorys {
            return Some("Ada and Mallory are in one account");
        }
    }
    for was in before.iter().filter(|account| account.email_verified && is_adas(account)) {
        let Some(is) = after.iter().find(|account| account.sub == was.sub) else {
            // A merge deletes what stands alone, and the identity signs in to the native account from then on.
            if was.is_stand_alone() {
                continue;
            }
            return Some("an account of Ada's is gone");
        };
        let kept = is.email_verified
            && is.enabled == was.enabled
            && (is.has_email(ADA) || is.has_email(ADA_BEFORE))
            && was.identities.iter().all(|identity| is.identities.contains(identity))
            && (was.password == is.password || is_adas(is));
        if !kept {
            return Some("an account of Ada's is not what it was");
        }
    }
    None
}

/// Whether a person can sign in to an account.
type IsTheirs = fn(&Account) -> bool;

/// What must never be either: whoever an administrator disabled is in another account that shows the address which they had
/// proven, unless they have it by a password of their own, which Cognito asks nobody about.
fn comes_back(before: &[Account], after: &[Account], providers: &Providers) -> bool {
    let has_proven = |account: &Account| account.profile().has_proven_address(providers);
    let is_open = |account: &Account| {
        let confirmed = matches!(account.status, Status::Confirmed | Status::ResetRequired);
        !account.is_stand_alone() && account.enabled && account.email_verified && confirmed
    };
    let people: [(&str, IsTheirs, &str); 2] = [(ADA, is_adas, ADAS_PASSWORD), (MALLORY, is_mallorys, PASSWORD)];
    people.into_iter().any(|(address, is_theirs, password)| {
        let with_address = || before.iter().filter(|account| account.has_email(address));
        let is_shut_out = with_address().any(|account| !account.enabled && has_proven(account));
        let is_new = |account: &Account| !before.iter().any(|was| was.sub == account.sub && is_theirs(was));
        is_shut_out
            && !with_address().any(is_open)
            && after.iter().any(|account| {
                let is_back = account.enabled && account.has_email(address) && is_theirs(account) && is_new(account);
                is_back && has_proven(account) && account.password.as_deref() != Some(password)
            })
    })
}

/// Walks, and tells the first violation with what led to it.
async fn walk(seed: u64, setup: Setup) -> Result<World, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(setup, seed);
    let mut moves = Vec::new();
    for _ in 0..STEPS {
        let before = world.pool.accounts();
        let next = next_move(&mut random);
        moves.push(next);
        make(&mut world, next, &mut random).await;
        if matches!(next, Move::OperatorBans) {
            continue;
        }
        let after = world.pool.accounts();
        let back = comes_back(&before, &after, &world.providers()).then_some("who was shut out is back");
        if let Some(what) = violation(&before, &after).or(back) {
            let did = world.mallory.lock().unwrap().did.clone();
            return Err(format!(
                "{what}\nseed {seed}, {setup:?}\n{moves:#?}\nMallory {did:?}\n{before:#?}\n{after:#?}"
            ));
        }
    }
    Ok(world)
}

fn is_quiet(world: &World) {
    world.mallory.lock().unwrap().rest();
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_into_an_account_with_an_address_they_never_proved() {
    const WALKS: u64 = 150;
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for setup in Setup::all() {
        for seed in 0..WALKS {
            let mut world = walk(seed, setup).await.unwrap_or_else(|what| panic!("{what}"));
            is_quiet(&world);
            let end = end_of(&mut world).await;
            *ends.entry(end).or_default() += 1;
        }
    }
    println!("{ends:#?}");
    // The walks reach what they are about: Ada gets in, and is refused where the settings say so.
    let ends_of_all =
        ["in", "unverified_profile", "ambiguous_owner", "linked_profile", "disabled_profile", "user_name_held"];
    for end in ends_of_all {
        assert!(ends.get(end).is_some_and(|count| *count >= 3), "{end}: {ends:?}");
    }
}

/// Ada signs in again, undisturbed. She is in and nobody else is, or she is refused for a reason that the threat model
/// names.
async fn end_of(world: &mut World) -> String {
    let refused = world.sign_in("Google", ADAS_SUBJECT, GOOGLE).await.err();
    let seed = world.seed;
    let Some(code) = refused else {
        let owners = world.pool.owners_of("Google", ADAS_SUBJECT);
        let [own] = owners.as_slice() else { panic!("seed {seed}, {:?}: {owners:#?}", world.setup) };
        assert!(own.email_verified && !is_mallorys(own), "seed {seed}, {:?}: {own:#?}", world.setup);
        return "in".to_owned();
    };
    let accounts = world.pool.accounts();
    let of_ada = |account: &&Account| account.has_email(ADA) || is_adas(account);
    match code.as_str() {
        // Her own account is disabled, or one that proved her address, or the pool keeps it for one that did not.
        DISABLED | "disabled_profile" => {
            assert!(accounts.iter().filter(of_ada).any(|account| !account.enabled), "seed {seed}, {accounts:#?}");
            return code;
        }
        "linked_profile" => {
            let is_linked = |account: &Account| account.has_email(ADA) && !account.identities.is_empty();
            assert!(accounts.iter().any(is_linked), "seed {seed}, {:?}: {accounts:#?}", world.setup);
            return code;
        }
        "user_name_held" => {
            assert!(accounts.iter().any(takes_adas_name), "seed {seed}, {:?}: {accounts:#?}", world.setup);
            return code;
        }
        _ => {}
    }
    let known = ["unverified_profile", "ambiguous_owner", "email_held_by_federated_profile"];
    assert!(known.contains(&code.as_str()), "seed {seed}, {:?}: {code}\n{:#?}", world.setup, world.pool.accounts());
    // Where what nobody proved may be taken over, one such account keeps Ada from nothing; of several, none is chosen. Where
    // the address is no name, Ada may have proven it for several.
    let count = |verified: bool| {
        let is_one = |account: &&Account| account.has_email(ADA) && account.email_verified == verified;
        accounts.iter().filter(is_one).filter(|account| !account.is_stand_alone()).count()
    };
    let proven_twice = world.setup.kind == PoolKind::UserNames && count(true) > 1;
    assert!(
        !world.setup.reclaims || count(false) > 1 || proven_twice,
        "seed {seed}, {:?}: {code}\n{:#?}",
        world.setup,
        world.pool.accounts()
    );
    code
}

/// Whether somebody else has the name that follows from Ada's address, as user name or alias.
fn takes_adas_name(account: &Account) -> bool {
    let name = adas_derived_name();
    let is_alias = account.attributes.get("preferred_username") == Some(&name);
    !is_adas(account) && (is_alias || (account.user_name == name && !account.has_email(ADA)))
}

/// After a walk Ada changes her address undisturbed. Whether she could, or what is wrong if she could not although nobody
/// has the address.
async fn change_after_a_walk(seed: u64, setup: Setup) -> Result<bool, String> {
    let world = walk(seed, Setup { ada_has_an_account: true, ..setup }).await?;
    is_quiet(&world);
    world.tomorrow();
    // Where the address is the user name, the pool itself keeps an address for whoever names it first. Facebook vouches for
    // whatever address its profiles store.
    let one_a_name = setup.kind == PoolKind::EmailUserNames;
    let providers = world.providers();
    let holds = |account: &Account| {
        let named = one_a_name && !account.is_stand_alone();
        account.has_email(ADA) && (named || account.profile().has_proven_address(&providers))
    };
    let accounts = world.pool.accounts();
    let is_shut = |account: &Account| is_adas(account) && !account.enabled;
    if accounts.iter().any(|account| holds(account) || is_shut(account)) {
        return Ok(false);
    }
    let result = world.ada_changes_her_address().await;
    let has_it = world.pool.accounts().iter().any(|account| holds(account) && is_adas(account));
    if result.is_ok() && has_it {
        return Ok(true);
    }
    Err(format!("seed {seed}, {setup:?}: {result:?}\n{:#?}", world.pool.accounts()))
}

/// A person who proved nothing blocks nobody, and a lost answer costs only a retry.
#[tokio::test(start_paused = true)]
async fn ada_changes_her_address_whatever_others_claim_and_whichever_answer_is_lost() {
    let mut changed = 0;
    for setup in Setup::all() {
        for seed in 0..120 {
            let could = change_after_a_walk(seed, setup).await.unwrap_or_else(|what| panic!("{what}"));
            changed += u32::from(could);
        }
    }
    assert!(changed > 80, "{changed}");
}

/// If the walks let any of these pass, they would prove nothing.
#[tokio::test(start_paused = true)]
async fn a_product_that_forgets_one_guard_is_caught() {
    for (guard, soon) in naive::ALL {
        let mut caught = None;
        'walks: for seed in (soon..1000).chain(0..soon) {
            for setup in Setup::all() {
                let setup = Setup { forgets: Some(guard), ..setup };
                let result = match guard {
                    // It takes nobody's account, but keeps Ada from changing hers.
                    Guard::WhoProvedNothingBlocksNobody => change_after_a_walk(seed, setup).await.map(drop),
                    _ => walk(seed, setup).await.map(drop),
                };
                if let Err(what) = result {
                    println!("{guard:?} is caught with seed {seed}");
                    caught = Some(what);
                    break 'walks;
                }
            }
        }
        assert!(caught.is_some(), "{guard:?} was not caught");
    }
}

#[test]
fn mallory_reaches_what_mallory_made() {
    let world = World::new(Setup::all().remove(0), 1);
    let made: usize = (0..400)
        .map(|_| {
            world.pool.change(|accounts| world.mallory.lock().unwrap().act(accounts));
            world.pool.accounts().iter().filter(|account| reaches(account)).count()
        })
        .sum();
    assert!(made > 100, "{made}");
}
