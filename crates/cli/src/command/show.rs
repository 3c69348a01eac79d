//! `show`

use crate::arguments::Global;
use crate::cloud::Cloud;
use crate::directory::{Account, Directory, LinkedIdentity};
use crate::exit::ExitStatus;
use crate::output::{Output, Table};
use crate::target::Target;
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
                    eprintln!("what they can sign in with is not known: {error}");
                    None
                }
            };
            profiles.push(Person { account, groups, sign_in_factors });
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
        table.set_header(row("user name", &|person| person.account.user_name.clone()));
        table.add_row(row("sub", &|person| person.account.sub.clone()));
        table.add_row(row("status", &|person| status(&person.account)));
        table.add_row(row("created", &|person| person.account.created.clone().unwrap_or_default()));
        table.add_row(row("modified", &|person| person.account.modified.clone().unwrap_or_default()));
        let attributes: BTreeSet<&String> =
            self.profiles.iter().flat_map(|person| person.account.attributes.keys()).collect();
        for name in attributes {
            let value = |person: &Person| person.account.attributes.get(name).cloned().unwrap_or_default();
            table.add_row(row(name, &value));
        }
        table.add_row(row("identities", &|person| lines(&person.account.identities, identity)));
        table.add_row(row("groups", &|person| lines(&person.groups, Clone::clone)));
        table.add_row(row("signs in with", &|person| match &person.sign_in_factors {
            Some(factors) => lines(factors, Clone::clone),
            None => "not known".to_owned(),
        }));
        table.add_row(row("second factors", &second_factors));
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

fn second_factors(person: &Person) -> String {
    let mfa = &person.account.mfa;
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
        let text = Shown { profiles: vec![person(native()), person(google)] }.table().to_string();
        for part in ["ada ", "Google_1", "EXTERNAL_PROVIDER, disabled", "name", "Google 1 (stand-alone)", "members"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
