//! Turns facts into checked text. It tries the custom template first, then the built-in one.

use crate::context::{Facts, Language, context};
use crate::engine::{Choice, Engine};
use crate::kind::{Kind, Part};
use crate::locale::{Direction, LOCALES};
use crate::personal::one_line_with;
use crate::placeholder::{CODE, LINK, Placeholders, USERNAME};
use crate::settings::{Branding, Settings};
use crate::skipped::{Reason, SkippedTemplate, Source};

/// Writes the parts of one message.
pub(crate) struct Writer<'a> {
    pub(crate) kind: Kind,
    pub(crate) settings: &'a Settings,
    pub(crate) engine: &'a Engine,
    pub(crate) placeholders: Placeholders<'a>,
    pub(crate) locales: &'a [&'a str],
    pub(crate) skipped: Vec<SkippedTemplate>,
}

impl<'a> Writer<'a> {
    /// Writes a part in the reader's language. It tries the custom template and then the built-in one, each with the
    /// first of `facts` and then the next, and returns the first text that passes `check`. Returns `None` if all fail.
    /// `skipped` lists every failure.
    pub(crate) fn part(
        &mut self,
        part: Part,
        facts: &[&Facts],
        check: impl Fn(&str) -> Result<(), Reason>,
    ) -> Option<String> {
        let choice = self.choose(part);
        let built_in = Language { locale: choice.locale, tag: choice.locale.tag, direction: choice.locale.direction };
        let mut candidates = Vec::with_capacity(2);
        if let Some((custom, tag)) = &choice.custom {
            let source = Source::Custom(custom.file.clone());
            candidates.push((
                custom.file.as_str(),
                source,
                Language { tag, direction: direction(tag), ..built_in },
                custom.broken.clone(),
            ));
        }
        candidates.push((part.built_in(), Source::BuiltIn(choice.locale.tag), built_in, None));
        for (template, source, language, broken) in candidates {
            for facts in facts {
                let text = match &broken {
                    Some(reason) => Err(reason.clone()),
                    None => self.render(template, part, language, facts),
                };
                match text.and_then(|text| check(&text).map(|()| text)) {
                    Ok(text) => return Some(self.placeholders.fill(&text)),
                    Err(reason) => {
                        let template = SkippedTemplate { kind: self.kind, part, from: source.clone(), reason };
                        if !self.skipped.contains(&template) {
                            self.skipped.push(template);
                        }
                    }
                }
            }
        }
        None
    }

    fn choose(&self, part: Part) -> Choice<'a> {
        let choice = self.engine.choose(self.locales.iter().copied(), self.settings.default_locale, self.kind, part);
        Choice { locale: self.settings.forms.of(choice.locale), ..choice }
    }

    fn render(&self, template: &str, part: Part, language: Language<'_>, facts: &Facts) -> Result<String, Reason> {
        let html = part == Part::Html;
        let context = context(self.kind, language, self.branding(), facts, html);
        let text = self.engine.render(template, &context)?;
        let text = match part {
            Part::Subject => one_line_with(&text, |c| [CODE, USERNAME, LINK].contains(&c)),
            Part::Html | Part::Text | Part::Sms => text.trim().to_owned(),
        };
        Ok(self.placeholders.disarm(&text, html))
    }

    fn branding(&self) -> &Branding {
        &self.settings.branding
    }
}

/// The direction of a locale that only custom templates serve. It is that of a built-in locale of the same language.
/// Templates of other languages state their direction themselves.
fn direction(tag: &str) -> Direction {
    let language = tag.split('-').next().unwrap_or_default();
    LOCALES
        .iter()
        .find(|locale| locale.tag.split('-').next() == Some(language))
        .map_or(Direction::LeftToRight, |locale| locale.direction)
}
