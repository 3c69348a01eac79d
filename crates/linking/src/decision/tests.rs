use super::*;
use crate::arrival::SubjectRule;
use crate::refusal::Unlinkable;
use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::user_pool::memory::{Account, federated, invited, native};
use serde_json::json;
use std::time::SystemTime;

const ADA: &str = "ada@example.com";
const STRICT: Policy = Policy {
    unproven_email: UnprovenEmail::Refuse,
    native_profile: NativeProfile::Create,
    unverified_profile: UnverifiedProfile::Replace,
    newcomers: Newcomers::Create,
    second_subject: SecondSubject::Refuse,
    link_with_factors: LinkWithFactors::Link,
};

fn providers() -> Providers {
    Providers::parse("Google:claim,Facebook:claim,Okta:claim,Corp:always@corp.example@example.com,Apart:claim:none")
        .unwrap()
}

fn arrival(user_name: &str, email: Option<&str>, verified: bool) -> Arrival {
    let providers = providers();
    let attributes = json!({"email": email, "email_verified": verified.to_string()});
    Arrival::read(user_name, Attributes::new(Some(&attributes)), &providers, &SubjectRule::default())
}

fn proven() -> Arrival {
    arrival("Google_1", Some(ADA), true)
}

fn unproven() -> Arrival {
    arrival("Google_1", Some(ADA), false)
}

#[expect(clippy::needless_pass_by_value, reason = "a table reads better")]
fn owners<const N: usize>(accounts: [Account; N]) -> Owners {
    let owner = |account: &Account| Owner::of(account.profile(), SystemTime::now(), &providers());
    Owners { profiles: accounts.iter().map(owner).collect(), current: true, ..Owners::default() }
}

#[track_caller]
fn check<const N: usize>(arrival: &Arrival, accounts: [Account; N], policy: Policy, expected: &str) {
    assert_eq!(decide(arrival, &owners(accounts), &policy).name(), expected);
}

fn unverified_profile(unverified_profile: UnverifiedProfile) -> Policy {
    Policy { unverified_profile, ..STRICT }
}

#[test]
fn without_an_address_the_sign_in_is_left_to_cognito() {
    check(&arrival("Google_1", None, true), [native(ADA)], STRICT, "continue_no_email");
    check(&arrival("Google_1", Some(" "), true), [native(ADA)], STRICT, "continue_no_email");
}

#[test]
fn an_address_that_cannot_be_looked_up_is_refused() {
    check(&arrival("Google_1", Some("\"ada\"@example.com"), true), [], STRICT, "unusable_email");
    check(&arrival("Google_1", Some("ada"), false), [], STRICT, "unusable_email");
}

#[test]
fn an_unproven_address_never_links_and_never_creates() {
    let separate = Policy { unproven_email: UnprovenEmail::Separate, ..STRICT };
    check(&unproven(), [], STRICT, "continue_unproven_email");
    check(&unproven(), [native(ADA)], STRICT, "unproven_email");
    check(&unproven(), [native(ADA)], separate, "continue_separate");
    check(&unproven(), [], separate, "continue_separate");
}

/// Anybody can register an address, or come from a provider with it, and would keep its owner out.
#[test]
fn who_only_names_an_address_keeps_nobody_with_an_unproven_one_out() {
    let planted = || native(ADA).unconfirmed();
    let named = || Account { email_verified: true, ..federated("Unlisted", "9", ADA) };
    check(&unproven(), [planted()], STRICT, "continue_unproven_email");
    check(&unproven(), [planted().disabled()], STRICT, "continue_unproven_email");
    check(&unproven(), [federated("Facebook", "9", ADA)], STRICT, "continue_unproven_email");
    check(&unproven(), [planted(), named()], STRICT, "continue_unproven_email");
    // These are somebody's account, or were.
    let verified = Account { email_verified: true, ..federated("Facebook", "9", ADA) };
    for account in [native(ADA).unverified(), invited(ADA).unverified(), verified.clone(), verified.disabled()] {
        check(&unproven(), [planted(), account], STRICT, "unproven_email");
    }
    check(&unproven(), [Account { email_verified: true, ..planted() }], STRICT, "unproven_email");
}

#[test]
fn a_sign_in_that_may_be_of_two_providers_is_refused_where_somebody_has_the_address() {
    let providers = Providers::parse("Corp:never,Corp_EU:always").unwrap();
    let attributes = json!({"email": ADA, "email_verified": "true"});
    let arrival = Arrival::read("Corp_EU_7", Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
    check(&arrival, [native(ADA)], STRICT, "ambiguous_provider");
    check(&arrival, [], STRICT, "continue_unproven_email");
}

#[test]
fn an_address_that_is_the_user_name_of_somebody_else_is_a_refusal_before_anything_is_deleted() {
    let held = |accounts: Owners| Owners { name_holder: Some("sub".into()), ..accounts };
    let refused = Owners { creation_refused: true, ..held(owners([])) };
    assert_eq!(decide(&proven(), &refused, &STRICT).name(), "user_name_held");
    assert_eq!(decide(&proven(), &held(owners([native(ADA).unconfirmed()])), &STRICT).name(), "user_name_held");
    // Whoever has an account needs none.
    assert_eq!(decide(&proven(), &held(owners([native(ADA)])), &STRICT).name(), "link");
    // The pool may take the name all the same.
    assert_eq!(decide(&proven(), &held(owners([])), &STRICT).name(), "create_and_link");
}

#[test]
fn a_proven_address_that_nobody_has_gets_a_native_profile() {
    check(&proven(), [], STRICT, "create_and_link");
    let skip = Policy { native_profile: NativeProfile::Skip, ..STRICT };
    check(&proven(), [], skip, "continue_no_native_profile");
    check(&proven(), [federated("Facebook", "9", ADA)], skip, "continue_no_native_profile");
}

#[test]
fn a_provider_proves_addresses_of_its_own_domains_only() {
    check(&arrival("Corp_7", Some("ada@corp.example"), false), [native("ada@corp.example")], STRICT, "link");
    check(&arrival("Corp_7", Some("ceo@other.example"), true), [native("ceo@other.example")], STRICT, "unproven_email");
    check(&arrival("Corp_7", Some("ceo@other.example"), true), [], STRICT, "continue_unproven_email");
}

#[test]
fn a_provider_that_is_never_linked_gives_newcomers_a_profile_of_their_own() {
    let apart = arrival("Apart_1", Some(ADA), true);
    check(&apart, [], STRICT, "continue_never_linked");
    check(&apart, [native(ADA)], STRICT, "provider_not_linked");
    check(&apart, [native(ADA).unverified().with_identity("Google", "1")], STRICT, "provider_not_linked");
    check(&apart, [native(ADA).unconfirmed()], STRICT, "continue_never_linked");
    check(&apart, [federated("Facebook", "9", ADA)], STRICT, "continue_never_linked");
    check(&apart, [native(ADA).disabled()], STRICT, "disabled_profile");
    check(&arrival("Apart_1", Some(ADA), false), [native(ADA)], STRICT, "unproven_email");
}

/// In alias pools the mark would take the address from its owner without an error.
#[test]
fn an_address_that_another_profile_holds_as_verified_is_not_marked_on_a_second_one() {
    let invited_and_linked = invited(ADA).unverified().named("second").with_identity("Google", "1");
    let reclaim = unverified_profile(UnverifiedProfile::Reclaim);
    check(&proven(), [invited_and_linked.clone()], reclaim, "reclaim");
    check(&proven(), [invited_and_linked, native(ADA)], reclaim, "ambiguous_owner");
}

#[test]
fn an_identity_that_is_linked_already_continues() {
    check(&proven(), [native(ADA).with_identity("Google", "1")], STRICT, "already_linked");
    check(&proven(), [native(ADA).with_identity("google", "1")], STRICT, "already_linked");
    check(&proven(), [native(ADA).unverified().with_identity("Google", "1")], STRICT, "already_linked");
    check(&proven(), [native(ADA).with_identity("Facebook", "1")], STRICT, "link");
}

fn second_subject(second_subject: SecondSubject) -> Policy {
    Policy { second_subject, ..STRICT }
}

/// An address that was given to another person looks like this, and so does one that several people share.
#[test]
fn another_subject_of_the_same_provider_is_refused_linked_or_takes_the_others_place() {
    let [refuse, link, replace] =
        [SecondSubject::Refuse, SecondSubject::Link, SecondSubject::Replace].map(second_subject);
    let linked = |account: Account| account.with_identity("google", "2").with_identity("Facebook", "9");
    for account in [linked(native(ADA)), Account { status: Status::ResetRequired, ..linked(native(ADA)) }] {
        check(&proven(), [account.clone()], refuse, "second_subject");
        check(&proven(), [account.clone()], link, "link");
        check(&proven(), [account], replace, "replace_subject");
    }
    check(&proven(), [linked(invited(ADA))], refuse, "second_subject");
    check(&proven(), [linked(invited(ADA))], link, "accept_invitation");
    for account in [linked(native(ADA)), linked(invited(ADA))] {
        let decision = decide(&proven(), &owners([account]), &replace);
        let replaced: Vec<_> =
            decision.target().unwrap().replaced.iter().map(|old| (old.provider(), old.value())).collect();
        assert_eq!(replaced, [("Google", "2")]);
        assert!(decision.is_destructive());
    }
    for policy in [refuse, link, replace] {
        check(&proven(), [linked(native(ADA)).with_identity("Google", "1")], policy, "already_linked");
        check(&proven(), [native(ADA).with_identity("Facebook", "9")], policy, "link");
        // A profile that stands alone for another subject gets nothing and gives nothing.
        check(&proven(), [federated("Google", "2", ADA)], policy, "create_and_link");
        check(&proven(), [federated("Google", "2", ADA), native(ADA)], policy, "link");
    }
}

/// Cognito asks for it after the password only, so a linked provider would go around it.
#[test]
fn an_account_with_a_second_factor_is_linked_or_refused() {
    let with_factor = |account: Account| Account { second_factor: true, ..account };
    let refuse = Policy { link_with_factors: LinkWithFactors::Refuse, ..STRICT };
    check(&proven(), [with_factor(native(ADA))], STRICT, "link");
    check(&proven(), [with_factor(native(ADA))], refuse, "second_factor");
    check(&proven(), [with_factor(invited(ADA))], refuse, "second_factor");
    check(&proven(), [native(ADA)], refuse, "link");
    check(&proven(), [with_factor(native(ADA)).with_identity("Google", "1")], refuse, "already_linked");
    // What nobody proved the address for goes with everything that was planted.
    check(&proven(), [with_factor(invited(ADA).unverified())], refuse, "accept_invitation");
    check(&proven(), [with_factor(native(ADA).unconfirmed())], refuse, "replace");
    let reclaim = Policy { unverified_profile: UnverifiedProfile::Reclaim, ..refuse };
    check(&proven(), [with_factor(native(ADA).unverified())], reclaim, "reclaim");
}

#[test]
fn a_link_in_another_case_and_one_by_address_are_no_second_subject() {
    let providers = Providers::parse("Corp:claim,Mail:always:email").unwrap();
    let read = |user_name: &str| {
        let attributes = json!({"email": ADA, "email_verified": "true"});
        let rule = SubjectRule { pool_is_case_sensitive: true, ..SubjectRule::default() };
        Arrival::read(user_name, Attributes::new(Some(&attributes)), &providers, &rule)
    };
    let decided = |arrival: &Arrival, account: Account| decide(arrival, &owners([account]), &STRICT).name();
    assert_eq!(decided(&read("Corp_aBc"), native(ADA).with_identity("Corp", "abc")), "link");
    assert_eq!(decided(&read("Corp_aBc"), native(ADA).with_identity("Corp", "abd")), "second_subject");
    assert_eq!(decided(&read("Mail_t3mp"), native(ADA).with_identity("Mail", "another")), "link");
}

/// What is linked already needs no room and goes around no second factor.
#[test]
fn an_invitation_of_an_account_that_has_the_identity_already_meets_no_obstacle() {
    let own = || invited(ADA).with_identity("Google", "1");
    let refuse = Policy { link_with_factors: LinkWithFactors::Refuse, ..STRICT };
    let full = (0..4).fold(own(), |account, n| account.with_identity("Facebook", &n.to_string()));
    for account in [own().with_identity("Google", "2"), full, Account { second_factor: true, ..own() }] {
        check(&proven(), [account], refuse, "accept_invitation");
    }
}

#[test]
fn a_link_is_made_again_by_the_attribute_only_where_the_address_is_proven_and_there_is_room() {
    let providers = Providers::parse("Staff:claim:custom:staff").unwrap();
    let attributes = json!({"email": ADA, "email_verified": "true", "custom:staff": "7"});
    let arrival = Arrival::read("Staff_x", Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
    let decided = |account: Account| decide(&arrival, &owners([account]), &STRICT);
    let linked = || native(ADA).with_identity("Staff", "7");
    let again = decided(linked());
    assert!(again.name() == "link" && again.target().unwrap().links_again, "{again:?}");
    assert_eq!(decided(linked().unverified()).name(), "already_linked");
    let full = (0..4).fold(linked(), |account, n| account.with_identity("Facebook", &n.to_string()));
    assert_eq!(decided(full).name(), "already_linked");
}

#[test]
fn who_was_invited_or_has_just_come_joins_the_group_and_nobody_else() {
    let of = |account: &Account, is_new| {
        let owner = Owner { is_new, ..owners([account.clone()]).profiles.remove(0) };
        let owners = Owners { profiles: vec![owner], current: true, ..Owners::default() };
        decide(&proven(), &owners, &STRICT).target().unwrap().newcomer
    };
    assert!(of(&native(ADA), true) && of(&invited(ADA), false) && !of(&native(ADA), false));
    let is_new = |seconds| {
        let now = SystemTime::now();
        let created = now.checked_sub(std::time::Duration::from_secs(seconds));
        Owner::of(Account { created, ..native(ADA) }.profile(), now, &providers()).is_new
    };
    assert!(is_new(599) && !is_new(601), "ten minutes after it was made");
}

/// A list may lag behind: a person may have confirmed, accepted or proven since, or a link may be gone.
#[test]
fn what_takes_something_away_or_makes_no_call_rests_on_current_facts() {
    let reclaim = Policy { second_subject: SecondSubject::Replace, ..unverified_profile(UnverifiedProfile::Reclaim) };
    for (account, destroys, needs_current_facts) in [
        (native(ADA).unconfirmed(), true, true),
        (native(ADA).unverified(), true, true),
        (invited(ADA), true, true),
        (native(ADA).with_identity("Google", "2"), true, true),
        (native(ADA), false, false),
        (native(ADA).with_identity("Google", "1"), false, true),
    ] {
        let decision = decide(&proven(), &owners([account]), &reclaim);
        assert_eq!(decision.is_destructive(), destroys, "{decision:?}");
        assert_eq!(decision.needs_current_facts(&reclaim), needs_current_facts, "{decision:?}");
    }
}

#[test]
fn subjects_that_are_replaced_make_room() {
    let piled_up = (10..15).fold(native(ADA), |account, n| account.with_identity("Google", &n.to_string()));
    check(&proven(), [piled_up.clone()], STRICT, "second_subject");
    check(&proven(), [piled_up.clone()], second_subject(SecondSubject::Link), "too_many_identities");
    check(&proven(), [piled_up], second_subject(SecondSubject::Replace), "replace_subject");
}

#[test]
fn a_confirmed_and_verified_profile_is_linked() {
    check(&proven(), [native(ADA)], STRICT, "link");
    check(&proven(), [Account { status: Status::ResetRequired, ..native(ADA) }], STRICT, "link");
    check(&proven(), [native("ADA@Example.COM")], STRICT, "link");
}

#[test]
fn an_invitation_is_accepted_by_proof() {
    check(&proven(), [invited(ADA)], STRICT, "accept_invitation");
    check(&proven(), [invited(ADA).unverified()], STRICT, "accept_invitation");
    check(&proven(), [invited(ADA).unverified()], unverified_profile(UnverifiedProfile::Refuse), "accept_invitation");
    check(&proven(), [invited(ADA).with_identity("Google", "1")], STRICT, "accept_invitation");
}

#[test]
fn a_temporary_password_on_a_profile_with_a_past_is_no_invitation() {
    check(&proven(), [invited(ADA).unverified().with_identity("Facebook", "9")], STRICT, "linked_profile");
    check(&proven(), [invited(ADA).unverified().with_identity("Google", "1")], STRICT, "unverified_profile");
}

#[test]
fn an_unconfirmed_profile_is_replaced_or_refused_and_never_linked() {
    check(&proven(), [native(ADA).unconfirmed()], STRICT, "replace");
    check(&proven(), [native(ADA).unconfirmed()], unverified_profile(UnverifiedProfile::Reclaim), "replace");
    check(&proven(), [native(ADA).unconfirmed()], unverified_profile(UnverifiedProfile::Refuse), "unverified_profile");
    check(&proven(), [native(ADA).unconfirmed().with_identity("Google", "1")], STRICT, "replace");
}

#[test]
fn a_confirmed_profile_that_never_proved_the_address_is_refused_or_reclaimed() {
    check(&proven(), [native(ADA).unverified()], STRICT, "unverified_profile");
    check(&proven(), [native(ADA).unverified()], unverified_profile(UnverifiedProfile::Refuse), "unverified_profile");
    check(&proven(), [native(ADA).unverified()], unverified_profile(UnverifiedProfile::Reclaim), "reclaim");
    let waits = Account { status: Status::ResetRequired, ..native(ADA).unverified() };
    check(&proven(), [waits.clone()], STRICT, "password_reset_required");
    check(&proven(), [waits.clone()], unverified_profile(UnverifiedProfile::Refuse), "password_reset_required");
    check(&proven(), [waits.clone()], unverified_profile(UnverifiedProfile::Reclaim), "reclaim");
    check(&proven(), [waits.with_identity("Google", "1")], STRICT, "already_linked");
}

#[test]
fn who_was_shut_out_of_a_stand_alone_profile_gets_no_other_account() {
    let banned = Account { email_verified: true, ..federated("Facebook", "9", ADA) }.disabled();
    check(&proven(), [banned.clone()], STRICT, "disabled_profile");
    // A native profile of the same person is judged by itself.
    check(&proven(), [banned.clone(), native(ADA)], STRICT, "link");
    // Anybody may have come with an address that nobody proved, and be shut out for it.
    check(&proven(), [banned.unverified()], STRICT, "create_and_link");
}

/// Only an account that its owner reaches anyway, by "forgot password", opens the way again.
#[test]
fn who_is_shut_out_is_kept_out_unless_a_native_account_was_left_open() {
    let banned = || Account { email_verified: true, ..federated("Facebook", "9", ADA) }.disabled();
    let other = |account: Account| owners([banned(), account.named("other")]).keep_out();
    assert!(owners([banned()]).keep_out() && !other(native(ADA)));
    assert!(!other(Account { status: Status::ResetRequired, ..native(ADA) }));
    for account in [native(ADA).disabled(), native(ADA).unverified(), invited(ADA), federated("Google", "1", ADA)] {
        assert!(other(account.clone()), "{account:?}");
    }
    let with_password = Account { status: Status::Confirmed, email_verified: true, ..federated("Google", "1", ADA) };
    assert!(other(with_password), "it stands alone");
    let linked = native(ADA).unverified().named("another").with_identity("Google", "1");
    check(&proven(), [native(ADA).disabled(), linked], STRICT, "disabled_profile");
    // It proved the address, so it does not count for nothing.
    check(&proven(), [native(ADA).disabled(), native(ADA).named("open")], STRICT, "ambiguous_owner");
}

/// Whoever an administrator disabled does not come back by another way, whatever the settings.
#[test]
fn disabled_comes_first_under_every_policy() {
    let verified = Account { email_verified: true, ..federated("Facebook", "9", ADA) }.disabled();
    // Its provider vouches for every address of the domain, and may map no `email_verified` at all.
    let vouched_for = federated("Corp", "5", ADA).disabled();
    for policy in all_policies() {
        for banned in [&verified, &vouched_for] {
            check(&proven(), [banned.clone()], policy, "disabled_profile");
            check(&arrival("Apart_1", Some(ADA), true), [banned.clone()], policy, "disabled_profile");
            // Each of these would be made into another account.
            for other in [native(ADA).unconfirmed(), native(ADA).unverified(), invited(ADA), invited(ADA).unverified()]
            {
                check(&proven(), [banned.clone(), other.clone()], policy, "disabled_profile");
                check(&arrival("Apart_1", Some(ADA), true), [banned.clone(), other], policy, "disabled_profile");
            }
            let several = [banned.clone(), native(ADA).unverified(), native(ADA).unconfirmed().named("another")];
            check(&proven(), several, policy, "disabled_profile");
        }
        check(&proven(), [native(ADA).disabled()], policy, "disabled_profile");
        let two = [native(ADA).disabled(), native(ADA).unverified().named("another")];
        check(&proven(), two, policy, "disabled_profile");
    }
}

/// An administrator who disabled a profile that proved nothing said nothing about the address's owner.
#[test]
fn a_disabled_profile_that_proved_nothing_has_the_same_effect_everywhere_none() {
    let shut = || native(ADA).unverified().disabled();
    let shut_registration = || native(ADA).unconfirmed().disabled().named("registration");
    let create = "create_and_link";
    for policy in all_policies().into_iter().filter(|policy| policy.newcomers == Newcomers::Create) {
        let created =
            if policy.native_profile == NativeProfile::Create { create } else { "continue_no_native_profile" };
        check(&proven(), [shut()], policy, created);
        check(&proven(), [shut_registration()], policy, created);
        check(&proven(), [shut(), shut_registration()], policy, created);
        check(&proven(), [shut(), native(ADA).named("own")], policy, "link");
        check(&proven(), [shut(), invited(ADA).unverified().named("own")], policy, "accept_invitation");
        let apart = arrival("Apart_1", Some(ADA), true);
        check(&apart, [shut(), shut_registration()], policy, "continue_never_linked");
    }
    check(&unproven(), [shut(), shut_registration()], STRICT, "continue_unproven_email");
    // Beside one that is in the way, too.
    check(&proven(), [shut(), native(ADA).unconfirmed().named("another")], STRICT, "replace");
    check(&proven(), [shut(), native(ADA).unverified().named("another")], STRICT, "unverified_profile");
    // It is no stand-alone profile to merge, and where the pool keeps the address for it there is no account to be made.
    let Decision::CreateAndLink { duplicate: false, .. } = decide(&proven(), &owners([shut()]), &STRICT) else {
        panic!("nothing to merge")
    };
    let refused = Owners { creation_refused: true, ..owners([shut()]) };
    assert_eq!(decide(&proven(), &refused, &STRICT).name(), "disabled_profile");
    // An account that somebody is linked with may have lost its mark by a sign-in.
    check(&proven(), [shut().with_identity("Facebook", "9")], STRICT, "disabled_profile");
    let apart = arrival("Apart_1", Some(ADA), true);
    check(&apart, [shut().with_identity("Facebook", "9")], STRICT, "disabled_profile");
}

/// Its owner stored an address of somebody else, or lost the mark of their own by a sign-in.
#[test]
fn an_account_that_somebody_is_linked_with_is_never_taken_over_for_an_address_it_only_stores() {
    let linked = |account: Account| account.with_identity("Facebook", "9");
    for policy in all_policies() {
        for account in [native(ADA).unverified(), invited(ADA).unverified(), native(ADA).unconfirmed()] {
            check(&proven(), [linked(account.clone())], policy, "linked_profile");
            check(&proven(), [linked(account).with_identity("Google", "2")], policy, "linked_profile");
        }
        check(&proven(), [linked(native(ADA).unverified()), native(ADA).named("own")], policy, "link");
        // What the arriving identity itself is linked with is nobody else's.
        check(&proven(), [native(ADA).unverified().with_identity("Google", "1")], policy, "already_linked");
        check(&proven(), [linked(native(ADA).unverified()).with_identity("Google", "1")], policy, "already_linked");
    }
    let own = invited(ADA).unverified().with_identity("Google", "1");
    check(&proven(), [own], unverified_profile(UnverifiedProfile::Reclaim), "reclaim");
}

#[test]
fn a_disabled_or_unusable_profile_is_refused() {
    check(&proven(), [native(ADA).disabled()], STRICT, "disabled_profile");
    check(&proven(), [native(ADA).disabled().with_identity("Google", "1")], STRICT, "disabled_profile");
    check(&proven(), [Account { status: Status::Other, ..native(ADA) }], STRICT, "unusable_profile");
}

#[test]
fn of_several_native_profiles_only_the_one_that_proved_the_address_is_linked() {
    let squatter = || native(ADA).unverified().named("squatter");
    check(&proven(), [squatter(), native(ADA)], STRICT, "link");
    check(&proven(), [native(ADA).unconfirmed().named("squatter"), invited(ADA)], STRICT, "accept_invitation");
    check(&proven(), [native(ADA), native(ADA).named("twin")], STRICT, "ambiguous_owner");
    check(&proven(), [squatter(), squatter().named("another")], STRICT, "ambiguous_owner");
    check(&proven(), [squatter(), native(ADA).disabled()], STRICT, "disabled_profile");
    check(&proven(), [squatter(), native(ADA).with_identity("Google", "1")], STRICT, "already_linked");
    check(&proven(), [squatter().with_identity("Google", "1"), native(ADA)], STRICT, "already_linked");
    // What was never confirmed stands for nobody, whatever is linked to it or marked on it.
    let registration = || native(ADA).unconfirmed().named("registration");
    check(&proven(), [registration().with_identity("Google", "1"), native(ADA)], STRICT, "link");
    check(&proven(), [Account { email_verified: true, ..registration() }, native(ADA)], STRICT, "link");
    check(&proven(), [squatter(), Account { status: Status::ResetRequired, ..native(ADA) }], STRICT, "link");
}

#[test]
fn a_profile_with_five_identities_takes_no_sixth() {
    let full = (10..15).fold(native(ADA), |account, n| account.with_identity("Facebook", &n.to_string()));
    check(&proven(), [full.clone()], STRICT, "too_many_identities");
    let four = Account { identities: full.identities[..4].to_vec(), ..full };
    check(&proven(), [four.clone().with_identity("Google", "1")], STRICT, "already_linked");
    check(&proven(), [four], STRICT, "link");
}

#[test]
fn a_stand_alone_profile_is_never_a_destination() {
    let stand_alone = federated("Facebook", "9", ADA);
    check(&proven(), [stand_alone.clone()], STRICT, "create_and_link");
    check(&proven(), [Account { status: Status::Confirmed, ..stand_alone.clone() }], STRICT, "create_and_link");
    check(&proven(), [stand_alone.clone(), native(ADA)], STRICT, "link");
    let refused = Owners { creation_refused: true, ..owners([stand_alone]) };
    assert_eq!(decide(&proven(), &refused, &STRICT).name(), "email_held_by_federated_profile");
}

#[test]
fn a_subject_that_cannot_be_relied_on_is_refused_where_it_would_be_linked() {
    let okta = arrival("okta_00uabc", Some(ADA), true);
    assert_eq!(okta.identity, Err(Unlinkable::UnreliableSubject));
    check(&okta, [], STRICT, "unreliable_subject");
    check(&okta, [native(ADA)], STRICT, "unreliable_subject");
    check(&okta, [native(ADA).unconfirmed()], STRICT, "unreliable_subject");
    check(&okta, [], Policy { native_profile: NativeProfile::Skip, ..STRICT }, "continue_no_native_profile");
    check(&arrival("Other_1", Some(ADA), true), [native(ADA)], STRICT, "unproven_email");
}

/// Cognito makes a profile for everybody who comes from a provider, also where only administrators create users.
#[test]
fn who_has_no_account_and_is_not_invited_is_refused_where_the_policy_says_so() {
    let newcomers = |newcomers| Policy { newcomers, ..STRICT };
    let skip = Policy { native_profile: NativeProfile::Skip, ..newcomers(Newcomers::Invited) };
    let separate = Policy { unproven_email: UnprovenEmail::Separate, ..newcomers(Newcomers::Invited) };
    for policy in [newcomers(Newcomers::Invited), newcomers(Newcomers::Refuse), skip, separate] {
        check(&proven(), [], policy, "not_invited");
        check(&arrival("Google_1", None, true), [native(ADA)], policy, "not_invited");
        check(&unproven(), [], policy, "not_invited");
        check(&arrival("Apart_1", Some(ADA), true), [], policy, "not_invited");
        check(&proven(), [federated("Facebook", "9", ADA)], policy, "not_invited");
        check(&proven(), [native(ADA).unconfirmed()], policy, "not_invited");
        check(&proven(), [native(ADA)], policy, "link");
        check(&proven(), [native(ADA).with_identity("Google", "1")], policy, "already_linked");
        check(&proven(), [native(ADA).disabled()], policy, "disabled_profile");
    }
    check(&proven(), [invited(ADA).unverified()], newcomers(Newcomers::Invited), "accept_invitation");
    check(&proven(), [invited(ADA)], newcomers(Newcomers::Refuse), "not_invited");
}

/// As with `not_invited`, who has an account, and whom an administrator invited, comes in all the same.
#[test]
fn an_address_that_may_not_join_makes_no_profile_of_any_kind() {
    let kept_out = |arrival: Arrival| Arrival { may_join: false, ..arrival };
    let skip = Policy { native_profile: NativeProfile::Skip, ..STRICT };
    for policy in [STRICT, skip] {
        check(&kept_out(proven()), [], policy, "domain_not_allowed");
        check(&kept_out(arrival("Google_1", None, true)), [], policy, "domain_not_allowed");
        check(&kept_out(unproven()), [], policy, "domain_not_allowed");
        check(&kept_out(arrival("Apart_1", Some(ADA), true)), [], policy, "domain_not_allowed");
        check(&kept_out(proven()), [native(ADA)], policy, "link");
        check(&kept_out(proven()), [native(ADA).with_identity("Google", "1")], policy, "already_linked");
        check(&kept_out(proven()), [invited(ADA)], policy, "accept_invitation");
        check(&kept_out(unproven()), [native(ADA)], policy, "unproven_email");
    }
    check(&kept_out(proven()), [native(ADA).unconfirmed()], STRICT, "domain_not_allowed");
}

/// Every combination of facts about one or two profiles, every arrival and every policy.
#[test]
fn no_combination_of_facts_links_without_proof_or_keeps_what_was_planted() {
    let mut seen = std::collections::BTreeMap::new();
    let (arrivals, policies) = (all_arrivals(), all_policies());
    for (first, second) in all_owners() {
        let profiles: Vec<Owner> = [first, second].into_iter().flatten().collect();
        let owners = Owners { profiles, current: true, ..Owners::default() };
        for policy in &policies {
            for arrival in &arrivals {
                let decision = decide(arrival, &owners, policy);
                *seen.entry(decision.name()).or_insert(0_u32) += 1;
                assert_safe(&decision, arrival, &owners, policy);
            }
        }
    }
    // A loop that never reached an outcome would prove nothing about it.
    for outcome in [
        "link",
        "accept_invitation",
        "create_and_link",
        "replace",
        "reclaim",
        "already_linked",
        "ambiguous_owner",
        "linked_profile",
        "disabled_profile",
        "not_invited",
        "domain_not_allowed",
        "second_subject",
        "replace_subject",
        "second_factor",
    ] {
        assert!(seen.contains_key(outcome), "{outcome} was never decided: {seen:?}");
    }
}

fn assert_safe(decision: &Decision, arrival: &Arrival, owners: &Owners, policy: &Policy) {
    let makes_a_profile =
        matches!(decision, Decision::Continue(_) | Decision::CreateAndLink { .. } | Decision::Replace { .. });
    assert!(arrival.may_join || !makes_a_profile, "{decision:?} for {arrival:?}");
    let context = || format!("{decision:?}\nfor {arrival:?}\nwith {owners:#?}\nunder {policy:?}");
    let proven = matches!(arrival.email, EmailClaim::Proven(_)) && arrival.identity.is_ok();
    let profile = |to: &Destination| {
        let found = owners.profiles.iter().find(|owner| owner.profile.user_name == to.user_name);
        found.map(|owner| owner.profile.clone()).expect("a destination is one of the owners")
    };
    let native = |p: &Profile| p.enabled && !p.is_stand_alone();
    // An account that somebody has for certain: the only thing that keeps an unproven address out.
    let is_account = |owner: &Owner| {
        let profile = &owner.profile;
        let registered = !(profile.is_stand_alone() || profile.status == Status::Unconfirmed);
        owner.has_proven_address || (registered && (profile.enabled || !profile.identities.is_empty()))
    };
    match decision {
        Decision::Refuse(Refusal::UnprovenEmail) => {
            assert!(owners.profiles.iter().any(is_account), "{}", context());
        }
        Decision::Refuse(_) => {}
        _ if is_shut_out(arrival, owners) => panic!("who was shut out comes back: {}", context()),
        Decision::Continue(_) | Decision::CreateAndLink { .. } | Decision::Replace { .. }
            if policy.newcomers != Newcomers::Create =>
        {
            panic!("a newcomer is let in: {}", context())
        }
        Decision::AcceptInvitation { .. } if policy.newcomers == Newcomers::Refuse => {
            panic!("a newcomer is let in: {}", context())
        }
        Decision::Continue(why) => {
            let keeps_out = *why == Continued::UnprovenEmail && owners.profiles.iter().any(is_account);
            assert!(!keeps_out, "{}", context());
        }
        Decision::AlreadyLinked(to) => {
            let identity = arrival.identity.as_ref().expect("an identity");
            assert!(proven && native(&profile(to)) && is_linked(&profile(to), identity), "{}", context());
            assert_ne!(profile(to).status, Status::Unconfirmed, "{}", context());
        }
        Decision::Link(to, _) => {
            let to = profile(to);
            assert!(proven && native(&to) && to.email_verified, "{}", context());
            assert!(matches!(to.status, Status::Confirmed | Status::ResetRequired), "{}", context());
            let rivals =
                owners.profiles.iter().filter(|o| !o.profile.is_stand_alone() && has_proof(&o.profile)).count();
            assert_eq!(rivals, 1, "{}", context());
            assert!(to.identities.len() - decision.target().unwrap().replaced.len() < MAX_IDENTITIES, "{}", context());
            assert_one_subject_each(decision, &to, arrival, policy);
        }
        Decision::AcceptInvitation { to, verify, .. } => {
            let to = profile(to);
            assert!(proven && native(&to) && to.status == Status::ForceChangePassword, "{}", context());
            assert!(to.email_verified || (verify.is_some() && to.identities.is_empty()), "{}", context());
            assert!(verify.is_none() || nobody_else_holds_it(owners, &to), "{}", context());
            assert_one_subject_each(decision, &to, arrival, policy);
        }
        Decision::CreateAndLink { duplicate, .. } => {
            let stand_alone = |owner: &&Owner| owner.profile.is_stand_alone();
            let shut = |owner: &Owner| !owner.profile.enabled && !owner.has_proven_address;
            assert!(proven, "{}", context());
            assert!(owners.profiles.iter().all(|owner| stand_alone(&owner) || shut(owner)), "{}", context());
            assert_eq!(*duplicate, owners.profiles.iter().any(|owner| stand_alone(&owner)), "{}", context());
        }
        Decision::Replace { profile: old, identity, .. } => {
            let old = profile(old);
            assert!(proven && native(&old) && old.status == Status::Unconfirmed, "{}", context());
            assert!(old.identities.iter().all(|known| is(known, identity)), "{}", context());
            assert_ne!(policy.unverified_profile, UnverifiedProfile::Refuse, "{}", context());
        }
        Decision::Reclaim { profile: old, identity, .. } => {
            let old = profile(old);
            assert!(proven && native(&old) && !old.email_verified, "{}", context());
            assert!(nobody_else_holds_it(owners, &old), "{}", context());
            assert_eq!(policy.unverified_profile, UnverifiedProfile::Reclaim, "{}", context());
            assert!(old.identities.iter().all(|known| is(known, identity)), "{}", context());
        }
    }
}

/// Unless the policy says so, no second subject of a provider is linked beside the first, and only those are unlinked.
fn assert_one_subject_each(decision: &Decision, to: &Profile, arrival: &Arrival, policy: &Policy) {
    let identity = arrival.identity.as_ref().expect("an identity");
    let replaced = &decision.target().expect("a destination").replaced;
    let goes_around = to.has_second_factor && to.email_verified && !is_linked(to, identity);
    assert!(!goes_around || policy.link_with_factors == LinkWithFactors::Link, "{decision:?} for {to:?}");
    let is_replaced = |known: &Identity| replaced.iter().any(|old| old.value() == known.user_id);
    let of_provider = || to.identities.iter().filter(|known| known.provider_name.eq_ignore_ascii_case("Google"));
    assert!(replaced.iter().all(|old| old.provider() == identity.provider()), "{decision:?} for {to:?}");
    if is_linked(to, identity) || identity.provider() != "Google" {
        assert!(replaced.is_empty(), "{decision:?} for {to:?}");
    } else if policy.second_subject != SecondSubject::Link {
        assert!(of_provider().all(is_replaced), "{decision:?} for {to:?}");
    }
}

/// An administrator disabled a profile that proved the address, which the sign-in proves as well, and left no account open.
fn is_shut_out(arrival: &Arrival, owners: &Owners) -> bool {
    let profiles = || owners.profiles.iter();
    let open = |owner: &Owner| {
        let Profile { status, enabled, email_verified, .. } = owner.profile;
        let confirmed = status == Status::Confirmed || status == Status::ResetRequired;
        enabled && email_verified && confirmed && !owner.profile.is_stand_alone()
    };
    matches!(arrival.email, EmailClaim::Proven(_))
        && profiles().any(|owner| !owner.profile.enabled && owner.has_proven_address)
        && !profiles().any(open)
}

fn nobody_else_holds_it(owners: &Owners, own: &Profile) -> bool {
    let others = owners.profiles.iter().filter(|owner| owner.profile.user_name != own.user_name);
    others.into_iter().all(|owner| owner.profile.is_stand_alone() || !owner.profile.email_verified)
}

fn all_policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for unproven_email in [UnprovenEmail::Refuse, UnprovenEmail::Separate] {
        for native_profile in [NativeProfile::Create, NativeProfile::Skip] {
            for unverified_profile in
                [UnverifiedProfile::Replace, UnverifiedProfile::Refuse, UnverifiedProfile::Reclaim]
            {
                for newcomers in [Newcomers::Create, Newcomers::Invited, Newcomers::Refuse] {
                    policies.push(Policy { unproven_email, native_profile, unverified_profile, newcomers, ..STRICT });
                }
            }
        }
    }
    // These matter only where an account is linked to, which the first two do not touch.
    let strict = |policy: &&Policy| {
        policy.unproven_email == UnprovenEmail::Refuse && policy.native_profile == NativeProfile::Create
    };
    let further = |second_subject, link_with_factors| {
        let vary = move |policy: &Policy| Policy { second_subject, link_with_factors, ..*policy };
        policies.iter().filter(strict).map(vary).collect::<Vec<_>>()
    };
    let further = [
        further(SecondSubject::Link, LinkWithFactors::Refuse),
        further(SecondSubject::Replace, LinkWithFactors::Refuse),
        further(SecondSubject::Link, LinkWithFactors::Link),
    ]
    .concat();
    policies.extend(further);
    policies
}

fn all_arrivals() -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for user_name in ["Google_1", "okta_00uabc", "Unlisted_1", "Apart_1", "Corp_7"] {
        for email in [None, Some(ADA), Some("not an address")] {
            for verified in [false, true] {
                arrivals.push(arrival(user_name, email, verified));
            }
        }
    }
    arrivals.push(Arrival { may_join: false, ..proven() });
    arrivals
}

fn all_owners() -> Vec<(Option<Owner>, Option<Owner>)> {
    let mut firsts = vec![None];
    for status in [
        Status::Unconfirmed,
        Status::Confirmed,
        Status::ForceChangePassword,
        Status::ResetRequired,
        Status::ExternalProvider,
        Status::Other,
    ] {
        for enabled in [true, false] {
            for email_verified in [true, false] {
                for is_new in [true, false] {
                    for identities in identity_sets() {
                        let mut profile = native(ADA).named("first").profile();
                        (profile.status, profile.enabled, profile.email_verified) = (status, enabled, email_verified);
                        profile.identities = identities;
                        firsts.push(Some(Owner { is_new, ..Owner::of(profile, SystemTime::now(), &providers()) }));
                    }
                }
            }
        }
    }
    // One of each kind that is linked to, with a second factor.
    for status in [Status::Confirmed, Status::ForceChangePassword] {
        let account = Account { status, second_factor: true, ..native(ADA).named("first") };
        firsts.push(owners([account]).profiles.pop());
    }
    let seconds = [
        None,
        Some(native(ADA)),
        Some(native(ADA).unverified()),
        Some(native(ADA).unconfirmed()),
        Some(federated("Facebook", "9", ADA)),
        Some(native(ADA).unverified().disabled()),
        Some(Account { email_verified: true, ..federated("Facebook", "9", ADA) }.disabled()),
    ]
    .map(|account| account.map(|account| owners([account]).profiles.remove(0)));
    firsts.iter().flat_map(|first| seconds.iter().map(|second| (first.clone(), second.clone()))).collect()
}

fn identity_sets() -> Vec<Vec<Identity>> {
    let identity = |provider: &str, user_id: &str, primary| Identity {
        provider_name: provider.into(),
        user_id: user_id.into(),
        primary,
        connected: None,
    };
    vec![
        vec![],
        vec![identity("Google", "1", false)],
        vec![identity("google", "1", false), identity("Facebook", "9", false)],
        vec![identity("google", "2", false), identity("Facebook", "9", false)],
        vec![identity("Google", "1", true)],
        vec![identity("Facebook", "9", true)],
        (0..5).map(|n| identity("Facebook", &n.to_string(), false)).collect(),
    ]
}
