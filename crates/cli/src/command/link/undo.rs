//! `link --undo`

use super::Link;
use crate::confirmation::confirm_with_pool;
use crate::exit::ExitStatus;
use crate::merge::{Journal, Ledger, Undone, undo};
use crate::output::{Output, Table};
use crate::registry::aws::AwsRegistry;
use crate::{Cloud, Global};
use anyhow::Result;
use serde::Serialize;
use std::path::Path;

/// What an undo did.
#[derive(Debug, Serialize)]
struct Report {
    profiles: Vec<Undone>,
    /// By earlier runs.
    before: Vec<Undone>,
}

impl Link {
    pub(super) async fn undo(&self, global: &Global, path: &Path) -> Result<ExitStatus> {
        let mut journal = Journal::open_to_undo(path)?;
        self.refuse_another_pool(&journal.user_pool_id)?;
        let user_pool_id = journal.user_pool_id.clone();
        let open = journal.history().of.values().filter(|progress| progress.undone.is_none()).count();
        eprintln!("Merges in {user_pool_id} to take back, with the groups and attributes that were copied: {open}.");
        eprintln!(
            "The deleted profiles do not come back with their subs: each is made anew when its owner signs in next."
        );
        eprintln!("If pre-sign-up is attached to the pool, that sign-in links it again.");
        confirm_with_pool(&user_pool_id, self.yes)?;
        let registry = AwsRegistry::new(Cloud::load(global, Some(&user_pool_id)).await.cognito(), &user_pool_id);
        let before = journal.history().of.values().filter_map(|progress| progress.undone.clone()).collect();
        let mut report = Report { profiles: Vec::new(), before };
        let result = undo(&registry, &mut journal, &self.paces(), &mut report.profiles).await;
        Output::new(global.output.unwrap_or_default()).data(&report)?;
        match result {
            Ok(()) => Ok(ExitStatus::Done),
            Err(error) if report.profiles.is_empty() => {
                Err(error.context("stopped, and nothing was taken back; the same command goes on from there"))
            }
            Err(error) => {
                eprintln!("stopped: {error:#}; the same command goes on from there");
                Ok(ExitStatus::Partly)
            }
        }
    }
}

impl Table for Report {
    fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.set_header(["profile", "restored", "cannot come back"]);
        for undone in self.before.iter().chain(&self.profiles) {
            table.add_row([&undone.user_name, &undone.restored.join("\n"), &undone.lost.join("\n")]);
        }
        table
    }
}
