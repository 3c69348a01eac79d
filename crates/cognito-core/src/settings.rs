//! Environment variables. They are read once and checked. An error names the variable.
//!
//! Every function reads its settings through a lookup (`|name| std::env::var(name).ok()`), so that tests need no
//! process environment. An unset variable and an empty one mean the same: the strictest sensible choice. The names are
//! part of the interface. A test compares them with `template.yaml`.

mod overrides;

pub use overrides::{BY_CLIENT, BY_POOL, OVERRIDES, Overridden, Overrides, PAGES_RETURN_URL};

use crate::provider::{EmailClaims, Providers};

/// `PROVIDERS`: the identity providers and when their addresses are proof.
pub const PROVIDERS: &str = "PROVIDERS";
/// `EMAIL_CLAIMS`: the claims of a provider that hold the address and its proof.
pub const EMAIL_CLAIMS: &str = "EMAIL_CLAIMS";
/// `DEFAULT_GROUP`: the group that new users join. Unset or empty means none.
pub const DEFAULT_GROUP: &str = "DEFAULT_GROUP";

/// A function that looks settings up: the variable's name in, its value out.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} is {value:?}; allowed is {allowed}")]
pub struct SettingError {
    /// The variable's name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// The values that are allowed.
    pub allowed: String,
}

/// Reads a variable with `parse`. Returns `None` if it is unset or blank.
///
/// # Errors
///
/// Returns [`SettingError`] if `parse` returns `None`.
pub fn optional<T>(
    lookup: Lookup<'_>,
    name: &'static str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, SettingError> {
    let Some(value) = lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(SettingError { name, value, allowed: allowed.to_owned() }),
    }
}

/// Reads, with `parse`, a variable that must be set.
///
/// # Errors
///
/// Returns [`SettingError`] if it is unset or blank, or if `parse` returns `None`.
pub fn required<T>(
    lookup: Lookup<'_>,
    name: &'static str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, SettingError> {
    optional(lookup, name, allowed, parse)?.ok_or_else(|| SettingError {
        name,
        value: String::new(),
        allowed: allowed.to_owned(),
    })
}

/// Reads a variable that must be one of a few words. Unset or blank means `default`.
///
/// # Errors
///
/// Returns [`SettingError`] if the value is none of the words. Case counts.
pub fn choice<T: Copy>(
    lookup: Lookup<'_>,
    name: &'static str,
    choices: &[(&'static str, T)],
    default: T,
) -> Result<T, SettingError> {
    let allowed = choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
    let parse = |text: &str| choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    Ok(optional(lookup, name, &allowed, parse)?.unwrap_or(default))
}

/// Reads [`PROVIDERS`].
///
/// # Errors
///
/// Returns [`SettingError`] if the value is not a list as [`Providers::ALLOWED`] describes.
pub fn providers(lookup: Lookup<'_>) -> Result<Providers, SettingError> {
    Ok(optional(lookup, PROVIDERS, Providers::ALLOWED, Providers::parse)?.unwrap_or_default())
}

/// Reads [`EMAIL_CLAIMS`].
///
/// # Errors
///
/// Returns [`SettingError`] if the value is not a list as [`EmailClaims::ALLOWED`] describes.
pub fn email_claims(lookup: Lookup<'_>, providers: &Providers) -> Result<EmailClaims, SettingError> {
    let parse = |text: &str| EmailClaims::parse(text, providers);
    Ok(optional(lookup, EMAIL_CLAIMS, EmailClaims::ALLOWED, parse)?.unwrap_or_default())
}

/// Reads [`DEFAULT_GROUP`].
///
/// # Errors
///
/// Returns [`SettingError`] if the name has more than 128 characters or contains white space or control characters (API
/// model, `GroupNameType`).
pub fn default_group(lookup: Lookup<'_>) -> Result<Option<String>, SettingError> {
    optional(lookup, DEFAULT_GROUP, "a group name of 1 to 128 characters without white space", |name| {
        let fits = name.chars().count() <= 128 && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        fits.then(|| name.to_owned())
    })
}

/// Reads the name of a user-pool attribute.
///
/// # Errors
///
/// Returns [`SettingError`] if it is not a standard attribute's name or `custom:` with a name of 1 to 20 characters
/// (API model, `SchemaAttributeType`).
pub fn attribute_name(lookup: Lookup<'_>, name: &'static str) -> Result<Option<String>, SettingError> {
    optional(lookup, name, "a user-pool attribute such as custom:idp_subject", |text| {
        is_attribute_name(text).then(|| text.to_owned())
    })
}

/// Whether `text` can name a user-pool attribute.
#[must_use]
pub fn is_attribute_name(text: &str) -> bool {
    let short = text.strip_prefix("custom:").unwrap_or(text);
    (1..=20).contains(&short.chars().count())
        && !short.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',' || c == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> impl Fn(&str) -> Option<String> {
        move |_| Some(value.to_owned())
    }

    #[test]
    fn a_wrong_value_is_named_with_its_variable_and_what_is_allowed() {
        let error = providers(&with("Google")).unwrap_err().to_string();
        for part in ["PROVIDERS", "\"Google\"", "always, claim, never", "Google:claim,Corp:always@corp.example"] {
            assert!(error.contains(part), "{error}");
        }
        let error = choice(&with("maybe"), "UNPROVEN_EMAIL", &[("refuse", 1), ("separate", 2)], 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment variable UNPROVEN_EMAIL is \"maybe\"; allowed is refuse or separate"
        );
    }

    #[test]
    fn unset_and_blank_mean_the_default() {
        assert_eq!(default_group(&|_| None), Ok(None));
        assert_eq!(default_group(&with("  ")), Ok(None));
        assert_eq!(default_group(&with(" Users ")), Ok(Some("Users".into())));
        assert!(providers(&with("")).unwrap().is_empty());
        assert_eq!(choice(&|_| None, "X", &[("a", 1), ("b", 2)], 2), Ok(2));
    }

    #[test]
    fn a_variable_that_must_be_set_stops_the_start_without_it() {
        let error = required(&with("  "), "TABLE_NAME", "a table", |_| Some(())).unwrap_err();
        assert_eq!(error.to_string(), "environment variable TABLE_NAME is \"\"; allowed is a table");
        assert_eq!(required(&with("t"), "TABLE_NAME", "a table", |text| Some(text.to_owned())), Ok("t".to_owned()));
    }

    #[test]
    fn names_that_cognito_would_refuse_stop_the_start() {
        assert!(default_group(&with("two words")).is_err());
        assert!(default_group(&with(&"g".repeat(129))).is_err());
        assert!(attribute_name(&with("custom:"), "SUBJECT_ATTRIBUTE").is_err());
        assert!(attribute_name(&with("custom:idp_subject"), "SUBJECT_ATTRIBUTE").is_ok());
        assert!(attribute_name(&with("custom:more_than_twenty_characters"), "SUBJECT_ATTRIBUTE").is_err());
    }
}
