//! An AWS to test on, on this machine: what `cargo xtask` and the end-to-end tests stand on.
//!
//! * [`LocalCloud`] runs MiniStack, an emulator of AWS, and [`identity_provider`] a small OpenID provider; both come from
//!   the pinned [`toolbox`];
//! * [`user_pool`] makes a pool, puts people into it and reads back what it holds; [`seed`] is the pool of the sample
//!   events, which [`event`] reads;
//! * [`function`] builds the function binaries, [`archive`] packs one, [`runtime_api`] runs one as Lambda would, and [`deployment`] hands one
//!   to the local cloud as a trigger;
//! * [`stack`] deploys the repository's own template; [`local_stack`] puts providers and an app around it;
//! * [`outbox`] has the mails that were sent;
//! * [`hosted_login`] walks "Sign in with Google" from the app's link to the tokens, and [`browser`] is a real one.
//!
//! Everything listens on 127.0.0.1 and talks to nothing else. Every process that is started here ends when its guard is
//! dropped.

pub mod archive;
pub mod browser;
mod cloud;
pub mod deployment;
pub mod event;
pub mod function;
pub mod hosted_login;
pub mod http;
pub mod identity_provider;
pub mod layout;
pub mod local_stack;
pub mod outbox;
mod port;
pub mod process;
pub mod runtime_api;
pub mod seed;
pub mod stack;
pub mod steps;
pub mod toolbox;
pub mod user_pool;

pub use cloud::{ENDPOINT_VARIABLE, LocalCloud, Options, client_environment, patches};
