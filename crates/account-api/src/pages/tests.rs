//! The pages as a browser gets them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header, request};
use axum::response::IntoResponse;
use cognito_core::settings::{Lookup, PAGES_RETURN_URL};
use cognito_core::testing::lookup;
use http_body_util::BodyExt;
use messages::{INFORMAL, LOCALES};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{PAGES, PAGES_API_URL, PAGES_CLIENT_ID, PAGES_REGISTRATION, PAGES_SIGN_IN_URL, Settings, router};

const VARIABLES: [(&str, &str); 13] = [
    (PAGES_CLIENT_ID, "publicclient"),
    (PAGES_SIGN_IN_URL, "https://auth.example.com"),
    (PAGES_API_URL, "https://api.example.com/v1"),
    (PAGES_REGISTRATION, "open"),
    (super::PAGES_PASSWORD_RULES, "12,lowercase,numbers"),
    (super::PAGES_PROVIDERS, "COGNITO, Google,SignInWithApple,Corp"),
    ("SELF_SERVICE_LINKING", "new"),
    ("PROVIDERS", "Google:claim,Corp:always:none"),
    ("AWS_REGION", "eu-central-1"),
    ("APP_NAME", "<Harbour> & Sons"),
    ("LOGO_URL", "https://cdn.example.net/logo.png?a=1&b=2"),
    ("SUPPORT_EMAIL", "help@example.com"),
    ("DEFAULT_LOCALE", "fr"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://cdn.example.net; \
                      connect-src 'self' https://api.example.com https://auth.example.com \
                      https://cognito-idp.eu-central-1.amazonaws.com; form-action 'none'; frame-ancestors 'none'; \
                      base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn settings(without: &[&str]) -> Settings {
    let kept: Vec<_> = VARIABLES.iter().filter(|(name, _)| !without.contains(name)).copied().collect();
    read(&lookup(kept))
}

/// The settings with these in place of some.
fn with(own: &[(&str, &str)]) -> Settings {
    read(&lookup([own, &VARIABLES].concat()))
}

fn read(lookup: Lookup<'_>) -> Settings {
    Settings::from_lookup(lookup, &messages::Settings::from_lookup(lookup).unwrap()).unwrap().unwrap()
}

fn site(settings: &Settings) -> axum::Router {
    router(settings, || (StatusCode::NOT_FOUND, "otherwise").into_response())
}

async fn answer(site: axum::Router, request: request::Builder) -> (StatusCode, HeaderMap, Vec<u8>) {
    let answer = site.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

async fn get_from(settings: &Settings, path: &str, languages: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, languages);
    let (status, headers, body) = answer(site(settings), request).await;
    (status, headers, String::from_utf8(body).unwrap())
}

async fn get(path: &str) -> (StatusCode, HeaderMap, String) {
    get_from(&settings(&[]), path, "").await
}

/// The values of an attribute in a page, as they are written.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    html.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What the script of a page gets.
fn configuration(html: &str) -> Value {
    attributes(html, "data-configuration")[0].replace("&quot;", "\"").replace("&#x2f;", "/").parse().unwrap()
}

fn keys(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value {
        // The forms of a text with a number are one text.
        Value::Object(members) if members.contains_key("other") => assert!(found.insert(above.to_owned())),
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| keys(value, &format!("{above}.{key}"), found));
        }
        _ => assert!(found.insert(above.to_owned())),
    }
}

fn texts(id: &str) -> Value {
    let (_, text, _) = super::assets::LOCALES.into_iter().find(|(name, ..)| *name == id).unwrap();
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn every_page_is_there_in_every_language_with_its_direction_and_no_gap() {
    for page in PAGES {
        for locale in LOCALES {
            let (status, headers, html) = get(&format!("/{}?lang={}&code=1", page.name, locale.tag)).await;
            assert_eq!(status, StatusCode::OK, "{} {}", page.name, locale.tag);
            assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(headers[header::CONTENT_LANGUAGE], locale.tag);
            let opening = format!("<html lang=\"{}\" dir=\"{}\"", locale.tag, locale.direction.html());
            assert!(html.contains(&opening), "{} {}", page.name, locale.tag);
            let title = texts(locale.tag)[page.source]["title"].as_str().unwrap().to_owned();
            assert!(html.contains(&format!("<title>{title} – ")), "{} {}", page.name, locale.tag);
            assert!(!html.contains("{{") && !html.contains("undefined") && !html.contains("{length}"), "{html}");
        }
    }
}

#[tokio::test]
async fn a_page_speaks_the_language_the_browser_asks_for_and_else_the_default() {
    let (_, headers, html) = get_from(&settings(&[]), "/account", "zh, de-AT;q=0.8").await;
    assert_eq!(headers[header::CONTENT_LANGUAGE], "de");
    assert_eq!(headers[header::VARY], "accept-language, accept-encoding");
    assert!(html.contains("data-lang-source=\"header\"") && html.contains("href=\"register\""), "{html}");
    let (_, headers, html) = get("/account").await;
    assert_eq!(headers[header::CONTENT_LANGUAGE], "fr");
    assert!(html.contains("data-lang-source=\"default\""));
    let (_, _, chosen) = get("/account?lang=ja").await;
    assert!(chosen.contains("href=\"register?lang=ja\""), "a chosen language is kept by the links");
}

#[tokio::test]
async fn a_page_and_its_script_address_people_as_the_settings_say() {
    let informal = with(&[("FORM_OF_ADDRESS", "de:informal")]);
    for (settings, language, title, script) in [
        (&informal, "de", "Dein Konto", "de-informal.js"),
        (&informal, "fr", "Votre compte", "fr.js"),
        (&settings(&[]), "de", "Ihr Konto", "de.js"),
    ] {
        let (_, headers, html) = get_from(settings, &format!("/account?lang={language}"), "").await;
        assert_eq!(headers[header::CONTENT_LANGUAGE], language);
        assert!(html.contains(&format!("<html lang=\"{language}\"")) && html.contains(&format!("<title>{title} – ")));
        let path = attributes(&html, "src").into_iter().find(|path| path.ends_with(&format!("/{script}"))).unwrap();
        let (status, _, text) = get_from(settings, &format!("/{path}"), "").await;
        let own = texts(script.trim_end_matches(".js"))["errors"]["missing_password"].to_string();
        assert!(status == StatusCode::OK && text.contains(&own), "{script} does not say {own}");
        assert_eq!(text.contains("Wähle ein Passwort"), script == "de-informal.js", "{script}");
    }
}

#[tokio::test]
async fn nothing_in_a_page_is_inline_and_everything_it_loads_is_there() {
    for page in PAGES {
        let (_, _, html) = get(&format!("/{}", page.name)).await;
        assert!(!html.contains("<style") && attributes(&html, "style").is_empty(), "{}", page.name);
        assert!(html.matches("<script").count() == 1 && html.contains("\"></script>"), "{}", page.name);
        assert!(!html.contains(" on"), "no handler in an attribute: {}", page.name);
        let loaded: Vec<_> = [attributes(&html, "src"), attributes(&html, "href")].concat();
        let own: Vec<_> = loaded.iter().filter(|path| path.starts_with("pages-assets/")).collect();
        assert_eq!(own.len(), 2, "a style sheet and a script: {loaded:?}");
        for path in own {
            let (status, headers, _) = get(&format!("/{path}")).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        }
        for path in loaded.iter().filter(|path| !path.starts_with("pages-assets/")) {
            let external = path.starts_with("data:image/svg+xml,")
                || path.starts_with("mailto:help@")
                || path.starts_with("https:&#x2f;&#x2f;cdn.example.net&#x2f;");
            let name = path.split('?').next().unwrap();
            // Without a name it is the same page, again or in another language.
            assert!(external || name.is_empty() || PAGES.iter().any(|page| page.name == name), "{path} leads nowhere");
        }
    }
}

#[tokio::test]
async fn a_first_visit_is_three_requests_of_a_few_kilobytes_and_a_later_one_is_one() {
    let mut bytes = 0;
    let (_, headers, html) = packed("/account?lang=ar").await;
    assert_eq!(headers[header::VARY], "accept-language, accept-encoding");
    let page = String::from_utf8(unpacked(&html)).unwrap();
    bytes += html.len();
    let loaded: Vec<_> = [attributes(&page, "src"), attributes(&page, "href")].concat();
    let files: Vec<_> = loaded.into_iter().filter(|path| path.starts_with("pages-assets/")).collect();
    assert_eq!(files.len(), 2, "beside the page: {files:?}");
    for path in files {
        let (_, headers, file) = packed(&format!("/{path}")).await;
        assert_eq!(
            headers[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable",
            "a later visit has it already"
        );
        let (_, _, plain) = get(&format!("/{path}")).await;
        assert_eq!(unpacked(&file), plain.as_bytes(), "{path}");
        // What would be another request.
        for loading in ["import ", "import(", "@import", "url(\"", "url('", "import.meta"] {
            assert!(!plain.contains(loading), "{path} has {loading}");
        }
        bytes += file.len();
    }
    assert!(bytes < 24 * 1024, "a first visit loads {bytes} bytes");
}

async fn packed(path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip, br");
    let answer = answer(site(&settings(&[])), request).await;
    assert_eq!(answer.1[header::CONTENT_ENCODING], "gzip", "{path}");
    answer
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

#[test]
fn the_script_runs_every_page_and_writes_no_markup() {
    let script = super::assets::MODULES;
    for page in PAGES {
        assert!(script.contains(&format!("pages[\"{}\"] = ", page.source)), "{}", page.name);
    }
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http://"] {
        assert!(!script.contains(sink), "{sink}");
    }
}

#[test]
fn every_text_that_a_script_names_is_there() {
    let mut known = BTreeSet::new();
    keys(&texts("en"), "", &mut known);
    for key in super::assets::MODULES.split("say(\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(known.contains(&format!(".{key}")), "a script says {key}");
    }
}

#[tokio::test]
async fn a_text_stands_there_at_once_and_becomes_help_if_no_script_runs() {
    for page in PAGES {
        let (_, _, html) = get(&format!("/{}?lang=en", page.name)).await;
        let main = html.split("<main").nth(1).unwrap();
        let before_any_view = main.split("<section").next().unwrap();
        assert!(before_any_view.contains("One moment…") && before_any_view.contains("Reload the page"), "{html}");
    }
    let styles = include_str!("../../pages/pages.css");
    assert!(styles.contains(".late { visibility: hidden; animation: late 0s 6s forwards; }"));
}

#[tokio::test]
async fn the_root_leads_to_the_account_page() {
    for (path, location) in
        [("/", "account"), ("/?lang=de", "account?lang=de"), ("/?lang=%0d%0aX&client=%0d%0aX", "account")]
    {
        let (status, headers, _) = get(path).await;
        assert_eq!((status, headers[header::LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, location));
    }
}

/// A browser that asked for `/pages` resolves `account` to `/account`, which may be anybody's page.
#[tokio::test]
async fn below_a_path_the_root_leads_to_the_account_page_with_and_without_the_slash_at_its_end() {
    for url in ["https://example.com/pages", "https://example.com/pages/"] {
        let settings = with(&[("APP_URL", url)]);
        // What stands before the function takes the path off, so it sees the same for both.
        let (status, headers, _) = get_from(&settings, "/?lang=de", "").await;
        let location = headers[header::LOCATION].to_str().unwrap();
        assert_eq!((status, location), (StatusCode::SEE_OTHER, "https://example.com/pages/account?lang=de"));
    }
}

#[tokio::test]
async fn a_password_manager_finds_where_a_password_is_changed() {
    let (status, headers, _) = get("/.well-known/change-password").await;
    let location = headers[header::LOCATION].to_str().unwrap();
    assert_eq!((status, location), (StatusCode::SEE_OTHER, "../complete-password-reset"));
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_a_page_to_browsers_and_to_nobody_else() {
    let ask = async |path: &str, accept: &str| {
        let request = Request::get(path).header(header::ACCEPT, accept).header(header::ACCEPT_LANGUAGE, "de");
        let (status, _, body) = answer(site(&settings(&[])), request).await;
        (status, String::from_utf8(body).unwrap())
    };
    for (path, up) in [("/nowhere", ""), ("/a/b/c", "../../"), ("//", "../")] {
        let (status, html) = ask(path, "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(html.contains("Diese Seite gibt es nicht") && !html.contains("<script"), "{html}");
        assert!(html.contains(&format!("href=\"{up}account\"")), "{html}");
        assert!(html.contains(&format!("href=\"{up}pages-assets/")), "{html}");
    }
    assert_eq!(ask("/nowhere", "*/*").await, (StatusCode::NOT_FOUND, "otherwise".to_owned()));
}

#[test]
fn every_locale_has_the_same_texts_with_the_same_values_as_english() {
    let (english, mut expected) = (texts("en"), BTreeSet::new());
    keys(&english, "", &mut expected);
    let values = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
    };
    for locale in LOCALES.iter().chain(INFORMAL) {
        let (own, mut found) = (texts(locale.id), BTreeSet::new());
        keys(&own, "", &mut found);
        assert_eq!(found, expected, "{}", locale.id);
        for key in &expected {
            let pointer = key.replace('.', "/");
            let text = |texts: &Value| {
                let found = texts.pointer(&pointer).unwrap();
                found.get("other").unwrap_or(found).as_str().unwrap().to_owned()
            };
            let (text, model) = (text(&own), text(&english));
            assert!(!text.trim().is_empty(), "{} {key}", locale.id);
            assert_eq!(values(&text), values(&model), "{} {key}", locale.id);
        }
    }
}

#[tokio::test]
async fn every_answer_keeps_to_itself_and_only_files_with_their_content_in_the_name_are_kept() {
    for path in ["/account", "/activate?username=a&token=b", "/", "/pages-assets/old/pages.css", "/x"] {
        let (_, headers, _) = get(path).await;
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY, "{path}");
    }
}

#[tokio::test]
async fn with_defaults_the_pages_reach_nobody_but_their_own_server_and_cognito() {
    let bare = settings(&["LOGO_URL", PAGES_API_URL, PAGES_SIGN_IN_URL]);
    let (_, headers, _) = get_from(&bare, "/account", "").await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.contains("img-src 'self' data:; connect-src 'self' https://cognito-idp.eu-central-1.amazonaws.com;"),
        "{policy}"
    );
}

#[tokio::test]
async fn names_and_addresses_of_the_settings_are_text_in_a_page() {
    let (_, _, html) = get("/login").await;
    assert!(!html.contains("<Harbour>"), "{html}");
    assert!(html.contains("&lt;Harbour&gt; &amp; Sons"), "{html}");
    assert!(html.contains("a=1&amp;b=2"), "{html}");
}

#[tokio::test]
async fn what_a_link_brings_never_appears_in_the_page() {
    let (_, _, html) = get("/complete-registration?code=918273&username=mallory&email=%3Cscript%3E&lang=%22%3E").await;
    assert!(!html.contains("918273") && !html.contains("mallory"), "{html}");
}

#[tokio::test]
async fn the_configuration_in_a_page_is_public_values_alone() {
    let expected = json!({
        "client_id": "publicclient",
        "cognito_url": "https://cognito-idp.eu-central-1.amazonaws.com",
        "sign_in_url": "https://auth.example.com",
        "api_url": "https://api.example.com/v1",
        "providers": ["Google", "SignInWithApple", "Corp"],
        // Corp is never linked. Nobody says so of Apple.
        "connects": ["Google", "SignInWithApple"],
        "tells": true,
        "password": { "length": 12, "lower": true, "upper": false, "digit": true, "symbol": false },
        "contact": true,
        "locales": ["ar", "de", "en", "es", "fr", "ja", "pt-BR"],
    });
    let (_, _, html) = get("/account").await;
    assert_eq!(configuration(&html), expected);
}

#[tokio::test]
async fn people_connect_providers_only_where_the_api_lets_them_and_sign_in_with_those_of_the_app_client() {
    let written = async |without: &[&str]| {
        let (_, _, html) = get_from(&settings(without), "/account", "").await;
        let configuration = configuration(&html);
        (configuration["providers"].clone(), configuration["connects"].clone())
    };
    assert_eq!(written(&["SELF_SERVICE_LINKING"]).await, (json!(["Google", "SignInWithApple", "Corp"]), Value::Null));
    assert_eq!(written(&[super::PAGES_PROVIDERS]).await, (json!([]), json!([])));
}

#[test]
fn every_refusal_that_has_to_do_with_ways_to_sign_in_has_a_text_of_its_own() {
    let script = super::assets::MODULES;
    for code in [
        "sign-in-again",
        "same-account",
        "offer-invalid",
        "offer-expired",
        "account-unusable",
        "cannot-stay",
        "older-account",
        "not-by-provider",
        "provider-not-linked",
        "second-subject",
        "second-factor",
        "too-many-identities",
        "groups-differ",
        "accounts-changed",
        "identity-changing",
        "no-such-identity",
        "only-way-in",
        "way-unverified",
        "connect-unverified",
        "own-identity",
        "cannot-untie",
    ] {
        let (_, rest) = script.split_once(&format!("\"{code}\": [\"")).unwrap_or_else(|| panic!("{code} has no text"));
        let key = rest.split('"').next().unwrap();
        assert!(texts("en")["errors"][key].is_string(), "{code}: {key}");
    }
}

#[tokio::test]
async fn people_who_are_done_find_the_way_to_the_application() {
    let settings = with(&[(PAGES_RETURN_URL, "https://app.example.com/start?from=account&x=1")]);
    let link = "href=\"https:&#x2f;&#x2f;app.example.com&#x2f;start?from=account&amp;x=1\"";
    for (page, views) in ENDS {
        for locale in LOCALES {
            let (_, _, html) = get_from(&settings, &format!("/{page}?lang={}", locale.tag), "").await;
            let text = texts(locale.id)["common"]["to_app"].as_str().unwrap().replace("{app}", APP);
            for view in views {
                let shown = html.split(&format!("data-view=\"{view}\"")).nth(1).unwrap();
                let shown = shown.split("</section>").next().unwrap();
                assert_eq!(shown.matches(link).count(), 1, "{page} {view} {}", locale.tag);
                assert_eq!(shown.matches(&text).count(), 1, "{page} {view} {}", locale.tag);
            }
            assert_eq!(html.matches(link).count(), views.len(), "{page} {}", locale.tag);
        }
        assert!(!get(&format!("/{page}?lang=en")).await.2.contains("Go to &lt;"), "{page}");
    }
}

/// The name in a page.
const APP: &str = "&lt;Harbour&gt; &amp; Sons";

/// The views of each page in which people are done, or can do nothing.
const ENDS: [(&str, &[&str]); 6] = [
    ("complete-registration", &["done", "already"]),
    ("complete-password-reset", &["done"]),
    ("activate", &["done", "unusable"]),
    ("complete-email-change", &["done", "none"]),
    ("account", &["signed-out", "signed-in", "result"]),
    ("register", &[]),
];

fn with_products() -> Settings {
    let entries = json!([
        { "client_id": "5shop+", "settings": { "APP_NAME": "Shop", "PAGES_RETURN_URL": "https://shop.example.com/" } },
        { "client_id": "news", "settings": { "APP_NAME": "News" } },
    ]);
    let own: [(&str, &str); 2] = [(PAGES_RETURN_URL, "https://app.example.com/"), ("OVERRIDES", &entries.to_string())];
    Settings::for_pool(&lookup([&own[..], &VARIABLES].concat()), "eu-central-1_A").unwrap().unwrap()
}

#[tokio::test]
async fn the_way_on_is_that_of_the_app_client_which_a_link_names_and_never_one_that_a_link_says() {
    let settings = with_products();
    let [general, shop] = ["app", "shop"].map(|host| format!("href=\"https:&#x2f;&#x2f;{host}.example.com&#x2f;\""));
    for (page, views) in ENDS {
        let (_, _, html) = get_from(&settings, &format!("/{page}?lang=en&code=1&client=5shop%2B"), "").await;
        assert_eq!((html.matches(&shop).count(), html.matches(&general).count()), (views.len(), 0), "{page}");
        assert_eq!(html.matches("Go to Shop").count(), views.len(), "{page}");
        for query in [
            "",
            "client=",
            "client=news",
            "client=5shop",
            "client=5SHOP%2B",
            "client=unknown&client=5shop%2B",
            "client=https%3A%2F%2Fevil.example%2F",
            "client=%3Cscript%3E",
            "return_url=https://evil.example",
            "PAGES_RETURN_URL=https://evil.example",
        ] {
            let (status, _, html) = get_from(&settings, &format!("/{page}?lang=en&{query}"), "").await;
            assert_eq!(status, StatusCode::OK, "{page} {query}");
            assert_eq!(
                (html.matches(&general).count(), html.matches(&shop).count()),
                (views.len(), 0),
                "{page} {query}"
            );
            assert!(!html.contains("evil") && !html.contains("data-client"), "{page} {query}");
            // What the server does not know goes nowhere from here.
            assert!(!html.contains("client="), "{page} {query}");
        }
    }
}

#[tokio::test]
async fn every_link_from_page_to_page_and_to_another_language_keeps_the_app_client() {
    let settings = with_products();
    for page in PAGES {
        for (lang, more) in [("", ""), ("lang=de&amp;", "lang=de&")] {
            let (_, _, html) = get_from(&settings, &format!("/{}?{more}client=5shop%2B", page.name), "").await;
            assert_eq!(attributes(&html, "data-client"), ["5shop+"], "{}", page.name);
            let own = |link: &&str| link.starts_with('?') || PAGES.iter().any(|page| link.starts_with(page.name));
            let links: Vec<_> = attributes(&html, "href").into_iter().filter(own).collect();
            assert!(links.len() >= LOCALES.len(), "{links:?}");
            for link in links {
                let (name, query) = link.split_once('?').unwrap_or_else(|| panic!("{}: {link}", page.name));
                assert!(query.ends_with("client=5shop%2B"), "{}: {link}", page.name);
                assert!(name.is_empty() || query == format!("{lang}client=5shop%2B"), "{}: {link}", page.name);
            }
        }
    }
    let (status, headers, _) = get_from(&settings, "/?client=5shop%2B&lang=ja&code=1", "").await;
    let location = headers[header::LOCATION].to_str().unwrap();
    assert_eq!((status, location), (StatusCode::SEE_OTHER, "account?lang=ja&client=5shop%2B"));
}

#[tokio::test]
async fn the_operators_name_and_terms_stand_below_every_page() {
    let settings = with(&[
        ("LEGAL_FOOTER", "Harbour & Sons, 1 Quay Street"),
        ("TERMS_URL", "https://example.com/terms"),
        ("PRIVACY_URL", "https://example.com/privacy"),
    ]);
    for page in PAGES {
        let (_, _, html) = get_from(&settings, &format!("/{}?lang=de", page.name), "").await;
        let footer = html.split("<footer>").nth(1).unwrap();
        for part in ["Harbour &amp; Sons, 1 Quay Street", ">Nutzungsbedingungen</a>", ">Datenschutzerklärung</a>"] {
            assert!(footer.contains(part), "{}: {part}", page.name);
        }
        assert!(!get(&format!("/{}?lang=de", page.name)).await.2.contains("Nutzungsbedingungen"));
    }
}

#[tokio::test]
async fn the_rules_of_a_password_stand_at_every_field_for_a_new_one() {
    for page in ["register", "activate", "complete-password-reset", "account"] {
        let (_, _, html) = get(&format!("/{page}?lang=en")).await;
        let rules = attributes(&html, "passwordrules");
        assert_eq!(rules, ["minlength: 12; maxlength: 256; required: lower; required: digit;"], "{page}");
        assert_eq!(attributes(&html, "minlength"), ["12"], "{page}");
        let (_, _, bare) = get_from(&settings(&[super::PAGES_PASSWORD_RULES]), &format!("/{page}"), "").await;
        assert!(!bare.contains("passwordrules") && !bare.contains("minlength"), "{page}");
    }
}

#[tokio::test]
async fn nobody_registers_unless_registration_is_open() {
    let closed = settings(&[PAGES_REGISTRATION]);
    assert_eq!(get_from(&closed, "/register", "").await.0, StatusCode::NOT_FOUND);
    assert!(!get_from(&closed, "/account", "").await.2.contains("href=\"register"));
    assert!(get("/account").await.2.contains("href=\"register"));
}

#[tokio::test]
async fn a_page_takes_nothing_but_get_and_survives_any_query() {
    let (status, ..) = answer(site(&settings(&[])), Request::post("/account")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    for query in ["%", "lang", "lang=%ff", "lang=a&lang=b", "&&=&", "code=%zz"] {
        assert_eq!(get(&format!("/account?{query}")).await.0, StatusCode::OK, "{query}");
    }
}

#[tokio::test]
async fn the_pages_work_below_any_path() {
    let nested = axum::Router::new().nest("/app/v1", site(&settings(&[])));
    let html = String::from_utf8(answer(nested.clone(), Request::get("/app/v1/account")).await.2).unwrap();
    let script = attributes(&html, "src").into_iter().find(|path| path.ends_with("fr.js")).unwrap();
    assert_eq!(answer(nested, Request::get(format!("/app/v1/{script}"))).await.0, StatusCode::OK);
}
