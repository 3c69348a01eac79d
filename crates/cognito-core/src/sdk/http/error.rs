//! Sorts errors into the kinds by which the SDK decides whether to try again.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind;
use std::error::Error;
use std::time::Duration;

/// Something took too long.
#[derive(Debug, thiserror::Error)]
#[error("{what} within {} ms", .limit.as_millis())]
struct TimedOut {
    what: &'static str,
    limit: Duration,
}

/// Runs `work`, but not longer than `limit`, if there is one.
pub(super) async fn limited<T>(
    limit: Option<Duration>,
    what: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, ConnectorError> {
    match limit {
        None => Ok(work.await),
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .map_err(|_| ConnectorError::timeout(TimedOut { what, limit }.into())),
    }
}

/// An error that happened while a request was sent or the head of its answer was read.
pub(super) fn of_exchange(error: hyper::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_user() {
        ConnectorError::user(error.into())
    } else if error.is_closed() || error.is_canceled() || has_io_cause(&error) {
        ConnectorError::io(error.into())
    } else if error.is_incomplete_message() {
        // The server closed the connection in the middle, as a server that is being replaced does.
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    } else {
        // The answer is not HTTP.
        ConnectorError::other(error.into(), None)
    }
}

/// An error that happened while a body was read.
pub(super) fn unusable(error: BoxError) -> ConnectorError {
    ConnectorError::other(error, None)
}

fn has_io_cause(error: &hyper::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if error.is::<std::io::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}
