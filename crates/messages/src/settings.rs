//! Settings of the messages, read from environment variables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cognito_core::email::Email;
use cognito_core::settings::{Lookup, SettingError, optional};
use http::Uri;

use crate::color::Color;
use crate::form::FormsOfAddress;
use crate::kind::Kind;
use crate::locale::{LOCALES, Locale};
use crate::personal::one_line;

/// The application's name, which people see. Unset: the host of [`APP_URL`], if the operator chose it and it is short
/// enough. Otherwise messages have no name.
pub const APP_NAME: &str = "APP_NAME";
/// The application's address. All links start with it. Unset: messages have no links, only codes.
pub const APP_URL: &str = "APP_URL";
/// Where people can ask for help. Unset: no such line.
pub const SUPPORT_EMAIL: &str = "SUPPORT_EMAIL";
/// An image to show instead of the name. Unset: the name as text.
pub const LOGO_URL: &str = "LOGO_URL";
/// Who sends the messages, as the law of some countries asks: one line below every e-mail and page. Unset: no such line.
pub const LEGAL_FOOTER: &str = "LEGAL_FOOTER";
/// The terms of use, linked below every e-mail and page. Unset: no such link.
pub const TERMS_URL: &str = "TERMS_URL";
/// The privacy policy, linked below every e-mail and page. Unset: no such link.
pub const PRIVACY_URL: &str = "PRIVACY_URL";
/// Colour of the button and accents, `#rrggbb`. Unset: [`Color::DEFAULT`].
pub const BRAND_COLOR: &str = "BRAND_COLOR";
/// The locale for people whose locale is unknown or not available. Unset: `en`.
pub const DEFAULT_LOCALE: &str = "DEFAULT_LOCALE";
/// How people are addressed, for the languages that have two forms: `de:informal,fr:informal`. Unset: formally.
pub const FORM_OF_ADDRESS: &str = "FORM_OF_ADDRESS";
/// `link` or `code`, and the messages that differ; for sign-ups also `cognito-link`. Unset: `link` if [`APP_URL`] is set, otherwise `code`.
pub const MESSAGE_STYLE: &str = "MESSAGE_STYLE";
/// The host on whose pages people type the code of a text message. The message then ends with a line that binds the code to
/// it, so that phones and browsers offer the code there and nowhere else. Unset: no such line.
pub const SMS_HOST: &str = "SMS_HOST";
/// A directory with custom templates. Unset: built-in templates only.
pub const TEMPLATE_DIR: &str = "TEMPLATE_DIR";

/// Every variable that is read. Tests compare documents and deployment templates with this list.
pub const NAMES: [&str; 13] = [
    APP_NAME,
    APP_URL,
    SUPPORT_EMAIL,
    LOGO_URL,
    LEGAL_FOOTER,
    TERMS_URL,
    PRIVACY_URL,
    BRAND_COLOR,
    DEFAULT_LOCALE,
    FORM_OF_ADDRESS,
    MESSAGE_STYLE,
    SMS_HOST,
    TEMPLATE_DIR,
];

/// Longest application name, in characters. It leaves room for the words of an SMS of 140 characters in every locale.
pub const APP_NAME_LIMIT: usize = 30;
/// Longest application URL, in characters. It leaves room for the links of an e-mail of 20,000 characters.
pub const APP_URL_LIMIT: usize = 200;
/// Longest logo URL, in characters.
pub const LOGO_URL_LIMIT: usize = 500;
/// Longest line of [`LEGAL_FOOTER`], in characters.
pub const LEGAL_FOOTER_LIMIT: usize = 300;
/// Longest address of [`TERMS_URL`] and [`PRIVACY_URL`], in characters.
pub const LEGAL_URL_LIMIT: usize = 300;

/// What a message begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// A button that opens a page of the application, with the code below it.
    Link,
    /// The code alone.
    #[default]
    Code,
    /// Cognito's own link and no code, in pools that verify by link (`DefaultEmailOption=CONFIRM_WITH_LINK`). There,
    /// Cognito writes its link in place of the code, too.
    CognitoLink,
}

impl Style {
    /// The word used in [`MESSAGE_STYLE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Code => "code",
            Self::CognitoLink => "cognito-link",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Link, Self::Code, Self::CognitoLink].into_iter().find(|style| style.name() == name)
    }
}

/// How the messages look, and the names and addresses in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branding {
    /// See [`APP_NAME`]. One line of at most [`APP_NAME_LIMIT`] characters.
    pub app_name: Option<String>,
    /// See [`APP_URL`]. Without a slash at its end.
    pub app_url: Option<String>,
    /// See [`SUPPORT_EMAIL`].
    pub support_email: Option<String>,
    /// See [`LOGO_URL`].
    pub logo_url: Option<String>,
    /// See [`LEGAL_FOOTER`]. One line of at most [`LEGAL_FOOTER_LIMIT`] characters.
    pub legal_footer: Option<String>,
    /// See [`TERMS_URL`].
    pub terms_url: Option<String>,
    /// See [`PRIVACY_URL`].
    pub privacy_url: Option<String>,
    /// See [`BRAND_COLOR`].
    pub brand_color: Color,
}

/// All settings of the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Looks and names.
    pub branding: Branding,
    /// The locale used when no other fits.
    pub default_locale: &'static Locale,
    /// See [`FORM_OF_ADDRESS`].
    pub forms: FormsOfAddress,
    /// The style of every message that `styles` does not name.
    pub style: Style,
    /// Messages that have a different style.
    pub styles: BTreeMap<Kind, Style>,
    /// See [`SMS_HOST`].
    pub sms_host: Option<String>,
    /// See [`TEMPLATE_DIR`].
    pub template_dir: Option<PathBuf>,
}

impl Settings {
    /// Reads the settings through `lookup`. A blank value counts as unset, because a deployment template cannot leave a
    /// variable out.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable whose value is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let branding = Branding::from_lookup(lookup)?;
        let default_style = if branding.app_url.is_some() { Style::Link } else { Style::Code };
        let (style, styles) =
            optional(lookup, MESSAGE_STYLE, &styles_allowed(), |value| parse_styles(value, default_style))?
                .unwrap_or((default_style, BTreeMap::new()));
        let any_link = style == Style::Link || styles.values().any(|style| *style == Style::Link);
        if branding.app_url.is_none() && any_link {
            let value = lookup(MESSAGE_STYLE).unwrap_or_default();
            return Err(SettingError { name: MESSAGE_STYLE, value, allowed: format!("code while {APP_URL} is unset") });
        }
        let tags: Vec<_> = LOCALES.iter().map(|locale| locale.tag).collect();
        Ok(Self {
            branding,
            default_locale: optional(lookup, DEFAULT_LOCALE, &tags.join(", "), Locale::for_tag)?
                .unwrap_or(Locale::reference()),
            forms: optional(lookup, FORM_OF_ADDRESS, FormsOfAddress::ALLOWED, FormsOfAddress::parse)?
                .unwrap_or_default(),
            style,
            styles,
            sms_host: optional(lookup, SMS_HOST, "a host such as example.com, at most 40 characters", parse_host)?,
            template_dir: optional(lookup, TEMPLATE_DIR, "a directory that can be read", parse_directory)?,
        })
    }

    /// The style of one message.
    #[must_use]
    pub fn style_of(&self, kind: Kind) -> Style {
        self.styles.get(&kind).copied().unwrap_or(self.style)
    }
}

impl Branding {
    fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let url_allowed = format!(
            "https://host[:port][/path] of at most {APP_URL_LIMIT} characters without user, query and fragment \
             (http for localhost only)"
        );
        let line = |name, limit| {
            let allowed = format!("one line of at most {limit} visible characters");
            optional(lookup, name, &allowed, |value| parse_line(value, limit))
        };
        let https = |name, limit| {
            let allowed = format!("an https URL of at most {limit} characters");
            optional(lookup, name, &allowed, |value| parse_https(value, limit))
        };
        let support_allowed = "one address such as help@example.com";
        let app_url = optional(lookup, APP_URL, &url_allowed, parse_app_url)?;
        let host = || app_url.as_deref().and_then(chosen_host).filter(|host| host.chars().count() <= APP_NAME_LIMIT);
        Ok(Self {
            app_name: line(APP_NAME, APP_NAME_LIMIT)?.or_else(host),
            support_email: optional(lookup, SUPPORT_EMAIL, support_allowed, parse_support_email)?,
            logo_url: https(LOGO_URL, LOGO_URL_LIMIT)?,
            legal_footer: line(LEGAL_FOOTER, LEGAL_FOOTER_LIMIT)?,
            terms_url: https(TERMS_URL, LEGAL_URL_LIMIT)?,
            privacy_url: https(PRIVACY_URL, LEGAL_URL_LIMIT)?,
            brand_color: optional(lookup, BRAND_COLOR, Color::ALLOWED, |value| value.parse().ok())?.unwrap_or_default(),
            app_url,
        })
    }
}

fn parse_line(value: &str, limit: usize) -> Option<String> {
    let fits = one_line(value) == value && value.chars().count() <= limit;
    fits.then(|| value.to_owned())
}

fn parse_app_url(value: &str) -> Option<String> {
    let uri = parse_url(value, APP_URL_LIMIT).filter(|uri| uri.query().is_none())?;
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (uri.scheme_str() == Some("https") || local).then(|| value.trim_end_matches('/').to_owned())
}

fn parse_https(value: &str, limit: usize) -> Option<String> {
    parse_url(value, limit).filter(|uri| uri.scheme_str() == Some("https")).map(|_| value.to_owned())
}

/// An absolute http(s) URL that an HTML attribute can contain unchanged, except for `&`.
fn parse_url(value: &str, limit: usize) -> Option<Uri> {
    let plain = value.len() <= limit && !value.contains(['"', '\'', '<', '>', '{', '}', '#', '\\']);
    let uri: Uri = plain.then(|| value.parse().ok()).flatten()?;
    let no_user = !uri.authority()?.as_str().contains('@');
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (known && no_user && !uri.host()?.is_empty()).then_some(uri)
}

/// Domains below which AWS generates the host names. In a message, such a name looks like phishing.
const HOSTS_OF_AWS: [&str; 10] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazoncognito.com",
    "amazonlightsail.com",
    "amplifyapp.com",
    "awsapprunner.com",
    "awsglobalaccelerator.com",
    "cloudfront.net",
    "elasticbeanstalk.com",
    "on.aws",
];

/// The host of an address, if the operator chose it: a domain name that AWS did not generate.
fn chosen_host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.to_ascii_lowercase();
    let is_name =
        host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| !byte.is_ascii_digit() && byte != b']'));
    let of_aws = HOSTS_OF_AWS
        .iter()
        .any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    (is_name && host.contains('.') && !of_aws).then_some(host)
}

/// A domain name in ASCII. A longer one would leave no room for it in any text message.
fn parse_host(value: &str) -> Option<String> {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_host = value.len() <= 40 && value.contains('.') && value.split('.').all(label);
    is_host.then(|| value.to_ascii_lowercase())
}

/// Braces and quotes are legal in an address but could break a template.
fn parse_support_email(value: &str) -> Option<String> {
    let plain = !value.contains(['{', '}', '"', '<', '>']);
    Email::parse(value).ok().filter(|_| plain).map(|email| email.as_str().to_owned())
}

fn parse_styles(value: &str, default_style: Style) -> Option<(Style, BTreeMap<Kind, Style>)> {
    let mut default = None;
    let mut styles = BTreeMap::new();
    for item in value.split(',').map(str::trim) {
        match item.split_once('=') {
            None if default.is_none() => {
                default = Some(Style::from_name(item).filter(|style| *style != Style::CognitoLink)?);
            }
            None => return None,
            Some((name, style)) => {
                let kind = Kind::from_name(name.trim()).filter(|kind| kind.has_style())?;
                let style = Style::from_name(style.trim())?;
                if style == Style::CognitoLink && !kind.confirms_sign_up() {
                    return None;
                }
                styles.insert(kind, style);
            }
        }
    }
    Some((default.unwrap_or(default_style), styles))
}

fn styles_allowed() -> String {
    let names: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.has_style()).map(Kind::name).collect();
    format!(
        "link or code, and after commas message=link or message=code for any of {}; also sign-up=cognito-link and \
         resend-code=cognito-link",
        names.join(", ")
    )
}

fn parse_directory(value: &str) -> Option<PathBuf> {
    let path = PathBuf::from(value);
    std::fs::read_dir(&path).is_ok().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::testing::lookup;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::from_lookup(&lookup(variables))
    }

    #[track_caller]
    fn refused(variable: &'static str, value: &str) {
        let error = settings(&[(variable, value)]).unwrap_err();
        assert_eq!((error.name, error.value.as_str()), (variable, value));
        assert!(error.to_string().contains("; allowed is "), "{error}");
    }

    #[test]
    fn without_any_variable_messages_carry_codes_in_english() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.style, Style::Code);
        assert_eq!(settings.default_locale.tag, "en");
        assert_eq!(settings.branding, Branding::default());
    }

    #[test]
    fn an_application_url_makes_links_the_default_and_lends_its_host_as_name() {
        let settings = settings(&[(APP_URL, "https://app.example.com/"), (APP_NAME, " ")]).unwrap();
        assert_eq!(settings.style, Style::Link);
        assert_eq!(settings.branding.app_url.as_deref(), Some("https://app.example.com"));
        assert_eq!(settings.branding.app_name.as_deref(), Some("app.example.com"));
    }

    #[test]
    fn a_host_that_is_not_the_operators_own_is_no_name_and_no_name_is_cut() {
        for url in [
            "https://abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod",
            "https://abcdefghij.lambda-url.eu-central-1.on.aws",
            "https://d111111abcdef8.cloudfront.net",
            "https://main.d2abc.amplifyapp.com",
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://accounts.a-very-long-company-name.example",
        ] {
            assert_eq!(settings(&[(APP_URL, url)]).unwrap().branding.app_name, None, "{url}");
        }
        let own = settings(&[(APP_URL, "https://notamazonaws.com")]).unwrap();
        assert_eq!(own.branding.app_name.as_deref(), Some("notamazonaws.com"));
    }

    #[test]
    fn one_message_can_have_its_own_style() {
        let settings =
            settings(&[(APP_URL, "https://a.example"), (MESSAGE_STYLE, "link, forgot-password=code")]).unwrap();
        assert_eq!(settings.style_of(Kind::ForgotPassword), Style::Code);
        assert_eq!(settings.style_of(Kind::SignUp), Style::Link);
    }

    #[test]
    fn a_regional_default_locale_is_served_by_its_language() {
        assert_eq!(settings(&[(DEFAULT_LOCALE, "de_AT")]).unwrap().default_locale.tag, "de");
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
        refused(TERMS_URL, "http://example.com/terms");
        refused(PRIVACY_URL, "example.com/privacy");
        refused(LEGAL_FOOTER, "two\nlines");
        refused(LEGAL_FOOTER, &"x".repeat(LEGAL_FOOTER_LIMIT + 1));
        for host in ["https://example.com", "example", "a b.example", "-a.example", "example.com:443", "{####}.example"]
        {
            refused(SMS_HOST, host);
        }
        refused(BRAND_COLOR, "red");
        refused(DEFAULT_LOCALE, "xx");
        refused(FORM_OF_ADDRESS, "ja:informal");
        refused(MESSAGE_STYLE, "links");
        refused(MESSAGE_STYLE, "code,code");
        refused(MESSAGE_STYLE, "signup=code");
        refused(MESSAGE_STYLE, "link");
        refused(MESSAGE_STYLE, "cognito-link");
        refused(MESSAGE_STYLE, "forgot-password=cognito-link");
        refused(TEMPLATE_DIR, "/nowhere/at/all");
    }
}
