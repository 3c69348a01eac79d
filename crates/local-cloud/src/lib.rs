//! An AWS on this machine to test on. `cargo xtask` and the end-to-end tests use it.
//!
//! * [`LocalCloud`] runs MiniStack, an emulator of AWS. [`identity_provider`] runs a small OpenID provider. Both come
//!   from the pinned [`toolbox`].
//! * [`user_pool`] makes a pool, puts people into it and reads its profiles. [`seed`] is the pool of the sample events,
//!   which [`event`] reads.
//! * [`function`] builds the function binaries, [`archive`] packs one, [`runtime_api`] runs one as Lambda would, and
//!   [`deployment`] deploys one to the local cloud.
//! * [`stack`] deploys the repository's own template. [`local_stack`] adds providers and an app.
//! * [`moto`] is a second DynamoDB, for the rules that every store must keep. [`dynamodb`] makes the account API's table, [`account_api`]
//!   all that it needs.
//! * [`outbox`] reads the mails that were sent. [`server`] runs a server of our own.
//! * [`hosted_login`] follows "Sign in with Google" from the app's link to the tokens. [`browser`] drives a real
//!   browser.
//!
//! Everything listens on 127.0.0.1 and connects to nothing else. Every process that is started here ends when its guard
//! is dropped.

pub mod account_api;
pub mod archive;
pub mod browser;
mod cloud;
pub mod deployment;
pub mod dynamodb;
pub mod event;
pub mod function;
pub mod hosted_login;
pub mod http;
pub mod identity_provider;
pub mod layout;
pub mod local_stack;
pub mod moto;
pub mod outbox;
mod port;
pub mod process;
pub mod runtime_api;
pub mod seed;
pub mod server;
pub mod stack;
pub mod steps;
pub mod toolbox;
pub mod user_pool;

pub use cloud::{ENDPOINT_VARIABLE, LocalCloud, Options, client_environment, patches};
