//! The plan as a file.
//!
//! JSON lines: a header, then one line for each address. Three commands write one: `link`, `join`, and `audit` for people
//! who are missing in a group. If you remove a line, that person is left alone.

use crate::audit::Listed;
use crate::command::rule_options::RuleOptions;
use crate::private_file::{self, draft_of};
use crate::terminal::{Refused, json_line};
use anyhow::{Context, Result};
use linking::NativeProfile;
use merge::{CopyOptions, Join, Planned, Requirements, Rules, Totals, plan};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;
use tempfile::NamedTempFile;

const KIND: &str = "cognito-triggers link plan";
const VERSION: u32 = 2;

/// What the first line of every version begins with.
#[derive(Deserialize)]
struct Kind {
    kind: String,
    version: u32,
}

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

/// The options of the plan. It is carried out with the same ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Options {
    pub(crate) providers: String,
    /// The linking rules of a plan that merges by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<RuleOptions>,
    pub(crate) create_native: bool,
    pub(crate) copy_groups: bool,
    pub(crate) copy_attributes: Vec<String>,
}

impl Options {
    /// The rules that the plan was made by.
    pub(crate) fn rules(&self) -> Rules {
        let native = if self.create_native { NativeProfile::Create } else { NativeProfile::Skip };
        self.rules.clone().unwrap_or_else(RuleOptions::strict).rules(&self.providers, native)
    }

    /// Whether stored values are proof, whoever wrote them.
    pub(crate) fn trusts_stored_values(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.trust_stored_values)
    }

    /// What native profiles take over.
    pub(crate) fn copy(&self) -> CopyOptions {
        CopyOptions { groups: self.copy_groups, attributes: self.copy_attributes.clone() }
    }
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

/// A file that will be the plan once it is written whole.
///
/// # Errors
///
/// A [`Refused`] if there is a plan already; the folder takes no new file.
pub(crate) fn draft(path: &Path) -> Result<NamedTempFile> {
    if path.exists() {
        let remedy = "carry it out with --apply, remove it, or choose another file with --plan";
        refuse!("{} exists already; {remedy}", path.display());
    }
    draft_of(path).with_context(|| format!("{} cannot be written; choose another file with --plan", path.display()))
}

/// A plan that is being written.
pub(crate) struct PlanWriter<'a> {
    path: &'a Path,
    out: BufWriter<NamedTempFile>,
}

impl<'a> PlanWriter<'a> {
    /// Begins a plan. The file appears when it is complete. An existing file is not replaced.
    ///
    /// # Errors
    ///
    /// Fails if the file exists already or cannot be written.
    pub(crate) fn begin(path: &'a Path, header: &Header) -> Result<Self> {
        let mut out = BufWriter::new(draft(path)?);
        write_line(&mut out, header)?;
        Ok(Self { path, out })
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub(crate) fn add(&mut self, planned: &Planned) -> Result<()> {
        write_line(&mut self.out, planned)
    }

    /// Makes the file appear.
    ///
    /// # Errors
    ///
    /// Fails if the file exists by now or cannot be written.
    pub(crate) fn finish(self) -> Result<()> {
        let file = self.out.into_inner()?;
        file.as_file().sync_all()?;
        let persisted = file.persist_noclobber(self.path);
        persisted.map(drop).with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

/// Writes the plan for a listed pool.
///
/// # Errors
///
/// Fails if the file exists already or cannot be written, or if the listing cannot be read.
pub(crate) fn write(
    path: &Path,
    header: &Header,
    listed: &mut Listed,
    rules: &Rules,
    requirements: Requirements<'_>,
) -> Result<Totals> {
    let mut totals = Totals { profiles: listed.profiles, ..Totals::default() };
    let mut file = PlanWriter::begin(path, header)?;
    let now = SystemTime::now();
    while let Some((address, records)) = listed.next()? {
        if let Some(planned) = plan(rules, requirements, &address, &records, now) {
            totals.add(&planned);
            file.add(&planned)?;
        }
    }
    file.finish()?;
    Ok(totals)
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    out.write_all(json_line(value)?.as_bytes())?;
    Ok(out.write_all(b"\n")?)
}

/// A plan that is read line by line.
#[derive(Debug)]
pub(crate) struct PlanFile {
    pub(crate) header: Header,
    /// How many profiles it merges by the linking rules.
    pub(crate) merges: u64,
    /// What the operator joins.
    pub(crate) joins: Vec<Join>,
    /// How many profiles it puts into a group.
    pub(crate) groups: u64,
    /// How many of the profiles that it deletes sign in with Apple.
    pub(crate) apple: u64,
    lines: BufReader<File>,
    at: usize,
}

impl PlanFile {
    /// Opens a plan and reads all of it once, so that a wrong line stops a run before it begins.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the file is not a plan of this version, or if one of its lines cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = private_file::open(path)?;
        let mut lines = BufReader::new(file);
        let mut first = String::new();
        let start = lines.read_line(&mut first)?;
        let refuse = |why| Refused(format!("{}: {why}", path.display()));
        let no_header = |_| refuse("the first line is not that of a plan");
        let Kind { kind, version } = serde_json::from_str(&first).map_err(no_header)?;
        if kind != KIND {
            return Err(refuse("not a plan").into());
        }
        if version != VERSION {
            return Err(refuse("another version of this program wrote this plan; write a new one").into());
        }
        let header: Header = serde_json::from_str(&first).map_err(no_header)?;
        let mut plan = Self { header, merges: 0, joins: Vec::new(), groups: 0, apple: 0, lines, at: 1 };
        while let Some(planned) = plan.next()? {
            plan.groups += u64::from(planned.group.is_some());
            for step in planned.merge {
                plan.apple += u64::from(step.provider.eq_ignore_ascii_case("SignInWithApple"));
                match step.join {
                    Some(join) => plan.joins.push(*join),
                    None => plan.merges += 1,
                }
            }
        }
        plan.lines.seek(SeekFrom::Start(u64::try_from(start)?))?;
        plan.at = 1;
        Ok(plan)
    }

    /// How many profiles it deletes.
    pub(crate) fn deletes(&self) -> u64 {
        self.merges + u64::try_from(self.joins.len()).unwrap_or(u64::MAX)
    }

    /// How many profiles it deletes or changes.
    pub(crate) fn steps(&self) -> u64 {
        self.deletes() + self.groups
    }

    /// The next address.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if a line is not one of a plan. It names the number of the wrong line, not its content,
    /// which is personal data.
    pub(crate) fn next(&mut self) -> Result<Option<Planned>> {
        let mut text = String::new();
        while self.lines.read_line(&mut text)? > 0 {
            self.at += 1;
            if text.trim().is_empty() {
                text.clear();
                continue;
            }
            // The error's own text may repeat what it found.
            return match serde_json::from_str(&text) {
                Ok(planned) => Ok(Some(Planned { line: self.at, ..planned })),
                Err(why) => {
                    refuse!("line {} of the plan, column {}, is not a planned merge", self.at, why.column())
                }
            };
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"kind":"cognito-triggers link plan","version":2,"id":"p","user_pool_id":"eu-central-1_A","made":1,"options":{"providers":"Google:claim","rules":{"unverified_profile":"replace","unproven_email":"refuse","proof":"stored_email_verified"},"create_native":false,"copy_groups":true,"copy_attributes":["locale"]}}"#;
    const LINE: &str = r#"{"email":"a@example.com","merge":[{"delete":"Google_1","sub":"s","provider":"Google","subject":"1","decision":"link","into":"n"}],"leave":[]}"#;

    fn open(text: &str) -> Result<PlanFile> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        std::fs::write(&path, text).unwrap();
        PlanFile::open(&path)
    }

    #[test]
    fn a_plan_is_read_from_its_first_line_after_it_was_checked() {
        let mut plan = open(&format!("{HEADER}\n\n{LINE}\n{LINE}\n")).unwrap();
        assert_eq!((plan.merges, plan.header.options.copy().attributes), (2, vec!["locale".to_owned()]));
        let lines: Vec<_> = std::iter::from_fn(|| plan.next().unwrap()).map(|planned| planned.line).collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_never_repeated() {
        let refused = open(&format!("{HEADER}\n{LINE}\n{{\"email\":\"secret\"}}\n")).unwrap_err();
        let text = refused.downcast::<Refused>().unwrap().0;
        assert!(text.starts_with("line 3 of the plan") && !text.contains("secret"), "{text}");
        for (text, why) in [
            ("", "first line"),
            (&*HEADER.replace("link plan", "listing"), "not a plan"),
            (r#"{"kind":"cognito-triggers link plan","version":1}"#, "another version"),
            (&*HEADER.replace(r#","proof":"stored_email_verified""#, ""), "first line"),
        ] {
            assert!(open(text).unwrap_err().downcast::<Refused>().unwrap().0.contains(why), "{why}");
        }
    }
}
