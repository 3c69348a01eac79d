//! The envelope that Cognito sends to a trigger and expects back.
//!
//! Cognito accepts an answer only if it is the event that it sent, with `response` filled in. AWS adds fields and
//! trigger sources over time, so the event is never mapped to a closed type. Every member stays the JSON text that
//! arrived. Only `response` is written again, and only if the function changed it.

mod attributes;
mod source;
mod surrogate;

pub use attributes::{Attributes, is_true};
pub use source::TriggerSource;

use serde::de::{self, DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// The event version that all triggers served here use (Cognito sends the string `"1"`).
const SUPPORTED_VERSION: &str = "1";

/// Why a payload is not an event of a Cognito user pool trigger.
///
/// The text names only members and JSON types, never a value, so it may be logged.
#[derive(Debug, thiserror::Error)]
pub enum NotACognitoEvent {
    /// The payload is not a JSON object, or the same member appears twice.
    #[error("a Cognito event is a JSON object whose members appear once")]
    NotAnObject,
    /// A member that every Cognito event has is absent or has another JSON type.
    #[error("a Cognito event has a member `{member}` that is {expected}")]
    Member {
        /// The member's name.
        member: &'static str,
        /// The JSON type that it must have.
        expected: &'static str,
    },
}

/// One trigger event: a tolerant view for reading, and the original JSON for the answer.
pub struct Event {
    members: Members,
    source: TriggerSource,
    version: Option<String>,
    user_pool_id: String,
    user_name: Option<String>,
    request: Map<String, Value>,
    response: Option<Members>,
}

impl fmt::Debug for Event {
    /// Shows only the trigger source, because the rest of an event is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Event {
    /// Reads an event from the JSON text that Lambda delivered.
    ///
    /// # Errors
    ///
    /// Returns [`NotACognitoEvent`] if the text is not a JSON object with the strings `triggerSource` and `userPoolId`,
    /// an object `request`, and a `response` that is an object, null or absent.
    ///
    /// Half a surrogate pair (`"\ud800"`) is not a character. It is read as U+FFFD and returned unchanged.
    pub fn parse(json: &str) -> Result<Self, NotACognitoEvent> {
        let members: Members = serde_json::from_str(json).map_err(|_| NotACognitoEvent::NotAnObject)?;
        let source = members
            .string("triggerSource")
            .ok_or(NotACognitoEvent::Member { member: "triggerSource", expected: "a string" })?;
        let user_pool_id = members
            .string("userPoolId")
            .ok_or(NotACognitoEvent::Member { member: "userPoolId", expected: "a string" })?;
        let request = members
            .read::<Map<String, Value>>("request")
            .ok_or(NotACognitoEvent::Member { member: "request", expected: "an object" })?;
        members.response()?;
        Ok(Self {
            source: TriggerSource::from_wire(&source),
            version: members.version(),
            user_name: members.string("userName"),
            user_pool_id,
            request,
            response: None,
            members,
        })
    }

    /// The trigger source: why Cognito called.
    #[must_use]
    pub fn source(&self) -> TriggerSource {
        self.source
    }

    /// Whether the event has the version that Cognito sends to these triggers. Another version is not an error, because
    /// members and trigger source say what an event is, and emulators of Cognito send other versions.
    #[must_use]
    pub fn has_supported_version(&self) -> bool {
        self.version.as_deref() == Some(SUPPORTED_VERSION)
    }

    /// The id of the user pool that called, such as `eu-central-1_EXAMPLE01`.
    #[must_use]
    pub fn user_pool_id(&self) -> &str {
        &self.user_pool_id
    }

    /// The name of the profile concerned. For a federated identity it is
    /// `<provider name>_<subject>`, all in lower case where the pool ignores case.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user_name.as_deref()
    }

    /// The profile's attributes. Empty if the event has none.
    #[must_use]
    pub fn user_attributes(&self) -> Attributes<'_> {
        Attributes::new(self.request.get("userAttributes"))
    }

    /// The metadata that the app passed with its API call. Empty if absent or null.
    #[must_use]
    pub fn client_metadata(&self) -> Attributes<'_> {
        Attributes::new(self.request.get("clientMetadata"))
    }

    /// The id of the app client that made the call which led to this event. `None` for an administrator's call, where
    /// `clientId` is null or a fixed word.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        let context: Option<Map<String, Value>> = self.members.read("callerContext");
        let client = context.as_ref().and_then(|context| context.get("clientId")?.as_str());
        client.filter(|id| !id.is_empty() && *id != "CLIENT_ID_NOT_APPLICABLE").map(str::to_owned)
    }

    /// A member of `request`. `None` if absent or null.
    #[must_use]
    pub fn request(&self, member: &str) -> Option<&Value> {
        self.request.get(member).filter(|value| !value.is_null())
    }

    /// Sets one member of `response` and leaves its other members as they came.
    pub fn respond(&mut self, member: &str, value: impl Into<Value>) {
        let members = &self.members;
        let response = self.response.get_or_insert_with(|| members.response().unwrap_or_default());
        // A `Value` has string keys only, so it always serialises.
        if let Ok(raw) = serde_json::value::to_raw_value(&value.into()) {
            response.set(member, raw);
        }
    }

    /// The event in the form that Cognito expects back.
    ///
    /// # Errors
    ///
    /// Fails if the JSON that was read cannot be written again. This does not happen in practice.
    pub fn into_answer(mut self) -> Result<Box<RawValue>, serde_json::Error> {
        self.written()
    }

    /// The event with `response` as it is now.
    pub(crate) fn written(&mut self) -> Result<Box<RawValue>, serde_json::Error> {
        if let Some(response) = self.response.take() {
            self.members.set("response", serde_json::value::to_raw_value(&response)?);
        }
        serde_json::value::to_raw_value(&self.members)
    }

    /// The top-level members. All but `response` are as they came.
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// The members of `response` as they are now.
    pub(crate) fn response(&self) -> Members {
        self.response.clone().unwrap_or_else(|| self.members.response().unwrap_or_default())
    }

    /// Puts other members in the place of those of `response`.
    pub(crate) fn set_response(&mut self, members: Members) {
        self.response = Some(members);
    }
}

/// The top-level members in the order in which they came, each as its own JSON text.
#[derive(Clone, Default)]
pub(crate) struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// Each member with its JSON text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), raw.as_ref()))
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, raw)| raw.as_ref())
    }

    /// A member, read as `T`. `None` if it is absent or something else.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let json = self.raw(name)?.get();
        serde_json::from_str(json).or_else(|_| serde_json::from_str(&surrogate::without_lone(json))).ok()
    }

    fn string(&self, name: &str) -> Option<String> {
        self.read(name)
    }

    /// AWS documents the version as a string, but some of its own samples have a number.
    fn version(&self) -> Option<String> {
        match self.read("version")? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The members of `response`. There are none if it is absent or null.
    pub(crate) fn response(&self) -> Result<Self, NotACognitoEvent> {
        let Some(raw) = self.raw("response") else { return Ok(Self::default()) };
        serde_json::from_str::<Option<Self>>(raw.get())
            .map(Option::unwrap_or_default)
            .map_err(|_| NotACognitoEvent::Member { member: "response", expected: "an object or null" })
    }

    pub(crate) fn set(&mut self, name: &str, raw: Box<RawValue>) {
        match self.0.iter_mut().find(|(member, _)| member == name) {
            Some((_, slot)) => *slot = raw,
            None => self.0.push((name.to_owned(), raw)),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, raw) in &self.0 {
            map.serialize_entry(name, raw)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members: Vec<(String, Box<RawValue>)> = Vec::with_capacity(map.size_hint().unwrap_or(8));
        while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
            // Readers of JSON disagree on which of two equal names counts. A decision about an account must not depend
            // on such a disagreement about `userPoolId` or `request`.
            if members.iter().any(|(known, _)| *known == name) {
                return Err(de::Error::custom("a member appears twice"));
            }
            members.push((name, raw));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests;
