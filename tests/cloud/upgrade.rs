//! The templates of the last release, deployed and in use, are updated to today's.
//!
//! `tests/released` has the templates of the last release. Until there is one, they are of an earlier state (docs/RELIABILITY.md).
//! The code of the functions is today's both times: what earlier code wrote is in `crates/account-api/tests/suite/upgrade.rs`.

use crate::deployed;
use crate::deployments::{COMMON, api_of};
use end_to_end::{binary, cloud, native};
use local_cloud::dynamodb;
use local_cloud::function::Binaries;
use local_cloud::hosted_login;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::layout;
use local_cloud::local_stack::Address;
use local_cloud::outbox::{code_in, last_mail};
use local_cloud::seed::PASSWORD;
use local_cloud::stack::completion;
use local_cloud::stack::sam::Sam;
use local_cloud::stack::template::TemplateFile;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ADA: &str = "ada@upgrade.example.com";
const GRACE: &str = "grace@upgrade.example.com";
const NEW: &str = "lovelace@upgrade.example.com";

const SENDER: [(&str, &str); 4] = [
    ("SesIdentityArn", "arn:aws:ses:eu-central-1:000000000000:identity/example.com"),
    ("EmailFrom", "accounts@example.com"),
    ("AppName", "Example"),
    ("Providers", "Google:claim"),
];

/// Deploys this text of a template with today's functions, anew or over what is there, and gives the stack's outputs.
async fn deploy(template: TemplateFile, text: &str, parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    let (endpoint, name) = (cloud().unwrap(), format!("upgrade-{}", template.file().replace(".yaml", "")));
    let folder = layout::local().join("deployments").join(&name);
    let binaries = Binaries::of(template.functions().iter().map(|function| (*function, binary(function).unwrap())));
    let staged = template.stage_text(text.to_owned(), &folder, &binaries).unwrap();
    let all = [&COMMON[..], &SENDER, parameters].concat();
    Sam::install().await.unwrap().deploy(&endpoint, &name, &staged, all).await.unwrap()
}

fn released(template: TemplateFile) -> String {
    std::fs::read_to_string(layout::root().join("tests/released").join(template.file())).unwrap()
}

/// The pool and the account API of one deployment, and what somebody who uses them has at hand.
struct Installed {
    pool: UserPool,
    /// An app client of the team's own, which no deployment touches.
    client: String,
    api: BTreeMap<String, String>,
}

impl Installed {
    async fn send(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        deployed::send(&api_of(&self.api), Some(token), method, path, body).await
    }

    async fn token(&self, email: &str) -> String {
        let session = self.pool.sign_in(&self.client, email, PASSWORD).await.unwrap();
        session["AccessToken"].as_str().unwrap().to_owned()
    }

    async fn google(&self, subject: &str) -> Value {
        hosted_login::sign_in(&self.pool, &self.client, "Google", subject).await.unwrap()["sub"].take()
    }

    async fn items(&self) -> BTreeMap<String, Value> {
        let items = dynamodb::items(&cloud().unwrap(), &self.api["AccountApiTableName"]).await.unwrap();
        items.into_iter().map(|item| (item["key"]["S"].as_str().unwrap().to_owned(), item)).collect()
    }
}

async fn code(to: &str) -> Value {
    let mail = last_mail(&cloud().unwrap(), to).await.unwrap();
    json!({ "code": code_in(mail["BodyText"].as_str().unwrap()).unwrap() })
}

#[tokio::test]
async fn an_update_from_the_last_release_keeps_pool_people_links_and_table() {
    let own =
        [("DeletionProtection", "INACTIVE"), ("DomainPrefix", "none"), ("SubjectAttribute", "custom:idp_subject")];
    let before = deploy(TemplateFile::Pool, &released(TemplateFile::Pool), &own).await;
    let pool = UserPool::open(&cloud().unwrap(), &before["UserPoolId"]);
    completion::numbers(&pool).await.unwrap();
    let google = IdentityProvider::at(&Address::from_environment().unwrap().google);
    google.register(&pool, "Google").await.unwrap();
    let client = pool.create_client(&["Google"]).await.unwrap();
    let id = pool.id().to_owned();
    let of_api = [("UserPoolId", id.as_str()), ("ApiClientIds", client.as_str())];
    let api = deploy(TemplateFile::AccountApi, &released(TemplateFile::AccountApi), &of_api).await;
    let mut installed = Installed { pool, client: client.clone(), api };

    // Ada has a password and comes from Google. Grace has begun to change her address.
    let ada = native(&installed.pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let grace = native(&installed.pool, Kind::EmailAsUsername, GRACE).await.unwrap();
    google.knows("upgrade-ada", &json!({ "email": ADA, "email_verified": true })).await.unwrap();
    assert_eq!(installed.google("upgrade-ada").await, ada.attribute("sub"));
    let token = installed.token(GRACE).await;
    let (status, begun) = installed.send(&token, "POST", "/email-change", &json!({ "new_email": NEW })).await;
    assert_eq!(status, 202, "{begun}");
    let (people, items) = (installed.pool.profiles().await.unwrap(), installed.items().await);
    assert!(people.iter().any(|one| one.has_identity("Google", "upgrade-ada")), "{people:?}");
    assert!(items.contains_key(&format!("email-change#{}", grace.attribute("sub"))), "{items:?}");

    let after = deploy(TemplateFile::Pool, &TemplateFile::Pool.text().unwrap(), &own).await;
    let today = TemplateFile::AccountApi.text().unwrap();
    let api = deploy(TemplateFile::AccountApi, &today, &of_api).await;
    for name in ["UserPoolId", "FrontendClientId", "BackendClientId"] {
        assert_eq!(after[name], before[name]);
    }
    for name in ["AccountApiUrl", "AccountApiTableName"] {
        assert_eq!(api[name], installed.api[name]);
    }
    installed.api = api;
    assert_eq!(installed.pool.profiles().await.unwrap(), people);
    assert_eq!(installed.items().await, items);

    // Everybody goes on, Grace with the code that she got before.
    assert_eq!(installed.google("upgrade-ada").await, ada.attribute("sub"));
    assert_eq!(installed.send(&token, "GET", "/email-change", &Value::Null).await, (200, begun));
    for (to, stage) in [(GRACE, "new"), (NEW, "done")] {
        let answer = installed.send(&token, "POST", "/email-change/verify", &code(to).await).await;
        assert_eq!((answer.0, &answer.1["stage"]), (200, &json!(stage)), "{answer:?}");
    }
    installed.token(NEW).await;
}

/// AWS refuses to change these, or makes another resource and deletes this one. The local cloud does neither.
#[test]
fn what_aws_cannot_change_is_as_the_last_release_had_it() {
    let unchangeable = [
        (TemplateFile::Pool, "UserPool", &["AliasAttributes", "UsernameAttributes", "UsernameConfiguration"][..]),
        (TemplateFile::AccountApi, "AccountApiTable", &["TableName", "KeySchema"]),
    ];
    for (template, resource, names) in unchangeable {
        let [before, today] = [released(template), template.text().unwrap()]
            .map(|text| template.parse(&text).unwrap()["Resources"][resource]["Properties"].take());
        assert!(before.is_object() && today.is_object(), "{resource}");
        for name in names {
            assert_eq!(before[*name], today[*name], "{resource}.{name}");
        }
        let attributes = |pool: &Value| pool["Schema"].as_array().cloned().unwrap_or_default();
        for attribute in attributes(&before) {
            assert!(attributes(&today).contains(&attribute), "{resource} loses or changes {attribute}");
        }
    }
}
