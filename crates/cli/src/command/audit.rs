//! `audit`

use super::rule_options::{RuleOptions, providers};
use crate::audit::findings::Summary;
use crate::audit::report::{Report, ReportFormat};
use crate::audit::{Listed, Scan};
use crate::cloud::Cloud;
use crate::options::{Global, Pool};
use crate::terminal::{ExitStatus, stdout};
use anyhow::Result;
use clap::Args;
use cognito_core::user_pool::Administration;
use linking::NativeProfile;
use merge::{RateLimit, Rules};
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
    pool: Pool,
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

What can be found:
  several_profiles    other profiles have the same address
  refused             the linking rules would refuse the next sign-in
  replaced            the next sign-in would delete the profile, or take it over
  unverified_address  the providers prove every address, but this one is marked as unverified

The verdict is the name of the decision in the functions' log, or why a stand-alone profile is not merged.

Exit codes: 0 nothing was found; 4 something was found; 1, 2 and 3 as for every command.";

impl Audit {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let pool = Cloud::load(global, &self.pool.id).await?.user_pool(&self.pool.id);
        let settings = pool.settings().await?;
        let rules = self.rules.rules(&self.providers, NativeProfile::Create);
        let started = Instant::now();
        let listed = self.listing.list(&pool, &self.pool.id, &rules, settings.estimated_users).await?;
        let format = self.format.unwrap_or_else(|| global.output().format.into());
        let summary = report(listed, &rules, format, stdout())?;
        summarise(&summary, started);
        Ok(if summary.findings.is_empty() { ExitStatus::Done } else { ExitStatus::Warnings })
    }
}

fn report(mut listed: Listed, rules: &Rules, format: ReportFormat, out: impl Write) -> Result<Summary> {
    let now = SystemTime::now();
    let mut summary = Summary { profiles: listed.profiles, ..Summary::default() };
    let mut report = Report::new(format, BufWriter::new(out));
    while let Some((address, records)) = listed.next()? {
        for row in summary.add(rules, &address, &records, now) {
            report.add(row)?;
        }
    }
    report.finish(&summary)?;
    listed.done()?;
    Ok(summary)
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
