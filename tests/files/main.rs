//! Checks of the files in this repository: templates, manifests, the crates and the documents. Needs no cloud.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "a set-up that fails must fail the test")]

mod dependencies;
mod install;
mod template;
mod workspace;
