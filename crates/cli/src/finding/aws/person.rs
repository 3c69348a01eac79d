//! The facts about one person's messages.

use super::{
    Cloud, Description, Facts, SdkError, clients, does_not_exist, function_of, mail, sender, ses, text_messages,
};
use crate::finding::Trouble;
use crate::finding::person::{Event, LogDelivery, Person, Suppression, group_name};
use crate::linked_identity::rfc_3339;
use crate::trigger::Trigger;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
use aws_smithy_types::DateTime;
use cognito_core::user_pool::ProfileRecord;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many of the latest events are shown.
const EVENTS: i32 = 10;

/// How much of a log is read: a page has up to 10,000 lines (API reference of `FilterLogEvents`), but may also be empty.
const PAGES: usize = 20;

const DAY: Duration = Duration::from_hours(24);

/// What the functions of this project write when something is wrong, and Lambda when one was cut off or crashed.
const TROUBLE: &str = r#"{ ($.level = "ERROR") || ($.level = "WARN") || (($.type = "platform.report") && ($.record.status != "success")) }"#;

/// Reads what decides whether messages reach these profiles. What cannot be read becomes a gap.
pub(crate) async fn gather_for_person(
    cloud: &Cloud,
    pool: Description,
    profiles: Vec<ProfileRecord>,
) -> (Facts, Vec<Person>) {
    let mut facts = Facts::of(pool);
    function_of(cloud, &mut facts, Trigger::CustomMessage).await;
    mail(cloud, &mut facts).await;
    text_messages(cloud, &mut facts).await;
    facts.clients = clients(cloud, &mut facts).await;
    facts.log_delivery = log_delivery(cloud, &mut facts).await;
    let own = facts.functions.get(&Trigger::CustomMessage).and_then(|function| function.log_group.clone());
    if let Some(group) = own {
        facts.message_trouble = trouble(cloud, &mut facts, &group, TROUBLE).await;
    }
    if let Some(LogDelivery::To(arn)) = &facts.log_delivery
        && let Some(group) = group_name(arn).map(str::to_owned)
    {
        let of_pool = format!("{{ $.logSourceId.userPoolId = \"{}\" }}", facts.pool.id());
        facts.undelivered = trouble(cloud, &mut facts, &group, &of_pool).await;
    }
    let mut people = Vec::new();
    for profile in profiles {
        let suppression = match profile.attribute("email") {
            Some(email) => {
                let answer = suppressed(cloud, &facts.pool, email).await;
                answer.map_err(|(operation, reason)| facts.miss("suppression list", operation, reason)).ok().flatten()
            }
            None => None,
        };
        let events = events(cloud, &mut facts, &profile).await;
        people.push(Person { profile, suppression, events });
    }
    (facts, people)
}

/// The entry of an address on SES's suppression list; `None` if it has none, or if the pool does not send through SES.
///
/// # Errors
///
/// The operation that failed, and AWS's code.
pub(crate) async fn suppressed(
    cloud: &Cloud,
    pool: &Description,
    email: &str,
) -> Result<Option<Suppression>, (&'static str, String)> {
    let Some(sender) = sender(pool) else { return Ok(None) };
    let request = ses(cloud, sender.region.clone()).get_suppressed_destination().email_address(email);
    let answer = request.send().await;
    if does_not_exist(&answer) {
        return Ok(None);
    }
    let answer = answer.map_err(|error| ("GetSuppressedDestination", super::reason(&error)))?;
    Ok(answer.suppressed_destination().map(|entry| Suppression {
        why: entry.reason().as_str().to_owned(),
        since: rfc_3339(*entry.last_update_time()),
        region: sender.region,
    }))
}

/// What a log holds of the last 24 hours that fits a filter pattern.
async fn trouble(cloud: &Cloud, facts: &mut Facts, group: &str, pattern: &str) -> Option<Trouble> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(DAY);
    let logs = aws_sdk_cloudwatchlogs::Client::new(cloud.config());
    let request = logs.filter_log_events().log_group_name(group).filter_pattern(pattern);
    let request = request.start_time(i64::try_from(since.as_millis()).unwrap_or_default());
    let mut pages = request.into_paginator().send();
    let (mut trouble, mut latest) = (Trouble::default(), None::<FilteredLogEvent>);
    for read in 0.. {
        let Some(page) = pages.next().await else { break };
        if read == PAGES {
            facts.miss(&format!("log {group}"), "FilterLogEvents", "more than could be read".into());
            return None;
        }
        if does_not_exist(&page) {
            // Nothing was written yet.
            break;
        }
        let page = facts.known(&format!("log {group}"), "FilterLogEvents", page)?;
        trouble.lines += page.events().len();
        latest = latest.into_iter().chain(page.events.unwrap_or_default()).max_by_key(FilteredLogEvent::timestamp);
    }
    if let Some(latest) = latest {
        trouble.last = latest.timestamp().and_then(|at| rfc_3339(DateTime::from_millis(at)));
        let line: Option<Value> = latest.message().and_then(|line| serde_json::from_str(line).ok());
        trouble.code = line.and_then(|line| Some(line["error_code"].as_str()?.to_owned()));
    }
    Some(trouble)
}

async fn log_delivery(cloud: &Cloud, facts: &mut Facts) -> Option<LogDelivery> {
    let answer = cloud.cognito().get_log_delivery_configuration().user_pool_id(facts.pool.id()).send().await;
    let answer = facts.known("log delivery", "GetLogDeliveryConfiguration", answer)?;
    let Some(settings) = answer.log_delivery_configuration() else { return Some(LogDelivery::Off) };
    let mut settings = settings.log_configurations().iter();
    let Some(sends) = settings.find(|one| one.event_source().as_str() == "userNotification") else {
        return Some(LogDelivery::Off);
    };
    let group = sends.cloud_watch_logs_configuration().and_then(|logs| logs.log_group_arn());
    Some(LogDelivery::To(group.unwrap_or_default().to_owned()))
}

/// The person's latest events; an empty list if the pool's plan keeps none.
async fn events(cloud: &Cloud, facts: &mut Facts, profile: &ProfileRecord) -> Option<Vec<Event>> {
    let request = cloud.cognito().admin_list_user_auth_events().user_pool_id(facts.pool.id());
    let answer = request.username(&profile.user_name).max_results(EVENTS).send().await;
    if keeps_none(&answer) {
        return Some(Vec::new());
    }
    let answer = facts.known("events of the person", "AdminListUserAuthEvents", answer)?;
    let event = |event: &aws_sdk_cognitoidentityprovider::types::AuthEventType| Event {
        at: event.creation_date().and_then(|at| rfc_3339(*at)),
        kind: event.event_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        outcome: event.event_response().map(|outcome| outcome.as_str().to_owned()).unwrap_or_default(),
    };
    Some(answer.auth_events().iter().map(event).collect())
}

fn keeps_none<T, E: ProvideErrorMetadata, R>(answer: &Result<T, SdkError<E, R>>) -> bool {
    let code = answer.as_ref().err().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("UserPoolAddOnNotEnabledException" | "OperationNotEnabledException"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;
    use serde_json::json;

    fn pool() -> Description {
        Description(json!({ "Id": "eu-central-1_A",
            "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:eu-west-1:1:identity/example.com" } }))
    }

    #[tokio::test]
    async fn suppression_events_and_log_delivery_are_read_where_they_are() {
        let cloud = Cloud::answering(|request| {
            let operation = request.headers().get("x-amz-target").map(|name| name.to_str().unwrap().to_owned());
            let path = request.uri().path().to_owned();
            if path.starts_with("/v2/email/suppression/addresses/ada") {
                assert!(request.uri().host().unwrap().contains("eu-west-1"), "{}", request.uri());
                let entry =
                    json!({ "EmailAddress": "ada@example.com", "Reason": "BOUNCE", "LastUpdateTime": 1_790_000_000 });
                return (200, json!({ "SuppressedDestination": entry }).to_string());
            }
            let group = "arn:aws:logs:r:1:log-group:g:*";
            match operation.as_deref().and_then(|name| name.split_once('.')).map(|(_, name)| name) {
                Some("GetLogDeliveryConfiguration") => {
                    let sends = json!({ "LogLevel": "ERROR", "EventSource": "userNotification",
                        "CloudWatchLogsConfiguration": { "LogGroupArn": group } });
                    let settings = json!({ "UserPoolId": "eu-central-1_A", "LogConfigurations": [sends] });
                    (200, json!({ "LogDeliveryConfiguration": settings }).to_string())
                }
                Some("FilterLogEvents") => {
                    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
                    assert!(body.contains(r#""logGroupName":"g""#) && body.contains("eu-central-1_A"), "{body}");
                    let line = |at: u64, code: &str| json!({ "timestamp": at, "message": json!({ "error_code": code }).to_string() });
                    let events = [line(1_790_000_000_000, "last"), line(1_780_000_000_000, "first")];
                    (200, json!({ "events": events }).to_string())
                }
                Some("AdminListUserAuthEvents") => {
                    let event = json!({ "EventType": "ForgotPassword", "CreationDate": 1_790_000_000,
                        "EventResponse": "Fail" });
                    (200, json!({ "AuthEvents": [event] }).to_string())
                }
                _ => (400, json!({ "__type": "AccessDeniedException" }).to_string()),
            }
        });
        let (facts, people) = gather_for_person(&cloud, pool(), vec![ada().record()]).await;
        let [person] = people.try_into().unwrap();
        let entry = person.suppression.unwrap();
        assert_eq!((entry.why.as_str(), entry.since.as_deref()), ("BOUNCE", Some("2026-09-21T14:13:20Z")));
        assert!(matches!(&facts.log_delivery, Some(LogDelivery::To(to)) if to.ends_with(":g:*")), "{facts:?}");
        assert_eq!(person.events.unwrap()[0].kind, "ForgotPassword");
        let undelivered = facts.undelivered.unwrap();
        assert_eq!((undelivered.lines, undelivered.code.as_deref()), (2, Some("last")));
        assert_eq!(undelivered.last.as_deref(), Some("2026-09-21T14:13:20Z"));
        let denied: Vec<_> = facts.gaps.iter().map(|gap| gap.permission.as_str()).collect();
        assert_eq!(denied, ["ses:GetAccount", "ses:GetEmailIdentity", "cognito-idp:ListUserPoolClients"]);
    }

    #[tokio::test]
    async fn an_address_that_is_not_on_the_list_and_a_plan_without_events_are_answers() {
        let cloud = Cloud::answering(|request| {
            let code = if request.uri().path().starts_with("/v2/email/suppression") {
                "NotFoundException"
            } else {
                "UserPoolAddOnNotEnabledException"
            };
            (if code == "NotFoundException" { 404 } else { 400 }, json!({ "__type": code }).to_string())
        });
        let (facts, people) = gather_for_person(&cloud, pool(), vec![ada().record()]).await;
        assert_eq!(people[0].suppression, None);
        assert!(people[0].events.as_ref().unwrap().is_empty());
        assert!(facts.gaps.iter().all(|gap| !gap.what.contains("suppression")), "{:?}", facts.gaps);
    }

    #[tokio::test]
    async fn what_may_not_be_asked_is_a_gap() {
        let denied = json!({ "__type": "AccessDeniedException" }).to_string();
        let cloud = Cloud::answering(move |_| (403, denied.clone()));
        let (facts, _) = gather_for_person(&cloud, pool(), vec![ada().record()]).await;
        let denied: Vec<_> = facts.gaps.iter().map(|gap| gap.permission.as_str()).collect();
        let expected = [
            "ses:GetAccount",
            "ses:GetEmailIdentity",
            "cognito-idp:ListUserPoolClients",
            "cognito-idp:GetLogDeliveryConfiguration",
            "ses:GetSuppressedDestination",
            "cognito-idp:AdminListUserAuthEvents",
        ];
        assert_eq!(denied, expected);
    }
}
