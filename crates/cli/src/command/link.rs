//! `link`

mod apply;
mod journal_file;
mod plan_file;
mod sub_map_file;
mod undo;

use super::audit::Listing;
use super::rule_options::{RuleOptions, providers};
use crate::cloud::Cloud;
use crate::options::{Global, user_pool_id};
use crate::terminal::{ExitStatus, Refused, Table, Tabular};
use anyhow::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use cognito_core::user_pool::Administration;
use cognito_core::user_pool::aws::AwsUserPool;
use merge::{LeaveReason, Requirements, Totals, check_copyable};
use plan_file::{Header, Options};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Merge stand-alone federated profiles into native ones
///
/// By the rules of the trigger. Writes a plan and changes nothing, unless --apply or --undo is given.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Link {
    /// The user pool
    #[arg(long, value_name = "ID", value_parser = user_pool_id, required_unless_present_any = ["apply", "undo"])]
    user_pool_id: Option<String>,
    /// The identity providers and when their addresses are proof, as the functions' PROVIDERS, such as Google:claim
    #[arg(long, env = "PROVIDERS", value_name = "LIST", value_parser = providers, help_heading = "Linking rules")]
    #[arg(required_unless_present_any = ["apply", "undo"])]
    providers: Option<String>,
    #[command(flatten)]
    rules: RuleOptions,
    #[command(flatten)]
    listing: Listing,
    /// Where the plan is written; without it POOL.link-plan.jsonl. Holds addresses and subjects
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "undo"])]
    plan: Option<PathBuf>,
    /// Create a native profile for people who have none, as the trigger does
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    create_native: bool,
    /// Put the native profile into the groups of the deleted one
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    copy_groups: bool,
    /// Copy these attributes of the deleted profile if the native one lacks them: given_name,family_name,… With --apply in
    /// addition to the plan's
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "undo")]
    copy_attributes: Vec<String>,
    /// Carry this plan out
    #[arg(long, value_name = "PLAN", conflicts_with = "undo")]
    apply: Option<PathBuf>,
    /// Where everything is written down before it is done; without it PLAN.journal. Holds whole profiles
    #[arg(long, value_name = "FILE", requires = "apply")]
    journal: Option<PathBuf>,
    /// Where old and new subs are written for the application's database; without it PLAN.subs.csv
    #[arg(long, value_name = "FILE", requires = "apply")]
    sub_map: Option<PathBuf>,
    /// Take back what this journal says was done, as far as Cognito allows
    #[arg(long, value_name = "JOURNAL")]
    undo: Option<PathBuf>,
    /// Changes a second; Cognito allows 25 to the whole account and Region, sign-ins included
    #[arg(long, value_name = "N", default_value = "10")]
    update_rate: NonZeroU32,
    /// Do not ask before changing anything
    #[arg(long, short)]
    yes: bool,
}

const AFTER_HELP: &str = "\
Examples:
  cognito-triggers link --user-pool-id eu-central-1_AbCdEf123 --providers Google:claim   # writes the plan
  less eu-central-1_AbCdEf123.link-plan.jsonl                                            # remove lines to leave people alone
  cognito-triggers link --apply eu-central-1_AbCdEf123.link-plan.jsonl                   # asks first

A deleted profile's sub does not come back, by no means. The map of old and new subs is for the application's database.
An interrupted run is continued by the same command.

Exit codes: 0 done; 3 refused, and nothing was changed; 6 some were skipped or failed, or the run stopped midway: the journal
says which, and the same command tries them again; 1, 2 as everywhere.";

impl Link {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        match (&self.apply, &self.undo) {
            (Some(plan), _) => Box::pin(self.apply(global, plan)).await,
            (None, Some(journal)) => self.undo(global, journal).await,
            (None, None) => self.write_plan(global).await,
        }
    }

    async fn write_plan(&self, global: &Global) -> Result<ExitStatus> {
        let user_pool_id = self.user_pool_id.clone().unwrap_or_default();
        let path = self.plan.clone().unwrap_or_else(|| format!("{user_pool_id}.link-plan.jsonl").into());
        if path.exists() {
            let remedy = "carry it out with --apply, remove it, or choose another file with --plan";
            return Err(Refused(format!("{} is there already; {remedy}", path.display())).into());
        }
        let pool = Cloud::load(global, Some(&user_pool_id)).await.user_pool(&user_pool_id);
        let settings = pool.settings().await?;
        Self::refuse_self_verified(&pool, self.rules.trust_stored_values).await?;
        check_copyable(&self.copy_attributes, &settings)?;
        let options = Options {
            providers: self.providers.clone().unwrap_or_default(),
            rules: self.rules.clone(),
            create_native: self.create_native,
            copy_groups: self.copy_groups,
            copy_attributes: self.copy_attributes.clone(),
        };
        let rules = options.rules(&settings);
        if !rules.keeps_address_until_verified && !rules.trust_stored_values {
            note!(
                "this pool stores a changed address before it is verified, so an unverified address of an `always` \
                 provider proves nothing here; see --trust-stored-values"
            );
        }
        let mut listed = self.listing.list(&pool, &user_pool_id, &rules, settings.estimated_users).await?;
        let requirements = Requirements::new(&settings, &self.copy_attributes);
        let header = Header::new(&user_pool_id, options)?;
        let totals = plan_file::write(&path, &header, &mut listed, &rules, requirements)?;
        listed.done()?;
        global.output().data(&totals)?;
        if totals.leave.contains_key(LeaveReason::RequiredAttribute.code()) {
            note!(
                "the pool requires attributes of a native profile, and some would lack them; not copied so far: {}",
                requirements.not_copied().join(",")
            );
        }
        say!("The plan is {}. Nothing was changed.", path.display());
        say!("Read it, remove the lines of people to leave alone, then: link --apply {}", path.display());
        Ok(ExitStatus::Done)
    }

    /// A stored address is proof only if nobody can declare their own as verified.
    async fn refuse_self_verified(pool: &AwsUserPool, trusted: bool) -> Result<()> {
        if trusted {
            return Ok(());
        }
        let clients = pool.clients_that_write("email_verified").await?;
        if clients.is_empty() {
            return Ok(());
        }
        let why = "whoever is signed in through these app clients can declare any address as verified";
        let remedy = "take email_verified out of their write attributes and make sure that nobody has used them so, then \
                      write a plan with --trust-stored-values";
        Err(Refused(format!("{why}: {}; {remedy}", clients.join(", "))).into())
    }

    /// A pool that is named on the command line as well must be the file's.
    fn refuse_another_pool(&self, of_file: &str) -> Result<()> {
        match &self.user_pool_id {
            Some(given) if given != of_file => {
                Err(Refused(format!("the file is of pool {of_file}, not of {given}")).into())
            }
            _ => Ok(()),
        }
    }
}

/// Options of the plan that stand on the command line beside one that takes a plan as it is. What comes from the
/// environment is no contradiction: it is there for other commands.
pub(super) fn misplaced(given: &ArgMatches) -> Option<String> {
    let is_given = |name: &&&str| given.value_source(name) == Some(ValueSource::CommandLine);
    let with = ["apply", "undo"].iter().find(is_given)?;
    let option = OF_THE_PLAN.iter().find(is_given)?.replace('_', "-");
    Some(format!(
        "--{option} cannot be used with --{with}: it belongs to the plan, which is carried out as it was written"
    ))
}

const OF_THE_PLAN: [&str; 5] = ["providers", "unverified_profile", "unproven_email", "trust_stored_values", "state"];

impl Tabular for Totals {
    fn table(&self) -> Table {
        let mut table = Table::new(["what", "why", "profiles"]);
        for (what, counts) in [("merge", &self.merge), ("leave", &self.leave)] {
            for (why, count) in counts {
                table.row([what, why, &count.to_string()]);
            }
        }
        table.row(["people to merge", "", &self.people.to_string()]);
        table.row(["profiles in the pool", "", &self.profiles.to_string()]);
        table
    }
}
