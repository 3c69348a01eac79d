//! The Lambda Runtime API for one process, made for taking times: the event is there before the process asks for it.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use local_cloud::runtime_api::set_environment;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::cpu::Limit;
use super::usage;

/// How long a process may take for one step before the benchmark gives it up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Something that can be started as a Lambda function.
#[derive(Debug, Clone)]
pub struct Program {
    /// What it is called in the table.
    pub name: String,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Its environment variables beside Lambda's own.
    pub settings: Vec<(String, String)>,
    /// Where what it writes goes; nowhere if `None`.
    pub log: Option<PathBuf>,
}

/// What one start cost.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From the start of the process to its first answer.
    pub wall: Duration,
    /// CPU time from the start of the process until it waits for its second event.
    pub cpu: Duration,
    /// Peak memory in KiB at that moment.
    pub peak: u64,
}

/// A started function. Dropping it ends the process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: u32,
    events: mpsc::UnboundedSender<Bytes>,
    steps: mpsc::UnboundedReceiver<Step>,
    name: String,
    log: Option<PathBuf>,
    server: JoinHandle<()>,
}

/// What the process did, as the runtime API saw it.
#[derive(Debug)]
enum Step {
    /// It asks for an event.
    Asked,
    /// It answered an event.
    Answered(Instant, Bytes),
    /// It reported an error.
    Failed(Bytes),
}

#[derive(Debug)]
struct Api {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    steps: mpsc::UnboundedSender<Step>,
}

impl Process {
    /// Starts the program with its first event waiting, and returns it with what that cost once it asks for the
    /// second one.
    ///
    /// With `share` the process runs in that control group. It is not limited until it asks for its first event
    /// and limited to `share.1` MB from then on: Lambda gives the start a whole core.
    ///
    /// # Errors
    ///
    /// The program cannot be started, ends, stays silent, or answers with an error; the message holds the end of its log.
    pub async fn start(program: &Program, event: Bytes, share: Option<(&Limit, u64)>) -> Result<(Self, Start)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let (step, steps) = mpsc::unbounded_channel();
        events.send(event)?;
        if let Some((limit, _)) = share {
            limit.lift()?;
        }
        let mut command = command(program, share.map(|(limit, _)| limit))?;
        set_environment(&mut command, &program.name, &address, &program.settings);
        // Nothing of the stand-in is left to do once the process is there.
        let server = tokio::spawn(serve(listener, Arc::new(Api { events: waiting.into(), steps: step })));
        let mut from = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", program.command.join(" ")))?;
        let id = child.id().context("the process ended before it could be watched")?;
        let mut process =
            Self { child, id, events, steps, name: program.name.clone(), log: program.log.clone(), server };
        let mut before = Duration::ZERO;
        if share.is_some() {
            // The shell that joined the group waits for a line before it becomes the program.
            tokio::time::sleep(Duration::from_millis(20)).await;
            before = usage::cpu(id)?;
            from = Instant::now();
            process.child.stdin.take().context("the shell takes no line")?.write_all(b"\n").await?;
        }
        process.expect_question().await?;
        if let Some((limit, memory)) = share {
            limit.set(memory)?;
        }
        let to = process.expect_answer().await?.0;
        process.expect_question().await?;
        let start =
            Start { wall: to - from, cpu: usage::cpu(id)?.saturating_sub(before), peak: usage::peak_memory(id)? };
        Ok((process, start))
    }

    /// Sends a further event and returns its answer, once the process waits for the next.
    ///
    /// # Errors
    ///
    /// The process ends, stays silent, or answers with an error; the message holds the end of its log.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Bytes> {
        self.events.send(event)?;
        let (_, answer) = self.expect_answer().await?;
        self.expect_question().await?;
        Ok(answer)
    }

    /// Ends the process as a machine that shuts down does, and waits for it.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn end(mut self) -> Result<()> {
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw).context("the process has no number")?;
        kill_process(id, Signal::TERM)?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.with_context(|| format!("{} does not end", self.name))??;
        Ok(())
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    async fn expect_question(&mut self) -> Result<()> {
        match self.step().await? {
            Step::Asked => Ok(()),
            step => bail!("{} did {step:?} where it was to ask for an event.\n{}", self.name, self.log()),
        }
    }

    async fn expect_answer(&mut self) -> Result<(Instant, Bytes)> {
        match self.step().await? {
            Step::Answered(at, answer) => Ok((at, answer)),
            Step::Failed(error) => {
                bail!("{} failed: {}\n{}", self.name, String::from_utf8_lossy(&error), self.log())
            }
            Step::Asked => bail!("{} asks for another event before it has answered.\n{}", self.name, self.log()),
        }
    }

    async fn step(&mut self) -> Result<Step> {
        tokio::select! {
            step = self.steps.recv() => step.context("the runtime API ended"),
            status = self.child.wait() => bail!("{} ended ({}).\n{}", self.name, status?, self.log()),
            () = tokio::time::sleep(PATIENCE) => {
                bail!("{} did nothing for {} s.\n{}", self.name, PATIENCE.as_secs(), self.log())
            }
        }
    }

    /// The last lines of what it wrote.
    fn log(&self) -> String {
        let text = self.log.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.server.abort();
        // It may have ended by itself; the runtime reaps it either way.
        let _ = self.child.start_kill();
    }
}

fn command(program: &Program, limit: Option<&Limit>) -> Result<Command> {
    let (executable, arguments) = program.command.split_first().context("a program without a command")?;
    let mut command;
    if let Some(limit) = limit {
        command = Command::new("sh");
        command.args(["-c", r#"echo $$ > "$1"; read -r _; shift; exec "$@""#, "sh"]).arg(limit.members());
        command.arg(executable).args(arguments).stdin(Stdio::piped());
    } else {
        command = Command::new(executable);
        command.args(arguments).stdin(Stdio::null());
    }
    let (out, error) = match &program.log {
        Some(path) => {
            let file = std::fs::File::create(path).with_context(|| format!("{} cannot be made", path.display()))?;
            (Stdio::from(file.try_clone()?), Stdio::from(file))
        }
        None => (Stdio::null(), Stdio::null()),
    };
    command.stdout(out).stderr(error).kill_on_drop(true);
    Ok(command)
}

async fn serve(listener: TcpListener, api: Arc<Api>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let api = api.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let api = api.clone();
                async move { Ok::<_, Infallible>(api.answer(request).await) }
            });
            // A connection that breaks shows as a missing answer.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Api {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/invocation/next") {
            return self.next().await;
        }
        let body = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return empty(StatusCode::BAD_REQUEST),
        };
        let step = if path.ends_with("/response") { Step::Answered(Instant::now(), body) } else { Step::Failed(body) };
        // Nobody listens any more when the measurement is over.
        let _ = self.steps.send(step);
        empty(StatusCode::ACCEPTED)
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let _ = self.steps.send(Step::Asked);
        let Some(event) = self.events.lock().await.recv().await else { return empty(StatusCode::GONE) };
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
        Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", "8f3a2d64-91b7-4c0e-b5d8-20e6a7f1c943")
            .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:bench")
            .header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
            .body(Full::from(event))
            .unwrap_or_default()
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("{}"));
    *response.status_mut() = status;
    response
}
