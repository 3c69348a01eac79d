//! `verify-email`

use crate::cloud::Cloud;
use crate::lookup;
use crate::options::{Global, Target};
use crate::terminal::{ExitStatus, Table, Tabular, confirm, short};
use anyhow::{Context, Result, bail};
use clap::Args;
use cognito_core::email::Email;
use cognito_core::user_pool::{Administration, AvailableEmail, PoolErrorKind, ProfileRecord};
use schemars::JsonSchema;
use serde::Serialize;

/// Mark a profile's e-mail address as verified, or show whether it is
///
/// You vouch for the address: from then on, anybody who reads its mail can reset the profile's password, and a provider
/// that proves the address signs in to this profile.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct VerifyEmail {
    #[command(flatten)]
    target: Target,
    /// Only show whether the address is verified
    #[arg(long, conflicts_with = "unset")]
    show: bool,
    /// Mark the address as not verified instead
    #[arg(long)]
    unset: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long, conflicts_with = "show")]
    yes: bool,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers verify-email ada@example.com --user-pool-id eu-central-1_AbCdEf123 --show
  cognito-triggers verify-email ada@example.com --user-pool-id eu-central-1_AbCdEf123";

/// What the profile is at the end.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outcome {
    /// The profile's name in the pool.
    user_name: String,
    /// The pool's id of the profile.
    sub: String,
    /// Its address, null if it has none.
    email: Option<String>,
    /// What `email_verified` is at the end.
    email_verified: bool,
    /// Whether this command changed it.
    changed: bool,
}

impl VerifyEmail {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let id = &self.target.pool.id;
        let cloud = Cloud::load(global, id).await?;
        if !self.show {
            cloud.announce(id).await;
        }
        let pool = cloud.user_pool(id);
        let mut profile = lookup::only(&pool, &self.target.user).await?;
        let wanted = !self.unset;
        let changed = !self.show && profile.has_flag("email_verified") != wanted;
        if changed {
            check(&pool, &profile, wanted).await?;
            confirm(&question(&profile, wanted), self.yes)?;
            set(&pool, &profile, wanted).await?;
            let Some(now) = pool.record(&profile.user_name).await? else {
                bail!("the profile was deleted right after the change");
            };
            if now.has_flag("email_verified") != wanted {
                bail!("AdminUpdateUserAttributes succeeded, but email_verified is as it was");
            }
            profile = now;
        }
        report(&profile, self.show, changed);
        global.output().data(&Outcome {
            email: profile.attribute("email").map(str::to_owned),
            email_verified: profile.has_flag("email_verified"),
            sub: profile.sub().to_owned(),
            user_name: profile.user_name,
            changed,
        })?;
        Ok(ExitStatus::Done)
    }
}

/// Refuses if there is nothing to verify, or if two people would have the address.
async fn check(pool: &impl Administration, profile: &ProfileRecord, wanted: bool) -> Result<Option<AvailableEmail>> {
    let Some(email) = profile.attribute("email") else {
        refuse!("the profile has no e-mail address to verify");
    };
    if !wanted {
        return Ok(None);
    }
    let others = lookup::others_with_email(pool, profile, email).await?;
    if let Some(holder) = others.iter().find(|other| other.email_verified) {
        refuse!(
            "another profile has this address, verified: the one with the sub {}. If the address is an alias, it would move \
             away from that profile. `cognito-triggers link` merges the profiles of one person",
            holder.sub
        );
    }
    let available = AvailableEmail::among(&Email::parse(email)?, &others, &profile.name());
    Ok(Some(available.context("another profile holds this address as verified")?))
}

fn question(profile: &ProfileRecord, wanted: bool) -> String {
    let state = if wanted { "verified" } else { "not verified" };
    let email = profile.attribute("email").unwrap_or_default();
    format!("Mark {} of {} as {state}?", short(email), short(&profile.user_name))
}

async fn set(pool: &impl Administration, profile: &ProfileRecord, wanted: bool) -> Result<()> {
    let user = match pool.checked(&profile.name(), profile.sub()).await {
        Err(error) if error.kind().reaches_another() => {
            refuse!("the profile's user name is the sub or an alias of another profile, which would be changed")
        }
        checked => checked?,
    };
    // The address that was shown, even if the profile has another one by now. It is looked up again, because the
    // operator may have taken long to answer.
    let result = if let Some(email) = check(pool, profile, wanted).await? {
        pool.set_verified_email(&user, &email).await
    } else {
        let flag = [("email_verified".to_owned(), "false".to_owned())];
        pool.write_attributes(&user, &flag.into()).await
    };
    match result {
        // The list of profiles may lag behind; Cognito's own check does not.
        Err(error) if error.kind() == PoolErrorKind::AliasExists => {
            refuse!("another profile has this address, verified ({error})")
        }
        result => Ok(result?),
    }
}

fn report(profile: &ProfileRecord, show: bool, changed: bool) {
    let state = match (profile.attribute("email"), profile.has_flag("email_verified")) {
        (None, _) => "The profile has no e-mail address",
        (_, true) => "The e-mail address is verified",
        (_, false) => "The e-mail address is not verified",
    };
    let since = match (changed, show) {
        (true, _) => " now",
        (false, true) => "",
        (false, false) => " already; nothing was changed",
    };
    say!("{state}{since}.");
}

impl Tabular for Outcome {
    fn table(&self) -> Table {
        let flag = |flag: bool| if flag { "true" } else { "false" };
        let email = self.email.as_deref().unwrap_or("none");
        let row = [&self.user_name, &self.sub, email, flag(self.email_verified), flag(self.changed)];
        Table::new(["user name", "sub", "email", "email_verified", "changed"]).with([row])
    }
}
