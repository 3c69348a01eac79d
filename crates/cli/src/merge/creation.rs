//! Whether the pool takes the native profile that a merge would make: asked before anything is deleted.

use crate::registry::{PoolFacts, Record};
use crate::rules::{Left, Verdict};

/// What a new native profile gets whatever is copied, or has by itself.
const GIVEN: [&str; 3] = ["sub", "email", "email_verified"];

/// What the pool wants of a native profile, and what a merge has to give.
#[derive(Clone, Debug, Default)]
pub(crate) struct Creation {
    required: Vec<String>,
    copied: Vec<String>,
    only_phone_is_user_name: bool,
}

impl Creation {
    /// For a pool, and the attributes that are copied.
    pub(crate) fn new(pool: &PoolFacts, copied: &[String]) -> Self {
        let required = pool.required_attributes.iter().filter(|name| !GIVEN.contains(&name.as_str()));
        Self {
            required: required.cloned().collect(),
            copied: copied.to_vec(),
            only_phone_is_user_name: pool.only_phone_is_user_name,
        }
    }

    /// Why what was decided about a profile cannot come about; `None` if nothing speaks against it.
    pub(crate) fn prevents(&self, record: &Record, verdict: &Verdict) -> Option<Left> {
        if !verdict.creates() {
            return None;
        }
        if self.only_phone_is_user_name {
            return Some(Left::NamedByPhone);
        }
        (!self.missing(record).is_empty()).then_some(Left::RequiredAttribute)
    }

    /// The attributes that a native profile made for this one would lack.
    pub(crate) fn missing(&self, record: &Record) -> Vec<&str> {
        let lacks = |name: &&String| !self.copied.contains(name) || record.attribute(name).is_none();
        self.required.iter().filter(lacks).map(String::as_str).collect()
    }

    /// The attributes that the pool requires and that are not copied.
    pub(crate) fn not_copied(&self) -> Vec<&str> {
        self.required.iter().filter(|name| !self.copied.contains(name)).map(String::as_str).collect()
    }
}
