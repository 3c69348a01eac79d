use crate::house::{Answer, House, NOW, Trap, access_token, wait};
use cognito_core::user_pool::Status;
use cognito_core::user_pool::memory::{Account, PoolKind, federated, invited, native};
use futures_util::future::{join, join_all};
use serde_json::json;

pub(crate) const OLD: &str = "ada@example.com";
pub(crate) const NEW: &str = "lovelace@example.org";

/// Asks for a change to this address.
pub(crate) async fn ask(house: &House, of: &str, new: &str) -> Answer {
    house.as_owner(of, "POST", "/email-change", Some(json!({ "new_email": new }))).await
}

/// Enters the code that was sent to this address.
pub(crate) async fn prove(house: &House, of: &str, address: &str) -> Answer {
    let code = json!({ "code": house.code_sent_to(address) });
    house.as_owner(of, "POST", "/email-change/verify", Some(code)).await
}

pub(crate) async fn request(house: &House) -> Answer {
    ask(house, OLD, NEW).await
}

pub(crate) async fn verify(house: &House, code: &str) -> Answer {
    house.as_owner(OLD, "POST", "/email-change/verify", Some(json!({ "code": code }))).await
}

async fn advanced(house: &House) {
    assert_eq!(request(house).await.status, 202);
    assert_eq!(prove(house, OLD, OLD).await.body["stage"], "new");
}

pub(crate) fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn email(house: &House) -> Option<String> {
    house.pool.account(&format!("native-{OLD}")).unwrap().email
}

#[tokio::test(start_paused = true)]
async fn two_codes_change_the_address_and_the_old_one_is_told() {
    let house = House::new([native(OLD)]);
    let asked = request(&house).await;
    assert_eq!(asked.status, 202);
    let expected = json!({
        "id": asked.body["id"], "stage": "current", "sent_to": "a***@example.com", "new_email": NEW,
        "expires_at": NOW + 900,
    });
    assert!(asked.body["id"].as_str().is_some_and(|id| id.len() == 36), "{asked:?}");
    assert_eq!(asked.body, expected);
    assert_eq!(house.as_owner(OLD, "GET", "/email-change", None).await.body, expected);

    let proven = prove(&house, OLD, OLD).await;
    assert_eq!((proven.status.as_u16(), &proven.body["stage"]), (200, &json!("new")));
    assert_eq!(proven.body["sent_to"], NEW);
    assert_eq!(email(&house).as_deref(), Some(OLD), "nothing changes before the new address is proven");

    let done = prove(&house, OLD, NEW).await;
    done.says(200, &json!({ "stage": "done" }));
    let account = house.pool.account(&format!("native-{OLD}")).unwrap();
    assert_eq!((account.email.as_deref(), account.email_verified), (Some(NEW), true));
    let told = house.mailer.last_to(OLD).unwrap();
    assert!(told.code().is_none() && told.letter.text.contains("l***@example.org"), "{}", told.letter.text);
    house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_a_request_has_its_own_answer() {
    let other = native("taken@example.com");
    let house = House::new([native(OLD), other]);
    let ask = async |new: &str| ask(&house, OLD, new).await;
    for address in ["", "nobody", "a b@example.com", "a\"b@example.com", "ä@example.com"] {
        ask(address).await.is_refused(400, "invalid-email");
    }
    ask("ADA@example.com").await.is_refused(400, "same-email");
    ask("Taken@Example.com").await.is_refused(409, "email-taken");
    assert!(house.mailer.sent().is_empty());
    assert_eq!(ask(NEW).await.status, 202);
    ask("third@example.com").await.is_refused(409, "request-pending");

    let refused = async |account, code: &str, status| {
        let house = House::new([account]);
        request(&house).await.is_refused(status, code);
        assert!(house.mailer.sent().is_empty(), "{code}");
    };
    let stand_alone = federated("Google", "1", OLD);
    let owner = Account { user_name: format!("native-{OLD}"), sub: format!("sub-{OLD}"), ..stand_alone };
    refused(owner, "federated-account", 403).await;
    refused(native(OLD).with_identity("Google", "1"), "linked-account", 403).await;
    refused(native(OLD).disabled(), "account-unusable", 403).await;
    refused(invited(OLD), "account-unusable", 403).await;
    refused(Account { email: None, ..native(OLD) }, "no-current-email", 409).await;
    refused(Account { sub: "somebody else".into(), ..native(OLD) }, "account-unusable", 403).await;
}

#[tokio::test(start_paused = true)]
async fn a_linked_account_may_change_where_the_operator_allows_it() {
    let house = House::set([native(OLD).with_identity("Google", "1")], &[("LINKED_EMAIL_CHANGE", "allow")]);
    advanced(&house).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_without_an_access_token_gets_anywhere() {
    let house = House::new([native(OLD)]);
    let mut id_token = access_token(OLD);
    id_token["token_use"] = json!("id");
    for (method, path) in [
        ("POST", "/email-change"),
        ("GET", "/email-change"),
        ("DELETE", "/email-change"),
        ("POST", "/email-change/verify"),
        ("POST", "/email-change/resend"),
    ] {
        for claims in [None, Some(&id_token)] {
            let body = json!({ "new_email": NEW, "code": "123456" });
            house.call(claims, method, path, Some(body)).await.unwrap().is_refused(401, "unauthorized");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn five_wrong_codes_end_the_request() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    for left in [4, 3, 2, 1] {
        let answer = verify(&house, wrong(&house.code_sent_to(OLD))).await;
        answer.is_refused(400, "wrong-code");
        assert_eq!(answer.body["tries_left"], left, "another code gives no other tries");
        house.clock.forward(60);
        if left > 1 {
            assert_eq!(house.as_owner(OLD, "POST", "/email-change/resend", None).await.status, 202);
        }
    }
    let code = house.code_sent_to(OLD);
    verify(&house, wrong(&code)).await.is_refused(410, "too-many-tries");
    verify(&house, &code).await.is_refused(404, "no-request");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_code_costs_no_try() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    for text in ["", "12345", "1234567", "12345a", "一二三四五六"] {
        verify(&house, text).await.is_refused(400, "invalid-request");
    }
    // As a Japanese keyboard gives it, in two halves.
    let full_width = |digit: char| char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap();
    let typed: String = house.code_sent_to(OLD).chars().map(full_width).collect();
    let (one, other) = typed.split_at(typed.len() / 2);
    assert_eq!(verify(&house, &format!(" {one}－{other} ")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_code_expires_after_fifteen_minutes() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    house.clock.forward(899);
    assert_eq!(house.as_owner(OLD, "GET", "/email-change", None).await.status, 200);
    house.clock.forward(1);
    prove(&house, OLD, OLD).await.is_refused(410, "code-expired");
    house.as_owner(OLD, "POST", "/email-change/resend", None).await.is_refused(410, "code-expired");
    house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
    assert_eq!(request(&house).await.status, 202, "an expired request is in nobody's way");
}

#[tokio::test(start_paused = true)]
async fn another_code_kills_the_former_one_and_waits_its_turn() {
    let house = House::new([native(OLD)]);
    let resend = async || house.as_owner(OLD, "POST", "/email-change/resend", None).await;
    resend().await.is_refused(404, "no-request");
    request(&house).await;
    let mut former = house.code_sent_to(OLD);
    let early = resend().await;
    early.is_refused(429, "resend-too-soon");
    assert_eq!(early.retry_after(), Some(60));
    for _ in 0..3 {
        house.clock.forward(60);
        assert_eq!(resend().await.status, 202);
        let code = house.code_sent_to(OLD);
        assert_ne!(code, former, "one in a million");
        former = code;
    }
    house.clock.forward(60);
    let late = resend().await;
    late.is_refused(429, "resends-used-up");
    assert_eq!(late.retry_after(), Some(840));
    let first = house.mailer.sent()[0].code().unwrap();
    verify(&house, &first).await.is_refused(400, "wrong-code");
    assert_eq!(verify(&house, &former).await.status, 200);
    house.clock.forward(60);
    assert_eq!(resend().await.status, 202, "the next stage has mails of its own");
}

#[tokio::test(start_paused = true)]
async fn no_other_code_is_sent_for_an_account_that_got_another_address_meanwhile() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    house.pool.change(|accounts| accounts[0].email = Some("recovered@example.com".into()));
    house.clock.forward(60);
    house.as_owner(OLD, "POST", "/email-change/resend", None).await.is_refused(409, "account-changed");
    assert_eq!(house.mailer.sent().len(), 1);
    house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_gone_and_cancelling_again_is_no_error() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    for _ in 0..2 {
        let cancelled = house.as_owner(OLD, "DELETE", "/email-change", None).await;
        assert_eq!((cancelled.status.as_u16(), cancelled.body), (204, serde_json::Value::Null));
    }
    prove(&house, OLD, OLD).await.is_refused(404, "no-request");
    assert!(!house.store.text().contains('@'), "no address is kept");
}

#[tokio::test(start_paused = true)]
async fn an_account_may_ask_ten_times_a_day() {
    let house = House::new([native(OLD), native("taken@example.com")]);
    for _ in 0..10 {
        ask(&house, OLD, "taken@example.com").await.is_refused(409, "email-taken");
    }
    let answer = request(&house).await;
    answer.is_refused(429, "too-many-requests");
    assert_eq!(answer.retry_after(), Some(24 * 60 * 60));
    house.clock.forward(24 * 60 * 60);
    assert_eq!(request(&house).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_request_dies_when_the_address_or_the_account_changed_meanwhile() {
    for stage in ["current", "new"] {
        let changes: [fn(&mut Account); 4] = [
            |account| account.email = Some("recovered@example.com".into()),
            |account| account.email = None,
            |account| account.status = Status::Unconfirmed,
            |account| account.identities = federated("Google", "1", OLD).identities,
        ];
        for change in changes {
            let house = House::new([native(OLD)]);
            request(&house).await;
            if stage == "new" {
                prove(&house, OLD, OLD).await;
            }
            house.pool.change(|accounts| change(&mut accounts[0]));
            let code = house.code_sent_to(if stage == "new" { NEW } else { OLD });
            verify(&house, &code).await.is_refused(409, "account-changed");
            verify(&house, &code).await.is_refused(404, "no-request");
            assert!(!house.pool.calls().contains(&"AdminUpdateUserAttributes"));
        }
    }
    let house = House::new([native(OLD)]);
    advanced(&house).await;
    house.pool.change(|accounts| accounts[0].sub = "another person with the same name".into());
    prove(&house, OLD, NEW).await.is_refused(403, "account-unusable");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_took_meanwhile_is_not_given_twice() {
    let house = House::new([native(OLD)]);
    advanced(&house).await;
    house.pool.change(|accounts| accounts.push(native(NEW)));
    prove(&house, OLD, NEW).await.is_refused(409, "email-taken");
    assert_eq!(email(&house).as_deref(), Some(OLD));
    house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
}

#[tokio::test(start_paused = true)]
async fn the_pools_own_refusal_is_final_where_its_list_is_late() {
    let house = House::with(PoolKind::EmailAlias, [native(OLD)], &[], Trap::Crash);
    advanced(&house).await;
    house.pool.change(|accounts| accounts.push(native(NEW)));
    let lag = cognito_core::user_pool::memory::Quirks { list_lag: 9, ..Default::default() };
    let _ = house.pool.clone().with_quirks(lag);
    prove(&house, OLD, NEW).await.is_refused(409, "email-taken");
    assert!(house.pool.calls().contains(&"AdminUpdateUserAttributes"), "the pool was asked");
    assert_eq!(email(&house).as_deref(), Some(OLD));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_code_gets_the_answer_of_the_first() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    let (first, mails) = (house.code_sent_to(OLD), house.mailer.sent().len());
    for _ in 0..7 {
        assert_eq!(verify(&house, &first).await.body["stage"], "new");
    }
    assert_eq!(house.mailer.sent().len(), mails + 1, "the new address gets one code");
    let second = house.code_sent_to(NEW);
    for _ in 0..7 {
        assert_eq!(verify(&house, &second).await.body, json!({ "stage": "done" }));
    }
    verify(&house, wrong(&second)).await.is_refused(404, "no-request");
    house.clock.forward(900);
    verify(&house, &second).await.is_refused(404, "no-request");
}

#[tokio::test(start_paused = true)]
async fn of_fifty_verifies_at_once_one_changes_the_account_and_all_are_told_so() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    let first = house.code_sent_to(OLD);
    for answer in join_all((0..50).map(|_| verify(&house, &first))).await {
        assert_eq!((answer.status.as_u16(), &answer.body["stage"]), (200, &json!("new")), "{answer:?}");
    }
    let second = house.code_sent_to(NEW);
    for answer in join_all((0..50).map(|_| verify(&house, &second))).await {
        assert_eq!((answer.status.as_u16(), &answer.body["stage"]), (200, &json!("done")), "{answer:?}");
    }
    let updates = house.pool.calls().iter().filter(|call| **call == "AdminUpdateUserAttributes").count();
    assert_eq!((updates, times_told(&house)), (1, 1));
}

/// Where the mail to the old address fails, the call that changes the account takes a while.
#[tokio::test(start_paused = true)]
async fn of_two_verifies_at_once_the_second_waits_for_the_answer_of_the_first() {
    let house = House::new([native(OLD)]);
    advanced(&house).await;
    let code = house.code_sent_to(NEW);
    house.mailer.set_broken(true);
    for answer in join_all((0..2).map(|_| verify(&house, &code))).await {
        assert_eq!((answer.status.as_u16(), &answer.body["stage"]), (200, &json!("done")), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_fifty_guesses_at_once_no_more_than_five_count() {
    let house = House::new([native(OLD)]);
    request(&house).await;
    let code = house.code_sent_to(OLD);
    let guesses = (0..50).map(|number| format!("{number:06}")).filter(|guess| *guess != code);
    let answers = join_all(guesses.map(async |guess| verify(&house, &guess).await)).await;
    let of = |code: &str| answers.iter().filter(|answer| answer.code() == code).count();
    assert_eq!((of("wrong-code"), of("too-many-tries")), (4, 1));
    assert_eq!(of("no-request"), answers.len() - 5);
    verify(&house, &code).await.is_refused(404, "no-request");
}

#[tokio::test(start_paused = true)]
async fn of_two_requests_at_once_one_is_pending() {
    let house = House::new([native(OLD)]);
    let answers = join_all((0..2).map(|_| request(&house))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(accepted, 1, "{answers:?}");
    assert_eq!(house.mailer.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_is_not_taken_is_told_and_can_be_sent_again_at_once() {
    let house = House::new([native(OLD)]);
    house.mailer.set_broken(true);
    request(&house).await.is_refused(503, "mail-not-sent");
    house.mailer.set_broken(false);
    assert_eq!(request(&house).await.status, 202, "a request without a code is no request");
    house.mailer.set_broken(true);
    prove(&house, OLD, OLD).await.is_refused(503, "mail-not-sent");
    house.mailer.set_broken(false);
    assert_eq!(house.as_owner(OLD, "POST", "/email-change/resend", None).await.body["stage"], "new");
    assert_eq!(prove(&house, OLD, NEW).await.body["stage"], "done");
}

#[tokio::test(start_paused = true)]
async fn where_the_address_is_the_user_name_any_native_profile_that_has_it_is_told_before_a_code_is_sent() {
    let house = House::new([native(OLD), native(NEW).unverified()]);
    request(&house).await.is_refused(409, "email-taken");
    assert!(house.mailer.sent().is_empty());
    let house = House::with_aliases([native(OLD), native(NEW).unverified()], &[]);
    assert_eq!(request(&house).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_did_not_go_out_is_not_counted() {
    let house = House::set([native(OLD)], &[("EMAIL_CHANGES_A_DAY", "1,9,9")]);
    house.mailer.set_broken(true);
    request(&house).await.is_refused(503, "mail-not-sent");
    house.mailer.set_broken(false);
    assert_eq!(request(&house).await.status, 202);

    // Of two requests at once, the one that comes second, however late.
    for steps in 0..20 {
        let house = House::set([native(OLD)], &[("EMAIL_CHANGES_A_DAY", "2,9,9")]);
        let late = async {
            wait(steps).await;
            request(&house).await
        };
        join(request(&house), late).await;
        house.as_owner(OLD, "DELETE", "/email-change", None).await;
        assert_eq!(request(&house).await.status, 202, "{steps}");
    }
}

/// An administrator gave it another address, for one. The proof is of the one from before.
#[tokio::test(start_paused = true)]
async fn an_account_that_gets_another_address_just_before_the_write_keeps_that_one() {
    let house = House::new([native(OLD)]);
    advanced(&house).await;
    let mut looks = 0;
    house.pool.before_each_call(move |called, accounts| {
        looks += i32::from(called == "AdminGetUser");
        if looks == 2 {
            accounts[0].email = Some("recovered@example.com".into());
        }
    });
    prove(&house, OLD, NEW).await.is_refused(409, "account-changed");
    assert_eq!(email(&house).as_deref(), Some("recovered@example.com"));
}

/// A house in which the write of the new address arrived, and its answer did not.
async fn written_without_an_answer() -> House {
    let house = House::with(PoolKind::EmailUserNames, [native(OLD)], &[], Trap::Lose);
    advanced(&house).await;
    // Profile, state, lease, profile, look-up; then the write.
    let (answer, sprung) = house.cut_off(5, prove(&house, OLD, NEW)).await;
    answer.is_refused(503, "try-again");
    assert!(sprung);
    assert_eq!(email(&house).as_deref(), Some(NEW), "the account has it");
    house
}

fn times_told(house: &House) -> usize {
    house.mailer.all_to(OLD).iter().filter(|mail| mail.code().is_none()).count()
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_pool_has_is_not_withdrawn_and_the_old_address_is_told() {
    let house = written_without_an_answer().await;
    let withdraw = async || house.as_owner(OLD, "DELETE", "/email-change", None).await;
    withdraw().await.is_refused(409, "commit-in-progress");
    house.as_owner(OLD, "POST", "/email-change/resend", None).await.is_refused(409, "commit-in-progress");
    ask(&house, OLD, "third@example.com").await.is_refused(409, "request-pending");
    house.clock.forward(30);
    withdraw().await.is_refused(409, "already-changed");
    assert_eq!(times_told(&house), 1);
    assert_eq!(withdraw().await.status, 204, "nothing is under way any more");
    assert_eq!(prove(&house, OLD, NEW).await.body, json!({ "stage": "done" }));
    assert_eq!(times_told(&house), 1);
    assert!(!house.store.text().contains('@'), "no address is kept");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_not_finished_by_another_account_that_has_the_name_since() {
    let house = written_without_an_answer().await;
    house.pool.change(|accounts| accounts[0].sub = "another person with the same name".into());
    house.clock.forward(30);
    let status = house.as_owner(OLD, "GET", "/email-change", None).await;
    status.is_refused(403, "account-unusable");
    assert_eq!(times_told(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_returns_finishes_a_change_that_was_cut_off_after_the_write() {
    for (method, path, body) in [
        ("GET", "/email-change", None),
        ("POST", "/email-change/resend", None),
        ("POST", "/email-change", Some(json!({ "new_email": "third@example.com" }))),
        ("POST", "/email-change/verify", Some(json!({ "code": "000000" }))),
    ] {
        let house = written_without_an_answer().await;
        house.clock.forward(24 * 60 * 60 - 1);
        let answer = house.as_owner(OLD, method, path, body).await;
        assert_eq!(times_told(&house), 1, "{method} {path}: {answer:?}");
        assert!(answer.status.is_success() || answer.code() == "no-request", "{method} {path}: {answer:?}");
    }
    let house = written_without_an_answer().await;
    house.clock.forward(30);
    for answer in join_all((0..20).map(|_| house.as_owner(OLD, "GET", "/email-change", None))).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(times_told(&house), 1, "of many at once, one tells");
}

/// Whoever returns holds the lease, so a call that comes while they work tells nobody a second time.
#[tokio::test(start_paused = true)]
async fn while_one_call_finishes_a_change_another_one_leaves_it_alone() {
    let house = House::with(PoolKind::EmailUserNames, [native(OLD)], &[], Trap::Crash);
    advanced(&house).await;
    let claims = access_token(OLD);
    let status = || house.call(Some(&claims), "GET", "/email-change", None);
    let body = Some(json!({ "code": house.code_sent_to(NEW) }));
    // Profile, state, lease, profile, look-up, write; then the sessions.
    house.cut_off(6, house.call(Some(&claims), "POST", "/email-change/verify", body)).await;
    assert_eq!(email(&house).as_deref(), Some(NEW), "the account has it");
    house.clock.forward(30);
    // State, profile, lease; then the sessions.
    assert!(house.cut_off(3, status()).await.1);
    assert_eq!(status().await.unwrap().body["stage"], "new", "it is being finished");
    assert_eq!(times_told(&house), 0);
    house.clock.forward(30);
    status().await.unwrap().says_no_change();
    assert_eq!(times_told(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn a_note_to_the_old_address_that_failed_is_owed_to_whoever_returns() {
    let house = House::new([native(OLD)]);
    advanced(&house).await;
    let code = house.code_sent_to(NEW);
    house.mailer.set_broken(true);
    assert_eq!(verify(&house, &code).await.body, json!({ "stage": "done" }), "the change is made all the same");
    let status = async || house.as_owner(OLD, "GET", "/email-change", None).await;
    house.clock.forward(60);
    status().await.says_no_change();
    assert_eq!(times_told(&house), 0);
    house.mailer.set_broken(false);
    status().await.says_no_change();
    assert_eq!(times_told(&house), 0, "once a minute");
    house.clock.forward(60);
    for answer in join_all((0..20).map(|_| status())).await {
        answer.says_no_change();
    }
    assert_eq!(times_told(&house), 1);
    assert!(!house.store.text().contains('@'), "no address is kept");
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_fails_once_is_sent_at_once_again() {
    let house = House::with(PoolKind::EmailUserNames, [native(OLD)], &[], Trap::Fail);
    advanced(&house).await;
    // Profile, state, lease, profile, look-up, write, sessions; then the mail.
    let (answer, sprung) = house.cut_off(7, prove(&house, OLD, NEW)).await;
    assert_eq!((answer.body, sprung), (json!({ "stage": "done" }), true));
    assert_eq!(times_told(&house), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_failed_leaves_a_request_like_any_other() {
    let house = House::with(PoolKind::EmailUserNames, [native(OLD)], &[], Trap::Fail);
    advanced(&house).await;
    let code = house.code_sent_to(NEW);
    house.cut_off(5, verify(&house, &code)).await.0.is_refused(503, "try-again");
    let calls = house.pool.calls().len();
    let meanwhile = verify(&house, wrong(&code)).await;
    meanwhile.is_refused(400, "wrong-code");
    assert_eq!(meanwhile.body["tries_left"], 5, "nothing is left to guess");
    assert_eq!(house.pool.calls().len(), calls + 1, "at once, and without a look at the pool");

    house.clock.forward(60);
    let counted = verify(&house, wrong(&code)).await;
    assert_eq!((counted.code(), &counted.body["tries_left"]), ("wrong-code", &json!(4)));
    assert_eq!(house.as_owner(OLD, "POST", "/email-change/resend", None).await.status, 202);
    let code = house.code_sent_to(NEW);
    house.clock.forward(900);
    verify(&house, &code).await.is_refused(410, "code-expired");
    assert_eq!(email(&house).as_deref(), Some(OLD));
    assert_eq!(request(&house).await.status, 202, "it is in nobody's way");
}

#[tokio::test(start_paused = true)]
async fn a_right_code_does_not_outlive_its_fifteen_minutes_by_a_failed_write() {
    let house = House::with(PoolKind::EmailUserNames, [native(OLD)], &[], Trap::Fail);
    advanced(&house).await;
    let code = house.code_sent_to(NEW);
    house.clock.forward(890);
    house.cut_off(5, verify(&house, &code)).await.0.is_refused(503, "try-again");
    let view = house.as_owner(OLD, "GET", "/email-change", None).await;
    assert_eq!(view.body["expires_at"], NOW + 890 + 30, "not in the past");
    house.clock.forward(31);
    verify(&house, &code).await.is_refused(410, "code-expired");
    house.as_owner(OLD, "GET", "/email-change", None).await.says_no_change();
    assert_eq!(house.as_owner(OLD, "DELETE", "/email-change", None).await.status, 204);
    assert!(!house.store.text().contains('@'), "what expired is forgotten with it");
}

#[tokio::test(start_paused = true)]
async fn every_session_ends_with_a_change_unless_the_operator_keeps_them() {
    for (setting, ended) in [("end", true), ("keep", false)] {
        let house = House::set([native(OLD)], &[("EMAIL_CHANGE_SESSIONS", setting)]);
        advanced(&house).await;
        assert!(!house.pool.calls().contains(&"AdminUserGlobalSignOut"));
        assert_eq!(prove(&house, OLD, NEW).await.body, json!({ "stage": "done" }));
        assert_eq!(house.pool.calls().contains(&"AdminUserGlobalSignOut"), ended, "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_names_an_address_keeps_nobody_from_changing_to_it() {
    let claimed = federated("Okta", "1", NEW).unverified();
    for (providers, taken) in [("Okta:never", false), ("Okta:always", true)] {
        let house = House::set([native(OLD), claimed.clone()], &[("PROVIDERS", providers)]);
        let answer = request(&house).await;
        if taken {
            answer.is_refused(409, "email-taken");
        } else {
            prove(&house, OLD, OLD).await;
            assert_eq!(prove(&house, OLD, NEW).await.body, json!({ "stage": "done" }));
        }
    }
}
