//! Whatever people and settings bring, a message keeps its placeholders, lengths and structure.

use super::{CODE, USERNAME, codes_only, complete, messages, request, with_links};
use messages::limits::{EMAIL_LIMIT, SMS_LIMIT, SUBJECT_LIMIT, characters};
use messages::{Kind, LOCALES, Mail, Person};
use proptest::prelude::*;

/// Text with everything that means something to HTML, templates, mail headers or Cognito.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{####}",
            "{##",
            "##}",
            "{",
            "}",
            "{username}",
            "{{7*7}}",
            "{%",
            "{#",
            "#}",
            "<script>",
            "</p>",
            "<!--",
            "-->",
            "\"",
            "'",
            "&",
            "&#123;",
            "\r\n",
            "Bcc: x@y.zz",
            "\u{202e}",
            "\u{e000}",
            "\u{e001}",
            "\0",
            "+",
            "%7B",
            "é",
            "日",
            "🦀",
            "=",
            "?",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-zA-Z ]{1,8}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Names of the elements and attributes of a document, in order.
fn structure(html: &str) -> Vec<String> {
    let document = scraper::Html::parse_document(html);
    document
        .root_element()
        .descendent_elements()
        .map(|element| {
            format!(
                "{} {:?}",
                element.value().name(),
                element.value().attrs().map(|(name, _)| name).collect::<Vec<_>>()
            )
        })
        .collect()
}

fn placeholders(text: &str) -> (usize, usize, usize) {
    (text.matches(CODE).count(), text.matches(USERNAME).count(), text.matches("{#").count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_person_breaks_placeholders_lengths_or_structure(
        kind in prop::sample::select(Kind::COGNITO.to_vec()),
        locale in prop::sample::select(LOCALES.iter().map(|locale| locale.tag).collect::<Vec<_>>()),
        links in any::<bool>(),
        name in hostile(),
        username in hostile().prop_filter("a name Cognito accepts", |name| !name.is_empty() && name.len() <= 36),
        email in hostile().prop_filter("an address", |email| !email.is_empty()),
    ) {
        let messages = if links { with_links() } else { codes_only() };
        let locales = [locale];
        let person = |name, username, email| Person { name: Some(name), username: Some(username), email: Some(email), locales: &locales, client_id: None, link_client: None };
        let (email, sms) = complete(&messages, &request(kind, person(&name, &username, &email)));
        let (plain_email, plain_sms) = complete(&messages, &request(kind, person("Ada", "ada", "ada@example.com")));

        prop_assert_eq!(placeholders(&email.html), placeholders(&plain_email.html));
        prop_assert_eq!(placeholders(&sms), placeholders(&plain_sms));
        prop_assert_eq!(structure(&email.html), structure(&plain_email.html));
        prop_assert_eq!(&email.subject, &plain_email.subject);
        prop_assert!(characters(&email.html) <= EMAIL_LIMIT && characters(&sms) <= SMS_LIMIT);
        let unseen = email.html.chars().find(|c| "\u{e000}\u{e001}\u{e002}\u{202e}\0".contains(*c));
        prop_assert_eq!(unseen, None);
    }

    #[test]
    fn no_name_of_an_application_breaks_a_message(
        app in hostile(),
        kind in prop::sample::select(Kind::COGNITO.to_vec()),
        locale in prop::sample::select(LOCALES.iter().map(|locale| locale.tag).collect::<Vec<_>>()),
    ) {
        let lookup = |name: &str| (name == "APP_NAME").then(|| app.clone());
        let Ok(settings) = messages::Settings::from_lookup(&lookup) else { return Ok(()) };
        let messages = messages::Messages::new(settings);
        let person = Person { locales: &[locale], ..super::ada() };
        let (email, sms) = complete(&messages, &request(kind, person));
        prop_assert_eq!(email.subject.lines().count(), 1);
        prop_assert!(characters(&email.subject) <= SUBJECT_LIMIT && characters(&sms) <= SMS_LIMIT);
        let invitation = usize::from(kind == Kind::AdminCreateUser);
        prop_assert_eq!(placeholders(&email.html), (1, invitation, 1));
        prop_assert_eq!(placeholders(&sms), (1, invitation, 1));
    }

    #[test]
    fn no_own_template_makes_a_message_that_cognito_would_refuse(
        subject in template(),
        html in template(),
        sms in template(),
        kind in prop::sample::select(Kind::COGNITO.to_vec()),
        name in hostile(),
    ) {
        let files = [".subject.txt", ".html", ".sms.txt"].map(|suffix| format!("en/{}{suffix}", kind.name()));
        let (_directory, messages) = super::with_templates(&[(&files[0], &subject), (&files[1], &html), (&files[2], &sms)]);
        let person = Person { name: Some(&name), ..super::ada() };
        let answer = messages.answer(&request(kind, person));
        let (email, sms) = (answer.email.unwrap(), answer.sms.unwrap());
        for (text, limit) in [(&email.html, EMAIL_LIMIT), (&sms, SMS_LIMIT)] {
            prop_assert!(text.contains(CODE) && (6..=limit).contains(&characters(text)));
            prop_assert!(kind != Kind::AdminCreateUser || text.contains(USERNAME));
        }
        prop_assert!((1..=SUBJECT_LIMIT).contains(&characters(&email.subject)));
        prop_assert_eq!(email.subject.chars().find(|c| c.is_control()), None);
    }

    #[test]
    fn no_language_tag_or_account_mail_panics(tag in "\\PC{0,40}", name in hostile(), code in hostile(), link in hostile()) {
        let person = Person { name: Some(&name), locales: &[&tag], ..super::ada() };
        let messages = messages(&[("APP_URL", "https://app.example.com")]);
        let _ = messages.answer(&request(Kind::SignUp, person));
        let _ = messages.letter(&Mail::EmailChangeNew { code: &code, minutes: 15 }, &person);
        let invitation = Mail::Activation { username: &name, token: &link, days: 7, inviter: Some(&name) };
        prop_assert!(messages.letter(&invitation, &person).is_ok());
        let letter = messages.letter(&Mail::EmailChanged { new_email: &link }, &person).unwrap();
        prop_assert_eq!(letter.subject, "Your email address was changed – app.example.com");
    }
}

/// Templates that may be right or wrong in any way.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["{{ code }}", "{{ username }}", "{{ name }}", "{{ link }}", "{{ name|safe }}", "{{ app }}"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["{{ nmae }}", "{% if name %}", "{% endif %}", "{{", "{% raw %}{####}{% endraw %}", "\n"])
            .prop_map(str::to_owned),
        2 => "[a-z ]{0,60}",
        1 => "[a-z]{1,3}".prop_map(|text| text.repeat(8000)),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}
