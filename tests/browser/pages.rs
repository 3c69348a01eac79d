//! The pages in a real browser, with a user pool of the local cloud and the account API. The tests do what people do,
//! with only the links in their mails and the pages behind them.

mod backend;
mod site;
mod states;
mod way_back;
mod ways;

use std::time::Duration;

use account_api::pages::PAGES;
use end_to_end::{native, opens};
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::Kind;
use serde_json::json;

use crate::reader::{DESKTOP, PHONE, Reader, SMALLEST};

use self::site::{Site, link_in};

const FIRST_PASSWORD: &str = "Lighthouse-4711";
const SECOND_PASSWORD: &str = "Breakwater+0815";

async fn status(site: &Site, email: &str) -> String {
    site.pool.only_profile_of(email).await.unwrap().status
}

#[tokio::test]
async fn a_person_registers_confirms_signs_in_changes_the_address_and_the_password_by_the_pages_alone() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let (old, new) = ("ada@example.com", "ada.lovelace@example.org");

    // Register. The first try has no digit and no symbol, and the page says so.
    reader.comes_to(&site.page("register"), "form").await.unwrap();
    reader.submits(&[("email", old), ("password", "Lighthousekeeper")], "button[type=submit]").await.unwrap();
    reader.reads("#password-error", "a digit and a symbol").await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "password");
    reader.submits(&[("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.reads("main", "We’ve sent you a message").await.unwrap();
    assert_eq!(status(&site, old).await, "UNCONFIRMED");

    // The link of the mail.
    let link = site.link("sign-up", old).await.unwrap();
    assert!(link.contains("code=123456"), "{link}");
    reader.comes_to(&link, "form").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-registration"), "the code is in the address bar");
    assert_eq!(status(&site, old).await, "UNCONFIRMED", "opening a link changes nothing");
    reader.presses("button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "H1", "the result is read aloud");
    assert_eq!(status(&site, old).await, "CONFIRMED");

    // Sign in.
    reader.comes_in(old, FIRST_PASSWORD).await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account"));
    reader.reads("[data-slot=address]", old).await.unwrap();
    reader.reads("main", "Confirmed").await.unwrap();

    // Change the address: enter the code for the current one, reload the page as if on another day, and enter the code
    // for the new one.
    reader.presses("#open-change").await.unwrap();
    reader.submits(&[("new-email", new)], "#change button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "your current address a***@example.com").await.unwrap();
    let mail = site.api.mails.last_to(old).unwrap();
    reader.submits(&[("prove-code", "000000")], "#prove button[type=submit]").await.unwrap();
    reader.reads("#prove-code-error", "You have 4 tries left").await.unwrap();
    // The button of a mail opens a page whose button does what the mail says.
    assert!(mail.letter.text.contains(new), "the owner sees the whole address");
    reader.opens(&link_in(&mail.letter.html, &site.address).unwrap()).await.unwrap();
    reader.reads("[data-slot=prove]", &format!("Press the button to approve the change to {new}")).await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-email-change"), "the code is in the address bar");
    assert!(site.api.mails.last_to(new).is_none(), "opening a link changes nothing");
    reader.presses("#prove button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", &format!("your new address {new}")).await.unwrap();
    let mail = site.api.mails.last_to(new).unwrap();
    reader.opens(&link_in(&mail.letter.html, &site.address).unwrap()).await.unwrap();
    reader.reads("[data-slot=prove]", &format!("Press the button to use {new}")).await.unwrap();
    assert_eq!(site.pool.only_profile_of(old).await.unwrap().attribute("email"), old);
    reader.presses("#prove button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    reader.presses("a.button").await.unwrap();
    // Every session ended with the change.
    reader.sees("signed-out").await.unwrap();
    reader.presses("[data-action=sign-in]").await.unwrap();
    reader.signs_in(new, FIRST_PASSWORD).await.unwrap();
    reader.reads("[data-slot=address]", new).await.unwrap();
    assert!(site.pool.only_profile_of(new).await.unwrap().email_verified());
    assert!(site.api.mails.last_to(old).unwrap().letter.subject.contains("was changed"), "the old address is told");

    // A new password: ask for the message, open its link, choose.
    reader.presses("#new-password").await.unwrap();
    reader.sees("begin").await.unwrap();
    reader.presses("#begin button[type=submit]").await.unwrap();
    reader.sees("choose").await.unwrap();
    let link = site.link("forgot-password", new).await.unwrap();
    reader.comes_to(&link, "choose").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-password-reset"));
    reader.submits(&[("password", SECOND_PASSWORD)], "#choose button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    assert!(opens(&site.pool, new, SECOND_PASSWORD).await.unwrap());
    assert!(!opens(&site.pool, new, FIRST_PASSWORD).await.unwrap());

    // Sign out: nobody is signed in on the page, and the refresh token is void.
    reader.comes_to(&site.page("account"), "signed-in").await.unwrap();
    let session = reader.runs("return JSON.parse(sessionStorage.getItem('session'))").await.unwrap();
    reader.presses("#sign-out").await.unwrap();
    reader.sees("signed-out").await.unwrap();
    assert!(reader.runs("return sessionStorage.getItem('session')").await.unwrap().is_null());
    let refused = site.refreshes(session["refresh"].as_str().unwrap()).await.unwrap();
    assert!(!refused, "the refresh token is revoked");
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}

/// The API's answer is put in its place here, because only a member's invitation has these parts.
#[tokio::test]
async fn after_an_invitation_the_page_leads_where_the_api_says_and_nowhere_that_a_link_says() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    for (answer, leads_to, signs_in_with) in [
        (json!({ "email": "a@example.com" }), None, "a@example.com"),
        (
            json!({ "email": "a@example.com", "username": "0a1b", "return_to": "https://app.example.com/teams/7" }),
            Some("https://app.example.com/teams/7"),
            "0a1b",
        ),
    ] {
        let link = "activate?username=u&token=t&return_to=https%3A%2F%2Fevil.example%2F";
        reader.comes_to(&site.page(link), "form").await.unwrap();
        let script = format!("window.fetch = async () => new Response(JSON.stringify({answer})); return true");
        reader.runs(&script).await.unwrap();
        reader.submits(&[("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
        reader.sees("done").await.unwrap();
        reader.reads("[data-view=done]", signs_in_with).await.unwrap();
        let script = "const it = document.getElementById('return'); return it.closest('[hidden]') ? null : it.href";
        assert_eq!(reader.runs(script).await.unwrap(), json!(leads_to));
    }
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn an_invited_person_activates_the_account_by_the_page_alone() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    let email = "grace@example.com";
    site.invites(email).await.unwrap();
    let link = link_in(&site.api.mails.last_to(email).unwrap().letter.html, &site.address).unwrap();

    reader.comes_to(&link, "form").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("activate"), "the token is in the address bar");
    assert_eq!(status(&site, email).await, "FORCE_CHANGE_PASSWORD", "opening a link changes nothing");
    reader.submits(&[("password", "Short-1")], "button[type=submit]").await.unwrap();
    reader.reads("#password-error", "at least 12 characters").await.unwrap();
    reader.submits(&[("password", "nodigitsnosymbols")], "button[type=submit]").await.unwrap();
    reader.reads("#password-error", "It needs an uppercase letter").await.unwrap();
    // With the keyboard alone.
    reader.types("password", FIRST_PASSWORD).await.unwrap();
    reader.keys("\u{e007}").await.unwrap();
    reader.sees("done").await.unwrap();
    reader.reads("[data-view=done]", email).await.unwrap();
    let kept = reader.runs("return document.getElementById('username').value").await.unwrap();
    assert_eq!(kept, email, "what password managers keep");
    let profile = site.pool.only_profile_of(email).await.unwrap();
    assert!(profile.email_verified() && profile.groups.contains(&GROUP.to_owned()), "{profile:?}");

    reader.comes_in(email, FIRST_PASSWORD).await.unwrap();

    // The same link, opened again, says what happened and what to do.
    reader.comes_to(&link, "form").await.unwrap();
    reader.submits(&[("password", SECOND_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.sees("unusable").await.unwrap();
    reader.reads("main", "already used").await.unwrap();
    assert!(opens(&site.pool, email, FIRST_PASSWORD).await.unwrap());
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_link_that_is_wrong_expired_or_used_says_so_and_leads_on() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(PHONE.dark()).await.unwrap();
    let email = "joan@example.com";
    native(&site.pool, Kind::EmailAsUsername, email).await.unwrap();
    let query = "username=joan%40example.com&email=joan%40example.com";

    // A registration that is complete already.
    reader.opens(&site.page(&format!("complete-registration?code=123456&{query}"))).await.unwrap();
    reader.presses("button[type=submit]").await.unwrap();
    reader.sees("already").await.unwrap();

    // A password reset that nobody asked for, or that is over.
    reader.opens(&site.page(&format!("complete-password-reset?code=999999&{query}"))).await.unwrap();
    reader.submits(&[("password", SECOND_PASSWORD)], "#choose button[type=submit]").await.unwrap();
    reader.reads("#alert", "has expired or was replaced").await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "alert");
    assert!(opens(&site.pool, email, PASSWORD).await.unwrap());
    reader.presses("#resend").await.unwrap();
    reader.reads("#notice", "A new message is on its way").await.unwrap();
    // The code itself, first with a mistake, and then with a space, as people type it.
    reader.submits(&[("code", "65a")], "#choose button[type=submit]").await.unwrap();
    reader.reads("#code-error", "digits").await.unwrap();
    reader.submits(&[("code", "111 111"), ("password", SECOND_PASSWORD)], "#choose button[type=submit]").await.unwrap();
    reader.reads("#code-error", "isn’t right").await.unwrap();
    // In the digits of a Japanese keyboard.
    reader.submits(&[("code", "６５４－３２１")], "#choose button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    assert!(opens(&site.pool, email, SECOND_PASSWORD).await.unwrap());

    // A link that is not an invitation.
    reader.comes_to(&site.page("activate"), "unusable").await.unwrap();
    reader.opens(&site.page("activate?username=joan%40example.com&token=wrong")).await.unwrap();
    reader.submits(&[("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.sees("unusable").await.unwrap();

    // An answer of the sign-in pages that this tab did not ask for.
    reader.comes_to(&site.page("account?code=stolen&state=foreign"), "signed-out").await.unwrap();
    reader.reads("#alert", "couldn’t be signed in").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account"));
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}

/// Texts that would become markup, a script or another address if a page took them for more than text.
const HOSTILE: [&str; 8] = [
    "\"><img data-hostile src=x onerror=\"window.hostile = 1\">",
    "<b data-hostile>x</b>",
    "</script><script>window.hostile = 1</script>",
    "javascript:window.hostile=1",
    "//evil.example/%2e%2e",
    "'-(window.hostile = 1)-'",
    "\u{202e}\u{0}\u{2028}moc.elpmaxe@",
    "__proto__",
];

/// What the pages read of an address.
const PARAMETERS: [&str; 9] =
    ["code", "username", "email", "token", "lang", "before", "state", "error", "error_description"];

#[tokio::test]
async fn whatever_a_link_has_for_parameters_is_text_and_nothing_else() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    // The API takes 60,000 bytes of path and query.
    let long = "ä".repeat(500);
    for page in PAGES {
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
            let query = PARAMETERS.map(|name| format!("{name}={encoded}")).join("&");
            reader.opens(&site.page(&format!("{}?{query}", page.name))).await.unwrap();
            reader.finds("[data-view]:not([hidden])").await.unwrap();
            let taken = "return [window.hostile, document.querySelectorAll('[data-hostile]').length, \
                         [...document.links].filter((link) => !/^(https?|mailto):$/.test(link.protocol)).length]";
            assert_eq!(reader.runs(taken).await.unwrap(), json!([null, 0, 0]), "{} with {text:.40}", page.name);
            assert!(reader.place().await.unwrap().starts_with(&site.page("")), "{} with {text:.40}", page.name);
            assert_eq!(reader.violations().await.unwrap(), json!([]), "{} with {text:.40}", page.name);
        }
    }
    reader.leaves().await.unwrap();
}

/// The account API reads the same table (`crates/account-api/src/code.rs`).
#[tokio::test]
async fn a_code_is_read_as_the_account_api_reads_it() {
    let module = include_str!("../../crates/account-api/pages/js/code.js").replace("export ", "");
    let table = include_str!("../../crates/account-api/tests/codes.json");
    let script = format!("{module} return {table}.map(({{ typed }}) => (isCode(typed) ? typedCode(typed) : null));");
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    let read = reader.runs(&script).await.unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(table).unwrap();
    assert_eq!(read.as_array().map(Vec::len), Some(cases.len()));
    for (case, read) in cases.iter().zip(read.as_array().unwrap()) {
        assert_eq!(*read, case["code"], "{case}");
    }
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_change_that_expired_can_be_begun_again_and_a_link_to_it_asks_to_sign_in_first() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    let email = "edith@example.com";
    native(&site.pool, Kind::EmailAsUsername, email).await.unwrap();

    reader.comes_to(&site.page("complete-email-change?code=123456"), "signed-out").await.unwrap();
    reader.presses("[data-action=sign-in]").await.unwrap();
    reader.signs_in(email, PASSWORD).await.unwrap();
    reader.sees("none").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-email-change"));
    reader.presses("a.button").await.unwrap();
    reader.sees("signed-in").await.unwrap();

    reader.presses("#open-change").await.unwrap();
    reader.submits(&[("new-email", email)], "#change button[type=submit]").await.unwrap();
    reader.reads("#new-email-error", "already your address").await.unwrap();
    reader.submits(&[("new-email", "edith@example.org")], "#change button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "current address").await.unwrap();
    // The link of the mail has the code in it: a button is enough.
    let link = link_in(&site.api.mails.last_to(email).unwrap().letter.html, &site.address).unwrap();
    reader.comes_to(&link, "change").await.unwrap();
    reader.reads("[data-slot=prove]", "Press the button").await.unwrap();
    assert!(site.api.mails.last_to("edith@example.org").is_none(), "opening a link changes nothing");
    reader.presses("#prove button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "your new address").await.unwrap();

    site.api.clock.forward(16 * 60);
    let code = site.api.mails.last_to("edith@example.org").unwrap().code().unwrap();
    reader.submits(&[("prove-code", &code)], "#prove button[type=submit]").await.unwrap();
    reader.sees("none").await.unwrap();
    reader.reads("#alert", "has expired").await.unwrap();
    assert!(site.pool.only_profile_of(email).await.unwrap().email_verified());
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_linked_account_shows_its_ways_to_sign_in_and_is_told_why_its_address_stays() {
    let site = Site::start().await.unwrap();
    let email = "hedy@example.com";
    let profile = native(&site.pool, Kind::EmailAsUsername, email).await.unwrap();
    site.links_google(&profile.username).await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();

    // The page that an administrator's invitation opens.
    reader.comes_to(&site.page("login?username=hedy&email=hedy%40example.com"), "signed-out").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("login"));
    reader.comes_in(email, PASSWORD).await.unwrap();
    let ways = reader.text("#ways").await.unwrap();
    assert!(ways.contains("Password") && ways.contains("Google"), "{ways}");
    reader.presses("#open-change").await.unwrap();
    reader.submits(&[("new-email", "hedy@example.org")], "#change button[type=submit]").await.unwrap();
    reader.reads("#alert", "comes from the provider").await.unwrap();
    assert!(site.api.mails.sent().is_empty());
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn an_address_that_an_application_changed_with_cognito_alone_is_verified_by_the_button() {
    let site = Site::start().await.unwrap();
    let (old, new) = ("mary@example.com", "mary@example.org");
    let reader = site.visitor(old, "account", DESKTOP).await.unwrap();
    let profile = site.pool.only_profile_of(old).await.unwrap();
    let token = reader.runs("return JSON.parse(sessionStorage.getItem('session')).access").await.unwrap();
    let change = json!({ "AccessToken": token, "UserAttributes": [{ "Name": "email", "Value": new }] });
    site.pool.call("UpdateUserAttributes", &change).await.unwrap();

    let link = |code: &str| site.page(&format!("complete-email-change?code={code}&username={}", profile.username));
    reader.opens(&link("999999")).await.unwrap();
    reader.presses("#verify button[type=submit]").await.unwrap();
    reader.reads("#alert", "has expired or was replaced").await.unwrap();
    reader.comes_to(&link("123456"), "attribute").await.unwrap();
    assert_eq!(site.pool.profile(&profile.username).await.unwrap().attribute("email"), old);
    reader.presses("#verify button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    assert!(site.pool.only_profile_of(new).await.unwrap().email_verified());
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_link_cannot_make_an_account_look_like_somebody_elses() {
    const VICTIM: &str = "victim@example.com";
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    let (own, guest) = ("mallory@example.com", "mallory@example.net");
    let account = native(&site.pool, Kind::EmailAsUsername, own).await.unwrap();

    // An attacker's own invitation.
    site.invites(guest).await.unwrap();
    let link = link_in(&site.api.mails.last_to(guest).unwrap().letter.html, &site.address).unwrap();
    reader.comes_to(&format!("{link}&email=victim%40example.com"), "form").await.unwrap();
    assert!(!reader.text("main").await.unwrap().contains("victim"));
    let user_name = "return document.getElementById('username').value";
    assert_ne!(reader.runs(user_name).await.unwrap(), VICTIM);
    reader.submits(&[("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.reads("[data-view=done]", guest).await.unwrap();

    // An attacker's own registration.
    let query = format!("username={}&email=victim%40example.com", account.username);
    reader.comes_to(&site.page(&format!("complete-registration?code=123456&{query}")), "form").await.unwrap();
    assert!(!reader.text("main").await.unwrap().contains("victim"));

    // A reset of the attacker's own password. The page tries the code for the account of the address that it shows.
    reader.opens(&site.page(&format!("complete-password-reset?code=654321&{query}"))).await.unwrap();
    reader.reads("[data-slot=address]", VICTIM).await.unwrap();
    reader.submits(&[("password", SECOND_PASSWORD)], "#choose button[type=submit]").await.unwrap();
    reader.reads("#alert", "has expired or was replaced").await.unwrap();
    assert!(opens(&site.pool, own, PASSWORD).await.unwrap());
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn nothing_is_lost_where_a_cache_removes_what_the_browser_says_of_its_languages() {
    let site = Site::start_behind_a_cache().await.unwrap();
    let email = "emmy@example.com";
    native(&site.pool, Kind::EmailAsUsername, email).await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    reader.opens(&site.page("account")).await.unwrap();
    reader.reads("h1", "Your account").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=en"));
    reader.comes_in(email, PASSWORD).await.unwrap();
    reader.reads("[data-slot=address]", email).await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=en"));
    // The code was used. Loading the page again must not try it again.
    reader.comes_to(&site.page("account?lang=en"), "signed-in").await.unwrap();
    assert_eq!(reader.text("#alert").await.unwrap(), "");

    reader.comes_to(&site.page("complete-registration?code=123456&username=emmy%40example.com"), "form").await.unwrap();
    reader.presses("button[type=submit]").await.unwrap();
    reader.sees("already").await.unwrap();
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_first_visit_is_three_requests_in_two_steps_and_a_later_one_is_one() {
    let site = Site::start_far_away(Duration::from_millis(150)).await.unwrap();
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let visit = "const [page] = performance.getEntriesByType('navigation'); \
                 const files = performance.getEntriesByType('resource').filter((file) => file.transferSize > 0); \
                 const starts = files.map((file) => file.startTime), ends = files.map((file) => file.responseEnd); \
                 return { files: files.length, together: Math.max(...starts, 0) <= Math.min(...ends, 1e9), \
                          bytes: files.reduce((sum, file) => sum + file.encodedBodySize, page.encodedBodySize), \
                          answered: Math.round(page.responseEnd), shown: Math.round(page.domContentLoadedEventStart) };";
    reader.comes_to(&site.page("register"), "form").await.unwrap();
    let first = reader.runs(visit).await.unwrap();
    let told = |visit: &str, figures: &serde_json::Value| {
        eprintln!(
            "{visit} visit, 150 ms for each answer: the page is here after {} ms, its form after {} ms, {} bytes",
            figures["answered"], figures["shown"], figures["bytes"]
        );
    };
    told("first", &first);
    assert_eq!((&first["files"], &first["together"]), (&json!(2), &json!(true)), "{first}");
    reader.comes_to(&site.page("complete-password-reset"), "begin").await.unwrap();
    let later = reader.runs(visit).await.unwrap();
    told("later", &later);
    assert_eq!(later["files"], 0, "{later}");
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn where_the_script_does_not_come_a_page_says_so_and_offers_to_load_it_again() {
    let site = Site::start_without_scripts().await.unwrap();
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let link = site.page("complete-registration?lang=en&code=123456&username=u");
    reader.opens(&link).await.unwrap();
    reader.reads("#waiting", "One moment").await.unwrap();
    reader.presses("#waiting a.button").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), link, "the code of the link is not lost");
    reader.reads("#waiting", "hasn’t loaded completely").await.unwrap();
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn who_mistypes_an_address_corrects_it_and_who_waits_for_a_message_sees_how_long() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let value = "return document.getElementById('email').value";
    reader.opens(&site.page("register?lang=en")).await.unwrap();
    reader.reads("#password-hint", "an uppercase letter").await.unwrap();
    let rules = reader.runs("return document.getElementById('password').getAttribute('passwordrules')").await.unwrap();
    assert!(rules.as_str().unwrap().starts_with("minlength: 12;"), "{rules}");

    // The address comes along into another language, and the password does not.
    reader.types("email", "ada@exmaple.com").await.unwrap();
    reader.types("password", FIRST_PASSWORD).await.unwrap();
    reader.presses("footer nav a[lang=de]").await.unwrap();
    reader.reads("h1", "Konto anlegen").await.unwrap();
    assert_eq!(reader.runs(value).await.unwrap(), "ada@exmaple.com");
    assert_eq!(reader.runs("return document.getElementById('password').value").await.unwrap(), "");

    reader.submits(&[("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.reads("main", "Wir haben Ihnen eine Nachricht geschickt").await.unwrap();
    reader.presses("[data-when=sent] a").await.unwrap();
    reader.sees("form").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("register?lang=de"));
    assert_eq!(reader.runs(value).await.unwrap(), "ada@exmaple.com", "only the mistake has to be corrected");
    reader.submits(&[("email", "ada@example.com"), ("password", FIRST_PASSWORD)], "button[type=submit]").await.unwrap();
    reader.reads("[data-slot=address]", "ada@example.com").await.unwrap();

    // A button that rests does nothing.
    reader.presses("#resend").await.unwrap();
    reader.reads("#resend", "Neuen Code senden (0:").await.unwrap();
    reader.runs("document.getElementById('notice').textContent = ''; return true").await.unwrap();
    reader.presses("#resend").await.unwrap();
    assert_eq!(reader.text("#notice").await.unwrap(), "");

    // The same for a password.
    reader.opens(&site.page("complete-password-reset?lang=en")).await.unwrap();
    reader.submits(&[("email", "ada@exmaple.com")], "#begin [type=submit]").await.unwrap();
    reader.reads("#resend", "Send a new code (0:").await.unwrap();
    reader.presses("#other-email").await.unwrap();
    reader.sees("begin").await.unwrap();
    assert_eq!(reader.focus().await.unwrap(), "email");
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn who_mistypes_an_address_finds_the_way_to_the_account_page() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(PHONE).await.unwrap();
    reader.opens(&site.page("a/page/that/is/not/there?lang=de")).await.unwrap();
    reader.reads("h1", "Diese Seite gibt es nicht").await.unwrap();
    reader.presses("a.button").await.unwrap();
    reader.sees("signed-out").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=de"));
    reader.comes_to(&site.page(""), "signed-out").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account"));
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn every_page_in_every_language_fits_the_smallest_phone_and_breaks_no_rule_of_its_own() {
    let site = Site::start().await.unwrap();
    let reader = Reader::sits_down(SMALLEST).await.unwrap();
    for locale in messages::LOCALES {
        for page in PAGES {
            let query = match page.name {
                "complete-registration" | "complete-password-reset" => "&code=123456&username=u&email=ada@example.com",
                "activate" => "&username=u&token=t",
                _ => "",
            };
            reader.opens(&site.page(&format!("{}?lang={}{query}", page.name, locale.tag))).await.unwrap();
            reader.reads("h1", "").await.unwrap();
            reader.gets("return document.querySelectorAll('[data-view]:not([hidden])').length", 1).await.unwrap();
            let width = reader.runs("return document.documentElement.scrollWidth").await.unwrap();
            assert_eq!(width, SMALLEST.width, "{} {} has to be scrolled sideways", page.name, locale.tag);
            let unnamed =
                "return [...document.querySelectorAll('input[required]')].filter((one) => !one.labels.length).length";
            assert_eq!(reader.runs(unnamed).await.unwrap(), 0, "{}: every field has a label", page.name);
            assert_eq!(reader.violations().await.unwrap(), json!([]), "{} {}", page.name, locale.tag);
        }
    }
    reader.leaves().await.unwrap();
}
