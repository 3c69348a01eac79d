//! What is known of a pool and of what belongs to it.

use super::account_api::AccountApi;
use super::person::LogDelivery;
use crate::function_arn::FunctionArn;
use crate::owner::Owner;
use crate::pool_settings::Description;
use crate::trigger::Trigger;
use cognito_core::user_pool::AppClient;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything the checks look at. `None` means that it could not be read, and a gap says why, unless a
/// fact says otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The pool's settings.
    pub(crate) pool: Description,
    /// The tool that owns it, `None` if none is known to; the error is why this could not be found out.
    pub(crate) owner: Option<Result<Owner, String>>,
    /// Its identity providers.
    pub(crate) providers: Option<Vec<Provider>>,
    /// Its app clients.
    pub(crate) clients: Option<Vec<AppClient>>,
    /// What is attached to its triggers.
    pub(crate) functions: BTreeMap<Trigger, Attached>,
    /// The functions that its triggers should have, one of these each. Other triggers may have anything.
    pub(crate) expected: BTreeMap<Trigger, Vec<String>>,
    /// The team's own functions that attach made ours call.
    pub(crate) chained: BTreeMap<Trigger, String>,
    /// The groups that the functions name and the pool has.
    pub(crate) groups: Option<BTreeSet<String>>,
    /// Whether SES may send to everybody, not only to verified addresses.
    pub(crate) ses_production: Option<bool>,
    /// Whether SES sends at all.
    pub(crate) ses_sending: Option<bool>,
    /// How much SES may send a day, and has sent.
    pub(crate) ses_quota: Option<SendQuota>,
    /// Whether the sender is verified.
    pub(crate) sender_verified: Option<bool>,
    /// Whether its mails are signed with DKIM.
    pub(crate) sender_signs: Option<bool>,
    /// What Amazon SNS does with text messages, if the pool sends any.
    pub(crate) text_messages: Option<TextMessages>,
    /// Where Cognito writes down what it could not send. Read for a person only.
    pub(crate) log_delivery: Option<LogDelivery>,
    /// What it wrote there lately. Read for a person only.
    pub(crate) undelivered: Option<Trouble>,
    /// What the function of the messages wrote about trouble lately. Read for a person only.
    pub(crate) message_trouble: Option<Trouble>,
    /// The account API, if the operator named its function.
    pub(crate) account_api: Option<AccountApi>,
    /// The account's quotas for user pools.
    pub(crate) quotas: Vec<Quota>,
    /// What could not be read.
    pub(crate) gaps: Vec<Gap>,
}

/// An identity provider of the pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    /// Its name in the pool.
    pub(crate) name: String,
    /// `Google`, `OIDC`, `SAML`, …
    pub(crate) kind: String,
    /// Its issuer, if it is an OIDC provider; otherwise empty.
    pub(crate) issuer: String,
    /// What it is asked for (`authorize_scopes`), separated by blanks or commas; empty if that is not known.
    pub(crate) scopes: String,
    /// The URLs of an OIDC provider beside its issuer, as far as the pool has them.
    pub(crate) endpoints: Vec<String>,
    /// Its claims, by the attribute of the pool that each is written to.
    pub(crate) mapping: BTreeMap<String, String>,
    /// Whether its SAML metadata show that its subjects change. False where the pool stores no metadata, only their URL.
    pub(crate) transient_name_ids: bool,
}

/// A function that is attached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attached {
    /// Its ARN.
    pub(crate) arn: String,
    /// Whether it is there.
    pub(crate) exists: Option<bool>,
    /// Whether Cognito may call it.
    pub(crate) callable: Option<bool>,
    /// Where it writes its log.
    pub(crate) log_group: Option<String>,
    /// Its own settings.
    pub(crate) settings: Option<BTreeMap<String, String>>,
    /// Permissions that the function needs and its role lacks.
    pub(crate) lacking: Option<Vec<String>>,
    /// The team's own function that it calls (`NEXT_FUNCTION`).
    pub(crate) next: Option<Next>,
}

/// The team's own function that one of ours calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Next {
    /// As the setting names it.
    pub(crate) name: String,
    /// Its ARN; `None` if the setting names no function.
    pub(crate) arn: Option<FunctionArn>,
    /// Whether it is there.
    pub(crate) exists: Option<bool>,
    /// Whether our function may call it.
    pub(crate) callable: Option<bool>,
    /// Our function's role.
    pub(crate) role: String,
    /// Whether it leads back to our function, at once or over others.
    pub(crate) leads_back: bool,
    /// Its own time limit in seconds.
    pub(crate) timeout: Option<i32>,
}

/// A quota of the account.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    /// Its name, such as `Rate of UserCreation requests`.
    pub(crate) name: String,
    /// Its value, in requests per second for those that we look at.
    pub(crate) value: f64,
    /// Whether it can be raised.
    pub(crate) adjustable: bool,
}

/// The quota of SES for 24 hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendQuota {
    /// Mails that may be sent; -1 if there is no limit.
    pub(crate) a_day: f64,
    /// Mails that were sent in the last 24 hours.
    pub(crate) sent: f64,
}

/// What Amazon SNS does with text messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextMessages {
    /// Whether they reach only verified numbers; `None` if that is not known.
    pub(crate) sandbox: Option<bool>,
    /// What may be spent a month, in US dollars.
    pub(crate) dollars_a_month: Option<f64>,
}

/// What a log holds of the last day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Lines about trouble, as far as they were read.
    pub(crate) lines: usize,
    /// When the last one was written, RFC 3339 in UTC.
    pub(crate) last: Option<String>,
    /// The `error_code` of the last one.
    pub(crate) code: Option<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    /// What.
    pub(crate) what: String,
    /// The action that the caller needs to be allowed.
    pub(crate) permission: String,
    /// What AWS answered.
    pub(crate) reason: String,
}

impl Facts {
    /// What is known when only the pool's settings were read.
    pub(crate) fn of(pool: Description) -> Self {
        Self { pool, ..Self::default() }
    }

    /// A list of texts among the pool's settings.
    pub(crate) fn list(&self, pointer: &str) -> Vec<&str> {
        let items = self.pool.0.pointer(pointer).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// A text among the pool's settings, empty if it is not set.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.pool.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the pool can send text messages. Some answers hold the setting without anything in it.
    pub(crate) fn sends_text_messages(&self) -> bool {
        !self.text("/SmsConfiguration/SnsCallerArn").is_empty()
    }

    /// Whether the pool tells upper from lower case. It does so if Cognito leaves the setting out.
    pub(crate) fn is_case_sensitive(&self) -> bool {
        self.pool.0.pointer("/UsernameConfiguration/CaseSensitive").and_then(Value::as_bool).unwrap_or(true)
    }

    /// A setting of an attached function; `None` if it is not set, or not known.
    pub(crate) fn setting(&self, trigger: Trigger, name: &str) -> Option<&str> {
        let value = self.functions.get(&trigger)?.settings.as_ref()?.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a function is attached whose own settings are known.
    pub(crate) fn has_settings(&self, trigger: Trigger) -> bool {
        self.functions.get(&trigger).is_some_and(|function| function.settings.is_some())
    }
}
