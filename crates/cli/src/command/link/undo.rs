//! `link --undo`

use super::Link;
use crate::cloud::Cloud;
use crate::merge::{Journal, Ledger, Undone, undo};
use crate::options::Global;
use crate::registry::aws::AwsRegistry;
use crate::terminal::{Cell, ExitStatus, Table, Tabular, confirm_with_pool};
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
        say!("Merges in {user_pool_id} to take back, with the groups and attributes that were copied: {open}.");
        say!("The deleted profiles do not come back with their subs: each is made anew when its owner signs in next.");
        say!("If pre-sign-up is attached to the pool, that sign-in links it again.");
        confirm_with_pool(&user_pool_id, self.yes)?;
        let registry = AwsRegistry::new(Cloud::load(global, Some(&user_pool_id)).await.cognito(), &user_pool_id);
        let before = journal.history().of.values().filter_map(|progress| progress.undone.clone()).collect();
        let mut report = Report { profiles: Vec::new(), before };
        let result = undo(&registry, &mut journal, &self.paces(), &mut report.profiles).await;
        global.output().data(&report)?;
        match result {
            Ok(()) => Ok(ExitStatus::Done),
            Err(error) if report.profiles.is_empty() => {
                Err(error.context("stopped, and nothing was taken back; the same command goes on from there"))
            }
            Err(error) => {
                say!("stopped: {error:#}; the same command goes on from there");
                Ok(ExitStatus::Partly)
            }
        }
    }
}

impl Tabular for Report {
    fn table(&self) -> Table {
        let mut table = Table::new(["profile", "restored", "cannot come back"]);
        for undone in self.before.iter().chain(&self.profiles) {
            let lines = |names: &[String]| Cell::lines(names);
            table.row([(&undone.user_name).into(), lines(&undone.restored), lines(&undone.lost)]);
        }
        table
    }
}
