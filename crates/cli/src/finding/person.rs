//! Why does this person get no message?

use super::{Facts, Finding, Trouble, quoted};
use crate::trigger::Trigger;
use cognito_core::user_pool::{ProfileRecord, Status};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// One profile of the person, with what is known of its messages. `None` means that it could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The profile.
    pub(crate) profile: ProfileRecord,
    /// The entry of its address on SES's suppression list.
    pub(crate) suppression: Option<Suppression>,
    /// What it did lately, the latest first; empty if the pool's plan keeps no events.
    pub(crate) events: Option<Vec<Event>>,
}

/// An address that SES sends nothing to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suppression {
    /// `BOUNCE` or `COMPLAINT`.
    pub(crate) why: String,
    /// Since when, RFC 3339 in UTC.
    pub(crate) since: Option<String>,
    /// The Region of SES.
    pub(crate) region: String,
}

impl Suppression {
    /// The command that takes the address off the list.
    pub(crate) fn remedy(&self, email: &str) -> String {
        let (email, region) = (quoted(email), &self.region);
        format!("aws sesv2 delete-suppressed-destination --email-address {email} --region {region}")
    }
}

/// Where Cognito writes down what it could not send.
#[derive(Clone, Debug)]
pub(crate) enum LogDelivery {
    /// Nowhere.
    Off,
    /// To this log group; empty if it goes elsewhere.
    To(String),
}

/// Something that happened to a profile.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// When, RFC 3339 in UTC.
    pub(crate) at: Option<String>,
    /// `ForgotPassword`, `ResendCode`, …
    pub(crate) kind: String,
    /// `Pass`, `Fail` or `InProgress`.
    pub(crate) outcome: String,
}

/// What is found about the profiles of a person, and where to look further.
pub(super) fn check(facts: &Facts, people: &[Person]) -> Vec<Finding> {
    let mut findings: Vec<_> = people.iter().flat_map(|person| of(facts, person)).collect();
    if people.is_empty() {
        let why = "No profile has this user name, sub or address. Cognito sends nothing then; to the app it may answer as \
                   if it had";
        let remedy = "Ask the person which address they registered with";
        findings.push(Finding::error("no_profile", "the person", why, remedy));
    }
    if people.len() > 1 {
        let why = "Several profiles have this address, and a message is about one of them only";
        findings.push(Finding::note("several_profiles", "the person", why, "cognito-triggers show tells them apart"));
    }
    findings.extend(where_to_look(facts));
    findings
}

/// What to say if nothing keeps messages away.
pub(super) fn nothing_found() -> Finding {
    let why = "Nothing that can be read here keeps messages from this person";
    let remedy = "Look into the spam folder and the thread of an earlier mail, and ask the person's mail host";
    Finding::note("nothing_keeps_messages_away", "the person", why, remedy)
}

fn of(facts: &Facts, person: &Person) -> Vec<Finding> {
    let profile = &person.profile;
    let name = &profile.user_name;
    let mut findings = Vec::new();
    if !profile.enabled {
        let why = "An administrator disabled the profile, so Cognito sends it no code";
        findings.push(Finding::error("profile_disabled", name, why, aws(facts, "admin-enable-user", profile)));
    }
    if profile.attribute("email").is_none() {
        let why = "The profile has no e-mail address, so no mail can go to it";
        let remedy =
            format!("{} --user-attributes Name=email,Value=…", aws(facts, "admin-update-user-attributes", profile));
        findings.push(Finding::error("no_address", name, why, remedy));
    }
    findings.extend(of_status(facts, profile));
    if let (Some(entry), Some(email)) = (&person.suppression, profile.attribute("email")) {
        let since = entry.since.as_deref().unwrap_or("an unknown time");
        let why = format!(
            "SES takes mails to this address and does not send them: {} since {since}. Cognito reports them as sent",
            entry.why
        );
        let remedy = format!("Once the mailbox works again: {}", entry.remedy(email));
        findings.push(Finding::error("address_suppressed", name, &why, remedy));
    }
    findings.extend(of_events(person));
    findings
}

fn of_status(facts: &Facts, profile: &ProfileRecord) -> Vec<Finding> {
    let name = &profile.user_name;
    match profile.life() {
        Status::ExternalProvider => {
            let why = "The profile belongs to a provider's account and has no password: Cognito sends it no code";
            let remedy = "The person signs in with the provider. If they have a password account as well, cognito-triggers \
                          link merges the two";
            vec![Finding::error("signs_in_with_a_provider", name, why, remedy)]
        }
        Status::Unconfirmed => registration(facts, profile),
        Status::ForceChangePassword => vec![invitation(facts, profile)],
        Status::Confirmed | Status::ResetRequired | Status::Other => recovery(facts, profile),
    }
}

/// Somebody who has not confirmed the registration.
fn registration(facts: &Facts, profile: &ProfileRecord) -> Vec<Finding> {
    let name = &profile.user_name;
    let verified = facts.list("/AutoVerifiedAttributes");
    if !verified.contains(&"email") && !verified.contains(&"phone_number") {
        let why = "The pool verifies nothing at sign-up, so Cognito sends no code after it";
        let remedy = format!(
            "Set AutoVerifiedAttributes to [\"email\"], or confirm the person: {}",
            aws(facts, "admin-confirm-sign-up", profile)
        );
        return vec![Finding::error("sign_up_sends_nothing", name, why, remedy)];
    }
    let mut findings = Vec::new();
    if verified.contains(&"phone_number") && profile.attribute("phone_number").is_some() {
        let why = "The code of the sign-up goes to the phone as a text message, and not to the mailbox";
        let remedy = "Look there; or take phone_number out of AutoVerifiedAttributes";
        findings.push(Finding::warning("code_goes_to_the_phone", name, why, remedy));
    }
    let why = "The registration was never confirmed: its code is valid for 24 hours, and until it is entered \"forgot password\" sends \
               nothing";
    let remedy = format!(
        "Send another code: aws cognito-idp resend-confirmation-code --client-id CLIENT --username {}",
        quoted(name)
    );
    findings.push(Finding::warning("registration_open", name, why, remedy));
    findings
}

/// Somebody who has not replaced the temporary password.
fn invitation(facts: &Facts, profile: &ProfileRecord) -> Finding {
    let days = facts.pool.0.pointer("/Policies/PasswordPolicy/TemporaryPasswordValidityDays").and_then(Value::as_u64);
    let days = days.unwrap_or(7);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let sent = profile.modified.or(profile.created).map(Duration::from_secs);
    let expired = sent.is_some_and(|sent| now > sent + Duration::from_secs(days * 24 * 60 * 60));
    let why = format!(
        "The invitation's temporary password was never replaced, so \"forgot password\" sends nothing. It is valid for {days} \
         days{}",
        if expired { ", which are over" } else { "" }
    );
    let remedy = format!(
        "If the account API invited the person, use cognito-triggers invitations resend: another password breaks its link. \
         Otherwise send it again: {} --message-action RESEND",
        aws(facts, "admin-create-user", profile)
    );
    Finding::warning("invitation_open", &profile.user_name, &why, remedy)
}

/// Whether \"forgot password\" sends something.
fn recovery(facts: &Facts, profile: &ProfileRecord) -> Vec<Finding> {
    let name = &profile.user_name;
    let ways = ways(facts);
    if ways.iter().any(|way| way == "admin_only") {
        let why = "AccountRecoverySetting is admin_only: \"forgot password\" sends nobody anything";
        let remedy = format!(
            "Set AccountRecoverySetting to verified_email, or set a password: {} --password … --permanent",
            aws(facts, "admin-set-user-password", profile)
        );
        return vec![Finding::error("recovery_by_administrators_only", name, why, remedy)];
    }
    let works = |way: &&String| match way.as_str() {
        "verified_email" => profile.attribute("email").is_some() && profile.has_flag("email_verified"),
        "verified_phone_number" => {
            profile.attribute("phone_number").is_some() && profile.has_flag("phone_number_verified")
        }
        _ => false,
    };
    match ways.iter().find(works).map(String::as_str) {
        None => {
            let closed = match profile.life() {
                Status::ResetRequired => {
                    ". An administrator reset the password, so no password opens the account either"
                }
                _ => "",
            };
            let ways_there = ways.join(" or ");
            let why =
                format!("\"Forgot password\" sends a code only to {ways_there}, and the profile has none{closed}");
            let remedy = if ways.iter().any(|way| way == "verified_email") {
                let (pool, name) = (facts.pool.id(), quoted(name));
                format!("If the address is theirs: cognito-triggers verify-email {name} --user-pool-id {pool}")
            } else {
                "Add verified_email to AccountRecoverySetting".to_owned()
            };
            vec![Finding::error("nothing_to_recover_by", name, &why, remedy)]
        }
        Some("verified_phone_number") => {
            let why = "\"Forgot password\" sends its code to the phone as a text message, and not to the mailbox";
            let remedy = "Look there; or give verified_email the first priority in AccountRecoverySetting";
            let mut findings = vec![Finding::warning("code_goes_to_the_phone", name, why, remedy)];
            if !facts.sends_text_messages() {
                let why = "The pool has no SmsConfiguration, so it cannot send text messages";
                let remedy = "Set SmsConfiguration with a role that may publish to Amazon SNS";
                findings.push(Finding::error("text_messages_not_set_up", name, why, remedy));
            }
            findings
        }
        Some(_) => Vec::new(),
    }
}

/// How an account is recovered, in the order in which Cognito tries.
fn ways(facts: &Facts) -> Vec<String> {
    let set = facts.pool.0.pointer("/AccountRecoverySetting/RecoveryMechanisms").and_then(Value::as_array);
    let mut ways: Vec<_> = set
        .into_iter()
        .flatten()
        .filter_map(|way| Some((way["Priority"].as_u64().unwrap_or(u64::MAX), way["Name"].as_str()?.to_owned())))
        .collect();
    ways.sort();
    if ways.is_empty() {
        // What a pool does that never set it.
        return vec!["verified_phone_number".to_owned(), "verified_email".to_owned()];
    }
    ways.into_iter().map(|(_, name)| name).collect()
}

fn of_events(person: &Person) -> Option<Finding> {
    let events = person.events.as_ref()?;
    let name = &person.profile.user_name;
    if events.is_empty() {
        let why = "The pool keeps no events of this person, so what they tried is not known";
        let remedy = "The plan Plus with threat protection keeps them; otherwise look at the app's log";
        return Some(Finding::note("no_events", name, why, remedy));
    }
    let told = |event: &Event| format!("{} {} {}", event.at.as_deref().unwrap_or("?"), event.kind, event.outcome);
    let why = format!("What they did lately: {}", events.iter().map(told).collect::<Vec<_>>().join("; "));
    let remedy = "If the request is not among them, it never reached Cognito: look at the app";
    Some(Finding::note("recent_events", name, &why, remedy))
}

/// What is written down elsewhere.
fn where_to_look(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pool = facts.pool.id();
    match &facts.log_delivery {
        Some(LogDelivery::Off) => {
            let why = "Cognito does not write down which messages it could not send";
            let remedy = format!(
                "aws cognito-idp set-log-delivery-configuration --user-pool-id {pool} --log-configurations \
                 EventSource=userNotification,LogLevel=ERROR,CloudWatchLogsConfiguration={{LogGroupArn=…}}"
            );
            findings.push(Finding::note("delivery_not_logged", "LogDeliveryConfiguration", why, remedy));
        }
        Some(LogDelivery::To(group)) => {
            let remedy = group_name(group).map_or_else(|| "Look there".to_owned(), tail);
            let subject = "LogDeliveryConfiguration";
            findings.push(if let Some(trouble) = told(facts.undelivered.as_ref()) {
                let why = format!("Cognito could not send messages of this pool: {trouble}");
                Finding::warning("messages_not_sent", subject, &why, remedy)
            } else {
                let why = "Cognito writes down which messages it could not send";
                Finding::note("delivery_logged", subject, why, remedy)
            });
        }
        None => {}
    }
    if let Some(function) = facts.functions.get(&Trigger::CustomMessage).filter(|one| one.exists == Some(true)) {
        let remedy = format!("See its log: {}", tail(function.log_group.as_deref().unwrap_or("/aws/lambda/FUNCTION")));
        let subject = "custom-message";
        findings.push(if let Some(trouble) = told(facts.message_trouble.as_ref()) {
            let why = format!("The function that writes the messages had trouble: {trouble}");
            Finding::warning("custom_message_trouble", subject, &why, remedy)
        } else {
            let why = "The function writes the messages. If it fails, Cognito sends nothing; if it passes a template over, \
                       Cognito's own text is sent";
            Finding::note("custom_message_log", subject, why, remedy)
        });
    }
    let hiding = facts.clients.iter().flatten().filter(|client| client.hides_missing_users);
    let hiding: Vec<_> = hiding.map(|client| client.id.as_str()).collect();
    if !hiding.is_empty() {
        let why = "To an app with this client, Cognito answers \"forgot password\" as if a code had gone out, also where \
                   nobody has the name or nothing is verified";
        let remedy = "What the app shows says nothing: only the findings above do (PreventUserExistenceErrors)";
        findings.push(Finding::note("errors_hidden_from_apps", hiding.join(", "), why, remedy));
    }
    for trigger in ["CustomEmailSender", "CustomSMSSender"] {
        if !facts.pool.lambda_config()[trigger].is_null() {
            let why = "A function of yours sends these messages, and not Cognito: only its log says whether it did";
            findings.push(Finding::note("own_sender", trigger, why, "Look into that function's log"));
        }
    }
    findings
}

/// What a log says, in words; `None` if it holds no trouble.
fn told(trouble: Option<&Trouble>) -> Option<String> {
    let trouble = trouble.filter(|trouble| trouble.lines > 0)?;
    let last = trouble.last.as_deref().unwrap_or("an unknown time");
    let code = trouble.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    Some(format!("{} lines in the last 24 hours, the last one at {last}{code}", trouble.lines))
}

/// The command that shows a log of the last day.
fn tail(group: &str) -> String {
    format!("aws logs tail {} --since 1d", quoted(group))
}

/// The name of a log group in its ARN.
pub(super) fn group_name(arn: &str) -> Option<&str> {
    Some(arn.split_once(":log-group:")?.1.trim_end_matches(":*"))
}

/// A command of the AWS CLI about a profile.
fn aws(facts: &Facts, command: &str, profile: &ProfileRecord) -> String {
    format!("aws cognito-idp {command} --user-pool-id {} --username {}", facts.pool.id(), quoted(&profile.user_name))
}

#[cfg(test)]
mod tests;
