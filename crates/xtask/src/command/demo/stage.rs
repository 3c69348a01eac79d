//! Everything that the demo needs: a pool with our triggers, an app, and a provider that plays Google.

use anyhow::{Context, Result};
use local_cloud::function::{self, Binaries};
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::runtime_api::Function;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, Profile, UserPool};
use local_cloud::{LocalCloud, client_environment, deployment, event, hosted_login, outbox};
use serde_json::{Value, json};

pub(super) const ADA: &str = "ada@example.com";
pub(super) const ADA_AT_GOOGLE: &str = "123456789012345678901";
pub(super) const GRACE: &str = "grace@example.org";
pub(super) const GRACE_AT_GOOGLE: &str = "109876543210987654321";

/// The triggers that the local pool calls itself, each with its function.
const TRIGGERS: [(&str, &str); 2] = [("PreSignUp", "pre-sign-up"), ("CustomMessage", "custom-message")];

/// The function that the demo invokes itself.
const INVOKED: &str = "post-confirmation";

/// Every function of the story.
pub(super) const FUNCTIONS: [&str; 3] = [TRIGGERS[0].1, TRIGGERS[1].1, INVOKED];

pub(super) struct Stage {
    pub(super) pool: UserPool,
    client: String,
    post_confirmation: Function,
}

/// A message from the outbox.
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
}

impl Stage {
    pub(super) async fn set(cloud: &LocalCloud, google: &IdentityProvider, binaries: &Binaries) -> Result<Self> {
        let defaults = function::SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings: Vec<_> = client_environment(cloud.endpoint()).into_iter().chain(defaults).collect();
        let pool = UserPool::create(cloud.endpoint(), Kind::EmailAsUsername).await?;
        pool.create_group(GROUP).await?;
        google.register(&pool, "Google").await?;
        google.knows(ADA_AT_GOOGLE, &claims(ADA, ("Ada", "Lovelace"))).await?;
        google.knows(GRACE_AT_GOOGLE, &claims(GRACE, ("Grace", "Hopper"))).await?;
        let client = pool.create_client(&["Google"]).await?;
        let mut triggers = Vec::new();
        for (trigger, name) in TRIGGERS {
            let function = deployment::deploy(cloud.endpoint(), name, binaries.path(name)?, &settings).await?;
            triggers.push((trigger, json!(function)));
        }
        pool.attach(&triggers).await?;
        let post_confirmation = Function::start(INVOKED, binaries.path(INVOKED)?, &settings).await?;
        Ok(Self { pool, client, post_confirmation })
    }

    pub(super) async fn register(&self, email: &str, password: &str, name: (&str, &str)) -> Result<()> {
        let registration = json!({
            "ClientId": self.client,
            "Username": email,
            "Password": password,
            "UserAttributes": [
                { "Name": "email", "Value": email },
                { "Name": "given_name", "Value": name.0 },
                { "Name": "family_name", "Value": name.1 },
            ],
        });
        self.pool.call("SignUp", &registration).await.map(drop)
    }

    pub(super) async fn confirm(&self, email: &str, code: &str) -> Result<()> {
        let input = json!({ "ClientId": self.client, "Username": email, "ConfirmationCode": code });
        self.pool.call("ConfirmSignUp", &input).await.map(drop)
    }

    /// Invokes post-confirmation as Cognito would. Returns whether it gave the event back unchanged.
    pub(super) async fn after_confirmation(&self, sample: &str, profile: &Profile) -> Result<bool> {
        let event = event::about(event::load(sample, &self.pool)?, profile);
        Ok(self.post_confirmation.invoke(&event).await? == Ok(event))
    }

    /// Signs a person in with Google. Returns the ID token's claims.
    pub(super) async fn sign_in_with_google(&self, subject: &str) -> Result<Value> {
        hosted_login::sign_in(&self.pool, &self.client, "Google", subject).await
    }

    /// Signs a person in with a password. Returns the account's user name.
    pub(super) async fn sign_in_with_password(&self, email: &str, password: &str) -> Result<String> {
        let session = self.pool.sign_in(&self.client, email, password).await?;
        let user = self.pool.call("GetUser", &json!({ "AccessToken": session["AccessToken"] })).await?;
        Ok(user["Username"].as_str().context("the session belongs to nobody")?.to_owned())
    }

    pub(super) async fn reset_password(&self, email: &str, code: &str, password: &str) -> Result<()> {
        let mut input = json!({ "ClientId": self.client, "Username": email });
        self.pool.call("ForgotPassword", &input).await?;
        input["ConfirmationCode"] = json!(code);
        input["Password"] = json!(password);
        self.pool.call("ConfirmForgotPassword", &input).await.map(drop)
    }

    /// Makes an account for a person. Returns the message that went out.
    pub(super) async fn invite(&self, email: &str, given_name: &str) -> Result<Mail> {
        let input = json!({
            "Username": email,
            "DesiredDeliveryMediums": ["EMAIL"],
            "UserAttributes": [
                { "Name": "email", "Value": email },
                { "Name": "given_name", "Value": given_name },
            ],
        });
        self.pool.admin("AdminCreateUser", input).await?;
        let mail = outbox::last_mail(self.pool.endpoint(), email).await?;
        let text = |name: &str| mail[name].as_str().unwrap_or_default().to_owned();
        let plain = text("BodyText");
        Ok(Mail {
            subject: text("Subject"),
            text: if plain.is_empty() { without_tags(&text("BodyHtml")) } else { plain },
        })
    }
}

/// What Google says about a person.
fn claims(email: &str, name: (&str, &str)) -> Value {
    json!({ "email": email, "email_verified": true, "given_name": name.0, "family_name": name.1 })
}

/// The words of an HTML message, for a terminal.
fn without_tags(html: &str) -> String {
    let body = html.find("<body").map_or(html, |start| &html[start..]);
    let mut words = String::new();
    for piece in body.split('<') {
        words.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    let words = words.replace("&nbsp;", " ").replace("&amp;", "&");
    // The letter in place of a logo is a line of its own, and no text.
    words.lines().map(str::trim).filter(|line| line.chars().count() > 1).collect::<Vec<_>>().join("\n")
}
