use cognito_core::email::MultipleEmails;
use cognito_core::provider::{EmailClaims, Providers, SAML_EMAIL_ATTRIBUTES};
use cognito_core::settings::{self, EMAIL_CLAIMS, Lookup, OVERRIDES, PROVIDERS, SettingError};

/// Every environment variable this function reads.
pub const NAMES: [&str; 7] = [
    OVERRIDES,
    PROVIDERS,
    EMAIL_CLAIMS,
    "SUBJECT_ATTRIBUTE",
    "SAML_EMAIL_ATTRIBUTES",
    "MULTIPLE_EMAILS",
    "STORE_UNPROVEN_EMAIL",
];

/// What the operator chose for this function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `EMAIL_CLAIMS`: the providers whose address and proof are in claims of other names.
    pub email_claims: EmailClaims,
    /// `SUBJECT_ATTRIBUTE`: the attribute for the raw subject. `None` leaves it out.
    pub subject_attribute: Option<String>,
    /// `SAML_EMAIL_ATTRIBUTES`: names of SAML attributes with the address. The first match counts.
    pub saml_email_attributes: Vec<String>,
    /// `MULTIPLE_EMAILS`: what to do with a claim that has several addresses.
    pub multiple_emails: MultipleEmails,
    /// `STORE_UNPROVEN_EMAIL`: whether Cognito stores an address that is not proven. It never stores one of a provider
    /// with `always`.
    pub store_unproven_email: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let names =
            settings::optional(lookup, "SAML_EMAIL_ATTRIBUTES", "a comma list of SAML attribute names", |text| {
                let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
                names.iter().all(|name| !name.is_empty()).then_some(names)
            })?;
        let multiple = [("unproven", MultipleEmails::Unproven), ("first", MultipleEmails::First)];
        let providers = settings::providers(lookup)?;
        Ok(Self {
            email_claims: settings::email_claims(lookup, &providers)?,
            multiple_emails: settings::choice(lookup, "MULTIPLE_EMAILS", &multiple, MultipleEmails::default())?,
            store_unproven_email: settings::choice(
                lookup,
                "STORE_UNPROVEN_EMAIL",
                &[("false", false), ("true", true)],
                false,
            )?,
            providers,
            subject_attribute: settings::attribute_name(lookup, "SUBJECT_ATTRIBUTE")?,
            saml_email_attributes: names
                .unwrap_or_else(|| SAML_EMAIL_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect()),
        })
    }
}
