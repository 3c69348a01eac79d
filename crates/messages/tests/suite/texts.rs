//! What mails, SMS and pages say, in every language and form of address: one vocabulary, whole plurals, the typography of
//! French, and nobody addressed in two ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use messages::{INFORMAL, LOCALES, Locale};
use serde_json::Value;

/// What a text may be made of instead of one text: a form for each plural category.
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

fn file(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every locale in every form of address.
fn locales() -> impl Iterator<Item = &'static Locale> {
    LOCALES.iter().chain(INFORMAL)
}

/// The texts of mails and SMS of a locale, and those of the pages.
fn sources(locale: &Locale) -> [(&'static str, Value); 2] {
    let read = |folder: &str| -> [Value; 2] {
        let mails: toml::Table = file(&format!("locales/{folder}{}.toml", locale.tag)).parse().unwrap();
        let mails: BTreeMap<_, _> = mails.into_iter().filter(|(_, section)| section.is_table()).collect();
        let pages = file(&format!("../account-api/pages/locales/{folder}{}.json", locale.tag));
        [serde_json::to_value(mails).unwrap(), serde_json::from_str(&pages).unwrap()]
    };
    let [mut mails, mut pages] = read("");
    if locale.id != locale.tag {
        let [own_mails, own_pages] = read("informal/");
        overlay(&mut mails, own_mails);
        overlay(&mut pages, own_pages);
    }
    [("mail", mails), ("page", pages)]
}

fn overlay(formal: &mut Value, informal: Value) {
    match (formal, informal) {
        (Value::Object(formal), Value::Object(informal)) => {
            for (key, informal) in informal {
                overlay(formal.get_mut(&key).unwrap(), informal);
            }
        }
        (formal, informal) => *formal = informal,
    }
}

fn is_plural(members: &serde_json::Map<String, Value>) -> bool {
    members.contains_key("other") && members.keys().all(|key| key == "plural" || CATEGORIES.contains(&key.as_str()))
}

/// Every text by its path; the forms of a plural are one text each.
fn flatten(value: &Value, path: &str, found: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(members) if is_plural(members) => {
            let forms = members.iter().filter(|(key, _)| *key != "plural");
            found.insert(path.to_owned(), forms.map(|(_, form)| form.as_str().unwrap().to_owned()).collect());
        }
        Value::Object(members) => {
            for (key, value) in members {
                flatten(value, &format!("{path}.{key}"), found);
            }
        }
        text => {
            found.insert(path.to_owned(), vec![text.as_str().unwrap().to_owned()]);
        }
    }
}

/// Whether the text at this path goes out as an SMS.
fn is_sms(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, last)| last == "sms")
}

fn texts(locale: &Locale) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (kind, value) in &sources(locale) {
        flatten(value, kind, &mut found);
    }
    found
}

/// A text as people read it: what the engine fills in is no word of ours.
fn words(text: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_i32;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '\u{2011}' if depth == 0 => plain.push('-'),
            c if depth == 0 => plain.extend(c.to_lowercase()),
            _ => {}
        }
    }
    plain
}

fn english() -> &'static Locale {
    Locale::with_tag("en").unwrap()
}

struct Glossary {
    /// English word to the stems, one of which stands in a text.
    words: BTreeMap<String, Vec<String>>,
    /// A form that stands in no text.
    never: Vec<String>,
    /// Words that address people formally, and that address them informally, as whole words. Capital letters count where the
    /// word has one.
    formal: Vec<String>,
    informal: Vec<String>,
}

fn glossary(tag: &str) -> Glossary {
    let table: toml::Table = file(&format!("glossary/{tag}.toml")).parse().unwrap();
    let stems = |value: &toml::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|stem| stem.as_str().unwrap().to_lowercase()).collect()
    };
    let address = |form: &str| -> Vec<String> {
        let words = table.get(form).and_then(|form| form["words"].as_array()).into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    Glossary {
        formal: address("formal"),
        informal: address("informal"),
        words: table["words"].as_table().unwrap().iter().map(|(word, value)| (word.clone(), stems(value))).collect(),
        never: table["never"].as_table().unwrap().keys().map(|form| form.to_lowercase()).collect(),
    }
}

/// Whether a word of the text begins with the stem.
fn says(text: &str, stem: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric))
}

#[test]
fn mails_and_pages_use_the_words_of_the_glossary_and_none_that_it_rules_out() {
    let (english, meant) = (texts(english()), glossary("en").words);
    for locale in locales() {
        let (own, glossary) = (texts(locale), glossary(locale.tag));
        assert_eq!(glossary.words.keys().collect::<Vec<_>>(), meant.keys().collect::<Vec<_>>(), "{}", locale.id);
        for (path, forms) in &own {
            for text in forms.iter().map(|form| words(form)) {
                let ruled_out = glossary.never.iter().find(|never| text.contains(*never));
                assert_eq!(ruled_out, None, "{} {path}: {text}", locale.id);
                // An SMS has room for one word of several.
                for (word, stems) in glossary.words.iter().filter(|_| !is_sms(path)) {
                    let expected = meant[word].iter().any(|stem| says(&words(&english[path][0]), stem));
                    let said = stems.iter().any(|stem| text.contains(stem));
                    assert!(!expected || said, "{} {path} speaks of {word:?} in other words: {text}", locale.id);
                }
            }
        }
    }
}

/// The plural categories that CLDR has for whole numbers below a million.
fn categories(tag: &str) -> BTreeSet<&'static str> {
    match tag {
        "ja" => BTreeSet::from(["other"]),
        "ar" => CATEGORIES.into(),
        _ => BTreeSet::from(["one", "other"]),
    }
}

fn plurals<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a serde_json::Map<String, Value>)>) {
    if let Value::Object(members) = value {
        if is_plural(members) {
            found.push((path.to_owned(), members));
        } else {
            members.iter().for_each(|(key, value)| plurals(value, &format!("{path}.{key}"), found));
        }
    }
}

#[test]
fn every_text_with_a_number_has_a_form_for_each_plural_category_of_its_language() {
    for locale in locales() {
        // The build looks at those of the mails, which never name zero.
        let [_, (_, pages)] = sources(locale);
        let mut found = Vec::new();
        plurals(&pages, "page", &mut found);
        let names: BTreeSet<_> = found.iter().map(|(path, _)| path.rsplit('.').next().unwrap()).collect();
        assert_eq!(names, ["password_hint", "short_password", "tries_left", "wait"].into(), "{}", locale.id);
        for (path, forms) in found {
            let own: BTreeSet<_> = forms.keys().map(String::as_str).collect();
            assert_eq!(own, categories(locale.tag), "{} {path}", locale.id);
        }
    }
}

#[test]
fn no_text_counts_with_an_abbreviation_or_with_a_number_beside_a_colon() {
    for locale in locales() {
        for (path, forms) in texts(locale) {
            for text in forms {
                for variable in ["{minutes}", "{count}", "{length}", "{{ minutes }}", "{{ days }}"] {
                    let Some((before, after)) = text.split_once(variable) else { continue };
                    assert!(!before.trim_end().ends_with([':', '：']), "{} {path}: {text}", locale.id);
                    let unit = after.trim_start_matches(['\u{a0}', ' ']);
                    assert!(!unit.starts_with("min ") && !unit.starts_with("min."), "{} {path}: {text}", locale.id);
                }
            }
        }
    }
}

#[test]
fn in_french_no_line_breaks_before_a_sign_or_between_a_number_and_its_unit() {
    let french = locales().filter(|locale| locale.tag == "fr").flat_map(texts);
    for (path, forms) in french.filter(|(path, _)| !is_sms(path)) {
        for text in forms {
            for (at, sign) in text.char_indices().filter(|(_, c)| [':', ';', '?', '!', '»'].contains(c)) {
                let before = text[..at].chars().next_back();
                assert_eq!(before, Some('\u{a0}'), "{path}, before {sign:?}: {text}");
            }
            for unit in ["heure", "minute", "jour", "caractère", "tentative"] {
                for (at, _) in text.match_indices(unit) {
                    let before: Vec<char> = text[..at].chars().rev().take(2).collect();
                    let counted = matches!(before[..], [' ', c] if c == '}' || c.is_ascii_digit());
                    assert!(!counted, "{path}: {text}");
                }
            }
        }
    }
}

#[test]
fn no_title_breaks_within_a_word_at_its_hyphen() {
    for locale in locales() {
        for (path, forms) in texts(locale).into_iter().filter(|(path, _)| path.ends_with("title")) {
            assert!(!forms[0].to_lowercase().contains("e-mail"), "{} {path}: {}", locale.tag, forms[0]);
        }
    }
}

#[test]
fn every_language_says_as_many_things_as_english() {
    let english: Vec<_> = texts(english()).into_keys().collect();
    assert!(english.len() > 200, "{} texts are looked at", english.len());
    for locale in locales() {
        assert_eq!(texts(locale).into_keys().collect::<Vec<_>>(), english, "{}", locale.id);
    }
}

/// The words of a text as they are written.
fn written(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

#[test]
fn nobody_is_addressed_formally_in_the_informal_form_or_informally_in_the_formal_one() {
    for locale in locales() {
        let glossary = glossary(locale.tag);
        let other = if locale.id == locale.tag { &glossary.informal } else { &glossary.formal };
        assert!(other.len() > 5 || INFORMAL.iter().all(|informal| informal.tag != locale.tag), "{}", locale.id);
        for (path, forms) in texts(locale) {
            for text in forms {
                let found = written(&text).find(|word| other.iter().any(|no| no == word || *no == word.to_lowercase()));
                assert_eq!(found, None, "{} {path}: {text}", locale.id);
            }
        }
    }
}
