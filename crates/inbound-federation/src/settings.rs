use cognito_core::email::MultipleEmails;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, PROVIDERS, SettingError};

/// Every environment variable this function reads.
pub const NAMES: [&str; 5] =
    [PROVIDERS, "SUBJECT_ATTRIBUTE", "SAML_EMAIL_ATTRIBUTES", "MULTIPLE_EMAILS", "STORE_UNPROVEN_EMAIL"];

/// The names under which SAML providers usually send an address: by plain name, by Microsoft's
/// claim type, and by the attribute `mail` of RFC 4524 as an object identifier.
const DEFAULT_SAML_EMAIL_ATTRIBUTES: [&str; 4] = [
    "email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "mail",
];

/// What the operator chose for this function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `SUBJECT_ATTRIBUTE`: where to put the raw subject; `None` leaves it out.
    pub subject_attribute: Option<String>,
    /// `SAML_EMAIL_ATTRIBUTES`: names of SAML attributes that hold the address, first match counts.
    pub saml_email_attributes: Vec<String>,
    /// `MULTIPLE_EMAILS`: what a claim with several addresses is worth.
    pub multiple_emails: MultipleEmails,
    /// `STORE_UNPROVEN_EMAIL`: whether Cognito stores an address that is not proven. Never one of a provider with
    /// `always`.
    pub store_unproven_email: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let names =
            settings::optional(lookup, "SAML_EMAIL_ATTRIBUTES", "a comma list of SAML attribute names", |text| {
                let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
                names.iter().all(|name| !name.is_empty()).then_some(names)
            })?;
        let multiple = [("unproven", MultipleEmails::Unproven), ("first", MultipleEmails::First)];
        Ok(Self {
            multiple_emails: settings::choice(lookup, "MULTIPLE_EMAILS", &multiple, MultipleEmails::default())?,
            store_unproven_email: settings::choice(
                lookup,
                "STORE_UNPROVEN_EMAIL",
                &[("false", false), ("true", true)],
                false,
            )?,
            providers: settings::providers(lookup)?,
            subject_attribute: settings::attribute_name(lookup, "SUBJECT_ATTRIBUTE")?,
            saml_email_attributes: names
                .unwrap_or_else(|| DEFAULT_SAML_EMAIL_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect()),
        })
    }
}
