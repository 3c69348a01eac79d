//! `show`

use crate::cloud::Cloud;
use crate::linked_identity::{LinkedIdentity, time};
use crate::lookup;
use crate::options::{Global, Target};
use crate::terminal::{self, Cell, ExitStatus, Table, Tabular};
use anyhow::{Error, Result, bail};
use clap::Args;
use cognito_core::user_pool::{Administration, MfaSettings, ProfileRecord, UnreadableIdentities};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Show a person's profile: status, attributes, identities, groups and second factors
///
/// If several profiles have the same e-mail address, they are shown side by side. Nothing is changed.
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
#[derive(Serialize, JsonSchema)]
struct Person {
    /// Its name in the pool.
    user_name: String,
    /// The pool's id of the profile.
    sub: String,
    /// `UserStatus` in AWS's spelling.
    status: String,
    /// False if an administrator disabled it.
    enabled: bool,
    /// RFC 3339 in UTC.
    created: Option<String>,
    /// RFC 3339 in UTC.
    modified: Option<String>,
    /// Every attribute but `sub` and `identities`.
    attributes: BTreeMap<String, String>,
    /// Its identities at providers.
    identities: Vec<LinkedIdentity>,
    /// Its second factors.
    mfa: MfaSettings,
    /// The groups that it is in.
    groups: Vec<String>,
    /// What it can sign in with apart from its identities; `None` if the pool does not tell.
    sign_in_factors: Option<Vec<String>>,
}

/// What a look-up found.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// The profile of the person, or every profile with the address.
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
        let pool = Cloud::load(global, id).await?.user_pool(id);
        let (mut profiles, mut unknown) = (Vec::new(), None);
        for record in lookup::find(&pool, &self.target.user).await? {
            let name = record.name();
            let groups = pool.groups(&name).await?;
            let factors = pool.sign_in_factors(&name).await;
            let factors = factors.map_err(|error| unknown = Some(error)).ok();
            profiles.push(Person::new(record, groups, factors)?);
        }
        if let Some(error) = unknown.map(Error::from) {
            note!("what else these profiles can sign in with is not known: {error}");
            terminal::advise(&error);
        }
        if profiles.is_empty() {
            bail!("no profile of this pool has that user name, sub or e-mail address");
        }
        let several = profiles.len() > 1;
        global.output().data(&Shown { profiles })?;
        if several {
            note!("several profiles have this e-mail address; `cognito-triggers link` merges those of one person");
        }
        Ok(ExitStatus::Done)
    }
}

impl Tabular for Shown {
    /// One row per field, one column per profile.
    fn table(&self) -> Table {
        let row = |name: &str, value: &dyn Fn(&Person) -> Cell| {
            std::iter::once(name.into()).chain(self.profiles.iter().map(value)).collect::<Vec<_>>()
        };
        let mut table = Table::new(row("user name", &|person| (&person.user_name).into()));
        table.row(row("sub", &|person| (&person.sub).into()));
        table.row(row("status", &|person| status(person).into()));
        table.row(row("created", &|person| person.created.as_deref().unwrap_or_default().into()));
        table.row(row("modified", &|person| person.modified.as_deref().unwrap_or_default().into()));
        let attributes: BTreeSet<&String> = self.profiles.iter().flat_map(|person| person.attributes.keys()).collect();
        for name in attributes {
            let value = |person: &Person| person.attributes.get(name).map_or("", String::as_str).into();
            table.row(row(name, &value));
        }
        table.row(row("identities", &|person| Cell::lines(person.identities.iter().map(ToString::to_string))));
        table.row(row("groups", &|person| Cell::lines(&person.groups)));
        table.row(row("signs in with", &|person| match &person.sign_in_factors {
            Some(factors) => Cell::lines(factors),
            None => "not known".into(),
        }));
        table.row(row("second factors", &second_factors));
        table
    }
}

fn status(person: &Person) -> String {
    format!("{}{}", person.status, if person.enabled { "" } else { ", disabled" })
}

fn second_factors(person: &Person) -> Cell {
    let mfa = &person.mfa;
    Cell::lines(mfa.enabled.iter().map(|name| {
        let preferred = if mfa.preferred.as_ref() == Some(name) { " (preferred)" } else { "" };
        format!("{name}{preferred}")
    }))
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
        let text = Shown { profiles: vec![person(ada().record()), person(google)] }.table().for_stdout().to_string();
        for part in ["ada ", "Google_1", "EXTERNAL_PROVIDER, disabled", "name", "Google 1 (stand-alone)", "members"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
