//! The messages, and the texts that each consists of.

use cognito_core::event::TriggerSource;
use cognito_core::event::TriggerSource::{
    CustomMessageAdminCreateUser, CustomMessageAuthentication, CustomMessageForgotPassword, CustomMessageResendCode,
    CustomMessageSignUp, CustomMessageUpdateUserAttribute, CustomMessageVerifyUserAttribute,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $source:expr, $page:expr;)*) => {
        /// A message that people receive. The name of a kind ([`Kind::name`]) is also the name of its section in the
        /// locale files and of its files in `TEMPLATE_DIR`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, Cognito's first.
            pub const ALL: [Self; 18] = [$(Self::$kind),*];

            /// Name, trigger source, and page.
            const fn facts(self) -> (&'static str, Option<TriggerSource>, Option<&'static str>) {
                match self {
                    $(Self::$kind => ($name, $source, $page),)*
                }
            }
        }
    };
}

// Each kind with its name, the trigger source with which Cognito asks for it, and the page that its link opens.
kinds! {
    /// Cognito: the code that confirms a sign-up (`CustomMessage_SignUp`).
    SignUp = "sign-up", Some(CustomMessageSignUp), Some("/complete-registration");
    /// Cognito: a new code for a sign-up (`CustomMessage_ResendCode`).
    ResendCode = "resend-code", Some(CustomMessageResendCode), Some("/complete-registration");
    /// Cognito: the code for setting a new password (`CustomMessage_ForgotPassword`).
    ForgotPassword = "forgot-password", Some(CustomMessageForgotPassword), Some("/complete-password-reset");
    /// Cognito: the code sent when an e-mail address or phone number was changed
    /// (`CustomMessage_UpdateUserAttribute`).
    UpdateAttribute = "update-attribute", Some(CustomMessageUpdateUserAttribute), Some("/complete-email-change");
    /// Cognito: the code that a person asked for to verify an attribute (`CustomMessage_VerifyUserAttribute`).
    VerifyAttribute = "verify-attribute", Some(CustomMessageVerifyUserAttribute), Some("/complete-email-change");
    /// Cognito: user name and temporary password of an account that an administrator made
    /// (`CustomMessage_AdminCreateUser`).
    AdminCreateUser = "admin-create-user", Some(CustomMessageAdminCreateUser), Some("/login");
    /// Cognito: the second factor of a sign-in (`CustomMessage_Authentication`).
    Authentication = "authentication", Some(CustomMessageAuthentication), None;
    /// Account API: asks the current address to approve an e-mail change.
    EmailChangeCurrent = "email-change-current", None, Some("/complete-email-change");
    /// Account API: asks the new address to confirm an e-mail change.
    EmailChangeNew = "email-change-new", None, Some("/complete-email-change");
    /// Account API: tells the old address that the e-mail was changed.
    EmailChanged = "email-changed", None, None;
    /// Account API: asks a person to approve that their account is connected with another one.
    IdentityCode = "identity-code", None, None;
    /// Account API: tells a person that a provider signs in to their account from now on.
    IdentityConnected = "identity-connected", None, None;
    /// Account API: tells a person that a provider does not sign in to their account any more.
    IdentityDisconnected = "identity-disconnected", None, None;
    /// Account API: tells a person that every session of their account was ended.
    SignedOutEverywhere = "signed-out-everywhere", None, None;
    /// Account API: tells a person that their password was changed.
    PasswordChanged = "password-changed", None, None;
    /// Account API: tells a person that their account was deleted.
    AccountDeleted = "account-deleted", None, None;
    /// Account API: invites a person to activate an account.
    Activation = "activation", None, Some("/activate");
    /// Account API: tells a person who signs up again that an account exists.
    AccountExists = "account-exists", None, Some("/login");
}

impl Kind {
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
        self.facts().0
    }

    /// The kind with this [`name`](Self::name), or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The trigger source with which Cognito asks for this kind, or `None` for the account API's mails.
    #[must_use]
    pub const fn trigger_source(self) -> Option<TriggerSource> {
        self.facts().1
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
        self.facts().2
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
