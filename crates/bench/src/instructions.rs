//! How many instructions a start takes: the one figure of a start that no other work on the machine changes.
//!
//! Counted by Valgrind, which also gives every program the same processor features on like machines. From run to run the count
//! differs by less than a thousandth: by the random numbers of the handshake.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::lambda::Process;
use super::measure::{Subject, with_calls};
use super::stand_in::StandIn;

/// By how much a count may be above the one that is kept: what another compiler, C library, Valgrind or generation of
/// processors may add.
const MARGIN: f64 = 1.1;

/// Counts by the name of the case.
pub type Counts = BTreeMap<String, u64>;

/// The instructions from the start of the process until it waits for its second event.
///
/// # Errors
///
/// Valgrind is not there, or the function fails or makes other calls than its case says.
pub async fn of_start(stand_in: &StandIn, subject: &Subject) -> Result<u64> {
    let mut program = subject.program.clone();
    let log = program.log.clone().context("what Valgrind says needs a file")?;
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"].map(str::to_owned);
    program.command.splice(0..0, valgrind);
    let begin = async {
        let (process, _) = Process::start(&program, subject.case.payload(), None).await?;
        process.end().await
    };
    with_calls(stand_in, subject, begin).await?;
    let text = std::fs::read_to_string(&log).with_context(|| format!("{} cannot be read", log.display()))?;
    collected(&text).with_context(|| format!("{}: Valgrind counted nothing", program.name))
}

/// The count in what Valgrind writes at the end: `==123== Collected : 5140446`.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Prints the counts beside those that are kept for this kind of processor, and fails if one is above by more than the
/// margin. With none kept it only prints.
///
/// # Errors
///
/// A count is too high, or of a case that has none among those that are kept.
pub fn compare(counts: &Counts, kept: Option<&Counts>) -> Result<()> {
    if counts.is_empty() {
        bail!("there is no such case");
    }
    let (mut too_many, mut unknown) = (Vec::new(), Vec::new());
    for (name, &count) in counts {
        let Some(kept) = kept else {
            println!("{count:>9} instructions, none kept for {ARCH}  {name}");
            continue;
        };
        let Some(&kept) = kept.get(name) else {
            unknown.push(name.as_str());
            continue;
        };
        let ratio = ratio(count, kept);
        println!("{count:>9} instructions, {:+.1} %  {name}", (ratio - 1.0) * 100.0);
        if ratio > MARGIN {
            too_many.push(name.as_str());
        }
    }
    if !too_many.is_empty() {
        bail!("more than a tenth above the instructions that are kept: {}", too_many.join(", "));
    }
    if !unknown.is_empty() {
        bail!("no count is kept for {}; --save keeps them", unknown.join(", "));
    }
    Ok(())
}

/// The counts that are kept, by kind of processor.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept(BTreeMap<String, Counts>);

impl Kept {
    /// Reads what is kept; nothing if there is no such file.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is of another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        serde_json::from_str(&text).with_context(|| format!("{} is of another form", path.display()))
    }

    /// Those for this kind of processor.
    #[must_use]
    pub fn here(&self) -> Option<&Counts> {
        self.0.get(ARCH)
    }

    /// Keeps counts of this kind of processor in place of earlier ones of the same cases.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn replace(&mut self, counts: &Counts, path: &Path) -> Result<()> {
        self.0.entry(ARCH.to_owned()).or_default().extend(counts.clone());
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
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
        let text = "{\"level\":\"INFO\"}\n==7== Events    : Ir\n==7== Collected : 5140446\n==7== \n";
        assert_eq!(collected(text), Some(5_140_446));
        assert_eq!(collected("==7== Collected nothing"), None);
    }

    #[test]
    fn a_count_may_be_a_tenth_above_what_is_kept_and_no_more() {
        let counts = |count| Counts::from([("link".to_owned(), count)]);
        let kept = counts(1_000);
        assert!(compare(&counts(1_099), Some(&kept)).is_ok());
        assert!(compare(&counts(500), Some(&kept)).is_ok());
        let error = compare(&counts(1_101), Some(&kept)).unwrap_err().to_string();
        assert!(error.contains("link"), "{error}");
        assert!(compare(&counts(1_000), Some(&Counts::new())).is_err());
        assert!(compare(&Counts::new(), Some(&kept)).is_err());
    }

    #[test]
    fn counts_are_kept_by_kind_of_processor() {
        let folder = std::env::temp_dir().join(format!("instructions-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("instructions.json");
        assert!(Kept::read(&file).unwrap().here().is_none());
        std::fs::write(&file, r#"{"z80": {"link": 7}}"#).unwrap();
        let mut kept = Kept::read(&file).unwrap();
        assert!(kept.here().is_none());
        kept.replace(&Counts::from([("link".to_owned(), 9)]), &file).unwrap();
        let kept = Kept::read(&file).unwrap();
        assert_eq!((kept.here().unwrap()["link"], kept.0["z80"]["link"]), (9, 7));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
