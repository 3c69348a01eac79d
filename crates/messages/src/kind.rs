//! The messages, and the texts that each consists of.

use cognito_core::event::TriggerSource;

/// A message that people receive. The name of a kind ([`Kind::name`]) is also the name of its section in the locale
/// files and of its files in `TEMPLATE_DIR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Cognito: the code that confirms a sign-up (`CustomMessage_SignUp`).
    SignUp,
    /// Cognito: a new code for a sign-up (`CustomMessage_ResendCode`).
    ResendCode,
    /// Cognito: the code for setting a new password (`CustomMessage_ForgotPassword`).
    ForgotPassword,
    /// Cognito: the code sent when an e-mail address or phone number was changed
    /// (`CustomMessage_UpdateUserAttribute`).
    UpdateAttribute,
    /// Cognito: the code that a person asked for to verify an attribute (`CustomMessage_VerifyUserAttribute`).
    VerifyAttribute,
    /// Cognito: user name and temporary password of an account that an administrator made
    /// (`CustomMessage_AdminCreateUser`).
    AdminCreateUser,
    /// Cognito: the second factor of a sign-in (`CustomMessage_Authentication`).
    Authentication,
    /// Account API: asks the current address to approve an e-mail change.
    EmailChangeCurrent,
    /// Account API: asks the new address to confirm an e-mail change.
    EmailChangeNew,
    /// Account API: tells the old address that the e-mail was changed.
    EmailChanged,
    /// Account API: asks a person to approve that their account is connected with another one.
    IdentityCode,
    /// Account API: tells a person that a provider signs in to their account from now on.
    IdentityConnected,
    /// Account API: tells a person that a provider does not sign in to their account any more.
    IdentityDisconnected,
    /// Account API: tells a person that every session of their account was ended.
    SignedOutEverywhere,
    /// Account API: tells a person that their password was changed.
    PasswordChanged,
    /// Account API: tells a person that their account was deleted.
    AccountDeleted,
    /// Account API: invites a person to activate an account.
    Activation,
    /// Account API: tells a person who signs up again that an account exists.
    AccountExists,
}

impl Kind {
    /// Every kind, Cognito's first.
    pub const ALL: [Self; 18] = [
        Self::SignUp,
        Self::ResendCode,
        Self::ForgotPassword,
        Self::UpdateAttribute,
        Self::VerifyAttribute,
        Self::AdminCreateUser,
        Self::Authentication,
        Self::EmailChangeCurrent,
        Self::EmailChangeNew,
        Self::EmailChanged,
        Self::IdentityCode,
        Self::IdentityConnected,
        Self::IdentityDisconnected,
        Self::SignedOutEverywhere,
        Self::PasswordChanged,
        Self::AccountDeleted,
        Self::Activation,
        Self::AccountExists,
    ];

    /// The kinds that Cognito sends: exactly the seven `CustomMessage_*` trigger sources.
    pub const COGNITO: [Self; 7] = [
        Self::SignUp,
        Self::ResendCode,
        Self::ForgotPassword,
        Self::UpdateAttribute,
        Self::VerifyAttribute,
        Self::AdminCreateUser,
        Self::Authentication,
    ];

    /// The kind's name in files and settings, for example `forgot-password`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::ResendCode => "resend-code",
            Self::ForgotPassword => "forgot-password",
            Self::UpdateAttribute => "update-attribute",
            Self::VerifyAttribute => "verify-attribute",
            Self::AdminCreateUser => "admin-create-user",
            Self::Authentication => "authentication",
            Self::EmailChangeCurrent => "email-change-current",
            Self::EmailChangeNew => "email-change-new",
            Self::EmailChanged => "email-changed",
            Self::IdentityCode => "identity-code",
            Self::IdentityConnected => "identity-connected",
            Self::IdentityDisconnected => "identity-disconnected",
            Self::SignedOutEverywhere => "signed-out-everywhere",
            Self::PasswordChanged => "password-changed",
            Self::AccountDeleted => "account-deleted",
            Self::Activation => "activation",
            Self::AccountExists => "account-exists",
        }
    }

    /// The kind with this [`name`](Self::name), or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The trigger source with which Cognito asks for this kind, or `None` for the account API's mails.
    #[must_use]
    pub const fn trigger_source(self) -> Option<TriggerSource> {
        Some(match self {
            Self::SignUp => TriggerSource::CustomMessageSignUp,
            Self::ResendCode => TriggerSource::CustomMessageResendCode,
            Self::ForgotPassword => TriggerSource::CustomMessageForgotPassword,
            Self::UpdateAttribute => TriggerSource::CustomMessageUpdateUserAttribute,
            Self::VerifyAttribute => TriggerSource::CustomMessageVerifyUserAttribute,
            Self::AdminCreateUser => TriggerSource::CustomMessageAdminCreateUser,
            Self::Authentication => TriggerSource::CustomMessageAuthentication,
            Self::EmailChangeCurrent
            | Self::EmailChangeNew
            | Self::EmailChanged
            | Self::IdentityCode
            | Self::IdentityConnected
            | Self::IdentityDisconnected
            | Self::SignedOutEverywhere
            | Self::PasswordChanged
            | Self::AccountDeleted
            | Self::Activation
            | Self::AccountExists => return None,
        })
    }

    /// The kind that Cognito asks for with this source, or `None` for every other source.
    #[must_use]
    pub fn from_trigger_source(source: TriggerSource) -> Option<Self> {
        Self::COGNITO.into_iter().find(|kind| kind.trigger_source() == Some(source))
    }

    /// Whether `MESSAGE_STYLE` applies to the message.
    #[must_use]
    pub const fn has_style(self) -> bool {
        self.trigger_source().is_some() && self.page().is_some()
    }

    /// Whether the message confirms a sign-up. In a pool that verifies by link, Cognito's own link can do that.
    #[must_use]
    pub const fn confirms_sign_up(self) -> bool {
        matches!(self, Self::SignUp | Self::ResendCode)
    }

    /// Whether the message tells its reader of something that an intruder may have done, so that a new password may help.
    #[must_use]
    pub const fn is_about_intruders(self) -> bool {
        matches!(
            self,
            Self::Authentication
                | Self::EmailChangeCurrent
                | Self::IdentityCode
                | Self::IdentityConnected
                | Self::IdentityDisconnected
                | Self::SignedOutEverywhere
                | Self::PasswordChanged
        )
    }

    /// The page of the application that the message's link opens, as a path below `APP_URL`. `None` if the message
    /// never has a link of ours. A code for a sign-in or for connecting an account has no link, so that people get used to
    /// typing it only where they began.
    #[must_use]
    pub const fn page(self) -> Option<&'static str> {
        match self {
            Self::SignUp | Self::ResendCode => Some("/complete-registration"),
            Self::ForgotPassword => Some("/complete-password-reset"),
            Self::UpdateAttribute | Self::VerifyAttribute | Self::EmailChangeCurrent | Self::EmailChangeNew => {
                Some("/complete-email-change")
            }
            Self::AdminCreateUser | Self::AccountExists => Some("/login"),
            Self::Activation => Some("/activate"),
            Self::EmailChanged
            | Self::IdentityCode
            | Self::IdentityConnected
            | Self::IdentityDisconnected
            | Self::SignedOutEverywhere
            | Self::PasswordChanged
            | Self::AccountDeleted
            | Self::Authentication => None,
        }
    }
}

/// One of the texts of a message. Each part can have a custom template of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The subject line of the e-mail.
    Subject,
    /// The e-mail's HTML.
    Html,
    /// The e-mail's plain text. The account API sends one, Cognito does not.
    Text,
    /// The SMS.
    Sms,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Html, Self::Text, Self::Sms];

    /// What follows the kind's name in the name of a template file. Only `.html` is HTML-escaped.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Subject => ".subject.txt",
            Self::Html => ".html",
            Self::Text => ".txt",
            Self::Sms => ".sms.txt",
        }
    }

    pub(crate) const fn built_in(self) -> &'static str {
        match self {
            Self::Subject => "built-in/subject.txt",
            Self::Html => "built-in/message.html",
            Self::Text => "built-in/message.txt",
            Self::Sms => "built-in/sms.txt",
        }
    }
}
