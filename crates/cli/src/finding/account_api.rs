//! Does the account API fit the pool?

use super::{Facts, Finding, quoted};
use crate::trigger::Trigger;
use serde_json::Value;
use std::collections::BTreeMap;

/// The days that an invitation is valid unless the function's setting says otherwise (docs/SETTINGS.md).
const INVITATION_DAYS: u64 = 7;

/// The function of the account API, which nothing in the pool names.
#[derive(Clone, Debug)]
pub(crate) struct AccountApi {
    /// Its name or ARN, as the operator gave it.
    pub(crate) function: String,
    /// Its settings; `None` if there is no such function.
    pub(crate) settings: Option<BTreeMap<String, String>>,
    /// Whether SES may send from its sender.
    pub(crate) sender_verified: Option<bool>,
}

impl AccountApi {
    /// A setting; `None` if it is not set.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The address that it sends from: the text between `<` and `>`, or all of it.
    pub(crate) fn sender(&self) -> Option<&str> {
        let from = self.setting("EMAIL_FROM")?;
        Some(from.rsplit_once('<').map_or(from, |(_, address)| address.trim_end_matches('>')))
    }

    fn invites(&self) -> bool {
        self.setting("INVITATIONS").is_some_and(|mode| mode != "off")
    }
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(api) = &facts.account_api else { return vec![] };
    let function = api.function.as_str();
    if api.settings.is_none() {
        let why = "There is no such function in the pool's Region";
        return vec![Finding::error("account_api_gone", function, why, "Check the name: aws lambda list-functions")];
    }
    let mut findings = Vec::new();
    if api.setting("USER_POOL_ID") != Some(facts.pool.id()) {
        let why = "The account API works on another pool";
        let remedy = format!("Set USER_POOL_ID to {} on {function}, or name the API of this pool", facts.pool.id());
        findings.push(Finding::error("account_api_of_another_pool", function, why, remedy));
    }
    findings.extend(["NATIVE_USERNAME", "PROVIDERS"].into_iter().filter_map(|name| differs(facts, api, name)));
    if api.sender_verified == Some(false) {
        let sender = api.sender().unwrap_or_default();
        let why = "SES sends nothing from this address: neither it nor its domain is verified, so no code and no invitation goes out";
        let remedy = format!("aws sesv2 create-email-identity --email-identity {}", quoted(sender));
        findings.push(Finding::error("account_api_sender_unverified", sender, why, remedy));
    }
    if api.invites() {
        findings.extend(client(facts, api));
        findings.extend(days(facts, api));
    }
    if let Some(secret) = api.setting("CODE_SECRET_ARN") {
        let why = "The secret that codes and links are made with was not looked at. Without it the API does not start (secret_unreadable)";
        let remedy = format!("aws secretsmanager describe-secret --secret-id {}", quoted(secret));
        findings.push(Finding::note("account_api_secret_not_checked", function, why, remedy));
    }
    findings
}

/// A setting with which the account API and pre-sign-up judge the same people.
fn differs(facts: &Facts, api: &AccountApi, name: &str) -> Option<Finding> {
    facts.has_settings(Trigger::PreSignUp).then_some(())?;
    let default = if name == "NATIVE_USERNAME" { "email" } else { "" };
    let of_trigger = facts.setting(Trigger::PreSignUp, name).unwrap_or(default);
    let own = api.setting(name).unwrap_or(default);
    let why = format!(
        "{name} is {} here and {} for pre-sign-up, so the two may make one person two accounts, or trust a provider differently",
        quoted(own),
        quoted(of_trigger)
    );
    let remedy = format!("Set {name} on {} to what pre-sign-up has", api.function);
    (own != of_trigger).then(|| Finding::error("account_api_setting_differs", &api.function, &why, remedy))
}

fn client(facts: &Facts, api: &AccountApi) -> Option<Finding> {
    let (clients, id) = (facts.clients.as_ref()?, api.setting("BACKEND_CLIENT_ID").unwrap_or_default());
    let why = "The pool does not have the app client that answers invitations, so nobody can accept one";
    let remedy = format!(
        "Set BACKEND_CLIENT_ID on {} to an app client of the pool that allows ALLOW_ADMIN_USER_PASSWORD_AUTH",
        api.function
    );
    let there = clients.iter().any(|client| client.id == id);
    (!there).then(|| Finding::error("account_api_client_missing", id, why, remedy))
}

fn days(facts: &Facts, api: &AccountApi) -> Option<Finding> {
    let of_pool =
        facts.pool.0.pointer("/Policies/PasswordPolicy/TemporaryPasswordValidityDays").and_then(Value::as_u64)?;
    let own = api.setting("INVITATION_DAYS").map_or(Some(INVITATION_DAYS), |days| days.parse().ok())?;
    let why = format!(
        "Invitations are valid for {own} days, and the pool's temporary passwords for {of_pool}: a link that is still open \
         is refused then"
    );
    let remedy =
        format!("Set INVITATION_DAYS on {} to {of_pool}, or TemporaryPasswordValidityDays to {own}", api.function);
    (own > of_pool).then(|| Finding::warning("invitation_outlives_password", &api.function, &why, remedy))
}
