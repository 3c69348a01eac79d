//! What the crate `merge` works with: the API's pool as its port, and its journal in the table.

use super::flow::replace_at_work;
use super::state::State;
use crate::accounts::Accounts;
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{
    Administration, AvailableEmail, CheckedUserName, NewNative, Page, PoolError, PoolErrorKind, PoolSettings, Profile,
    ProfileRecord, RequiredAttribute, UserName, UserPool,
};
use merge::{Entry, History, Journal, JournalError};
use std::collections::BTreeMap;

/// The pool. A join of two accounts makes only the calls that this API has rights for, and all others fail.
pub(super) struct Pool<'a>(pub(super) &'a dyn Accounts);

/// The calls that a join does not make, each with AWS's name for it.
macro_rules! not_here {
    ($($name:ident($($type:ty),*) -> $output:ty, $operation:literal;)*) => {$(
        async fn $name(&self, $(_: $type),*) -> Result<$output, PoolError> {
            Err(PoolError::new(PoolErrorKind::Other, $operation, "not a call of this API"))
        }
    )*};
}

impl UserPool for Pool<'_> {
    not_here! {
        user_name_of_sub(&str) -> Option<UserName>, "ListUsers";
        required_attributes() -> Vec<RequiredAttribute>, "DescribeUserPool";
        create_native(&NewNative) -> Profile, "AdminCreateUser";
        replace_password(&CheckedUserName, &Password) -> (), "AdminSetUserPassword";
        set_verified_email(&CheckedUserName, &AvailableEmail) -> (), "AdminUpdateUserAttributes";
        forget_phone_and_factors(&CheckedUserName) -> (), "AdminSetUserMFAPreference";
        has_passkey(&CheckedUserName) -> bool, "AdminGetUserAuthFactors";
        sign_out_everywhere(&CheckedUserName) -> (), "AdminUserGlobalSignOut";
        add_to_group(&CheckedUserName, &str) -> (), "AdminAddUserToGroup";
    }

    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        self.0.profiles_with_email(email).await
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.0.profile(name).await
    }

    async fn checked(&self, name: &UserName, own_sub: &str) -> Result<CheckedUserName, PoolError> {
        self.0.checked(name, own_sub).await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.0.link(user, identity).await
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.0.unlink_source(identity).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.0.delete(user).await
    }
}

impl Administration for Pool<'_> {
    not_here! {
        settings() -> PoolSettings, "DescribeUserPool";
        page(Option<&str>) -> Page, "ListUsers";
        members(&str, Option<&str>) -> Page, "ListUsersInGroup";
        sign_in_factors(&UserName) -> Vec<String>, "AdminGetUserAuthFactors";
        write_attributes(&CheckedUserName, &BTreeMap<String, String>) -> (), "AdminUpdateUserAttributes";
        remove_attributes(&CheckedUserName, &[String]) -> (), "AdminDeleteUserAttributes";
        leave_group(&CheckedUserName, &str) -> (), "AdminRemoveUserFromGroup";
    }

    async fn found_by(&self, name: &str) -> Result<Option<ProfileRecord>, PoolError> {
        self.0.record(name).await
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        self.0.groups(user).await
    }
}

/// What the journal of the move in this state says.
pub(super) fn history_of(state: &State) -> History {
    let mut history = History::default();
    for entry in state.moving().iter().flat_map(|moving| &moving.entries) {
        history.add(entry);
    }
    history
}

/// The journal of a move, in the state of the account that stays. Each entry also keeps other calls away for longer.
pub(super) struct TableJournal<'a> {
    table: &'a Table,
    /// The state as it was last written; `None` once that is not known.
    read: Option<Versioned<State>>,
    history: History,
}

/// Another call has taken the work over, or it is not known what the table has.
#[derive(Debug, thiserror::Error)]
#[error("the state of the account is another one by now")]
struct Overtaken;

impl<'a> TableJournal<'a> {
    /// The journal of the move in this state.
    pub(super) fn of(table: &'a Table, read: Versioned<State>) -> Self {
        let history = history_of(&read.value);
        Self { table, read: Some(read), history }
    }

    /// The state as it was last written, if it is known.
    pub(super) fn into_read(self) -> Option<Versioned<State>> {
        self.read
    }
}

impl Journal for TableJournal<'_> {
    async fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        let read = self.read.take().ok_or_else(|| JournalError(Overtaken.into()))?;
        let now = self.table.now();
        let written = replace_at_work(self.table, read, |state| state.noted(entry.clone(), now)).await;
        let written = written.map_err(|why| JournalError(why.code().name().into()))?;
        self.read = Some(written.ok_or_else(|| JournalError(Overtaken.into()))?);
        self.history.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.history
    }
}
