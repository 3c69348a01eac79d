//! Puts the modules of the pages into one script, so that a first visit loads one file instead of a chain of files. Each
//! language gets this script with its texts before it, packed, so that no start of the function has to pack it. So does the
//! informal form of a language: its texts are those of the formal form, and the ones that differ.
//!
//! A module becomes a function that runs once. It reads its imports from the modules before it and returns its exports.
//! The script of a page exports nothing and runs on that page alone. Modules may use only the forms of `import` and
//! `export` that are read below. Any other form stops the build.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

const MODULES: &str = "pages/js";
const STYLES: &str = "pages/pages.css";
const LOCALES: &str = "pages/locales";
const INFORMAL: &str = "pages/locales/informal";

/// The texts of a language by section.
type Texts = BTreeMap<String, Value>;

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={MODULES}");
    println!("cargo::rerun-if-changed={STYLES}");
    println!("cargo::rerun-if-changed={LOCALES}");
    let mut bundle = Bundle { modules: read_modules()?, ..Bundle::default() };
    for name in bundle.modules.keys().cloned().collect::<Vec<_>>() {
        bundle.add(&name, &mut Vec::new())?;
    }
    let text = format!(
        "const modules = {{}}, pages = {{}};\n{}pages[document.documentElement.dataset.script]();\n",
        bundle.text
    );
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("pages.js"), &text)?;
    let styles = for_browsers(&fs::read_to_string(STYLES)?, "/*").collect::<Vec<_>>().join("\n");
    if styles.contains("*/") {
        return Err(format!("{STYLES}: a comment has a line to itself").into());
    }
    fs::write(out.join("pages.css"), styles)?;
    let formal = read_texts(LOCALES)?;
    for (tag, texts) in &formal {
        write_texts(out, tag, texts.clone(), &text)?;
    }
    for (tag, informal) in read_texts(INFORMAL)? {
        let mut texts = formal.get(&tag).cloned().ok_or(format!("{INFORMAL}: no locale is named {tag}"))?;
        for (section, informal) in informal {
            overlay(texts.get_mut(&section), informal)
                .map_err(|error| format!("{INFORMAL}/{tag}: {section}{error}"))?;
        }
        write_texts(out, &format!("{tag}-informal"), texts, &text)?;
    }
    Ok(())
}

/// The lines of a file without what is for those who read it: indents, empty lines, and the comments, each of which has a
/// line to itself. Without them, a first visit loads four kilobytes less.
fn for_browsers<'a>(text: &'a str, comment: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().map(str::trim_start).filter(move |line| !line.is_empty() && !line.starts_with(comment))
}

/// The texts in a folder by the tags of their files.
fn read_texts(folder: &str) -> Outcome<BTreeMap<String, Texts>> {
    let mut locales = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let tag = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a locale's name is not valid Unicode")?;
            locales.insert(tag.to_owned(), serde_json::from_str(&fs::read_to_string(&path)?)?);
        }
    }
    Ok(locales)
}

/// Replaces texts. One that the formal form lacks, or that is the same there, is an error.
fn overlay(formal: Option<&mut Value>, informal: Value) -> Result<(), String> {
    match (formal, informal) {
        (Some(Value::Object(formal)), Value::Object(informal)) => informal
            .into_iter()
            .try_for_each(|(key, text)| overlay(formal.get_mut(&key), text).map_err(|error| format!(".{key}{error}"))),
        (Some(Value::String(formal)), Value::String(informal)) if *formal != informal => {
            *formal = informal;
            Ok(())
        }
        (Some(_), _) => Err(" is the same in the formal form, or of another kind".to_owned()),
        (None, _) => Err(" is not in the formal form".to_owned()),
    }
}

/// Writes the texts for the pages, and the packed script with those that it needs.
fn write_texts(out: &Path, id: &str, mut texts: Texts, script: &str) -> Outcome<()> {
    fs::write(out.join(format!("{id}.json")), serde_json::to_string(&texts)?)?;
    // The pages have the other texts in them.
    texts.retain(|section, _| ["\"", "`"].iter().any(|quote| script.contains(&format!("{quote}{section}."))));
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(format!("const TEXTS = {};\n{script}", serde_json::to_string(&texts)?).as_bytes())?;
    fs::write(out.join(format!("{id}.js.gz")), packed.finish()?)?;
    Ok(())
}

fn read_modules() -> Outcome<BTreeMap<String, String>> {
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(MODULES)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a module's name is not valid Unicode")?;
        modules.insert(name.to_owned(), fs::read_to_string(&path)?);
    }
    Ok(modules)
}

#[derive(Default)]
struct Bundle {
    modules: BTreeMap<String, String>,
    added: Vec<String>,
    text: String,
}

impl Bundle {
    /// Adds a module after the modules that it imports. `above` lists the modules that wait for it.
    fn add(&mut self, name: &str, above: &mut Vec<String>) -> Outcome<()> {
        if self.added.iter().any(|added| added == name) {
            return Ok(());
        }
        if above.iter().any(|waiting| waiting == name) {
            return Err(format!("{MODULES}/{name} imports itself through {above:?}").into());
        }
        let source = self.modules.get(name).ok_or(format!("{MODULES}/{name} is imported but does not exist"))?.clone();
        above.push(name.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in for_browsers(&source, "//") {
            let written = if let Some(rest) = line.strip_prefix("import ") {
                let (names, from) = import(rest).ok_or(format!("{MODULES}/{name}: cannot bundle `{line}`"))?;
                self.add(from, above)?;
                format!("const {names} = modules[\"{from}\"];")
            } else if let Some(rest) = line.strip_prefix("export ") {
                exports.push(export(rest).ok_or(format!("{MODULES}/{name}: cannot bundle `{line}`"))?);
                rest.to_owned()
            } else {
                line.to_owned()
            };
            body.push_str(&written);
            body.push('\n');
        }
        above.pop();
        self.added.push(name.to_owned());
        let wrapped = if exports.is_empty() {
            format!("pages[\"{}\"] = () => {{\n{body}}};\n", name.trim_end_matches(".js"))
        } else {
            format!("modules[\"{name}\"] = (() => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", "))
        };
        self.text += &wrapped;
        Ok(())
    }
}

/// Reads `{ a, b } from "./x.js";` and returns the names and the module.
fn import(rest: &str) -> Option<(&str, &str)> {
    let (names, from) = rest.split_once(" from \"./")?;
    let names_only = names.starts_with("{ ") && names.ends_with(" }") && !names.contains(" as ");
    names_only.then_some(())?;
    Some((names, from.strip_suffix("\";")?))
}

/// Reads `function f(…`, `async function f(…`, `const c =…` or `class C …` and returns the name.
fn export(rest: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "const ", "class "];
    let name = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    name.split(|c: char| !c.is_ascii_alphanumeric()).next().filter(|name| !name.is_empty())
}
