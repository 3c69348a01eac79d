//! One page that shows every message: each kind, locale and style, on a phone and on a desktop, light and dark, with
//! subjects, SMS and lengths. [`Messages`] writes them, as it writes the messages that people receive.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use serde::Serialize;

use crate::Messages;
use crate::cognito::{Person, Request};
use crate::kind::Kind;
use crate::limits::{EMAIL_LIMIT, SMS_LIMIT, SUBJECT_LIMIT, characters};
use crate::locale::{LOCALES, Locale};
use crate::mail::{Mail, MailError};
use crate::settings::{Settings, Style};
use crate::sms;

const PAGE: &str = include_str!("../templates/gallery.html");
const DATA: &str = "/*data*/";

/// The code that replaces Cognito's placeholder.
const SAMPLE_CODE: &str = "493817";
const SAMPLE_PASSWORD: &str = "Xk4!tuvz";
const SAMPLE_USERNAME: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
const SAMPLE_TOKEN: &str = "Lr0nV7qZsY2pWk9cHd4xTg";
const SAMPLE_EMAIL: &str = "ada+news@example.com";
const SAMPLE_INVITER: &str = "Grace Hopper";

/// One message in one locale and style, as a person would receive it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The message's name, for example `sign-up`.
    pub message: &'static str,
    /// Tag of the locale.
    pub locale: &'static str,
    /// `link` or `code`.
    pub style: &'static str,
    /// Who invites, in the invitation that says so. The other one leaves it out.
    pub inviter: Option<&'static str>,
    /// The subject line.
    pub subject: String,
    /// Characters of the subject.
    pub subject_length: usize,
    /// The e-mail's HTML.
    pub html: String,
    /// Characters of the HTML.
    pub html_length: usize,
    /// The e-mail's plain text. Only the account API sends one.
    pub text: Option<String>,
    /// The SMS. Only Cognito sends one.
    pub sms: Option<String>,
    /// Characters of the SMS.
    pub sms_length: usize,
    /// Segments and alphabet of the SMS, for example `1 segment, GSM-7`.
    pub sms_segments: Option<String>,
    /// Templates that were skipped, and why.
    pub skipped: Vec<String>,
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

/// Every message in every locale, as a deployment with `settings` sends it. Cognito's messages come in each style that
/// the settings allow. The account API's mails have one style only. There are two invitations: by nobody, and by a member who
/// gave a name. Without `APP_URL` there is none, because the account API sends none then.
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
                samples.extend(mails(kind).iter().filter_map(|mail| letter(&with_link, mail, locale)));
            } else {
                if kind.has_style() && has_url {
                    samples.push(answer(&with_link, kind, locale, Style::Link));
                }
                samples.push(answer(&with_code, kind, locale, Style::Code));
                if settings.style_of(kind) == Style::CognitoLink {
                    samples.push(answer(&Messages::new(settings.clone()), kind, locale, Style::CognitoLink));
                }
            }
        }
    }
    samples
}

/// The page, one self-contained HTML document.
///
/// # Errors
///
/// Fails if the samples cannot be written as JSON. This does not happen in practice.
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

/// Writes the page to `file`, and makes the folder for it.
///
/// # Errors
///
/// Fails if the folder cannot be made or the file cannot be written.
pub fn write(settings: &Settings, file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, page(settings)?)
}

/// Escapes JSON for a script element. It leaves no `<`, so that no text can close the element.
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
    Person {
        name: Some("Ada"),
        username: Some(SAMPLE_USERNAME),
        email: Some(SAMPLE_EMAIL),
        locales: locale,
        ..Person::default()
    }
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
    let skipped = answer.skipped.iter().map(ToString::to_string).collect();
    Sample { skipped, ..sample(kind, locale, style, subject, html, answer.sms.map(deliver)) }
}

/// A sample with the lengths of its texts. Nobody invites, and no template was skipped.
fn sample(
    kind: Kind,
    locale: &'static Locale,
    style: Style,
    subject: String,
    html: String,
    sms: Option<String>,
) -> Sample {
    Sample {
        message: kind.name(),
        locale: locale.tag,
        style: style.name(),
        inviter: None,
        subject_length: characters(&subject),
        subject,
        html_length: characters(&html),
        html,
        text: None,
        sms_length: sms.as_deref().map_or(0, characters),
        sms_segments: sms.as_deref().map(segments),
        sms,
        skipped: vec![],
    }
}

fn segments(sms: &str) -> String {
    let (alphabet, count) = sms::segments(sms);
    format!("{count} segment{}, {alphabet}", if count == 1 { "" } else { "s" })
}

/// The mails of the account API of one kind: one, or an invitation by nobody and by a member. None if Cognito sends the kind.
fn mails(kind: Kind) -> Vec<Mail<'static>> {
    let mail = match kind {
        Kind::EmailChangeCurrent => {
            Mail::EmailChangeCurrent { code: SAMPLE_CODE, new_email: "ada@example.org", minutes: 15 }
        }
        Kind::EmailChangeNew => Mail::EmailChangeNew { code: SAMPLE_CODE, minutes: 15 },
        // Masked, because the account API masks it in this mail.
        Kind::EmailChanged => Mail::EmailChanged { new_email: "a***@example.org" },
        Kind::IdentityCode => Mail::IdentityCode { code: SAMPLE_CODE, provider: "Google", minutes: 15 },
        Kind::IdentityConnected => Mail::IdentityConnected { provider: "Google" },
        Kind::IdentityDisconnected => Mail::IdentityDisconnected { provider: "Google" },
        Kind::SignedOutEverywhere => Mail::SignedOutEverywhere,
        Kind::PasswordChanged => Mail::PasswordChanged,
        Kind::AccountDeleted => Mail::AccountDeleted,
        Kind::Activation => {
            let by = |inviter| Mail::Activation { username: SAMPLE_USERNAME, token: SAMPLE_TOKEN, days: 7, inviter };
            return vec![by(None), by(Some(SAMPLE_INVITER))];
        }
        Kind::AccountExists => Mail::AccountExists,
        _ => return vec![],
    };
    vec![mail]
}

/// A mail of the account API, or `None` if it is not sent with these settings.
fn letter(messages: &Messages, mail: &Mail<'static>, locale: &'static Locale) -> Option<Sample> {
    let kind = mail.kind();
    let (subject, html, text, skipped) = match messages.letter(mail, &person(&[locale.tag])) {
        Ok(letter) => {
            (letter.subject, letter.html, Some(letter.text), letter.skipped.iter().map(ToString::to_string).collect())
        }
        Err(MailError::NoPages) => return None,
        Err(error) => (String::new(), String::new(), None, vec![error.to_string()]),
    };
    let has_link = kind.page().is_some() && messages.settings().branding.app_url.is_some();
    let style = if has_link { Style::Link } else { Style::Code };
    let inviter = if let Mail::Activation { inviter, .. } = mail { *inviter } else { None };
    Some(Sample { inviter, text, skipped, ..sample(kind, locale, style, subject, html, None) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::testing::lookup;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from_lookup(&lookup(variables)).unwrap()
    }

    fn styles(samples: &[Sample], kind: Kind, locale: &Locale) -> Vec<&'static str> {
        let own = samples.iter().filter(|sample| (sample.message, sample.locale) == (kind.name(), locale.tag));
        own.map(|sample| sample.style).collect()
    }

    #[test]
    fn with_the_defaults_the_page_shows_what_people_get_then_without_a_name_and_without_links() {
        let samples = samples(&settings(&[]));
        for kind in Kind::ALL {
            let expected: &[_] = if kind == Kind::Activation { &[] } else { &["code"] };
            assert_eq!(styles(&samples, kind, Locale::reference()), expected, "{}", kind.name());
        }
        for sample in samples {
            assert!(!sample.html.contains("<a "), "{}", sample.message);
            assert!(!sample.subject.contains('–'), "{}", sample.subject);
        }
    }

    #[test]
    fn the_page_shows_every_message_in_every_locale_and_style() {
        let samples = samples(&settings(&[("APP_URL", "https://app.example.com")]));
        for kind in Kind::ALL {
            for locale in LOCALES {
                let expected: &[_] = match kind {
                    Kind::Authentication
                    | Kind::EmailChanged
                    | Kind::IdentityCode
                    | Kind::IdentityConnected
                    | Kind::IdentityDisconnected
                    | Kind::SignedOutEverywhere
                    | Kind::PasswordChanged
                    | Kind::AccountDeleted => &["code"],
                    // By nobody, and by a member.
                    Kind::Activation => &["link", "link"],
                    _ if kind.trigger_source().is_none() => &["link"],
                    _ => &["link", "code"],
                };
                assert_eq!(styles(&samples, kind, locale), expected, "{} in {}", kind.name(), locale.tag);
            }
        }
        for sample in samples {
            assert_eq!(sample.skipped, Vec::<String>::new(), "{} in {}", sample.message, sample.locale);
            assert_eq!(sample.html.contains(SAMPLE_INVITER), sample.inviter.is_some(), "{}", sample.message);
        }
    }

    #[test]
    fn the_page_shows_the_form_of_address_that_people_get() {
        let formal = samples(&settings(&[]));
        let informal = samples(&settings(&[("FORM_OF_ADDRESS", "de:informal")]));
        for (formal, informal) in formal.iter().zip(&informal) {
            assert_eq!(informal.skipped, Vec::<String>::new(), "{} in {}", informal.message, informal.locale);
            assert_eq!(formal.html != informal.html, formal.locale == "de", "{} in {}", formal.message, formal.locale);
        }
    }

    #[test]
    fn the_page_loads_nothing_and_no_text_closes_its_script() {
        let page = page(&settings(&[])).unwrap();
        assert!(!page.contains(DATA));
        assert_eq!(page.matches("</script>").count(), 2);
        for loading in ["<link", "@import", "src=\"http", "url("] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
