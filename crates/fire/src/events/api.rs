//! Hostile requests at the account API and its pages.

use std::sync::Arc;
use std::time::Instant;

use account_api::accounts::Pool;
use account_api::function::respond;
use account_api::queue::memory::MemoryQueue;
use account_api::testing::{self, SetClock, event};
use account_api::{AccountApi, Parts};
use anyhow::{Context as _, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, federated, native};
use lambda_http::Context;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

use super::{Done, MARK, draw};

const NOW: u64 = 1_795_305_600;
const ADA: &str = "ada@example.com";

/// The parameters that the API and its pages read, and that links have.
const PARAMETERS: [&str; 6] = ["lang", "before", "code", "username", "email", "token"];

/// Whatever a body may have in any route.
const NAMES: [&str; 20] = [
    "new_email",
    "code",
    "id",
    "to",
    "offer",
    "confirmation",
    "stays",
    "email",
    "attributes",
    "group",
    "inviter",
    "return_to",
    "notify",
    "username",
    "token",
    "password",
    "what",
    "given_name",
    "locale",
    "other",
];

/// The API over memory.
pub(super) struct Api {
    runs: AccountApi,
    router: axum::Router,
    queue: MemoryQueue,
    /// Method and path of each route, from the API's own description, and of each page.
    routes: Vec<(String, String)>,
}

/// The settings with which every route and page is there.
const SETTINGS: [(&str, &str); 11] = [
    ("AWS_REGION", "eu-central-1"),
    ("PROVIDERS", "Google:claim"),
    ("SELF_SERVICE_LINKING", "any"),
    ("ACCOUNT_DELETION", "on"),
    ("INVITATIONS", "members"),
    ("ADMIN_GROUP", "admins"),
    ("BACKEND_CLIENT_ID", "backend"),
    ("PAGES_CLIENT_ID", "frontend"),
    ("PAGES_REGISTRATION", "open"),
    ("APP_URL", "https://app.example.com"),
    ("APP_NAME", "Example"),
];

impl Api {
    pub(super) fn new() -> Result<Self> {
        let settings = testing::settings(&SETTINGS)?;
        let pool = MemoryPool::new(PoolKind::EmailUserNames, [native(ADA), federated("Google", "1", ADA)]);
        let description = account_api::description(&settings);
        let description = serde_json::to_value(description)?;
        let mut routes = Vec::new();
        for (path, operations) in description["paths"].as_object().context("the description has paths")? {
            let methods = operations.as_object().into_iter().flat_map(Map::keys);
            routes.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
        }
        routes.extend(account_api::pages::PAGES.iter().map(|page| ("GET".to_owned(), format!("/{}", page.name))));
        let queue = MemoryQueue::default();
        let api = AccountApi::new(Parts {
            queue: Arc::new(queue.clone()),
            clock: Arc::new(SetClock::at(NOW)),
            ..Parts::in_memory(settings, Pool { users: pool.clone(), invitations: pool })
        });
        Ok(Self { router: api.router(), runs: api, queue, routes })
    }

    /// Ada asks for another address.
    pub(super) fn change() -> Value {
        let body = json!({ "new_email": "ada@example.org" }).to_string();
        event(Some(&adas_claims()), "POST", "/email-change", Some(&body), "application/json")
    }

    /// Somebody opens a page in a language that is not the usual one.
    pub(super) fn page() -> Value {
        let mut event = event(None, "GET", "/register", None, "text/html");
        event["headers"]["accept-language"] = json!("fr");
        event
    }

    /// An event of API Gateway.
    pub(super) fn draw(&self, rng: &mut StdRng) -> Vec<u8> {
        let (method, path) = self.routes.choose(rng).cloned().unwrap_or_default();
        let path = path.replace("{id}", &encoded(&draw::text(rng)));
        let mut body = Value::Object(Map::new());
        for _ in 0..rng.random_range(0..5) {
            let name = draw::name(rng, &NAMES);
            body[name] = draw::value(rng, &NAMES, 2);
        }
        let mut body = body.to_string();
        if rng.random_range(0..4) == 0 {
            draw::edit_text(rng, &mut body);
        }
        let claims = claims(rng);
        let media_type = if rng.random_range(0..10) == 0 { draw::text(rng) } else { "application/json".to_owned() };
        let mut event = event(claims.as_ref(), &method, &path, Some(&body), &media_type);
        if rng.random_range(0..3) == 0 {
            let name = draw::name(rng, &PARAMETERS);
            let query = format!("{}={}", encoded(&name), encoded(&draw::text(rng)));
            event["rawQueryString"] = json!(query);
        }
        if rng.random_range(0..3) == 0 {
            event["headers"]["accept-language"] = json!(draw::text(rng));
        }
        match rng.random_range(0..40) {
            0 => event["isBase64Encoded"] = json!(true),
            1 => {
                let mut bytes = body.into_bytes();
                draw::edit_bytes(rng, &mut bytes);
                event["isBase64Encoded"] = json!(true);
                event["body"] = json!(BASE64_STANDARD.encode(bytes));
            }
            _ => {}
        }
        if rng.random_range(0..10) == 0 {
            draw::edit(rng, &mut event, 1, &["rawPath", "headers", "requestContext", "http", "sourceIp", "authorizer"]);
        }
        event.to_string().into_bytes()
    }

    pub(super) async fn answer(&self, sent: &[u8]) -> Result<Done> {
        let start = Instant::now();
        let Ok(event) = serde_json::from_slice(sent) else { return Ok(Done::unread("no JSON")) };
        // As in the function, the runtime answers what is no request of API Gateway with an error.
        let Ok(answer) = respond(self.router.clone(), event, Context::default()).await else {
            return Ok(Done { took: start.elapsed(), ..Done::unread("no request") });
        };
        let took = start.elapsed();
        let said = self.checked(&answer).await?;
        Ok(Done { said, answer: answer.to_string(), took })
    }

    /// The code of an answer, if it is one that may be given.
    async fn checked(&self, answer: &Value) -> Result<String> {
        for job in self.queue.take() {
            self.runs.run(&job).await.map_err(|why| anyhow::anyhow!("a job failed: {:?}", why.code()))?;
        }
        let status = answer["statusCode"].as_u64().context("an answer without a status")?;
        let body = answer["body"].as_str().unwrap_or_default();
        ensure!(status < 500, "the answer is {answer}");
        if status < 400 {
            // No parameter gets into a page.
            let repeats = body.contains("<html") && body.contains(MARK);
            ensure!(!repeats, "the page repeats what was sent");
            return Ok(status.to_string());
        }
        // A page that is not asked for with GET.
        if status == 405 && body.is_empty() {
            return Ok(status.to_string());
        }
        let problem: Value = serde_json::from_str(body).with_context(|| format!("{status} without a problem"))?;
        ensure!(!problem.to_string().contains(MARK), "the problem repeats what was sent: {problem}");
        let code = problem["code"].as_str().context("a problem without a code")?;
        Ok(format!("{status} {code}"))
    }
}

fn adas_claims() -> Value {
    let mut claims = testing::claims(&format!("sub-{ADA}"), &format!("native-{ADA}"), NOW);
    claims["cognito:groups"] = json!("[admins]");
    claims
}

/// Those of Ada, of a member, of nobody, or made up.
fn claims(rng: &mut StdRng) -> Option<Value> {
    let mut claims = adas_claims();
    match rng.random_range(0..6) {
        0 => return None,
        1 => {
            // Not the `sub`, which Cognito makes.
            let names = ["username", "token_use", "scope", "auth_time", "cognito:groups"];
            let name = draw::name(rng, &names);
            claims[name] = json!(draw::text(rng));
        }
        _ => {}
    }
    Some(claims)
}

/// As a part of a URL.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
