//! `reset-user`

mod password;
mod plan;
mod record;
mod steps;

use crate::cloud::Cloud;
use crate::linked_identity::time;
use crate::lookup;
use crate::options::{Global, Pool, name_and_value};
use crate::terminal::{ExitStatus, Refused, Table, Tabular, confirm, is_asked};
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};
use cognito_core::user_pool::aws::AwsUserPool;
use cognito_core::user_pool::{Administration, AppClient, Delivery, NewRegistration, PoolSettings, ProfileRecord};
use password::NewPassword;
use plan::{Plan, Waivers};
use record::Record;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use steps::Deletion;

/// How long the profile's disappearance is waited for unless somebody says otherwise, in seconds.
const WAIT: u64 = 60;

/// Delete a test user and sign them up again, so that the verification message is sent again
///
/// Waits between the two until the user is really gone, and keeps the attributes.
///
/// Everything that could make the sign-up fail is checked before anything is deleted. What is deleted is first
/// written to a file; if the sign-up fails all the same, --resume makes it from there. The `sub` and the groups of
/// the deleted profile do not come back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, group = ArgGroup::new("whom").required(true).args(["user", "resume"]))]
pub(crate) struct ResetUser {
    /// Whom: a user name, a sub or an e-mail address
    #[arg(value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: Option<String>,
    #[command(flatten)]
    pool: Pool,
    /// The app client to sign up through; its secret, if it has one, is looked up
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Read the new password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Sign up without this attribute; may be repeated
    #[arg(long, value_name = "ATTRIBUTE")]
    without: Vec<String>,
    /// What the pool's triggers are told, such as locale=de; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    client_metadata: Vec<(String, String)>,
    /// Keep what is deleted in this file; without it in a file that is removed once the sign-up is made
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    save: Option<PathBuf>,
    /// Make the sign-up that failed after the deletion, from the file it left
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// How long to wait until the profile is really gone
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Delete even a user who has confirmed their registration, and do not ask
    #[arg(long)]
    yes_delete_confirmed: bool,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers reset-user ada@example.com \\
      --user-pool-id eu-central-1_AbCdEf123 --client-id 1example23456789
  cognito-triggers reset-user --resume reset-user-….json \\
      --user-pool-id eu-central-1_AbCdEf123 --client-id 1example23456789

The new password is asked for on a terminal. Without a terminal, with --yes and with an
empty answer it is a random one that nobody learns: \"forgot password\" sets another.";

/// What became of the user.
#[derive(Serialize)]
struct Outcome {
    old_sub: String,
    new_sub: String,
    /// True if a trigger confirmed the registration at once, which sends no message.
    confirmed: bool,
    /// Where the message went.
    delivery: Option<Delivery>,
    groups_left: Vec<String>,
    /// The file with what was deleted, if it is still there.
    saved: Option<PathBuf>,
}

impl ResetUser {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let pool = Cloud::load(global, Some(&self.pool.id)).await.user_pool(&self.pool.id);
        let settings = pool.settings().await?;
        let Some(client) = pool.app_client(&self.client_id).await? else {
            bail!(Refused("the pool has no app client with this id".to_owned()));
        };
        match (&self.user, &self.resume) {
            (_, Some(file)) => self.resume(global, &pool, &settings, &client, file).await,
            (Some(user), None) => self.reset(global, &pool, &settings, &client, user).await,
            (None, None) => bail!("USER or --resume is needed"),
        }
    }

    async fn reset(
        &self,
        global: &Global,
        pool: &AwsUserPool,
        settings: &PoolSettings,
        client: &AppClient,
        user: &str,
    ) -> Result<ExitStatus> {
        let account = lookup::only(pool, user).await?;
        let waivers = Waivers { confirmed: self.yes_delete_confirmed, attributes: &self.without };
        let plan = Plan::make(&account, settings, client, &waivers).map_err(Refused)?;
        self.check_address(pool, &account).await?;
        let groups = pool.groups(&account.name()).await?;
        let password = self.password(settings)?;
        let record = Record::of(&self.pool.id, &account, &groups, &plan, &self.client_metadata);
        for line in loss(&account, &groups, is_asked(self.is_confirmed())) {
            say!("{line}");
        }
        confirm("Delete this profile and sign it up again?", self.is_confirmed())?;
        let file = record.save(self.save.as_deref())?;
        say!("What is deleted is in {}.", file.display());
        match steps::delete(pool, &account).await {
            Deletion::Done => {}
            Deletion::Refused(error) => {
                record::forget(&file);
                return Err(error.into());
            }
            Deletion::Unknown(error) => {
                say!("Whether the profile is deleted is not known: {error}");
                say!("This signs it up again if it is, and says so if it is not:");
                say!("  {}", self.retry(global, &file));
                return Ok(ExitStatus::Partly);
            }
        }
        self.sign_up(global, pool, client, &record, &password, file).await
    }

    async fn resume(
        &self,
        global: &Global,
        pool: &AwsUserPool,
        settings: &PoolSettings,
        client: &AppClient,
        file: &Path,
    ) -> Result<ExitStatus> {
        let mut record = Record::load(file)?;
        if record.user_pool_id != self.pool.id {
            bail!(Refused("the file is of another user pool".to_owned()));
        }
        plan::admits(settings, client, &plan::without(&record.attributes, &self.without)).map_err(Refused)?;
        if pool.found_by(&record.user_name).await?.is_some_and(|account| account.sub() == record.sub) {
            bail!(Refused(format!(
                "the profile is not deleted yet; if it is still there in a minute, remove {} and name the profile \
                 instead of giving --resume",
                file.display()
            )));
        }
        if !self.client_metadata.is_empty() {
            record.client_metadata = self.client_metadata.iter().cloned().collect();
        }
        let password = self.password(settings)?;
        confirm(&format!("Sign {} up again?", record.sign_up_name), self.is_confirmed())?;
        self.sign_up(global, pool, client, &record, &password, file.to_path_buf()).await
    }

    /// Signs up, and says how to go on if that fails: the profile is gone by now.
    async fn sign_up(
        &self,
        global: &Global,
        pool: &AwsUserPool,
        client: &AppClient,
        record: &Record,
        password: &NewPassword,
        file: PathBuf,
    ) -> Result<ExitStatus> {
        let registration = NewRegistration {
            user_name: &record.sign_up_name,
            password: password.expose(),
            attributes: &plan::without(&record.attributes, &self.without),
            client_metadata: &record.client_metadata,
        };
        let wait = Duration::from_secs(self.wait);
        let made = match steps::register(pool, client, record, &registration, wait).await {
            Ok(made) => made,
            Err(error) => {
                say!("The profile is deleted, but was not signed up again: {error:#}");
                say!("Once the cause is mended:");
                say!("  {}", self.retry(global, &file));
                if self.resume.is_some() && !self.client_metadata.is_empty() {
                    say!("Give --client-metadata again, too: the file holds what the first run was given.");
                }
                return Ok(ExitStatus::Partly);
            }
        };
        if made.confirmed {
            say!("A trigger confirmed the registration at once: no message was sent.");
        }
        if password.is_random() {
            say!("The password is a random one that nobody knows: \"forgot password\" sets another.");
        }
        let keep = self.save.is_some() || !record.groups.is_empty();
        if !keep {
            record::forget(&file);
        }
        global
            .output()
            .data(&Outcome {
                old_sub: record.sub.clone(),
                new_sub: made.sub,
                confirmed: made.confirmed,
                delivery: made.delivery,
                groups_left: record.groups.clone(),
                saved: keep.then_some(file),
            })
            .context("the user was signed up again, but that cannot be written to standard output")?;
        Ok(ExitStatus::Done)
    }

    /// Whether nobody is to be asked.
    fn is_confirmed(&self) -> bool {
        self.yes || self.yes_delete_confirmed
    }

    fn password(&self, settings: &PoolSettings) -> Result<NewPassword> {
        let asked = is_asked(self.is_confirmed());
        let password = if self.password_stdin { NewPassword::from_stdin()? } else { NewPassword::obtain(asked)? };
        password.check(&settings.password_policy).map_err(Refused)?;
        Ok(password)
    }

    /// Another profile with the address makes it uncertain to whom the new registration's message belongs, and the
    /// pool's own triggers may refuse the sign-up because of it.
    async fn check_address(&self, pool: &AwsUserPool, account: &ProfileRecord) -> Result<()> {
        let Some(email) = account.attribute("email") else { return Ok(()) };
        if lookup::others_with_email(pool, account, email).await?.is_empty() {
            return Ok(());
        }
        bail!(Refused(
            "another profile has the same e-mail address, so the sign-up may be refused: `cognito-triggers show` \
             lists them"
                .to_owned()
        ))
    }

    /// The command that makes the sign-up from the file, with what the file does not hold. What the triggers are told
    /// is in the file; it may be somebody's invitation, and standard error may be a log.
    fn retry(&self, global: &Global, file: &Path) -> String {
        let mut words = vec!["cognito-triggers reset-user".to_owned()];
        let mut option = |name: &str, value: &str| words.push(format!("{name} {}", quoted(value)));
        option("--resume", &file.display().to_string());
        option("--user-pool-id", &self.pool.id);
        option("--client-id", &self.client_id);
        for name in &self.without {
            option("--without", name);
        }
        for (name, value) in [("--profile", &global.profile), ("--region", &global.region)] {
            if let Some(value) = value {
                option(name, value);
            }
        }
        if self.wait != WAIT {
            option("--wait", &self.wait.to_string());
        }
        if self.is_confirmed() {
            words.push("--yes".to_owned());
        }
        if self.password_stdin {
            words.push("--password-stdin".to_owned());
        }
        words.join(" ")
    }
}

/// A word as a shell takes it, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What will be lost: all of it for somebody who is asked, and nothing personal for a log.
fn loss(account: &ProfileRecord, groups: &[String], is_asked: bool) -> Vec<String> {
    let name = if is_asked { account.user_name.as_str() } else { account.sub() };
    let mut lines =
        vec![format!("{name} ({}, created {})", account.status, time(account.created).as_deref().unwrap_or("?"))];
    let attributes = || account.attributes.iter().filter(|(name, _)| !["sub", "identities"].contains(&name.as_str()));
    if is_asked {
        lines.extend(attributes().map(|(name, value)| format!("  {name} = {value}")));
    } else {
        let names: Vec<_> = attributes().map(|(name, _)| name.as_str()).collect();
        lines.push(format!("  with {}", names.join(", ")));
    }
    lines.push(format!("Its sub {} disappears for good; the new profile gets another one.", account.sub()));
    if !groups.is_empty() {
        lines.push(format!("It leaves the groups {}.", groups.join(", ")));
    }
    lines
}

impl Tabular for Outcome {
    fn table(&self) -> Table {
        let mut table = Table::new(["old sub", "new sub", "message", "groups left", "saved in"]);
        let message = match &self.delivery {
            Some(delivery) => format!("{} to {}", delivery.medium, delivery.destination),
            None => "none".to_owned(),
        };
        let groups = if self.groups_left.is_empty() { "none".to_owned() } else { self.groups_left.join(", ") };
        let saved = self.saved.as_ref().map_or_else(|| "not kept".to_owned(), |file| file.display().to_string());
        table.row([&self.old_sub, &self.new_sub, &message, &groups, &saved]);
        table
    }
}

#[cfg(test)]
mod tests;
