//! Pools, the people arriving in them, and what must be true when the dust has settled.

use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, federated, invited, native};
use cognito_core::user_pool::{NativeUserName, Patience, Status};
use linking::{
    Arrival, Later, LinkError, LinkWithFactors, Linker, Newcomers, Policy, SecondSubject, SubjectRule,
    UnverifiedProfile,
};
use serde_json::json;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

pub const ADA: &str = "ada@example.com";

/// When everything happens.
static NOW: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// What a scenario must end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every identity signs in to one verified native profile. `Newcomer`: it is in the group.
    Newcomer,
    /// As above, but it was there before: password, sessions and groups are as they were.
    Linked,
    /// As `Linked`, but nothing that was planted is left.
    Reclaimed,
    /// Refused with this code, and the pool is as it was.
    Refused(&'static str),
    /// Left to Cognito, and the pool is as it was.
    Untouched,
}

#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub kind: PoolKind,
    pub accounts: Vec<Account>,
    pub policy: Policy,
    pub verified_claim: bool,
    pub quirks: Quirks,
    pub end: End,
}

impl Scenario {
    fn new(name: &'static str, end: End, accounts: Vec<Account>) -> Self {
        let policy = Policy::default();
        let quirks = Quirks::default();
        Self { name, kind: PoolKind::EmailUserNames, accounts, policy, verified_claim: true, quirks, end }
    }

    pub fn alias(self) -> Self {
        Self { kind: PoolKind::EmailAlias, ..self }
    }

    fn plain_names(self) -> Self {
        Self { kind: PoolKind::UserNames, ..self }
    }

    fn policy(self, unverified_profile: UnverifiedProfile) -> Self {
        Self { policy: Policy { unverified_profile, ..self.policy }, ..self }
    }

    fn newcomers(self, newcomers: Newcomers) -> Self {
        Self { policy: Policy { newcomers, ..self.policy }, ..self }
    }

    fn second_subject(self, second_subject: SecondSubject) -> Self {
        Self { policy: Policy { second_subject, ..self.policy }, ..self }
    }

    pub fn with_quirks(&self, quirks: Quirks) -> Self {
        let Quirks { stand_alone_holds_alias, requires_name, .. } = self.quirks;
        Self { quirks: Quirks { stand_alone_holds_alias, requires_name, ..quirks }, ..self.clone() }
    }

    pub fn pool(&self) -> MemoryPool {
        let pool = MemoryPool::new(self.kind, self.accounts.clone()).with_quirks(self.quirks);
        // The same in each schedule, because replies show when a profile was created.
        pool.set_now(*NOW);
        pool
    }

    /// The arrival of an identity that shows Ada's address.
    pub fn arrival(&self, user_name: &str) -> Arrival {
        let providers = providers();
        let attributes = json!({"email": "Ada@Example.com", "email_verified": self.verified_claim});
        Arrival::read(user_name, Attributes::new(Some(&attributes)), &providers, &SubjectRule::default())
    }

    /// One invocation of the real engine.
    pub async fn settle(
        &self,
        pool: &impl cognito_core::user_pool::UserPool,
        user_name: &str,
        later: Option<&dyn Later>,
    ) -> Result<(), LinkError> {
        let user_name_kind = match self.kind {
            PoolKind::EmailUserNames => NativeUserName::Email,
            PoolKind::EmailAlias => NativeUserName::Uuid,
            PoolKind::UserNames => NativeUserName::Derived,
        };
        let linker = Linker {
            pool,
            policy: self.policy,
            providers: &providers(),
            group: Some("Users"),
            user_name: user_name_kind,
            attributes: std::collections::BTreeMap::new(),
            now: *NOW + Duration::from_secs(1),
            patience: Patience::NONE,
            later,
            observer: None,
        };
        linker.settle(&self.arrival(user_name)).await.map(drop)
    }

    /// Whether the pool is as it must be once `identities` have arrived and everything has been
    /// repeated until it succeeded or was refused.
    pub fn violation(&self, pool: &MemoryPool, identities: &[&str], results: &[Result<(), String>]) -> Option<String> {
        let accounts = pool.accounts();
        let broken = |what: &str| Some(format!("{}: {what}\nresults {results:?}\n{accounts:#?}", self.name));
        match self.end {
            End::Refused(code) => {
                if results.iter().any(|result| result != &Err(code.to_owned())) {
                    return broken("not refused as it must be");
                }
                return if self.is_unchanged(pool) { None } else { broken("a refusal changed the pool") };
            }
            End::Untouched => {
                return if results.iter().all(Result::is_ok) && self.is_unchanged(pool) {
                    None
                } else {
                    broken("the pool was touched")
                };
            }
            End::Newcomer | End::Linked | End::Reclaimed => {}
        }
        if results.iter().any(Result::is_err) {
            return broken("not settled");
        }
        let verified: Vec<&Account> =
            accounts.iter().filter(|a| a.has_email(ADA) && a.email_verified && !a.is_stand_alone()).collect();
        let [owner] = verified.as_slice() else { return broken("not exactly one verified native profile") };
        for identity in identities {
            let (provider, subject) = identity.split_once('_').expect("a user name");
            let owners = pool.owners_of(provider, subject);
            if owners.len() != 1 || owners[0].sub != owner.sub {
                return broken("an identity does not sign in to exactly the one account");
            }
        }
        if owner.status != Status::Confirmed || owner.password.as_deref().is_some_and(|p| p.starts_with("temporary")) {
            return broken("the account still has a temporary password");
        }
        if owner.is_planted() && self.end != End::Linked {
            return broken("something of an attacker is left");
        }
        let one_each = self.policy.second_subject != SecondSubject::Link;
        if one_each && owner.identities.iter().filter(|known| known.provider == "Google").count() > 1 {
            return broken("a second subject of a provider is linked beside the first");
        }
        let before = self.accounts.iter().find(|account| account.sub == owner.sub);
        match (self.end, before) {
            (End::Newcomer, _) if !owner.groups.contains("Users") => broken("a newcomer is not in the group"),
            (End::Linked, Some(before))
                if (&before.password, &before.groups, &before.sessions)
                    != (&owner.password, &owner.groups, &owner.sessions) =>
            {
                broken("a link changed more than the identities")
            }
            (End::Linked | End::Reclaimed, None) => broken("the account was replaced"),
            _ => None,
        }
    }

    fn is_unchanged(&self, pool: &MemoryPool) -> bool {
        crate::explorer::digest(pool) == crate::explorer::digest(&self.pool())
    }
}

fn providers() -> Providers {
    Providers::parse("Google:claim,Okta:claim").unwrap()
}

/// Every situation of the decision table.
pub fn all() -> Vec<Scenario> {
    let squatter = || native(ADA).unverified().named("squatter").planted();
    let five = (10..15).fold(native(ADA), |account, n| account.with_identity("Facebook", &n.to_string()));
    let earlier_life = Account { identities: vec![], ..invited(ADA).unverified().planted() };
    let earlier_life = Account { status: Status::ForceChangePassword, ..earlier_life };
    let mut all = vec![
        Scenario::new("nobody", End::Newcomer, vec![]),
        Scenario::new("nobody, alias pool", End::Newcomer, vec![]).alias(),
        Scenario::new("somebody else", End::Newcomer, vec![native("grace@example.com")]),
        Scenario::new("confirmed and verified", End::Linked, vec![native(ADA).planted()]),
        Scenario::new("confirmed and verified, alias pool", End::Linked, vec![native(ADA)]).alias(),
        Scenario::new("half created", End::Newcomer, vec![Account { created: Some(*NOW), ..invited(ADA) }]),
        Scenario::new("invited", End::Newcomer, vec![invited(ADA)]),
        Scenario::new("invited, not verified", End::Newcomer, vec![earlier_life]),
        Scenario::new("unconfirmed", End::Newcomer, vec![native(ADA).unconfirmed().planted()]),
        Scenario::new("unconfirmed, alias pool", End::Newcomer, vec![native(ADA).unconfirmed().planted()]).alias(),
        Scenario::new("unconfirmed, refused", End::Refused("unverified_profile"), vec![native(ADA).unconfirmed()])
            .policy(UnverifiedProfile::Refuse),
        Scenario::new("unverified", End::Refused("unverified_profile"), vec![native(ADA).unverified().planted()]),
        Scenario::new("unverified, reclaimed", End::Reclaimed, vec![native(ADA).unverified().planted()])
            .policy(UnverifiedProfile::Reclaim),
        Scenario::new("disabled", End::Refused("disabled_profile"), vec![native(ADA).disabled()]),
        Scenario::new("squatter beside the owner", End::Linked, vec![squatter(), native(ADA)]).alias(),
        Scenario::new("two squatters", End::Refused("ambiguous_owner"), vec![squatter(), squatter().named("another")])
            .alias(),
        Scenario::new("five identities", End::Refused("too_many_identities"), vec![five]),
        Scenario::new(
            "the address is somebody else's user name",
            End::Refused("user_name_held"),
            vec![native("grace@example.com").named(ADA)],
        ),
        Scenario::new("stand-alone profile", End::Newcomer, vec![federated("Facebook", "9", ADA)]),
    ];
    let banned = || Account { email_verified: true, ..federated("Okta", "9", ADA) }.disabled();
    let shut = || native(ADA).unverified().disabled();
    for (name, account) in [
        ("banned, unverified", native(ADA).unverified()),
        ("banned, unconfirmed", native(ADA).unconfirmed()),
        ("banned, invited", invited(ADA)),
        ("banned, invited, not verified", invited(ADA).unverified()),
    ] {
        let end = End::Refused("disabled_profile");
        all.push(Scenario::new(name, end, vec![banned(), account]).policy(UnverifiedProfile::Reclaim));
    }
    all.push(Scenario::new("banned elsewhere, but not here", End::Linked, vec![banned(), native(ADA)]));
    let two = vec![shut(), shut().named("another")];
    all.push(Scenario::new("two disabled squatters", End::Newcomer, two).alias());
    // Reclaiming or replacing it would give somebody else's account away.
    let linked = |account: Account| account.unverified().with_identity("Facebook", "9").planted();
    for (name, account) in [
        ("unverified and linked", native(ADA)),
        ("unconfirmed and linked", native(ADA).unconfirmed()),
        ("invited, not verified, and linked", invited(ADA)),
    ] {
        let end = End::Refused("linked_profile");
        all.push(Scenario::new(name, end, vec![linked(account)]).policy(UnverifiedProfile::Reclaim));
    }
    let invited_before = || Account { identities: vec![], ..invited(ADA).unverified().planted() };
    for (name, end, newcomers, accounts) in [
        ("nobody, newcomers invited", End::Refused("not_invited"), Newcomers::Invited, vec![]),
        (
            "unconfirmed, newcomers invited",
            End::Refused("not_invited"),
            Newcomers::Invited,
            vec![native(ADA).unconfirmed()],
        ),
        ("invited, newcomers invited", End::Newcomer, Newcomers::Invited, vec![invited_before()]),
        ("invited, newcomers refused", End::Refused("not_invited"), Newcomers::Refuse, vec![invited(ADA)]),
        ("confirmed and verified, newcomers refused", End::Linked, Newcomers::Refuse, vec![native(ADA).planted()]),
    ] {
        all.push(Scenario::new(name, end, accounts).newcomers(newcomers));
    }
    // Where the address is the user name, the pool makes no second one.
    all.push(Scenario::new("a disabled squatter", End::Refused("disabled_profile"), vec![shut()]));
    let mut unproven = Scenario::new("unproven", End::Refused("unproven_email"), vec![native(ADA)]);
    unproven.verified_claim = false;
    let mut unproven_free = Scenario::new("unproven, free", End::Untouched, vec![]);
    unproven_free.verified_claim = false;
    let planted = vec![native(ADA).unconfirmed(), federated("Facebook", "9", ADA)];
    let mut unproven_named = Scenario::new("unproven, only named", End::Untouched, planted);
    unproven_named.verified_claim = false;
    let mut held = Scenario::new(
        "alias held by a stand-alone profile",
        End::Refused("email_held_by_federated_profile"),
        vec![Account { email_verified: true, ..federated("Facebook", "9", ADA) }],
    )
    .alias();
    held.quirks.stand_alone_holds_alias = true;
    all.extend([unproven, unproven_free, unproven_named, held]);
    all.extend(of_further_policies());
    all.extend(with_plain_user_names());
    all
}

/// A second subject, second factors, and attributes that the pool requires.
fn of_further_policies() -> Vec<Scenario> {
    let mut all = Vec::new();
    let reassigned = |account: Account| account.with_identity("Google", "9").with_identity("Okta", "9");
    let okta = native(ADA).with_identity("Okta", "2");
    let piled_up = (10..14).fold(okta, |account, n| account.with_identity("Google", &n.to_string()));
    for (name, end, second_subject, account) in [
        ("second subject", End::Refused("second_subject"), SecondSubject::Refuse, reassigned(native(ADA))),
        ("second subject, linked", End::Linked, SecondSubject::Link, reassigned(native(ADA))),
        ("second subject, replaced", End::Linked, SecondSubject::Replace, reassigned(native(ADA))),
        ("invited, second subject, replaced", End::Newcomer, SecondSubject::Replace, reassigned(invited(ADA))),
        ("five subjects, replaced", End::Linked, SecondSubject::Replace, piled_up),
    ] {
        all.push(Scenario::new(name, end, vec![account]).second_subject(second_subject));
    }
    let with_factor = Account { second_factor: true, ..native(ADA) };
    for (name, end, account) in [
        ("second factor, refused", End::Refused("second_factor"), with_factor),
        ("no second factor, refused with one", End::Linked, native(ADA)),
    ] {
        let mut scenario = Scenario::new(name, end, vec![account]);
        scenario.policy.link_with_factors = LinkWithFactors::Refuse;
        all.push(scenario);
    }
    let mut required = Scenario::new(
        "unconfirmed, a required attribute is missing",
        End::Refused("required_attribute_missing"),
        vec![native(ADA).unconfirmed()],
    );
    required.quirks.requires_name = true;
    all.push(required);
    all
}

/// Pools in which the address is neither user name nor alias.
fn with_plain_user_names() -> Vec<Scenario> {
    let squatter = || native(ADA).unverified().named("squatter").planted();
    let unconfirmed = || native(ADA).unconfirmed().planted();
    [
        ("nobody, plain user names", End::Newcomer, vec![]),
        ("confirmed and verified, plain user names", End::Linked, vec![native(ADA)]),
        ("invited, plain user names", End::Newcomer, vec![invited(ADA)]),
        ("unconfirmed, plain user names", End::Newcomer, vec![unconfirmed()]),
        ("squatter beside the owner, plain user names", End::Linked, vec![squatter(), native(ADA)]),
        ("a disabled squatter, plain user names", End::Newcomer, vec![native(ADA).unverified().disabled()]),
        ("a family with one address", End::Refused("ambiguous_owner"), vec![native(ADA), native(ADA).named("mum")]),
    ]
    .map(|(name, end, accounts)| Scenario::new(name, end, accounts).plain_names())
    .to_vec()
}

/// A lag that no test outlives.
const NEVER: usize = usize::MAX / 2;

/// What AWS does sometimes: each alone, and all together with a list that lags a little or never
/// catches up.
pub fn all_quirks() -> Vec<Quirks> {
    let quirks = |refuse_link_before_password, refuse_link_again, list_lag| Quirks {
        refuse_link_before_password,
        refuse_link_again,
        list_lag,
        ..Quirks::default()
    };
    vec![
        quirks(false, false, 0),
        quirks(true, false, 0),
        quirks(false, true, 0),
        quirks(true, true, 1),
        quirks(true, true, NEVER),
    ]
}
