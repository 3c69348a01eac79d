//! Settings of the pages, read from environment variables. Everything here is public: browsers read it.

use crate::identities::{self, SelfService};
use cognito_core::provider::LinkBy;
use cognito_core::settings::{Lookup, Overrides, PAGES_RETURN_URL, SettingError, choice, optional};
use messages::{Branding, FormsOfAddress, Locale};
use serde::Serialize;
use std::collections::BTreeMap;

use super::products::{self, Product};
use super::urls::{ORIGIN_ALLOWED, RETURN_ALLOWED, URL_ALLOWED, parse_origin, parse_return_url, parse_url};

/// The app client that the pages use. It is public and has the code grant. Unset: no pages are served.
pub const PAGES_CLIENT_ID: &str = "PAGES_CLIENT_ID";
/// Base address of the pool's own sign-in pages. Unset: nobody can sign in on the pages.
pub const PAGES_SIGN_IN_URL: &str = "PAGES_SIGN_IN_URL";
/// Where the pages reach Cognito. Unset: the public endpoint of the function's Region.
pub const PAGES_COGNITO_URL: &str = "PAGES_COGNITO_URL";
/// Where the pages reach the account API. Unset: where they were loaded from.
pub const PAGES_API_URL: &str = "PAGES_API_URL";
/// Whether there is a page on which people register. Unset: `closed`.
pub const PAGES_REGISTRATION: &str = "PAGES_REGISTRATION";
/// The identity providers of the app client: people can sign in with them at once. Unset: only on the sign-in pages.
pub const PAGES_PROVIDERS: &str = "PAGES_PROVIDERS";
/// What the pool asks of a password. The pages show it where people choose one. Unset: they do not.
pub const PAGES_PASSWORD_RULES: &str = "PAGES_PASSWORD_RULES";
/// The Region, set by Lambda itself.
const AWS_REGION: &str = "AWS_REGION";

/// Every variable that only the pages have. Names and looks come from [`messages::settings`].
pub const NAMES: [&str; 8] = [
    PAGES_CLIENT_ID,
    PAGES_SIGN_IN_URL,
    PAGES_COGNITO_URL,
    PAGES_API_URL,
    PAGES_REGISTRATION,
    PAGES_PROVIDERS,
    PAGES_PASSWORD_RULES,
    PAGES_RETURN_URL,
];

/// What the pool asks of a password (API model, `PasswordPolicyType`). The names are those of the pages' texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the policy itself has these four")]
pub struct PasswordRules {
    /// The fewest characters.
    pub length: u8,
    /// Whether it needs a lower-case letter.
    pub lower: bool,
    /// Whether it needs an upper-case letter.
    pub upper: bool,
    /// Whether it needs a digit.
    pub digit: bool,
    /// Whether it needs a symbol.
    pub symbol: bool,
}

impl PasswordRules {
    /// The rules for password managers, in the language of the attribute `passwordrules` (Apple, "Password Rules"). Of the
    /// symbols, those that Cognito takes, and that need no escaping.
    pub(super) fn for_managers(self) -> String {
        let classes =
            [(self.lower, "lower"), (self.upper, "upper"), (self.digit, "digit"), (self.symbol, "[-!@#$%^*_+=.,:?~]")];
        let required = classes.iter().filter(|(asked, _)| *asked).map(|(_, class)| format!(" required: {class};"));
        format!("minlength: {}; maxlength: 256;{}", self.length, required.collect::<String>())
    }
}

/// What the pages show and which servers they call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// See [`PAGES_CLIENT_ID`].
    pub client_id: String,
    /// See [`PAGES_SIGN_IN_URL`]. An origin without a slash at its end.
    pub sign_in_url: Option<String>,
    /// See [`PAGES_COGNITO_URL`]. An origin without a slash at its end.
    pub cognito_url: String,
    /// See [`PAGES_API_URL`]. Without a slash at its end.
    pub api_url: Option<String>,
    /// See [`PAGES_REGISTRATION`].
    pub registration: bool,
    /// See [`PAGES_PROVIDERS`].
    pub providers: Vec<String>,
    /// Those of them that people can connect to their account. `None` if `SELF_SERVICE_LINKING` is off: the API has no
    /// routes for it.
    pub connectable: Option<Vec<String>>,
    /// Whether the API ends sessions and tells of a new password (`SELF_SERVICE_LINKING` or `ACCOUNT_DELETION`).
    pub tells: bool,
    /// Whether people may delete their account here (`ACCOUNT_DELETION`).
    pub deletion: bool,
    /// See [`PAGES_PASSWORD_RULES`].
    pub password_rules: Option<PasswordRules>,
    /// See [`PAGES_RETURN_URL`].
    pub return_url: Option<String>,
    /// What `OVERRIDES` says otherwise, by the id of the app client that people come with.
    pub products: BTreeMap<String, Product>,
    /// Names and looks, as in the messages.
    pub branding: Branding,
    /// The language for people whose own language is unknown or not available.
    pub default_locale: &'static Locale,
    /// How people are addressed, as in the messages.
    pub forms: FormsOfAddress,
}

impl Settings {
    /// Reads the settings for a user pool. Names and looks are those of the messages of [`PAGES_CLIENT_ID`]. Returns
    /// `None`, which leaves the pages out, if that is unset.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable whose value is not allowed.
    pub fn for_pool(lookup: Lookup<'_>, user_pool_id: &str) -> Result<Option<Self>, SettingError> {
        let overrides = Overrides::from_lookup(lookup)?;
        let own = overrides.over(user_pool_id, lookup(PAGES_CLIENT_ID).as_deref(), lookup);
        let read = Self::from_lookup(&own, &messages::Settings::from_lookup(&own)?)?;
        let with_products = |pages| Ok(Self { products: products::read(&overrides, user_pool_id, lookup)?, ..pages });
        read.map(with_products).transpose()
    }

    /// The same without what differs for app clients. Branding and default locale come from the messages.
    pub(super) fn from_lookup(lookup: Lookup<'_>, messages: &messages::Settings) -> Result<Option<Self>, SettingError> {
        let client_allowed = "an app client's id: 1 to 128 letters, digits, _ and +";
        let Some(client_id) = optional(lookup, PAGES_CLIENT_ID, client_allowed, parse_client)? else {
            return Ok(None);
        };
        let cognito_url = match optional(lookup, PAGES_COGNITO_URL, ORIGIN_ALLOWED, parse_origin)? {
            Some(url) => url,
            None => regional_endpoint(lookup)?,
        };
        let identities = identities::Settings::from_lookup(lookup)?;
        let providers = optional(lookup, PAGES_PROVIDERS, PROVIDERS_ALLOWED, parse_providers)?.unwrap_or_default();
        let is_linked = |name: &&String| {
            identities.providers.named(name).is_none_or(|provider| provider.link_by != LinkBy::Nothing)
        };
        let connectable = (identities.self_service != SelfService::Off)
            .then(|| providers.iter().filter(is_linked).cloned().collect());
        Ok(Some(Self {
            client_id,
            providers,
            connectable,
            tells: identities.needs_fresh_sign_ins(),
            deletion: identities.deletion,
            cognito_url,
            sign_in_url: optional(lookup, PAGES_SIGN_IN_URL, ORIGIN_ALLOWED, parse_origin)?,
            api_url: optional(lookup, PAGES_API_URL, URL_ALLOWED, parse_url)?,
            registration: choice(lookup, PAGES_REGISTRATION, &[("closed", false), ("open", true)], false)?,
            password_rules: optional(lookup, PAGES_PASSWORD_RULES, RULES_ALLOWED, parse_rules)?,
            return_url: optional(lookup, PAGES_RETURN_URL, RETURN_ALLOWED, parse_return_url)?,
            products: BTreeMap::new(),
            branding: messages.branding.clone(),
            default_locale: messages.default_locale,
            forms: messages.forms.clone(),
        }))
    }
}

const PROVIDERS_ALLOWED: &str = "a comma list of provider names such as COGNITO,Google, each at most 32 characters";
const RULES_ALLOWED: &str =
    "a number from 6 to 99, and after commas any of lowercase, uppercase, numbers, symbols: 12,lowercase,numbers";

/// Cognito's public endpoint of the Region (AWS General Reference, Amazon Cognito endpoints and quotas).
fn regional_endpoint(lookup: Lookup<'_>) -> Result<String, SettingError> {
    let region = optional(lookup, AWS_REGION, "a Region such as eu-central-1", |region| {
        let plain = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        plain.then(|| region.to_owned())
    })?;
    let Some(region) = region else {
        let allowed = format!("a Region such as eu-central-1 while {PAGES_COGNITO_URL} is unset");
        return Err(SettingError { name: AWS_REGION, value: String::new(), allowed });
    };
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    Ok(format!("https://cognito-idp.{region}.{suffix}"))
}

/// API model, `ClientIdType`.
fn parse_client(value: &str) -> Option<String> {
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+".contains(&byte));
    (plain && value.len() <= 128).then(|| value.to_owned())
}

/// The names of an app client's `SupportedIdentityProviders` (API model, `ProviderNameType`), without the pool itself,
/// which needs no button of its own.
fn parse_providers(value: &str) -> Option<Vec<String>> {
    let is_name = |name: &&str| (1..=32).contains(&name.chars().count()) && !name.contains(char::is_control);
    let names: Vec<&str> = value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let own = |name: &&&str| !name.eq_ignore_ascii_case("COGNITO");
    names.iter().all(is_name).then(|| names.iter().filter(own).map(|&name| name.to_owned()).collect())
}

/// API model, `PasswordPolicyType`.
fn parse_rules(value: &str) -> Option<PasswordRules> {
    let mut items = value.split(',').map(str::trim);
    let length = items.next()?.parse().ok().filter(|length| (6..=99).contains(length))?;
    let mut rules = PasswordRules { length, lower: false, upper: false, digit: false, symbol: false };
    for item in items {
        *(match item {
            "lowercase" => &mut rules.lower,
            "uppercase" => &mut rules.upper,
            "numbers" => &mut rules.digit,
            "symbols" => &mut rules.symbol,
            _ => return None,
        }) = true;
    }
    Some(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::testing::lookup;

    fn settings(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingError> {
        let lookup = lookup([variables, &[(AWS_REGION, "eu-central-1")]].concat());
        let messages = messages::Settings::from_lookup(&lookup)?;
        Settings::from_lookup(&lookup, &messages)
    }

    #[test]
    fn without_an_app_client_there_are_no_pages() {
        assert_eq!(settings(&[]), Ok(None));
    }

    #[test]
    fn with_an_app_client_alone_the_pages_speak_to_cognito_in_the_functions_region_and_nobody_registers() {
        let settings = settings(&[(PAGES_CLIENT_ID, "abc")]).unwrap().unwrap();
        assert_eq!(settings.cognito_url, "https://cognito-idp.eu-central-1.amazonaws.com");
        assert_eq!((settings.sign_in_url, settings.api_url, settings.registration), (None, None, false));
    }

    #[test]
    fn without_a_region_the_endpoint_has_to_be_named() {
        let messages = messages::Settings::from_lookup(&|_| None).unwrap();
        let lookup = |name: &str| (name == PAGES_CLIENT_ID).then(|| "abc".to_owned());
        assert_eq!(Settings::from_lookup(&lookup, &messages).unwrap_err().name, AWS_REGION);
    }

    #[test]
    fn a_wrong_value_stops_the_start_and_names_its_variable() {
        for (name, value) in [
            (PAGES_CLIENT_ID, "a b"),
            (PAGES_SIGN_IN_URL, "http://auth.example.com"),
            (PAGES_SIGN_IN_URL, "https://auth.example.com/login"),
            (PAGES_COGNITO_URL, "https://a.example;script-src *"),
            (PAGES_API_URL, "https://u@a.example"),
            (PAGES_API_URL, "https://a.example/?x=1"),
            (PAGES_API_URL, "javascript:alert(1)"),
            (PAGES_REGISTRATION, "yes"),
            (PAGES_PASSWORD_RULES, "5"),
            (PAGES_PASSWORD_RULES, "100"),
            (PAGES_PASSWORD_RULES, "lowercase"),
            (PAGES_PASSWORD_RULES, "12,letters"),
            (PAGES_RETURN_URL, "javascript:alert(1)"),
            (PAGES_RETURN_URL, "http://app.example.com/"),
            (PAGES_RETURN_URL, "https://app.example.com/#x"),
            (PAGES_RETURN_URL, "https://app.example.com/?x=1#y"),
            (PAGES_RETURN_URL, "https://app.example.com/?x=\""),
            (PAGES_PROVIDERS, "Goo\u{7}gle"),
            (PAGES_PROVIDERS, "x12345678901234567890123456789012"),
        ] {
            let error = settings(&[(name, value), (PAGES_CLIENT_ID, "abc")]).unwrap_err();
            assert_eq!((error.name, error.value.as_str()), (name, value));
        }
    }

    #[test]
    fn the_rules_of_a_password_are_told_to_people_and_to_password_managers() {
        let rules = |value| settings(&[(PAGES_CLIENT_ID, "abc"), (PAGES_PASSWORD_RULES, value)]).unwrap().unwrap();
        let [few, all] =
            ["8", "12, lowercase,uppercase,numbers,symbols"].map(|value| rules(value).password_rules.unwrap());
        assert_eq!(few, PasswordRules { length: 8, lower: false, upper: false, digit: false, symbol: false });
        assert_eq!(all, PasswordRules { length: 12, lower: true, upper: true, digit: true, symbol: true });
        assert_eq!(few.for_managers(), "minlength: 8; maxlength: 256;");
        let classes = "required: lower; required: upper; required: digit; required: [-!@#$%^*_+=.,:?~];";
        assert_eq!(all.for_managers(), format!("minlength: 12; maxlength: 256; {classes}"));
    }

    #[test]
    fn addresses_lose_the_slash_at_their_end() {
        let settings = settings(&[
            (PAGES_CLIENT_ID, "abc"),
            (PAGES_SIGN_IN_URL, "https://auth.example.com/"),
            (PAGES_API_URL, "http://127.0.0.1:3000/v1/"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.sign_in_url.as_deref(), Some("https://auth.example.com"));
        assert_eq!(settings.api_url.as_deref(), Some("http://127.0.0.1:3000/v1"));
    }
}
