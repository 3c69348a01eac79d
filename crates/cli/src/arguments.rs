//! What can be written on the command line.

use crate::command::{Command, link};
use crate::output::Format;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser};

/// Attaches the account functions to an Amazon Cognito user pool, finds what is wrong with a pool, and
/// merges accounts that are split.
#[derive(Debug, Parser)]
#[command(name = "cognito-triggers", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Reads the command line. Ends the process with code 2 and a message if it is wrong.
    #[must_use]
    pub fn read() -> Self {
        Self::of(&Self::command().get_matches()).unwrap_or_else(|error| error.exit())
    }

    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match link::misplaced(matches) {
            None => Self::from_arg_matches(matches),
            Some(wrong) => Err(Self::command().error(ErrorKind::ArgumentConflict, wrong)),
        }
    }
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The AWS profile; without it AWS_PROFILE, then `default`
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub profile: Option<String>,
    /// The AWS Region; without it that of the pool's id, then AWS_REGION, then the profile's
    #[arg(long, global = true, value_name = "REGION", help_heading = "Global options")]
    pub region: Option<String>,
    /// How data is written to standard output; without it the command's own form
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub output: Option<Format>,
}

const AFTER_HELP: &str = "\
Credentials, Region and endpoint come from where the AWS CLI takes them: AWS_PROFILE, AWS_REGION, the files \
in ~/.aws, AWS_ENDPOINT_URL and their like. Colours and progress bars appear on a terminal only; NO_COLOR \
switches colours off.\n\n\
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 refused, and nothing was changed; 4 warnings were found; \
5 errors were found; 6 done in part.";

/// Reads the id of a user pool, `<Region>_<characters>`.
///
/// # Errors
///
/// It is none; at most 55 characters are allowed (API model, `UserPoolIdType`).
pub(crate) fn user_pool_id(text: &str) -> Result<String, String> {
    let usable = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match text.split_once('_') {
        Some((region, id)) if usable(region) && usable(id) && text.len() <= 55 => Ok(text.to_owned()),
        _ => Err("not the id of a user pool, which is like eu-central-1_AbCdEf123".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_plan_is_refused_beside_one_that_is_carried_out() {
        let read = |further: &[&str]| {
            let matches = Arguments::command().try_get_matches_from([&["cognito-triggers", "link"], further].concat());
            Arguments::of(&matches.unwrap())
        };
        for option in
            ["--providers=Google", "--unverified-profile=refuse", "--unproven-email=separate", "--trust-stored-values"]
        {
            let option = option.replace("=Google", "=Google:claim");
            for with in ["--apply", "--undo"] {
                let error = read(&[with, "file", &option]).unwrap_err();
                let name = option.split('=').next().unwrap();
                assert!(error.to_string().contains(&format!("{name} cannot be used with {with}")), "{error}");
                assert_eq!(error.exit_code(), 2);
            }
        }
        assert!(read(&["--apply", "file", "--copy-attributes", "given_name"]).is_ok());
        let plan = ["--user-pool-id=eu-central-1_A", "--providers=Google:claim", "--unverified-profile=refuse"];
        assert!(read(&plan).is_ok());
    }

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_and_is_in_the_index() {
        let index = include_str!("../../../docs/cli/README.md");
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("cognito-triggers {name}")), "{name} shows no example");
            assert!(index.contains(&format!("`{name}`")), "{name} is not in docs/cli/README.md");
        }
    }

    #[test]
    fn the_id_of_a_pool_is_told_from_an_arn_and_from_nonsense() {
        assert!(user_pool_id("eu-central-1_AbCdEf123").is_ok());
        for wrong in ["", "_", "eu-central-1", "eu-central-1_", "arn:aws:cognito-idp:r:1:userpool/r_A", "r_A/../b"] {
            assert!(user_pool_id(wrong).unwrap_err().contains("eu-central-1_AbCdEf123"), "{wrong}");
        }
    }
}
