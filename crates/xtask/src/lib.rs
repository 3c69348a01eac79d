//! The harness behind `cargo xtask`: a local cloud, real function binaries, and the people who sign in.
//!
//! The end-to-end tests use the same parts as the commands:
//!
//! * [`local_cloud`] runs MiniStack, [`identity_provider`] runs a small OpenID provider,
//!   both from the pinned [`toolbox`];
//! * [`user_pool`] makes a pool, puts people into it and reads back what it holds;
//! * [`function`] builds the function binaries, [`runtime_api`] runs one as Lambda would,
//!   [`deployment`] hands them to the local cloud as triggers;
//! * [`stack`] deploys the repository's own template, [`local_stack`] puts providers and an app around it;
//! * [`hosted_login`] walks "Sign in with Google" from the app's link to the tokens;
//! * [`mod@bench`] measures what a function costs to start and to run.
//!
//! Everything binds to and talks to 127.0.0.1, and every process started here ends when its
//! guard is dropped.

pub mod bench;
pub mod browser;
pub mod command;
pub mod deployment;
pub mod event;
pub mod function;
pub mod hosted_login;
pub mod http;
pub mod identity_provider;
pub mod layout;
pub mod local_cloud;
pub mod local_stack;
pub mod port;
pub mod process;
pub mod runtime_api;
pub mod seed;
pub mod stack;
pub mod steps;
pub mod toolbox;
pub mod user_pool;
