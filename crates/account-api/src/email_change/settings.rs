//! Settings of changes of addresses.

use crate::ceilings::Ceilings;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, SettingError};
use cognito_core::user_pool::NativeUserName;

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `LINKED_EMAIL_CHANGE`: whether accounts that are linked with a provider may change their address.
    pub linked_may_change: bool,
    /// `EMAIL_CHANGE_SESSIONS`: whether the sessions of an account end with a change.
    pub end_sessions: bool,
    /// `EMAIL_CHANGES_A_DAY`: changes begun and not completed.
    pub ceilings: Ceilings,
    /// `NATIVE_USERNAME=email`: two native profiles can never have one address.
    pub email_is_user_name: bool,
    /// `PROVIDERS`.
    pub providers: Providers,
}

impl Settings {
    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let may = [("refuse", false), ("allow", true)];
        Ok(Self {
            linked_may_change: settings::choice(lookup, "LINKED_EMAIL_CHANGE", &may, false)?,
            end_sessions: settings::choice(lookup, "EMAIL_CHANGE_SESSIONS", &[("end", true), ("keep", false)], true)?,
            ceilings: Ceilings::from_lookup(lookup, "EMAIL_CHANGES_A_DAY", [10, 200, 1000])?,
            email_is_user_name: NativeUserName::from_lookup(lookup)? == NativeUserName::Email,
            providers: settings::providers(lookup)?,
        })
    }
}
