//! `cargo xtask test`: runs every test, including those that need a local cloud.

use anyhow::{Context, Result, bail};
use clap::Args;
use local_cloud::function::{self, Binaries, CHAINING};
use local_cloud::local_stack::{self, LocalStack};
use local_cloud::stack::sam::Sam;
use local_cloud::{ENDPOINT_VARIABLE, LocalCloud, browser, client_environment, layout, steps::step, toolbox::Toolbox};

/// How many tests of a program run at once, unless `RUST_TEST_THREADS` says another number. Most of the time they wait for the
/// local cloud or a browser.
const TESTS_AT_ONCE: &str = "4";

/// The options of the tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the local cloud; a free one if left out.
    #[arg(long, env = "LOCAL_CLOUD_PORT")]
    port: Option<u16>,
    /// Leave out the tests that need a browser.
    #[arg(long)]
    no_browser: bool,
    /// Passed on to `cargo test`, as in `cargo xtask test -- --workspace --test cloud cli_attach`.
    #[arg(last = true)]
    cargo_arguments: Vec<String>,
}

/// Builds the functions and the command line, starts one local cloud for all tests, deploys the stack to it, and runs
/// the tests.
///
/// # Errors
///
/// Fails if something cannot be set up, or if a test fails.
pub(crate) async fn run(options: Options) -> Result<()> {
    // Asked now, because the build may put another file in the place of this one.
    let xtask = std::env::current_exe()?;
    let mut features = format!("end-to-end/local-cloud,{CHAINING}");
    if !options.no_browser {
        browser::check("--no-browser")?;
        features.push_str(",end-to-end/browser");
    }
    eprintln!("… Building the functions, the command line and the tests");
    // Of chosen tests, cargo compiles the rest when it runs them. One test is enough for the features of all.
    let tests: &[&str] = if options.cargo_arguments.is_empty() { &["--tests"] } else { &["--test", "files"] };
    let build = Binaries::build_with_tests(&features, tests);
    // Pip waits for the network while the compiler works.
    let (binaries, toolbox, sam) = tokio::try_join!(build, Toolbox::local_cloud(), Sam::install())?;
    let settings = local_cloud::Options { port: options.port, ..Default::default() };
    let cloud = step("Starting the local cloud", LocalCloud::start(&toolbox, settings)).await?;
    let folder = layout::local().join("stack").join("test");
    let stack = LocalStack::start(&toolbox, &sam, &cloud, &binaries, None, folder, None);
    let stack = step("Deploying the stack and starting the providers", stack).await?;
    let mut cargo = function::cargo();
    cargo.arg("test");
    if options.cargo_arguments.is_empty() {
        // One failure must not hide the others.
        cargo.args(["--workspace", "--no-fail-fast"]);
    }
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        cargo.env("RUST_TEST_THREADS", TESTS_AT_ONCE);
    }
    let status = cargo
        .args(["--features", &features])
        .args(&options.cargo_arguments)
        .env(ENDPOINT_VARIABLE, cloud.endpoint())
        .env(local_stack::VARIABLE, stack.address().to_variable())
        // The adapter under test finds the cloud in the same way as AWS, through the SDK's variables.
        .envs(client_environment(cloud.endpoint()))
        .env(function::FOLDER_VARIABLE, binaries.folder()?)
        .env(function::COMMAND_LINE_VARIABLE, binaries.path(function::COMMAND_LINE)?)
        .env(function::XTASK_VARIABLE, xtask)
        .status()
        .await
        .context("cargo cannot be started")?;
    if !status.success() {
        bail!("not every test passed; the local cloud's log is {}", cloud.log().display());
    }
    eprintln!("✓ All tests passed, including those with the local cloud");
    Ok(())
}
