//! The commands about one person, against pools on the local cloud.

use end_to_end::{Cli, Ran, closed, invited, native, pool, pool_with};
use local_cloud::hosted_login::sign_in;
use local_cloud::http::Http;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ADA: &str = "ada@example.com";
const AT_GOOGLE: &str = "123456789012345678901";

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const PARTLY: i32 = 6;

/// Runs a command on a pool.
async fn run(pool: &UserPool, arguments: &[&str]) -> Ran {
    let all = [arguments, &["--user-pool-id", pool.id(), "--output", "json"]].concat();
    Cli::new().unwrap().run(&all).await.unwrap()
}

/// Ada's native account beside the profile of her Google account, which no function has linked.
async fn ada_twice(pool: &UserPool) -> IdentityProvider {
    native(pool, Kind::EmailAsUsername, ADA).await.unwrap();
    let google = IdentityProvider::start(&Toolbox::local_cloud().await.unwrap(), None).await.unwrap();
    google.register(pool, "Google").await.unwrap();
    google.knows(AT_GOOGLE, &json!({ "email": ADA, "email_verified": true })).await.unwrap();
    let client = pool.create_client(&["Google"]).await.unwrap();
    sign_in(pool, &client, "Google", AT_GOOGLE).await.unwrap();
    google
}

#[tokio::test]
async fn show_finds_a_person_by_address_in_any_case_by_sub_and_by_name() {
    let (pool, ada) = pool_with(Kind::EmailAsAlias, ADA).await.unwrap();
    pool.link(&ada.username, "Google", AT_GOOGLE).await.unwrap();
    let group = json!({ "Username": ada.username, "GroupName": GROUP });
    pool.admin("AdminAddUserToGroup", group).await.unwrap();
    let factor =
        json!({ "Username": ada.username, "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true } });
    pool.admin("AdminSetUserMFAPreference", factor).await.unwrap();
    for whom in ["ADA@Example.com", ADA, ada.attribute("sub"), &ada.username] {
        let ran = run(&pool, &["show", whom]).await;
        assert_eq!(ran.status, DONE, "{whom}: {ran:?}");
        let shown = ran.json().unwrap();
        let profile = &shown["profiles"][0];
        assert_eq!(shown["profiles"].as_array().unwrap().len(), 1);
        assert_eq!((&profile["user_name"], &profile["status"]), (&json!(ada.username), &json!("CONFIRMED")));
        assert_eq!((&profile["sub"], &profile["enabled"]), (&json!(ada.attribute("sub")), &json!(true)));
        assert_eq!(profile["attributes"], json!({ "email": ADA, "email_verified": "true" }));
        let identity = &profile["identities"][0];
        assert_eq!((&identity["provider"], &identity["subject"]), (&json!("Google"), &json!(AT_GOOGLE)));
        assert_eq!(identity["stand_alone"], false);
        assert_eq!(profile["groups"], json!([GROUP]));
        assert_eq!(profile["mfa"], json!({ "enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA" }));
        assert_eq!(profile["sign_in_factors"], json!(["PASSWORD"]));
        assert!(profile["created"].as_str().unwrap().ends_with('Z'), "{profile}");
    }
}

#[tokio::test]
async fn show_puts_profiles_with_one_address_side_by_side_and_points_at_link() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let _google = ada_twice(&pool).await;
    let ran = run(&pool, &["show", ADA]).await.ends(DONE);
    let names: Vec<_> =
        ran.json().unwrap()["profiles"].as_array().unwrap().iter().map(|p| p["status"].clone()).collect();
    assert_eq!(names, [json!("CONFIRMED"), json!("EXTERNAL_PROVIDER")]);
    assert!(ran.stderr.contains("cognito-triggers link"), "{ran:?}");
    let table = Cli::new().unwrap().run(&["show", ADA, "--user-pool-id", pool.id()]).await.unwrap();
    assert!(table.stdout.contains("(stand-alone)") && table.stdout.contains("CONFIRMED"), "{table:?}");
}

#[tokio::test]
async fn show_fails_for_nobody_and_for_a_pool_that_is_not_there() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    for nobody in ["nobody@example.com", "00000000-0000-4000-8000-000000000000", "nobody"] {
        run(&pool, &["show", nobody]).await.only_says(FAILED, "no profile of this pool");
    }
    let elsewhere = UserPool::open(pool.endpoint(), "eu-central-1_NoSuchPool");
    run(&elsewhere, &["show", "nobody"]).await.only_says(FAILED, "AdminGetUser: ResourceNotFoundException");
    let no_id = UserPool::open(pool.endpoint(), "not-a-pool");
    run(&no_id, &["show", "nobody"]).await.only_says(USAGE, "eu-central-1_AbCdEf123");
}

#[tokio::test]
async fn unlink_unties_the_identity_and_nothing_else() {
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    pool.link(&ada.username, "Google", AT_GOOGLE).await.unwrap();
    pool.link(&ada.username, "Facebook", "10223344556677889").await.unwrap();
    let ran = run(&pool, &["unlink", ADA, "--provider", "Google", "--yes"]).await.ends(DONE);
    assert!(!ran.stderr.contains(AT_GOOGLE), "{}", ran.stderr);
    let outcome = ran.json().unwrap();
    assert_eq!(outcome["before"].as_array().unwrap().len(), 2);
    assert_eq!(outcome["after"].as_array().unwrap().len(), 1);
    assert!(ran.stderr.contains("gets a profile of its own"), "{ran:?}");
    let after = pool.only_profile_of(ADA).await.unwrap();
    assert!(!after.has_identity("Google", AT_GOOGLE) && after.has_identity("Facebook", "10223344556677889"));
    assert_eq!((after.username, after.status, after.groups), (ada.username, ada.status, ada.groups));
    // The last identity may go too, because there is a password.
    run(&pool, &["unlink", ADA, "--provider", "Facebook", "--yes"]).await.ends(DONE);
    assert!(pool.only_profile_of(ADA).await.unwrap().identities.is_empty());
}

#[tokio::test]
async fn unlink_changes_nothing_unless_it_is_confirmed() {
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    pool.link(&ada.username, "Google", AT_GOOGLE).await.unwrap();
    run(&pool, &["unlink", ADA, "--provider", "Google"]).await.only_says(REFUSED, "--yes");
    assert!(pool.only_profile_of(ADA).await.unwrap().has_identity("Google", AT_GOOGLE));
}

#[tokio::test]
async fn unlink_refuses_an_identity_the_profile_does_not_have_or_that_is_not_the_only_one_meant() {
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    run(&pool, &["unlink", ADA, "--provider", "Google", "--yes"]).await.only_says(REFUSED, "none at all");
    pool.link(&ada.username, "Okta", "aB").await.unwrap();
    pool.link(&ada.username, "Okta", "ab").await.unwrap();
    run(&pool, &["unlink", ADA, "--provider", "Google", "--yes"]).await.only_says(REFUSED, "it has Okta");
    run(&pool, &["unlink", ADA, "--provider", "Okta", "--yes"]).await.only_says(REFUSED, "--subject");
    let wrong = ["unlink", ADA, "--provider", "Okta", "--subject", "AB", "--yes"];
    run(&pool, &wrong).await.only_says(REFUSED, "upper and lower case");
    assert_eq!(pool.only_profile_of(ADA).await.unwrap().identities.len(), 2);
    let right = ["unlink", ADA, "--provider", "Okta", "--subject", "aB", "--yes"];
    run(&pool, &right).await.ends(DONE);
    assert!(pool.only_profile_of(ADA).await.unwrap().has_identity("Okta", "ab"));
}

#[tokio::test]
async fn unlink_leaves_no_profile_without_a_way_in_and_chooses_none_of_several() {
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let _google = ada_twice(&pool).await;
    run(&pool, &["unlink", ADA, "--provider", "Google", "--yes"]).await.only_says(REFUSED, "2 profiles");
    let own = format!("Google_{AT_GOOGLE}");
    run(&pool, &["unlink", &own, "--provider", "Google", "--yes"]).await.only_says(REFUSED, "no way in");
    assert!(pool.profile(&own).await.unwrap().has_identity("Google", AT_GOOGLE));
    let grace = sign_up(&pool, &pool.create_client(&[]).await.unwrap(), "grace@example.org").await;
    pool.link(&grace, "Google", "2").await.unwrap();
    run(&pool, &["unlink", &grace, "--provider", "Google", "--yes"]).await.only_says(REFUSED, "never confirmed");
}

#[tokio::test]
async fn unlink_finds_a_link_made_by_an_attribute_only_by_that_attribute() {
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    pool.link_by(&ada.username, "CorpSAML", "custom:employee_id", "e-17").await.unwrap();
    run(&pool, &["unlink", ADA, "--provider", "CorpSAML", "--yes"]).await.only_says(FAILED, "--linked-by");
    let by = ["unlink", ADA, "--provider", "CorpSAML", "--linked-by", "custom:employee_id", "--yes"];
    run(&pool, &by).await.ends(DONE);
    assert!(pool.only_profile_of(ADA).await.unwrap().identities.is_empty());
}

#[tokio::test]
async fn verify_email_shows_sets_and_unsets_the_flag() {
    let (pool, ada) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
    pool.set(&ada.username, &[("email_verified", "false")]).await.unwrap();
    for (arguments, verified, changed) in [
        (&["--show"][..], false, false),
        (&["--yes"], true, true),
        (&[], true, false),
        (&["--show"], true, false),
        (&["--unset", "--yes"], false, true),
        (&["--unset"], false, false),
    ] {
        let ran = run(&pool, &[&["verify-email", ADA], arguments].concat()).await.ends(DONE);
        let outcome = ran.json().unwrap();
        assert_eq!((&outcome["email_verified"], &outcome["changed"]), (&json!(verified), &json!(changed)), "{ran:?}");
        assert_eq!(pool.only_profile_of(ADA).await.unwrap().email_verified(), verified);
    }
    let after = pool.only_profile_of(ADA).await.unwrap();
    assert_eq!(after.attribute("email"), ADA);
    run(&pool, &["verify-email", ADA]).await.only_says(REFUSED, "no terminal to ask on");
    assert!(!pool.only_profile_of(ADA).await.unwrap().email_verified());
    run(&pool, &["verify-email", ADA, "--show", "--yes"]).await.only_says(USAGE, "cannot be used with");
}

#[tokio::test]
async fn verify_email_refuses_where_there_is_no_address_or_somebody_else_holds_it() {
    let (pool, ada) = pool_with(Kind::EmailAsAlias, ADA).await.unwrap();
    invited(&pool, "other", &[("email", "Ada@example.com")]).await.unwrap();
    run(&pool, &["verify-email", "other", "--yes"]).await.only_says(REFUSED, ada.attribute("sub"));
    assert!(!pool.profile("other").await.unwrap().email_verified());
    assert!(pool.profile(&ada.username).await.unwrap().email_verified());
    invited(&pool, "third", &[]).await.unwrap();
    run(&pool, &["verify-email", "third", "--yes"]).await.only_says(REFUSED, "no e-mail address");
    run(&pool, &["verify-email", ADA, "--yes"]).await.only_says(REFUSED, "2 profiles");
}

/// Registers somebody as an app does; returns the user name.
async fn sign_up(pool: &UserPool, client: &str, email: &str) -> String {
    let input = json!({ "ClientId": client, "Username": email, "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": email }, { "Name": "given_name", "Value": "Grace" }] });
    pool.call("SignUp", &input).await.unwrap();
    pool.only_profile_of(email).await.unwrap().username
}

/// How many messages went to an address.
async fn mails(pool: &UserPool, to: &str) -> usize {
    let outbox = Http::default().get(&format!("{}/_ministack/ses/messages", pool.endpoint())).await.unwrap();
    let outbox = outbox.json().unwrap();
    let all = outbox["messages"].as_object().unwrap().values().filter_map(Value::as_array).flatten();
    all.filter(|mail| mail["To"].as_array().is_some_and(|all| all.iter().any(|one| one == to))).count()
}

fn somebody() -> String {
    format!("grace-{}@example.org", uuid::Uuid::new_v4().simple())
}

/// A pool with an app client, and a folder for the files that `reset-user` writes.
struct Desk {
    pool: UserPool,
    client: String,
    folder: TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self::of(pool(Kind::EmailAsUsername).await.unwrap()).await
    }

    async fn of(pool: UserPool) -> Self {
        let client = pool.create_client(&[]).await.unwrap();
        Self { pool, client, folder: tempfile::tempdir().unwrap() }
    }

    async fn reset(&self, arguments: &[&str]) -> Ran {
        self.reset_through(&self.client, arguments).await
    }

    async fn reset_through(&self, client: &str, arguments: &[&str]) -> Ran {
        let fixed = ["--user-pool-id", self.pool.id(), "--client-id", client, "--output", "json"];
        let all = [&["reset-user"], arguments, &fixed].concat();
        Cli::new().unwrap().within(self.folder.path()).run(&all).await.unwrap()
    }

    fn files(&self) -> usize {
        self.folder.path().read_dir().unwrap().count()
    }
}

/// Somebody who registered and has confirmed nothing.
async fn registered() -> (Desk, String) {
    let (desk, grace) = (Desk::new().await, somebody());
    sign_up(&desk.pool, &desk.client, &grace).await;
    (desk, grace)
}

#[tokio::test]
async fn reset_user_sends_the_message_again_to_the_same_person_with_the_same_attributes() {
    let (desk, grace) = registered().await;
    let before = desk.pool.only_profile_of(&grace).await.unwrap();
    assert_eq!(mails(&desk.pool, &grace).await, 1);
    let ran = desk.reset(&[&grace, "--yes"]).await.ends(DONE);
    assert_eq!(mails(&desk.pool, &grace).await, 2);
    let after = desk.pool.only_profile_of(&grace).await.unwrap();
    let outcome = ran.json().unwrap();
    assert_eq!(outcome["old_sub"], before.attribute("sub"));
    assert_eq!(outcome["new_sub"], after.attribute("sub"));
    assert_eq!(outcome["delivery"]["medium"], "EMAIL");
    assert!(!ran.stderr.contains(&grace) && !ran.stderr.contains("Grace"), "{}", ran.stderr);
    assert_ne!(before.attribute("sub"), after.attribute("sub"));
    assert_eq!((after.status.as_str(), after.attribute("given_name")), ("UNCONFIRMED", "Grace"));
    // Nothing personal lies around once it is not needed.
    assert_eq!(desk.files(), 0);
}

#[tokio::test]
async fn reset_user_comes_to_its_end_and_removes_its_file_though_nobody_reads_what_it_says() {
    let (desk, grace) = registered().await;
    let arguments = ["reset-user", &grace, "--user-pool-id", desk.pool.id(), "--client-id", &desk.client, "--yes"];
    let mut command = Cli::new().unwrap().within(desk.folder.path()).command(&arguments);
    let ended = command.stdout(closed().unwrap()).stderr(closed().unwrap()).status().await.unwrap();
    assert_eq!(ended.code(), Some(DONE));
    assert_eq!(mails(&desk.pool, &grace).await, 2);
    assert_eq!(desk.files(), 0);
}

#[tokio::test]
async fn reset_user_signs_up_through_a_client_with_a_secret_and_keeps_what_was_deleted_where_it_is_told() {
    let (desk, grace) = registered().await;
    let secret = json!({ "ClientName": "server", "GenerateSecret": true });
    let secret = desk.pool.admin("CreateUserPoolClient", secret).await.unwrap();
    let client = secret["UserPoolClient"]["ClientId"].as_str().unwrap();
    desk.reset_through(client, &[&grace, "--yes", "--save", "kept.json"]).await.ends(DONE);
    assert_eq!(mails(&desk.pool, &grace).await, 2);
    // The password that the person had is gone with the profile.
    desk.pool.admin("AdminConfirmSignUp", json!({ "Username": grace })).await.unwrap();
    assert!(!end_to_end::opens(&desk.pool, &grace, PASSWORD).await.unwrap());
    let kept = std::fs::read_to_string(desk.folder.path().join("kept.json")).unwrap();
    assert!(
        kept.contains(&grace) && !kept.contains(secret["UserPoolClient"]["ClientSecret"].as_str().unwrap()),
        "{kept}"
    );
}

#[tokio::test]
async fn reset_user_deletes_a_confirmed_user_only_if_that_is_said() {
    let (desk, grace) = (Desk::new().await, somebody());
    let before = native(&desk.pool, Kind::EmailAsUsername, &grace).await.unwrap();
    desk.pool.admin("AdminAddUserToGroup", json!({ "Username": before.username, "GroupName": GROUP })).await.unwrap();
    desk.reset(&[&grace, "--yes"]).await.only_says(REFUSED, "--yes-delete-confirmed");
    assert_eq!(desk.pool.only_profile_of(&grace).await.unwrap().attribute("sub"), before.attribute("sub"));
    let ran = desk.reset(&[&grace, "--yes-delete-confirmed"]).await.ends(DONE);
    assert_eq!(desk.pool.only_profile_of(&grace).await.unwrap().status, "UNCONFIRMED");
    // The groups do not come back, so the file that names them stays.
    let outcome = ran.json().unwrap();
    assert_eq!(outcome["groups_left"], json!([GROUP]));
    let saved = std::fs::read_to_string(outcome["saved"].as_str().unwrap()).unwrap();
    assert!(saved.contains(GROUP) && saved.contains(before.attribute("sub")), "{saved}");
}

#[tokio::test]
async fn reset_user_refuses_what_no_sign_up_brings_back_and_deletes_nothing() {
    let desk = Desk::new().await;
    let _google = ada_twice(&desk.pool).await;
    let own = format!("Google_{AT_GOOGLE}");
    desk.reset(&[&own, "--yes"]).await.only_says(REFUSED, "federated identity");
    desk.reset(&[ADA, "--yes-delete-confirmed"]).await.only_says(REFUSED, "2 profiles");
    let ada = desk.pool.profiles().await.unwrap().into_iter().find(local_cloud::user_pool::Profile::is_native).unwrap();
    let ran = desk.reset(&[&ada.username, "--yes-delete-confirmed"]).await;
    ran.only_says(REFUSED, "another profile has the same e-mail address");
    let linked = native(&desk.pool, Kind::EmailAsUsername, "kim@example.com").await.unwrap();
    desk.pool.link(&linked.username, "Google", "7").await.unwrap();
    desk.reset(&["kim@example.com", "--yes-delete-confirmed"]).await.only_says(REFUSED, "unlink");
    invited(&desk.pool, "ivy@example.com", &[]).await.unwrap();
    desk.reset(&["ivy@example.com", "--yes"]).await.only_says(REFUSED, "RESEND");
    desk.reset(&["nobody@example.com", "--yes"]).await.only_says(FAILED, "no profile");
    assert_eq!(desk.pool.profiles().await.unwrap().len(), 4);
    assert_eq!(desk.files(), 0);
}

#[tokio::test]
async fn reset_user_refuses_a_pool_or_client_that_would_not_take_the_sign_up_and_deletes_nothing() {
    let (desk, grace) = registered().await;
    desk.reset_through("0000nosuchclient0000000000", &[&grace, "--yes"]).await.only_says(REFUSED, "no app client");
    let narrow = json!({ "ClientName": "narrow", "WriteAttributes": ["email"] });
    let narrow = desk.pool.admin("CreateUserPoolClient", narrow).await.unwrap();
    let narrow = narrow["UserPoolClient"]["ClientId"].as_str().unwrap();
    desk.reset_through(narrow, &[&grace, "--yes"]).await.only_says(REFUSED, "may not write given_name");
    desk.reset(&[&grace]).await.only_says(REFUSED, "no terminal to ask on");
    desk.pool.change(|pool| pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] = json!(true)).await.unwrap();
    desk.reset(&[&grace, "--yes"]).await.only_says(REFUSED, "only administrators");
    assert_eq!(desk.pool.only_profile_of(&grace).await.unwrap().attribute("given_name"), "Grace");
    desk.pool.change(|pool| pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] = json!(false)).await.unwrap();
    desk.reset_through(narrow, &[&grace, "--yes", "--without", "given_name"]).await.ends(DONE);
    assert_eq!(desk.pool.only_profile_of(&grace).await.unwrap().attribute("given_name"), "");
}

/// Somebody whose sign-up the pool's trigger refuses is deleted by then: nothing of theirs may be lost.
#[tokio::test]
async fn reset_user_resumes_from_its_file_after_a_sign_up_that_failed() {
    let (desk, grace) = registered().await;
    let trigger = |function: Value| [("PreSignUp", function)];
    desk.pool.attach(&trigger(json!("arn:aws:lambda:eu-central-1:000000000000:function:gone"))).await.unwrap();
    desk.reset(&[&grace, "--yes"]).await.only_says(PARTLY, "--resume");
    assert!(desk.pool.profiles().await.unwrap().is_empty());
    let file = desk.folder.path().read_dir().unwrap().next().unwrap().unwrap().path();
    let file = file.to_str().unwrap();
    let without = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": {} });
    desk.pool.admin("UpdateUserPool", without).await.unwrap();
    Desk::new().await.reset(&["--resume", file, "--yes"]).await.only_says(REFUSED, "another user pool");
    desk.reset(&["--resume", file]).await.only_says(REFUSED, "no terminal to ask on");
    assert!(desk.pool.profiles().await.unwrap().is_empty());
    desk.reset(&["--resume", file, "--yes"]).await.ends(DONE);
    let after = desk.pool.only_profile_of(&grace).await.unwrap();
    assert_eq!((after.attribute("given_name"), after.status.as_str()), ("Grace", "UNCONFIRMED"));
    assert_eq!(mails(&desk.pool, &grace).await, 2);
    assert_eq!(desk.files(), 0);
}

#[tokio::test]
async fn reset_user_resumes_nothing_whose_profile_is_still_there() {
    let pool = pool(Kind::EmailAsAlias).await.unwrap();
    let open =
        json!({ "AutoVerifiedAttributes": ["email"], "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": false } });
    pool.admin("UpdateUserPool", open).await.unwrap();
    let desk = Desk::of(pool).await;
    let input = json!({ "ClientId": desk.client, "Username": "grace", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": somebody() }] });
    desk.pool.call("SignUp", &input).await.unwrap();
    desk.reset(&["grace", "--yes", "--save", "grace.json"]).await.ends(DONE);
    let sub = desk.pool.profile("grace").await.unwrap().attribute("sub").to_owned();
    // As if the run had ended between writing the file and deleting the profile.
    let file = desk.folder.path().join("grace.json");
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    record["sub"] = json!(sub);
    std::fs::write(&file, record.to_string()).unwrap();
    desk.reset(&["--resume", "grace.json", "--yes"]).await.only_says(REFUSED, "not deleted yet");
    assert_eq!(desk.pool.profile("grace").await.unwrap().attribute("sub"), sub);
}

#[tokio::test]
async fn reset_user_needs_a_person_or_a_file() {
    let desk = Desk::new().await;
    desk.reset(&[]).await.only_says(USAGE, "--resume");
    desk.reset(&["a", "--resume", "b"]).await.only_says(USAGE, "cannot be used with");
}

#[tokio::test]
async fn whoever_presses_control_c_at_a_question_changes_nothing() {
    let (Desk { pool, .. }, grace) = registered().await;
    for (typed, code) in [("\u{3}", 130), ("\u{4}", 3), ("n\n", 3)] {
        let arguments = ["verify-email", &grace, "--user-pool-id", pool.id()];
        let mut child = Cli::new().unwrap().on_a_terminal(&arguments).unwrap().spawn().unwrap();
        let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains("[y/N]") {
            assert_ne!(screen.read_buf(&mut shown).await.unwrap(), 0, "{}", String::from_utf8_lossy(&shown));
        }
        keyboard.write_all(typed.as_bytes()).await.unwrap();
        screen.read_to_end(&mut shown).await.unwrap();
        let ended = child.wait().await.unwrap();
        assert_eq!(ended.code(), Some(code), "{typed:?}: {}", String::from_utf8_lossy(&shown));
        assert_ne!(pool.only_profile_of(&grace).await.unwrap().attribute("email_verified"), "true", "{typed:?}");
    }
}
