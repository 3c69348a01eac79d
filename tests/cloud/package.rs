//! `cargo xtask package`, with the binaries that the other tests run.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::deployed;
use end_to_end::{binary, cloud, pool};
use local_cloud::event;
use local_cloud::function::{ALL, COMMAND_LINE, COMMAND_LINE_VARIABLE, XTASK_VARIABLE};
use local_cloud::stack::sam::Sam;
use local_cloud::stack::template::TemplateFile;
use local_cloud::user_pool::Kind;
use serde_json::Value;

/// A folder with every binary, as a build leaves them.
fn built() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ALL {
        // Some as cargo leaves them, some as `cargo lambda` does.
        if name.starts_with("post") {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            symlink(binary(name).unwrap(), folder.path().join(name).join("bootstrap")).unwrap();
        } else {
            symlink(binary(name).unwrap(), folder.path().join(name)).unwrap();
        }
    }
    symlink(std::env::var_os(COMMAND_LINE_VARIABLE).unwrap(), folder.path().join(COMMAND_LINE)).unwrap();
    folder
}

fn package(from: &Path, out: &Path) -> Output {
    let xtask = std::env::var_os(XTASK_VARIABLE).unwrap();
    Command::new(xtask).arg("package").arg("--from").arg(from).arg("--out").arg(out).output().unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn packages_run_are_listed_with_their_sums_and_deployed_without_a_build() {
    let (built, folder) = (built(), tempfile::tempdir().unwrap());
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let done = package(built.path(), &one);
    assert!(done.status.success(), "{}", text(&done.stderr));
    // The command itself unpacks each and runs it as Lambda would.
    assert!(text(&done.stdout).contains("Each package was unpacked and run."), "{}", text(&done.stdout));
    assert!(package(built.path(), &other).status.success());
    let (made, again) = (files(&one), files(&other));
    // That the same sources and compiler give the same binaries is the compiler's promise.
    assert!(made == again, "the same binaries gave other packages");
    deployed(&one).await;

    let checked =
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&one).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert_eq!(text(&made["SHA256SUMS"]).lines().count() + 1, made.len(), "a file has no sum");

    let manifest: Value = serde_json::from_slice(&made["manifest.json"]).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let packages = manifest["packages"].as_array().unwrap();
    assert_eq!(packages.len(), ALL.len() + 1);
    for one in packages {
        let (file, sum) = (one["file"].as_str().unwrap(), one["sha256"].as_str().unwrap());
        assert_eq!(one["bytes"], made[file].len());
        assert!(text(&made["SHA256SUMS"]).contains(&format!("{sum}  {file}\n")), "{file}");
    }

    let bill: Value = serde_json::from_slice(&made["sbom.cdx.json"]).unwrap();
    let names: Vec<_> =
        bill["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for linked in ["pre-sign-up", "lambda_runtime", "rustls", "aws-sdk-cognitoidentityprovider", "clap"] {
        assert!(names.contains(&linked), "{linked} is missing");
    }
    for not_linked in ["proptest", "insta", "local-cloud", "trybuild"] {
        assert!(!names.contains(&not_linked), "{not_linked} is in no package");
    }
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let part = |one: &Value, name: &str| one[name].as_array().unwrap().clone();
    let known: Vec<_> = part(&bill, "components").iter().map(|one| one["bom-ref"].clone()).collect();
    let listed: Vec<_> = part(&bill, "dependencies").iter().map(|one| one["ref"].clone()).collect();
    assert_eq!(known, listed, "each component says what it depends on");
    let needed = part(&bill, "dependencies").iter().flat_map(|one| part(one, "dependsOn")).collect::<Vec<_>>();
    assert!(!needed.is_empty() && needed.iter().all(|one| known.contains(one)), "a dependency is no component");
}

/// `sam deploy` takes the packed template as it is, and its functions run.
async fn deployed(folder: &Path) {
    let (endpoint, sam) = (cloud().unwrap(), Sam::install().await.unwrap());
    sam.lint(&folder.join(TemplateFile::AccountApi.file())).await.unwrap();
    let template = folder.join(TemplateFile::Pool.file());
    let pool = pool(Kind::EmailAsUsername).await.unwrap();
    let parameters = [("ExistingUserPoolId", pool.id()), ("Monitoring", "false")];
    let outputs = sam.deploy(&endpoint, "packed", &template, parameters).await.unwrap();
    let mut event = event::sample("pre-sign-up/native").unwrap();
    event["triggerSource"] = "TokenGeneration_HostedAuth".into();
    let answer = deployed::invoke(&outputs["PreSignUpFunctionArn"], &event).await;
    assert_eq!(answer, event, "an event that the function does not handle goes back");
}

#[test]
fn what_cannot_be_packed_is_named_and_nothing_is_written() {
    let (built, folder) = (built(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    std::fs::remove_file(built.path().join("custom-message")).unwrap();
    let missing = package(built.path(), &out);
    assert!(!missing.status.success() && text(&missing.stderr).contains("custom-message"), "{}", text(&missing.stderr));
    std::fs::write(built.path().join("custom-message"), "#!/bin/sh\n").unwrap();
    let script = package(built.path(), &out);
    assert!(text(&script.stderr).contains("custom-message is not a Linux program"), "{}", text(&script.stderr));
    assert!(!out.exists());
    let full = package(built.path(), folder.path().parent().unwrap());
    assert!(text(&full.stderr).contains("is not empty"), "{}", text(&full.stderr));
}
