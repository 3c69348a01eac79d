//! Everything on one machine: the deployed stack, two providers with people to sign in as, and an app.

mod address;
mod app;
mod own_provider;
pub mod people;

use std::path::PathBuf;

use anyhow::Result;

pub use self::address::{Address, VARIABLE};
pub use self::own_provider::OwnProvider;
use crate::LocalCloud;
use crate::function::Binaries;
use crate::identity_provider::IdentityProvider;
use crate::port;
use crate::server::Server;
use crate::stack::sam::Sam;
use crate::stack::{Deployment, PROVIDERS};
use crate::toolbox::Toolbox;
use crate::user_pool::CALLBACK;

/// The setting `PROVIDERS` of a local stack.
#[must_use]
pub fn providers(own: Option<&OwnProvider>) -> String {
    own.map_or_else(|| PROVIDERS.to_owned(), |own| format!("{PROVIDERS},{}", own.entry()))
}

/// A running local stack. Dropping it ends the providers and the app, but not the local cloud.
#[derive(Debug)]
pub struct LocalStack {
    address: Address,
    _providers: [IdentityProvider; 2],
    _app: Server,
}

impl LocalStack {
    /// Starts the providers and the app, deploys the stack, and puts the ready account into its pool. Without
    /// `app_port` the app takes a free port. `own` is a provider beside those two.
    ///
    /// # Errors
    ///
    /// Fails if a port is taken, a process does not start, or the deployment fails.
    pub async fn start(
        toolbox: &Toolbox,
        sam: &Sam,
        cloud: &LocalCloud,
        binaries: &Binaries,
        app_port: Option<u16>,
        folder: PathBuf,
        own: Option<&OwnProvider>,
    ) -> Result<Self> {
        let (at_google, at_facebook) = (people::at_google(), people::at_facebook());
        let (google, facebook, listener) = tokio::try_join!(
            IdentityProvider::start_with(toolbox, None, &at_google),
            IdentityProvider::start_with(toolbox, None, &at_facebook),
            port::listen(app_port),
        )?;
        let app = format!("http://{}", listener.local_addr()?);
        let callbacks = vec![format!("{app}/callback"), CALLBACK.to_owned()];
        let providers = providers(own);
        let endpoint = cloud.endpoint();
        let account_api = Vec::new();
        let deployment = Deployment { sam, endpoint, binaries, folder, callbacks, providers, account_api };
        let stack = deployment.deploy().await?;
        stack.register(&google, "Google").await?;
        stack.register(&facebook, "Facebook").await?;
        stack.register(&google, "Okta").await?;
        if let Some(own) = own {
            own.register(&stack).await?;
        }
        people::add_ready_account(&stack).await?;
        let address =
            Address { google: google.issuer().to_owned(), facebook: facebook.issuer().to_owned(), app, stack };
        let app = app::serve(listener, &address, own.map(OwnProvider::name))?;
        Ok(Self { address, _providers: [google, facebook], _app: app })
    }

    /// The addresses of the stack.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}
