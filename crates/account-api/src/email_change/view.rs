//! What the API tells the owner of an account about a change.

use super::{Request, Stage};
use crate::mask::masked;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// A change that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EmailChange)]
pub struct View {
    /// Identifies this change. Send it along with a code, so that the code cannot approve another change.
    #[schema(example = "0b7ce9f1-6d2f-4a35-9d0e-1d2f0c6b8e11")]
    pub id: String,
    /// Which address has to be proven now: `current` is the account's address, `new` is the one it will get.
    #[schema(schema_with = stage)]
    pub stage: Stage,
    /// Where the last code went, masked.
    #[schema(example = "a***@example.com")]
    pub sent_to: String,
    /// The new address, masked.
    #[schema(example = "g***@example.com")]
    pub new_email: String,
    /// When the code expires, and the change with it, in seconds since 1970.
    pub expires_at: u64,
}

impl From<&Request> for View {
    fn from(request: &Request) -> Self {
        Self {
            id: request.id.clone(),
            stage: request.stage,
            sent_to: masked(request.sent_to()),
            new_email: masked(&request.new),
            expires_at: request.ends_at(),
        }
    }
}

/// The account has the new address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EmailChanged)]
pub struct Changed {
    /// Always `done`.
    #[schema(schema_with = done)]
    stage: &'static str,
}

/// The result of a right code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Verified {
    /// The current address is proven, and a code went to the new one.
    Advanced(View),
    /// The account has the new address.
    Done(Changed),
}

impl Verified {
    /// The account has the new address.
    pub(super) const DONE: Self = Self::Done(Changed { stage: "done" });
}

fn stage() -> Object {
    one_of_words(&[Stage::Current.name(), Stage::New.name()])
}

fn done() -> Object {
    one_of_words(&["done"])
}

fn one_of_words(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}
