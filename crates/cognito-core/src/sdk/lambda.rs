//! Calls a Lambda function.
//!
//! The SDK's crate for Lambda would make every trigger larger for one call that few of them make.

use super::Aws;
use super::signed::Target;
use crate::next_function::{
    AnyCaller, Broken, CAME_THROUGH, Caller, Defaults, FunctionName, Next, Reply, Settings, Via,
};
use crate::settings::{Lookup, SettingError};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The largest answer, in bytes. Lambda allows 6 MiB, but an event has a few KiB, and the function has little memory.
const MAX_ANSWER: u64 = 1024 * 1024;

/// A function, called over connections of its own.
#[derive(Clone, Debug)]
pub struct LambdaFunction {
    aws: Aws,
    url: String,
    region: Option<String>,
}

impl LambdaFunction {
    /// The function that `NEXT_FUNCTION` names, with what the operator chose. `None` if it names none. Makes no call.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if a value is not allowed, or if there is no Region or are no credentials to call it.
    pub fn next(lookup: Lookup<'_>, defaults: Defaults) -> Result<Option<Next<AnyCaller>>, SettingError> {
        let settings = Settings::from_lookup(lookup, defaults)?;
        let Some(function) = settings.function else { return Ok(None) };
        let aws = Aws::from_lookup(lookup)?;
        Ok(Some(Next::new(AnyCaller::new(Self::new(aws, &function)), settings.chosen)))
    }

    fn new(aws: Aws, function: &FunctionName) -> Self {
        let region =
            function.region().or_else(|| aws.config.region().map(AsRef::as_ref)).unwrap_or_default().to_owned();
        let endpoint = aws.endpoint("Lambda", "lambda", &region);
        // A name and an ARN have no other character that means something in a path.
        let path = function.function().replace(':', "%3A");
        let mut url = format!("{}/2015-03-31/functions/{path}/invocations", endpoint.trim_end_matches('/'));
        if let Some(qualifier) = function.qualifier() {
            url.push_str("?Qualifier=");
            url.push_str(&qualifier.replace('$', "%24"));
        }
        Self { aws, url, region: Some(region) }
    }
}

impl Caller for LambdaFunction {
    async fn call(&self, event: &str, via: &Via) -> Result<Reply, Broken> {
        let came_through: Vec<&str> = via.earlier.iter().chain([&via.own]).map(String::as_str).collect();
        let context = STANDARD.encode(json!({ "custom": { CAME_THROUGH: came_through.join(" ") } }).to_string());
        let mut headers = vec![("content-type", "application/json"), ("x-amz-client-context", context.as_str())];
        // Lambda counts the steps of a chain by it, and stops one that does not end.
        headers.extend(via.trace.as_deref().map(|trace| ("x-amzn-trace-id", trace)));
        // `Next` stops waiting for the answer. A second clock here would now and then be the first to end.
        let limits = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
        let target = Target { service: "lambda", region: self.region.as_deref(), url: &self.url };
        let answer = self.aws.post(target, &headers, event, &limits).await.map_err(Broken::NotAsked)?;
        let status = answer.status();
        let header = |name| answer.headers().get(name).unwrap_or_default().to_owned();
        let (failed, code) = (answer.headers().contains_key("x-amz-function-error"), header("x-amzn-errortype"));
        if !status.is_success() {
            let code = code.split(':').next().unwrap_or_default().to_owned();
            return Err(Broken::Refused { status: status.as_u16(), code });
        }
        let body = body(answer).await?;
        Ok(if failed { Reply::Error(body) } else { Reply::Answer(body) })
    }
}

async fn body(answer: HttpResponse) -> Result<Vec<u8>, Broken> {
    let length = answer.headers().get("content-length").and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_ANSWER) {
        return Err(Broken::TooLarge { most: MAX_ANSWER });
    }
    let body: SdkBody = answer.into_body();
    match super::http::read(body, MAX_ANSWER).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(why) => Err(Broken::NotAsked(why.into())),
    }
}

#[cfg(test)]
mod tests;
