//! A stand-in for the Lambda Runtime API: runs a function binary as Lambda does and invokes it.
//!
//! It runs the same binary that is deployed. An environment variable gives the function the address of its runtime API.
//! The function asks there for the next event and sends its answer there. See "Using the Lambda runtime API for custom
//! runtimes" in the Lambda Developer Guide.

use std::collections::HashMap;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use crate::process::ProcessGroup;
use crate::server::Server;
use crate::user_pool::REGION;

/// The time limit of one event. Cognito gives up after 5 s. The stand-in waits longer, so that no test fails because
/// the machine compiles at the same time.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How long a binary may take from its start until it asks for its first event.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The error that a function answered with. Lambda passes it on to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// The stable code.
    pub error_type: String,
    /// The text for people. Cognito shows it to the person who is signing in.
    pub error_message: String,
}

/// A running function. Dropping it ends the process.
#[derive(Debug)]
pub struct Function {
    _server: Server,
    process: Mutex<ProcessGroup>,
    runtime: Arc<Runtime>,
}

/// What the running function and its runtime API share.
#[derive(Debug)]
struct Runtime {
    name: String,
    queue: mpsc::UnboundedSender<Invocation>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    /// The callers that wait for an answer, by request id.
    answers: Mutex<HashMap<String, oneshot::Sender<Result<Value, FunctionError>>>>,
    /// The lines that the function wrote to standard output and standard error.
    log: Mutex<Vec<String>>,
    /// Notified each time the function asks for an event.
    idle: tokio::sync::Notify,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    event: Vec<u8>,
}

impl Function {
    /// Starts the binary and waits until it asks for its first event.
    ///
    /// The function sees Lambda's variables, the given settings and `PATH`, and nothing else of this process's
    /// environment.
    ///
    /// # Errors
    ///
    /// Fails if the binary cannot be started, or if it ends or stays silent. The message contains its output.
    pub async fn start(name: &str, binary: &std::path::Path, settings: &[(String, String)]) -> Result<Self> {
        Self::start_command(name, Command::new(binary), settings).await
    }

    /// Starts any command that uses the runtime API, as [`Function::start`] starts a binary.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Function::start`].
    pub async fn start_command(name: &str, mut command: Command, settings: &[(String, String)]) -> Result<Self> {
        let (queue, waiting) = mpsc::unbounded_channel();
        let runtime = Arc::new(Runtime {
            name: name.to_owned(),
            queue,
            waiting: waiting.into(),
            answers: Mutex::default(),
            log: Mutex::default(),
            idle: tokio::sync::Notify::new(),
        });
        let server = Server::start(router(runtime.clone())).await?;
        set_environment(&mut command, name, server.url.trim_start_matches("http://"), settings);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = ProcessGroup::spawn(&mut command)?;
        keep_log(&runtime, process.child().stdout.take());
        keep_log(&runtime, process.child().stderr.take());
        let function = Self { _server: server, process: process.into(), runtime };
        function.wait_until_idle().await?;
        Ok(function)
    }

    /// Sends an event and returns the function's answer or error.
    ///
    /// # Errors
    ///
    /// Fails if the function ends or does not answer within [`DEADLINE`]. The message contains its output.
    pub async fn invoke(&self, event: &Value) -> Result<Result<Value, FunctionError>> {
        self.invoke_bytes(event.to_string().into_bytes()).await
    }

    /// The same with bytes that need not be JSON, and that Lambda would hand to no function then.
    ///
    /// # Errors
    ///
    /// As [`Function::invoke`].
    pub async fn invoke_bytes(&self, event: Vec<u8>) -> Result<Result<Value, FunctionError>> {
        let id = uuid::Uuid::new_v4().to_string();
        let (sender, answer) = oneshot::channel();
        lock(&self.runtime.answers).insert(id.clone(), sender);
        self.runtime.queue.send(Invocation { id, event })?;
        tokio::select! {
            answer = answer => answer.context("the runtime API ended"),
            status = self.ended() => bail!("{} ended ({}).\n{}", self.runtime.name, status?, self.log()),
            () = tokio::time::sleep(DEADLINE) => {
                bail!("{} did not answer within {} s.\n{}", self.runtime.name, DEADLINE.as_secs(), self.log())
            }
        }
    }

    /// Drops what the function has written so far. A function that answers millions of events writes much.
    pub fn forget_log(&self) {
        lock(&self.runtime.log).clear();
    }

    /// Everything that the function has written so far to standard output and standard error.
    #[must_use]
    pub fn log(&self) -> String {
        lock(&self.runtime.log).join("\n")
    }

    /// Waits until the function asks for its next event. Then it has completely finished the one before.
    ///
    /// # Errors
    ///
    /// Fails if the function ends or stays silent. The message contains its output.
    pub async fn wait_until_idle(&self) -> Result<()> {
        tokio::select! {
            () = self.runtime.idle.notified() => Ok(()),
            status = self.ended() => {
                // Its last lines may still be in the pipe.
                tokio::time::sleep(Duration::from_millis(100)).await;
                bail!("{} ended before it asked for an event ({}).\n{}", self.runtime.name, status?, self.log())
            }
            () = tokio::time::sleep(START_LIMIT) => {
                bail!("{} asked for no event within {} s.\n{}", self.runtime.name, START_LIMIT.as_secs(), self.log())
            }
        }
    }

    /// The id of the process.
    ///
    /// # Errors
    ///
    /// Fails if the process has ended.
    pub fn process_id(&self) -> Result<u32> {
        lock(&self.process).child().id().with_context(|| format!("{} has ended", self.runtime.name))
    }

    async fn ended(&self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = lock(&self.process).exit_status()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Sets Lambda's environment variables, with the runtime API at `address`, and the given settings.
fn set_environment(command: &mut Command, name: &str, address: &str, settings: &[(String, String)]) {
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .envs(settings.iter().map(|(name, value)| (name, value)));
}

fn keep_log(runtime: &Arc<Runtime>, stream: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let runtime = runtime.clone();
    tokio::spawn(async move {
        let Some(stream) = stream else { return };
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            lock(&runtime.log).push(line);
        }
    });
}

fn router(runtime: Arc<Runtime>) -> Router {
    let api = Router::new()
        .route("/invocation/next", get(next))
        .route("/invocation/{id}/response", post(response))
        .route("/invocation/{id}/error", post(error))
        .route("/init/error", post(init_error));
    Router::new().nest("/2018-06-01/runtime", api).with_state(runtime)
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.idle.notify_one();
    let Some(invocation) = runtime.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + DEADLINE;
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("Lambda-Runtime-Aws-Request-Id", invocation.id),
        ("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string()),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            format!("arn:aws:lambda:{REGION}:000000000000:function:{}", runtime.name),
        ),
        ("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
    ];
    (headers, invocation.event).into_response()
}

async fn response(State(runtime): State<Arc<Runtime>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    let answer = serde_json::from_slice(&body).map_err(|error| FunctionError {
        error_type: "Runtime.MarshalError".to_owned(),
        error_message: format!("the answer is not JSON: {error}"),
    });
    runtime.complete(&id, answer)
}

async fn error(State(runtime): State<Arc<Runtime>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    runtime.complete(&id, Err(FunctionError { error_type: text("errorType"), error_message: text("errorMessage") }))
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: String) -> StatusCode {
    lock(&runtime.log).push(body);
    StatusCode::ACCEPTED
}

impl Runtime {
    fn complete(&self, id: &str, answer: Result<Value, FunctionError>) -> StatusCode {
        let Some(waiting) = lock(&self.answers).remove(id) else {
            return StatusCode::NOT_FOUND;
        };
        // If the deadline has passed, nobody waits for the answer any more.
        let _ = waiting.send(answer);
        StatusCode::ACCEPTED
    }
}

/// A panic in another thread must not cause a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
