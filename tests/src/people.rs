//! People who sign in from a provider before any function is attached, as in every pool that needs merging.

use anyhow::{Context, Result};
use local_cloud::hosted_login::sign_in;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{Profile, UserPool};
use serde_json::json;

/// A provider that plays Google.
#[derive(Debug)]
pub struct Google(IdentityProvider);

impl Google {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// Fails if the provider does not start.
    pub async fn start() -> Result<Self> {
        Ok(Self(IdentityProvider::start(&Toolbox::local_cloud().await?, None).await?))
    }

    /// Signs a person in to a pool without triggers, so that it has a stand-alone profile.
    ///
    /// # Errors
    ///
    /// Fails if the provider or the pool refuses.
    pub async fn stands_alone(&self, pool: &UserPool, subject: &str, email: &str, verified: bool) -> Result<Profile> {
        self.0.register(pool, "Google").await?;
        self.0.knows(subject, &json!({ "email": email, "email_verified": verified, "given_name": "Ada" })).await?;
        let client = pool.create_client(&["Google"]).await?;
        sign_in(pool, &client, "Google", subject).await?;
        let profiles = pool.profiles().await?;
        let profile =
            profiles.into_iter().find(|profile| !profile.is_native() && profile.has_identity("Google", subject));
        profile.context("no stand-alone profile was made")
    }
}
