//! Where people go on when they are done: an address of the settings, for the app client that they came with.
//!
//! A link names the app client, and never the address. So no link leads to a stranger's site.

use std::collections::BTreeMap;

use cognito_core::settings::{Lookup, OVERRIDES, Overrides, PAGES_RETURN_URL, SettingError, optional};
use messages::Settings as Messages;

use super::urls::{RETURN_ALLOWED, parse_return_url};

/// The parameter of links that names an app client, here and in messages.
pub(super) const CLIENT: &str = "client";

/// The application of an app client that has a [`PAGES_RETURN_URL`] of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name, as in its messages.
    pub app_name: Option<String>,
    /// Where the pages lead.
    pub return_url: String,
}

/// Reads the products of a pool from `OVERRIDES`, by the ids of their app clients.
///
/// # Errors
///
/// Returns [`SettingError`] for the first app client with a value that is not allowed.
pub(super) fn read(
    overrides: &Overrides,
    user_pool_id: &str,
    lookup: Lookup<'_>,
) -> Result<BTreeMap<String, Product>, SettingError> {
    let mut products = BTreeMap::new();
    for id in overrides.clients() {
        let differing = |name: &str| overrides.of_client(user_pool_id, id, name).map(str::to_owned);
        let of_client = |why: SettingError| SettingError {
            name: OVERRIDES,
            value: format!("app client {id}: {} {}", why.name, why.value),
            allowed: why.allowed,
        };
        let url = optional(&differing, PAGES_RETURN_URL, RETURN_ALLOWED, parse_return_url).map_err(of_client)?;
        let Some(return_url) = url else { continue };
        let own = overrides.over(user_pool_id, Some(id), lookup);
        let app_name = Messages::from_lookup(&own).map_err(of_client)?.branding.app_name;
        products.insert(id.to_owned(), Product { app_name, return_url });
    }
    Ok(products)
}

/// The value of a parameter in a query.
pub(crate) fn parameter(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// The query of a link from page to page: the language that was chosen by hand, and the app client.
pub(super) fn query(lang: Option<&str>, client: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(lang.map(|tag| ("lang", tag)).into_iter().chain(client.map(|id| (CLIENT, id))));
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// The app client that a query names.
pub(crate) fn client_in(query: &str) -> Option<String> {
    parameter(query, CLIENT)
}

#[cfg(test)]
mod tests {
    use super::super::{PAGES_CLIENT_ID, Settings};
    use super::*;
    use cognito_core::testing::lookup;

    fn settings(overrides: &str) -> Result<Settings, SettingError> {
        let lookup = lookup([
            (PAGES_CLIENT_ID, "pages"),
            (PAGES_RETURN_URL, "https://app.example.com/"),
            ("APP_NAME", "Example"),
            ("AWS_REGION", "eu-central-1"),
            (OVERRIDES, overrides),
        ]);
        Settings::for_pool(&lookup, "eu-central-1_A").map(Option::unwrap)
    }

    #[test]
    fn an_app_client_of_the_pool_has_its_own_address_and_name() {
        let read = settings(
            r#"[{"client_id": ["web", "phone"], "settings": {"APP_NAME": "Shop", "PAGES_RETURN_URL": "https://shop.example.com/a?b=c"}},
                {"client_id": "plain", "settings": {"PAGES_RETURN_URL": "https://plain.example.com"}},
                {"client_id": "blank", "settings": {"APP_NAME": "Blank", "PAGES_RETURN_URL": " "}},
                {"client_id": "elsewhere", "user_pool_id": "eu-central-1_B", "settings": {"PAGES_RETURN_URL": "https://b.example.com"}},
                {"client_id": "pages", "settings": {"APP_NAME": "Pages"}}]"#,
        )
        .unwrap();
        let product = |name: &str, url: &str| Product { app_name: Some(name.to_owned()), return_url: url.to_owned() };
        let shop = product("Shop", "https://shop.example.com/a?b=c");
        let expected =
            [("phone", shop.clone()), ("plain", product("Example", "https://plain.example.com")), ("web", shop)];
        assert_eq!(read.products, expected.map(|(id, product)| (id.to_owned(), product)).into());
        assert_eq!(read.return_url.as_deref(), Some("https://app.example.com/"));
        assert_eq!(
            read.branding.app_name.as_deref(),
            Some("Pages"),
            "the pages look as the messages of their own app client do"
        );
        assert!(settings("").unwrap().products.is_empty());
    }

    #[test]
    fn a_pool_may_have_a_general_address_of_its_own() {
        let read = settings(
            r#"[{"user_pool_id": "eu-central-1_A", "settings": {"PAGES_RETURN_URL": "https://a.example.com"}},
                {"client_id": "web", "settings": {"APP_NAME": "Web"}}]"#,
        )
        .unwrap();
        assert_eq!((read.return_url.as_deref(), read.products.len()), (Some("https://a.example.com"), 0));
    }

    #[test]
    fn a_wrong_address_stops_the_start_and_names_the_app_client() {
        for url in
            ["javascript:alert(1)", "http://shop.example.com", "//shop.example.com", "https://a@shop.example.com"]
        {
            let overrides = format!(r#"[{{"client_id": "web", "settings": {{"PAGES_RETURN_URL": "{url}"}}}}]"#);
            let why = settings(&overrides).unwrap_err().to_string();
            assert!(why.contains("OVERRIDES") && why.contains("app client web: PAGES_RETURN_URL"), "{why}");
            assert!(why.contains(url) && why.contains("https://host"), "{why}");
        }
    }
}
