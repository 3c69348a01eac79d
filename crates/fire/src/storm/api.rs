//! The API behind a server that does what API Gateway and Lambda do.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use account_api::accounts::Pool;
use account_api::code::Sealer;
use account_api::mailer::memory::MemoryMailer;
use account_api::queue::memory::MemoryQueue;
use account_api::store::dynamodb::DynamoDb;
use account_api::testing::event;
use account_api::{AccountApi, Clock, Parts, Settings, SystemClock};
use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use cognito_core::user_pool::memory::{Account, MemoryPool, PoolKind};
use lambda_http::tower::ServiceExt;
use local_cloud::client_environment;
use messages::Messages;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How many calls run at once. The others wait, as if Lambda had no more room. An emulator of DynamoDB that has more at once
/// answers none of them in time.
const ROOM: usize = 16;

/// The group whose members invite.
pub(super) const ADMINS: &str = "admins";

/// The machine's clock, set forward.
#[derive(Debug, Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Clock for Ahead {
    fn now(&self) -> u64 {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }
}

/// The running API and what is around it. Dropping it ends it.
pub(super) struct Api {
    pub(super) url: String,
    pub(super) pool: MemoryPool,
    pub(super) mailer: MemoryMailer,
    clock: Ahead,
    server: JoinHandle<()>,
}

struct Gateway {
    api: AccountApi,
    router: Router,
    queue: MemoryQueue,
    room: Semaphore,
}

fn settings(table: &str) -> Result<Settings> {
    let lookup = |name: &str| {
        let value = match name {
            "AWS_REGION" => "eu-central-1",
            "USER_POOL_ID" => "eu-central-1_EXAMPLE01",
            "EMAIL_FROM" => "no-reply@example.com",
            "TABLE_NAME" => table,
            "CODE_SECRET_ARN" => "unused",
            "PROVIDERS" => "Google:claim",
            "SELF_SERVICE_LINKING" => "any",
            "LINKED_EMAIL_CHANGE" => "allow",
            "INVITATIONS" => "members",
            "ADMIN_GROUP" => ADMINS,
            "BACKEND_CLIENT_ID" => "backend",
            "APP_URL" => "https://app.example.com",
            "APP_NAME" => "Example",
            // A storm is more than a day.
            "EMAIL_CHANGES_A_DAY" | "INVITATIONS_A_DAY" => "1000,1000000,1000000",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Ok(Settings::from_lookup(&lookup)?)
}

impl Api {
    /// Starts the API over a table at this DynamoDB, with a pool that has these accounts.
    pub(super) async fn start(
        dynamodb: &str,
        table: &str,
        accounts: impl IntoIterator<Item = Account>,
    ) -> Result<Self> {
        let settings = settings(table)?;
        let environment = client_environment(dynamodb);
        let lookup = |asked: &str| environment.iter().find(|(name, _)| name == asked).map(|(_, value)| value.clone());
        let client = aws_sdk_dynamodb::Client::new(&cognito_core::sdk::config(&lookup)?);
        let pool = MemoryPool::new(PoolKind::EmailUserNames, accounts);
        let (mailer, queue, clock) = (MemoryMailer::default(), MemoryQueue::default(), Ahead::default());
        let api = AccountApi::new(Parts {
            accounts: Arc::new(Pool { users: pool.clone(), invitations: pool.clone() }),
            store: Arc::new(DynamoDb::new(client, table)),
            mailer: Arc::new(mailer.clone()),
            queue: Arc::new(queue.clone()),
            bus: None,
            clock: Arc::new(clock.clone()),
            sealer: Sealer::new(&[7; 32])?,
            messages: Messages::new(settings.messages.clone()),
            settings,
        });
        let gateway = Arc::new(Gateway { router: api.router(), api, queue, room: Semaphore::new(ROOM) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(call).with_state(gateway);
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, pool, mailer, clock, server })
    }

    /// Sets the clock forward.
    pub(super) fn forward(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.pool.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(self.now()));
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
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
        let room = self.room.acquire().await?;
        let Ok(answer) = self.router.clone().oneshot(request).await;
        // Lambda tries three times in all. What is lost then, the owner's next call makes up for.
        for job in self.queue.take() {
            for _ in 0..3 {
                if self.api.run(&job).await.is_ok() {
                    break;
                }
            }
        }
        drop(room);
        Ok(answer)
    }
}
