//! The mails that the account API sends itself. They have the real code or link instead of Cognito's placeholder.

use crate::cognito::Person;
use crate::context::Facts;
use crate::engine::Engine;
use crate::kind::{Kind, Part};
use crate::limits::{EMAIL_LIMIT, Lengths, Needs, check_body, check_subject};
use crate::link::Link;
use crate::personal::{greeting_name, one_line};
use crate::placeholder::{self, Placeholders};
use crate::settings::{Settings, Style};
use crate::skipped::{Reason, SkippedTemplate};
use crate::writer::Writer;

/// One mail of the account API and the facts that only it states. This crate makes its link, below `APP_URL`, so that a
/// mail and its preview have the same link. Without `APP_URL` a mail has no link.
#[derive(Debug, Clone, Copy)]
pub enum Mail<'a> {
    /// Asks the current address to approve the change to another one. The link opens a page whose button enters the
    /// code.
    EmailChangeCurrent {
        /// The code, letters and digits only.
        code: &'a str,
        /// The new address in full, so that its owner can tell it from an attacker's.
        new_email: &'a str,
        /// How long the code is valid.
        minutes: u32,
    },
    /// Asks the new address to confirm that it is the reader's. The link opens a page whose button enters the code.
    EmailChangeNew {
        /// The code, letters and digits only.
        code: &'a str,
        /// How long the code is valid.
        minutes: u32,
    },
    /// Tells the old address that it was changed.
    EmailChanged {
        /// The new address as the reader may see it, masked or not.
        new_email: &'a str,
    },
    /// Asks to approve that the account is connected with another one.
    IdentityCode {
        /// The code, letters and digits only.
        code: &'a str,
        /// What people call the provider that the other account is signed in to with.
        provider: &'a str,
        /// How long the code is valid.
        minutes: u32,
    },
    /// Tells that an identity of a provider signs in to the account from now on.
    IdentityConnected {
        /// What people call the provider.
        provider: &'a str,
    },
    /// Tells that an identity of a provider does not sign in to the account any more.
    IdentityDisconnected {
        /// What people call the provider.
        provider: &'a str,
    },
    /// Tells that every session of the account was ended.
    SignedOutEverywhere,
    /// Tells that the password was changed.
    PasswordChanged,
    /// Tells that the account was deleted.
    AccountDeleted,
    /// An invitation to activate an account on a page. It needs `APP_URL`.
    Activation {
        /// The user name of the account.
        username: &'a str,
        /// The token that proves the invitation.
        token: &'a str,
        /// How long the link is valid.
        days: u32,
        /// Who invites, as they call themselves. The mail leaves out a name that a greeting would leave out.
        inviter: Option<&'a str>,
    },
    /// A person with an account signed up again. Links to the application's sign-in page if `APP_URL` is set.
    AccountExists,
}

impl Mail<'_> {
    /// The kind of this mail.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::EmailChangeCurrent { .. } => Kind::EmailChangeCurrent,
            Self::EmailChangeNew { .. } => Kind::EmailChangeNew,
            Self::EmailChanged { .. } => Kind::EmailChanged,
            Self::IdentityCode { .. } => Kind::IdentityCode,
            Self::IdentityConnected { .. } => Kind::IdentityConnected,
            Self::IdentityDisconnected { .. } => Kind::IdentityDisconnected,
            Self::SignedOutEverywhere => Kind::SignedOutEverywhere,
            Self::PasswordChanged => Kind::PasswordChanged,
            Self::AccountDeleted => Kind::AccountDeleted,
            Self::Activation { .. } => Kind::Activation,
            Self::AccountExists => Kind::AccountExists,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::EmailChangeCurrent { code, .. }
            | Self::EmailChangeNew { code, .. }
            | Self::IdentityCode { code, .. } => Some(code),
            Self::EmailChanged { .. }
            | Self::IdentityConnected { .. }
            | Self::IdentityDisconnected { .. }
            | Self::SignedOutEverywhere
            | Self::PasswordChanged
            | Self::AccountDeleted
            | Self::Activation { .. }
            | Self::AccountExists => None,
        }
    }
}

/// A mail with both bodies, for a multipart/alternative message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line of 1 to 140 characters.
    pub subject: String,
    /// The HTML body.
    pub html: String,
    /// The plain-text body.
    pub text: String,
    /// Every custom template that was skipped. Each is an error that an operator should see.
    pub skipped: Vec<SkippedTemplate>,
}

/// Why no mail was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The code has characters that could be read as markup. Only ASCII letters and digits are allowed.
    #[error("the code of a mail may have ASCII letters and digits only")]
    Code,
    /// The mail is useless without a link, and `APP_URL` is unset.
    #[error("this mail needs a link, so APP_URL must be set")]
    NoPages,
    /// No template gave a text that passes the checks. The list says why.
    #[error("no template could be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoTemplate(Vec<SkippedTemplate>),
}

pub(crate) fn letter(
    engine: &Engine,
    settings: &Settings,
    mail: &Mail<'_>,
    person: &Person<'_>,
) -> Result<Letter, MailError> {
    let facts = facts(settings, mail, person)?;
    let code = mail.code().unwrap_or_default();
    let lengths = Lengths { code: code.len(), username: 0, link: 0 };
    let needs = Needs { code: mail.code().is_some(), ..Needs::default() };
    let mut writer = Writer {
        kind: mail.kind(),
        settings,
        engine,
        placeholders: Placeholders { code, username: "", link: "" },
        locales: person.locales,
        skipped: Vec::new(),
    };
    let check = |text: &str| {
        // HTML writes the `&` of the link as an entity, so only the part before it is compared.
        if mail.kind() == Kind::Activation && !text.contains(facts.link.split('&').next().unwrap_or_default()) {
            return Err(Reason::NoLink);
        }
        check_body(text, needs, lengths, EMAIL_LIMIT)
    };
    let html = writer.part(Part::Html, &[&facts], check);
    let text = writer.part(Part::Text, &[&facts], check);
    let subject = writer.part(Part::Subject, &[&facts], |text| check_subject(text, lengths));
    match (subject, html, text) {
        (Some(subject), Some(html), Some(text)) => Ok(Letter { subject, html, text, skipped: writer.skipped }),
        _ => Err(MailError::NoTemplate(writer.skipped)),
    }
}

fn facts(settings: &Settings, mail: &Mail<'_>, person: &Person<'_>) -> Result<Facts, MailError> {
    if mail.code().is_some_and(|code| code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Err(MailError::Code);
    }
    let mut facts = Facts {
        name: person.name.and_then(greeting_name).unwrap_or_default(),
        username: person.username.map(one_line).unwrap_or_default(),
        email: person.email.map(one_line).unwrap_or_default(),
        link_client: person.link_client.unwrap_or_default().to_owned(),
        ..Facts::default()
    };
    if mail.code().is_some() {
        facts.code = placeholder::CODE.to_string();
    }
    facts.link = link(settings, mail, person).unwrap_or_default();
    facts.style = if facts.link.is_empty() { Style::Code } else { Style::Link };
    match *mail {
        Mail::EmailChangeCurrent { new_email, minutes, .. } => {
            facts.new_email = one_line(new_email);
            facts.minutes = Some(minutes);
        }
        Mail::EmailChangeNew { minutes, .. } => facts.minutes = Some(minutes),
        Mail::EmailChanged { new_email } => facts.new_email = one_line(new_email),
        Mail::IdentityCode { provider, minutes, .. } => {
            facts.provider = one_line(provider);
            facts.minutes = Some(minutes);
        }
        Mail::IdentityConnected { provider } | Mail::IdentityDisconnected { provider } => {
            facts.provider = one_line(provider);
        }
        Mail::Activation { days, inviter, .. } => {
            facts.inviter = inviter.and_then(greeting_name).unwrap_or_default();
            if facts.link.is_empty() {
                return Err(MailError::NoPages);
            }
            facts.days = Some(days);
        }
        Mail::SignedOutEverywhere | Mail::PasswordChanged | Mail::AccountDeleted | Mail::AccountExists => {}
    }
    Ok(facts)
}

/// The link to the page for this mail. `None` without `APP_URL`, and for a mail that has no page.
pub(crate) fn link(settings: &Settings, mail: &Mail<'_>, person: &Person<'_>) -> Option<String> {
    let link = Link::to(settings.branding.app_url.as_deref()?, mail.kind().page()?);
    let link = match *mail {
        Mail::EmailChangeCurrent { .. } | Mail::EmailChangeNew { .. } => link.with_code(),
        Mail::Activation { username, token, .. } => link.with("username", username).with("token", token),
        Mail::EmailChanged { .. }
        | Mail::IdentityCode { .. }
        | Mail::IdentityConnected { .. }
        | Mail::IdentityDisconnected { .. }
        | Mail::SignedOutEverywhere
        | Mail::PasswordChanged
        | Mail::AccountDeleted
        | Mail::AccountExists => link.with_email(person.email),
    };
    Some(link.with_client(person.link_client).into_url())
}
