//! What the account API needs around it at a local cloud: a pool, a table, a secret and a sender of mails.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dynamodb::state_table;
use crate::http::Http;
use crate::seed::GROUP;
use crate::user_pool::{Kind, UserPool};

/// The name of the secret.
pub const SECRET: &str = "account-api-secret";

/// Who sends the mails.
pub const SENDER: &str = "no-reply@example.com";

/// The group whose members invite.
pub const ADMINS: &str = "admins";

/// A pool and a table of its own. Secret and sender are the same for all.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The pool. People sign in with the address.
    pub pool: UserPool,
    /// The name of the table.
    pub table: String,
    backend_client: String,
}

impl Surroundings {
    /// Makes what the account API needs at the cloud at `endpoint`.
    ///
    /// # Errors
    ///
    /// Fails if a call is refused.
    pub async fn make(endpoint: &str) -> Result<Self> {
        let secret = json!({ "Name": SECRET, "SecretString": "a-secret-of-at-least-32-characters-for-tests" });
        // That it is there already is fine.
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.CreateSecret")];
        Http::default().send_body("POST", endpoint, &headers, secret.to_string()).await?;
        // Mails go out only from a domain that SES knows.
        let domain = json!({ "EmailIdentity": "example.com" });
        Http::default().send_json("POST", &format!("{endpoint}/v2/email/identities"), &domain).await?;
        let table = format!("state-{}", Uuid::new_v4().simple());
        state_table(endpoint, &table).await?;
        let pool = UserPool::create(endpoint, Kind::EmailAsUsername).await?;
        pool.create_group(GROUP).await?;
        let flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
        let client = json!({ "ClientName": "backend", "ExplicitAuthFlows": flows });
        let mut client: Value = pool.admin("CreateUserPoolClient", client).await?;
        let Value::String(backend_client) = client["UserPoolClient"]["ClientId"].take() else {
            anyhow::bail!("the new app client has no id")
        };
        Ok(Self { pool, table, backend_client })
    }

    /// The settings of a function with these surroundings. It calls AWS at `endpoint`.
    #[must_use]
    pub fn settings(&self, endpoint: &str) -> Vec<(String, String)> {
        let settings = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("USER_POOL_ID", self.pool.id()),
            ("TABLE_NAME", &self.table),
            ("CODE_SECRET_ARN", SECRET),
            ("EMAIL_FROM", SENDER),
            ("PROVIDERS", "Google:claim"),
            ("APP_URL", "https://app.example.com"),
            ("BACKEND_CLIENT_ID", &self.backend_client),
            ("ADMIN_GROUP", ADMINS),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}
