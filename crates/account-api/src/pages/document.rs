//! A page's HTML, in one language.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use messages::{LOCALES, Locale};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::assets;
use super::language::Source;
use super::{Page, PasswordRules, Product, Settings, products};

const TEMPLATES: [(&str, &str); 13] = [
    ("layout.html", include_str!("../../pages/html/layout.html")),
    ("fields.html", include_str!("../../pages/html/fields.html")),
    ("email-change.html", include_str!("../../pages/html/email-change.html")),
    ("onward.html", include_str!("../../pages/html/onward.html")),
    ("aside.html", include_str!("../../pages/html/aside.html")),
    ("to-app.html", include_str!("../../pages/html/to-app.html")),
    ("register", include_str!("../../pages/html/register.html")),
    ("complete-registration", include_str!("../../pages/html/complete-registration.html")),
    ("complete-password-reset", include_str!("../../pages/html/complete-password-reset.html")),
    ("complete-email-change", include_str!("../../pages/html/complete-email-change.html")),
    ("activate", include_str!("../../pages/html/activate.html")),
    ("account", include_str!("../../pages/html/account.html")),
    ("not-found", include_str!("../../pages/html/not-found.html")),
];

/// The picture for the browser's tab. It is in the page itself, because a file would take one more request.
const ICON: &str = include_str!("../../pages/icon.svg");

/// Everything but RFC 3986's unreserved characters.
const DATA: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The settings that the pages' script needs. All of them are public.
#[derive(Debug, Serialize)]
struct Configuration<'a> {
    client_id: &'a str,
    cognito_url: &'a str,
    sign_in_url: Option<&'a str>,
    api_url: Option<&'a str>,
    providers: &'a [String],
    connects: Option<&'a [String]>,
    tells: bool,
    password: Option<PasswordRules>,
    contact: bool,
    locales: Vec<&'static str>,
}

/// The templates, the texts, and the values that are the same on every page. A template is parsed, and the texts of a locale
/// are read, when a page first needs them: the first visitor waits for no page but their own.
#[derive(Debug)]
pub(super) struct Documents {
    environment: Environment<'static>,
    /// By the locale's id: the JSON document, and what was read from it.
    texts: BTreeMap<&'static str, (&'static str, OnceLock<Value>)>,
    common: Value,
    /// Where people go on, and what that is called, unless their app client says otherwise.
    general: (Option<String>, Option<String>),
}

impl Documents {
    pub(super) fn new(settings: &Settings, version: &str) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        // So that a tag on a line of its own leaves no empty line.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment
            .set_loader(|asked| Ok(TEMPLATES.into_iter().find_map(|(name, source)| (name == asked).then_some(source))));
        let texts = assets::used(&settings.forms).map(|(id, text, _)| (id, (text, OnceLock::new())));
        let branding = &settings.branding;
        let common = context! {
            version => version,
            icon => Value::from_safe_string(format!("data:image/svg+xml,{}", utf8_percent_encode(ICON.trim_end(), DATA))),
            configuration => configuration(settings),
            app => branding.app_name.as_deref(),
            initial => branding.app_name.as_deref().and_then(|name| name.chars().next()),
            logo => branding.logo_url.as_deref(),
            support => branding.support_email.as_deref(),
            registration => settings.registration,
            deletion => settings.deletion,
            password_rules => settings.password_rules.map(|rules| {
                context! { length => rules.length, for_managers => rules.for_managers() }
            }),
            legal => branding.legal_footer.as_deref(),
            terms => branding.terms_url.as_deref(),
            privacy => branding.privacy_url.as_deref(),
        };
        let general = (settings.return_url.clone(), branding.app_name.clone());
        Self { environment, texts: texts.collect(), common, general }
    }

    /// Writes a page. `up` leads from the folder that the browser is in to the folder of the pages. `product` is that of the
    /// app client that people came with, which every link on the page keeps.
    ///
    /// # Errors
    ///
    /// Fails if a template or text of this crate is wrong. Tests render every page in every language.
    pub(super) fn render(
        &self,
        page: Page,
        up: &str,
        (locale, source): (&Locale, Source),
        product: Option<(&String, &Product)>,
    ) -> Result<String, Error> {
        let client = product.map(|(id, _)| id.as_str());
        let (url, app) = &self.general;
        let page_values = context! {
            up => Value::from_safe_string(up.to_owned()),
            page => page.source,
            path => page.name,
            lang => locale.tag,
            texts => locale.id,
            dir => locale.direction.html(),
            lang_source => source.name(),
            client => client,
            // A person who chose a language by hand keeps it from page to page.
            query => products::query((source == Source::Query).then_some(locale.tag), client),
            locales => LOCALES.iter().map(|other| language(other, client)).collect::<Vec<_>>(),
            return_url => product.map_or(url.as_deref(), |(_, product)| Some(&product.return_url)),
            return_app => product.map_or(app.as_deref(), |(_, product)| product.app_name.as_deref()),
            t => self.texts(locale),
        };
        let common = self.common.clone();
        self.environment.get_template(page.source)?.render(context! { ..page_values, ..common })
    }

    /// The texts of a locale. Without them, which no build of this crate brings about, no page can be rendered.
    fn texts(&self, locale: &Locale) -> Option<&Value> {
        let (text, read) = self.texts.get(locale.id)?;
        Some(read.get_or_init(|| serde_json::from_str(text).map(|texts| value(&texts)).unwrap_or_default()))
    }
}

/// The configuration as JSON, for an attribute. Without it the script would need another request.
fn configuration(settings: &Settings) -> String {
    let configuration = Configuration {
        client_id: &settings.client_id,
        cognito_url: &settings.cognito_url,
        sign_in_url: settings.sign_in_url.as_deref(),
        api_url: settings.api_url.as_deref(),
        providers: &settings.providers,
        connects: settings.connectable.as_deref(),
        tells: settings.tells,
        password: settings.password_rules,
        contact: settings.branding.support_email.is_some(),
        locales: LOCALES.iter().map(|locale| locale.tag).collect(),
    };
    // Texts and numbers always become JSON. Without it, the page would say that it did not load.
    serde_json::to_string(&configuration).unwrap_or_default()
}

/// What the link to this page in another language needs.
fn language(locale: &Locale, client: Option<&str>) -> Value {
    let query = products::query(Some(locale.tag), client);
    context! { tag => locale.tag, name => locale.name, dir => locale.direction.html(), query => query }
}

/// Turns texts into template values. Texts are nested objects of strings, and nothing else.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Object(members) => {
            Value::from_pairs(members.iter().map(|(key, json)| (key.as_str(), value(json))))
        }
        other => Value::from(other.as_str().unwrap_or_default()),
    }
}
