//! `doctor`

use crate::attachment::Record;
use crate::cloud::Cloud;
use crate::finding::{self, Facts, Finding, Severity};
use crate::function_arn::{self, FunctionArn};
use crate::lookup;
use crate::options::{Global, Pools, refuse_for_several};
use crate::pool_settings::{self, Description};
use crate::terminal::{Cell, ExitStatus, Format, Table, Tabular, Versioned};
use crate::trigger::Trigger;
use anyhow::{Context, Result};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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
  cognito-triggers doctor --user-pool-id eu-central-1_AbCdEf123 --expect lambda-config.json
  cognito-triggers doctor --pools tenants.txt --expect lambda-config.json

Exit codes: 0 nothing worse than notes; 4 warnings; 5 errors; 1 the pool itself could not be read.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    pools: Pools,
    /// Find out why this person gets no message: a user name, a `sub` or an e-mail address
    #[arg(long, value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Look at the account API, too: the name or ARN of its function
    #[arg(long, value_name = "FUNCTION", conflicts_with = "user", value_parser = function_arn::checked)]
    account_api: Option<String>,
    /// What attach remembers: a trigger or a chain of it that was lost is an error [default: cognito-triggers-<ID>.json]
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    record: Option<PathBuf>,
    /// The LambdaConfig that the pool should have, as JSON: a trigger of it that the pool lost is an error. The triggers of
    /// the record are not looked at then, only its chains
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    expect: Option<PathBuf>,
}

/// The functions that a pool's triggers should have, of the triggers that there is a function for.
///
/// # Errors
///
/// Fails if the file cannot be read, or if it is no `LambdaConfig` with at least one of these triggers.
fn expected_in(path: &Path) -> Result<Expected> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let config = serde_json::from_str(&text).ok();
    let function = |trigger: Trigger| {
        let arn = trigger.function(config.as_ref()?).and_then(FunctionArn::parse)?;
        Some((trigger, vec![arn.as_str().to_owned()]))
    };
    let expected: BTreeMap<_, _> = Trigger::ALL.into_iter().filter_map(function).collect();
    if expected.is_empty() {
        let shape = r#"{"PreSignUp": "arn:aws:lambda:…", "InboundFederation": {"LambdaArn": "arn:aws:lambda:…"}}"#;
        refuse!("{} is not the LambdaConfig of a pool, such as {shape}", path.display());
    }
    Ok(expected)
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

/// What was found in several pools.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Diagnoses {
    /// One for each pool, in the order in which they were named.
    pools: Vec<Diagnosis>,
}

/// What `doctor` writes: of one pool, or of several.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what is written")]
pub(super) enum Written {
    One(Versioned<Diagnosis>),
    Several(Versioned<Diagnoses>),
}

impl Finding {
    fn cells(&self) -> [Cell; 4] {
        let Self { severity, code, subject, why, remedy } = self;
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let advice = Cell::lines([format!("{why}."), format!("→ {remedy}")]);
        [severity.into(), (*code).into(), subject.into(), advice]
    }
}

/// The columns of a finding.
const COLUMNS: [&str; 4] = ["severity", "finding", "about", "why, and what to do"];

impl Tabular for Diagnosis {
    fn table(&self) -> Table {
        // What to do is a sentence or two: in a log, too, it should not be one line.
        Table::new(COLUMNS).at_most(WIDTH).with(self.findings.iter().map(Finding::cells))
    }
}

impl Tabular for Diagnoses {
    fn table(&self) -> Table {
        let rows = self.pools.iter().flat_map(|Diagnosis { user_pool_id, findings }| {
            findings.iter().map(move |finding| [user_pool_id.into()].into_iter().chain(finding.cells()))
        });
        Table::new(["pool"].into_iter().chain(COLUMNS)).at_most(WIDTH).with(rows)
    }
}

/// The functions that each trigger may have.
type Expected = BTreeMap<Trigger, Vec<String>>;

impl Doctor {
    /// The functions that the triggers should have, from the file of `--expect` or from the record of attach, and those
    /// that ours should call, from the record.
    fn expected(&self, pool: &Description) -> Result<(Expected, BTreeMap<Trigger, String>)> {
        let path = self.record.clone().unwrap_or_else(|| Record::usual_path(pool.id()));
        let record = Record::load(&path, pool.id())?;
        record.refuse_foreign(&path, pool)?;
        let named = self.expect.as_deref().map(expected_in).transpose()?;
        let functions = |trigger: Trigger| Some((trigger, record.of(trigger)?.functions().cloned().collect()));
        let next = |trigger: Trigger| Some((trigger, record.of(trigger)?.chained.as_ref()?.next.clone()));
        let chained = Trigger::ALL.into_iter().filter_map(next).collect();
        Ok((named.unwrap_or_else(|| Trigger::ALL.into_iter().filter_map(functions).collect()), chained))
    }

    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let pools = self.pools.list()?;
        refuse_for_several(
            &pools,
            &[
                ("--user", self.user.is_some()),
                ("--account-api", self.account_api.is_some()),
                ("--record", self.record.is_some()),
            ],
        )?;
        let output = global.output();
        let worst = if let [only] = pools.as_slice() {
            let diagnosis = self.diagnose(global, only).await?;
            let worst = diagnosis.worst();
            if worst.is_none() && output.format == Format::Table {
                say!("Nothing is wrong.");
            } else {
                output.data(&diagnosis)?;
            }
            worst
        } else {
            let mut diagnoses = Diagnoses { pools: Vec::new() };
            for pool in pools {
                let diagnosis = match self.diagnose(global, &pool).await {
                    Ok(diagnosis) => diagnosis,
                    // The others are looked at all the same.
                    Err(error) => Diagnosis { findings: vec![finding::unreadable(&error)], user_pool_id: pool },
                };
                diagnoses.pools.push(diagnosis);
            }
            output.data(&diagnoses)?;
            let with = |severity| diagnoses.pools.iter().filter(|pool| pool.worst() == Some(severity)).count();
            let (errors, warnings) = (with(Severity::Error), with(Severity::Warning));
            say!("pools: {}, with errors: {errors}, with warnings and no errors: {warnings}", diagnoses.pools.len());
            diagnoses.pools.iter().filter_map(Diagnosis::worst).min()
        };
        Ok(match worst {
            Some(Severity::Error) => ExitStatus::Errors,
            Some(Severity::Warning) => ExitStatus::Warnings,
            Some(Severity::Note) | None => ExitStatus::Done,
        })
    }

    async fn diagnose(&self, global: &Global, id: &str) -> Result<Diagnosis> {
        let cloud = Cloud::load(global, id).await?;
        let pool = pool_settings::describe(&cloud, id).await?;
        let findings = match &self.user {
            None => {
                let (expected, chained) = self.expected(&pool)?;
                let mut facts = Facts { expected, chained, ..finding::gather(&cloud, pool).await };
                if let Some(function) = &self.account_api {
                    finding::look_at_account_api(&cloud, &mut facts, function).await;
                }
                finding::all(&facts)
            }
            Some(user) => {
                let profiles = lookup::find(&cloud.user_pool(id), user).await?;
                let (facts, people) = finding::gather_for_person(&cloud, pool, profiles).await;
                finding::of_person(&facts, &people)
            }
        };
        Ok(Diagnosis { user_pool_id: id.to_owned(), findings })
    }
}

impl Diagnosis {
    fn worst(&self) -> Option<Severity> {
        self.findings.first().map(|finding| finding.severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use crate::command::Command;
    use clap::Parser;
    use serde_json::json;

    /// A run every night has both: the triggers in a file of the repository, and the chains in the record beside it.
    #[test]
    fn with_expected_triggers_the_chains_of_the_record_count_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let arn = |name: &str| format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}");
        let chained = json!({ "next": arn("theirs"), "former": null });
        let attached = json!({ "function": arn("ours"), "displaced": arn("theirs"), "chained": chained });
        let record = json!({ "userPoolId": "eu-central-1_A", "triggers": { "PreSignUp": attached } });
        let write = |name: &str, value: &serde_json::Value| {
            let path = folder.path().join(name);
            std::fs::write(&path, value.to_string()).unwrap();
            path.display().to_string()
        };
        let (record, expect) =
            (write("record.json", &record), write("expect.json", &json!({ "PostConfirmation": arn("b") })));
        let pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_A";
        let pool = Description(json!({ "Id": "eu-central-1_A", "Arn": pool }));
        let fixed = ["cognito-triggers", "doctor", "--user-pool-id", "eu-central-1_A", "--record", &record];
        for (more, trigger) in [(&[][..], Trigger::PreSignUp), (&["--expect", &expect], Trigger::PostConfirmation)] {
            let arguments = Arguments::try_parse_from(fixed.iter().chain(more)).unwrap();
            let Command::Doctor(doctor) = arguments.command else { unreachable!() };
            let (expected, chains) = doctor.expected(&pool).unwrap();
            assert_eq!(expected.keys().collect::<Vec<_>>(), [&trigger]);
            assert_eq!(chains, BTreeMap::from([(Trigger::PreSignUp, arn("theirs"))]));
        }
    }
}
