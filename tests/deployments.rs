//! The template deployed by `sam deploy` in other shapes than the stack that the other tests use.
//!
//! The local cloud knows no identity providers, branding, log delivery and alarms that calculate, so these are only
//! linted (`template_lint`).

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::template::texts;
use end_to_end::{Cli, cloud, native, pool};
use local_cloud::function::{ALL, Binaries};
use local_cloud::http::Http;
use local_cloud::layout;
use local_cloud::seed::PASSWORD;
use local_cloud::stack::sam::{BUCKET, Sam};
use local_cloud::stack::{completion, template};
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use totp_rs::{Algorithm, Secret, TOTP};

const SES: &str = "arn:aws:ses:eu-central-1:000000000000:identity/mail.example.com";

/// What every deployment here has in common.
const COMMON: [(&str, &str); 3] = [
    ("Architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }),
    ("DeletionProtection", "INACTIVE"),
    ("Monitoring", "false"),
];

/// The account API with what it cannot do without.
const API: [(&str, &str); 4] =
    [("AccountApi", "on"), ("SesIdentityArn", SES), ("EmailFrom", "accounts@mail.example.com"), ("AppName", "Example")];

/// Deploys as the manual says, and gives the stack's outputs.
async fn deploy(name: &str, parameters: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
    let (endpoint, staged) = (cloud().unwrap(), staged(name));
    Http::default().send_body("PUT", &format!("{endpoint}/{BUCKET}"), &[], "").await.unwrap();
    let sam = Sam::install().await.unwrap();
    let all = COMMON.iter().chain(parameters).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    sam.deploy(&endpoint, name, &staged, &all).await.map_err(|why| format!("{why:#}"))?;
    Ok(sam.outputs(&endpoint, name, &staged).await.unwrap())
}

/// The template with something small instead of the functions, because nothing here calls one.
fn staged(name: &str) -> PathBuf {
    let folder = layout::local().join("deployments").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let code = folder.join("nothing");
    std::fs::write(&code, "#!/bin/sh\n").unwrap();
    template::stage(&folder, &Binaries::of(ALL.map(|function| (function, code.clone())))).unwrap()
}

fn user_pool(outputs: &BTreeMap<String, String>) -> UserPool {
    UserPool::open(&cloud().unwrap(), &outputs["UserPoolId"])
}

async fn settings(pool: &UserPool) -> Value {
    pool.admin("DescribeUserPool", json!({})).await.unwrap()["UserPool"].take()
}

/// The environment of a deployed function.
async fn variables(outputs: &BTreeMap<String, String>, function: &str) -> Value {
    let name = outputs[&format!("{function}FunctionArn")].rsplit(':').next().unwrap().to_owned();
    let url = format!("{}/2015-03-31/functions/{name}/configuration", cloud().unwrap());
    Http::default().get(&url).await.unwrap().json().unwrap()["Environment"]["Variables"].take()
}

/// An app client as the pool has it.
async fn client(outputs: &BTreeMap<String, String>, name: &str) -> Value {
    let input = json!({ "ClientId": outputs[name] });
    user_pool(outputs).admin("DescribeUserPoolClient", input).await.unwrap()["UserPoolClient"].take()
}

/// What nothing completes after the deployment, so it is the template's own.
async fn check_clients(outputs: &BTreeMap<String, String>) {
    let frontend = client(outputs, "FrontendClientId").await;
    let backend = client(outputs, "BackendClientId").await;
    for own in [&frontend, &backend] {
        assert!(own["ClientSecret"].is_null(), "{own}");
    }
    // Only what an application shows, and nothing of others to write.
    let essential = ["email", "email_verified", "family_name", "given_name", "locale", "name", "picture"];
    assert_eq!(texts(&frontend["ReadAttributes"]), BTreeSet::from(essential.map(str::to_owned)));
    assert_eq!(frontend["WriteAttributes"], json!(["locale"]));
    assert!(backend["ExplicitAuthFlows"].as_array().unwrap().contains(&json!("ALLOW_ADMIN_USER_PASSWORD_AUTH")));
    let schema = settings(&user_pool(outputs)).await["SchemaAttributes"].take();
    let schema: Vec<_> =
        schema.as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap().to_owned()).collect();
    assert!(schema.contains(&"custom:idp_subject".to_owned()), "{schema:?}");
    // The `sub` can always be read, and never be written; `identities` belongs to no client.
    let known: BTreeSet<_> = schema.into_iter().filter(|name| name != "sub" && name != "identities").collect();
    assert_eq!(texts(&backend["ReadAttributes"]), known);
    let written = known.into_iter().filter(|name| !name.ends_with("_verified")).collect();
    assert_eq!(texts(&backend["WriteAttributes"]), written);
}

/// Somebody adds an authenticator app and needs it at the next sign-in. The local cloud remembers no devices.
async fn use_authenticator_app(outputs: &BTreeMap<String, String>) {
    let pool = user_pool(outputs);
    completion::numbers(&pool).await.unwrap();
    let ada = native(&pool, Kind::EmailAsUsername, "ada@example.com").await.unwrap();
    let parameters = json!({ "USERNAME": ada.username, "PASSWORD": PASSWORD });
    let input = json!({ "ClientId": outputs["BackendClientId"], "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": parameters });
    let signed_in = pool.admin("AdminInitiateAuth", input.clone()).await.unwrap();
    let token = &signed_in["AuthenticationResult"]["AccessToken"];
    let secret = pool.call("AssociateSoftwareToken", &json!({ "AccessToken": token })).await.unwrap();
    let secret = Secret::Encoded(secret["SecretCode"].as_str().unwrap().to_owned()).to_bytes().unwrap();
    let app = TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, secret);
    let verify = json!({ "AccessToken": token, "UserCode": app.generate_current().unwrap() });
    assert_eq!(pool.call("VerifySoftwareToken", &verify).await.unwrap()["Status"], "SUCCESS");
    let prefer = json!({ "Enabled": true, "PreferredMfa": true });
    pool.call("SetUserMFAPreference", &json!({ "AccessToken": token, "SoftwareTokenMfaSettings": prefer }))
        .await
        .unwrap();
    let challenge = pool.admin("AdminInitiateAuth", input).await.unwrap();
    assert_eq!(challenge["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let answer = json!({ "USERNAME": ada.username, "SOFTWARE_TOKEN_MFA_CODE": app.generate_current().unwrap() });
    let input = json!({ "ClientId": outputs["BackendClientId"], "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": challenge["Session"], "ChallengeResponses": answer });
    let signed_in = pool.admin("AdminRespondToAuthChallenge", input).await.unwrap();
    assert!(signed_in["AuthenticationResult"]["AccessToken"].is_string());
    let devices = &settings(&pool).await["DeviceConfiguration"];
    assert_eq!(devices["DeviceOnlyRememberedOnUserPrompt"].to_string().trim_matches('"'), "false");
}

#[tokio::test]
async fn sign_in_pages_in_the_smallest_plan() {
    let parameters =
        [("UserPoolTier", "LITE"), ("DomainPrefix", "sign-in-of-many"), ("SubjectAttribute", "custom:idp_subject")];
    let outputs = deploy("smallest-plan", &parameters).await.unwrap();
    check_clients(&outputs).await;
    use_authenticator_app(&outputs).await;
    assert!(outputs["SignInUrl"].contains("sign-in-of-many"), "{outputs:?}");
    let pool = settings(&user_pool(&outputs)).await;
    assert_eq!(pool["UsernameAttributes"], json!(["email"]));
    assert_eq!(pool["LambdaConfig"]["PreSignUp"], outputs["PreSignUpFunctionArn"]);
    assert!(pool["LambdaConfig"]["CustomMessage"].is_null());
    assert!(!outputs.contains_key("AccountApiUrl"));
}

#[tokio::test]
async fn a_pool_in_which_only_administrators_create_accounts() {
    let invites = [
        ("PoolKind", "email-alias"),
        ("Invitations", "members"),
        ("AdminGroup", "admins"),
        ("Pages", "on"),
        ("DomainPrefix", "none"),
    ];
    let outputs = deploy("admins-only", &[&API[..], &invites].concat()).await.unwrap();
    let pool = settings(&user_pool(&outputs)).await;
    assert_eq!(pool["AliasAttributes"], json!(["email"]));
    assert_eq!(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"].to_string().trim_matches('"'), "true");
    let own = variables(&outputs, "PreSignUp").await;
    assert_eq!((&own["NEWCOMERS"], &own["NATIVE_USERNAME"]), (&json!("invited"), &json!("uuid")));
    assert!(outputs.contains_key("AccountApiUrl"));
}

#[tokio::test]
async fn the_functions_for_a_pool_that_exists() {
    let existing = pool(Kind::EmailAsUsername).await.unwrap();
    let client = existing.create_client(&[]).await.unwrap();
    let before = settings(&existing).await;
    let parameters = [
        ("ExistingUserPoolId", existing.id()),
        ("ApiClientIds", client.as_str()),
        ("DefaultGroup", "Users"),
        ("WatchDelivery", "on"),
    ];
    let outputs = deploy("existing-pool", &[&API[..], &parameters].concat()).await.unwrap();
    assert_eq!(outputs["UserPoolId"], existing.id());
    assert!(outputs["PreSignUpFunctionArn"].contains(":function:") && !outputs.contains_key("FrontendClientId"));
    assert!(!variables(&outputs, "PostConfirmation").await["RETRY_QUEUE_URL"].as_str().unwrap().is_empty());
    assert_eq!(settings(&existing).await, before, "the stack changed a pool that is not its own");
    // Its mails are counted by what SES makes of them.
    let functions = Http::default().get(&format!("{}/2015-03-31/functions", cloud().unwrap())).await.unwrap().json();
    let all = functions.unwrap()["Functions"].take();
    let is_own = |one: &&Value| one["FunctionName"].as_str().unwrap().starts_with("existing-pool-AccountApi");
    let api = all.as_array().unwrap().iter().find(is_own).unwrap();
    let set = api["Environment"]["Variables"]["SES_CONFIGURATION_SET"].as_str().unwrap();
    assert!(!set.is_empty() && set != "MailEvents", "{set}");
    let name = api["FunctionName"].as_str().unwrap();
    let doctor = ["doctor", "--user-pool-id", existing.id(), "--account-api", name, "--output", "json"];
    let report = Cli::new().unwrap().run(&doctor).await.unwrap().json().unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let of_api: Vec<_> =
        findings.map(|one| one["code"].as_str().unwrap()).filter(|code| code.contains("api")).collect();
    // Nobody verified that sender.
    assert_eq!(of_api, ["account_api_sender_unverified", "account_api_secret_not_checked"]);
}
