//! People manage the ways in which they sign in: they see them, connect a provider, and disconnect one.
//!
//! - `ways`: what an account signs in with, and what of it may be taken away. Pure.
//! - `connect`: two accounts become one, because one person has just signed in to both: what is offered, shown and
//!   confirmed (`view`);
//! - `party`: one of the two accounts, and its sign-in;
//! - `approval`: the mailboxes of the accounts approve it, and what is stored of that (`asked`);
//! - `moving`: it is carried out, whatever is cut off;
//! - `merging`: the port and the journal that the crate `merge` works with;
//! - `deletion`: an owner deletes their account;
//! - `notices`: every session is ended, and the owner is told of that, of a new password, and of a link that pre-sign-up made;
//! - `flow`: one change of an account at a time, with the table, mails and the user pool;
//! - `state`: what is stored between two calls.

mod approval;
mod asked;
mod connect;
mod deletion;
pub(crate) mod flow;
mod merging;
mod moving;
mod notices;
mod party;
mod settings;
mod state;
mod view;
mod ways;

pub(crate) use connect::Confirmation;
pub use settings::{SelfService, Settings};
pub use state::Owner;
pub use view::{AccountView, Choice, CodeAsked, Connected, Connecting, IdentityView, Offer, Proposal};
pub use ways::{ConnectedIdentity, Fixed, Passkeys, PasswordState, Ways};
