//! `link`

mod apply;
mod undo;

use super::audit::Listing;
use super::rule_options::{RuleOptions, providers};
use crate::arguments::user_pool_id;
use crate::exit::{ExitStatus, Refusal};
use crate::merge::{Header, Options, Totals, copyable, write_plan};
use crate::output::{Output, Table};
use crate::registry::Registry;
use crate::registry::aws::AwsRegistry;
use crate::{Cloud, Global};
use anyhow::Result;
use clap::Args;
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
    /// Copy these attributes of the deleted profile if the native one lacks them: given_name,family_name,…
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with_all = ["apply", "undo"])]
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

Exit codes: 0 done; 3 refused, and nothing was changed; 6 some were skipped or failed: the journal says which, and the
same command tries them again; 1, 2 as everywhere.";

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
            return Err(Refusal(format!("{} is there already", path.display())).into());
        }
        let registry = AwsRegistry::new(Cloud::load(global, Some(&user_pool_id)).await.cognito(), &user_pool_id);
        let facts = registry.facts().await?;
        copyable(&self.copy_attributes, &facts)?;
        let options = Options {
            providers: self.providers.clone().unwrap_or_default(),
            rules: self.rules.clone(),
            create_native: self.create_native,
            copy_groups: self.copy_groups,
            copy_attributes: self.copy_attributes.clone(),
        };
        let rules = options.rules(&facts);
        if !rules.keeps_address_until_verified && !rules.trust_stored_values {
            eprintln!(
                "note: this pool stores a changed address before it is verified, so an unverified address of an `always` \
                 provider proves nothing here; see --trust-stored-values"
            );
        }
        let mut listed = self.listing.list(&registry, &user_pool_id, &rules, facts.estimated_users).await?;
        let totals = write_plan(&path, &Header::new(&user_pool_id, options)?, &mut listed, &rules)?;
        listed.done()?;
        Output::new(global.output.unwrap_or_default()).data(&totals)?;
        eprintln!("The plan is {}. Nothing was changed.", path.display());
        eprintln!("Read it, remove the lines of people to leave alone, then: link --apply {}", path.display());
        Ok(ExitStatus::Done)
    }

    /// A pool that is named on the command line as well must be the file's.
    fn refuse_another_pool(&self, of_file: &str) -> Result<()> {
        match &self.user_pool_id {
            Some(given) if given != of_file => {
                Err(Refusal(format!("the file is of pool {of_file}, not of {given}")).into())
            }
            _ => Ok(()),
        }
    }
}

impl Table for Totals {
    fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.set_header(["what", "why", "profiles"]);
        for (what, counts) in [("merge", &self.merge), ("leave", &self.leave)] {
            for (why, count) in counts {
                table.add_row([what, why, &count.to_string()]);
            }
        }
        table.add_row(["people to merge", "", &self.people.to_string()]);
        table.add_row(["profiles in the pool", "", &self.profiles.to_string()]);
        table
    }
}
