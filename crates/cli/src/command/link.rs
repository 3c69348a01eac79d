//! `link`

mod apply;
mod journal_file;
pub(super) mod plan_file;
mod sub_map_file;
mod undo;

use super::audit::Listing;
use super::rule_options::{RuleOptions, providers};
use crate::cloud::Cloud;
use crate::options::{Global, user_pool_id};
use crate::terminal::{self, ExitStatus, Table, Tabular, Versioned};
use anyhow::{Error, Result};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use cognito_core::account_event::{BUS_NAME, parse_bus};
use cognito_core::user_pool::{Administration, AppClient, AppClients};
use merge::{LeaveReason, Requirements, Totals, check_copyable};
use plan_file::{Header, Options};
use schemars::JsonSchema;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Merge stand-alone federated profiles into native ones
///
/// Uses the same rules as the pre-sign-up function. Without --apply or --undo it only writes a plan and changes nothing.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Link {
    /// The user pool's id, such as eu-central-1_AbCdEf123
    #[arg(long, value_name = "ID", value_parser = user_pool_id, required_unless_present_any = ["apply", "undo"])]
    user_pool_id: Option<String>,
    /// The identity providers and which addresses they prove, as in the functions' PROVIDERS: Google:claim,…
    #[arg(long, env = "PROVIDERS", value_name = "LIST", value_parser = providers, help_heading = "Linking rules")]
    #[arg(required_unless_present_any = ["apply", "undo"])]
    providers: Option<String>,
    #[command(flatten)]
    rules: RuleOptions,
    #[command(flatten)]
    listing: Listing,
    /// The plan to write; holds addresses and subjects [default: <ID>.link-plan.jsonl]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "undo"])]
    plan: Option<PathBuf>,
    /// Create a native profile for people who have none, as the pre-sign-up function does
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    create_native: bool,
    /// Add the native profile to the groups of the deleted one
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    copy_groups: bool,
    /// Copy these attributes from the deleted profile if the native one lacks them: given_name,family_name,… With --apply,
    /// in addition to those in the plan
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "undo")]
    copy_attributes: Vec<String>,
    /// Carry out this plan
    #[arg(long, value_name = "PLAN", conflicts_with = "undo")]
    apply: Option<PathBuf>,
    /// The journal, written before every change; holds whole profiles [default: <PLAN>.journal]
    #[arg(long, value_name = "FILE", requires = "apply")]
    journal: Option<PathBuf>,
    /// The map of old and new subs for your application's database; exact values, not for spreadsheets [default:
    /// <PLAN>.subs.csv]
    #[arg(long, value_name = "FILE", requires = "apply")]
    sub_map: Option<PathBuf>,
    /// Tell this event bus of every merge in the journal, for your application's database (account.merged, account.linked)
    #[arg(long, value_name = "NAME", requires = "apply", value_parser = event_bus)]
    event_bus: Option<String>,
    /// Undo what this journal says was done, as far as Cognito allows
    #[arg(long, value_name = "JOURNAL")]
    undo: Option<PathBuf>,
    /// Changes per second; Cognito allows 25 for the whole account and Region, including sign-ins
    #[arg(long, value_name = "N", default_value = "10")]
    update_rate: NonZeroU32,
    /// Do not ask before --apply or --undo. With --apply you vouch for what the plan takes as proof: people could never
    /// write `email_verified` into their own profiles, through any app client, a deleted one included; with
    /// --trust-stored-values, also no address and no attribute that PROVIDERS links by. For a plan of join or audit you
    /// vouch for what --apply says
    #[arg(long, short)]
    yes: bool,
}

/// Reads the name of an event bus.
fn event_bus(text: &str) -> Result<String, String> {
    parse_bus(text).ok_or_else(|| format!("allowed is {BUS_NAME}"))
}

const AFTER_HELP: &str = "\
Examples:
  # Write the plan. Then read it, and remove the lines of people to leave alone.
  cognito-triggers link --user-pool-id eu-central-1_AbCdEf123 --providers Google:claim
  # Carry it out. This asks first, and you vouch that people could never write email_verified.
  cognito-triggers link --apply eu-central-1_AbCdEf123.link-plan.jsonl

The sub of a deleted profile is lost for good. Use the map of old and new subs to move your application's data. If a \
run is interrupted, run the same command again.

Exit codes: 0 done; 3 refused, and nothing was changed; 6 some profiles were skipped or failed, or the run stopped: the \
journal says which, and the same command tries them again; 1 and 2 as for every command.";

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
        // Before a big pool is listed for nothing.
        drop(plan_file::draft(&path)?);
        let pool = Cloud::load(global, &user_pool_id).await?.user_pool(&user_pool_id);
        let settings = pool.settings().await?;
        Self::refuse_self_verified(&pool, self.rules.trust_stored_values).await?;
        check_copyable(&self.copy_attributes, &settings)?;
        let options = Options {
            providers: self.providers.clone().unwrap_or_default(),
            rules: Some(self.rules.clone()),
            create_native: self.create_native,
            copy_groups: self.copy_groups,
            copy_attributes: self.copy_attributes.clone(),
        };
        let rules = options.rules();
        say_what_is_proof(rules.trust_stored_values);
        let mut listed = self.listing.list(&pool, &user_pool_id, &rules, settings.estimated_users).await?;
        let requirements = Requirements::new(&settings, &self.copy_attributes);
        let header = Header::new(&user_pool_id, options)?;
        let totals = plan_file::write(&path, &header, &mut listed, &rules, requirements)?;
        listed.done()?;
        global.output().data(&totals)?;
        if totals.leave.contains_key(LeaveReason::RequiredAttribute.code()) {
            note!(
                "the pool requires attributes that some native profiles would lack. Not copied so far: {}",
                requirements.not_copied().join(",")
            );
        }
        say!("The plan is in {}. Nothing was changed.", path.display());
        say!("Read it and remove the lines of people to leave alone. Then run link --apply {}", path.display());
        Ok(ExitStatus::Done)
    }

    /// A verified address is proof only if nobody can mark their own as verified.
    async fn refuse_self_verified(pool: &impl AppClients, trusted: bool) -> Result<()> {
        if trusted {
            return Ok(());
        }
        let clients = pool.app_clients().await?;
        // A client whose write attributes were never set may not write the mark.
        let writes = |client: &&AppClient| client.writable.iter().any(|name| name == "email_verified");
        let clients: Vec<_> = clients.iter().filter(writes).map(|client| client.id.as_str()).collect();
        if clients.is_empty() {
            return Ok(());
        }
        let why = "people who are signed in through these app clients can mark any address as verified";
        let remedy = "take email_verified out of their write attributes. Marks that are stored already stay doubtful: make \
                      sure that nobody wrote one, then write a plan with --trust-stored-values";
        refuse!("{why}: {}; {remedy}", clients.join(", "))
    }

    /// A pool that is named on the command line as well must be the file's.
    fn refuse_another_pool(&self, of_file: &str) -> Result<()> {
        match &self.user_pool_id {
            Some(given) if given != of_file => refuse!("the file belongs to pool {of_file}, not to {given}"),
            _ => Ok(()),
        }
    }
}

/// How a run that stopped ends: as a failure if nothing was done, and otherwise as one that did a part.
fn stopped(error: Error, done: &str, nothing: bool) -> Result<ExitStatus> {
    if nothing {
        return Err(error.context(format!("stopped, and nothing was {done}; run the same command again to go on")));
    }
    say!("stopped: {error:#}. Run the same command again to go on.");
    terminal::advise(&error);
    Ok(ExitStatus::Partly)
}

/// Says what a plan takes as proof, before it is written. The pool's settings of today do not show what
/// people could write into their profiles before, so the operator vouches for the past.
fn say_what_is_proof(trust_stored_values: bool) {
    if trust_stored_values {
        note!(
            "--trust-stored-values: you vouch that people never wrote an address, email_verified or an attribute that \
             PROVIDERS links by into their own profiles. If somebody once wrote another person's address there, they get \
             that person's account."
        );
    } else {
        note!(
            "an address is proof only if it shows as verified. That is sound if no app client, a deleted one included, \
             could ever write email_verified: today's are checked, and link --apply asks you to vouch for earlier ones."
        );
    }
}

/// What is wrong if options of the plan are given together with an option that takes a written plan. Values from the
/// environment are ignored: they may be there for other commands.
pub(super) fn misplaced(given: &ArgMatches) -> Option<String> {
    let is_given = |name: &&&str| given.value_source(name) == Some(ValueSource::CommandLine);
    let with = ["apply", "undo"].iter().find(is_given)?;
    let option = OF_THE_PLAN.iter().find(is_given)?.replace('_', "-");
    Some(format!(
        "--{option} cannot be used with --{with}: it belongs to the plan, which is carried out as it was written"
    ))
}

const OF_THE_PLAN: [&str; 7] = [
    "providers",
    "unverified_profile",
    "unproven_email",
    "second_subject",
    "link_with_factors",
    "trust_stored_values",
    "state",
];

/// What `link` writes: one of these.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what is written")]
pub(super) enum Written {
    Planned(Versioned<Totals>),
    Applied(Versioned<apply::Summary>),
    Undone(Versioned<undo::Report>),
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{MemoryPool, PoolKind};

    #[tokio::test]
    async fn a_client_that_may_write_the_mark_is_named_and_one_that_nobody_limited_may_not() {
        let pool = |clients| MemoryPool::new(PoolKind::EmailUserNames, []).with_app_clients(clients);
        let open = AppClient::new("open", Vec::new(), None);
        let careless = AppClient::new("careless", vec!["email_verified".into()], None);
        assert!(Link::refuse_self_verified(&pool(vec![open.clone()]), false).await.is_ok());
        let pool = pool(vec![open, careless]);
        let why = Link::refuse_self_verified(&pool, false).await.unwrap_err().to_string();
        assert!(why.contains(": careless;"), "{why}");
        assert!(Link::refuse_self_verified(&pool, true).await.is_ok());
    }
}
