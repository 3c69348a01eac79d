//! A mailer for tests. It keeps the mails it is given.

use super::{Mailer, NotSent};
use cognito_core::email::Email;
use futures_util::future::{BoxFuture, FutureExt};
use messages::Letter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A mail that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The recipient.
    pub to: String,
    /// What was sent.
    pub letter: Letter,
}

impl Sent {
    /// The code in the mail: its first six digits in a row.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        self.letter.text.split(|c: char| !c.is_alphanumeric()).find(digits).map(str::to_owned)
    }

    /// The value of a parameter of the link in the mail.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, rest) = self.letter.text.split_once(&format!("{name}="))?;
        let value: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.~%".contains(*c)).collect();
        Some(percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned())
    }
}

#[derive(Clone, Debug, Default)]
struct Mailbox {
    sent: Vec<Sent>,
    refusal: Option<&'static str>,
}

/// One mailbox for all addresses. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryMailer(Arc<Mutex<Mailbox>>);

impl MemoryMailer {
    /// Every mail so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// Every mail so far to an address.
    #[must_use]
    pub fn all_to(&self, address: &str) -> Vec<Sent> {
        self.state().sent.iter().filter(|mail| mail.to == address).cloned().collect()
    }

    /// The last mail to an address.
    #[must_use]
    pub fn last_to(&self, address: &str) -> Option<Sent> {
        self.state().sent.iter().rfind(|mail| mail.to == address).cloned()
    }

    /// Takes over every mail that another mailer has.
    pub fn copy_from(&self, other: &Self) {
        let copied = other.state().clone();
        *self.state() = copied;
    }

    /// Sets whether mails are refused from now on, as SES does when the sender is not verified.
    pub fn set_broken(&self, broken: bool) {
        self.set_refusal(broken.then_some("MessageRejected"));
    }

    /// Sets SES's error code with which mails are refused from now on. `None` accepts them.
    pub fn set_refusal(&self, code: Option<&'static str>) {
        self.state().refusal = code;
    }

    fn state(&self) -> MutexGuard<'_, Mailbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for MemoryMailer {
    fn send<'a>(&'a self, to: &'a Email, letter: &'a Letter) -> BoxFuture<'a, Result<(), NotSent>> {
        async move {
            let mut state = self.state();
            if let Some(code) = state.refusal {
                return Err(NotSent { code: code.to_owned() });
            }
            state.sent.push(Sent { to: to.as_str().to_owned(), letter: letter.clone() });
            Ok(())
        }
        .boxed()
    }
}
