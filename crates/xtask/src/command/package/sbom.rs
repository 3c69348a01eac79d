//! The bill of materials: every crate that is in a package, as CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::prelude::{Bom, Purl, SpecVersion, Validate};
use local_cloud::function::cargo;
use local_cloud::layout;
use local_cloud::process;
use serde_json::Value;

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
        components.push(component(package, programs, &sums)?);
        let of = linked.get(id).into_iter().flatten().filter_map(|id| packages.get(id));
        let names = of.map(purl).collect::<Result<_>>()?;
        dependencies.push(Dependency { dependency_ref: purl(package)?, dependencies: names });
    }
    let bom = Bom {
        serial_number: None,
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    };
    let result = bom.validate_version(SpecVersion::V1_5);
    ensure!(result.passed(), "the bill of materials breaks CycloneDX: {:?}", result.errors().collect::<Vec<_>>());
    let mut bytes = Vec::new();
    bom.output_as_json(&mut bytes, SpecVersion::V1_5)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn component(package: &Value, programs: &[&str], sums: &BTreeMap<(String, String), String>) -> Result<Component> {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let kind = if programs.contains(&name.as_str()) { Classification::Application } else { Classification::Library };
    let mut component = Component::new(kind, &name, &version, Some(purl(package)?));
    component.purl = Some(Purl::new("cargo", &name, &version)?);
    if let Some(license) = package["license"].as_str() {
        // Older crates separate alternatives with a slash.
        let license = SpdxExpression::new(&license.replace('/', " OR "));
        component.licenses = Some(Licenses(vec![LicenseChoice::Expression(license)]));
    }
    component.hashes = sums
        .get(&(name, version))
        .map(|sum| Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(sum.clone()) }]));
    Ok(component)
}

/// What names a package in the bill.
fn purl(package: &Value) -> Result<String> {
    Ok(Purl::new("cargo", &text(&package["name"]), &text(&package["version"]))?.to_string())
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
