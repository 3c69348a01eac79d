//! Whom a command is about.

use crate::arguments::user_pool_id;
use clap::Args;

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
    /// Whom: a user name, a sub or an e-mail address
    #[arg(value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) user: String,
    /// Where they are.
    #[command(flatten)]
    pub(crate) pool: Pool,
}
