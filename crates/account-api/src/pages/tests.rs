//! The pages as a browser gets them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use messages::LOCALES;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{PAGES, PAGES_API_URL, PAGES_CLIENT_ID, PAGES_REGISTRATION, PAGES_SIGN_IN_URL, Settings, router};

const VARIABLES: [(&str, &str); 10] = [
    (PAGES_CLIENT_ID, "publicclient"),
    (PAGES_SIGN_IN_URL, "https://auth.example.com"),
    (PAGES_API_URL, "https://api.example.com/v1"),
    (PAGES_REGISTRATION, "open"),
    (super::PAGES_PASSWORD_LENGTH, "12"),
    ("AWS_REGION", "eu-central-1"),
    ("APP_NAME", "<Harbour> & Sons"),
    ("LOGO_URL", "https://cdn.example.net/logo.png?a=1&b=2"),
    ("SUPPORT_EMAIL", "help@example.com"),
    ("DEFAULT_LOCALE", "fr"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https://cdn.example.net; \
                      connect-src 'self' https://api.example.com https://auth.example.com \
                      https://cognito-idp.eu-central-1.amazonaws.com; form-action 'none'; frame-ancestors 'none'; \
                      base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn settings(without: &[&str]) -> Settings {
    let lookup = |name: &str| {
        let known = VARIABLES.iter().find(|(known, _)| *known == name && !without.contains(known));
        known.map(|(_, value)| (*value).to_owned())
    };
    Settings::from_lookup(&lookup, &messages::Settings::from_lookup(&lookup).unwrap()).unwrap().unwrap()
}

async fn get_from(settings: &Settings, path: &str, languages: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, languages).body(Body::empty()).unwrap();
    let answer = router(settings).oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(path: &str) -> (StatusCode, HeaderMap, String) {
    get_from(&settings(&[]), path, "").await
}

/// The values of an attribute in a page, as they are written.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    html.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn keys(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| keys(value, &format!("{above}.{key}"), found));
        }
        _ => assert!(found.insert(above.to_owned())),
    }
}

fn texts(tag: &str) -> Value {
    let file = format!("{tag}.json");
    let (_, _, text) = super::assets::LOCALES.into_iter().find(|(name, _, _)| *name == file).unwrap();
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
    assert_eq!(headers[header::VARY], "accept-language");
    assert!(html.contains("data-lang-source=\"header\"") && html.contains("href=\"register\""), "{html}");
    let (_, headers, html) = get("/account").await;
    assert_eq!(headers[header::CONTENT_LANGUAGE], "fr");
    assert!(html.contains("data-lang-source=\"default\""));
    let (_, _, chosen) = get("/account?lang=ja").await;
    assert!(chosen.contains("href=\"register?lang=ja\""), "a chosen language is kept by the links");
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
        assert_eq!(own.len(), 4, "icon, two style sheets, one script: {loaded:?}");
        for path in own {
            let (status, headers, _) = get(&format!("/{path}")).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        }
        for path in loaded.iter().filter(|path| !path.starts_with("pages-assets/")) {
            let external =
                path.starts_with("mailto:help@") || path.starts_with("https:&#x2f;&#x2f;cdn.example.net&#x2f;");
            let name = path.split('?').next().unwrap();
            assert!(external || PAGES.iter().any(|page| page.name == name), "{path} leads nowhere");
        }
    }
}

#[tokio::test]
async fn every_module_imports_modules_that_are_there_and_writes_no_markup() {
    let version = super::Assets::new(messages::Color::DEFAULT).version().to_owned();
    let mut waiting: Vec<_> = PAGES.iter().map(|page| format!("{}.js", page.source)).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let (status, headers, script) = get(&format!("/pages-assets/{version}/{name}")).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http://"]
        {
            assert!(!script.contains(sink), "{name} uses {sink}");
        }
        let imports = script.lines().filter_map(|line| line.split_once(" from \"./")).map(|(_, rest)| rest);
        waiting.extend(imports.map(|rest| rest.trim_end_matches("\";").to_owned()));
    }
    assert_eq!(seen.len(), super::assets::scripts(), "every module is used by some page");
}

#[tokio::test]
async fn every_text_that_a_script_names_is_there() {
    let mut known = BTreeSet::new();
    keys(&texts("en"), "", &mut known);
    for (name, script) in super::assets::script_texts() {
        for key in script.split("say(\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(known.contains(&format!(".{key}")), "{name} says {key}");
        }
    }
}

#[test]
fn every_locale_has_the_same_texts_with_the_same_values_as_english() {
    let (english, mut expected) = (texts("en"), BTreeSet::new());
    keys(&english, "", &mut expected);
    let values = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
    };
    for locale in LOCALES {
        let (own, mut found) = (texts(locale.tag), BTreeSet::new());
        keys(&own, "", &mut found);
        assert_eq!(found, expected, "{}", locale.tag);
        for key in &expected {
            let pointer = key.replace('.', "/");
            let (text, model) = (own.pointer(&pointer).unwrap(), english.pointer(&pointer).unwrap());
            let (text, model) = (text.as_str().unwrap(), model.as_str().unwrap());
            assert!(!text.trim().is_empty(), "{} {key}", locale.tag);
            assert_eq!(values(text), values(model), "{} {key}", locale.tag);
        }
    }
}

#[tokio::test]
async fn every_answer_keeps_to_itself_and_only_files_with_their_content_in_the_name_are_kept() {
    for path in ["/account", "/activate?username=a&token=b", "/pages-config.json", "/pages-assets/old/pages.css", "/x"]
    {
        let (_, headers, _) = get(path).await;
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
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
        policy.contains("img-src 'self'; connect-src 'self' https://cognito-idp.eu-central-1.amazonaws.com;"),
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
async fn the_configuration_is_public_values_alone() {
    let expected = json!({
        "client_id": "publicclient",
        "cognito_url": "https://cognito-idp.eu-central-1.amazonaws.com",
        "sign_in_url": "https://auth.example.com",
        "api_url": "https://api.example.com/v1",
        "registration": true,
        "password_length": 12,
        "app_name": "<Harbour> & Sons",
        "support_email": "help@example.com",
        "logo_url": "https://cdn.example.net/logo.png?a=1&b=2",
        "brand_color": "#2f5bd3",
        "default_locale": "fr",
        "locales": ["ar", "de", "en", "es", "fr", "ja", "pt-BR"],
    });
    let (_, headers, body) = get("/pages-config.json").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(body.parse::<Value>().unwrap(), expected);
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
    let request = Request::builder().method(Method::POST).uri("/account").body(Body::empty()).unwrap();
    assert_eq!(router(&settings(&[])).oneshot(request).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    for query in ["%", "lang", "lang=%ff", "lang=a&lang=b", "&&=&", "code=%zz"] {
        assert_eq!(get(&format!("/account?{query}")).await.0, StatusCode::OK, "{query}");
    }
}

#[tokio::test]
async fn the_pages_work_below_any_path() {
    let nested = axum::Router::new().nest("/app/v1", router(&settings(&[])));
    let request = Request::get("/app/v1/account").body(Body::empty()).unwrap();
    let body = nested.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let html = String::from_utf8(body.to_vec()).unwrap();
    let script = attributes(&html, "src").into_iter().find(|path| path.ends_with("account.js")).unwrap();
    let request = Request::get(format!("/app/v1/{script}")).body(Body::empty()).unwrap();
    assert_eq!(nested.oneshot(request).await.unwrap().status(), StatusCode::OK);
}
