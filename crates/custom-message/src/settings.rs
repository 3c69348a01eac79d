use cognito_core::next_function;
use cognito_core::settings::{self, Lookup, OVERRIDES, SettingError};

const DIRECT_EMAIL_CHANGE: &str = "DIRECT_EMAIL_CHANGE";

/// Every environment variable this function reads.
pub const NAMES: [&str; 18] = {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = messages::settings::NAMES;
    let [function, order, failure] = next_function::NAMES;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, DIRECT_EMAIL_CHANGE, OVERRIDES, function, order, failure]
};

/// `DIRECT_EMAIL_CHANGE`: whether people may change their address with Cognito's own `UpdateUserAttributes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectEmailChange {
    /// Cognito decides, and asks for a code from the new address only.
    #[default]
    Allow,
    /// No code is sent. People change addresses through the account API, which asks the old address too.
    Refuse,
}

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `APP_NAME` and the other settings of messages.
    pub messages: messages::Settings,
    /// `DIRECT_EMAIL_CHANGE`.
    pub direct_email_change: DirectEmailChange,
    /// Whether links name the app client, so that the pages lead back to its application: its entry of `OVERRIDES` says
    /// where that is.
    pub names_client: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable with a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let words = [("allow", DirectEmailChange::Allow), ("refuse", DirectEmailChange::Refuse)];
        Ok(Self {
            messages: messages::Settings::from_lookup(lookup)?,
            direct_email_change: settings::choice(lookup, DIRECT_EMAIL_CHANGE, &words, DirectEmailChange::default())?,
            // The account API reads the address. Here it only matters that there is one.
            names_client: lookup("PAGES_RETURN_URL").is_some_and(|url| !url.trim().is_empty()),
        })
    }
}
