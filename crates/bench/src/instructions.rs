//! Counts the instructions of a start. This is the only figure of a start that other work on the machine does not
//! change.
//!
//! Valgrind counts them. It also gives every program the same processor features on similar machines. The count differs
//! by less than a thousandth from run to run, because of the random numbers of the TLS handshake.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::measure::{self, Subject};
use crate::stand_in::StandIn;

/// How far a count may be above the saved one. Another compiler, C library, Valgrind or generation of processors may
/// add that much.
const MARGIN: f64 = 1.1;

/// Counts by name of the case.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Saved counts, by kind of processor.
pub(crate) type Baseline = BTreeMap<String, Counts>;

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
    drop(measure::start(stand_in, subject, &valgrind).await?);
    let text = std::fs::read_to_string(&log).with_context(|| format!("{} cannot be read", log.display()))?;
    collected(&text).with_context(|| format!("{}: Valgrind counted nothing", subject.name))
}

/// Finds the count in Valgrind's output: `==123== Collected : 5140446`.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Prints the counts and compares them with those saved for this kind of processor. If none are saved, it only prints.
///
/// # Errors
///
/// Fails if a count is more than a tenth above the saved one, or belongs to a case without a saved one.
pub(crate) fn compare(counts: &Counts, baseline: Option<&Counts>) -> Result<()> {
    let Some(baseline) = baseline else {
        for (name, count) in counts {
            println!("{count:>9} instructions, none saved for {ARCH}  {name}");
        }
        return Ok(());
    };
    let mut too_many = Vec::new();
    for (name, &count) in counts {
        let baseline = *baseline.get(name).with_context(|| format!("no count is saved for {name}; --save saves it"))?;
        let ratio = ratio(count, baseline);
        println!("{count:>9} instructions, {:+.1} %  {name}", (ratio - 1.0) * 100.0);
        if ratio > MARGIN {
            too_many.push(name.as_str());
        }
    }
    if !too_many.is_empty() {
        bail!("more than a tenth above the saved instructions: {}", too_many.join(", "));
    }
    Ok(())
}

/// Reads the saved counts.
///
/// # Errors
///
/// Fails if the file cannot be read or has another form.
pub(crate) fn read(path: &Path) -> Result<Baseline> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has another form than expected", path.display()))
}

/// Saves these counts for this kind of processor, and keeps the counts of other kinds.
///
/// # Errors
///
/// Fails if the file cannot be written.
pub(crate) fn save(counts: &Counts, baseline: &mut Baseline, path: &Path) -> Result<()> {
    baseline.insert(ARCH.to_owned(), counts.clone());
    let text = serde_json::to_string_pretty(baseline)? + "\n";
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[allow(clippy::cast_precision_loss, reason = "a start has far fewer than 2^52 instructions")]
fn ratio(count: u64, to: u64) -> f64 {
    count as f64 / to as f64
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

    #[test]
    fn a_count_may_be_a_tenth_above_what_is_kept_and_no_more() {
        let counts = |count| Counts::from([("link".to_owned(), count)]);
        let baseline = counts(1_000);
        assert!(compare(&counts(1_099), Some(&baseline)).is_ok());
        assert!(compare(&counts(500), Some(&baseline)).is_ok());
        let error = compare(&counts(1_101), Some(&baseline)).unwrap_err().to_string();
        assert!(error.contains("link"), "{error}");
        assert!(compare(&counts(1_000), Some(&Counts::new())).is_err());
    }

    #[test]
    fn counts_of_other_kinds_of_processor_stay() {
        let folder = std::env::temp_dir().join(format!("instructions-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("instructions.json");
        let mut baseline = Baseline::from([("another".to_owned(), Counts::from([("link".to_owned(), 7)]))]);
        save(&Counts::from([("link".to_owned(), 5)]), &mut baseline, &file).unwrap();
        let read = read(&file).unwrap();
        assert_eq!((read["another"]["link"], read[ARCH]["link"]), (7, 5));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
