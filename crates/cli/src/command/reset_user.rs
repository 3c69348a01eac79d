//! `reset-user`

mod recovery;
mod registration;

use crate::advice::permission;
use crate::cloud::Cloud;
use crate::finding;
use crate::linked_identity::time;
use crate::lookup;
use crate::options::{Global, Pool, name_and_value};
use crate::pool_settings;
use crate::terminal::{Cell, ExitStatus, Output, Refused, Table, Tabular, confirm, is_asked, short};
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};
use cognito_core::user_pool::{Administration, AppClients, Delivery, PoolSettings, ProfileRecord, Registered, Status};
use recovery::Recovery;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait until the deleted profile is gone. Cognito does not say when that is.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Delete a test user and sign them up again, so that the verification message is sent again
///
/// The new profile has the same attributes, a new `sub`, a random password and no groups. Whoever had confirmed their
/// registration is signed out first.
///
/// Everything that could make the sign-up fail is checked before anything is deleted. The profile is written to a
/// file first; if the sign-up fails anyway, --resume repeats it from that file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, group = ArgGroup::new("whom").required(true).args(["user", "resume"]))]
pub(crate) struct ResetUser {
    /// The person: a user name, a `sub` or an e-mail address
    #[arg(value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: Option<String>,
    #[command(flatten)]
    pool: Pool,
    /// The app client to sign up through; if it has a secret, the command looks it up
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Sign up without this attribute; may be repeated
    #[arg(long, value_name = "ATTRIBUTE")]
    without: Vec<String>,
    /// What the pool's triggers are told, such as locale=de; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    client_metadata: Vec<(String, String)>,
    /// Keep the deleted profile in this file; without it, the file is removed after the sign-up
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    save: Option<PathBuf>,
    /// Repeat a sign-up that failed after the deletion, from the file it left
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long)]
    yes: bool,
    /// Delete the user even if they have confirmed their registration, and do not ask
    #[arg(long)]
    yes_delete_confirmed: bool,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers reset-user ada@example.com \\
      --user-pool-id eu-central-1_AbCdEf123 --client-id 1example23456789
  cognito-triggers reset-user --resume reset-user-….json \\
      --user-pool-id eu-central-1_AbCdEf123 --client-id 1example23456789

To sign in as the new user, set a password: aws cognito-idp admin-set-user-password.";

/// What became of the user.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outcome {
    /// The deleted profile's id.
    old_sub: String,
    /// The new profile's id.
    new_sub: String,
    /// True if a trigger confirmed the registration at once. Then Cognito sends no message.
    confirmed: bool,
    /// Where Cognito says that the message went, null if none was sent.
    delivery: Option<Delivery>,
    /// Why SES holds mail to this address back, `BOUNCE` or `COMPLAINT`. Null if the address is not on its suppression list,
    /// or if that is not known.
    suppressed: Option<String>,
    /// The groups that the deleted profile was in.
    groups_left: Vec<String>,
    /// The file with the deleted profile, null if it was not kept.
    saved: Option<PathBuf>,
}

impl ResetUser {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let cloud = Cloud::load(global, &self.pool.id).await?;
        cloud.announce(&self.pool.id).await;
        let pool = cloud.user_pool(&self.pool.id);
        let settings = pool.settings().await?;
        let Some(client) = pool.app_client(&self.client_id).await? else {
            refuse!("the pool has no app client with this id");
        };
        let recovery = match (&self.resume, &self.user) {
            (Some(file), _) => self.recovery(&pool, file).await?,
            (None, Some(user)) => self.plan(&pool, &settings, user).await?,
            (None, None) => bail!("USER or --resume is needed"),
        };
        let attributes = recovery.attributes_without(&self.without);
        registration::check(&attributes, &settings, &client).map_err(Refused)?;
        let suppressed =
            suppression(&cloud, &self.pool.id, attributes.get("email"), is_asked(self.is_confirmed())).await;
        let file = if let Some(file) = &self.resume {
            confirm(&format!("Sign {} up again?", short(&recovery.sign_up_name)), self.is_confirmed())?;
            file.clone()
        } else if let Some(file) = self.delete(&pool, &recovery).await? {
            file
        } else {
            return Ok(ExitStatus::Partly);
        };
        match registration::repeat(&pool, &client, &recovery, &attributes, LONGEST_WAIT).await {
            Ok(registered) => {
                if registered.confirmed {
                    note!("a trigger confirmed the registration at once, so Cognito sent no message");
                }
                self.report(&recovery, registered, suppressed, file, global.output())
            }
            Err(error) => {
                say!("The profile is deleted, but signing it up again failed: {error:#}");
                say_how_to_go_on(&file);
                Ok(ExitStatus::Partly)
            }
        }
    }

    /// What would be deleted and signed up again. Nothing is changed.
    async fn plan(&self, pool: &impl Administration, settings: &PoolSettings, user: &str) -> Result<Recovery> {
        let profile = lookup::only(pool, user).await?;
        registration::is_replaceable(&profile, self.yes_delete_confirmed).map_err(Refused)?;
        // The pool's own triggers may refuse a sign-up with an address that another profile has.
        if let Some(email) = profile.attribute("email")
            && !lookup::others_with_email(pool, &profile, email).await?.is_empty()
        {
            refuse!(
                "another profile has the same e-mail address, so the sign-up may be refused: `cognito-triggers show` lists \
                 them"
            );
        }
        let groups = pool.groups(&profile.name()).await?;
        let metadata = self.client_metadata.iter().cloned().collect();
        Recovery::of(&self.pool.id, profile, groups, metadata, settings, &self.without)
            .map_err(|why| Refused(why).into())
    }

    /// A profile that an earlier run deleted and did not sign up again. Nothing is changed.
    async fn recovery(&self, pool: &impl Administration, file: &Path) -> Result<Recovery> {
        let mut recovery = Recovery::load(file)?;
        if recovery.user_pool_id != self.pool.id {
            refuse!("this file belongs to another user pool, {}", recovery.user_pool_id);
        }
        if pool.found_by(&recovery.user_name).await?.is_some_and(|profile| profile.sub() == recovery.sub) {
            refuse!(
                "the profile is not deleted yet. If it is still there in a minute, remove {} and run the command with \
                 USER instead of --resume",
                file.display()
            );
        }
        if !self.client_metadata.is_empty() {
            recovery.client_metadata = self.client_metadata.iter().cloned().collect();
        }
        Ok(recovery)
    }

    /// Asks, saves the profile to a file and deletes it. `None` if nobody knows whether it was deleted.
    async fn delete(&self, pool: &impl Administration, recovery: &Recovery) -> Result<Option<PathBuf>> {
        for line in losses(recovery, is_asked(self.is_confirmed())) {
            say!("{line}");
        }
        let user = pool.checked(&recovery.profile.name(), &recovery.sub).await?;
        confirm("Delete this profile and sign it up again?", self.is_confirmed())?;
        self.refuse_if_changed(pool, recovery).await?;
        let file = recovery.save(self.save.as_deref())?;
        say!("The profile is saved in {}.", file.display());
        if has_been_confirmed(&recovery.profile)
            && let Err(error) = pool.sign_out_everywhere(&user).await
        {
            recovery::remove(&file);
            return Err(error).context("nothing was deleted, because the person could not be signed out");
        }
        let Err(error) = pool.delete(&user).await else { return Ok(Some(file)) };
        // A call that failed on the way may have deleted it.
        match pool.found_by(&recovery.user_name).await {
            Ok(Some(still)) if still.sub() == recovery.sub => {
                recovery::remove(&file);
                Err(error.into())
            }
            Ok(_) => Ok(Some(file)),
            Err(_) => {
                say!("The profile may be deleted or not: {error}");
                say_how_to_go_on(&file);
                Ok(None)
            }
        }
    }

    /// Refuses if the profile changed while the operator was asked: its owner may have confirmed the registration.
    async fn refuse_if_changed(&self, pool: &impl Administration, recovery: &Recovery) -> Result<()> {
        let Some(now) = pool.record(&recovery.user_name).await? else {
            refuse!("the profile was deleted while you were asked; nothing was changed");
        };
        registration::is_replaceable(&now, self.yes_delete_confirmed).map_err(Refused)?;
        let groups: BTreeSet<_> = pool.groups(&now.name()).await?.into_iter().collect();
        let shown = &recovery.profile;
        if now.sub() != recovery.sub
            || now.status != shown.status
            || now.attributes != shown.attributes
            || groups != recovery.groups.iter().cloned().collect()
        {
            refuse!("the profile changed after it was shown; nothing was changed. Run the command again");
        }
        Ok(())
    }

    fn report(
        &self,
        recovery: &Recovery,
        registered: Registered,
        suppressed: Option<String>,
        file: PathBuf,
        output: Output,
    ) -> Result<ExitStatus> {
        let is_kept = self.save.is_some() || !recovery.groups.is_empty();
        if !is_kept {
            recovery::remove(&file);
        }
        let outcome = Outcome {
            old_sub: recovery.sub.clone(),
            new_sub: registered.sub,
            confirmed: registered.confirmed,
            delivery: registered.delivery,
            suppressed,
            groups_left: recovery.groups.clone(),
            saved: is_kept.then_some(file),
        };
        output.data(&outcome).context("the user was signed up again, but standard output cannot be written")?;
        Ok(ExitStatus::Done)
    }

    fn is_confirmed(&self) -> bool {
        self.yes || self.yes_delete_confirmed
    }
}

/// The triggers' metadata may hold somebody's invitation, so it is not repeated here: standard error may be a log.
fn say_how_to_go_on(file: &Path) {
    say!("To go on, run the command again with --resume {} in place of the user.", file.display());
}

/// Why SES would hold a mail to this address back; `None` if it would not, or if that may not be asked. Says so either way.
async fn suppression(cloud: &Cloud, pool: &str, email: Option<&String>, is_asked: bool) -> Option<String> {
    let email = email?;
    let entry = match pool_settings::describe(cloud, pool).await {
        Ok(pool) => finding::suppressed(cloud, &pool, email).await.map_err(|(operation, why)| {
            let permission = permission(operation).unwrap_or_default();
            format!("{why}; it takes {permission}")
        }),
        Err(error) => Err(format!("{error:#}")),
    };
    match entry {
        Ok(None) => None,
        Ok(Some(entry)) => {
            let email = if is_asked { email.as_str() } else { "…" };
            note!(
                "the address is on the suppression list of SES ({}), so no mail reaches it, whatever Cognito reports. Once \
                 the mailbox works again: {}",
                entry.why,
                entry.remedy(email)
            );
            Some(entry.why)
        }
        Err(why) => {
            note!("whether the address is on the suppression list of SES is not known ({why})");
            None
        }
    }
}

/// Whether the person may be signed in: a registration that was never confirmed has no tokens.
fn has_been_confirmed(profile: &ProfileRecord) -> bool {
    profile.life() != Status::Unconfirmed
}

/// What the person loses. An operator who is asked sees everything; a log gets nothing personal.
fn losses(recovery: &Recovery, is_asked: bool) -> Vec<String> {
    let profile = &recovery.profile;
    let name = if is_asked { &recovery.user_name } else { &recovery.sub };
    let created = time(profile.created).unwrap_or_else(|| "?".to_owned());
    let mut lines = vec![format!("{name} ({}, created {created})", profile.status)];
    if is_asked {
        lines.extend(profile.attributes.iter().map(|(name, value)| format!("  {name} = {value}")));
    } else {
        let names: Vec<_> = profile.attributes.keys().map(String::as_str).collect();
        lines.push(format!("  with {}", names.join(", ")));
    }
    lines.push(format!("Its sub {} is lost for good; the new profile gets another one.", recovery.sub));
    if has_been_confirmed(profile) {
        lines.push(
            "The person is signed out first. Access and ID tokens are still taken by those who do not ask Cognito, until they \
             expire: for an hour, or as long as the app client says, at most a day. The cookie of the hosted pages lives for up \
             to an hour; /logout in that browser ends it."
                .to_owned(),
        );
    }
    if !recovery.groups.is_empty() {
        lines.push(format!("It leaves the groups {}.", recovery.groups.join(", ")));
    }
    lines
}

impl Tabular for Outcome {
    fn table(&self) -> Table {
        let message = match &self.delivery {
            Some(delivery) if self.suppressed.is_some() && delivery.medium == "EMAIL" => {
                format!("EMAIL to {}, held back by SES", delivery.destination)
            }
            Some(delivery) => format!("{} to {}", delivery.medium, delivery.destination),
            None => "none".to_owned(),
        };
        let saved = self.saved.as_ref().map_or_else(|| "not kept".to_owned(), |file| file.display().to_string());
        let groups = Cell::lines(&self.groups_left);
        let row: [Cell; 5] = [(&self.old_sub).into(), (&self.new_sub).into(), message.into(), groups, saved.into()];
        Table::new(["old sub", "new sub", "message", "groups left", "saved in"]).with([row])
    }
}

#[cfg(test)]
mod tests;
