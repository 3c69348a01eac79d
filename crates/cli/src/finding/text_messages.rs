//! How many segments does a text message take? A carrier bills each.

use super::verification_link::settings_of_messages;
use super::{Facts, Finding};
use messages::gallery::samples;
use messages::{Kind, sms};
use std::collections::BTreeMap;

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let settings = settings_of_messages(facts).filter(|_| facts.sends_text_messages())?;
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
    let why = format!("Text messages take more than one segment, and each is billed: {}", several.join(", "));
    let remedy = "Shorten APP_NAME on custom-message, or write it in letters of the GSM alphabet. `cognito-triggers preview` \
                  shows alphabet and segments of each text";
    (!several.is_empty()).then(|| Finding::note("sms_several_segments", "SmsConfiguration", &why, remedy))
}
