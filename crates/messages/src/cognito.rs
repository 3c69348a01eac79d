//! The messages that Cognito sends: facts of a custom message event in, texts with Cognito's placeholders out.

use crate::context::Facts;
use crate::engine::Engine;
use crate::kind::{Kind, Part};
use crate::limits::{
    CODE_LENGTH, EMAIL_LIMIT, Lengths, Needs, PASSWORD_LENGTH, SMS_LIMIT, SMS_PASSWORD_LENGTH, characters, check_body,
    check_subject,
};
use crate::link::Link;
use crate::personal::{greeting_name, one_line};
use crate::placeholder::{self, Placeholders};
use crate::settings::{Settings, Style};
use crate::skipped::{Reason, SkippedTemplate, Source};
use crate::sms::segments;
use crate::writer::Writer;

/// The person a message is for. Every value may be absent. An empty string counts as absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Person<'a> {
    /// What to call the person: the given name, or the whole name when there is none.
    pub name: Option<&'a str>,
    /// The user name in the pool.
    pub username: Option<&'a str>,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// BCP 47 tags of the person's languages, best first. Malformed tags are skipped.
    pub locales: &'a [&'a str],
    /// The app client with which the person signs in.
    pub client_id: Option<&'a str>,
    /// The app client that links name, so that the pages lead back to its application (`PAGES_RETURN_URL` of its entry of
    /// `OVERRIDES`). Name only one that the settings know: a message shows the link as text.
    pub link_client: Option<&'a str>,
}

/// What a custom message event asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The message, one of [`Kind::COGNITO`]. Any other gives an empty answer.
    pub kind: Kind,
    /// The reader.
    pub person: Person<'a>,
    /// `codeParameter` of the event.
    pub code_parameter: Option<&'a str>,
    /// `usernameParameter` of the event. Cognito sends it with an administrator's invitation.
    pub username_parameter: Option<&'a str>,
    /// `linkParameter` of the event, for pools that verify by link. Cognito seems to send it for every pool.
    pub link_parameter: Option<&'a str>,
}

/// Subject and body of an e-mail for Cognito to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// `emailSubject`: one line of 1 to 140 characters.
    pub subject: String,
    /// `emailMessage`: HTML of at most 20,000 characters.
    pub html: String,
}

/// What to put into the event's response. Leave an absent text as Cognito sent it (null). Cognito then sends the pool's
/// own message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The e-mail.
    pub email: Option<Email>,
    /// `smsMessage`: at most 140 characters.
    pub sms: Option<String>,
    /// Every template that was skipped. Each is an error that an operator should see.
    pub skipped: Vec<SkippedTemplate>,
}

pub(crate) fn answer(engine: &Engine, settings: &Settings, request: &Request<'_>) -> Answer {
    let placeholders = match placeholders(request) {
        Ok(placeholders) => placeholders,
        Err(reason) => {
            return Answer { skipped: unusable(request.kind, &reason), ..Answer::default() };
        }
    };
    if request.kind.trigger_source().is_none() {
        return Answer::default();
    }
    let mut writer = Writer {
        kind: request.kind,
        settings,
        engine,
        placeholders,
        locales: request.person.locales,
        skipped: Vec::new(),
    };
    let invitation = request.kind == Kind::AdminCreateUser;
    let needs = Needs { code: true, username: invitation, link_will_do: false };
    let email = email(&mut writer, request, needs);
    let lengths = lengths(request, &placeholders, SMS_PASSWORD_LENGTH);
    let facts = facts(request, settings, Style::Code);
    let sms = writer.part(Part::Sms, &[&facts], |text| check_body(text, needs, lengths, SMS_LIMIT));
    let sms = match &settings.sms_host {
        // A temporary password is typed where people sign in, and is no code.
        Some(host) if !invitation => sms.map(|text| bound_to(host, text, placeholders.code)),
        _ => sms,
    };
    Answer { email, sms, skipped: writer.skipped }
}

/// Adds the line that binds the code to a host ("Origin-bound one-time codes delivered via SMS", WICG), unless it would cost
/// another segment or pass Cognito's limit.
fn bound_to(host: &str, text: String, code: &str) -> String {
    let bound = format!("{text}\n@{host} #{code}");
    let received = |text: &str| text.replace(code, &"0".repeat(CODE_LENGTH));
    let (before, after) = (received(&text), received(&bound));
    let fits = characters(&bound).max(characters(&after)) <= SMS_LIMIT;
    if fits && segments(&after).1 <= segments(&before).1 { bound } else { text }
}

/// Returns subject and body, or neither, because our subject would not match the pool's body.
fn email(writer: &mut Writer<'_>, request: &Request<'_>, needs: Needs) -> Option<Email> {
    let lengths = lengths(request, &writer.placeholders, PASSWORD_LENGTH);
    let code = facts(request, writer.settings, Style::Code);
    let styled = facts(request, writer.settings, writer.settings.style_of(request.kind));
    // A link can be too long for the message. A user name may have 128 characters, each takes up to twelve when
    // encoded, and the link appears twice. The message then has the code alone.
    let facts = [&styled, &code];
    let facts = if styled.style == Style::Code { &facts[..1] } else { &facts[..] };
    let needs = Needs { link_will_do: !needs.username, ..needs };
    let html = writer.part(Part::Html, facts, |text| check_body(text, needs, lengths, EMAIL_LIMIT))?;
    let subject = writer.part(Part::Subject, facts, |text| check_subject(text, lengths))?;
    Some(Email { subject, html })
}

/// Checks a text that somebody else wrote by the rules that ours keep: Cognito's limits, and the code in every body.
///
/// # Errors
///
/// Returns the first rule that it breaks.
pub fn check(request: &Request<'_>, part: Part, text: &str) -> Result<(), Reason> {
    let placeholders = placeholders(request)?;
    let invitation = request.kind == Kind::AdminCreateUser;
    let is_sms = part == Part::Sms;
    let lengths = lengths(request, &placeholders, if is_sms { SMS_PASSWORD_LENGTH } else { PASSWORD_LENGTH });
    let rendered = placeholders.find(text);
    let needs = Needs { code: true, username: invitation, link_will_do: !invitation && !is_sms };
    match part {
        Part::Subject => check_subject(&rendered, lengths),
        Part::Sms => check_body(&rendered, needs, lengths, SMS_LIMIT),
        Part::Html | Part::Text => check_body(&rendered, needs, lengths, EMAIL_LIMIT),
    }
}

/// The event's placeholders.
fn placeholders<'a>(request: &Request<'a>) -> Result<Placeholders<'a>, Reason> {
    let present = |value: Option<&'a str>| value.filter(|value| !value.is_empty());
    let username = present(request.username_parameter);
    if request.kind == Kind::AdminCreateUser && username.is_none() {
        return Err(Reason::EventWithoutUsername);
    }
    Ok(Placeholders {
        code: present(request.code_parameter).ok_or(Reason::EventWithoutCode)?,
        // Cognito fills the user name into invitations only.
        username: username.filter(|_| request.kind == Kind::AdminCreateUser).unwrap_or_default(),
        link: present(request.link_parameter).unwrap_or_default(),
    })
}

fn lengths(request: &Request<'_>, placeholders: &Placeholders<'_>, password: usize) -> Lengths {
    let code = if request.kind == Kind::AdminCreateUser { password } else { CODE_LENGTH };
    let username = request.person.username.map_or(0, characters);
    Lengths {
        code: code.max(characters(placeholders.code)),
        username: username.max(characters(placeholders.username)),
        link: characters(placeholders.link),
    }
}

fn facts(request: &Request<'_>, settings: &Settings, style: Style) -> Facts {
    let person = &request.person;
    let is_invitation = request.kind == Kind::AdminCreateUser;
    let has_link = request.link_parameter.is_some_and(|link| !link.is_empty());
    let link = if style == Style::Link { link(request, settings).unwrap_or_default() } else { String::new() };
    let style = match style {
        Style::Link if link.is_empty() => Style::Code,
        Style::CognitoLink if !has_link => Style::Code,
        style => style,
    };
    Facts {
        name: person.name.and_then(greeting_name).unwrap_or_default(),
        username: if is_invitation {
            placeholder::USERNAME.to_string()
        } else {
            person.username.map(one_line).unwrap_or_default()
        },
        email: person.email.map(one_line).unwrap_or_default(),
        client_id: person.client_id.unwrap_or_default().to_owned(),
        link_client: person.link_client.unwrap_or_default().to_owned(),
        code: placeholder::CODE.to_string(),
        link,
        style,
        cognito_link: if has_link { placeholder::LINK.to_string() } else { String::new() },
        ..Facts::default()
    }
}

/// The link to the page for this message. An invitation's link has no password in it: a password may contain characters
/// that end a query, and links end up in histories and logs. The user name comes from the event. Cognito would replace
/// a placeholder without percent-encoding the name.
fn link(request: &Request<'_>, settings: &Settings) -> Option<String> {
    let Person { username, email, link_client, .. } = request.person;
    let link = Link::to(settings.branding.app_url.as_deref()?, request.kind.page()?);
    let link = match request.kind {
        Kind::AdminCreateUser => link.with_username(username).with_email(email),
        Kind::UpdateAttribute | Kind::VerifyAttribute => link.with_code().with_username(username),
        _ => link.with_code().with_username(username).with_email(email),
    };
    Some(link.with_client(link_client).into_url())
}

fn unusable(kind: Kind, reason: &Reason) -> Vec<SkippedTemplate> {
    let built_in = Source::BuiltIn(crate::locale::Locale::reference().tag);
    [Part::Html, Part::Sms]
        .into_iter()
        .map(|part| SkippedTemplate { kind, part, from: built_in.clone(), reason: reason.clone() })
        .collect()
}
