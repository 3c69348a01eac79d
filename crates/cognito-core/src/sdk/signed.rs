//! One signed POST to a service of AWS, over the connections that the SDK's clients use, for services whose SDK crate would
//! make a function larger than the call is worth.

use super::Aws;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use std::error::Error;
use std::time::SystemTime;

/// Where a request goes.
pub(super) struct Target<'a> {
    /// The name that the signature has, such as `sqs`.
    pub(super) service: &'static str,
    /// The service's Region. `None` means the function's own.
    pub(super) region: Option<&'a str>,
    pub(super) url: &'a str,
}

impl Aws {
    /// Where a service is: where the environment says, or where AWS has it in a Region. `id` is the service's id in the API
    /// model, `prefix` the first part of its host. The suffix is that of the partition of the Region.
    pub(super) fn endpoint(&self, id: &str, prefix: &str, region: &str) -> String {
        self.endpoint_of(id).unwrap_or_else(|| {
            let fips = if self.config.use_fips().unwrap_or_default() { "-fips" } else { "" };
            let china = region.starts_with("cn-");
            let suffix = match (self.config.use_dual_stack().unwrap_or_default(), china) {
                (false, false) => "amazonaws.com",
                (false, true) => "amazonaws.com.cn",
                (true, false) => "api.aws",
                (true, true) => "api.amazonwebservices.com.cn",
            };
            format!("https://{prefix}{fips}.{region}.{suffix}")
        })
    }

    /// Signs and sends a request once. Returns whatever answer comes, with its body unread.
    ///
    /// # Errors
    ///
    /// Fails if there are no credentials, if a header or the URL is unusable, or if no answer comes within `limits`.
    pub(super) async fn post(
        &self,
        target: Target<'_>,
        headers: &[(&'static str, &str)],
        body: &str,
        limits: &HttpConnectorSettings,
    ) -> Result<HttpResponse, Box<dyn Error + Send + Sync>> {
        let mut request = HttpRequest::get(target.url)?;
        request.set_method("POST")?;
        for (name, value) in headers {
            request.headers_mut().try_insert(*name, (*value).to_owned())?;
        }
        let config = &self.config;
        let credentials = config.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
        let identity = credentials.into();
        let own = config.region().map(AsRef::as_ref);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(target.region.or(own).ok_or("no Region")?)
            .name(target.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableBody::Bytes(body.as_bytes());
        let to_sign = SignableRequest::new("POST", target.url, headers.iter().copied(), signable)?;
        *request.body_mut() = SdkBody::from(body);
        let mut request = request.try_into_http1x()?;
        sign(to_sign, &parameters)?.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(self.connections.connector(limits).call(HttpRequest::try_from(request)?).await?)
    }
}

/// AWS's code of a call that it refused, in the answer of its JSON protocols. Their `message` may repeat what was sent, so it
/// is not read.
#[cfg(any(feature = "event-bus", feature = "retry-queue"))]
pub(super) fn refusal(answer: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["__type"].as_str().and_then(|code| code.rsplit('#').next()).unwrap_or_default().to_owned()
}
