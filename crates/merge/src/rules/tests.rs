use super::*;
use cognito_core::user_pool::memory::{Account, federated, invited, native};
use linking::{NativeProfile, UnverifiedProfile};

const ADA: &str = "ada@example.com";

fn rules() -> Rules {
    Rules {
        providers: Providers::parse("Google:claim,Facebook:always,Okta:never,Corp:claim:custom:staff").unwrap(),
        policy: Policy::default(),
        trust_stored_values: false,
    }
}

fn google(subject: &str) -> Account {
    Account { email_verified: true, ..federated("Google", subject, ADA) }
}

fn facebook(subject: &str) -> Account {
    Account { email_verified: true, ..federated("Facebook", subject, ADA) }
}

fn codes(rules: &Rules, accounts: &[Account]) -> Vec<&'static str> {
    let records: Vec<_> = accounts.iter().map(Account::record).collect();
    let judgements = rules.judge_all(&records, SystemTime::now(), |_, _| None);
    judgements.iter().map(|judgement| judgement.as_ref().map_or("native", Judgement::code)).collect()
}

#[test]
fn the_attribute_that_a_provider_links_by_is_read_too() {
    let linked_by = Providers::parse("Google:claim,Corp:claim:custom:staff").unwrap();
    let attributes = Rules { providers: linked_by, ..rules() }.attributes();
    assert_eq!(attributes, ["sub", "email", "email_verified", "identities", "custom:staff"]);
}

#[test]
fn a_profile_that_stands_beside_a_native_one_is_judged_as_its_sign_in_would_be() {
    let check = |accounts: &[Account], expected: &[&str]| assert_eq!(codes(&rules(), accounts), expected);
    check(&[native(ADA), google("1")], &["native", "link"]);
    check(&[google("1"), native(ADA)], &["link", "native"]);
    check(&[native(ADA), google("1").unverified()], &["native", "unproven_email"]);
    check(&[native(ADA), federated("Okta", "1", ADA)], &["native", "unproven_email"]);
    check(&[native(ADA), federated("Elsewhere", "1", ADA)], &["native", "unproven_email"]);
    check(&[native(ADA).disabled(), google("1")], &["native", "disabled_profile"]);
    check(&[native(ADA).unverified(), google("1")], &["native", "unverified_profile"]);
    check(&[native(ADA).unconfirmed(), google("1")], &["native", "replace"]);
    check(&[invited(ADA), google("1")], &["native", "accept_invitation"]);
    check(&[native(ADA).with_identity("Google", "1"), google("1")], &["native", "already_linked"]);
    check(&[native(ADA), native(ADA).named("b"), google("1")], &["native", "native", "ambiguous_owner"]);
    check(&[google("1")], &["create_and_link"]);
    check(&[federated("Okta", "1", ADA)], &["continue_unproven_email"]);
}

#[test]
fn several_profiles_are_judged_one_after_the_other() {
    let mut six = vec![native(ADA)];
    six.extend((1..=6).map(|n| google(&n.to_string())));
    let second = "second_subject";
    assert_eq!(codes(&rules(), &six), ["native", "link", second, second, second, second, second]);
    let mut linking_all = rules();
    linking_all.policy.second_subject = SecondSubject::Link;
    assert_eq!(codes(&linking_all, &six), ["native", "link", "link", "link", "link", "link", "too_many_identities"]);
    assert_eq!(codes(&rules(), &[google("1"), facebook("2")]), ["link", "create_and_link"]);
    let planted = native(ADA).unconfirmed().named("planted");
    assert_eq!(codes(&linking_all, &[planted.clone(), google("1"), google("2")]), ["native", "replace", "link"]);
    assert_eq!(codes(&rules(), &[planted, google("1"), google("2")]), ["native", "replace", second]);
}

#[test]
fn without_a_native_profile_nothing_is_merged_unless_one_is_to_be_created() {
    let mut rules = rules();
    rules.policy.native_profile = NativeProfile::Skip;
    let two = [google("1"), facebook("2")];
    assert_eq!(codes(&rules, &two), ["continue_no_native_profile", "continue_no_native_profile"]);
}

#[test]
fn what_is_no_plain_stand_alone_profile_is_left() {
    let password = Account { status: Status::Confirmed, ..google("1") };
    let corp = Account { email_verified: true, ..federated("Corp", "1", ADA) };
    let empty = Account { identities: Vec::new(), ..google("1") };
    for (account, code) in [
        (google("1").disabled(), "stand_alone_disabled"),
        (password, "stand_alone_has_password"),
        (google("1").with_identity("Facebook", "2"), "stand_alone_has_links"),
        (empty, "stand_alone_without_identity"),
        (corp, "stored_attribute"),
    ] {
        assert_eq!(codes(&rules(), &[native(ADA), account]), ["native", code]);
    }
}

/// Eve signs in by Facebook and writes Ada's address into her profile while the pool stores such a change at once. The
/// operator then makes the pool keep addresses until they are verified. What is stored looks the same before and after.
#[test]
fn an_unverified_stored_address_is_no_proof_unless_the_operator_vouches_for_it() {
    let eve = federated("Facebook", "eve", ADA);
    let two = [native(ADA), eve];
    assert_eq!(codes(&rules(), &two), ["native", "unproven_email"]);
    let vouched = Rules { trust_stored_values: true, ..rules() };
    assert_eq!(codes(&vouched, &two), ["native", "link"]);
    assert_eq!(codes(&rules(), &[native(ADA), facebook("1")]), ["native", "link"]);
}

#[test]
fn a_link_by_attribute_takes_the_stored_value_only_where_it_is_trusted() {
    let mut corp = Account { email_verified: true, ..federated("Corp", "1", ADA) };
    corp.attributes.insert("custom:staff".into(), "4711".into());
    let trusting = Rules { trust_stored_values: true, ..rules() };
    let judgement = trusting
        .judge(&corp.record(), &owners([native(ADA).profile()].into_iter(), SystemTime::now(), &trusting.providers));
    let Judgement::Decided(Decision::Link(_, identity)) = judgement else { panic!("{judgement:?}") };
    assert_eq!((identity.attribute(), identity.value()), ("custom:staff", "4711"));
}

#[test]
fn more_profiles_than_a_person_has_are_left() {
    let crowd: Vec<_> = (0..=MAX_PROFILES).map(|n| google(&n.to_string())).collect();
    assert!(codes(&rules(), &crowd).iter().all(|code| *code == "too_many_profiles"));
}

#[test]
fn the_next_sign_in_is_foretold_by_the_same_rules() {
    let foretold = |accounts: &[Account]| {
        let records: Vec<_> = accounts.iter().map(Account::record).collect();
        rules().next_sign_in(ADA, &records, SystemTime::now()).unwrap().name()
    };
    assert_eq!(foretold(&[native(ADA)]), "link");
    assert_eq!(foretold(&[native(ADA).disabled()]), "disabled_profile");
    assert_eq!(foretold(&[native(ADA).unconfirmed()]), "replace");
    assert_eq!(foretold(&[native(ADA).unverified()]), "unverified_profile");
    let reclaim = Policy { unverified_profile: UnverifiedProfile::Reclaim, ..Policy::default() };
    let rules = Rules { policy: reclaim, ..rules() };
    let planted = [native(ADA).unverified().record()];
    assert_eq!(rules.next_sign_in(ADA, &planted, SystemTime::now()).unwrap().name(), "reclaim");
    let nobody = Rules { providers: Providers::parse("Okta:never").unwrap(), ..rules };
    assert_eq!(nobody.next_sign_in(ADA, &planted, SystemTime::now()), None);
}

#[test]
fn every_reason_has_its_own_name_and_is_documented() {
    let all = [
        LeaveReason::Disabled,
        LeaveReason::NotPlain,
        LeaveReason::SeveralIdentities,
        LeaveReason::NoIdentity,
        LeaveReason::StoredAttribute,
        LeaveReason::TooManyProfiles,
    ];
    let codes: std::collections::HashSet<_> = all.map(LeaveReason::code).into_iter().collect();
    assert_eq!(codes.len(), all.len());
    assert!(codes.iter().all(|code| include_str!("../../../../docs/cli/link.md").contains(code)));
}

#[test]
fn the_next_sign_in_is_told_of_providers_that_prove_the_address_and_link() {
    let told = |list: &str, account: Account| {
        let rules = Rules { providers: Providers::parse(list).unwrap(), ..rules() };
        rules.next_sign_in(ADA, &[account.record()], SystemTime::now()).map(|decision| decision.name().to_owned())
    };
    for account in [native(ADA), native(ADA).unconfirmed()] {
        let plain = told("Google:claim", account.clone());
        assert!(plain.is_some());
        for list in ["Corporate:always@corp.example,Google:claim", "Corporate:claim:none,Google:claim"] {
            assert_eq!(told(list, account.clone()), plain, "{list}");
        }
    }
    assert_eq!(told("Corporate:always@corp.example", native(ADA)), None);
    // Somebody who is linked comes with that identity, not with a second one of the same provider.
    assert_eq!(told("Google:claim", native(ADA).with_identity("Google", "1")).as_deref(), Some("link"));
}

/// A provider that is linked by the address finds its own link. To another provider that link may be anybody's.
#[test]
fn a_provider_that_is_refused_does_not_hide_what_another_one_would_do() {
    let linked = native(ADA).unverified().with_identity("Mail", ADA);
    for (list, expected) in [
        ("Google:claim", "linked_profile"),
        ("Google:claim,Mail:claim:email", "already_linked"),
        ("Mail:claim:email,Google:claim", "already_linked"),
    ] {
        let rules = Rules { providers: Providers::parse(list).unwrap(), ..rules() };
        let told = rules.next_sign_in(ADA, &[linked.record()], SystemTime::now()).unwrap();
        assert_eq!(told.name(), expected, "{list}");
    }
}
