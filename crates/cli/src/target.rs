//! Whom a command is about.

use clap::Args;

/// The user pool of a command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pool {
    /// The user pool's id, such as eu-central-1_AbCdEf123
    #[arg(long = "user-pool-id", value_name = "ID", value_parser = pool_id)]
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

/// A pool id names its Region: `<region>_<id>` (API model, `UserPoolIdType`).
fn pool_id(text: &str) -> Result<String, String> {
    let (region, id) = text.split_once('_').unwrap_or_default();
    let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_region && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    Err("a user pool's id is its Region, an underscore, letters and digits, as in eu-central-1_AbCdEf123".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_is_region_underscore_id() {
        assert!(pool_id("eu-central-1_AbCdEf123").is_ok());
        for wrong in ["", "AbCdEf123", "_AbC", "eu-central-1_", "eu-central-1_a/b", "arn:aws:x_y"] {
            assert!(pool_id(wrong).is_err(), "{wrong}");
        }
    }
}
