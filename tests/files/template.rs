//! Checks the text of the deployable templates. Needs no cloud.

use std::collections::{BTreeMap, BTreeSet};

use cognito_core::settings::{BY_CLIENT, BY_POOL};
use end_to_end::owned;
use end_to_end::template::{Template, texts};
use local_cloud::stack::template::TemplateFile;
use serde_json::Value;

use crate::install::functions;

fn resources() -> Value {
    TemplateFile::Pool.document().unwrap()["Resources"].take()
}

fn resources_of_account_api() -> Value {
    TemplateFile::AccountApi.document().unwrap()["Resources"].take()
}

/// A template of which the tests ask what it makes with given parameters.
fn parsed(template: TemplateFile) -> Template {
    Template::parse(&template.text().unwrap()).unwrap()
}

fn variables(resources: &Value, function: &str) -> serde_json::Map<String, Value> {
    resources[format!("{function}Function")]["Properties"]["Environment"]["Variables"].as_object().unwrap().clone()
}

/// The possible values of a list in the template: plain texts, and the first choice of each `!If`.
fn values(list: &Value) -> BTreeSet<String> {
    let texts = list.as_array().unwrap().iter().map(|item| item.as_str().or(item[1].as_str()).unwrap().to_owned());
    texts.collect()
}

#[test]
fn each_function_gets_exactly_the_variables_it_reads() {
    let resources = resources();
    for (_, function, read) in functions() {
        let variables = variables(&resources, function);
        let set: BTreeSet<_> = variables.keys().map(String::as_str).collect();
        assert_eq!(set, read.iter().copied().collect::<BTreeSet<_>>(), "{function}");
    }
}

/// Whether the template refuses these parameters with a text that begins so.
fn is_refused(parameters: &[(&str, &str)], reason: &str) -> bool {
    let template = parsed(TemplateFile::Pool);
    template.refusals(&owned(parameters)).unwrap().iter().any(|refusal| refusal.starts_with(reason))
}

/// The custom message function refuses a change of the address with Cognito's own call.
#[test]
fn a_refusal_of_direct_changes_needs_the_function_that_refuses() {
    let reason = "DirectEmailChange=refuse needs CustomMessages";
    let (refuses, never) = (("DirectEmailChange", "refuse"), ("CustomMessages", "never"));
    assert!(!is_refused(&[refuses], reason));
    assert!(is_refused(&[refuses, never], reason));
    // There you attach the function yourself.
    let existing = ("ExistingUserPoolId", "eu-central-1_AbCdEf123");
    assert!(!is_refused(&[refuses, never, existing], reason));
}

#[test]
fn messages_that_do_not_arrive_are_recorded_only_where_the_operator_says_so() {
    let template = parsed(TemplateFile::Pool);
    let made = |parameters: &[(&str, &str)]| {
        let parameters = owned(parameters);
        let names = ["UndeliveredLogDelivery", "UndeliveredAlarm", "MailEvents", "MailEventsMetrics", "BouncesAlarm"];
        let exists = names.map(|name| template.properties(name, &parameters).unwrap().is_some());
        let pool = template.properties("UserPool", &parameters).unwrap();
        let set = pool.map(|pool| pool["EmailConfiguration"]["ConfigurationSet"].clone());
        let named = template.outputs(&parameters).unwrap().contains("SesConfigurationSet");
        (exists, set, named)
    };
    let (ses, watch) = (("SesIdentityArn", "arn:aws:ses:eu-central-1:0:identity/example.com"), ("WatchDelivery", "on"));
    let existing = ("ExistingUserPoolId", "eu-central-1_AbCdEf123");
    assert_eq!(made(&[ses]), ([false; 5], Some(Value::Null), false));
    assert_eq!(made(&[watch]), ([true, true, false, false, false], Some(Value::Null), false));
    assert_eq!(made(&[ses, watch]), ([true; 5], Some("MailEvents".into()), true));
    // Of an existing pool the stack changes nothing, but the account API can name the set for its mails.
    assert_eq!(made(&[ses, watch, existing]), ([false, false, true, true, true], None, true));
    assert_eq!(made(&[watch, ("Monitoring", "false")]).0, [true, false, false, false, false]);
}

/// Otherwise people of that provider would be linked to nobody, and nothing would say so.
#[test]
fn a_provider_with_keys_is_in_the_list_of_providers_or_the_deployment_is_refused() {
    let template = parsed(TemplateFile::Pool);
    assert!(template.refusals(&BTreeMap::new()).unwrap().is_empty());
    let listed = template.defaults()["Providers"].clone();
    for (key, other_key, entry) in [
        ("FacebookAppId", "FacebookAppSecret", "Facebook:always"),
        ("OidcProviderName", "OidcClientSecret", "Corp:claim"),
    ] {
        let given = [(key, "Corp"), (other_key, "secret")];
        assert!(is_refused(&given, &format!("{key} needs an entry in Providers")), "{key}");
        let chosen = format!("{listed},{entry}");
        assert!(!is_refused(&[given[0], given[1], ("Providers", &chosen)], &format!("{key} needs an entry")), "{key}");
    }
    for name in ["Google", "SignInWithApple"] {
        assert!(listed.contains(&format!("{name}:")), "{name}");
    }
}

/// The statement about the pool of each function that calls it, with these parameters.
fn statements(parameters: &[(&str, &str)]) -> [Value; 3] {
    let (template, parameters) = (parsed(TemplateFile::Pool), owned(parameters));
    ["PreSignUp", "PostConfirmation", "PostAuthentication"].map(|function| {
        let policy = template.properties(&format!("{function}Rights"), &parameters).unwrap().unwrap();
        policy["PolicyDocument"]["Statement"][0].clone()
    })
}

#[test]
fn where_tags_choose_the_pools_every_right_asks_for_the_tag() {
    let rights = |tags: &str| {
        let given = [("ExistingUserPoolId", "*"), ("OnlyTaggedPools", tags)];
        statements(&given).map(|statement| statement["Condition"].to_string())
    };
    let tagged = r#"{"StringEquals":{"aws:ResourceTag/account-triggers":"AWS::StackName"}}"#;
    assert_eq!(rights("on"), [tagged; 3]);
    assert_eq!(rights("off"), ["null"; 3]);
    let one = [("ExistingUserPoolId", "eu-central-1_AbCdEf123"), ("OnlyTaggedPools", "on")];
    assert!(is_refused(&one, "OnlyTaggedPools needs"));
}

#[test]
fn further_pools_are_in_every_right_and_need_a_first_one() {
    let rights = |more: &str| {
        let given = [("ExistingUserPoolId", "eu-central-1_First"), ("MoreUserPoolArns", more)];
        statements(&given).map(|statement| statement["Resource"].clone())
    };
    let first = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${ExistingUserPoolId}";
    let more = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Second";
    assert_eq!(rights(""), [(); 3].map(|()| serde_json::json!([",", [",", [first]]])));
    assert_eq!(rights(more), [(); 3].map(|()| serde_json::json!([",", [",", [first, more]]])));
    for id in ["", "*"] {
        assert!(
            is_refused(&[("ExistingUserPoolId", id), ("MoreUserPoolArns", more)], "MoreUserPoolArns needs"),
            "{id}"
        );
    }
    assert!(!is_refused(
        &[("ExistingUserPoolId", "eu-central-1_First"), ("MoreUserPoolArns", more)],
        "MoreUserPoolArns"
    ));
    assert!(!is_refused(&[], "MoreUserPoolArns"));
}

#[test]
fn with_the_defaults_every_function_starts() {
    let template = parsed(TemplateFile::Pool);
    for (_, function, _) in functions() {
        let made = template.properties(&format!("{function}Function"), &BTreeMap::new()).unwrap().unwrap();
        let lookup = |name: &str| made["Environment"]["Variables"][name].as_str().map(str::to_owned);
        let refused = match function {
            "PreSignUp" => pre_sign_up::Settings::from_lookup(&lookup).err(),
            "PostConfirmation" => post_confirmation::Settings::from_lookup(&lookup).err(),
            "PostAuthentication" => post_authentication::Settings::from_lookup(&lookup).err(),
            "InboundFederation" => inbound_federation::Settings::from_lookup(&lookup).err(),
            _ => custom_message::Settings::from_lookup(&lookup).err(),
        };
        assert!(refused.is_none(), "{function}: {refused:?}");
    }
}

#[test]
fn every_choice_the_template_offers_is_one_the_function_takes() {
    let (resources, document) = (resources(), TemplateFile::Pool.document().unwrap());
    let mut choices = 0;
    for (name, parameter) in variables(&resources, "PreSignUp") {
        let allowed = parameter.as_str().map(|parameter| &document["Parameters"][parameter]["AllowedValues"]);
        for value in allowed.and_then(Value::as_array).into_iter().flatten() {
            let lookup = |asked: &str| (asked == name).then(|| value.as_str().unwrap().to_owned());
            pre_sign_up::Settings::from_lookup(&lookup).unwrap();
            choices += 1;
        }
    }
    assert!(choices > 8, "only {choices} choices were found");
}

#[test]
fn the_frontend_client_may_write_the_locale_and_what_providers_send_and_nothing_else() {
    let resources = resources();
    let mut expected = BTreeSet::from(["locale".to_owned()]);
    for provider in ["Google", "Facebook", "Apple", "Oidc"] {
        let mapping = &resources[format!("{provider}Provider")]["Properties"]["AttributeMapping"];
        expected.extend(mapping.as_object().unwrap().keys().cloned());
    }
    // Cognito allows no client to write this attribute.
    assert!(expected.remove("email_verified"));
    assert_eq!(values(&resources["FrontendClient"]["Properties"]["WriteAttributes"]), expected);
}

#[test]
fn every_trigger_is_attached_to_a_function_that_only_this_pool_may_call() {
    let resources = resources();
    for (_, function, _) in functions() {
        let attached = resources["UserPool"]["Properties"]["LambdaConfig"][function].to_string();
        assert!(attached.contains(&format!("{function}Function.Arn")), "{function}: {attached}");
        let permission = &resources[format!("{function}Permission")]["Properties"];
        assert_eq!(permission["FunctionName"], format!("{function}Function"));
        assert_eq!(permission["Principal"], "cognito-idp.amazonaws.com");
        assert_eq!(permission["SourceAccount"], "AWS::AccountId");
        assert_eq!(permission["SourceArn"][1], "UserPool.Arn");
    }
    assert!(resources["UserPool"]["Properties"]["LambdaConfig"]["InboundFederation"].to_string().contains("V1_0"));
}

#[test]
fn no_function_names_the_pool_or_the_two_would_wait_for_each_other() {
    let resources = resources();
    for (_, function, _) in functions() {
        let text = resources[format!("{function}Function")].to_string();
        assert!(!text.contains("\"UserPool\"") && !text.contains("UserPool.Arn"), "{text}");
    }
}

#[test]
fn the_account_api_mails_as_its_sender_and_as_nobody_else() {
    let resources = resources_of_account_api();
    let statements = &resources["AccountApiRights"]["Properties"]["PolicyDocument"]["Statement"];
    let mail = statements.as_array().unwrap().iter().find(|statement| statement.to_string().contains("ses:SendEmail"));
    let sender = &mail.unwrap()["Condition"]["StringEquals"]["ses:FromAddress"];
    assert!(sender.to_string().contains("${EmailFrom}"), "the mails may come from anybody: {sender}");
}

#[test]
fn the_account_api_gets_exactly_the_variables_it_reads_and_starts_with_them() {
    let (resources, document) = (resources_of_account_api(), TemplateFile::AccountApi.document().unwrap());
    let variables = variables(&resources, "AccountApi");
    let set: BTreeSet<_> = variables.keys().map(String::as_str).collect();
    assert_eq!(set, account_api::NAMES.into_iter().collect());
    let made = parsed(TemplateFile::AccountApi).properties("AccountApiFunction", &BTreeMap::new()).unwrap().unwrap();
    let invitations = document["Parameters"]["Invitations"]["AllowedValues"].as_array().unwrap();
    for mode in invitations {
        let lookup = |name: &str| {
            Some(match name {
                "USER_POOL_ID" => "eu-central-1_EXAMPLE01".to_owned(),
                "EMAIL_FROM" => "Example <no-reply@example.com>".to_owned(),
                "APP_NAME" => "Example".to_owned(),
                "INVITATIONS" => mode.as_str().unwrap().to_owned(),
                "ADMIN_GROUP" => "admins".to_owned(),
                "APP_URL" => "https://app.example.com".to_owned(),
                "INVITATION_DAYS" => document["Parameters"]["InvitationDays"]["Default"].to_string(),
                "BACKEND_CLIENT_ID" | "TABLE_NAME" | "CODE_SECRET_ARN" => "made-by-the-stack".to_owned(),
                name => made["Environment"]["Variables"][name].as_str()?.to_owned(),
            })
        };
        account_api::Settings::from_lookup(&lookup).unwrap();
    }
}

#[test]
fn the_account_api_is_refused_where_nobody_could_call_it_or_answer_an_invitation() {
    let refused = |parameters: &[(&str, &str)]| parsed(TemplateFile::AccountApi).refusals(&owned(parameters)).unwrap();
    let (clients, url) = (("ApiClientIds", "client"), ("AppUrl", "https://app.example.com"));
    assert_eq!(refused(&[]), ["Nobody could call the API. Set ApiClientIds or Pages=on."]);
    assert!(refused(&[clients]).is_empty() && refused(&[("Pages", "on")]).is_empty());
    assert_eq!(refused(&[clients, ("Invitations", "public")]), ["Invitations need AppUrl or Pages=on."]);
    assert!(refused(&[clients, url, ("Invitations", "public")]).is_empty());
    assert_eq!(refused(&[clients, url, ("Invitations", "members")]), ["Invitations=members needs AdminGroup."]);
}

#[test]
fn the_account_api_makes_the_app_clients_that_it_is_not_given_and_none_writes_a_mark() {
    let template = parsed(TemplateFile::AccountApi);
    let made = |client: &str, parameters: &[(&str, &str)]| template.properties(client, &owned(parameters)).unwrap();
    let (pages, invites) = (("Pages", "on"), ("Invitations", "public"));
    assert!(made("PagesClient", &[]).is_none() && made("PagesClient", &[pages, ("PagesClientId", "own")]).is_none());
    assert!(made("BackendClient", &[]).is_none());
    assert!(made("BackendClient", &[invites, ("ApiBackendClientId", "own")]).is_none());
    let (plain, federated) =
        (made("PagesClient", &[pages]), made("PagesClient", &[pages, ("PagesProviders", "Google")]));
    assert_eq!(plain.unwrap()["WriteAttributes"].to_string(), r#"["locale"]"#);
    for client in [federated.unwrap(), made("BackendClient", &[invites]).unwrap()] {
        let written = texts(&client["WriteAttributes"]);
        assert!(written.contains("email") && !written.iter().any(|name| name.ends_with("_verified")), "{written:?}");
        assert_eq!(client["GenerateSecret"], false);
    }
}

/// What differs for pools and app clients is a setting of a function, and every setting of one may, but what belongs to
/// the function itself.
#[test]
fn every_setting_of_the_triggers_can_differ_for_a_pool() {
    let own = [&["OVERRIDES", "RETRY_QUEUE_URL", "EVENT_BUS"][..], &cognito_core::next_function::NAMES].concat();
    // No variable of a trigger: custom message looks whether an entry has it, and the account API reads it.
    let of_the_pages = "PAGES_RETURN_URL";
    let read = functions().into_iter().flat_map(|(_, _, names)| names).copied().filter(|name| !own.contains(name));
    let differ = BY_CLIENT.into_iter().chain(BY_POOL);
    assert_eq!(differ.collect::<BTreeSet<_>>(), read.chain([of_the_pages]).collect::<BTreeSet<_>>());
}

/// What both templates have means the same in both.
#[test]
fn a_parameter_of_both_templates_takes_the_same_values() {
    let [pool, api] = TemplateFile::ALL.map(|template| template.document().unwrap()["Parameters"].take());
    let mut shared = 0;
    for (name, parameter) in api.as_object().unwrap() {
        let Some(own) = pool.get(name) else { continue };
        shared += 1;
        assert_eq!(own["Type"], parameter["Type"], "{name}");
        // There the sender is needed.
        if !["SesIdentityArn", "EmailFrom", "AppName"].contains(&name.as_str()) {
            for of in ["Default", "AllowedValues", "AllowedPattern", "MinValue", "MaxValue"] {
                assert_eq!(own[of], parameter[of], "{name}: {of}");
            }
        }
    }
    assert!(shared > 15, "only {shared}");
}

#[test]
fn every_route_of_the_account_api_that_acts_for_somebody_asks_who_that_is() {
    let resources = resources_of_account_api();
    let mut routes = 0;
    for (name, resource) in resources.as_object().unwrap() {
        if resource["Type"] != "AWS::ApiGatewayV2::Route" {
            continue;
        }
        let (properties, key) = (&resource["Properties"], resource["Properties"]["RouteKey"].as_str().unwrap());
        let open = ["POST /invitations", "POST /invitations/complete", "GET /openapi.json"].contains(&key);
        if !open
            && ["/email-change", "/identities", "/invitations", "/sessions", "/notices", "/account"]
                .iter()
                .any(|path| key.contains(path))
        {
            assert_eq!(resource["Condition"] == "InvitesForMembers", key.contains("/invitations"), "{name}");
            assert_eq!(resource["Condition"] == "ServesIdentities", key.contains("/identities"), "{name}");
            assert_eq!(resource["Condition"] == "DeletesOwnAccounts", key.contains("/account"), "{name}");
            let both = ["/sessions", "/notices"].iter().any(|path| key.contains(path));
            assert_eq!(resource["Condition"] == "NeedsFreshSignIns", both, "{name}");
            assert_eq!(properties["AuthorizationType"], "JWT", "{name}");
            assert_eq!(properties["AuthorizerId"], "AccountApiAuthorizer", "{name}");
            routes += 1;
        }
        if key == "POST /invitations" {
            assert_eq!(properties["AuthorizationType"].to_string(), r#"["InvitesPublicly","NONE","JWT"]"#);
        }
    }
    assert_eq!(routes, 16);
}

#[test]
fn a_stage_has_settings_only_of_routes_that_are_made_before_it() {
    let resources = resources_of_account_api();
    let stage = &resources["AccountApiStage"]["Properties"];
    let [settings, variables] = ["RouteSettings", "StageVariables"].map(|name| stage[name].as_object().unwrap());
    let limited: BTreeSet<_> = settings.iter().map(|(key, choice)| (key.as_str(), &choice[0])).map(text).collect();
    let waited_for = variables.values().map(|choice| {
        let route = &resources[choice[1].as_str().unwrap()];
        assert_eq!((&route["Type"], &route["Condition"]), (&"AWS::ApiGatewayV2::Route".into(), &choice[0]));
        text((route["Properties"]["RouteKey"].as_str().unwrap(), &choice[0]))
    });
    assert_eq!(waited_for.collect::<BTreeSet<_>>(), limited);
}

/// A route's key and its condition.
fn text((route, condition): (&str, &Value)) -> (String, String) {
    (route.to_owned(), condition.as_str().unwrap().to_owned())
}

#[test]
fn what_anybody_may_call_that_reaches_the_pool_is_limited_below_the_rest() {
    let resources = resources_of_account_api();
    let stage = &resources["AccountApiStage"]["Properties"];
    let rest = &stage["DefaultRouteSettings"];
    for route in ["POST /invitations", "POST /invitations/complete"] {
        let limit = &stage["RouteSettings"][route][1];
        for name in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
            assert!(limit[name].as_u64().unwrap() < rest[name].as_u64().unwrap(), "{route}: {name}");
        }
    }
}

#[test]
fn the_account_api_can_be_kept_from_taking_what_the_triggers_need() {
    let (resources, document) = (resources_of_account_api(), TemplateFile::AccountApi.document().unwrap());
    let function = &resources["AccountApiFunction"]["Properties"];
    assert_eq!(function["ReservedConcurrentExecutions"][1], "ApiReservedConcurrency");
    // AWS refuses a reservation that leaves less than 100 to the account's other functions; new accounts have 10.
    assert_eq!(document["Parameters"]["ApiReservedConcurrency"]["Default"], 0);
}

#[test]
fn the_plan_with_threat_protection_turns_it_on() {
    let (resources, document) = (resources(), TemplateFile::Pool.document().unwrap());
    let pool = &resources["UserPool"]["Properties"];
    let on = r#"["HasThreatProtection",{"AdvancedSecurityMode":"ENFORCED"},"AWS::NoValue"]"#;
    assert_eq!(pool["UserPoolAddOns"].to_string(), on);
    assert_eq!(document["Conditions"]["HasThreatProtection"].to_string(), r#"["UserPoolTier","PLUS"]"#);
    let reaction = &resources["ThreatProtection"]["Properties"]["CompromisedCredentialsRiskConfiguration"];
    assert_eq!(reaction["Actions"]["EventAction"], "BLOCK");
}

#[test]
fn the_old_address_stays_until_the_new_one_is_proven() {
    let pool = &resources()["UserPool"]["Properties"];
    let kept = &pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"];
    assert_eq!(kept.to_string(), r#"["email"]"#);
    assert_eq!(pool["AutoVerifiedAttributes"].to_string(), r#"["email"]"#);
}

/// The description of a parameter is written once, in its template. The manual repeats it word for word.
#[test]
fn the_manual_lists_every_parameter_with_its_default_and_its_description() {
    let manual = include_str!("../../docs/DEPLOY.md");
    for template in TemplateFile::ALL {
        for (name, parameter) in template.document().unwrap()["Parameters"].as_object().unwrap() {
            let default = match &parameter["Default"] {
                Value::Null => "needed".to_owned(),
                Value::String(text) if text.is_empty() => "none".to_owned(),
                Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            let row = format!("| `{name}` | {default} | {} |\n", parameter["Description"].as_str().unwrap());
            assert!(manual.contains(&row), "docs/DEPLOY.md lacks the line\n{row}");
        }
    }
}
