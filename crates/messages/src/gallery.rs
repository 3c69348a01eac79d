//! One page that shows every message: each kind, locale and style, on a phone and on a desktop, light and dark,
//! with subjects and SMS and their lengths. It is written through [`Messages`], like what people receive.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use serde::Serialize;

use crate::cognito::{Person, Request};
use crate::kind::Kind;
use crate::limits::{EMAIL_LIMIT, SMS_LIMIT, SUBJECT_LIMIT, characters};
use crate::locale::{LOCALES, Locale};
use crate::mail::Mail;
use crate::settings::{APP_NAME, APP_URL, Settings, Style};
use crate::{Link, Messages};

const PAGE: &str = include_str!("../templates/gallery.html");
const DATA: &str = "/*data*/";

/// The code shown in place of Cognito's placeholder.
const SAMPLE_CODE: &str = "493817";
const SAMPLE_PASSWORD: &str = "Xk4!tuvz";
const SAMPLE_USERNAME: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
const SAMPLE_EMAIL: &str = "ada+news@example.com";

/// One message in one locale and style, as a person would receive it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The message's name, for example `sign-up`.
    pub message: &'static str,
    /// Tag of the locale.
    pub locale: &'static str,
    /// `link` or `code`.
    pub style: &'static str,
    /// The subject line.
    pub subject: String,
    /// Characters of the subject.
    pub subject_length: usize,
    /// The e-mail's HTML.
    pub html: String,
    /// Characters of the HTML.
    pub html_length: usize,
    /// The e-mail's plain text; only the account API sends one.
    pub text: Option<String>,
    /// The SMS; only Cognito sends one.
    pub sms: Option<String>,
    /// Characters of the SMS.
    pub sms_length: usize,
    /// Templates that were passed over, and why.
    pub falls: Vec<String>,
}

/// Everything the page shows.
#[derive(Serialize)]
struct Data {
    app: String,
    locales: Vec<LocaleName>,
    messages: Vec<&'static str>,
    limits: Limits,
    problems: Vec<String>,
    samples: Vec<Sample>,
}

#[derive(Serialize)]
struct LocaleName {
    tag: &'static str,
    name: &'static str,
    dir: &'static str,
}

#[derive(Serialize)]
struct Limits {
    subject: usize,
    html: usize,
    sms: usize,
}

/// The settings of the page: those of the environment, and a sample name and URL where they are unset, because a
/// page without links would show half of the messages.
pub fn lookup(environment: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let value = environment(name).filter(|value| !value.trim().is_empty());
        value.or_else(|| match name {
            APP_NAME => Some("Harbour".to_owned()),
            APP_URL => Some("https://app.example.com".to_owned()),
            _ => None,
        })
    }
}

/// Every message in every locale and style that `settings` allow.
#[must_use]
pub fn samples(settings: &Settings) -> Vec<Sample> {
    let styled =
        |style| Messages::new(Settings { style, styles: std::collections::BTreeMap::new(), ..settings.clone() });
    let (with_link, with_code) = (styled(Style::Link), styled(Style::Code));
    let has_url = settings.branding.app_url.is_some();
    let mut samples = Vec::new();
    for kind in Kind::ALL {
        for locale in LOCALES {
            if kind.trigger_source().is_none() {
                samples.extend(letters(&with_link, kind, locale));
            } else {
                if kind.has_style() && has_url {
                    samples.push(answer(&with_link, kind, locale, Style::Link));
                }
                samples.push(answer(&with_code, kind, locale, Style::Code));
            }
        }
    }
    samples
}

/// The page, one self-contained HTML document.
///
/// # Errors
///
/// The samples cannot be written as JSON, which does not happen with text.
pub fn page(settings: &Settings) -> Result<String, serde_json::Error> {
    let data = Data {
        app: settings.branding.app_name.clone().unwrap_or_default(),
        locales: LOCALES
            .iter()
            .map(|locale| LocaleName { tag: locale.tag, name: locale.name, dir: locale.direction.html() })
            .collect(),
        messages: Kind::ALL.iter().map(|kind| kind.name()).collect(),
        limits: Limits { subject: SUBJECT_LIMIT, html: EMAIL_LIMIT, sms: SMS_LIMIT },
        problems: Messages::new(settings.clone()).problems().iter().map(ToString::to_string).collect(),
        samples: samples(settings),
    };
    Ok(PAGE.replacen(DATA, &script_safe(&serde_json::to_string(&data)?), 1))
}

/// Writes the page to `file`, and makes the folder it lies in.
///
/// # Errors
///
/// The folder cannot be made or the file cannot be written.
pub fn write(settings: &Settings, file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, page(settings)?)
}

/// JSON inside a script element: no `<`, so that no text can close the element.
fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string does not fail.
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            other => safe.push(other),
        }
    }
    safe
}

fn person<'a>(locale: &'a [&'a str]) -> Person<'a> {
    Person { name: Some("Ada"), username: Some(SAMPLE_USERNAME), email: Some(SAMPLE_EMAIL), locales: locale }
}

fn answer(messages: &Messages, kind: Kind, locale: &'static Locale, style: Style) -> Sample {
    let answer = messages.answer(&Request {
        kind,
        person: person(&[locale.tag]),
        code_parameter: Some("{####}"),
        username_parameter: Some("{username}"),
        link_parameter: Some("{##Confirm##}"),
    });
    let secret = if kind == Kind::AdminCreateUser { SAMPLE_PASSWORD } else { SAMPLE_CODE };
    let deliver = |text: String| text.replace("{####}", secret).replace("{username}", SAMPLE_USERNAME);
    let (subject, html) = answer.email.map(|email| (email.subject, deliver(email.html))).unwrap_or_default();
    let sms = answer.sms.map(deliver);
    Sample {
        message: kind.name(),
        locale: locale.tag,
        style: style.name(),
        subject_length: characters(&subject),
        subject,
        html_length: characters(&html),
        html,
        text: None,
        sms_length: sms.as_deref().map_or(0, characters),
        sms,
        falls: answer.falls.iter().map(ToString::to_string).collect(),
    }
}

/// A mail of the account API in the styles it has.
fn letters(messages: &Messages, kind: Kind, locale: &'static Locale) -> Vec<Sample> {
    let app_url = messages.settings().branding.app_url.clone();
    let page = |path| app_url.as_deref().map(|url| Link::to(url, path).with("code", SAMPLE_CODE).into_url());
    let change = page("/complete-email-change");
    let activate = page("/activate").unwrap_or_else(|| "https://app.example.com/activate".to_owned());
    let new_email = "a***@example.org";
    let current = |link| Mail::EmailChangeCurrent { code: SAMPLE_CODE, link, new_email, minutes: 15 };
    let new = |link| Mail::EmailChangeNew { code: SAMPLE_CODE, link, minutes: 15 };
    let mails: Vec<(Style, Mail<'_>)> = match kind {
        Kind::EmailChangeCurrent => both(change.as_deref(), current),
        Kind::EmailChangeNew => both(change.as_deref(), new),
        Kind::EmailChanged => vec![(Style::Code, Mail::EmailChanged { new_email })],
        Kind::Activation => vec![(Style::Link, Mail::Activation { link: &activate, days: 7 })],
        Kind::AccountExists => vec![(Style::Link, Mail::AccountExists)],
        _ => Vec::new(),
    };
    mails.iter().map(|(style, mail)| letter(messages, mail, locale, *style)).collect()
}

fn both<'a>(link: Option<&'a str>, mail: impl Fn(Option<&'a str>) -> Mail<'a>) -> Vec<(Style, Mail<'a>)> {
    let with_link = link.map(|link| (Style::Link, mail(Some(link))));
    with_link.into_iter().chain([(Style::Code, mail(None))]).collect()
}

fn letter(messages: &Messages, mail: &Mail<'_>, locale: &'static Locale, style: Style) -> Sample {
    let letter = messages.letter(mail, &person(&[locale.tag]));
    let (subject, html, text, falls) = match letter {
        Ok(letter) => {
            (letter.subject, letter.html, Some(letter.text), letter.falls.iter().map(ToString::to_string).collect())
        }
        Err(error) => (String::new(), String::new(), None, vec![error.to_string()]),
    };
    Sample {
        message: mail.kind().name(),
        locale: locale.tag,
        style: style.name(),
        subject_length: characters(&subject),
        subject,
        html_length: characters(&html),
        html,
        text,
        sms: None,
        sms_length: 0,
        falls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::from_lookup(&lookup(|_| None)).unwrap()
    }

    #[test]
    fn the_page_shows_every_message_in_every_locale_and_style() {
        let samples = samples(&settings());
        for kind in Kind::ALL {
            for locale in LOCALES {
                let styles: Vec<_> = samples
                    .iter()
                    .filter(|sample| (sample.message, sample.locale) == (kind.name(), locale.tag))
                    .map(|sample| sample.style)
                    .collect();
                let expected: &[_] = match kind {
                    Kind::Authentication | Kind::EmailChanged => &["code"],
                    Kind::Activation | Kind::AccountExists => &["link"],
                    _ => &["link", "code"],
                };
                assert_eq!(styles, expected, "{} in {}", kind.name(), locale.tag);
            }
        }
        for sample in samples {
            assert_eq!(sample.falls, Vec::<String>::new(), "{} in {}", sample.message, sample.locale);
        }
    }

    #[test]
    fn the_page_loads_nothing_and_no_text_closes_its_script() {
        let page = page(&settings()).unwrap();
        assert!(!page.contains(DATA));
        assert_eq!(page.matches("</script>").count(), 2);
        for loading in ["<link", "@import", "src=\"http", "url("] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
