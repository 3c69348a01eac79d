use cognito_core::account_event::bus_from_lookup;
use cognito_core::provider::Providers;
use cognito_core::settings::{self, Lookup, SettingError};
use linking::{LinkWithFactors, SecondSubject};

/// `LINK_NOTICES`: whether owners are told of links that pre-sign-up makes.
const LINK_NOTICES: &str = "LINK_NOTICES";

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
    /// `ACCOUNT_DELETION`: people may delete their own account.
    pub deletion: bool,
    /// `LINK_NOTICES`: an owner gets a mail when pre-sign-up links a provider to their account.
    pub link_notices: bool,
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
    /// Whether somebody may do here what needs a fresh sign-in, so that it matters when sessions were ended.
    pub(crate) fn needs_fresh_sign_ins(&self) -> bool {
        self.self_service != SelfService::Off || self.deletion
    }

    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let choices = [("off", SelfService::Off), ("new", SelfService::New), ("any", SelfService::Any)];
        let switch = |name| settings::choice(lookup, name, &[("off", false), ("on", true)], false);
        let link_notices = switch(LINK_NOTICES)?;
        if link_notices && bus_from_lookup(lookup)?.is_none() {
            let allowed = "off where EVENT_BUS is empty, because pre-sign-up tells the event bus of links".to_owned();
            return Err(SettingError { name: LINK_NOTICES, value: "on".to_owned(), allowed });
        }
        Ok(Self {
            deletion: switch("ACCOUNT_DELETION")?,
            link_notices,
            self_service: settings::choice(lookup, "SELF_SERVICE_LINKING", &choices, SelfService::Off)?,
            providers: settings::providers(lookup)?,
            second_subject: SecondSubject::from_lookup(lookup)?,
            link_with_factors: LinkWithFactors::from_lookup(lookup)?,
            user_pool_id: lookup("USER_POOL_ID").unwrap_or_default(),
            default_group: settings::default_group(lookup)?,
        })
    }
}
