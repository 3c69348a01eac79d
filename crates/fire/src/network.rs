//! A server between a function and AWS that lets chosen calls go wrong.
//!
//! Behind it is the stand-in for Cognito, or a local cloud. What a function leaves to a queue is kept here. The
//! server writes its answers byte by byte, because no server library sends what is wrong.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use local_cloud::http::Http;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cognito::Cognito;

/// How long an answer that is late takes: longer than one attempt may.
const LATE: Duration = Duration::from_secs(2);

/// The one call of SQS.
pub(crate) const SEND_MESSAGE: &str = "SendMessage";

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends, and the call has not happened.
    NotSent,
    /// The connection ends after so many bytes of the request's body, and the call has not happened.
    RequestCut(usize),
    /// The connection is reset: what is on its way in either direction is lost.
    Reset {
        /// Whether the call has happened.
        happened: bool,
    },
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
    /// It has happened, the right answer comes, and then the server ends the connection, which the function has kept for its
    /// next call.
    EndsIdle,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 24] = [
        Self::NotSent,
        Self::RequestCut(0),
        Self::RequestCut(20),
        Self::Reset { happened: false },
        Self::Reset { happened: true },
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
        Self::EndsIdle,
    ];

    /// Whether what comes is an answer of the right form that does not say what is. Who asks has to believe it.
    pub(crate) fn lies(self) -> bool {
        matches!(self, Self::Says(other) if other.starts_with('{'))
    }

    fn lets_it_happen(self) -> bool {
        !matches!(
            self,
            Self::NotSent
                | Self::RequestCut(_)
                | Self::Reset { happened: false }
                | Self::Stalls { happened: false }
                | Self::Status(_)
                | Self::Throttled
        )
    }

    /// What is sent in the place of the right answer, and after how long; `None` if nothing is sent and the connection
    /// stays open.
    fn spoil(self, answer: &Answer) -> Option<(Duration, Vec<u8>)> {
        let (right, body) = (answer.whole(), answer.body.as_str());
        let wrong = match self {
            Self::Stalls { .. } => return None,
            Self::Late => return Some((LATE, right)),
            Self::NotSent | Self::RequestCut(_) | Self::Reset { .. } | Self::AnswerLost => Vec::new(),
            Self::EndsIdle => right,
            Self::CutAfter(bytes) => right.into_iter().take(bytes).collect(),
            Self::Status(status) => Answer { status, body: "<html>sorry</html>".to_owned() }.whole(),
            Self::Throttled => {
                let body = json!({ "__type": "TooManyRequestsException", "message": "Rate exceeded" }).to_string();
                Answer { status: 400, body }.whole()
            }
            Self::HalfOfTheJson => {
                let half = body.get(..body.floor_char_boundary(body.len() / 2)).unwrap_or_default();
                Answer { body: half.to_owned(), ..Answer::default() }.whole()
            }
            Self::Says(other) => Answer { body: other.to_owned(), ..Answer::default() }.whole(),
            Self::TooLong => answer.with_length(body.len() + 10),
            Self::TooShort => answer.with_length(body.len() / 2),
            Self::NoHttp => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
            Self::Twice => right.repeat(2),
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

/// What answers where nothing goes wrong.
#[derive(Debug)]
pub(crate) enum Origin {
    /// The stand-in.
    StandIn(Arc<Cognito>),
    /// A local cloud.
    Cloud {
        /// Its endpoint.
        endpoint: String,
        /// Where mails go instead.
        mails: Option<String>,
    },
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
    origin: Origin,
    http: Http,
    plan: Mutex<Plan>,
    calls: AtomicUsize,
    struck: AtomicUsize,
    messages: Mutex<Vec<String>>,
}

impl Network {
    pub(crate) async fn start(origin: Origin) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            origin,
            http: Http::default(),
            plan: Mutex::default(),
            calls: AtomicUsize::default(),
            struck: AtomicUsize::default(),
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

    /// What goes wrong from now on. Messages to a queue are not counted and go well.
    pub(crate) fn set_plan(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        self.shared.calls.store(0, Ordering::Relaxed);
        self.shared.struck.store(0, Ordering::Relaxed);
    }

    /// How many calls came since then.
    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// How many of them went wrong.
    pub(crate) fn struck(&self) -> usize {
        self.shared.struck.load(Ordering::Relaxed)
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
        while let Some(mut request) = Request::read_head(&mut stream).await? {
            let fault = self.fault_of(&request);
            if let Some(Fault::RequestCut(bytes)) = fault {
                stream.read_exact(&mut vec![0; bytes.min(request.length)]).await?;
                return Ok(());
            }
            request.body = vec![0; request.length];
            stream.read_exact(&mut request.body).await?;
            let Some(fault) = fault else {
                stream.write_all(&self.answer(&request).await.whole()).await?;
                continue;
            };
            let answer = if fault.lets_it_happen() { self.answer(&request).await } else { Answer::default() };
            let Some((after, bytes)) = fault.spoil(&answer) else { return std::future::pending().await };
            tokio::time::sleep(after).await;
            stream.write_all(&bytes).await?;
            if matches!(fault, Fault::Reset { .. }) {
                stream.get_ref().set_zero_linger()?;
            }
            if !fault.keeps_open() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn fault_of(&self, request: &Request) -> Option<Fault> {
        if request.operation() == SEND_MESSAGE {
            return None;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).fault_of(number)?;
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }

    async fn answer(&self, request: &Request) -> Answer {
        if request.operation() == SEND_MESSAGE {
            let (status, body) = take_message(&self.messages, &request.body);
            return Answer { status, body };
        }
        match &self.origin {
            Origin::StandIn(cognito) => {
                let (status, body) = cognito.answer(request.operation(), &request.body);
                Answer { status, body }
            }
            Origin::Cloud { endpoint, mails } => {
                let is_mail = request.path.starts_with("/v2/email/");
                let to = mails.as_ref().filter(|_| is_mail).unwrap_or(endpoint);
                request.hand_on(to, &self.http).await
            }
        }
    }
}

/// Plays SQS: keeps the message's body.
pub(crate) fn take_message(messages: &Mutex<Vec<String>>, body: &[u8]) -> (u16, String) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = request["MessageBody"].as_str().unwrap_or_default().to_owned();
    messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    (200, json!({ "MessageId": "1" }).to_string())
}

/// A request, as far as it was read.
#[derive(Debug, Default)]
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    length: usize,
    body: Vec<u8>,
}

impl Request {
    /// Reads all but the body. `None` if the connection ends.
    async fn read_head(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Self>> {
        let mut request = Self::default();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim();
            if line.is_empty() {
                return Ok(Some(request));
            }
            if let Some((name, value)) = line.split_once(": ") {
                if name.eq_ignore_ascii_case("content-length") {
                    request.length = value.parse().unwrap_or_default();
                }
                request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
            } else {
                let mut parts = line.split(' ').map(ToOwned::to_owned);
                request.method = parts.next().unwrap_or_default();
                request.path = parts.next().unwrap_or_default();
            }
        }
    }

    /// The operation of a service with a JSON protocol.
    fn operation(&self) -> &str {
        let target = self.headers.iter().find(|(name, _)| name == "x-amz-target");
        target.and_then(|(_, value)| value.rsplit('.').next()).unwrap_or_default()
    }

    async fn hand_on(&self, endpoint: &str, http: &Http) -> Answer {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        match http.hand_on(&self.method, &format!("{endpoint}{}", self.path), headers, self.body.clone()).await {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                Answer { status: answer.status.as_u16(), body }
            }
            Err(_) => Answer { status: 502, ..Answer::default() },
        }
    }
}

/// An answer: the right one, or what is sent in its place.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: String,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: 200, body: "{}".to_owned() }
    }
}

impl Answer {
    /// As it goes over the wire.
    fn whole(&self) -> Vec<u8> {
        self.with_length(self.body.len())
    }

    /// The same, and it says that so many bytes come.
    fn with_length(&self, length: usize) -> Vec<u8> {
        let Self { status, body } = self;
        let head = "Content-Type: application/x-amz-json-1.1";
        format!("HTTP/1.1 {status} X\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    }
}
