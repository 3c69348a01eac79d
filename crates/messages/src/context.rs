//! The variables of templates.

use minijinja::{Value, context};

use crate::color::Color;
use crate::kind::Kind;
use crate::link::Link;
use crate::locale::{Direction, Locale};
use crate::settings::{Branding, Style};

/// Everything a message says about its reader and its occasion. The values that people chose have gone through
/// `personal`. An empty value is absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) client_id: String,
    /// The app client that links name.
    pub(crate) link_client: String,
    pub(crate) code: String,
    /// What the message begins with.
    pub(crate) style: Style,
    /// Our own link. It is percent-encoded, so `&` is the only character that HTML has to escape.
    pub(crate) link: String,
    /// The character that stands for Cognito's link.
    pub(crate) cognito_link: String,
    pub(crate) new_email: String,
    pub(crate) provider: String,
    pub(crate) inviter: String,
    pub(crate) minutes: Option<u32>,
    pub(crate) days: Option<u32>,
}

/// The language of a text: the built-in locale of its words, and the tag for the `lang` attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language<'a> {
    pub(crate) locale: &'static Locale,
    pub(crate) tag: &'a str,
    pub(crate) direction: Direction,
}

/// The background of the button in `inline.css` and, in dark mode, in `media.css`.
const CARD: &str = "#ffffff";
const CARD_DARK: &str = "#181b21";

/// The edge of the button: the brand colour, changed only if it is too close to the card's colour.
fn edge(brand: Color, card: &str) -> String {
    card.parse().map_or(brand, |card| brand.until_seen(card, Color::EDGE_CONTRAST)).to_string()
}

/// Where the reader of a message that advises a new password chooses one. Nothing if the message does not, or without pages.
fn password_link(kind: Kind, branding: &Branding, facts: &Facts) -> String {
    let page = Kind::ForgotPassword.page().filter(|_| kind.is_about_intruders());
    let link = page.zip(branding.app_url.as_deref()).map(|(page, app)| Link::to(app, page));
    let email = Some(facts.email.as_str()).filter(|email| !email.is_empty());
    link.map(|link| link.with_email(email).with_client(Some(&facts.link_client)).into_url()).unwrap_or_default()
}

/// The variables for one text of a message. `html` says whether the text will be HTML. URLs are then escaped here,
/// because the engine would escape `/`, too. Browsers accept that, but some mail clients and link checkers search the
/// source for links and would not find them.
pub(crate) fn context(kind: Kind, language: Language<'_>, branding: &Branding, facts: &Facts, html: bool) -> Value {
    let url = |url: &str| {
        if html { Value::from_safe_string(url.replace('&', "&amp;")) } else { Value::from(url) }
    };
    let text = |value: &Option<String>| Value::from(value.as_deref().unwrap_or_default());
    let app = branding.app_name.as_deref().unwrap_or_default();
    let initial = app.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().to_string());
    // Cognito's link confirms the sign-up, however often somebody asks for it: no word of a code, new or not.
    let section = if facts.style == Style::CognitoLink { Kind::SignUp } else { kind };
    context! {
        message => kind.name(),
        style => facts.style.name(),
        lang => language.tag,
        dir => language.direction.html(),
        align => language.direction.start(),
        strings => format!("strings/{}/{}/", language.locale.id, section.name()),
        common => format!("strings/{}/common/", language.locale.id),
        app => app,
        app_initial => initial.unwrap_or_default(),
        app_url => url(branding.app_url.as_deref().unwrap_or_default()),
        logo_url => url(branding.logo_url.as_deref().unwrap_or_default()),
        support_email => text(&branding.support_email),
        legal_footer => text(&branding.legal_footer),
        terms_url => url(branding.terms_url.as_deref().unwrap_or_default()),
        privacy_url => url(branding.privacy_url.as_deref().unwrap_or_default()),
        password_link => url(&password_link(kind, branding, facts)),
        brand_color => branding.brand_color.to_string(),
        brand_edge => edge(branding.brand_color, CARD),
        brand_edge_dark => edge(branding.brand_color, CARD_DARK),
        brand_text_color => branding.brand_color.text_on().to_string(),
        name => facts.name.as_str(),
        username => facts.username.as_str(),
        email => facts.email.as_str(),
        client_id => facts.client_id.as_str(),
        code => facts.code.as_str(),
        link => url(&facts.link),
        cognito_link => Value::from_safe_string(facts.cognito_link.clone()),
        new_email => facts.new_email.as_str(),
        provider => facts.provider.as_str(),
        inviter => facts.inviter.as_str(),
        minutes => facts.minutes.map_or_else(|| Value::from(""), Value::from),
        days => facts.days.map_or_else(|| Value::from(""), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cards_are_those_of_the_style_sheets() {
        let card = |sheet: &str, colour: &str| {
            sheet
                .lines()
                .any(|line| line.trim().starts_with(".card {") && line.contains(&format!("background-color: {colour}")))
        };
        assert!(card(include_str!("../templates/inline.css"), CARD));
        assert!(card(include_str!("../templates/media.css"), CARD_DARK));
    }
}
