//! A server between a function and the local cloud that lets through what a policy allows, and denies the rest as AWS
//! does. The local cloud itself allows everything.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::body::Bytes;
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use local_cloud::http::Http;
use local_cloud::server::Server;
use serde_json::{Value, json};

use crate::manifest::Right;
use crate::user_pool_api::serve_any;

/// Which resource is meant by each name of the manifest. A call for anything else is denied.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// The id of the user pool.
    pub pool: String,
    /// The name of the retry queue.
    pub queue: String,
    /// The name of the table.
    pub table: String,
    /// The ARN of the secret.
    pub secret: String,
    /// The sender of mails.
    pub sender: String,
    /// The name of the function itself.
    pub own_function: String,
    /// The name of the event bus.
    pub event_bus: String,
    /// The name of the team's function.
    pub next_function: String,
    /// The name of a function that a call reaches. Those above are not called.
    pub called_function: String,
}

/// What needs no right: Cognito asks for the token or the app client, and everybody may ask STS who they are.
const WITHOUT_RIGHT: [&str; 3] = ["RevokeToken", "SignUp", "GetCallerIdentity"];

/// The running server. Dropping it ends it.
#[derive(Debug)]
pub struct Gate {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: String,
    resources: Resources,
    allowed: BTreeSet<Right>,
    used: Mutex<BTreeSet<Right>>,
    denied: Mutex<BTreeSet<Right>>,
    /// The operation that is refused the first times it is called, with which code, and how often.
    refused: Mutex<(String, String, usize)>,
    /// What was sent to functions.
    invoked: Mutex<Vec<Value>>,
    http: Http,
}

impl Gate {
    /// Starts a server in front of the local cloud at `target`.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start(target: &str, resources: Resources, allowed: BTreeSet<Right>) -> Result<Self> {
        let state = Arc::new(State {
            target: target.to_owned(),
            resources,
            allowed,
            used: Mutex::default(),
            denied: Mutex::default(),
            refused: Mutex::default(),
            invoked: Mutex::default(),
            http: Http::default(),
        });
        let shared = state.clone();
        let answer = move |request| {
            let state = shared.clone();
            async move { state.answer(request).await }
        };
        Ok(Self { server: serve_any(answer).await?, state })
    }

    /// Where clients find it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url.clone()
    }

    /// Refuses the next calls of an operation with one of Cognito's codes.
    pub fn refuse(&self, operation: &str, code: &str, times: usize) {
        *lock(&self.state.refused) = (operation.to_owned(), code.to_owned(), times);
    }

    /// The rights that calls needed and had.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Right> {
        lock(&self.state.used).clone()
    }

    /// The rights that calls needed and lacked.
    #[must_use]
    pub fn denied(&self) -> BTreeSet<Right> {
        lock(&self.state.denied).clone()
    }

    /// Takes what was sent to functions. No function is called: the team's own answers with the event, and the function
    /// itself has taken it.
    #[must_use]
    pub fn take_invoked(&self) -> Vec<Value> {
        std::mem::take(&mut *lock(&self.state.invoked))
    }
}

impl State {
    async fn answer(&self, request: Request<Bytes>) -> Response {
        let right = self.right_for(&request);
        if WITHOUT_RIGHT.contains(&right.operation()) {
            return self.hand_on(request).await;
        }
        if !self.allowed.contains(&right) {
            let answer = denial(&right);
            lock(&self.denied).insert(right);
            return answer;
        }
        let refusal = {
            let mut refused = lock(&self.refused);
            let chosen = refused.0 == right.operation() && refused.2 > 0;
            refused.2 -= usize::from(chosen);
            chosen.then(|| refused.1.clone())
        };
        lock(&self.used).insert(right.clone());
        if let Some(code) = refusal {
            return said(StatusCode::BAD_REQUEST, json!({ "__type": code }).to_string());
        }
        if right.operation() == "InvokeFunction" && right.on != "called-function" {
            let event = serde_json::from_slice(request.body()).unwrap_or_default();
            lock(&self.invoked).push(event);
            let status = if right.on == "own-function" { StatusCode::ACCEPTED } else { StatusCode::OK };
            return said(status, request.into_body());
        }
        self.hand_on(request).await
    }

    async fn hand_on(&self, request: Request<Bytes>) -> Response {
        let (head, body) = request.into_parts();
        let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let url = format!("{}{}", self.target, head.uri);
        match self.http.hand_on(head.method.as_str(), &url, headers, body).await {
            Ok(answer) => said(answer.status, answer.body),
            Err(_) => said(StatusCode::BAD_GATEWAY, ""),
        }
    }

    /// The right that a call needs on AWS.
    fn right_for(&self, request: &Request<Bytes>) -> Right {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let own = &self.resources;
        let on = |is_own: bool, name: &str| if is_own { name.to_owned() } else { format!("another {name}") };
        let path = request.uri().path();
        if let Some(function) =
            path.strip_prefix("/2015-03-31/functions/").and_then(|rest| rest.strip_suffix("/invocations"))
        {
            let which = match function {
                _ if function == own.own_function => "own-function",
                _ if !own.called_function.is_empty() && function.ends_with(&own.called_function) => "called-function",
                _ => "next-function",
            };
            let is_own = which != "next-function" || function == own.next_function;
            return Right::new("lambda:InvokeFunction", on(is_own, which));
        }
        if let Some(action) = of_an_operator(request) {
            return Right::new(action, "*");
        }
        if path == "/v2/email/outbound-emails" {
            return Right::new("ses:SendEmail", on(text("FromEmailAddress") == own.sender, "sender"));
        }
        if path.starts_with("/v2/email/suppression/") {
            return Right::new("ses:GetSuppressedDestination", "*");
        }
        let target = target(request);
        if request.body().starts_with(b"Action=GetCallerIdentity&") {
            return Right::new("sts:GetCallerIdentity", "*");
        }
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let (prefix, on) = match service {
            "AWSCognitoIdentityProviderService" => ("cognito-idp", on(text("UserPoolId") == own.pool, "pool")),
            "DynamoDB_20120810" if body["IndexName"].is_string() => {
                ("dynamodb", on(text("TableName") == own.table, "table-index"))
            }
            "DynamoDB_20120810" => ("dynamodb", on(text("TableName") == own.table, "table")),
            "AmazonSQS" => ("sqs", on(text("QueueUrl").ends_with(&format!("/{}", own.queue)), "retry-queue")),
            "AWSEvents" => {
                let bus = body["Entries"][0]["EventBusName"].as_str().unwrap_or_default();
                ("events", on(bus == own.event_bus, "event-bus"))
            }
            "secretsmanager" => ("secretsmanager", on(text("SecretId") == own.secret, "secret")),
            other => (other, on(false, path)),
        };
        Right::new(format!("{prefix}:{operation}"), on)
    }
}

fn target(request: &Request<Bytes>) -> &str {
    request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default()
}

/// The action of a call that only the command line makes. Its pages allow it on whatever they name, which is not held
/// here.
fn of_an_operator(request: &Request<Bytes>) -> Option<String> {
    let path = request.uri().path();
    if let Some(function) = path.strip_prefix("/2015-03-31/functions/") {
        let parts: Vec<_> = function.split('/').skip(1).collect();
        let operation = match (request.method().as_str(), parts.as_slice()) {
            ("GET", ["configuration"]) => "GetFunctionConfiguration",
            ("PUT", ["configuration"]) => "UpdateFunctionConfiguration",
            ("GET", ["policy"]) => "GetPolicy",
            ("POST", ["policy"]) => "AddPermission",
            ("DELETE", ["policy", _]) => "RemovePermission",
            _ => return None,
        };
        return Some(format!("lambda:{operation}"));
    }
    if let Some(rest) = path.strip_prefix("/v2/email/") {
        let operation = match rest.split('/').next() {
            Some("account") => "GetAccount",
            Some("identities") => "GetEmailIdentity",
            _ => return None,
        };
        return Some(format!("ses:{operation}"));
    }
    let (service, operation) = target(request).split_once('.').unwrap_or_default();
    match service {
        "ServiceQuotasV20190624" => return Some(format!("servicequotas:{operation}")),
        "Logs_20140328" => return Some(format!("logs:{operation}")),
        _ => {}
    }
    let form = std::str::from_utf8(request.body()).ok()?;
    let operation = form.strip_prefix("Action=")?.split('&').next()?;
    let service = match operation {
        "SimulatePrincipalPolicy" => "iam",
        "DescribeStackResources" => "cloudformation",
        "GetSMSSandboxAccountStatus" | "GetSMSAttributes" => "sns",
        _ => return None,
    };
    Some(format!("{service}:{operation}"))
}

/// The refusal of a call without the right, in the form of its service. The text is a shortened one of AWS.
fn denial(right: &Right) -> Response {
    const CODE: &str = "AccessDeniedException";
    let why = format!("User: arn:aws:sts::123456789012:assumed-role/own/own is not authorized to perform: {right}");
    let service = right.action.split(':').next().unwrap_or_default();
    if ["iam", "cloudformation", "sns"].contains(&service) {
        let error = format!("<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{why}</Message></Error>");
        return said(StatusCode::FORBIDDEN, format!("<ErrorResponse>{error}</ErrorResponse>"));
    }
    let (status, kind) = match service {
        "dynamodb" => (StatusCode::BAD_REQUEST, format!("com.amazon.coral.service#{CODE}")),
        "sqs" => (StatusCode::FORBIDDEN, format!("com.amazon.coral.service#{CODE}")),
        "lambda" | "ses" => (StatusCode::FORBIDDEN, CODE.to_owned()),
        _ => (StatusCode::BAD_REQUEST, CODE.to_owned()),
    };
    let mut response = said(status, json!({ "__type": kind, "message": why, "Message": why }).to_string());
    // The two with a path for each operation name the error here.
    if ["lambda", "ses"].contains(&service) {
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(CODE));
    }
    response
}

fn said(status: StatusCode, body: impl Into<Bytes>) -> Response {
    (status, body.into()).into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
