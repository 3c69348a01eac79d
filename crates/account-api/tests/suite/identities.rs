//! People see how they sign in, and disconnect a provider.

use crate::house::{Answer, House, NOW, TRAPS, Trap, cut_off_anywhere};
use cognito_core::user_pool::memory::{Account, PoolKind, federated, native};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
pub(crate) const ON: [(&str, &str); 1] = [("SELF_SERVICE_LINKING", "new")];

/// Longer than the lease of a call and the pause between mails.
const A_WHILE: u64 = 61;

/// The claims of an access token for an account, from a sign-in at this time.
pub(crate) fn token(account: &Account, auth_time: u64) -> Value {
    account_api::testing::claims(&account.sub, &account.user_name, auth_time)
}

async fn call(house: &House, of: &Account, method: &str, path: &str) -> Answer {
    house.as_account(of, method, path, None).await
}

async fn ways(house: &House, of: &Account) -> Value {
    let answer = call(house, of, "GET", "/identities").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The name of an identity in the API.
pub(crate) async fn id(house: &House, of: &Account, provider: &str) -> String {
    let ways = ways(house, of).await;
    let found = ways["identities"].as_array().unwrap().iter().find(|one| one["provider"] == provider);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn disconnect(house: &House, of: &Account, id: &str) -> Answer {
    call(house, of, "DELETE", &format!("/identities/{id}")).await
}

fn linked() -> Account {
    native(ADA).with_identity("Google", "1")
}

fn providers_of(house: &House, at: usize) -> Vec<String> {
    house.pool.accounts()[at].identities.iter().map(|identity| identity.provider.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_there_is_nothing() {
    let house = House::new([linked()]);
    call(&house, &linked(), "GET", "/identities").await.is_refused(404, "not-found");
    disconnect(&house, &linked(), "1").await.is_refused(404, "not-found");
    assert!(house.pool.calls().is_empty() && house.store.text().is_empty());
}

#[tokio::test(start_paused = true)]
async fn people_see_how_they_sign_in_and_nobody_elses_way() {
    let account = Account { second_factor: true, passkey: true, ..linked() };
    let house = House::set([account.clone(), native("b@example.com").with_identity("Corp", "2")], &ON);
    let seen = ways(&house, &account).await;
    assert_eq!(seen["sub"], account.sub);
    assert_eq!((&seen["password"], &seen["passkeys"]), (&json!("unknown"), &json!("some")));
    assert_eq!(seen["second_factors"], json!(["SOFTWARE_TOKEN_MFA"]));
    let identities = seen["identities"].as_array().unwrap();
    assert_eq!(identities.len(), 1);
    assert_eq!((&identities[0]["label"], &identities[0]["primary"]), (&json!("Google"), &json!(false)));
    assert!(identities[0].get("fixed").is_none());
    assert!(house.store.text().is_empty(), "looking stores nothing");
    assert_eq!(house.pool.calls(), ["AdminGetUser", "AdminGetUserAuthFactors"]);

    let alone = federated("Google", "3", ADA);
    let house = House::set([alone.clone()], &ON);
    let seen = ways(&house, &alone).await;
    assert_eq!((&seen["password"], &seen["may_connect"]), (&json!("none"), &json!(false)));
    assert_eq!(seen["identities"][0]["fixed"], "own-identity");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_signed_in_or_shut_out_sees_nothing() {
    let house = House::set([linked().disabled(), native("b@example.com")], &ON);
    house.as_nobody("GET", "/identities", None).await.is_refused(401, "unauthorized");
    house.as_nobody("DELETE", "/identities/1", None).await.is_refused(401, "unauthorized");
    let mut id_token = token(&linked(), NOW);
    id_token["token_use"] = json!("id");
    house.call(Some(&id_token), "GET", "/identities", None).await.unwrap().is_refused(401, "unauthorized");
    call(&house, &linked(), "GET", "/identities").await.is_refused(403, "account-unusable");
    let gone = native("gone@example.com");
    call(&house, &gone, "GET", "/identities").await.is_refused(403, "account-unusable");
    // Somebody else has the user name by now.
    let heir = Account { sub: "another".into(), ..native("b@example.com") };
    call(&house, &heir, "GET", "/identities").await.is_refused(403, "account-unusable");
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_disconnected_sessions_end_and_the_owner_is_told() {
    let account = Account { sessions: vec!["a thief's".into()], ..linked() };
    let house = House::set([account.clone()], &ON);
    let google = id(&house, &account, "Google").await;
    assert_eq!(disconnect(&house, &account, &google).await.status, 204);
    assert!(providers_of(&house, 0).is_empty());
    assert!(house.pool.accounts()[0].sessions.is_empty());
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.subject.contains("removed") && mail.letter.text.contains("Google"), "{mail:?}");
    assert!(!house.store.text().contains('@'), "the mail is not owed any more");
    for unknown in [google.as_str(), "1", "%00", "%CC", "%E2%82"] {
        disconnect(&house, &account, unknown).await.is_refused(404, "no-such-identity");
    }
    assert_eq!(house.mailer.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_several_identities_of_a_provider_one_goes() {
    let account = linked().with_identity("Google", "2");
    let house = House::set([account.clone()], &ON);
    let second = ways(&house, &account).await["identities"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(disconnect(&house, &account, &second).await.status, 204);
    assert!(
        house.pool.accounts()[0].has_identity("Google", "1") && !house.pool.accounts()[0].has_identity("Google", "2")
    );
}

#[tokio::test(start_paused = true)]
async fn an_older_session_is_asked_to_sign_in_again() {
    let house = House::set([linked()], &ON);
    let google = id(&house, &linked(), "Google").await;
    for auth_time in [json!((NOW - 601).to_string()), json!(""), json!("tomorrow"), json!((NOW + 61).to_string())] {
        let mut claims = token(&linked(), NOW);
        claims["auth_time"] = auth_time;
        let answer = house.call(Some(&claims), "DELETE", &format!("/identities/{google}"), None).await.unwrap();
        answer.is_refused(403, "sign-in-again");
    }
    assert_eq!(providers_of(&house, 0), ["Google"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_way_in_stays() {
    let cases = [
        (linked().unverified(), 409, "email-unverified"),
        (Account { password: None, passkey: true, ..linked() }, 409, "only-way-in"),
        (federated("Google", "1", ADA), 409, "own-identity"),
        (Account { status: cognito_core::user_pool::Status::ResetRequired, ..linked() }, 403, "account-unusable"),
    ];
    for (account, status, code) in cases {
        let house = House::set([account.clone()], &ON);
        let google = id(&house, &account, "Google").await;
        assert_eq!(ways(&house, &account).await["identities"][0]["fixed"], code);
        disconnect(&house, &account, &google).await.is_refused(status, code);
        assert_eq!(providers_of(&house, 0), ["Google"]);
        assert!(house.mailer.sent().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_way_in_that_goes_just_then_counts() {
    let account = Account { password: None, ..linked().with_identity("Corp", "2") };
    let house = House::set([account.clone()], &ON);
    let google = id(&house, &account, "Google").await;
    let mut reads = 0;
    house.pool.before_each_call(move |called, accounts| {
        // An operator unlinks the other one between the look and the call.
        reads += i32::from(called == "AdminGetUser");
        if reads == 2 {
            accounts[0].identities.retain(|identity| identity.provider == "Google");
        }
    });
    disconnect(&house, &account, &google).await.is_refused(409, "only-way-in");
    assert_eq!(providers_of(&house, 0), ["Google"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_may_not_try_for_ever() {
    let many: Vec<_> = (0..25).map(|n| n.to_string()).collect();
    let account = many.iter().fold(native(ADA), |account, subject| account.with_identity("Google", subject));
    let house = House::set([account.clone()], &ON);
    let ids = ways(&house, &account).await;
    let mut answers = Vec::new();
    for one in ids["identities"].as_array().unwrap() {
        answers.push(disconnect(&house, &account, one["id"].as_str().unwrap()).await);
    }
    assert!(answers[..20].iter().all(|answer| answer.status == 204));
    answers[20].is_refused(429, "too-many-requests");
    assert!(answers[20].retry_after().is_some_and(|seconds| seconds > 60));
}

/// A stranger with a stolen token must not use up what the owner needs against them.
#[tokio::test(start_paused = true)]
async fn however_many_mails_a_stranger_asks_for_the_owner_signs_everybody_out_and_disconnects() {
    let account = linked().with_identity("Corp", "2");
    let house = House::set([account.clone()], &ON);
    let old = token(&account, house.time());
    house.clock.forward(3600);
    let body = json!({ "what": "password-changed" });
    let tell = async || house.call(Some(&old), "POST", "/notices", Some(body.clone())).await.unwrap();
    for _ in 0..20 {
        assert_eq!(tell().await.status, 202);
    }
    tell().await.is_refused(429, "too-many-requests");

    let google = id(&house, &account, "Google").await;
    assert_eq!(disconnect(&house, &account, &google).await.status, 204);
    house.clock.forward(1);
    let mails = house.mailer.sent().len();
    for _ in 0..3 {
        assert_eq!(call(&house, &account, "DELETE", "/sessions").await.status, 204);
    }
    assert_eq!(house.mailer.sent().len(), mails, "those of the day are used up");
    // What the owner ended stays ended: the stranger's token ends no session of theirs.
    house.clock.forward(1);
    house.call(Some(&old), "DELETE", "/sessions", None).await.unwrap().is_refused(403, "sign-in-again");
    tell().await.is_refused(403, "sign-in-again");
}

#[tokio::test(start_paused = true)]
async fn what_cognito_cannot_untie_is_said_and_nothing_is_stuck() {
    let by = |attribute: &str| {
        let mut account = linked();
        account.identities[0].attribute = attribute.into();
        account
    };
    // Found by the attribute in the setting, or by the subject; by nothing else.
    let corp = [ON[0], ("PROVIDERS", "Google:always,Corp:always:custom:employee")];
    for (attribute, settings, done) in [("Cognito_Subject", &corp[..], true), ("custom:other", &corp[..], false)] {
        let house = House::set([by(attribute)], settings);
        let google = id(&house, &by(attribute), "Google").await;
        let answer = disconnect(&house, &by(attribute), &google).await;
        if done {
            assert_eq!(answer.status, 204);
            continue;
        }
        answer.is_refused(409, "cannot-untie");
        assert!(house.mailer.sent().is_empty() && house.pool.accounts()[0].identities.len() == 1);
        assert_eq!(call(&house, &by(attribute), "GET", "/identities").await.status, 200, "nothing is stuck");
    }
    let mut account = native(ADA).with_identity("Corp", "7");
    for attribute in ["custom:employee", "Cognito_Subject"] {
        account.identities[0].attribute = attribute.into();
        let house = House::set([account.clone()], &corp);
        let corp = id(&house, &account, "Corp").await;
        assert_eq!(disconnect(&house, &account, &corp).await.status, 204, "{attribute}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnection_that_was_cut_off_anywhere_is_settled_by_the_next_call() {
    cut_off_anywhere(&TRAPS, 10..30, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [linked()], &ON, trap);
        let google = id(&house, &linked(), "Google").await;
        let claims = token(&linked(), house.time());
        let path = format!("/identities/{google}");
        let (answer, sprung) = house.cut_off(after, house.call(Some(&claims), "DELETE", &path, None)).await;
        if sprung && let Some(answer) = answer {
            assert!(answer.status == 503 || answer.status.is_success(), "{after}: {answer:?}");
        }
        house.clock.forward(A_WHILE);
        let again = disconnect(&house, &linked(), &google).await;
        assert!(again.status == 204 || again.code() == "no-such-identity", "{trap:?} {after}: {again:?}");
        assert!(providers_of(&house, 0).is_empty());
        // A mail that hung is owed.
        house.clock.forward(A_WHILE);
        ways(&house, &linked()).await;
        let told = house.mailer.sent().len();
        assert!((1..=2).contains(&told), "{trap:?} {after}: told {told} times");
        assert!(!house.store.text().contains('@'), "no address is kept");
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_one_call_works_at_an_account_no_other_one_does() {
    let house = House::set([linked()], &ON);
    let google = id(&house, &linked(), "Google").await;
    let claims = token(&linked(), NOW);
    // The call hangs at its second look at the account, after it has begun.
    let path = format!("/identities/{google}");
    assert!(house.cut_off(6, house.call(Some(&claims), "DELETE", &path, None)).await.0.is_none());
    assert!(house.store.text().contains("disconnect"), "it has begun: {}", house.store.text());
    for (method, path) in [("GET", "/identities".to_owned()), ("DELETE", format!("/identities/{google}"))] {
        let answer = call(&house, &linked(), method, &path).await;
        answer.is_refused(409, "identity-changing");
        assert!(answer.retry_after().is_some());
    }
    house.clock.forward(A_WHILE);
    assert_eq!(disconnect(&house, &linked(), &google).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_fails_at_every_call_changes_nothing() {
    let house = House::set([linked()], &ON);
    let google = id(&house, &linked(), "Google").await;
    house.store.set_broken(true);
    disconnect(&house, &linked(), &google).await.is_refused(503, "try-again");
    call(&house, &linked(), "GET", "/identities").await.is_refused(503, "try-again");
    assert_eq!(providers_of(&house, 0), ["Google"]);
}

#[tokio::test(start_paused = true)]
async fn signing_out_everywhere_ends_every_session_and_no_sign_in_from_before_is_fresh() {
    let house = House::set([linked()], &ON);
    let stolen = token(&linked(), house.time());
    house.clock.forward(10);
    assert_eq!(call(&house, &linked(), "DELETE", "/sessions").await.status, 204);
    assert!(house.pool.calls().contains(&"AdminUserGlobalSignOut"));
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.subject.contains("signed out everywhere"), "{}", mail.letter.subject);
    let google = format!("/identities/{}", id(&house, &linked(), "Google").await);
    house.call(Some(&stolen), "DELETE", &google, None).await.unwrap().is_refused(403, "sign-in-again");
    house.clock.forward(1);
    assert_eq!(call(&house, &linked(), "DELETE", &google).await.status, 204, "signed in again");
}

#[tokio::test(start_paused = true)]
async fn sessions_that_cognito_does_not_end_are_not_told_as_ended() {
    cut_off_anywhere(&[Trap::Fail, Trap::Lose], 6..12, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [linked()], &ON, trap);
        let (answer, sprung) = house.cut_off(after, call(&house, &linked(), "DELETE", "/sessions")).await;
        assert!([204, 503].contains(&answer.status.as_u16()), "{answer:?}");
        let is_ended = house.pool.calls().contains(&"AdminUserGlobalSignOut");
        assert!(is_ended || (answer.status == 503 && house.mailer.sent().is_empty()), "{trap:?} {after}");
        let told = async || {
            // What could not be sent is owed.
            house.clock.forward(A_WHILE);
            ways(&house, &linked()).await;
            house.mailer.last_to(ADA).is_some()
        };
        assert!(told().await || answer.status == 503, "{trap:?} {after}: done, and nobody is told");
        assert_eq!(call(&house, &linked(), "DELETE", "/sessions").await.status, 204);
        assert!(told().await, "{trap:?} {after}");
        sprung
    })
    .await;
    // The account is gone just then.
    let house = House::set([linked()], &ON);
    house.just_before("AdminUserGlobalSignOut", Vec::clear);
    call(&house, &linked(), "DELETE", "/sessions").await.is_refused(403, "account-unusable");
    assert!(house.mailer.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_told_of_a_new_password_at_an_address_that_somebody_proved() {
    let body = || Some(json!({ "what": "password-changed" }));
    let house = House::set([linked()], &ON);
    let told = async |house: &House, of: &Account, body| house.as_account(of, "POST", "/notices", body).await;
    assert_eq!(told(&house, &linked(), body()).await.status, 202);
    let mail = house.mailer.last_to(ADA).unwrap();
    assert!(mail.letter.subject.contains("password was changed"), "{}", mail.letter.subject);
    assert!(!house.store.text().contains(r#""to""#), "no address is kept");
    told(&house, &linked(), Some(json!({ "what": "anything" }))).await.is_refused(400, "invalid-request");
    house.as_nobody("POST", "/notices", body()).await.is_refused(401, "unauthorized");
    house.as_nobody("DELETE", "/sessions", None).await.is_refused(401, "unauthorized");

    // Whoever has the session may not fill the mailbox.
    for _ in 1..20 {
        assert_eq!(told(&house, &linked(), body()).await.status, 202);
    }
    told(&house, &linked(), body()).await.is_refused(429, "too-many-requests");
    assert_eq!(house.mailer.sent().len(), 20);

    let unverified = native(ADA).unverified();
    let house = House::set([unverified.clone()], &ON);
    assert_eq!(told(&house, &unverified, body()).await.status, 202);
    assert!(house.mailer.sent().is_empty());
    let house = House::new([linked()]);
    told(&house, &linked(), body()).await.is_refused(404, "not-found");
    call(&house, &linked(), "DELETE", "/sessions").await.is_refused(404, "not-found");
}
