//! The bill of materials: every crate that is in a package, as CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use local_cloud::function::cargo;
use local_cloud::layout;
use local_cloud::process;
use serde_json::{Value, json};

/// The bill of materials of these crates of the workspace, with all that is linked into them on Linux. What only builds
/// or tests them is not in it. The same lock file gives the same bytes: it has no serial number and no time.
///
/// # Errors
///
/// Cargo cannot tell what the crates depend on.
pub(super) async fn make(programs: &[&str]) -> Result<Vec<u8>> {
    let mut command = cargo();
    // One platform stands for both: the dependencies do not depend on the processor.
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]);
    let metadata: Value = serde_json::from_str(&process::run(&mut command).await?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<_, _> = list(&metadata["packages"]).into_iter().map(|one| (text(&one["id"]), one)).collect();
    let linked: BTreeMap<_, _> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| {
            let is_linked = |one: &&Value| list(&one["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let ids =
                list(&node["deps"]).iter().filter(is_linked).map(|one| text(&one["pkg"])).collect::<BTreeSet<_>>();
            (text(&node["id"]), ids)
        })
        .collect();
    let mut open: Vec<String> = list(&metadata["workspace_members"])
        .iter()
        .map(text)
        .filter(|id| packages.get(id).is_some_and(|one| programs.contains(&one["name"].as_str().unwrap_or_default())))
        .collect();
    ensure!(open.len() == programs.len(), "cargo does not know all of {}", programs.join(", "));
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id.clone()) {
            open.extend(linked.get(&id).into_iter().flatten().cloned());
        }
    }
    let sums = checksums()?;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for id in &found {
        let package = packages.get(id).context("cargo lists a dependency without its package")?;
        components.push(component(package, programs, &sums));
        let of = linked.get(id).into_iter().flatten().filter_map(|id| packages.get(id));
        dependencies.push(json!({ "ref": purl(package), "dependsOn": of.map(purl).collect::<Vec<_>>() }));
    }
    let bom = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": components,
        "dependencies": dependencies,
    });
    let mut bytes = serde_json::to_vec_pretty(&bom)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn component(package: &Value, programs: &[&str], sums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let kind = if programs.contains(&name.as_str()) { "application" } else { "library" };
    let purl = purl(package);
    let mut component = json!({ "type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl });
    if let Some(license) = package["license"].as_str() {
        // Older crates separate alternatives with a slash.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(sum) = sums.get(&(name, version)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

/// The package URL, which names a crate in the bill. Versions have a plus sign at most, which has to be escaped.
fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(&package["name"]), text(&package["version"]).replace('+', "%2B"))
}

/// The checksums of `Cargo.lock` by name and version.
fn checksums() -> Result<BTreeMap<(String, String), String>> {
    let lock = std::fs::read_to_string(layout::root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let lock: toml::Table = lock.parse().context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let field = |package: &toml::Value, name: &str| package.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    Ok(packages
        .iter()
        .filter_map(|one| Some(((field(one, "name")?, field(one, "version")?), field(one, "checksum")?)))
        .collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
