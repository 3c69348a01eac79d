//! Every state of every page: a picture of each, and no violation of a rule of axe-core (WCAG 2.2 AA and its best practices).
//!
//! What Cognito and the account API answer is written down here, so no local cloud is needed. `cargo xtask pictures` makes
//! the pictures and lists them beside the last ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use account_api::pages;
use anyhow::{Context, Result};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use local_cloud::server::Server;
use local_cloud::toolbox::Toolbox;
use serde_json::{Value, json};

use super::site::place;
use crate::reader::{DESKTOP, PHONE, Reader, Screen};

/// What a person does on a page.
enum Act {
    /// Types into the field with this id.
    Type(&'static str, &'static str),
    /// Presses the first visible element that the selector finds.
    Press(&'static str),
}
use Act::{Press, Type};

/// What an operation of Cognito, or a method and path of the account API, answers.
type Answer = (&'static str, u16, &'static str);

/// One state of a page.
struct State {
    name: &'static str,
    path: &'static str,
    /// What the tab keeps when the page opens: name and JSON.
    kept: &'static [(&'static str, &'static str)],
    answers: &'static [Answer],
    acts: &'static [Act],
    /// A selector for what is there at last.
    shows: &'static str,
}

impl State {
    const fn new(name: &'static str, path: &'static str, shows: &'static str) -> Self {
        Self { name, path, kept: &[], answers: &[], acts: &[], shows }
    }

    const fn kept(mut self, kept: &'static [(&'static str, &'static str)]) -> Self {
        self.kept = kept;
        self
    }

    const fn answers(mut self, answers: &'static [Answer]) -> Self {
        self.answers = answers;
        self
    }

    const fn acts(mut self, acts: &'static [Act]) -> Self {
        self.acts = acts;
        self
    }
}

const SUBMIT: Act = Press("button[type=submit]");
const ADDRESS: Act = Type("email", "ada@example.com");
const PASSWORD: Act = Type("password", "Lighthouse-4711");
const CODE: Act = Type("code", "493817");

const OK: &str = "{}";
const WRONG_CODE: &str = r#"{"__type":"CodeMismatchException"}"#;
const EXPIRED: &str = r#"{"__type":"ExpiredCodeException"}"#;

const NEW_ACCOUNT: &[(&str, &str)] =
    &[("link complete-registration", r#"{"username":"ada@example.com","email":"ada@example.com","sent":true}"#)];
const ASKED: &[(&str, &str)] =
    &[("link complete-password-reset", r#"{"username":"ada@example.com","email":"ada@example.com","sent":true}"#)];
/// A session of the account with the `sub` "a", which does not end while the test runs.
const SESSION: &[(&str, &str)] =
    &[("session", r#"{"access":"e30.eyJzdWIiOiJhIn0.s","refresh":"r","ends":9999999999,"since":9999999999}"#)];
const CONNECTING: &[(&str, &str)] = &[
    ("session", r#"{"access":"e30.eyJzdWIiOiJhIn0.s","refresh":"r","ends":9999999999,"since":9999999999}"#),
    ("purpose", r#"{"joins":"a","provider":"Google","session":{"access":"e30.eyJzdWIiOiJiIn0.s"}}"#),
];

const USER: Answer = (
    "GetUser",
    200,
    r#"{"Username":"a","UserAttributes":[{"Name":"email","Value":"ada@example.com"},{"Name":"email_verified","Value":"true"}]}"#,
);
const UNVERIFIED_USER: Answer = (
    "GetUser",
    200,
    r#"{"Username":"a","UserAttributes":[{"Name":"email","Value":"ada@example.com"},{"Name":"email_verified","Value":"false"}]}"#,
);
const PLAIN: Answer = (
    "GET /identities",
    200,
    r#"{"password":"known","identities":[],"passkeys":"none","second_factors":[],"may_connect":true,"email_verified":true}"#,
);
const LINKED: Answer = (
    "GET /identities",
    200,
    r#"{"password":"unknown","identities":[{"id":"1","provider":"Google","label":"Google","account":"ada@example.org","connected_at":1700000000},
        {"id":"2","provider":"SignInWithApple","label":"Apple","connected_at":1710000000,"fixed":"own-identity"}],
        "passkeys":"some","second_factors":["totp"],"may_connect":true,"email_verified":true}"#,
);
const NO_CHANGE: Answer = ("GET /email-change", 200, r#"{"stage":"none"}"#);
const CURRENT: &str = r#"{"id":"1","stage":"current","sent_to":"a***@example.com","new_email":"ada.lovelace@example.org","expires_at":1800000900}"#;
const NEW: &str = r#"{"id":"1","stage":"new","sent_to":"ada.lovelace@example.org","new_email":"ada.lovelace@example.org","expires_at":1800000900}"#;
const NO_DEVICES: Answer = ("ListDevices", 200, r#"{"Devices":[]}"#);
const DEVICES: Answer = (
    "ListDevices",
    200,
    r#"{"Devices":[{"DeviceKey":"1","DeviceAttributes":[{"Name":"device_name","Value":"Ada’s phone"},{"Name":"last_ip_used","Value":"192.0.2.1"}],"DeviceLastAuthenticatedDate":1795305600},
        {"DeviceKey":"2","DeviceAttributes":[],"DeviceLastAuthenticatedDate":1785305600}]}"#,
);
const PASSKEYS: Answer = ("ListWebAuthnCredentials", 200, r#"{"Credentials":[{},{}]}"#);
const AT_HOME: &[Answer] = &[USER, PLAIN, NO_CHANGE, NO_DEVICES];
const OFFER: Answer = ("POST /identities/offer", 200, r#"{"offer":"o"}"#);
const PROPOSAL_NEW: Answer = (
    "POST /identities",
    200,
    r#"{"own":{"sub":"a","email":"a***@example.com","created_at":1700000000,"identities":[],"groups":[]},
        "other":{"sub":"b","email":"l***@example.org","is_new":true,"identities":[{"provider":"Google","label":"Google"}],"groups":[]},
        "choices":[{"stays":"a","goes":"b"}],"confirmation":"c"}"#,
);
const PROPOSAL: Answer = (
    "POST /identities",
    200,
    r#"{"own":{"sub":"a","email":"a***@example.com","created_at":1700000000,"identities":[],"groups":["Members"]},
        "other":{"sub":"b","email":"l***@example.org","created_at":1600000000,"identities":[{"provider":"Google","label":"Google"}],"groups":["Members"]},
        "choices":[{"stays":"a","goes":"b"},{"stays":"b","goes":"a"}],"confirmation":"c"}"#,
);
const NEXT_UNTIL: &str = "9999999999999";

/// Every state. A view of a page that none of them shows fails the test.
#[rustfmt::skip]
fn states() -> Vec<State> {
    let link = "complete-registration?code=493817&username=ada@example.com&email=ada@example.com";
    let reset = "complete-password-reset?code=493817&username=ada@example.com&email=ada@example.com";
    vec![
        State::new("register", "register", "[data-view=form]"),
        State::new("register-empty", "register", "#email-error").acts(&[SUBMIT]),
        State::new("register-malformed", "register", "#email-error").acts(&[Type("email", "ada"), Type("password", "short"), SUBMIT]),
        State::new("register-weak", "register", "#password-error").acts(&[ADDRESS, Type("password", "lighthousekeeper"), SUBMIT])
            .answers(&[("SignUp", 400, r#"{"__type":"InvalidPasswordException","message":"Password must have uppercase characters and numeric characters"}"#)]),
        State::new("register-too-many", "register", "#alert").acts(&[ADDRESS, PASSWORD, SUBMIT]).answers(&[("SignUp", 400, r#"{"__type":"TooManyRequestsException"}"#)]),
        State::new("register-refused", "register", "#alert").acts(&[ADDRESS, PASSWORD, SUBMIT])
            .answers(&[("SignUp", 400, r#"{"__type":"UserLambdaValidationException","message":"PreSignUp failed with error Only addresses of example.org can register."}"#)]),
        State::new("register-exists", "register", "[data-view=exists]").acts(&[ADDRESS, PASSWORD, SUBMIT]).answers(&[("SignUp", 400, r#"{"__type":"UsernameExistsException"}"#)]),

        State::new("registration-link", link, "[data-view=form]"),
        State::new("registration-unknown", "complete-registration", "#email"),
        State::new("registration-sent", "complete-registration", "#code").kept(NEW_ACCOUNT),
        State::new("registration-malformed-code", "complete-registration", "#code-error").kept(NEW_ACCOUNT).acts(&[Type("code", "12a"), SUBMIT]),
        State::new("registration-wrong-code", "complete-registration", "#code-error").kept(NEW_ACCOUNT).acts(&[CODE, SUBMIT]).answers(&[("ConfirmSignUp", 400, WRONG_CODE)]),
        State::new("registration-resent", "complete-registration", "#notice").kept(NEW_ACCOUNT).acts(&[Press("#resend")]).answers(&[("ResendConfirmationCode", 200, OK)]),
        State::new("registration-expired", link, "#alert").acts(&[SUBMIT]).answers(&[("ConfirmSignUp", 400, EXPIRED)]),
        State::new("registration-done", link, "[data-view=done]").acts(&[SUBMIT]).answers(&[("ConfirmSignUp", 200, OK)]),
        State::new("registration-already", link, "[data-view=already]").acts(&[SUBMIT])
            .answers(&[("ConfirmSignUp", 400, r#"{"__type":"NotAuthorizedException","message":"User cannot be confirmed. Current status is CONFIRMED"}"#)]),

        State::new("reset-begin", "complete-password-reset", "[data-view=begin]"),
        State::new("reset-refused", "complete-password-reset", "#alert").acts(&[ADDRESS, SUBMIT])
            .answers(&[("ForgotPassword", 400, r#"{"__type":"NotAuthorizedException","message":"User password cannot be reset in the current state."}"#)]),
        State::new("reset-sent", "complete-password-reset", "#code").kept(ASKED),
        State::new("reset-asked", "complete-password-reset", "#code").acts(&[ADDRESS, SUBMIT]).answers(&[("ForgotPassword", 200, OK)]),
        State::new("reset-link", reset, "[data-view=choose]"),
        State::new("reset-expired", reset, "#alert").acts(&[PASSWORD, Press("#choose [type=submit]")]).answers(&[("ConfirmForgotPassword", 400, EXPIRED)]),
        State::new("reset-reused", reset, "#password-error").acts(&[PASSWORD, Press("#choose [type=submit]")]).answers(&[("ConfirmForgotPassword", 400, r#"{"__type":"PasswordHistoryPolicyViolationException"}"#)]),
        State::new("reset-done", reset, "[data-view=done]").acts(&[PASSWORD, Press("#choose [type=submit]")]).answers(&[("ConfirmForgotPassword", 200, OK)]),

        State::new("activate", "activate?username=u&token=t", "[data-view=form]"),
        State::new("activate-weak", "activate?username=u&token=t", "#password-error").acts(&[Type("password", "lighthousekeeper"), SUBMIT])
            .answers(&[("POST /invitations/complete", 422, r#"{"code":"weak-password","password_policy":{"minimum_length":12,"uppercase":true,"lowercase":true,"numbers":true,"symbols":true}}"#)]),
        State::new("activate-done", "activate?username=u&token=t", "[data-view=done]").acts(&[PASSWORD, SUBMIT]).answers(&[("POST /invitations/complete", 200, r#"{"email":"ada@example.com"}"#)]),
        State::new("activate-returns", "activate?username=u&token=t", "#return").acts(&[PASSWORD, SUBMIT])
            .answers(&[("POST /invitations/complete", 200, r#"{"email":"ada@example.com","return_to":"https://app.example.com/teams/7"}"#)]),
        State::new("activate-expired", "activate?username=u&token=t", "[data-view=unusable]").acts(&[PASSWORD, SUBMIT]).answers(&[("POST /invitations/complete", 410, r#"{"code":"invitation-expired"}"#)]),
        State::new("activate-incomplete", "activate", "[data-view=unusable]"),

        State::new("change-signed-out", "complete-email-change?code=493817", "[data-view=signed-out]"),
        State::new("change-approve", "complete-email-change?code=493817", "[data-step=prove]").kept(SESSION).answers(&[("GET /email-change", 200, CURRENT)]),
        State::new("change-confirm", "complete-email-change?code=493817", "[data-step=prove]").kept(SESSION).answers(&[("GET /email-change", 200, NEW)]),
        State::new("change-halfway", "complete-email-change?code=493817", "#notice").kept(SESSION).acts(&[Press("#prove [type=submit]")])
            .answers(&[("GET /email-change", 200, CURRENT), ("POST /email-change/verify", 200, NEW)]),
        State::new("change-wrong-code", "complete-email-change", "#prove-code-error").kept(SESSION).acts(&[Type("prove-code", "493817"), Press("#prove [type=submit]")])
            .answers(&[("GET /email-change", 200, CURRENT), ("POST /email-change/verify", 422, r#"{"code":"wrong-code","tries_left":3}"#)]),
        State::new("change-done", "complete-email-change?code=493817", "[data-view=done]").kept(SESSION).acts(&[Press("#prove [type=submit]")])
            .answers(&[("GET /email-change", 200, NEW), ("POST /email-change/verify", 200, r#"{"stage":"done"}"#), USER]),
        State::new("change-none", "complete-email-change?code=493817", "[data-view=none]").kept(SESSION).answers(&[NO_CHANGE]),
        State::new("attribute", "complete-email-change?code=493817&username=u", "[data-view=attribute]").kept(SESSION),
        State::new("attribute-expired", "complete-email-change?code=493817&username=u", "#alert").kept(SESSION).acts(&[Press("#verify [type=submit]")]).answers(&[("VerifyUserAttribute", 400, EXPIRED)]),

        State::new("account-signed-out", "account", "[data-view=signed-out]"),
        State::new("account-foreign", "account?code=stolen&state=foreign", "#alert"),
        State::new("account", "account", "[data-view=signed-in]").kept(SESSION).answers(AT_HOME),
        State::new("account-unverified", "account", "#unverified").kept(SESSION).answers(&[UNVERIFIED_USER,
            ("GET /identities", 200, r#"{"password":"known","identities":[],"passkeys":"none","second_factors":[],"may_connect":false,"email_verified":false}"#), NO_CHANGE, NO_DEVICES]),
        State::new("account-linked", "account", "#devices-part").kept(SESSION).answers(&[USER, LINKED, PASSKEYS, NO_CHANGE, DEVICES]),
        State::new("account-change", "account", "[data-step=ask]").kept(SESSION).answers(AT_HOME).acts(&[Press("#open-change")]),
        State::new("account-change-pending", "account", "[data-step=prove]").kept(SESSION).answers(&[USER, PLAIN, ("GET /email-change", 200, NEW), NO_DEVICES]),
        State::new("account-change-taken", "account", "#new-email-error").kept(SESSION)
            .answers(&[USER, PLAIN, NO_CHANGE, NO_DEVICES, ("POST /email-change", 409, r#"{"code":"email-taken"}"#)])
            .acts(&[Press("#open-change"), Type("new-email", "bob@example.com"), Press("#change [type=submit]")]),
        State::new("account-password", "account", "#password-change").kept(SESSION).answers(AT_HOME).acts(&[Press("#open-password")]),
        State::new("account-password-wrong", "account", "#current-password-error").kept(SESSION)
            .answers(&[USER, PLAIN, NO_CHANGE, NO_DEVICES, ("ChangePassword", 400, r#"{"__type":"NotAuthorizedException"}"#)])
            .acts(&[Press("#open-password"), Type("current-password", "Harbour-0815"), Type("changed-password", "Lighthouse-4711"), Press("#password-change [type=submit]")]),
        State::new("account-password-changed", "account", "#notice").kept(SESSION)
            .answers(&[USER, PLAIN, NO_CHANGE, NO_DEVICES, ("ChangePassword", 200, OK), ("POST /notices", 202, OK)])
            .acts(&[Press("#open-password"), Type("current-password", "Harbour-0815"), Type("changed-password", "Lighthouse-4711"), Press("#password-change [type=submit]")]),
        State::new("account-disconnect", "account", "#asking").kept(SESSION).answers(&[USER, LINKED, PASSKEYS, NO_CHANGE, NO_DEVICES]).acts(&[Press("#way-1")]),
        State::new("account-only-way", "account", "#alert").kept(SESSION)
            .answers(&[USER, LINKED, PASSKEYS, NO_CHANGE, NO_DEVICES, ("DELETE /identities/1", 409, r#"{"code":"cannot-untie"}"#)]).acts(&[Press("#way-1"), Press("#asking-go")]),
        State::new("account-connect", "account", "#asking").kept(SESSION).answers(AT_HOME).acts(&[Press("#connects button")]),
        State::new("account-connect-late", "account", "#asking-late").answers(AT_HOME).acts(&[Press("#connects button")])
            .kept(&[("session", r#"{"access":"e30.eyJzdWIiOiJhIn0.s","refresh":"r","ends":9999999999,"since":0}"#)]),
        State::new("account-everywhere", "account", "#asking").kept(SESSION).answers(AT_HOME).acts(&[Press("#sign-out-everywhere")]),
        State::new("account-delete", "account", "#asking").kept(SESSION).answers(AT_HOME).acts(&[Press("#delete-account")]),
        State::new("account-forgotten", "account", "#notice").kept(SESSION)
            .answers(&[USER, PLAIN, NO_CHANGE, DEVICES, NO_DEVICES, ("ForgetDevice", 200, OK)]).acts(&[Press("#devices button")]),
        State::new("account-result", "account", "[data-view=result]"),
        State::new("connect-new", "account", "[data-when=proposal]").kept(CONNECTING).answers(&[OFFER, PROPOSAL_NEW]),
        State::new("connect-two", "account", "[data-when=proposal]").kept(CONNECTING).answers(&[OFFER, PROPOSAL]),
        State::new("connect-approve", "account", "[data-when=approval]").kept(CONNECTING)
            .answers(&[OFFER, PROPOSAL, ("POST /identities", 202, r#"{"sent_to":"a***@example.com","expires_at":1800000900}"#)]).acts(&[Press("#choices button")]),
        State::new("connect-retry", "account", "#connect-retry").kept(CONNECTING).answers(&[OFFER, ("POST /identities", 503, r#"{"code":"try-again"}"#)]),

        State::new("not-found", "nowhere", "h1"),
    ]
}

/// The pages with every setting that is seen, and the answers of the state that is played.
struct Stage {
    address: String,
    answers: Arc<Mutex<Vec<Answer>>>,
    _server: Server,
}

impl Stage {
    async fn start() -> Result<Self> {
        let (listener, address) = place().await?;
        let own = address.clone();
        let lookup = move |name: &str| {
            Some(match name {
                pages::PAGES_CLIENT_ID => "pages".to_owned(),
                pages::PAGES_COGNITO_URL | pages::PAGES_SIGN_IN_URL => own.clone(),
                pages::PAGES_REGISTRATION => "open".to_owned(),
                pages::PAGES_PASSWORD_RULES => "12,lowercase,uppercase,numbers,symbols".to_owned(),
                cognito_core::settings::PAGES_RETURN_URL => "https://app.example.com/".to_owned(),
                pages::PAGES_PROVIDERS => "Google,SignInWithApple".to_owned(),
                "SELF_SERVICE_LINKING" => "any".to_owned(),
                "ACCOUNT_DELETION" => "on".to_owned(),
                "APP_NAME" => "Harbour".to_owned(),
                "SUPPORT_EMAIL" => "help@example.com".to_owned(),
                "LEGAL_FOOTER" => "Harbour Ltd, 1 Quay Street, Hamburg".to_owned(),
                "TERMS_URL" => "https://app.example.com/terms".to_owned(),
                "PRIVACY_URL" => "https://app.example.com/privacy".to_owned(),
                _ => return None,
            })
        };
        let settings = pages::Settings::for_pool(&lookup, "eu-central-1_A")?.context("the pages are switched off")?;
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let played = Arc::clone(&answers);
        let play = move |request: Request, next: Next| {
            let answer = asked(&request).and_then(|asked| take(&played, &asked));
            async move {
                match answer {
                    Some((status, body)) => {
                        let status = StatusCode::from_u16(status).unwrap_or_default();
                        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
                    }
                    None => next.run(request).await,
                }
            }
        };
        let nothing: fn() -> Response = || StatusCode::NOT_FOUND.into_response();
        let router = pages::router(&settings, nothing).layer(middleware::from_fn(play));
        Ok(Self { address, answers, _server: Server::on(listener, router)? })
    }

    /// Brings a browser into a state.
    async fn plays(&self, state: &State, reader: &Reader, locale: &str) -> Result<()> {
        *self.answers.lock().map_err(|_| anyhow::anyhow!("a state failed before"))? = state.answers.to_vec();
        // What a tab keeps belongs to the origin, so any page will do.
        reader.opens(&format!("{}/nowhere", self.address)).await?;
        let mut kept: BTreeMap<&str, &str> = state.kept.iter().copied().collect();
        let next = format!(r#"{{"result":"everywhere","lang":"{locale}","until":{NEXT_UNTIL}}}"#);
        if state.name == "account-result" {
            kept.insert("next", &next);
        }
        let script = "sessionStorage.clear(); for (const [name, value] of Object.entries(KEPT)) sessionStorage.setItem(name, value); \
                      return true";
        reader.runs(&script.replace("KEPT", &json!(kept).to_string())).await?;
        let query = if state.path.contains('?') { '&' } else { '?' };
        reader.opens(&format!("{}/{}{query}lang={locale}", self.address, state.path)).await?;
        for act in state.acts {
            match act {
                Type(field, text) => reader.types(field, text).await?,
                Press(button) => reader.presses(button).await?,
            }
        }
        // An alert or notice is there from the beginning, and empty.
        let filled = if matches!(state.shows, "#alert" | "#notice") { ":not(:empty)" } else { "" };
        reader
            .finds(&format!("{}{filled}", state.shows))
            .await
            .with_context(|| format!("{} in {locale}", state.name))?;
        // Nothing that blinks or counts.
        let still = "document.documentElement.style.caretColor = 'transparent'; \
                     for (const button of document.querySelectorAll('[aria-disabled=true]')) \
                     button.textContent = button.textContent.replace(/\\(\\d:\\d\\d\\)/, '(1:00)'); return true";
        reader.runs(still).await.map(drop)
    }
}

/// What a request asks for: an operation of Cognito, or a method and path of the account API.
fn asked(request: &Request) -> Option<String> {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    if let Some(target) = target {
        return target.rsplit('.').next().map(str::to_owned);
    }
    let path = request.uri().path();
    let of_the_api = ["/email-change", "/identities", "/invitations", "/sessions", "/notices"];
    of_the_api.iter().any(|begin| path.starts_with(begin)).then(|| format!("{} {path}", request.method()))
}

/// The next answer to what is asked. The last one stays.
fn take(answers: &Mutex<Vec<Answer>>, asked: &str) -> Option<(u16, &'static str)> {
    let mut answers = answers.lock().ok()?;
    let at: Vec<_> = answers.iter().enumerate().filter(|(_, (key, ..))| *key == asked).map(|(at, _)| at).collect();
    let first = *at.first()?;
    let (_, status, body) = if at.len() > 1 { answers.remove(first) } else { answers[first] };
    Some((status, body))
}

/// The rules: WCAG 2.2 AA, and what axe-core's authors recommend besides.
const RULES: &str = "const done = arguments[arguments.length - 1]; \
    axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
    .then(({ violations }) => done(violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', '))), \
          (error) => done(['axe-core failed: ' + error]));";

/// A phone.
#[tokio::test]
async fn no_state_of_a_page_breaks_a_rule_on_a_phone() {
    check_every_state("phone", "en", Screen { height: 1000, ..PHONE }).await;
}

/// In dark colours, from right to left.
#[tokio::test]
async fn no_state_of_a_page_breaks_a_rule_in_the_dark_from_right_to_left() {
    check_every_state("phone-dark", "ar", Screen { height: 1000, ..PHONE }.dark()).await;
}

/// In the language with the longest words.
#[tokio::test]
async fn no_state_of_a_page_breaks_a_rule_on_a_desktop() {
    check_every_state("desktop", "de", DESKTOP).await;
}

async fn check_every_state(screen_name: &str, locale: &str, screen: Screen) {
    let axe = Toolbox::axe().await.unwrap();
    let stage = Stage::start().await.unwrap();
    let states = states();
    assert!(states.len() >= 40);
    let (mut wrong, mut kept) = (Vec::new(), Vec::new());
    let reader = Reader::sits_down(screen).await.unwrap();
    let dark = reader.runs("return matchMedia('(prefers-color-scheme: dark)').matches").await.unwrap();
    assert_eq!(dark, screen.dark);
    for state in &states {
        stage.plays(state, &reader, locale).await.unwrap();
        let name = format!("pages/state-{screen_name}-{}", state.name);
        reader.keeps(&name).await.unwrap();
        let violations: Vec<Value> = serde_json::from_value(reader.checks(&axe, RULES).await.unwrap()).unwrap();
        wrong.extend(violations.iter().map(|violation| format!("{name}: {violation}")));
        let width = reader.runs("return document.documentElement.scrollWidth").await.unwrap();
        assert_eq!(width, screen.width, "{name} has to be scrolled sideways");
        kept.push((state.name, name));
    }
    let width = if screen.width > 600 { 290 } else { 144 };
    reader.lays_out(&format!("pages/sheet-{screen_name}"), width, &kept).await.unwrap();
    // It finds what is wrong.
    stage.plays(&states[0], &reader, locale).await.unwrap();
    reader.runs("document.querySelector('label').remove(); return true").await.unwrap();
    let found = reader.checks(&axe, RULES).await.unwrap().to_string();
    assert!(found.contains("label: #email"), "{found}");
    reader.leaves().await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
