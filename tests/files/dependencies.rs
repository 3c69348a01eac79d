//! Crates that a function must not contain. Needs no cloud.

use std::path::Path;
use std::process::Command;

use crate::workspace::rust_files;

/// The crates that a function is compiled from, one on each line.
fn tree(package: &str) -> String {
    tree_of("normal", package)
}

fn tree_of(edges: &str, package: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--edges", edges, "--prefix", "none", "--package", package])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_function_that_calls_no_aws_api_compiles_no_aws_sdk() {
    for function in ["custom-message", "inbound-federation"] {
        let tree = tree(function);
        assert!(!tree.contains("aws-sdk-") && !tree.contains("aws-config"), "{function} carries the SDK:\n{tree}");
    }
    // A function that does call AWS shows that the check can fail.
    assert!(tree("pre-sign-up").contains("aws-sdk-cognitoidentityprovider"));
}

#[test]
fn linking_sees_neither_the_sdk_nor_the_runtime() {
    let tree = tree("cognito-account-linking");
    assert!(!tree.contains("aws-sdk-") && !tree.contains("lambda_runtime"), "{tree}");
}

#[test]
fn merging_sees_neither_the_sdk_nor_a_command_line() {
    let tree = tree("merge");
    for weight in ["aws-sdk-", "aws-config", "clap v", "indicatif v", "tempfile v"] {
        assert!(!tree.contains(weight), "merge carries {weight}:\n{tree}");
    }
}

#[test]
fn no_function_enables_what_only_an_operator_asks() {
    let enables =
        |package| tree_of("features,normal", package).contains("cognito-trigger-core feature \"administration\"");
    for function in ["pre-sign-up", "post-confirmation", "post-authentication", "inbound-federation", "custom-message"]
    {
        assert!(!enables(function), "{function} enables `administration`");
    }
    // A crate that does shows that the check can fail.
    assert!(enables("merge"));
}

/// The files outside of `user_pool/aws` that may name Cognito's SDK: two make clients, two read what `doctor` looks at,
/// one exchanges whole settings as the JSON that Cognito sends, and one plays Cognito.
const ADAPTERS: [&str; 6] = [
    "cli/src/cloud.rs",
    "cli/src/finding/aws.rs",
    "cli/src/finding/aws/person.rs",
    "cli/src/pool_settings/aws.rs",
    "cognito-core/src/sdk.rs",
    "fire/src/client.rs",
];

#[test]
fn cognitos_sdk_is_named_in_adapters_only() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for path in rust_files(&crates) {
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests may simulate the SDK's answers.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let file = path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
        let is_test = file.ends_with("tests.rs") || !file.contains("/src/") || file.starts_with("bench/peers/");
        let names_it = ["aws_sdk_cognitoidentityprovider", ".cognito()"].iter().any(|name| code.contains(name));
        if !is_test && names_it {
            found.push(file);
        }
    }
    found.retain(|file| !file.starts_with("cognito-core/src/user_pool/aws"));
    found.sort();
    assert_eq!(found, ADAPTERS);
}

#[test]
fn a_function_carries_one_lean_way_to_aws() {
    for function in ["pre-sign-up", "post-confirmation", "post-authentication"] {
        let tree = tree(function);
        // Each of these costs start-up time or size. See docs/PERFORMANCE.md.
        for weight in [
            "aws-config",
            "aws-smithy-http-client",
            "h2",
            "aws-lc-rs",
            "hyper-rustls",
            "native-certs",
            "regex-automata",
        ] {
            assert!(!names(&tree).any(|name| name.ends_with(weight)), "{function} carries {weight}:\n{tree}");
        }
        let mut tls: Vec<_> = tree.lines().filter(|line| line.starts_with("rustls v")).collect();
        tls.dedup();
        assert_eq!(tls.len(), 1, "{function}: {tls:?}");
    }
}

#[test]
fn a_function_that_calls_no_aws_api_carries_no_tls() {
    for function in ["custom-message", "inbound-federation"] {
        let tree = tree(function);
        for weight in ["rustls", "ring", "regex-automata"] {
            assert!(!names(&tree).any(|name| name == weight), "{function} carries {weight}:\n{tree}");
        }
    }
}

fn names(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines().filter_map(|line| line.split(' ').next())
}
