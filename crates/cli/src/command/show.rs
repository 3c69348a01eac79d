//! `show`

use crate::arguments::Global;
use crate::cloud::Cloud;
use crate::exit::ExitStatus;
use crate::linked_identity::{LinkedIdentity, time};
use crate::lookup;
use crate::output::{Output, Table};
use crate::target::Target;
use anyhow::{Result, bail};
use clap::Args;
use cognito_core::user_pool::{Administration, MfaSettings, ProfileRecord, UnreadableIdentities};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Show a person's profile: status, attributes, identities, groups and second factors
///
/// An e-mail address that several profiles have shows all of them side by side. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Show {
    #[command(flatten)]
    target: Target,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers show ada@example.com --user-pool-id eu-central-1_AbCdEf123
  cognito-triggers show Google_1234567890 --user-pool-id eu-central-1_AbCdEf123 --output json";

/// One profile with its groups and ways in.
#[derive(Serialize)]
struct Person {
    user_name: String,
    sub: String,
    /// `UserStatus` in AWS's spelling.
    status: String,
    enabled: bool,
    /// RFC 3339 in UTC.
    created: Option<String>,
    /// RFC 3339 in UTC.
    modified: Option<String>,
    /// Every attribute but `sub` and `identities`.
    attributes: BTreeMap<String, String>,
    identities: Vec<LinkedIdentity>,
    mfa: MfaSettings,
    groups: Vec<String>,
    /// What it can sign in with beside its identities; `None` if the pool does not tell.
    sign_in_factors: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Shown {
    profiles: Vec<Person>,
}

impl Person {
    fn new(
        record: ProfileRecord,
        groups: Vec<String>,
        sign_in_factors: Option<Vec<String>>,
    ) -> Result<Self, UnreadableIdentities> {
        let identities = LinkedIdentity::all_of(&record)?;
        let mut attributes = record.attributes;
        attributes.remove("identities");
        Ok(Self {
            sub: attributes.remove("sub").unwrap_or_default(),
            user_name: record.user_name,
            status: record.status,
            enabled: record.enabled,
            created: time(record.created),
            modified: time(record.modified),
            attributes,
            identities,
            mfa: record.mfa,
            groups,
            sign_in_factors,
        })
    }
}

impl Show {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let id = &self.target.pool.id;
        let pool = Cloud::load(global, Some(id)).await.user_pool(id);
        let mut profiles = Vec::new();
        for record in lookup::find(&pool, &self.target.user).await? {
            let name = record.name();
            let groups = pool.groups(&name).await?;
            let sign_in_factors = match pool.sign_in_factors(&name).await {
                Ok(factors) => Some(factors),
                Err(error) => {
                    eprintln!("what they can sign in with is not known: {error}");
                    None
                }
            };
            profiles.push(Person::new(record, groups, sign_in_factors)?);
        }
        if profiles.is_empty() {
            bail!("no profile of this pool has that user name, sub or e-mail address");
        }
        let several = profiles.len() > 1;
        Output::new(global.output.unwrap_or_default()).data(&Shown { profiles })?;
        if several {
            eprintln!(
                "Several profiles have this e-mail address. `cognito-triggers link` makes one of those that belong \
                 together."
            );
        }
        Ok(ExitStatus::Done)
    }
}

impl Table for Shown {
    /// One row per field, one column per profile.
    fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        let row = |name: &str, value: &dyn Fn(&Person) -> String| {
            std::iter::once(name.to_owned()).chain(self.profiles.iter().map(value)).collect::<Vec<_>>()
        };
        table.set_header(row("user name", &|person| person.user_name.clone()));
        table.add_row(row("sub", &|person| person.sub.clone()));
        table.add_row(row("status", &|person| status(person)));
        table.add_row(row("created", &|person| person.created.clone().unwrap_or_default()));
        table.add_row(row("modified", &|person| person.modified.clone().unwrap_or_default()));
        let attributes: BTreeSet<&String> = self.profiles.iter().flat_map(|person| person.attributes.keys()).collect();
        for name in attributes {
            let value = |person: &Person| person.attributes.get(name).cloned().unwrap_or_default();
            table.add_row(row(name, &value));
        }
        table.add_row(row("identities", &|person| lines(&person.identities, ToString::to_string)));
        table.add_row(row("groups", &|person| lines(&person.groups, Clone::clone)));
        table.add_row(row("signs in with", &|person| match &person.sign_in_factors {
            Some(factors) => lines(factors, Clone::clone),
            None => "not known".to_owned(),
        }));
        table.add_row(row("second factors", &second_factors));
        table
    }
}

fn status(person: &Person) -> String {
    format!("{}{}", person.status, if person.enabled { "" } else { ", disabled" })
}

fn second_factors(person: &Person) -> String {
    let mfa = &person.mfa;
    lines(&mfa.enabled, |name| {
        let preferred = if mfa.preferred.as_ref() == Some(name) { " (preferred)" } else { "" };
        format!("{name}{preferred}")
    })
}

fn lines<T>(list: &[T], line: impl Fn(&T) -> String) -> String {
    if list.is_empty() {
        return "none".to_owned();
    }
    list.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;
    use cognito_core::user_pool::memory::federated;

    #[test]
    fn profiles_stand_side_by_side_with_every_field_of_each() {
        let mut google = federated("Google", "1", "ada@example.com").disabled().record();
        google.attributes.insert("name".into(), "Ada".into());
        let person = |record| Person::new(record, vec!["members".into()], None).unwrap();
        let text = Shown { profiles: vec![person(ada().record()), person(google)] }.table().to_string();
        for part in ["ada ", "Google_1", "EXTERNAL_PROVIDER, disabled", "name", "Google 1 (stand-alone)", "members"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
