//! What the owner of an account may see of a change, as the API sends it.

use super::{Request, Stage};
use crate::mask::masked;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// A change that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EmailChange)]
pub struct View {
    /// Stands for this change. Sent along with a code, it keeps the code from approving another one.
    #[schema(example = "0b7ce9f1-6d2f-4a35-9d0e-1d2f0c6b8e11")]
    pub id: String,
    /// `current`: the address the account has is to be proven; `new`: the other one.
    #[schema(schema_with = stage)]
    pub stage: Stage,
    /// Where the last code went, masked.
    #[schema(example = "a***@example.com")]
    pub sent_to: String,
    /// The new address, masked.
    #[schema(example = "g***@example.com")]
    pub new_email: String,
    /// When the code dies, and the change with it, in seconds since 1970.
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

/// What a code led to.
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
