//! "Sign in with Google" through a pool's hosted endpoints, with pre-sign-up as its trigger.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::{binary, cloud, native, opens, pool};
use local_cloud::client_environment;
use local_cloud::deployment::deploy;
use local_cloud::hosted_login::sign_in;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{ApiError, Kind, UserPool};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const ADA_AT_GOOGLE: &str = "123456789012345678901";

struct Walk {
    pool: UserPool,
    client: String,
    /// Kept so that the provider runs until the test ends.
    _google: IdentityProvider,
}

impl Walk {
    /// A pool with a Google that knows Ada, and with pre-sign-up attached.
    async fn set(email_verified: bool) -> Self {
        let pool = pool(Kind::EmailAsUsername).await.unwrap();
        let google = IdentityProvider::start(&Toolbox::local_cloud().await.unwrap(), None).await.unwrap();
        google.register(&pool, "Google").await.unwrap();
        let claims = json!({ "email": ADA, "email_verified": email_verified, "given_name": "Ada" });
        google.knows(ADA_AT_GOOGLE, &claims).await.unwrap();
        let client = pool.create_client(&["Google"]).await.unwrap();
        let mut settings = client_environment(pool.endpoint());
        for (name, value) in [("PROVIDERS", "Google:claim"), ("DEFAULT_GROUP", GROUP)] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        let name = format!("pre-sign-up-{}", uuid::Uuid::new_v4().simple());
        let function = deploy(&cloud().unwrap(), &name, &binary("pre-sign-up").unwrap(), &settings).await.unwrap();
        pool.attach(&[("PreSignUp", json!(function))]).await.unwrap();
        Self { pool, client, _google: google }
    }

    async fn sign_in(&self) -> anyhow::Result<Value> {
        sign_in(&self.pool, &self.client, "Google", ADA_AT_GOOGLE).await
    }
}

#[tokio::test]
async fn who_has_a_native_account_signs_in_to_it_from_google() {
    let walk = Walk::set(true).await;
    let before = native(&walk.pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let token = walk.sign_in().await.unwrap();
    assert_eq!(token["sub"], before.attribute("sub"));
    let after = walk.pool.only_profile_of(ADA).await.unwrap();
    assert_eq!(after.username, before.username);
    assert!(after.has_identity("Google", ADA_AT_GOOGLE) && after.email_verified(), "{after:?}");
    assert!(opens(&walk.pool, ADA, PASSWORD).await.unwrap());
}

#[tokio::test]
async fn a_second_sign_in_leads_to_the_same_account_and_makes_no_other() {
    let walk = Walk::set(true).await;
    let first = walk.sign_in().await.unwrap();
    let before = walk.pool.only_profile_of(ADA).await.unwrap();
    let second = walk.sign_in().await.unwrap();
    assert_eq!(first["sub"], second["sub"]);
    let after = walk.pool.only_profile_of(ADA).await.unwrap();
    assert_eq!((after.identities, after.groups), (before.identities, before.groups));
    assert_eq!(walk.pool.profiles().await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_came_from_google_first_can_set_a_password_later() {
    let walk = Walk::set(true).await;
    let token = walk.sign_in().await.unwrap();
    let mut input = json!({ "ClientId": walk.client, "Username": ADA });
    walk.pool.call("ForgotPassword", &input).await.unwrap();
    input["ConfirmationCode"] = json!("654321");
    input["Password"] = json!(PASSWORD);
    walk.pool.call("ConfirmForgotPassword", &input).await.unwrap();
    assert!(opens(&walk.pool, ADA, PASSWORD).await.unwrap());
    let ada = walk.pool.only_profile_of(ADA).await.unwrap();
    assert_eq!(token["sub"], ada.attribute("sub"));
    assert!(ada.has_identity("Google", ADA_AT_GOOGLE) && ada.groups == [GROUP], "{ada:?}");
}

#[tokio::test]
async fn an_unproven_address_is_refused_with_our_text_at_the_client() {
    let walk = Walk::set(false).await;
    let before = native(&walk.pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let error = walk.sign_in().await.unwrap_err();
    let refusal = error.downcast_ref::<ApiError>().unwrap();
    assert!(refusal.message.contains("This email address is already in use"), "{refusal}");
    assert!(!refusal.message.contains(ADA), "{refusal}");
    assert_eq!(walk.pool.profiles().await.unwrap(), [before]);
}
