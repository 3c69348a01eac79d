//! The post-authentication binary against a pool.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{function, native, pool};
use local_cloud::event;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::json;

const ADA: &str = "ada@example.com";
const AT_FACEBOOK: &str = "10223344556677889";

/// Ada's native account with a Facebook identity, as a sign-in from Facebook leaves it: Cognito wrote the address
/// again, so it is no longer verified.
async fn ada_after_facebook(pool: &UserPool) {
    let ada = native(pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let link = json!({
        "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": ada.username },
        "SourceUser": {
            "ProviderName": "Facebook",
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": AT_FACEBOOK,
        },
    });
    pool.admin("AdminLinkProviderForUser", link).await.unwrap();
    let reset = json!([{ "Name": "email_verified", "Value": "false" }]);
    let input = json!({ "Username": ada.username, "UserAttributes": reset });
    pool.admin("AdminUpdateUserAttributes", input).await.unwrap();
}

async fn verified_after_sign_in(providers: &str) -> bool {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    ada_after_facebook(&pool).await;
    let function = function("post-authentication", &[("PROVIDERS", providers), ("REPAIR", "linked")]).await.unwrap();
    let ada = pool.only_profile_of(ADA).await.unwrap();
    let event = event::about(event::load("post-authentication/linked-native", &pool).unwrap(), &ada);
    assert_eq!(function.invoke(&event).await.unwrap(), Ok(event));
    pool.only_profile_of(ADA).await.unwrap().email_verified()
}

#[tokio::test]
async fn a_provider_that_is_always_trusted_repairs_the_address() {
    assert!(verified_after_sign_in("Facebook:always").await);
}

#[tokio::test]
async fn without_that_trust_the_address_stays_unverified() {
    assert!(!verified_after_sign_in("Facebook:claim").await);
    assert!(!verified_after_sign_in("Facebook:never").await);
    assert!(!verified_after_sign_in("Google:always").await);
}
