//! `link --undo`

use super::Link;
use super::journal_file::JournalFile;
use crate::confirmation::confirm_with_pool;
use crate::exit::ExitStatus;
use crate::output::{Output, Table};
use crate::{Cloud, Global};
use anyhow::Result;
use merge::{Journal, Undone, undo};
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
        let mut journal = JournalFile::open_to_undo(path)?;
        self.refuse_another_pool(&journal.user_pool_id)?;
        let user_pool_id = journal.user_pool_id.clone();
        let open = journal.history().merges.values().filter(|merge| merge.undone.is_none()).count();
        eprintln!("Merges in {user_pool_id} to take back, with the groups and attributes that were copied: {open}.");
        eprintln!(
            "The deleted profiles do not come back with their subs: each is made anew when its owner signs in next."
        );
        eprintln!("If pre-sign-up is attached to the pool, that sign-in links it again.");
        confirm_with_pool(&user_pool_id, self.yes)?;
        let pool = Cloud::load(global, Some(&user_pool_id)).await.user_pool(&user_pool_id);
        let before = journal.history().merges.values().filter_map(|merge| merge.undone.clone()).collect();
        let mut report = Report { profiles: Vec::new(), before };
        let result = undo(&pool, &mut journal, &self.limits(), &mut report.profiles).await;
        Output::new(global.output.unwrap_or_default()).data(&report)?;
        match result {
            Ok(()) => Ok(ExitStatus::Done),
            Err(error) if report.profiles.is_empty() => Err(anyhow::Error::new(error)
                .context("stopped, and nothing was taken back; the same command goes on from there")),
            Err(error) => {
                eprintln!("stopped: {:#}; the same command goes on from there", anyhow::Error::new(error));
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
