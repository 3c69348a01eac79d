//! A pre sign-up trigger as articles show it, in Rust, for `cargo xtask bench --peer`. It shows what the crates cost as
//! `cargo add` gives them: every default feature, and Cargo's own release profile.
//!
//! ```sh
//! cargo build --release --manifest-path crates/bench/peers/naive/Cargo.toml --target-dir .local/peers/naive
//! cargo xtask bench --peer "rust=.local/peers/naive/release/naive"
//! ```
//!
//! Measure it, but do not use it: it trusts every address, and it cannot handle two invocations at once.

use aws_config::BehaviorVersion;
use aws_lambda_events::event::cognito::CognitoEventUserPoolsPreSignup;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, MessageActionType, ProviderUserIdentifierType};
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// Links the newcomer to the account with the same address, or to a new one.
async fn handle(
    client: &Client,
    event: LambdaEvent<CognitoEventUserPoolsPreSignup>,
) -> Result<CognitoEventUserPoolsPreSignup, Error> {
    let event = event.payload;
    let header = &event.cognito_event_user_pools_header;
    let pool = header.user_pool_id.as_deref().unwrap_or_default();
    let (provider, subject) =
        header.user_name.as_deref().and_then(|name| name.split_once('_')).ok_or("a name without a provider")?;
    let email = event.request.user_attributes.get("email").ok_or("no address")?;
    let users = client.list_users().user_pool_id(pool).filter(format!("email = \"{email}\"")).limit(2).send().await?;
    let name = match users.users().first().and_then(|user| user.username()) {
        Some(name) => name.to_owned(),
        None => create(client, pool, email).await?,
    };
    let account = ProviderUserIdentifierType::builder().provider_name("Cognito").provider_attribute_value(name);
    let newcomer = ProviderUserIdentifierType::builder()
        .provider_name(provider)
        .provider_attribute_name("Cognito_Subject")
        .provider_attribute_value(subject);
    let link = client.admin_link_provider_for_user().user_pool_id(pool);
    link.destination_user(account.build()).source_user(newcomer.build()).send().await?;
    Ok(event)
}

async fn create(client: &Client, pool: &str, email: &str) -> Result<String, Error> {
    let created = client
        .admin_create_user()
        .user_pool_id(pool)
        .username(email)
        .message_action(MessageActionType::Suppress)
        .user_attributes(AttributeType::builder().name("email").value(email).build()?)
        .user_attributes(AttributeType::builder().name("email_verified").value("true").build()?)
        .send()
        .await?;
    let name = created.user().and_then(|user| user.username()).ok_or("no name")?.to_owned();
    // Random enough to be measured, without one more crate.
    let password = format!("Aa1!{:?}", std::hash::RandomState::new());
    client
        .admin_set_user_password()
        .user_pool_id(pool)
        .username(&name)
        .password(password)
        .permanent(true)
        .send()
        .await?;
    client.admin_add_user_to_group().user_pool_id(pool).username(&name).group_name("Users").send().await?;
    Ok(name)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = &Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    lambda_runtime::run(service_fn(|event| handle(client, event))).await
}
