//! Options that several commands have.

use crate::terminal::{Format, Output};
use clap::Args;

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
    fn a_pair_is_split_at_the_first_equals_sign() {
        assert_eq!(name_and_value("attribute.x=a=b"), Ok(("attribute.x".to_owned(), "a=b".to_owned())));
        assert_eq!(name_and_value("user-name="), Ok(("user-name".to_owned(), String::new())));
        assert!(name_and_value("=x").is_err() && name_and_value("x").is_err());
    }
}
