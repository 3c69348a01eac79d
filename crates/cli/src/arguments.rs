//! What can be written on the command line.

use crate::command::{Command, wrong_usage};
use crate::options::Global;
use crate::terminal::{self, ExitStatus};
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

/// Attaches the account functions to an Amazon Cognito user pool, finds what is wrong with a pool, and merges
/// accounts that belong to one person.
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

    /// Carries the command out, and says on standard error what went wrong.
    pub async fn run(self) -> ExitStatus {
        Box::pin(self.command.run(&self.global, Self::command())).await.unwrap_or_else(|error| terminal::failed(&error))
    }

    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match Command::misplaced(matches) {
            None => Self::from_arg_matches(matches),
            Some(wrong) => Err(wrong_usage(Self::command(), "link", ErrorKind::ArgumentConflict, wrong)),
        }
    }
}

const AFTER_HELP: &str = "\
Credentials and endpoint come from the same places as for the AWS CLI: --profile, AWS_PROFILE, the files in ~/.aws, \
AWS_ENDPOINT_URL and so on. The Region is the pool's. Colours and progress bars appear only on a terminal; NO_COLOR turns \
colours off.\n\n\
Exit codes: 0 done; 1 failed; 2 the command line is wrong; 3 refused, and nothing was changed; 4 warnings were \
found; 5 errors were found; 6 partly done.";

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
                assert!(error.to_string().contains("Usage: cognito-triggers link"), "{error}");
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
}
