//! Asks before something is changed for good.

use crate::exit::Refusal;
use anyhow::Result;
use std::io::{IsTerminal, Write};

/// Goes on if the operator said so beforehand, or says so now by writing the pool's id.
///
/// # Errors
///
/// A [`Refusal`] if not.
pub(super) fn confirm(yes: bool, user_pool_id: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Refusal("nobody is there to ask; --yes goes on without".into()).into());
    }
    eprint!("Write the pool's id to go on: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == user_pool_id { Ok(()) } else { Err(Refusal("not confirmed".into()).into()) }
}
