//! Open connections, and those that rest until the next call.

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

/// How long a connection may rest and be used again. AWS closes idle ones after about a minute at
/// the earliest, and between two events a function may be frozen and not see that.
const LONGEST_REST: Duration = Duration::from_secs(20);
/// The most connections that rest. An event has at most four calls under way at once.
const MOST: usize = 8;

/// A byte stream of either kind. One type for both keeps the HTTP code in the binary once.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One connection, free for a call.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<SdkBody>,
    /// Whether it has rested, so that the server may have closed it.
    pub(super) used: bool,
    origin: Origin,
    resting_since: Instant,
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
        !self.sender.is_closed()
            && !self.poison.0.load(Ordering::Relaxed)
            && self.resting_since.elapsed() <= LONGEST_REST
    }
}

/// The connections of a process.
pub(super) struct Pool {
    tls: TlsConnector,
    resting: Mutex<Vec<Connection>>,
    /// Opens a connection ahead and puts it to the resting ones.
    opening: Mutex<Option<(Origin, JoinHandle<()>)>>,
}

impl Pool {
    pub(super) fn new(tls: TlsConnector) -> Self {
        Self { tls, resting: Mutex::default(), opening: Mutex::default() }
    }

    /// A resting connection to this server, or the one that is being opened ahead.
    pub(super) async fn take(&self, origin: &Origin) -> Option<Connection> {
        if !lock(&self.resting).is_empty() {
            // After a freeze the end of a connection waits in the kernel. The first turn lets the
            // runtime look there, the second lets the connection's task take note.
            yield_now().await;
            yield_now().await;
            if let Some(connection) = self.take_now(origin) {
                return Some(connection);
            }
        }
        let (_, opening) = lock(&self.opening).take_if(|(towards, _)| towards == origin)?;
        // It has no outcome but a resting connection, or none.
        let _ = opening.await;
        self.take_now(origin)
    }

    fn take_now(&self, origin: &Origin) -> Option<Connection> {
        let mut resting = lock(&self.resting);
        resting.retain(Connection::may_be_used_again);
        // The one used last, so that the others grow old together.
        let index = resting.iter().rposition(|one| one.origin == *origin && one.sender.is_ready())?;
        Some(resting.remove(index))
    }

    /// Keeps a connection for further calls. It may still carry the rest of an answer; it is not
    /// used before that has been read.
    pub(super) fn keep(&self, connection: Connection) {
        let mut resting = lock(&self.resting);
        if resting.len() < MOST {
            resting.push(Connection { used: true, resting_since: Instant::now(), ..connection });
        }
    }

    /// Begins to open a connection that a call will want.
    pub(super) fn open_ahead(self: &Arc<Self>, origin: Origin) {
        let (pool, towards) = (self.clone(), origin.clone());
        let opening = tokio::spawn(async move {
            // A failure is found again by the first call, which can say what it was for.
            if let Ok(connection) = pool.open(&origin).await {
                pool.keep(connection);
            }
        });
        *lock(&self.opening) = Some((towards, opening));
    }

    /// Waits until the connection that is opened ahead is there or has failed, but not longer than `patience`.
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
    /// The server cannot be reached, or is not who it is to be.
    pub(super) async fn open(&self, origin: &Origin) -> Result<Connection, ConnectorError> {
        let stream = self.stream(origin).await.map_err(|why| ConnectorError::io(why.into()))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(of_exchange)?;
        tokio::spawn(async move {
            // What goes wrong here, the call that is under way is told too.
            let _ = connection.await;
        });
        let resting_since = Instant::now();
        Ok(Connection { sender, used: false, origin: origin.clone(), resting_since, poison: Poison::default() })
    }

    async fn stream(&self, origin: &Origin) -> std::io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((origin.host.as_str(), origin.port)).await?;
        // Requests are small and written at once; nothing is gained by holding them back.
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
        formatter.debug_struct("Pool").field("resting", &lock(&self.resting).len()).finish_non_exhaustive()
    }
}

/// A panic elsewhere must not turn into a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
