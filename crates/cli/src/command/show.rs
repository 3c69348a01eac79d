//! `show`

use crate::cloud::Cloud;
use crate::directory::{Account, Directory, LinkedIdentity};
use crate::options::{Global, Target};
use crate::terminal::{Cell, ExitStatus, Table, Tabular};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;

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

/// One profile with what is kept beside it.
#[derive(Serialize)]
struct Person {
    #[serde(flatten)]
    account: Account,
    groups: Vec<String>,
    /// What it can sign in with beside its identities; `None` if the pool does not tell.
    sign_in_factors: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Shown {
    profiles: Vec<Person>,
}

impl Show {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let pool = &self.target.pool.id;
        let directory = Directory::new(Cloud::load(global, Some(pool)).await.cognito(), pool);
        let mut profiles = Vec::new();
        for account in directory.find(&self.target.user).await? {
            let groups = directory.groups(&account).await?;
            let sign_in_factors = match directory.sign_in_factors(&account).await {
                Ok(factors) => Some(factors),
                Err(error) => {
                    say!("what they can sign in with is not known: {error}");
                    None
                }
            };
            profiles.push(Person { account, groups, sign_in_factors });
        }
        if profiles.is_empty() {
            bail!("no profile of this pool has that user name, sub or e-mail address");
        }
        let several = profiles.len() > 1;
        global.output().data(&Shown { profiles })?;
        if several {
            say!(
                "Several profiles have this e-mail address. `cognito-triggers link` makes one of those that belong \
                 together."
            );
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
        let mut table = Table::new(row("user name", &|person| (&person.account.user_name).into()));
        table.row(row("sub", &|person| (&person.account.sub).into()));
        table.row(row("status", &|person| status(&person.account).into()));
        table.row(row("created", &|person| person.account.created.as_deref().unwrap_or_default().into()));
        table.row(row("modified", &|person| person.account.modified.as_deref().unwrap_or_default().into()));
        let attributes: BTreeSet<&String> =
            self.profiles.iter().flat_map(|person| person.account.attributes.keys()).collect();
        for name in attributes {
            let value = |person: &Person| person.account.attributes.get(name).map_or("", String::as_str).into();
            table.row(row(name, &value));
        }
        table.row(row("identities", &|person| Cell::lines(person.account.identities.iter().map(identity))));
        table.row(row("groups", &|person| Cell::lines(&person.groups)));
        table.row(row("signs in with", &|person| match &person.sign_in_factors {
            Some(factors) => Cell::lines(factors),
            None => "not known".into(),
        }));
        table.row(row("second factors", &second_factors));
        table
    }
}

fn status(account: &Account) -> String {
    format!("{}{}", account.status, if account.enabled { "" } else { ", disabled" })
}

/// An identity in one line.
pub(super) fn identity(identity: &LinkedIdentity) -> String {
    let how = if identity.stand_alone { "stand-alone" } else { "linked" };
    format!("{} {} ({how})", identity.provider, identity.subject)
}

fn second_factors(person: &Person) -> Cell {
    let mfa = &person.account.mfa;
    Cell::lines(mfa.enabled.iter().map(|name| {
        let preferred = if mfa.preferred.as_ref() == Some(name) { " (preferred)" } else { "" };
        format!("{name}{preferred}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::account_for_tests::{identity, native};

    #[test]
    fn profiles_stand_side_by_side_with_every_field_of_each() {
        let mut google = native();
        google.user_name = "Google_1".into();
        google.status = "EXTERNAL_PROVIDER".into();
        google.enabled = false;
        google.attributes.insert("name".into(), "Ada".into());
        google.identities = vec![identity("Google", "1", true)];
        let person = |account| Person { account, groups: vec!["members".into()], sign_in_factors: None };
        let text = Shown { profiles: vec![person(native()), person(google)] }.table().for_stdout().to_string();
        for part in ["ada ", "Google_1", "EXTERNAL_PROVIDER, disabled", "name", "Google 1 (stand-alone)", "members"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
