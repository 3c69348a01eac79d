//! What `deploy/` hands to other tools is what `template.yaml` does: the same rights and settings, from one manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use end_to_end::template::{Template, texts};
use end_to_end::{has, owned};
use local_cloud::layout;
use serde_json::Value;

const TEMPLATE: &str = include_str!("../../template.yaml");
const ACCOUNT_API: &str = include_str!("../../account-api.yaml");
const SETTINGS: &str = include_str!("../../docs/SETTINGS.md");

fn manifest() -> Value {
    end_to_end::manifest::read().unwrap()
}

/// Each function, its resource in the template, and the variables that it reads.
pub(crate) fn functions() -> [(&'static str, &'static str, &'static [&'static str]); 5] {
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
    let manifest = manifest();
    let settings = [&manifest["settings"], &manifest["account_api"]["settings"]];
    for (name, setting) in settings.into_iter().flat_map(|settings| settings.as_object().unwrap()) {
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

/// The combinations of the parameters that these resources can depend on, in which at most three differ from their first
/// value. No right asks for more than three, and all combinations are too many to be tried in each run.
fn combinations(template: &Template, resources: &[String]) -> Vec<BTreeMap<String, String>> {
    let mentioned = resources.iter().flat_map(|resource| template.parameters_behind(resource));
    let mut combinations = vec![(BTreeMap::new(), 0)];
    for parameter in mentioned.collect::<BTreeSet<_>>() {
        let mut values = template.allowed(&parameter);
        if ["DefaultGroup", "InvitationGroups"].contains(&parameter.as_str()) {
            values = vec![String::new(), "members".to_owned()];
        }
        if parameter == "Overrides" {
            values = vec![String::new(), "[]".to_owned()];
        }
        // They change no right on the pool.
        if values.is_empty() || parameter.starts_with("NextFunction") {
            continue;
        }
        combinations = combinations
            .iter()
            .flat_map(|(so_far, differ)| {
                let place = move |(place, value)| (so_far, differ + usize::from(place > 0), value);
                values.iter().enumerate().map(place).filter(|(_, differ, _)| *differ <= 3)
            })
            .map(|(so_far, differ, value): (&BTreeMap<String, String>, usize, &String)| {
                let mut combination = so_far.clone();
                combination.insert(parameter.clone(), value.clone());
                (combination, differ)
            })
            .collect();
    }
    combinations.into_iter().map(|(combination, _)| combination).collect()
}

/// The actions that the manifest gives a function with these settings: on the pool, or on something else.
fn by_manifest(facts: &Value, settings: &BTreeMap<String, String>, on: &str) -> BTreeSet<String> {
    let granted = end_to_end::manifest::granted(facts, settings).into_iter();
    granted.filter(|right| right.on == on).map(|right| right.action).collect()
}

#[test]
fn with_up_to_three_settings_changed_the_template_grants_what_the_manifest_says() {
    let (manifest, template) = (manifest(), Template::parse(TEMPLATE).unwrap());
    let mut compared = 0;
    for (name, function, _) in functions() {
        for parameters in combinations(&template, &[format!("{function}Function"), format!("{function}Rights")]) {
            let granted = template.granted(function, &parameters).unwrap();
            let needed = by_manifest(&manifest["functions"][name], &granted.environment, "pool");
            assert_eq!(granted.actions, needed, "{name} with {parameters:?}");
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} combinations");
}

#[test]
fn the_queue_the_bus_and_the_function_of_the_team_are_rights_of_their_own() {
    let (manifest, template) = (manifest(), Template::parse(TEMPLATE).unwrap());
    for (name, function, _) in functions() {
        for set in ["", "DefaultGroup", "Overrides", "EventBus", "NextFunction"] {
            let set = if set == "NextFunction" { format!("{function}NextFunction") } else { set.to_owned() };
            let parameters = BTreeMap::from([(set, "set".to_owned())]);
            let environment = template.granted(function, &parameters).unwrap().environment;
            let retries = if name == "post-confirmation" { "" } else { function };
            for (policy, on) in [
                (format!("{function}NextRights"), "next-function"),
                (format!("{retries}RetryQueueRights"), "retry-queue"),
                (format!("{function}EventBusRights"), "event-bus"),
            ] {
                let rights = template.properties(&policy, &parameters).unwrap();
                let granted = rights.map(|rights| texts(&rights["PolicyDocument"]["Statement"][0]["Action"]));
                let needed = by_manifest(&manifest["functions"][name], &environment, on);
                assert_eq!(granted.unwrap_or_default(), needed, "{name} on {on} with {parameters:?}");
            }
        }
    }
}

#[test]
fn the_account_api_of_the_manifest_is_that_of_its_template() {
    let (facts, template) = (&manifest()["account_api"], Template::parse(ACCOUNT_API).unwrap());
    let made = template.properties("AccountApiFunction", &BTreeMap::new()).unwrap().unwrap();
    for (own, theirs) in
        [("description", "Description"), ("handler", "Handler"), ("runtime", "Runtime"), ("timeout_seconds", "Timeout")]
    {
        assert_eq!(facts[own], made[theirs], "{own}");
    }
    assert_eq!(facts["memory_mb"].to_string(), made["MemorySize"].as_str().unwrap());
    let names: BTreeSet<_> = facts["settings"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, account_api::NAMES.into_iter().collect());
    let mut compared = 0;
    for parameters in combinations(&template, &["AccountApiRights".to_owned()]) {
        let environment = template.granted("AccountApi", &parameters).unwrap().environment;
        let rights = template.properties("AccountApiRights", &parameters).unwrap().unwrap();
        let mut granted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for statement in rights["PolicyDocument"]["Statement"].as_array().unwrap() {
            granted.entry(resource(&statement["Resource"])).or_default().extend(texts(&statement["Action"]));
        }
        for on in ["pool", "table", "table-index", "own-function", "event-bus", "sender", "secret"] {
            let needed = by_manifest(facts, &environment, on);
            assert_eq!(granted.remove(on).unwrap_or_default(), needed, "{on} with {parameters:?}");
            compared += 1;
        }
        assert!(granted.is_empty(), "{granted:?}");
    }
    assert!(compared > 100, "only {compared}");
}

/// What a statement of the account API is about, as the manifest says it.
fn resource(resource: &Value) -> &'static str {
    let text = resource.to_string();
    let known = [
        (":userpool/", "pool"),
        ("/index/lists", "table-index"),
        ("AccountApiTable.Arn", "table"),
        ("AccountApiFunction.Arn", "own-function"),
        (":event-bus/", "event-bus"),
        ("AccountApiSecret", "secret"),
    ];
    // The sender is a parameter.
    known.into_iter().find(|(part, _)| text.contains(part)).map_or("sender", |(_, on)| on)
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
    by_manifest(&manifest()["functions"][function], &BTreeMap::new(), "pool")
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
    for kind in ["UserPoolClient", "UserPoolDomain", "UserPoolIdentityProvider"] {
        assert!(block.contains(&format!("Type: AWS::Cognito::{kind}\n")), "{kind}");
    }
}

/// The pages that list rights say which settings need more.
#[test]
fn the_pages_with_lists_of_rights_name_what_further_settings_need() {
    let manifest = manifest();
    let with = |function: &str, name: &str, value: &str| {
        let needed = by_manifest(&manifest["functions"][function], &owned(&[(name, value)]), "pool");
        needed.difference(&by_default(function)).cloned().collect::<Vec<_>>()
    };
    let (joins, unlinks) = ("cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminDisableProviderForUser");
    assert_eq!(with("pre-sign-up", "DEFAULT_GROUP", "members"), [joins]);
    assert_eq!(with("pre-sign-up", "SECOND_SUBJECT", "replace"), [unlinks]);
    assert_eq!(with("pre-sign-up", "OVERRIDES", "[]"), [joins, unlinks]);
    for name in ["DEFAULT_GROUP", "OVERRIDES"] {
        assert_eq!(with("post-confirmation", name, "[]"), [joins]);
    }
    for function in ["post-authentication", "inbound-federation"] {
        assert!(with(function, "OVERRIDES", "[]").is_empty(), "{function}");
    }
    for page in ["console.md", "serverless.md"].map(page) {
        for word in ["AdminAddUserToGroup", "AdminDisableProviderForUser", "`OVERRIDES`", "`SECOND_SUBJECT=replace`"] {
            assert!(page.contains(word), "{word}");
        }
    }
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

/// A page shows an example of the module with the place where a reader has the module.
fn as_on_the_page(example: &str) -> String {
    let path = layout::root().join("deploy/terraform/examples").join(example).join("main.tf");
    let text = std::fs::read_to_string(path).unwrap();
    let places = [
        ("source = \"../..\"\n", "source = \"./cognito-account-layer/deploy/terraform\"\n"),
        ("{ path = \"../../../../dist\" }", "{ path = \"./cognito-account-layer/dist\" }"),
    ];
    places.into_iter().fold(text, |text, (here, there)| {
        assert_eq!(text.matches(here).count(), 1, "{example}: {here}");
        text.replace(here, there)
    })
}

#[test]
fn the_page_for_terraform_shows_the_examples_and_names_the_versions_of_the_module() {
    let page = page("terraform.md");
    let shown = blocks(&page, "hcl");
    for example in ["new-pool", "own-function", "pool-of-another-owner"] {
        assert!(shown.contains(&as_on_the_page(example)), "{example} is not on the page as it is");
    }
    let versions = std::fs::read_to_string(layout::root().join("deploy/terraform/versions.tf")).unwrap();
    // The first with `logging_config` on functions.
    assert!(versions.contains("version = \">= 5.32\"") && page.contains("AWS provider 5.32 or newer"));
    assert!(as_on_the_page("new-pool").contains("version = \">= 5.32\""));
}

/// Terraform on a folder that needs no provider, so nothing is downloaded and no cloud is asked.
struct Terraform {
    module: PathBuf,
    folder: tempfile::TempDir,
}

impl Terraform {
    /// On the module's part that works out what the functions need.
    fn new() -> Self {
        Self::of(layout::root().join("deploy/terraform/plan"))
    }

    fn of(module: PathBuf) -> Self {
        let terraform = Self { module, folder: tempfile::tempdir().unwrap() };
        let (succeeds, text) = terraform.run(&["init", "-input=false", "-no-color"]);
        assert!(succeeds, "{text}");
        terraform
    }

    /// Whether it succeeds, and what it writes.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("terraform")
            .arg(format!("-chdir={}", self.module.display()))
            .args(arguments)
            .env("TF_DATA_DIR", self.folder.path().join("data"))
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    /// What the module makes of the settings, by function; the error is what it says instead.
    fn plan(&self, functions: &[&str], settings: &BTreeMap<String, String>) -> Result<Value, String> {
        self.plan_with(functions, settings, &Value::Object(serde_json::Map::new()))
    }

    /// The same with functions of the team that these call.
    fn plan_with(
        &self,
        functions: &[&str],
        settings: &BTreeMap<String, String>,
        next: &Value,
    ) -> Result<Value, String> {
        Ok(self.outputs(functions, settings, next)?["functions"]["value"].take())
    }

    /// Every output of the module.
    fn outputs(&self, functions: &[&str], settings: &BTreeMap<String, String>, next: &Value) -> Result<Value, String> {
        let next = format!("-var=next_functions={next}");
        let (file, state) = (self.folder.path().join("plan"), self.folder.path().join("state"));
        let out = format!("-out={}", file.display());
        let functions = format!("-var=functions={}", Value::from(functions.to_vec()));
        let settings = format!("-var=settings={}", serde_json::to_string(settings).unwrap());
        let state = format!("-state={}", state.display());
        let options = ["plan", "-input=false", "-no-color", &state, &out, &functions, &settings, &next];
        let (succeeds, text) = self.run(&options);
        if !succeeds {
            return Err(text);
        }
        let (_, shown) = self.run(&["show", "-json", &file.display().to_string()]);
        // A warning about the command line's own configuration may stand before it.
        let shown: Value = serde_json::from_str(shown.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        Ok(shown["planned_values"]["outputs"].clone())
    }
}

/// What is made cannot depend on a value that is known only after the apply, such as the URL of a queue of the same
/// configuration.
#[test]
fn terraform_plans_with_settings_that_are_known_only_after_the_apply() {
    if !has("terraform") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(layout::root().join("deploy"), folder.path().join("deploy")).unwrap();
    for (settings, retries) in [
        ("PROVIDERS = \"\"\nDEFAULT_GROUP = terraform_data.later.id", true),
        ("OVERRIDES = terraform_data.later.id", true),
        ("PROVIDERS = \"\"\nDEFAULT_GROUP = \"members\"\nRETRY_QUEUE_URL = terraform_data.later.id", false),
        ("PROVIDERS = terraform_data.later.id", false),
    ] {
        let text = format!(
            r#"
            resource "terraform_data" "later" {{}}
            module "plan" {{
              source    = "./deploy/terraform/plan"
              functions = ["pre-sign-up", "post-confirmation"]
              settings = {{
                NATIVE_USERNAME     = "email"
                POOL_CASE_SENSITIVE = "false"
                {settings}
              }}
            }}
            resource "terraform_data" "calling" {{
              for_each = {{ for name, function in module.plan.functions : name => function if length(function.actions) > 0 }}
            }}
            resource "terraform_data" "retries" {{
              count = module.plan.retries ? 1 : 0
            }}
            output "retries" {{
              value = module.plan.retries
            }}
            "#
        );
        std::fs::write(folder.path().join("main.tf"), text).unwrap();
        let (succeeds, text) = Terraform::of(folder.path().to_owned()).run(&["plan", "-input=false", "-no-color"]);
        assert!(succeeds, "{settings}: {text}");
        assert!(text.contains(&format!("retries = {retries}")), "{settings}: {text}");
    }
}

/// Lambda counts what ran out of time or ended, and a refusal, which is no failure.
#[test]
fn terraforms_alarm_counts_what_the_templates_alarm_counts() {
    if !has("terraform") {
        return;
    }
    let names = functions().map(|(name, _, _)| name);
    let settings = [("PROVIDERS", "Google:claim"), ("NATIVE_USERNAME", "email"), ("POOL_CASE_SENSITIVE", "false")];
    let faults = |names: &[&str]| {
        Terraform::new().outputs(names, &owned(&settings), &serde_json::json!({})).unwrap()["faults"]["value"].take()
    };
    let template = Template::parse(TEMPLATE).unwrap();
    let alarm = template.properties("FaultsAlarm", &BTreeMap::new()).unwrap().unwrap();
    let theirs = alarm["Metrics"].as_array().unwrap();
    let [own, alone] = [faults(&names), faults(&["post-authentication"])];
    let ids: BTreeSet<_> = own["errors"].as_object().unwrap().keys().cloned().chain(["failures".to_owned()]).collect();
    let expression = own["expression"].as_str().unwrap();
    let (sum, refusals) = expression.strip_prefix("SUM([").unwrap().split_once("])").unwrap();
    assert_eq!(sum.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), ids);
    assert!(theirs[0]["Expression"].as_str().unwrap().ends_with(refusals), "{expression}");
    assert_eq!(theirs.len(), 1 + ids.len() + 1, "the sum, what it adds, and the refusals");
    for (name, trigger, _) in functions() {
        let logs = format!("{}FailuresMetric", trigger.trim_start_matches("Custom").trim_start_matches("Post"));
        let filtered = template.properties(&logs, &BTreeMap::new()).unwrap().is_some();
        assert_eq!(texts(&own["logs_failures"]).contains(name), filtered, "{name}");
    }
    assert_eq!(alone["expression"], "SUM([post_authentication, failures])");
}

#[test]
fn terraforms_inputs_are_refused_where_they_could_not_work() {
    if !has("terraform") {
        return;
    }
    // The rest of the module needs the AWS provider.
    let folder = tempfile::tempdir().unwrap();
    let inputs = layout::root().join("deploy/terraform/variables.tf");
    std::fs::copy(inputs, folder.path().join("variables.tf")).unwrap();
    let terraform = Terraform::of(folder.path().to_owned());
    let plan = |inputs: &[&str]| {
        let fixed = ["plan", "-input=false", "-no-color", "-var=name=shop", "-var=user_pool_id=*", "-var=settings={}"];
        terraform.run(&[&fixed, inputs].concat())
    };
    let here = "-var=packages={path=\"dist\"}";
    for fine in [
        &[here, "-var=more_user_pools={tenant-b=\"eu-central-1_B\"}", "-var=only_tagged_pools=true"][..],
        &["-var=packages={bucket=\"b\",prefix=\"0.1.0/\"}"],
    ] {
        let (succeeds, text) = plan(fine);
        assert!(succeeds, "{fine:?}: {text}");
    }
    for (wrong, says) in [
        (&[here, "-var=more_user_pools={\"tenant b\"=\"eu-central-1_B\"}"][..], "names in more_user_pools"),
        (&[here, "-var=user_pool_id=eu-central-1_A", "-var=only_tagged_pools=true"], "only_tagged_pools needs"),
        (&["-var=packages={bucket=\"b\"}"], "another one for each version"),
        (&["-var=packages={bucket=\"b\",path=\"p\"}"], "either a path or a bucket"),
    ] {
        let (succeeds, text) = plan(wrong);
        let text = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(!succeeds && text.contains(says), "{wrong:?}: {text}");
    }
}

#[test]
fn terraform_gives_each_function_the_environment_and_the_rights_of_the_template() {
    if !has("terraform") {
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
        let granted =
            functions().map(|(name, function, _)| (name, template.granted(function, &owned(choice)).unwrap()));
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
    if !has("terraform") {
        return;
    }
    let terraform = Terraform::new();
    let pool = [("NATIVE_USERNAME", "email"), ("POOL_CASE_SENSITIVE", "false")];
    let refusal = |function: &str, settings: &[(&str, &str)]| {
        let text = terraform.plan(&[function], &owned(settings)).unwrap_err();
        text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    };
    let with = |name, value| [pool[0], pool[1], (name, value)];
    for fine in
        ["", "Google:claim, Corp : always@corp.example@*.corp.example:custom:employee_id,", "Ünï:never,Corp:claim:none"]
    {
        assert!(cognito_core::provider::Providers::parse(fine).is_some(), "{fine}");
        terraform.plan(&["pre-sign-up"], &owned(&with("PROVIDERS", fine))).unwrap();
    }
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
            ["pre-sign-up needs NATIVE_USERNAME", "derived if the e-mail is neither"],
        ),
        ("pre-sign-up", with("NATIVE_PROFILE", "skip"), ["pre-sign-up needs PROVIDERS", "Google:claim"]),
        ("pre-sign-up", with("PROVIDERS", "Google=claim"), ["PROVIDERS is a comma list", "always, claim, never"]),
        (
            "post-confirmation",
            with("PROVIDERS", "Google:claim,Corp:sometimes"),
            ["PROVIDERS is a comma list", "Name:trust"],
        ),
        ("pre-sign-up", with("PROVIDERS", "Corp:never@corp.example"), ["PROVIDERS is a comma list", "Name:trust"]),
    ] {
        let text = refusal(function, &settings);
        for part in parts {
            assert!(text.contains(part), "{part} is not said: {text}");
        }
    }
}

#[test]
fn terraform_gives_each_function_the_one_of_the_team_that_it_calls_and_refuses_what_is_none() {
    if !has("terraform") {
        return;
    }
    let terraform = Terraform::new();
    let none = BTreeMap::new();
    let names = ["post-confirmation", "custom-message"];
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:theirs:live";
    let next = serde_json::json!({ "post-confirmation": { "arn": arn, "order": "before" } });
    let planned = terraform.plan_with(&names, &none, &next).unwrap();
    let environment = &planned["post-confirmation"]["environment"];
    assert_eq!(environment, &serde_json::json!({ "NEXT_FUNCTION": arn, "NEXT_FUNCTION_ORDER": "before" }));
    assert_eq!(planned["custom-message"]["environment"], serde_json::json!({}));
    for (next, says) in [
        (serde_json::json!({ "pre-sign-up": { "arn": arn } }), "Not deployed: pre-sign-up"),
        (serde_json::json!({ "custom-message": { "arn": "theirs" } }), "needs the ARN"),
        (serde_json::json!({ "custom-message": { "arn": arn, "order": "first" } }), "order is before or after"),
        (serde_json::json!({ "custom-message": { "arn": arn, "failure": "ignore" } }), "failure is refuse or pass"),
    ] {
        let text = terraform.plan_with(&names, &none, &next).unwrap_err();
        assert!(text.contains(says), "{text}");
    }
    let text = terraform.plan(&names, &owned(&[("NEXT_FUNCTION", arn)])).unwrap_err();
    assert!(text.contains("use next_functions"), "{text}");
}

#[test]
fn terraforms_files_are_formatted() {
    if has("terraform") {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/terraform");
        let output = Command::new("terraform").args(["fmt", "-check", "-recursive", "-diff", folder]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
