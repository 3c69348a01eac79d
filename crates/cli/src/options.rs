//! Options that several commands have.

use crate::terminal::{Format, Output, Refused};
use anyhow::{Context, Result};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The AWS profile to use; keys in the environment do not count beside it [default: AWS_PROFILE, then `default`]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) profile: Option<String>,
    /// The AWS Region to use if the pool's id names none [default: AWS_REGION, then the profile's]
    #[arg(long, global = true, value_name = "REGION", help_heading = "Global options")]
    pub(crate) region: Option<String>,
    /// How to write data to standard output [default: table]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) output: Option<Format>,
}

impl Global {
    /// Where the command puts its data.
    pub(crate) fn output(&self) -> Output {
        Output { format: self.output.unwrap_or_default() }
    }
}

/// The user pool of a command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pool {
    /// The user pool's id, such as eu-central-1_AbCdEf123
    #[arg(long = "user-pool-id", value_name = "ID", value_parser = user_pool_id)]
    pub(crate) id: String,
}

/// The user pools of a command that works on several.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pools {
    /// The user pool's id, such as eu-central-1_AbCdEf123; may be repeated
    #[arg(
        long = "user-pool-id",
        value_name = "ID",
        value_parser = user_pool_id,
        required_unless_present = "pools",
        conflicts_with = "pools"
    )]
    ids: Vec<String>,
    /// A file with the ids of several pools, one on each line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    pools: Option<PathBuf>,
}

impl Pools {
    /// The pools' ids, each once, in their order. There is at least one.
    ///
    /// # Errors
    ///
    /// [`Refused`] if a line of the file is no id, or if it has none; the file cannot be read.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let mut ids = self.ids.clone();
        if let Some(path) = &self.pools {
            let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            for (number, line) in (1..).zip(text.lines()) {
                let id = line.split('#').next().unwrap_or_default().trim();
                if !id.is_empty() {
                    let why = |why| Refused(format!("{}, line {number}: {why}", path.display()));
                    ids.push(user_pool_id(id).map_err(why)?);
                }
            }
        }
        let mut seen = BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        if ids.is_empty() {
            refuse!("there is no user pool in the file of --pools");
        }
        Ok(ids)
    }

    /// Only this pool.
    pub(crate) fn only(id: String) -> Self {
        Self { ids: vec![id], pools: None }
    }

    /// The first pool on the command line; empty if a file names them.
    pub(crate) fn first(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

/// Refuses options that are about one pool where there are several.
///
/// # Errors
///
/// [`Refused`] with the first option that was given.
pub(crate) fn refuse_for_several(pools: &[String], given: &[(&str, bool)]) -> Result<(), Refused> {
    match given.iter().find(|(_, is_given)| *is_given && pools.len() > 1) {
        Some((option, _)) => Err(Refused(format!("{option} is about one user pool, and these are {}", pools.len()))),
        None => Ok(()),
    }
}

/// A profile of a user pool.
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    /// The person: a user name, a `sub` or an e-mail address
    #[arg(value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) user: String,
    /// Where they are.
    #[command(flatten)]
    pub(crate) pool: Pool,
}

/// Reads the id of a user pool, `<Region>_<characters>`.
///
/// # Errors
///
/// It is none; at most 55 characters are allowed (API model, `UserPoolIdType`).
pub(crate) fn user_pool_id(text: &str) -> Result<String, String> {
    let usable = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match text.split_once('_') {
        Some((region, id)) if usable(region) && usable(id) && text.len() <= 55 => Ok(text.to_owned()),
        _ => Err("not the id of a user pool, which looks like eu-central-1_AbCdEf123".to_owned()),
    }
}

/// Reads `NAME=VALUE`, split at the first equals sign.
///
/// # Errors
///
/// There is no name, or no equals sign.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_pool_is_told_from_an_arn_and_from_nonsense() {
        assert!(user_pool_id("eu-central-1_AbCdEf123").is_ok());
        for wrong in ["", "_", "eu-central-1", "eu-central-1_", "arn:aws:cognito-idp:r:1:userpool/r_A", "r_A/../b"] {
            assert!(user_pool_id(wrong).unwrap_err().contains("eu-central-1_AbCdEf123"), "{wrong}");
        }
    }

    #[test]
    fn a_file_of_pools_is_read_line_by_line_and_each_pool_counts_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let pools = Pools { ids: Vec::new(), pools: Some(file.path().to_owned()) };
        fs::write(file.path(), "# tenants\neu-central-1_A\n\n eu-west-1_B # the second\neu-central-1_A\n").unwrap();
        assert_eq!(pools.list().unwrap(), ["eu-central-1_A", "eu-west-1_B"]);
        fs::write(file.path(), "eu-central-1_A\ntenant\n").unwrap();
        let why = pools.list().unwrap_err();
        assert!(why.is::<Refused>() && why.to_string().contains("line 2"), "{why}");
        fs::write(file.path(), "# none\n").unwrap();
        assert!(pools.list().unwrap_err().is::<Refused>());
    }

    #[test]
    fn a_pair_is_split_at_the_first_equals_sign() {
        assert_eq!(name_and_value("attribute.x=a=b"), Ok(("attribute.x".to_owned(), "a=b".to_owned())));
        assert_eq!(name_and_value("user-name="), Ok(("user-name".to_owned(), String::new())));
        assert!(name_and_value("=x").is_err() && name_and_value("x").is_err());
    }
}
