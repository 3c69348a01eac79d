use super::*;
use crate::pool_settings::differences;
use aws_sdk_cognitoidentityprovider::operation::update_user_pool::UpdateUserPoolInput;
use aws_sdk_cognitoidentityprovider::types::UserPoolType;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

/// The names of a shape's members, from the schema that the SDK itself writes and reads by.
macro_rules! members_of {
    ($shape:ty) => {
        <$shape>::SCHEMA.members().iter().filter_map(|member| member.member_name()).collect::<BTreeSet<_>>()
    };
}

#[test]
fn every_member_the_sdk_knows_of_an_update_is_carried_over() {
    let carried = CARRIED.iter().copied().chain(["UserPoolId", NAME.1]).collect();
    assert_eq!(members_of!(UpdateUserPoolInput), carried);
}

#[test]
fn every_member_the_sdk_knows_of_a_description_is_carried_or_known_to_be_read_only() {
    let known: BTreeSet<_> = CARRIED.iter().chain(&READ_ONLY).copied().chain([NAME.0]).collect();
    let unknown: Vec<_> = members_of!(UserPoolType).difference(&known).copied().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// A pool as Cognito would keep it: an update resets what it leaves out and refuses what Cognito refuses.
fn updated(pool: &Value, input: &Value) -> Result<Value, String> {
    let input = input.as_object().unwrap();
    let mut pool = pool.clone();
    if let Some(stranger) = input
        .keys()
        .find(|member| !CARRIED.contains(&member.as_str()) && !["UserPoolId", NAME.1].contains(&member.as_str()))
    {
        return Err(format!("unknown parameter {stranger}"));
    }
    for member in CARRIED {
        pool[member] = input.get(member).cloned().unwrap_or_else(|| default(member));
    }
    pool[NAME.0] = input.get(NAME.1).cloned().unwrap_or_default();
    let days = &input.get("Policies").unwrap_or(&Value::Null)["PasswordPolicy"]["TemporaryPasswordValidityDays"];
    if !days.is_null() {
        if !pool["AdminCreateUserConfig"]["UnusedAccountValidityDays"].is_null() {
            return Err("use TemporaryPasswordValidityDays instead of UnusedAccountValidityDays".to_owned());
        }
        if pool["AdminCreateUserConfig"].is_object() {
            pool["AdminCreateUserConfig"]["UnusedAccountValidityDays"] = days.clone();
        }
    }
    let empty = json!({});
    let tags = input.get("UserPoolTags").unwrap_or(&empty);
    if tags.as_object().unwrap().keys().any(|tag| tag.starts_with("aws:")) {
        return Err("aws: prefixed tag key names are not allowed for external use".to_owned());
    }
    let kept = pool["_reserved"].as_object().cloned().unwrap_or_default();
    pool["UserPoolTags"] = tags.clone();
    pool["UserPoolTags"].as_object_mut().unwrap().extend(kept);
    pool["LastModifiedDate"] = json!(pool["LastModifiedDate"].as_f64().unwrap() + 1.0);
    Ok(pool)
}

fn default(member: &str) -> Value {
    match member {
        "UserPoolTier" => json!("ESSENTIALS"),
        "MfaConfiguration" => json!("OFF"),
        "DeletionProtection" => json!("INACTIVE"),
        "LambdaConfig" | "UserPoolTags" => json!({}),
        _ => Value::Null,
    }
}

/// What a described pool shows: the fake's own notes are no part of it.
fn described(pool: &Value) -> Description {
    let mut shown = pool.clone();
    shown.as_object_mut().unwrap().remove("_reserved");
    Description(shown)
}

/// Any setting, of any depth: today's members, and those that a structure may get tomorrow.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-zA-Z0-9{}#/.:@ -]{1,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
            proptest::collection::btree_map("[A-Z][a-z]{1,8}", inner, 1..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn arn() -> impl Strategy<Value = String> {
    "[a-z]{1,8}".prop_map(|name| format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}"))
}

fn lambda_config() -> impl Strategy<Value = Value> {
    let others = proptest::collection::btree_map(
        proptest::sample::select(vec!["PreAuthentication", "DefineAuthChallenge", "UserMigration", "KMSKeyID"]),
        arn().prop_map(Value::from),
        0..4,
    );
    let ours = proptest::collection::btree_map(proptest::sample::select(Trigger::ALL.to_vec()), arn(), 0..5);
    (others, ours, proptest::option::of(arn()), anything()).prop_map(|(others, ours, token, sender)| {
        let mut config = json!({ "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": sender } });
        for (member, value) in others {
            config[member] = value;
        }
        for (trigger, function) in ours {
            config[trigger.member()] = trigger.value(&function);
        }
        if let Some(token) = token {
            config["PreTokenGeneration"] = json!(token);
            config["PreTokenGenerationConfig"] = json!({ "LambdaArn": token, "LambdaVersion": "V2_0" });
        }
        config
    })
}

prop_compose! {
    /// A pool with every member there is, none of them as Cognito would set it by itself.
    fn pool()(
        mut any in proptest::collection::vec(anything(), CARRIED.len()),
        config in lambda_config(),
        days in proptest::option::of(1..365_i32),
        tags in proptest::collection::btree_map("[a-z]{1,8}", "[a-z]{1,8}", 0..3),
        reserved in any::<bool>(),
        name in "[a-z]{1,12}",
    ) -> Value {
        let mut pool = json!({
            "Id": "eu-central-1_EXAMPLE01", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_EXAMPLE01",
            "Name": name, "Status": "Enabled", "CreationDate": 1.5, "LastModifiedDate": 2.5,
            "SchemaAttributes": [{ "Name": "email" }], "EstimatedNumberOfUsers": 7, "Domain": "example",
            "AliasAttributes": ["email"], "UsernameConfiguration": { "CaseSensitive": false },
            "DcrConfiguration": { "Enabled": true },
        });
        for member in CARRIED {
            pool[member] = any.pop().unwrap();
        }
        pool["UserPoolTier"] = json!("PLUS");
        pool["MfaConfiguration"] = json!("ON");
        pool["DeletionProtection"] = json!("ACTIVE");
        pool["LambdaConfig"] = config;
        pool["Policies"] = json!({ "PasswordPolicy": { "MinimumLength": 17, "TemporaryPasswordValidityDays": days } });
        pool["AdminCreateUserConfig"] = json!({ "AllowAdminCreateUserOnly": true,
            "UnusedAccountValidityDays": days.unwrap_or(9) });
        pool["_reserved"] = if reserved { json!({ "aws:cloudformation:stack-name": "x" }) } else { json!({}) };
        pool["UserPoolTags"] = json!(tags);
        let reserved = pool["_reserved"].as_object().unwrap().clone();
        pool["UserPoolTags"].as_object_mut().unwrap().extend(reserved);
        pool
    }
}

fn triggers() -> impl Strategy<Value = Triggers> {
    let value = proptest::option::of(arn());
    proptest::collection::btree_map(proptest::sample::select(Trigger::ALL.to_vec()), value, 1..5).prop_map(|chosen| {
        chosen.into_iter().map(|(trigger, arn)| (trigger, arn.map(|arn| trigger.value(&arn)))).collect()
    })
}

proptest! {
    #[test]
    fn an_update_changes_the_chosen_triggers_and_nothing_else(pool in pool(), triggers in triggers()) {
        let before = described(&pool);
        let input = update_input(&before, &triggers).unwrap();
        let after = described(&updated(&pool, &input).unwrap());
        for (trigger, value) in &triggers {
            prop_assert_eq!(after.lambda_config().get(trigger.member()), value.as_ref());
        }
        for difference in differences(&before, &after) {
            let member = difference.setting.split('.').nth(1).and_then(Trigger::with_member);
            prop_assert!(difference.setting.starts_with("LambdaConfig."), "{:?}", difference);
            prop_assert!(member.is_some_and(|member| triggers.contains_key(&member)), "{:?}", difference);
        }
    }

    #[test]
    fn clearing_what_was_set_leaves_the_pool_as_it_was(pool in pool(), function in arn()) {
        let trigger = Trigger::PreSignUp;
        let before = described(&pool);
        let set = update_input(&before, &Triggers::from([(trigger, Some(trigger.value(&function)))])).unwrap();
        let changed = updated(&pool, &set).unwrap();
        let old = before.lambda_config().get(trigger.member()).cloned();
        let reset = update_input(&described(&changed), &Triggers::from([(trigger, old)])).unwrap();
        let after = described(&updated(&changed, &reset).unwrap());
        prop_assert_eq!(differences(&before, &after), vec![]);
    }

    #[test]
    fn a_member_that_were_left_out_would_show(pool in pool(), left_out in proptest::sample::select(CARRIED.to_vec())) {
        let before = described(&pool);
        let mut input = update_input(&before, &Triggers::new()).unwrap();
        input.as_object_mut().unwrap().remove(left_out);
        // Such an input is wrong in itself where two members depend on each other.
        if let Ok(after) = updated(&pool, &input) {
            let nothing = pool[left_out].as_object().is_some_and(|members| members.keys().all(|tag| tag.starts_with("aws:")));
            prop_assert!(nothing || !differences(&before, &described(&after)).is_empty(), "{}", left_out);
        }
    }
}

#[test]
fn a_setting_that_nobody_here_knows_is_refused_by_name() {
    let pool = Description(json!({ "Id": "p", "Name": "n", "QuantumConfiguration": { "Entangled": true } }));
    let error = update_input(&pool, &Triggers::new()).unwrap_err();
    assert_eq!(error, Unsafe::Unknown("QuantumConfiguration".to_owned()));
    assert!(error.to_string().contains("QuantumConfiguration"), "{error}");
}

#[test]
fn two_functions_for_pre_token_generation_are_refused_before_cognito_does() {
    let config = json!({ "PreTokenGeneration": "a", "PreTokenGenerationConfig": { "LambdaArn": "b" } });
    let pool = Description(json!({ "Id": "p", "LambdaConfig": config }));
    assert_eq!(update_input(&pool, &Triggers::new()), Err(Unsafe::TwoPreTokenGenerations));
}

#[test]
fn what_is_no_pool_is_refused() {
    for wrong in [json!(null), json!([]), json!({ "Name": "no id" })] {
        assert_eq!(update_input(&Description(wrong), &Triggers::new()), Err(Unsafe::NoPool));
    }
}
