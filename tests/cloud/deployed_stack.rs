//! The deployed template at work. Sign-ins go through the pool's hosted endpoints with every trigger attached. The
//! tests invoke the deployed functions that the local cloud does not call itself.

use end_to_end::{native, sqs};
use local_cloud::event;
use local_cloud::hosted_login::sign_in;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::local_stack::Address;
use local_cloud::outbox::last_mail;
use local_cloud::seed::PASSWORD;
use local_cloud::stack::GROUP;
use local_cloud::user_pool::{Kind, Profile, UserPool};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One person and the stack that they sign in to. All tests share the stack, so no person appears in two of them.
struct Visit {
    address: Address,
    pool: UserPool,
    email: String,
    subject: String,
}

impl Visit {
    fn begin(name: &str) -> Self {
        let address = Address::from_environment().unwrap();
        let pool = address.stack.pool().unwrap();
        Self { pool, address, email: format!("{name}@example.com"), subject: format!("subject-of-{name}") }
    }

    fn provider(&self, name: &str) -> IdentityProvider {
        IdentityProvider::at(if name == "Facebook" { &self.address.facebook } else { &self.address.google })
    }

    /// Makes the provider send `claims` about the person, in addition to the address.
    async fn is_known_to(&self, provider: &str, mut claims: Value) {
        claims["email"] = json!(self.email);
        self.provider(provider).knows(&self.subject, &claims).await.unwrap();
    }

    async fn sign_in(&self, provider: &str) -> anyhow::Result<Value> {
        let client = self.address.stack.output("FrontendClientId")?;
        sign_in(&self.pool, client, provider, &self.subject).await
    }

    /// Signs in with a password at the backend client. Returns the `sub` of the account.
    async fn sign_in_with_password(&self, password: &str) -> anyhow::Result<String> {
        let client = self.address.stack.output("BackendClientId")?;
        let input = json!({
            "ClientId": client,
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": self.email, "PASSWORD": password },
        });
        let session = self.pool.admin("AdminInitiateAuth", input).await?;
        let token = session["AuthenticationResult"]["AccessToken"].clone();
        let user = self.pool.call("GetUser", &json!({ "AccessToken": token })).await?;
        let attributes = user["UserAttributes"].as_array().unwrap();
        let sub = attributes.iter().find(|attribute| attribute["Name"] == "sub").unwrap();
        Ok(sub["Value"].as_str().unwrap().to_owned())
    }

    async fn profile(&self) -> Profile {
        self.pool.only_profile_of(&self.email).await.unwrap()
    }

    /// The profile without the claims that differ between ID tokens. The local cloud stores claims that are not mapped.
    async fn settled_profile(&self) -> Profile {
        let mut profile = self.profile().await;
        profile.attributes.remove("at_hash");
        profile
    }

    async fn invoke(&self, trigger: &str, event: &Value) -> Value {
        self.address.stack.invoke(trigger, event).await.unwrap()
    }
}

#[tokio::test]
async fn who_has_an_account_signs_in_to_it_from_google_and_keeps_the_group() {
    let visit = Visit::begin("native-then-google");
    let before = native(&visit.pool, Kind::EmailAsUsername, &visit.email).await.unwrap();
    let group = json!({ "Username": before.username, "GroupName": GROUP });
    visit.pool.admin("AdminAddUserToGroup", group).await.unwrap();
    visit.is_known_to("Google", json!({ "email_verified": true })).await;

    let token = visit.sign_in("Google").await.unwrap();

    let after = visit.profile().await;
    assert_eq!(token["sub"], before.attribute("sub"));
    assert!(after.has_identity("Google", &visit.subject) && after.email_verified(), "{after:?}");
    assert_eq!((after.status.as_str(), after.groups), ("CONFIRMED", vec![GROUP.to_owned()]));
    assert_eq!(visit.sign_in_with_password(PASSWORD).await.unwrap(), before.attribute("sub"));
}

#[tokio::test]
async fn who_came_from_google_first_can_set_a_password_later() {
    let visit = Visit::begin("google-then-password");
    visit.is_known_to("Google", json!({ "email_verified": true, "given_name": "Grace" })).await;
    let token = visit.sign_in("Google").await.unwrap();
    let made = visit.profile().await;
    assert_eq!((made.status.as_str(), made.groups.as_slice()), ("CONFIRMED", &[GROUP.to_owned()][..]));
    assert_eq!(made.attribute("given_name"), "Grace");

    let client = visit.address.stack.output("FrontendClientId").unwrap();
    let mut input = json!({ "ClientId": client, "Username": visit.email });
    visit.pool.call("ForgotPassword", &input).await.unwrap();
    input["ConfirmationCode"] = json!("654321");
    input["Password"] = json!(PASSWORD);
    visit.pool.call("ConfirmForgotPassword", &input).await.unwrap();

    assert_eq!(visit.sign_in_with_password(PASSWORD).await.unwrap(), token["sub"].as_str().unwrap());
    assert!(visit.profile().await.has_identity("Google", &visit.subject));
}

#[tokio::test]
async fn two_providers_with_one_proven_address_are_one_account() {
    let visit = Visit::begin("google-and-facebook");
    visit.is_known_to("Google", json!({ "email_verified": true })).await;
    visit.is_known_to("Facebook", json!({ "first_name": "Katherine" })).await;

    let from_google = visit.sign_in("Google").await.unwrap();
    let from_facebook = visit.sign_in("Facebook").await.unwrap();

    assert_eq!(from_google["sub"], from_facebook["sub"]);
    let profile = visit.profile().await;
    assert!(profile.has_identity("Google", &visit.subject) && profile.has_identity("Facebook", &visit.subject));
    assert_eq!(profile.attribute("given_name"), "Katherine", "what Facebook calls first_name is mapped");
}

#[tokio::test]
async fn an_unproven_address_that_somebody_has_is_not_stored_and_opens_nothing() {
    let visit = Visit::begin("unproven");
    let before = native(&visit.pool, Kind::EmailAsUsername, &visit.email).await.unwrap();
    visit.is_known_to("Google", json!({ "email_verified": false })).await;

    let token = visit.sign_in("Google").await.unwrap();

    assert_ne!(token["sub"], before.attribute("sub"));
    // It is still the only profile that has the address.
    assert_eq!(visit.profile().await, before);
}

/// In the last sign-in, the provider sends an address that the person did not prove.
#[tokio::test]
async fn an_unproven_address_is_not_written_over_the_proven_one_of_a_linked_account() {
    let mut visit = Visit::begin("proven-before");
    visit.is_known_to("Google", json!({ "email_verified": true })).await;
    let first = visit.sign_in("Google").await.unwrap();
    let before = visit.settled_profile().await;
    let proven = std::mem::replace(&mut visit.email, "somebody-elses@example.com".to_owned());
    visit.is_known_to("Google", json!({ "email_verified": false })).await;

    let second = visit.sign_in("Google").await.unwrap();

    visit.email = proven;
    assert_eq!(first["sub"], second["sub"]);
    assert_eq!(visit.settled_profile().await, before);
}

#[tokio::test]
async fn a_second_sign_in_changes_nothing() {
    let visit = Visit::begin("twice");
    visit.is_known_to("Google", json!({ "email_verified": true })).await;
    let first = visit.sign_in("Google").await.unwrap();
    let before = visit.settled_profile().await;

    let second = visit.sign_in("Google").await.unwrap();

    assert_eq!(first["sub"], second["sub"]);
    assert_eq!(visit.settled_profile().await, before);
}

#[tokio::test]
async fn a_mixed_case_subject_lands_on_the_same_account_both_times() {
    let mut visit = Visit::begin("mixed-case");
    visit.subject = "aBcDeF-MixedCase-123".to_owned();
    visit.is_known_to("Okta", json!({ "email_verified": true })).await;

    let first = visit.sign_in("Okta").await.unwrap();
    let second = visit.sign_in("Okta").await.unwrap();

    assert_eq!(first["sub"], second["sub"]);
    let profile = visit.profile().await;
    assert!(profile.has_identity("Okta", &visit.subject), "{profile:?}");
    assert_eq!(profile.attribute("custom:idp_subject"), visit.subject);
}

#[tokio::test]
async fn an_address_the_provider_does_not_vouch_for_stays_unverified_in_the_token() {
    let visit = Visit::begin("nobody-vouches");
    visit.is_known_to("Google", json!({ "email_verified": false })).await;
    for round in ["first", "second"] {
        let token = visit.sign_in("Google").await.unwrap();
        assert!([json!(null), json!(false), json!("false")].contains(&token["email_verified"]), "{round}: {token}");
    }
    let profiles = visit.pool.profiles().await.unwrap();
    assert!(profiles.iter().all(|profile| profile.attribute("email") != visit.email), "{profiles:?}");
}

#[tokio::test]
async fn an_invitation_is_our_message() {
    let visit = Visit::begin("invited");
    let attributes = json!([{ "Name": "email", "Value": visit.email }]);
    let invitation = json!({
        "Username": visit.email, "UserAttributes": attributes, "DesiredDeliveryMediums": ["EMAIL"],
    });
    visit.pool.admin("AdminCreateUser", invitation).await.unwrap();

    let mail = last_mail(visit.address.stack.endpoint(), &visit.email).await.unwrap().to_string();
    assert!(mail.contains("Example"), "{mail}");
    assert!(!mail.contains("{####}") && !mail.contains("{username}"), "{mail}");
}

#[tokio::test]
async fn a_registration_is_answered_with_our_message() {
    let visit = Visit::begin("registers");
    let event = event::load("custom-message/sign-up", &visit.pool).unwrap();
    let answer = visit.invoke("CustomMessage", &event).await;
    let message = answer["response"]["emailMessage"].as_str().unwrap();
    assert!(message.contains("{####}") && message.contains("Example"), "{message}");
}

#[tokio::test]
async fn after_its_confirmation_an_account_is_in_the_group() {
    let visit = Visit::begin("confirms");
    let before = native(&visit.pool, Kind::EmailAsUsername, &visit.email).await.unwrap();
    assert!(before.groups.is_empty());
    let event = event::about(event::load("post-confirmation/sign-up", &visit.pool).unwrap(), &before);
    let answer = visit.invoke("PostConfirmation", &event).await;
    assert_eq!(answer, event, "the event goes back as it came");
    assert_eq!(visit.profile().await.groups, [GROUP]);
}

/// The queue delivers after half a minute; nothing else writes the membership then.
#[tokio::test]
async fn a_membership_that_cognito_could_not_write_is_written_by_the_stack_itself() {
    let visit = Visit::begin("waits");
    let before = native(&visit.pool, Kind::EmailAsUsername, &visit.email).await.unwrap();
    let settings = visit.address.stack.settings_of("PostConfirmation").await.unwrap();
    let queue = settings["RETRY_QUEUE_URL"].as_str().unwrap();
    let body = json!({ "userPoolId": visit.pool.id(), "userName": before.username, "sub": before.attribute("sub") });
    let input = json!({ "QueueUrl": queue, "MessageBody": body.to_string() });
    sqs(visit.address.stack.endpoint(), "SendMessage", &input).await.unwrap();
    let start = Instant::now();
    while visit.profile().await.groups != [GROUP] {
        assert!(start.elapsed() < Duration::from_mins(1), "the queue did not call the function");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn after_a_sign_in_from_facebook_the_address_is_verified() {
    let visit = Visit::begin("repaired");
    let native = native(&visit.pool, Kind::EmailAsUsername, &visit.email).await.unwrap();
    visit.is_known_to("Facebook", json!({})).await;
    visit.sign_in("Facebook").await.unwrap();
    // Cognito does this at every sign-in if email is mapped and email_verified is not.
    visit.pool.set(&native.username, &[("email_verified", "false")]).await.unwrap();
    let linked = visit.profile().await;
    assert!(linked.has_identity("Facebook", &visit.subject) && !linked.email_verified());

    let event = event::about(event::load("post-authentication/linked-native", &visit.pool).unwrap(), &linked);
    visit.invoke("PostAuthentication", &event).await;

    assert!(visit.profile().await.email_verified());
}

#[tokio::test]
async fn each_function_runs_with_the_rights_and_settings_of_the_template() {
    let address = Address::from_environment().unwrap();
    let settings = address.stack.settings_of("PreSignUp").await.unwrap();
    assert_eq!(settings["PROVIDERS"], local_cloud::stack::PROVIDERS);
    assert_eq!(settings["NATIVE_USERNAME"], "email");
    assert_eq!(settings["SUBJECT_ATTRIBUTE"], "custom:idp_subject");
}
