//! The API as a Lambda function.

use crate::accounts::Pool;
use crate::code::Sealer;
use crate::mailer::ses::Ses;
use crate::queue::lambda::{OwnFunction, job_of};
use crate::store::dynamodb::DynamoDb;
use crate::{AccountApi, Parts, Settings, SystemClock};
use axum::Router;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cognito_core::account_event::EventBus;
use cognito_core::settings::{Lookup, Overridden, SettingError};
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsInvitations, AwsUserPools};
use cognito_core::{runtime, sdk};
use lambda_http::{Adapter, Context, LambdaEvent, tower::Service};
use messages::Messages;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use std::process::ExitCode;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The `error_code` that is logged at start for each file of `TEMPLATE_DIR` that cannot be used.
pub const TEMPLATE_UNUSABLE: &str = "template_unusable";

/// Runs the API until Lambda ends it. If a setting is wrong or the secret cannot be read, the function logs that and
/// ends with exit code 1. Lambda reports it as an initialisation error.
pub async fn run() -> ExitCode {
    let lookup = |name: &str| std::env::var(name).ok();
    if let Err(why) = runtime::start_logs(&lookup) {
        tracing::error!(error_code = "wrong_setting", "{why}");
        return ExitCode::FAILURE;
    }
    let api = match build(&lookup).await {
        Ok(api) => api,
        Err((error_code, why)) => {
            tracing::error!(error_code, "{why}");
            return ExitCode::FAILURE;
        }
    };
    let handler = lambda_runtime::service_fn(|event| answer(&api, event));
    match lambda_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(error_code = "runtime_stopped", "the Lambda runtime stopped: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The API, with its routes.
struct Served {
    api: AccountApi,
    router: Router,
}

/// The API with the settings that hold for all, and with those of the app clients that have others.
struct Apis {
    user_pool_id: String,
    served: Overridden<Served>,
}

impl Apis {
    /// The API for a request, by the app client of its token.
    fn of(&self, request: &Value) -> &Served {
        self.served.fitting(&self.user_pool_id, || client_of(request))
    }
}

/// The app client of a request's access token, as API Gateway read it.
fn client_of(request: &Value) -> Option<String> {
    Some(request.pointer("/requestContext/authorizer/jwt/claims/client_id")?.as_str()?.to_owned())
}

/// Answers a request, or carries out a job that an earlier request left. If a job has to be tried again, the answer is
/// an error, so that Lambda does it. The cause is in the log.
async fn answer(apis: &Apis, event: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
    let LambdaEvent { payload, context, .. } = event;
    let Served { api, router } = apis.of(&payload);
    let router = router.clone();
    if let Some(job) = job_of(&payload) {
        return match api.run(&job).await {
            Ok(()) => Ok(Value::Null),
            Err(why) => Err(why.code().name().into()),
        };
    }
    respond(router, payload, context).await
}

/// Answers an event of API Gateway with the response in its form.
///
/// # Errors
///
/// Fails if it is no such event.
pub async fn respond(router: Router, event: Value, context: Context) -> Result<Value, lambda_runtime::Error> {
    let request = LambdaEvent::new(serde_json::from_value(tamed(event)?)?, context);
    let response = Adapter::from(router).call(request).await?;
    Ok(serde_json::to_value(response)?)
}

/// The event without what `lambda_http` panics over when it makes a request of it: a query that is none, a host that is
/// none, which nothing here asks for, a long name of a stage, which stands in the path already, more headers than the crate
/// `http` keeps, and a body that says that it is base64 and is not.
fn tamed(mut event: Value) -> Result<Value, &'static str> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    if event["isBase64Encoded"] == true && BASE64_STANDARD.decode(text("body")).is_err() {
        return Err("the body is not base64");
    }
    let query = utf8_percent_encode(text("rawQueryString"), NOT_IN_A_QUERY).to_string();
    if !text("rawPath").starts_with('/') || text("rawPath").len() * 3 + query.len() > MAX_URI {
        return Err("this is no path");
    }
    event["rawQueryString"] = query.into();
    if let Some(headers) = event["headers"].as_object_mut() {
        if headers.len() > MAX_HEADERS {
            return Err("there are too many headers");
        }
        headers.retain(|name, _| !name.eq_ignore_ascii_case("host"));
    }
    if let Some(context) = event["requestContext"].as_object_mut() {
        context.remove("domainName");
        context.remove("stage");
    }
    Ok(event)
}

/// What the crate `http` takes in no query.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The most bytes of a path and a query. API Gateway takes 10,240 for the request line and all headers.
const MAX_URI: usize = 60_000;

/// The most headers. None is shorter than a byte in API Gateway's 10,240 bytes for all; `http` panics over about 24,000.
const MAX_HEADERS: usize = 10_240;

async fn build(lookup: Lookup<'_>) -> Result<Apis, (&'static str, String)> {
    let wrong = |why: SettingError| ("wrong_setting", why.to_string());
    let settings = Overridden::build(lookup, Settings::from_lookup).map_err(wrong)?;
    let aws = sdk::Aws::from_lookup(lookup).map_err(wrong)?;
    let config = aws.config();
    let secret = secret(&aws_sdk_secretsmanager::Client::new(config), &settings.base().code_secret).await;
    let secret = secret.map_err(|why| ("secret_unreadable", why))?;
    let sealer = Sealer::new(secret.as_bytes()).map_err(|why| ("secret_unreadable", why.to_string()))?;
    let user_pool_id = settings.base().user_pool_id.clone();
    // Lambda sets this variable.
    let own_name = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let served = settings.map(|settings| {
        let api = api(settings, &aws, sealer.clone(), &own_name);
        Served { router: api.router(), api }
    });
    Ok(Apis { user_pool_id, served })
}

fn api(settings: Settings, aws: &sdk::Aws, sealer: Sealer, own_name: &str) -> AccountApi {
    let config = aws.config();
    let users = AwsUserPools::with_config(config).pool(&settings.user_pool_id);
    let messages = Messages::new(settings.messages.clone());
    for problem in messages.problems() {
        let cause = problem.to_string();
        tracing::error!(error_code = TEMPLATE_UNUSABLE, cause, "a template cannot be used");
    }
    let invitations = AwsInvitations::new(users.clone(), &settings.invitations.client_id);
    AccountApi::new(Parts {
        accounts: Arc::new(Pool { users, invitations }),
        store: Arc::new(DynamoDb::new(aws_sdk_dynamodb::Client::new(config), &settings.table)),
        mailer: Arc::new(
            Ses::new(aws_sdk_sesv2::Client::new(config), &settings.from, settings.reply_to.clone())
                .with_configuration_set(settings.configuration_set.clone()),
        ),
        queue: Arc::new(OwnFunction::new(aws_sdk_lambda::Client::new(config), own_name.to_owned())),
        bus: settings.event_bus.clone().map(|bus| Arc::new(sdk::EventBridge::new(bus, aws)) as Arc<dyn EventBus>),
        clock: Arc::new(SystemClock),
        sealer,
        messages,
        settings,
    })
}

/// Reads the secret key of codes and tokens. The error names the operation and contains nothing of the secret.
async fn secret(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<Zeroizing<String>, String> {
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|why| format!("GetSecretValue: {}", crate::aws_error_code(&why)))?;
    let text = answer.secret_string().ok_or("GetSecretValue: the secret is not text")?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::REQUIRED;
    use cognito_core::testing::lookup;
    use serde_json::json;

    async fn answer_to(edit: impl FnOnce(&mut Value)) -> Result<Value, String> {
        let mut event = crate::testing::event(None, "POST", "/nothing", Some("{}"), "application/json");
        edit(&mut event);
        let answer = respond(Router::new(), event, Context::default()).await;
        answer.map(|answer| answer["statusCode"].clone()).map_err(|why| why.to_string())
    }

    #[tokio::test]
    async fn what_is_no_request_is_an_error_and_ends_no_process() {
        let not_base64 = answer_to(|event| event["isBase64Encoded"] = json!(true)).await;
        assert_eq!(not_base64, Err("the body is not base64".to_owned()));
        for path in ["", "nothing", &"/a".repeat(20_000)] {
            assert_eq!(answer_to(|event| event["rawPath"] = json!(path)).await, Err("this is no path".to_owned()));
        }
        for (member, value) in [("rawQueryString", "a=<\" \n#é>"), ("rawPath", "/é <\"\n?#[")] {
            assert_eq!(answer_to(|event| event[member] = json!(value)).await, Ok(json!(404)), "{value}");
        }
        assert_eq!(answer_to(|event| event["headers"]["Host"] = json!("[")).await, Ok(json!(404)));
        assert_eq!(answer_to(|event| event["requestContext"]["domainName"] = json!(":")).await, Ok(json!(404)));
        assert_eq!(answer_to(|event| event["headers"]["x-forwarded-proto"] = json!("")).await, Ok(json!(404)));
        let long = json!("x".repeat(70_000));
        assert_eq!(answer_to(|event| event["requestContext"]["stage"] = long).await, Ok(json!(404)));
        let headers = |number: usize| (0..number).map(|number| (format!("x-{number}"), json!("1"))).collect();
        assert_eq!(answer_to(|event| event["headers"] = Value::Object(headers(10_240))).await, Ok(json!(404)));
        let too_many = answer_to(|event| event["headers"] = Value::Object(headers(40_000))).await;
        assert_eq!(too_many, Err("there are too many headers".to_owned()));
    }

    #[test]
    fn the_settings_are_those_of_the_app_client_whose_token_the_gateway_checked() {
        let overrides = r#"[{"client_id": "shop", "settings": {"APP_NAME": "Shop"}},
                            {"client_id": "pages", "settings": {"APP_NAME": "Pages"}}]"#;
        let own = [
            ("APP_NAME", "Example"),
            ("AWS_REGION", "eu-central-1"),
            ("PAGES_CLIENT_ID", "pages"),
            ("OVERRIDES", overrides),
        ];
        let lookup = lookup([&own, &REQUIRED[..]].concat());
        let settings = Overridden::build(&lookup, Settings::from_lookup).unwrap();
        let name_for = |claims: Value| {
            let request = json!({ "requestContext": { "authorizer": { "jwt": { "claims": claims } } } });
            let fitting = settings.fitting("eu-central-1_EXAMPLE01", || client_of(&request));
            fitting.messages.branding.app_name.clone().unwrap()
        };
        assert_eq!(name_for(json!({ "client_id": "shop" })), "Shop");
        assert_eq!(name_for(json!({ "client_id": "other" })), "Example");
        assert_eq!(name_for(json!({})), "Example");
        // The pages look the same for everybody.
        let pages = |settings: &Settings| settings.pages.as_ref().unwrap().branding.app_name.clone().unwrap();
        assert_eq!(pages(settings.base()), "Pages");
    }
}
