//! The sample events, compiled in.

use anyhow::{Context, Result};
use serde_json::Value;

/// What the samples stand for.
const README: &str = include_str!("../../../../../events/README.md");

/// One sample event.
#[derive(Debug)]
pub(super) struct Sample {
    /// Its function and case, such as `pre-sign-up/google`.
    pub(super) name: &'static str,
    json: &'static str,
}

macro_rules! samples {
    ($($name:literal),+ $(,)?) => {
        &[$(Sample { name: $name, json: include_str!(concat!("../../../../../events/", $name, ".json")) }),+]
    };
}

/// Every sample. The first of a source stands for it.
pub(super) const ALL: &[Sample] = samples![
    "pre-sign-up/native",
    "pre-sign-up/native-minimal",
    "pre-sign-up/admin-create",
    "pre-sign-up/google",
    "pre-sign-up/google-new-person",
    "pre-sign-up/google-unverified",
    "pre-sign-up/google-lower-cased",
    "pre-sign-up/facebook",
    "pre-sign-up/apple",
    "pre-sign-up/oidc-mixed-case",
    "pre-sign-up/oidc-lower-cased",
    "pre-sign-up/oidc-raw-subject",
    "pre-sign-up/saml",
    "pre-sign-up/saml-list-of-one",
    "pre-sign-up/without-email",
    "post-confirmation/sign-up",
    "post-confirmation/forgot-password",
    "post-confirmation/admin-confirmed",
    "post-confirmation/federated",
    "post-authentication/native",
    "post-authentication/google-unverified",
    "post-authentication/google-verified",
    "post-authentication/facebook-unverified",
    "post-authentication/linked-native",
    "post-authentication/linked-native-verified",
    "post-authentication/without-new-device-used",
    "custom-message/sign-up",
    "custom-message/resend-code",
    "custom-message/forgot-password",
    "custom-message/update-user-attribute",
    "custom-message/verify-user-attribute",
    "custom-message/admin-create-user",
    "custom-message/authentication",
    "custom-message/sms-only",
    "custom-message/null-attributes",
    "inbound-federation/google",
    "inbound-federation/google-unverified",
    "inbound-federation/google-other-subject",
    "inbound-federation/oidc",
    "inbound-federation/facebook",
    "inbound-federation/apple",
    "inbound-federation/saml",
    "inbound-federation/saml-list-of-one",
    "inbound-federation/saml-several-addresses",
    "inbound-federation/saml-denied",
    "inbound-federation/unlisted-oidc",
    "inbound-federation/without-email",
];

impl Sample {
    /// The event.
    ///
    /// # Errors
    ///
    /// The file is not JSON, which a test rules out.
    pub(super) fn event(&self) -> Result<Value> {
        serde_json::from_str(self.json).with_context(|| format!("the sample {} is not JSON", self.name))
    }

    /// Its trigger source.
    ///
    /// # Errors
    ///
    /// As [`Sample::event`].
    pub(super) fn source(&self) -> Result<String> {
        Ok(self.event()?["triggerSource"].as_str().unwrap_or_default().to_owned())
    }

    /// What it stands for: its row in the README of the samples, without Markdown.
    pub(super) fn about(&self) -> Option<String> {
        let (function, case) = self.name.split_once('/')?;
        let section = README.split("\n## ").find(|section| section.starts_with(function))?;
        let row = section.lines().find_map(|line| line.strip_prefix(&format!("| `{case}.json` | ")))?;
        Some(row.split(" | ").next()?.replace('`', ""))
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
            for case in function.is_dir().then(|| fs::read_dir(&function).unwrap()).into_iter().flatten() {
                let case = case.unwrap().path().with_extension("");
                files.insert(case.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
            }
        }
        assert_eq!(ALL.iter().map(|sample| sample.name.to_owned()).collect::<BTreeSet<_>>(), files);
        for sample in ALL {
            assert!(sample.about().is_some_and(|about| about.len() > 10), "{}", sample.name);
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
