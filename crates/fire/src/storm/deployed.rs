//! The deployed function, with the local cloud's Cognito, API Gateway, Lambda and SES. Only some of its calls go
//! through this process.

use std::time::Duration;

use account_api::mailer::memory::MemoryMailer;
use anyhow::{Context as _, Result};
use local_cloud::dynamodb;
use local_cloud::hosted_login;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::PASSWORD;
use local_cloud::stack::Stack;
use local_cloud::user_pool::{ApiError, Profile, UserPool};
use serde_json::json;

use super::post::Post;
use super::world::{ADMINS, AFTERWARDS, PROVIDER, World, address_at_provider, first_address, subject};

/// How long the function may go on with what it does after an answer.
const CALM: Duration = Duration::from_secs(5);

/// A deployed stack and what is around it.
pub(super) struct Deployed {
    api: String,
    endpoint: String,
    table: String,
    pool: UserPool,
    /// The app client that people sign in with.
    client: String,
    google: IdentityProvider,
    post: Post,
}

impl Deployed {
    /// Lets the stack's function call AWS as these variables say. Its mails must come through `post`.
    pub(super) async fn start(
        stack: &Stack,
        google: &IdentityProvider,
        variables: &[(&str, &str)],
        post: Post,
    ) -> Result<Self> {
        let (pool, client) = (stack.pool()?, stack.output("FrontendClientId")?.to_owned());
        pool.create_group(ADMINS).await?;
        // People sign in with SRP or on the hosted pages. A storm has neither.
        let flows = json!(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]);
        pool.admin("UpdateUserPoolClient", json!({ "ClientId": client, "ExplicitAuthFlows": flows })).await?;
        let settings = stack.set("AccountApi", variables).await?;
        let name = settings["TABLE_NAME"].as_str().context("the function has no TABLE_NAME")?;
        Ok(Self {
            api: stack.account_api()?,
            endpoint: stack.endpoint().to_owned(),
            table: name.to_owned(),
            pool,
            client,
            google: IdentityProvider::at(google.issuer()),
            post,
        })
    }
}

impl World for Deployed {
    fn api(&self) -> &str {
        &self.api
    }

    fn mailboxes(&self) -> &MemoryMailer {
        &self.post.mailboxes
    }

    async fn registers(&self, number: u32) -> Result<Profile> {
        let name = self.pool.add_native(&first_address(number), &first_address(number), PASSWORD).await?.username;
        self.pool.admin("AdminAddUserToGroup", json!({ "Username": name, "GroupName": ADMINS })).await?;
        self.pool.profile(&name).await
    }

    async fn signs_in_with_provider(&self, number: u32) -> Result<Profile> {
        let subject = subject(number);
        // Without proof, pre sign-up leaves it alone.
        let claims = json!({ "email": address_at_provider(number), "email_verified": false });
        self.google.knows(&subject, &claims).await?;
        let name = format!("{PROVIDER}_{subject}");
        hosted_login::tokens(&self.pool, &self.client, PROVIDER, &subject).await?;
        self.pool.profile(&name).await
    }

    async fn token(&self, account: &Profile) -> Result<String> {
        let token = if account.is_native() {
            self.pool.sign_in(&self.client, &account.username, PASSWORD).await?["AccessToken"].take()
        } else {
            let subject = account.identities.first().context("a stand-alone account has no identity")?.subject.as_str();
            hosted_login::tokens(&self.pool, &self.client, PROVIDER, subject).await?["access_token"].take()
        };
        Ok(token.as_str().context("a sign-in gave no token")?.to_owned())
    }

    async fn account(&self, user_name: &str) -> Result<Option<Profile>> {
        match self.pool.profile(user_name).await {
            Ok(found) => Ok(Some(found)),
            Err(why) if ApiError::is(&why, "UserNotFoundException") => Ok(None),
            Err(why) => Err(why),
        }
    }

    async fn accounts(&self) -> Result<Vec<Profile>> {
        self.pool.profiles().await
    }

    async fn opens(&self, email: &str, password: &str) -> Result<bool> {
        match self.pool.sign_in(&self.client, email, password).await {
            Ok(session) => Ok(session["AccessToken"].is_string()),
            Err(why) if ApiError::is(&why, "NotAuthorizedException") => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// Nobody can set the function's clock forward. So everything that is in its table becomes older, from outside.
    async fn ages(&self) -> Result<()> {
        // What the function does after an answer has to end first.
        tokio::time::sleep(CALM).await;
        dynamodb::age(&self.endpoint, &self.table, AFTERWARDS).await
    }
}
