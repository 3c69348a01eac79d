//! A stand-in for Cognito, for Lambda with the team's own function, and for what the account API keeps in AWS, over TLS. It answers the functions' calls after a
//! set delay and stores nothing.
//!
//! It shows which calls a function makes and in which order. It does not show how Cognito would answer. The local cloud
//! does that.

mod answer;

use std::convert::Infallible;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The address of the one person in the pool, who has a confirmed and verified account.
pub(crate) const KNOWN_EMAIL: &str = "person@example.com";

/// One call that the stand-in received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The API's name, such as `ListUsers`.
    pub operation: String,
    /// The number of its connection, from 1.
    pub connection: u64,
    /// When the request had arrived.
    pub from: Instant,
    /// When the answer went out.
    pub to: Instant,
}

/// The running stand-in. Dropping this ends it.
#[derive(Debug)]
pub struct StandIn {
    url: String,
    certificate: PathBuf,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// Answers a call: its name and body in, the HTTP status and body out.
type Answers = dyn Fn(&str, &[u8]) -> (u16, String) + Send + Sync;

struct Shared {
    answers: Box<Answers>,
    delay_in_microseconds: AtomicU64,
    connections: AtomicU64,
    calls: Mutex<Vec<Call>>,
}

impl StandIn {
    /// Starts on a free port of the loopback interface. Writes the certificate of its authority to `folder`.
    ///
    /// # Errors
    ///
    /// Fails if no port can be opened, or if the certificate cannot be made or written.
    pub async fn start(folder: &Path) -> Result<Self> {
        Self::start_as(folder, answer::to).await
    }

    /// The same with other answers than those of a pool that stores nothing. `answers` gets the call's name and body, and
    /// returns the HTTP status and the body of the answer.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Self::start`].
    pub async fn start_as(
        folder: &Path,
        answers: impl Fn(&str, &[u8]) -> (u16, String) + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("https://{}", listener.local_addr()?);
        let (tls, authority) = tls()?;
        let certificate = folder.join("stand-in.pem");
        std::fs::write(&certificate, authority)
            .with_context(|| format!("{} cannot be written", certificate.display()))?;
        let shared = Arc::new(Shared {
            answers: Box::new(answers),
            delay_in_microseconds: AtomicU64::default(),
            connections: AtomicU64::default(),
            calls: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, tls, shared.clone()));
        Ok(Self { url, certificate, shared, server })
    }

    /// The environment variables that make functions call this instead of Cognito.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let certificate = self.certificate.display().to_string();
        [
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_CA_BUNDLE", certificate.clone()),
            ("SSL_CERT_FILE", certificate.clone()),
            // Node reads this name.
            ("NODE_EXTRA_CA_CERTS", certificate),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Sets how long every answer takes.
    pub fn set_delay(&self, delay: Duration) {
        let microseconds = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.delay_in_microseconds.store(microseconds, Ordering::Relaxed);
    }

    /// Returns the calls since the last time, in the order of their arrival.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner));
        calls.sort_by_key(|call| call.from);
        calls
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(…)")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// How many calls had to wait for an earlier one. Calls that overlap are one round.
#[must_use]
pub fn rounds(calls: &[Call]) -> usize {
    let mut rounds = 0;
    let mut end: Option<Instant> = None;
    for call in calls {
        if end.is_none_or(|end| call.from >= end) {
            rounds += 1;
            end = Some(call.to);
        } else {
            end = end.max(Some(call.to));
        }
    }
    rounds
}

/// A TLS server with a new certificate for the loopback address, and the authority that signed it as PEM.
fn tls() -> Result<(TlsAcceptor, String)> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    // The two names differ, because OpenSSL takes a certificate with its issuer's name for self-signed. Node and Python
    // use OpenSSL.
    authority.distinguished_name.push(DnType::CommonName, "Stand-in authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    certificate.distinguished_name.push(DnType::CommonName, "Stand-in");
    let certificate = certificate.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder.with_no_client_auth().with_single_cert(
        // With the authority's certificate, as AWS sends it.
        vec![certificate.der().clone(), authority_certificate.der().clone()],
        key,
    )?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority_certificate.pem()))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // So that small answers are sent at once, as by a real server.
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve_connection(stream, tls.clone(), shared.clone()));
    }
}

async fn serve_connection(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    // The handshake fails if the function is ended in the middle, which is not an error.
    let Ok(stream) = tls.accept(stream).await else { return };
    let connection = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(shared.answer(connection, request).await) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Cognito names the operation in a header, and Lambda in the path.
fn operation<T>(request: &Request<T>) -> String {
    if request.uri().path().ends_with("/invocations") {
        return "Invoke".to_owned();
    }
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit('.').next()).unwrap_or("none").to_owned()
}

impl Shared {
    async fn answer(&self, connection: u64, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let operation = operation(&request);
        let body = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        let from = Instant::now();
        let answer = (self.answers)(&operation, &body);
        let delay = Duration::from_micros(self.delay_in_microseconds.load(Ordering::Relaxed));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let call = Call { operation, connection, from, to: Instant::now() };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        let (status, body) = answer;
        Response::builder()
            .status(status)
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
            .body(Full::from(body))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(spans: &[(u64, u64)]) -> Vec<Call> {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        spans
            .iter()
            .map(|(from, to)| Call { operation: String::new(), connection: 1, from: at(*from), to: at(*to) })
            .collect()
    }

    #[test]
    fn calls_that_overlap_are_one_round() {
        assert_eq!(rounds(&calls(&[])), 0);
        assert_eq!(rounds(&calls(&[(0, 5), (6, 11)])), 2);
        assert_eq!(rounds(&calls(&[(0, 5), (6, 11), (7, 12), (13, 18)])), 3);
    }
}
