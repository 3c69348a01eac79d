//! The built-in locales, and how one is chosen.

use std::sync::OnceLock;

use icu_locale_core::{DataLocale, Locale as Tag};
use icu_locale_fallback::LocaleFallbacker;

/// Longest language tag that is read, in bytes (RFC 5646, 4.4.1 asks for at least 35).
const TAG_LIMIT: usize = 64;

/// The most language tags that are read from one text.
const MOST_TAGS: usize = 20;

/// The language tags in a text, most wanted first. The text may be a single tag, or a list as in `Accept-Language` (RFC
/// 9110, 12.5.4), OpenID Connect's `ui_locales` or the variable `LANGUAGE`. Names of POSIX locales (`de_DE.UTF-8`) lose
/// their encoding. Tags with weight 0 or an unreadable weight are left out, and so is `*`. Of an object, its member
/// `language` counts.
#[must_use]
pub fn preferred(text: &str) -> Vec<&str> {
    let text = language_of_object(text).unwrap_or(text);
    let mut tags: Vec<(&str, f32)> = text.split(',').flat_map(weighted).take(MOST_TAGS).collect();
    tags.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

/// The language in an object of country and language, which LinkedIn sends as `locale`. Cognito stores it as text, and AWS
/// does not say in which form: as JSON, or as Java writes it (`{country=AR, language=es}`). The country is no language:
/// `AR` would be Arabic. Empty if the object has none.
fn language_of_object(text: &str) -> Option<&str> {
    let members = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut members = members.split(',').filter_map(|member| member.split_once([':', '=']));
    let language = members.find(|(name, _)| bare(name) == "language");
    Some(language.map_or("", |(_, language)| bare(language)))
}

fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '"')
}

/// The tags of one item of a list, each with the item's weight.
fn weighted(item: &str) -> impl Iterator<Item = (&str, f32)> {
    let (tags, parameters) = item.split_once(';').unwrap_or((item, "q=1"));
    let weight = parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
    // `NaN` is not a weight, but it would count as the highest one.
    let weight = weight.filter(|weight| !weight.is_nan()).map_or(0.0, |weight| weight.min(1.0));
    let tags = tags.split(|c: char| c.is_whitespace() || c == ':');
    tags.map(|tag| tag.trim_matches(['[', ']', '"']).split(['.', '@']).next().unwrap_or_default())
        .filter(move |tag| !tag.is_empty() && *tag != "*" && tag.len() <= TAG_LIMIT && weight > 0.0)
        .map(move |tag| (tag, weight))
}

/// The direction of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

impl Direction {
    /// The value of HTML's `dir` attribute.
    #[must_use]
    pub const fn html(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }

    /// The side on which a line begins, as CSS and HTML's `align` name it.
    #[must_use]
    pub const fn start(self) -> &'static str {
        match self {
            Self::LeftToRight => "left",
            Self::RightToLeft => "right",
        }
    }
}

/// A built-in locale in one form of address. The build makes the tables from `locales`, and stops if one locale lacks a
/// string.
#[derive(Debug, PartialEq, Eq)]
pub struct Locale {
    /// BCP 47 tag, for example `pt-BR`.
    pub tag: &'static str,
    /// The name of its texts: the tag, and `-informal` behind it in the informal form of address.
    pub id: &'static str,
    /// The locale's name in its own language.
    pub name: &'static str,
    /// The direction of its script.
    pub direction: Direction,
    /// `section/key` and text, sorted by key. Empty for an informal form.
    strings: &'static [(&'static str, &'static str)],
    /// What an informal form says otherwise: `section/key`, a tab and the text on each line. One text and no table, because a
    /// start pays for each address in a table, and most people are addressed formally.
    otherwise: &'static str,
}

/// Every built-in locale, sorted by tag. Where a language has two forms of address, it is the formal one.
pub const LOCALES: &[Locale] = include!(concat!(env!("OUT_DIR"), "/locales.rs"));

/// The informal form of those that have one (du, tu, tú), sorted by tag.
pub const INFORMAL: &[Locale] = include!(concat!(env!("OUT_DIR"), "/informal.rs"));

const REFERENCE: usize = {
    let mut index = 0;
    // A loop, because iterators and string comparison are not available to constants.
    while !matches!(LOCALES[index].tag.as_bytes(), b"en") {
        index += 1;
    }
    index
};

impl Locale {
    /// The built-in locale with exactly this tag.
    #[must_use]
    pub fn with_tag(tag: &str) -> Option<&'static Self> {
        LOCALES.iter().find(|locale| locale.tag == tag)
    }

    /// The built-in locale with exactly this id.
    pub(crate) fn with_id(id: &str) -> Option<&'static Self> {
        Self::with_tag(id).or_else(|| INFORMAL.iter().find(|locale| locale.id == id))
    }

    /// The built-in locale for readers of this BCP 47 tag: the tag's own locale, or the nearest one that CLDR falls
    /// back to (`de` for `de_AT`). `None` for a malformed tag, and for a language that is not built in.
    #[must_use]
    pub fn for_tag(tag: &str) -> Option<&'static Self> {
        fallbacks(tag).iter().find_map(|step| Self::serving(step))
    }

    /// The template of `section/key`, or `None` if the message has no such string.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<&'static str> {
        if self.otherwise.is_empty() {
            let index = self.strings.binary_search_by_key(&key, |(name, _)| name).ok()?;
            return self.strings.get(index).map(|(_, text)| *text);
        }
        let own = self.otherwise.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'));
        own.or_else(|| Self::with_tag(self.tag)?.string(key))
    }

    /// English, the locale that the others are compared with.
    pub(crate) fn reference() -> &'static Self {
        &LOCALES[REFERENCE]
    }

    #[cfg(test)]
    pub(crate) fn strings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = self.otherwise.lines().filter_map(|line| line.split_once('\t'));
        self.strings.iter().copied().chain(own)
    }

    /// The built-in locale for one step of a [`fallbacks`] chain. If only a regional form of the language is built in,
    /// that form serves the language: people who read `pt` or `pt-PT` are better off with `pt-BR` than with English.
    pub(crate) fn serving(step: &str) -> Option<&'static Self> {
        static INDEX: OnceLock<Vec<(String, &'static Locale)>> = OnceLock::new();
        let index = INDEX.get_or_init(|| {
            LOCALES
                .iter()
                .flat_map(|locale| fallbacks(locale.tag).into_iter().map(move |step| (step, locale)))
                .collect()
        });
        index.iter().find(|(known, _)| known == step).map(|(_, locale)| *locale)
    }
}

/// The tag in its shortest form, and then the tags that CLDR falls back to, most specific first, without the root. For
/// `de_AT` they are `de-AT` and `de`. Underscores count as hyphens (OpenID Connect Core 5.1 allows them). Empty if the
/// tag is malformed.
pub(crate) fn fallbacks(tag: &str) -> Vec<String> {
    if tag.len() > TAG_LIMIT {
        return Vec::new();
    }
    let Ok(tag) = Tag::try_from_str(&tag.trim().replace('_', "-")) else {
        return Vec::new();
    };
    let mut steps = LocaleFallbacker::new()
        .for_config(icu_locale_fallback::LocaleFallbackConfig::default())
        .fallback_for(DataLocale::from(tag));
    let mut chain = Vec::new();
    while !steps.get().is_unknown() {
        chain.push(steps.get().to_string());
        steps.step();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(requested: &str, expected: Option<&str>) {
        let served = Locale::for_tag(requested);
        assert_eq!(served.map(|locale| locale.tag), expected, "{requested}: {:?}", fallbacks(requested));
    }

    #[test]
    fn the_tags_of_a_text_come_best_first_whatever_kind_of_list_it_is() {
        for (text, expected) in [
            ("de-CH", "de-CH"),
            (" de ", "de"),
            ("de_DE.UTF-8", "de_DE"),
            ("ca_ES.UTF-8@valencia", "ca_ES"),
            ("de_AT:de:en", "de_AT de en"),
            ("de-CH de", "de-CH de"),
            ("[de,en]", "de en"),
            ("de-CH, fr;q=0.9, en;q=0.95, *;q=0.1", "de-CH en fr"),
            ("fr;q=0, en;q=NaN, ;;, de;q=x, ja, it;q=9", "ja it"),
            ("", ""),
            (r#"{"country":"AR","language":"es"}"#, "es"),
            (r#" { "language" : "pt_BR", "country" : "BR" } "#, "pt_BR"),
            ("{country=AR, language=es}", "es"),
            (r#"{"country":"DE"}"#, ""),
            ("{}", ""),
        ] {
            assert_eq!(preferred(text).join(" "), expected, "{text}");
        }
        assert_eq!(preferred(&"de,".repeat(100)).len(), MOST_TAGS);
        assert_eq!(preferred(&"d".repeat(TAG_LIMIT + 1)), [""; 0]);
    }

    #[test]
    fn a_region_or_script_that_is_not_built_in_falls_back_to_its_language() {
        check("de", Some("de"));
        check("de-AT", Some("de"));
        check("de_CH", Some("de"));
        check("DE-de", Some("de"));
        check("en-AU", Some("en"));
        check("es-419", Some("es"));
        check("ar-EG", Some("ar"));
        check("ja-Jpan-JP", Some("ja"));
        check("fr-CA-u-ca-gregory", Some("fr"));
        check(" de ", Some("de"));
    }

    #[test]
    fn european_portuguese_readers_get_portuguese() {
        check("pt", Some("pt-BR"));
        check("pt-BR", Some("pt-BR"));
        check("pt-PT", Some("pt-BR"));
    }

    #[test]
    fn another_language_or_script_is_not_served_by_a_lookalike() {
        for tag in ["zh", "it-IT", "ar-Latn", "und", "", "x", "not a tag", "../../de", &"a-".repeat(40)] {
            check(tag, None);
        }
    }
}
