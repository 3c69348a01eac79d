use cognito_core::next_function;
use cognito_core::settings::{self, Lookup, OVERRIDES, Overrides, SettingError};

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
    /// `OVERRIDES`, which says to which app client's application the pages lead back. Links name only these.
    pub overrides: Overrides,
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
            overrides: Overrides::from_lookup(lookup)?,
        })
    }
}
