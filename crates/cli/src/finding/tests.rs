use super::*;
use crate::pool_settings::Description;
use crate::trigger::Trigger;
use cognito_core::user_pool::AppClient;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A pool with which nothing is wrong.
fn healthy() -> Facts {
    let function = |settings: &[(&str, &str)]| Attached {
        arn: "arn:aws:lambda:eu-central-1:1:function:f".into(),
        exists: Some(true),
        callable: Some(true),
        settings: Some(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        lacking: Some(vec![]),
        ..Attached::default()
    };
    let settings = [("PROVIDERS", "Google:claim,Okta:claim:custom:number"), ("DEFAULT_GROUP", "Users")];
    let mapping = |more: &[&str]| -> BTreeMap<String, String> {
        ["email", "email_verified"].iter().chain(more).map(|name| ((*name).to_owned(), (*name).to_owned())).collect()
    };
    let pool = Description(json!({
        "Id": "eu-central-1_A", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A",
        "UsernameAttributes": ["email"], "UsernameConfiguration": { "CaseSensitive": false },
        "AutoVerifiedAttributes": ["email"], "EstimatedNumberOfUsers": 5,
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
        "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER", "SourceArn": "arn" },
        "MfaConfiguration": "OPTIONAL", "Policies": { "PasswordPolicy": { "MinimumLength": 12 } },
        "SchemaAttributes": [{ "Name": "email", "Mutable": true }, { "Name": "custom:number", "Mutable": true }],
    }));
    Facts {
        providers: Some(vec![
            Provider { name: "Google".into(), kind: "Google".into(), mapping: mapping(&[]), ..Provider::default() },
            Provider {
                name: "Okta".into(),
                kind: "OIDC".into(),
                issuer: "https://okta.example".into(),
                mapping: mapping(&["custom:number"]),
                ..Provider::default()
            },
        ]),
        clients: Some(vec![
            AppClient::new("app", vec!["email".into(), "custom:number".into()], None)
                .with_providers(vec!["Google".into(), "Okta".into()]),
        ]),
        functions: Trigger::ALL.into_iter().map(|trigger| (trigger, function(&settings))).collect(),
        groups: Some(BTreeSet::from(["Users".to_owned()])),
        ses_production: Some(true),
        ses_sending: Some(true),
        ses_quota: Some(SendQuota { a_day: 200.0, sent: 199.0 }),
        sender_verified: Some(true),
        sender_signs: Some(true),
        quotas: vec![Quota { name: "Rate of UserCreation requests".into(), value: 50.0, adjustable: true }],
        ..Facts::of(pool)
    }
}

fn set(facts: &mut Facts, trigger: Trigger, name: &str, value: &str) {
    let settings = facts.functions.get_mut(&trigger).unwrap().settings.as_mut().unwrap();
    settings.insert(name.to_owned(), value.to_owned());
}

/// Sets `PROVIDERS` on every function.
fn trust(facts: &mut Facts, providers: &str) {
    for trigger in Trigger::ALL {
        set(facts, trigger, "PROVIDERS", providers);
    }
}

/// Nothing is known of the settings of the other functions.
fn only_settings_of(facts: &mut Facts, trigger: Trigger) {
    for (other, function) in &mut facts.functions {
        function.settings.take_if(|_| *other != trigger);
    }
}

/// A function of which nothing is known.
fn unknown_function(facts: &mut Facts, trigger: Trigger) {
    facts.functions.insert(trigger, Attached::default());
}

fn google(facts: &mut Facts) -> &mut Provider {
    &mut facts.providers.as_mut().unwrap()[0]
}

fn okta(facts: &mut Facts) -> &mut Provider {
    &mut facts.providers.as_mut().unwrap()[1]
}

fn writable(facts: &mut Facts) -> &mut Vec<String> {
    &mut facts.clients.as_mut().unwrap()[0].writable
}

/// What is found once something is spoilt.
fn spoilt(spoil: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = healthy();
    spoil(&mut facts);
    all(&facts)
}

fn codes(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|finding| finding.code).collect()
}

#[track_caller]
fn nothing(spoil: impl FnOnce(&mut Facts)) {
    assert_eq!(spoilt(spoil), vec![]);
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    nothing(|_| ());
}

/// The only thing that is found once something is spoilt.
#[track_caller]
fn check(severity: Severity, code: &str, spoil: impl FnOnce(&mut Facts)) {
    let found: Vec<_> = spoilt(spoil).into_iter().map(|finding| (finding.severity, finding.code)).collect();
    assert_eq!(found, [(severity, code)]);
    let manual = include_str!("../../../../docs/cli/doctor.md");
    assert!(manual.contains(&format!("`{code}`")), "{code} is not in docs/cli/doctor.md");
}

/// What people sign in with.
fn named_by(facts: &mut Facts, user_names: Value, aliases: Value) {
    (facts.pool.0["UsernameAttributes"], facts.pool.0["AliasAttributes"]) = (user_names, aliases);
}

fn pool(pointer: &'static str, value: Value) -> impl FnOnce(&mut Facts) {
    move |facts| *facts.pool.0.pointer_mut(pointer).unwrap() = value
}

#[test]
fn a_trigger_without_the_function_it_should_have_is_lost() {
    use Severity::Error;
    use Trigger::{InboundFederation, PreSignUp};
    let ours = "arn:aws:lambda:eu-central-1:1:function:f".to_owned();
    let other = "arn:aws:lambda:eu-central-1:1:function:other".to_owned();
    check(Error, "trigger_lost", |facts| {
        facts.functions.remove(&InboundFederation);
        facts.expected.insert(InboundFederation, vec![ours.clone()]);
    });
    check(Error, "trigger_lost", |facts| drop(facts.expected.insert(PreSignUp, vec![other.clone()])));
    nothing(|facts| drop(facts.expected.insert(PreSignUp, vec![other, ours])));
}

#[test]
fn an_account_api_that_does_not_fit_the_pool_is_found() {
    use Severity::{Error, Note};
    let own = [
        ("USER_POOL_ID", "eu-central-1_A"),
        ("PROVIDERS", "Google:claim,Okta:claim:custom:number"),
        ("INVITATIONS", "members"),
        ("BACKEND_CLIENT_ID", "app"),
    ];
    let api = |settings: &[(&str, &str)]| AccountApi {
        function: "account-api".into(),
        settings: Some(
            [&own, settings].concat().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ),
        sender_verified: Some(true),
    };
    nothing(|facts| facts.account_api = Some(api(&[])));
    check(Error, "account_api_gone", |facts| facts.account_api = Some(AccountApi { settings: None, ..api(&[]) }));
    check(Error, "account_api_of_another_pool", |facts| {
        facts.account_api = Some(api(&[("USER_POOL_ID", "eu-central-1_B")]));
    });
    check(Error, "account_api_setting_differs", |facts| {
        facts.account_api = Some(api(&[("NATIVE_USERNAME", "uuid")]));
    });
    check(Error, "account_api_client_missing", |facts| facts.account_api = Some(api(&[("BACKEND_CLIENT_ID", "gone")])));
    check(Note, "account_api_secret_not_checked", |facts| facts.account_api = Some(api(&[("CODE_SECRET_ARN", "arn")])));
    check(Error, "account_api_sender_unverified", |facts| {
        let from = api(&[("EMAIL_FROM", "Example <accounts@example.com>")]);
        assert_eq!(from.sender(), Some("accounts@example.com"));
        facts.account_api = Some(AccountApi { sender_verified: Some(false), ..from });
    });
    for (days, of_pool, is_found) in [("", 7, false), ("", 3, true), ("3", 3, false), ("4", 3, true)] {
        let found = spoilt(|facts| {
            facts.pool.0["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] = json!(of_pool);
            facts.account_api = Some(api(&[("INVITATION_DAYS", days)]));
        });
        assert_eq!(codes(&found) == ["invitation_outlives_password"], is_found, "{days} {of_pool}: {found:?}");
    }
}

/// Inbound federation writes the subject only if it is there, and told where.
#[test]
fn a_subject_that_nothing_writes_is_found() {
    use Severity::{Error, Warning};
    use Trigger::{InboundFederation, PreSignUp};
    check(Warning, "trigger_missing", |facts| {
        facts.functions.remove(&InboundFederation);
        set(facts, PreSignUp, "SUBJECT_ATTRIBUTE", "custom:number");
        // Nothing writes it any more, and Okta is linked by it no longer.
        facts.providers.as_mut().unwrap().pop();
    });
    check(Error, "subject_loses_case", |facts| {
        trust(facts, "Google:claim,Okta:claim");
        okta(facts).mapping.remove("custom:number");
        set(facts, PreSignUp, "SUBJECT_ATTRIBUTE", "custom:number");
    });
}

#[test]
fn each_thing_that_can_be_wrong_is_found_alone() {
    use Severity::{Error, Note, Warning};
    use Trigger::{InboundFederation, PreSignUp};
    check(Warning, "trigger_missing", |facts| drop(facts.functions.remove(&PreSignUp)));
    check(Note, "trigger_missing", |facts| drop(facts.functions.remove(&InboundFederation)));
    check(Warning, "trigger_missing", |facts| {
        facts.functions.remove(&InboundFederation);
        for trigger in Trigger::ALL.into_iter().filter(|trigger| *trigger != InboundFederation) {
            set(facts, trigger, "PROVIDERS", "Google:claim,Okta:claim@example.com:custom:number");
        }
    });
    let function =
        |change: fn(&mut Attached)| move |facts: &mut Facts| change(facts.functions.get_mut(&PreSignUp).unwrap());
    check(Error, "function_gone", function(|function| function.exists = Some(false)));
    check(Error, "no_invoke_permission", function(|function| function.callable = Some(false)));
    check(
        Error,
        "role_lacks_action",
        function(|function| function.lacking = Some(vec!["cognito-idp:ListUsers".into()])),
    );
    check(Error, "wrong_setting", |facts| {
        only_settings_of(facts, PreSignUp);
        facts.providers = Some(vec![]);
        set(facts, PreSignUp, "PROVIDERS", "Google");
    });
    check(Warning, "settings_differ", |facts| set(facts, InboundFederation, "PROVIDERS", "Google:claim,Okta:never"));
    check(Warning, "provider_ambiguous", |facts| {
        only_settings_of(facts, PreSignUp);
        set(facts, PreSignUp, "PROVIDERS", "Google:claim,Okta:claim:custom:number,Okta_EU:never");
    });
    check(Note, "trust_without_domains", |facts| {
        // As a pool whose providers could not be read: what they map is not known.
        facts.providers = None;
        trust(facts, "Google:claim,Okta:always:custom:number");
    });
    check(Note, "denial_wins_over_always", |facts| trust(facts, "Google:claim,Okta:always@corp.example:custom:number"));
    check(Warning, "email_not_mapped", |facts| drop(google(facts).mapping.remove("email")));
    check(Warning, "email_verified_not_mapped", |facts| drop(okta(facts).mapping.remove("email_verified")));
    check(Error, "another_claim_mapped", |facts| remap(facts, "email", "upn"));
    check(Error, "another_claim_mapped", |facts| remap(facts, "email_verified", "domain_verified"));
    check(Error, "mapped_attribute_immutable", pool("/SchemaAttributes/1/Mutable", json!(false)));
    check(Error, "subject_loses_case", |facts| trust(facts, "Google:claim,Okta:claim"));
    check(Error, "subject_attribute_missing", |facts| set(facts, PreSignUp, "SUBJECT_ATTRIBUTE", "custom:subject"));
    check(Error, "case_setting_wrong", |facts| set(facts, PreSignUp, "POOL_CASE_SENSITIVE", "true"));
    check(Warning, "case_setting_wrong", pool("/UsernameConfiguration", json!({ "CaseSensitive": true })));
    check(Error, "username_setting_wrong", |facts| set(facts, PreSignUp, "NATIVE_USERNAME", "uuid"));
    check(Error, "client_writes_email_verified", |facts| writable(facts).push("email_verified".into()));
    check(Error, "client_cannot_write_mapped", |facts| writable(facts).clear());
    check(Warning, "address_changes_at_once", pool("/UserAttributeUpdateSettings", json!(null)));
    for repair in ["external", "linked"] {
        check(Error, "address_changes_at_once", |facts| {
            facts.pool.0["UserAttributeUpdateSettings"] = json!(null);
            set(facts, Trigger::PostAuthentication, "REPAIR", repair);
        });
    }
    check(Warning, "address_never_verified", pool("/AutoVerifiedAttributes", json!([])));
    for verified in [json!([]), json!(["email", "phone_number"])] {
        check(Error, "allowed_domains_not_proven", move |facts| {
            facts.pool.0["AutoVerifiedAttributes"] = verified.clone();
            set(facts, Trigger::PreSignUp, "ALLOWED_DOMAINS", "corp.example");
        });
    }
    check(Error, "ses_sandbox", |facts| facts.ses_production = Some(false));
    check(Error, "ses_sending_paused", |facts| facts.ses_sending = Some(false));
    check(Error, "sender_unverified", |facts| facts.sender_verified = Some(false));
    let sms = |sandbox, dollars_a_month| {
        move |facts: &mut Facts| facts.text_messages = Some(TextMessages { sandbox, dollars_a_month })
    };
    check(Error, "sms_sandbox", sms(Some(true), None));
    check(Warning, "sms_limit_low", sms(Some(false), Some(1.0)));
    check(Error, "ses_quota_used_up", |facts| facts.ses_quota = Some(SendQuota { a_day: 200.0, sent: 200.0 }));
    check(Warning, "sender_without_dkim", |facts| facts.sender_signs = Some(false));
    check(Error, "sending_fails", |facts| facts.pool.0["EmailConfigurationFailure"] = json!("1"));
    check(Error, "group_missing", |facts| facts.groups = Some(BTreeSet::new()));
    check(Error, "password_policy_unmeetable", pool("/Policies/PasswordPolicy/MinimumLength", json!(100)));
    check(Warning, "quota_below_default", |facts| facts.quotas[0].value = 10.0);
}

#[test]
fn a_custom_message_without_ses_is_an_error_and_cognitos_sender_a_warning() {
    let found = spoilt(pool("/EmailConfiguration", json!({ "EmailSendingAccount": "COGNITO_DEFAULT" })));
    assert_eq!(codes(&found), ["custom_message_without_ses", "fifty_mails_a_day"]);
}

#[test]
fn a_provider_that_the_functions_do_not_know_is_found_for_each_of_them() {
    let found = spoilt(|facts| {
        let corp = Provider { name: "Corp".into(), ..google(facts).clone() };
        facts.providers.as_mut().unwrap().push(corp);
    });
    assert_eq!(codes(&found), ["provider_unlisted"; 4]);
}

#[test]
fn a_pool_that_has_outgrown_the_default_quotas_is_told_so() {
    let found = spoilt(pool("/EstimatedNumberOfUsers", json!(2_000_001)));
    assert_eq!(codes(&found), ["quota_for_fewer_users", "quota_fixed"]);
}

#[test]
fn a_pool_with_aliases_needs_other_settings() {
    let found = spoilt(|facts| named_by(facts, json!([]), json!(["email"])));
    assert_eq!(codes(&found), ["username_setting_wrong", "alias_self_sign_up"]);
}

#[test]
fn the_worst_comes_first_and_what_was_not_read_is_said() {
    let found = spoilt(|facts| {
        facts.functions.remove(&Trigger::CustomMessage);
        facts.ses_production = Some(false);
        facts.providers = None;
        facts.gaps.push(Gap {
            what: "identity providers".into(),
            permission: "cognito-idp:ListIdentityProviders".into(),
            reason: "AccessDeniedException".into(),
        });
    });
    let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Note]);
    assert!(found[1].remedy.contains("cognito-idp:ListIdentityProviders"), "{found:?}");
}

#[test]
fn what_always_means_is_not_said_of_social_providers_and_of_those_that_send_no_claim() {
    nothing(|facts| {
        *google(facts) = Provider {
            name: "Facebook".into(),
            kind: "Facebook".into(),
            mapping: [("email".into(), "email".into())].into(),
            ..Provider::default()
        };
        trust(facts, "Facebook:always,Okta:claim:custom:number");
    });
}

/// Okta in [`healthy`], which becomes a provider of this issuer and this trust.
fn known(issuer: &str, trusted: &str, facts: &mut Facts) {
    issuer.clone_into(&mut okta(facts).issuer);
    trust(facts, &format!("Google:claim,Okta:{trusted}:custom:number"));
}

fn remap(facts: &mut Facts, attribute: &str, claim: &str) {
    okta(facts).mapping.insert(attribute.to_owned(), claim.to_owned());
}

const ENTRA: &str = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0";
const ANY_TENANT: &str = "https://login.microsoftonline.com/common/v2.0";
const B2C: &str = "https://example.b2clogin.com/11111111-2222-4333-8444-555555555555/v2.0/";

#[test]
fn what_a_known_provider_does_not_send_or_check_is_found() {
    use Severity::{Error, Note, Warning};
    for issuer in [ENTRA, ANY_TENANT] {
        check(Warning, "claim_not_sent", |facts| known(issuer, "claim", facts));
        check(Warning, "claim_not_sent", |facts| {
            known(issuer, "claim", facts);
            okta(facts).mapping.remove("email_verified");
        });
    }
    check(Warning, "claim_not_sent", |facts| known("https://access.line.me", "claim", facts));
    check(Note, "claim_not_sent", |facts| known(B2C, "claim", facts));
    check(Warning, "claim_not_sent", |facts| {
        known(B2C, "claim", facts);
        unknown_function(facts, Trigger::InboundFederation);
        set_email_claims(facts, "Okta:email=emails");
        remap(facts, "email", "emails");
    });
    check(Note, "apple_hides_addresses", |facts| google(facts).kind = "SignInWithApple".into());
    let found = spoilt(|facts| known(ANY_TENANT, "always", facts));
    assert_eq!((found[0].severity, found[0].code), (Error, "any_tenant_trusted"));
    nothing(|facts| known(ENTRA, "never", facts));
}

const LINKEDIN: &str = "https://www.linkedin.com/oauth";
const AUTH0: &str = "https://example.eu.auth0.com/";

/// Providers as `DescribeIdentityProvider` shows them.
#[test]
fn scopes_and_issuers_that_cannot_work_are_found_for_each_provider_by_name() {
    let found = |provider: Provider| {
        codes(&spoilt(|facts| *okta(facts) = Provider { mapping: okta(facts).mapping.clone(), ..provider }))
    };
    let oidc = |issuer: &str, scopes: &str| Provider {
        name: "Okta".into(),
        kind: "OIDC".into(),
        issuer: issuer.into(),
        scopes: scopes.into(),
        ..Provider::default()
    };
    let of_kind = |kind: &str, scopes: &str| Provider { kind: kind.into(), ..oidc("", scopes) };
    for (provider, lacks) in [
        (of_kind("Google", "profile"), true),
        (of_kind("Google", "profile email"), true),
        (of_kind("Google", "profile email openid"), false),
        (of_kind("Google", "openid https://www.googleapis.com/auth/userinfo.email"), false),
        (oidc(LINKEDIN, "r_liteprofile r_emailaddress"), true),
        (oidc(LINKEDIN, "openid profile"), true),
        (oidc(LINKEDIN, "openid profile email"), false),
        (oidc("https://corp.okta.com", "openid profile"), true),
        (oidc("https://corp.okta.com/oauth2/default", "openid email"), false),
        (oidc(AUTH0, "openid"), true),
        (oidc("https://login.corp.example/", "openid"), true),
        (oidc(AUTH0, "openid profile email"), false),
        // Scopes that are not known.
        (oidc(AUTH0, ""), false),
        (Provider { name: "Corp".into(), ..oidc("https://login.corp.example/", "openid") }, false),
    ] {
        let codes = found(provider.clone());
        assert_eq!(codes.contains(&"scope_missing"), lacks, "{provider:?} {codes:?}");
    }
    assert!(found(of_kind("Facebook", "public_profile,email")).iter().all(|code| *code != "scope_missing"));
    for issuer in ["https://github.com/login/oauth", "https://token.actions.githubusercontent.com"] {
        assert!(found(oidc(issuer, "")).contains(&"issuer_without_openid"), "{issuer}");
    }
    let at = |issuer: &str, endpoint: &str| Provider { endpoints: vec![endpoint.into()], ..oidc(issuer, "") };
    for (provider, differs) in [
        (at(AUTH0, "https://login.corp.example/authorize"), true),
        (at("https://login.corp.example", "https://corp.okta.com/oauth2/v1/authorize"), true),
        (at(AUTH0, "https://example.eu.auth0.com/authorize"), false),
        (at("https://access.line.me", "https://api.line.me/oauth2/v2.1/token"), false),
        (at("https://example.eu.auth0.com:443/", "https://example.eu.auth0.com/authorize"), false),
    ] {
        assert_eq!(found(provider.clone()).contains(&"issuer_differs"), differs, "{provider:?}");
    }
}

#[test]
fn a_tenant_of_entra_that_is_trusted_for_every_domain_is_told_of_its_guests() {
    for (host, trust, told) in [
        ("login.microsoftonline.com", "always", true),
        ("login.microsoftonline.us", "always", true),
        ("login.partner.microsoftonline.cn", "always", true),
        ("login.chinacloudapi.cn", "always", true),
        ("sts.chinacloudapi.cn", "always", true),
        ("LOGIN.microsoftonline.com.:443", "always", true),
        ("login.microsoftonline.com.evil.example", "always", false),
        ("login.microsoftonline.us", "always@corp.example", false),
    ] {
        let issuer = format!("https://{host}/11111111-2222-4333-8444-555555555555/v2.0");
        let found = spoilt(|facts| known(&issuer, trust, facts));
        let note = found.iter().find(|finding| finding.code == "trust_without_domains");
        assert_eq!(note.is_some_and(|note| note.why.contains("guests")), told, "{host} {trust}: {found:?}");
    }
    for issuer in [
        "https://login.microsoftonline.us/organizations/v2.0",
        "https://login.microsoftonline.com:443/Common/v2.0",
        "HTTPS://login.microsoftonline.com//consumers/v2.0",
        "https://sts.chinacloudapi.cn/COMMON/",
    ] {
        let found = spoilt(|facts| known(issuer, "always", facts));
        assert_eq!(found[0].code, "any_tenant_trusted", "{issuer}");
    }
}

fn set_email_claims(facts: &mut Facts, value: &str) {
    let providers = facts.setting(Trigger::PreSignUp, "PROVIDERS").unwrap_or_default().to_owned();
    let settings = [("PROVIDERS", providers.as_str()), ("EMAIL_CLAIMS", value)];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    facts.functions.get_mut(&Trigger::InboundFederation).unwrap().settings = Some(settings.into());
}

/// Whoever does what the finding says must be rid of it.
#[test]
fn the_remedies_for_microsoft_can_be_followed_with_and_without_inbound_federation() {
    let followed = |issuer, trust, attribute, claim, inbound| {
        let mut found = codes(&spoilt(|facts| {
            known(issuer, trust, facts);
            remap(facts, attribute, claim);
            if inbound {
                set_email_claims(facts, &format!("Okta:{attribute}={claim}"));
            } else {
                facts.functions.remove(&Trigger::InboundFederation);
            }
        }));
        // Notes that have nothing to do with it.
        found.retain(|code| !["trigger_missing", "denial_wins_over_always"].contains(code));
        found
    };
    for inbound in [true, false] {
        assert_eq!(followed(ENTRA, "claim", "email_verified", "xms_edov", inbound), [""; 0], "{inbound}");
        assert_eq!(followed(B2C, "always@corp.example", "email", "emails", inbound).len(), usize::from(!inbound));
    }
    // B2C's email_verified, if it is mapped, would be about another claim.
    let finding = followed(B2C, "always@corp.example", "email", "emails", false);
    assert_eq!(finding, ["another_claim_mapped"]);
}

/// The case of a SAML attribute's name counts.
#[test]
fn a_saml_address_that_nobody_judges_is_found() {
    let found = |claim: &str, setting: &str, value: &str| {
        codes(&spoilt(|facts| {
            okta(facts).kind = "SAML".into();
            remap(facts, "email", claim);
            if !setting.is_empty() {
                set(facts, Trigger::InboundFederation, setting, value);
            }
        }))
    };
    assert_eq!(found("Email", "", ""), ["another_claim_mapped"]);
    assert_eq!(found("mail", "SAML_EMAIL_ATTRIBUTES", "Email"), ["another_claim_mapped"]);
    assert_eq!(found("mail", "EMAIL_CLAIMS", "Okta:email=Email"), ["another_claim_mapped"]);
    for (claim, setting, value) in [
        ("mail", "", ""),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "", ""),
        ("Email", "SAML_EMAIL_ATTRIBUTES", "mail, Email"),
        ("Email", "EMAIL_CLAIMS", "Okta:email=Email"),
    ] {
        assert_eq!(found(claim, setting, value), [""; 0], "{claim} {setting}");
    }
}

#[test]
fn claims_that_inbound_federation_cannot_start_with_are_found() {
    check(Severity::Error, "wrong_setting", |facts| {
        set(facts, Trigger::InboundFederation, "EMAIL_CLAIMS", "Entra:email=emails");
    });
    check(Severity::Error, "another_claim_mapped", |facts| {
        unknown_function(facts, Trigger::InboundFederation);
        remap(facts, "email", "upn");
    });
}

#[test]
fn a_pool_that_verifies_by_link_is_found_and_its_remedy_can_be_followed() {
    use Severity::{Error, Note, Warning};
    let by_link = |facts: &mut Facts| {
        facts.pool.0["VerificationMessageTemplate"] = json!({ "DefaultEmailOption": "CONFIRM_WITH_LINK" });
    };
    check(Warning, "pool_verifies_by_link", by_link);
    let custom = |facts: &mut Facts, style: &str| {
        set(facts, Trigger::CustomMessage, "APP_URL", "https://app.example.com");
        set(facts, Trigger::CustomMessage, "MESSAGE_STYLE", style);
    };
    for style in ["", "link,sign-up=cognito-link", "link,sign-up=cognito-link,resend-code=cognito-link"] {
        check(Error, "pool_verifies_by_link", |facts| {
            by_link(facts);
            custom(facts, style);
        });
    }
    check(Error, "pool_verifies_by_code", |facts| custom(facts, "resend-code=cognito-link"));
    let mut facts = healthy();
    by_link(&mut facts);
    custom(&mut facts, "");
    let [finding] = all(&facts).try_into().unwrap();
    let style = finding.remedy.split(['=', ' ']).collect::<Vec<_>>();
    assert_eq!(style[1], "MESSAGE_STYLE", "{}", finding.remedy);
    let style = finding.remedy.split_once('=').and_then(|(_, rest)| rest.split_once(' ')).unwrap().0.to_owned();
    custom(&mut facts, &style);
    let found = |facts: &Facts| {
        let by_link = all(facts).into_iter().filter(|finding| finding.code == "pool_verifies_by_link");
        by_link.map(|finding| finding.severity).collect::<Vec<_>>()
    };
    // The messages fit. A link that confirms when it is opened is worth a note all the same.
    assert_eq!((found(&facts), all(&facts).len()), (vec![Note], 1));
    facts.functions.remove(&Trigger::CustomMessage);
    assert_eq!(found(&facts), [Note]);
}

#[test]
fn text_messages_that_cost_more_than_one_segment_are_named_with_their_languages() {
    let found = |name: &str, sends: bool| {
        let found = spoilt(|facts| {
            if sends {
                facts.pool.0["SmsConfiguration"] = json!({ "SnsCallerArn": "arn:aws:iam::1:role/sms" });
            }
            set(facts, Trigger::CustomMessage, "APP_NAME", name);
        });
        found.into_iter().find(|finding| finding.code == "sms_several_segments")
    };
    assert_eq!(found("Harbour", true), None);
    let why = found("Žluťoučký kůň, přístav a syn", true).unwrap().why;
    assert!(why.contains("en 2 (UCS-2)"), "{why}");
    assert_eq!(found("Žluťoučký kůň, přístav a syn", false), None);
}

#[test]
fn subjects_that_do_not_last_are_named_with_the_setting_that_replaces_them() {
    let by_subject = |facts: &mut Facts| {
        okta(facts).transient_name_ids = true;
        trust(facts, "Google:claim,Okta:claim");
        set(facts, Trigger::PreSignUp, "SUBJECT_ATTRIBUTE", "custom:number");
    };
    check(Severity::Warning, "transient_name_id", by_subject);
    // A mapped attribute lasts, and the setting is the remedy.
    nothing(|facts| okta(facts).transient_name_ids = true);
    nothing(|facts| {
        by_subject(facts);
        set(facts, Trigger::PreSignUp, "SECOND_SUBJECT", "replace");
    });

    let format = |name: &str| format!("<NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:{name}</NameIDFormat>");
    assert!(name_ids::are_transient(&format("transient")));
    assert!(!name_ids::are_transient(&(format("transient") + &format("persistent"))));
    assert!(!name_ids::are_transient(""));
}

#[test]
fn the_settings_that_fit_are_those_with_which_nothing_is_found() {
    for (usernames, aliases, names) in [
        (json!(["email"]), json!(null), "NATIVE_USERNAME=email"),
        (json!(["phone_number", "email"]), json!(null), "NATIVE_USERNAME=email"),
        (json!(null), json!(["preferred_username", "email"]), "NATIVE_USERNAME=uuid"),
        (json!(null), json!(["phone_number", "preferred_username"]), "NATIVE_USERNAME=derived"),
        (json!(["phone_number"]), json!(null), "NATIVE_PROFILE=skip, UNVERIFIED_PROFILE=refuse"),
    ] {
        let mut facts = healthy();
        named_by(&mut facts, usernames, aliases);
        facts.pool.0["AdminCreateUserConfig"] = json!({ "AllowAdminCreateUserOnly": true });
        let fitting = settings_that_fit(&facts.pool);
        assert_eq!(fitting, format!("{names}, POOL_CASE_SENSITIVE=false"));
        for setting in fitting.split(", ") {
            let (name, value) = setting.split_once('=').unwrap();
            set(&mut facts, Trigger::PreSignUp, name, value);
        }
        assert_eq!(all(&facts), vec![], "{fitting}");
    }
}

#[test]
fn a_demanded_second_factor_is_not_asked_for_after_a_provider() {
    check(Severity::Note, "providers_skip_second_factor", pool("/MfaConfiguration", json!("ON")));
    nothing(|facts| {
        pool("/MfaConfiguration", json!("ON"))(facts);
        set(facts, Trigger::PreSignUp, "LINK_WITH_FACTORS", "refuse");
    });
}

#[test]
fn a_required_attribute_must_be_mapped_and_copied() {
    /// The pool requires the attribute, and so many providers send it.
    fn require(facts: &mut Facts, name: &str, providers: usize) {
        facts.pool.0["SchemaAttributes"].as_array_mut().unwrap().push(json!({ "Name": name, "Required": true }));
        for provider in &mut facts.providers.as_mut().unwrap()[..providers] {
            provider.mapping.insert(name.to_owned(), name.to_owned());
        }
        writable(facts).push(name.to_owned());
    }
    check(Severity::Error, "required_attribute_not_mapped", |facts| require(facts, "name", 1));
    for (name, remedy) in [("phone_number", "NATIVE_ATTRIBUTES="), ("preferred_username", "NATIVE_PROFILE=skip")] {
        check(Severity::Error, "required_attribute_not_copied", |facts| require(facts, name, 2));
        assert!(spoilt(|facts| require(facts, name, 2))[0].remedy.contains(remedy), "{name}");
    }
    let copied = |facts: &mut Facts| {
        require(facts, "name", 2);
        require(facts, "email", 2);
    };
    nothing(copied);
    nothing(|facts| {
        copied(facts);
        require(facts, "phone_number", 2);
        set(facts, Trigger::PreSignUp, "NEWCOMERS", "invited");
    });
}

#[test]
fn each_kind_of_pool_has_its_setting() {
    let of_kind = |names: Value, aliases: Value, settings: &[(&str, &str)]| {
        let found = spoilt(|facts| {
            named_by(facts, names, aliases);
            facts.pool.0["AdminCreateUserConfig"] = json!({ "AllowAdminCreateUserOnly": true });
            for (name, value) in settings {
                set(facts, Trigger::PreSignUp, name, value);
            }
        });
        found.into_iter().map(|finding| (finding.code, finding.remedy)).collect::<Vec<_>>()
    };
    for (names, aliases, fits) in [
        (json!(["email"]), json!(null), "email"),
        (json!(["phone_number", "email"]), json!(null), "email"),
        (json!(null), json!(["email"]), "uuid"),
        (json!(null), json!(["phone_number", "email", "preferred_username"]), "uuid"),
        (json!(null), json!(null), "derived"),
        (json!([]), json!(["preferred_username"]), "derived"),
        (json!(null), json!(["phone_number"]), "derived"),
    ] {
        for said in ["email", "uuid", "derived"] {
            let found = of_kind(names.clone(), aliases.clone(), &[("NATIVE_USERNAME", said)]);
            let remedy = format!("Set NATIVE_USERNAME={fits} on the pre-sign-up function");
            let expected = if said == fits { vec![] } else { vec![("username_setting_wrong", remedy)] };
            assert_eq!(found, expected, "{names} {aliases} {said}");
        }
    }
    check(Severity::Warning, "client_can_take_user_names", |facts| {
        named_by(facts, json!(null), json!(["preferred_username"]));
        set(facts, Trigger::PreSignUp, "NATIVE_USERNAME", "derived");
        writable(facts).push("preferred_username".into());
    });
    let by_phone = |settings| of_kind(json!(["phone_number"]), json!(null), settings);
    assert_eq!(by_phone(&[])[0].0, "phone_is_user_name");
    assert_eq!(by_phone(&[("NATIVE_PROFILE", "skip"), ("UNVERIFIED_PROFILE", "refuse")]), vec![]);
}

#[test]
fn a_command_to_paste_holds_a_setting_as_one_word() {
    let found = spoilt(|facts| set(facts, Trigger::PreSignUp, "SUBJECT_ATTRIBUTE", "custom:a; rm"));
    let [finding] = found.try_into().unwrap();
    assert!(finding.remedy.contains("Name='a; rm',AttributeDataType"), "{}", finding.remedy);
    assert_eq!(super::quoted("Users"), "Users");
    assert_eq!(super::quoted("a; rm"), "'a; rm'");
}
