//! Every test that needs a browser and a local cloud.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "a set-up that fails must fail the test")]

mod app;
mod pages;
