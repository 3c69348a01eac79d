//! People manage the ways in which they sign in: they see them, connect a provider, and disconnect one.
//!
//! - `ways`: what an account signs in with, and what of it may be taken away. Pure.
//! - `connect`: two accounts become one, because one person has just signed in to both;
//! - `merging`: the port and the journal that the crate `merge` works with;
//! - `flow`: one change of an account at a time, with the table, mails and the user pool;
//! - `state`: what is stored between two calls.

mod connect;
pub(crate) mod flow;
mod merging;
mod settings;
mod state;
mod ways;

pub use connect::{AccountView, Choice, Connected, Connecting, IdentityView, Offer, Proposal};
pub use settings::{SelfService, Settings};
pub use ways::{ConnectedIdentity, Fixed, Passkeys, PasswordState, Ways};
