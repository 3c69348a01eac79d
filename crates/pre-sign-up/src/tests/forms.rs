//! How providers and Cognito write what comes along.

use super::*;
use cognito_core::user_pool::memory::LinkedIdentity;

#[tokio::test]
async fn an_address_in_a_list_of_one_links_like_the_address_alone() {
    let pool = pool([native(ADA)]);
    let trigger = trigger(&pool, &[("POOL_CASE_SENSITIVE", "true")]);
    answer_to(&trigger, &sample("pre-sign-up/saml-list-of-one")).await.unwrap();
    assert!(pool.accounts()[0].has_identity("CorpSAML", "CorpUser-Ada.Lovelace-7F3B"));
}

#[tokio::test]
async fn what_is_no_address_is_refused_with_one_warning_that_says_why() {
    for (email, word) in [
        ("[ada@example.com,b@example.com]", "several"),
        ("evil!ada@example.com", "ambiguous"),
        ("\"ada\"@example.com", "characters"),
        ("ada", "syntax"),
        (&format!("{}@example.com", "l".repeat(65)), "length"),
    ] {
        let event = sample_with("pre-sign-up/facebook", "email", email);
        let pool = pool([native(ADA)]);
        let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, &[]), &event)).await;
        assert_eq!(answer.unwrap_err().0, "unusable_email", "{email}");
        assert_eq!((log.matches("WARN").count(), log.matches("ERROR").count()), (1, 0), "{log}");
        assert!(log.contains(&format!("\"cause\":\"{word}: ")) && !log.contains("ada"), "{email}: {log}");
        assert!(pool.calls().is_empty());
    }
}

/// The identity that the person of a sample is linked with, who has an account, or why they are refused.
async fn linked(case: &str, settings: &'static [(&'static str, &'static str)]) -> Result<LinkedIdentity, &'static str> {
    let event = sample(&format!("pre-sign-up/{case}"));
    let pool = pool([native(&address_in(&event))]);
    let answer = answer_to(&trigger(&pool, settings), &event).await;
    answer.map(|_| pool.accounts()[0].identities[0].clone()).map_err(|(code, _)| code)
}

#[tokio::test]
async fn each_provider_of_the_samples_is_linked_or_refused_as_its_facts_say() {
    for (case, expected) in [
        ("google-lower-cased", Ok("Google")),
        ("facebook", Ok("Facebook")),
        ("apple", Ok("SignInWithApple")),
        ("google-unverified", Err("unproven_email")),
        ("oidc-lower-cased", Err("unreliable_subject")),
        ("oidc-mixed-case", Err("unreliable_subject")),
    ] {
        let provider = linked(case, &[]).await.map(|identity| identity.provider);
        assert_eq!(provider, expected.map(str::to_owned), "{case}");
    }
}

#[tokio::test]
async fn a_mixed_case_subject_is_linked_as_the_provider_spells_it() {
    let settings = &[("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let pool = pool([native(ADA)]);
    answer_to(&trigger(&pool, settings), &sample("pre-sign-up/oidc-raw-subject")).await.unwrap();
    assert!(pool.accounts()[0].has_identity("Okta", "00uAbC1dEfGHIjKlM5d7"));
}

/// With the raw subject beside it, where the subject has letters.
#[tokio::test]
async fn providers_by_name_are_linked_by_the_subject_as_they_spell_it() {
    let settings = |providers| [("PROVIDERS", providers), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    for (case, settings, expected) in [
        ("linkedin", settings("LinkedIn:claim"), Ok("k3Xq9_ZbTa")),
        ("line", settings("LINE:never"), Err("unproven_email")),
        ("line", settings("LINE:claim"), Err("unproven_email")),
        ("line", settings("LINE:always"), Ok("U4af4980629f0b1c2d3e4f5061728394a")),
        ("okta", settings("Okta:claim@corp.example"), Ok("00uZyX9wVuTSRqPoN5d7")),
        ("okta", settings("Okta:claim@other.example"), Err("unproven_email")),
        ("auth0", settings("Auth0:claim"), Ok("auth0|64f0c1e2a3b4c5d6e7f80912")),
        ("auth0-google", settings("Auth0:claim"), Ok("google-oauth2|123456789012345678901")),
        ("github", settings("GitHub:claim"), Ok("583231")),
    ] {
        let subject = linked(case, settings.to_vec().leak()).await.map(|identity| identity.value);
        assert_eq!(subject, expected.map(str::to_owned), "{case}");
    }
    let twice = pool([native(ADA).with_identity("Auth0", "auth0|64f0c1e2a3b4c5d6e7f80912")]);
    let auth0 = settings("Auth0:claim").to_vec().leak();
    let refused = answer_to(&trigger(&twice, auth0), &sample("pre-sign-up/auth0-google")).await.unwrap_err();
    assert_eq!(refused.0, "second_subject");
}

/// The pool maps Entra's `xms_edov` to `email_verified`, so it needs no inbound federation trigger.
#[tokio::test]
async fn a_microsoft_account_is_linked_if_its_proof_is_mapped() {
    let settings = &[("PROVIDERS", "EntraID:claim"), ("SUBJECT_ATTRIBUTE", "custom:idp_subject")];
    let of = |proof: &str| sample_with("pre-sign-up/microsoft", "email_verified", proof);
    for (proof, linked) in [("true", true), ("1", true), ("True", true), ("[1]", true), ("false", false), ("0", false)]
    {
        let pool = pool([native(ADA)]);
        assert_eq!(answer_to(&trigger(&pool, settings), &of(proof)).await.is_ok(), linked, "{proof}");
        assert_eq!(pool.accounts()[0].identities.len(), usize::from(linked), "{proof}");
    }
}

/// Events as people report them from providers and emulators: whether the person is linked, or why not.
#[tokio::test]
async fn reported_forms_of_an_arrival_link_the_right_person_or_nobody() {
    let settings: &[_] = &[
        ("PROVIDERS", "Google:claim,AD FS.v2-test:always,Corp:always"),
        ("POOL_CASE_SENSITIVE", "true"),
        ("UNPROVEN_EMAIL", "separate"),
    ];
    let with = |email: Value| json!({"email": email, "email_verified": "true", "given_name": null, "name": ""});
    let ada = json!("ada@example.com");
    for (what, user_name, attributes, expected) in [
        ("a domain and a backslash in the NameID", "Corp_AD\\rumesh", with(ada.clone()), Ok(1)),
        ("an address as NameID", "Corp_Ada@Corp.example", with(ada.clone()), Ok(1)),
        ("an underscore, a bar and a colon in the subject", "Corp_waad|a_b:c", with(ada.clone()), Ok(1)),
        ("a provider's name with space, full stop and hyphen", "AD FS.v2-test_1", with(ada.clone()), Ok(1)),
        ("attributes that are null", "Google_1", Value::Null, Ok(0)),
        ("attributes that are a list", "Google_1", json!([]), Ok(0)),
        ("an address that is null", "Google_1", with(Value::Null), Ok(0)),
        ("the word null for an address", "Google_1", with(json!("null")), Err("unusable_email")),
        ("a name before the address", "Google_1", with(json!("Ada <ada@example.com>")), Err("unusable_email")),
        (
            "an entry of Active Directory's proxyAddresses",
            "Corp_1",
            with(json!("SMTP:ada@example.com")),
            Err("unusable_email"),
        ),
        ("a link for an address", "Corp_1", with(json!("mailto:ada@example.com")), Err("unusable_email")),
        ("an address with a full stop at its end", "Corp_1", with(json!("ada@example.com.")), Err("unusable_email")),
        ("an address in capitals, padded", "Corp_1", with(json!(" ADA@EXAMPLE.COM\r\n")), Ok(1)),
        ("an address under the name of the claim in capitals", "Corp_1", json!({"EMAIL": ada}), Ok(0)),
        ("a boolean for the mark", "Google_1", json!({"email": ada, "email_verified": true}), Ok(1)),
        (
            "a subject of 120 digits",
            &format!("Google_{}", "1".repeat(120)),
            with(ada.clone()),
            Err("identity_too_long"),
        ),
    ] {
        let event = edited("pre-sign-up/google", |event| {
            event["userName"] = json!(user_name);
            event["request"]["userAttributes"] = attributes.clone();
        });
        let pool = pool([native(ADA)]);
        let answer = answer_to(&trigger(&pool, settings), &event).await;
        let linked = answer.map(|_| pool.accounts()[0].identities.len()).map_err(|refused| refused.0);
        assert_eq!(linked, expected, "{what}");
        assert_eq!(pool.accounts().len(), 1, "{what}");
    }
}

/// Each of these came for somebody whose other address has an account.
#[tokio::test]
async fn an_address_that_only_resembles_another_gets_an_account_of_its_own() {
    for (what, address) in [
        ("the user name of a guest in Entra ID", "ada_example.com#EXT#@tenant.onmicrosoft.com"),
        ("a letter and its accent apart", "ad\u{e1}@example.com"),
        ("a plus address", "ada+1@example.com"),
        ("Gmail's dots", "a.d.a@example.com"),
        ("the mailbox that GitHub makes", "1234+ada@users.noreply.github.com"),
        ("the domain as DNS spells it", "ada@xn--exmple-cua.com"),
    ] {
        let resembled = ["ada@example.com", "ada\u{301}@example.com", "ada@ex\u{e4}mple.com"];
        let pool = pool(resembled.map(native));
        let event = sample_with("pre-sign-up/google", "email", address);
        answer_to(&trigger(&pool, &[]), &event).await.unwrap();
        let accounts = pool.accounts();
        let [own] = &accounts[resembled.len()..] else { panic!("{what}: {accounts:?}") };
        assert!(own.has_identity("Google", "123456789012345678901") && own.has_email(address), "{what}");
        assert!(accounts[..resembled.len()].iter().all(|account| account.identities.is_empty()), "{what}");
    }
}

/// The address is the user name that the new account is asked for, and Cognito takes 128 characters.
#[tokio::test]
async fn an_address_that_is_too_long_for_a_user_name_is_refused_and_one_that_just_fits_gets_an_account() {
    for (chars, refused) in [(128, None), (129, Some("unusable_email"))] {
        let pool = pool([]);
        let address = format!("{}@{}.example.com", "l".repeat(60), "d".repeat(chars - 73));
        assert_eq!(address.len(), chars);
        let event = sample("pre-sign-up/google").replace(ADA, &address);
        assert_eq!(refusal(&pool, &[], &event).await, refused, "{chars}");
        assert_eq!(pool.calls().contains(&"AdminCreateUser"), refused.is_none(), "{chars}");
    }
}

/// A name that is null or empty is not copied to the new account, where Cognito would refuse it.
#[tokio::test]
async fn reported_forms_of_a_newcomers_name_do_not_keep_the_account_from_being_made() {
    for name in [Value::Null, json!(""), json!(7), json!(["Ada"]), json!("x".repeat(3000))] {
        let event = sample_with("pre-sign-up/google-new-person", "given_name", name.clone());
        let pool = pool([]);
        let (answer, _) = CapturedLog::of(answer_to(&trigger(&pool, &[]), &event)).await;
        assert!(answer.is_ok(), "{name}");
        let [account] = pool.accounts().try_into().expect("one account");
        assert!(account.email_verified && !account.attributes.contains_key("given_name"), "{name}");
    }
}

#[tokio::test]
async fn amazons_capital_letters_are_not_lost_for_a_link() {
    for (settings, expected) in [
        (&[("PROVIDERS", "LoginWithAmazon:claim")], "unproven_email"),
        (&[("PROVIDERS", "LoginWithAmazon:always")], "unreliable_subject"),
    ] {
        assert_eq!(linked("amazon", settings).await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn without_an_address_cognito_goes_on_alone_and_nothing_is_asked() {
    let pool = pool([native(ADA)]);
    let event = sample("pre-sign-up/without-email");
    assert_eq!(answered(&pool, &event).await, serde_json::from_str::<Value>(&event).unwrap());
    assert!(pool.calls().is_empty());
}

#[tokio::test]
async fn a_subject_that_completes_the_name_of_another_provider_is_not_taken_for_that_provider() {
    let settings = &[("PROVIDERS", "Corp:never,Corp_EU:always"), ("POOL_CASE_SENSITIVE", "true")];
    let pool = pool([native(ADA)]);
    // The subject `EU_mallory` of the provider `Corp`.
    let event = edited("pre-sign-up/google", |event| event["userName"] = json!("Corp_EU_mallory"));
    let (answer, log) = CapturedLog::of(answer_to(&trigger(&pool, settings), &event)).await;
    assert_eq!(answer.err().map(|(code, _)| code), Some("ambiguous_provider"));
    assert!(pool.accounts()[0].identities.is_empty() && log.contains("\"provider\":\"ambiguous\""), "{log}");
}
