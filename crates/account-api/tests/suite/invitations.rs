use crate::house::{Answer, House, Trap, access_token, event};
use cognito_core::email::Email;
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::{Account, PoolKind, Quirks, federated, invited, native};
use cognito_core::user_pool::{NativeUserName, Status};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub(crate) const GUEST: &str = "grace@example.com";
pub(crate) const PASSWORD: &str = "The-Guest's-own-1";

pub(crate) async fn invite(house: &House) -> Answer {
    let body = json!({ "email": GUEST, "attributes": { "given_name": "Grace", "locale": "de" } });
    house.as_nobody("POST", "/invitations", Some(body)).await
}

/// The link of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) username: String,
    pub(crate) token: String,
}

impl Link {
    /// What a guest sends who follows it.
    pub(crate) fn body(&self, password: &str) -> Option<Value> {
        Some(json!({ "username": self.username, "token": self.token, "password": password }))
    }

    pub(crate) async fn answer_with(&self, house: &House, password: &str) -> Answer {
        house.as_nobody("POST", "/invitations/complete", self.body(password)).await
    }

    pub(crate) async fn answer(&self, house: &House) -> Answer {
        self.answer_with(house, PASSWORD).await
    }

    /// The same with an answer that is cut off at the call after so many.
    pub(crate) async fn answer_cut_off(&self, house: &House, after: i64) {
        let act = house.call(None, "POST", "/invitations/complete", self.body(PASSWORD));
        assert!(house.cut_off(after, act).await.0.is_none());
    }

    /// Follows it and gets the account.
    pub(crate) async fn opens(&self, house: &House) {
        let done = self.answer(house).await;
        assert_eq!(done.status, 200, "{done:?} {:#?}", house.pool.accounts());
    }
}

/// The link of the last invitation.
pub(crate) fn last_link(house: &House) -> Link {
    let mail = house.mailer.last_to(GUEST).expect("a mail to the guest");
    let part = |name: &str| mail.parameter(name).unwrap_or_else(|| panic!("no {name} in {mail:?}"));
    Link { username: part("username"), token: part("token") }
}

/// Invites the guest, and returns the link.
pub(crate) async fn new_link(house: &House) -> Link {
    invite(house).await;
    last_link(house)
}

#[tokio::test(start_paused = true)]
async fn a_guest_gets_a_link_chooses_a_password_and_has_an_account() {
    let house = House::new([]);
    let answer = invite(&house).await;
    answer.says(202, &json!({}));
    let account = &house.pool.accounts()[0];
    assert_eq!((account.status, account.email_verified), (Status::ForceChangePassword, false));
    assert_eq!(account.attributes["given_name"], "Grace");
    let mail = house.mailer.last_to(GUEST).unwrap();
    assert!(mail.letter.text.contains("https://app.example.com/activate?username="), "{}", mail.letter.text);

    let link = last_link(&house);
    link.answer(&house).await.says(200, &json!({ "email": GUEST }));
    let account = &house.pool.accounts()[0];
    assert_eq!((account.status, account.email_verified), (Status::Confirmed, true));
    assert_eq!(account.password.as_deref(), Some(PASSWORD));
    assert!(account.groups.contains("Users"));
    link.answer(&house).await.is_refused(409, "already-completed");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_used_does_nothing_more() {
    let house = House::new([]);
    let link = new_link(&house).await;
    link.opens(&house).await;
    let calls = house.pool.calls();
    link.answer(&house).await.is_refused(409, "already-completed");
    assert_eq!(house.pool.calls(), calls, "an administrator may have taken the account out of the group since");
    assert_eq!(house.bus.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_learns_nothing_of_accounts_and_invitations() {
    let house = House::new([native("ada@example.com")]);
    let link = new_link(&house).await;
    let mut texts = Vec::new();
    for (name, wrong) in [
        (link.username.as_str(), "wrong"),
        ("nobody", link.token.as_str()),
        (GUEST, link.token.as_str()),
        ("ada@example.com", "the owner's password"),
        ("native-ada@example.com", "the owner's password"),
    ] {
        let answer = Link { username: name.into(), token: wrong.into() }.answer(&house).await;
        answer.is_refused(400, "invitation-invalid");
        texts.push(answer.body.to_string());
    }
    assert!(texts.iter().all(|text| *text == texts[0]));
    assert!(!house.pool.calls().contains(&"AdminRespondToAuthChallenge"), "the pool is not asked");
}

#[tokio::test(start_paused = true)]
async fn a_weak_password_is_told_with_the_policy_and_leaves_the_invitation_open() {
    let house = House::new([]);
    let link = new_link(&house).await;
    for weak in ["short", "with white space 1A", "with white Space-1A"] {
        let answer = link.answer_with(&house, weak).await;
        answer.is_refused(400, "weak-password");
        let policy = json!({
            "minimum_length": 12, "lowercase": true, "uppercase": true, "numbers": true, "symbols": true,
        });
        assert_eq!(answer.body["password_policy"], policy);
    }
    link.opens(&house).await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_expires_and_another_one_takes_its_place() {
    let house = House::set([], &[("INVITATION_DAYS", "3")]);
    let link = new_link(&house).await;
    house.clock.forward(3 * 24 * 60 * 60);
    link.answer(&house).await.is_refused(410, "invitation-expired");
    invite(&house).await;
    let newer = last_link(&house);
    assert_eq!(newer.username, link.username, "the same account");
    link.answer(&house).await.is_refused(400, "invitation-invalid");
    newer.opens(&house).await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_is_void_once_the_account_changed() {
    for change in [
        (|account| account.email = Some("else@example.com".into()))
            as fn(&mut cognito_core::user_pool::memory::Account),
        |account| account.user_name = "renamed".into(),
    ] {
        let house = House::new([]);
        let link = new_link(&house).await;
        house.pool.change(|accounts| change(&mut accounts[0]));
        link.answer(&house).await.is_refused(400, "invitation-invalid");
        assert!(!house.pool.accounts()[0].email_verified);
    }
    let house = House::new([]);
    let link = new_link(&house).await;
    house.pool.change(|accounts| accounts[0].enabled = false);
    link.answer(&house).await.is_refused(403, "account-unusable");
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_the_same_answer_before_anything_is_looked_up() {
    let mut disabled = native(GUEST).disabled();
    disabled.user_name = "disabled".into();
    let mut admins_guest = invited(GUEST);
    admins_guest.email_verified = true;
    let mut proven = federated("Google", "1", GUEST);
    proven.email_verified = true;
    let houses = [
        House::new([]),
        House::new([native(GUEST)]),
        House::set([proven], &[("PROVIDERS", "Google:claim")]),
        House::new([disabled]),
        House::new([admins_guest]),
        House::with(PoolKind::EmailAlias, [native(GUEST).named("a"), native(GUEST).named("b")], &[], Trap::Crash),
    ];
    let mut seen = Vec::new();
    for (number, house) in houses.iter().enumerate() {
        let event =
            event(None, "POST", "/invitations", Some(&json!({ "email": GUEST }).to_string()), "application/json");
        let first = house.answer(&event).await.unwrap();
        assert!(house.pool.calls().is_empty(), "nothing is looked up before the answer, so its time tells nothing");
        house.work().await;
        seen.push((first.status, first.body.clone(), first.retry_after()));
        let again = invite(house).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "too soon, and not told");
        assert_eq!(house.mailer.sent().len(), 1, "and no second mail");
        let mail = house.mailer.last_to(GUEST).unwrap();
        assert_eq!(mail.parameter("token").is_some(), number == 0, "only who has no account gets a token");
        if number > 0 {
            assert!(!house.pool.calls().iter().any(|call| ["AdminCreateUser", "AdminSetUserPassword"].contains(call)));
        }
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_newcomers_alone_is_told_to_nobody_and_tried_again() {
    let house = House::with(PoolKind::EmailUserNames, [], &[], Trap::Fail);
    // Last invitation read and written, three counts, the job put, look-up; then the creation.
    let (answer, sprung) = house.cut_off(7, invite(&house)).await;
    assert!(sprung);
    answer.says(202, &json!({}));
    assert_eq!((house.pool.accounts().len(), house.mailer.sent().len()), (1, 1));
}

/// Whoever may invite themselves is not let in by a domain that may have no account.
#[tokio::test(start_paused = true)]
async fn where_everybody_may_invite_only_the_allowed_domains_are_invited() {
    let allowed = ("ALLOWED_DOMAINS", "corp.example");
    let house = House::set([native("ada@example.com")], &[allowed]);
    let body = |email: &str| Some(json!({ "email": email }));
    for stranger in ["ada@example.com", "nobody@example.com"] {
        house.as_nobody("POST", "/invitations", body(stranger)).await.is_refused(403, "domain-not-allowed");
    }
    assert_eq!((house.pool.accounts().len(), house.mailer.sent().len()), (1, 0));
    assert_eq!(house.as_nobody("POST", "/invitations", body("grace@corp.example")).await.status, 202);
    assert!(house.mailer.last_to("grace@corp.example").is_some());
    // A member's word stands above the rule, as an administrator's does.
    let house = House::set([], &[("INVITATIONS", "members"), allowed]);
    assert_eq!(house.as_member("POST", "/invitations", body(GUEST)).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn members_of_the_admin_group_are_told_and_nobody_else_may_invite() {
    let house = House::set([native("ada@example.com")], &[("INVITATIONS", "members")]);
    let body = |email: &str| Some(json!({ "email": email }));
    house.as_nobody("POST", "/invitations", body(GUEST)).await.is_refused(401, "unauthorized");
    let mut claims = access_token("ada@example.com");
    for groups in [Value::Null, json!("[]"), json!("[users]"), json!("[not-admins admins2]"), json!("admins")] {
        claims["cognito:groups"] = groups.as_str().map_or(json!(""), |text| json!(text));
        let refused = house.call(Some(&claims), "POST", "/invitations", body(GUEST)).await.unwrap();
        refused.is_refused(403, "not-an-admin");
    }
    claims["cognito:groups"] = json!("[users admins]");
    let invite = async |email: &str| house.call(Some(&claims), "POST", "/invitations", body(email)).await.unwrap();
    assert_eq!(invite(GUEST).await.status, 202);
    let soon = invite(GUEST).await;
    soon.is_refused(429, "too-many-requests");
    assert_eq!(soon.retry_after(), Some(60));
    invite("ADA@example.com").await.is_refused(409, "account-exists");
    invite("ADA@example.com").await.is_refused(429, "too-many-requests");
    assert!(house.mailer.last_to("ada@example.com").is_none(), "nobody is bothered");
    let link = last_link(&house);
    assert_eq!(link.answer(&house).await.status, 200, "a guest needs no token of the pool");
}

#[tokio::test(start_paused = true)]
async fn only_attributes_of_the_closed_list_are_set() {
    let house = House::set([], &[("INVITATION_ATTRIBUTES", "given_name,custom:team")]);
    let long = "x".repeat(2049);
    for (name, value) in [
        ("email_verified", "true"),
        ("family_name", "Hopper"),
        ("sub", "1"),
        ("custom:role", "admin"),
        ("given_name", ""),
        ("given_name", "a\nb"),
        ("given_name", long.as_str()),
    ] {
        let body = json!({ "email": GUEST, "attributes": { name: value } });
        house.as_nobody("POST", "/invitations", Some(body)).await.is_refused(400, "attribute-not-allowed");
    }
    let body = json!({ "email": GUEST, "attributes": { "custom:team": "compilers" } });
    assert_eq!(house.as_nobody("POST", "/invitations", Some(body)).await.status, 202);
    assert_eq!(house.pool.accounts()[0].attributes["custom:team"], "compilers");
}

#[tokio::test(start_paused = true)]
async fn a_second_invitation_changes_nothing_and_the_first_link_still_opens() {
    let house = House::new([]);
    let link = new_link(&house).await;
    for _ in 0..3 {
        house.clock.forward(60);
        let body = json!({ "email": GUEST, "attributes": { "given_name": "Mallory" } });
        assert_eq!(house.as_nobody("POST", "/invitations", Some(body)).await.status, 202);
    }
    assert_eq!(house.pool.accounts()[0].attributes["given_name"], "Grace");
    assert_eq!(house.mailer.sent().len(), 4);
    assert!(!house.pool.calls().contains(&"AdminSetUserPassword"), "no credential of anybody ends");
    assert_eq!(last_link(&house), link, "the same link again");
    link.opens(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_leaves_the_temporary_password_of_another_maker_alone_and_an_administrator_may_replace_it() {
    for (mode, renewed) in [("public", false), ("members", true)] {
        let house = House::set([invited(GUEST).unverified()], &[("INVITATIONS", mode)]);
        let before = house.pool.accounts()[0].password.clone();
        house.as_member("POST", "/invitations", Some(json!({ "email": GUEST }))).await;
        assert_eq!(house.pool.accounts()[0].password != before, renewed, "{mode}");
        assert_eq!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_some(), renewed, "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_link_is_no_password_of_the_pool() {
    let house = House::new([]);
    invite(&house).await;
    let token = last_link(&house).token;
    let password = house.pool.accounts()[0].password.clone().unwrap();
    assert_ne!(password, token);
    assert!(!house.mailer.last_to(GUEST).unwrap().letter.text.contains(&password));
    assert!(!house.store.text().contains(&password) && !house.store.text().contains(&token));
}

#[tokio::test(start_paused = true)]
async fn who_only_names_an_address_keeps_nobody_from_being_invited() {
    let mut claimed = federated("Okta", "1", GUEST);
    claimed.email_verified = false;
    let mut moved = native(GUEST).named("mallory").unverified();
    moved.sub = "another".into();
    let shut =
        [native(GUEST), native(GUEST).unconfirmed(), invited(GUEST)].map(|it| it.unverified().disabled().named("shut"));
    for squatter in [claimed.clone(), moved].into_iter().chain(shut) {
        let house = House::with_aliases([squatter], &[("PROVIDERS", "Okta:never")]);
        let link = new_link(&house).await;
        let done = link.answer(&house).await;
        assert_eq!(done.status, 200, "{done:?} {:#?}", house.pool.accounts());
    }
    // The mark is the word of a provider that is never believed. Only the pool may still keep the address for it.
    let house =
        House::with_aliases([Account { email_verified: true, ..claimed.clone() }], &[("PROVIDERS", "Okta:never")]);
    new_link(&house).await.answer(&house).await;
    assert!(house.pool.calls().contains(&"AdminRespondToAuthChallenge"));
    // A provider whose every address counts has vouched for it.
    let house = House::with_aliases([claimed], &[("PROVIDERS", "Okta:always")]);
    invite(&house).await;
    assert!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_none());
}

/// Their provider proves no address, or took the mark away. They must not get a second account.
#[tokio::test(start_paused = true)]
async fn whoever_signs_in_to_an_account_with_the_address_gets_no_second_one() {
    let linked = native(GUEST).unverified().with_identity("Okta", "1");
    let house = House::with_aliases([linked], &[("PROVIDERS", "Okta:never")]);
    invite(&house).await;
    assert_eq!(house.pool.accounts().len(), 1);
    assert!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_none());
}

fn registered_by_somebody_else() -> Account {
    let mut account = native(GUEST).unconfirmed().named("registered");
    account.password = Some("Mallory's-own-1".into());
    account.phone = Some("+12065550100".into());
    account
}

#[tokio::test(start_paused = true)]
async fn an_open_link_makes_no_account_for_whom_an_administrator_shut_out_meanwhile() {
    let house = House::with_aliases([], &[("PROVIDERS", "Corp:always:none")]);
    let link = new_link(&house).await;
    house.pool.change(|accounts| accounts.push(federated("Corp", "1", GUEST).unverified().disabled()));
    link.answer(&house).await.is_refused(409, "email-taken");
}

#[tokio::test(start_paused = true)]
async fn who_registered_and_confirmed_nothing_keeps_nobody_from_being_invited_and_ends_with_nothing() {
    let house = House::new([registered_by_somebody_else()]);
    let link = new_link(&house).await;
    let wrong = Link { token: "wrong".into(), ..link.clone() };
    wrong.answer(&house).await.is_refused(400, "invitation-invalid");
    let only_read = house.pool.calls().iter().all(|call| ["ListUsers", "AdminGetUser"].contains(call));
    assert!(only_read, "the registration may be the guest's own: it stays until they answer");
    link.answer_with(&house, "short").await.is_refused(400, "weak-password");
    link.opens(&house).await;
    let account = &house.pool.accounts()[0];
    assert_eq!((account.status, account.email_verified), (Status::Confirmed, true));
    assert_eq!((account.password.as_deref(), account.phone.as_deref()), (Some(PASSWORD), None));
    assert!(house.pool.calls().contains(&"AdminUserGlobalSignOut"));
}

#[tokio::test(start_paused = true)]
async fn beside_a_registration_under_another_name_a_guest_gets_an_account() {
    let house = House::with_aliases([registered_by_somebody_else().named("mallory")], &[]);
    let link = new_link(&house).await;
    assert_ne!(link.username, "mallory");
    link.opens(&house).await;
    let mallorys = house.pool.account("mallory").unwrap();
    assert_eq!((mallorys.status, mallorys.phone.is_some()), (Status::Unconfirmed, true));
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_confirmed_since_its_invitation_is_left_as_it_is() {
    let house = House::new([registered_by_somebody_else()]);
    let link = new_link(&house).await;
    house.pool.change(|accounts| accounts[0].status = Status::Confirmed);
    link.answer(&house).await.is_refused(409, "already-completed");
    let account = &house.pool.accounts()[0];
    assert!(!account.email_verified, "whoever registered may have confirmed it");
    assert_eq!(account.password.as_deref(), Some("Mallory's-own-1"));
}

/// As pre-sign-up names them, so that a sign-in from a provider and an invitation at once make one account.
#[tokio::test(start_paused = true)]
async fn in_a_pool_with_plain_user_names_a_guest_gets_the_name_that_follows_from_the_address_and_is_told_it() {
    let derived = [("NATIVE_USERNAME", "derived")];
    let house = House::with(PoolKind::UserNames, [], &derived, Trap::Crash);
    for answer in join_all((0..5).map(|_| invite(&house))).await {
        assert_eq!(answer.status, 202);
    }
    let link = last_link(&house);
    let username = &link.username;
    assert_eq!(*username, NativeUserName::derived(&Email::parse(GUEST).unwrap()));
    let done = link.answer(&house).await;
    assert_eq!(done.status, 200);
    assert_eq!(done.body["username"].as_str(), Some(username.as_str()));
    let [account] = house.pool.accounts().try_into().expect("one account");
    assert!(account.email_verified && account.user_name == *username);

    // Whoever took the name, or took it as an alias before, is neither invited in the place of the guest nor changed.
    let mallory = Account { email: Some("mallory@example.com".into()), ..native(GUEST).named("mallory") };
    let mut alias = mallory.clone();
    alias.attributes.insert("preferred_username".into(), username.clone());
    let taken = Account { user_name: username.clone(), ..mallory };
    for holder in [alias, taken] {
        let quirks = Quirks { alias_comes_first: true, ..Quirks::default() };
        let house = House::with(PoolKind::UserNames, [holder.clone()], &derived, Trap::Crash);
        drop(house.pool.clone().with_quirks(quirks));
        invite(&house).await;
        assert!(house.mailer.last_to(GUEST).unwrap().parameter("token").is_none(), "a mail that there is an account");
        let theirs = house.pool.accounts().into_iter().find(|account| account.sub == holder.sub).unwrap();
        assert_eq!((theirs.password, theirs.status, theirs.email), (holder.password, holder.status, holder.email));
    }
}

#[tokio::test(start_paused = true)]
async fn a_guests_user_name_has_not_the_form_of_a_sub() {
    let house = House::with_aliases([], &[]);
    let name = cognito_core::user_pool::UserName::new(new_link(&house).await.username);
    assert!(!name.has_form_of_sub() && name.as_str().len() == 32, "{}", name.as_str());
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_creation_got_no_answer_is_its_own_guest() {
    for kind in [PoolKind::EmailAlias, PoolKind::EmailUserNames] {
        let name = if kind == PoolKind::EmailAlias { "uuid" } else { "email" };
        let house = House::with(kind, [], &[("NATIVE_USERNAME", name)], Trap::Lose);
        // Last invitation read and written, three counts, the job put, look-up; then the creation.
        house.fuse.after(7);
        invite(&house).await;
        assert!(house.fuse.is_sprung());
        last_link(&house).opens(&house).await;
        assert_eq!(house.pool.accounts().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_greeted_by_a_strangers_word() {
    let house = House::new([]);
    invite(&house).await;
    assert!(!house.mailer.last_to(GUEST).unwrap().letter.text.contains("Grace"));
}

#[tokio::test(start_paused = true)]
async fn invitations_at_once_make_one_account_with_one_mail() {
    let house = House::with_aliases([], &[]);
    for answer in join_all((0..20).map(|_| invite(&house))).await {
        assert_eq!(answer.status, 202);
    }
    assert_eq!((house.pool.accounts().len(), house.mailer.sent().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn completions_at_once_make_one_account() {
    let house = House::new([]);
    let link = new_link(&house).await;
    let passwords: Vec<_> = (0..20).map(|number| format!("{PASSWORD}-{number}")).collect();
    let answers = join_all(passwords.iter().map(|password| link.answer_with(&house, password))).await;
    let accepted: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| answer.status == 200).collect();
    let [(winner, _)] = accepted.as_slice() else { panic!("{} were accepted", accepted.len()) };
    assert_eq!(house.pool.accounts()[0].password.as_ref(), Some(&passwords[*winner]));
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.is_refused(409, "already-completed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_proved_meanwhile_stays_theirs_even_if_the_list_does_not_show_it_yet() {
    for list_lag in [0, 1] {
        let house = House::with_aliases([], &[]);
        let link = new_link(&house).await;
        house.pool.change(|accounts| accounts.push(native(GUEST)));
        house.pool.set_quirks(Quirks { list_lag, ..Quirks::default() });
        link.answer(&house).await.is_refused(409, "email-taken");
        assert!(!house.pool.account(&link.username).unwrap().email_verified);
    }
}

#[tokio::test(start_paused = true)]
async fn without_invitations_there_is_nothing_there() {
    let house = House::set([], &[("INVITATIONS", "off")]);
    invite(&house).await.is_refused(404, "not-found");
    let link = Link { username: "u".into(), token: "t".into() };
    link.answer(&house).await.is_refused(404, "not-found");
}

#[tokio::test(start_paused = true)]
async fn the_address_that_is_verified_is_the_one_the_invitation_went_to_whatever_the_profile_says_meanwhile() {
    const VICTIM: &str = "victim@example.com";
    let (answer, write) = ("AdminRespondToAuthChallenge", "AdminUpdateUserAttributes");
    for (operation, cut_off) in [(answer, false), (write, false), (write, true)] {
        let house = House::new([]);
        let link = new_link(&house).await;
        if cut_off {
            // The password is taken, the rest is not done, and the guest can sign in and change the address.
            link.answer_cut_off(&house, 5).await;
            assert_eq!(house.pool.accounts()[0].status, Status::Confirmed);
        }
        house.just_before(operation, |accounts| {
            accounts[0].email = Some(VICTIM.into());
            accounts[0].email_verified = false;
        });
        link.answer(&house).await;
        let account = &house.pool.accounts()[0];
        let proven = account.email.as_deref().filter(|_| account.email_verified);
        assert_eq!(proven, Some(GUEST), "{operation}, cut off: {cut_off}");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_came_meanwhile_keeps_the_password_whatever_the_list_still_says() {
    let changes: [fn(&mut Vec<Account>); 4] = [
        |accounts| accounts[0].status = Status::Confirmed,
        |accounts| accounts[0].identities = federated("Google", "1", GUEST).identities,
        |accounts| accounts[0].email_verified = true,
        |accounts| accounts[0].email = Some("else@example.com".into()),
    ];
    for change in changes {
        let house = House::new([]);
        invite(&house).await;
        let password = house.pool.accounts()[0].password.clone();
        house.pool.change(change);
        let status = house.pool.accounts()[0].status;
        let _ = house.pool.clone().with_quirks(Quirks { list_lag: 1, ..Quirks::default() });
        house.clock.forward(60);
        assert_eq!(invite(&house).await.status, 202);
        let account = &house.pool.accounts()[0];
        assert_eq!((&account.password, account.status), (&password, status));
        let mail = house.mailer.last_to(GUEST).unwrap();
        assert!(mail.parameter("token").is_none(), "a mail that there is an account: {}", mail.letter.text);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_not_confirmed_by_its_invitation_is_left_as_it_is() {
    let house = House::new([]);
    let link = new_link(&house).await;
    // Came by Google instead, and was taken out of the group later.
    house.pool.change(|accounts| {
        accounts[0].status = Status::Confirmed;
        accounts[0].identities = federated("Google", "1", GUEST).identities;
    });
    link.answer(&house).await.is_refused(409, "already-completed");
    let account = &house.pool.accounts()[0];
    assert!(account.groups.is_empty() && !account.email_verified);
    assert!(!house.pool.calls().contains(&"AdminUpdateUserAttributes"));
}

#[tokio::test(start_paused = true)]
async fn only_a_new_account_joins_the_group_when_it_was_cut_off_before() {
    for (later, joins) in [(599, true), (600, false)] {
        let house = House::new([]);
        let link = new_link(&house).await;
        // State, profile, look-up, state, password; then the address.
        link.answer_cut_off(&house, 5).await;
        house.clock.forward(later);
        link.answer(&house).await.is_refused(409, "already-completed");
        let account = &house.pool.accounts()[0];
        assert!(account.email_verified);
        assert_eq!(account.groups.contains("Users"), joins, "after {later} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_the_pool_lacks_keeps_no_guest_out_and_the_operator_is_told() {
    let house = House::set([], &[("DEFAULT_GROUP", "Missing")]);
    let link = new_link(&house).await;
    let (done, log) = CapturedLog::of(link.answer(&house)).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(log.contains("ERROR") && log.contains("group_missing"), "{log}");
    let account = &house.pool.accounts()[0];
    assert!(account.status == Status::Confirmed && account.email_verified && account.groups.is_empty(), "{account:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_too_long_for_a_user_name_is_told_before_anything_is_looked_up() {
    let of = |chars: usize| format!("{}@{}.example.com", "l".repeat(60), "d".repeat(chars - 73));
    let body = |chars| Some(json!({ "email": of(chars) }));
    assert_eq!(of(129).len(), 129);
    let house = House::new([]);
    house.as_nobody("POST", "/invitations", body(129)).await.is_refused(400, "invalid-email");
    assert!(house.pool.calls().is_empty());
    assert_eq!(house.as_nobody("POST", "/invitations", body(128)).await.status, 202);
    assert_eq!(house.pool.accounts().len(), 1);
    let house = House::with_aliases([], &[]);
    assert_eq!(house.as_nobody("POST", "/invitations", body(129)).await.status, 202);
    assert_eq!(house.pool.accounts().len(), 1, "where the user name is another one, it fits");
}
