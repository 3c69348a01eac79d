//! What is deployed on the local cloud, as its Lambda, its API Gateway and its Cognito have it.

use end_to_end::{binary, cloud, owned};
use local_cloud::client_environment;
use local_cloud::deployment::{self, Language, deploy_idle, deploy_script};
use local_cloud::http::Http;
use local_cloud::user_pool::UserPool;
use serde_json::Value;

/// The name of a function that no other test has.
fn name() -> String {
    format!("tested-{}", uuid::Uuid::new_v4().simple())
}

/// A function that nobody calls.
pub(crate) async fn idle(settings: &[(&str, &str)]) -> String {
    let settings: Vec<_> = owned(settings);
    deploy_idle(&cloud().unwrap(), &name(), &settings).await.unwrap()
}

/// One of our functions.
pub(crate) async fn ours(function: &str, settings: &[(&str, &str)]) -> String {
    let all = [client_environment(&cloud().unwrap()), owned(settings)].concat();
    deployment::deploy(&cloud().unwrap(), &name(), &binary(function).unwrap(), &all).await.unwrap()
}

/// A team's own function.
pub(crate) async fn script(language: Language, source: &str) -> String {
    deploy_script(&cloud().unwrap(), &name(), language, source).await.unwrap()
}

pub(crate) fn url(function: &str, rest: &str) -> String {
    format!("{}/2015-03-31/functions/{function}/{rest}", cloud().unwrap())
}

pub(crate) async fn invoke(function: &str, event: &Value) -> Value {
    Http::default().send_json("POST", &url(function, "invocations"), event).await.unwrap().json().unwrap()
}

/// A function's environment.
pub(crate) async fn settings_of(function: &str) -> Value {
    let answer = Http::default().get(&url(function, "configuration")).await.unwrap();
    answer.json().unwrap()["Environment"]["Variables"].take()
}

/// The statements of a function's resource policy.
pub(crate) async fn statements(function: &str) -> Vec<Value> {
    let answer = Http::default().get(&url(function, "policy")).await.unwrap().json().unwrap();
    let policy: Value = serde_json::from_str(answer["Policy"].as_str().unwrap_or("{}")).unwrap();
    policy["Statement"].as_array().cloned().unwrap_or_default()
}

/// Sends a request to the account API with this address. Gives the answer's status and body.
pub(crate) async fn send(api: &str, token: Option<&str>, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json"), ("accept-language", "en")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = Http::default().send_body(method, &format!("{api}{path}"), &headers, body).await.unwrap();
    (answer.status.as_u16(), answer.json().unwrap_or_default())
}

/// The value of a parameter of the link in a mail, as the link has it.
pub(crate) fn parameter(mail: &str, name: &str) -> Option<String> {
    let (_, rest) = mail.split_once(&format!("{name}="))?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.~%".contains(*c)).collect())
}

/// A pool of a test's own making.
pub(crate) async fn pool(input: &Value) -> UserPool {
    let nobody = UserPool::open(&cloud().unwrap(), "");
    let made = nobody.call("CreateUserPool", input).await.unwrap();
    UserPool::open(&cloud().unwrap(), made["UserPool"]["Id"].as_str().unwrap())
}
