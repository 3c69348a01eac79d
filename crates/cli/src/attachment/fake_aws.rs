//! An account for tests: one user pool, functions with their resource policies, and somebody who interferes.

use crate::cloud::Cloud;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// The pool's id.
pub(crate) const POOL: &str = "eu-central-1_A";

/// The ARN of one of the account's functions.
pub(crate) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:eu-central-1:1:function:{function}")
}

/// What is in the account.
pub(crate) struct State {
    /// As `DescribeUserPool` tells it.
    pub(crate) pool: Value,
    /// By function, the ids of the statements that let the pool call it.
    pub(crate) statements: BTreeMap<String, BTreeSet<String>>,
    /// By function, its settings.
    pub(crate) settings: BTreeMap<String, BTreeMap<String, String>>,
    /// By function, what it answers to an event; what is no event it refuses, as ours do.
    pub(crate) answers: BTreeMap<String, Value>,
    /// Every call so far, by operation.
    pub(crate) calls: Vec<String>,
}

impl State {
    /// How often an operation was called.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| *call == operation).count()
    }

    /// The ids of a function's statements.
    pub(crate) fn of(&self, function: &str) -> Vec<String> {
        self.statements.get(function).into_iter().flatten().cloned().collect()
    }
}

type Interference = Box<dyn FnMut(&mut State, &str, &str) -> Option<(u16, Value)> + Send>;

/// The account, and who interferes.
pub(crate) struct FakeAws {
    state: Arc<Mutex<State>>,
    interference: Arc<Mutex<Interference>>,
}

impl FakeAws {
    /// A pool with these triggers.
    pub(crate) fn with(lambda_config: Value) -> Self {
        let mut pool = json!({ "Id": POOL, "Name": "n", "MfaConfiguration": "OFF",
            "Arn": format!("arn:aws:cognito-idp:eu-central-1:1:userpool/{POOL}") });
        pool["LambdaConfig"] = lambda_config;
        let state = State {
            pool,
            statements: BTreeMap::new(),
            settings: BTreeMap::new(),
            answers: BTreeMap::new(),
            calls: Vec::new(),
        };
        let nobody: Interference = Box::new(|_, _, _| None);
        Self { state: Arc::new(Mutex::new(state)), interference: Arc::new(Mutex::new(nobody)) }
    }

    /// Lets somebody see every call before it is answered, with operation and function; they may change what they
    /// like, and answer in its place.
    pub(crate) fn interfere(&self, how: impl FnMut(&mut State, &str, &str) -> Option<(u16, Value)> + Send + 'static) {
        *self.interference.lock().unwrap() = Box::new(how);
    }

    /// From now on this operation is answered with an error.
    pub(crate) fn refuses(&self, refused: &'static str, status: u16, code: &'static str) {
        self.interfere(move |_, operation, _| (operation == refused).then(|| refusal(status, code)));
    }

    /// Somebody does this right before the pool is described, at the reading of this number.
    pub(crate) fn at_reading(&self, reading: usize, change: impl Fn(&mut State) + Send + 'static) {
        self.interfere(move |state, operation, _| {
            if operation == "DescribeUserPool" && state.count(operation) == reading {
                change(state);
            }
            None
        });
    }

    /// Nobody interferes any more.
    pub(crate) fn leave_alone(&self) {
        self.interfere(|_, _, _| None);
    }

    /// What is in the account.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The way to it.
    pub(crate) fn cloud(&self) -> Cloud {
        let (state, interference) = (Arc::clone(&self.state), Arc::clone(&self.interference));
        Cloud::answering(move |request| {
            let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
            let path = request.uri().path().to_owned();
            let parts: Vec<&str> = path.split('/').collect();
            let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
            let (operation, function, statement) = match (&target, request.method().as_str(), parts.as_slice()) {
                (Some(target), ..) => (target.rsplit('.').next().unwrap(), "", ""),
                (None, "GET", [.., function, "configuration"]) => ("GetFunctionConfiguration", *function, ""),
                (None, "PUT", [.., function, "configuration"]) => ("UpdateFunctionConfiguration", *function, ""),
                (None, "POST", [.., function, "invocations"]) => ("Invoke", *function, ""),
                (None, "GET", [.., function, "policy"]) => ("GetPolicy", *function, ""),
                (None, "POST", [.., function, "policy"]) => ("AddPermission", *function, ""),
                (None, "DELETE", [.., function, "policy", statement]) => ("RemovePermission", *function, *statement),
                (None, "POST", ["", ""]) => ("DescribeStackResources", "", ""),
                other => unreachable!("{other:?}"),
            };
            // Lambda takes a name or an ARN.
            let function =
                if function.starts_with("arn%3A") { function.split("%3A").nth(6).unwrap() } else { function };
            let mut state = state.lock().unwrap();
            state.calls.push(operation.to_owned());
            let interfered = interference.lock().unwrap()(&mut state, operation, function);
            let (status, answer) =
                interfered.unwrap_or_else(|| answer(&mut state, operation, function, statement, &body));
            (status, answer.as_str().map_or_else(|| answer.to_string(), str::to_owned))
        })
    }
}

/// An answer that says no.
pub(crate) fn refusal(status: u16, code: &str) -> (u16, Value) {
    (status, json!({ "__type": code, "message": "no" }))
}

fn answer(state: &mut State, operation: &str, function: &str, statement: &str, body: &Value) -> (u16, Value) {
    match operation {
        // No stack has the pool.
        "DescribeStackResources" => {
            (400, json!("<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"))
        }
        "DescribeUserPool" => (200, json!({ "UserPool": state.pool })),
        "UpdateUserPool" => {
            let mut pool = json!({ "Id": POOL, "Arn": state.pool["Arn"], "Name": body["PoolName"] });
            for (setting, value) in body.as_object().unwrap() {
                if !["UserPoolId", "PoolName"].contains(&setting.as_str()) {
                    pool[setting] = value.clone();
                }
            }
            // AWS's own tags stay, although an update must not name them.
            for (tag, value) in state.pool["UserPoolTags"].as_object().into_iter().flatten() {
                if tag.starts_with("aws:") {
                    pool["UserPoolTags"][tag] = value.clone();
                }
            }
            state.pool = pool;
            (200, json!({}))
        }
        "GetFunctionConfiguration" => {
            let role = format!("arn:aws:iam::1:role/{function}");
            let variables = state.settings.get(function).cloned().unwrap_or_default();
            (200, json!({ "FunctionArn": arn(function), "Role": role, "Environment": { "Variables": variables } }))
        }
        "UpdateFunctionConfiguration" => {
            let variables = serde_json::from_value(body["Environment"]["Variables"].clone()).unwrap();
            state.settings.insert(function.to_owned(), variables);
            (200, json!({ "FunctionArn": arn(function) }))
        }
        "Invoke" => {
            let refuses = json!({ "errorType": "not_a_cognito_event", "errorMessage": "no" });
            let own = state.answers.get(function).cloned();
            (200, own.unwrap_or_else(|| if *body == json!({}) { refuses } else { body.clone() }))
        }
        "GetPolicy" if state.of(function).is_empty() => refusal(404, "ResourceNotFoundException"),
        "GetPolicy" => {
            let statement = |id: &String| {
                json!({ "Sid": id, "Effect": "Allow", "Principal": { "Service": "cognito-idp.amazonaws.com" },
                    "Action": "lambda:InvokeFunction" })
            };
            let statements: Vec<_> = state.of(function).iter().map(statement).collect();
            (200, json!({ "Policy": json!({ "Statement": statements }).to_string() }))
        }
        "AddPermission" => {
            let id = body["StatementId"].as_str().unwrap().to_owned();
            let is_new = state.statements.entry(function.to_owned()).or_default().insert(id);
            if is_new { (201, json!({ "Statement": "{}" })) } else { refusal(409, "ResourceConflictException") }
        }
        "RemovePermission" => {
            let was_there = state.statements.entry(function.to_owned()).or_default().remove(statement);
            if was_there { (204, Value::Null) } else { refusal(404, "ResourceNotFoundException") }
        }
        other => unreachable!("{other}"),
    }
}
