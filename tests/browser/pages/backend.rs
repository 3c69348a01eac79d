//! The account API as it is deployed, with two differences: its state and its mails are in memory, and this module
//! replaces API Gateway's JWT authorizer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use account_api::accounts::Pool;
use account_api::mailer::memory::MemoryMailer;
use account_api::queue::memory::MemoryQueue;
use account_api::testing::SetClock;
use account_api::{AccountApi, Parts, Settings, pages};
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsInvitations, AwsUserPools};
use lambda_http::request::RequestContext;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::UserPool;
use serde_json::{Value, json};

/// The API and its parts.
pub(crate) struct Backend {
    pub(crate) router: Router,
    pub(crate) mails: MemoryMailer,
    pub(crate) clock: SetClock,
}

impl Backend {
    /// Starts it with these pages.
    pub(crate) async fn start(
        pool: &UserPool,
        address: &str,
        pages: pages::Settings,
        own: &[(&str, &str)],
    ) -> Result<Self> {
        let flows = json!({ "ClientName": "backend", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
        let made = pool.admin("CreateUserPoolClient", flows).await?;
        let client = made["UserPoolClient"]["ClientId"].as_str().context("the new app client has no id")?.to_owned();
        let mut settings = Settings::from_lookup(&|name| {
            Some(match name {
                "USER_POOL_ID" => pool.id().to_owned(),
                "BACKEND_CLIENT_ID" => client.clone(),
                "TABLE_NAME" | "CODE_SECRET_ARN" => "in-memory".to_owned(),
                "EMAIL_FROM" => "Harbour <no-reply@example.com>".to_owned(),
                "INVITATIONS" => "public".to_owned(),
                "DEFAULT_GROUP" => GROUP.to_owned(),
                "APP_NAME" => "Harbour".to_owned(),
                "APP_URL" => address.to_owned(),
                _ => own.iter().find(|(known, _)| *known == name)?.1.to_owned(),
            })
        })?;
        settings.pages = Some(pages);
        let users = AwsUserPools::from_lookup(&|name| std::env::var(name).ok())?.pool(pool.id());
        let (mails, clock) = (MemoryMailer::default(), SetClock::at(now()?));
        let invitations = AwsInvitations::new(users.clone(), &client);
        let queue = MemoryQueue::default();
        let api = AccountApi::new(Parts {
            mailer: Arc::new(mails.clone()),
            queue: Arc::new(queue.clone()),
            clock: Arc::new(clock.clone()),
            ..Parts::in_memory(settings, Pool { users, invitations })
        });
        let router = api.router().layer(middleware::from_fn_with_state(pool.clone(), authorize));
        // The jobs that the function leaves to its next run.
        tokio::spawn(async move {
            loop {
                for job in queue.take() {
                    api.run(&job).await.ok();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Ok(Self { router, mails, clock })
    }
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Passes the claims of a token on as API Gateway does, if the pool accepts the token.
async fn authorize(State(pool): State<UserPool>, mut request: Request, next: Next) -> Response {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = token.strip_prefix("Bearer ").unwrap_or_default().to_owned();
    if !token.is_empty()
        && pool.call("GetUser", &json!({ "AccessToken": token })).await.is_ok()
        && let Some(context) = context(&token)
    {
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
    }
    next.run(request).await
}

fn context<C: serde::de::DeserializeOwned>(token: &str) -> Option<C> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    // API Gateway hands every claim on as a text.
    let signed_in_at = claims["auth_time"].to_string();
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let names = ["sub", "username", "token_use", "client_id", "scope"];
    let mut claims: Value = names.into_iter().map(|name| (name, text(name))).collect();
    claims["auth_time"] = json!(signed_in_at);
    serde_json::from_value(json!({
        "authorizer": { "jwt": { "claims": claims, "scopes": null } },
        "http": { "method": "GET", "path": "/" },
    }))
    .ok()
}
