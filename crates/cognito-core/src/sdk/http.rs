//! Connections to AWS behind the SDK's own trait: HTTP/1.1 over TLS, with a few connections kept open.
//!
//! Unlike the SDK's default, it has no HTTP/2, no proxies and no pool for many hosts. A connection carries one call at
//! a time. A call is sent again only if no part of it was sent the first time. The SDK decides about all other retries,
//! by the kind of error.

mod connection;
mod error;
mod origin;
mod tls;

pub(super) use origin::Origin;

use crate::settings::{Lookup, SettingError};
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use connection::{Connection, Pool};
use error::{limited, unusable};
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// The connections of one process. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: Arc<Pool>,
}

/// The connections as one call uses them.
#[derive(Clone, Debug)]
struct Connector {
    pool: Arc<Pool>,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
}

impl Connections {
    /// Connections with the trust that the environment sets. None is open yet.
    pub(super) fn new(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self { pool: Arc::new(Pool::new(tls::connector(lookup)?)) })
    }

    /// Begins to open a connection to the server of `url`. If that fails or `url` is not a URL, the first call reports
    /// it.
    pub(super) fn open_ahead(&self, url: &str) {
        if let Some(origin) = Origin::parse(url) {
            self.pool.open_ahead(origin);
        }
    }

    /// Waits until the connection ahead is open or has failed, but not longer than `patience`.
    pub(super) async fn opened(&self, patience: Duration) {
        self.pool.opened(patience).await;
    }

    /// A connector with the timeouts of `settings`.
    pub(super) fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            pool: self.pool.clone(),
            connect_timeout: settings.connect_timeout(),
            read_timeout: settings.read_timeout(),
        })
    }
}

impl HttpClient for Connections {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector(settings)
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl Connector {
    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = request.try_into_http1x().map_err(|why| ConnectorError::user(why.into()))?;
        let origin =
            Origin::of(request.uri()).ok_or_else(|| ConnectorError::user("not an http or https URL".into()))?;
        address(&mut request, &origin)?;
        loop {
            let mut connection = self.connection(&origin).await?;
            offer_to_poison(&request, &connection);
            let sent = connection.sender.try_send_request(request);
            let failed = match limited(self.read_timeout, "no answer", sent).await? {
                Ok(response) => {
                    self.pool.keep(connection);
                    return HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                        .map_err(|why| ConnectorError::other(why.into(), None));
                }
                Err(failed) => failed,
            };
            let mut failed = failed;
            match failed.take_message() {
                // The server closed the idle connection before any byte of this request was sent.
                Some(unsent) if connection.used => request = unsent,
                _ => return Err(error::of_exchange(failed.into_error())),
            }
        }
    }

    /// An idle connection, or the one that is being opened ahead, or a new one.
    async fn connection(&self, origin: &Origin) -> Result<Connection, ConnectorError> {
        let connected = async {
            match self.pool.take(origin).await {
                Some(connection) => Ok(connection),
                None => self.pool.open(origin).await,
            }
        };
        limited(self.connect_timeout, "no connection", connected).await?
    }
}

/// Prepares the request for a connection to its server. The first line gets only path and query, and the `Host` header
/// gets the server's name that was signed.
fn address(request: &mut Request<SdkBody>, origin: &Origin) -> Result<(), ConnectorError> {
    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::from_str(&origin.host_header()).map_err(|why| ConnectorError::user(why.into()))?;
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| ConnectorError::user("unusable path".into()))?;
    Ok(())
}

/// Lets the SDK say, after a failure, that this connection must not be used again.
fn offer_to_poison(request: &Request<SdkBody>, connection: &Connection) {
    if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
        let poison = connection.poison();
        let metadata = ConnectionMetadata::builder().proxied(false).poison_fn(move || poison.set()).build();
        capture.set_connection_retriever(move || Some(metadata.clone()));
    }
}

/// The whole body, if it has at most `limit` bytes.
pub(super) async fn read(body: SdkBody, limit: u64) -> Result<Bytes, ConnectorError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Limited::new(body, limit).collect().await.map(http_body_util::Collected::to_bytes).map_err(unusable)
}

#[cfg(test)]
pub(super) mod tests;
