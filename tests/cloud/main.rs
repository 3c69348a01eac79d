//! Every test that needs a local cloud and no browser. `cargo xtask test` starts one for all of them, and deploys the stack.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, reason = "a set-up that fails must fail the test")]

mod account_api;
mod calls;
mod cdk;
mod cli;
mod cli_attach;
mod cli_audit;
mod cli_doctor;
mod cli_link;
mod cli_tools;
mod cli_users;
mod deployed;
mod deployed_stack;
mod deployments;
mod first_run;
mod functions;
mod next_function;
mod package;
mod patches;
mod pre_hijacking;
mod pre_sign_up;
mod rights;
mod soak;
mod storm;
mod template_lint;
mod upgrade;
mod user_pool_contract;
