//! An HTTP API beside a user pool. It changes an account's address with proof of both addresses, and invites people.
//!
//! [`AccountApi`] is the whole API, built from its [`Parts`]. [`function`] runs it as a Lambda function behind an HTTP
//! API of API Gateway.
//!
//! - [`email_change`]: the rules of a change as pure functions, and the flow that carries them out;
//! - [`invitation`]: accounts that one person begins and their owner completes;
//! - [`identities`]: what an account signs in with, seen and changed by its owner;
//! - [`accounts`], [`store`], [`mailer`], [`queue`], [`clock`](Clock): what the flows work with;
//! - [`ceilings`]: how often a thing may happen in a day;
//! - [`code`]: codes that prove a mailbox, and the digests of them that are stored;
//! - [`challenge`]: how often such a code may be entered and sent again;
//! - [`problem`]: how the API says no; [`caller`]: who is calling;
//! - [`pages`]: the pages that the links in messages open.

pub mod accounts;
mod api;
pub mod caller;
pub mod ceilings;
pub mod challenge;
mod clock;
pub mod code;
pub mod email_change;
mod events;
pub mod function;
pub mod identities;
pub mod invitation;
pub mod mailer;
mod mask;
mod outbox;
pub mod pages;
pub mod problem;
pub mod queue;
mod settings;
pub mod store;
mod table;
#[cfg(feature = "testing")]
pub mod testing;

pub use api::description;
pub use clock::{Clock, SystemClock};
pub use cognito_core::user_pool::NativeUserName;
pub use settings::{NAMES, Settings};

use accounts::Accounts;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use axum::Router;
use ceilings::Counter;
use code::Sealer;
use cognito_core::account_event::EventBus;
use email_change::flow::EmailChange;
use events::Events;
use identities::flow::{CHANGES_A_DAY, CODES_A_DAY, Identities};
use invitation::flow::Invitations;
use mailer::Mailer;
use messages::Messages;
use outbox::Outbox;
use problem::Problem;
use queue::{Job, Queue};
use std::fmt;
use std::sync::Arc;
use store::Store;
use table::Table;

/// What the API is made of.
pub struct Parts {
    /// The user pool.
    pub accounts: Arc<dyn Accounts>,
    /// State between two calls.
    pub store: Arc<dyn Store>,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Takes work for a later run.
    pub queue: Arc<dyn Queue>,
    /// Is told what happened to accounts.
    pub bus: Option<Arc<dyn EventBus>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes and checks the digests of codes and tokens.
    pub sealer: Sealer,
    /// The texts of mails.
    pub messages: Messages,
    /// What the operator chose.
    pub settings: Settings,
}

/// The API. Clones share everything.
#[derive(Clone)]
pub struct AccountApi {
    pub(crate) email_change: Arc<EmailChange>,
    pub(crate) invitations: Arc<Invitations>,
    pub(crate) identities: Arc<Identities>,
    pages: Option<pages::Settings>,
    events: Events,
}

impl fmt::Debug for AccountApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountApi(…)")
    }
}

impl AccountApi {
    /// Puts the API together, without a call to AWS.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { accounts, store, mailer, queue, bus, clock, sealer, messages, settings } = parts;
        let events = Events {
            bus,
            queue: Arc::clone(&queue),
            clock: Arc::clone(&clock),
            user_pool_id: settings.user_pool_id.clone(),
        };
        let table = Table { store, clock };
        let outbox = Arc::new(Outbox { mailer, messages });
        let counter = |what, ceilings| Counter { what, ceilings, sealer: sealer.clone() };
        Self {
            email_change: Arc::new(EmailChange {
                accounts: Arc::clone(&accounts),
                table: table.clone(),
                outbox: Arc::clone(&outbox),
                events: events.clone(),
                sealer: sealer.clone(),
                unproven: counter("email-change", settings.email_change.ceilings),
                needs_fresh_sign_ins: settings.identities.needs_fresh_sign_ins(),
                settings: settings.email_change,
            }),
            identities: Arc::new(Identities {
                accounts: Arc::clone(&accounts),
                table: table.clone(),
                outbox: Arc::clone(&outbox),
                events: events.clone(),
                queue: Arc::clone(&queue),
                sealer: sealer.clone(),
                counter: counter("identities", CHANGES_A_DAY),
                notices: counter("identity-notices", CHANGES_A_DAY),
                codes: counter("identity-codes", CODES_A_DAY),
                settings: settings.identities,
            }),
            invitations: Arc::new(Invitations {
                accounts,
                table,
                outbox,
                events: events.clone(),
                queue,
                counter: counter("invitation", settings.invitations.ceilings),
                sealer,
                settings: settings.invitations,
            }),
            pages: settings.pages,
            events,
        }
    }

    /// The routes, with the pages if the settings ask for them. A request must carry API Gateway's request context as
    /// an extension, where `lambda_http` puts it. Without it, nobody is signed in.
    pub fn router(&self) -> Router {
        let api = api::router(self.clone());
        match &self.pages {
            Some(settings) => api.merge(pages::router(settings, api::nothing_here)),
            None => api.fallback(async || api::nothing_here()),
        }
    }

    /// Carries out a job that a request left to a later run.
    ///
    /// # Errors
    ///
    /// Returns the [`Problem`] if the job has to be tried again. A problem that no repetition solves is only logged.
    pub async fn run(&self, job: &Job) -> Result<(), Problem> {
        let done = match job {
            Job::Invite(invite) => Box::pin(self.invitations.run(invite)).await,
            Job::Event { event } => self.events.tell_again(event).await,
            Job::Complete { complete } => Box::pin(self.identities.complete_later(complete)).await,
            Job::LinkBegun { link_begun } => Box::pin(self.identities.link_begun(link_begun)).await,
        };
        let Err(why) = done else { return Ok(()) };
        why.log(None);
        if why.is_passing() { Err(why) } else { Ok(()) }
    }
}

/// 122 random bits, from a cryptographically secure generator.
pub(crate) fn random_uuid() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// AWS's code of an error, or what else went wrong. It contains nothing of the request.
pub(crate) fn aws_error_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("no error code"),
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "unreadable answer",
        _ => "the request could not be made",
    }
    .to_owned()
}
