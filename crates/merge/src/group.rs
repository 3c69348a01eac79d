//! People who should be in the default group and are not.
//!
//! Post confirmation puts new people into the group, and logs `group_not_joined` if it could not. Cognito keeps no
//! history, so nothing shows whether somebody never joined or was taken out by an administrator.

use crate::rules::Rules;
use cognito_core::event::Attributes;
use cognito_core::user_pool::{ProfileRecord, Status};
use linking::proved_nothing;
use serde::{Deserialize, Serialize};

/// The decision's name in plans and journals.
pub(crate) const ADD_TO_GROUP: &str = "add_to_group";

/// The group that new people join, and who joins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultGroup {
    /// `DEFAULT_GROUP`.
    pub name: String,
    /// `DEFAULT_GROUP_FOR`: whether people whose provider proved no address join it, too.
    pub for_everybody: bool,
    /// Only people whose profile was made then or later, in seconds since 1970.
    pub since: u64,
}

impl DefaultGroup {
    /// Whether the person should be in the group: confirmed, not disabled, not older than `since`, and with a proven
    /// address unless it is for everybody.
    #[must_use]
    pub fn is_for(&self, rules: &Rules, record: &ProfileRecord) -> bool {
        let confirmed = match record.life() {
            Status::Confirmed | Status::ResetRequired | Status::ExternalProvider => true,
            // Who was invited joins on accepting. What is not known is left to a person.
            Status::Unconfirmed | Status::ForceChangePassword | Status::Other => false,
        };
        let attributes = record.as_event();
        let joins = self.for_everybody || !proved_nothing(Attributes::of(&attributes), &rules.providers);
        confirmed && record.enabled && record.created.is_some_and(|created| created >= self.since) && joins
    }
}

/// A profile that joins the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStep {
    /// Its user name.
    pub user_name: String,
    /// Its `sub`.
    pub sub: String,
    /// The group, and who joins it.
    pub join: DefaultGroup,
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::provider::Providers;
    use cognito_core::user_pool::memory::{Account, federated, invited, native};
    use linking::Policy;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_group_is_for_confirmed_people_with_a_proven_address_since_a_day() {
        let providers = Providers::parse("Google:claim,Okta:never").unwrap();
        let rules = Rules { providers, policy: Policy::default(), trust_stored_values: false };
        let group = |for_everybody| DefaultGroup { name: "Users".into(), for_everybody, since: 1000 };
        let at = |account: Account, seconds| Account {
            created: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
            ..account
        };
        let ada = "ada@example.com";
        let proven = Account { email_verified: true, ..federated("Google", "1", ada) };
        let claimed = Account { email_verified: true, ..federated("Okta", "1", ada) };
        for (account, if_proven, if_everybody) in [
            (at(native(ada), 1000), true, true),
            (at(native(ada), 999), false, false),
            (at(native(ada).disabled(), 2000), false, false),
            (at(native(ada).unconfirmed(), 2000), false, false),
            (at(invited(ada), 2000), false, false),
            (at(Account { status: Status::Other, ..native(ada) }, 2000), false, false),
            (at(proven.clone(), 2000), true, true),
            (at(proven.unverified(), 2000), false, true),
            (at(claimed, 2000), false, true),
            (Account { created: None, ..native(ada) }, false, false),
        ] {
            let record = account.record();
            assert_eq!(group(false).is_for(&rules, &record), if_proven, "{account:?}");
            assert_eq!(group(true).is_for(&rules, &record), if_everybody, "{account:?}");
        }
    }
}
