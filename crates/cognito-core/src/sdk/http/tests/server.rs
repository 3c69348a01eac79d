//! A server that sends exactly the bytes that a test wants.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

pub(in crate::sdk) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
pub(in crate::sdk) const CLOSE: Part = Part::Close;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(in crate::sdk) enum Part {
    Bytes(Vec<u8>),
    Wait(Duration),
    Close,
}

pub(in crate::sdk) fn bytes(text: &str) -> Vec<Part> {
    vec![Part::Bytes(text.as_bytes().to_vec())]
}

/// Answers one request with these bytes, from a thread that ends with the request as it came.
pub(in crate::sdk) fn once(answer: String) -> (String, JoinHandle<String>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, thread)
}

pub(in crate::sdk) struct Server {
    pub(in crate::sdk) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    requests: AtomicUsize,
    closed: AtomicUsize,
}

impl Server {
    /// `answer` gets the number of the connection and the number of the request on it, both from 1.
    pub(in crate::sdk) async fn start(answer: impl Fn(usize, usize) -> Vec<Part> + Send + Sync + 'static) -> Self {
        Self::serve(answer, None, Duration::ZERO, "http").await
    }

    /// The same over TLS, which begins after a pause. Also returns the file with the certificate to trust.
    pub(in crate::sdk) async fn start_tls(
        answer: impl Fn(usize, usize) -> Vec<Part> + Send + Sync + 'static,
        pause: Duration,
    ) -> (Self, NamedTempFile) {
        let (tls, bundle) = tls();
        (Self::serve(answer, Some(tls), pause, "https").await, bundle)
    }

    pub(in crate::sdk) fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    pub(in crate::sdk) fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    pub(in crate::sdk) async fn wait_for_closed(&self, connections: usize) {
        while self.counts.closed.load(Ordering::SeqCst) < connections {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// On its own thread, so that it continues while the test's thread blocks.
    async fn serve(
        answer: impl Fn(usize, usize) -> Vec<Part> + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
        pause: Duration,
        scheme: &str,
    ) -> Self {
        let counts = Arc::new(Counts::default());
        let (bound, address) = tokio::sync::oneshot::channel();
        let counted = counts.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                let answer = Arc::new(answer);
                while let Ok((stream, _)) = listener.accept().await {
                    let connection = counted.accepted.fetch_add(1, Ordering::SeqCst) + 1;
                    let (counts, answer, tls) = (counted.clone(), answer.clone(), tls.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(pause).await;
                        let answer = |request| answer(connection, request);
                        match tls {
                            None => answer_all(stream, &counts, answer).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    answer_all(stream, &counts, answer).await;
                                }
                            }
                        }
                        counts.closed.fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
        });
        Self { url: format!("{scheme}://{}/", address.await.unwrap()), counts }
    }
}

async fn answer_all(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    counts: &Counts,
    answer: impl Fn(usize) -> Vec<Part>,
) {
    let mut received = Vec::new();
    for request in 1.. {
        while !is_whole(&received) {
            if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
        }
        received.clear();
        counts.requests.fetch_add(1, Ordering::SeqCst);
        for part in answer(request) {
            match part {
                Part::Bytes(bytes) => {
                    if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                Part::Wait(time) => tokio::time::sleep(time).await,
                Part::Close => return,
            }
        }
    }
}

/// Whether these bytes are a whole request, by its `Content-Length`.
fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    body.len() >= length.map_or(0, |length| length.trim().parse().unwrap())
}

fn tls() -> (TlsAcceptor, NamedTempFile) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let bundle = NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), bundle)
}
