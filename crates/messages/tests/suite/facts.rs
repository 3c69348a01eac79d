//! What a message says about its reader: locale, name, link.

use super::{CODE, USERNAME, ada, codes_only, complete, messages, request, visible, with_links};
use messages::{Kind, Mail, Person, Request};

fn html(kind: Kind, person: Person<'_>) -> String {
    complete(&with_links(), &request(kind, person)).0.html
}

#[test]
fn links_lead_to_the_page_with_encoded_parameters_and_the_placeholder_as_it_is() {
    for (kind, link) in [
        (Kind::SignUp, "/complete-registration?code={####}&amp;username=ada-1&amp;email=ada%2Bnews%40example.com"),
        (Kind::ResendCode, "/complete-registration?code={####}&amp;username=ada-1&amp;email=ada%2Bnews%40example.com"),
        (
            Kind::ForgotPassword,
            "/complete-password-reset?code={####}&amp;username=ada-1&amp;email=ada%2Bnews%40example.com",
        ),
        (Kind::UpdateAttribute, "/complete-email-change?code={####}&amp;username=ada-1"),
        (Kind::VerifyAttribute, "/complete-email-change?code={####}&amp;username=ada-1"),
        (Kind::AdminCreateUser, "/login?username=ada-1&amp;email=ada%2Bnews%40example.com"),
    ] {
        let html = html(kind, ada());
        assert!(html.contains(&format!("href=\"https://app.example.com{link}\"")), "{}: {html}", kind.name());
    }
}

#[test]
fn a_sign_in_code_comes_without_a_link_that_uses_it() {
    let html = html(Kind::Authentication, ada());
    for link in html.split("href=\"https://app.example.com/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(link, "complete-password-reset?email=ada%2Bnews%40example.com");
    }
}

#[test]
fn a_message_that_advises_a_new_password_links_to_where_one_is_chosen() {
    let link = "https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com";
    for kind in Kind::COGNITO {
        let html = html(kind, ada());
        assert_eq!(html.contains(&format!("href=\"{link}\"")), kind.is_about_intruders(), "{}", kind.name());
    }
    let letter = with_links().letter(&Mail::PasswordChanged, &ada()).unwrap();
    assert!(letter.html.contains(link) && letter.text.contains(&format!("Change your password\n{link}")), "{letter:?}");
    let letter = codes_only().letter(&Mail::PasswordChanged, &ada()).unwrap();
    assert!(!letter.html.contains("Change your password") && !letter.text.contains("Change your password"));
}

#[test]
fn the_operators_name_address_and_terms_stand_below_every_mail() {
    let settings = [
        ("LEGAL_FOOTER", "Harbour & Sons Ltd, 1 Quay Street {####}"),
        ("TERMS_URL", "https://example.com/terms?a=1&b=2"),
        ("PRIVACY_URL", "https://example.com/privacy"),
    ];
    let messages = messages(&settings);
    for kind in Kind::COGNITO {
        let (email, _) = complete(&messages, &request(kind, ada()));
        let shown = visible(&email.html);
        assert!(shown.contains("Harbour & Sons Ltd, 1 Quay Street"), "{}: {shown}", kind.name());
        assert!(!email.html.contains("Street {####}"), "what looks like a placeholder is none");
        assert!(email.html.contains("href=\"https://example.com/terms?a=1&amp;b=2\""), "{}", email.html);
        assert!(shown.contains("Terms of use · Privacy policy"), "{shown}");
    }
    let letter = messages.letter(&Mail::PasswordChanged, &ada()).unwrap();
    assert!(
        letter.text.ends_with(
            "Terms of use: https://example.com/terms?a=1&b=2\n\nPrivacy policy: https://example.com/privacy"
        ),
        "{}",
        letter.text
    );
    let (email, _) = complete(&codes_only(), &request(Kind::SignUp, ada()));
    assert!(!email.html.contains("Terms of use") && !email.html.contains("Privacy"));
}

#[test]
fn a_text_message_is_bound_to_a_host_where_that_costs_no_segment() {
    let bound = |name: &str, locale: &'static str, kind| {
        let messages = messages(&[("APP_NAME", name), ("SMS_HOST", "Example.com")]);
        complete(&messages, &request(kind, Person { locales: &[locale], ..ada() })).1
    };
    let text = bound("Harbour", "en", Kind::SignUp);
    assert_eq!(text, "Harbour: {####} is your confirmation code.\n@example.com #{####}");
    // 70 characters are one segment.
    assert_eq!(bound("Hafen", "ja", Kind::SignUp), "Hafen: 確認コードは {####} です。\n@example.com #{####}");
    let long = bound(&"港".repeat(30), "ja", Kind::ForgotPassword);
    assert!(!long.contains('@'), "{long}");
    let password = bound("Harbour", "en", Kind::AdminCreateUser);
    assert!(!password.contains('@'), "{password}");
    for kind in Kind::COGNITO {
        assert!(!complete(&codes_only(), &request(kind, ada())).1.contains('@'));
    }
}

#[test]
fn the_code_is_text_in_both_styles() {
    for kind in Kind::COGNITO {
        for messages in [with_links(), codes_only()] {
            let (email, sms) = complete(&messages, &request(kind, ada()));
            let shown = visible(&email.html);
            assert!(shown.contains(CODE) && sms.contains(CODE), "{}: {shown}", kind.name());
            assert_eq!(shown.contains(USERNAME), kind == Kind::AdminCreateUser);
        }
    }
}

#[test]
fn without_an_application_url_there_is_no_link_at_all() {
    for kind in Kind::COGNITO {
        let (email, _) = complete(&codes_only(), &request(kind, ada()));
        assert!(!email.html.contains("<a "), "{}", kind.name());
    }
}

#[test]
fn without_any_setting_every_message_is_whole() {
    for kind in Kind::COGNITO {
        let (email, sms) = complete(&messages(&[]), &request(kind, ada()));
        assert!(!email.subject.contains('–') && !email.subject.is_empty());
        assert!(!sms.starts_with(':'), "{sms}");
    }
}

#[test]
fn a_person_without_a_name_or_with_an_advertisement_for_one_is_greeted_without() {
    for name in [None, Some(""), Some("  "), Some("Cheap pills: evil.example")] {
        let shown = visible(&html(Kind::SignUp, Person { name, ..ada() }));
        assert!(shown.contains("\nHello,\n"), "{shown}");
    }
    assert!(visible(&html(Kind::SignUp, ada())).contains("\nHello Ada,\n"));
}

#[test]
fn a_person_without_an_email_gets_an_sms_and_a_link_without_it() {
    let person = Person { email: None, ..ada() };
    let (email, sms) = complete(&with_links(), &request(Kind::SignUp, person));
    assert_eq!(sms, "Harbour: {####} is your confirmation code.");
    assert!(email.html.contains("code={####}&amp;username=ada-1\""));
}

#[test]
fn markup_and_template_expressions_in_a_name_are_its_text() {
    for name in ["<script>alert(1)</script>", "{{7*7}}", "{% raw %}", "&amp;", "\" onload=\"x", "Ada & Bob"] {
        let html = html(Kind::SignUp, Person { name: Some(name), ..ada() });
        assert!(visible(&html).contains(&format!("Hello {name},")), "{name}: {}", visible(&html));
        assert_eq!(html.matches("<script").count(), 0);
    }
}

#[test]
fn a_name_cannot_make_cognito_insert_a_code_or_a_user_name() {
    for name in ["{####}", "{##click##}", "{username}", "{##"] {
        let (email, _) = complete(&with_links(), &request(Kind::SignUp, Person { name: Some(name), ..ada() }));
        let (plain, _) = complete(&with_links(), &request(Kind::SignUp, ada()));
        for placeholder in ["{#", "{username}", CODE] {
            assert_eq!(email.html.matches(placeholder).count(), plain.html.matches(placeholder).count());
        }
        assert!(visible(&email.html).contains(&format!("Hello {name},")), "it still reads as what was written");
    }
}

#[test]
fn the_locale_is_the_first_that_is_readable() {
    let locale = |locales: &[&str]| {
        let html = html(Kind::SignUp, Person { locales, ..ada() });
        let document = scraper::Html::parse_document(&html);
        let root = document.root_element().value();
        (root.attr("lang").unwrap().to_owned(), root.attr("dir").unwrap().to_owned())
    };
    let ltr = |tag: &str| (tag.to_owned(), "ltr".to_owned());
    assert_eq!(locale(&["de-AT", "fr"]), ltr("de"));
    assert_eq!(locale(&["it", "fr_CA"]), ltr("fr"));
    assert_eq!(locale(&["nonsense!", "pt"]), ltr("pt-BR"));
    assert_eq!(locale(&["ar-EG"]), ("ar".to_owned(), "rtl".to_owned()));
    assert_eq!(locale(&["it"]), ltr("en"));
    assert_eq!(locale(&[]), ltr("en"));
}

#[test]
fn the_default_locale_serves_everybody_else() {
    let messages = messages(&[("DEFAULT_LOCALE", "ja")]);
    let person = Person { locales: &["it"], ..ada() };
    assert!(complete(&messages, &request(Kind::SignUp, person)).0.html.contains("lang=\"ja\""));
}

#[test]
fn people_are_addressed_as_the_settings_say_in_mails_and_text_messages() {
    let messages = messages(&[("FORM_OF_ADDRESS", "de:informal,es:informal"), ("APP_NAME", "Harbour")]);
    let told = |tag: &str| {
        let (email, sms) = complete(&messages, &request(Kind::SignUp, Person { locales: &[tag], ..ada() }));
        (email.subject, sms, visible(&email.html))
    };
    let (subject, sms, mail) = told("de-AT");
    assert_eq!(subject, "Bestätige deine E-Mail-Adresse – Harbour");
    assert_eq!(sms, "Harbour: {####} ist dein Bestätigungscode.");
    assert!(mail.contains("Hallo Ada,") && mail.contains("Der Code ist 24 Stunden gültig."), "{mail}");
    assert_eq!(told("es").1, "Harbour: {####} es tu código de confirmación.");
    assert_eq!(told("fr").1, "Harbour: {####} est votre code de confirmation.");
}

#[test]
fn the_event_decides_what_the_placeholders_look_like() {
    let request = Request {
        code_parameter: Some("{@@@@}"),
        username_parameter: Some("{who}"),
        ..request(Kind::AdminCreateUser, Person { name: Some("{who} {@@@@}"), ..ada() })
    };
    let (email, sms) = complete(&with_links(), &request);
    assert_eq!(email.html.matches("{who}").count(), 1);
    assert_eq!(email.html.matches("{@@@@}").count(), 1);
    assert_eq!(sms, "Harbour: username {who}, temporary password {@@@@}");
}

#[test]
fn an_invitation_never_puts_the_password_into_a_link() {
    let html = html(Kind::AdminCreateUser, ada());
    let document = scraper::Html::parse_document(&html);
    for link in document.select(&scraper::Selector::parse("a").unwrap()) {
        assert!(!link.value().attr("href").unwrap().contains(CODE));
    }
}
