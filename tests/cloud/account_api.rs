//! The account API as the template deploys it, with real access tokens, DynamoDB's API, and the mails that went out.

use crate::deployed;
use account_api::store::contract;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use end_to_end::{cloud, native, until};
use fire::table;
use futures_util::future::join_all;
use local_cloud::hosted_login;
use local_cloud::http::Http;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::local_stack::Address;
use local_cloud::moto::Moto;
use local_cloud::outbox::{code_in, last_mail};
use local_cloud::seed::PASSWORD;
use local_cloud::stack::GROUP;
use local_cloud::toolbox::{self, Toolbox};
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};

/// The deployed API and its pool.
struct Deployed {
    address: Address,
    pool: UserPool,
    unique: String,
}

/// Status and body of an answer.
type Answer = (u16, Value);

impl Deployed {
    async fn find() -> Self {
        let address = Address::from_environment().unwrap();
        let pool = address.stack.pool().unwrap();
        let unique = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        let client = address.stack.output("FrontendClientId").unwrap();
        // People sign in with SRP or on the hosted pages. A test has neither.
        let flows = json!(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]);
        pool.admin("UpdateUserPoolClient", json!({ "ClientId": client, "ExplicitAuthFlows": flows })).await.unwrap();
        Self { address, pool, unique }
    }

    fn email(&self, name: &str) -> String {
        format!("{name}-{}@example.com", self.unique)
    }

    async fn send(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
        deployed::send(&self.address.stack.account_api().unwrap(), token, method, path, body).await
    }

    /// Signs in with a password at the frontend client.
    async fn tokens(&self, email: &str, password: &str) -> Value {
        let client = self.address.stack.output("FrontendClientId").unwrap();
        self.pool.sign_in(client, email, password).await.unwrap()
    }

    async fn somebody(&self, name: &str) -> (String, String) {
        let email = self.email(name);
        native(&self.pool, Kind::EmailAsUsername, &email).await.unwrap();
        let token = self.tokens(&email, PASSWORD).await["AccessToken"].as_str().unwrap().to_owned();
        (email, token)
    }

    /// The last mail to an address. The mail of a public invitation comes some time after the answer.
    async fn mail(&self, to: &str) -> Value {
        let mail = until(async || last_mail(self.address.stack.endpoint(), to).await.ok()).await;
        mail.unwrap_or_else(|| panic!("no mail to {to}"))
    }

    async fn code(&self, to: &str) -> String {
        let text = self.mail(to).await["BodyText"].as_str().unwrap().to_owned();
        code_in(&text).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }

    async fn parameter(&self, to: &str, name: &str) -> String {
        let text = self.mail(to).await["BodyText"].as_str().unwrap().to_owned();
        deployed::parameter(&text, name).unwrap_or_else(|| panic!("no {name} in {text}"))
    }
}

#[tokio::test]
async fn an_address_is_changed_with_a_code_to_each_of_the_two() {
    let api = Deployed::find().await;
    let (old, token) = api.somebody("changes").await;
    let (new, token) = (api.email("changed"), Some(token.as_str()));
    let wish = json!({ "new_email": new });

    assert_eq!(api.send(token, "GET", "/email-change", &Value::Null).await, (200, json!({ "stage": "none" })));
    let (status, view) = api.send(token, "POST", "/email-change", &wish).await;
    assert_eq!((status, &view["stage"], &view["sent_to"]), (202, &json!("current"), &json!("c***@example.com")));
    assert_eq!(view["new_email"], new, "who typed it can find a mistake");
    assert_eq!(api.send(token, "POST", "/email-change", &wish).await.1["code"], "request-pending");
    assert_eq!(api.send(token, "GET", "/email-change", &Value::Null).await, (200, view));
    assert_eq!(api.send(token, "POST", "/email-change/resend", &Value::Null).await.1["code"], "resend-too-soon");

    let code = json!({ "code": api.code(&old).await });
    assert_eq!(api.send(token, "POST", "/email-change/verify", &code).await.1["stage"], "new");
    assert_eq!(api.send(token, "POST", "/email-change/verify", &code).await.1["stage"], "new", "a retry");
    let code = json!({ "code": api.code(&new).await });
    let answers = join_all((0..10).map(|_| api.send(token, "POST", "/email-change/verify", &code))).await;
    for answer in answers {
        assert_eq!(answer, (200, json!({ "stage": "done" })));
    }

    let profile = api.pool.only_profile_of(&new).await.unwrap();
    assert!(profile.email_verified(), "{profile:?}");
    assert!(api.mail(&old).await["BodyText"].as_str().unwrap().contains("c***@example.com"), "the old address is told");
    assert!(!api.tokens(&new, PASSWORD).await["AccessToken"].is_null(), "the new address signs in");
}

#[tokio::test]
async fn the_refusals_come_through_the_gateway_as_they_are() {
    let api = Deployed::find().await;
    let (_, token) = api.somebody("refused").await;
    let (taken, _) = api.somebody("taken").await;
    let token = Some(token.as_str());
    for (wish, status, code) in [
        (json!({ "new_email": "nobody" }), 400, "invalid-email"),
        (json!({ "new_email": api.email("refused") }), 400, "same-email"),
        (json!({ "new_email": taken.to_uppercase() }), 409, "email-taken"),
        (json!({ "email": taken }), 400, "invalid-request"),
    ] {
        let (got, body) = api.send(token, "POST", "/email-change", &wish).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
    }
    assert_eq!(api.send(token, "POST", "/email-change", &json!({ "new_email": api.email("free") })).await.0, 202);
    let right = api.code(&api.email("refused")).await;
    let wrong = json!({ "code": if right == "000000" { "000001" } else { "000000" } });
    for _ in 0..4 {
        assert_eq!(api.send(token, "POST", "/email-change/verify", &wrong).await.1["code"], "wrong-code");
    }
    assert_eq!(api.send(token, "POST", "/email-change/verify", &wrong).await.1["code"], "too-many-tries");
    assert_eq!(api.send(token, "DELETE", "/email-change", &Value::Null).await.0, 204);
}

#[tokio::test]
async fn who_came_from_a_provider_changes_the_address_there() {
    let api = Deployed::find().await;
    let (email, token) = api.somebody("linked").await;
    let user = api.pool.only_profile_of(&email).await.unwrap().username;
    api.pool.link(&user, "Google", &api.unique).await.unwrap();
    let wish = json!({ "new_email": api.email("elsewhere") });
    assert_eq!(api.send(Some(&token), "POST", "/email-change", &wish).await.1["code"], "linked-account");
}

#[tokio::test]
async fn who_stands_alone_for_a_provider_changes_the_address_there() {
    let api = Deployed::find().await;
    let (subject, email) = (format!("alone-{}", api.unique), api.email("alone"));
    let google = IdentityProvider::at(&api.address.google);
    google.knows(&subject, &json!({ "email": email, "email_verified": false })).await.unwrap();
    let client = api.address.stack.output("FrontendClientId").unwrap();
    let tokens = hosted_login::tokens(&api.pool, client, "Google", &subject).await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let profiles = api.pool.profiles().await.unwrap();
    assert!(
        profiles.iter().any(|profile| profile.username.ends_with(&subject) && profile.status == "EXTERNAL_PROVIDER")
    );

    let wish = json!({ "new_email": api.email("elsewhere-alone") });
    let (status, body) = api.send(Some(token), "POST", "/email-change", &wish).await;
    assert_eq!((status, body["code"].as_str()), (403, Some("federated-account")), "{body}");
}

#[tokio::test]
async fn a_provider_with_another_address_is_connected_and_disconnected_again() {
    let api = Deployed::find().await;
    let (own, own_token) = api.somebody("connects").await;
    let own_token = Some(own_token.as_str());
    let (status, ways) = api.send(own_token, "GET", "/identities", &Value::Null).await;
    assert_eq!((status, &ways["password"], &ways["identities"]), (200, &json!("known"), &json!([])), "{ways}");
    let sub = ways["sub"].as_str().unwrap();

    // The sign-in with the provider makes a second account.
    let (subject, other) = (format!("connects-{}", api.unique), api.email("elsewhere-connects"));
    let google = IdentityProvider::at(&api.address.google);
    google.knows(&subject, &json!({ "email": other, "email_verified": false })).await.unwrap();
    let client = api.address.stack.output("FrontendClientId").unwrap();
    let tokens = hosted_login::tokens(&api.pool, client, "Google", &subject).await.unwrap();
    let other_token = tokens["access_token"].as_str();
    let (status, offer) = api.send(other_token, "POST", "/identities/offer", &json!({ "to": sub })).await;
    assert_eq!(status, 200, "{offer}");
    let (status, seen) = api.send(own_token, "POST", "/identities", &json!({ "offer": offer["offer"] })).await;
    assert_eq!((status, &seen["other"]["is_new"]), (200, &json!(true)), "{seen}");
    let body = json!({ "offer": offer["offer"], "confirmation": seen["confirmation"], "stays": sub });
    let (status, asked) = api.send(own_token, "POST", "/identities", &body).await;
    assert_eq!((status, asked.get("sent_to").is_some()), (202, true), "{asked}");
    let mut approved = body.clone();
    approved["code"] = json!(api.code(&own).await);
    let (status, done) = api.send(own_token, "POST", "/identities", &approved).await;
    assert_eq!((status, &done), (200, &seen["choices"][0]), "{done}");
    assert_eq!(api.send(own_token, "POST", "/identities", &body).await, (200, done), "a lost answer is given again");
    assert!(api.mail(&own).await["BodyText"].as_str().unwrap().contains("Google"));

    // The provider now signs in to the first account, and there is no other one.
    let account = api.pool.only_profile_of(&own).await.unwrap();
    assert!(account.has_identity("Google", &subject));
    assert!(api.pool.profiles().await.unwrap().iter().all(|profile| !profile.username.ends_with(&subject)));
    let (status, gone) = api.send(other_token, "GET", "/identities", &Value::Null).await;
    assert_eq!((status, gone["code"].as_str()), (403, Some("account-unusable")), "{gone}");

    let (_, ways) = api.send(own_token, "GET", "/identities", &Value::Null).await;
    let id = ways["identities"][0]["id"].as_str().unwrap();
    assert_eq!(api.send(own_token, "DELETE", &format!("/identities/{id}"), &Value::Null).await.0, 204);
    assert!(api.pool.only_profile_of(&own).await.unwrap().identities.is_empty());
}

#[tokio::test]
async fn an_address_that_somebody_takes_between_the_two_codes_is_not_given_away() {
    let api = Deployed::find().await;
    let (old, token) = api.somebody("late").await;
    let (new, token) = (api.email("contested"), Some(token.as_str()));
    assert_eq!(api.send(token, "POST", "/email-change", &json!({ "new_email": new })).await.0, 202);
    let code = json!({ "code": api.code(&old).await });
    assert_eq!(api.send(token, "POST", "/email-change/verify", &code).await.1["stage"], "new");
    let code = json!({ "code": api.code(&new).await });
    let taker = native(&api.pool, Kind::EmailAsUsername, &new).await.unwrap();

    let (status, body) = api.send(token, "POST", "/email-change/verify", &code).await;
    assert_eq!((status, body["code"].as_str()), (409, Some("email-taken")), "{body}");
    assert_eq!(api.pool.only_profile_of(&new).await.unwrap(), taker);
    assert!(api.pool.only_profile_of(&old).await.unwrap().email_verified(), "the account keeps its address");
    assert_eq!(api.send(token, "GET", "/email-change", &Value::Null).await.1, json!({ "stage": "none" }));
}

#[tokio::test]
async fn a_token_that_is_not_this_pools_access_token_opens_nothing() {
    let api = Deployed::find().await;
    let email = api.email("tokens");
    native(&api.pool, Kind::EmailAsUsername, &email).await.unwrap();
    let tokens = api.tokens(&email, PASSWORD).await;
    let access = tokens["AccessToken"].as_str().unwrap();
    assert_eq!(api.send(Some(access), "GET", "/email-change", &Value::Null).await.0, 200, "the token itself is good");

    let [header, payload, signature] = access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["sub"] = json!("somebody else");
    let forged = format!("{header}.{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    let unsigned = json!({ "alg": "none", "typ": "JWT" }).to_string();
    let unsigned = format!("{}.{payload}.", BASE64_URL_SAFE_NO_PAD.encode(unsigned));
    let foreign_pool = UserPool::create(api.address.stack.endpoint(), Kind::EmailAsUsername).await.unwrap();
    native(&foreign_pool, Kind::EmailAsUsername, &email).await.unwrap();
    let foreign_client = foreign_pool.create_client(&[]).await.unwrap();
    let foreign = foreign_pool.sign_in(&foreign_client, &email, PASSWORD).await.unwrap();
    let other_client = api.pool.create_client(&[]).await.unwrap();
    let other = api.pool.sign_in(&other_client, &email, PASSWORD).await.unwrap();
    for (what, token) in [
        ("a forged one", Some(forged.as_str())),
        ("an unsigned one", Some(unsigned.as_str())),
        ("a cut one", Some(&access[..access.len() - 20])),
        ("another pool's", foreign["AccessToken"].as_str()),
        ("another app client's", other["AccessToken"].as_str()),
        ("an ID token", tokens["IdToken"].as_str()),
        ("a refresh token", tokens["RefreshToken"].as_str()),
        ("no token", Some("x")),
        ("nothing", None),
    ] {
        for (method, path) in [("GET", "/email-change"), ("POST", "/email-change"), ("DELETE", "/email-change")] {
            assert_eq!(api.send(token, method, path, &json!({ "new_email": "a@example.com" })).await.0, 401, "{what}");
        }
    }
}

#[tokio::test]
async fn a_guest_completes_an_invitation_and_can_reset_the_password_later() {
    const OWN: &str = "The-Guest's-own-1";
    let api = Deployed::find().await;
    let guest = api.email("guest");
    let wish = json!({ "email": guest, "attributes": { "given_name": "Grace" } });
    assert_eq!(api.send(None, "POST", "/invitations", &wish).await, (202, json!({})));
    api.mail(&guest).await;
    let invited = api.pool.only_profile_of(&guest).await.unwrap();
    assert_eq!((invited.status.as_str(), invited.email_verified()), ("FORCE_CHANGE_PASSWORD", false));
    let (username, token) = (api.parameter(&guest, "username").await, api.parameter(&guest, "token").await);
    assert_eq!(username, invited.username);
    let complete = async |token: &str, password: &str| {
        let body = json!({ "username": username, "token": token, "password": password });
        api.send(None, "POST", "/invitations/complete", &body).await
    };

    assert_eq!(complete("wrong", OWN).await.1["code"], "invitation-invalid");
    let (status, weak) = complete(&token, "too-weak").await;
    assert_eq!((status, weak["code"].as_str()), (400, Some("weak-password")), "{weak}");
    assert_eq!(weak["password_policy"]["minimum_length"], 12);
    assert_eq!(complete(&token, OWN).await, (200, json!({ "email": guest })));
    assert_eq!(complete(&token, OWN).await.1["code"], "already-completed");

    let profile = api.pool.only_profile_of(&guest).await.unwrap();
    assert_eq!((profile.status.as_str(), profile.email_verified()), ("CONFIRMED", true));
    assert_eq!((profile.groups.as_slice(), profile.attribute("given_name")), (&[GROUP.to_owned()][..], "Grace"));
    assert!(!api.tokens(&guest, OWN).await["AccessToken"].is_null());
    let client = api.address.stack.output("FrontendClientId").unwrap();
    api.pool.call("ForgotPassword", &json!({ "ClientId": client, "Username": guest })).await.unwrap();
}

#[tokio::test]
async fn an_invitation_for_somebody_with_an_account_gets_the_same_answer_and_another_mail() {
    let api = Deployed::find().await;
    let (owner, _) = api.somebody("owner").await;
    let before = api.pool.only_profile_of(&owner).await.unwrap();
    assert_eq!(api.send(None, "POST", "/invitations", &json!({ "email": owner })).await, (202, json!({})));
    assert!(!api.mail(&owner).await["BodyText"].as_str().unwrap().contains("token="));
    assert_eq!(api.pool.only_profile_of(&owner).await.unwrap(), before);
}

#[tokio::test]
async fn the_pages_are_served_where_the_links_of_mails_lead() {
    let deployed = Deployed::find().await;
    let base = deployed.address.stack.account_api().unwrap();
    for page in account_api::pages::PAGES {
        let answer = Http::default().get(&format!("{base}/{}", page.name)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", page.name);
        assert!(String::from_utf8_lossy(&answer.body).contains("<main"), "{}", page.name);
    }
    let page = Http::default().get(&format!("{base}/account")).await.unwrap();
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let (_, rest) = page.split_once("data-configuration=\"").unwrap();
    let configuration = rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&#x2f;", "/");
    let configuration: serde_json::Value = configuration.parse().unwrap();
    assert_eq!(configuration["client_id"], deployed.address.stack.output("FrontendClientId").unwrap());
    assert!(page.contains("href=\"register\""), "{page}");
    let client = json!({ "ClientId": configuration["client_id"] });
    let client = deployed.pool.admin("DescribeUserPoolClient", client).await.unwrap();
    for addresses in ["CallbackURLs", "LogoutURLs"] {
        let addresses = client["UserPoolClient"][addresses].as_array().unwrap();
        assert!(addresses.contains(&json!("https://app.example.com/account")), "{addresses:?}");
    }
}

#[tokio::test]
async fn schemathesis_finds_no_server_error() {
    // Whoever deletes the account can try nothing else.
    schemathesis("schemathesis", &["--exclude-path", "/account"]).await;
    schemathesis("schemathesis-deletes", &["--include-path", "/account"]).await;
}

/// Runs Schemathesis as a person of this name, on some of the API.
async fn schemathesis(person: &str, paths: &[&str]) {
    let api = Deployed::find().await;
    let (_, token) = api.somebody(person).await;
    let tools = Toolbox::install(&toolbox::SCHEMATHESIS).await.unwrap();
    let base = api.address.stack.account_api().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // `try-again`, where the local cloud does not answer in time.
    let allowed = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"503\"]\n";
    std::fs::write(folder.path().join("schemathesis.toml"), allowed).unwrap();
    let output = tokio::process::Command::new(tools.program("schemathesis"))
        .args(["run", &format!("{base}/openapi.json"), "--url", &base])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"])
        .args(["--checks", "response_schema_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--workers", "4"])
        .args(paths)
        .args(["--no-color", "--request-timeout", "30", "--suppress-health-check", "all"])
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_table_keeps_the_contract_that_the_memory_store_keeps() {
    let stack = Address::from_environment().unwrap().stack;
    keeps_the_contract(&cloud().unwrap(), stack.output("AccountApiTableName").unwrap()).await;
}

/// MiniStack's DynamoDB and moto's have no code in common.
#[tokio::test]
async fn a_second_dynamodb_keeps_the_same_contract() {
    let moto = Moto::start().await.unwrap();
    end_to_end::state_table(moto.endpoint(), "state").await.unwrap();
    keeps_the_contract(moto.endpoint(), "state").await;
}

/// With answers that come, and with calls that go wrong.
async fn keeps_the_contract(dynamodb: &str, name: &str) {
    let unique = uuid::Uuid::new_v4().to_string();
    contract::check_all(&table::store(dynamodb, name).unwrap(), &unique).await.unwrap();
    table::play(dynamodb, name, &unique).await.unwrap();
}
