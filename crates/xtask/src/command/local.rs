//! `cargo xtask local`: runs the deployable stack with providers and an app, until Ctrl-C.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use console::style;
use local_cloud::function::{self, Binaries};
use local_cloud::local_stack::people::READY_ACCOUNT;
use local_cloud::local_stack::{Address, LocalStack, OwnProvider, providers};
use local_cloud::seed::PASSWORD;
use local_cloud::stack::sam::Sam;
use local_cloud::{LocalCloud, layout, steps::step, toolbox::Toolbox};

/// The options of the local stack.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the local cloud.
    #[arg(long, env = "LOCAL_CLOUD_PORT", default_value_t = 4566)]
    port: u16,
    /// Port of the app.
    #[arg(long, default_value_t = 3000)]
    app_port: u16,
    /// Keep the pool and its accounts for the next run with this option.
    #[arg(long)]
    keep: bool,
    /// Add a provider of yours: a JSON file as `aws cognito-idp create-identity-provider --cli-input-json` takes it
    #[arg(long, value_name = "FILE")]
    provider: Option<PathBuf>,
    /// How far its addresses are trusted, as in the setting PROVIDERS: `claim`, `never`, `always@corp.example`
    #[arg(long, default_value = "claim", requires = "provider")]
    trust: String,
}

/// Starts everything, prints the addresses, and waits for Ctrl-C.
///
/// # Errors
///
/// Fails if a tool cannot be installed, a port is taken, the functions do not build or the deployment fails.
pub(crate) async fn run(options: Options) -> Result<()> {
    let own = options.provider.as_ref().map(|file| OwnProvider::read(file, &options.trust)).transpose()?;
    eprintln!("… Building the functions");
    // Pip waits for the network while the compiler works.
    let build = Binaries::build(&function::ALL);
    let (binaries, toolbox, sam) = tokio::try_join!(build, Toolbox::local_cloud(), Sam::install())?;
    let folder = layout::local().join("stack").join(options.port.to_string());
    if !options.keep && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let kept_state = options.keep.then(|| folder.join("state"));
    let settings = local_cloud::Options { port: Some(options.port), kept_state, ..Default::default() };
    let cloud = step("Starting the local cloud", LocalCloud::start(&toolbox, settings)).await?;
    let stack = LocalStack::start(&toolbox, &sam, &cloud, &binaries, Some(options.app_port), folder, own.as_ref());
    let stack = step("Deploying the stack and starting the providers", stack).await?;
    tell(stack.address(), &cloud, own.as_ref())?;
    std::future::pending().await
}

fn tell(address: &Address, cloud: &LocalCloud, own: Option<&OwnProvider>) -> Result<()> {
    let stack = &address.stack;
    println!("\n{}  {}", style("Sign in here:").bold(), style(&address.app).cyan().underlined());
    for provider in ["Google", "Facebook"].into_iter().chain(own.map(OwnProvider::name)) {
        println!("  with {provider:<11} {}/sign-in?provider={provider}", address.app);
    }
    println!("  with a password  {}/sign-in", address.app);
    println!("  the account page {}/account", stack.account_api()?);
    println!("\nIn the pool: {READY_ACCOUNT}, password {PASSWORD}");
    println!("The first page lists the people at Google and Facebook.");
    println!("\nUser pool  {}", stack.output("UserPoolId")?);
    println!("App client {}", stack.output("FrontendClientId")?);
    println!("PROVIDERS  {}", providers(own));
    if let Some(own) = own {
        let uri = format!("{}/oauth2/idpresponse", stack.endpoint());
        println!("{} must know this redirect URI, unless it takes any: {uri}", own.name());
    }
    println!("AWS        {} (any keys, Region {})", stack.endpoint(), local_cloud::user_pool::REGION);
    println!("Log        {}", cloud.log().display());
    eprintln!("\nRunning until Ctrl-C.");
    Ok(())
}
