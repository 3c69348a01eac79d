//! Every test that needs a browser. Most need a local cloud, too.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "a set-up that fails must fail the test")]

mod app;
mod messages;
mod pages;
mod reader;
