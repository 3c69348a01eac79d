//! The values of an event that can be set on the command line.

use serde_json::{Value, json};

/// Provider types an inbound federation event may have (developer guide, inbound federation trigger).
const PROVIDER_TYPES: [&str; 6] = ["OIDC", "SAML", "Facebook", "Google", "SignInWithApple", "LoginWithAmazon"];

/// The documents of an inbound federation event that hold claims.
const CLAIMS: [&str; 3] = ["idToken", "userInfo", "samlResponse"];

/// A name on the command line, and where it stands in an event. A name that ends in `.*` stands for many values.
type Place = (&'static str, &'static [&'static str]);

const OF_ALL_EVENTS: [Place; 4] = [
    ("user-pool-id", &["userPoolId"]),
    ("region", &["region"]),
    ("user-name", &["userName"]),
    ("client-id", &["callerContext", "clientId"]),
];

const OF_PROFILES: [Place; 2] =
    [("attribute.*", &["request", "userAttributes"]), ("client-metadata.*", &["request", "clientMetadata"])];

const OF_INBOUND_FEDERATION: [Place; 7] = [
    ("provider-name", &["request", "providerName"]),
    ("provider-type", &["request", "providerType"]),
    // In every document that the event has.
    ("claim.*", &[]),
    ("id-token.*", &["request", "attributes", "idToken"]),
    ("user-info.*", &["request", "attributes", "userInfo"]),
    ("saml.*", &["request", "attributes", "samlResponse"]),
    ("token-response.*", &["request", "attributes", "tokenResponse"]),
];

/// Sets a value in an event, or removes it (`None`).
///
/// # Errors
///
/// Fails if the event has no such value, or does not allow this one. The text says what is allowed.
pub(super) fn set(event: &mut Value, name: &str, value: Option<&str>) -> Result<(), String> {
    let trigger = event["triggerSource"].as_str().unwrap_or_default().split('_').next().unwrap_or_default().to_owned();
    let places = places(&trigger);
    let (group, key) = name.split_once('.').map_or((name, ""), |(group, key)| (group, key));
    let is_it = |(place, _): &&Place| match place.strip_suffix(".*") {
        Some(list) => list == group && !key.is_empty(),
        None => *place == name,
    };
    let Some((_, path)) = places.iter().find(is_it) else {
        let names: Vec<_> = places.iter().map(|(name, _)| *name).collect();
        return Err(format!("this event has no {name}; it has {}", names.join(", ")));
    };
    let text = value.map(Value::from);
    match (name, value) {
        ("user-pool-id", Some(id)) => {
            if let Some((region, _)) = id.split_once('_') {
                event["region"] = json!(region);
            }
        }
        ("new-device-used", Some(flag)) => {
            let flag: bool = flag.parse().map_err(|_| format!("{name} is true or false"))?;
            put(event, path, "", Some(flag.into()));
            return Ok(());
        }
        ("provider-type", Some(wanted)) if !PROVIDER_TYPES.contains(&wanted) => {
            return Err(format!("{name} is one of {}", PROVIDER_TYPES.join(", ")));
        }
        _ => {}
    }
    if group == "claim" {
        for document in CLAIMS {
            // An event has the documents that its provider sends; an empty one stays empty.
            if event["request"]["attributes"][document].as_object().is_some_and(|claims| !claims.is_empty()) {
                put(event, &["request", "attributes", document], key, text.clone());
            }
        }
    } else {
        put(event, path, key, text);
    }
    Ok(())
}

/// The names that an event of this trigger has.
fn places(trigger: &str) -> Vec<Place> {
    let own: &[&[Place]] = match trigger {
        "InboundFederation" => &[&OF_INBOUND_FEDERATION],
        "PreSignUp" => &[&OF_PROFILES, &[("validation-data.*", &["request", "validationData"])]],
        "PostAuthentication" => &[&OF_PROFILES, &[("new-device-used", &["request", "newDeviceUsed"])]],
        _ => &[&OF_PROFILES],
    };
    [&[&OF_ALL_EVENTS[..]], own].concat().concat()
}

/// Writes or removes a value: the member `key` of the object at `path`, or without a key the last member of `path`.
fn put(event: &mut Value, path: &[&str], key: &str, value: Option<Value>) {
    let mut steps: Vec<_> = path.iter().copied().chain([key]).filter(|step| !step.is_empty()).collect();
    if let Some(value) = value {
        // Objects on the way are created if they are missing or null.
        *steps.into_iter().fold(event, |place, step| &mut place[step]) = value;
        return;
    }
    let last = steps.pop().unwrap_or_default();
    let place = steps.into_iter().try_fold(event, |place, step| place.get_mut(step));
    if let Some(object) = place.and_then(Value::as_object_mut) {
        object.shift_remove(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::events::samples::{ALL, find};

    fn event(name: &str) -> Value {
        find(name).unwrap().event().unwrap()
    }

    #[test]
    fn a_pool_brings_its_region_along() {
        let mut google = event("pre-sign-up/google");
        set(&mut google, "user-pool-id", Some("us-west-2_AbC")).unwrap();
        assert_eq!((&google["userPoolId"], &google["region"]), (&json!("us-west-2_AbC"), &json!("us-west-2")));
    }

    #[test]
    fn only_what_is_named_changes() {
        let before = event("pre-sign-up/google");
        let mut after = before.clone();
        set(&mut after, "attribute.email", Some("grace@example.org")).unwrap();
        set(&mut after, "client-metadata.locale", Some("de")).unwrap();
        set(&mut after, "attribute.custom:idp_subject", Some("aB")).unwrap();
        set(&mut after, "attribute.name", None).unwrap();
        assert_eq!(after["request"]["userAttributes"]["email"], "grace@example.org");
        assert_eq!(after["request"]["userAttributes"]["custom:idp_subject"], "aB");
        assert_eq!(after["request"]["clientMetadata"], json!({ "locale": "de" }));
        assert!(after["request"]["userAttributes"].get("name").is_none());
        after["request"] = before["request"].clone();
        assert_eq!(after, before);
    }

    #[test]
    fn a_claim_goes_into_every_document_the_provider_sends_and_into_no_other() {
        let mut google = event("inbound-federation/google");
        set(&mut google, "claim.email_verified", Some("false")).unwrap();
        let documents = &google["request"]["attributes"];
        assert_eq!(
            (&documents["idToken"]["email_verified"], &documents["userInfo"]["email_verified"]),
            (&json!("false"), &json!("false"))
        );
        let mut apple = event("inbound-federation/apple");
        set(&mut apple, "claim.email", Some("x@example.com")).unwrap();
        assert_eq!(apple["request"]["attributes"]["userInfo"], json!({}));
        assert_eq!(apple["request"]["attributes"]["idToken"]["email"], "x@example.com");
    }

    #[test]
    fn null_becomes_an_object_for_a_value_and_what_is_absent_stays_absent_when_removed() {
        let mut event = event("custom-message/null-attributes");
        let before = event.clone();
        set(&mut event, "attribute.custom:none", None).unwrap();
        set(&mut event, "client-metadata.locale", None).unwrap();
        assert_eq!(event, before);
        set(&mut event, "client-metadata.locale", Some("de")).unwrap();
        assert_eq!(event["request"]["clientMetadata"], json!({ "locale": "de" }));
    }

    #[test]
    fn a_name_that_the_event_does_not_have_is_answered_with_those_it_has() {
        for (sample, name, offers) in [
            ("pre-sign-up/google", "email", "attribute.*"),
            ("pre-sign-up/google", "claim.email", "validation-data.*"),
            ("pre-sign-up/google", "attribute.", "attribute.*"),
            ("custom-message/sign-up", "new-device-used", "client-metadata.*"),
            ("inbound-federation/saml", "attribute.email", "claim.*"),
        ] {
            let why = set(&mut event(sample), name, Some("x")).unwrap_err();
            assert!(why.contains(offers), "{sample} {name}: {why}");
        }
        assert!(set(&mut event("post-authentication/native"), "new-device-used", Some("yes")).is_err());
        let types = set(&mut event("inbound-federation/saml"), "provider-type", Some("saml")).unwrap_err();
        assert!(types.contains("SignInWithApple"), "{types}");
    }

    #[test]
    fn every_name_that_is_offered_can_be_set_and_unset_in_every_sample() {
        for sample in &*ALL {
            let mut event = sample.event().unwrap();
            let trigger = sample.source().unwrap();
            for name in places(trigger.split('_').next().unwrap()).into_iter().map(|(name, _)| name) {
                let value = match name {
                    "provider-type" => "OIDC",
                    "new-device-used" => "true",
                    _ => "value",
                };
                let name = name.replace('*', "key");
                assert_eq!(set(&mut event, &name, Some(value)), Ok(()), "{} {name}", sample.name);
                assert_eq!(set(&mut event, &name, None), Ok(()), "{} {name}", sample.name);
            }
        }
    }
}
