//! The plan: what a run would do, for a person to read, to shorten, and to hand in.
//!
//! JSON lines: a header, then one line for each address. A line may be removed; that person is left alone then.
//! What a line says is checked again before it is carried out, so a plan that is out of date does no harm.

use super::creation::Creation;
use crate::audit::Listed;
use crate::command::rule_options::RuleOptions;
use crate::registry::{PoolFacts, Record};
use crate::rules::{Left, Rules, Verdict};
use crate::terminal::Refused;
use anyhow::{Context, Result};
use cognito_core::user_pool::Identity;
use linking::NativeProfile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

const KIND: &str = "cognito-triggers link plan";
const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    kind: String,
    version: u32,
    /// Ties the journal to the plan.
    pub(crate) id: String,
    pub(crate) user_pool_id: String,
    /// Seconds since 1970.
    pub(crate) made: u64,
    pub(crate) options: Options,
}

/// How the plan was made, and so how it is carried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Options {
    pub(crate) providers: String,
    pub(crate) rules: RuleOptions,
    pub(crate) create_native: bool,
    pub(crate) copy_groups: bool,
    pub(crate) copy_attributes: Vec<String>,
}

impl Options {
    /// The rules that the plan was made by.
    pub(crate) fn rules(&self, pool: &PoolFacts) -> Rules {
        let native = if self.create_native { NativeProfile::Create } else { NativeProfile::Skip };
        self.rules.rules(&self.providers, native, pool)
    }
}

/// One address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// Its line in the plan, the header's being 1.
    #[serde(skip)]
    pub(crate) line: usize,
    pub(crate) email: String,
    /// Stand-alone profiles to delete, in this order, and what their identities are linked to.
    pub(crate) merge: Vec<Step>,
    /// Stand-alone profiles that stay, and why.
    #[serde(default)]
    pub(crate) leave: Vec<Leave>,
}

/// A stand-alone profile to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) delete: String,
    pub(crate) sub: String,
    pub(crate) provider: String,
    pub(crate) subject: String,
    /// The decision's name.
    pub(crate) decision: String,
    /// The native profile that stays; none if it is made by the step or the one before.
    pub(crate) into: Option<String>,
    /// The native profile that is deleted and made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<String>,
}

/// A stand-alone profile that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leave {
    pub(crate) user_name: String,
    pub(crate) why: String,
}

/// What a plan would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Profiles in the pool.
    pub(crate) profiles: u64,
    /// Addresses with something to merge.
    pub(crate) people: u64,
    /// Profiles to delete, by decision.
    pub(crate) merge: BTreeMap<String, u64>,
    /// Profiles that stay, by reason.
    pub(crate) leave: BTreeMap<String, u64>,
}

impl Header {
    pub(crate) fn new(user_pool_id: &str, options: Options) -> Result<Self> {
        let random = ring::rand::generate::<[u8; 8]>(&ring::rand::SystemRandom::new());
        let random = random.map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?.expose();
        Ok(Self {
            kind: KIND.into(),
            version: VERSION,
            id: format!("{:016x}", u64::from_be_bytes(random)),
            user_pool_id: user_pool_id.into(),
            made: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs()),
            options,
        })
    }
}

/// What the profiles of one address come to. `None` if none stands alone, or the only one does and stays.
pub(crate) fn plan(
    rules: &Rules,
    creation: &Creation,
    email: &str,
    records: &[Record],
    now: SystemTime,
) -> Option<Planned> {
    let mut planned = Planned { line: 0, email: email.to_owned(), merge: Vec::new(), leave: Vec::new() };
    let verdicts = rules.judge_all_unless(records, now, |record, verdict| creation.prevents(record, verdict));
    let mut judged: Vec<_> = records.iter().zip(&verdicts).filter_map(|(r, v)| Some((r, v.as_ref()?))).collect();
    judged.sort_by_key(|(record, _)| (record.created, &record.user_name));
    for (record, verdict) in judged {
        match step(rules, record, verdict) {
            Some(step) => planned.merge.push(step),
            None => planned.leave.push(Leave { user_name: record.user_name.clone(), why: verdict.code().to_owned() }),
        }
    }
    let prevented =
        |leave: &Leave| [Left::RequiredAttribute, Left::NamedByPhone].iter().any(|why| why.code() == leave.why);
    let worth_a_line = !planned.merge.is_empty()
        || (records.len() > 1 && !planned.leave.is_empty())
        || planned.leave.iter().any(prevented);
    worth_a_line.then_some(planned)
}

fn step(rules: &Rules, record: &Record, verdict: &Verdict) -> Option<Step> {
    if !verdict.merges() {
        return None;
    }
    let identities = Identity::parse_list(record.attribute("identities")?).ok()?;
    let identity = identities.first()?;
    let named =
        |name: &cognito_core::user_pool::UserName| Some(name.as_str().to_owned()).filter(|name| !name.is_empty());
    Some(Step {
        delete: record.user_name.clone(),
        sub: record.sub().to_owned(),
        provider: rules.provider(identity)?.name.clone(),
        subject: identity.user_id.clone(),
        decision: verdict.code().to_owned(),
        into: verdict.destination().and_then(named),
        replaces: verdict.replaces().and_then(named),
    })
}

/// Writes the plan for a listed pool. The file appears when it is whole; one that is there already stays.
///
/// # Errors
///
/// There is such a file, or it cannot be written; the listing cannot be read.
pub(crate) fn write(
    path: &Path,
    header: &Header,
    listed: &mut Listed,
    rules: &Rules,
    creation: &Creation,
) -> Result<Totals> {
    if path.exists() {
        return Err(Refused(format!("{} is there already; choose another file with --plan", path.display())).into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut totals = Totals { profiles: listed.profiles, ..Totals::default() };
    let mut out = BufWriter::new(file);
    line(&mut out, header)?;
    let now = SystemTime::now();
    while let Some((address, records)) = listed.next()? {
        let Some(planned) = plan(rules, creation, &address, &records, now) else { continue };
        totals.people += u64::from(!planned.merge.is_empty());
        for step in &planned.merge {
            *totals.merge.entry(step.decision.clone()).or_default() += 1;
        }
        for leave in &planned.leave {
            *totals.leave.entry(leave.why.clone()).or_default() += 1;
        }
        line(&mut out, &planned)?;
    }
    let file = out.into_inner()?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(totals)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(out.write_all(b"\n")?)
}

/// A plan that is read line by line.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) header: Header,
    lines: std::io::Lines<BufReader<File>>,
    at: usize,
}

impl Plan {
    /// Opens a plan.
    ///
    /// # Errors
    ///
    /// A [`Refused`] if it is none of this version.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut lines = BufReader::new(file).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let refuse = |why| Refused(format!("{}: {why}", path.display()));
        let header: Header =
            serde_json::from_str(&first).map_err(|_| refuse("the first line is not that of a plan"))?;
        if header.kind != KIND {
            return Err(refuse("not a plan").into());
        }
        if header.version != VERSION {
            return Err(refuse("a plan of another version of this program; make it anew").into());
        }
        Ok(Self { header, lines, at: 1 })
    }

    /// The next address.
    ///
    /// # Errors
    ///
    /// A line that is none of a plan: named by its number, for its content is personal data.
    pub(crate) fn next(&mut self) -> Result<Option<Planned>> {
        for text in self.lines.by_ref() {
            self.at += 1;
            let text = text?;
            if text.trim().is_empty() {
                continue;
            }
            // The error's own text may repeat what it found.
            return match serde_json::from_str(&text) {
                Ok(planned) => Ok(Some(Planned { line: self.at, ..planned })),
                Err(why) => {
                    let wrong =
                        format!("line {} of the plan, column {}, is not a planned merge", self.at, why.column());
                    Err(Refused(wrong).into())
                }
            };
        }
        Ok(None)
    }

    /// Reads the whole plan once and counts the profiles to delete, so that a wrong line stops a run before it starts.
    ///
    /// # Errors
    ///
    /// As [`Plan::next`].
    pub(crate) fn check(mut self) -> Result<u64> {
        let mut steps = 0;
        while let Some(planned) = self.next()? {
            steps += u64::try_from(planned.merge.len())?;
        }
        Ok(steps)
    }
}
