//! How many segments does a text message take? A carrier bills each.

use std::collections::BTreeMap;

use super::verification_link::settings_of_messages;
use super::{Facts, Finding};
use crate::trigger::Trigger;
use messages::gallery::samples;
use messages::{Kind, sms};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let attached = facts.functions.contains_key(&Trigger::CustomMessage);
    if !attached || facts.text("/SmsConfiguration/SnsCallerArn").is_empty() {
        return vec![];
    }
    let Some(settings) = settings_of_messages(facts) else { return vec![] };
    // A user name and a temporary password fill a text message by themselves.
    let texts = samples(&settings).into_iter().filter(|sample| sample.message != Kind::AdminCreateUser.name());
    let mut longest = BTreeMap::new();
    for (locale, text) in texts.filter_map(|sample| Some((sample.locale, sample.sms?))) {
        let (alphabet, count) = sms::segments(&text);
        let found = longest.entry(locale).or_insert((count, alphabet));
        if count > found.0 {
            *found = (count, alphabet);
        }
    }
    let several: Vec<_> = longest
        .into_iter()
        .filter(|(_, (count, _))| *count > 1)
        .map(|(locale, (count, alphabet))| format!("{locale} {count} ({alphabet})"))
        .collect();
    if several.is_empty() {
        return vec![];
    }
    let why = format!("Text messages take more than one segment, and each is billed: {}", several.join(", "));
    let remedy = "Shorten APP_NAME on custom-message, or write it in letters of the GSM alphabet. `cognito-triggers preview` \
                  shows alphabet and segments of each text";
    vec![Finding::note("sms_several_segments", "SmsConfiguration", &why, remedy)]
}
