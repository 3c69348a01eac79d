//! The way back to the application that people came from, and to the account page from whatever address leads to the pages.

use local_cloud::seed::PASSWORD;
use serde_json::json;

use super::site::{Site, link_in};
use crate::reader::{DESKTOP, PHONE, Reader};

const SHOP: &str = "https://shop.example.com/";
const GENERAL: &str = "https://harbour.example.com/";

/// Where the button or link to the application leads in the view that is shown, and what it says.
async fn way_back(reader: &Reader) -> (String, String) {
    let script = "const [link] = [...document.querySelectorAll('[data-view]:not([hidden]) a[href^=https]')]; \
                  return link ? [link.href, link.textContent] : ['', '']";
    let found = reader.runs(script).await.unwrap();
    let [href, text] = [0, 1].map(|at| found[at].as_str().unwrap().to_owned());
    (href, text.replace(['\u{2068}', '\u{2069}'], ""))
}

async fn leads_to(reader: &Reader, address: &str, text: &str) {
    assert_eq!(way_back(reader).await, (address.to_owned(), text.to_owned()), "{}", reader.place().await.unwrap());
}

/// What the pages tell Cognito for the messages, of the call that follows.
async fn listens(reader: &Reader) {
    let script = "const send = window.fetch; window.fetch = (to, how) => { \
                  const { ClientMetadata: told } = JSON.parse(how.body); sessionStorage.setItem('told', JSON.stringify(told)); \
                  return send(to, how); }; return true";
    reader.runs(script).await.unwrap();
}

async fn heard(reader: &Reader) -> serde_json::Value {
    reader.runs("return JSON.parse(sessionStorage.getItem('told'))").await.unwrap()
}

#[tokio::test]
async fn who_registers_from_another_application_goes_back_to_it_from_the_mail_in_any_browser() {
    let site = Site::start_for_applications().await.unwrap();
    let email = "ada@example.com";
    let reader = Reader::sits_down(PHONE).await.unwrap();
    reader.comes_to(&site.page("account?lang=en&client=shop"), "signed-out").await.unwrap();
    leads_to(&reader, SHOP, "Go to Shop").await;
    reader.presses("a[href^=register]").await.unwrap();
    reader.sees("form").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("register?lang=en&client=shop"));
    reader.types("email", email).await.unwrap();
    reader.types("password", super::FIRST_PASSWORD).await.unwrap();
    listens(&reader).await;
    reader.presses("button[type=submit]").await.unwrap();
    reader.reads("main", "We’ve sent you a message").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-registration?lang=en&client=shop"));
    let told = heard(&reader).await;
    assert_eq!(told, json!({ "locale": "en", "return_client": "shop" }));
    reader.leaves().await.unwrap();

    // A mail is read elsewhere: nothing is left of the tab that asked for it.
    let mail = site.mail("sign-up", email, &told).await.unwrap();
    let link = link_in(&mail, &site.address).unwrap();
    assert!(link.ends_with("&client=shop") && !link.contains(SHOP), "{link}");
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    reader.comes_to(&link, "form").await.unwrap();
    reader.presses("footer nav a[lang=de]").await.unwrap();
    reader.reads("h1", "bestätigen").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-registration?lang=de&client=shop"));
    reader.presses("button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    leads_to(&reader, SHOP, "Zu Shop").await;

    // The sign-in and the sign-out lead through other pages, and come back to an address without a query.
    reader.comes_in(email, super::FIRST_PASSWORD).await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=de&client=shop"));
    leads_to(&reader, SHOP, "Zu Shop").await;
    reader.presses("#sign-out").await.unwrap();
    reader.sees("signed-out").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=de&client=shop"));
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn who_changes_the_address_or_the_password_goes_back_to_the_application_they_came_from() {
    let site = Site::start_for_applications().await.unwrap();
    let (old, new) = ("grace@example.com", "grace@example.org");
    let reader = site.visitor(old, "account?client=shop", DESKTOP).await.unwrap();
    reader.presses("#open-change").await.unwrap();
    reader.submits(&[("new-email", new)], "#change button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "your current address").await.unwrap();
    let link = |to: &str| link_in(&site.api.mails.last_to(to).unwrap().letter.html, &site.address).unwrap();
    assert!(link(old).ends_with("&client=shop"), "{}", link(old));
    reader.opens(&link(old)).await.unwrap();
    reader.reads("[data-slot=prove]", "Press the button to approve").await.unwrap();
    reader.presses("#prove button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "your new address").await.unwrap();
    reader.leaves().await.unwrap();

    // The second mail is read in a browser in which nobody is signed in.
    let reader = Reader::sits_down(PHONE).await.unwrap();
    reader.comes_to(&link(new), "signed-out").await.unwrap();
    reader.presses("[data-action=sign-in]").await.unwrap();
    reader.signs_in(old, PASSWORD).await.unwrap();
    reader.reads("[data-slot=prove]", "Press the button to use").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-email-change?client=shop"));
    reader.presses("#prove button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    leads_to(&reader, SHOP, "Go to Shop").await;

    // A new password, with a link that names an app client that the settings do not know.
    reader.opens(&site.page("complete-password-reset?client=shop")).await.unwrap();
    reader.types("email", new).await.unwrap();
    listens(&reader).await;
    reader.presses("#begin button[type=submit]").await.unwrap();
    reader.sees("choose").await.unwrap();
    let mail = site.mail("forgot-password", new, &heard(&reader).await).await.unwrap();
    let link = link_in(&mail, &site.address).unwrap();
    assert!(link.ends_with("&client=shop"), "{link}");
    let unknown = "https%3A%2F%2Fevil.example%2F";
    reader.opens(&link.replace("client=shop", &format!("client={unknown}"))).await.unwrap();
    reader.submits(&[("password", super::SECOND_PASSWORD)], "#choose button[type=submit]").await.unwrap();
    reader.sees("done").await.unwrap();
    leads_to(&reader, GENERAL, "Go to Harbour").await;
    assert_eq!(reader.violations().await.unwrap(), json!([]));
    reader.leaves().await.unwrap();
}

/// Who cancels on the sign-in pages is still on the way from the application.
#[tokio::test]
async fn a_sign_in_that_is_refused_keeps_the_way_back_and_the_language() {
    let site = Site::start_for_applications().await.unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    reader.comes_to(&site.page("account?lang=ja&client=shop"), "signed-out").await.unwrap();
    let kept = "sessionStorage.setItem('sign-in', JSON.stringify({ state: 's', returnTo: 'account', lang: 'ja', client: 'shop' })); \
                return true";
    reader.runs(kept).await.unwrap();
    reader.comes_to(&site.page("account?error=access_denied&state=s"), "signed-out").await.unwrap();
    assert_ne!(reader.text("#alert").await.unwrap(), "");
    assert_eq!(reader.place().await.unwrap(), site.page("account?lang=ja&client=shop"));
    assert_eq!(way_back(&reader).await.0, SHOP);
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn below_a_path_the_root_the_footer_of_a_mail_and_a_mistyped_address_lead_to_the_account_page() {
    let site = Site::start_below_a_path().await.unwrap();
    let email = "edith@example.com";
    let reader = site.visitor(email, "account", PHONE).await.unwrap();
    reader.presses("#open-change").await.unwrap();
    reader.submits(&[("new-email", "edith@example.org")], "#change button[type=submit]").await.unwrap();
    reader.reads("[data-slot=prove]", "your current address").await.unwrap();
    let mail = site.api.mails.last_to(email).unwrap().letter.html;
    let footer = format!("href=\"{}\"", site.address);
    assert!(mail.contains(&footer), "the footer links {footer}:\n{mail}");

    for root in [site.address.clone(), site.page(""), site.page("?lang=en")] {
        reader.comes_to(&root, "signed-in").await.unwrap();
        let place = reader.place().await.unwrap();
        assert_eq!(place.split('?').next().unwrap(), site.page("account"), "{root}");
    }
    for path in ["nowhere", "a/page/that/is/not/there", "account/", "/"] {
        reader.opens(&site.page(path)).await.unwrap();
        reader.reads("h1", "This page doesn’t exist").await.unwrap();
        let styled = "return getComputedStyle(document.querySelector('a.button')).display";
        assert_ne!(reader.runs(styled).await.unwrap(), "inline", "{path} has its style sheet");
        reader.presses("a.button").await.unwrap();
        reader.sees("signed-in").await.unwrap();
        assert_eq!(reader.place().await.unwrap(), site.page("account"), "{path}");
    }
    reader.comes_to(&site.page(".well-known/change-password"), "begin").await.unwrap();
    assert_eq!(reader.place().await.unwrap(), site.page("complete-password-reset"));
    reader.leaves().await.unwrap();
}
