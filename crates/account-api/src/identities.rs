//! People manage the ways in which they sign in: they see them, connect a provider, and disconnect one.
//!
//! - [`ways`]: what an account signs in with, and what of it may be taken away. Pure.
//! - [`flow`]: one change of an account at a time, with the table, mails and the user pool;
//! - `state`: what is stored between two calls.

pub(crate) mod flow;
mod settings;
mod state;
mod ways;

pub use settings::{SelfService, Settings};
pub use ways::{ConnectedIdentity, Fixed, Passkeys, PasswordState, Ways};
