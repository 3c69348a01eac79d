//! A server that plays Cognito and SQS over HTTP and lets chosen calls go wrong.
//!
//! It writes its answers byte by byte, because no server library sends what is wrong.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cognito::{Answer, Cognito};

/// How long an answer that is late takes: longer than one attempt may.
const LATE: Duration = Duration::from_secs(2);

/// The one call of SQS.
pub(crate) const SEND_MESSAGE: &str = "SendMessage";

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends, and the call has not happened.
    NotSent,
    /// It has happened, and the connection ends.
    AnswerLost,
    /// It has happened, and the connection ends after so many bytes of the answer.
    CutAfter(usize),
    /// No answer ever comes; it has happened or not.
    Stalls {
        /// Whether it has happened.
        happened: bool,
    },
    /// It has happened, and the answer comes after two seconds.
    Late,
    /// It has not happened, and the server answers with this status and no JSON.
    Status(u16),
    /// It has not happened, because a quota is used up.
    Throttled,
    /// It has happened, and half of the JSON comes as if it were all.
    HalfOfTheJson,
    /// It has happened, and this comes as the answer.
    Says(&'static str),
    /// It has happened, and the answer names more bytes than come.
    TooLong,
    /// It has happened, and the answer names fewer bytes than come.
    TooShort,
    /// It has happened, and what comes is not HTTP.
    NoHttp,
    /// It has happened, and the answer comes twice.
    Twice,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 19] = [
        Self::NotSent,
        Self::AnswerLost,
        Self::CutAfter(1),
        Self::CutAfter(40),
        Self::CutAfter(150),
        Self::Stalls { happened: false },
        Self::Stalls { happened: true },
        Self::Late,
        Self::Status(500),
        Self::Status(503),
        Self::Status(302),
        Self::Throttled,
        Self::HalfOfTheJson,
        Self::Says("[]"),
        Self::Says("{\"Users\":[{}],\"User\":{}}"),
        Self::TooLong,
        Self::TooShort,
        Self::NoHttp,
        Self::Twice,
    ];

    fn lets_it_happen(self) -> bool {
        !matches!(self, Self::NotSent | Self::Stalls { happened: false } | Self::Status(_) | Self::Throttled)
    }

    /// What is sent in the place of the right answer, and after how long; `None` if nothing is sent and the connection
    /// stays open.
    fn spoil(self, right: &[u8], body: &str) -> Option<(Duration, Vec<u8>)> {
        let wrong = match self {
            Self::Stalls { .. } => return None,
            Self::Late => return Some((LATE, right.to_vec())),
            Self::NotSent | Self::AnswerLost => Vec::new(),
            Self::CutAfter(bytes) => right.iter().copied().take(bytes).collect(),
            Self::Status(status) => http(status, "<html>sorry</html>", 18),
            Self::Throttled => {
                let body = json!({ "__type": "TooManyRequestsException", "message": "Rate exceeded" }).to_string();
                http(400, &body, body.len())
            }
            Self::HalfOfTheJson => http(200, &body[..body.len() / 2], body.len() / 2),
            Self::Says(other) => http(200, other, other.len()),
            Self::TooLong => http(200, body, body.len() + 10),
            Self::TooShort => http(200, body, body.len() / 2),
            Self::NoHttp => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
            Self::Twice => [right, right].concat(),
        };
        Some((Duration::ZERO, wrong))
    }

    /// Whether the server keeps the connection open afterwards.
    fn keeps_open(self) -> bool {
        matches!(
            self,
            Self::Late | Self::Status(_) | Self::Throttled | Self::HalfOfTheJson | Self::Says(_) | Self::Twice
        )
    }
}

/// Which calls go wrong.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The number of the call, from 0, and how it goes wrong.
    pub faults: Vec<(usize, Fault)>,
    /// Whether all calls after the last of them go wrong in the same way.
    pub lasts: bool,
}

impl Plan {
    fn fault_of(&self, number: usize) -> Option<Fault> {
        let own = self.faults.iter().find(|(at, _)| *at == number);
        let lasting = self.faults.last().filter(|(at, _)| self.lasts && *at < number);
        own.or(lasting).map(|(_, fault)| *fault)
    }
}

/// The running server. Dropping this ends it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    cognito: Arc<Cognito>,
    plan: Mutex<Plan>,
    calls: AtomicUsize,
    messages: Mutex<Vec<String>>,
}

impl Network {
    pub(crate) async fn start(cognito: &Arc<Cognito>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            cognito: cognito.clone(),
            plan: Mutex::default(),
            calls: AtomicUsize::default(),
            messages: Mutex::default(),
        });
        let served = shared.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = served.clone();
                // A connection that the function closes ends with an error.
                tokio::spawn(async move { drop(shared.serve(stream).await) });
            }
        });
        Ok(Self { url, shared, server })
    }

    /// What goes wrong from now on. Calls of SQS are not counted and go well.
    pub(crate) fn set_plan(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        self.shared.calls.store(0, Ordering::Relaxed);
    }

    /// How many calls came since then.
    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Takes the messages out of the queue.
    pub(crate) fn take_messages(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let Some((operation, body)) = read(&mut stream).await? else { return Ok(()) };
            let Some(fault) = self.fault_of(&operation) else {
                let (status, body) = self.answer(&operation, &body);
                stream.write_all(&http(status, &body, body.len())).await?;
                continue;
            };
            let (status, body) =
                if fault.lets_it_happen() { self.answer(&operation, &body) } else { (200, "{}".to_owned()) };
            match fault.spoil(&http(status, &body, body.len()), &body) {
                None => return std::future::pending().await,
                Some((after, bytes)) => {
                    tokio::time::sleep(after).await;
                    stream.write_all(&bytes).await?;
                    if !fault.keeps_open() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn fault_of(&self, operation: &str) -> Option<Fault> {
        if operation == SEND_MESSAGE {
            return None;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).fault_of(number)
    }

    fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        if operation != SEND_MESSAGE {
            return self.cognito.answer(operation, body);
        }
        take_message(&self.messages, body)
    }
}

/// Plays SQS: keeps the message's body.
pub(crate) fn take_message(messages: &Mutex<Vec<String>>, body: &[u8]) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = request["MessageBody"].as_str().unwrap_or_default().to_owned();
    messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    (200, json!({ "MessageId": "1" }).to_string())
}

/// The next request: its operation and body. `None` if the connection ends.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some((operation, body)))
}

fn http(status: u16, body: &str, length: usize) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n");
    format!("{head}\r\n{body}").into_bytes()
}
