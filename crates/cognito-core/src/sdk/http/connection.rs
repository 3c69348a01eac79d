//! Open connections, in use or idle.

use super::error::of_exchange;
use super::origin::Origin;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long a connection may be idle and still be used again. AWS closes idle connections after about a minute at the
/// earliest. A function may be frozen between two events and not see that.
const LONGEST_IDLE: Duration = Duration::from_secs(20);
/// The most idle connections. An event has at most four calls under way at once.
const MOST_IDLE: usize = 8;

/// A byte stream with or without TLS. With one type for both, the binary has the HTTP code only once.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One connection that is free for a call.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<SdkBody>,
    /// Whether it has been idle, so that the server may have closed it.
    pub(super) used: bool,
    origin: Origin,
    idle_since: Instant,
    poison: Poison,
}

/// A mark that keeps a connection from being used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Poison(Arc<AtomicBool>);

impl Poison {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    pub(super) fn poison(&self) -> Poison {
        self.poison.clone()
    }

    fn may_be_used_again(&self) -> bool {
        !self.sender.is_closed() && !self.poison.0.load(Ordering::Relaxed) && self.idle_since.elapsed() <= LONGEST_IDLE
    }
}

/// The connections of a process.
pub(super) struct Pool {
    tls: TlsConnector,
    idle: Mutex<Vec<Connection>>,
    /// The task that opens a connection ahead and adds it to the idle ones.
    opening: Mutex<Option<(Origin, JoinHandle<()>)>>,
}

impl Pool {
    pub(super) fn new(tls: TlsConnector) -> Self {
        Self { tls, idle: Mutex::default(), opening: Mutex::default() }
    }

    /// An idle connection to this server, or the one that is being opened ahead.
    pub(super) async fn take(&self, origin: &Origin) -> Option<Connection> {
        if !lock(&self.idle).is_empty() {
            // If a connection was closed during a freeze, only the kernel knows. In the first turn the runtime reads
            // that from the kernel. In the second turn the connection's task sees it.
            yield_now().await;
            yield_now().await;
            if let Some(connection) = self.take_now(origin) {
                return Some(connection);
            }
        }
        let (_, opening) = lock(&self.opening).take_if(|(towards, _)| towards == origin)?;
        // The task returns nothing. Either it added an idle connection, or it failed.
        let _ = opening.await;
        self.take_now(origin)
    }

    fn take_now(&self, origin: &Origin) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.retain(Connection::may_be_used_again);
        // The one that was used last, so that the others can expire.
        let index = idle.iter().rposition(|one| one.origin == *origin && one.sender.is_ready())?;
        Some(idle.remove(index))
    }

    /// Keeps a connection for further calls. It may still carry the rest of an answer, and it is not used again before
    /// that has been read.
    pub(super) fn keep(&self, connection: Connection) {
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(Connection { used: true, idle_since: Instant::now(), ..connection });
        }
    }

    /// Begins to open a connection that a later call will need.
    pub(super) fn open_ahead(self: &Arc<Self>, origin: Origin) {
        let (pool, towards) = (self.clone(), origin.clone());
        let opening = tokio::spawn(async move {
            // The first call will find the same failure, and can say which operation failed.
            if let Ok(connection) = pool.open(&origin).await {
                pool.keep(connection);
            }
        });
        *lock(&self.opening) = Some((towards, opening));
    }

    /// Waits until the connection ahead is open or has failed, but not longer than `patience`.
    pub(super) async fn opened(&self, patience: Duration) {
        let Some((towards, mut opening)) = lock(&self.opening).take() else { return };
        if tokio::time::timeout(patience, &mut opening).await.is_err() {
            *lock(&self.opening) = Some((towards, opening));
        }
    }

    /// Opens a new connection.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or if its certificate is not valid for it.
    pub(super) async fn open(&self, origin: &Origin) -> Result<Connection, ConnectorError> {
        let stream = self.stream(origin).await.map_err(|why| ConnectorError::io(why.into()))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(of_exchange)?;
        tokio::spawn(async move {
            // The call that is under way gets the same error.
            let _ = connection.await;
        });
        let idle_since = Instant::now();
        Ok(Connection { sender, used: false, origin: origin.clone(), idle_since, poison: Poison::default() })
    }

    async fn stream(&self, origin: &Origin) -> std::io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((origin.host.as_str(), origin.port)).await?;
        // Requests are small and written at once, so holding them back gains nothing.
        stream.set_nodelay(true)?;
        if !origin.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(origin.host.clone()).map_err(std::io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("idle", &lock(&self.idle).len()).finish_non_exhaustive()
    }
}

/// A panic in another thread must not cause a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
