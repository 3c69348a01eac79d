//! What the pages load: style sheets, modules and texts.

use axum::body::Bytes;
use messages::Color;
use sha2::{Digest, Sha256};

use super::colors;

/// A year, the longest that RFC 9111's predecessors made sense of: the path changes with the content.
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXTS: &str = "application/json";

macro_rules! files {
    ($kind:expr, $folder:literal, [$($name:literal),+ $(,)?]) => {
        [$(($name, $kind, include_str!(concat!("../../pages/", $folder, $name)))),+]
    };
}

/// Modules, each a file of `pages/js`.
const SCRIPTS: [(&str, &str, &str); 16] = files!(
    SCRIPT,
    "js/",
    [
        "account-api.js",
        "account.js",
        "activate.js",
        "cognito.js",
        "complete-email-change.js",
        "complete-password-reset.js",
        "complete-registration.js",
        "email-change.js",
        "form.js",
        "link.js",
        "memory.js",
        "refusal.js",
        "register.js",
        "session.js",
        "start.js",
        "view.js",
    ]
);

/// The texts of every built-in locale, `<tag>.json`.
pub(super) const LOCALES: [(&str, &str, &str); 7] =
    files!(TEXTS, "locales/", ["ar.json", "de.json", "en.json", "es.json", "fr.json", "ja.json", "pt-BR.json",]);

const OTHERS: [(&str, &str, &str); 2] = [
    ("pages.css", STYLE, include_str!("../../pages/pages.css")),
    ("icon.svg", "image/svg+xml", include_str!("../../pages/icon.svg")),
];

/// A file and what it is.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    name: &'static str,
    /// Its media type.
    pub(super) content_type: &'static str,
    /// The file itself.
    pub(super) body: Bytes,
}

/// Every file, under a path that names their content.
#[derive(Debug)]
pub(super) struct Assets {
    version: String,
    files: Vec<Asset>,
}

impl Assets {
    pub(super) fn new(brand: Color) -> Self {
        let embedded = SCRIPTS.into_iter().chain(LOCALES).chain(OTHERS);
        let mut files: Vec<_> = embedded
            .map(|(name, content_type, text)| Asset { name, content_type, body: Bytes::from_static(text.as_bytes()) })
            .collect();
        files.push(Asset { name: "brand.css", content_type: STYLE, body: colors::style_sheet(brand).into() });
        // One version for all: a module names another by its bare file name.
        let mut hasher = Sha256::new();
        for file in &files {
            hasher.update(file.name);
            hasher.update(file.body.len().to_be_bytes());
            hasher.update(&file.body);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let version = digest[..8].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self { version: format!("{version:016x}"), files }
    }

    /// The path segment that changes with the content.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn find(&self, version: &str, name: &str) -> Option<Asset> {
        // An old page must not run with new modules: its version is gone.
        (version == self.version).then(|| self.files.iter().find(|file| file.name == name).cloned()).flatten()
    }
}

#[cfg(test)]
pub(super) fn scripts() -> usize {
    SCRIPTS.len()
}

#[cfg(test)]
pub(super) fn script_texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCRIPTS.into_iter().map(|(name, _, text)| (name, text))
}
