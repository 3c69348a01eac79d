//! `link --apply`

use super::Link;
use super::journal_file::JournalFile;
use super::plan_file::{Options, PlanFile};
use super::sub_map_file::SubMapFile;
use crate::cloud::Cloud;
use crate::command::join::Sides;
use crate::options::Global;
use crate::terminal::{self, ExitStatus, Progress, Table, Tabular, confirm_with_pool, is_asked, json_line, short};
use anyhow::Result;
use cognito_core::account_event::{AccountEvent, EventBus as _, NotTaken, What};
use cognito_core::provider::{Providers, SourceIdentity};
use cognito_core::sdk::EventBridge;
use cognito_core::user_pool::Administration;
use linking::Refusal;
use merge::{
    CopyOptions, History, Incomplete, Journal, MergeError, Merger, RateLimit, RateLimits, StepResult, check_copyable,
    stored_link_attribute,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long to wait before looking again for a profile whose identity was not linked.
const PAUSE: Duration = Duration::from_millis(500);

/// How many events the bus is handed at once, and how often that is tried.
const AT_ONCE: usize = 10;
const TELL_TRIES: u32 = 5;

/// What `--apply` did.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Applied")]
pub(in crate::command) struct Summary {
    /// Profiles that were merged.
    done: u64,
    /// Profiles that an earlier run merged.
    done_before: u64,
    /// Attributes that the pool did not accept, with the number of profiles.
    not_copied: BTreeMap<String, u64>,
    /// Profiles that are not as planned, by reason.
    skipped: BTreeMap<String, u64>,
    /// Profiles whose merge failed, by reason.
    failed: BTreeMap<String, u64>,
    /// Profiles that are deleted, or gave identities away, and whose identities are not all linked, by this run or an earlier
    /// one.
    half_done: u64,
    /// The journal.
    journal: PathBuf,
    /// The file with old and new subs.
    sub_map: PathBuf,
    /// How many lines that file has.
    subs: u64,
    /// How many events the bus was told. Missing without --event-bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<usize>,
}

impl Summary {
    fn add(&mut self, result: StepResult) {
        match result {
            StepResult::Done => self.done += 1,
            StepResult::DoneWithout(names) => {
                self.done += 1;
                for name in names {
                    *self.not_copied.entry(name).or_default() += 1;
                }
            }
            StepResult::DoneBefore => self.done_before += 1,
            StepResult::Skipped(why) => *self.skipped.entry(why).or_default() += 1,
            StepResult::Failed(why) => *self.failed.entry(why).or_default() += 1,
        }
    }

    fn status(&self) -> ExitStatus {
        let all =
            self.skipped.is_empty() && self.failed.is_empty() && self.not_copied.is_empty() && self.half_done == 0;
        if all { ExitStatus::Done } else { ExitStatus::Partly }
    }

    /// Says what is left to do, and how the run ended. `stopped` is what stopped it, and `untold` why the event bus was not
    /// told.
    fn told_of(&self, stopped: Option<anyhow::Error>, untold: Option<&NotTaken>, changed: bool) -> Result<ExitStatus> {
        if self.half_done > 0 {
            say!(
                "Profiles that are deleted, or gave identities away, with identities that are not linked yet: {}. Run the same \
                 command again to finish them.",
                self.half_done
            );
        }
        if let Some(why) = untold {
            say!(
                "The event bus was not told of every merge ({why}). Run the same command again: it tells all of them."
            );
        }
        match stopped {
            Some(error) => super::stopped(error, "changed", !changed && self.half_done == 0),
            None if untold.is_some() => Ok(ExitStatus::Partly),
            None => Ok(self.status()),
        }
    }
}

impl Link {
    pub(super) async fn apply(&self, global: &Global, path: &Path) -> Result<ExitStatus> {
        let mut plan = PlanFile::open(path)?;
        let header = plan.header.clone();
        self.refuse_another_pool(&header.user_pool_id)?;
        let beside = |extension: &str| path.with_added_extension(extension);
        let mut summary = Summary {
            journal: self.journal.clone().unwrap_or_else(|| beside("journal")),
            sub_map: self.sub_map.clone().unwrap_or_else(|| beside("subs.csv")),
            ..Summary::default()
        };
        let cloud = Cloud::load(global, &header.user_pool_id).await?;
        cloud.announce(&header.user_pool_id).await;
        // Somebody else may have written the plan, and these options decide who gets an account.
        say!("Options of the plan: {}", json_line(&header.options)?);
        let copy = self.copied_with(header.options.copy());
        if is_asked(self.yes) {
            let options = Options { copy_attributes: copy.attributes.clone(), ..header.options.clone() };
            plan.joins.iter().for_each(|join| terminal::show(&Sides::new(join, &options, &header.user_pool_id)));
        }
        // Nobody vouches for a plan that does nothing.
        if plan.steps() > 0 {
            warn(&plan, &summary, &copy, self.update_rate);
            let (proven, vouched) = consent(&plan);
            if self.yes {
                note!("{proven} With --yes you vouch that {vouched}.");
            }
            confirm_with_pool(&format!("{proven} Do you vouch that {vouched}?"), &header.user_pool_id, self.yes)?;
        } else {
            say!("The plan has nothing to do.");
        }
        let pool = cloud.user_pool(&header.user_pool_id);
        let settings = pool.settings().await?;
        if plan.merges > 0 {
            Self::refuse_self_verified(&pool, header.options.trusts_stored_values()).await?;
        }
        check_copyable(&copy.attributes, &settings)?;
        let bus = match &self.event_bus {
            Some(name) => Some(existing_bus(&cloud, name).await?),
            None => None,
        };
        let mut journal = JournalFile::open(&summary.journal, &header.user_pool_id, &header.id)?;
        let mut sub_map = SubMapFile::open(&summary.sub_map, journal.history())?;
        let before = journal.history().clone();
        let merger = Merger {
            pool: &pool,
            user_pool_id: &header.user_pool_id,
            settings: &settings,
            rules: &header.options.rules(),
            copy: &copy,
            limits: &self.limits(),
            pause: PAUSE,
        };
        let (progress, mut done) = (Progress::profiles(plan.steps(), 0), 0);
        let mut stopped = None;
        loop {
            let planned = match plan.next() {
                Ok(Some(planned)) => planned,
                Ok(None) => break,
                // Not a refusal: profiles of earlier lines may be deleted already.
                Err(why) => {
                    stopped = Some(anyhow::anyhow!("the rest of the plan cannot be read: {why:#}"));
                    break;
                }
            };
            let mut results = Vec::new();
            let merged = Box::pin(merger.merge(&mut journal, &planned, &mut results)).await;
            done += u64::try_from(results.len())?;
            progress.reached(done);
            for result in results {
                summary.add(result);
            }
            let mapped = sub_map.add(journal.history(), planned.user_names());
            if let Err(error) = merged.map_err(explained).and(mapped) {
                stopped = Some(error);
                break;
            }
        }
        drop(progress);
        let untold = match &bus {
            Some(bus) => {
                let events = merged(journal.history(), &header.user_pool_id);
                let (told, untold) = tell(bus, &events).await;
                summary.told = Some(told);
                untold
            }
            None => None,
        };
        summary.subs = sub_map.rows();
        summary.half_done = journal.history().incomplete();
        let changed = *journal.history() != before;
        global.output().data(&summary)?;
        summary.told_of(stopped, untold.as_ref(), changed)
    }

    /// What the plan copies, and the attributes that were named for this run.
    fn copied_with(&self, mut copy: CopyOptions) -> CopyOptions {
        for name in &self.copy_attributes {
            if !copy.attributes.contains(name) {
                copy.attributes.push(name.clone());
            }
        }
        copy
    }

    pub(super) fn limits(&self) -> RateLimits {
        RateLimits {
            lists: RateLimit::per_second(self.listing.rate()),
            updates: RateLimit::per_second(self.update_rate),
        }
    }
}

/// The event bus of this name. Before anything is merged, because AWS takes events for a bus that is missing, and drops them.
async fn existing_bus(cloud: &Cloud, name: &str) -> Result<EventBridge> {
    let bus = cloud.event_bus(name)?;
    match bus.exists().await {
        Ok(true) => Ok(bus),
        Ok(false) => refuse!("there is no event bus {name} in this account and Region"),
        Err(why) => refuse!("the event bus {name} could not be looked up: {why}"),
    }
}

/// Tells a bus of all events. An earlier run may have told some of them, and nobody knows which. Returns how many it took,
/// and why it did not take the next ones.
async fn tell(bus: &EventBridge, events: &[AccountEvent]) -> (usize, Option<NotTaken>) {
    let mut told = 0;
    for some in events.chunks(AT_ONCE) {
        let mut tried = 1;
        while let Err(why) = bus.put(some).await {
            if !why.may_pass || tried == TELL_TRIES {
                return (told, Some(why));
            }
            tokio::time::sleep(PAUSE * tried).await;
            tried += 1;
        }
        told += some.len();
    }
    (told, None)
}

/// What an application has to know of the merges in a journal.
fn merged(history: &History, user_pool_id: &str) -> Vec<AccountEvent> {
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let mut events = Vec::new();
    for name in &history.order {
        let Some((state, linked)) = history.merge_of(name).and_then(|state| Some((state, state.linked.as_ref()?)))
        else {
            continue;
        };
        let mut tell = |what| events.push(AccountEvent::new(user_pool_id, &linked.into_sub, now, what));
        for sub in history.replaced_subs(name) {
            tell(What::Merged { old_sub: sub.old_sub });
        }
        let own = state.attempts.last().and_then(|begin| begin.identity.as_ref());
        let providers: BTreeSet<_> = state.moved.iter().chain(own).map(SourceIdentity::provider).collect();
        for provider in providers {
            tell(What::Linked { provider: provider.to_owned() });
        }
    }
    events
}

/// What stopped a run, and what to do about it. Names nobody.
fn explained(error: MergeError) -> anyhow::Error {
    let MergeError::Incomplete { what, why, missing, .. } = &error else { return error.into() };
    let remedy = if !missing.is_empty() {
        let names = missing.join(",");
        format!("The pool requires {names}: add --copy-attributes {names}, or create the native profile by hand")
    } else if *why == Refusal::EmailHeldByFederatedProfile.kind().code {
        "Merge or delete the other stand-alone profile of the address".to_owned()
    } else if *what != Incomplete::NotInGroups && why.starts_with("AdminCreateUser") {
        "The pool does not accept the native profile: a pre-sign-up function may refuse it; or create it by hand, with \
         the address verified"
            .to_owned()
    } else if why.starts_with("AdminDisableProviderForUser") {
        // Not to be run again.
        return anyhow::anyhow!(
            "{error}. Cognito finds a link only by the attribute that it was made with. Undo this journal, and write a new plan \
             with join --providers, which names the attribute (Corp:always:ATTRIBUTE)"
        );
    } else if why.starts_with("AdminLinkProviderForUser") {
        "If the person signed in meanwhile, the identity has another profile now: find it with show, and join that one to the \
         same profile first"
            .to_owned()
    } else {
        "Remove the cause".to_owned()
    };
    anyhow::anyhow!(
        "{error}. {remedy}. The next run finishes this person before anybody later in the plan. To skip them, remove their \
         line from the plan: the journal keeps the whole profile"
    )
}

/// What is taken as proof, and what the operator vouches for with a yes. The pool's settings of today do not show what
/// people could write into a profile before, nor who named two profiles and why, so only the operator can know.
fn consent(plan: &PlanFile) -> (String, String) {
    let (mut facts, mut vouched) = (Vec::new(), Vec::new());
    if plan.merges > 0 {
        let (proof, never) = if plan.header.options.trusts_stored_values() {
            (
                "what they store",
                "people could never write an address, email_verified or an attribute that PROVIDERS links by into their own \
                 profiles",
            )
        } else {
            (
                "their stored email_verified",
                "people could never write it, through any app client, a deleted one included",
            )
        };
        facts.push(format!(
            "Profiles that are proven only by {proof}: {}. Somebody who wrote it themselves, with another person's \
             address, gets that person's account.",
            plan.merges
        ));
        vouched.push(never);
    }
    if !plan.joins.is_empty() {
        facts.push(format!(
            "Profiles that are joined to another one on an operator's word alone: {}. Nothing proves that they belong to one \
             person. If they do not, one person gets the other's account.",
            plan.joins.len()
        ));
        vouched.push("both profiles of each join belong to one person");
        let providers = Providers::parse(&plan.header.options.providers).unwrap_or_default();
        let by_value =
            plan.joins.iter().filter(|join| stored_link_attribute(join.goes.profile(), &providers).is_some());
        let by_value = by_value.count();
        if by_value > 0 {
            facts.push(format!(
                "Of these, linked by an attribute that the profile has stored: {by_value}. If its owner wrote another person's \
                 value, that person signs in to the profile that stays."
            ));
            vouched.push("those values are the ones that the provider has");
        }
    }
    if plan.groups > 0 {
        facts.push(format!(
            "Profiles that get the rights of a group: {}. Cognito does not show whom an administrator took out on purpose, nor \
             who wrote email_verified themselves.",
            plan.groups
        ));
        vouched.push("nobody in the plan was taken out of the group on purpose, or could write email_verified");
    }
    (facts.join(" "), vouched.join(", and that "))
}

/// What becomes of the names that Apple sent, unless they are copied.
fn apples_names(profiles: u64, copied: &CopyOptions) -> Option<String> {
    let are_copied = copied.attributes.iter().any(|name| name == "given_name" || name == "name");
    (profiles > 0 && !are_copied).then(|| {
        format!(
            "Profiles to delete that sign in with Apple: {profiles}. Apple sends a name once, so the names that only they have \
             are then in the journal alone. To keep them, add --copy-attributes given_name,family_name,name."
        )
    })
}

fn warn(plan: &PlanFile, summary: &Summary, copied: &CopyOptions, rate: NonZeroU32) {
    let user_pool_id = short(&plan.header.user_pool_id);
    if plan.groups > 0 {
        say!("Profiles to put into a group in {user_pool_id}: {}.", plan.groups);
    }
    if plan.deletes() > 0 {
        say!("Profiles to delete in {user_pool_id}, and identities to link: {}.", plan.deletes());
        say!("Their subs disappear for good. Tokens and database rows that hold them will match nobody.");
        say!("Old and new subs are written to {}.", summary.sub_map.display());
    }
    if let Some(names) = apples_names(plan.apple, copied) {
        say!("{names}");
    }
    // A deletion and a link for each profile that goes, if nothing is copied.
    let minutes = (2 * plan.deletes() + plan.groups).div_ceil(60 * u64::from(rate.get()));
    if minutes > 1 {
        say!("At {rate} changes a second this takes {minutes} minutes or more. If it is interrupted, run it again.");
    }
    say!("Before a profile is changed, all of it is written to {}.", summary.journal.display());
}

impl Tabular for Summary {
    fn table(&self) -> Table {
        let mut table = Table::new(["result", "why", "profiles"]);
        table.row(["done", "", &self.done.to_string()]);
        if self.done_before > 0 {
            table.row(["done by an earlier run", "", &self.done_before.to_string()]);
        }
        let further =
            [("done, but not copied", &self.not_copied), ("skipped", &self.skipped), ("failed", &self.failed)];
        for (result, counts) in further {
            for (why, count) in counts {
                table.row([result, why, &count.to_string()]);
            }
        }
        if self.half_done > 0 {
            table.row(["begun and not linked yet", "", &self.half_done.to_string()]);
        }
        table.row(["journal", &self.journal.display().to_string(), ""]);
        table.row(["subs", &self.sub_map.display().to_string(), &self.subs.to_string()]);
        if let Some(told) = self.told {
            table.row(["told", "the event bus", &told.to_string()]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(why: &str, missing: &[&str]) -> String {
        let missing = missing.iter().map(|name| (*name).to_owned()).collect();
        let error =
            MergeError::Incomplete { line: 7, what: Incomplete::NotLinked, why: why.into(), may_pass: false, missing };
        explained(error).to_string()
    }

    #[test]
    fn a_yes_vouches_for_what_the_plan_takes_as_proof_and_says_for_how_many() {
        let (proven, vouched) = consent(&plan(7, false, 0));
        assert!(proven.contains("only by their stored email_verified: 7"), "{proven}");
        assert!(vouched.contains("never write it") && vouched.contains("a deleted one included"), "{vouched}");
        let (proven, vouched) = consent(&plan(7, true, 0));
        assert!(proven.contains("only by what they store: 7"), "{proven}");
        assert!(vouched.contains("an address, email_verified or an attribute that PROVIDERS links by"), "{vouched}");
        let (proven, vouched) = consent(&plan(0, false, 3));
        assert!(proven.contains("rights of a group: 3") && !proven.contains("proven only"), "{proven}");
        assert!(vouched.contains("on purpose"), "{vouched}");
    }

    fn plan(merges: usize, trusts: bool, groups: usize) -> PlanFile {
        plan_with(merges, trusts, groups, "Google")
    }

    fn plan_with(merges: usize, trusts: bool, groups: usize, provider: &str) -> PlanFile {
        let proof = if trusts { "all_stored_values" } else { "stored_email_verified" };
        let header = format!(
            r#"{{"kind":"cognito-triggers link plan","version":2,"id":"p","user_pool_id":"eu-central-1_A","made":1,"options":{{"providers":"","rules":{{"unverified_profile":"replace","unproven_email":"refuse","proof":"{proof}"}},"create_native":false,"copy_groups":true,"copy_attributes":[]}}}}"#
        );
        let merge = format!(
            r#"{{"email":"a@example.com","merge":[{{"delete":"{provider}_1","sub":"s","provider":"{provider}","subject":"1","decision":"link","into":"n"}}]}}"#
        );
        let group = r#"{"email":"a@example.com","merge":[],"group":{"user_name":"n","sub":"s","join":{"name":"Users","for_everybody":false,"since":0}}}"#;
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = [vec![header], vec![merge; merges], vec![group.to_owned(); groups]].concat();
        std::fs::write(file.path(), lines.join("\n") + "\n").unwrap();
        PlanFile::open(file.path()).unwrap()
    }

    /// Apple sends a name with the first authorisation only.
    #[test]
    fn before_profiles_of_apple_go_the_operator_hears_of_their_names() {
        let copied = |names: &[&str]| CopyOptions {
            attributes: names.iter().map(|name| (*name).to_owned()).collect(),
            ..CopyOptions::default()
        };
        let line = apples_names(2, &copied(&["locale"])).unwrap();
        assert!(line.contains("Apple: 2") && line.contains("--copy-attributes given_name"), "{line}");
        assert_eq!(apples_names(2, &copied(&["given_name", "family_name"])), None);
        assert_eq!(apples_names(plan(7, false, 0).apple, &copied(&[])), None);
        assert_eq!(of_apple(3).apple, 3);
    }

    fn of_apple(merges: usize) -> PlanFile {
        plan_with(merges, false, 0, "SignInWithApple")
    }

    #[test]
    fn a_run_that_stopped_names_line_state_and_remedy() {
        let refused = told("AdminCreateUser: InvalidParameter", &[]);
        for part in [
            "line 7 of the plan",
            "its identity is not linked",
            "pre-sign-up function",
            "next run finishes this person before anybody later in the plan",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
        assert!(told("AdminCreateUser: x", &["given_name", "locale"]).contains("--copy-attributes given_name,locale"));
        assert!(told("email_held_by_federated_profile", &[]).contains("other stand-alone profile of the address"));
        let by_another_attribute = told("AdminDisableProviderForUser: x", &[]);
        assert!(by_another_attribute.contains("join --providers") && !by_another_attribute.contains("next run"));
        assert!(told("AdminLinkProviderForUser: x", &[]).contains("join that one"));
        assert!(told("AdminSetUserPassword: x", &[]).contains("Remove the cause"));
    }
}
