//! The account API, called as API Gateway calls its function.

use crate::advice::told;
use crate::cloud::Cloud;
use crate::finding::settings_of;
use crate::linked_identity::time;
use anyhow::{Context, Result, bail};
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::primitives::Blob;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The function of an account API whose members invite. Calls act as a member of its group.
///
/// Whoever may invoke the function may say who calls, because API Gateway is such a caller. So nothing is opened here
/// that the permission `lambda:InvokeFunction` did not open before.
#[derive(Debug)]
pub(super) struct Api {
    lambda: aws_sdk_lambda::Client,
    function: String,
    /// Who the API remembers as the inviter.
    operator: String,
    group: String,
}

/// An invitation.
// As the API shows it (`InvitationView` in its OpenAPI description), and as we do. The published schema calls it a row.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Row")]
pub(super) struct Invitation {
    /// Its id.
    pub(super) id: String,
    /// The address of the person who is invited.
    pub(super) email: String,
    /// `open`, `answered` or `revoked`.
    pub(super) state: String,
    /// The `sub` of the member who invited, or the ARN of the operator.
    pub(super) invited_by: String,
    /// The name for the mail.
    pub(super) inviter: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[serde(rename(deserialize = "invited_at"), deserialize_with = "moment")]
    pub(super) invited: Option<String>,
    /// When the link was last sent or handed over, RFC 3339 in UTC.
    #[serde(rename(deserialize = "sent_at"), deserialize_with = "moment")]
    pub(super) sent: Option<String>,
    /// When the link expires, RFC 3339 in UTC.
    #[serde(rename(deserialize = "expires_at"), deserialize_with = "moment")]
    pub(super) expires: Option<String>,
    /// The group that the guest joins.
    pub(super) group: Option<String>,
    /// Where the guest goes afterwards.
    pub(super) return_to: Option<String>,
    /// Whether the link was mailed. Otherwise somebody else delivers it.
    #[serde(rename(deserialize = "notify"))]
    pub(super) mailed: bool,
}

/// Reads a time of the API, in seconds since 1970.
fn moment<'d, D: Deserializer<'d>>(from: D) -> Result<Option<String>, D::Error> {
    u64::deserialize(from).map(|seconds| time(Some(seconds)))
}

/// The person to invite (`InvitationRequest`).
#[derive(Debug, Serialize)]
pub(super) struct Wish {
    pub(super) email: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) group: Option<String>,
    pub(super) inviter: Option<String>,
    pub(super) return_to: Option<String>,
    pub(super) notify: bool,
}

/// What the API says of an invitation that was sent (`Invited`).
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) link: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    invitations: Vec<Invitation>,
    next: Option<String>,
}

/// The answer of a function to API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: Option<String>,
}

/// A refusal of the API (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Api {
    /// Reads the function's settings: whether it is the API of this pool, and which group may invite. `operator` is whom
    /// the API remembers as the inviter, if AWS says who that is.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::terminal::Refused) if the function is another pool's API, or if its members do not invite. Other
    /// errors are those of the call.
    pub(super) async fn open(cloud: &Cloud, user_pool: &str, function: &str, operator: Option<String>) -> Result<Self> {
        let lambda = aws_sdk_lambda::Client::new(cloud.config());
        let found = lambda.get_function_configuration().function_name(function).send().await;
        let settings = settings_of(&found.map_err(told("GetFunctionConfiguration"))?);
        let setting = |name: &str| settings.get(name).map_or("", |value| value.trim());
        if setting("USER_POOL_ID") != user_pool {
            refuse!("{function} is not the account API of {user_pool}: its USER_POOL_ID is another one");
        }
        if setting("INVITATIONS") != "members" {
            refuse!("only members have invitations to look at: {function} needs INVITATIONS=members and ADMIN_GROUP");
        }
        let group = setting("ADMIN_GROUP").to_owned();
        let operator = operator.unwrap_or_else(|| "operator".to_owned());
        Ok(Self { lambda, function: function.to_owned(), operator, group })
    }

    /// Every invitation that has not expired, the last one sent first.
    pub(super) async fn list(&self) -> Result<Vec<Invitation>> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let page: Page = self.call("GET", "/invitations", &before, None).await?;
            all.extend(page.invitations);
            match page.next {
                Some(next) => before = format!("before={next}"),
                None => return Ok(all),
            }
        }
    }

    /// One invitation. The API asks the pool whether its account is open.
    pub(super) async fn one(&self, id: &str) -> Result<Invitation> {
        self.call("GET", &format!("/invitations/{id}"), "", None).await
    }

    /// Invites a person.
    pub(super) async fn send(&self, wish: &Wish) -> Result<Sent> {
        self.call("POST", "/invitations", "", Some(serde_json::to_string(wish)?)).await
    }

    /// Sends an invitation again.
    pub(super) async fn resend(&self, id: &str) -> Result<Sent> {
        self.call("POST", &format!("/invitations/{id}/resend"), "", None).await
    }

    /// Takes an invitation back.
    pub(super) async fn revoke(&self, id: &str) -> Result<()> {
        self.answer("DELETE", &format!("/invitations/{id}"), "", None).await.map(|_| ())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<String>,
    ) -> Result<T> {
        let answer = self.answer(method, path, query, body).await?;
        // The text of a JSON error may repeat what it could not read.
        let read = serde_json::from_str(&answer).ok();
        read.context("the account API answered something else than its description says; is it another version?")
    }

    /// Calls the API and returns the body of its answer.
    async fn answer(&self, method: &str, path: &str, query: &str, body: Option<String>) -> Result<String> {
        let request = self.request(method, path, query, body.as_deref()).to_string();
        let call = self.lambda.invoke().function_name(&self.function).payload(Blob::new(request)).customize();
        // The function may have done it although no answer came. A second try would then be refused, which says that
        // nothing was changed.
        let call = if method == "GET" { call } else { call.config_override(once()) };
        let invoked = call.send().await;
        let invoked = invoked.map_err(told("InvokeFunction"))?;
        if invoked.function_error().is_some() {
            bail!("the function failed; its log says why");
        }
        let payload = invoked.payload().map(Blob::as_ref).unwrap_or_default();
        let answer: Option<Answer> = serde_json::from_slice(payload).ok();
        let Answer { status_code, body, headers } = answer.context("this function is not an account API")?;
        let body = body.unwrap_or_default();
        if (200..300).contains(&status_code) {
            return Ok(body);
        }
        let Ok(Problem { code, detail }) = serde_json::from_str(&body) else {
            bail!("the account API answered {status_code}");
        };
        let text = match headers.get("retry-after").and_then(Value::as_str) {
            _ if status_code == 404 => format!("there is no such invitation, or it has expired ({code})"),
            Some(seconds) => format!("{} ({code}); possible in {seconds} seconds", detail.trim_end_matches('.')),
            None => format!("{} ({code})", detail.trim_end_matches('.')),
        };
        if status_code < 500 {
            refuse!("{text}");
        }
        bail!(text)
    }

    /// The event of an HTTP request, as a JWT authorizer lets it through (payload format 2.0).
    fn request(&self, method: &str, path: &str, query: &str, body: Option<&str>) -> Value {
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": { "content-type": "application/json", "host": "lambda" },
            "requestContext": {
                "authorizer": {
                    "jwt": {
                        "claims": {
                            "token_use": "access",
                            "sub": self.operator,
                            "username": self.operator,
                            "cognito:groups": format!("[{}]", self.group),
                        },
                        "scopes": null,
                    },
                },
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": concat!("cognito-triggers/", env!("CARGO_PKG_VERSION")),
                },
                "routeKey": "$default",
                "stage": "$default",
            },
            "body": body,
            "isBase64Encoded": false,
        })
    }
}

fn once() -> Builder {
    aws_sdk_lambda::config::Config::builder().retry_config(RetryConfig::disabled())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Refused;
    use std::sync::{Arc, Mutex};

    const POOL: &str = "eu-central-1_A";

    /// An API that gives these answers in turn; `settings` are the function's. Returns what it was asked.
    async fn api(settings: Value, answers: Vec<Value>) -> (Result<Api>, Arc<Mutex<Vec<Value>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&asked), Mutex::new(answers.into_iter()));
        let cloud = Cloud::answering(move |request| {
            let body = request.body().bytes().unwrap_or_default();
            if request.uri().path().ends_with("/configuration") {
                return (200, json!({ "Environment": { "Variables": settings } }).to_string());
            }
            if !request.uri().path().ends_with("/invocations") {
                return (403, String::new());
            }
            seen.lock().unwrap().push(serde_json::from_slice(body).unwrap());
            (200, answers.lock().unwrap().next().unwrap().to_string())
        });
        (Api::open(&cloud, POOL, "f", None).await, asked)
    }

    fn sound() -> Value {
        json!({ "USER_POOL_ID": POOL, "INVITATIONS": "members", "ADMIN_GROUP": "admins" })
    }

    fn answer(status: u16, body: &Value) -> Value {
        json!({ "statusCode": status, "body": body.to_string() })
    }

    fn invitation(id: &str) -> Value {
        json!({ "id": id, "email": "grace@example.com", "state": "open", "invited_by": "s", "invited_at": 1,
            "sent_at": 2, "expires_at": 3, "notify": true, "a_later_member": 1 })
    }

    #[tokio::test]
    async fn every_page_of_the_list_is_read_as_a_member_of_the_group() {
        let pages = [
            answer(200, &json!({ "invitations": [invitation("1")], "next": "0000.x" })),
            answer(200, &json!({ "invitations": [invitation("2")] })),
        ];
        let (api, asked) = api(sound(), pages.to_vec()).await;
        let listed = api.unwrap().list().await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        let asked = asked.lock().unwrap();
        assert_eq!((&asked[0]["rawQueryString"], &asked[1]["rawQueryString"]), (&json!(""), &json!("before=0000.x")));
        let claims = asked[0].pointer("/requestContext/authorizer/jwt/claims").unwrap();
        assert_eq!((&claims["cognito:groups"], &claims["token_use"]), (&json!("[admins]"), &json!("access")));
    }

    #[tokio::test]
    async fn another_pools_api_and_one_whose_members_do_not_invite_are_refused() {
        for (name, value) in [("USER_POOL_ID", "eu-central-1_B"), ("INVITATIONS", "public"), ("INVITATIONS", "off")] {
            let mut settings = sound();
            settings[name] = json!(value);
            let (api, asked) = api(settings, vec![]).await;
            assert!(api.unwrap_err().is::<Refused>(), "{name}={value}");
            assert!(asked.lock().unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_refusal_of_the_api_is_told_and_a_failure_is_none() {
        let problem = |status: u16, code: &str| answer(status, &json!({ "code": code, "detail": "A text." }));
        let failures = [
            (problem(409, "account-exists"), true, "A text (account-exists)"),
            (problem(503, "try-again"), false, "A text (try-again)"),
            (
                json!({ "statusCode": 429, "headers": { "retry-after": "60" },
                    "body": json!({ "code": "too-many-requests", "detail": "A text." }).to_string() }),
                true,
                "A text (too-many-requests); possible in 60 seconds",
            ),
            (problem(404, "not-found"), true, "no such invitation, or it has expired"),
            (answer(502, &Value::Null), false, "answered 502"),
            (json!({ "version": "1" }), false, "is not an account API"),
            (answer(200, &json!({ "id": 7 })), false, "another version"),
        ];
        for (given, is_refusal, says) in failures {
            let (api, _) = api(sound(), vec![given]).await;
            let why = api.unwrap().one("1").await.unwrap_err();
            assert_eq!(why.is::<Refused>(), is_refusal, "{why:#}");
            assert!(why.to_string().contains(says), "{why:#}");
        }
    }
}
