//! An API with everything around it in memory, and ways to break what is around it.

use crate::gate::Gate;
use account_api::accounts::Pool;
use account_api::identities::Owner;
use account_api::mailer::memory::MemoryMailer;
use account_api::mailer::{Mailer, NotSent};
use account_api::queue::memory::MemoryQueue;
use account_api::queue::{Job, NotTaken, Queue};
use account_api::store::memory::MemoryStore;
use account_api::store::{Document, Store, StoreError, StoreFuture, Write, Written};
use account_api::testing::SetClock;
pub(crate) use account_api::testing::event;
use account_api::{AccountApi, Clock as _, Parts, Settings};
use axum::Router;
use cognito_core::account_event::{self, AccountEvent, EventBus, MemoryBus};
use cognito_core::email::Email;
use cognito_core::user_pool::memory::{Account, Fate, Interceptor, MemoryPool, PoolKind};
use futures_util::future::{BoxFuture, FutureExt};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use messages::Letter;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

/// Sunday in November, as good as any.
pub(crate) const NOW: u64 = 1_795_305_600;

/// What happens at the call that the trap is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The process ends: nothing more happens.
    Crash,
    /// AWS answers with an error that passes.
    Fail,
    /// AWS does what it was asked, and its answer is lost.
    Lose,
}

/// Every trap.
pub(crate) const TRAPS: [Trap; 3] = [Trap::Crash, Trap::Fail, Trap::Lose];

/// Counts calls to the outside, and springs at one of them.
#[derive(Clone, Debug)]
pub(crate) struct Fuse {
    left: Arc<AtomicI64>,
    trap: Trap,
    pub(crate) gate: Gate,
}

impl Fuse {
    pub(crate) fn new(trap: Trap) -> Self {
        Self { left: Arc::new(AtomicI64::new(i64::MAX)), trap, gate: Gate::default() }
    }

    /// The call after so many calls springs the trap; none after it does.
    pub(crate) fn after(&self, calls: i64) {
        self.left.store(calls, Ordering::SeqCst);
    }

    pub(crate) fn off(&self) {
        self.after(i64::MAX);
    }

    /// Whether the trap was sprung since it was set.
    pub(crate) fn is_sprung(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// A call is about to be made. The key is that of the table, or the user name; empty where a call is about no single one.
    pub(crate) async fn burn(&self, operation: &'static str, key: &str) -> Fate {
        self.gate.pass(operation, key).await;
        let sprung = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if !sprung {
            return Fate::Happens;
        }
        match self.trap {
            Trap::Crash => std::future::pending().await,
            Trap::Fail => Fate::Fails,
            Trap::Lose => Fate::ReplyLost,
        }
    }
}

/// Tells a story with one of its calls cut off: each of them, in each of these ways. The story says whether the trap sprung, and
/// ends with the first call that it does not make any more.
pub(crate) async fn cut_off_anywhere(
    traps: &[Trap],
    calls: std::ops::Range<i64>,
    story: impl AsyncFn(Trap, i64) -> bool,
) {
    for trap in traps {
        let mut sprung = 0;
        while story(*trap, sprung).await {
            sprung += 1;
            assert!(sprung < calls.end, "{trap:?}: it makes ever more calls");
        }
        assert!(calls.contains(&sprung), "{trap:?}: {sprung} calls were cut off");
    }
}

impl Interceptor for Fuse {
    fn before<'a>(&'a self, operation: &'static str, of: &'a str) -> BoxFuture<'a, Fate> {
        // An address may lead to any profile.
        let is_address = of.contains('@') && !of.starts_with("native-");
        self.burn(operation, if is_address { "" } else { of }).boxed()
    }
}

/// A part of the outside behind a fuse.
#[derive(Clone, Debug)]
struct Fused<T>(T, Fuse);

impl<T> Fused<T> {
    /// Makes a call: it happens unless it failed, and is answered unless its answer was lost.
    async fn call<A, E>(
        &self,
        operation: &'static str,
        key: &str,
        call: impl Future<Output = Result<A, E>>,
        error: E,
    ) -> Result<A, E> {
        match self.1.burn(operation, key).await {
            Fate::Happens => call.await,
            Fate::Fails => Err(error),
            Fate::ReplyLost => call.await.and(Err(error)),
        }
    }
}

fn broken(operation: &'static str) -> StoreError {
    StoreError { operation, code: "InternalServerError".into() }
}

impl<S: Store> Store for Fused<S> {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Document>> {
        self.call("GetItem", key, self.0.load(key), broken("GetItem")).boxed()
    }

    fn save<'a>(&'a self, key: &'a str, version: Option<u64>, write: Write<'a>) -> StoreFuture<'a, Written> {
        self.call("PutItem", key, self.0.save(key, version, write), broken("PutItem")).boxed()
    }

    fn list<'a>(&'a self, list: &'static str, from: &'a str, to: &'a str, most: u16) -> StoreFuture<'a, Vec<Document>> {
        self.call("Query", list, self.0.list(list, from, to, most), broken("Query")).boxed()
    }

    fn add<'a>(&'a self, key: &'a str, number: i64, until: u64) -> StoreFuture<'a, i64> {
        self.call("UpdateItem", key, self.0.add(key, number, until), broken("UpdateItem")).boxed()
    }
}

impl<M: Mailer> Mailer for Fused<M> {
    fn send<'a>(&'a self, to: &'a Email, letter: &'a Letter) -> BoxFuture<'a, Result<(), NotSent>> {
        let error = NotSent { code: "TooManyRequestsException".into() };
        self.call("SendEmail", "", self.0.send(to, letter), error).boxed()
    }
}

impl<Q: Queue> Queue for Fused<Q> {
    fn put<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), NotTaken>> {
        self.call("Invoke", "", self.0.put(job), NotTaken { code: "ServiceException".into() }).boxed()
    }
}

impl EventBus for Fused<MemoryBus> {
    fn put<'a>(&'a self, events: &'a [AccountEvent]) -> account_event::Taking<'a> {
        let error = account_event::NotTaken { code: "ThrottlingException".into(), may_pass: true };
        self.call("PutEvents", "", self.0.put(events), error).boxed()
    }
}

/// An API and what is around it.
#[derive(Clone)]
pub(crate) struct House {
    api: AccountApi,
    /// Made once, because it describes itself.
    router: Router,
    settings: Settings,
    pub(crate) queue: MemoryQueue,
    pub(crate) bus: MemoryBus,
    pub(crate) pool: MemoryPool,
    pub(crate) store: MemoryStore,
    pub(crate) mailer: MemoryMailer,
    pub(crate) clock: SetClock,
    pub(crate) fuse: Fuse,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts that this is a refusal, whole and of this code.
    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
    }

    /// Asserts that the answer is this one.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, body: &Value) {
        assert_eq!((self.status.as_u16(), &self.body), (status, body), "{self:?}");
    }

    /// Asserts that no change of the address is under way.
    #[track_caller]
    pub(crate) fn says_no_change(&self) {
        self.says(200, &json!({ "stage": "none" }));
    }

    /// After how many seconds to come again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get("retry-after")?.to_str().ok()?.parse().ok()
    }
}

/// The settings of a house, with some replaced.
pub(crate) fn settings(own: &[(&str, &str)]) -> Settings {
    let defaults = [
        ("BACKEND_CLIENT_ID", "backend"),
        ("INVITATIONS", "public"),
        ("ADMIN_GROUP", "admins"),
        ("DEFAULT_GROUP", "Users"),
        ("APP_NAME", "Example"),
        ("APP_URL", "https://app.example.com"),
    ];
    account_api::testing::settings(&[own, &defaults].concat()).expect("the settings of a test are right")
}

impl House {
    pub(crate) fn new(accounts: impl IntoIterator<Item = Account>) -> Self {
        Self::with(PoolKind::EmailUserNames, accounts, &[], Trap::Crash)
    }

    pub(crate) fn set(accounts: impl IntoIterator<Item = Account>, own: &[(&str, &str)]) -> Self {
        Self::with(PoolKind::EmailUserNames, accounts, own, Trap::Crash)
    }

    pub(crate) fn with(
        kind: PoolKind,
        accounts: impl IntoIterator<Item = Account>,
        own: &[(&str, &str)],
        trap: Trap,
    ) -> Self {
        let (pool, store, mailer) = (MemoryPool::new(kind, accounts), MemoryStore::default(), MemoryMailer::default());
        let (queue, clock) = ((MemoryQueue::default(), MemoryBus::default()), SetClock::at(NOW));
        Self::around(settings(own), queue, pool, store, mailer, clock, Fuse::new(trap))
    }

    /// One in whose pool the address is an alias, and the user name another one.
    pub(crate) fn with_aliases(accounts: impl IntoIterator<Item = Account>, own: &[(&str, &str)]) -> Self {
        Self::with(PoolKind::EmailAlias, accounts, &[own, &[("NATIVE_USERNAME", "uuid")]].concat(), Trap::Crash)
    }

    /// Another process of the function, with the same things around it and a fuse of its own.
    pub(crate) fn beside(&self) -> Self {
        let Self { settings, queue, bus, pool, store, mailer, clock, fuse, .. } = self.clone();
        Self::around(settings, (queue, bus), pool, store, mailer, clock, Fuse::new(fuse.trap))
    }

    /// The same after the operator has changed settings.
    pub(crate) fn set_anew(&self, own: &[(&str, &str)]) -> Self {
        let Self { queue, bus, pool, store, mailer, clock, fuse, .. } = self.clone();
        Self::around(settings(own), (queue, bus), pool, store, mailer, clock, fuse)
    }

    fn around(
        settings: Settings,
        (queue, bus): (MemoryQueue, MemoryBus),
        pool: MemoryPool,
        store: MemoryStore,
        mailer: MemoryMailer,
        clock: SetClock,
        fuse: Fuse,
    ) -> Self {
        let behind = pool.behind(Arc::new(fuse.clone()));
        let api = AccountApi::new(Parts {
            store: Arc::new(Fused(store.clone(), fuse.clone())),
            mailer: Arc::new(Fused(mailer.clone(), fuse.clone())),
            queue: Arc::new(Fused(queue.clone(), fuse.clone())),
            bus: Some(Arc::new(Fused(bus.clone(), fuse.clone()))),
            clock: Arc::new(clock.clone()),
            ..Parts::in_memory(settings.clone(), Pool { users: behind.clone(), invitations: behind })
        });
        Self { router: api.router(), api, settings, queue, bus, pool, store, mailer, clock, fuse }
    }

    /// The time, in seconds since 1970.
    pub(crate) fn time(&self) -> u64 {
        self.clock.now()
    }

    /// Does something that falls into the trap at the call after so many. Returns what came of it, and whether it got there.
    pub(crate) async fn cut_off<T>(&self, after: i64, act: impl Future<Output = T>) -> (T, bool) {
        self.fuse.after(after);
        let came = act.await;
        let sprung = self.fuse.is_sprung();
        self.fuse.off();
        (came, sprung)
    }

    /// Somebody changes the pool just before the first call of this operation.
    pub(crate) fn just_before(&self, operation: &'static str, change: fn(&mut Vec<Account>)) {
        let mut change = Some(change);
        self.pool.before_each_call(move |called, accounts| {
            if let Some(change) = change.take_if(|_| called == operation) {
                change(accounts);
            }
        });
    }

    /// Calls the API as API Gateway does. `None` is what becomes of a process that ended.
    pub(crate) async fn call(
        &self,
        claims: Option<&Value>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Option<Answer> {
        let event = event(claims, method, path, body.map(|body| body.to_string()).as_deref(), "application/json");
        self.send(&event).await
    }

    /// Hands the API an event.
    pub(crate) async fn send(&self, event: &Value) -> Option<Answer> {
        let answer = self.answer(event).await;
        self.work().await;
        answer
    }

    /// Runs a job once.
    pub(crate) async fn run(&self, job: &Job) -> Result<(), account_api::problem::Problem> {
        self.tell_the_time();
        self.api.run(job).await
    }

    /// Carries out what was left to a later run, as Lambda does: twice more if it failed, a minute or more apart.
    pub(crate) async fn work(&self) {
        self.tell_the_time();
        for job in self.queue.take() {
            for _ in 0..3 {
                let run = tokio::time::timeout(Duration::from_mins(1), self.api.run(&job)).await;
                if matches!(run, Ok(Ok(()))) {
                    break;
                }
                self.clock.forward(61);
                self.tell_the_time();
            }
        }
    }

    /// Leaves to a later run what the owner of this account has begun.
    pub(crate) async fn queue_completion(&self, of: &Account) {
        let complete = Owner { sub: of.sub.clone(), user_name: of.user_name.clone() };
        self.queue.put(&Job::Complete { complete }).await.expect("a queue in memory takes every job");
    }

    /// Answers an event, and leaves what is to be done later.
    pub(crate) async fn answer(&self, event: &Value) -> Option<Answer> {
        self.tell_the_time();
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event of API Gateway");
        let answered = self.router.clone().oneshot(request);
        let response = tokio::time::timeout(Duration::from_mins(1), answered).await.ok()?.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body in memory").to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
        Some(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// What the table need not keep any longer is gone at once, which DynamoDB does days later.
    fn tell_the_time(&self) {
        self.store.expire(self.clock.now());
        self.pool.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock.now()));
    }

    /// Calls the API as the owner of an account.
    pub(crate) async fn as_owner(&self, of: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call(Some(&access_token(of)), method, path, body).await.expect("an answer")
    }

    /// Calls the API as the owner of this account, who has just signed in.
    pub(crate) async fn as_account(&self, of: &Account, method: &str, path: &str, body: Option<Value>) -> Answer {
        let claims = account_api::testing::claims(&of.sub, &of.user_name, self.time());
        self.call(Some(&claims), method, path, body).await.expect("an answer")
    }

    /// Calls the API as Ada, who is a member of the group that may invite.
    pub(crate) async fn as_member(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call(Some(&admin_token("ada@example.com")), method, path, body).await.expect("an answer")
    }

    /// Calls the API as somebody who is not signed in.
    pub(crate) async fn as_nobody(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call(None, method, path, body).await.expect("an answer")
    }

    pub(crate) fn code_sent_to(&self, address: &str) -> String {
        self.mailer.last_to(address).and_then(|mail| mail.code()).unwrap_or_else(|| panic!("no code went to {address}"))
    }
}

/// Lets others make so many calls first.
pub(crate) async fn wait(steps: i32) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
}

/// The claims of an access token for the account that `native(email)` makes.
pub(crate) fn access_token(email: &str) -> Value {
    json!({
        "sub": format!("sub-{email}"), "username": format!("native-{email}"), "token_use": "access",
        "client_id": "frontend", "scope": "aws.cognito.signin.user.admin",
    })
}

/// The same for a member of the group that may invite.
pub(crate) fn admin_token(email: &str) -> Value {
    let mut claims = access_token(email);
    claims["cognito:groups"] = json!("[admins]");
    claims
}
