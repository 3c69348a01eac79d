//! The API through its router, as API Gateway calls it, with everything around it in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unnecessary_wraps,
    reason = "a set-up that fails must fail the test"
)]

mod crash;
mod deletion;
mod description;
mod email_change;
mod email_change_attacks;
mod events;
mod gate;
mod house;
mod identities;
mod identities_approval;
mod identities_attacks;
mod identities_connect;
mod interleaving;
mod invitation_attacks;
mod invitation_list;
mod invitation_members;
mod invitation_owners;
mod invitation_revocations;
mod invitations;
mod link_client;
mod logs;
mod mails;
mod requests;
mod upgrade;
