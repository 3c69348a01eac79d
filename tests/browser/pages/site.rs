//! The pages and everything that they call, on one machine: their own server, a user pool of the local cloud, and the
//! mails as people get them.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use account_api::pages;
use anyhow::{Context, Result};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::{Json, Router};
use cognito_core::settings::OVERRIDES;
use end_to_end::{cloud, function, native, pool, until};
use local_cloud::event;
use local_cloud::http::Http;
use local_cloud::outbox::{code_in, last_mail};
use local_cloud::runtime_api::Function;
use local_cloud::seed::PASSWORD;
use local_cloud::server::Server;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::backend::Backend;
use crate::reader::{Reader, Screen};

const PROVIDERS: &[(&str, &str)] = &[
    ("SELF_SERVICE_LINKING", "any"),
    ("ACCOUNT_DELETION", "on"),
    ("PROVIDERS", "Google:claim"),
    (pages::PAGES_PROVIDERS, "COGNITO,Google"),
];

/// Two applications: one that the general address leads to, and one whose app client has its own.
const APPLICATIONS: &[(&str, &str)] = &[
    (cognito_core::settings::PAGES_RETURN_URL, "https://harbour.example.com/"),
    (
        OVERRIDES,
        r#"[{"client_id": "shop", "settings": {"APP_NAME": "Shop", "PAGES_RETURN_URL": "https://shop.example.com/"}}]"#,
    ),
];

/// The path that [`Site::start_below_a_path`] has.
const PATH: &str = "/account-pages";

/// The pages with their own pool. Dropping this ends the server.
pub(crate) struct Site {
    /// The address of the pages, without a slash at the end.
    pub(crate) address: String,
    /// The pool.
    pub(crate) pool: UserPool,
    /// The account API, on the same origin.
    pub(crate) api: Backend,
    client: String,
    messages: Function,
    _server: Server,
}

/// A place for the pages, and its address, before anything answers there.
pub(crate) async fn place() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    Ok((listener, address))
}

impl Site {
    /// Starts the pages and the account API with a new pool.
    pub(crate) async fn start() -> Result<Self> {
        Self::with(&[], |router| router).await
    }

    /// The same, and people manage their ways to sign in. `Google` has to be made afterwards.
    pub(crate) async fn start_with_providers() -> Result<Self> {
        Self::with(PROVIDERS, |router| router).await
    }

    /// The same, but every request to connect two accounts gets the answer that is there at that moment.
    pub(crate) async fn start_answering(answer: Arc<Mutex<(StatusCode, Value)>>) -> Result<Self> {
        let instead = move |request: Request, next: Next| {
            let answer = answer.lock().map(|answer| answer.clone()).unwrap_or_default();
            async move {
                let connects = request.method() == "POST" && request.uri().path().starts_with("/identities");
                if connects { (answer.0, Json(answer.1)).into_response() } else { next.run(request).await }
            }
        };
        Self::with(PROVIDERS, |router| router.layer(middleware::from_fn(instead))).await
    }

    /// The same for [`APPLICATIONS`].
    pub(crate) async fn start_for_applications() -> Result<Self> {
        Self::with(APPLICATIONS, |router| router).await
    }

    /// The same below a path, which what stands before the function takes off. Beside it, there is somebody else's site.
    pub(crate) async fn start_below_a_path() -> Result<Self> {
        let without_path = |mut request: Request| {
            let below = request.uri().path_and_query()?.as_str().strip_prefix(PATH)?;
            let is_whole = below.is_empty() || below.starts_with(['/', '?']);
            let slash = if below.starts_with('/') { "" } else { "/" };
            *request.uri_mut() = is_whole.then(|| format!("{slash}{below}").parse().ok()).flatten()?;
            Some(request)
        };
        let below = move |router: Router| {
            Router::new().fallback(async move |request: Request| match without_path(request) {
                Some(request) => router.oneshot(request).await.into_response(),
                None => "somebody else's site".into_response(),
            })
        };
        Self::start_at(PATH, &[], below, false).await
    }

    /// The same behind a cache that removes the browser's languages from requests. The default language of these pages
    /// is French.
    pub(crate) async fn start_behind_a_cache() -> Result<Self> {
        let forget = async |mut request: Request, next: Next| {
            request.headers_mut().remove(ACCEPT_LANGUAGE);
            next.run(request).await
        };
        Self::with(&[("DEFAULT_LOCALE", "fr")], |router| router.layer(middleware::from_fn(forget))).await
    }

    /// The same over a slow network, where every answer takes this long.
    pub(crate) async fn start_far_away(round_trip: Duration) -> Result<Self> {
        let wait = move |request: Request, next: Next| async move {
            tokio::time::sleep(round_trip).await;
            next.run(request).await
        };
        Self::with(&[], |router| router.layer(middleware::from_fn(wait))).await
    }

    /// The same, but the server refuses scripts, as API Gateway does when there are too many requests.
    pub(crate) async fn start_without_scripts() -> Result<Self> {
        let refuse = async |request: Request, next: Next| {
            let is_script =
                std::path::Path::new(request.uri().path()).extension().is_some_and(|extension| extension == "js");
            if is_script { StatusCode::TOO_MANY_REQUESTS.into_response() } else { next.run(request).await }
        };
        Self::with(&[], |router| router.layer(middleware::from_fn(refuse))).await
    }

    /// The same, and Cognito remembers these devices. The local cloud remembers none, so calls about devices are answered
    /// here, and all others there.
    pub(crate) async fn start_remembering(devices: Arc<Mutex<Vec<Value>>>) -> Result<Self> {
        let cloud = cloud()?;
        let stand_in = move |request: Request, next: Next| {
            let (devices, cloud) = (Arc::clone(&devices), cloud.clone());
            async move {
                let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
                let Some(target) = target.map(str::to_owned) else { return next.run(request).await };
                let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
                if target.ends_with("Device") || target.ends_with("Devices") {
                    return Json(remembered(&devices, &body)).into_response();
                }
                let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
                match Http::default().send_body("POST", &format!("{cloud}/"), &headers, body).await {
                    Ok(answer) => (answer.status, answer.body).into_response(),
                    Err(_) => StatusCode::BAD_GATEWAY.into_response(),
                }
            }
        };
        Self::start_at("", &[], |router| router.layer(middleware::from_fn(stand_in)), true).await
    }

    async fn with(own: &'static [(&str, &str)], around: impl FnOnce(Router) -> Router) -> Result<Self> {
        Self::start_at("", own, around, false).await
    }

    /// `path` comes before the pages. `stands_in` says that the pages' own server stands in for Cognito.
    async fn start_at(
        path: &str,
        own: &'static [(&str, &str)],
        around: impl FnOnce(Router) -> Router,
        stands_in: bool,
    ) -> Result<Self> {
        let (listener, origin) = place().await?;
        let address = format!("{origin}{path}");
        let pool = pool(Kind::EmailAsUsername).await?;
        let settings = settings(&pool, &address, own, stands_in).await?;
        let api = Backend::start(&pool, &address, settings.clone(), own).await?;
        let router = around(api.router.clone());
        let overrides = own.iter().filter(|(name, _)| *name == OVERRIDES).copied();
        let messages: Vec<_> = [("APP_NAME", "Harbour"), ("APP_URL", &*address)].into_iter().chain(overrides).collect();
        let messages = function("custom-message", &messages).await?;
        let server = Server::on(listener, router)?;
        Ok(Self { address, pool, api, client: settings.client_id, messages, _server: server })
    }

    /// A page's address.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Somebody with an account who has signed in on this page.
    pub(crate) async fn visitor(&self, email: &str, page: &str, screen: Screen) -> Result<Reader> {
        native(&self.pool, Kind::EmailAsUsername, email).await?;
        let reader = Reader::sits_down(screen).await?;
        reader.opens(&self.page(page)).await?;
        reader.comes_in(email, PASSWORD).await?;
        Ok(reader)
    }

    /// Invites a person, as an application does.
    pub(crate) async fn invites(&self, email: &str) -> Result<()> {
        let before = self.api.mails.sent().len();
        let wish = json!({ "email": email, "attributes": { "given_name": "Grace" } });
        let answer = Http::default().send_json("POST", &self.page("invitations"), &wish).await?;
        anyhow::ensure!(answer.status.as_u16() == 202, "the invitation was refused: {answer:?}");
        // The API does the work after the answer.
        let mailed = until(async || (self.api.mails.sent().len() > before).then_some(())).await;
        mailed.context("no mail followed the invitation")
    }

    /// Links an identity at Google with an account, as the pre sign-up function does.
    pub(crate) async fn links_google(&self, username: &str) -> Result<()> {
        let google = json!({ "ProviderName": "Google", "ProviderType": "Google", "ProviderDetails": {} });
        if self.pool.admin("DescribeIdentityProvider", json!({ "ProviderName": "Google" })).await.is_err() {
            self.pool.admin("CreateIdentityProvider", google).await?;
        }
        self.pool.link(username, "Google", "1035").await
    }

    /// Whether a refresh token of the pages still gives tokens.
    pub(crate) async fn refreshes(&self, token: &str) -> Result<bool> {
        let fields = [("grant_type", "refresh_token"), ("client_id", self.client.as_str()), ("refresh_token", token)];
        let answer = Http::default().submit(&format!("{}/oauth2/token", self.pool.endpoint()), &fields).await?;
        Ok(answer.status.is_success())
    }

    /// The link in the last mail to an address, with the local cloud's code, in the mail that Cognito would have sent.
    /// The local cloud sends its own text (docs/LOCAL_STACK.md), so the function writes the mail here.
    pub(crate) async fn link(&self, sample: &str, email: &str) -> Result<String> {
        link_in(&self.mail(sample, email, &Value::Null).await?, &self.address)
    }

    /// That mail, for a call with this `ClientMetadata`.
    pub(crate) async fn mail(&self, sample: &str, email: &str, metadata: &Value) -> Result<String> {
        let profile = self.pool.only_profile_of(email).await?;
        let sent = last_mail(&cloud()?, email).await?.to_string();
        let code = code_in(&sent).context("the last mail has no code")?;
        let mut event = event::about(event::load(&format!("custom-message/{sample}"), &self.pool)?, &profile);
        event["request"]["clientMetadata"] = metadata.clone();
        let answer = self.messages.invoke(&event).await?.ok().context("the mail could not be written")?;
        Ok(answer["response"]["emailMessage"].as_str().context("there is no mail")?.replace("{####}", code))
    }
}

/// What Cognito says of devices. It lists one at a time here.
fn remembered(devices: &Mutex<Vec<Value>>, input: &[u8]) -> Value {
    let input: Value = serde_json::from_slice(input).unwrap_or_default();
    let Ok(mut devices) = devices.lock() else { return Value::Null };
    if let Some(key) = input.get("DeviceKey") {
        devices.retain(|device| device["DeviceKey"] != *key);
        return json!({});
    }
    let at = input["PaginationToken"].as_str().and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let next = (at + 1 < devices.len()).then(|| (at + 1).to_string());
    json!({ "Devices": devices.get(at).into_iter().collect::<Vec<_>>(), "PaginationToken": next })
}

/// The first link of a mail that leads to the pages.
pub(crate) fn link_in(mail: &str, address: &str) -> Result<String> {
    let (_, rest) = mail.split_once(&format!("href=\"{address}/")).context("the mail has no link to the pages")?;
    let link = rest.split('"').next().unwrap_or_default();
    Ok(format!("{address}/{}", link.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3d;", "=")))
}

/// The settings of a deployment: the app client as the template makes it, and the local cloud instead of Cognito.
async fn settings(
    pool: &UserPool,
    address: &str,
    own: &'static [(&str, &str)],
    stands_in: bool,
) -> Result<pages::Settings> {
    let account = format!("{address}/account");
    let input = json!({
        "ClientName": "pages",
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
        "CallbackURLs": [account],
        "LogoutURLs": [account],
        "SupportedIdentityProviders": ["COGNITO"],
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": true,
    });
    let made: Value = pool.admin("CreateUserPoolClient", input).await?;
    let client = made["UserPoolClient"]["ClientId"].as_str().context("the new app client has no id")?.to_owned();
    let (cloud, address) = (cloud()?, address.to_owned());
    let cognito = if stands_in { address.clone() } else { cloud.clone() };
    let lookup = move |name: &str| {
        Some(match name {
            pages::PAGES_CLIENT_ID => client.clone(),
            pages::PAGES_COGNITO_URL => cognito.clone(),
            pages::PAGES_SIGN_IN_URL => cloud.clone(),
            pages::PAGES_REGISTRATION => "open".to_owned(),
            pages::PAGES_PASSWORD_RULES => "12,lowercase,uppercase,numbers,symbols".to_owned(),
            "APP_NAME" => "Harbour".to_owned(),
            "APP_URL" => address.clone(),
            "SUPPORT_EMAIL" => "help@example.com".to_owned(),
            _ => own.iter().find(|(known, _)| *known == name)?.1.to_owned(),
        })
    };
    pages::Settings::for_pool(&lookup, pool.id())?.context("the pages are switched off")
}
