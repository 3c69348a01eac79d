//! The sample events, compiled in.

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use serde_json::Value;
use std::sync::LazyLock;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../events");

/// What the samples stand for.
const README: &str = include_str!("../../../../../events/README.md");

/// One sample event.
#[derive(Debug)]
pub(super) struct Sample {
    /// Its function and case, such as `pre-sign-up/google`.
    pub(super) name: String,
    /// What it stands for.
    pub(super) about: String,
    json: &'static str,
}

/// Every sample, as the README lists them. The first of a source stands for it.
pub(super) static ALL: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    README.split("\n## ").flat_map(|section| section.lines().filter_map(move |line| row(section, line))).collect()
});

/// The sample that a row of a section's table is about. The section is named after the function.
fn row(section: &str, line: &str) -> Option<Sample> {
    let (case, row) = line.strip_prefix("| `")?.split_once(".json` | ")?;
    let name = format!("{}/{case}", section.lines().next()?);
    let json = FOLDER.get_file(format!("{name}.json"))?.contents_utf8()?;
    // Without Markdown.
    Some(Sample { about: row.split(" | ").next()?.replace('`', ""), name, json })
}

impl Sample {
    /// The event.
    ///
    /// # Errors
    ///
    /// Fails if the file is not JSON, which a test rules out.
    pub(super) fn event(&self) -> Result<Value> {
        serde_json::from_str(self.json).with_context(|| format!("the sample {} is not JSON", self.name))
    }

    /// Its trigger source.
    ///
    /// # Errors
    ///
    /// Fails if the file is not JSON, which a test rules out.
    pub(super) fn source(&self) -> Result<String> {
        Ok(self.event()?["triggerSource"].as_str().unwrap_or_default().to_owned())
    }
}

/// The sample of this name, or the first one of this trigger source.
pub(super) fn find(text: &str) -> Option<&'static Sample> {
    let of_source = |sample: &&Sample| sample.source().is_ok_and(|source| source == text);
    ALL.iter().find(|sample| sample.name == text).or_else(|| ALL.iter().find(of_source))
}

/// Every trigger source there is a sample of.
pub(super) fn sources() -> Vec<String> {
    let mut sources: Vec<_> = ALL.iter().filter_map(|sample| sample.source().ok()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_sample_file_is_built_in_and_described() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
        let mut files = BTreeSet::new();
        for function in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            // The account API is no trigger.
            if function.ends_with("account-api") {
                continue;
            }
            for case in function.is_dir().then(|| fs::read_dir(&function).unwrap()).into_iter().flatten() {
                let case = case.unwrap().path().with_extension("");
                files.insert(case.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
            }
        }
        assert_eq!(ALL.iter().map(|sample| sample.name.clone()).collect::<BTreeSet<_>>(), files);
        for sample in &*ALL {
            assert!(sample.about.len() > 10, "{}", sample.name);
            assert!(sample.source().unwrap().contains('_'), "{}", sample.name);
        }
    }

    #[test]
    fn a_source_stands_for_its_plainest_sample() {
        assert_eq!(find("PreSignUp_ExternalProvider").unwrap().name, "pre-sign-up/google");
        assert_eq!(find("inbound-federation/saml").unwrap().name, "inbound-federation/saml");
        assert!(find("google").is_none());
        assert_eq!(sources().len(), 14);
    }
}
