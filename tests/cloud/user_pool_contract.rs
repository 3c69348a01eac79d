//! The AWS adapter keeps the same contract as the memory pool.

use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::{AwsInvitations, AwsUserPools};
use cognito_core::user_pool::contract::{check_administration, check_all, check_invitations};
use cognito_core::user_pool::memory::PoolKind;
use end_to_end::pool;
use local_cloud::user_pool::Kind;
use serde_json::json;

async fn check(kind: Kind) {
    let pool = pool(kind).await.unwrap();
    let google = json!({ "ProviderName": "Google", "ProviderType": "Google", "ProviderDetails": {} });
    pool.admin("CreateIdentityProvider", google).await.unwrap();
    let adapter = AwsUserPools::from_lookup(&|name| std::env::var(name).ok()).unwrap().pool(pool.id());
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let kind = match kind {
        Kind::EmailAsUsername => PoolKind::EmailUserNames,
        Kind::EmailAsAlias => PoolKind::EmailAlias,
        Kind::UserName => PoolKind::UserNames,
    };
    check_all(&adapter, &unique[..8], kind).await.unwrap();
    let client = json!({
        "ClientName": "backend", "GenerateSecret": true, "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
    });
    let client = pool.admin("CreateUserPoolClient", client).await.unwrap();
    let client = client["UserPoolClient"]["ClientId"].as_str().unwrap();
    check_administration(&adapter, client, &unique[..8], kind).await.unwrap();
    let invitations = AwsInvitations::new(adapter.clone(), client);
    check_invitations(&adapter, &invitations, &unique[..8], kind).await.unwrap();
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_where_the_email_is_the_user_name() {
    check(Kind::EmailAsUsername).await;
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_where_the_email_is_no_name() {
    check(Kind::UserName).await;
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_where_the_email_is_an_alias() {
    check(Kind::EmailAsAlias).await;
}
