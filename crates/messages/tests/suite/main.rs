//! The messages through the crate's public face.

#![expect(clippy::unwrap_used, reason = "a test ends where its own fixture is wrong")]

mod custom;
mod facts;
#[cfg(feature = "gallery")]
mod mail_clients;
mod properties;
mod rules;
mod snapshots;
mod texts;

use cognito_core::testing::lookup;
use messages::settings::{APP_NAME, APP_URL, TEMPLATE_DIR};
use messages::{Answer, Email, Kind, Messages, Person, Request, Settings};

/// The placeholders as Cognito sends them.
const CODE: &str = "{####}";
const USERNAME: &str = "{username}";

fn messages(variables: &[(&str, &str)]) -> Messages {
    Messages::new(Settings::from_lookup(&lookup(variables)).unwrap())
}

fn with_links() -> Messages {
    messages(&[(APP_NAME, "Harbour"), (APP_URL, "https://app.example.com")])
}

fn codes_only() -> Messages {
    messages(&[(APP_NAME, "Harbour")])
}

/// A directory of own templates, and messages that use it.
fn with_templates(files: &[(&str, &str)]) -> (tempfile::TempDir, Messages) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let path = directory.path().to_str().unwrap().to_owned();
    let messages = messages(&[(APP_NAME, "Harbour"), (APP_URL, "https://app.example.com"), (TEMPLATE_DIR, &path)]);
    (directory, messages)
}

fn ada() -> Person<'static> {
    Person {
        name: Some("Ada"),
        username: Some("ada-1"),
        email: Some("ada+news@example.com"),
        locales: &["en"],
        ..Person::default()
    }
}

fn request(kind: Kind, person: Person<'_>) -> Request<'_> {
    let username_parameter = (kind == Kind::AdminCreateUser).then_some(USERNAME);
    Request { kind, person, code_parameter: Some(CODE), username_parameter, link_parameter: None }
}

/// The answer, which must be complete and skip no template.
#[track_caller]
fn complete(messages: &Messages, request: &Request<'_>) -> (Email, String) {
    let Answer { email, sms, skipped } = messages.answer(request);
    assert_eq!(skipped, []);
    (email.unwrap(), sms.unwrap())
}

/// What a person sees of an HTML document: its visible text, a line per block.
fn visible(html: &str) -> String {
    let document = scraper::Html::parse_document(html);
    let blocks = scraper::Selector::parse("h1, p, a.button, td.wordmark").unwrap();
    document
        .select(&blocks)
        .map(|block| block.text().collect::<String>().trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}
