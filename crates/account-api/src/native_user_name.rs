use cognito_core::settings::{self, Lookup, SettingError};

/// `NATIVE_USERNAME`: the user name of an account that this API creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NativeUserName {
    /// The address: for pools where it is the user name.
    #[default]
    Email,
    /// 32 hexadecimal digits, made from the address and the secret key: for pools where the address is an alias.
    Uuid,
}

impl NativeUserName {
    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        settings::choice(lookup, "NATIVE_USERNAME", &[("email", Self::Email), ("uuid", Self::Uuid)], Self::Email)
    }
}
