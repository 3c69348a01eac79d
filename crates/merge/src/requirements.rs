use crate::rules::{Judgement, LeaveReason};
use cognito_core::user_pool::{PoolSettings, ProfileRecord};

/// The attributes that the pool requires of a new native profile. They are checked before anything is deleted.
#[derive(Clone, Copy, Debug)]
pub struct Requirements<'a> {
    settings: &'a PoolSettings,
    copied: &'a [String],
}

impl<'a> Requirements<'a> {
    /// For a pool, and the attributes that are copied from the deleted profile.
    #[must_use]
    pub fn new(settings: &'a PoolSettings, copied: &'a [String]) -> Self {
        Self { settings, copied }
    }

    /// Why the pool would not accept the native profile that this judgement creates; `None` if no reason is known.
    #[must_use]
    pub fn prevent(self, record: &ProfileRecord, judgement: &Judgement) -> Option<LeaveReason> {
        if !judgement.creates() {
            return None;
        }
        if self.settings.only_phone_is_user_name() {
            return Some(LeaveReason::NamedByPhone);
        }
        (!self.missing(record).is_empty()).then_some(LeaveReason::RequiredAttribute)
    }

    /// The required attributes that a native profile created for this one would lack.
    #[must_use]
    pub fn missing(self, record: &ProfileRecord) -> Vec<&'a str> {
        let lacks = |name: &&str| !self.is_copied(name) || record.attribute(name).is_none();
        self.required().filter(lacks).collect()
    }

    /// The required attributes that are not copied.
    #[must_use]
    pub fn not_copied(self) -> Vec<&'a str> {
        self.required().filter(|name| !self.is_copied(name)).collect()
    }

    /// The required attributes without the address, which every new native profile has.
    fn required(self) -> impl Iterator<Item = &'a str> {
        let names = self.settings.required_attributes.iter().map(String::as_str);
        names.filter(|name| !["email", "email_verified"].contains(name))
    }

    fn is_copied(self, name: &str) -> bool {
        self.copied.iter().any(|copied| copied == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_and_not_copied_is_named_without_the_address() {
        let required = ["email", "email_verified", "name", "given_name"].map(str::to_owned).into();
        let settings = PoolSettings { required_attributes: required, ..PoolSettings::default() };
        let copied = ["name".to_owned()];
        assert_eq!(Requirements::new(&settings, &copied).not_copied(), ["given_name"]);
    }
}
