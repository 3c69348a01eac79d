use serde_json::{Map, Value};

/// A string map of an event (`userAttributes`, `clientMetadata`), read tolerantly.
#[derive(Clone, Copy, Default)]
pub struct Attributes<'a>(Option<&'a Map<String, Value>>);

impl<'a> Attributes<'a> {
    /// Wraps the JSON object. Any other value, null or no value reads as empty.
    #[must_use]
    pub fn new(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    /// Reads an object's members.
    #[must_use]
    pub fn of(members: &'a Map<String, Value>) -> Self {
        Self(Some(members))
    }

    /// The attribute's text. `None` if it is absent, null, empty, or not a string.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// The attribute as it came, in any JSON type.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    /// Whether the attribute is true, as [`is_true`] decides.
    #[must_use]
    pub fn flag(self, name: &str) -> bool {
        self.value(name).is_some_and(is_true)
    }

    /// All attributes in the order in which they came.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }
}

/// Whether a claim such as `email_verified` is true.
///
/// Identity providers send the JSON boolean, its text in upper or lower case, or 1 as number or text. Cognito may put a
/// text into a list of one (`[true]`). Any other value, or no claim, is false.
#[must_use]
pub fn is_true(claim: &Value) -> bool {
    match claim {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => {
            let text = text.trim();
            let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
            text.eq_ignore_ascii_case("true") || text == "1"
        }
        _ => false,
    }
}
