//! Checks the workspace: it has the crates of the map, no unused dependency, and no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use local_cloud::layout;
use serde_json::Value;

/// Cargo's metadata of the workspace's packages.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--no-deps"])
        .current_dir(layout::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

fn folder(package: &Value) -> PathBuf {
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap().to_owned()
}

fn toml(path: &str) -> toml::Table {
    std::fs::read_to_string(layout::root().join(path)).unwrap().parse().unwrap()
}

#[test]
fn the_map_lists_every_crate_and_nothing_else() {
    let root = layout::root();
    let packages = packages();
    let folders = packages.iter().map(|package| {
        let folder = folder(package);
        folder.strip_prefix(&root).unwrap().display().to_string()
    });
    let architecture = include_str!("../../docs/ARCHITECTURE.md");
    let map = architecture.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let mut listed = BTreeSet::new();
    for line in map.lines() {
        let entries =
            line.split_whitespace().take_while(|word| word.ends_with('/')).map(|word| word.trim_end_matches('/'));
        let indented = line.starts_with(' ');
        listed.extend(entries.map(|name| if indented { format!("crates/{name}") } else { name.to_owned() }));
    }
    listed.remove("crates");
    assert_eq!(listed, folders.collect());
}

#[test]
fn every_dependency_of_the_workspace_is_used_by_a_crate() {
    let packages = packages();
    let used: BTreeSet<_> =
        packages.iter().flat_map(|package| package["dependencies"].as_array().unwrap()).map(name).collect();
    for (alias, declared) in toml("Cargo.toml")["workspace"]["dependencies"].as_table().unwrap() {
        let name = declared.get("package").and_then(toml::Value::as_str).unwrap_or(alias);
        assert!(used.contains(name), "no crate uses {alias} of Cargo.toml");
    }
}

#[test]
fn every_dependency_of_a_crate_is_named_in_its_code() {
    for package in packages() {
        let code = code(&folder(&package));
        for dependency in package["dependencies"].as_array().unwrap() {
            let word = dependency["rename"].as_str().map_or_else(|| name(dependency), str::to_owned).replace('-', "_");
            assert!(code.contains(&word), "{} does not use {word}", name(&package));
        }
    }
}

/// Every Rust file below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// Every Rust file below a folder, one after the other.
fn code(folder: &Path) -> String {
    rust_files(folder).into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// No files of a crate may use each other in a circle. A module and its submodules may.
#[test]
fn no_file_of_a_crate_stands_in_a_circle_with_another() {
    let mut arrows = 0;
    for package in packages() {
        let source = folder(&package).join("src");
        let mut modules = BTreeMap::new();
        find_modules(&source, &mut Vec::new(), &mut modules);
        let mut names: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (module, code) in &modules {
            let named = named_modules(module, code, &modules);
            arrows += named.len();
            names.insert(module.clone(), named);
        }
        // A module that nothing uses, or that uses nothing, is in no circle. The modules that remain are.
        loop {
            let before = names.len();
            let named: BTreeSet<_> = names.values().flatten().cloned().collect();
            names.retain(|module, names| named.contains(module) && !names.is_empty());
            let left: BTreeSet<_> = names.keys().cloned().collect();
            for named in names.values_mut() {
                named.retain(|module| left.contains(module));
            }
            if names.len() == before {
                break;
            }
        }
        assert!(names.is_empty(), "{}: {names:?}", name(&package));
    }
    assert!(arrows > 300, "only {arrows} arrows were seen");
}

type Module = Vec<String>;

/// The code of each module that is a file, without tests and comments.
fn find_modules(folder: &Path, path: &mut Module, modules: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let stem = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem == "tests" {
            continue;
        }
        path.push(stem);
        if entry.is_dir() {
            find_modules(&entry, path, modules);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let code = std::fs::read_to_string(&entry).unwrap();
            let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            let is_root = matches!(path.as_slice(), [only] if only == "lib" || only == "main");
            modules.insert(if is_root { Module::new() } else { path.clone() }, lines.collect());
        }
        path.pop();
    }
}

/// The modules that a module's code names by `crate::` or `super::`, without its ancestors and descendants.
fn named_modules(module: &Module, code: &str, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    for (start, word) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        if code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let base = if word == "crate::" { Module::new() } else { module.clone() };
        let mut paths = Vec::new();
        read_paths(&code[start..], &base, &mut paths);
        for mut path in paths {
            while !modules.contains_key(&path) {
                path.pop();
            }
            if !path.starts_with(module) && !module.starts_with(&path) {
                found.insert(path);
            }
        }
    }
    found
}

/// Reads one path, or several in braces, and returns the rest of the code.
fn read_paths<'a>(code: &'a str, base: &Module, paths: &mut Vec<Module>) -> &'a str {
    let mut path = base.clone();
    let mut rest = code.trim_start();
    loop {
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside.trim_start();
            while !rest.starts_with('}') && !rest.is_empty() {
                rest = read_paths(rest, &path, paths).trim_start();
                rest = rest.trim_start_matches(|c| c != ',' && c != '}').trim_start_matches(',').trim_start();
            }
            return rest.strip_prefix('}').unwrap_or(rest);
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        match &rest[..end] {
            "crate" => path.clear(),
            "super" => drop(path.pop()),
            "self" => {}
            word => path.push(word.to_owned()),
        }
        rest = &rest[end..];
        let Some(more) = rest.strip_prefix("::") else {
            paths.push(path);
            return rest;
        };
        rest = more;
    }
}

/// What crates.io asks for, and that nothing in them needs a crate which is not there.
#[test]
fn the_crates_that_are_for_others_can_be_published() {
    let packages = packages();
    // `publish` is a list of registries. Without one, a crate may go to any.
    let published: BTreeSet<_> = packages.iter().filter(|package| package["publish"].is_null()).map(name).collect();
    let expected = ["cognito-account-linking", "cognito-messages", "cognito-trigger-core"];
    assert_eq!(published, expected.map(str::to_owned).into());
    for package in packages.iter().filter(|package| package["publish"].is_null()) {
        let name = name(package);
        for member in ["description", "repository", "license", "readme"] {
            assert!(package[member].is_string(), "{name} has no {member}");
        }
        for file in [package["readme"].as_str().unwrap(), "LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(folder(package).join(file).is_file(), "{name} has no {file}");
        }
        let count = |member: &str| package[member].as_array().unwrap().len();
        assert!((1..=5).contains(&count("keywords")) && (1..=5).contains(&count("categories")), "{name}");
        for dependency in package["dependencies"].as_array().unwrap() {
            let is_local = dependency["path"].is_string();
            let comes_along = published.contains(dependency["name"].as_str().unwrap()) && dependency["req"] != "*";
            assert!(!is_local || comes_along || dependency["kind"] == "dev", "{name}: {dependency}");
        }
    }
    let workflow = include_str!("../../.github/workflows/release.yml");
    assert!(expected.iter().all(|name| workflow.contains(&format!("-p {name}"))));
}

/// `cargo binstall` looks for the files that `cargo xtask package` makes.
#[test]
fn the_command_line_says_where_its_released_files_are() {
    let overrides = &toml("crates/cli/Cargo.toml")["package"]["metadata"]["binstall"]["overrides"];
    for (target, architecture) in [("x86_64-unknown-linux-gnu", "x86_64"), ("aarch64-unknown-linux-gnu", "arm64")] {
        let url = overrides[target]["pkg-url"].as_str().unwrap();
        assert!(url.ends_with(&format!("/v{{ version }}/cognito-triggers-{architecture}.zip")), "{url}");
    }
}

/// The documents for people.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let folders = ["", "docs", "docs/cli", "docs/contributing", "docs/install", "docs/providers", "events"];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_link_between_the_pages_leads_to_a_file_and_to_a_heading() {
    let (mut links, mut to_headings) = (0, 0);
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains(':') {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name("").join(file) };
            assert!(target.exists(), "{} leads to {link}", page.display());
            links += 1;
            if let Some(heading) = heading {
                let known = headings(&std::fs::read_to_string(&target).unwrap());
                assert!(known.contains(heading), "{} leads to {link}, which is no heading there", page.display());
                to_headings += 1;
            }
        }
    }
    assert!(links > 300 && to_headings > 100, "only {links} links, {to_headings} to headings");
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_block = false;
    for line in text.lines() {
        is_block ^= line.trim_start().starts_with("```");
        if is_block || !line.starts_with('#') {
            continue;
        }
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        let anchor: String = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
        let mut unique = anchor.clone();
        let mut count = 0;
        while !found.insert(unique.clone()) {
            count += 1;
            unique = format!("{anchor}-{count}");
        }
    }
    found
}

#[test]
fn every_page_of_the_manual_is_in_the_summary_of_the_site_once() {
    let docs = layout::root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut listed: Vec<_> =
        summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(|link| docs.join(link)).collect();
    let mut there: Vec<_> =
        pages().into_iter().filter(|page| page.starts_with(&docs) && !page.ends_with("SUMMARY.md")).collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there);
}

/// So that a new folder of pages is read by these tests.
#[test]
fn every_folder_of_the_manual_is_known_here() {
    let known: BTreeSet<_> = pages().iter().map(|page| page.parent().unwrap().to_owned()).collect();
    for folder in std::fs::read_dir(layout::root().join("docs")).unwrap().map(|entry| entry.unwrap().path()) {
        assert!(!folder.is_dir() || folder.ends_with("images") || known.contains(&folder), "{}", folder.display());
    }
}

/// An interactive zsh, the shell of macOS, takes a `#` behind a command for one of its words.
#[test]
fn a_comment_in_a_block_to_copy_has_a_line_of_its_own() {
    let mut lines = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut is_shell = false;
        for line in text.lines().map(str::trim) {
            if let Some(language) = line.strip_prefix("```") {
                is_shell = language == "sh";
            } else if is_shell {
                assert!(line.starts_with('#') || !line.contains(" #"), "{}: {line}", page.display());
                lines += 1;
            }
        }
    }
    assert!(lines > 100, "only {lines} lines");
}

/// What is broken over two lines cannot be copied, and some viewers do not show it as code.
#[test]
fn what_is_to_be_typed_stays_on_one_line() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut is_block = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                is_block = !is_block;
            } else if !is_block {
                assert_eq!(line.matches('`').count() % 2, 0, "{}: {line}", page.display());
            }
        }
    }
}

#[test]
fn the_tests_that_a_page_names_as_its_proof_exist() {
    let root = layout::root();
    let code = code(&root.join("tests")) + &code(&root.join("crates"));
    let mut names = 0;
    for page in [include_str!("../../docs/COMING_FROM_SCRIPTS.md"), include_str!("../../docs/THREAT_MODEL.md")] {
        let words = page.split('`').skip(1).step_by(2);
        let is_name =
            |word: &&str| word.len() > 25 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        for name in words.filter(is_name) {
            assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
            names += 1;
        }
    }
    assert!(names > 100, "only {names} names");
}

#[test]
fn the_readme_is_read_in_one_go() {
    let readme = include_str!("../../README.md");
    assert!(readme.len() <= 8192, "README.md has {} bytes; details belong into docs/", readme.len());
}
