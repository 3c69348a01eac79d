//! How messages and pages address their readers.

use crate::locale::{INFORMAL, Locale};

/// The form of address for each language that has two: formal (Sie, vous, usted) or informal (du, tu, tú).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormsOfAddress {
    /// The languages with the informal form. All others are formal, or have one form only.
    informal: Vec<&'static Locale>,
}

impl FormsOfAddress {
    /// What [`parse`](Self::parse) reads.
    pub(crate) const ALLOWED: &str =
        "a comma list such as de:informal,fr:informal of the languages de, es and fr, each with formal or informal";

    /// Reads a list such as `de:informal,fr:formal`. `None` for a language that has one form only, for a language that stands
    /// there twice, and for anything else that is no such list.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (mut named, mut informal) = (Vec::new(), Vec::new());
        for item in value.split(',') {
            let (tag, form) = item.split_once(':')?;
            let locale = INFORMAL.iter().find(|locale| locale.tag == tag.trim())?;
            match form.trim() {
                "informal" => informal.push(locale),
                "formal" => {}
                _ => return None,
            }
            if named.contains(&locale.tag) {
                return None;
            }
            named.push(locale.tag);
        }
        Some(Self { informal })
    }

    /// The locale in the form that people are addressed in.
    #[must_use]
    pub fn of(&self, locale: &'static Locale) -> &'static Locale {
        self.informal.iter().find(|informal| informal.tag == locale.tag).copied().unwrap_or(locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::LOCALES;

    fn ids(value: &str) -> Option<String> {
        let forms = FormsOfAddress::parse(value)?;
        Some(LOCALES.iter().map(|locale| forms.of(locale).id).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_language_is_informal_where_the_list_says_so_and_formal_everywhere_else() {
        let formal = LOCALES.iter().map(|locale| locale.id).collect::<Vec<_>>().join(" ");
        assert_eq!(ids("de:formal,es:formal").as_deref(), Some(formal.as_str()));
        assert_eq!(ids(" de:informal , es:formal").as_deref(), Some("ar de-informal en es fr ja pt-BR"));
        let all = "ar de-informal en es-informal fr-informal ja pt-BR";
        assert_eq!(ids("fr:informal,de:informal,es:informal").as_deref(), Some(all));
    }

    #[test]
    fn a_language_with_one_form_and_anything_else_is_refused_with_all_that_is_allowed() {
        for value in
            ["ja:informal", "en:formal", "de-AT:informal", "de", "informal", "de:du", "de:formal,de:informal", ","]
        {
            assert_eq!(ids(value), None, "{value}");
        }
        for locale in INFORMAL {
            assert!(FormsOfAddress::ALLOWED.contains(&format!(" {}", locale.tag)), "{}", locale.tag);
        }
    }
}
