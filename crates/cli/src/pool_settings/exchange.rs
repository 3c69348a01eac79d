//! The two calls, with the JSON as Cognito writes and reads it.

use super::Description;
use anyhow::{Context, Result};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_cognitoidentityprovider::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cognitoidentityprovider::error::{BoxError, SdkError};
use aws_sdk_cognitoidentityprovider::operation::update_user_pool::UpdateUserPoolError;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the body of an answer.
#[derive(Clone, Debug, Default)]
struct Body(Arc<Mutex<Vec<u8>>>);

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "Body"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        Ok(())
    }
}

/// Reads a pool's settings, those included that the SDK does not know.
///
/// # Errors
///
/// There is no such pool, or Cognito does not answer; the message says which.
pub(crate) async fn describe(client: &Client, pool: &str) -> Result<Description> {
    let body = Body::default();
    let answer = client.describe_user_pool().user_pool_id(pool).customize().interceptor(body.clone()).send().await;
    answer.map_err(SdkError::into_service_error).with_context(|| format!("user pool {pool} cannot be read"))?;
    let bytes = std::mem::take(&mut *body.0.lock().unwrap_or_else(PoisonError::into_inner));
    let mut answer: Value = serde_json::from_slice(&bytes).context("DescribeUserPool answered without JSON")?;
    Ok(Description(answer["UserPool"].take()))
}

/// Writes a pool's settings: sends the input exactly as it is.
///
/// # Errors
///
/// Cognito refuses it or does not answer.
pub(crate) async fn update(client: &Client, input: &Value) -> Result<(), SdkError<UpdateUserPoolError>> {
    let body = input.to_string();
    let pool = input["UserPoolId"].as_str().unwrap_or_default();
    let request = client.update_user_pool().user_pool_id(pool).customize().mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.clone().into();
    });
    request.send().await.map(drop)
}

/// Whether somebody else was changing the pool at that moment.
pub(crate) fn is_concurrent_modification(error: &SdkError<UpdateUserPoolError>) -> bool {
    error.as_service_error().is_some_and(UpdateUserPoolError::is_concurrent_modification_exception)
}

#[cfg(test)]
mod tests;
