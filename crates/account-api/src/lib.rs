//! HTTP API beside a user pool: changes an account's address with proof of both addresses, and invites people.
//!
//! [`router`] is the whole API over its ports; [`function`] runs it as a Lambda function behind API Gateway's HTTP API.
//!
//! - [`email_change`]: what may happen when, pure, and the flow that carries it out;
//! - [`invitation`]: accounts that somebody else begins and their owner completes;
//! - [`store`], [`mailer`], [`clock`](Clock): what the flows work with, beside the user pool of `cognito-core`;
//! - [`code`]: codes that prove a mailbox, and what is kept of them;
//! - [`problem`]: how the API says no; [`caller`]: who is calling;
//! - [`pages`]: what the links of messages open, in a browser.

mod api;
pub mod caller;
mod clock;
pub mod code;
pub mod email_change;
pub mod function;
pub mod invitation;
pub mod mailer;
mod mask;
pub mod pages;
pub mod problem;
mod services;
mod settings;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use api::description;
pub use clock::{Clock, SystemClock};
pub use services::Services;
pub use settings::{Invitations as InvitationSettings, NAMES, Settings};

use axum::Router;
use cognito_core::user_pool::{Invitations, UserPool};
use mailer::Mailer;
use std::sync::Arc;
use store::Store;

/// The API over its services, with the pages where the settings ask for them. Requests must carry API Gateway's request context as an extension, as `lambda_http` puts it
/// there; without it nobody is signed in.
pub fn router<P, I, S, M>(services: Services<P, I, S, M>) -> Router
where
    P: UserPool + Send + 'static,
    I: Invitations + Send + 'static,
    S: Store + 'static,
    M: Mailer + 'static,
{
    let invitations = services.settings.invitations.mode.clone();
    let pages = services.settings.pages.as_ref().map(|settings| pages::router(settings, api::nothing_here));
    let api = api::router(Arc::new(services), &invitations);
    match pages {
        Some(pages) => api.merge(pages),
        None => api.fallback(async || api::nothing_here()),
    }
}
