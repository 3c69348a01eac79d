//! Settings that differ for some user pools or app clients.

use super::{Lookup, SettingError, optional};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// `OVERRIDES`: a JSON list, or the path of a file that holds one.
pub const OVERRIDES: &str = "OVERRIDES";

/// Where people go on from the pages. The account API reads it, and messages name an app client that has its own.
pub const PAGES_RETURN_URL: &str = "PAGES_RETURN_URL";

/// Settings that may differ for an app client: the messages, where people go on from the pages, and the group of new users.
pub const BY_CLIENT: [&str; 16] = [
    "APP_NAME",
    "APP_URL",
    "BRAND_COLOR",
    "DEFAULT_GROUP",
    "DEFAULT_GROUP_FOR",
    "DEFAULT_LOCALE",
    "FORM_OF_ADDRESS",
    "LEGAL_FOOTER",
    "LOGO_URL",
    "MESSAGE_STYLE",
    PAGES_RETURN_URL,
    "PRIVACY_URL",
    "SMS_HOST",
    "SUPPORT_EMAIL",
    "TEMPLATE_DIR",
    "TERMS_URL",
];

/// Settings that may differ for a user pool, besides those of [`BY_CLIENT`].
pub const BY_POOL: [&str; 21] = [
    "ALLOWED_DOMAINS",
    "DENIED_DOMAINS",
    "DIRECT_EMAIL_CHANGE",
    "EMAIL_CLAIMS",
    "LINK_WITH_FACTORS",
    "MULTIPLE_EMAILS",
    "NATIVE_ATTRIBUTES",
    "NATIVE_PROFILE",
    "NATIVE_SIGN_UP",
    "NATIVE_USERNAME",
    "NEWCOMERS",
    "POOL_CASE_SENSITIVE",
    "PROVIDERS",
    "REPAIR",
    "SAML_EMAIL_ATTRIBUTES",
    "SECOND_SUBJECT",
    "SIGN_OUT_ON_PASSWORD_RESET",
    "STORE_UNPROVEN_EMAIL",
    "SUBJECT_ATTRIBUTE",
    "UNPROVEN_EMAIL",
    "UNVERIFIED_PROFILE",
];

/// What a value may be, for error messages.
const ALLOWED: &str = r#"a JSON list such as [{"client_id": "id", "settings": {"APP_NAME": "Shop"}}], or the path of a file with one, beginning with /"#;

/// One entry of the list: for which events, and what they get. Ids that are left out fit every event.
#[derive(Clone, Debug, Default)]
struct Override {
    user_pool_id: Ids,
    client_id: Ids,
    settings: BTreeMap<String, String>,
}

/// The ids that an entry is for: these, or all.
#[derive(Clone, Debug, Default)]
struct Ids(Option<Vec<String>>);

impl Ids {
    /// An id, or a list of ids.
    fn read(value: Option<&Value>) -> Option<Self> {
        let one = |value: &Value| value.as_str().map(str::to_owned);
        match value {
            None => Some(Self(None)),
            Some(Value::Array(ids)) => ids.iter().map(one).collect::<Option<_>>().map(|ids| Self(Some(ids))),
            Some(id) => one(id).map(|id| Self(Some(vec![id]))),
        }
    }

    fn fit(&self, id: Option<&str>) -> bool {
        let is = |id: &str| self.0.as_ref().is_none_or(|own| own.iter().any(|one| one == id));
        id.map_or(self.0.is_none(), is)
    }

    fn meet(&self, other: &Self) -> bool {
        self.0.as_ref().is_none_or(|own| own.iter().any(|id| other.fit(Some(id))))
    }

    fn are_named(&self) -> bool {
        self.0.is_some()
    }

    /// Whether there are ids that no event has. An entry with them would be passed over without a word.
    fn are_empty(&self) -> bool {
        self.0.as_ref().is_some_and(|ids| ids.is_empty() || ids.iter().any(String::is_empty))
    }
}

impl Override {
    /// Reads an entry by hand: a derived reader takes more code, and every function carries it.
    fn read(entry: &Value) -> Option<Self> {
        let entry: &Map<String, Value> = entry.as_object()?;
        let known = ["user_pool_id", "client_id", "settings"];
        let settings = entry.get("settings")?.as_object()?;
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let read = Self {
            user_pool_id: Ids::read(entry.get("user_pool_id"))?,
            client_id: Ids::read(entry.get("client_id"))?,
            settings: settings.iter().map(text).collect::<Option<_>>()?,
        };
        entry.keys().all(|name| known.contains(&name.as_str())).then_some(read)
    }
}

/// `OVERRIDES`, read. An event gets the settings of the first entry for its app client, over those of the first entry for
/// its pool alone, over those that hold for all. So an app client, which people choose, takes nothing away from what is
/// set for the pool.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Vec<Override>);

/// The places of the entries that count for an event: that of its pool alone, and that of its app client.
type Places = (Option<usize>, Option<usize>);

impl Overrides {
    /// Reads the variable and, if it names one, the file.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] if it is no such list, or if an entry names no pool and no client, or a setting that
    /// cannot differ for them. The error says which entry.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let read = optional(lookup, OVERRIDES, ALLOWED, |text| Some(text.to_owned()))?;
        let Some(text) = read else { return Ok(Self::default()) };
        let wrong = |value: String, allowed: String| SettingError { name: OVERRIDES, value, allowed };
        let json = if text.starts_with('/') {
            std::fs::read_to_string(&text).map_err(|why| wrong(format!("{text} ({why})"), ALLOWED.to_owned()))?
        } else {
            text
        };
        let list: Value = serde_json::from_str(&json)
            .map_err(|why| wrong(format!("a text that is none: {why}"), ALLOWED.to_owned()))?;
        let list = list.as_array().ok_or_else(|| wrong("JSON, and no list".to_owned(), ALLOWED.to_owned()))?;
        let mut entries = Vec::new();
        for (place, entry) in (1..).zip(list) {
            let read = Override::read(entry);
            entries.push(read.ok_or_else(|| wrong(format!("entry {place} of another form"), ALLOWED.to_owned()))?);
        }
        for (place, entry) in (1..).zip(&entries) {
            entry.check().map_err(|(what, allowed)| wrong(format!("entry {place}: {what}"), allowed))?;
        }
        Ok(Self(entries))
    }

    /// The settings of events of this pool and app client, over those that hold for all.
    pub fn over<'a>(
        &self,
        user_pool_id: &str,
        client_id: Option<&str>,
        lookup: Lookup<'a>,
    ) -> impl Fn(&str) -> Option<String> + use<'a> {
        let own = self.of(user_pool_id, client_id);
        move |name| own.get(name).cloned().or_else(|| lookup(name))
    }

    /// The settings that differ for events of this pool and app client.
    #[must_use]
    pub fn of(&self, user_pool_id: &str, client_id: Option<&str>) -> BTreeMap<String, String> {
        self.at(self.fitting(user_pool_id, || client_id.map(str::to_owned)))
    }

    /// A setting of the entry for this app client itself. `None` if the entry lacks it, or its value is blank.
    #[must_use]
    pub fn of_client(&self, user_pool_id: &str, client_id: &str, name: &str) -> Option<&str> {
        let (_, of_client) = self.fitting(user_pool_id, || Some(client_id.to_owned()));
        let value = self.0.get(of_client?)?.settings.get(name)?;
        Some(value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// The app clients that the entries name.
    #[must_use]
    pub fn clients(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(|entry| entry.client_id.0.iter().flatten()).map(String::as_str).collect()
    }

    fn at(&self, (of_pool, of_client): Places) -> BTreeMap<String, String> {
        let entries = [of_pool, of_client].into_iter().flatten().filter_map(|place| self.0.get(place));
        entries.flat_map(|entry| entry.settings.clone()).collect()
    }

    /// The entries that count. Who asks for the client's id is asked only if there are entries.
    fn fitting(&self, user_pool_id: &str, client_id: impl FnOnce() -> Option<String>) -> Places {
        if self.0.is_empty() {
            return (None, None);
        }
        let client_id = client_id();
        let first = |of_client: bool| {
            self.0.iter().position(|entry| {
                entry.client_id.are_named() == of_client
                    && entry.user_pool_id.fit(Some(user_pool_id))
                    && entry.client_id.fit(client_id.as_deref())
            })
        };
        (first(false), first(true))
    }

    /// Every pair of entries that can count for one event.
    fn pairs(&self) -> Vec<Places> {
        let places = |of_client: bool| {
            let own = (0..).zip(&self.0).filter(move |(_, entry)| entry.client_id.are_named() == of_client);
            std::iter::once(None).chain(own.map(|(place, _)| Some(place)))
        };
        let pairs = places(false).flat_map(|of_pool| places(true).map(move |of_client| (of_pool, of_client)));
        let ids = |place: Option<usize>| place.and_then(|place| Some(&self.0.get(place)?.user_pool_id));
        let meet = |(of_pool, of_client): &Places| match (ids(*of_pool), ids(*of_client)) {
            (Some(one), Some(other)) => one.meet(other),
            (one, other) => one.is_some() || other.is_some(),
        };
        pairs.filter(meet).collect()
    }
}

impl Override {
    /// Checks what does not depend on the function. The error is what is wrong, and what is allowed.
    fn check(&self) -> Result<(), (String, String)> {
        let ids = [&self.user_pool_id, &self.client_id];
        let none = ids.iter().all(|ids| !ids.are_named());
        if none || ids.iter().any(|ids| ids.are_empty()) {
            let what = if none { "no id" } else { "an empty id" };
            return Err((what.to_owned(), "user_pool_id, client_id, or both, each an id or a list of ids".to_owned()));
        }
        for name in self.settings.keys() {
            let known = |names: &[&str]| names.contains(&name.as_str());
            if known(&BY_CLIENT) || (known(&BY_POOL) && !self.client_id.are_named()) {
                continue;
            }
            let by_client = BY_CLIENT.join(", ");
            let allowed = if self.client_id.are_named() {
                format!("for an app client: {by_client}")
            } else {
                format!("{by_client}, {}", BY_POOL.join(", "))
            };
            return Err((name.clone(), allowed));
        }
        Ok(())
    }
}

/// Something made of settings: once for all events, and once for each pair of entries of [`OVERRIDES`] that can count.
#[derive(Debug)]
pub struct Overridden<T> {
    base: T,
    overrides: Overrides,
    others: Vec<(Places, T)>,
}

impl<T> Overridden<T> {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// Returns the first [`SettingError`]; that of an entry says which entry.
    pub fn build(
        lookup: Lookup<'_>,
        mut build: impl FnMut(Lookup<'_>) -> Result<T, SettingError>,
    ) -> Result<Self, SettingError> {
        let base = build(lookup)?;
        let overrides = Overrides::from_lookup(lookup)?;
        let mut others = Vec::new();
        for places in overrides.pairs() {
            let settings = overrides.at(places);
            let own = |name: &str| settings.get(name).cloned().or_else(|| lookup(name));
            let made = build(&own).map_err(|why| {
                let named = [places.0, places.1].into_iter().flatten().map(|place| (place + 1).to_string());
                let named = named.collect::<Vec<_>>().join(" with ");
                SettingError {
                    name: OVERRIDES,
                    value: format!("entry {named}: {} {}", why.name, why.value),
                    allowed: why.allowed,
                }
            })?;
            others.push((places, made));
        }
        Ok(Self { base, overrides, others })
    }

    /// Makes something else of each.
    #[must_use]
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> Overridden<U> {
        let base = make(self.base);
        let others = self.others.into_iter().map(|(places, one)| (places, make(one))).collect();
        Overridden { base, overrides: self.overrides, others }
    }

    /// What was made for all events.
    #[must_use]
    pub const fn base(&self) -> &T {
        &self.base
    }

    /// What was made for events of this pool and app client.
    #[must_use]
    pub fn fitting(&self, user_pool_id: &str, client_id: impl FnOnce() -> Option<String>) -> &T {
        let places = self.overrides.fitting(user_pool_id, client_id);
        self.others.iter().find(|(own, _)| *own == places).map_or(&self.base, |(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lookup;

    const POOL: &str = "eu-central-1_A";

    /// The value of `APP_NAME` that an event gets.
    fn name_for(overrides: &str, pool: &str, client: Option<&str>) -> String {
        let lookup = lookup([(OVERRIDES, overrides), ("APP_NAME", "All")]);
        let built = Overridden::build(&lookup, |lookup| Ok(lookup("APP_NAME").unwrap_or_default())).unwrap();
        let of_event = built.fitting(pool, || client.map(str::to_owned)).clone();
        let read = Overrides::from_lookup(&lookup).unwrap();
        assert_eq!(read.over(pool, client, &lookup)("APP_NAME").unwrap(), of_event);
        of_event
    }

    #[test]
    fn the_first_entry_of_the_client_counts_over_that_of_the_pool() {
        let both = r#"[
            {"user_pool_id": "eu-central-1_A", "client_id": ["web", "phone"], "settings": {"APP_NAME": "Shop"}},
            {"client_id": "web", "settings": {"APP_NAME": "Web"}},
            {"user_pool_id": "eu-central-1_A", "settings": {"DEFAULT_GROUP": "members"}},
            {"user_pool_id": "eu-central-1_B", "settings": {"APP_NAME": "B"}},
            {"user_pool_id": "eu-central-1_B", "settings": {"APP_NAME": "second"}}]"#;
        for (pool, client, name) in [
            (POOL, Some("web"), "Shop"),
            (POOL, Some("phone"), "Shop"),
            ("eu-central-1_B", Some("web"), "Web"),
            ("eu-central-1_B", Some("other"), "B"),
            ("eu-central-1_B", None, "B"),
            // The third entry fits and does not name the setting.
            (POOL, Some("other"), "All"),
            ("eu-central-1_C", None, "All"),
        ] {
            assert_eq!(name_for(both, pool, client), name, "{pool} {client:?}");
        }
        assert_eq!(name_for("", POOL, Some("web")), "All");
        assert_eq!(name_for("[]", POOL, Some("web")), "All");
    }

    /// People choose with which app client they come.
    #[test]
    fn no_app_client_takes_away_what_is_set_for_the_pool() {
        let overrides = r#"[
            {"client_id": "web", "settings": {"APP_NAME": "Web"}},
            {"user_pool_id": "eu-central-1_A", "settings": {"NEWCOMERS": "refuse"}}]"#;
        let lookup = |name: &str| (name == OVERRIDES).then(|| overrides.to_owned());
        let both = |lookup: Lookup<'_>| Ok([lookup("NEWCOMERS"), lookup("APP_NAME")].map(Option::unwrap_or_default));
        let built = Overridden::build(&lookup, both).unwrap();
        for (pool, client, settings) in [
            (POOL, Some("web"), ["refuse", "Web"]),
            (POOL, Some("other"), ["refuse", ""]),
            (POOL, None, ["refuse", ""]),
            ("eu-central-1_B", Some("web"), ["", "Web"]),
        ] {
            assert_eq!(*built.fitting(pool, || client.map(str::to_owned)), settings, "{pool} {client:?}");
        }
    }

    #[test]
    fn a_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, r#"[{"client_id": "web", "settings": {"APP_NAME": "Web"}}]"#).unwrap();
        assert_eq!(name_for(file.path().to_str().unwrap(), POOL, Some("web")), "Web");
    }

    #[test]
    fn what_cannot_be_meant_stops_the_start_and_is_named() {
        for (overrides, named) in [
            ("{}", "a JSON list"),
            ("nonsense", "a JSON list"),
            ("/no/such/file.json", "/no/such/file.json"),
            (r#"[{"settings": {"APP_NAME": "Shop"}}]"#, "entry 1: no id"),
            (r#"[{"client_id": "", "settings": {}}]"#, "entry 1: an empty id"),
            (r#"[{"client_id": [], "settings": {}}]"#, "entry 1: an empty id"),
            (r#"[{"client_id": ["a", ""], "settings": {}}]"#, "entry 1: an empty id"),
            (r#"[{"user_pool_id": "a", "client_id": "", "settings": {"NEWCOMERS": "refuse"}}]"#, "an empty id"),
            (
                r#"[{"client_id": "a", "settings": {}}, {"client_id": "a", "settings": {"APP_NAMES": "b"}}]"#,
                "entry 2: APP_NAMES",
            ),
            (r#"[{"client_id": "a", "settings": {"PROVIDERS": "Google:claim"}}]"#, "for an app client: APP_NAME"),
            (r#"[{"user_pool_id": "a", "settings": {"RETRY_QUEUE_URL": "b"}}]"#, "entry 1: RETRY_QUEUE_URL"),
            (r#"[{"client_id": "a", "settings": {"APP_NAME": 1}}]"#, "entry 1 of another form"),
            (r#"[{"client": "a", "settings": {}}]"#, "entry 1 of another form"),
        ] {
            let read = Overrides::from_lookup(&|name| (name == OVERRIDES).then(|| overrides.to_owned()));
            let why = read.unwrap_err().to_string();
            assert!(why.contains("OVERRIDES") && why.contains(named), "{overrides}: {why}");
        }
    }

    #[test]
    fn a_wrong_value_names_entry_setting_and_what_is_allowed() {
        let overrides = r#"[{"client_id": "a", "settings": {"DEFAULT_GROUP": "two words"}}]"#;
        let lookup = |name: &str| (name == OVERRIDES).then(|| overrides.to_owned());
        let why = Overridden::build(&lookup, crate::settings::default_group).unwrap_err().to_string();
        assert!(why.contains("entry 1: DEFAULT_GROUP two words") && why.contains("128 characters"), "{why}");
    }
}
