//! Stands between the API and SES, and puts what SES has accepted into the mailboxes.

use std::sync::Arc;

use account_api::mailer::Mailer;
use account_api::mailer::memory::MemoryMailer;
use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use cognito_core::email::Email;
use local_cloud::http::Http;
use local_cloud::server::Server;
use messages::Letter;
use serde_json::Value;

use super::hand_on::hand_on;

/// The running proxy and the mailboxes. Dropping it ends it.
pub(super) struct Post {
    pub(super) mailboxes: MemoryMailer,
    server: Server,
}

struct Shared {
    ses: String,
    http: Http,
    mailboxes: MemoryMailer,
}

impl Post {
    pub(super) async fn start(ses: &str) -> Result<Self> {
        let mailboxes = MemoryMailer::default();
        let shared = Shared { ses: ses.to_owned(), http: Http::default(), mailboxes: mailboxes.clone() };
        let server = Server::start(Router::new().fallback(answer).with_state(Arc::new(shared))).await?;
        Ok(Self { mailboxes, server })
    }

    /// Where the API reaches SES.
    pub(super) fn url(&self) -> &str {
        &self.server.url
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let url = format!("{}{}", shared.ses, uri.path());
    let answer = match hand_on(&shared.http, &method, &url, &headers, body.clone()).await {
        Ok(answer) => answer,
        Err(status) => return status.into_response(),
    };
    if answer.status.is_success()
        && let Some((to, letter)) = read(&body)
    {
        // A mailbox refuses nothing.
        let _ = shared.mailboxes.send(&to, &letter).await;
    }
    (answer.status, [("content-type", "application/json")], answer.body).into_response()
}

/// The recipient and the letter of a call of `SendEmail`.
fn read(body: &[u8]) -> Option<(Email, Letter)> {
    let mail: Value = serde_json::from_slice(body).ok()?;
    let to = Email::parse(mail["Destination"]["ToAddresses"][0].as_str()?).ok()?;
    let simple = &mail["Content"]["Simple"];
    let text = |part: &Value| part["Data"].as_str().map(ToOwned::to_owned);
    let (subject, html) = (text(&simple["Subject"])?, text(&simple["Body"]["Html"])?);
    Some((to, Letter { subject, html, text: text(&simple["Body"]["Text"])?, skipped: Vec::new() }))
}
