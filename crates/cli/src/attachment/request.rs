//! What attach and detach have in common, from the command line to the question.

use super::{Change, Outcome, Outcomes, Record, Report, Transaction, changed};
use crate::cloud::Cloud;
use crate::options::{Global, Pools, refuse_for_several};
use crate::pool_settings::{self, Description};
use crate::terminal::{self, Consent, ExitStatus, confirm};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Which pool, which record, and how to ask.
#[derive(Debug, Clone, Args)]
pub(crate) struct Request {
    #[command(flatten)]
    pools: Pools,
    /// The file that remembers what attach replaced [default: cognito-triggers-<ID>.json in the current folder]
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// What pool and record say before anything is changed.
pub(crate) struct Current {
    /// The pool.
    pub(crate) pool: Description,
    /// The record; empty if there is no file.
    pub(crate) record: Record,
    /// Where the record is.
    pub(crate) path: PathBuf,
}

impl Request {
    /// The pool's id, of a request for one pool.
    pub(crate) fn user_pool_id(&self) -> &str {
        self.pools.first()
    }

    /// The same request for each of its pools.
    ///
    /// # Errors
    ///
    /// Fails if the list of pools cannot be read, or if there are several and an option is about one.
    fn each(&self) -> Result<Vec<Self>> {
        let pools = self.pools.list()?;
        refuse_for_several(&pools, &[("--record", self.record.is_some())])?;
        Ok(pools.into_iter().map(|id| Self { pools: Pools::only(id), ..self.clone() }).collect())
    }

    /// Runs a command on each pool, and writes what it did. Where there are several, one that fails does not keep the
    /// others from being changed.
    ///
    /// # Errors
    ///
    /// Fails if the only pool fails, or before any pool was looked at.
    pub(crate) async fn run(
        &self,
        global: &Global,
        command: impl AsyncFn(&Self, &Cloud) -> Result<Report>,
    ) -> Result<ExitStatus> {
        let on = async |request: &Self| {
            let cloud = Cloud::load(global, request.user_pool_id()).await?;
            cloud.announce(request.user_pool_id()).await;
            command(request, &cloud).await
        };
        let requests = self.each()?;
        if let [only] = requests.as_slice() {
            global.output().data(&on(only).await?)?;
            return Ok(ExitStatus::Done);
        }
        let (mut pools, mut worst) = (Vec::new(), Vec::new());
        for request in &requests {
            let (report, error) = match on(request).await {
                Ok(report) => (Some(report), None),
                Err(error) => {
                    worst.push(terminal::failed(&error));
                    (None, Some(format!("{error:#}")))
                }
            };
            pools.push(Outcome { user_pool_id: request.user_pool_id().to_owned(), report, error });
        }
        global.output().data(&Outcomes { pools })?;
        Ok(match worst.as_slice() {
            [] => ExitStatus::Done,
            [first, rest @ ..] if worst.len() == requests.len() && rest.iter().all(|other| other == first) => *first,
            _ if worst.len() == requests.len() => ExitStatus::Failed,
            _ => ExitStatus::Partly,
        })
    }

    /// The request, if it is for one pool.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`](terminal::Refused) if there are several and `option` is about one; fails if their list
    /// cannot be read.
    pub(crate) fn only(&self, option: &str) -> Result<Self> {
        let pools = self.pools.list()?;
        refuse_for_several(&pools, &[(option, true)])?;
        Ok(Self { pools: Pools::only(pools.concat()), ..self.clone() })
    }

    /// Whether the changes are only shown.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.consent.dry_run
    }

    /// Reads pool and record.
    ///
    /// # Errors
    ///
    /// Fails if Cognito does not answer, or if the record cannot be read.
    pub(crate) async fn current(&self, cloud: &Cloud) -> Result<Current> {
        let id = self.user_pool_id();
        let pool = pool_settings::describe(cloud, id).await?;
        let path = self.record.clone().unwrap_or_else(|| Record::usual_path(id));
        let record = Record::load(&path, id)?;
        record.refuse_foreign(&path, &pool)?;
        Ok(Current { pool, record, path })
    }

    /// Shows the changes and asks. Returns `None` if there is nothing to do: `idle` says that nothing would change,
    /// or this is a dry run.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`](terminal::Refused) if the answer is no, or if something is not as it was shown. Nothing was
    /// changed.
    pub(crate) async fn begin(
        &self,
        cloud: &Cloud,
        current: &Current,
        report: &Report,
        idle: bool,
    ) -> Result<Option<Transaction>> {
        if self.consent.dry_run || idle {
            say!("{}", if idle { "Nothing to change." } else { "Nothing was changed: this was a dry run." });
            return Ok(None);
        }
        if !self.consent.yes {
            terminal::show(report);
        }
        for permission in &report.permissions_removed {
            let (function, statement) = (&permission.function, &permission.statement);
            say!("No trigger will have {function} any more, so its permission {statement} is removed");
        }
        confirm(&format!("Change the user pool {}?", self.user_pool_id()), self.consent.yes)?;
        Transaction::begin(cloud, &current.path, &current.record, &report.changes).await.map(Some)
    }
}

impl Current {
    /// What is to be reported about these changes before they are made.
    pub(crate) fn report(&self, changes: Vec<Change>) -> Report {
        Report {
            user_pool_id: self.record.user_pool_id.clone(),
            applied: false,
            permissions_removed: self.record.unused(&changed(&self.pool, &changes)),
            changes,
            record: self.path.clone(),
            saved: Vec::new(),
        }
    }
}
