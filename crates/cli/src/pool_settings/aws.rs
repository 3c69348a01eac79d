//! The adapter to Cognito: the two calls, with the JSON as Cognito writes and reads it.

use super::Description;
use crate::advice::told;
use crate::cloud::{Body, Cloud};
use anyhow::{Context, Error, Result};
use aws_sdk_cognitoidentityprovider::error::SdkError;
use aws_sdk_cognitoidentityprovider::operation::update_user_pool::UpdateUserPoolError;
use serde_json::Value;

/// Reads all settings of a pool, even those that the SDK does not know.
///
/// # Errors
///
/// Fails if there is no such pool, or if Cognito does not answer. The message says which.
pub(crate) async fn describe(cloud: &Cloud, pool: &str) -> Result<Description> {
    let body = Body::default();
    let call = cloud.cognito().describe_user_pool().user_pool_id(pool);
    let answer = call.customize().interceptor(body.clone()).send().await;
    answer.map_err(told("DescribeUserPool")).with_context(|| format!("user pool {pool} cannot be read"))?;
    let mut answer: Value = serde_json::from_slice(&body.take()).context("DescribeUserPool answered without JSON")?;
    Ok(Description(answer["UserPool"].take()))
}

/// Why a pool was not updated, as far as Cognito says.
#[derive(Debug)]
pub(crate) enum NotUpdated {
    /// Somebody else was changing the pool at that moment.
    Concurrent(Error),
    /// Cognito refuses the update.
    Refused(Error),
    /// There is no answer, or the server failed: the update may have been made.
    Unknown(Error),
}

/// Writes a pool's settings: sends the input exactly as it is.
///
/// # Errors
///
/// Fails if Cognito refuses the update or does not answer.
pub(crate) async fn update(cloud: &Cloud, input: &Value) -> Result<(), NotUpdated> {
    let body = input.to_string();
    let pool = input["UserPoolId"].as_str().unwrap_or_default();
    let request = cloud.cognito().update_user_pool().user_pool_id(pool).customize().mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.clone().into();
    });
    let Err(error) = request.send().await else { return Ok(()) };
    let is_answer = matches!(&error, SdkError::ServiceError(answer) if answer.raw().status().is_client_error());
    let is_concurrent = error.as_service_error().is_some_and(UpdateUserPoolError::is_concurrent_modification_exception);
    let error = told("UpdateUserPool")(error);
    Err(match is_answer {
        _ if is_concurrent => NotUpdated::Concurrent(error),
        true => NotUpdated::Refused(error),
        false => NotUpdated::Unknown(error),
    })
}

#[cfg(test)]
mod tests;
