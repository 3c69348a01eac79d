//! The API in this process, behind a server that does what API Gateway and Lambda do. The pool and the mailboxes are in
//! memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use account_api::accounts::Pool;
use account_api::mailer::memory::MemoryMailer;
use account_api::queue::memory::MemoryQueue;
use account_api::testing::{claims, event, settings};
use account_api::{AccountApi, Clock, Parts, SystemClock};
use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind, federated, native};
use lambda_http::tower::ServiceExt;
use local_cloud::server::Server;
use local_cloud::user_pool::{Identity, Profile};
use serde_json::{Value, json};

use super::world::{ADMINS, AFTERWARDS, PROVIDER, SETTINGS, World, address_at_provider, first_address, subject};

/// The machine's clock, set forward.
#[derive(Debug, Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Clock for Ahead {
    fn now(&self) -> u64 {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }
}

/// The running API and what is around it. Dropping it ends it.
pub(super) struct Memory {
    pool: MemoryPool,
    mailer: MemoryMailer,
    clock: Ahead,
    server: Server,
}

struct Gateway {
    api: AccountApi,
    router: Router,
    queue: MemoryQueue,
}

/// The settings of the API beside those of every storm.
const OWN_SETTINGS: [(&str, &str); 4] = [
    ("PROVIDERS", "Google:claim"),
    ("BACKEND_CLIENT_ID", "backend"),
    ("APP_URL", "https://app.example.com"),
    ("APP_NAME", "Example"),
];

impl Memory {
    /// Starts the API over a table at this DynamoDB.
    pub(super) async fn start(dynamodb: &str, table: &str) -> Result<Self> {
        let of_a_storm = SETTINGS.map(|(_, variable, value)| (variable, value));
        let settings = settings(&[&OWN_SETTINGS[..], &of_a_storm].concat())?;
        let pool = MemoryPool::new(PoolKind::EmailUserNames, []);
        let (mailer, queue, clock) = (MemoryMailer::default(), MemoryQueue::default(), Ahead::default());
        let api = AccountApi::new(Parts {
            store: Arc::new(crate::table::store(dynamodb, table)?),
            mailer: Arc::new(mailer.clone()),
            queue: Arc::new(queue.clone()),
            clock: Arc::new(clock.clone()),
            ..Parts::in_memory(settings, Pool { users: pool.clone(), invitations: pool.clone() })
        });
        let gateway = Arc::new(Gateway { router: api.router(), api, queue });
        let server = Server::start(Router::new().fallback(call).with_state(gateway)).await?;
        Ok(Self { pool, mailer, clock, server })
    }

    fn add(&self, account: Account) -> Profile {
        let added = profile(account.clone());
        self.pool.change(|accounts| accounts.push(account));
        added
    }
}

impl World for Memory {
    fn api(&self) -> &str {
        &self.server.url
    }

    fn mailboxes(&self) -> &MemoryMailer {
        &self.mailer
    }

    async fn registers(&self, number: u32) -> Result<Profile> {
        Ok(self.add(native(&first_address(number)).in_group(ADMINS)))
    }

    async fn signs_in_with_provider(&self, number: u32) -> Result<Profile> {
        let alone = federated(PROVIDER, &subject(number), &address_at_provider(number));
        if let Some(known) = self.account(&alone.user_name).await? {
            return Ok(known);
        }
        // No `sub` ever comes again.
        let sub = format!("{}-{:08x}", alone.sub, rand::random::<u32>());
        let created = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock.now());
        Ok(self.add(Account { sub, created: Some(created), ..alone }))
    }

    /// The claims as JSON, which is what the server here takes for a token.
    async fn token(&self, account: &Profile) -> Result<String> {
        let mut claims = claims(account.attribute("sub"), &account.username, self.clock.now());
        claims["cognito:groups"] = json!(format!("[{}]", account.groups.join(" ")));
        Ok(claims.to_string())
    }

    async fn account(&self, user_name: &str) -> Result<Option<Profile>> {
        Ok(self.pool.account(user_name).map(profile))
    }

    async fn accounts(&self) -> Result<Vec<Profile>> {
        Ok(self.pool.accounts().into_iter().map(profile).collect())
    }

    async fn opens(&self, email: &str, password: &str) -> Result<bool> {
        let account = self.pool.accounts().into_iter().find(|account| account.has_email(email));
        Ok(account.context("there is no such account")?.password.as_deref() == Some(password))
    }

    /// Sets the clock forward.
    async fn ages(&self) -> Result<()> {
        self.clock.0.fetch_add(AFTERWARDS, Ordering::SeqCst);
        self.pool.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock.now()));
        Ok(())
    }
}

/// An account as Cognito shows it.
fn profile(account: Account) -> Profile {
    let status = match account.status {
        Status::Confirmed => "CONFIRMED",
        Status::ExternalProvider => "EXTERNAL_PROVIDER",
        _ => "another",
    };
    let attributes = [
        ("sub", account.sub),
        ("email", account.email.unwrap_or_default()),
        ("email_verified", account.email_verified.to_string()),
    ];
    let identity = |one: cognito_core::user_pool::memory::LinkedIdentity| Identity {
        provider: one.provider,
        subject: one.value,
        primary: one.primary,
    };
    Profile {
        username: account.user_name,
        status: status.to_owned(),
        enabled: account.enabled,
        attributes: BTreeMap::from(attributes.map(|(name, value)| (name.to_owned(), value))),
        identities: account.identities.into_iter().map(identity).collect(),
        groups: account.groups.into_iter().collect(),
    }
}

/// As API Gateway calls the function: with the claims of the token, which here are the token.
async fn call(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match gateway.call(method.as_str(), uri.path(), &headers, &body).await {
        Ok(response) => response,
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the function failed: {why}")).into_response(),
    }
}

impl Gateway {
    async fn call(&self, method: &str, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response> {
        let token = headers.get("authorization").and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        let claims: Option<Value> = token.map(serde_json::from_str).transpose()?;
        let body = std::str::from_utf8(body)?;
        let event =
            event(claims.as_ref(), method, path, Some(body).filter(|body| !body.is_empty()), "application/json");
        let request = lambda_http::request::from_str(&event.to_string())?;
        let Ok(answer) = self.router.clone().oneshot(request).await;
        // Lambda tries three times in all. What is lost then, the owner's next call makes up for.
        for job in self.queue.take() {
            for _ in 0..3 {
                if self.api.run(&job).await.is_ok() {
                    break;
                }
            }
        }
        Ok(answer)
    }
}
