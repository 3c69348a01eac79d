//! The pool, the product in front of it, and the people.

use crate::mallory::{Mallory, reaches};
use crate::naive::{self, Guard};
use account_api::accounts::Pool;
use account_api::mailer::memory::MemoryMailer;
use account_api::queue::memory::MemoryQueue;
use account_api::store::memory::MemoryStore;
use account_api::store::{Document, Store, StoreError, StoreFuture, Write, Written};
use account_api::testing::{self, SetClock};
use account_api::{AccountApi, Parts};
use cognito_core::provider::Providers;
use cognito_core::testing::answer_to;
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, Quirks, federated, native};
use cognito_core::user_pool::{Administration as _, ProfileRecord};
use futures_util::future::FutureExt;
use http_body_util::BodyExt as _;
use inbound_federation::InboundFederation;
use linking::{Policy, UnverifiedProfile};
use merge::{CopyOptions, Entry, History, Journal, JournalError, Merger, RateLimit, RateLimits, Requirements, Rules};
use post_authentication::PostAuthentication;
use post_confirmation::PostConfirmation;
use pre_sign_up::PreSignUp;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};
use tower::ServiceExt as _;

pub const ADA: &str = "ada@example.com";
/// The address of an account of Ada's that she changes to [`ADA`].
pub const ADA_BEFORE: &str = "ada.before@example.com";
pub const MALLORY: &str = "mallory@evil.example";
const MALLORY_NEW: &str = "mallory.new@evil.example";
/// Ada's subject at Google. Subjects of digits are the same in lower case.
pub const ADAS_SUBJECT: &str = "1815";
/// Mallory's, at every provider.
pub const MALLORYS_SUBJECT: &str = "666";
pub const ADAS_PASSWORD: &str = "Ada's own passw0rd!";
/// With which she answers invitations.
const ADAS_PASSWORD_AS_A_GUEST: &str = "Ada's other passw0rd!";
/// What Google says of Ada.
pub const GOOGLE: Claims = Claims { email: Some(ADA), verified: Some(true) };
/// What Cognito tells who is disabled.
pub const DISABLED: &str = "User is disabled";
const NOW: u64 = 1_795_305_600;
const DAY: u64 = 24 * 60 * 60;

/// What a provider says at a sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    pub email: Option<&'static str>,
    pub verified: Option<bool>,
}

/// How the pool and the product are set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub kind: PoolKind,
    /// `UNVERIFIED_PROFILE=reclaim`.
    pub reclaims: bool,
    /// The inbound federation trigger is attached.
    pub inbound: bool,
    /// Ada has an account under [`ADA_BEFORE`] already.
    pub ada_has_an_account: bool,
    /// What people could write to their profiles, and whether the operator vouches for that.
    pub rights: ClientRights,
    pub forgets: Option<Guard>,
}

/// What people could write to their profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRights {
    /// Addresses. Whether the pool stores them before they are proven changes as the operator likes.
    Addresses,
    /// Addresses that are stored when they are proven, from the first day. The operator vouches for that.
    ProvenAddresses,
    /// Addresses, and the mark of profiles that stand alone for a provider that is never trusted. No native profile is made
    /// for whoever comes from a provider, so that there are many that stand alone.
    Marks,
}

impl Setup {
    pub fn all() -> Vec<Self> {
        let flags = [false, true];
        let kinds = [PoolKind::EmailUserNames, PoolKind::EmailAlias, PoolKind::UserNames];
        let each = |kind| flags.map(|reclaims| flags.map(|inbound| (kind, reclaims, inbound)));
        let all = kinds.iter().flat_map(|kind| each(*kind)).flatten();
        let setup = |(kind, reclaims, inbound)| Self {
            kind,
            reclaims,
            inbound,
            ada_has_an_account: inbound,
            rights: ClientRights::Addresses,
            forgets: None,
        };
        let usual = all.map(setup);
        let others = [ClientRights::ProvenAddresses, ClientRights::Marks];
        let of = |rights| kinds.map(|kind| Self { rights, ..setup((kind, true, rights == ClientRights::Marks)) });
        usual.chain(others.into_iter().flat_map(of)).collect()
    }

    fn vouches(self) -> bool {
        self.rights == ClientRights::ProvenAddresses
    }

    fn forgets(self, guard: Guard) -> bool {
        self.forgets == Some(guard)
    }

    fn providers(self) -> &'static str {
        if self.forgets(Guard::TrustHasDomains) {
            "Google:claim,Facebook:always,Okta:never,Corp:always"
        } else {
            "Google:claim,Facebook:always,Okta:never,Corp:always@corp.example"
        }
    }

    fn variable(self, name: &str) -> Option<String> {
        let value = match name {
            "PROVIDERS" => self.providers(),
            "DEFAULT_GROUP" => "Users",
            "UNVERIFIED_PROFILE" if self.reclaims => "reclaim",
            "NATIVE_PROFILE" if self.rights == ClientRights::Marks => "skip",
            "NATIVE_USERNAME" if self.kind == PoolKind::EmailAlias => "uuid",
            "NATIVE_USERNAME" if self.kind == PoolKind::UserNames => "derived",
            "REPAIR" if self.vouches() || self.forgets(Guard::OnlyThisSignInsAddress) => "linked",
            "USER_POOL_ID" => "eu-central-1_EXAMPLE01",
            "TABLE_NAME" => "state",
            "CODE_SECRET_ARN" => "arn:aws:secretsmanager:eu-central-1:1:secret:s",
            "EMAIL_FROM" => "Example <no-reply@example.com>",
            "BACKEND_CLIENT_ID" => "backend",
            "INVITATIONS" => "public",
            "APP_NAME" => "Example",
            "APP_URL" => "https://app.example.com",
            _ => return None,
        };
        Some(value.to_owned())
    }
}

/// A table whose answer to every fifth write is lost.
struct Lossy {
    store: MemoryStore,
    writes: AtomicU32,
}

impl Lossy {
    async fn write<T>(&self, write: StoreFuture<'_, T>) -> Result<T, StoreError> {
        let answer = write.await;
        let lost = self.writes.fetch_add(1, Ordering::Relaxed) % 5 == 4;
        if lost { Err(StoreError { operation: "PutItem", code: "timed out".into() }) } else { answer }
    }
}

impl Store for Lossy {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Document>> {
        self.store.load(key)
    }

    fn save<'a>(&'a self, key: &'a str, version: Option<u64>, write: Write<'a>) -> StoreFuture<'a, Written> {
        self.write(self.store.save(key, version, write)).boxed()
    }

    fn list<'a>(&'a self, list: &'static str, from: &'a str, to: &'a str, most: u16) -> StoreFuture<'a, Vec<Document>> {
        self.store.list(list, from, to, most)
    }

    fn add<'a>(&'a self, key: &'a str, number: i64, until: u64) -> StoreFuture<'a, i64> {
        self.write(self.store.add(key, number, until)).boxed()
    }
}

/// A journal that outlives nothing: no process ends here.
#[derive(Default)]
struct Memory(History);

impl Journal for Memory {
    async fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.0.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.0
    }
}

pub struct World {
    pub setup: Setup,
    pub seed: u64,
    pub pool: MemoryPool,
    pub mallory: Arc<Mutex<Mallory>>,
    /// The inbound federation trigger is attached just now.
    inbound: bool,
    pre_sign_up: PreSignUp<MemoryPool, cognito_core::retry_queue::MemoryQueue>,
    post_confirmation: PostConfirmation<MemoryPool, cognito_core::retry_queue::MemoryQueue>,
    post_authentication: PostAuthentication<MemoryPool>,
    inbound_federation: InboundFederation,
    api: OnceLock<AccountApi>,
    queue: MemoryQueue,
    mailer: MemoryMailer,
    clock: SetClock,
}

/// Whether Ada can sign in to this account.
pub fn is_adas(account: &Account) -> bool {
    let hers = [Some(ADAS_PASSWORD), Some(ADAS_PASSWORD_AS_A_GUEST)];
    hers.contains(&account.password.as_deref()) || account.has_identity("Google", ADAS_SUBJECT)
}

impl World {
    pub fn new(setup: Setup, seed: u64) -> Self {
        let before = Account {
            password: Some(ADAS_PASSWORD.into()),
            sub: "22222222-0000-4000-a000-000000000001".into(),
            ..native(ADA_BEFORE)
        };
        let accounts = setup.ada_has_an_account.then_some(before);
        let alias_comes_first = setup.kind == PoolKind::UserNames;
        let quirks = Quirks { alias_moves: true, alias_comes_first, ..Quirks::default() };
        let pool = MemoryPool::new(setup.kind, accounts).with_quirks(quirks);
        let mallory = Arc::new(Mutex::new(Mallory::new(seed, setup.kind, setup.rights)));
        let interrupts = Arc::clone(&mallory);
        pool.before_each_call(move |_, accounts| interrupts.lock().unwrap().interrupt(accounts));
        let lookup = |name: &str| setup.variable(name);
        Self {
            setup,
            seed,
            pre_sign_up: PreSignUp::new(pre_sign_up::Settings::from_lookup(&lookup).unwrap(), pool.clone(), None),
            post_confirmation: PostConfirmation::new(
                post_confirmation::Settings::from_lookup(&lookup).unwrap(),
                pool.clone(),
                None,
            ),
            post_authentication: PostAuthentication::new(
                post_authentication::Settings::from_lookup(&lookup).unwrap(),
                pool.clone(),
            ),
            inbound_federation: InboundFederation::new(inbound_federation::Settings::from_lookup(&lookup).unwrap()),
            pool,
            mallory,
            inbound: setup.inbound,
            api: OnceLock::new(),
            queue: MemoryQueue::default(),
            mailer: MemoryMailer::default(),
            clock: SetClock::at(NOW),
        }
    }

    /// Made when it is needed, because its templates take a while to read.
    fn api(&self) -> &AccountApi {
        self.api.get_or_init(|| {
            let settings = account_api::Settings::from_lookup(&|name: &str| self.setup.variable(name)).unwrap();
            AccountApi::new(Parts {
                store: Arc::new(Lossy { store: MemoryStore::default(), writes: AtomicU32::default() }),
                mailer: Arc::new(self.mailer.clone()),
                queue: Arc::new(self.queue.clone()),
                clock: Arc::new(self.clock.clone()),
                ..Parts::in_memory(settings, Pool { users: self.pool.clone(), invitations: self.pool.clone() })
            })
        })
    }

    /// The operator attaches the inbound federation trigger, or takes it off.
    pub fn change_what_cognito_hears(&mut self) {
        self.inbound = !self.inbound;
    }

    /// `AdminDisableUser` on an account of Ada's or Mallory's, native or stand-alone.
    pub fn ban(&self, random: &mut StdRng) {
        self.pool.change(|accounts| {
            let mut theirs: Vec<_> =
                accounts.iter_mut().filter(|account| is_adas(account) || reaches(account)).collect();
            if !theirs.is_empty() {
                let at = random.random_range(0..theirs.len());
                theirs[at].enabled = false;
            }
        });
    }

    pub fn providers(&self) -> Providers {
        Providers::parse(self.setup.providers()).unwrap()
    }

    pub fn tomorrow(&self) {
        self.clock.forward(DAY + 1);
    }

    /// A federated sign-in, as Cognito makes it. The error is the code of a refusal.
    pub async fn sign_in(&self, provider: &str, subject: &str, claims: Claims) -> Result<(), String> {
        // Cognito lets nobody in who is disabled.
        if self.pool.owners_of(provider, subject).iter().any(|account| !account.enabled) {
            return Err(DISABLED.to_owned());
        }
        let claims = self.mapped(provider, subject, claims).await;
        let user_name = format!("{provider}_{subject}");
        if self.pool.owners_of(provider, subject).is_empty() {
            let event = event("PreSignUp_ExternalProvider", &user_name, claims.clone());
            let forgets = self.setup.forgets(Guard::ABanCountsEverywhere);
            let shown = if forgets { naive::show_as_enabled(&self.pool) } else { Vec::new() };
            let answer = answer_to(&self.pre_sign_up, &event).await;
            naive::hide_again(&self.pool, &shown);
            answer.map_err(|(code, _)| code.to_owned())?;
        }
        let is_new = self.pool.owners_of(provider, subject).is_empty();
        if is_new {
            let mut account = federated(provider, subject, "");
            account.email = None;
            self.pool.change(|accounts| accounts.push(account));
        }
        // Cognito writes the mapped attributes to the account that the identity signs in to. What did not come stays, but
        // a mark that did not come along falls.
        self.pool.change(|accounts| {
            let Some(account) = accounts.iter_mut().find(|account| account.has_identity(provider, subject)) else {
                return;
            };
            if let Some(email) = claims["email"].as_str() {
                account.email = Some(email.to_owned());
            }
            account.email_verified = claims["email_verified"] == "true";
        });
        let Some(account) = self.pool.owners_of(provider, subject).into_iter().next() else { return Ok(()) };
        self.after_a_sign_in(&account, is_new).await;
        Ok(())
    }

    /// What the attribute mapping leaves of the claims, as the docs say that it should be.
    async fn mapped(&self, provider: &str, subject: &str, claims: Claims) -> Value {
        let verified = claims.verified.map(|verified| verified.to_string());
        if !self.inbound {
            // Without the trigger only a provider with `claim` has its mark mapped.
            let mark = verified.filter(|_| provider == "Google").unwrap_or_else(|| "false".to_owned());
            return json!({ "email": claims.email, "email_verified": mark });
        }
        let mut id_token = json!({ "sub": subject, "email": claims.email, "email_verified": verified });
        id_token.as_object_mut().unwrap().retain(|_, claim| !claim.is_null());
        let event = json!({
            "version": "1", "region": "eu-central-1", "userPoolId": "eu-central-1_EXAMPLE01", "userName": null,
            "callerContext": { "awsSdkVersion": "1", "clientId": "c" },
            "triggerSource": "InboundFederation_ExternalProvider",
            "request": { "providerName": provider, "providerType": "OIDC", "attributes": { "tokenResponse": {}, "idToken": id_token } },
            "response": { "userAttributesToMap": {} },
        });
        let answer = answer_to(&self.inbound_federation, &event.to_string()).await.unwrap();
        let mapped = &answer["response"]["userAttributesToMap"];
        let mapped = if mapped.as_object().is_some_and(serde_json::Map::is_empty) { &id_token } else { mapped };
        let text = |claim: &Value| claim.as_str().map_or_else(|| claim.to_string(), str::to_owned);
        let mark = mapped.get("email_verified").map_or_else(|| "false".to_owned(), text);
        json!({ "email": mapped.get("email"), "email_verified": mark })
    }

    /// The post triggers.
    async fn after_a_sign_in(&self, account: &Account, is_new: bool) {
        let mut attributes = json!(account.record().attributes);
        attributes["cognito:user_status"] = json!(account.record().status);
        if is_new {
            let event = event("PostConfirmation_ConfirmSignUp", &account.user_name, attributes);
            answer_to(&self.post_confirmation, &event).await.unwrap();
        } else {
            let event = event("PostAuthentication_Authentication", &account.user_name, attributes);
            answer_to(&self.post_authentication, &event).await.unwrap();
        }
        if self.setup.forgets(Guard::TheAddressIsAvailable) {
            naive::mark_without_asking(&self.pool, &account.user_name);
        }
    }

    /// With a password, and the code from her mailbox.
    pub fn ada_registers(&mut self) {
        let kind = self.setup.kind;
        self.pool.change(|accounts| {
            let is_taken = accounts.iter().any(|account| match kind {
                PoolKind::EmailUserNames => !account.is_stand_alone() && account.has_email(ADA),
                PoolKind::EmailAlias => {
                    account.user_name == "ada" || (account.email_verified && account.has_email(ADA))
                }
                PoolKind::UserNames => account.user_name == "ada",
            });
            if !is_taken {
                let sub = "22222222-0000-4000-a000-000000000002";
                let user_name = if kind == PoolKind::EmailUserNames { sub } else { "ada" };
                let account = native(ADA).named(user_name);
                accounts.push(Account { sub: sub.into(), password: Some(ADAS_PASSWORD.into()), ..account });
            }
        });
    }

    /// Anybody may ask for an invitation.
    pub async fn invite(&self, address: &str) {
        self.clock.forward(61);
        drop(self.call(None, "/invitations", json!({ "email": address })).await);
        for job in self.queue.take() {
            for _ in 0..3 {
                if self.api().run(&job).await.is_ok() {
                    break;
                }
            }
        }
    }

    /// With the link in her mail.
    pub async fn ada_completes_an_invitation(&self) {
        let Some(mail) = self.mailer.last_to(ADA) else { return };
        let (Some(username), Some(token)) = (mail.parameter("username"), mail.parameter("token")) else { return };
        let body = json!({ "username": username, "token": token, "password": ADAS_PASSWORD_AS_A_GUEST });
        drop(self.call(None, "/invitations/complete", body).await);
    }

    /// With both codes. The error is the code of the last refusal.
    pub async fn ada_changes_her_address(&self) -> Result<(), String> {
        let accounts = self.pool.accounts();
        let Some(account) = accounts.iter().find(|account| account.has_email(ADA_BEFORE) && is_adas(account)) else {
            return Ok(());
        };
        self.change_address(account, ADA).await
    }

    /// Mallory changes the address of an account in the same way, to another mailbox of theirs.
    pub async fn mallory_changes_an_address(&self) {
        let accounts = self.pool.accounts();
        let is_open = |account: &&Account| reaches(account) && account.email_verified && account.identities.is_empty();
        let Some(account) = accounts.iter().find(is_open) else { return };
        if self.setup.forgets(Guard::TheUserNameIsNobodysSub) {
            return naive::change_address_by_name(&self.pool, &self.mallory, &account.user_name, MALLORY_NEW);
        }
        drop(self.change_address(account, MALLORY_NEW).await);
    }

    async fn change_address(&self, account: &Account, new: &str) -> Result<(), String> {
        let claims = json!({
            "sub": account.sub, "username": account.user_name, "token_use": "access", "client_id": "frontend",
            "scope": "aws.cognito.signin.user.admin",
        });
        let names_it = |other: &Account| other.sub != account.sub && other.has_email(new);
        if self.setup.forgets(Guard::WhoProvedNothingBlocksNobody) && self.pool.accounts().iter().any(names_it) {
            return Err("email-taken".to_owned());
        }
        let old = account.email.clone().unwrap_or_default();
        let mut last = String::new();
        // As a person would after the message "try again".
        for _ in 0..6 {
            self.clock.forward(61);
            let asked = self.call(Some(&claims), "/email-change", json!({ "new_email": new })).await;
            match asked.as_ref().map_err(String::as_str) {
                Err("request-pending") => drop(self.call(Some(&claims), "/email-change/resend", Value::Null).await),
                Err("email-taken") => return asked,
                _ => {}
            }
            for address in [old.as_str(), new] {
                for _ in 0..3 {
                    let Some(code) = self.mailer.last_to(address).and_then(|mail| mail.code()) else { break };
                    match self.call(Some(&claims), "/email-change/verify", json!({ "code": code })).await {
                        Ok(()) => break,
                        Err(code) => last = code,
                    }
                }
            }
            let is = self.pool.accounts().into_iter().find(|is| is.sub == account.sub);
            if is.is_some_and(|is| is.email_verified && is.has_email(new)) {
                return Ok(());
            }
        }
        Err(last)
    }

    /// `cognito-triggers link --apply`, for every address.
    pub async fn merge(&self) {
        let settings = self.pool.settings().await.unwrap();
        let unverified_profile =
            if self.setup.reclaims { UnverifiedProfile::Reclaim } else { UnverifiedProfile::default() };
        let rules = Rules {
            providers: self.providers(),
            policy: Policy { unverified_profile, ..Policy::default() },
            trust_stored_values: self.setup.vouches() || self.setup.forgets(Guard::StoredAddressIsNoProof),
        };
        let fast = || RateLimit::per_second(NonZeroU32::MAX);
        let copy = CopyOptions { groups: true, attributes: Vec::new() };
        let merger = Merger {
            pool: &self.pool,
            user_pool_id: "eu-central-1_EXAMPLE01",
            settings: &settings,
            rules: &rules,
            copy: &copy,
            limits: &RateLimits { lists: fast(), updates: fast() },
            pause: Duration::ZERO,
        };
        for address in [ADA, MALLORY] {
            let records: Vec<ProfileRecord> =
                self.pool.accounts().iter().filter(|account| account.has_email(address)).map(Account::record).collect();
            let requirements = Requirements::new(&settings, &copy.attributes);
            if let Some(planned) = merge::plan(&rules, requirements, address, &records, SystemTime::now()) {
                // A run that stops is one that the operator looks at.
                drop(merger.merge(&mut Memory::default(), &planned, &mut Vec::new()).await);
            }
        }
    }

    /// Calls the account API. The error is the problem's code.
    async fn call(&self, claims: Option<&Value>, path: &str, body: Value) -> Result<(), String> {
        let body = (!body.is_null()).then(|| body.to_string());
        let event = testing::event(claims, "POST", path, body.as_deref(), "application/json");
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = self.api().router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        Err(body["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// An event of a trigger.
fn event(source: &str, user_name: &str, mut attributes: Value) -> String {
    attributes.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({
        "version": "1", "region": "eu-central-1", "userPoolId": "eu-central-1_EXAMPLE01", "userName": user_name,
        "callerContext": { "awsSdkVersion": "1", "clientId": "c" }, "triggerSource": source,
        "request": { "userAttributes": attributes }, "response": {},
    })
    .to_string()
}
