//! What an operator should know of the profiles of one address.

use cognito_core::user_pool::{Identity, ProfileRecord};
use linking::Decision;
use merge::{DefaultGroup, Judgement, Rules};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

/// What an audit finds about a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProfileFinding {
    /// Other profiles have its address, too.
    SeveralProfiles,
    /// The linking rules refuse the next sign-in, or the merge.
    Refused,
    /// The next sign-in with a proven address deletes the profile, or takes it over.
    Replaced,
    /// It should be in the default group, and is not.
    NotInGroup,
    /// Its providers prove every address, and it shows as unverified.
    UnverifiedAddress,
}

impl ProfileFinding {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SeveralProfiles => "several_profiles",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
            Self::NotInGroup => "not_in_group",
            Self::UnverifiedAddress => "unverified_address",
        }
    }
}

/// The default group, and who is in it.
#[derive(Debug)]
pub(crate) struct Membership {
    /// The group, and whom it is for.
    pub(crate) group: DefaultGroup,
    /// The user names of its members.
    pub(crate) members: HashSet<String>,
}

impl Membership {
    fn misses(&self, rules: &Rules, record: &ProfileRecord) -> bool {
        !self.members.contains(&record.user_name) && self.group.is_for(rules, record)
    }
}

/// A profile with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// The pool.
    pub(crate) user_pool_id: String,
    /// Its address.
    pub(crate) email: String,
    /// What was found about it.
    pub(crate) findings: Vec<ProfileFinding>,
    /// Its name in the pool.
    pub(crate) user_name: String,
    /// The pool's id of it.
    pub(crate) sub: String,
    /// `UserStatus` in AWS's spelling.
    pub(crate) status: String,
    /// The providers of its identities.
    pub(crate) providers: Vec<String>,
    /// For a stand-alone profile, what a merge does to it. For a native one, what the next sign-in from a provider that
    /// proves the address does.
    pub(crate) verdict: &'static str,
}

/// The numbers of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Summary {
    /// Profiles in the pool.
    pub(crate) profiles: u64,
    /// Different addresses.
    pub(crate) addresses: u64,
    /// Addresses that several profiles have.
    pub(crate) addresses_with_several_profiles: u64,
    /// Stand-alone profiles that can be merged into a native one.
    pub(crate) mergeable: u64,
    /// Stand-alone profiles with a proven address that no native profile has.
    pub(crate) without_native: u64,
    /// Profiles by finding.
    pub(crate) findings: BTreeMap<&'static str, u64>,
    /// Stand-alone profiles by what becomes of them.
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Judges the profiles of one address, counts them, and says what was found.
    pub(crate) fn add(
        &mut self,
        rules: &Rules,
        membership: Option<&Membership>,
        (email, records): (&str, &[ProfileRecord]),
        now: SystemTime,
    ) -> Vec<Row> {
        self.addresses += 1;
        self.addresses_with_several_profiles += u64::from(records.len() > 1);
        let judgements = rules.judge_all(records, now, |_, _| None);
        let natives = judgements.iter().any(Option::is_none);
        let next = if natives { rules.next_sign_in(email, records, now) } else { None };
        let mut rows = Vec::new();
        for (record, judgement) in records.iter().zip(&judgements) {
            let mut findings = findings(rules, record, judgement.as_ref(), next.as_ref(), records.len());
            // Who has a native profile to be merged into is no newcomer: that one counts.
            let has_native = natives && judgement.as_ref().is_some_and(Judgement::merges);
            if !has_native && membership.is_some_and(|membership| membership.misses(rules, record)) {
                findings.push(ProfileFinding::NotInGroup);
            }
            if let Some(judgement) = judgement {
                *self.verdicts.entry(judgement.code()).or_default() += 1;
                self.mergeable += u64::from(judgement.merges() && natives);
                self.without_native += u64::from(judgement.merges() && !natives);
            }
            for finding in &findings {
                *self.findings.entry(finding.name()).or_default() += 1;
            }
            if !findings.is_empty() {
                let verdict =
                    judgement.as_ref().map_or_else(|| next.as_ref().map_or("", Decision::name), Judgement::code);
                rows.push(row(email, record, findings, verdict));
            }
        }
        rows
    }
}

fn findings(
    rules: &Rules,
    record: &ProfileRecord,
    judgement: Option<&Judgement>,
    next: Option<&Decision>,
    profiles: usize,
) -> Vec<ProfileFinding> {
    let (refused, replaced) = match (judgement, next) {
        (Some(judgement), _) => (judgement.is_refusal(), false),
        (None, Some(decision)) => (
            matches!(decision, Decision::Refuse(_)),
            matches!(decision, Decision::Replace { profile, .. } | Decision::Reclaim { profile, .. }
                if profile.user_name.as_str() == record.user_name),
        ),
        (None, None) => (false, false),
    };
    let all = [
        (profiles > 1, ProfileFinding::SeveralProfiles),
        (refused, ProfileFinding::Refused),
        (replaced, ProfileFinding::Replaced),
        (rules.needs_repair(record), ProfileFinding::UnverifiedAddress),
    ];
    all.into_iter().filter_map(|(found, finding)| found.then_some(finding)).collect()
}

fn row(email: &str, record: &ProfileRecord, findings: Vec<ProfileFinding>, verdict: &'static str) -> Row {
    let identities = record.attribute("identities").map(Identity::parse_list);
    let providers = identities.and_then(Result::ok).unwrap_or_default();
    Row {
        user_pool_id: String::new(),
        email: email.to_owned(),
        findings,
        user_name: record.user_name.clone(),
        sub: record.sub().to_owned(),
        status: record.status.clone(),
        providers: providers.into_iter().map(|identity| identity.provider_name).collect(),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::provider::Providers;
    use cognito_core::user_pool::memory::{Account, federated, native};
    use linking::Policy;

    const ADA: &str = "ada@example.com";

    fn found(accounts: &[Account]) -> (Vec<String>, Summary) {
        let rules = Rules {
            providers: Providers::parse("Google:claim,Facebook:always").unwrap(),
            policy: Policy::default(),
            trust_stored_values: true,
        };
        let records: Vec<_> = accounts.iter().map(Account::record).collect();
        let mut summary = Summary::default();
        let rows = summary.add(&rules, None, (ADA, &records), SystemTime::now());
        let line = |row: &Row| {
            let findings: Vec<_> = row.findings.iter().map(|finding| finding.name()).collect();
            format!("{} {} {}", row.user_name, findings.join("+"), row.verdict)
        };
        (rows.iter().map(line).collect(), summary)
    }

    #[test]
    fn who_has_two_profiles_is_reported_with_what_merging_them_would_do() {
        let (rows, summary) = found(&[native(ADA).named("n"), federated("Facebook", "1", ADA)]);
        assert_eq!(rows, ["n several_profiles link", "Facebook_1 several_profiles+unverified_address link"]);
        assert_eq!((summary.addresses_with_several_profiles, summary.mergeable, summary.without_native), (1, 1, 0));
    }

    #[test]
    fn a_person_with_one_sound_profile_is_not_reported() {
        let verified = Account { email_verified: true, ..federated("Facebook", "1", ADA) };
        for account in [native(ADA), native(ADA).with_identity("Google", "1"), verified] {
            assert_eq!(found(&[account]).0, Vec::<String>::new());
        }
    }

    #[test]
    fn a_profile_whose_next_sign_in_is_refused_or_replaces_it_is_reported() {
        let check = |account: Account, row: &str| assert_eq!(found(&[account.named("n")]).0, [row]);
        check(native(ADA).disabled(), "n refused disabled_profile");
        check(native(ADA).unverified(), "n refused unverified_profile");
        check(native(ADA).unconfirmed(), "n replaced replace");
        check(federated("Facebook", "1", ADA).disabled(), "n refused+unverified_address stand_alone_disabled");
    }

    #[test]
    fn a_confirmed_person_outside_the_group_is_found_and_a_member_is_not() {
        let providers = Providers::parse("Google:claim").unwrap();
        let rules = Rules { providers, policy: Policy::default(), trust_stored_values: false };
        let membership = Membership {
            group: DefaultGroup { name: "Users".into(), for_everybody: false, since: 0 },
            members: ["member".to_owned()].into(),
        };
        let found = |account: Account| {
            let mut summary = Summary::default();
            let rows = summary.add(&rules, Some(&membership), (ADA, &[account.record()]), SystemTime::now());
            rows.into_iter().flat_map(|row| row.findings).collect::<Vec<_>>()
        };
        assert_eq!(found(native(ADA).named("n")), [ProfileFinding::NotInGroup]);
        assert_eq!(found(native(ADA).named("member")), []);
        assert!(!found(native(ADA).named("n").unconfirmed()).contains(&ProfileFinding::NotInGroup));
        let google = Account { email_verified: true, ..federated("Google", "1", ADA) };
        assert_eq!(found(google.clone()), [ProfileFinding::NotInGroup]);
        let records = [native(ADA).named("member").record(), google.record()];
        let rows = Summary::default().add(&rules, Some(&membership), (ADA, &records), SystemTime::now());
        assert!(
            rows.iter().all(|row| !row.findings.contains(&ProfileFinding::NotInGroup)),
            "merged, they are in the group"
        );
    }

    #[test]
    fn stand_alone_profiles_without_a_native_one_are_counted() {
        let google = Account { email_verified: true, ..federated("Google", "1", ADA) };
        let (rows, summary) = found(&[google]);
        assert_eq!((rows.len(), summary.without_native, summary.verdicts["create_and_link"]), (0, 1, 1));
    }
}
