//! `audit`

use super::link::plan_file::{self, Header, Options, PlanWriter};
use super::rule_options::{RuleOptions, providers};
use crate::audit::findings::{Membership, ProfileFinding, Row, Summary};
use crate::audit::report::{Report, ReportFormat};
use crate::audit::{Listed, Scan};
use crate::cloud::Cloud;
use crate::options::{Global, Pools, refuse_for_several};
use crate::terminal::{ExitStatus, stdout};
use anyhow::{Context, Result};
use aws_smithy_types::date_time::{DateTime, Format};
use clap::{Args, ValueEnum};
use cognito_core::user_pool::Administration;
use linking::NativeProfile;
use merge::{DefaultGroup, GroupStep, Planned, RateLimit, Rules};
use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

/// Report people with several profiles, and profiles that the linking rules refuse or replace
///
/// Reads every profile of the pool once, and changes nothing. Also reports unverified addresses of providers that prove
/// every address.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Audit {
    #[command(flatten)]
    pools: Pools,
    /// The identity providers and which addresses they prove, as in the functions' PROVIDERS: Google:claim,…
    #[arg(long, env = "PROVIDERS", value_name = "LIST", value_parser = providers, help_heading = "Linking rules")]
    providers: String,
    #[command(flatten)]
    rules: RuleOptions,
    #[command(flatten)]
    listing: Listing,
    /// How to write the report [default: as --output says, or a table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<ReportFormat>,
    // Last, because its heading holds for every option behind it.
    #[command(flatten)]
    membership: DefaultGroupOptions,
}

/// Which group people should be in.
#[derive(Debug, Args)]
#[command(next_help_heading = "People outside the default group")]
struct DefaultGroupOptions {
    /// Also report confirmed people who are not in this group, the functions' DEFAULT_GROUP
    #[arg(long, value_name = "NAME", requires = "since")]
    default_group: Option<String>,
    /// Only people whose profile was made on this day or later, in UTC: 2026-01-31
    #[arg(long, value_name = "DATE", value_parser = day, requires = "default_group")]
    since: Option<u64>,
    /// Who joins the group, as in the function's DEFAULT_GROUP_FOR
    #[arg(long, env = "DEFAULT_GROUP_FOR", value_name = "WHO", default_value = "proven")]
    default_group_for: GroupFor,
    /// Write a plan that puts them into the group, for link --apply; holds addresses
    #[arg(long, value_name = "FILE", requires = "default_group")]
    plan: Option<PathBuf>,
}

/// `DEFAULT_GROUP_FOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GroupFor {
    /// Everybody but those whose provider proved no address
    Proven,
    /// Everybody
    Everybody,
}

impl DefaultGroupOptions {
    fn group(&self) -> Option<DefaultGroup> {
        Some(DefaultGroup {
            name: self.default_group.clone()?,
            for_everybody: self.default_group_for == GroupFor::Everybody,
            since: self.since?,
        })
    }
}

/// Reads a day, as the seconds from 1970 to its beginning in UTC.
fn day(text: &str) -> Result<u64, String> {
    let day = DateTime::from_str(&format!("{text}T00:00:00Z"), Format::DateTime).ok();
    let seconds = day.filter(|_| text.len() == 10).and_then(|day| u64::try_from(day.secs()).ok());
    seconds.ok_or_else(|| "not a day such as 2026-01-31".to_owned())
}

/// The members of a group, page by page. They are listed after the pool, so that nobody counts as missing who joined
/// meanwhile.
async fn membership(pool: &impl Administration, group: DefaultGroup, rate: NonZeroU32) -> Result<Membership> {
    let limit = RateLimit::per_second(rate);
    let (mut members, mut token) = (HashSet::new(), None);
    loop {
        limit.wait().await;
        let page = pool.members(&group.name, token.as_deref()).await;
        let page = page.with_context(|| not_listed(&group.name))?;
        members.extend(page.records.into_iter().map(|record| record.user_name));
        token = page.next;
        if token.is_none() {
            return Ok(Membership { group, members });
        }
    }
}

fn not_listed(group: &str) -> String {
    format!("the members of the group {group} cannot be listed")
}

/// How a pool is listed.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Pages of 60 profiles per second; Cognito allows 30 for the whole account and Region, including sign-ins
    #[arg(long, value_name = "N", default_value = "20")]
    rate: NonZeroU32,
    /// Save the progress in FILE, to continue within an hour after an interruption. It holds personal data and is removed
    /// when the report is written
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

impl Listing {
    /// Look-ups in the list a second.
    pub(super) fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    pub(super) async fn list(
        &self,
        pool: &impl Administration,
        user_pool: &str,
        rules: &Rules,
        estimate: u64,
    ) -> Result<Listed> {
        let limit = RateLimit::per_second(self.rate);
        let scan = Scan { user_pool, attributes: rules.attributes(), limit: &limit, state: self.state.as_deref() };
        scan.run(pool, estimate).await
    }
}

const AFTER_HELP: &str = "\
Examples:
  cognito-triggers audit --user-pool-id eu-central-1_AbCdEf123 \\
      --providers Google:claim,Facebook:always
  cognito-triggers audit --user-pool-id eu-central-1_AbCdEf123 \\
      --providers Google:claim --format csv > report.csv
  # People whom post-confirmation could not put into the group. Read the plan before you carry it out.
  cognito-triggers audit --user-pool-id eu-central-1_AbCdEf123 \\
      --providers Google:claim --default-group Users --since 2026-01-31 --plan users.plan.jsonl

What can be found:
  several_profiles    other profiles have the same address
  refused             the linking rules would refuse the next sign-in
  replaced            the next sign-in would delete the profile, or take it over
  not_in_group        the person should be in the default group; Cognito does not
                      show whether an administrator took them out on purpose
  unverified_address  the providers prove every address, but this one is marked as unverified

The verdict is the name of the decision in the functions' log, or why a stand-alone profile is not merged.

Exit codes: 0 nothing was found; 4 something was found; 1, 2 and 3 as for every command.";

impl Audit {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let ids = self.pools.list()?;
        refuse_for_several(
            &ids,
            &[("--plan", self.membership.plan.is_some()), ("--state", self.listing.state.is_some())],
        )?;
        // Before a big pool is listed for nothing.
        let plan = self.membership.plan.as_deref();
        plan.map(plan_file::draft).transpose()?;
        let mut pools = Vec::new();
        for id in &ids {
            let pool = Cloud::load(global, id).await?.user_pool(id);
            let settings = pool.settings().await.with_context(|| format!("user pool {id} cannot be read"))?;
            if let Some(group) = &self.membership.default_group {
                pool.members(group, None).await.with_context(|| not_listed(group))?;
            }
            pools.push((id, pool, settings.estimated_users));
        }
        let rules = self.rules.rules(&self.providers, NativeProfile::Create);
        let started = Instant::now();
        let options = Options { providers: self.providers.clone(), ..Options::default() };
        let header = ids.first().map(|id| Header::new(id, options)).transpose()?;
        let mut plan = plan.zip(header.as_ref()).map(|(path, header)| PlanWriter::begin(path, header)).transpose()?;
        let format = self.format.unwrap_or_else(|| global.output().format.into());
        let mut summary = Summary::default();
        let mut report = Report::new(format, BufWriter::new(stdout()), ids.len() > 1);
        let mut last: Option<Listed> = None;
        for (id, pool, estimate) in pools {
            let mut listed = self.listing.list(&pool, id, &rules, estimate).await?;
            let membership = match self.membership.group() {
                Some(group) => Some(membership(&pool, group, self.listing.rate()).await?),
                None => None,
            };
            let before = summary.findings.values().sum::<u64>();
            judge((id, &mut listed), &rules, membership.as_ref(), plan.as_mut(), &mut report, &mut summary)?;
            if ids.len() > 1 {
                say!("{id}: found {}", summary.findings.values().sum::<u64>() - before);
            }
            last.replace(listed).map(Listed::done).transpose()?;
        }
        report.finish(&summary)?;
        // What --state saved goes when the report is written.
        last.map(Listed::done).transpose()?;
        summarise(&summary, started);
        if let (Some(plan), Some(path)) = (plan, &self.membership.plan) {
            plan.finish()?;
            say!("The plan is in {}. Nothing was changed.", path.display());
            say!(
                "Cognito keeps no history, so people whom an administrator took out of the group are in it, too. Remove their \
                 lines. Then run link --apply {}",
                path.display()
            );
        }
        Ok(if summary.findings.is_empty() { ExitStatus::Done } else { ExitStatus::Warnings })
    }
}

/// Adds what is found in one pool to the report.
fn judge(
    (user_pool_id, listed): (&str, &mut Listed),
    rules: &Rules,
    membership: Option<&Membership>,
    mut plan: Option<&mut PlanWriter<'_>>,
    report: &mut Report<impl Write>,
    summary: &mut Summary,
) -> Result<()> {
    let now = SystemTime::now();
    summary.profiles += listed.profiles;
    while let Some((address, records)) = listed.next()? {
        for row in summary.add(rules, membership, (&address, &records), now) {
            if let (Some(plan), Some(membership)) = (plan.as_mut(), membership)
                && row.findings.contains(&ProfileFinding::NotInGroup)
            {
                plan.add(&joins(&row, &membership.group))?;
            }
            report.add(Row { user_pool_id: user_pool_id.to_owned(), ..row })?;
        }
    }
    Ok(())
}

/// The line of a plan that puts the person into the group.
fn joins(row: &Row, group: &DefaultGroup) -> Planned {
    let step = GroupStep { user_name: row.user_name.clone(), sub: row.sub.clone(), join: group.clone() };
    Planned { line: 0, email: row.email.clone(), merge: Vec::new(), leave: Vec::new(), group: Some(step) }
}

#[expect(clippy::cast_precision_loss, reason = "a speed is shown in whole profiles a second")]
fn summarise(summary: &Summary, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let speed = summary.profiles as f64 / seconds.max(0.001);
    say!("profiles: {}, listed in {seconds:.1} s ({speed:.0} per second)", summary.profiles);
    say!("addresses: {}, with several profiles: {}", summary.addresses, summary.addresses_with_several_profiles);
    say!("stand-alone profiles that can be merged into a native one: {}", summary.mergeable);
    say!("stand-alone profiles without one (see `link --create-native`): {}", summary.without_native);
    for (finding, count) in &summary.findings {
        say!("found {finding}: {count}");
    }
}
