//! `cargo xtask demo`: one person keeps one account. It uses the real functions and shows the state of a pool.
//!
//! MiniStack runs the pool and calls the deployed functions for the triggers that it knows. It has no trigger after a
//! confirmation, so the demo invokes that function with the event that Cognito would send.

mod stage;

use anyhow::Result;
use clap::Args;
use local_cloud::function::Binaries;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::{LocalCloud, steps::step, toolbox::Toolbox};
use serde_json::json;

use self::stage::{ADA, ADA_AT_GOOGLE, GRACE, GRACE_AT_GOOGLE, Stage};
use super::story::{chapter, fact, letter, show, tell, ways_in};

const HEDY: &str = "hedy@example.com";
const NEW_PASSWORD: &str = "Another-Horse-8-Staple";

/// The codes that MiniStack issues for every registration and every password reset.
const SIGN_UP_CODE: &str = "123456";
const RESET_CODE: &str = "654321";

/// The options of the demo.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the local cloud; a free one if left out.
    #[arg(long, env = "LOCAL_CLOUD_PORT")]
    port: Option<u16>,
}

/// Sets everything up, tells the story, and takes everything down.
///
/// # Errors
///
/// Fails if something cannot be set up, or if the pool's state differs from what a step of the story says.
pub(crate) async fn run(options: Options) -> Result<()> {
    eprintln!("… Building the functions");
    // Pip waits for the network while the compiler works.
    let (toolbox, binaries) = tokio::try_join!(Toolbox::local_cloud(), Binaries::build(&stage::FUNCTIONS))?;
    let settings = local_cloud::Options { port: options.port, ..Default::default() };
    let cloud = step("Starting a local user pool", LocalCloud::start(&toolbox, settings)).await?;
    let google = IdentityProvider::start(&toolbox, None).await?;
    let stage = step("Making the functions its triggers", Stage::set(&cloud, &google, &binaries)).await?;
    native_account(&stage).await?;
    same_person_from_google(&stage).await?;
    new_person_from_google(&stage).await?;
    password_reset(&stage).await?;
    message(&stage).await?;
    last_screen(&stage).await
}

async fn native_account(stage: &Stage) -> Result<()> {
    chapter(1, "Ada has an account with a password");
    stage.register(ADA, PASSWORD, ("Ada", "Lovelace")).await?;
    tell("She registers, and confirms with the code from her mail.");
    stage.confirm(ADA, SIGN_UP_CODE).await?;
    let ada = stage.pool.only_profile_of(ADA).await?;
    fact(stage.after_confirmation("post-confirmation/sign-up", &ada).await?, "post-confirmation lets her in")?;
    let ada = stage.pool.only_profile_of(ADA).await?;
    show("The pool now:", std::slice::from_ref(&ada));
    fact(ada.status == "CONFIRMED" && ada.email_verified(), "her account is confirmed, her e-mail verified")?;
    fact(ada.groups == [GROUP], "post-confirmation put her into the default group")?;
    fact(ada.identities.is_empty(), "there is one way in: her password")
}

async fn same_person_from_google(stage: &Stage) -> Result<()> {
    chapter(2, "The same Ada presses \"Sign in with Google\"");
    let before = stage.pool.only_profile_of(ADA).await?;
    tell("Without the functions, Cognito would make a second, empty account here.");
    let token = stage.sign_in_with_google(ADA_AT_GOOGLE).await?;
    tell("App, pool, Google, pre-sign-up, pool, app: she is signed in.");
    show("After:", &stage.pool.profiles().await?);
    let after = stage.pool.only_profile_of(ADA).await?;
    fact(after.username == before.username, "there is still one account for her address")?;
    fact(after.has_identity("Google", ADA_AT_GOOGLE), "her Google identity is linked to it")?;
    fact(token["sub"] == before.attribute("sub"), "the ID token names the very account she registered")?;
    fact(after.email_verified(), "her e-mail is still verified")?;
    fact(stage.sign_in_with_password(ADA, PASSWORD).await? == before.username, "her password opens it as before")?;
    let again = stage.sign_in_with_google(ADA_AT_GOOGLE).await?;
    let same = again["sub"] == token["sub"] && stage.pool.profiles().await?.len() == 1;
    fact(same, "the next sign-in from Google leads to the same account and makes no other")
}

async fn new_person_from_google(stage: &Stage) -> Result<()> {
    chapter(3, "Grace, whom nobody knows yet, arrives from Google");
    let token = stage.sign_in_with_google(GRACE_AT_GOOGLE).await?;
    let grace = stage.pool.only_profile_of(GRACE).await?;
    show("The pool now:", &stage.pool.profiles().await?);
    fact(grace.is_native() && grace.status == "CONFIRMED", "pre-sign-up made a native, confirmed account")?;
    fact(grace.email_verified(), "its e-mail is verified: Google vouched for it")?;
    fact(grace.has_identity("Google", GRACE_AT_GOOGLE), "her Google identity is linked to it")?;
    fact(grace.groups == [GROUP], "it is in the default group")?;
    fact(token["sub"] == grace.attribute("sub"), "the ID token names it")
}

async fn password_reset(stage: &Stage) -> Result<()> {
    chapter(4, "Grace's account has a password that nobody knows: \"Forgot password?\"");
    let before = stage.pool.only_profile_of(GRACE).await?;
    // If the reset ran the sign-up's steps, it would put her back into the group.
    let group = json!({ "Username": before.username, "GroupName": GROUP });
    stage.pool.admin("AdminRemoveUserFromGroup", group).await?;
    tell("An administrator takes her out of the group. A reset must not put her back.");
    stage.reset_password(GRACE, RESET_CODE, NEW_PASSWORD).await?;
    tell("She enters the code from her mail and a password of her own.");
    let grace = stage.pool.only_profile_of(GRACE).await?;
    fact(
        stage.after_confirmation("post-confirmation/forgot-password", &grace).await?,
        "post-confirmation lets it pass",
    )?;
    let after = stage.pool.only_profile_of(GRACE).await?;
    show("The pool now:", std::slice::from_ref(&after));
    fact(after.groups.is_empty(), "the reset touched no group")?;
    fact(after.identities == before.identities, "her Google identity is still linked")?;
    fact(
        stage.sign_in_with_password(GRACE, NEW_PASSWORD).await? == before.username,
        "her new password opens her account",
    )
}

async fn message(stage: &Stage) -> Result<()> {
    chapter(5, "Hedy is invited, and gets our message");
    let mail = stage.invite(HEDY, "Hedy").await?;
    letter(&mail.subject, &mail.text);
    let hedy = stage.pool.only_profile_of(HEDY).await?;
    fact(hedy.status == "FORCE_CHANGE_PASSWORD", "her account waits for her first password")?;
    fact(mail.text.contains("Example"), "custom-message named the app")?;
    let filled = !mail.text.contains("{####}") && !mail.text.contains("{username}");
    fact(filled, "the pool filled in her user name and her first password")
}

async fn last_screen(stage: &Stage) -> Result<()> {
    let ada = stage.pool.only_profile_of(ADA).await?;
    println!();
    show("One account, two ways in:", std::slice::from_ref(&ada));
    fact(ways_in(&ada).len() == 2, "Ada signs in with her password or with Google, and is the same person")?;
    println!("\nNext: `cargo xtask local`, an app to click through, with a stranger who claims Ada's");
    println!("address (docs/TUTORIAL.md). To merge accounts that are split: docs/cli/link.md.");
    Ok(())
}
