//! Prepares the built-in templates and locales, so that a function needs no CSS inliner, no TOML parser and no plural
//! rules. It writes the inlined HTML and a table of every locale's strings. A string that is missing in one locale, or
//! unknown, stops the build. The informal form of a locale has only the strings that differ: one that the formal form
//! lacks, or that is the same there, stops the build. A string with a number has a form for each plural category of its
//! language. The build turns the forms into one template that chooses among them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{env, fs};

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The locale with the reference keys. Every other locale must have exactly these keys.
const REFERENCE: &str = "en";

/// The folder with the informal form of those locales that are formal.
const INFORMAL: &str = "locales/informal";

/// Stand-ins in the style sheets for values that are known only when a message is rendered.
const STAND_INS: [(&str, &str); 5] = [
    ("#b7a2d1", "{{ brand_color }}"),
    ("#d1a2b7", "{{ brand_text_color }}"),
    ("#a2b7d1", "{{ brand_edge }}"),
    ("#a2d1b7", "{{ brand_edge_dark }}"),
    ("text-align: start", "text-align: {{ align }}"),
];

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=locales");
    println!("cargo::rerun-if-changed=templates");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    let (message, legal) = without_legal(&inlined_template()?)?;
    fs::write(out.join("message.html"), message)?;
    fs::write(out.join("legal.html"), legal)?;
    let locales = read_locales()?;
    fs::write(out.join("locales.rs"), locale_table(&locales)?)?;
    fs::write(out.join("informal.rs"), informal_table(&locales)?)?;
    Ok(())
}

/// `message.html` with `inline.css` in its style attributes and `media.css` in its head.
fn inlined_template() -> Outcome<String> {
    let template = fs::read_to_string("templates/message.html")?;
    let media = fs::read_to_string("templates/media.css")?;
    let inliner = css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .extra_css(Some(fs::read_to_string("templates/inline.css")?.into()))
        .minify_css(false)
        .build();
    // An HTML parser moves text out of a table but leaves comments where they are. So a template tag on a line of its
    // own goes through the inliner as a comment.
    let mut html = inliner.inline(&map_tag_lines(&template, |tag| format!("<!--{tag}-->")))?;
    html = html.replace("<!--{%", "{%").replace("%}-->", "%}");
    html = html.replace("<!--media.css-->", &format!("<style>\n{}</style>", without_comments(&media)));
    for (stand_in, expression) in STAND_INS {
        if !html.contains(stand_in) {
            return Err(format!("templates: the style sheets no longer contain `{stand_in}`").into());
        }
        html = html.replace(stand_in, expression);
    }
    Ok(html)
}

/// Takes the part between the comments `legal` out, for a template of its own. Few senders set what it shows, and a template
/// is parsed only where it is used.
fn without_legal(html: &str) -> Outcome<(String, String)> {
    const MISSING: &str = "templates: message.html no longer marks its legal part";
    let (before, rest) = html.split_once("<!--legal-->").ok_or(MISSING)?;
    let (legal, after) = rest.split_once("<!--/legal-->").ok_or(MISSING)?;
    let include = "{% if legal_footer or terms_url or privacy_url %}{% include \"built-in/legal.html\" %}{% endif %}";
    Ok((format!("{before}{include}{after}"), legal.trim_start().to_owned()))
}

/// Applies `change` to each line that consists of one template tag.
fn map_tag_lines(template: &str, change: impl Fn(&str) -> String) -> String {
    let is_tag = |line: &str| line.starts_with("{%") && line.ends_with("%}") && line.matches("{%").count() == 1;
    template
        .lines()
        .map(|line| if is_tag(line) { change(line) } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

fn without_comments(css: &str) -> String {
    css.lines().filter(|line| !line.trim_start().starts_with("/*")).fold(String::new(), |text, line| text + line + "\n")
}

/// The strings of one locale, from `section/key` to text.
type Strings = BTreeMap<String, String>;

/// A locale's name, direction and strings.
type LocaleFile = (String, &'static str, Strings);

fn read_locales() -> Outcome<BTreeMap<String, LocaleFile>> {
    let mut locales = BTreeMap::new();
    for (tag, path) in toml_files("locales")? {
        let file = read_locale(&path, &tag).map_err(|error| format!("{}: {error}", path.display()))?;
        locales.insert(tag, file);
    }
    let reference: Vec<String> =
        locales.get(REFERENCE).ok_or("locales/en.toml is missing")?.2.keys().cloned().collect();
    for (tag, (_, _, strings)) in &locales {
        same_keys(tag, &reference, strings)?;
    }
    Ok(locales)
}

/// The TOML files of a folder by the tags that they are named after.
fn toml_files(folder: &str) -> Outcome<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.insert(path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned(), path);
        }
    }
    Ok(files)
}

/// The Rust source of the table that `locale.rs` includes.
fn locale_table(locales: &BTreeMap<String, LocaleFile>) -> Outcome<String> {
    let mut source = String::from("&[\n");
    for (tag, (name, direction, strings)) in locales {
        write!(source, "Locale {{ tag: {tag:?}, id: {tag:?}, name: {name:?}, ")?;
        writeln!(source, "direction: Direction::{direction}, otherwise: \"\", strings: &[")?;
        for (key, text) in strings {
            writeln!(source, "    ({key:?}, {text:?}),")?;
        }
        source.push_str("] },\n");
    }
    Ok(source + "]\n")
}

/// The Rust source of the table of informal forms.
fn informal_table(locales: &BTreeMap<String, LocaleFile>) -> Outcome<String> {
    let mut source = String::from("&[\n");
    for (tag, path) in toml_files(INFORMAL)? {
        let fail = |error: String| format!("{}: {error}", path.display());
        let (name, direction, formal) = locales.get(&tag).ok_or_else(|| fail("no locale has this name".to_owned()))?;
        let mut otherwise = String::new();
        for (key, text) in read_strings(&fs::read_to_string(&path)?.parse()?, &tag).map_err(fail)? {
            match formal.get(&key) {
                None => return Err(fail(format!("{key} is not in the formal form")).into()),
                Some(same) if *same == text => return Err(fail(format!("{key} is the same in the formal form")).into()),
                Some(_) => writeln!(otherwise, "{key}\t{text}")?,
            }
        }
        let id = format!("{tag}-informal");
        write!(source, "Locale {{ tag: {tag:?}, id: {id:?}, name: {name:?}, ")?;
        writeln!(source, "direction: Direction::{direction}, otherwise: {otherwise:?}, strings: &[] }},")?;
    }
    Ok(source + "]\n")
}

fn read_locale(path: &Path, tag: &str) -> Outcome<LocaleFile> {
    let table: toml::Table = fs::read_to_string(path)?.parse()?;
    let top = |key: &str| table.get(key).and_then(toml::Value::as_str).ok_or(format!("`{key}` is missing"));
    let direction = match top("dir")? {
        "ltr" => "LeftToRight",
        "rtl" => "RightToLeft",
        other => return Err(format!("dir is {other:?}; allowed: ltr, rtl").into()),
    };
    Ok((top("name")?.to_owned(), direction, read_strings(&table, tag)?))
}

fn read_strings(table: &toml::Table, tag: &str) -> Result<Strings, String> {
    let mut strings = Strings::new();
    for (section, value) in table {
        let Some(section_table) = value.as_table() else {
            continue;
        };
        for (key, value) in section_table {
            let text = match value {
                toml::Value::String(text) => check_text(text).map(|()| text.clone()),
                toml::Value::Table(forms) => plural(tag, forms),
                _ => Err("is neither a text nor a table of plural forms".to_owned()),
            };
            strings.insert(format!("{section}/{key}"), text.map_err(|error| format!("{section}.{key} {error}"))?);
        }
    }
    Ok(strings)
}

/// Checks that a string is plain text on one line, because it becomes part of HTML and of subject lines.
fn check_text(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    match text.chars().find(|c| "<>&".contains(*c) || c.is_control()) {
        Some(found) => Err(format!("contains {found:?}; allowed: one line of text without <, > and &")),
        None => Ok(()),
    }
}

/// The numbers that messages can name, such as `INVITATION_DAYS` (at most 365).
const NUMBERS: RangeInclusive<u32> = 1..=999;

/// Turns the forms of a text with a number into one template. The forms are `{ plural = "days", one = "…", other = "…"
/// }`, where `days` is the variable. The other keys are the categories that CLDR has for [`NUMBERS`] in this language.
fn plural(tag: &str, forms: &toml::Table) -> Result<String, String> {
    let text = |key: &str| forms.get(key).and_then(toml::Value::as_str).ok_or(format!("lacks the text `{key}`"));
    let variable = text("plural")?;
    let mut numbers: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let rules = Locale::try_from_str(tag).map_err(|error| error.to_string())?;
    let rules = PluralRules::try_new_cardinal(rules.into()).map_err(|error| error.to_string())?;
    for number in NUMBERS {
        numbers.entry(category(rules.category_for(number))).or_default().push(number);
    }
    if let Some(unknown) = forms.keys().find(|key| *key != "plural" && !numbers.contains_key(key.as_str())) {
        return Err(format!("has the form `{unknown}`, which {tag} does not use; it uses {:?}", numbers.keys()));
    }
    numbers.remove("other");
    let mut template = String::new();
    for (position, (category, members)) in numbers.iter().enumerate() {
        let form = text(category)?;
        check_text(form)?;
        let tag = if position == 0 { "if" } else { "elif" };
        write!(template, "{{% {tag} {} %}}{form}", among(variable, members)).map_err(|error| error.to_string())?;
    }
    let other = text("other")?;
    check_text(other)?;
    if numbers.is_empty() {
        return Ok(other.to_owned());
    }
    Ok(format!("{template}{{% else %}}{other}{{% endif %}}"))
}

/// The condition that a variable is one of these numbers. It is short if the same numbers repeat in every hundred.
fn among(variable: &str, members: &[u32]) -> String {
    let in_hundred: Vec<u32> = members.iter().copied().filter(|number| *number < 100).collect();
    let repeats = NUMBERS.filter(|number| in_hundred.contains(&(number % 100))).eq(members.iter().copied());
    if repeats { format!("{variable} % 100 in {in_hundred:?}") } else { format!("{variable} in {members:?}") }
}

const fn category(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

fn same_keys(tag: &str, reference: &[String], strings: &Strings) -> Outcome<()> {
    let missing: Vec<_> = reference.iter().filter(|key| !strings.contains_key(*key)).collect();
    let unknown: Vec<_> = strings.keys().filter(|key| !reference.contains(key)).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(format!("locales/{tag}.toml: missing {missing:?}, not in {REFERENCE}.toml {unknown:?}").into())
}
