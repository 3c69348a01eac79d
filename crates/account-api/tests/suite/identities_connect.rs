//! A person who has signed in to two accounts makes one of them.

use crate::house::{Answer, House, NOW, TRAPS, cut_off_anywhere};
use crate::identities::token;
use account_api::mailer::memory::Sent;
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, LinkedIdentity, PoolKind, federated, native};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const AT_GOOGLE: &str = "lovelace@example.org";
const PROVIDERS: (&str, &str) = ("PROVIDERS", "Google:claim,Facebook:claim,Corp:always");
pub(crate) const NEW: [(&str, &str); 2] = [("SELF_SERVICE_LINKING", "new"), PROVIDERS];
pub(crate) const ANY: [(&str, &str); 2] = [("SELF_SERVICE_LINKING", "any"), PROVIDERS];

/// Longer than the lease of a call and the pause between mails.
pub(crate) const A_WHILE: u64 = 61;

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Ada's account, with a password.
pub(crate) fn ada() -> Account {
    native(ADA)
}

/// What the sign-in with Google has just made.
pub(crate) fn alone() -> Account {
    Account { created: Some(at(NOW)), email_verified: true, ..federated("Google", "1", AT_GOOGLE) }
}

/// The same where the triggers make native profiles.
pub(crate) fn made_with_identity() -> Account {
    let google = LinkedIdentity { connected: Some(at(NOW)), ..federated("Google", "1", "").identities.remove(0) };
    let password = Some("random".into());
    let identities = vec![LinkedIdentity { primary: false, ..google }];
    Account { created: Some(at(NOW)), password, identities, ..native(AT_GOOGLE) }
}

/// An account that a provider's sign-in made long ago.
pub(crate) fn old_alone() -> Account {
    Account { created: Some(at(1000)), ..alone() }
}

pub(crate) async fn post(house: &House, claims: &Value, path: &str, body: Value) -> Option<Answer> {
    house.call(Some(claims), "POST", path, Some(body)).await
}

pub(crate) async fn offer(house: &House, from: &Account, to: &Account) -> String {
    let answer = house.as_account(from, "POST", "/identities/offer", Some(json!({ "to": to.sub }))).await;
    assert_eq!((answer.status.as_u16(), &answer.body["expires_at"]), (200, &json!(house.time() + 600)), "{answer:?}");
    answer.body["offer"].as_str().unwrap().to_owned()
}

pub(crate) async fn look(house: &House, own: &Account, offer: &str) -> Answer {
    house.as_account(own, "POST", "/identities", Some(json!({ "offer": offer }))).await
}

pub(crate) fn confirming(offer: &str, seen: &Answer, stays: &Account) -> Value {
    json!({ "offer": offer, "confirmation": seen.body["confirmation"], "stays": stays.sub })
}

/// Confirms, and enters the codes of the mailboxes that have to approve.
pub(crate) async fn confirm(house: &House, claims: &Value, mut body: Value) -> Answer {
    let mut answer = post(house, claims, "/identities", body.clone()).await.unwrap();
    while answer.status == 202 {
        body["code"] = json!(last_code(house));
        answer = post(house, claims, "/identities", body.clone()).await.unwrap();
    }
    answer
}

pub(crate) fn last_code(house: &House) -> String {
    house.mailer.sent().last().and_then(Sent::code).unwrap()
}

/// A confirmation with the code that is the last to be entered, after so many that are entered before it.
pub(crate) async fn ready(house: &House, claims: &Value, mut body: Value, before: usize) -> Value {
    for _ in 0..=before {
        let asked = post(house, claims, "/identities", body.clone()).await.unwrap();
        assert_eq!(asked.status, 202, "{asked:?}");
        body["code"] = json!(last_code(house));
    }
    body
}

/// Everything up to the confirmation that this account stays: the caller's claims and the body.
pub(crate) async fn confirmed(house: &House, own: &Account, other: &Account, stays: &Account) -> (Value, Value) {
    let offer = offer(house, other, own).await;
    let seen = look(house, own, &offer).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    (token(own, house.time()), confirming(&offer, &seen, stays))
}

/// The same, with the code of the one mailbox that has to approve it.
pub(crate) async fn approved(house: &House, own: &Account, other: &Account, stays: &Account) -> (Value, Value) {
    let (claims, body) = confirmed(house, own, other, stays).await;
    let body = ready(house, &claims, body, 0).await;
    (claims, body)
}

/// Looks and confirms that the first account stays.
pub(crate) async fn connect(house: &House, own: &Account, other: &Account, stays: &Account) -> Answer {
    let offer = offer(house, other, own).await;
    let seen = look(house, own, &offer).await;
    if seen.status != 200 {
        return seen;
    }
    confirm(house, &token(own, house.time()), confirming(&offer, &seen, stays)).await
}

/// One account is left, with every identity, and nobody is lost.
#[track_caller]
fn is_one(house: &House, stays: &Account, identities: &[(&str, &str)]) {
    let accounts = house.pool.accounts();
    assert_eq!(accounts.len(), 1, "{accounts:#?}");
    assert_eq!(accounts[0].sub, stays.sub);
    assert_eq!(accounts[0].password, stays.password, "its password is what it was");
    for (provider, subject) in identities {
        assert!(accounts[0].has_identity(provider, subject), "{provider} {subject}");
    }
}

/// The journal is gone, and no mail is owed. The subs of these tests have addresses in them.
#[track_caller]
pub(crate) fn nothing_personal_is_kept(house: &House) {
    let text = house.store.text();
    assert!(!["\"email\"", "\"to\"", "userId", "user_name"].iter().any(|word| text.contains(word)), "{text}");
}

/// Neither account was touched.
#[track_caller]
pub(crate) fn untouched(house: &House, before: &[Account]) {
    let bare = |accounts: &[Account]| -> Vec<_> {
        accounts.iter().map(|account| (account.sub.clone(), account.identities.clone())).collect()
    };
    assert_eq!(bare(&house.pool.accounts()), bare(before));
    assert!(house.mailer.sent().iter().all(|mail| mail.code().is_some()), "nobody is told of a change");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_sign_in_has_just_made_is_absorbed() {
    for other in [alone(), made_with_identity()] {
        let house = House::set([ada(), other.clone()], &NEW);
        let offer = offer(&house, &other, &ada()).await;
        let seen = look(&house, &ada(), &offer).await;
        assert_eq!(seen.status, 200, "{seen:?}");
        assert_eq!(seen.body["choices"], json!([{ "stays": ada().sub, "goes": other.sub }]));
        assert_eq!((&seen.body["own"]["sub"], &seen.body["other"]["sub"]), (&json!(ada().sub), &json!(other.sub)));
        assert_eq!((&seen.body["own"]["is_new"], &seen.body["other"]["is_new"]), (&json!(false), &json!(true)));
        assert_eq!(seen.body["other"]["identities"][0]["label"], "Google");
        assert_eq!(house.pool.accounts().len(), 2, "looking changes nothing");
        let body = confirming(&offer, &seen, &ada());
        let claims = token(&ada(), NOW);
        let done = confirm(&house, &claims, body.clone()).await;
        let expected = json!({ "stays": ada().sub, "goes": other.sub });
        done.says(200, &expected);
        is_one(&house, &ada(), &[("Google", "1")]);
        // A repeated call gets the same answer, and the owner one mail at each proven address.
        let again = post(&house, &claims, "/identities", body).await.unwrap();
        again.says(200, &expected);
        assert!(house.mailer.last_to(ADA).is_some_and(|mail| mail.letter.subject.contains("new way to sign in")));
        assert!(house.mailer.last_to(AT_GOOGLE).is_some());
        assert_eq!(house.mailer.sent().iter().filter(|mail| mail.code().is_none()).count(), 2);
        nothing_personal_is_kept(&house);
    }
}

#[tokio::test(start_paused = true)]
async fn whether_older_accounts_are_given_up_is_the_operators_choice_and_which_one_the_persons() {
    let house = House::set([ada(), old_alone()], &NEW);
    connect(&house, &ada(), &old_alone(), &ada()).await.is_refused(403, "older-account");
    untouched(&house, &[ada(), old_alone()]);

    let house = House::set([ada(), old_alone()], &ANY);
    assert_eq!(connect(&house, &ada(), &old_alone(), &ada()).await.status, 200);
    is_one(&house, &ada(), &[("Google", "1")]);

    // The account with the provider stays, and the one with only a password is given up.
    let with_google = || native(AT_GOOGLE).with_identity("Google", "1");
    let house = House::set([ada(), with_google()], &ANY);
    let offer = offer(&house, &with_google(), &ada()).await;
    let seen = look(&house, &ada(), &offer).await;
    assert_eq!(seen.body["choices"], json!([{ "stays": with_google().sub, "goes": ada().sub }]));
    let wrong = confirming(&offer, &seen, &ada());
    let claims = token(&ada(), NOW);
    post(&house, &claims, "/identities", wrong).await.unwrap().is_refused(403, "not-by-provider");
    let body = confirming(&offer, &seen, &with_google());
    let done = confirm(&house, &claims, body.clone()).await;
    assert_eq!(done.body, json!({ "stays": with_google().sub, "goes": ada().sub }));
    is_one(&house, &with_google(), &[("Google", "1")]);
    assert_eq!(post(&house, &claims, "/identities", body).await.unwrap().body, done.body, "of a deleted caller, too");

    // Somebody who has always come with Google adds the account with a password.
    let house = House::set([old_alone(), ada()], &ANY);
    assert_eq!(connect(&house, &old_alone(), &ada(), &ada()).await.status, 200);
    is_one(&house, &ada(), &[("Google", "1")]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_not_signed_in_to_with_its_provider_is_not_absorbed() {
    let no_identity = Account { created: Some(at(NOW)), ..native(AT_GOOGLE) };
    let linked_later = Account {
        identities: vec![LinkedIdentity { connected: Some(at(NOW + 61)), ..made_with_identity().identities.remove(0) }],
        ..made_with_identity()
    };
    let unknown_time = native(AT_GOOGLE).with_identity("Google", "1");
    let got_a_password = Account { status: Status::Confirmed, password: Some("known".into()), ..alone() };
    // Its owner may have set a password since.
    let long_ago = LinkedIdentity { connected: Some(at(1000)), ..made_with_identity().identities.remove(0) };
    let made_long_ago = Account { created: Some(at(1000)), identities: vec![long_ago], ..made_with_identity() };
    let others = [
        no_identity,
        linked_later,
        Account { created: Some(at(NOW)), ..unknown_time },
        made_with_identity().with_identity("Corp", "7"),
        got_a_password,
        made_long_ago,
        alone().with_identity("Corp", "7"),
    ];
    for other in others {
        let house = House::set([ada(), other.clone()], &ANY);
        connect(&house, &ada(), &other, &ada()).await.is_refused(403, "not-by-provider");
        untouched(&house, &[ada(), other]);
    }
    // The caller's own account is given up only if it has nothing but a password.
    let own = || ada().with_identity("Corp", "7");
    let other = || native(AT_GOOGLE).with_identity("Google", "1");
    let house = House::set([own(), other()], &ANY);
    connect(&house, &own(), &other(), &other()).await.is_refused(403, "not-by-provider");
    untouched(&house, &[own(), other()]);
    // The token says that it came from a sign-in with a password.
    let house = House::set([ada(), made_with_identity()], &NEW);
    let mut claims = token(&made_with_identity(), NOW);
    claims["scope"] = json!("aws.cognito.signin.user.admin");
    let offer = post(&house, &claims, "/identities/offer", json!({ "to": ada().sub })).await.unwrap();
    look(&house, &ada(), offer.body["offer"].as_str().unwrap()).await.is_refused(403, "not-by-provider");
    untouched(&house, &[ada(), made_with_identity()]);
}

#[tokio::test(start_paused = true)]
async fn accounts_that_cannot_be_one_are_refused() {
    let many = (0..5).fold(ada(), |account, n| account.with_identity("Corp", &n.to_string()));
    let cases = [
        (ada(), alone().disabled(), 403, "account-unusable"),
        (ada().disabled(), alone(), 403, "account-unusable"),
        (many, alone(), 409, "too-many-identities"),
        // A pool shows the name of a provider in either case.
        (ada().with_identity("google", "9"), alone(), 403, "second-subject"),
        (ada(), alone().in_group("admins"), 409, "groups-differ"),
        (Account { status: Status::ResetRequired, ..ada() }, alone(), 409, "cannot-stay"),
        (federated("Facebook", "2", ADA), alone(), 409, "cannot-stay"),
    ];
    for (own, other, status, code) in cases {
        let house = House::set([own.clone(), other.clone()], &ANY);
        connect(&house, &own, &other, &own).await.is_refused(status, code);
        untouched(&house, &[own, other]);
    }
    let never = [ANY[0], ("PROVIDERS", "Google:always:none")];
    let house = House::set([ada(), alone()], &never);
    connect(&house, &ada(), &alone(), &ada()).await.is_refused(403, "provider-not-linked");

    // Rights that both have, that everybody has, or that Cognito keeps for the provider, are not lost.
    let other = alone().in_group("Users").in_group("eu-central-1_EXAMPLE01_Google").in_group("staff");
    let house = House::set([ada().in_group("staff"), other.clone()], &NEW);
    assert_eq!(connect(&house, &ada(), &other, &ada()).await.status, 200);
    assert!(!house.pool.accounts()[0].groups.contains("Users"), "nobody comes back into a group");
}

#[tokio::test(start_paused = true)]
async fn who_is_shut_out_gets_no_other_account() {
    let by_provider = Account { email_verified: true, ..federated("Facebook", "9", AT_GOOGLE) };
    for banned in [native(AT_GOOGLE).disabled(), by_provider.disabled()] {
        let house = House::set([ada(), alone(), banned], &NEW);
        connect(&house, &ada(), &alone(), &ada()).await.is_refused(403, "account-unusable");
        assert_eq!(house.pool.accounts().len(), 3);
        // And nothing is stuck.
        house.pool.change(|accounts| drop(accounts.pop()));
        assert_eq!(connect(&house, &ada(), &alone(), &ada()).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn both_sign_ins_have_to_be_fresh() {
    let house = House::set([ada(), alone()], &NEW);
    let body = json!({ "to": ada().sub });
    let old = token(&alone(), NOW - 601);
    post(&house, &old, "/identities/offer", body).await.unwrap().is_refused(403, "sign-in-again");

    let offer = offer(&house, &alone(), &ada()).await;
    let old = token(&ada(), NOW - 601);
    post(&house, &old, "/identities", json!({ "offer": offer })).await.unwrap().is_refused(403, "sign-in-again");
    let seen = look(&house, &ada(), &offer).await;
    let body = confirming(&offer, &seen, &ada());
    post(&house, &old, "/identities", body.clone()).await.unwrap().is_refused(403, "sign-in-again");
    house.clock.forward(601);
    look(&house, &ada(), &offer).await.is_refused(410, "offer-expired");
    let claims = token(&ada(), house.time());
    post(&house, &claims, "/identities", body).await.unwrap().is_refused(410, "offer-expired");
    untouched(&house, &[ada(), alone()]);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_kind_or_nobodys_makes_no_offer_and_takes_none() {
    let house = House::set([ada(), alone()], &NEW);
    for (path, body) in [("/identities/offer", json!({ "to": ada().sub })), ("/identities", json!({ "offer": "x" }))] {
        house.as_nobody("POST", path, Some(body.clone())).await.is_refused(401, "unauthorized");
        let mut claims = token(&alone(), NOW);
        claims["token_use"] = json!("id");
        post(&house, &claims, path, body).await.unwrap().is_refused(401, "unauthorized");
    }
    assert!(house.pool.calls().is_empty() && house.store.text().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_offer_serves_the_account_that_it_was_made_to_and_nobody_else() {
    let eve = || native("eve@example.net");
    let house = House::set([ada(), alone(), eve()], &NEW);
    let offer = offer(&house, &alone(), &ada()).await;
    look(&house, &eve(), &offer).await.is_refused(400, "offer-invalid");
    let claims = token(&ada(), NOW);
    let same = post(&house, &claims, "/identities/offer", json!({ "to": ada().sub })).await.unwrap();
    same.is_refused(400, "same-account");
    let (hex, seal) = offer.split_once('.').unwrap();
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let forged = String::from_utf8(bytes).unwrap().replace(&ada().sub, &eve().sub);
    let forged = forged.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for wrong in [format!("{forged}.{seal}"), format!("{hex}."), hex.to_owned(), ".".into(), format!("é.{seal}")] {
        look(&house, &eve(), &wrong).await.is_refused(400, "offer-invalid");
    }
    untouched(&house, &[ada(), alone(), eve()]);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_is_good_for_what_was_shown_to_this_person_only() {
    let house = House::set([ada(), alone()], &NEW);
    let offer = offer(&house, &alone(), &ada()).await;
    let seen = look(&house, &ada(), &offer).await;
    let claims = token(&ada(), NOW);
    let refused = async |body: Value, status, code| {
        post(&house, &claims, "/identities", body).await.unwrap().is_refused(status, code);
        untouched(&house, &[ada(), alone()]);
    };
    let right = confirming(&offer, &seen, &ada());
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    refused(with("confirmation", json!("0".repeat(64))), 409, "accounts-changed").await;
    refused(with("confirmation", json!("x")), 409, "accounts-changed").await;
    refused(with("confirmation", Value::Null), 400, "invalid-request").await;
    refused(with("stays", Value::Null), 400, "invalid-request").await;
    refused(with("stays", json!("somebody")), 400, "invalid-request").await;
    refused(with("stays", json!(alone().sub)), 409, "cannot-stay").await;
    // What was shown is not what is.
    house.pool.change(|accounts| {
        accounts[1].groups.insert("Users".into());
    });
    refused(right.clone(), 409, "accounts-changed").await;
    house.pool.change(|accounts| {
        accounts[1].groups.remove("Users");
    });
    assert_eq!(confirm(&house, &claims, right).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_changes_just_then_stays_as_it_is() {
    let house = House::set([ada(), alone()], &NEW);
    let (claims, body) = approved(&house, &ada(), &alone(), &ada()).await;
    let mut reads = 0;
    house.pool.before_each_call(move |called, accounts| {
        // An operator puts the account into a group after it was looked at, before it would be deleted.
        reads += i32::from(called == "AdminGetUser");
        if reads == 3 {
            accounts[1].groups.insert("admins".into());
        }
    });
    post(&house, &claims, "/identities", body).await.unwrap().is_refused(409, "accounts-changed");
    untouched(&house, &[ada(), alone()]);
}

#[tokio::test(start_paused = true)]
async fn an_account_may_not_try_for_ever() {
    let house = House::set([ada(), alone()], &NEW);
    let offer = offer(&house, &alone(), &ada()).await;
    for _ in 0..20 {
        assert_eq!(look(&house, &ada(), &offer).await.status, 200);
    }
    let calls = house.pool.calls().len();
    look(&house, &ada(), &offer).await.is_refused(429, "too-many-requests");
    assert_eq!(house.pool.calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_fails_at_every_call_changes_nothing() {
    let house = House::set([ada(), alone()], &NEW);
    let offer = offer(&house, &alone(), &ada()).await;
    let seen = look(&house, &ada(), &offer).await;
    house.store.set_broken(true);
    let claims = token(&ada(), NOW);
    let body = confirming(&offer, &seen, &ada());
    post(&house, &claims, "/identities", body).await.unwrap().is_refused(503, "try-again");
    look(&house, &ada(), &offer).await.is_refused(503, "try-again");
    untouched(&house, &[ada(), alone()]);
}

/// Cuts a confirmation off at each call, and lets this account make the next one.
async fn cut_off(own: &Account, other: &Account, stays: &Account, next: &Account) {
    cut_off_anywhere(&TRAPS, 15..60, async |trap, after| {
        let house = House::with(PoolKind::EmailUserNames, [own.clone(), other.clone()], &ANY, trap);
        let (claims, body) = confirmed(&house, own, other, stays).await;
        let goes = if stays.sub == own.sub { other } else { own };
        let is_old = goes.created < Some(at(NOW));
        let body = ready(&house, &claims, body, usize::from(is_old)).await;
        let (answer, sprung) = house.cut_off(after, post(&house, &claims, "/identities", body.clone())).await;
        let told = format!("{trap:?} {after} {}", next.sub);
        if sprung && let Some(answer) = &answer {
            let known = answer.status.is_success() || answer.status == 503 || answer.code() == "identity-changing";
            assert!(known, "{told}: {answer:?}");
        }
        house.clock.forward(A_WHILE);
        // Whoever of the two comes next completes it, if it has begun.
        house.as_account(next, "GET", "/identities", None).await;
        assert_eq!(house.pool.owners_of("Google", "1").len(), 1, "{told}: the identity has an account");
        let again = post(&house, &claims, "/identities", body).await.unwrap();
        assert_eq!(again.status, 200, "{told}: {again:?}");
        is_one(&house, stays, &[("Google", "1")]);
        house.clock.forward(A_WHILE);
        house.as_account(stays, "GET", "/identities", None).await;
        let is_told = |mail: &&Sent| mail.to == ADA && mail.code().is_none();
        let told_ada = house.mailer.sent().iter().filter(is_told).count();
        assert!((1..=2).contains(&told_ada), "{told}: told {told_ada} times");
        nothing_personal_is_kept(&house);
        sprung
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_move_that_was_cut_off_anywhere_is_completed_by_the_next_call_of_either_side() {
    cut_off(&ada(), &alone(), &ada(), &ada()).await;
    cut_off(&ada(), &alone(), &ada(), &alone()).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_of_a_linked_identity_that_was_cut_off_anywhere_is_completed() {
    cut_off(&ada(), &made_with_identity(), &ada(), &made_with_identity()).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_of_the_callers_account_that_was_cut_off_anywhere_is_completed() {
    cut_off(&old_alone(), &ada(), &ada(), &old_alone()).await;
}

/// The process ended after the account was deleted, and before its identity was linked.
pub(crate) async fn half_moved() -> House {
    half_moved_from(&alone()).await
}

/// The same of an account like this one. A linked identity is taken from it while it is still there.
pub(crate) async fn half_moved_from(other: &Account) -> House {
    for after in 0..60 {
        let house = House::set([ada(), other.clone()], &NEW);
        let (claims, body) = approved(&house, &ada(), other, &ada()).await;
        house.cut_off(after, post(&house, &claims, "/identities", body)).await;
        if house.pool.owners_of("Google", "1").is_empty() {
            house.clock.forward(A_WHILE);
            return house;
        }
    }
    panic!("the identity always has an account");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_came_back_and_cannot_be_absorbed_any_more_stays() {
    let house = half_moved().await;
    house.pool.change(|accounts| {
        accounts[0] = (0..5).fold(accounts[0].clone(), |account, n| account.with_identity("Corp", &n.to_string()));
        accounts.push(Account { sub: "anew".into(), ..alone() });
    });
    let next = house.as_account(&ada(), "GET", "/identities", None).await;
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(house.pool.owners_of("Google", "1")[0].sub, "anew");
    nothing_personal_is_kept(&house);
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_its_owner_signs_in_with_meanwhile_is_never_without_an_account() {
    // The person signs in with Google, and gets an account anew.
    for with_trigger in [false, true] {
        let house = half_moved().await;
        house.pool.change(|accounts| {
            accounts.push(if with_trigger {
                Account { sub: "anew".into(), user_name: "anew".into(), ..made_with_identity() }
            } else {
                // Cognito puts it into the provider's group.
                Account { sub: "anew".into(), ..alone() }.in_group("eu-central-1_EXAMPLE01_Google")
            });
        });
        let next = house.as_account(&ada(), "GET", "/identities", None).await;
        assert_eq!(next.status, 200, "{next:?}");
        let owners = house.pool.owners_of("Google", "1");
        assert_eq!(owners.len(), 1);
        assert_eq!(owners[0].sub, if with_trigger { "anew".into() } else { ada().sub });
        nothing_personal_is_kept(&house);
    }
}
