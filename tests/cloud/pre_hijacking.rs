//! An attacker who knows nothing but the victim's address, and is there first.
//!
//! The classes are those of Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022).
//! Each test lets the attacker plant something, lets the victim arrive from Google, and then tries
//! what was planted.

use end_to_end::{Google, function, native, opens, pool, pool_with, registers};
use local_cloud::event;
use local_cloud::runtime_api::{Function, FunctionError};
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::{Kind, Profile, UserPool};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const ADA_AT_GOOGLE: &str = "123456789012345678901";
const ATTACKER: &str = "attacker@example.net";
const ATTACKER_AT_FACEBOOK: &str = "6660000000000001";
const PROVIDERS: &str = "Google:claim,Facebook:always,Careless:claim,MultiTenant:never";

/// A pool, and an attacker's account in it that has the victim's address.
struct Planted {
    pool: UserPool,
    client: String,
    session: Value,
}

impl Planted {
    /// Registers the victim's address, and gets the account confirmed by an administrator who
    /// checks nothing: the address stays unverified, and the attacker is signed in.
    async fn confirmed() -> Self {
        let planted = Self::unconfirmed().await;
        planted.pool.admin("AdminConfirmSignUp", json!({ "Username": ADA })).await.unwrap();
        let session = planted.pool.sign_in(&planted.client, ADA, PASSWORD).await.unwrap();
        assert!(session["AccessToken"].is_string() && session["RefreshToken"].is_string(), "{session}");
        Self { session, ..planted }
    }

    async fn unconfirmed() -> Self {
        let pool = pool(Kind::EmailAsUsername).await.unwrap();
        let client = registers(&pool, ADA).await.unwrap();
        Self { pool, client, session: Value::Null }
    }

    async fn account(&self) -> Profile {
        self.pool.only_profile_of(ADA).await.unwrap()
    }

    /// By default a confirmed account is left alone and the victim is told to sign in to it.
    async fn is_refused_by_default(&self) {
        let before = self.account().await;
        let refusal = arrive(&self.pool, &pre_sign_up("replace").await, google()).await.unwrap_err();
        assert_eq!(refusal.error_type, "unverified_profile");
        assert_eq!(self.account().await, before);
    }

    /// With `UNVERIFIED_PROFILE=reclaim` the victim gets the account.
    async fn is_reclaimed(&self) -> Profile {
        arrive(&self.pool, &pre_sign_up("reclaim").await, google()).await.unwrap();
        let account = self.account().await;
        assert!(account.has_identity("Google", ADA_AT_GOOGLE) && account.email_verified(), "{account:?}");
        account
    }

    /// Whether the attacker's token still opens the account.
    async fn has_session(&self) -> bool {
        let refresh = json!({
            "ClientId": self.client,
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": { "REFRESH_TOKEN": self.session["RefreshToken"] },
        });
        let access = json!({ "AccessToken": self.session["AccessToken"] });
        self.pool.call("InitiateAuth", &refresh).await.is_ok() || self.pool.call("GetUser", &access).await.is_ok()
    }
}

async fn pre_sign_up(unverified_profile: &str) -> Function {
    let settings = [("PROVIDERS", PROVIDERS), ("DEFAULT_GROUP", GROUP), ("UNVERIFIED_PROFILE", unverified_profile)];
    function("pre-sign-up", &settings).await.unwrap()
}

/// What Cognito sends when this identity signs in for the first time.
fn identity(user_name: &str, email_verified: bool) -> impl FnOnce(&mut Value) + use<> {
    let user_name = user_name.to_owned();
    move |event| {
        event["userName"] = json!(user_name);
        event["request"]["userAttributes"]["email"] = json!(ADA);
        event["request"]["userAttributes"]["email_verified"] = json!(email_verified.to_string());
    }
}

fn google() -> impl FnOnce(&mut Value) {
    identity(&format!("Google_{ADA_AT_GOOGLE}"), true)
}

async fn arrive(pool: &UserPool, function: &Function, who: impl FnOnce(&mut Value)) -> Result<Value, FunctionError> {
    let mut event = event::load("pre-sign-up/google", pool).unwrap();
    who(&mut event);
    function.invoke(&event).await.unwrap()
}

#[tokio::test]
async fn class_1_classic_federated_merge_leaves_the_planted_password_dead() {
    let planted = Planted::unconfirmed().await;
    let before = planted.account().await;
    arrive(&planted.pool, &pre_sign_up("replace").await, google()).await.unwrap();
    let account = planted.account().await;
    assert_ne!(account.attribute("sub"), before.attribute("sub"), "the attacker's account was kept");
    assert!(account.has_identity("Google", ADA_AT_GOOGLE) && account.groups == [GROUP], "{account:?}");
    assert!(!opens(&planted.pool, ADA, PASSWORD).await.unwrap(), "the planted password opens the account");
    // Nor does a code that was sent for the attacker's registration confirm anything.
    let confirm = json!({ "ClientId": planted.client, "Username": ADA, "ConfirmationCode": "123456" });
    assert!(planted.pool.call("ConfirmSignUp", &confirm).await.is_err());
}

#[tokio::test]
async fn class_2_unexpired_session_ends_before_the_account_is_the_victims() {
    let planted = Planted::confirmed().await;
    assert!(planted.has_session().await, "the attacker is not signed in, so the test proves nothing");
    planted.is_refused_by_default().await;
    planted.is_reclaimed().await;
    assert!(!planted.has_session().await, "the attacker's session survived");
    assert!(!opens(&planted.pool, ADA, PASSWORD).await.unwrap(), "the planted password opens the account");
}

#[tokio::test]
async fn class_3_trojan_identifiers_are_gone_before_the_account_is_the_victims() {
    let planted = Planted::confirmed().await;
    planted.pool.set(ADA, &[("phone_number", "+15550100")]).await.unwrap();
    planted.is_refused_by_default().await;
    let account = planted.is_reclaimed().await;
    assert_eq!((account.identities.len(), account.attribute("phone_number")), (1, ""));
}

/// An identity that signs in to the account makes it somebody's, and then nobody shares it and nobody is given it.
#[tokio::test]
async fn class_3_a_trojan_identity_keeps_the_account_from_becoming_the_victims() {
    let planted = Planted::confirmed().await;
    let own = planted.account().await.username;
    planted.pool.link(&own, "Facebook", ATTACKER_AT_FACEBOOK).await.unwrap();
    let before = planted.account().await;
    assert!(before.has_identity("Facebook", ATTACKER_AT_FACEBOOK) && !before.email_verified());
    for policy in ["replace", "refuse", "reclaim"] {
        let refusal = arrive(&planted.pool, &pre_sign_up(policy).await, google()).await.unwrap_err();
        assert_eq!(refusal.error_type, "linked_profile", "{policy}");
    }
    assert_eq!(planted.account().await, before);
}

#[tokio::test]
async fn class_4_unexpired_email_change_cannot_be_completed_afterwards() {
    let planted = Planted::confirmed().await;
    let change = json!({
        "AccessToken": planted.session["AccessToken"],
        "UserAttributes": [{ "Name": "email", "Value": ATTACKER }],
    });
    planted.pool.call("UpdateUserAttributes", &change).await.unwrap();
    planted.is_refused_by_default().await;
    planted.is_reclaimed().await;
    for code in ["123456", "654321", "000000"] {
        let complete = json!({ "AccessToken": planted.session["AccessToken"], "AttributeName": "email", "Code": code });
        assert!(planted.pool.call("VerifyUserAttribute", &complete).await.is_err(), "the change was completed");
    }
    let account = planted.account().await;
    assert!(account.attribute("email") == ADA && account.email_verified(), "{account:?}");
}

#[tokio::test]
async fn class_5_non_verifying_provider_used_first_gives_no_share_in_the_victims_account() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = pre_sign_up("replace").await;
    // Nobody has the address, so Cognito makes the attacker a stand-alone profile, and no more.
    let answer = arrive(&pool, &function, identity("Careless_666", false)).await.unwrap();
    assert_eq!(answer["response"]["autoVerifyEmail"], false);
    assert_eq!(pool.profiles().await.unwrap(), []);
    arrive(&pool, &function, google()).await.unwrap();
    let account = pool.only_profile_of(ADA).await.unwrap();
    assert_eq!(account.identities.len(), 1);
    assert!(account.has_identity("Google", ADA_AT_GOOGLE), "{account:?}");
}

#[tokio::test]
async fn a_non_verifying_provider_does_not_open_an_account_that_is_there() {
    let (pool, before) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let refusal = arrive(&pool, &pre_sign_up("reclaim").await, identity("Careless_666", false)).await.unwrap_err();
    assert_eq!(refusal.error_type, "unproven_email");
    assert_eq!(pool.profiles().await.unwrap(), [before]);
}

/// The administrator of any tenant can set any address and call it verified (Descope, "nOAuth", 2023).
#[tokio::test]
async fn n_o_auth_a_tenants_claim_of_a_verified_address_opens_nothing() {
    let (pool, before) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    let function = pre_sign_up("reclaim").await;
    for user_name in ["MultiTenant_666", "NotListed_666"] {
        let refusal = arrive(&pool, &function, identity(user_name, true)).await.unwrap_err();
        assert_eq!(refusal.error_type, "unproven_email", "{user_name}");
    }
    assert_eq!(pool.profiles().await.unwrap(), [before]);
}

/// Nobody has proven the address, so nobody keeps the victim from registering it.
#[tokio::test]
async fn who_proved_nothing_does_not_keep_the_victim_from_registering() {
    let pool = pool(Kind::EmailAsAlias).await.unwrap();
    let attacker = Google::start().await.unwrap().stands_alone(&pool, "666", ADA, false).await.unwrap();
    let linked = native(&pool, Kind::EmailAsAlias, ATTACKER).await.unwrap();
    pool.link(&linked.username, "Facebook", ATTACKER_AT_FACEBOOK).await.unwrap();
    pool.set(&linked.username, &[("email", ADA), ("email_verified", "false")]).await.unwrap();
    let settings = [("PROVIDERS", PROVIDERS), ("NATIVE_SIGN_UP", "unique"), ("NATIVE_USERNAME", "uuid")];
    let function = function("pre-sign-up", &settings).await.unwrap();
    let mut registration = event::load("pre-sign-up/native", &pool).unwrap();
    registration["userName"] = json!("ada");
    registration["request"]["userAttributes"]["email"] = json!(ADA);
    assert_eq!(function.invoke(&registration).await.unwrap(), Ok(registration.clone()));
    // Whoever proved it does.
    pool.set(&attacker.username, &[("email_verified", "true")]).await.unwrap();
    assert_eq!(function.invoke(&registration).await.unwrap().unwrap_err().error_type, "native_email_in_use");
}

/// Cognito takes a `sub` wherever it takes a user name, so each call for the attacker's profile may reach the victim's.
#[tokio::test]
async fn a_profile_named_as_the_victims_sub_changes_nothing_of_the_victims() {
    let (pool, victim) = pool_with(Kind::EmailAsAlias, "grace@example.com").await.unwrap();
    let name = victim.attribute("sub").to_owned();
    let client = pool.create_client(&[]).await.unwrap();
    let attributes = json!([{ "Name": "email", "Value": ADA }]);
    let input = json!({ "ClientId": client, "Username": name, "Password": PASSWORD, "UserAttributes": attributes });
    pool.call("SignUp", &input).await.unwrap();
    let planted = pool.only_profile_of(ADA).await.unwrap();
    assert_eq!(planted.username, name);
    // Deleting and creating; then taking over, with its password, sessions, factors, mark and link.
    for (policy, confirmed) in [("replace", false), ("reclaim", true)] {
        if confirmed {
            pool.admin("AdminConfirmSignUp", json!({ "Username": name })).await.unwrap();
        }
        let settings = [("PROVIDERS", PROVIDERS), ("UNVERIFIED_PROFILE", policy), ("NATIVE_USERNAME", "uuid")];
        let function = function("pre-sign-up", &settings).await.unwrap();
        assert_eq!(arrive(&pool, &function, google()).await.unwrap_err().error_type, "borrowed_sub", "{policy}");
    }
    // The group, the mark, and the end of what is open.
    let settings = [("PROVIDERS", "Google:always"), ("DEFAULT_GROUP", GROUP), ("REPAIR", "linked")];
    let function = function("post-confirmation", &settings).await.unwrap();
    for sample in ["post-confirmation/sign-up", "post-confirmation/federated", "post-confirmation/forgot-password"] {
        let mut event = event::load(sample, &pool).unwrap();
        event["userName"] = json!(name);
        event["request"]["userAttributes"]["sub"] = json!(planted.attribute("sub"));
        event["request"]["userAttributes"]["email_verified"] = json!("false");
        assert_eq!(function.invoke(&event).await.unwrap(), Ok(event), "{sample}");
    }
    let is = pool.profiles().await.unwrap().into_iter().find(|profile| profile.attribute("sub") == name).unwrap();
    assert_eq!((is.groups.is_empty(), is), (true, victim));
}
