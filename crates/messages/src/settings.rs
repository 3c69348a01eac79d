//! Settings of the messages, read from environment variables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::Uri;

use crate::color::Color;
use crate::kind::Kind;
use crate::locale::{LOCALES, Locale, fallbacks};
use crate::personal::one_line;

/// The application's name, shown to people. Unset: the host of [`APP_URL`], or no name at all.
pub const APP_NAME: &str = "APP_NAME";
/// Where the application lives; links point below it. Unset: no links, code style only.
pub const APP_URL: &str = "APP_URL";
/// Where people can ask for help. Unset: no such line.
pub const SUPPORT_EMAIL: &str = "SUPPORT_EMAIL";
/// An image to show in place of the name. Unset: the name as text.
pub const LOGO_URL: &str = "LOGO_URL";
/// Colour of the button and accents, `#rrggbb`. Unset: [`Color::DEFAULT`].
pub const BRAND_COLOR: &str = "BRAND_COLOR";
/// Locale of people whose own is unknown or not available. Unset: `en`.
pub const DEFAULT_LOCALE: &str = "DEFAULT_LOCALE";
/// `link` or `code`, and single messages that differ. Unset: `link` if [`APP_URL`] is set, else `code`.
pub const MESSAGE_STYLE: &str = "MESSAGE_STYLE";
/// A directory with own templates. Unset: built-in templates only.
pub const TEMPLATE_DIR: &str = "TEMPLATE_DIR";

/// Every variable that is read, for documents and deployment templates to be checked against.
pub const VARIABLES: [&str; 8] = [
    APP_NAME,
    APP_URL,
    SUPPORT_EMAIL,
    LOGO_URL,
    BRAND_COLOR,
    DEFAULT_LOCALE,
    MESSAGE_STYLE,
    TEMPLATE_DIR,
];

/// Longest application name, in characters: leaves an SMS of 140 room for its words in every locale.
pub const APP_NAME_LIMIT: usize = 30;
/// Longest application URL, in characters: leaves an e-mail of 20,000 room for its links.
pub const APP_URL_LIMIT: usize = 200;
/// Longest logo URL, in characters.
pub const LOGO_URL_LIMIT: usize = 500;

/// Whether a message leads with a link or with the code to type. Both show the code as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A button that opens a page of the application; the code below it.
    Link,
    /// The code alone.
    Code,
}

impl Style {
    /// The word used in [`MESSAGE_STYLE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Code => "code",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Link, Self::Code]
            .into_iter()
            .find(|style| style.name() == name)
    }
}

/// How the messages look and what they name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branding {
    /// See [`APP_NAME`]; one line, at most [`APP_NAME_LIMIT`] characters.
    pub app_name: Option<String>,
    /// See [`APP_URL`]; without a slash at its end.
    pub app_url: Option<String>,
    /// See [`SUPPORT_EMAIL`].
    pub support_email: Option<String>,
    /// See [`LOGO_URL`].
    pub logo_url: Option<String>,
    /// See [`BRAND_COLOR`].
    pub brand_color: Color,
}

/// All settings of the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Look and names.
    pub branding: Branding,
    /// Tag of the built-in locale used when no other fits.
    pub default_locale: &'static str,
    /// The style of every message that `styles` does not name.
    pub style: Style,
    /// Messages with a style of their own.
    pub styles: BTreeMap<Kind, Style>,
    /// See [`TEMPLATE_DIR`].
    pub template_dir: Option<PathBuf>,
}

/// A variable with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is {value:?}; allowed: {allowed}")]
pub struct SettingError {
    /// The environment variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl SettingError {
    fn new(variable: &'static str, value: &str, allowed: impl Into<String>) -> Self {
        Self {
            variable,
            value: value.to_owned(),
            allowed: allowed.into(),
        }
    }
}

impl Settings {
    /// Reads the settings through `lookup`, which returns the value of an environment variable. A blank value
    /// counts as unset, because a deployment template cannot leave a variable out.
    ///
    /// # Errors
    ///
    /// The first variable whose value is not allowed.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let get = |name| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let app_url = get(APP_URL)
            .map(|value| parse_app_url(&value))
            .transpose()?;
        let app_name = match get(APP_NAME) {
            Some(value) => Some(parse_app_name(&value)?),
            None => app_url
                .as_deref()
                .and_then(host)
                .map(|host| host.chars().take(APP_NAME_LIMIT).collect()),
        };
        let branding = Branding {
            app_name,
            support_email: get(SUPPORT_EMAIL)
                .map(|value| parse_support_email(&value))
                .transpose()?,
            logo_url: get(LOGO_URL)
                .map(|value| parse_logo_url(&value))
                .transpose()?,
            brand_color: match get(BRAND_COLOR) {
                Some(value) => value
                    .parse()
                    .map_err(|()| SettingError::new(BRAND_COLOR, &value, Color::ALLOWED))?,
                None => Color::default(),
            },
            app_url,
        };
        let has_url = branding.app_url.is_some();
        let (style, styles) = match get(MESSAGE_STYLE) {
            Some(value) => parse_styles(&value, has_url)?,
            None => (
                if has_url { Style::Link } else { Style::Code },
                BTreeMap::new(),
            ),
        };
        Ok(Self {
            branding,
            default_locale: get(DEFAULT_LOCALE).map_or(Ok("en"), |value| parse_locale(&value))?,
            style,
            styles,
            template_dir: get(TEMPLATE_DIR)
                .map(|value| parse_directory(&value))
                .transpose()?,
        })
    }

    /// The style of one message.
    #[must_use]
    pub fn style_of(&self, kind: Kind) -> Style {
        self.styles.get(&kind).copied().unwrap_or(self.style)
    }
}

fn parse_app_name(value: &str) -> Result<String, SettingError> {
    if one_line(value) == value && value.chars().count() <= APP_NAME_LIMIT {
        return Ok(value.to_owned());
    }
    Err(SettingError::new(
        APP_NAME,
        value,
        format!("one line of visible characters, at most {APP_NAME_LIMIT}"),
    ))
}

fn parse_app_url(value: &str) -> Result<String, SettingError> {
    let wrong = || {
        SettingError::new(
            APP_URL,
            value,
            format!(
                "https://host[:port][/path] without query and fragment, at most {APP_URL_LIMIT} characters \
                 (http only for localhost)"
            ),
        )
    };
    let uri = parse_url(value, APP_URL_LIMIT)
        .filter(|uri| uri.query().is_none())
        .ok_or_else(wrong)?;
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if uri.scheme_str() == Some("https") || local {
        return Ok(value.trim_end_matches('/').to_owned());
    }
    Err(wrong())
}

fn parse_logo_url(value: &str) -> Result<String, SettingError> {
    parse_url(value, LOGO_URL_LIMIT)
        .filter(|uri| uri.scheme_str() == Some("https"))
        .map(|_| value.to_owned())
        .ok_or_else(|| {
            SettingError::new(
                LOGO_URL,
                value,
                format!("an https URL of at most {LOGO_URL_LIMIT} characters"),
            )
        })
}

/// An absolute http(s) URL that can stand in an HTML attribute as it is, but for its `&`.
fn parse_url(value: &str, limit: usize) -> Option<Uri> {
    let plain = value.len() <= limit && !value.contains(['"', '\'', '<', '>', '{', '}', '#', '\\']);
    let uri: Uri = plain.then(|| value.parse().ok()).flatten()?;
    let no_user = !uri.authority()?.as_str().contains('@');
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (known && no_user && !uri.host()?.is_empty()).then_some(uri)
}

fn host(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.host().map(str::to_owned)
}

fn parse_support_email(value: &str) -> Result<String, SettingError> {
    // RFC 5321 4.5.3.1.3: 254 characters. Braces and quotes are legal there and have no place in a template.
    if value.len() <= 254
        && !value.contains(['{', '}', '"', '<', '>'])
        && email_address::EmailAddress::is_valid(value)
    {
        return Ok(value.to_owned());
    }
    Err(SettingError::new(
        SUPPORT_EMAIL,
        value,
        "one e-mail address, such as help@example.com",
    ))
}

fn parse_locale(value: &str) -> Result<&'static str, SettingError> {
    fallbacks(value)
        .iter()
        .find_map(|step| Locale::serving(step))
        .map(|locale| locale.tag)
        .ok_or_else(|| {
            let tags: Vec<_> = LOCALES.iter().map(|locale| locale.tag).collect();
            SettingError::new(DEFAULT_LOCALE, value, tags.join(", "))
        })
}

fn parse_styles(
    value: &str,
    has_url: bool,
) -> Result<(Style, BTreeMap<Kind, Style>), SettingError> {
    let wrong = || {
        let names: Vec<_> = Kind::COGNITO.iter().map(|kind| kind.name()).collect();
        SettingError::new(
            MESSAGE_STYLE,
            value,
            format!(
                "link or code, and after a comma message=link or message=code; messages: {}",
                names.join(", ")
            ),
        )
    };
    let mut default = None;
    let mut styles = BTreeMap::new();
    for item in value.split(',').map(str::trim) {
        match item.split_once('=') {
            None if default.is_none() => default = Some(Style::from_name(item).ok_or_else(wrong)?),
            None => return Err(wrong()),
            Some((name, style)) => {
                let kind = Kind::from_name(name.trim())
                    .filter(|kind| Kind::COGNITO.contains(kind))
                    .ok_or_else(wrong)?;
                styles.insert(kind, Style::from_name(style.trim()).ok_or_else(wrong)?);
            }
        }
    }
    let default = default.unwrap_or(if has_url { Style::Link } else { Style::Code });
    if !has_url && (default == Style::Link || styles.values().any(|style| *style == Style::Link)) {
        return Err(SettingError::new(
            MESSAGE_STYLE,
            value,
            format!("code while {APP_URL} is unset"),
        ));
    }
    Ok((default, styles))
}

fn parse_directory(value: &str) -> Result<PathBuf, SettingError> {
    let path = PathBuf::from(value);
    match std::fs::read_dir(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(SettingError::new(
            TEMPLATE_DIR,
            value,
            format!("a directory that can be read ({error})"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::from_lookup(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[track_caller]
    fn refused(variable: &'static str, value: &str) {
        let error = settings(&[(variable, value)]).unwrap_err();
        assert_eq!((error.variable, error.value.as_str()), (variable, value));
        assert!(error.to_string().contains("allowed: "), "{error}");
    }

    #[test]
    fn without_any_variable_messages_carry_codes_in_english() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.style, Style::Code);
        assert_eq!(settings.default_locale, "en");
        assert_eq!(settings.branding, Branding::default());
    }

    #[test]
    fn an_application_url_makes_links_the_default_and_lends_its_host_as_name() {
        let settings = settings(&[(APP_URL, "https://app.example.com/"), (APP_NAME, " ")]).unwrap();
        assert_eq!(settings.style, Style::Link);
        assert_eq!(
            settings.branding.app_url.as_deref(),
            Some("https://app.example.com")
        );
        assert_eq!(
            settings.branding.app_name.as_deref(),
            Some("app.example.com")
        );
    }

    #[test]
    fn one_message_can_have_its_own_style() {
        let settings = settings(&[
            (APP_URL, "https://a.example"),
            (MESSAGE_STYLE, "link, forgot-password=code"),
        ])
        .unwrap();
        assert_eq!(settings.style_of(Kind::ForgotPassword), Style::Code);
        assert_eq!(settings.style_of(Kind::SignUp), Style::Link);
    }

    #[test]
    fn a_regional_default_locale_is_served_by_its_language() {
        assert_eq!(
            settings(&[(DEFAULT_LOCALE, "de_AT")])
                .unwrap()
                .default_locale,
            "de"
        );
    }

    #[test]
    fn http_is_allowed_for_the_own_machine_only() {
        assert!(settings(&[(APP_URL, "http://localhost:3000")]).is_ok());
        assert!(settings(&[(APP_URL, "http://127.0.0.1:3000/app")]).is_ok());
        refused(APP_URL, "http://app.example.com");
    }

    #[test]
    fn a_wrong_value_names_variable_value_and_what_is_allowed() {
        refused(APP_NAME, "two\nlines");
        refused(APP_NAME, &"x".repeat(APP_NAME_LIMIT + 1));
        for url in [
            "example.com",
            "/path",
            "https://",
            "https://a/?q=1",
            "https://a/#f",
            "https://u@a",
            "javascript:alert(1)",
            "https://a/'",
            "https://a/{x}",
        ] {
            refused(APP_URL, url);
        }
        refused(SUPPORT_EMAIL, "help");
        refused(SUPPORT_EMAIL, "\"{####}\"@example.com");
        refused(LOGO_URL, "http://example.com/logo.png");
        refused(BRAND_COLOR, "red");
        refused(DEFAULT_LOCALE, "xx");
        refused(MESSAGE_STYLE, "links");
        refused(MESSAGE_STYLE, "code,code");
        refused(MESSAGE_STYLE, "signup=code");
        refused(MESSAGE_STYLE, "link");
        refused(TEMPLATE_DIR, "/nowhere/at/all");
    }
}
