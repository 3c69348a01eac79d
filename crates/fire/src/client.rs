//! The real adapter and SDK over the stand-in, without a network: a call takes the stand-in's time, and nothing else.

use std::sync::Arc;

use anyhow::Result;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::Builder;
use aws_sdk_cognitoidentityprovider::config::retry::RetryPartition;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use cognito_core::testing::lookup;
use cognito_core::user_pool::aws::AwsUserPools;

use crate::cognito::{Cognito, LATENCY};

/// What the SDK needs to sign a call to a stand-in.
pub(crate) const CALLER: [(&str, &str); 3] =
    [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

#[derive(Debug, Clone)]
struct Wire(Arc<Cognito>);

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(cognito) = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            let (status, body) = cognito.answer(operation, request.body().bytes().unwrap_or_default());
            tokio::time::sleep(LATENCY).await;
            let status = StatusCode::try_from(status).map_err(|why| ConnectorError::other(why.into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

/// A client as a process of a function has it, with the functions' own limits and retries. `process` numbers the process:
/// each counts by itself how many retries the SDK allows it.
pub(crate) fn of_process(cognito: &Arc<Cognito>, process: usize) -> Result<AwsUserPools> {
    let config = cognito_core::sdk::config(&lookup(CALLER))?;
    let wire = SharedHttpConnector::new(Wire(cognito.clone()));
    let config = Builder::from(&config)
        .http_client(http_client_fn(move |_, _| wire.clone()))
        .retry_partition(RetryPartition::new(format!("process {process}")));
    Ok(AwsUserPools::new(Client::from_conf(config.build())))
}
