//! `link --apply`

use super::Link;
use crate::cloud::Cloud;
use crate::merge::{Applied, Creation, Journal, Ledger, Merger, Paces, Plan, SubMap, copyable};
use crate::options::Global;
use crate::pace::Pace;
use crate::registry::Registry;
use crate::registry::aws::AwsRegistry;
use crate::terminal::{ExitStatus, Progress, Table, Tabular, confirm_with_pool};
use anyhow::Result;
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::AwsUserPools;
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
    /// Attributes that were to be copied and that the pool did not take, with the number of profiles.
    not_copied: BTreeMap<String, u64>,
    skipped: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    /// Profiles that are deleted and whose identities are not linked, by this run or an earlier one.
    half_done: u64,
    journal: PathBuf,
    sub_map: PathBuf,
    subs: u64,
}

impl Summary {
    fn add(&mut self, applied: Applied) {
        match applied {
            Applied::Done => self.done += 1,
            Applied::DoneWithout(names) => {
                self.done += 1;
                for name in names {
                    *self.not_copied.entry(name).or_default() += 1;
                }
            }
            Applied::DoneBefore => self.done_before += 1,
            Applied::Skipped(why) => *self.skipped.entry(why).or_default() += 1,
            Applied::Failed(why) => *self.failed.entry(why).or_default() += 1,
        }
    }

    fn status(&self) -> ExitStatus {
        let all =
            self.skipped.is_empty() && self.failed.is_empty() && self.not_copied.is_empty() && self.half_done == 0;
        if all { ExitStatus::Done } else { ExitStatus::Partly }
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
        Self::refuse_self_verified(&registry, header.options.rules.trust_stored_values).await?;
        let copy_attributes = self.copied_with(&header.options.copy_attributes);
        copyable(&copy_attributes, &facts)?;
        let mut journal = Journal::open(&summary.journal, &header.user_pool_id, &header.id)?;
        let mut sub_map = SubMap::open(&summary.sub_map, journal.history())?;
        let before = journal.history().clone();
        let merger = Merger {
            pool: &AwsUserPools::new(cloud.cognito()).pool(&header.user_pool_id),
            registry: &registry,
            user_pool_id: &header.user_pool_id,
            facts: &facts,
            rules: header.options.rules(&facts),
            copy_groups: header.options.copy_groups,
            creation: Creation::new(&facts, &copy_attributes),
            copy_attributes: &copy_attributes,
            paces: &self.paces(),
            pause: PAUSE,
        };
        let (progress, mut done) = (Progress::profiles(steps, 0), 0);
        let mut stopped = None;
        while let Some(planned) = plan.next()? {
            let mut ended = Vec::new();
            let result = Box::pin(merger.merge(&mut journal, &planned, &mut ended)).await;
            done += u64::try_from(ended.len())?;
            progress.reached(done);
            for applied in ended {
                summary.add(applied);
            }
            let names = planned.merge.iter().map(|step| step.delete.as_str());
            let mapped = sub_map.add(journal.history(), names);
            if let Err(error) = result.and(mapped) {
                stopped = Some(error);
                break;
            }
        }
        drop(progress);
        summary.subs = sub_map.rows();
        summary.half_done = journal.history().half_done();
        let changed = *journal.history() != before;
        global.output().data(&summary)?;
        if summary.half_done > 0 {
            say!(
                "Profiles that are deleted and whose identities are not linked yet: {}. The same command finishes them.",
                summary.half_done
            );
        }
        match stopped {
            Some(error) if !changed && summary.half_done == 0 => {
                Err(error.context("stopped, and nothing was changed; the same command goes on from there"))
            }
            Some(error) => {
                say!("stopped: {error:#}; the same command goes on from there");
                Ok(ExitStatus::Partly)
            }
            None => Ok(summary.status()),
        }
    }

    /// The plan's attributes and those that were named for this run.
    fn copied_with(&self, planned: &[String]) -> Vec<String> {
        let further = self.copy_attributes.iter().filter(|name| !planned.contains(name));
        planned.iter().chain(further).cloned().collect()
    }

    pub(super) fn paces(&self) -> Paces {
        Paces { lists: Pace::per_second(self.listing.rate()), updates: Pace::per_second(self.update_rate) }
    }
}

fn warn(steps: u64, user_pool_id: &str, summary: &Summary) {
    say!("Profiles of {user_pool_id} to be deleted, and their identities linked: {}.", steps);
    say!("Their subs disappear for good; tokens and rows of the application that name them find nobody any more.");
    say!("Old and new subs are written to {}.", summary.sub_map.display());
    say!("Everything known of a profile is written to {} before.", summary.journal.display());
}

impl Tabular for Summary {
    fn table(&self) -> Table {
        let mut table = Table::new(["result", "why", "profiles"]);
        table.row(["merged", "", &self.done.to_string()]);
        if self.done_before > 0 {
            table.row(["merged by an earlier run", "", &self.done_before.to_string()]);
        }
        let further =
            [("merged, but not copied", &self.not_copied), ("skipped", &self.skipped), ("failed", &self.failed)];
        for (result, counts) in further {
            for (why, count) in counts {
                table.row([result, why, &count.to_string()]);
            }
        }
        if self.half_done > 0 {
            table.row(["deleted and not linked yet", "", &self.half_done.to_string()]);
        }
        table.row(["journal", &self.journal.display().to_string(), ""]);
        table.row(["subs", &self.sub_map.display().to_string(), &self.subs.to_string()]);
        table
    }
}
