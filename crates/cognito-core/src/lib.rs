//! The code that all Cognito trigger functions share.
//!
//! - [`event`]: the envelope that Cognito sends and gets back, read tolerantly and returned intact;
//! - [`email`], [`provider`], [`password`]: the types for decisions about identities;
//! - [`user_pool`]: the calls to a user pool, as a port with three implementations;
//! - [`retry_queue`]: where a function leaves what it could not write;
//! - [`next_function`]: the team's own function, called before or after ours;
//! - [`settings`]: environment variables, read once and checked;
//! - [`trigger`], [`failure`]: how a function answers, refuses and fails;
//! - `sdk` (feature `connections`): how a function reaches AWS;
//! - `runtime` (feature `runtime`): start-up and logs of a Lambda function.

pub mod account_event;
pub mod email;
pub mod event;
pub mod failure;
pub mod next_function;
pub mod password;
pub mod provider;
pub mod retry_queue;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "connections")]
pub mod sdk;
pub mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trigger;
pub mod user_pool;
