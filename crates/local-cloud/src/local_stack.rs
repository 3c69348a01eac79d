//! Everything on one machine: the deployed stack, two providers with people to sign in as, and an app.

mod app;
pub mod people;

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::app::App;
use crate::LocalCloud;
use crate::function::Binaries;
use crate::identity_provider::IdentityProvider;
use crate::port;
use crate::stack::sam::Sam;
use crate::stack::{Deployment, Stack};
use crate::toolbox::Toolbox;
use crate::user_pool::CALLBACK;

/// The variable that tells the end-to-end tests where the stack and its surroundings are: [`Address`] as JSON.
pub const VARIABLE: &str = "LOCAL_STACK";

/// Where a running local stack can be reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    /// The deployed stack.
    pub stack: Stack,
    /// The issuer that plays Google, and any other OpenID provider.
    pub google: String,
    /// The issuer that plays Facebook.
    pub facebook: String,
    /// The app's address, without a slash at its end.
    pub app: String,
}

/// A running local stack. Dropping it ends the providers and the app, but not the local cloud.
#[derive(Debug)]
pub struct LocalStack {
    address: Address,
    _providers: [IdentityProvider; 2],
    _app: App,
}

impl LocalStack {
    /// Starts the providers and the app, deploys the stack, and puts the ready account into its pool. Without `app_port`
    /// the app takes a free one.
    ///
    /// # Errors
    ///
    /// A port is taken, a process does not start, or the deployment fails.
    pub async fn start(
        toolbox: &Toolbox,
        sam: &Sam,
        cloud: &LocalCloud,
        binaries: &Binaries,
        app_port: Option<u16>,
        folder: PathBuf,
    ) -> Result<Self> {
        let (at_google, at_facebook) = (people::at_google(), people::at_facebook());
        let (google, facebook, listener) = tokio::try_join!(
            IdentityProvider::start_with(toolbox, None, &at_google),
            IdentityProvider::start_with(toolbox, None, &at_facebook),
            port::listen(app_port),
        )?;
        let app = format!("http://{}", listener.local_addr()?);
        let callbacks = vec![format!("{app}/callback"), CALLBACK.to_owned()];
        let stack = Deployment { sam, endpoint: cloud.endpoint(), binaries, folder, callbacks }.deploy().await?;
        stack.register(&google, "Google").await?;
        stack.register(&facebook, "Facebook").await?;
        stack.register(&google, "Okta").await?;
        people::settle(&stack).await?;
        let address =
            Address { google: google.issuer().to_owned(), facebook: facebook.issuer().to_owned(), app, stack };
        let app = App::serve(listener, &address)?;
        Ok(Self { address, _providers: [google, facebook], _app: app })
    }

    /// Where it can be reached.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Address {
    /// Reads the address that `cargo xtask test` handed to the tests.
    ///
    /// # Errors
    ///
    /// The variable is not set, or not by this program.
    pub fn from_environment() -> Result<Self> {
        let text = std::env::var(VARIABLE)
            .with_context(|| format!("{VARIABLE} is not set; run these tests with `cargo xtask test`"))?;
        serde_json::from_str(&text).with_context(|| format!("{VARIABLE} is not what `cargo xtask test` sets"))
    }

    /// The address as a variable's value.
    #[must_use]
    pub fn to_variable(&self) -> String {
        json!(self).to_string()
    }
}
