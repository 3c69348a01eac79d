//! What a person presses in a browser.

use std::sync::Arc;
use std::time::{Duration, Instant};

use local_cloud::http::Http;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Seen;

/// How often a person presses again after `try-again`. A call that was cut off may keep others out for 30 seconds.
const PRESSES: u32 = 20;

/// The longest pause between two presses, or two steps.
pub(super) const PAUSE: Duration = Duration::from_secs(4);

/// How many calls run at once. The others wait, as if Lambda had no more room. An emulator that has more at once answers
/// none of them in time.
pub(super) const ROOM: usize = 16;

/// Status and body of an answer.
pub(super) type Answer = (u16, Value);

/// The way to the API, which all people share. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Way {
    url: String,
    http: Http,
    room: Arc<Semaphore>,
    seen: Seen,
    failures: &'static [&'static str],
}

impl Way {
    /// The way to the API at this address, which may answer with these codes that it cannot do something now.
    pub(super) fn to(url: &str, failures: &'static [&'static str], seen: Seen) -> Self {
        let (url, room) = (url.to_owned(), Arc::new(Semaphore::new(ROOM)));
        Self { url, http: Http::default(), room, seen, failures }
    }

    /// A client with a token, or with none.
    pub(super) fn client(&self, token: Option<String>) -> Client {
        Client { way: self.clone(), token }
    }
}

/// A browser.
pub(super) struct Client {
    way: Way,
    token: Option<String>,
}

impl Client {
    /// Sends a request, and again as long as the answer is `try-again`.
    pub(super) async fn press(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut answer = (0, Value::Null);
        for _ in 0..PRESSES {
            answer = self.once(method, path, body).await;
            if answer.0 != 503 {
                break;
            }
            tokio::time::sleep(PAUSE.mul_f64(rand::random())).await;
        }
        answer
    }

    /// The same from two clients at once.
    pub(super) async fn twice(&self, method: &str, path: &str, body: &Value) -> [Answer; 2] {
        let answers = tokio::join!(self.press(method, path, body), self.press(method, path, body));
        [answers.0, answers.1]
    }

    async fn once(&self, method: &str, path: &str, body: &Value) -> Answer {
        let Way { url, http, room, seen, failures } = &self.way;
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(token.as_deref().map(|token| ("authorization", token)));
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let place = room.acquire().await;
        let start = Instant::now();
        let sent = http.send_body(method, &format!("{url}{path}"), &headers, text).await;
        let took = start.elapsed();
        drop(place);
        let (status, body) = match sent {
            Ok(answer) => (answer.status.as_u16(), answer.json().unwrap_or_default()),
            Err(why) => {
                seen.wrong(format!("{method} {path}: {why:#}"));
                return (0, Value::Null);
            }
        };
        let code = body["code"].as_str().unwrap_or_default();
        let route = if path.starts_with("/identities/") && method == "DELETE" { "/identities/{id}" } else { path };
        seen.answer(&format!("{method} {route}"), status, code, took);
        if status >= 500 && !failures.contains(&code) {
            seen.wrong(format!("{method} {route} answers {status} {body}"));
        }
        (status, body)
    }
}
