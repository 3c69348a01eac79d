//! Counts the instructions of a start. This is the only figure of a start that other work on the machine does not
//! change.
//!
//! Valgrind counts them. It also gives every program the same processor features on similar machines. The count differs
//! by less than a thousandth from run to run, because of the random numbers of the TLS handshake.

use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{self, Subject};
use crate::stand_in::StandIn;

/// Counts the instructions from the start of the process until it waits for its second event. Valgrind's output goes to
/// a file in `folder`.
///
/// # Errors
///
/// Fails if Valgrind is missing, or if the function fails or makes other calls than its case says.
pub(crate) async fn of_start(stand_in: &StandIn, subject: &Subject, folder: &Path) -> Result<u64> {
    let log = folder.join(format!("{}.valgrind", subject.name.replace([':', ' '], "-")));
    let log_file = format!("--log-file={}", log.display());
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", &log_file].map(str::to_owned);
    // Valgrind writes the count when the process ends. Dropping its guard ends it.
    drop(measure::start(stand_in, subject, &valgrind, None).await?);
    let text = std::fs::read_to_string(&log).with_context(|| format!("{} cannot be read", log.display()))?;
    collected(&text).with_context(|| format!("{}: Valgrind counted nothing", subject.name))
}

/// Finds the count in Valgrind's output: `==123== Collected : 5140446`.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_writes() {
        let text = "==7== Events    : Ir\n==7== Collected : 5140446\n==7== \n";
        assert_eq!(collected(text), Some(5_140_446));
        assert_eq!(collected("==7== Collected nothing"), None);
    }
}
