//! The way to AWS: gives up soon where nothing answers, and says where that was.

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait for the first answer of an address. A command begins with something that AWS answers in a moment.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// An HTTP client that tells of every address that does not answer.
///
/// Calls to an address that never answered are not repeated: a wrong address, or a firewall, stays what it is. One that
/// answered before is tried again, as the SDK does.
#[derive(Debug)]
pub(super) struct Connections {
    inner: SharedHttpClient,
    known: Arc<Mutex<Known>>,
}

/// What is known of the addresses.
#[derive(Debug, Default)]
struct Known {
    answered: HashSet<String>,
    told: HashSet<String>,
}

impl Connections {
    pub(super) fn through(inner: SharedHttpClient) -> Self {
        Self { inner, known: Arc::default() }
    }
}

impl HttpClient for Connections {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Watched { inner, known: Arc::clone(&self.known) })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct Watched {
    inner: SharedHttpConnector,
    known: Arc<Mutex<Known>>,
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let address = address(request.uri()).to_owned();
        let (call, known) = (self.inner.call(request), Arc::clone(&self.known));
        HttpConnectorFuture::new(async move {
            let is_new = !known.lock().unwrap_or_else(PoisonError::into_inner).answered.contains(&address);
            let answer = if is_new {
                let silent = |_| ConnectorError::timeout("it took the request and is silent".into());
                tokio::time::timeout(FIRST_ANSWER, call).await.map_err(silent).flatten()
            } else {
                call.await
            };
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Ok(answer) => {
                    known.answered.insert(address);
                    Ok(answer)
                }
                Err(error) => Err(known.failed(address, error)),
            }
        })
    }
}

impl Known {
    fn failed(&mut self, address: String, error: ConnectorError) -> ConnectorError {
        let answered = self.answered.contains(&address);
        if !is_metadata(&address) && !self.told.contains(&address) {
            note!("no answer from {address} ({}). {}", causes(&error), remedy(&address, answered));
            self.told.insert(address);
        }
        if answered || error.is_user() { error } else { ConnectorError::user(error.into_source()) }
    }
}

/// Scheme, host and port of a URI.
fn address(uri: &str) -> &str {
    let host = uri.find("://").map_or(0, |at| at + 3);
    uri[host..].find(['/', '?']).map_or(uri, |end| &uri[..host + end])
}

/// Where credentials of a machine or a container come from. Not every machine has them, so silence is no news.
fn is_metadata(address: &str) -> bool {
    address.contains("://169.254.") || address.contains("://[fd00:ec2")
}

fn remedy(address: &str, answered: bool) -> &'static str {
    if answered {
        "It answered before, so it is tried again"
    } else if address.contains(".amazonaws.com") {
        "Check the network, the firewall and the Region"
    } else {
        "Check that something listens there, and AWS_ENDPOINT_URL or the profile's endpoint_url"
    }
}

/// What lies behind an error, the nearest cause first.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_port() {
        assert_eq!(address("http://127.0.0.1:1/x/y?z"), "http://127.0.0.1:1");
        assert_eq!(address("https://sts.eu-central-1.amazonaws.com"), "https://sts.eu-central-1.amazonaws.com");
    }

    #[test]
    fn only_an_address_that_answered_before_is_tried_again() {
        let mut known = Known::default();
        let failure = || ConnectorError::timeout("no answer".into());
        assert!(known.failed("http://a".into(), failure()).is_user());
        known.answered.insert("http://a".into());
        assert!(known.failed("http://a".into(), failure()).is_timeout());
    }
}
