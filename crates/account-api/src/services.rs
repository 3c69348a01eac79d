//! What the API works with, and what its parts share: state with a version, and mails.

use crate::clock::Clock;
use crate::code::Sealer;
use crate::mailer::Mailer;
use crate::problem::{Code, Problem};
use crate::settings::Settings;
use crate::store::{Store, Written};
use cognito_core::email::Email;
use messages::{Mail, Messages, Person};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// `error_code` of the log line for each template that could not be used for a mail.
pub(crate) const TEMPLATE_PASSED_OVER: &str = "template_passed_over";

/// Everything the API works with: the pool, inviting people to it, state, mails, time, and what the operator chose.
pub struct Services<P, I, S, M> {
    /// The user pool.
    pub pool: P,
    /// Inviting people to that pool.
    pub invitations: I,
    /// State between two calls.
    pub store: S,
    /// How mails leave.
    pub mailer: M,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The key of codes and tokens.
    pub sealer: Sealer,
    /// What mails say.
    pub messages: Messages,
    /// What the operator chose.
    pub settings: Settings,
    /// How long the answer to a public invitation takes at least, whatever was done: who measures it learns nothing.
    pub answer_after: Duration,
}

impl<P, I, S, M> fmt::Debug for Services<P, I, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// State as it was read, or as it was just written.
pub(crate) struct Held<T> {
    version: Option<u64>,
    pub(crate) value: T,
}

impl<T> Held<T> {
    /// Another value, to be written in place of the same version.
    pub(crate) fn with(self, value: T) -> Self {
        Self { value, ..self }
    }
}

impl<P: Sync, I: Sync, S: Store, M: Mailer> Services<P, I, S, M> {
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Reads state; what is not there is empty.
    pub(crate) async fn load<T: DeserializeOwned + Default>(&self, key: &str) -> Result<Held<T>, Problem> {
        let Some(document) = self.store.load(key).await? else {
            return Ok(Held { version: None, value: T::default() });
        };
        // What a later version wrote is not to be overwritten by an earlier one.
        let value = serde_json::from_str(&document.body).map_err(|_| Code::Misconfigured)?;
        Ok(Held { version: Some(document.version), value })
    }

    /// Writes state in place of what was read; `None` if somebody else came first.
    pub(crate) async fn replace<T: Serialize>(
        &self,
        key: &str,
        held: Held<T>,
        value: T,
        keep_until: impl Fn(&T, u64) -> u64,
    ) -> Result<Option<Held<T>>, Problem> {
        let body = serde_json::to_string(&value).map_err(|_| Code::Misconfigured)?;
        let until = keep_until(&value, self.now());
        match self.store.save(key, held.version, &body, until).await? {
            Written::Stored => Ok(Some(Held { version: Some(held.version.map_or(1, |version| version + 1)), value })),
            Written::Conflict => Ok(None),
        }
    }

    /// Writes a mail and sends it.
    pub(crate) async fn mail(
        &self,
        to: &Email,
        mail: &Mail<'_>,
        name: Option<&str>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let person = Person { name, username: None, email: Some(to.as_str()), locales };
        let letter =
            self.messages.letter(mail, &person).map_err(|why| Problem::from(Code::Misconfigured).because(&why))?;
        for fall in &letter.falls {
            let (kind, cause) = (fall.kind.name(), fall.to_string());
            tracing::error!(error_code = TEMPLATE_PASSED_OVER, kind, cause, "a template was passed over");
        }
        Ok(self.mailer.send(to, &letter).await?)
    }
}

/// 122 random bits, from a cryptographically secure generator.
pub(crate) fn random_uuid() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}
