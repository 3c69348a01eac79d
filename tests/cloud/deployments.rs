//! The templates deployed by `sam deploy` in other shapes than the stack that the other tests use.
//!
//! The local cloud knows no identity providers, branding, log delivery and alarms that calculate, so these are only
//! linted (`template_lint`).

use crate::deployed::{self, parameter};
use end_to_end::listener::Listener;
use end_to_end::template::texts;
use end_to_end::{Cli, Ran, binary, cloud, native, pool};
use local_cloud::event;
use local_cloud::function::Binaries;
use local_cloud::layout;
use local_cloud::seed::PASSWORD;
use local_cloud::stack::completion;
use local_cloud::stack::sam::Sam;
use local_cloud::stack::template::TemplateFile;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const SES: &str = "arn:aws:ses:eu-central-1:000000000000:identity/mail.example.com";

/// What every deployment here has in common.
pub(crate) const COMMON: [(&str, &str); 2] =
    [("Architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }), ("Monitoring", "false")];

/// The sender, and the name in messages, which the account API cannot do without.
const SENDER: [(&str, &str); 3] =
    [("SesIdentityArn", SES), ("EmailFrom", "accounts@mail.example.com"), ("AppName", "Example")];

/// Deploys the pool's template as the manual says, with something small instead of the functions, and gives the stack's
/// outputs.
async fn deploy(name: &str, parameters: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
    let common = [COMMON.as_slice(), &[("DeletionProtection", "INACTIVE")], parameters].concat();
    deploy_with(TemplateFile::Pool, name, &common, nothing).await
}

/// Deploys the account API for a pool, and gives the stack's outputs.
async fn deploy_api(
    name: &str,
    parameters: &[(&str, &str)],
    code: impl Fn(&'static str) -> PathBuf,
) -> BTreeMap<String, String> {
    let all = [COMMON.as_slice(), &SENDER, parameters].concat();
    deploy_with(TemplateFile::AccountApi, name, &all, code).await.unwrap()
}

/// A file that stands for a function that nobody calls.
fn nothing(_: &'static str) -> PathBuf {
    let code = folder("no-code").join("nothing");
    std::fs::write(&code, "#!/bin/sh\n").unwrap();
    code
}

async fn deploy_with(
    template: TemplateFile,
    name: &str,
    parameters: &[(&str, &str)],
    code: impl Fn(&'static str) -> PathBuf,
) -> Result<BTreeMap<String, String>, String> {
    let endpoint = cloud().unwrap();
    let binaries = Binaries::of(template.functions().iter().map(|function| (*function, code(function))));
    let staged = template.stage(&folder(name), &binaries).unwrap();
    let sam = Sam::install().await.unwrap();
    sam.deploy(&endpoint, name, &staged, parameters.iter().copied()).await.map_err(|why| format!("{why:#}"))
}

fn folder(name: &str) -> PathBuf {
    let folder = layout::local().join("deployments").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn user_pool(outputs: &BTreeMap<String, String>) -> UserPool {
    UserPool::open(&cloud().unwrap(), &outputs["UserPoolId"])
}

async fn settings(pool: &UserPool) -> Value {
    pool.admin("DescribeUserPool", json!({})).await.unwrap()["UserPool"].take()
}

/// The environment of a deployed function.
async fn variables(outputs: &BTreeMap<String, String>, function: &str) -> Value {
    deployed::settings_of(&outputs[&format!("{function}FunctionArn")]).await
}

/// The address of the deployed account API, without a slash at its end.
pub(crate) fn api_of(outputs: &BTreeMap<String, String>) -> String {
    format!("{}/_aws/execute-api/{}", cloud().unwrap(), outputs["AccountApiId"])
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

/// Who wants to may use an authenticator app.
async fn check_second_factors(outputs: &BTreeMap<String, String>) {
    let pool = user_pool(outputs);
    let factors = pool.admin("GetUserPoolMfaConfig", json!({})).await.unwrap();
    assert_eq!(factors["MfaConfiguration"], "OPTIONAL");
    assert_eq!(factors["SoftwareTokenMfaConfiguration"]["Enabled"], true);
    let devices = &settings(&pool).await["DeviceConfiguration"];
    assert_eq!(devices["DeviceOnlyRememberedOnUserPrompt"].to_string().trim_matches('"'), "false");
}

#[tokio::test]
async fn sign_in_pages_in_the_smallest_plan() {
    let parameters =
        [("UserPoolTier", "LITE"), ("DomainPrefix", "sign-in-of-many"), ("SubjectAttribute", "custom:idp_subject")];
    let outputs = deploy("smallest-plan", &parameters).await.unwrap();
    check_clients(&outputs).await;
    check_second_factors(&outputs).await;
    assert!(outputs["SignInUrl"].contains("sign-in-of-many"), "{outputs:?}");
    let pool = settings(&user_pool(&outputs)).await;
    assert_eq!(pool["UsernameAttributes"], json!(["email"]));
    assert_eq!(pool["LambdaConfig"]["PreSignUp"], outputs["PreSignUpFunctionArn"]);
    assert!(pool["LambdaConfig"]["CustomMessage"].is_null());
}

#[tokio::test]
async fn a_pool_in_which_only_administrators_create_accounts() {
    let mut outputs = deploy("admins-only", &[("PoolKind", "email-alias"), ("DomainPrefix", "none")]).await.unwrap();
    let invites = [
        ("UserPoolId", outputs["UserPoolId"].as_str()),
        ("ApiClientIds", outputs["FrontendClientId"].as_str()),
        ("PoolKind", "email-alias"),
        ("Invitations", "members"),
        ("AdminGroup", "admins"),
        // The function takes no address of the local cloud, which would be the default.
        ("AppUrl", "https://app.example.com"),
        ("Pages", "on"),
        ("PagesProviders", "COGNITO,Google"),
    ];
    let api = deploy_api("admins-only-api", &invites, |function| binary(function).unwrap()).await;
    let pages = &user_pool(&outputs).admin("DescribeUserPoolClient", json!({ "ClientId": api["PagesClientId"] })).await;
    let pages = &pages.as_ref().unwrap()["UserPoolClient"];
    let own = format!("{}/account", api["AccountApiUrl"]);
    assert_eq!(pages["CallbackURLs"], json!([own, "https://app.example.com/account"]));
    assert_eq!(pages["SupportedIdentityProviders"], json!(["COGNITO", "Google"]));
    outputs.extend(api);
    let pool = settings(&user_pool(&outputs)).await;
    assert_eq!(pool["AliasAttributes"], json!(["email"]));
    assert_eq!(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"].to_string().trim_matches('"'), "true");
    let own = variables(&outputs, "PreSignUp").await;
    assert_eq!((&own["NEWCOMERS"], &own["NATIVE_USERNAME"]), (&json!("invited"), &json!("uuid")));
    let members = Members::of(&outputs).await;
    members_see_invitations(&members).await;
    operators_see_invitations(&members).await;
}

/// A deployed account API whose members invite.
struct Members<'a> {
    outputs: &'a BTreeMap<String, String>,
    pool: UserPool,
    /// The access token of a member.
    token: String,
    /// The access token of somebody else.
    of_nobody: String,
}

impl<'a> Members<'a> {
    async fn of(outputs: &'a BTreeMap<String, String>) -> Self {
        let pool = user_pool(outputs);
        completion::numbers(&pool).await.unwrap();
        pool.create_group("admins").await.unwrap();
        // People sign in with SRP or on the hosted pages. A test has neither.
        let client = json!({ "ClientId": outputs["FrontendClientId"],
            "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
        pool.admin("UpdateUserPoolClient", client).await.unwrap();
        Self::person(&pool, "nobody@example.com").await;
        let of_nobody = Self::token(&pool, outputs, "nobody@example.com").await;
        let email = "admin@example.com";
        Self::person(&pool, email).await;
        pool.admin("AdminAddUserToGroup", json!({ "Username": name_of(email), "GroupName": "admins" })).await.unwrap();
        let token = Self::token(&pool, outputs, email).await;
        Self { outputs, pool, token, of_nobody }
    }

    async fn person(pool: &UserPool, email: &str) {
        pool.add_native(name_of(email), email, PASSWORD).await.unwrap();
    }

    async fn token(pool: &UserPool, outputs: &BTreeMap<String, String>, email: &str) -> String {
        let parameters = json!({ "USERNAME": name_of(email), "PASSWORD": PASSWORD });
        let input = json!({ "ClientId": outputs["FrontendClientId"], "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": parameters });
        let session = pool.admin("AdminInitiateAuth", input).await.unwrap();
        session["AuthenticationResult"]["AccessToken"].as_str().unwrap().to_owned()
    }

    /// Sends a request through the API gateway.
    async fn send(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> (u16, Value) {
        for _ in 0..TRIES {
            let (status, body) = deployed::send(&api_of(self.outputs), token, method, path, body).await;
            if !is_busy(&body["code"].to_string()) {
                return (status, body);
            }
        }
        panic!("{method} {path}: still busy")
    }

    async fn cli(&self, arguments: &[&str]) -> Ran {
        let (pool, api) = (self.pool.id(), self.outputs["AccountApiFunctionArn"].as_str());
        let of = ["--user-pool-id", pool, "--account-api", api, "--output", "json"];
        for _ in 0..TRIES {
            let ran = Cli::new().unwrap().run(&[&["invitations"], arguments, &of].concat()).await.unwrap();
            if !is_busy(&ran.stderr) {
                return ran;
            }
        }
        panic!("{arguments:?}: still busy")
    }
}

/// How often somebody tries again.
const TRIES: u32 = 20;

/// Whether the API could not reach its table or the pool in time: the local cloud answers nobody while it deploys the
/// stack of another test.
fn is_busy(said: &str) -> bool {
    said.contains("try-again")
}

/// A user name that is no address, as a pool with aliases wants it.
fn name_of(email: &str) -> &str {
    email.split('@').next().unwrap()
}

/// The user name and token of an invitation's link.
fn link(text: &str) -> (String, String) {
    (parameter(text, "username").unwrap(), parameter(text, "token").unwrap())
}

/// A member lists, looks at, sends again and revokes invitations. Nobody else does.
async fn members_see_invitations(api: &Members<'_>) {
    let invite = json!({ "email": "guest@example.com", "inviter": "Ada", "notify": false });
    assert_eq!(api.send(None, "GET", "/invitations", &Value::Null).await.0, 401);
    let (status, why) = api.send(Some(&api.of_nobody), "POST", "/invitations", &invite).await;
    assert_eq!((status, &why["code"]), (403, &json!("not-an-admin")));
    let member = Some(api.token.as_str());
    let (status, invited) = api.send(member, "POST", "/invitations", &invite).await;
    assert_eq!(status, 202, "{invited}");
    let path = format!("/invitations/{}", invited["id"].as_str().unwrap());
    assert_eq!(api.send(Some(&api.of_nobody), "GET", &path, &Value::Null).await.0, 403);
    let (_, listed) = api.send(member, "GET", "/invitations", &Value::Null).await;
    assert_eq!(listed["invitations"][0]["email"], "guest@example.com", "{listed}");
    let (_, seen) = api.send(member, "GET", &path, &Value::Null).await;
    assert_eq!((&seen["state"], &seen["inviter"]), (&json!("open"), &json!("Ada")));
    assert_eq!(api.send(member, "DELETE", &path, &Value::Null).await.0, 204);
    let (_, seen) = api.send(member, "GET", &path, &Value::Null).await;
    assert_eq!(seen["state"], "revoked");
    let (username, token) = link(invited["link"].as_str().unwrap());
    let answer = json!({ "username": username, "token": token, "password": PASSWORD });
    let (status, why) = api.send(None, "POST", "/invitations/complete", &answer).await;
    assert_eq!((status, &why["code"]), (400, &json!("invitation-invalid")));
}

/// The command line does the same without a token, as somebody who may invoke the function.
async fn operators_see_invitations(api: &Members<'_>) {
    let sent = api.cli(&["send", "grace@example.com", "--inviter", "Ada", "--hand-over", "--yes"]).await.ends(0);
    let sent = sent.json().unwrap();
    let id = sent["invitations"][0]["id"].as_str().unwrap();
    assert!(sent["invitations"][0]["invited_by"].as_str().unwrap().starts_with("arn:aws:"), "{sent}");
    assert_eq!((&sent["invitations"][0]["state"], &sent["invitations"][0]["mailed"]), (&json!("open"), &json!(false)));
    api.cli(&["send", "admin@example.com", "--hand-over", "--yes"]).await.says(3, "account-exists");
    api.cli(&["resend", id, "--yes"]).await.says(3, "too-many-requests");
    let (username, token) = link(sent["link"].as_str().unwrap());
    let answer = json!({ "username": username, "token": token, "password": PASSWORD });
    assert_eq!(api.send(None, "POST", "/invitations/complete", &answer).await.0, 200);
    let shown = api.cli(&["show", id]).await.json().unwrap();
    assert_eq!(shown["invitations"][0]["state"], "answered");
    assert_eq!(api.cli(&["revoke", id, "--yes"]).await.status, 3, "an open account stays");
    let listed = api.cli(&["list"]).await.json().unwrap();
    // Both may be of the same second.
    let states: BTreeSet<_> =
        listed["invitations"].as_array().unwrap().iter().filter_map(|one| one["state"].as_str()).collect();
    assert_eq!(states, BTreeSet::from(["answered", "revoked"]));
    let open = api.cli(&["send", "barbara@example.com", "--hand-over", "--yes"]).await.json().unwrap();
    let revoked = api.cli(&["revoke", open["invitations"][0]["id"].as_str().unwrap(), "--yes"]).await.json().unwrap();
    assert_eq!(revoked["invitations"][0]["state"], "revoked");
    api.cli(&["show", "00000000-0000-4000-8000-000000000000"]).await.says(3, "not-found");
}

#[tokio::test]
async fn the_functions_for_a_pool_in_which_the_address_is_no_name() {
    let existing = pool(Kind::UserName).await.unwrap();
    let parameters = [("ExistingUserPoolId", existing.id()), ("PoolKind", "username")];
    let outputs = deploy("plain-names", &parameters).await.unwrap();
    assert_eq!(variables(&outputs, "PreSignUp").await["NATIVE_USERNAME"], "derived");
}

#[tokio::test]
async fn the_functions_for_a_pool_that_exists() {
    let existing = pool(Kind::EmailAsUsername).await.unwrap();
    let client = existing.create_client(&[]).await.unwrap();
    let before = settings(&existing).await;
    let another = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_Another00";
    let parameters = [
        ("ExistingUserPoolId", existing.id()),
        ("MoreUserPoolArns", another),
        ("DefaultGroup", "Users"),
        ("WatchDelivery", "on"),
    ];
    let outputs = deploy("existing-pool", &[&SENDER[..], &parameters].concat()).await.unwrap();
    assert_eq!(outputs["UserPoolId"], existing.id());
    assert!(outputs["PreSignUpFunctionArn"].contains(":function:") && !outputs.contains_key("FrontendClientId"));
    assert!(!variables(&outputs, "PostConfirmation").await["RETRY_QUEUE_URL"].as_str().unwrap().is_empty());
    assert_eq!(settings(&existing).await, before, "the stack changed a pool that is not its own");
    // Its mails are counted by what SES makes of them.
    let set = outputs["SesConfigurationSet"].as_str();
    assert!(!set.is_empty() && set != "MailEvents", "{set}");
    let parameters = [("UserPoolId", existing.id()), ("ApiClientIds", client.as_str()), ("SesConfigurationSet", set)];
    let outputs = deploy_api("existing-pool-api", &parameters, nothing).await;
    assert_eq!(variables(&outputs, "AccountApi").await["SES_CONFIGURATION_SET"], set);
    assert_eq!(settings(&existing).await, before, "the stack changed a pool that is not its own");
    let api = outputs["AccountApiFunctionArn"].as_str();
    let doctor = ["doctor", "--user-pool-id", existing.id(), "--account-api", api, "--output", "json"];
    let report = Cli::new().unwrap().run(&doctor).await.unwrap().json().unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let of_api: Vec<_> =
        findings.map(|one| one["code"].as_str().unwrap()).filter(|code| code.contains("api")).collect();
    // Nobody verified that sender.
    assert_eq!(of_api, ["account_api_sender_unverified", "account_api_secret_not_checked"]);
}

#[tokio::test]
async fn an_application_hears_on_the_event_bus_of_a_link_and_of_a_deletion() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let client = pool.create_client(&[]).await.unwrap();
    let ada = native(&pool, Kind::EmailAsUsername, "ada@example.com").await.unwrap();
    let listener = Listener::of(&pool).await.unwrap();
    let code = |function| binary(function).unwrap();
    let common = [("EventBus", "default"), ("Providers", "Google:claim")];
    let triggers = [&COMMON[..], &common, &[("ExistingUserPoolId", pool.id())]].concat();
    let triggers = deploy_with(TemplateFile::Pool, "event-bus", &triggers, code).await.unwrap();
    let own = [("UserPoolId", pool.id()), ("ApiClientIds", client.as_str()), ("AccountDeletion", "on")];
    let own = [&common[..], &own, &[("LinkNotices", "on"), ("AppUrl", "https://app.example.com")]].concat();
    let api = deploy_api("event-bus-api", &own, code).await;

    // A first sign-in with Google, as Cognito tells pre-sign-up of it.
    let event = event::load("pre-sign-up/google", &pool).unwrap();
    let answer = deployed::invoke(&triggers["PreSignUpFunctionArn"], &event).await;
    assert_eq!(answer["userName"], event["userName"], "pre-sign-up let the person in");
    let begun = listener.hears("account.link-begun").await.unwrap();
    assert_eq!((&begun["provider"], &begun["sub"]), (&json!("Google"), &json!(ada.attribute("sub"))));
    let linked = listener.hears("account.linked").await.unwrap();
    assert_eq!((&linked["provider"], &linked["sub"]), (&json!("Google"), &json!(ada.attribute("sub"))));

    // Ada deletes the account.
    let session = pool.sign_in(&client, "ada@example.com", PASSWORD).await.unwrap();
    let token = session["AccessToken"].as_str();
    let answer = deployed::send(&api_of(&api), token, "DELETE", "/account", &Value::Null).await;
    assert_eq!(answer.0, 202, "{answer:?}");
    let deleted = listener.hears("account.deleted").await.unwrap();
    assert_eq!(deleted["sub"], ada.attribute("sub"));
    assert!(pool.profiles().await.unwrap().is_empty());
}
