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
    /// Where the last code went. The account's own address is masked: the token alone does not show it.
    #[schema(example = "a***@example.com")]
    pub sent_to: String,
    /// The new address in full, so that the person who typed it can find a mistake.
    #[schema(example = "grace@example.com")]
    pub new_email: String,
    /// When the code expires, and the change with it, in seconds since 1970.
    pub expires_at: u64,
}

impl From<&Request> for View {
    fn from(request: &Request) -> Self {
        Self {
            id: request.id.clone(),
            stage: request.stage,
            sent_to: match request.stage {
                Stage::Current => masked(request.sent_to()),
                Stage::New => request.sent_to().to_owned(),
            },
            new_email: request.new.clone(),
            expires_at: request.ends_at(),
        }
    }
}

/// Where a change stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Standing {
    /// A change is under way.
    UnderWay(View),
    /// No change is under way.
    NoChange(NoChange),
}

/// No change is under way: it never began, or it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NoEmailChange)]
pub struct NoChange {
    /// Always `none`.
    #[schema(schema_with = none)]
    stage: &'static str,
}

impl Standing {
    /// No change is under way.
    pub(super) const NONE: Self = Self::NoChange(NoChange { stage: "none" });
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

fn none() -> Object {
    one_of_words(&["none"])
}

fn done() -> Object {
    one_of_words(&["done"])
}

fn one_of_words(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}
