//! `join`

use super::link::plan_file::{self, Header, Options, PlanWriter};
use super::rule_options::providers;
use crate::cloud::Cloud;
use crate::linked_identity::LinkedIdentity;
use crate::lookup;
use crate::options::{Global, Pool};
use crate::terminal::{Cell, ExitStatus, Refused, Table, Tabular};
use anyhow::{Error, Result};
use clap::Args;
use cognito_core::provider::Providers;
use cognito_core::user_pool::{Administration, ProfileRecord, UserPool};
use merge::{
    Join as Joined, NotJoinable, Planned, Proof, Side, Step, check_copyable, is_group_of_provider, refuse_shut_out,
    stored_link_attribute,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Plan to join two profiles that you name, whatever their addresses
///
/// You decide which profile stays and which goes. The one that stays must be native, confirmed and enabled. It gets the
/// identities of the other one, which is deleted, with its password. Nothing proves that both belong to one person: you
/// do. This only shows what is lost and gained, and writes a plan; link --apply carries it out.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Join {
    /// The profile that goes: a user name, a `sub` or an e-mail address
    #[arg(value_name = "GOES", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    goes: String,
    /// The profile that stays: a user name, a `sub` or an e-mail address
    #[arg(long, value_name = "STAYS", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    into: String,
    #[command(flatten)]
    pool: Pool,
    /// The functions' PROVIDERS; needed only if a provider is linked by another attribute than the subject, or never
    #[arg(long, env = "PROVIDERS", value_name = "LIST", value_parser = providers)]
    providers: Option<String>,
    /// Add the profile that stays to the groups of the one that goes
    #[arg(long)]
    copy_groups: bool,
    /// Copy these attributes from the profile that goes if the other one lacks them: given_name,family_name,…
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    copy_attributes: Vec<String>,
    /// The plan to write; holds both profiles whole [default: <ID>.join-plan.jsonl]
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  # Show what is lost and gained, and write the plan.
  cognito-triggers join ada@old.example --into ada@example.com --user-pool-id eu-central-1_AbCdEf123
  # Carry it out. This asks first, and you vouch that both belong to one person.
  cognito-triggers link --apply eu-central-1_AbCdEf123.join-plan.jsonl";

impl Join {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let id = &self.pool.id;
        let path = self.plan.clone().unwrap_or_else(|| format!("{id}.join-plan.jsonl").into());
        drop(plan_file::draft(&path)?);
        let pool = Cloud::load(global, id).await?.user_pool(id);
        check_copyable(&self.copy_attributes, &pool.settings().await?)?;
        let goes = lookup::only(&pool, &self.goes).await.map_err(|why| of("goes", why))?;
        let stays = lookup::only(&pool, &self.into).await.map_err(|why| of("stays", why))?;
        for (which, profile) in [("goes", &goes), ("stays", &stays)] {
            match pool.checked(&profile.name(), profile.sub()).await {
                Err(error) if error.kind().reaches_another() => {
                    let why = "its user name is the sub or an alias of another profile, which might be changed instead";
                    refuse!("the profile that {which}: {why}");
                }
                checked => drop(checked?),
            }
        }
        let known = Providers::parse(self.providers.as_deref().unwrap_or_default()).unwrap_or_default();
        let address = goes.address().unwrap_or_default();
        let joined = Joined {
            proof: Proof::OperatorsWord,
            goes: Side::read(&pool, goes).await?,
            stays: Side::read(&pool, stays).await?,
        };
        if joined.goes.factors.is_none() || joined.stays.factors.is_none() {
            note!(
                "what a profile can sign in with could not be read, so link --apply does not compare it either. It takes \
                 cognito-idp:AdminGetUserAuthFactors."
            );
        }
        let options = Options {
            providers: self.providers.clone().unwrap_or_default(),
            copy_groups: self.copy_groups,
            copy_attributes: self.copy_attributes.clone(),
            ..Options::default()
        };
        let sides = Sides::new(&joined, &options, id);
        let other_address = joined.goes.profile().address() != joined.stays.profile().address();
        let linked_by = stored_link_attribute(joined.goes.profile(), &known)
            .and_then(|name| Some((name, joined.goes.profile().attribute(name)?.to_owned())));
        let step = Step::joining(joined, &known).map_err(not_written)?;
        if let Some(join) = &step.join {
            let sides = [join.goes.profile(), join.stays.profile()];
            refuse_shut_out(&pool, &sides, &known).await?.map_err(not_written)?;
        }
        let header = Header::new(id, options)?;
        let mut file = PlanWriter::begin(&path, &header)?;
        file.add(&Planned { line: 0, email: address, merge: vec![step], leave: Vec::new(), group: None })?;
        file.finish()?;
        global.output().data(&sides)?;
        if other_address && sides.rows.iter().any(|row| row.what == "identities" && !row.gained.is_empty()) {
            note!(
                "the addresses differ. If the provider's mapping has the address, Cognito writes the provider's one into the \
                 profile that stays, at the next sign-in with an identity that it gains."
            );
        }
        if let Some((attribute, value)) = linked_by {
            note!(
                "the profile that stays is linked by {attribute}, with the value of the profile that goes: {value}. Whoever may \
                 write that attribute may have written another person's value. Compare it with the provider."
            );
        }
        say!("The plan is in {}. Nothing was changed.", path.display());
        say!("If both profiles belong to one person, run link --apply {}", path.display());
        Ok(ExitStatus::Done)
    }
}

fn not_written(why: NotJoinable) -> Refused {
    Refused(format!("{why}; nothing was written"))
}

/// Says which of the two profiles a look-up was about.
fn of(which: &str, why: Error) -> Error {
    match why.downcast::<Refused>() {
        Ok(Refused(why)) => Refused(format!("the profile that {which}: {why}")).into(),
        Err(why) => why.context(format!("the profile that {which}")),
    }
}

/// Both profiles side by side, and what a join makes of the one that stays.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sides {
    /// One for each property that either of them has.
    rows: Vec<Row>,
}

/// The row with what each profile signs in with by itself.
const WAYS_IN: &str = "signs_in_with";

/// One property of both profiles.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// The property: an attribute's name, or `groups`, `identities` and the like.
    what: String,
    /// Its values in the profile that goes, null if they could not be read.
    goes: Option<Vec<String>>,
    /// Its values in the profile that stays, null if they could not be read.
    stays: Option<Vec<String>>,
    /// What the profile that stays gets.
    gained: Vec<String>,
    /// What is lost with the profile that goes.
    lost: Vec<String>,
}

impl Sides {
    /// What a join with the plan's options loses and gains.
    pub(crate) fn new(join: &Joined, options: &Options, user_pool_id: &str) -> Self {
        let (goes, stays) = (&join.goes, &join.stays);
        let both = |of: &dyn Fn(&Side) -> Vec<String>| (of(goes), of(stays));
        let mut rows = Vec::new();
        let mut row = |what: &str, (goes, stays): (Vec<String>, Vec<String>), moves: &dyn Fn(&String) -> bool| {
            let new = goes.iter().filter(|value| !stays.contains(value));
            let (gained, mut lost): (Vec<_>, Vec<_>) = new.cloned().partition(moves);
            // Nobody misses a state.
            lost.retain(|_| what != "status" && !what.ends_with("_verified"));
            rows.push(Row { what: what.to_owned(), goes: Some(goes), stays: Some(stays), gained, lost });
        };
        row("user_name", both(&|side| vec![side.profile().user_name.clone()]), &|_| false);
        row("sub", both(&|side| vec![side.profile().sub().to_owned()]), &|_| false);
        row("status", both(&|side| vec![status(side.profile())]), &|_| false);
        row("second_factors", both(&|side| side.profile().mfa.enabled.clone()), &|_| false);
        row("identities", both(&identities), &|_| true);
        let is_kept =
            |group: &String| options.copy_groups && !is_group_of_provider(group, user_pool_id, goes.profile());
        row("groups", both(&|side| side.whole.groups.clone()), &is_kept);
        let names: BTreeSet<&String> =
            [goes, stays].into_iter().flat_map(|side| side.profile().attributes.keys()).collect();
        for name in names.into_iter().filter(|name| !["sub", "identities"].contains(&name.as_str())) {
            let value = |side: &Side| side.profile().attribute(name).map(str::to_owned).into_iter().collect::<Vec<_>>();
            let is_copied = options.copy_attributes.contains(name) && value(stays).is_empty();
            row(name, both(&value), &|_| is_copied);
        }
        rows.insert(3, ways_in(goes, stays));
        Self { rows }
    }
}

fn status(profile: &ProfileRecord) -> String {
    format!("{}{}", profile.status, if profile.enabled { "" } else { ", disabled" })
}

/// A way in of the profile that goes is lost even if the other one has the same: its own password, its own passkey.
fn ways_in(goes: &Side, stays: &Side) -> Row {
    let lost = goes.factors.clone().unwrap_or_default();
    let (goes, stays) = (goes.factors.clone(), stays.factors.clone());
    Row { what: WAYS_IN.to_owned(), goes, stays, gained: Vec::new(), lost }
}

fn identities(side: &Side) -> Vec<String> {
    let known = LinkedIdentity::all_of(side.profile()).unwrap_or_default();
    known.iter().map(|identity| format!("{} {}", identity.provider, identity.subject)).collect()
}

impl Tabular for Sides {
    /// What is gained begins with a plus, what is lost with a minus.
    fn table(&self) -> Table {
        let rows = self.rows.iter().map(|row| {
            let gained = row.gained.iter().map(|value| format!("+ {value}"));
            // The other profile may have one of the same name.
            let whose = if row.what == WAYS_IN { " of the profile that goes" } else { "" };
            let lost = row.lost.iter().map(|value| format!("- {value}{whose}"));
            let of = |values: &Option<Vec<String>>| values.clone().unwrap_or_else(|| vec!["not known".to_owned()]);
            let after = of(&row.stays).into_iter().chain(gained).chain(lost);
            [(&row.what).into(), Cell::lines(of(&row.goes)), Cell::lines(of(&row.stays)), Cell::lines(after)]
        });
        Table::new(["", "goes", "stays", "afterwards"]).with(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cognito_core::user_pool::memory::{Account, federated, native};
    use merge::WholeProfile;

    fn side(account: &Account, factors: &[&str]) -> Side {
        let groups = account.groups.iter().cloned().collect();
        let factors = Some(factors.iter().map(|&factor| factor.to_owned()).collect());
        Side { whole: WholeProfile { profile: account.record(), groups }, factors }
    }

    #[test]
    fn what_is_lost_and_gained_stands_beside_both_profiles() {
        let goes = native("ada@old.example").named("goes").with_identity("Google", "1").in_group("Admins");
        let mut goes = goes.in_group("Users").in_group("eu-central-1_A_Google");
        goes.attributes.insert("locale".into(), "de".into());
        goes.attributes.insert("given_name".into(), "Ada".into());
        let stays = native("ada@example.com").named("stays").in_group("Users");
        let join = Joined {
            proof: Proof::OperatorsWord,
            goes: side(&goes, &["PASSWORD", "WEB_AUTHN"]),
            stays: side(&stays, &["PASSWORD"]),
        };
        let sides = |copy_groups, attributes: &[&str]| {
            let copy_attributes = attributes.iter().map(|&name| name.to_owned()).collect();
            let options = Options { copy_groups, copy_attributes, ..Options::default() };
            Sides::new(&join, &options, "eu-central-1_A")
        };
        let of = |sides: &Sides, what: &str| {
            let row = sides.rows.iter().find(|row| row.what == what).unwrap();
            (row.gained.join(" "), row.lost.join(" "))
        };
        let pair = |gained: &str, lost: &str| (gained.to_owned(), lost.to_owned());
        let plain = sides(false, &[]);
        assert_eq!(of(&plain, "groups"), pair("", "Admins eu-central-1_A_Google"));
        assert_eq!(of(&plain, "identities"), pair("Google 1", ""));
        assert_eq!(of(&plain, "email"), pair("", "ada@old.example"));
        assert_eq!(of(&plain, "locale"), pair("", "de"));
        assert_eq!(of(&plain, "sub"), pair("", "sub-goes"));
        let copied = sides(true, &["locale"]);
        assert_eq!(of(&copied, "groups"), pair("Admins", "eu-central-1_A_Google"));
        assert_eq!((of(&copied, "locale"), of(&copied, "given_name")), (pair("de", ""), pair("", "Ada")));
        let text = copied.table().for_stdout().to_string();
        for part in ["+ Google 1", "+ Admins", "- ada@old.example", "+ de", "- WEB_AUTHN"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn the_password_of_the_profile_that_goes_is_named_as_lost() {
        let join = Joined {
            proof: Proof::OperatorsWord,
            goes: side(&federated("Google", "1", "a@example.com"), &["PASSWORD"]),
            stays: side(&native("b@example.com"), &["PASSWORD"]),
        };
        let text = Sides::new(&join, &Options::default(), "eu-central-1_A").table().for_stdout().to_string();
        assert!(text.contains("- PASSWORD of the profile that goes"), "{text}");
    }
}
