use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, SettingError};
use linking::{LinkWithFactors, SecondSubject};

/// `SELF_SERVICE_LINKING`: what people may do with their ways to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfService {
    /// Nothing: the routes do not exist.
    #[default]
    Off,
    /// See and disconnect them, and connect a provider whose account is as young as the sign-in that made it.
    New,
    /// The same with accounts of any age: people join two accounts that they have used, and one of the two goes.
    Any,
}

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `SELF_SERVICE_LINKING`.
    pub self_service: SelfService,
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `SECOND_SUBJECT`. Nothing is replaced here: `replace` refuses, too.
    pub second_subject: SecondSubject,
    /// `LINK_WITH_FACTORS`.
    pub link_with_factors: LinkWithFactors,
    /// `USER_POOL_ID`. Groups that Cognito makes for a provider begin with it.
    pub user_pool_id: String,
    /// `DEFAULT_GROUP`: a group that everybody joins gives nobody a right of their own.
    pub default_group: Option<String>,
}

impl Settings {
    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let choices = [("off", SelfService::Off), ("new", SelfService::New), ("any", SelfService::Any)];
        Ok(Self {
            self_service: settings::choice(lookup, "SELF_SERVICE_LINKING", &choices, SelfService::Off)?,
            providers: settings::providers(lookup)?,
            second_subject: SecondSubject::from_lookup(lookup)?,
            link_with_factors: LinkWithFactors::from_lookup(lookup)?,
            user_pool_id: lookup("USER_POOL_ID").unwrap_or_default(),
            default_group: settings::default_group(lookup)?,
        })
    }
}
