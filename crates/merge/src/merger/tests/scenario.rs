//! Pools with something to merge, and what must hold of them in the end.

use super::crash::{Crash, Disk, Fuse, FusedJournal, read};
use crate::journal::{History, Undone};
use crate::merger::{Incomplete, MergeError, Merger, StepResult};
use crate::plan::{CopyOptions, Planned, plan};
use crate::rate_limit::RateLimits;
use crate::requirements::Requirements;
use crate::rules::Rules;
use crate::undo::undo;
use cognito_core::provider::Providers;
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, federated, invited, native};
use cognito_core::user_pool::{NativeUserName, NewNative, Patience, PoolErrorKind, PoolSettings, Status};
use futures_util::FutureExt;
use linking::{LinkError, Linker, NativeProfile, Policy, Refusal, UnverifiedProfile};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) const ADA: &str = "ada@example.com";
const POOL: &str = "eu-central-1_A";

/// What the person does while nothing runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum SignIn {
    No,
    /// Cognito makes a new stand-alone profile for an identity that has none.
    WithoutTrigger,
    /// The trigger links it.
    WithTrigger,
}

impl SignIn {
    pub(super) const ALL: [Self; 3] = [Self::No, Self::WithoutTrigger, Self::WithTrigger];
}

/// A pool, a plan and a journal.
pub(super) struct Scene {
    pub(super) name: String,
    pub(super) pool: MemoryPool,
    kind: PoolKind,
    quirks: Quirks,
    pub(super) settings: PoolSettings,
    pub(super) copy: CopyOptions,
    pub(super) pause: Duration,
    pub(super) planned: Vec<Planned>,
    pub(super) before: Vec<Account>,
    rules: Rules,
    disk: Disk,
    history: History,
    /// The identity was linked before anything began.
    pub(super) linked_before: bool,
}

pub(super) fn settings(kind: PoolKind) -> PoolSettings {
    let named_by_email = kind == PoolKind::EmailUserNames;
    PoolSettings {
        user_name_attributes: if named_by_email { vec!["email".into()] } else { Vec::new() },
        email_is_alias: kind == PoolKind::EmailAlias,
        mutable_attributes: vec!["given_name".into(), "locale".into()],
        required_attributes: vec!["email".into()],
        ..PoolSettings::default()
    }
}

pub(super) fn google(subject: &str) -> Account {
    let mut account = Account { email_verified: true, ..federated("Google", subject, ADA) }.in_group("Users");
    account.attributes.insert("given_name".into(), "Ada".into());
    account
}

pub(super) fn native_named(name: &str) -> Account {
    native(ADA).named(name)
}

/// The account as if its identities were linked when a test begins.
pub(super) fn untimed(mut account: Account) -> Account {
    account.identities.iter_mut().for_each(|linked| linked.connected = None);
    account
}

/// A stranger's profile takes the place of the one with this name.
pub(super) fn displace(accounts: &mut Vec<Account>, name: &str, by: Account) {
    accounts.retain(|account| account.user_name != name);
    accounts.push(Account { sub: "a stranger's".into(), ..by });
}

/// Takes the group away from everybody.
pub(super) fn nobody_is_in_the_group(accounts: &mut [Account]) {
    for account in accounts {
        account.groups.remove("Users");
    }
}

/// People who have nothing to do with it.
fn bystanders() -> [Account; 3] {
    [
        native("eve@example.com").with_identity("Google", "2000"),
        native("mary@example.com").in_group("Users"),
        Account { email_verified: true, ..federated("Okta", "3000", "hedy@example.com") },
    ]
}

fn rules(policy: Policy) -> Rules {
    Rules {
        providers: Providers::parse("Google:claim,Facebook:always,Okta:never,Corp:claim:custom:staff").unwrap(),
        policy,
        // Some of the profiles here have an address of Facebook that does not show as verified.
        trust_stored_values: true,
    }
}

/// Rules by which people get a native profile.
pub(super) fn creating() -> Rules {
    rules(Policy::default())
}

fn built(name: &str, kind: PoolKind, policy: Policy, accounts: &[Account]) -> Scene {
    let rules = rules(policy);
    let pool = MemoryPool::new(kind, accounts.iter().cloned().chain(bystanders()));
    let records: Vec<_> = accounts.iter().map(Account::record).collect();
    let settings = settings(kind);
    let copy = CopyOptions { groups: true, attributes: vec!["given_name".to_owned()] };
    let requirements = Requirements::new(&settings, &copy.attributes);
    Scene {
        name: format!("{name}, {kind:?}"),
        kind,
        quirks: Quirks::default(),
        planned: plan(&rules, requirements, ADA, &records, SystemTime::now()).into_iter().collect(),
        settings,
        copy,
        pause: Duration::ZERO,
        before: pool.accounts(),
        pool,
        rules,
        disk: Disk::default(),
        history: History::default(),
        linked_before: name == "linked before",
    }
}

pub(super) fn scene(name: &str, accounts: &[Account]) -> Scene {
    built(name, PoolKind::EmailUserNames, Policy { native_profile: NativeProfile::Skip, ..Policy::default() }, accounts)
}

/// Nothing is planned yet.
pub(super) fn unplanned(accounts: &[Account]) -> Scene {
    Scene { planned: Vec::new(), ..scene("unplanned", accounts) }
}

pub(super) fn native_and_google() -> Scene {
    scene("native and Google", &[native_named("native"), google("1")])
}

/// A native profile, and a stand-alone one, where a native one that never proved its address is taken over.
pub(super) fn reclaiming(native: Account) -> Scene {
    let reclaim = UnverifiedProfile::Reclaim;
    let policy = Policy { native_profile: NativeProfile::Skip, unverified_profile: reclaim, ..Policy::default() };
    built(
        "native, reclaimed if it proved nothing, and Google",
        PoolKind::EmailUserNames,
        policy,
        &[native, google("1")],
    )
}

/// Nobody native, and a profile of each of these identities.
pub(super) fn nobody_native(accounts: &[Account]) -> Scene {
    nobody_native_in(PoolKind::EmailUserNames, accounts)
}

pub(super) fn nobody_native_in(kind: PoolKind, accounts: &[Account]) -> Scene {
    built("none native", kind, Policy::default(), accounts)
}

/// Every situation that is merged, in each kind of pool, whether or not a stand-alone profile holds its address there.
pub(super) fn all() -> Vec<Box<dyn Fn() -> Scene>> {
    let skip = Policy { native_profile: NativeProfile::Skip, ..Policy::default() };
    let create = Policy::default();
    let reclaim = Policy { unverified_profile: UnverifiedProfile::Reclaim, ..skip };
    let facebook = federated("Facebook", "2", ADA);
    let planted = native_named("native").planted();
    let linked_before = native_named("native").with_identity("Google", "1");
    let verified = Account { email_verified: true, ..facebook.clone() };
    let situations: [(&'static str, Policy, Vec<Account>); 10] = [
        ("native and Google", skip, vec![native_named("native"), google("1")]),
        ("native, Google and Facebook", skip, vec![native_named("native"), google("1"), facebook.clone()]),
        ("none native, Google and Facebook", create, vec![google("1"), facebook]),
        ("none native, Google and Facebook verified", create, vec![google("1"), verified.clone()]),
        ("none native, Google", create, vec![google("1")]),
        ("never confirmed, two", skip, vec![planted.clone().unconfirmed(), google("1"), verified]),
        ("never confirmed", skip, vec![planted.clone().unconfirmed(), google("1")]),
        ("invited", skip, vec![invited(ADA).named("native"), google("1")]),
        ("planted and reclaimed", reclaim, vec![planted.unverified(), google("1")]),
        ("linked before", skip, vec![linked_before, google("1")]),
    ];
    let mut all: Vec<Box<dyn Fn() -> Scene>> = Vec::new();
    for (name, policy, accounts) in situations {
        for kind in [PoolKind::EmailUserNames, PoolKind::EmailAlias, PoolKind::UserNames] {
            let accounts = accounts.clone();
            let makes =
                accounts.iter().all(|account| account.is_stand_alone() || account.status == Status::Unconfirmed);
            let held = accounts.clone();
            all.push(Box::new(move || built(name, kind, policy, &accounts)));
            if makes {
                all.push(Box::new(move || built(name, kind, policy, &held).holding_addresses()));
            }
        }
    }
    all
}

impl Scene {
    /// The same where a stand-alone profile keeps its address from being created again.
    pub(super) fn holding_addresses(mut self) -> Self {
        self.name += ", addresses held";
        self.quirks.stand_alone_holds_alias = true;
        self.pool = self.pool.with_quirks(self.quirks);
        self
    }

    /// Another scene in the same state.
    pub(super) fn copy(&self) -> Self {
        Self {
            name: self.name.clone(),
            pool: MemoryPool::new(self.kind, self.pool.accounts()).with_quirks(self.quirks),
            kind: self.kind,
            quirks: self.quirks,
            settings: self.settings.clone(),
            copy: self.copy.clone(),
            pause: self.pause,
            planned: self.planned.clone(),
            before: self.before.clone(),
            rules: self.rules.clone(),
            disk: Disk::new(self.disk.lock().unwrap().clone().into()),
            history: self.history.clone(),
            linked_before: self.linked_before,
        }
    }

    /// From now on the pool takes no new native profile for which this says why.
    pub(super) fn refuses(&mut self, new: fn(&NewNative) -> Option<PoolErrorKind>) {
        self.quirks.refuses = Some(new);
        self.pool.set_quirks(self.quirks);
    }

    /// Another person to be merged, after everybody who is planned.
    pub(super) fn plan_next_person(&mut self) {
        let next = Account { email: Some("next@example.com".into()), ..google("9") };
        self.pool.change(|accounts| accounts.push(next.clone()));
        let requirements = Requirements::new(&self.settings, &[]);
        let planned = plan(&self.rules, requirements, "next@example.com", &[next.record()], SystemTime::now());
        self.planned.extend(planned);
    }

    /// Runs the plan as one process. `Err` if the process ended, the inner one if the run stopped.
    pub(super) async fn run(&mut self, fuse: &Arc<Fuse>) -> Result<Result<Vec<StepResult>, MergeError>, &'static str> {
        let merger = Merger {
            pool: &self.pool.behind(fuse.clone()),
            user_pool_id: POOL,
            settings: &self.settings,
            rules: &self.rules,
            copy: &self.copy,
            limits: &RateLimits::none(),
            pause: self.pause,
        };
        let run = async {
            let mut journal = FusedJournal::open(&self.disk, fuse);
            let mut results = Vec::new();
            for planned in &self.planned {
                merger.merge(&mut journal, planned, &mut results).await?;
            }
            Ok(results)
        };
        let result = AssertUnwindSafe(run).catch_unwind().await;
        self.history = read(&self.disk);
        result.map_err(|payload| match payload.downcast::<Crash>() {
            Ok(_) => "the process ended",
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// Runs the plan, and nothing is in the way.
    pub(super) async fn ends(&mut self) -> Vec<StepResult> {
        self.run(&Fuse::never()).await.expect("nothing ends the process").expect("nothing stops the run")
    }

    /// Runs the plan, which stops with this left to do.
    pub(super) async fn stops(&mut self, fuse: &Arc<Fuse>, left: Incomplete) {
        let stopped = self.run(fuse).await.expect("nothing ends the process").expect_err("something stops the run");
        assert!(matches!(stopped, MergeError::Incomplete { what, .. } if what == left), "{}: {stopped}", self.name);
    }

    /// Runs the plan, which skips its only profile and leaves everybody as they were. Returns why.
    pub(super) async fn is_left_alone(&mut self, told: &str) -> String {
        let before = format!("{:?}", self.pool.accounts());
        let ended = self.ends().await;
        let [StepResult::Skipped(why)] = ended.as_slice() else { panic!("{told}: {ended:?}") };
        assert_eq!(format!("{:?}", self.pool.accounts()), before, "{told}");
        why.clone()
    }

    /// The profile of this name, which is there.
    pub(super) fn account(&self, name: &str) -> Account {
        self.pool.account(name).unwrap()
    }

    /// Changes the profile of this name.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Account)) {
        self.pool.change(|accounts| change(accounts.iter_mut().find(|account| account.user_name == name).unwrap()));
    }

    /// Nothing fails; the first call of this name is followed by a change of the pool.
    pub(super) fn meanwhile(
        &self,
        after: &'static str,
        change: impl Fn(&mut Vec<Account>) + Send + Sync + 'static,
    ) -> Arc<Fuse> {
        let pool = self.pool.clone();
        Fuse::meanwhile(after, move || pool.change(&change))
    }

    pub(super) async fn undo(&mut self) -> Vec<Undone> {
        let mut report = Vec::new();
        self.undo_on(&Fuse::never(), &mut report).await.unwrap();
        report
    }

    pub(super) async fn undo_on(&mut self, fuse: &Arc<Fuse>, report: &mut Vec<Undone>) -> Result<(), MergeError> {
        let pool = self.pool.behind(fuse.clone());
        let mut journal = FusedJournal::open(&self.disk, &Fuse::never());
        let result = undo(&pool, &mut journal, &RateLimits::none(), report).await;
        self.history = read(&self.disk);
        result
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The identities that were to be merged.
    pub(super) fn identities(&self) -> Vec<(String, String)> {
        let steps = self.planned.iter().flat_map(|planned| &planned.merge);
        steps.map(|step| (step.provider.clone(), step.subject.clone())).collect()
    }

    pub(super) fn stand_alone(&self, (provider, subject): &(String, String)) -> Option<Account> {
        self.pool.owners_of(provider, subject).into_iter().find(Account::is_stand_alone)
    }

    /// The owner of every identity that has no account any more signs in.
    pub(super) async fn sign_in(&self, how: SignIn) {
        for (provider, subject) in self.identities() {
            if !self.pool.owners_of(&provider, &subject).is_empty() {
                continue;
            }
            let name = format!("{provider}_{subject}");
            let known = self.before.iter().find(|account| account.user_name == name).unwrap();
            match how {
                SignIn::No => {}
                SignIn::WithoutTrigger => {
                    let again = Account { sub: "made anew".into(), groups: [].into(), ..known.clone() };
                    self.pool.change(|accounts| accounts.push(again));
                }
                SignIn::WithTrigger => {
                    let user_name = match self.kind {
                        PoolKind::EmailUserNames => NativeUserName::Email,
                        PoolKind::EmailAlias => NativeUserName::Uuid,
                        PoolKind::UserNames => NativeUserName::Derived,
                    };
                    let arrival = self.rules.arrival(&known.record()).unwrap();
                    // The function's own setting, whatever the plan's.
                    let policy = Policy { native_profile: NativeProfile::Create, ..self.rules.policy };
                    let attributes = std::collections::BTreeMap::new();
                    let linker = Linker {
                        pool: &self.pool,
                        policy,
                        providers: &self.rules.providers,
                        group: None,
                        user_name,
                        attributes,
                        now: SystemTime::now(),
                        patience: Patience::NONE,
                        later: None,
                        observer: None,
                    };
                    match linker.settle(&arrival).await {
                        Ok(_) | Err(LinkError::Refused(Refusal::EmailHeldByFederatedProfile)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        }
    }

    /// One person, one account; no identity lost; nobody else touched; everything that is gone is in the journal.
    pub(super) fn check(&self, told: &str) {
        let told = format!("{}: {told}", self.name);
        let after = self.pool.accounts();
        let of_ada: Vec<_> = after.iter().filter(|account| account.has_email(ADA)).collect();
        let [ada] = of_ada.as_slice() else { panic!("{told}: {of_ada:#?}") };
        assert!(!ada.is_stand_alone() && ada.enabled && ada.email_verified, "{told}: {ada:?}");
        assert_eq!(ada.status, Status::Confirmed, "{told}");
        assert!(!ada.is_planted(), "{told}: {ada:?}");
        for (provider, subject) in self.identities() {
            let owners = self.pool.owners_of(&provider, &subject);
            assert!(owners.len() == 1 && owners[0].sub == ada.sub, "{told}: {provider} {owners:?}");
        }
        for known in self.before.iter().filter(|account| !account.has_email(ADA)) {
            let now = after.iter().find(|account| account.sub == known.sub);
            assert_eq!(format!("{now:?}"), format!("{:?}", Some(known)), "{told}");
        }
        let history = self.history();
        let attempts = || history.merges.values().flat_map(|state| &state.attempts);
        for gone in self.before.iter().filter(|known| after.iter().all(|account| account.sub != known.sub)) {
            let written = attempts()
                .flat_map(|begin| {
                    let replaced = begin.replaces.iter().map(|replaced| (&replaced.profile, &replaced.groups));
                    replaced.chain([(&begin.profile, &begin.groups)])
                })
                .find(|(profile, _)| profile.sub() == gone.sub);
            let (profile, groups) =
                written.unwrap_or_else(|| panic!("{told}: {} is not in the journal", gone.user_name));
            assert_eq!(*profile, gone.record(), "{told}");
            assert_eq!(*groups, gone.groups.iter().cloned().collect::<Vec<_>>(), "{told}");
            if gone.is_stand_alone() {
                assert!(gone.groups.is_subset(&ada.groups), "{told}: {:?}", ada.groups);
            }
        }
        if let Some(native) = self.before.iter().find(|known| known.sub == ada.sub) {
            let kept = native.status != Status::Confirmed || !native.email_verified || native.password == ada.password;
            assert!(kept, "{told}: the password was replaced");
        }
    }
}
