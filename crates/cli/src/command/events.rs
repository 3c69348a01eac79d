//! `events`

mod samples;
mod value;

use super::wrong_usage;
use crate::options::{Global, name_and_value};
use crate::terminal::{ExitStatus, Table, Tabular, stdout};
use anyhow::Result;
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, Command};
use samples::Sample;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;

/// Print a sample event of a trigger, as Cognito sends it, with your values in it
///
/// Pass it to a function on your machine with cargo-lambda, or to a deployed function with `aws lambda invoke
/// --payload`. You need no AWS account for the samples.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, group = ArgGroup::new("what").required(true).args(["source", "list"]))]
pub(crate) struct Events {
    /// A trigger source, such as PreSignUp_ExternalProvider, or a sample, such as pre-sign-up/google
    #[arg(value_parser = source)]
    source: Option<&'static Sample>,
    /// List the trigger sources and their samples
    #[arg(long, conflicts_with_all = ["set", "unset"])]
    list: bool,
    /// Set a value in the event; may be repeated. An unknown NAME lists the names that exist
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
    /// Remove a value from the event, such as attribute.email; may be repeated
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers events --list
  cognito-triggers events PreSignUp_ExternalProvider --set user-name=Google_42 \\
      --set attribute.email=grace@example.org > event.json
  cargo lambda invoke pre-sign-up --data-file event.json
  cognito-triggers events inbound-federation/google --set claim.email_verified=false";

/// A sample in the list.
#[derive(Serialize, JsonSchema)]
struct Listed {
    /// The trigger source, in AWS's spelling.
    source: String,
    /// The sample's name.
    sample: &'static str,
    /// What it is.
    about: &'static str,
}

/// What `--list` writes. An event itself is as Cognito sends it, and has no version of ours.
#[derive(Serialize, JsonSchema)]
pub(super) struct List {
    /// Every sample.
    samples: Vec<Listed>,
}

impl Events {
    pub(super) fn run(&self, global: &Global, whole: Command) -> Result<ExitStatus> {
        let Some(sample) = self.source else {
            global.output().data(&list()?)?;
            return Ok(ExitStatus::Done);
        };
        let mut event = sample.event()?;
        // Clap sets the exit code of wrong usage.
        fill(&mut event, &self.set, &self.unset)
            .unwrap_or_else(|why| wrong_usage(whole, "events", ErrorKind::InvalidValue, why).exit());
        let mut stdout = stdout();
        serde_json::to_writer_pretty(&mut stdout, &event)?;
        writeln!(stdout)?;
        Ok(ExitStatus::Done)
    }
}

fn source(text: &str) -> Result<&'static Sample, String> {
    samples::find(text).ok_or_else(|| {
        format!(
            "no such trigger source or sample. The sources are {}; `cognito-triggers events --list` lists the samples",
            samples::sources().join(", ")
        )
    })
}

fn fill(event: &mut Value, set: &[(String, String)], unset: &[String]) -> Result<(), String> {
    for (name, value) in set {
        value::set(event, name, Some(value))?;
    }
    unset.iter().try_for_each(|name| value::set(event, name, None))
}

fn list() -> Result<List> {
    let listed =
        |sample: &'static Sample| Ok(Listed { source: sample.source()?, sample: &sample.name, about: &sample.about });
    Ok(List { samples: samples::ALL.iter().map(listed).collect::<Result<_>>()? })
}

impl Tabular for List {
    fn table(&self) -> Table {
        let rows = self.samples.iter().map(|one| [one.source.as_str(), one.sample, one.about]);
        Table::new(["source", "sample", "what it is"]).with(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_source_is_answered_with_those_there_are() {
        let why = source("PreSignUp").unwrap_err();
        assert!(why.contains("PreSignUp_ExternalProvider") && why.contains("CustomMessage_ForgotPassword"), "{why}");
    }
}
