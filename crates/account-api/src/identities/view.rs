//! What the API tells the owner of two accounts that become one.

use serde::Serialize;
use utoipa::ToSchema;

/// Made by the account that is to be connected, for the account that connects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IdentityOffer)]
pub struct Offer {
    /// Hand it in with the token of the account that it was made to. Whoever has both can join the two accounts.
    #[schema(example = "7b2273…5d.5f0c9a3b…")]
    pub offer: String,
    /// Until when it is good, in seconds since 1970: as long as the sign-in is fresh.
    pub expires_at: u64,
}

/// Both accounts, for the person to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionProposal)]
pub struct Proposal {
    /// The caller's account.
    pub own: AccountView,
    /// The account that made the offer.
    pub other: AccountView,
    /// What may be done.
    pub choices: Vec<Choice>,
    /// Send it along to confirm. It is good for these two accounts as they are shown here.
    pub confirmation: String,
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccountToConnect)]
pub struct AccountView {
    /// Its `sub`.
    pub sub: String,
    /// When it was made, in seconds since 1970, where the pool tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<u64>,
    /// Its address, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a***@example.com")]
    pub email: Option<String>,
    /// Whether it was made by this sign-in, or at most ten minutes before it, so that the application keeps little under
    /// its `sub` yet.
    pub is_new: bool,
    /// The providers that are connected to it.
    pub identities: Vec<IdentityView>,
    /// Its groups.
    pub groups: Vec<String>,
}

/// A provider that is connected to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IdentityToConnect)]
pub struct IdentityView {
    /// The provider's name in the pool.
    #[schema(example = "Google")]
    pub provider: String,
    /// What people call it.
    #[schema(example = "Google")]
    pub label: String,
    /// The address that the person has there, masked, where the pool knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a***@example.com")]
    pub account: Option<String>,
}

/// Which account stays, and which one is deleted with its `sub` and all that the application keeps under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionChoice)]
pub struct Choice {
    /// The `sub` of the account that stays.
    pub stays: String,
    /// The `sub` of the account that goes.
    pub goes: String,
}

/// What became of a request to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Connecting {
    /// Both accounts, to look at and to confirm.
    Proposed(Box<Proposal>),
    /// A code is on its way to the owner's mailbox. Nothing has changed yet.
    Asked(CodeAsked),
    /// They are one.
    Done(Connected),
}

/// The owner of an account has to approve with a code from a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionCode)]
pub struct CodeAsked {
    /// Where the code went, masked.
    #[schema(example = "a***@example.com")]
    pub sent_to: String,
    /// When the code expires, in seconds since 1970.
    pub expires_at: u64,
}

/// The accounts are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccountsConnected)]
pub struct Connected {
    /// The `sub` of the account that every identity of both signs in to.
    pub stays: String,
    /// The `sub` of the deleted account. Its tokens are good for this API until they expire, and for nothing else.
    pub goes: String,
}
