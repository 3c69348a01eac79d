//! The template engine. Built-in templates, the locales' strings and custom templates share one environment.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, filters, tests as checks};

use crate::custom::{CustomFiles, Problem};
use crate::kind::{Kind, Part};
use crate::locale::{Locale, fallbacks};
use crate::skipped::Reason;

/// The built-in templates. The build inlines the styles of the HTML.
const BUILT_IN: [(&str, &str); 5] = [
    (Part::Html.built_in(), include_str!(concat!(env!("OUT_DIR"), "/message.html"))),
    ("built-in/legal.html", include_str!(concat!(env!("OUT_DIR"), "/legal.html"))),
    (Part::Text.built_in(), include_str!("../templates/message.txt")),
    (Part::Subject.built_in(), include_str!("../templates/subject.txt")),
    (Part::Sms.built_in(), include_str!("../templates/sms.txt")),
];

/// The parsed templates. A built-in template, and a string of a locale, is parsed at its first use and then stays: no
/// function sends every part.
#[derive(Debug)]
pub(crate) struct Engine {
    environment: Environment<'static>,
    custom: BTreeMap<CustomKey, Custom>,
    problems: Vec<Problem>,
}

/// The normal form of the locale's tag, the message and the part.
type CustomKey = (String, Kind, Part);

/// A custom template: its file, and the reason if it does not parse.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) file: String,
    pub(crate) broken: Option<Reason>,
}

/// The templates and the locale for one part of a message.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    /// The custom template to try first, and the tag of its locale.
    pub(crate) custom: Option<(&'a Custom, String)>,
    /// The built-in locale. It is the fallback, and both templates may use its strings.
    pub(crate) locale: &'static Locale,
}

impl Engine {
    /// Parses `files`. A file that does not parse becomes a problem. The others still work.
    pub(crate) fn new(files: CustomFiles) -> Self {
        let mut environment = environment();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            let html = name.rsplit_once('.').is_some_and(|(_, extension)| extension == "html");
            if html { AutoEscape::Html } else { AutoEscape::None }
        });
        // So that a tag on a line of its own leaves no empty line.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_loader(|name| Ok(built_in(name).or_else(|| string(name))));
        let mut engine = Self { environment, custom: BTreeMap::new(), problems: files.problems };
        for (name, source) in files.files {
            engine.add_custom(name, source);
        }
        engine
    }

    fn problem(&mut self, file: &str, reason: &Reason) {
        self.problems.push(Problem { file: file.to_owned(), reason: reason.to_string() });
    }

    /// The files of `TEMPLATE_DIR` that cannot be used.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn add_custom(&mut self, file: String, source: String) {
        let broken =
            self.environment.add_template_owned(file.clone(), source).err().map(|error| Reason::from_engine(&error));
        if let Some(reason) = &broken {
            self.problem(&file, reason);
        }
        let Some((tag, name)) = file.split_once('/') else {
            return;
        };
        let Some(tag) = fallbacks(tag).into_iter().next() else {
            return;
        };
        match message_file(name) {
            Some((kind, part)) => {
                self.custom.insert((tag, kind, part), Custom { file, broken });
            }
            None if !name.starts_with('_') => self.problems.push(Problem {
                file,
                reason: "is not named after a message; if other templates include it, begin its name with _".to_owned(),
            }),
            None => {}
        }
    }

    /// Goes through the requested languages, best first, and takes the first one with a custom template or a built-in
    /// locale. `default` comes last.
    pub(crate) fn choose<'t>(
        &self,
        requested: impl IntoIterator<Item = &'t str>,
        default: &'static Locale,
        kind: Kind,
        part: Part,
    ) -> Choice<'_> {
        let mut custom = None;
        for tag in requested.into_iter().chain([default.tag]) {
            for step in fallbacks(tag) {
                if custom.is_none() && !self.custom.is_empty() {
                    custom = self.custom.get(&(step.clone(), kind, part)).map(|own| (own, step.clone()));
                }
                if let Some(locale) = Locale::serving(&step) {
                    return Choice { custom, locale };
                }
            }
        }
        Choice { custom, locale: default }
    }

    pub(crate) fn render(&self, name: &str, context: &Value) -> Result<String, Reason> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(context))
            .map_err(|error| Reason::from_engine(&error))
    }
}

/// An environment with the filters and tests that messages need. The engine's whole set would double the code that each
/// start loads.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.add_filter("safe", filters::safe);
    environment.add_filter("escape", filters::escape);
    environment.add_filter("e", filters::escape);
    environment.add_filter("default", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_test("defined", checks::is_defined);
    environment.add_test("undefined", checks::is_undefined);
    environment
}

fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.into_iter().find_map(|(known, source)| (known == name).then_some(source))
}

/// The source of `strings/<id>/<section>/<key>.<extension>`. The extension decides how inserted values are escaped. It
/// does not change the string.
fn string(name: &str) -> Option<&'static str> {
    let (id, rest) = name.strip_prefix("strings/")?.split_once('/')?;
    let (key, _) = rest.rsplit_once('.')?;
    Locale::with_id(id)?.string(key)
}

fn message_file(name: &str) -> Option<(Kind, Part)> {
    // `.subject.txt` and `.sms.txt` also end in `.txt`, but no message is named `….subject`.
    Part::ALL.into_iter().find_map(|part| {
        let kind = Kind::from_name(name.strip_suffix(part.suffix())?)?;
        Some((kind, part))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::locale::{INFORMAL, LOCALES};

    fn variables(environment: &Environment<'_>, text: &str) -> BTreeSet<String> {
        environment.template_from_str(text).unwrap().undeclared_variables(false).into_iter().collect()
    }

    #[test]
    fn every_built_in_template_parses() {
        let engine = Engine::new(CustomFiles::default());
        for (name, _) in BUILT_IN {
            assert!(engine.environment.get_template(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_string_of_every_locale_parses_and_uses_the_variables_of_the_english_one() {
        let environment = Environment::new();
        let english = Locale::reference();
        for locale in LOCALES.iter().chain(INFORMAL) {
            for (key, text) in locale.strings() {
                let (own, expected) = (variables(&environment, text), english.string(key).unwrap());
                // A locale with a formal form of address greets without a name.
                if key == "common/greeting" && own.is_empty() {
                    continue;
                }
                assert_eq!(own, variables(&environment, expected), "{} of {}", key, locale.id);
            }
        }
    }

    #[test]
    fn every_kind_has_a_section_and_every_section_a_kind() {
        let sections: BTreeSet<_> =
            Locale::reference().strings().map(|(key, _)| key.split('/').next().unwrap()).collect();
        let kinds = Kind::ALL.iter().map(|kind| kind.name()).chain(["common"]).collect();
        assert_eq!(sections, kinds);
    }

    #[test]
    fn file_names_lead_to_message_and_part() {
        assert_eq!(message_file("sign-up.html"), Some((Kind::SignUp, Part::Html)));
        assert_eq!(message_file("sign-up.sms.txt"), Some((Kind::SignUp, Part::Sms)));
        assert_eq!(message_file("sign-up.subject.txt"), Some((Kind::SignUp, Part::Subject)));
        assert_eq!(message_file("activation.txt"), Some((Kind::Activation, Part::Text)));
        assert_eq!(message_file("signup.html"), None);
    }
}
