//! Never nothing, and never anything Cognito would refuse: one test for each rule.

use super::{ada, complete, request, with_links, with_templates};
use messages::limits::{BODY_MINIMUM, EMAIL_LIMIT, SMS_LIMIT, SUBJECT_LIMIT};
use messages::{Answer, Kind, Part, Person, Reason, Request, Source};

/// One own template `file` for `kind`: it must be passed over for `reason`, and the built-in one used.
#[track_caller]
fn passed_over(kind: Kind, part: Part, text: &str, check: impl Fn(&Reason) -> bool) {
    let file = format!("en/{}{}", kind.name(), part.suffix());
    let (_directory, messages) = with_templates(&[(&file, text)]);
    let answer = messages.answer(&request(kind, ada()));
    let expected = with_links().answer(&request(kind, ada()));
    assert_eq!((&answer.email, &answer.sms), (&expected.email, &expected.sms), "the built-in texts are used");
    // In the style with a link, the second attempt may fail for a second reason.
    assert!(!answer.skipped.is_empty());
    for template in &answer.skipped {
        assert_eq!((template.kind, template.part, &template.from), (kind, part, &Source::Custom(file.clone())));
        assert!(check(&template.reason), "{:?}", template.reason);
    }
}

#[test]
fn an_email_without_the_code_is_not_used() {
    passed_over(Kind::SignUp, Part::Html, "<p>Welcome to us</p>", |reason| *reason == Reason::NoCode);
}

#[test]
fn an_sms_without_the_code_is_not_used() {
    passed_over(Kind::SignUp, Part::Sms, "Welcome to us", |reason| *reason == Reason::NoCode);
}

#[test]
fn a_literal_placeholder_does_not_count_as_the_code() {
    let text = "{% raw %}Your code: {####}{% endraw %}";
    passed_over(Kind::SignUp, Part::Sms, text, |reason| *reason == Reason::NoCode);
}

#[test]
fn an_invitation_without_the_user_name_is_not_used() {
    passed_over(Kind::AdminCreateUser, Part::Html, "<p>{{ code }}</p>", |reason| *reason == Reason::NoUsername);
    passed_over(Kind::AdminCreateUser, Part::Sms, "Password {{ code }}", |reason| *reason == Reason::NoUsername);
}

#[test]
fn an_email_longer_than_cognito_allows_is_not_used() {
    // What replaces the code is as long as its placeholder.
    let text = |length: usize| format!("{{{{ code }}}}{}", "x".repeat(length - 6));
    passed_over(Kind::SignUp, Part::Html, &text(EMAIL_LIMIT + 1), |reason| {
        *reason == Reason::TooLong { length: EMAIL_LIMIT + 1, limit: EMAIL_LIMIT }
    });
    let (_directory, messages) = with_templates(&[("en/sign-up.html", &text(EMAIL_LIMIT))]);
    assert_eq!(complete(&messages, &request(Kind::SignUp, ada())).0.html.chars().count(), EMAIL_LIMIT);
}

#[test]
fn an_sms_longer_than_cognito_allows_is_not_used() {
    let text = |length: usize| format!("{{{{ code }}}}{}", "x".repeat(length - 6));
    passed_over(Kind::Authentication, Part::Sms, &text(SMS_LIMIT + 1), |reason| {
        *reason == Reason::TooLong { length: SMS_LIMIT + 1, limit: SMS_LIMIT }
    });
    let (_directory, messages) = with_templates(&[("en/authentication.sms.txt", &text(SMS_LIMIT))]);
    assert_eq!(complete(&messages, &request(Kind::Authentication, ada())).1.chars().count(), SMS_LIMIT);
}

#[test]
fn a_subject_longer_than_cognito_allows_or_empty_is_not_used() {
    passed_over(Kind::SignUp, Part::Subject, &"x".repeat(SUBJECT_LIMIT + 1), |reason| {
        *reason == Reason::TooLong { length: SUBJECT_LIMIT + 1, limit: SUBJECT_LIMIT }
    });
    passed_over(Kind::SignUp, Part::Subject, " \n", |reason| *reason == Reason::TooShort { length: 0, limit: 1 });
}

#[test]
fn a_body_of_the_code_alone_is_just_long_enough() {
    let (_directory, messages) = with_templates(&[("en/sign-up.sms.txt", "{{ code }}")]);
    assert_eq!(complete(&messages, &request(Kind::SignUp, ada())).1, "{####}");
    assert_eq!("{####}".len(), BODY_MINIMUM);
}

#[test]
fn a_template_that_does_not_parse_is_not_used_and_is_reported_at_start() {
    let text = "{% if %}{{ code }}";
    passed_over(Kind::SignUp, Part::Html, text, |reason| matches!(reason, Reason::Template { line: 1, .. }));
    let (_directory, messages) = with_templates(&[("en/sign-up.html", text)]);
    assert_eq!(messages.problems().len(), 1);
    assert!(messages.problems()[0].to_string().contains("\"en/sign-up.html\""), "{}", messages.problems()[0]);
}

#[test]
fn a_template_that_fails_when_it_is_rendered_is_not_used() {
    let fails = |reason: &Reason| matches!(reason, Reason::Template { line: 2, .. });
    passed_over(Kind::SignUp, Part::Html, "{{ code }}\n{{ nmae }}", fails);
    passed_over(Kind::SignUp, Part::Html, "{{ code }}\n{{ name|nofilter }}", |reason| {
        matches!(reason, Reason::Template { .. })
    });
    passed_over(Kind::SignUp, Part::Html, "{{ code }}\n{% include 'missing.html' %}", fails);
}

#[test]
fn a_failure_never_quotes_what_the_template_was_working_on() {
    let (_directory, messages) = with_templates(&[("en/sign-up.html", "{{ code }}{% include name ~ email %}")]);
    let answer = messages.answer(&request(Kind::SignUp, ada()));
    let text = format!("{:?} {}", answer.skipped, answer.skipped[0]);
    assert!(!text.contains("ada") && !text.contains("Ada"), "{text}");
}

#[test]
fn if_the_built_in_texts_fail_too_cognito_writes_the_message() {
    // Only a placeholder longer than a whole SMS can do this to the built-in texts.
    let long = format!("{{{}}}", "#".repeat(SMS_LIMIT));
    let answer = with_links().answer(&Request { code_parameter: Some(&long), ..request(Kind::SignUp, ada()) });
    assert_eq!(answer.sms, None);
    assert!(answer.email.is_some(), "the e-mail has room for it");
    assert_eq!(answer.skipped.len(), 1);
    assert_eq!(answer.skipped[0].from, Source::BuiltIn("en"));

    let longer = format!("{{{}}}", "#".repeat(EMAIL_LIMIT));
    let answer = with_links().answer(&Request { code_parameter: Some(&longer), ..request(Kind::SignUp, ada()) });
    assert_eq!((answer.email, answer.sms), (None, None));
}

#[test]
fn an_event_without_placeholders_is_left_to_cognito() {
    for absent in [None, Some("")] {
        let answer = with_links().answer(&Request { code_parameter: absent, ..request(Kind::SignUp, ada()) });
        assert_eq!((answer.email, answer.sms), (None, None));
        assert!(
            answer.skipped.iter().all(|template| template.reason == Reason::EventWithoutCode)
                && !answer.skipped.is_empty()
        );

        let invitation = request(Kind::AdminCreateUser, ada());
        let answer = with_links().answer(&Request { username_parameter: absent, ..invitation });
        assert_eq!((answer.email, answer.sms), (None, None));
        assert!(answer.skipped.iter().all(|template| template.reason == Reason::EventWithoutUsername));
    }
}

#[test]
fn a_kind_that_cognito_does_not_send_gets_no_answer() {
    assert_eq!(with_links().answer(&request(Kind::EmailChanged, ada())), Answer::default());
}

#[test]
fn a_link_too_long_for_the_message_is_left_out_and_the_code_stays() {
    // 128 characters are Cognito's limit for a user name; this is beyond what Cognito can send.
    let username = "日".repeat(3000);
    let person = Person { username: Some(&username), ..ada() };
    let answer = with_links().answer(&request(Kind::SignUp, person));
    let html = answer.email.unwrap().html;
    assert!(html.contains("{####}") && !html.contains("complete-registration"));
    assert!(matches!(answer.skipped[0].reason, Reason::TooLong { .. }));
}

#[test]
fn the_longest_names_and_addresses_cognito_allows_leave_every_message_whole() {
    let username = "\u{10ffff}".replace('\u{10ffff}', "𝔘").repeat(128);
    let email = format!("{}@example.com", "a".repeat(242));
    let app_name = "W".repeat(messages::settings::APP_NAME_LIMIT);
    let app_url = format!("https://{}.example", "a".repeat(messages::settings::APP_URL_LIMIT - 16));
    let messages = super::messages(&[("APP_NAME", &app_name), ("APP_URL", &app_url)]);
    for kind in Kind::COGNITO {
        for locale in messages::LOCALES {
            // The invitation's SMS names the user: a name as long as the whole SMS is left to Cognito.
            let username =
                if kind == Kind::AdminCreateUser { "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11" } else { &username };
            let person = Person {
                name: Some("Ada"),
                username: Some(username),
                email: Some(&email),
                locales: &[locale.tag],
                ..Person::default()
            };
            let (email, _) = complete(&messages, &request(kind, person));
            assert!(email.html.contains("example/"), "{} has its link", kind.name());
        }
    }
}
