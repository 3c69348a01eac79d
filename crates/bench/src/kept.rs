//! Figures that are kept in `benches`, by kind of processor. A build may cost a little more than they say, and no more.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::path::Path;

use anyhow::{Context, Result, bail};
use local_cloud::layout;

/// Figures by name of the case.
pub(crate) type Figures = BTreeMap<String, u64>;

/// Kept figures, by kind of processor.
type Baseline = BTreeMap<String, Figures>;

/// A kind of figure, and the file that keeps it.
pub(crate) struct Kept {
    file: &'static str,
    unit: &'static str,
    /// How far a figure may be above the kept one, as a factor.
    margin: f64,
}

/// Instructions of a start. Another compiler, C library, Valgrind or generation of processors may add a tenth.
pub(crate) const INSTRUCTIONS: Kept = Kept { file: "benches/instructions.json", unit: "instructions", margin: 1.1 };

/// Peak memory of a start in KiB. Another kernel may have more of a file in memory than the pages that were asked for.
pub(crate) const PEAK_MEMORY: Kept = Kept { file: "benches/peak_memory.json", unit: "KiB", margin: 1.15 };

impl Kept {
    /// Prints the figures and compares them with the kept ones. With `save`, it keeps these instead.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or written, if a figure is above its margin, or if none is kept for a case.
    pub(crate) fn check(&self, figures: &Figures, save: bool) -> Result<()> {
        let path = layout::root().join(self.file);
        let mut baseline = read(&path)?;
        if save {
            keep(figures, &mut baseline, &path)?;
        }
        self.compare(figures, baseline.get(ARCH))
    }

    /// If nothing is kept for this kind of processor, it only prints.
    fn compare(&self, figures: &Figures, baseline: Option<&Figures>) -> Result<()> {
        let unit = self.unit;
        let Some(baseline) = baseline else {
            for (name, figure) in figures {
                println!("{figure:>9} {unit}, none kept for {ARCH}  {name}");
            }
            return Ok(());
        };
        let mut too_much = Vec::new();
        for (name, &figure) in figures {
            let kept =
                *baseline.get(name).with_context(|| format!("no {unit} are kept for {name}; --save keeps them"))?;
            let ratio = ratio(figure, kept);
            println!("{figure:>9} {unit}, {:+.1} %  {name}", (ratio - 1.0) * 100.0);
            if ratio > self.margin {
                too_much.push(name.as_str());
            }
        }
        if !too_much.is_empty() {
            let percent = (self.margin - 1.0) * 100.0;
            bail!("more than {percent:.0} % above the {unit} in {}: {}", self.file, too_much.join(", "));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Baseline> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has another form than expected", path.display()))
}

/// Keeps these figures for this kind of processor, and those of other kinds.
fn keep(figures: &Figures, baseline: &mut Baseline, path: &Path) -> Result<()> {
    baseline.insert(ARCH.to_owned(), figures.clone());
    let text = serde_json::to_string_pretty(baseline)? + "\n";
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[allow(clippy::cast_precision_loss, reason = "a start has far fewer than 2^52 instructions and KiB")]
fn ratio(figure: u64, to: u64) -> f64 {
    figure as f64 / to as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_may_be_its_margin_above_what_is_kept_and_no_more() {
        let figures = |figure| Figures::from([("link".to_owned(), figure)]);
        let baseline = figures(1_000);
        for (kept, most) in [(INSTRUCTIONS, 1_099), (PEAK_MEMORY, 1_149)] {
            assert!(kept.compare(&figures(most), Some(&baseline)).is_ok());
            assert!(kept.compare(&figures(500), Some(&baseline)).is_ok());
            let error = kept.compare(&figures(most + 2), Some(&baseline)).unwrap_err().to_string();
            assert!(error.contains("link") && error.contains(kept.file), "{error}");
            assert!(kept.compare(&figures(1_000), Some(&Figures::new())).is_err());
        }
    }

    #[test]
    fn figures_of_other_kinds_of_processor_stay() {
        let folder = std::env::temp_dir().join(format!("kept-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("instructions.json");
        let mut baseline = Baseline::from([("another".to_owned(), Figures::from([("link".to_owned(), 7)]))]);
        keep(&Figures::from([("link".to_owned(), 5)]), &mut baseline, &file).unwrap();
        let read = read(&file).unwrap();
        assert_eq!((read["another"]["link"], read[ARCH]["link"]), (7, 5));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
