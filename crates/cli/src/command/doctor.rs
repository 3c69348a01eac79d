//! `doctor`

use crate::cloud::Cloud;
use crate::finding::{self, Finding, Severity};
use crate::lookup;
use crate::options::{Global, Pool};
use crate::pool_settings;
use crate::terminal::{Cell, ExitStatus, Format, Table, Tabular};
use anyhow::Result;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

/// Find out what is wrong with a user pool, and how to fix it
///
/// Checks everything that the functions rely on, and changes nothing. What cannot be read is reported as
/// could_not_check, with the permission that is missing.
///
/// With --user it answers instead why this person gets no message.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers doctor --user-pool-id eu-central-1_AbCdEf123
  cognito-triggers doctor --user-pool-id eu-central-1_AbCdEf123 --output json
  cognito-triggers doctor --user-pool-id eu-central-1_AbCdEf123 --user ada@example.com

Exit codes: 0 nothing worse than notes; 4 warnings; 5 errors; 1 the pool itself could not be read.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    pool: Pool,
    /// Find out why this person gets no message: a user name, a `sub` or an e-mail address
    #[arg(long, value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: Option<String>,
}

/// The columns of a report that does not go to a terminal.
const WIDTH: u16 = 120;

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Diagnosis {
    /// The pool.
    user_pool_id: String,
    /// What was found, the worst first.
    findings: Vec<Finding>,
}

impl Tabular for Diagnosis {
    fn table(&self) -> Table {
        // What to do is a sentence or two: in a log, too, it should not be one line.
        let mut table = Table::new(["severity", "finding", "about", "why, and what to do"]).at_most(WIDTH);
        for Finding { severity, code, subject, why, remedy } in &self.findings {
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let advice = Cell::lines([format!("{why}."), format!("→ {remedy}")]);
            table.row([severity.into(), code.into(), subject.into(), advice]);
        }
        table
    }
}

impl Doctor {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let cloud = Cloud::load(global, &self.pool.id).await?;
        let pool = pool_settings::describe(&cloud, &self.pool.id).await?;
        let findings = match &self.user {
            None => finding::all(&finding::gather(&cloud, pool).await),
            Some(user) => {
                let profiles = lookup::find(&cloud.user_pool(&self.pool.id), user).await?;
                let (facts, people) = finding::gather_for_person(&cloud, pool, profiles).await;
                finding::of_person(&facts, &people)
            }
        };
        let worst = findings.first().map(|finding| finding.severity);
        let output = global.output();
        if worst.is_none() && output.format == Format::Table {
            say!("Nothing is wrong.");
        } else {
            output.data(&Diagnosis { user_pool_id: self.pool.id.clone(), findings })?;
        }
        Ok(match worst {
            Some(Severity::Error) => ExitStatus::Errors,
            Some(Severity::Warning) => ExitStatus::Warnings,
            Some(Severity::Note) | None => ExitStatus::Done,
        })
    }
}
