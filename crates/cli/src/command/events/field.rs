//! The values of an event that have a name on the command line.

use serde_json::{Map, Value, json};

/// Provider types an inbound federation event may have (developer guide, inbound federation trigger).
const PROVIDER_TYPES: [&str; 6] = ["OIDC", "SAML", "Facebook", "Google", "SignInWithApple", "LoginWithAmazon"];

/// The documents of an inbound federation event that hold claims.
const CLAIMS: [&str; 3] = ["idToken", "userInfo", "samlResponse"];

/// Puts a value into an event, or takes it out (`None`).
///
/// # Errors
///
/// The event has no such value, or it may not be this one; the text says what is allowed.
pub(super) fn set(event: &mut Value, name: &str, value: Option<&str>) -> Result<(), String> {
    let trigger = event["triggerSource"].as_str().unwrap_or_default().split('_').next().unwrap_or_default().to_owned();
    let inbound = trigger == "InboundFederation";
    let text = value.map(|text| json!(text));
    match name.split_once('.').map_or((name, None), |(group, key)| (group, Some(key).filter(|key| !key.is_empty()))) {
        ("user-pool-id", None) => {
            if let Some((region, _)) = value.and_then(|id| id.split_once('_')) {
                event["region"] = json!(region);
            }
            put(event, &[], "userPoolId", text);
        }
        ("region", None) => put(event, &[], "region", text),
        ("user-name", None) => put(event, &[], "userName", text),
        ("client-id", None) => put(event, &["callerContext"], "clientId", text),
        ("attribute", Some(key)) if !inbound => put(event, &["request", "userAttributes"], key, text),
        ("client-metadata", Some(key)) if !inbound => put(event, &["request", "clientMetadata"], key, text),
        ("validation-data", Some(key)) if trigger == "PreSignUp" => {
            put(event, &["request", "validationData"], key, text);
        }
        ("new-device-used", None) if trigger == "PostAuthentication" => {
            let flag = value.map(|text| text.parse::<bool>().map_err(|_| format!("{name} is true or false")));
            put(event, &["request"], "newDeviceUsed", flag.transpose()?.map(Value::Bool));
        }
        ("provider-name", None) if inbound => put(event, &["request"], "providerName", text),
        ("provider-type", None) if inbound => {
            if value.is_some_and(|wanted| !PROVIDER_TYPES.contains(&wanted)) {
                return Err(format!("{name} is one of {}", PROVIDER_TYPES.join(", ")));
            }
            put(event, &["request"], "providerType", text);
        }
        ("claim", Some(key)) if inbound => {
            for document in CLAIMS {
                // An event has the documents that its provider sends; an empty one stays empty.
                let holds_claims =
                    event["request"]["attributes"][document].as_object().is_some_and(|all| !all.is_empty());
                if holds_claims {
                    put(event, &["request", "attributes", document], key, text.clone());
                }
            }
        }
        ("id-token", Some(key)) if inbound => put(event, &["request", "attributes", "idToken"], key, text),
        ("user-info", Some(key)) if inbound => put(event, &["request", "attributes", "userInfo"], key, text),
        ("saml", Some(key)) if inbound => put(event, &["request", "attributes", "samlResponse"], key, text),
        ("token-response", Some(key)) if inbound => put(event, &["request", "attributes", "tokenResponse"], key, text),
        _ => return Err(format!("{name} is no value of this event; it has {}", names(&trigger).join(", "))),
    }
    Ok(())
}

/// The names an event of this trigger has.
fn names(trigger: &str) -> Vec<&'static str> {
    let mut names = vec!["user-pool-id", "region", "user-name", "client-id"];
    names.extend_from_slice(match trigger {
        "InboundFederation" => {
            &["provider-name", "provider-type", "claim.*", "id-token.*", "user-info.*", "saml.*", "token-response.*"]
        }
        "PreSignUp" => &["attribute.*", "client-metadata.*", "validation-data.*"],
        "PostAuthentication" => &["attribute.*", "client-metadata.*", "new-device-used"],
        _ => &["attribute.*", "client-metadata.*"],
    });
    names
}

/// Writes or removes `key` in the object at `path`, which is made if it is absent or null.
fn put(event: &mut Value, path: &[&str], key: &str, value: Option<Value>) {
    let mut place = event;
    for step in path {
        let Some(object) = place.as_object_mut() else { return };
        if value.is_some() && object.get(*step).is_none_or(Value::is_null) {
            object.insert((*step).to_owned(), Value::Object(Map::new()));
        }
        let Some(next) = object.get_mut(*step) else { return };
        place = next;
    }
    match (value, place.as_object_mut()) {
        (Some(value), Some(object)) => drop(object.insert(key.to_owned(), value)),
        (None, Some(object)) => drop(object.shift_remove(key)),
        (_, None) => {}
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
        for sample in ALL {
            let mut event = sample.event().unwrap();
            let trigger = sample.source().unwrap();
            for name in names(trigger.split('_').next().unwrap()) {
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
