//! What the operator chose, read from environment variables. Each part of the API reads its own.

use crate::{email_change, identities, invitation, pages};
use cognito_core::account_event::{EVENT_BUS, bus_from_lookup};
use cognito_core::email::Email;
use cognito_core::provider::SignUpDomains;
use cognito_core::settings::{self, DEFAULT_GROUP, Lookup, OVERRIDES, PAGES_RETURN_URL, PROVIDERS, SettingError};

/// Every environment variable this function reads.
pub const NAMES: [&str; 49] = [
    OVERRIDES,
    "USER_POOL_ID",
    "BACKEND_CLIENT_ID",
    "TABLE_NAME",
    "CODE_SECRET_ARN",
    "EMAIL_FROM",
    "EMAIL_REPLY_TO",
    "SES_CONFIGURATION_SET",
    "LINKED_EMAIL_CHANGE",
    "EMAIL_CHANGE_SESSIONS",
    "EMAIL_CHANGES_A_DAY",
    "SELF_SERVICE_LINKING",
    "ACCOUNT_DELETION",
    "LINK_NOTICES",
    EVENT_BUS,
    "SECOND_SUBJECT",
    "LINK_WITH_FACTORS",
    "INVITATIONS",
    "ADMIN_GROUP",
    "INVITATION_ATTRIBUTES",
    "INVITATION_DAYS",
    "INVITATIONS_A_DAY",
    "INVITATION_GROUPS",
    "INVITATION_RETURN_URLS",
    SignUpDomains::NAMES[0],
    SignUpDomains::NAMES[1],
    "NATIVE_USERNAME",
    PROVIDERS,
    DEFAULT_GROUP,
    messages::settings::APP_NAME,
    messages::settings::APP_URL,
    messages::settings::SUPPORT_EMAIL,
    messages::settings::LOGO_URL,
    messages::settings::LEGAL_FOOTER,
    messages::settings::TERMS_URL,
    messages::settings::PRIVACY_URL,
    messages::settings::BRAND_COLOR,
    messages::settings::DEFAULT_LOCALE,
    messages::settings::FORM_OF_ADDRESS,
    messages::settings::MESSAGE_STYLE,
    messages::settings::TEMPLATE_DIR,
    pages::PAGES_CLIENT_ID,
    pages::PAGES_SIGN_IN_URL,
    pages::PAGES_COGNITO_URL,
    pages::PAGES_API_URL,
    pages::PAGES_REGISTRATION,
    pages::PAGES_PROVIDERS,
    pages::PAGES_PASSWORD_RULES,
    PAGES_RETURN_URL,
];

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `USER_POOL_ID`.
    pub user_pool_id: String,
    /// `TABLE_NAME`.
    pub table: String,
    /// `CODE_SECRET_ARN`.
    pub code_secret: String,
    /// `EMAIL_FROM`.
    pub from: String,
    /// `EMAIL_REPLY_TO`.
    pub reply_to: Option<String>,
    /// `SES_CONFIGURATION_SET`.
    pub configuration_set: Option<String>,
    /// `EVENT_BUS`.
    pub event_bus: Option<String>,
    /// `LINKED_EMAIL_CHANGE` and the other settings of changes.
    pub email_change: email_change::Settings,
    /// `SELF_SERVICE_LINKING`.
    pub identities: identities::Settings,
    /// `INVITATIONS` and the other settings of invitations.
    pub invitations: invitation::Settings,
    /// `APP_NAME` and the other settings of messages.
    pub messages: messages::Settings,
    /// `PAGES_CLIENT_ID` and the other settings of the pages. `None` serves no pages.
    pub pages: Option<pages::Settings>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for the first variable that is missing or has a value that is not allowed.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let plain = |text: &str| (!text.contains(char::is_whitespace)).then(|| text.to_owned());
        let user_pool_id = settings::required(lookup, "USER_POOL_ID", "the id of a user pool", |id| {
            (plain(id).is_some() && id.contains('_')).then(|| id.to_owned())
        })?;
        Ok(Self {
            table: settings::required(lookup, "TABLE_NAME", "the name of a DynamoDB table", plain)?,
            code_secret: settings::required(lookup, "CODE_SECRET_ARN", "the ARN of a secret", plain)?,
            from: settings::required(lookup, "EMAIL_FROM", "a sender such as Example <no-reply@example.com>", sender)?,
            reply_to: settings::optional(lookup, "EMAIL_REPLY_TO", "a sender such as help@example.com", sender)?,
            configuration_set: settings::optional(
                lookup,
                "SES_CONFIGURATION_SET",
                "1 to 64 letters, digits, hyphens and underscores",
                configuration_set,
            )?,
            event_bus: bus_from_lookup(lookup)?,
            email_change: email_change::Settings::from_lookup(lookup)?,
            identities: identities::Settings::from_lookup(lookup)?,
            invitations: invitation::Settings::from_lookup(lookup)?,
            pages: pages::Settings::for_pool(lookup, &user_pool_id)?,
            messages: messages::Settings::from_lookup(lookup)?,
            user_pool_id,
        })
    }
}

/// An address, or a name with an address in angle brackets.
fn sender(text: &str) -> Option<String> {
    let address = match text.rsplit_once('<') {
        Some((name, rest)) if !name.contains(char::is_control) => rest.strip_suffix('>')?,
        Some(_) => return None,
        None => text,
    };
    Email::parse(address).ok().map(|_| text.to_owned())
}

/// A name as SES allows it (API reference, `ConfigurationSetName`).
fn configuration_set(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (name.len() <= 64 && name.chars().all(allowed)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::Mode;
    use crate::testing::settings;
    use cognito_core::testing::{documented_settings, sorted};

    fn with(name: &str, value: &str) -> Result<Settings, SettingError> {
        settings(&[(name, value)])
    }

    #[test]
    fn unset_means_the_strictest_sensible_choice() {
        let settings = settings(&[]).unwrap();
        assert!(!settings.email_change.linked_may_change && settings.email_change.end_sessions);
        assert!(settings.reply_to.is_none());
        assert_eq!((settings.invitations.mode, settings.invitations.days), (Mode::Off, 7));
        assert!(!settings.invitations.attributes.iter().any(|name| name.contains("phone")));
    }

    #[test]
    fn what_must_be_set_stops_the_start_without_it() {
        for name in ["USER_POOL_ID", "TABLE_NAME", "CODE_SECRET_ARN", "EMAIL_FROM"] {
            let error = with(name, " ").unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("allowed is"), "{error}");
        }
        for mode in ["public", "members"] {
            assert!(with("INVITATIONS", mode).is_err(), "{mode} needs an app client, an address and a group");
        }
    }

    #[test]
    fn invitations_need_a_client_a_link_and_for_members_a_group() {
        let mode = ("INVITATIONS", "members");
        let needed =
            [("BACKEND_CLIENT_ID", "client"), ("ADMIN_GROUP", "admins"), ("APP_URL", "https://app.example.com")];
        let all = settings(&[&[mode], &needed[..]].concat()).unwrap();
        assert_eq!(all.invitations.mode, Mode::Members("admins".into()));
        for (left_out, _) in needed {
            let rest = needed.into_iter().filter(|(name, _)| *name != left_out);
            let error = settings(&[mode].into_iter().chain(rest).collect::<Vec<_>>()).unwrap_err();
            assert!(error.to_string().contains(left_out), "{left_out}");
        }
    }

    #[test]
    fn a_sender_and_a_configuration_set_are_as_ses_takes_them() {
        for wrong in ["Exam\u{7}ple <no-reply@example.com>", "Example <no-reply@example.com", "Example"] {
            assert!(with("EMAIL_FROM", wrong).is_err(), "{wrong}");
        }
        assert!(with("EMAIL_FROM", "Example <no-reply@example.com>").is_ok());
        let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
        for (name, is_allowed) in
            [("Mails-2_b", true), (&longest, true), (&too_long, false), ("a b", false), ("\u{e4}", false)]
        {
            let read = with("SES_CONFIGURATION_SET", name).map(|settings| settings.configuration_set);
            assert_eq!(read.ok(), is_allowed.then(|| Some(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn every_choice_stops_the_start_with_a_wrong_value() {
        let wrong = [
            ("USER_POOL_ID", "pool"),
            ("EMAIL_FROM", "Example"),
            ("EMAIL_FROM", "Example <a@b@c>"),
            ("EMAIL_REPLY_TO", "nobody"),
            ("SES_CONFIGURATION_SET", "mail events"),
            ("LINKED_EMAIL_CHANGE", "yes"),
            ("EMAIL_CHANGE_SESSIONS", "no"),
            ("EMAIL_CHANGES_A_DAY", "10"),
            ("SELF_SERVICE_LINKING", "on"),
            ("SECOND_SUBJECT", "allow"),
            ("LINK_WITH_FACTORS", "ask"),
            ("INVITATIONS_A_DAY", "5,100,0"),
            ("INVITATIONS", "everybody"),
            ("INVITATION_ATTRIBUTES", "email_verified"),
            ("INVITATION_GROUPS", "a,two words"),
            ("INVITATION_GROUPS", "a,,b"),
            ("INVITATION_RETURN_URLS", "https://a.example/,b.example"),
            ("INVITATION_DAYS", "0"),
            ("INVITATION_DAYS", "366"),
            ("NATIVE_USERNAME", "phone"),
            ("DEFAULT_GROUP", "two words"),
            ("APP_URL", "ftp://example.com"),
        ];
        for (name, value) in wrong {
            let error = with(name, value).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn the_readme_lists_every_variable_and_no_other() {
        assert_eq!(documented_settings("account-api"), sorted(&NAMES));
    }
}
