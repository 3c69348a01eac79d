//! `link --undo`

use super::Link;
use super::journal_file::JournalFile;
use crate::cloud::Cloud;
use crate::options::Global;
use crate::terminal::{Cell, ExitStatus, Table, Tabular, confirm_with_pool};
use anyhow::Result;
use merge::{Journal, Undone, undo};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// What `--undo` did.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Undo")]
pub(in crate::command) struct Report {
    /// Merges that this run undid.
    undone: Vec<Undone>,
    /// Merges that earlier runs undid.
    undone_before: Vec<Undone>,
}

impl Link {
    pub(super) async fn undo(&self, global: &Global, path: &Path) -> Result<ExitStatus> {
        let mut journal = JournalFile::open_to_undo(path)?;
        self.refuse_another_pool(&journal.user_pool_id)?;
        let user_pool_id = journal.user_pool_id.clone();
        let cloud = Cloud::load(global, &user_pool_id).await?;
        cloud.announce(&user_pool_id).await;
        let open = journal.history().merges.values().filter(|merge| merge.undone.is_none()).count();
        say!("Changes to undo in {user_pool_id}, with the groups and attributes that were copied: {open}.");
        if journal.history().merges.values().any(|merge| merge.deleted) {
            say!(
                "The deleted profiles and their subs are lost: Cognito creates a new profile when the owner signs in next."
            );
            say!("If pre-sign-up is attached to the pool, that sign-in links it again.");
        }
        confirm_with_pool("Undo them?", &user_pool_id, self.yes)?;
        let pool = cloud.user_pool(&user_pool_id);
        let undone_before = journal.history().merges.values().filter_map(|merge| merge.undone.clone()).collect();
        let mut report = Report { undone: Vec::new(), undone_before };
        let result = undo(&pool, &mut journal, &self.limits(), &mut report.undone).await;
        global.output().data(&report)?;
        match result {
            Ok(()) => Ok(ExitStatus::Done),
            Err(error) => super::stopped(error.into(), "undone", report.undone.is_empty()),
        }
    }
}

impl Tabular for Report {
    fn table(&self) -> Table {
        let rows = self
            .undone_before
            .iter()
            .chain(&self.undone)
            .map(|undone| [(&undone.user_name).into(), Cell::lines(&undone.restored), Cell::lines(&undone.lost)]);
        Table::new(["profile", "restored", "lost"]).with(rows)
    }
}
