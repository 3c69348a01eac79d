//! Builds the function binaries and the command line, and finds them by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::layout;

/// Every trigger's function, in the order in which Cognito calls them. Each is the name of a crate and of its binary.
pub const TRIGGERS: [&str; 5] =
    ["inbound-federation", "pre-sign-up", "post-confirmation", "post-authentication", "custom-message"];

/// The operator's command line: the name of the crate's binary.
pub const COMMAND_LINE: &str = "cognito-triggers";

/// The variable that tells the end-to-end tests which folder has the function binaries.
pub const FOLDER_VARIABLE: &str = "LOCAL_CLOUD_FUNCTIONS";

/// The variable that tells the end-to-end tests where the command line's binary is.
pub const COMMAND_LINE_VARIABLE: &str = "LOCAL_CLOUD_COMMAND_LINE";

/// The variable that tells the end-to-end tests where the binary of `cargo xtask` lies.
pub const XTASK_VARIABLE: &str = "LOCAL_CLOUD_XTASK";

/// The bare function that the others are compared with: the name of the crate and of its binary.
pub const BARE: &str = "echo";

/// The function of the account API.
pub const ACCOUNT_API: &str = "account-api";

/// Every function.
pub const ALL: [&str; 6] = [TRIGGERS[0], TRIGGERS[1], TRIGGERS[2], TRIGGERS[3], TRIGGERS[4], ACCOUNT_API];

/// The features with which every function can call a function of the team.
pub const CHAINING: &str = "inbound-federation/next-function,custom-message/next-function";

/// The settings of every function in a local run.
pub const SETTINGS: [(&str, &str); 5] = [
    ("PROVIDERS", "Google:claim,Facebook:always,SignInWithApple:claim,Okta:claim,CorpSAML:always"),
    ("DEFAULT_GROUP", "Users"),
    // Nobody writes an address without proof in a new local pool.
    ("REPAIR", "linked"),
    ("APP_NAME", "Example"),
    ("APP_URL", "https://app.example.com"),
];

/// Built binaries by function name.
#[derive(Debug, Clone)]
pub struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Files that are there already, by the function's name.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = (&'static str, PathBuf)>) -> Self {
        Self(files.into_iter().map(|(name, path)| (name.to_owned(), path)).collect())
    }

    /// Builds functions, each able to call a function of the team. Cargo shows its own progress.
    ///
    /// The whole workspace chooses the features of each crate, as it does for `cargo xtask` and for the tests, so that
    /// one compilation serves all three.
    ///
    /// # Errors
    ///
    /// Fails if cargo cannot be started or reports an error.
    pub async fn build(functions: &[&str]) -> Result<Self> {
        let binaries = functions.iter().flat_map(|name| ["--bin", name]);
        let options: Vec<_> = ["--workspace", "--features", CHAINING].into_iter().chain(binaries).collect();
        Self::build_targets("dev", &options, functions).await
    }

    /// Builds every function with the release profile. One build of all takes a third less time than two. The features
    /// that only the account API needs make a trigger at most 2 % larger than it is alone.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Self::build`].
    pub async fn build_functions() -> Result<Self> {
        let packages = ALL.iter().flat_map(|package| ["--package", package]);
        Self::build_targets("release", &packages.chain(["--bins"]).collect::<Vec<_>>(), &ALL).await
    }

    /// Builds every function and the command line as they are released. No path of this machine gets into them.
    ///
    /// # Errors
    ///
    /// Fails if cargo cannot be started or reports an error.
    pub async fn build_release() -> Result<Self> {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("CARGO_HOME is not set")?;
        let flag = |from: &Path, to: &str| format!("'--remap-path-prefix={}={to}'", from.display());
        let flags = [flag(&home, "/cargo"), flag(&layout::root(), "/src")].join(",");
        let config = format!("build.rustflags=[{flags}]");
        let mut all = BTreeMap::new();
        // Each group by itself: no crate gets features that only another group needs.
        for group in [&TRIGGERS[..], &["account-api"], &[COMMAND_LINE]] {
            let packages = group.iter().flat_map(|package| ["--package", package]);
            let options: Vec<_> = ["--locked", "--bins", "--config", &config].into_iter().chain(packages).collect();
            all.extend(Self::build_targets("release", &options, group).await?.0);
        }
        Ok(Self(all))
    }

    /// Builds and adds the bare function, with the same profile. It is built alone, so that no crate gets features that
    /// only another one needs.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Self::build`].
    pub async fn with_bare(mut self) -> Result<Self> {
        let options = ["--package", BARE, "--bin", BARE, "--features", "defaults"];
        self.0.extend(Self::build_targets("release", &options, &[BARE]).await?.0);
        Ok(self)
    }

    /// Compiles the workspace's tests that `tests` selects, and every function and the command line with them. Cargo
    /// gives a crate the features that anything of one build needs, so a build of its own would compile nearly every
    /// crate twice.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`Self::build`].
    pub async fn build_with_tests(features: &str, tests: &[&str]) -> Result<Self> {
        let options = ["build", "--workspace", "--bins", "--features", features];
        Self::run_cargo(&[&options, tests].concat(), &[&ALL[..], &[COMMAND_LINE]].concat()).await
    }

    /// Builds what cargo's `options` select. The result must contain the binaries `names`.
    async fn build_targets(profile: &str, options: &[&str], names: &[&str]) -> Result<Self> {
        Self::run_cargo(&[&["build", "--profile", profile], options].concat(), names).await
    }

    async fn run_cargo(options: &[&str], names: &[&str]) -> Result<Self> {
        let mut cargo = cargo();
        cargo.args(options).args(["--message-format", "json-render-diagnostics"]);
        let mut cargo = cargo.stdout(Stdio::piped()).spawn().context("cargo cannot be started")?;
        let mut messages = String::new();
        cargo.stdout.take().context("cargo has no output")?.read_to_string(&mut messages).await?;
        if !cargo.wait().await?.success() {
            bail!("{} does not build; see cargo's messages above", names.join(", "));
        }
        Self::read(&messages, names)
    }

    /// The folder of all binaries.
    ///
    /// # Errors
    ///
    /// Fails if there are no binaries.
    pub fn folder(&self) -> Result<&Path> {
        self.0.values().next().and_then(|path| path.parent()).context("no function was built")
    }

    /// The binary of one function.
    ///
    /// # Errors
    ///
    /// Fails if there is no function of that name. The message lists the names that exist.
    pub fn path(&self, function: &str) -> Result<&Path> {
        self.0.get(function).map(PathBuf::as_path).with_context(|| {
            let known: Vec<_> = self.0.keys().map(String::as_str).collect();
            format!("there is no function {function}; there are: {}", known.join(", "))
        })
    }

    /// Finds the executables in cargo's JSON messages.
    fn read(messages: &str, packages: &[&str]) -> Result<Self> {
        let mut found = BTreeMap::new();
        for line in messages.lines() {
            let message: Value = serde_json::from_str(line).context("cargo printed a line that is not JSON")?;
            // The test of a binary has the binary's name.
            if message["profile"]["test"] == true {
                continue;
            }
            if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
                found.insert(name.to_owned(), PathBuf::from(path));
            }
        }
        for package in packages {
            if !found.contains_key(*package) {
                bail!("cargo built no binary for {package}");
            }
        }
        Ok(Self(found))
    }
}

/// A command for the cargo that runs this program, or else the one on the PATH, in the repository's root.
///
/// `cargo run` sets variables that describe this program's own package. They are removed here, because some build
/// scripts depend on them: cargo would compile the SDK's crates again after every plain `cargo build`.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from));
    command.current_dir(layout::root()).stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|own| name.to_string_lossy().starts_with(own))
        {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str) -> String {
        format!(r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"executable":"/target/{name}"}}"#)
    }

    #[test]
    fn executables_are_found_where_cargo_says_they_are() {
        let messages: Vec<_> = ALL.iter().map(|name| artifact(name)).collect();
        let binaries = Binaries::read(&messages.join("\n"), &ALL).unwrap();
        assert_eq!(binaries.path("pre-sign-up").unwrap(), Path::new("/target/pre-sign-up"));
    }

    #[test]
    fn a_test_of_a_binary_is_not_taken_for_the_binary() {
        let test = r#"{"target":{"name":"cognito-triggers"},"profile":{"test":true},"executable":"/target/deps/x"}"#;
        let messages = [artifact(COMMAND_LINE), test.to_owned()].join("\n");
        let path = Path::new("/target/cognito-triggers");
        assert_eq!(Binaries::read(&messages, &[COMMAND_LINE]).unwrap().path(COMMAND_LINE).unwrap(), path);
    }

    #[test]
    fn a_function_without_a_binary_is_an_error_and_not_left_out() {
        let message = Binaries::read(&artifact("pre-sign-up"), &ALL).unwrap_err().to_string();
        assert!(message.contains("inbound-federation"), "{message}");
    }
}
