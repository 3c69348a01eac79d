use super::*;
use crate::finding::{Attached, Gap, SendQuota, Severity, TextMessages, of_person};
use crate::lookup::tests::ada;
use crate::pool_settings::Description;
use cognito_core::user_pool::AppClient;
use cognito_core::user_pool::memory::{Account, federated};
use serde_json::json;

/// A pool that sends everything that it may, and says nothing beside it.
fn sound() -> Facts {
    let mut facts = Facts::of(Description(json!({
        "Id": "eu-central-1_A", "AutoVerifiedAttributes": ["email"],
        "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER", "SourceArn": "arn" },
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "verified_email" }] },
    })));
    let function = Attached { exists: Some(true), callable: Some(true), ..Attached::default() };
    facts.functions.insert(Trigger::CustomMessage, function);
    facts
}

fn person(account: &Account) -> Person {
    Person { profile: account.record(), suppression: None, events: None }
}

fn with(status: &str) -> Person {
    let mut person = person(&ada());
    person.profile.status = status.to_owned();
    person
}

/// The person with a phone number as well.
fn with_phone(mut person: Person) -> Person {
    person.profile.attributes.insert("phone_number".into(), "+491".into());
    person
}

/// What is found that is worse than a note, in the order of the codes.
#[track_caller]
fn check(expected: &[&str], facts: &Facts, people: &[Person]) {
    let found = of_person(facts, people);
    let manual = include_str!("../../../../../docs/cli/doctor.md");
    for finding in &found {
        assert!(manual.contains(&format!("`{}`", finding.code)), "{} is not in docs/cli/doctor.md", finding.code);
        assert!(!finding.remedy.is_empty(), "{finding:?}");
    }
    let bad = found.iter().filter(|finding| finding.severity != Severity::Note);
    let mut codes: Vec<_> = bad.map(|finding| finding.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, expected, "{found:?}");
}

#[test]
fn where_nothing_keeps_messages_away_that_is_said() {
    check(&[], &sound(), &[person(&ada())]);
    let found = of_person(&sound(), &[person(&ada())]);
    assert!(found.iter().any(|finding| finding.code == "nothing_keeps_messages_away"), "{found:?}");
    let found = of_person(&sound(), &[with("UNCONFIRMED")]);
    assert!(found.iter().all(|finding| finding.code != "nothing_keeps_messages_away"), "{found:?}");
}

#[test]
fn each_state_of_a_profile_that_gets_no_message_is_found() {
    check(&["no_profile"], &sound(), &[]);
    check(&["profile_disabled"], &sound(), &[person(&ada().disabled())]);
    check(&["signs_in_with_a_provider"], &sound(), &[person(&federated("Google", "1", "ada@example.com"))]);
    check(&["registration_open"], &sound(), &[with("UNCONFIRMED")]);
    check(&["invitation_open"], &sound(), &[with("FORCE_CHANGE_PASSWORD")]);
    check(&["nothing_to_recover_by"], &sound(), &[person(&ada().unverified())]);
    let mut nameless = person(&ada());
    nameless.profile.attributes.remove("email");
    check(&["no_address", "nothing_to_recover_by"], &sound(), &[nameless]);
}

/// Neither way in is left, and the remedy is an administrator's.
#[test]
fn who_must_reset_a_password_and_has_no_verified_address_is_known_to_be_locked_out() {
    for (status, locked_out) in [("RESET_REQUIRED", true), ("CONFIRMED", false)] {
        let mut waits = with(status);
        waits.profile.attributes.insert("email_verified".into(), "false".into());
        let found = of_person(&sound(), &[waits]);
        let finding = found.iter().find(|finding| finding.code == "nothing_to_recover_by").unwrap();
        assert_eq!(finding.why.contains("no password opens the account"), locked_out, "{finding:?}");
        assert!(finding.remedy.contains("verify-email"), "{finding:?}");
    }
}

#[test]
fn an_invitation_says_whether_its_days_are_over() {
    let mut facts = sound();
    facts.pool.0["Policies"] = json!({ "PasswordPolicy": { "TemporaryPasswordValidityDays": 3 } });
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for (days, over) in [(2, false), (4, true)] {
        let mut invited = with("FORCE_CHANGE_PASSWORD");
        invited.profile.modified = Some(now - days * 24 * 60 * 60);
        let [finding, ..] = of_person(&facts, &[invited]).try_into().map(|found: [_; 2]| found).unwrap();
        assert!(finding.why.contains("3 days") && finding.why.contains("over") == over, "{finding:?}");
        assert!(finding.remedy.contains("--message-action RESEND"), "{finding:?}");
    }
}

#[test]
fn a_pool_that_recovers_nobody_or_by_phone_is_found() {
    let recovers = |ways: Value| {
        let mut facts = sound();
        facts.pool.0["AccountRecoverySetting"] = json!({ "RecoveryMechanisms": ways });
        facts
    };
    let admin = recovers(json!([{ "Priority": 1, "Name": "admin_only" }]));
    check(&["recovery_by_administrators_only"], &admin, &[person(&ada())]);
    let phone = json!({ "Priority": 1, "Name": "verified_phone_number" });
    check(&["nothing_to_recover_by"], &recovers(json!([phone])), &[person(&ada())]);
    let mut called = with_phone(person(&ada()));
    called.profile.attributes.insert("phone_number_verified".into(), "true".into());
    let both = json!([{ "Priority": 2, "Name": "verified_email" }, phone]);
    for nothing in [Value::Null, json!({})] {
        let mut unable = recovers(both.clone());
        unable.pool.0["SmsConfiguration"] = nothing;
        check(&["code_goes_to_the_phone", "text_messages_not_set_up"], &unable, &[called.clone()]);
    }
    check(&[], &recovers(both), &[person(&ada())]);
    let mut unset = sound();
    unset.pool.0["AccountRecoverySetting"] = Value::Null;
    unset.pool.0["SmsConfiguration"] = json!({ "SnsCallerArn": "arn" });
    check(&["code_goes_to_the_phone"], &unset, &[called]);
}

#[test]
fn what_keeps_text_messages_away_matters_only_to_somebody_with_a_phone_number() {
    let mut facts = sound();
    facts.text_messages = Some(TextMessages { sandbox: Some(true), dollars_a_month: Some(1.0) });
    check(&[], &facts, &[person(&ada())]);
    check(&["sms_limit_low", "sms_sandbox"], &facts, &[with_phone(person(&ada()))]);
}

#[test]
fn a_sign_up_that_verifies_nothing_or_the_phone_is_found() {
    let mut facts = sound();
    facts.pool.0["AutoVerifiedAttributes"] = Value::Null;
    check(&["sign_up_sends_nothing"], &facts, &[with("UNCONFIRMED")]);
    facts.pool.0["AutoVerifiedAttributes"] = json!(["email", "phone_number"]);
    check(&["code_goes_to_the_phone", "registration_open"], &facts, &[with_phone(with("UNCONFIRMED"))]);
}

#[test]
fn what_keeps_every_message_away_keeps_this_one_away() {
    let spoilt = |spoil: fn(&mut Facts)| {
        let mut facts = sound();
        spoil(&mut facts);
        facts
    };
    let own = spoilt(|facts| facts.pool.0["EmailConfiguration"] = Value::Null);
    check(&["custom_message_without_ses", "fifty_mails_a_day"], &own, &[person(&ada())]);
    for (spoil, code) in [
        ((|facts| facts.ses_production = Some(false)) as fn(&mut Facts), "ses_sandbox"),
        (|facts| facts.ses_sending = Some(false), "ses_sending_paused"),
        (|facts| facts.sender_verified = Some(false), "sender_unverified"),
        (|facts| facts.ses_quota = Some(SendQuota { a_day: 200.0, sent: 200.0 }), "ses_quota_used_up"),
        (|facts| (facts.sender_verified, facts.sender_signs) = (Some(true), Some(false)), "sender_without_dkim"),
        (|facts| facts.functions.values_mut().for_each(|one| one.callable = Some(false)), "no_invoke_permission"),
        (|facts| facts.functions.values_mut().for_each(|one| one.exists = Some(false)), "function_gone"),
    ] {
        check(&[code], &spoilt(spoil), &[person(&ada())]);
    }
    check(&[], &spoilt(|facts| facts.ses_quota = Some(SendQuota { a_day: -1.0, sent: 9.0 })), &[person(&ada())]);
}

#[test]
fn a_suppressed_address_is_told_with_the_way_off_the_list() {
    let mut suppressed = person(&ada());
    let entry = Suppression { why: "BOUNCE".into(), since: None, region: "eu-west-1".into() };
    suppressed.suppression = Some(entry);
    check(&["address_suppressed"], &sound(), &[suppressed.clone()]);
    let found = of_person(&sound(), &[suppressed]);
    assert!(found[0].why.contains("BOUNCE"), "{found:?}");
    assert!(found[0].remedy.contains("--email-address ada@example.com --region eu-west-1"), "{found:?}");
}

#[test]
fn what_may_not_be_asked_is_said_and_the_rest_still_answers() {
    let mut facts = sound();
    facts.gaps.push(Gap {
        what: "suppression list".into(),
        permission: "ses:GetSuppressedDestination".into(),
        reason: "AccessDeniedException".into(),
    });
    check(&["could_not_check", "registration_open"], &facts, &[with("UNCONFIRMED")]);
}

#[test]
fn what_the_logs_hold_of_the_last_day_is_told() {
    let trouble = |lines| Some(Trouble { lines, last: Some("2026-01-02T03:04:05Z".into()), code: Some("c".into()) });
    let mut facts = sound();
    facts.log_delivery = Some(LogDelivery::To("arn:aws:logs:r:1:log-group:messages:*".into()));
    facts.functions.values_mut().for_each(|function| function.log_group = Some("/own/group".into()));
    (facts.undelivered, facts.message_trouble) = (trouble(0), trouble(0));
    check(&[], &facts, &[person(&ada())]);
    (facts.undelivered, facts.message_trouble) = (trouble(3), trouble(2));
    check(&["custom_message_trouble", "messages_not_sent"], &facts, &[person(&ada())]);
    let found = of_person(&facts, &[person(&ada())]);
    let own = found.iter().find(|finding| finding.code == "custom_message_trouble").unwrap();
    assert!(own.why.contains("2 lines") && own.why.contains("2026-01-02T03:04:05Z (c)"), "{own:?}");
    assert!(own.remedy.contains("aws logs tail /own/group --since 1d"), "{own:?}");
}

#[test]
fn where_to_look_further_is_a_note() {
    let mut facts = sound();
    facts.log_delivery = Some(LogDelivery::To("arn:aws:logs:r:1:log-group:messages:*".into()));
    facts.pool.0["LambdaConfig"] = json!({ "CustomSMSSender": { "LambdaArn": "f" } });
    let mut client = AppClient::new("hiding", vec![], None);
    client.hides_missing_users = true;
    facts.clients = Some(vec![client, AppClient::new("open", vec![], None)]);
    let mut lately = person(&ada());
    let event =
        Event { at: Some("2026-01-02T03:04:05Z".into()), kind: "ForgotPassword".into(), outcome: "Fail".into() };
    lately.events = Some(vec![event]);
    let told = |facts: &Facts, person: Person| {
        let found = of_person(facts, &[person]);
        found.into_iter().map(|one| format!("{} {} {}", one.code, one.why, one.remedy)).collect::<Vec<_>>().join("\n")
    };
    let text = told(&facts, lately.clone());
    for part in [
        "delivery_logged",
        "aws logs tail messages",
        "custom_message_log",
        "own_sender",
        "errors_hidden_from_apps",
        "2026-01-02T03:04:05Z ForgotPassword Fail",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    facts.log_delivery = Some(LogDelivery::Off);
    lately.events = Some(Vec::new());
    check(&[], &facts, &[lately.clone(), person(&ada())]);
    let text = told(&facts, lately);
    assert!(text.contains("delivery_not_logged") && text.contains("no_events"), "{text}");
}
