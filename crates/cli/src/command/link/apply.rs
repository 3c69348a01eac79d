//! `link --apply`

use super::Link;
use crate::confirmation::confirm_with_pool;
use crate::exit::ExitStatus;
use crate::merge::{Applied, Journal, Ledger, Merger, Paces, Plan, copyable, write_sub_map};
use crate::output::{Output, Table};
use crate::pace::Pace;
use crate::registry::Registry;
use crate::registry::aws::AwsRegistry;
use crate::{Cloud, Global};
use anyhow::Result;
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::AwsUserPools;
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait before looking again for a profile whose identity was not linked.
const PAUSE: Duration = Duration::from_millis(500);

/// What a run did.
#[derive(Debug, Default, Serialize)]
struct Summary {
    done: u64,
    done_before: u64,
    skipped: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    journal: PathBuf,
    sub_map: PathBuf,
    subs: u64,
}

impl Summary {
    fn add(&mut self, applied: Applied) {
        match applied {
            Applied::Done => self.done += 1,
            Applied::DoneBefore => self.done_before += 1,
            Applied::Skipped(why) => *self.skipped.entry(why).or_default() += 1,
            Applied::Failed(why) => *self.failed.entry(why).or_default() += 1,
        }
    }

    fn status(&self) -> ExitStatus {
        if self.skipped.is_empty() && self.failed.is_empty() { ExitStatus::Done } else { ExitStatus::Partly }
    }
}

impl Link {
    pub(super) async fn apply(&self, global: &Global, path: &Path) -> Result<ExitStatus> {
        let mut plan = Plan::open(path)?;
        let header = plan.header.clone();
        self.refuse_another_pool(&header.user_pool_id)?;
        let steps = Plan::open(path)?.check()?;
        let beside = |extension: &str| path.with_added_extension(extension);
        let mut summary = Summary {
            journal: self.journal.clone().unwrap_or_else(|| beside("journal")),
            sub_map: self.sub_map.clone().unwrap_or_else(|| beside("subs.csv")),
            ..Summary::default()
        };
        warn(steps, &header.user_pool_id, &summary);
        confirm_with_pool(&header.user_pool_id, self.yes)?;
        let cloud = Cloud::load(global, Some(&header.user_pool_id)).await;
        let registry = AwsRegistry::new(cloud.cognito(), &header.user_pool_id);
        let facts = registry.facts().await?;
        copyable(&header.options.copy_attributes, &facts)?;
        let mut journal = Journal::open(&summary.journal, &header.user_pool_id, &header.id)?;
        let merger = Merger {
            pool: &AwsUserPools::new(cloud.cognito()).pool(&header.user_pool_id),
            registry: &registry,
            user_pool_id: &header.user_pool_id,
            facts: &facts,
            rules: header.options.rules(&facts),
            copy_groups: header.options.copy_groups,
            copy_attributes: &header.options.copy_attributes,
            paces: &self.paces(),
            pause: PAUSE,
        };
        let bar = ProgressBar::new(steps);
        let mut stopped = None;
        while let Some(planned) = plan.next()? {
            match Box::pin(merger.merge(&mut journal, &planned)).await {
                Ok(ended) => {
                    bar.inc(u64::try_from(ended.len())?);
                    for applied in ended {
                        summary.add(applied);
                    }
                }
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            }
        }
        bar.finish_and_clear();
        summary.subs = write_sub_map(&summary.sub_map, journal.history())?;
        Output::new(global.output.unwrap_or_default()).data(&summary)?;
        match stopped {
            Some(error) if summary.done == 0 => Err(error.context("stopped; the same command goes on from there")),
            Some(error) => {
                eprintln!("stopped: {error:#}; the same command goes on from there");
                Ok(ExitStatus::Partly)
            }
            None => Ok(summary.status()),
        }
    }

    pub(super) fn paces(&self) -> Paces {
        Paces { lists: Pace::per_second(self.listing.rate()), updates: Pace::per_second(self.update_rate) }
    }
}

fn warn(steps: u64, user_pool_id: &str, summary: &Summary) {
    let style = console::Style::new().for_stderr().yellow().bold();
    eprintln!("Profiles of {user_pool_id} to be deleted, and their identities linked: {}.", style.apply_to(steps));
    eprintln!("Their subs disappear for good; tokens and rows of the application that name them find nobody any more.");
    eprintln!("Old and new subs are written to {}.", summary.sub_map.display());
    eprintln!("Everything known of a profile is written to {} before.", summary.journal.display());
}

impl Table for Summary {
    fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.set_header(["result", "why", "profiles"]);
        table.add_row(["merged", "", &self.done.to_string()]);
        if self.done_before > 0 {
            table.add_row(["merged by an earlier run", "", &self.done_before.to_string()]);
        }
        for (result, counts) in [("skipped", &self.skipped), ("failed", &self.failed)] {
            for (why, count) in counts {
                table.add_row([result, why, &count.to_string()]);
            }
        }
        table.add_row(["journal", &self.journal.display().to_string(), ""]);
        table.add_row(["subs", &self.sub_map.display().to_string(), &self.subs.to_string()]);
        table
    }
}
