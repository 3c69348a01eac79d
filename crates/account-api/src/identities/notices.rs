//! What an owner does for the safety of their account, and the mails that tell about it: the sessions are ended, the
//! password was changed.

use super::flow::{Identities, WRITE_TRIES, gone_as, key};
use super::state::{Notice, Owner, State, What};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::user_pool::ProfileRecord;

impl Identities {
    /// Ends every session of the caller's account, the caller's own one too. From then on no sign-in from before counts as
    /// fresh.
    pub(crate) async fn sign_out_everywhere(&self, caller: &Caller, locales: &[&str]) -> Result<(), Problem> {
        let owner = &Owner::from(caller);
        let record = self.open_record(owner).await?;
        self.count(owner).await?;
        let name = self.accounts.checked(&owner.name(), &owner.sub).await?;
        self.accounts.sign_out_everywhere(&name).await.map_err(gone_as(Code::AccountUnusable))?;
        let now = self.table.now();
        self.note(owner, |state| state.signed_out(now), self.about(What::SignedOutEverywhere, &record), locales)
            .await?;
        tracing::info!(decision = "signed_out_everywhere", sub = owner.sub, "decided");
        Ok(())
    }

    /// Tells the owner that the password was changed. Cognito changes it without a word to anybody, so the caller says so.
    pub(crate) async fn password_changed(&self, caller: &Caller, locales: &[&str]) -> Result<(), Problem> {
        let owner = &Owner::from(caller);
        let record = self.open_record(owner).await?;
        self.count(owner).await?;
        self.note(owner, |state| state, self.about(What::PasswordChanged, &record), locales).await?;
        tracing::info!(decision = "password_change_told", sub = owner.sub, "decided");
        Ok(())
    }

    fn about(&self, what: What, record: &ProfileRecord) -> Option<Notice> {
        Some(Notice::new(what, self.proven(record)?, String::new()))
    }

    /// Stores a change of the account's state, and sends a mail about it.
    async fn note(
        &self,
        owner: &Owner,
        change: impl Fn(State) -> State,
        notice: Option<Notice>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        for _ in 0..WRITE_TRIES {
            let read: Versioned<State> = self.table.load(&key(&owner.sub)).await?;
            let (state, owed) = change(read.value.clone()).owing(notice.clone(), self.table.now());
            if let Some(read) = self.table.replace(&key(&owner.sub), read, state).await? {
                return self.tell(owner, read, &owed, locales).await.map(drop);
            }
        }
        Err(Code::TryAgain.into())
    }
}
