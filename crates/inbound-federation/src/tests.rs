use super::*;
use cognito_core::event::is_true;
use cognito_core::testing::{
    CapturedLog, answer_to, documented_settings, edited, lookup, only_response_changed, personal_data, sample, samples,
    sorted,
};
use proptest::prelude::*;
use serde_json::json;

const PROVIDERS: &str = "Google:claim,Facebook:always,SignInWithApple:claim,Okta:claim,CorpSAML:always";
const SUBJECT: &str = "custom:idp_subject";

fn trigger(settings: &[(&str, &str)]) -> InboundFederation {
    let lookup = lookup([settings, &[("PROVIDERS", PROVIDERS), ("SUBJECT_ATTRIBUTE", SUBJECT)]].concat());
    InboundFederation::new(Settings::from_lookup(&lookup).unwrap())
}

async fn mapped(event: &str, providers: &str) -> Value {
    answered(&trigger(&[("PROVIDERS", providers)]), event).await
}

async fn answered(trigger: &InboundFederation, event: &str) -> Value {
    let answer = answer_to(trigger, event).await.expect("never refused");
    assert!(only_response_changed(event, &answer));
    answer["response"]["userAttributesToMap"].clone()
}

fn with_claims(user_info: &Value, id_token: &Value) -> String {
    edited("inbound-federation/google", |event| {
        event["request"]["attributes"]["userInfo"] = user_info.clone();
        event["request"]["attributes"]["idToken"] = id_token.clone();
    })
}

/// The claims that pools map to `email`.
fn emails(map: &Value) -> Vec<&Value> {
    let names = ["email", "mail", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"];
    names.iter().filter_map(|name| map.get(name)).collect()
}

#[tokio::test]
async fn email_verified_is_what_the_provider_proves_and_an_unproven_address_is_left_out() {
    for (case, proven) in [
        ("google", true),
        ("google-unverified", false),
        ("google-other-subject", false),
        ("facebook", true),
        ("apple", true),
        ("oidc", true),
        ("saml", true),
        ("saml-list-of-one", true),
        ("saml-several-addresses", false),
        ("saml-denied", false),
        ("unlisted-oidc", false),
    ] {
        let map = mapped(&sample(&format!("inbound-federation/{case}")), PROVIDERS).await;
        assert_eq!(map.get("email_verified"), proven.then(|| json!("true")).as_ref(), "{case}: {map}");
        assert_eq!(emails(&map).len(), usize::from(proven), "{case}: {map}");
        assert!(map.as_object().unwrap().len() > 2, "the other claims stay: {case}: {map}");
    }
}

const MICROSOFT: &[(&str, &str)] =
    &[("PROVIDERS", "EntraID:claim,B2C:always"), ("EMAIL_CLAIMS", "EntraID:email_verified=xms_edov,B2C:email=emails")];

/// Entra sends no `email_verified`, External ID and B2C no `email`. The pool maps either name.
#[tokio::test]
async fn address_and_proof_are_read_from_the_claims_that_the_operator_names() {
    let map = answered(&trigger(MICROSOFT), &sample("inbound-federation/microsoft")).await;
    for (claim, value) in [("email", "ada@example.com"), ("email_verified", "true"), ("xms_edov", "true")] {
        assert_eq!(map[claim], json!(value), "{map}");
    }
    let map = answered(&trigger(MICROSOFT), &sample("inbound-federation/microsoft-b2c")).await;
    for (claim, value) in [("email", "ada@example.com"), ("emails", "ada@example.com"), ("email_verified", "true")] {
        assert_eq!(map[claim], json!(value), "{map}");
    }
}

/// An administrator of any tenant chooses `email` ("nOAuth").
#[tokio::test]
async fn a_microsoft_account_without_the_proof_proves_nothing() {
    let of = |proof: Value| {
        edited("inbound-federation/microsoft", |event| {
            event["request"]["attributes"]["idToken"]["xms_edov"] = proof.clone();
        })
    };
    for proof in [json!(true), json!("true"), json!(1), json!("1"), json!("[true]")] {
        assert_eq!(answered(&trigger(MICROSOFT), &of(proof.clone())).await["email_verified"], json!("true"), "{proof}");
    }
    let without = sample("inbound-federation/microsoft-unproven");
    let never = [json!(false), json!("0"), json!(0), json!(""), json!(null), json!("yes")].map(of);
    for event in never.iter().chain([&without]) {
        let map = answered(&trigger(MICROSOFT), event).await;
        assert_eq!([map.get("email"), map.get("email_verified"), map.get("xms_edov")], [None; 3], "{map}");
        assert_eq!(map["name"], json!("Ada Lovelace"));
    }
    // Without the setting, the claim counts for nothing.
    let map = answered(&trigger(&MICROSOFT[..1]), &sample("inbound-federation/microsoft")).await;
    assert!(emails(&map).is_empty() && map.get("email_verified").is_none(), "{map}");
}

/// Apple sends the name with the first authorisation only: what is dropped is lost.
#[tokio::test]
async fn the_name_that_apple_sends_once_stays() {
    let hidden = sample("inbound-federation/apple-hidden");
    let unproven = edited("inbound-federation/apple-hidden", |event| {
        event["request"]["attributes"]["idToken"]["email_verified"] = json!("false");
    });
    for event in [&hidden, &unproven] {
        let map = mapped(event, PROVIDERS).await;
        for (claim, value) in [("firstName", "Ada"), ("lastName", "Lovelace"), ("name", "Ada Lovelace")] {
            assert_eq!(map[claim], json!(value), "{map}");
        }
    }
    assert_eq!(mapped(&hidden, PROVIDERS).await["email_verified"], json!("true"));
    // As Apple itself spells it, in whatever document it comes.
    let name = json!({"firstName": "Ada", "lastName": "Lovelace"});
    for document in ["idToken", "userInfo"] {
        let event = edited("inbound-federation/apple", |event| {
            event["request"]["attributes"][document]["name"] = name.clone();
        });
        assert_eq!(mapped(&event, PROVIDERS).await["name"], name, "{document}");
    }
}

/// Events as people report them from providers, bridges and emulators: what is stored, or `None` if the address is not.
#[tokio::test]
async fn reported_forms_of_a_sign_in_are_read_safely() {
    let told = json!({"sub": "1", "email": "ada@example.com", "email_verified": true});
    let silent = json!({"sub": "1", "email": "Ada@example.com"});
    let with = |email: Value| json!({"idToken": {"sub": "1", "email": email, "email_verified": true}});
    for (what, attributes, proven) in [
        (
            "the proof is in the user info only, about the same address",
            json!({"idToken": silent, "userInfo": told}),
            true,
        ),
        (
            "the proof is in the user info only, which has no subject",
            json!({"idToken": silent, "userInfo": {"email": "ada@example.com", "email_verified": true}}),
            false,
        ),
        (
            "the ID token names nobody, and the user info another person than the event",
            json!({"idToken": {"iss": "https://bridge.example"}, "userInfo": told}),
            false,
        ),
        (
            "the proof is about another address",
            json!({"idToken": silent, "userInfo": {"sub": "1", "email": "eve@example.com", "email_verified": true}}),
            false,
        ),
        ("an empty SAML response beside the ID token", json!({"idToken": told, "samlResponse": {}}), true),
        ("user info that is null", json!({"idToken": told, "userInfo": null}), true),
        ("user info that is a text", json!({"idToken": told, "userInfo": "eyJhbGciOi"}), true),
        ("no ID token", json!({"userInfo": told}), true),
        (
            "subjects that are numbers",
            json!({"idToken": {"sub": 1035}, "userInfo": {"sub": 1035, "email": "ada@example.com", "email_verified": 1}}),
            true,
        ),
        ("a mailto link", with(json!("mailto:ada@example.com")), false),
        ("a name before the address", with(json!("Ada <ada@example.com>")), false),
        ("the word null", with(json!("null")), false),
        ("an HTML entity", with(json!("ada&#64;example.com")), false),
        ("a plus that became a space", with(json!("ada news@example.com")), false),
        ("a domain with a full stop at its end", with(json!("ada@example.com.")), false),
        ("a list of objects", with(json!([{"value": "ada@example.com", "primary": true}])), false),
        ("a zero-width space", with(json!("ada@example.com\u{200b}")), false),
    ] {
        let event = edited("inbound-federation/google", |event| event["request"]["attributes"] = attributes.clone());
        let (map, _) = CapturedLog::of(mapped(&event, "Google:claim")).await;
        let stored = (map.get("email"), map.get("email_verified"));
        let (email, verified) = (json!("ada@example.com"), json!("true"));
        assert_eq!(stored, if proven { (Some(&email), Some(&verified)) } else { (None, None) }, "{what}: {map}");
    }
    let numbers = with_claims(&json!({}), &json!({"sub": 1035, "email": "ada@example.com", "email_verified": true}));
    assert_eq!(mapped(&numbers, PROVIDERS).await[SUBJECT], json!("1035"));
}

#[tokio::test]
async fn providers_by_name_prove_what_their_page_says() {
    for (case, providers, proven) in [
        ("amazon", "LoginWithAmazon:claim", false),
        ("amazon", "LoginWithAmazon:always", true),
        ("linkedin", "LinkedIn:claim", true),
        ("line", "LINE:claim", false),
        ("line", "LINE:always", true),
        ("okta", "Okta:claim@corp.example", true),
        ("okta", "Okta:claim@other.example", false),
        ("auth0", "Auth0:claim", true),
        ("github", "GitHub:claim", true),
        ("github", "GitHub:never", false),
    ] {
        let event = sample(&format!("inbound-federation/{case}"));
        let map = mapped(&event, providers).await;
        assert_eq!(map.get("email_verified").is_some(), proven, "{case} {providers}: {map}");
        let sent: Value = serde_json::from_str(&event).unwrap();
        assert_eq!(map[SUBJECT], sent["userName"], "as the provider spells it: {case}: {map}");
        assert_eq!(map["name"].as_str().map(|name| name.starts_with('A')), Some(true), "{case}: {map}");
    }
}

#[tokio::test]
async fn a_claim_that_is_not_the_named_one_is_neither_read_nor_stored() {
    let with = |claims: Value| {
        edited("inbound-federation/microsoft-b2c", |event| {
            event["request"]["attributes"]["idToken"] = claims.clone();
        })
    };
    let both = with(json!({"sub": "1", "emails": "[ada@example.com]", "email": "victim@example.com"}));
    assert_eq!(answered(&trigger(MICROSOFT), &both).await["email"], json!("ada@example.com"));
    let usual = with(json!({"sub": "1", "email": "victim@example.com", "email_verified": true}));
    assert_eq!(answered(&trigger(MICROSOFT), &usual).await, json!({"sub": "1"}));
    // A no in the usual claim still counts, beside a yes in the named one.
    let denied = edited("inbound-federation/microsoft", |event| {
        event["request"]["attributes"]["idToken"]["email_verified"] = json!("false");
    });
    assert!(emails(&answered(&trigger(MICROSOFT), &denied).await).is_empty());
    // Without an address, a proof must not be stored beside an earlier one.
    let no_address = edited("inbound-federation/microsoft", |event| {
        event["request"]["attributes"] = json!({"idToken": {"sub": "1", "xms_edov": "1"}});
    });
    assert_eq!(answered(&trigger(MICROSOFT), &no_address).await, json!({"sub": "1"}));
}

#[tokio::test]
async fn a_saml_provider_may_name_its_claims_too() {
    let settings = &[
        ("PROVIDERS", "CorpSAML:claim"),
        ("EMAIL_CLAIMS", "CorpSAML:email=https://corp.example/mail,CorpSAML:email_verified=checked"),
    ];
    let event = edited("inbound-federation/saml", |event| {
        event["request"]["attributes"]["samlResponse"] =
            json!({"https://corp.example/mail": "Ada@example.com", "mail": "b@example.com", "checked": "True"});
    });
    let map = answered(&trigger(settings), &event).await;
    assert_eq!(map["https://corp.example/mail"], json!("ada@example.com"));
    assert_eq!((&map["email_verified"], &map["checked"]), (&json!("true"), &json!("true")));
}

/// If the pool requires an address, a newcomer without proof needs one.
#[tokio::test]
async fn an_unproven_address_is_stored_where_the_operator_says_so() {
    let store = trigger(&[("STORE_UNPROVEN_EMAIL", "true")]);
    for case in ["google-unverified", "unlisted-oidc"] {
        let map = answered(&store, &sample(&format!("inbound-federation/{case}"))).await;
        assert_eq!((&map["email"], &map["email_verified"]), (&json!("ada@example.com"), &json!("false")), "{case}");
    }
}

/// Pre sign-up would take every address of such a provider for proven.
#[tokio::test]
async fn an_unproven_address_of_a_provider_with_always_is_never_stored() {
    let store = trigger(&[("STORE_UNPROVEN_EMAIL", "true")]);
    for case in ["saml-denied", "saml-several-addresses"] {
        let map = answered(&store, &sample(&format!("inbound-federation/{case}"))).await;
        assert!(emails(&map).is_empty() && map.get("email_verified").is_none(), "{case}: {map}");
    }
}

#[tokio::test]
async fn a_providers_own_no_wins_over_always_and_its_silence_does_not() {
    for (said, proven) in [
        (json!(false), false),
        (json!("false"), false),
        (json!("False "), false),
        (json!(0), false),
        (json!("0"), false),
        (json!("no"), false),
        (json!("pending"), false),
        (json!(true), true),
        (json!("true"), true),
        (json!(null), true),
        (json!(""), true),
    ] {
        for claims in [
            with_claims(&json!({}), &json!({"sub": "1", "email": "ada@example.com", "email_verified": said})),
            with_claims(&json!({"sub": "1", "email_verified": said}), &json!({"sub": "1", "email": "ada@example.com"})),
        ] {
            let map = mapped(&claims, "Google:always").await;
            assert_eq!(map.get("email_verified") == Some(&json!("true")), proven, "{claims}: {map}");
            assert_eq!(map.get("email").is_some(), proven, "{claims}: {map}");
        }
    }
}

#[tokio::test]
async fn what_is_no_address_is_never_verified_and_warned_of_with_a_code() {
    for (claim, word) in [
        (json!("not an address"), "characters"),
        (json!("ada"), "syntax"),
        (json!("[a@example.com,b@example.com]"), "several"),
        (json!("a@example.com;b@example.com"), "several"),
        (json!("evil!a@corp.example"), "ambiguous"),
        (json!("a%evil.example@corp.example"), "ambiguous"),
        (json!("=?x?q?attacker=40evil.example=3e=20?=@corp.example"), "ambiguous"),
        (json!("a@localhost"), "ambiguous"),
        (json!(7), "syntax"),
    ] {
        let event = with_claims(&json!({}), &json!({"sub": "1", "email": claim, "email_verified": "true"}));
        for settings in [&[][..], &[("STORE_UNPROVEN_EMAIL", "true")], &[("PROVIDERS", "Google:always")]] {
            let (map, log) = CapturedLog::of(answered(&trigger(settings), &event)).await;
            assert_ne!(map.get("email_verified"), Some(&json!("true")), "{claim}: {map}");
            assert_eq!((log.matches("WARN").count(), log.matches(ADDRESS_UNUSABLE).count()), (1, 1), "{log}");
            assert!(log.contains(&format!("\"{word}: ")), "{claim}: {log}");
        }
    }
}

#[tokio::test]
async fn a_list_of_one_is_its_value_and_of_several_the_first_counts_if_the_operator_says_so() {
    let list = |email: Value| with_claims(&json!({}), &json!({"sub": "1", "email": email, "email_verified": "true"}));
    for claim in [json!("[Ada@Example.com]"), json!("[ada%40example.com]"), json!(["ada@example.com"])] {
        let map = mapped(&list(claim.clone()), PROVIDERS).await;
        assert_eq!((&map["email"], &map["email_verified"]), (&json!("ada@example.com"), &json!("true")), "{claim}");
    }
    let first = trigger(&[("MULTIPLE_EMAILS", "first")]);
    let map = answered(&first, &list(json!("[ada%40example.com,b%40example.com]"))).await;
    assert_eq!((&map["email"], &map["email_verified"]), (&json!("ada@example.com"), &json!("true")));
    let map = answered(&first, &sample("inbound-federation/saml-several-addresses")).await;
    assert_eq!((emails(&map)[0], &map["email_verified"]), (&json!("ada@example.com"), &json!("true")));
}

/// `{}` would keep everything as it came, including the text `[]` and its verification.
#[tokio::test]
async fn an_empty_list_is_no_address_and_is_not_stored() {
    let event = with_claims(&json!({}), &json!({"sub": "1", "email": "[]", "email_verified": "false"}));
    assert_eq!(mapped(&event, PROVIDERS).await, json!({"sub": "1"}));
}

/// OpenID Connect Core 5.3.2.
#[tokio::test]
async fn user_info_of_another_subject_proves_nothing_and_is_not_stored() {
    let victim = json!({"sub": "2002", "email": "victim@example.com", "email_verified": true, "name": "V"});
    for (id_token, expected) in [
        (json!({"sub": "1001"}), json!({"sub": "1001"})),
        (
            json!({"sub": "1001", "email": "a@example.com", "email_verified": true}),
            json!({"sub": "1001", "email": "a@example.com", "email_verified": "true", SUBJECT: "1001"}),
        ),
    ] {
        let (map, log) = CapturedLog::of(mapped(&with_claims(&victim, &id_token), PROVIDERS)).await;
        assert_eq!(map, expected, "{id_token}");
        assert_eq!((log.matches("WARN").count(), log.matches(OTHER_SUBJECT).count()), (1, 1), "{log}");
    }
}

#[tokio::test]
async fn an_address_of_user_info_without_a_subject_proves_nothing() {
    let user_info = json!({"email": "victim@example.com", "email_verified": true, "name": "Ada"});
    let (map, log) = CapturedLog::of(mapped(&with_claims(&user_info, &json!({"sub": "1001"})), PROVIDERS)).await;
    assert_eq!(map, json!({"sub": "1001", "name": "Ada", SUBJECT: "1001"}));
    assert_eq!(log.matches(OTHER_SUBJECT).count(), 1, "{log}");
    // Its other claims and the address of the ID token stay as they are.
    let id_token = json!({"sub": "1001", "email": "ada@example.com", "email_verified": true});
    let (map, log) = CapturedLog::of(mapped(&with_claims(&json!({"name": "Ada"}), &id_token), PROVIDERS)).await;
    assert_eq!((&map["email_verified"], &map["name"]), (&json!("true"), &json!("Ada")));
    assert!(!log.contains("WARN"), "{log}");
    // A provider whose user info names the same subject in another claim.
    let (map, _) = CapturedLog::of(mapped(
        &with_claims(
            &json!({"id": "1001", "email": "ada@example.com", "email_verified": "1"}),
            &json!({"sub": "1001"}),
        ),
        PROVIDERS,
    ))
    .await;
    assert_eq!(map["email_verified"], json!("true"));
}

#[tokio::test]
async fn a_provider_that_is_never_trusted_or_not_listed_proves_nothing_whatever_it_claims() {
    for providers in ["Google:never", ""] {
        for claim in [json!(true), json!("true"), json!("True"), json!(1), json!("1")] {
            let claims = json!({"sub": "1", "email": "ada@example.com", "email_verified": claim});
            let map = mapped(&with_claims(&json!({}), &claims), providers).await;
            assert_eq!(map, json!({"sub": "1", SUBJECT: "1"}), "{providers} {claim}");
            assert_eq!(mapped(&with_claims(&json!({}), &claims), PROVIDERS).await["email_verified"], json!("true"));
        }
    }
}

#[tokio::test]
async fn every_claim_goes_back_and_the_id_token_wins() {
    let user_info = json!({"sub": "1", "name": "from user info", "picture": "p", "email": "old@example.com"});
    let id_token =
        json!({"sub": "1", "name": "from the token", "email": " Ada@Example.COM ", "email_verified": "true", "hd": 7});
    assert_eq!(
        mapped(&with_claims(&user_info, &id_token), PROVIDERS).await,
        json!({"sub": "1", "name": "from the token", "picture": "p", "email": "ada@example.com",
               "email_verified": "true", "hd": 7, SUBJECT: "1"})
    );
}

#[tokio::test]
async fn the_raw_subject_comes_along_as_the_provider_spells_it() {
    let map = mapped(&sample("inbound-federation/oidc"), PROVIDERS).await;
    assert_eq!(map[SUBJECT], json!("00uAbC1dEfGHIjKlM5d7"));
    let facebook = mapped(&sample("inbound-federation/facebook"), PROVIDERS).await;
    assert!(
        facebook[SUBJECT].as_str().is_some_and(|subject| subject.bytes().all(|byte| byte.is_ascii_digit())),
        "{facebook}"
    );
}

/// Its subject is the NameID, which does not come along.
#[tokio::test]
async fn an_attribute_of_a_saml_response_is_never_taken_for_the_subject() {
    for name in ["sub", "id", "user_id"] {
        let event = edited("inbound-federation/saml", |event| {
            event["request"]["attributes"]["samlResponse"][name] = json!("another number");
        });
        let map = mapped(&event, PROVIDERS).await;
        assert!(map.get(SUBJECT).is_none() && map[name] == json!("another number"), "{map}");
    }
}

#[tokio::test]
async fn without_an_address_everything_is_kept_as_it_came() {
    assert_eq!(mapped(&sample("inbound-federation/without-email"), PROVIDERS).await, json!({}));
    for attributes in [json!(null), json!({}), json!({"idToken": {}}), json!([1]), json!({"samlResponse": "text"})] {
        let event = edited("inbound-federation/google", |event| event["request"]["attributes"] = attributes.clone());
        assert_eq!(mapped(&event, PROVIDERS).await, json!({}), "{attributes}");
    }
}

/// A profile keeps the address of an earlier sign-in when a later one brings none.
#[tokio::test]
async fn a_claim_without_an_address_does_not_verify_an_earlier_one() {
    let claims = json!({"sub": "1", "name": "A", "email_verified": "true"});
    for providers in ["Google:never", "Google:claim", "Google:always", ""] {
        let map = mapped(&with_claims(&json!({}), &claims), providers).await;
        assert_eq!(map, json!({"sub": "1", "name": "A"}), "{providers}");
    }
    let only_the_claim = with_claims(&json!({}), &json!({"email_verified": true}));
    assert_eq!(mapped(&only_the_claim, PROVIDERS).await, json!({"email_verified": "false"}));
    let harmless = with_claims(&json!({}), &json!({"sub": "1", "email_verified": "false"}));
    assert_eq!(mapped(&harmless, PROVIDERS).await, json!({}));
}

#[tokio::test]
async fn an_address_and_its_verification_count_from_one_document_only() {
    let store = trigger(&[("STORE_UNPROVEN_EMAIL", "true")]);
    let check = async |user_info: Value, id_token: Value, verified: &str| {
        let map = answered(&store, &with_claims(&user_info, &id_token)).await;
        assert_eq!(map["email_verified"], json!(verified), "{user_info} {id_token}");
    };
    let victim = json!({"sub": "1", "email": "victim@example.com"});
    let attacker = json!({"sub": "1", "email": "attacker@example.net", "email_verified": true});
    check(attacker.clone(), victim.clone(), "false").await;
    check(victim, attacker.clone(), "true").await;
    check(json!({"sub": "1", "email_verified": true}), json!({"sub": "1", "email": "victim@example.com"}), "false")
        .await;
    check(attacker, json!({"sub": "1", "email_verified": false}), "false").await;
}

#[tokio::test]
async fn a_saml_address_is_found_under_its_configured_name() {
    let saml = |name: &str| {
        edited("inbound-federation/saml", |event| {
            event["request"]["attributes"]["samlResponse"] = json!({name: "Ada@Example.com", "groups": "[a,b]"});
        })
    };
    for name in ["mail", "urn:oid:0.9.2342.19200300.100.1.3"] {
        let map = mapped(&saml(name), PROVIDERS).await;
        assert_eq!(map, json!({name: "ada@example.com", "groups": "[a,b]", "email_verified": "true"}));
    }
    assert_eq!(mapped(&saml("adresse"), PROVIDERS).await, json!({}));
    let lookup = lookup([("PROVIDERS", PROVIDERS), ("SAML_EMAIL_ATTRIBUTES", "adresse")]);
    let own = InboundFederation::new(Settings::from_lookup(&lookup).unwrap());
    let answer = answer_to(&own, &saml("adresse")).await.unwrap();
    assert_eq!(answer["response"]["userAttributesToMap"]["email_verified"], json!("true"));
}

/// The pool may map another of them than the one that was checked.
#[tokio::test]
async fn all_saml_attributes_that_hold_an_address_are_given_the_one_that_was_judged() {
    let event = edited("inbound-federation/saml", |event| {
        event["request"]["attributes"]["samlResponse"] = json!({"mail": "b@example.com", "email": "a@example.com"});
    });
    let expected = json!({"mail": "a@example.com", "email": "a@example.com", "email_verified": "true"});
    assert_eq!(mapped(&event, PROVIDERS).await, expected);
    assert_eq!(mapped(&event, "CorpSAML:never").await, json!({"email_verified": "false"}));
}

#[tokio::test]
async fn a_value_too_long_to_store_is_left_out_with_a_warning() {
    let claims = json!({"sub": "1", "email": "ada@example.com", "fits": "x".repeat(2048), "groups": "x".repeat(2049)});
    let event = with_claims(&json!({}), &claims);
    let (map, log) = CapturedLog::of(mapped(&event, PROVIDERS)).await;
    assert!(map.get("fits").is_some() && map.get("groups").is_none());
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
}

#[tokio::test]
async fn no_log_holds_tokens_or_personal_data() {
    for (name, event) in samples("inbound-federation") {
        for providers in [PROVIDERS, ""] {
            let (_, log) = CapturedLog::of(mapped(&event, providers)).await;
            for secret in personal_data(&event) {
                assert!(!log.contains(&secret), "{name}: {secret} in {log}");
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_claims_none_is_lost_and_nothing_is_proven_without_trust(
        claims in proptest::collection::hash_map("[a-z_]{1,8}|email|email_verified|sub", "\\PC{0,12}|true|a@b.example", 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let event = with_claims(&json!(claims), &json!({}));
        let map = runtime.block_on(mapped(&event, "Google:never"));
        let map = map.as_object().unwrap();
        if map.is_empty() {
            prop_assert!(!claims.get("email_verified").is_some_and(|claim| is_true(&json!(claim))));
        } else {
            prop_assert_ne!(map.get("email_verified"), Some(&json!("true")));
            prop_assert!(claims.keys().all(|name| map.contains_key(name) || name == "email_verified" || name == "email"));
            prop_assert!(map.keys().all(|name| claims.contains_key(name) || name == "email_verified" || name == SUBJECT));
        }
    }
}

#[test]
fn the_readme_lists_every_variable() {
    assert_eq!(documented_settings("inbound-federation"), sorted(&NAMES));
}

/// What counts where ours answered with `ours` and the team's function with `theirs`.
fn counting(event: &str, ours: Value, theirs: Value) -> Value {
    let trigger = trigger(&[]);
    let event = Event::parse(event).unwrap();
    let of = |map: Value| Map::from_iter([(MAP.to_owned(), map)]);
    let overruled = trigger.overrule(&event, &Answers { ours: of(ours), theirs: of(theirs.clone()) });
    overruled.get(MAP).cloned().unwrap_or(theirs)
}

#[test]
fn claims_that_the_teams_function_changes_count_and_never_an_address_a_proof_or_a_subject() {
    let event = sample("inbound-federation/google");
    let proven =
        json!({ "sub": "1", "email": "ada@example.com", "email_verified": "true", "name": "Ada", SUBJECT: "1" });
    let refused = json!({ "sub": "1", "name": "Ada", SUBJECT: "1" });
    let with = |map: &Value, claim: &str, value: Value| {
        let mut map = map.clone();
        map[claim] = value;
        map
    };
    let without = |map: &Value, claim: &str| {
        let mut map = map.clone();
        map.as_object_mut().unwrap().remove(claim);
        map
    };
    let changed = with(&proven, "name", json!("Countess"));
    for (ours, theirs, counts) in [
        (&proven, changed.clone(), changed.clone()),
        (&proven, with(&proven, "custom:tenant", json!("t")), with(&proven, "custom:tenant", json!("t"))),
        // Leaving a claim out means that it is not stored.
        (&proven, without(&proven, "name"), without(&proven, "name")),
        (&proven, json!({ "name": "Countess" }), changed),
        (&proven, with(&proven, "email", json!("eve@example.com")), proven.clone()),
        (&proven, with(&proven, "email_verified", json!("false")), with(&proven, "email_verified", json!("false"))),
        (&proven, with(&proven, "sub", json!("2")), proven.clone()),
        (&proven, with(&proven, SUBJECT, json!("2")), proven.clone()),
        // What ours refused stays out.
        (&refused, with(&refused, "email_verified", json!("true")), refused.clone()),
        (&refused, with(&refused, "email", json!("ada@example.com")), refused.clone()),
        (
            &with(&proven, "email_verified", json!("false")),
            proven.clone(),
            with(&proven, "email_verified", json!("false")),
        ),
        // It would make Cognito store everything as it came.
        (&refused, json!({}), refused.clone()),
        (&refused, json!([]), refused.clone()),
        (&refused, json!("no"), refused.clone()),
        (&json!({}), json!({ "email": "eve@example.com", "email_verified": true }), json!({})),
    ] {
        let mut result = counting(&event, ours.clone(), theirs.clone());
        // Where ours changes nothing, the subject is as it came.
        if *ours == json!({}) {
            result.as_object_mut().unwrap().remove("sub");
        }
        assert_eq!(result, counts, "{ours} {theirs}");
    }
}

#[tokio::test]
async fn a_refused_proof_stays_refused_in_either_order() {
    let unproven = edited("inbound-federation/google", |event| {
        event["request"]["attributes"]["idToken"]["email_verified"] = json!("false");
    });
    let ours = answered(&trigger(&[]), &unproven).await;
    let event: Value = serde_json::from_str(&unproven).unwrap();
    // Before ours, it answers with the claims as they came.
    let came = event["request"]["attributes"]["idToken"].clone();
    let counts = counting(&unproven, ours.clone(), came);
    for claim in ["email", "email_verified", SUBJECT] {
        assert_eq!(counts.get(claim), ours.get(claim), "{claim}");
    }
    assert_eq!(counts["name"], event["request"]["attributes"]["idToken"]["name"]);
}

#[test]
fn a_providers_own_claim_for_the_proof_is_ours_however_its_name_is_spelled_in_the_settings() {
    let trigger = trigger(&[("PROVIDERS", "okta:claim"), ("EMAIL_CLAIMS", "okta:email_verified=checked")]);
    let event = Event::parse(&sample("inbound-federation/okta")).unwrap();
    let claims = |checked: &str| {
        let map = json!({ "sub": "1", "email": "ada@example.com", "email_verified": "false", "checked": checked });
        Map::from_iter([(MAP.to_owned(), map)])
    };
    let overruled = trigger.overrule(&event, &Answers { ours: claims("false"), theirs: claims("true") });
    assert_eq!(overruled[MAP]["checked"], json!("false"));
}
