//! `doctor` on pools of the local cloud.

use std::collections::BTreeSet;

use crate::deployed::{self, idle};
use end_to_end::{Cli, Ran, cloud, invited, pool};
use local_cloud::http::Http;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};

async fn doctor(pool: &UserPool) -> Ran {
    Cli::new().unwrap().run(&["doctor", "--user-pool-id", pool.id(), "--output", "json"]).await.unwrap()
}

/// Severity and code of every finding, in the order in which they are reported.
fn findings(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let report = ran.json().unwrap();
    report["findings"].as_array().unwrap().iter().map(|one| (text(&one["severity"]), text(&one["code"]))).collect()
}

fn codes(ran: &Ran) -> BTreeSet<String> {
    findings(ran).into_iter().map(|(_, code)| code).collect()
}

/// A verified sender, so that nothing is wrong with mail.
async fn verify_sender() {
    let body = json!({ "EmailIdentity": "example.com" });
    Http::default().send_json("POST", &format!("{}/v2/email/identities", cloud().unwrap()), &body).await.unwrap();
}

#[tokio::test]
async fn a_neglected_pool_is_an_error_with_the_worst_first_and_a_remedy_for_each() {
    let pool = deployed::pool(&json!({ "PoolName": "neglected", "AliasAttributes": ["email"] })).await;
    let function =
        idle(&[("PROVIDERS", "Facebook:always"), ("DEFAULT_GROUP", "Missing"), ("NATIVE_USERNAME", "email")]).await;
    let gone = "arn:aws:lambda:eu-central-1:000000000000:function:gone";
    pool.attach(&[("PreSignUp", json!(function)), ("CustomMessage", json!(gone))]).await.unwrap();
    pool.admin(
        "CreateIdentityProvider",
        json!({ "ProviderName": "Okta", "ProviderType": "OIDC",
        "ProviderDetails": { "client_id": "c", "client_secret": "s", "oidc_issuer": "https://idp.example.com",
            "attributes_request_method": "GET", "authorize_scopes": "openid" },
        "AttributeMapping": { "email": "email", "custom:number": "number" } }),
    )
    .await
    .unwrap();
    pool.create_client(&["Okta"]).await.unwrap();

    let ran = doctor(&pool).await.ends(5);
    let expected = [
        "function_gone",
        "no_invoke_permission",
        "group_missing",
        "username_setting_wrong",
        "custom_message_without_ses",
        "client_cannot_write_mapped",
        "fifty_mails_a_day",
        "address_changes_at_once",
        "address_never_verified",
        "alias_self_sign_up",
        "email_verified_not_mapped",
        "provider_unlisted",
        "trigger_missing",
    ];
    let found = codes(&ran);
    for code in expected {
        assert!(found.contains(code), "{code} is not in {found:?}");
    }
    let order: Vec<_> = findings(&ran).into_iter().map(|(severity, _)| severity).collect();
    let worst_first: Vec<_> = ["error", "warning", "note"]
        .iter()
        .flat_map(|severity| order.iter().filter(move |one| one == severity).cloned())
        .collect();
    assert_eq!(order, worst_first);
    for finding in ran.json().unwrap()["findings"].as_array().unwrap() {
        for text in ["subject", "why", "remedy"] {
            assert!(!finding[text].as_str().unwrap().is_empty(), "{finding}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_warning_that_names_the_permission() {
    verify_sender().await;
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let ran = doctor(&pool).await;
    // The local cloud has no Service Quotas; everything else of this pool can be read.
    assert_eq!(ran.status, 4, "{ran:?}");
    let report = ran.json().unwrap();
    let gaps: Vec<_> =
        report["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "could_not_check").collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0]["remedy"].as_str().unwrap().contains("servicequotas:ListServiceQuotas"), "{gaps:?}");
    assert!(findings(&ran).iter().all(|(severity, _)| severity != "error"), "{ran:?}");
}

#[tokio::test]
async fn a_remedy_that_is_followed_cures() {
    verify_sender().await;
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = idle(&[("DEFAULT_GROUP", GROUP)]).await;
    pool.attach(&[("PreSignUp", json!(function))]).await.unwrap();
    assert!(codes(&doctor(&pool).await).contains("no_invoke_permission"));
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["attach", "--user-pool-id", pool.id(), "--pre-sign-up", &function, "--yes"];
    Cli::new().unwrap().within(folder.path()).run(&arguments).await.unwrap().ends(0);
    let cured = codes(&doctor(&pool).await);
    assert!(!cured.contains("no_invoke_permission") && !cured.contains("group_missing"), "{cured:?}");
}

/// What an infrastructure tool does on an unrelated change.
#[tokio::test]
async fn a_trigger_that_another_tool_took_off_is_an_error() {
    verify_sender().await;
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let function = idle(&[("DEFAULT_GROUP", GROUP)]).await;
    let folder = tempfile::tempdir().unwrap();
    let cli = || Cli::new().unwrap().within(folder.path());
    let attach = ["attach", "--user-pool-id", pool.id(), "--pre-sign-up", &function, "--yes"];
    cli().run(&attach).await.unwrap().ends(0);
    let expected = folder.path().join("lambda-config.json");
    std::fs::write(&expected, json!({ "PreSignUp": function, "PreTokenGeneration": "arn" }).to_string()).unwrap();
    let doctor = ["doctor", "--user-pool-id", pool.id(), "--output", "json"];
    let expecting = [&doctor[..], &["--expect", "lambda-config.json"]].concat();
    for arguments in [&doctor[..], &expecting] {
        assert!(!codes(&cli().run(arguments).await.unwrap()).contains("trigger_lost"));
    }

    pool.admin("UpdateUserPool", json!({ "LambdaConfig": {} })).await.unwrap();
    for arguments in [&doctor[..], &expecting] {
        let ran = cli().run(arguments).await.unwrap();
        assert!(ran.status == 5 && codes(&ran).contains("trigger_lost"), "{ran:?}");
        assert!(ran.stdout.contains(&format!("--pre-sign-up {function}")), "{ran:?}");
    }
    // Somewhere else, nobody knows.
    assert!(!codes(&self::doctor(&pool).await).contains("trigger_lost"));

    std::fs::write(&expected, "{}").unwrap();
    cli().run(&expecting).await.unwrap().says(3, "is not the LambdaConfig of a pool");
}

#[tokio::test]
async fn whoever_gets_no_message_is_told_why() {
    verify_sender().await;
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let email = format!("grace-{}@example.org", uuid::Uuid::new_v4().simple());
    let of = async |user: &str| {
        let arguments = ["doctor", "--user-pool-id", pool.id(), "--user", user, "--output", "json"];
        Cli::new().unwrap().run(&arguments).await.unwrap()
    };
    let nobody = of(&email).await;
    assert!(nobody.status == 5 && codes(&nobody).contains("no_profile"), "{nobody:?}");
    invited(&pool, &email, &[("email", &email), ("email_verified", "true")]).await.unwrap();
    let ran = of(&email).await;
    assert!(ran.status == 4 && codes(&ran).contains("invitation_open"), "{ran:?}");
    assert!(!codes(&ran).contains("trigger_missing") || !codes(&ran).contains("provider_unlisted"));
    pool.admin("AdminDisableUser", json!({ "Username": email })).await.unwrap();
    let disabled = of(&email).await;
    assert!(disabled.status == 5 && codes(&disabled).contains("profile_disabled"), "{disabled:?}");
    assert!(!disabled.stderr.contains(&email), "a name is data, and not talk: {disabled:?}");
}

#[tokio::test]
async fn people_get_a_table_and_a_pool_that_is_not_there_is_a_failure() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let cli = Cli::new().unwrap();
    let ran = cli.run(&["doctor", "--user-pool-id", pool.id()]).await.unwrap();
    assert!(ran.stdout.contains("severity") && ran.stdout.contains("trigger_missing"), "{ran:?}");
    let ran = cli.run(&["doctor", "--user-pool-id", "eu-central-1_NOSUCHPOO"]).await.unwrap();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
}
