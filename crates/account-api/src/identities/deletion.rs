//! An owner deletes their account. The request writes down what is to be done, and a later run does it, because after the
//! deletion nobody comes back to complete it.

use super::flow::Identities;
use super::state::{Notice, Owner, State, What, Work};
use crate::accounts::end_sessions;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::queue::Job;
use crate::table::Versioned;
use cognito_core::account_event::What as Happened;
use cognito_core::user_pool::PoolErrorKind;

/// For how many seconds a deletion that was asked for is carried out. Lambda repeats a failed run within minutes. Somebody
/// who got no answer and went on with the account must not lose it days later.
const DELETION_TIME: u64 = 60 * 60;

impl Identities {
    /// Begins to delete the caller's account. If this succeeds, the account is deleted however often a run is cut off.
    pub(crate) async fn delete_account(&self, caller: &Caller) -> Result<(), Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        let owner = &Owner::from(caller);
        let (read, _) = self.settled(owner, &caller.locales).await?;
        if read.value.is_deleted {
            return Ok(());
        }
        if !read.value.is_signed_in(signed_in_at) {
            return Err(Code::SignInAgain.into());
        }
        let record = self.open_record(owner).await?;
        self.count(owner).await?;
        let now = self.table.now();
        // Nobody holds it: the run that comes first does it.
        let work = Work::Delete { tell: self.proven(&record), asked_at: now, locales: caller.locales.clone() };
        let begun = self.table.change(read, |state| state.beginning(work, now).released()).await?;
        let read = begun.ok_or(Code::IdentityChanging)?;
        if let Err(why) = self.queue.put(&Job::Complete { complete: owner.clone() }).await {
            self.table.change(read, |state| state.ended([], self.table.now())).await?;
            return Err(why.into());
        }
        tracing::info!(decision = "account_deletion_begun", sub = owner.sub, "decided");
        Ok(())
    }

    /// Deletes an account whose owner asked for it. The caller has it to itself.
    pub(super) async fn carry_out_deletion(
        &self,
        owner: &Owner,
        read: Versioned<State>,
    ) -> Result<Versioned<State>, Problem> {
        let Some(Work::Delete { tell, asked_at, locales }) = read.value.work.clone() else { return Ok(read) };
        // Whoever ended the sessions since did not mean to let go on what one of them had begun.
        let is_due = self.table.now() <= asked_at + DELETION_TIME && read.value.is_signed_in(asked_at);
        let now = self.table.now();
        match self.delete(owner, is_due).await {
            Ok(true) => {}
            Ok(false) => {
                let why = "its owner asked for it too long ago or ended the sessions since, or it was disabled";
                tracing::warn!(error_code = "account_not_deleted", sub = owner.sub, "{why}");
                return self.table.change(read, |state| state.ended([], now)).await?.ok_or(Code::TryAgain.into());
            }
            Err(why) => {
                self.table.change(read, |state| state.failed(why.is_passing(), now)).await?;
                return Err(why);
            }
        }
        tracing::info!(decision = "account_deleted", sub = owner.sub, "decided");
        self.events.tell(&owner.sub, [Happened::Deleted]).await;
        let notice = tell.map(|to| Notice::new(What::Deleted, to, String::new()).in_one_of(locales));
        let now = self.table.now();
        let ended = |state: State| state.ended(notice.clone(), now).signed_out(now).deleted();
        self.end(owner, read, ended, &[]).await
    }

    /// Deletes the profile, if it is there and that is due. Returns whether it is gone. An account that was disabled since
    /// stays: whoever disabled it wants to have a look at it.
    async fn delete(&self, owner: &Owner, is_due: bool) -> Result<bool, Problem> {
        let record = self.accounts.record(&owner.user_name).await?;
        let Some(record) = record.filter(|record| record.sub() == owner.sub) else { return Ok(true) };
        if !record.enabled || !is_due {
            return Ok(false);
        }
        end_sessions(&*self.accounts, &owner.name(), &owner.sub).await?;
        let name = self.accounts.checked(&owner.name(), &owner.sub).await?;
        match self.accounts.delete(&name).await {
            Err(error) if error.kind() == PoolErrorKind::UserNotFound => Ok(true),
            deleted => Ok(deleted.map(|()| true)?),
        }
    }

    /// Completes, in a later run, what an account's owner has begun. As long as a mail about it is owed, that is not done.
    pub(crate) async fn complete_later(&self, owner: &Owner) -> Result<(), Problem> {
        let (read, _) = self.settled(owner, &[]).await?;
        if read.value.owes(self.table.now()) { Err(Code::MailNotSent.into()) } else { Ok(()) }
    }
}
