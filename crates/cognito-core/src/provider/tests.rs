use super::*;
use serde_json::json;

fn providers(text: &str) -> Providers {
    Providers::parse(text).expect("valid")
}

#[test]
fn a_provider_is_name_trust_and_optional_link() {
    let parsed =
        providers("Google:claim, Facebook:always ,SignInWithApple:claim,Okta:claim:email,Corp:never:custom:emp");
    let okta = parsed.named("okta").unwrap();
    assert_eq!((okta.name.as_str(), okta.trust), ("Okta", Trust::Claim));
    assert_eq!(okta.link_by, LinkBy::Attribute("email".into()));
    assert_eq!(parsed.named("Corp").unwrap().link_by, LinkBy::Attribute("custom:emp".into()));
    assert_eq!(parsed.named("Facebook").unwrap().trust, Trust::Always);
    assert!(providers("").is_empty() && providers(" , ").is_empty());
}

#[test]
fn the_examples_on_the_pages_of_the_providers_are_valid_and_the_index_has_each_page() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for row in index.lines().filter(|line| line.starts_with("| [")) {
        let entry = row.rsplit('`').nth(1).unwrap();
        assert!(entry == "never" || Providers::parse(entry).is_some(), "{row}");
    }
    let mut examples = 0;
    for page in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let (name, text) = (page.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(&page).unwrap());
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "{name} is not in the index");
        assert!(name == "README.md" || text.contains("## How far to trust it") || name == "microsoft.md", "{name}");
        assert!(name == "README.md" || text.contains("## Sources"), "{name}");
        let mut listed = Providers::default();
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("PROVIDERS=") {
                listed = Providers::parse(value).unwrap_or_else(|| panic!("{name}: {line}"));
                examples += 1;
            }
            if let Some(value) = line.strip_prefix("EMAIL_CLAIMS=") {
                assert!(EmailClaims::parse(value, &listed).is_some(), "{name}: {line}");
            }
        }
    }
    assert!(examples >= 11, "only {examples} examples");
}

#[test]
fn what_is_not_name_trust_link_is_refused() {
    for text in [
        "Google",
        "Google:",
        "Cognito:claim",
        "COGNITO:always",
        "Google:maybe",
        ":claim",
        "Okta:claim:",
        "Okta:claim:email:more",
        "Okta:claim,okta:never",
        "google:claim",
        "Google:claim:email",
        "Corp:never@corp.example",
        "Corp:always@",
        "Corp:always@corp.example@",
        "Corp:always@localhost",
        "Corp:always@*",
        "Corp:always@*.",
        "Corp:always@cörp.example",
        "Corp:always@corp.example/x",
        "Corp:always:none:more",
        "A name that is longer than 32 characters:claim",
    ] {
        assert_eq!(Providers::parse(text), None, "{text}");
    }
}

#[test]
fn a_user_name_is_split_by_configured_names_in_any_case() {
    let parsed = providers("Corp_EU:claim,Google:claim");
    let split = |name| parsed.split_user_name(name).map(|(p, s)| (p.name.as_str(), s));
    assert_eq!(split("Corp_EU_a_B"), Ok(("Corp_EU", "a_B")));
    assert_eq!(split("corp_eu_a_B"), Ok(("Corp_EU", "a_B")));
    assert_eq!(split("google_1035"), Ok(("Google", "1035")));
    for name in ["Google_", "Googles_1", "Google", "Facebook_1", "Corp_a_B"] {
        assert_eq!(split(name), Err(UnknownProvider::Unlisted), "{name}");
    }
}

/// Whoever chooses a subject of `Corp` would otherwise speak for `Corp_EU`.
#[test]
fn a_user_name_that_two_configured_names_fit_is_of_neither() {
    for text in ["Corp:claim,Corp_EU:claim", "Corp_EU:claim,Corp:claim"] {
        let parsed = providers(text);
        let split = |name| parsed.split_user_name(name).map(|(p, s)| (p.name.as_str(), s));
        assert_eq!(split("Corp_EU_mallory"), Err(UnknownProvider::Ambiguous));
        assert_eq!(split("corp_eu_mallory"), Err(UnknownProvider::Ambiguous));
        assert_eq!(split("Corp_mallory"), Ok(("Corp", "mallory")));
        assert_eq!(split("Corp_EU_"), Ok(("Corp", "EU_")));
    }
}

/// Whoever chooses the subject chooses how many underscores it holds. Quadratic, this takes minutes.
#[test]
fn a_user_name_of_underscores_is_split_at_once() {
    let parsed = providers("Corp:claim,Corp_EU:claim");
    let begun = std::time::Instant::now();
    for name in ["_".repeat(1_000_000), format!("corp{}", "_".repeat(1_000_000))] {
        assert_eq!(parsed.split_user_name(&name).is_ok(), name.starts_with('c'));
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_name_is_found_in_any_case_and_not_in_the_middle_of_a_letter() {
    let parsed = providers("ΑΣ:claim,İx:claim");
    for name in ["ας_1", "ασ_1", "ΑΣ_1", "i\u{307}x_1"] {
        assert_eq!(parsed.split_user_name(name).map(|(_, subject)| subject), Ok("1"), "{name}");
    }
    assert_eq!(parsed.split_user_name("ix_1"), Err(UnknownProvider::Unlisted));
}

#[test]
fn trust_is_limited_to_domains_where_they_are_named() {
    let check = |trust: &str, email: &str, proven: bool| {
        let parsed = providers(&format!("Corp:{trust}"));
        let attributes = json!({"email": email, "email_verified": "true"});
        let claim = parsed.named("Corp").unwrap().claim(Attributes::new(Some(&attributes)));
        assert_eq!(matches!(claim, EmailClaim::Proven(_)), proven, "{trust} {email}");
    };
    for trust in ["always@corp.example@*.eu.corp.example", "claim@Corp.Example@*.EU.corp.example:custom:number"] {
        for own in ["ada@corp.example", "ada@CORP.example", "ada@a.eu.corp.example", "ada@b.a.eu.corp.example"] {
            check(trust, own, true);
        }
        for other in [
            "ceo@other.example",
            "ceo@evilcorp.example",
            "ceo@corp.example.evil.example",
            "ceo@us.corp.example",
            "ceo@eu.corp.example",
            "ceo@evileu.corp.example",
        ] {
            check(trust, other, false);
        }
    }
    check("always", "ceo@other.example", true);
}

#[test]
fn an_identity_of_a_provider_may_be_linked_by_nothing() {
    let parsed = providers("Google:claim:none,Corp:always@corp.example:none");
    assert!(parsed.iter().all(|provider| provider.link_by == LinkBy::Nothing));
}

#[test]
fn only_trust_and_claim_together_prove_an_address() {
    let check = |trust: &str, verified: Value, proven: bool| {
        let parsed = providers(&format!("Okta:{trust}"));
        let attributes = json!({"email": "ada@example.com", "email_verified": verified});
        let claim = parsed.named("Okta").unwrap().claim(Attributes::new(Some(&attributes)));
        assert_eq!(matches!(claim, EmailClaim::Proven(_)), proven, "{trust} {attributes}");
    };
    for yes in [json!(true), json!("true"), json!("True"), json!(" TRUE "), json!(1), json!("1"), json!("[true]")] {
        check("claim", yes.clone(), true);
        check("never", yes, false);
    }
    for no in [
        json!(false),
        json!("false"),
        json!(null),
        json!(""),
        json!("yes"),
        json!("[true,true]"),
        json!("[true"),
        json!(2),
        json!(["true"]),
        json!({}),
    ] {
        check("claim", no.clone(), false);
        check("always", no, true);
    }
}

#[test]
fn an_unlisted_provider_proves_nothing_and_a_blank_address_is_absent() {
    let ada = json!({"email": "ada@example.com", "email_verified": "true"});
    assert!(matches!(unlisted_claim(Attributes::new(Some(&ada))), EmailClaim::Unproven(_)));
    assert_eq!(unlisted_claim(Attributes::new(Some(&json!({"email": "  "})))), EmailClaim::Absent);
    assert_eq!(unlisted_claim(Attributes::new(None)), EmailClaim::Absent);
}

#[test]
fn an_identity_of_more_than_128_characters_in_all_is_refused() {
    let parsed = providers("Google:claim");
    let google = parsed.named("Google").unwrap();
    let room = MAX_IDENTITY_CHARS - "Google".len() - COGNITO_SUBJECT.len();
    assert!(SourceIdentity::new(google, &"1".repeat(room)).is_ok());
    assert_eq!(SourceIdentity::new(google, &"1".repeat(room + 1)), Err(IdentityTooLong));
}
