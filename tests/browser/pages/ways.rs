//! People manage their ways to sign in by the pages alone, with a provider of the local cloud.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::http::StatusCode;
use end_to_end::{native, opens, until};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::PASSWORD;
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::Kind;
use serde_json::{Value, json};

use super::SECOND_PASSWORD;
use super::site::Site;
use crate::reader::{DESKTOP, PHONE, Reader, Screen};

const ADA: &str = "ada@example.com";
/// Her address at the provider, which her account gets by a sign-in there.
const LOVELACE: &str = "lovelace@example.org";
const SUBJECT: &str = "1001";

/// Makes the sign-in of this tab ten minutes old, as far as the page knows.
const OLD: &str = "const it = JSON.parse(sessionStorage.getItem('session')); it.since -= 600; \
                   sessionStorage.setItem('session', JSON.stringify(it)); return true";

/// The pages with a provider and a person in front of them.
struct Visit {
    site: Site,
    reader: Reader,
    /// Ada's user name.
    ada: String,
    _google: IdentityProvider,
    caught_up: Instant,
}

impl Visit {
    async fn begins(screen: Screen) -> Self {
        let people = [(SUBJECT, json!({ "email": LOVELACE, "email_verified": true }))];
        let google = IdentityProvider::start_with(&Toolbox::local_cloud().await.unwrap(), None, &people).await.unwrap();
        let site = Site::start_with_providers().await.unwrap();
        google.register(&site.pool, "Google").await.unwrap();
        let ada = native(&site.pool, Kind::EmailAsUsername, ADA).await.unwrap().username;
        let reader = Reader::sits_down(screen).await.unwrap();
        Self { site, reader, ada, _google: google, caught_up: Instant::now() }
    }

    /// With a sign-in from long ago, presses a button, signs in again as the page asks, and comes back to its question.
    async fn signs_in_again_before(&mut self, button: &str, question: &str) {
        self.reader.runs(OLD).await.unwrap();
        self.reader.presses(button).await.unwrap();
        self.reads("#asking-late", "sign in again first").await;
        self.reader.presses("#asking-go").await.unwrap();
        self.reader.signs_in(ADA, PASSWORD).await.unwrap();
        self.reads("#asking", question).await;
        self.catches_up();
    }

    /// The clock of the API stands still; the sign-in pages have the real time.
    fn catches_up(&mut self) {
        let seconds = self.caught_up.elapsed().as_secs();
        self.site.api.clock.forward(seconds);
        self.caught_up += std::time::Duration::from_secs(seconds);
    }

    async fn signs_in(&mut self, email: &str) {
        self.reader.comes_in(email, PASSWORD).await.unwrap();
        self.catches_up();
    }

    /// Chooses the person at the provider.
    async fn is_somebody_at_the_provider(&mut self) {
        self.reader.presses(&format!("button[name=sub][value='{SUBJECT}']")).await.unwrap();
        self.catches_up();
    }

    /// Goes through the provider, to the two accounts.
    async fn signs_in_to_the_other_account(&mut self) {
        self.reader.presses("#connect-Google").await.unwrap();
        self.reader.presses("#asking-go").await.unwrap();
        self.is_somebody_at_the_provider().await;
    }

    async fn reads(&self, selector: &str, part: &str) {
        self.reader.reads(selector, part).await.unwrap();
    }

    /// Marks the address of Ada's account as verified, or not.
    async fn verifies(&self, is_verified: bool) {
        self.site.pool.set(&self.ada, &[("email_verified", &is_verified.to_string())]).await.unwrap();
    }

    /// The `sub` of Ada's account.
    async fn sub(&self) -> String {
        self.site.pool.profile(&self.ada).await.unwrap().attribute("sub").to_owned()
    }

    /// The `sub` in the token that the page has.
    async fn signed_in_as(&self) -> String {
        let script = "const { access } = JSON.parse(sessionStorage.getItem('session')); \
                      return JSON.parse(atob(access.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub";
        self.reader.runs(script).await.unwrap().as_str().unwrap().to_owned()
    }

    async fn has_google(&self) -> bool {
        self.site.pool.profile(&self.ada).await.unwrap().has_identity("Google", SUBJECT)
    }
}

#[tokio::test]
async fn a_person_connects_a_provider_with_another_address_and_disconnects_it_by_the_pages_alone() {
    let mut visit = Visit::begins(PHONE).await;
    visit.reader.opens(&visit.site.page("account")).await.unwrap();
    visit.reads("[data-view=signed-out]", "Continue with Google").await;
    visit.signs_in(ADA).await;
    visit.reads("#ways", "Password").await;
    visit.reader.presses("#connect-Google").await.unwrap();
    visit.reads("#asking", "nothing changes before you agree").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "asking-title");
    visit.reader.presses("#asking-cancel").await.unwrap();
    assert_eq!(visit.reader.focus().await.unwrap(), "connect-Google");

    // Both accounts, before anything is changed. Who thinks better of it is still signed in.
    visit.signs_in_to_the_other_account().await;
    visit.reader.sees("connect").await.unwrap();
    visit.reads("#both", "a***@example.com").await;
    visit.reads("#both", "l***@example.org").await;
    visit.reads("#both", "Created just now").await;
    visit.reads("#choices", "takes over the email address from there: l***@example.org").await;
    assert!(!visit.has_google().await);
    visit.reader.presses("#connect-cancel").await.unwrap();
    visit.reader.sees("signed-in").await.unwrap();
    visit.reads("#notice", "Nothing was connected").await;
    assert!(!visit.has_google().await);

    visit.signs_in_to_the_other_account().await;
    visit.reader.sees("connect").await.unwrap();
    assert_eq!(visit.reader.focus().await.unwrap(), "H1");
    visit.reader.presses("#choices button").await.unwrap();

    // Her own mailbox approves.
    visit.reads("[data-slot=approval]", "the code we sent to a***@example.com").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "approval-code");
    assert!(!visit.reader.text("[data-view=connect]").await.unwrap().contains("Connect Google"));
    let code = visit.site.api.mails.last_to(ADA).unwrap().code().unwrap();
    visit.reader.types("approval-code", if code == "111111" { "222222" } else { "111111" }).await.unwrap();
    visit.reader.keys("\u{e007}").await.unwrap();
    visit.reads("#approval-code-error", "You have 4 tries left").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "approval-code");
    visit.reader.presses("#approval-resend").await.unwrap();
    visit.reads("#notice", "wait a moment").await;
    assert!(!visit.has_google().await);
    visit.reader.types("approval-code", &code).await.unwrap();
    visit.reader.keys("\u{e007}").await.unwrap();
    visit.reader.sees("result").await.unwrap();
    visit.reads("[data-view=result]", "Google is connected").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "H1");
    assert!(visit.has_google().await);
    assert!(visit.reader.runs("return sessionStorage.getItem('purpose')").await.unwrap().is_null());

    // She signs out, and in by the provider: it leads to the account that stayed.
    let sub = visit.sub().await;
    visit.reader.presses("[data-view=result] [data-providers] button").await.unwrap();
    visit.is_somebody_at_the_provider().await;
    visit.reader.sees("signed-in").await.unwrap();
    assert_eq!(visit.signed_in_as().await, sub);
    visit.reader.presses("#sign-out").await.unwrap();
    visit.reader.sees("signed-out").await.unwrap();
    visit.reader.presses("[data-view=signed-out] [data-providers] button").await.unwrap();
    visit.is_somebody_at_the_provider().await;
    visit.reader.sees("signed-in").await.unwrap();
    assert_eq!(visit.signed_in_as().await, sub);
    visit.reads("[data-slot=address]", LOVELACE).await;
    visit.reads("#ways", "Google").await;
    assert_eq!(visit.site.pool.profiles().await.unwrap().len(), 1, "the person is in the account that stayed");

    // Disconnect. While the address is not verified, the password is no way in by itself, whatever the page still shows.
    visit.reader.presses("#ways button").await.unwrap();
    visit.reads("#asking", "signed out everywhere").await;
    visit.verifies(false).await;
    visit.reader.presses("#asking-go").await.unwrap();
    visit.reads("#alert", "confirm your email address first").await;
    assert!(visit.has_google().await);
    visit.verifies(true).await;
    visit.reader.presses("#asking-go").await.unwrap();
    visit.reader.sees("result").await.unwrap();
    visit.reads("[data-view=result]", "Google is disconnected").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "H1");
    assert!(!visit.has_google().await);
    visit.signs_in(LOVELACE).await;
    assert!(!visit.reader.text("#ways").await.unwrap().contains("Google"));
    assert_eq!(visit.signed_in_as().await, sub);

    // What is left is the last way in: the page offers to remove nothing.
    let buttons = "return document.querySelectorAll('#ways button').length";
    assert_eq!(visit.reader.runs(buttons).await.unwrap(), 0);

    // Everywhere is here, too.
    visit.reader.presses("#sign-out-everywhere").await.unwrap();
    visit.reader.presses("#asking-go").await.unwrap();
    visit.reads("[data-view=result]", "signed out everywhere").await;
    assert!(visit.site.api.mails.last_to(LOVELACE).unwrap().letter.subject.contains("signed out everywhere"));
    assert_eq!(visit.reader.violations().await.unwrap(), json!([]));
    visit.reader.leaves().await.unwrap();
}

#[tokio::test]
async fn who_signed_in_long_ago_signs_in_again_and_comes_back_to_the_same_step() {
    let mut visit = Visit::begins(DESKTOP).await;
    let profile = visit.site.pool.only_profile_of(ADA).await.unwrap();
    visit.site.links_google(&profile.username).await.unwrap();
    visit.reader.opens(&visit.site.page("account?lang=en")).await.unwrap();
    visit.signs_in(ADA).await;

    // The page finds out by itself.
    visit.signs_in_again_before("#ways button", "Disconnect Google?").await;

    // The API says so.
    visit.site.api.clock.forward(660);
    visit.reader.presses("#asking-go").await.unwrap();
    visit.reads("#asking-late", "sign in again first").await;
    assert_eq!(visit.site.pool.only_profile_of(ADA).await.unwrap().identities.len(), 1);

    // What cannot be disconnected says why. With another address to confirm, only the password would be left.
    visit.site.pool.set(&profile.username, &[("email_verified", "false")]).await.unwrap();
    visit.reader.opens(&visit.site.page("account?lang=en")).await.unwrap();
    visit.reads("#ways", "confirm your email address first").await;
    assert_eq!(visit.reader.runs("return document.querySelectorAll('#ways button').length").await.unwrap(), 0);
    visit.reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_page_takes_part_in_no_connection_that_its_tab_did_not_begin() {
    let mut visit = Visit::begins(DESKTOP).await;
    visit.reader.opens(&visit.site.page("account")).await.unwrap();

    // An account that the provider made has nothing to change.
    visit.reader.presses("[data-view=signed-out] [data-providers] button").await.unwrap();
    visit.is_somebody_at_the_provider().await;
    visit.reader.sees("signed-in").await.unwrap();
    visit.reads("#ways", "created with this").await;
    let buttons = "return document.querySelectorAll('#ways button, #connects button').length";
    assert_eq!(visit.reader.runs(buttons).await.unwrap(), 0);
    visit.reader.presses("#sign-out").await.unwrap();
    visit.reader.sees("signed-out").await.unwrap();

    // A sign-in that somebody else began: the person stays who they are.
    visit.signs_in(ADA).await;
    visit.reader.comes_to(&visit.site.page("account?code=stolen&state=foreign"), "signed-in").await.unwrap();
    visit.reads("#alert", "couldn’t be signed in").await;
    visit.reads("[data-slot=address]", ADA).await;

    // Somebody else has signed in to this tab since the flow began.
    let foreign = "sessionStorage.setItem('purpose', JSON.stringify({ joins: 'somebody-else', provider: 'Google', \
                   session: { access: 'a.b.c' } })); return true";
    visit.reader.runs(foreign).await.unwrap();
    visit.reader.opens(&visit.site.page("account")).await.unwrap();
    visit.reads("#alert", "has ended").await;
    visit.reader.sees("signed-in").await.unwrap();
    assert!(!visit.has_google().await);
    visit.reader.leaves().await.unwrap();
}

#[tokio::test]
async fn an_account_that_was_in_use_goes_only_after_a_plain_word_and_a_refusal_says_why() {
    let account = |sub: &str, email: &str, identities: Value| json!({ "sub": sub, "created_at": 1_700_000_000, "email": email, "is_new": false, "identities": identities, "groups": [] });
    let proposal = json!({
        "own": account("a", "a***@example.com", json!([])),
        "other": account("b", "l***@example.org", json!([{ "provider": "Google", "label": "Google" }])),
        "choices": [{ "stays": "a", "goes": "b" }, { "stays": "b", "goes": "a" }],
        "confirmation": "seen",
    });
    let answer = Arc::new(Mutex::new((StatusCode::OK, proposal.clone())));
    let set = |status: StatusCode, body: Value| *answer.lock().unwrap() = (status, body);
    let problem = |code: &str| json!({ "code": code });
    let site = Site::start_answering(Arc::clone(&answer)).await.unwrap();
    let reader = site.visitor(ADA, "account?lang=en", PHONE).await.unwrap();
    let begin = "const { access } = JSON.parse(sessionStorage.getItem('session')); \
                 const joins = JSON.parse(atob(access.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub; \
                 sessionStorage.setItem('purpose', JSON.stringify({ joins, provider: 'Google', session: { access } })); \
                 return true";
    reader.runs(begin).await.unwrap();
    for (locale, plain) in [("en", "is deleted for good"), ("ar", "نهائيًا")] {
        reader.comes_to(&site.page(&format!("account?lang={locale}")), "connect").await.unwrap();
        reader.reads("#choices .warning", plain).await.unwrap();
        reader.reads("#choices", "l***@example.org").await.unwrap();
        let choices = "document.getElementById('choices').scrollIntoView(); \
                       return document.querySelectorAll('#choices .warning + button').length";
        assert_eq!(reader.runs(choices).await.unwrap(), 2, "each thing that goes is named before its button");
    }

    // A second mailbox has to approve after the first one, and too many wrong codes end the flow.
    reader.comes_to(&site.page("account?lang=en"), "connect").await.unwrap();
    for (sent_to, expires_at) in [("a***@example.com", 1_800_000_900), ("l***@example.org", 1_800_000_960)] {
        set(StatusCode::ACCEPTED, json!({ "sent_to": sent_to, "expires_at": expires_at }));
        let button = if sent_to.starts_with('a') { "#choices button" } else { "#approval button" };
        if !sent_to.starts_with('a') {
            reader.types("approval-code", "123456").await.unwrap();
        }
        reader.presses(button).await.unwrap();
        reader.reads("[data-slot=approval]", sent_to).await.unwrap();
    }
    set(StatusCode::GONE, problem("too-many-tries"));
    reader.submits(&[("approval-code", "123456")], "#approval button").await.unwrap();
    reader.reads("#alert", "Too many wrong codes").await.unwrap();
    reader.sees("signed-in").await.unwrap();

    // Something that passes can be tried again; anything else ends the flow, and the person is still signed in.
    reader.runs(begin).await.unwrap();
    set(StatusCode::OK, proposal.clone());
    reader.comes_to(&site.page("account?lang=en"), "connect").await.unwrap();
    set(StatusCode::CONFLICT, problem("groups-differ"));
    reader.presses("#choices button").await.unwrap();
    reader.reads("#alert", "different rights").await.unwrap();
    set(StatusCode::SERVICE_UNAVAILABLE, problem("try-again"));
    reader.opens(&site.page("account?lang=en")).await.unwrap();
    reader.reads("#alert", "try again later").await.unwrap();
    set(StatusCode::OK, proposal);
    reader.presses("#connect-retry").await.unwrap();
    reader.reads("#both", "a***@example.com").await.unwrap();
    for (code, text) in [
        ("offer-expired", "Too much time"),
        ("older-account", "in use before"),
        ("same-account", "already"),
        ("email-unverified", "Confirm your email"),
    ] {
        reader.runs(begin).await.unwrap();
        set(StatusCode::FORBIDDEN, problem(code));
        reader.opens(&site.page("account?lang=en")).await.unwrap();
        reader.reads("#alert", text).await.unwrap();
        reader.sees("signed-in").await.unwrap();
        assert_eq!(reader.focus().await.unwrap(), "alert");
    }
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_person_changes_the_password_in_place_and_signs_out_everywhere() {
    let mut visit = Visit::begins(PHONE.dark()).await;
    visit.reader.opens(&visit.site.page("account")).await.unwrap();
    visit.signs_in(ADA).await;
    visit.reader.presses("#open-password").await.unwrap();
    assert_eq!(visit.reader.focus().await.unwrap(), "current-password");
    visit.reader.types("current-password", "Wrong-password-1").await.unwrap();
    visit.reader.types("changed-password", SECOND_PASSWORD).await.unwrap();
    visit.reader.keys("\u{e007}").await.unwrap();
    visit.reads("#current-password-error", "isn’t your current password").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "current-password");
    visit.reader.types("current-password", PASSWORD).await.unwrap();
    visit.reader.keys("\u{e007}").await.unwrap();
    visit.reads("#notice", "Your password was changed").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "open-password");
    assert!(opens(&visit.site.pool, ADA, SECOND_PASSWORD).await.unwrap());
    let told = |visit: &Visit| visit.site.api.mails.last_to(ADA).unwrap().letter.subject;
    assert!(told(&visit).contains("password was changed"), "{}", told(&visit));

    let session = visit.reader.runs("return JSON.parse(sessionStorage.getItem('session'))").await.unwrap();
    visit.reader.presses("#sign-out-everywhere").await.unwrap();
    visit.reads("#asking", "every device").await;
    visit.reader.presses("#asking-go").await.unwrap();
    visit.reads("[data-view=result]", "signed out everywhere").await;
    assert!(told(&visit).contains("signed out everywhere"), "{}", told(&visit));
    assert!(!visit.site.refreshes(session["refresh"].as_str().unwrap()).await.unwrap());
    let token = json!({ "AccessToken": session["access"] });
    assert!(visit.site.pool.call("GetUser", &token).await.is_err(), "the access token is void");
    visit.reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_person_deletes_the_account_and_nobody_can_sign_in_to_it() {
    let mut visit = Visit::begins(PHONE).await;
    visit.reader.opens(&visit.site.page("account?lang=en")).await.unwrap();
    visit.signs_in(ADA).await;
    visit.reader.presses("#delete-account").await.unwrap();
    visit.reads("#asking", "gone for good").await;
    assert_eq!(visit.reader.focus().await.unwrap(), "asking-title");
    visit.reader.presses("#asking-cancel").await.unwrap();
    assert_eq!(visit.reader.focus().await.unwrap(), "delete-account");
    assert!(opens(&visit.site.pool, ADA, PASSWORD).await.unwrap());

    visit.signs_in_again_before("#delete-account", "Delete your account?").await;
    assert!(opens(&visit.site.pool, ADA, PASSWORD).await.unwrap());

    visit.reader.presses("#asking-go").await.unwrap();
    visit.reads("[data-view=result]", "being deleted").await;
    let told =
        until(async || visit.site.api.mails.last_to(ADA).filter(|mail| mail.letter.subject.contains("was deleted")));
    assert!(told.await.is_some(), "a later run deletes it and tells its owner");
    assert!(visit.site.pool.only_profile_of(ADA).await.is_err());
    visit.reader.leaves().await.unwrap();
}

#[tokio::test]
async fn remembered_devices_are_seen_and_forgotten_one_by_one() {
    let device = |key: &str, name: &str| {
        let attributes =
            json!([{ "Name": "device_name", "Value": name }, { "Name": "last_ip_used", "Value": "192.0.2.1" }]);
        json!({ "DeviceKey": key, "DeviceAttributes": attributes, "DeviceLastAuthenticatedDate": 1_795_305_600.5 })
    };
    let devices = Arc::new(Mutex::new(vec![device("1", "Ada’s phone"), device("2", "<b>Work</b>")]));
    let site = Site::start_remembering(Arc::clone(&devices)).await.unwrap();
    let reader = site.visitor(ADA, "account?lang=en", PHONE).await.unwrap();
    reader.reads("#devices", "<b>Work</b>").await.unwrap();
    reader.reads("#devices", "Ada’s phone").await.unwrap();
    reader.reads("#devices", "Last used on November").await.unwrap();
    reader.runs("document.getElementById('devices').scrollIntoView(); return true").await.unwrap();
    reader.presses("#devices button").await.unwrap();
    reader.reads("#notice", "was forgotten").await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "devices-title");
    assert!(!reader.text("#devices").await.unwrap().contains("phone"));
    assert_eq!(devices.lock().unwrap().len(), 1);
    reader.presses("#devices button").await.unwrap();
    reader.reads("#notice", "was forgotten").await.unwrap();
    // There is no list without devices.
    reader.gets("return document.getElementById('devices-part').hidden", true).await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "sign-out");
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}
