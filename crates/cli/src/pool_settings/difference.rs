//! What differs between two descriptions of a pool.

use super::Description;
use serde_json::Value;
use std::collections::BTreeMap;

/// What Cognito changes by itself.
const VOLATILE: [&str; 2] = ["LastModifiedDate", "EstimatedNumberOfUsers"];

/// A setting that changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Where it is, as in `Policies.PasswordPolicy.MinimumLength`.
    pub(crate) setting: String,
    /// What it was; null if it was not set.
    pub(crate) before: Value,
    /// What it is; null if it is not set.
    pub(crate) after: Value,
}

/// Every setting that differs, by its path. Null, an empty list and an empty object count as not set; the order
/// of a list does not count, because no list of a pool has an order and Cognito keeps none.
pub(crate) fn differences(before: &Description, after: &Description) -> Vec<Difference> {
    let (before, after) = (leaves(&before.0), leaves(&after.0));
    let settings: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let value = |side: &BTreeMap<String, Value>, setting: &str| side.get(setting).cloned().unwrap_or(Value::Null);
    settings
        .into_iter()
        .map(|setting| Difference {
            setting: setting.clone(),
            before: value(&before, setting),
            after: value(&after, setting),
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

fn leaves(description: &Value) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    for (member, value) in description.as_object().into_iter().flatten() {
        if !VOLATILE.contains(&member.as_str()) {
            collect(member, value, &mut leaves);
        }
    }
    // The older name of the same setting: Cognito shows it or not once the newer one is set.
    if leaves.contains_key("Policies.PasswordPolicy.TemporaryPasswordValidityDays") {
        leaves.remove("AdminCreateUserConfig.UnusedAccountValidityDays");
    }
    leaves
}

fn collect(path: &str, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (member, value) in members {
                collect(&format!("{path}.{member}"), value, leaves);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            leaves.insert(path.to_owned(), Value::Array(items));
        }
        _ => {
            leaves.insert(path.to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn between(before: Value, after: Value) -> Vec<String> {
        let found = differences(&Description(before), &Description(after));
        found.into_iter().map(|d| format!("{} {} {}", d.setting, d.before, d.after)).collect()
    }

    #[test]
    fn a_setting_deep_inside_is_named_by_its_path() {
        let found =
            between(json!({ "Policies": { "A": 1, "B": 2 } }), json!({ "Policies": { "A": 1, "B": 3 }, "C": true }));
        assert_eq!(found, ["C null true", "Policies.B 2 3"]);
    }

    #[test]
    fn the_order_of_a_list_and_ways_to_say_nothing_are_no_difference() {
        let before = json!({ "L": ["a", "b"], "E": [], "O": {}, "N": null, "LastModifiedDate": 1 });
        assert!(between(before, json!({ "L": ["b", "a"], "LastModifiedDate": 2 })).is_empty());
        assert_eq!(between(json!({ "L": ["a"] }), json!({ "L": ["a", "a"] })), [r#"L ["a"] ["a","a"]"#]);
    }

    #[test]
    fn the_older_name_of_the_days_of_a_temporary_password_counts_only_without_the_newer() {
        let pool = |new: Value, old: Value| {
            json!({ "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": new } },
                "AdminCreateUserConfig": { "UnusedAccountValidityDays": old } })
        };
        assert!(between(pool(json!(7), json!(7)), pool(json!(7), Value::Null)).is_empty());
        assert_eq!(between(pool(json!(7), json!(7)), pool(json!(8), Value::Null)).len(), 1);
        assert_eq!(between(pool(Value::Null, json!(7)), pool(Value::Null, json!(8))).len(), 1);
    }

    #[test]
    fn false_zero_and_empty_text_are_values() {
        let found = between(json!({ "A": false, "B": 0, "C": "" }), json!({}));
        assert_eq!(found, ["A false null", "B 0 null", "C \"\" null"]);
    }
}
