//! What `deploy/` hands to other tools is what `template.yaml` does: the same rights and settings, from one manifest.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use end_to_end::template::{Template, texts};
use local_cloud::layout;
use serde_json::Value;

const MANIFEST: &str = include_str!("../deploy/manifest.json");
const TEMPLATE: &str = include_str!("../template.yaml");
const SETTINGS: &str = include_str!("../docs/SETTINGS.md");

fn manifest() -> Value {
    serde_json::from_str(MANIFEST).unwrap()
}

fn functions() -> [(&'static str, &'static str, &'static [&'static str]); 5] {
    [
        ("pre-sign-up", "PreSignUp", &pre_sign_up::NAMES),
        ("post-confirmation", "PostConfirmation", &post_confirmation::NAMES),
        ("post-authentication", "PostAuthentication", &post_authentication::NAMES),
        ("inbound-federation", "InboundFederation", &inbound_federation::NAMES),
        ("custom-message", "CustomMessage", &custom_message::NAMES),
    ]
}

#[test]
fn the_manifest_lists_every_function_with_exactly_the_settings_it_reads() {
    let manifest = manifest();
    let mut read = BTreeSet::new();
    for (function, trigger, names) in functions() {
        let facts = &manifest["functions"][function];
        let names: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(texts(&facts["settings"]), names, "{function}");
        assert_eq!(facts["trigger"], trigger);
        read.extend(names);
    }
    assert_eq!(manifest["functions"].as_object().unwrap().len(), functions().len());
    assert_eq!(manifest["settings"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), read);
}

#[test]
fn the_manifest_describes_each_function_as_the_template_makes_it() {
    let (manifest, template) = (manifest(), Template::parse(TEMPLATE).unwrap());
    let common = template.globals("Function", &BTreeMap::new()).unwrap();
    for (name, function, _) in functions() {
        let facts = &manifest["functions"][name];
        let made = template.properties(&format!("{function}Function"), &BTreeMap::new()).unwrap().unwrap();
        assert_eq!(facts["description"], made["Description"]);
        assert_eq!((&facts["handler"], &facts["runtime"]), (&common["Handler"], &common["Runtime"]));
        assert_eq!(facts["memory_mb"].to_string(), common["MemorySize"].as_str().unwrap());
        assert_eq!(facts["timeout_seconds"], common["Timeout"]);
    }
}

#[test]
fn the_manifest_has_the_defaults_and_the_allowed_values_of_the_manual() {
    for (name, setting) in manifest()["settings"].as_object().unwrap() {
        let row = SETTINGS.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, values, default, _] = cells.as_slice() else { panic!("{row}") };
        let listed: Vec<_> = default.split('`').skip(1).step_by(2).collect();
        let between: String = default.split('`').step_by(2).collect();
        let is_a_value = !listed.is_empty() && between.chars().all(|c| ", ".contains(c));
        let default = if is_a_value { Value::from(listed.join(",")) } else { Value::Null };
        assert_eq!(setting["default"], default, "{name}");
        let parts: Vec<_> = values.split(", ").collect();
        let is_a_choice = parts.len() > 1 && parts.iter().all(|part| is_code(part));
        let choices = parts.iter().map(|part| part.trim_matches('`').to_owned()).collect();
        assert_eq!(texts(&setting["allowed"]), if is_a_choice { choices } else { BTreeSet::new() }, "{name}");
    }
}

/// Whether a cell is one word in backticks.
fn is_code(cell: &str) -> bool {
    let word = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    word.is_some_and(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

/// Every combination of the parameters that a function's environment or rights can depend on.
fn combinations(template: &Template, function: &str) -> Vec<BTreeMap<String, String>> {
    let resources = [format!("{function}Function"), format!("{function}Rights")];
    let mentioned = resources.map(|resource| template.parameters_behind(&resource)).concat();
    let mut combinations = vec![BTreeMap::new()];
    for parameter in mentioned.into_iter().collect::<BTreeSet<_>>() {
        let mut values = template.allowed(&parameter);
        if parameter == "DefaultGroup" {
            values = vec![String::new(), "members".to_owned()];
        }
        if parameter == "Overrides" {
            values = vec![String::new(), "[]".to_owned()];
        }
        if values.is_empty() {
            continue;
        }
        combinations = combinations
            .iter()
            .flat_map(|so_far| values.iter().map(|value| (so_far.clone(), value)))
            .map(|(mut combination, value)| {
                combination.insert(parameter.clone(), value.clone());
                combination
            })
            .collect();
    }
    combinations
}

/// The actions that the manifest gives a function with these settings.
fn by_manifest(facts: &Value, settings: &BTreeMap<String, String>) -> BTreeSet<String> {
    let holds = |(name, values): (&String, &Value)| {
        let value = settings.get(name).map_or("", String::as_str);
        if texts(values).contains("*") { !value.is_empty() } else { texts(values).contains(value) }
    };
    let rights = facts["rights"].as_array().unwrap().iter();
    let needed = rights.filter(|right| {
        right["when"]
            .as_array()
            .is_none_or(|cases| cases.iter().any(|case| case.as_object().unwrap().iter().all(holds)))
    });
    needed.map(|right| right["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn with_every_combination_of_settings_the_template_grants_what_the_manifest_says() {
    let (manifest, template) = (manifest(), Template::parse(TEMPLATE).unwrap());
    let mut compared = 0;
    for (name, function, _) in functions() {
        for parameters in combinations(&template, function) {
            let granted = template.granted(function, &parameters).unwrap();
            let needed = by_manifest(&manifest["functions"][name], &granted.environment);
            assert_eq!(granted.actions, needed, "{name} with {parameters:?}");
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} combinations");
}

/// What an installation page of this name says.
fn page(name: &str) -> String {
    std::fs::read_to_string(layout::root().join("docs/install").join(name)).unwrap()
}

/// The blocks of a page in this language, without the indentation of a list.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in page.lines() {
        let indentation = line.len() - line.trim_start().len();
        match &mut open {
            None if line.trim_start() == format!("```{language}") => open = Some((indentation, String::new())),
            Some((_, block)) if line.trim_start() == "```" => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            Some((indentation, block)) => {
                *block += line.get(*indentation..).unwrap_or_default();
                block.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// The actions that the manifest gives a function with the default settings.
fn by_default(function: &str) -> BTreeSet<String> {
    by_manifest(&manifest()["functions"][function], &BTreeMap::new())
}

#[test]
fn every_page_is_in_the_table_that_chooses_and_says_how_to_leave() {
    let chooses = page("README.md");
    for file in std::fs::read_dir(layout::root().join("docs/install")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || chooses.contains(&format!("({name})")), "{name} is not in the table");
        assert!(page(&name).contains("## Leave again"), "{name} does not say how to leave");
    }
}

#[test]
fn the_page_for_amplify_shows_the_files_of_the_example() {
    let shown = blocks(&page("amplify.md"), "ts");
    for file in ["auth/resource.ts", "backend.ts"] {
        let text = std::fs::read_to_string(layout::root().join("deploy/amplify").join(file)).unwrap();
        assert!(shown.contains(&text), "{file} is not on the page as it is");
    }
}

#[test]
fn the_page_for_serverless_gives_what_the_manifest_says() {
    let block = blocks(&page("serverless.md"), "yaml").concat();
    let items = block.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let granted: BTreeSet<_> = items.filter(|item| item.starts_with("cognito-idp:")).collect();
    let manifest = manifest();
    let mut needed = BTreeSet::new();
    let mut compared = 0;
    for (name, trigger, _) in functions() {
        if name == "custom-message" {
            continue;
        }
        let facts = &manifest["functions"][name];
        needed.extend(by_default(name));
        for line in [
            format!("artifact: dist/{name}-x86_64.zip"),
            format!("memorySize: {}", facts["memory_mb"]),
            format!("timeout: {}", facts["timeout_seconds"]),
            format!("runtime: {}", facts["runtime"].as_str().unwrap()),
            format!("handler: {}", facts["handler"].as_str().unwrap()),
            format!("FunctionName: !GetAtt {trigger}LambdaFunction.Arn"),
        ] {
            assert!(block.lines().any(|own| own.trim() == line), "{name}: {line}");
            compared += 1;
        }
        assert!(block.contains(&format!(": !GetAtt {trigger}LambdaFunction.Arn\n")), "{trigger} is not attached");
    }
    assert_eq!(granted, needed.iter().map(String::as_str).collect());
    assert_eq!(compared, 24);
}

#[test]
fn the_page_for_the_console_gives_each_function_the_rights_of_the_manifest() {
    let commands = blocks(&page("console.md"), "sh").concat().replace("\\\n", " ");
    let mut deployed = 0;
    for line in commands.lines() {
        let mut words = line.split_whitespace();
        let (Some("deploy"), Some(name)) = (words.next(), words.next()) else { continue };
        let granted = words.map(|call| format!("cognito-idp:{call}")).collect();
        assert_eq!(by_default(name), granted, "{name}");
        let facts = &manifest()["functions"][name];
        for option in [
            format!("--memory-size {}", facts["memory_mb"]),
            format!("--timeout {}", facts["timeout_seconds"]),
            format!("--runtime {}", facts["runtime"].as_str().unwrap()),
            format!("--handler {}", facts["handler"].as_str().unwrap()),
        ] {
            assert!(commands.contains(&option), "{name}: {option}");
        }
        deployed += 1;
    }
    assert_eq!(deployed, 4);
}

/// Terraform on the module's part that needs no provider, so nothing is downloaded and no cloud is asked.
struct Terraform {
    folder: tempfile::TempDir,
}

impl Terraform {
    fn new() -> Self {
        let terraform = Self { folder: tempfile::tempdir().unwrap() };
        assert!(terraform.run(&["init", "-input=false", "-no-color"]).0);
        terraform
    }

    /// Whether it succeeds, and what it writes.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/terraform/plan");
        let output = Command::new("terraform")
            .arg(format!("-chdir={module}"))
            .args(arguments)
            .env("TF_DATA_DIR", self.folder.path().join("data"))
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    /// What the module makes of the settings, by function; the error is what it says instead.
    fn plan(&self, functions: &[&str], settings: &BTreeMap<String, String>) -> Result<Value, String> {
        let (file, state) = (self.folder.path().join("plan"), self.folder.path().join("state"));
        let out = format!("-out={}", file.display());
        let functions = format!("-var=functions={}", Value::from(functions.to_vec()));
        let settings = format!("-var=settings={}", serde_json::to_string(settings).unwrap());
        let state = format!("-state={}", state.display());
        let options = ["plan", "-input=false", "-no-color", &state, &out, &functions, &settings];
        let (succeeds, text) = self.run(&options);
        if !succeeds {
            return Err(text);
        }
        let (_, shown) = self.run(&["show", "-json", &file.display().to_string()]);
        // A warning about the command line's own configuration may stand before it.
        let shown: Value = serde_json::from_str(shown.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        Ok(shown["planned_values"]["outputs"]["functions"]["value"].clone())
    }
}

fn has_terraform() -> bool {
    let found = Command::new("terraform").arg("version").output().is_ok();
    if !found {
        eprintln!("no Terraform: its module is not tried");
    }
    found
}

#[test]
fn terraform_gives_each_function_the_environment_and_the_rights_of_the_template() {
    if !has_terraform() {
        return;
    }
    let (manifest, template, terraform) = (manifest(), Template::parse(TEMPLATE).unwrap(), Terraform::new());
    let choices: [&[(&str, &str)]; 3] = [
        &[],
        &[
            ("UnverifiedProfile", "reclaim"),
            ("DefaultGroup", "members"),
            ("SignOutOnPasswordReset", "off"),
            ("SecondSubject", "replace"),
        ],
        &[("UnverifiedProfile", "refuse"), ("NativeProfile", "skip"), ("PoolKind", "email-alias")],
    ];
    for choice in choices {
        let parameters = choice.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let granted = functions().map(|(name, function, _)| (name, template.granted(function, &parameters).unwrap()));
        let settings = granted.iter().flat_map(|(_, granted)| granted.environment.clone()).collect();
        let names = granted.each_ref().map(|(name, _)| *name);
        let planned = terraform.plan(&names, &settings).unwrap();
        for (name, granted) in &granted {
            assert_eq!(texts(&planned[name]["actions"]), granted.actions, "{name} with {choice:?}");
            let environment: BTreeMap<String, String> =
                serde_json::from_value(planned[name]["environment"].clone()).unwrap();
            assert_eq!(environment, granted.environment, "{name} with {choice:?}");
            assert_eq!(planned[name]["handler"], manifest["functions"][name]["handler"]);
        }
    }
}

#[test]
fn terraform_refuses_what_the_functions_would_refuse_and_names_it() {
    if !has_terraform() {
        return;
    }
    let terraform = Terraform::new();
    let pool = [("NATIVE_USERNAME", "email"), ("POOL_CASE_SENSITIVE", "false")];
    let refusal = |function: &str, settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let text = terraform.plan(&[function], &settings).unwrap_err();
        text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    };
    let with = |name, value| [pool[0], pool[1], (name, value)];
    for (function, settings, parts) in [
        (
            "pre-sign-up",
            with("UNVERIFIED_PROFILES", "refuse"),
            ["Not a setting: UNVERIFIED_PROFILES", "UNVERIFIED_PROFILE"],
        ),
        (
            "pre-sign-up",
            with("UNVERIFIED_PROFILE", "no"),
            ["UNVERIFIED_PROFILE=no is not allowed", "replace, refuse, reclaim"],
        ),
        ("pre-signup", with("UNVERIFIED_PROFILE", "refuse"), ["Not a function: pre-signup", "pre-sign-up"]),
        (
            "pre-sign-up",
            [("PROVIDERS", ""), ("NATIVE_USERNAME", "email"), ("POOL_CASE_SENSITIVE", "")],
            ["pre-sign-up needs NATIVE_USERNAME", "POOL_CASE_SENSITIVE"],
        ),
    ] {
        let text = refusal(function, &settings);
        for part in parts {
            assert!(text.contains(part), "{part} is not said: {text}");
        }
    }
}

#[test]
fn terraforms_files_are_formatted() {
    if has_terraform() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/terraform");
        let output = Command::new("terraform").args(["fmt", "-check", "-recursive", "-diff", folder]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
