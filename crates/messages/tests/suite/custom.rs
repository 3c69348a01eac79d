//! Own templates: what they can do, and which one is taken.

use super::{ada, complete, messages, request, with_templates};
use messages::settings::{APP_NAME, APP_URL, MESSAGE_STYLE};
use messages::{Kind, LOCALES, Part, Person, Request, Source};

#[test]
fn one_part_of_one_message_of_one_locale_can_be_overridden() {
    let (_directory, messages) = with_templates(&[("de/sign-up.sms.txt", "Moin! {{ code }}")]);
    let german = Person { locales: &["de-AT"], ..ada() };
    assert_eq!(complete(&messages, &request(Kind::SignUp, german)).1, "Moin! {####}");
    assert_eq!(
        complete(&messages, &request(Kind::ResendCode, german)).1,
        "Harbour: {####} ist Ihr neuer Bestätigungscode."
    );
    assert_eq!(complete(&messages, &request(Kind::SignUp, ada())).1, "Harbour: {####} is your confirmation code.");
    assert_eq!(messages.problems(), []);
}

#[test]
fn a_regional_template_goes_before_that_of_the_language() {
    let (_directory, messages) =
        with_templates(&[("de/sign-up.sms.txt", "de {{ code }}"), ("de-AT/sign-up.sms.txt", "at {{ code }}")]);
    let sms = |locale| complete(&messages, &request(Kind::SignUp, Person { locales: &[locale], ..ada() })).1;
    assert_eq!(sms("de-AT"), "at {####}");
    assert_eq!(sms("de"), "de {####}");
    assert_eq!(sms("de-CH"), "de {####}");
}

#[test]
fn a_locale_that_is_not_built_in_can_be_added() {
    let (_directory, messages) = with_templates(&[
        ("it/sign-up.html", "<html lang=\"{{ lang }}\"><p>Ciao {{ name }}: {{ code }}</p></html>"),
        ("it/sign-up.subject.txt", "Conferma"),
        ("it/sign-up.sms.txt", "Codice {{ code }}"),
    ]);
    let italian = Person { locales: &["it-IT"], ..ada() };
    let (email, sms) = complete(&messages, &request(Kind::SignUp, italian));
    assert_eq!(email.subject, "Conferma");
    assert_eq!(email.html, "<html lang=\"it\"><p>Ciao Ada: {####}</p></html>");
    assert_eq!(sms, "Codice {####}");
    let (email, _) = complete(&messages, &request(Kind::ResendCode, italian));
    assert!(email.html.contains("lang=\"en\""), "what is not there comes in the default locale");
}

#[test]
fn an_own_template_can_build_on_the_built_in_one_and_on_others() {
    let (_directory, messages) = with_templates(&[
        (
            "en/sign-up.html",
            "{% extends 'built-in/message.html' %}{% block footer %}<p id=\"f\">{% include 'legal.txt' %}</p>{% endblock %}",
        ),
        ("legal.txt", "Harbour Ltd, {{ name }}"),
        ("en/_part.html", "shared"),
    ]);
    let person = Person { name: Some("A & B"), ..ada() };
    let (email, _) = complete(&messages, &request(Kind::SignUp, person));
    assert!(email.html.contains("<p id=\"f\">Harbour Ltd, A & B</p>"), "a .txt file is not HTML: {}", email.html);
    assert!(email.html.contains("Confirm your email address"));
    assert_eq!(messages.problems(), []);
}

#[test]
fn values_are_escaped_in_own_html_and_safe_makes_no_placeholder() {
    let (_directory, messages) = with_templates(&[
        ("en/sign-up.html", "<p title=\"{{ name }}\">{{ name }} {{ name|safe }} {{ code }}</p>"),
        ("en/sign-up.subject.txt", "Hi {{ name }}\n"),
    ]);
    let person = Person { name: Some("<i>{####}\"\r\nBcc: x"), ..ada() };
    let (email, _) = complete(&messages, &request(Kind::SignUp, person));
    assert!(email.html.starts_with("<p title=\"&lt;i&gt;&#123;####}&quot; Bcc: x\">"), "{}", email.html);
    assert_eq!(email.html.matches("{####}").count(), 1);
    assert_eq!(email.subject, "Hi <i>\u{ff5b}####}\" Bcc: x");
}

#[test]
fn an_own_email_may_use_cognitos_link_in_place_of_the_code() {
    let (_directory, messages) = with_templates(&[("en/sign-up.html", "<p>{{ cognito_link }}</p>")]);
    let with_link = Request { link_parameter: Some("{##Click & go##}"), ..request(Kind::SignUp, ada()) };
    assert_eq!(complete(&messages, &with_link).0.html, "<p>{##Click & go##}</p>");
    let answer = messages.answer(&request(Kind::SignUp, ada()));
    assert_eq!(answer.skipped[0].from, Source::Custom("en/sign-up.html".to_owned()));
    assert_eq!(answer.skipped[0].part, Part::Html);
}

/// A pool that verifies by link writes its link wherever a code would stand: a URL of ours around it would break.
#[test]
fn in_a_pool_that_verifies_by_link_the_mail_has_cognitos_link_and_nothing_that_it_would_break() {
    let variables = [
        (APP_NAME, "Harbour"),
        (APP_URL, "https://app.example.com"),
        (MESSAGE_STYLE, "link,sign-up=cognito-link,resend-code=cognito-link"),
    ];
    let messages = messages(&variables);
    for kind in [Kind::SignUp, Kind::ResendCode] {
        for locales in LOCALES.iter().map(|locale| [locale.tag]) {
            let person = Person { locales: &locales, ..ada() };
            let by_link = Request { link_parameter: Some("{##Click Here##}"), ..request(kind, person) };
            let (email, sms) = complete(&messages, &by_link);
            assert_eq!(email.html.matches("{##Click Here##}").count(), 1, "{}", email.html);
            assert!(!email.html.contains("{####}") && !email.html.contains("code="), "{}", email.html);
            assert!(!email.subject.contains("{##") && sms.contains("{####}"));
        }
        // A pool that does not send its link gets the code, which it may replace by its link.
        let (email, _) = complete(&messages, &request(kind, ada()));
        assert!(email.html.contains("{####}") && !email.html.contains("code={####}"), "{}", email.html);
    }
    let reset = Request { link_parameter: Some("{##Click Here##}"), ..request(Kind::ForgotPassword, ada()) };
    assert!(complete(&messages, &reset).0.html.contains("complete-password-reset?code={####}"));
}

#[test]
fn files_that_serve_no_message_are_reported() {
    let big = "x".repeat(300 * 1024);
    let (_directory, messages) = with_templates(&[
        ("en/signup.html", "misspelt"),
        ("en/sign-up.html", &big),
        ("built-in/message.html", "not to be replaced"),
        ("en/notes.md", "of no interest"),
    ]);
    let problems: Vec<_> = messages.problems().iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(problems, ["built-in", "en/sign-up.html", "en/signup.html"]);
    complete(&messages, &request(Kind::SignUp, ada()));
}
