//! The API as a Lambda function.

use crate::code::Sealer;
use crate::mailer::ses::Ses;
use crate::store::dynamodb::DynamoDb;
use crate::{Services, Settings, SystemClock, router};
use axum::Router;
use cognito_core::settings::Lookup;
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsInvitations, AwsUserPools};
use cognito_core::{runtime, sdk};
use messages::Messages;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// `error_code` of the log line at start for each file of `TEMPLATE_DIR` that cannot be used.
pub const TEMPLATE_UNUSABLE: &str = "template_unusable";

/// How long the answer to a public invitation takes at least. Creating an account, the longest of the ways, takes two
/// calls to Cognito, three to DynamoDB and one to SES, well below a second together.
const ANSWER_AFTER: Duration = Duration::from_millis(1500);

/// Runs the API until Lambda ends it. A wrong setting, or a secret that cannot be read, is logged and ends the process
/// with exit code 1, which Lambda reports as an initialisation error.
pub async fn run() -> ExitCode {
    let lookup = |name: &str| std::env::var(name).ok();
    if let Err(why) = runtime::start_logs(&lookup) {
        tracing::error!(error_code = "wrong_setting", "{why}");
        return ExitCode::FAILURE;
    }
    let router = match build(&lookup).await {
        Ok(router) => router,
        Err((error_code, why)) => {
            tracing::error!(error_code, "{why}");
            return ExitCode::FAILURE;
        }
    };
    match lambda_http::run(router).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(error_code = "runtime_stopped", "the Lambda runtime stopped: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn build(lookup: Lookup<'_>) -> Result<Router, (&'static str, String)> {
    let settings = Settings::from_lookup(lookup).map_err(|why| ("wrong_setting", why.to_string()))?;
    let config = sdk::config(lookup).map_err(|why| ("wrong_setting", why.to_string()))?;
    let secret = secret(&aws_sdk_secretsmanager::Client::new(&config), &settings.code_secret).await;
    let secret = secret.map_err(|why| ("secret_unreadable", why))?;
    let sealer = Sealer::new(secret.as_bytes()).map_err(|why| ("secret_unreadable", why.to_string()))?;
    let pool = AwsUserPools::with_config(&config).pool(&settings.user_pool_id);
    let messages = Messages::new(settings.messages.clone());
    for problem in messages.problems() {
        let cause = problem.to_string();
        tracing::error!(error_code = TEMPLATE_UNUSABLE, cause, "an own template cannot be used");
    }
    Ok(router(Services {
        invitations: AwsInvitations::new(pool.clone(), &settings.invitations.client_id),
        pool,
        store: DynamoDb::new(aws_sdk_dynamodb::Client::new(&config), &settings.table),
        mailer: Ses::new(aws_sdk_sesv2::Client::new(&config), &settings.from, settings.reply_to.clone()),
        clock: Arc::new(SystemClock),
        sealer,
        messages,
        settings,
        answer_after: ANSWER_AFTER,
    }))
}

/// The key of codes. The error names the operation and repeats nothing of the secret.
async fn secret(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<Zeroizing<String>, String> {
    use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|why| format!("GetSecretValue: {}", why.code().unwrap_or("no answer")))?;
    let text = answer.secret_string().ok_or("GetSecretValue: the secret is no text")?;
    Ok(Zeroizing::new(text.to_owned()))
}
