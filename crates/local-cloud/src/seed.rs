//! The local pool of the sample events, with the same pool id, app client and people.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::user_pool::Kind;

/// The pool id in every file under `events/`.
pub const POOL_ID: &str = "eu-central-1_EXAMPLE01";

/// The app client id in every file under `events/`.
pub const CLIENT_ID: &str = "1example23456789abcdefghij";

/// The group that new accounts join.
pub const GROUP: &str = "Users";

/// The password of every seeded native account. It works only in the local pool.
pub const PASSWORD: &str = "Correct-Horse-7-Battery";

/// The seeded pool in the form of MiniStack's saved state, version 3: `pool.json` with the settings of its kind.
///
/// It has to be a file, because the API gives every pool, client and account a random id.
///
/// # Errors
///
/// Fails if `pool.json` is not JSON.
pub fn saved_pool(kind: Kind) -> Result<Value> {
    let mut saved: Value = serde_json::from_str(include_str!("../pool.json")).context("pool.json is not JSON")?;
    let pool = &mut saved["payload"]["user_pools"][POOL_ID];
    if let Value::Object(settings) = kind.configuration("local") {
        for (name, value) in settings {
            pool[name] = value;
        }
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout;
    use crate::user_pool::{CALLBACK, REGION};
    use serde_json::json;
    use std::path::PathBuf;

    /// The events of the triggers. The account API's request names no pool.
    fn events() -> Vec<(PathBuf, Value)> {
        let mut found = Vec::new();
        for folder in std::fs::read_dir(layout::events()).unwrap().flatten() {
            if !folder.path().is_dir() || folder.path().ends_with("account-api") {
                continue;
            }
            for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
                let text = std::fs::read_to_string(file.path()).unwrap();
                found.push((file.path(), serde_json::from_str(&text).unwrap()));
            }
        }
        assert!(!found.is_empty());
        found
    }

    #[test]
    fn every_event_names_the_pool_that_is_seeded() {
        for (path, event) in events() {
            assert_eq!(event["userPoolId"], POOL_ID, "{}", path.display());
            assert_eq!(event["region"], REGION, "{}", path.display());
        }
    }

    #[test]
    fn the_pool_has_the_settings_of_its_kind_and_what_other_rooms_know_of_it() {
        let saved = saved_pool(Kind::EmailAsAlias).unwrap();
        let pool = &saved["payload"]["user_pools"][POOL_ID];
        assert_eq!((&pool["Id"], &pool["AliasAttributes"]), (&json!(POOL_ID), &json!(["email"])));
        assert!(pool["_groups"][GROUP].is_object());
        assert_eq!(pool["_clients"][CLIENT_ID]["CallbackURLs"], json!([CALLBACK]));
        let passwords: Vec<_> = pool["_users"].as_object().unwrap().values().map(|user| &user["_password"]).collect();
        assert!(passwords.iter().any(|password| **password == PASSWORD));
        assert!(passwords.iter().all(|password| **password == PASSWORD || **password == ""));
    }

    #[test]
    fn everybody_who_must_exist_for_an_event_is_seeded() {
        let saved = saved_pool(Kind::EmailAsUsername).unwrap();
        let users = saved["payload"]["user_pools"][POOL_ID]["_users"].as_object().unwrap();
        let triggers = ["post-confirmation", "post-authentication"];
        for (path, event) in events() {
            if triggers.iter().any(|trigger| path.parent().unwrap().ends_with(trigger)) {
                let known = |name: &Value| {
                    users.values().any(|user| *name == user["Username"] || *name == user["Attributes"][0]["Value"])
                };
                assert!(known(&event["userName"]), "{} names nobody in the pool", path.display());
            }
        }
    }
}
