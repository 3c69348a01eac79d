//! The files that the pages load: one style sheet, and one script for each language in the form of address that people get.

use axum::body::Bytes;
use messages::{Color, FormsOfAddress};
use sha2::{Digest, Sha256};

use super::{colors, compression};

/// A year, the longest time that the predecessors of RFC 9111 recommend. The path changes with the content.
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// All modules of `pages/js` in one script. The build puts them together, and makes the style sheet shorter.
#[cfg(test)]
pub(super) const MODULES: &str = include_str!(concat!(env!("OUT_DIR"), "/pages.js"));
const STYLES: &str = include_str!(concat!(env!("OUT_DIR"), "/pages.css"));

macro_rules! locales {
    ($($id:literal),+ $(,)?) => {
        [$((
            $id,
            include_str!(concat!(env!("OUT_DIR"), "/", $id, ".json")),
            include_bytes!(concat!(env!("OUT_DIR"), "/", $id, ".js.gz")),
        )),+]
    };
}

/// The id of every built-in locale in every form of address, its texts as a JSON document, and its script, packed.
pub(super) const LOCALES: [(&str, &str, &[u8]); 10] =
    locales!["ar", "de", "de-informal", "en", "es", "es-informal", "fr", "fr-informal", "ja", "pt-BR"];

/// Those in which people are addressed: one for each language.
pub(super) fn used(forms: &FormsOfAddress) -> impl Iterator<Item = (&'static str, &'static str, &'static [u8])> {
    LOCALES.into_iter().filter(|(id, ..)| messages::LOCALES.iter().any(|locale| forms.of(locale).id == *id))
}

/// A file and its media type.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    name: String,
    /// Its media type.
    pub(super) content_type: &'static str,
    /// The file for browsers that unpack gzip, which all do.
    pub(super) packed: Bytes,
}

impl Asset {
    /// The file for whoever does not unpack gzip.
    pub(super) fn body(&self) -> Bytes {
        compression::gunzip(&self.packed)
    }
}

/// Every file, under a path that changes with their content.
#[derive(Debug)]
pub(super) struct Assets {
    version: String,
    files: Vec<Asset>,
}

impl Assets {
    pub(super) fn new(brand: Color, forms: &FormsOfAddress) -> Self {
        let script = |(id, _, packed): (&str, &str, &'static [u8])| Asset {
            name: format!("{id}.js"),
            content_type: SCRIPT,
            packed: Bytes::from_static(packed),
        };
        let mut files: Vec<_> = used(forms).map(script).collect();
        let styles = format!("{STYLES}\n{}", colors::style_sheet(brand));
        let packed = compression::gzip(styles.as_bytes());
        files.push(Asset { name: "pages.css".to_owned(), content_type: STYLE, packed });
        let mut hasher = Sha256::new();
        for file in &files {
            hasher.update(&file.name);
            // Packed, a file ends with the checksum and the length of its content (RFC 1952, 2.3.1).
            hasher.update(&file.packed[file.packed.len().saturating_sub(8)..]);
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
        // An old page must not run with a new script, so only the current version is found.
        (version == self.version).then(|| self.files.iter().find(|file| file.name == name).cloned()).flatten()
    }
}
