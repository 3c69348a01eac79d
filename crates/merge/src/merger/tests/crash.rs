//! A pool and a journal that fail, or end the process, at a chosen step.

use super::scenario::{Refuses, Scene};
use crate::journal::{Entry, History, Journal, JournalError};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::memory::MemoryPool;
use cognito_core::user_pool::{
    Administration, AvailableEmail, CheckedUserName, NewNative, Page, PoolError, PoolErrorKind, PoolSettings, Profile,
    ProfileRecord, RequiredAttribute, UserName, UserPool,
};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process ends before it.
    EndsBefore,
    /// The process ends right after it.
    EndsAfter,
    /// The process ends while a line of the journal is being written; for a call as `EndsBefore`.
    EndsWithin,
    /// The call fails; for the journal as `EndsBefore`.
    Fails,
    /// The call happens and its reply is lost; for the journal as `EndsAfter`.
    ReplyLost,
}

pub(super) const FATES: [Fate; 5] = [Fate::EndsBefore, Fate::EndsAfter, Fate::EndsWithin, Fate::Fails, Fate::ReplyLost];

/// What ends the process.
pub(super) struct Crash;

#[derive(Default)]
struct Burning {
    steps: usize,
    burnt: bool,
    what: &'static str,
}

type Meanwhile = Box<dyn Fn() + Send + Sync>;

/// Counts steps and says what becomes of each.
pub(super) struct Fuse {
    at: Option<(usize, Fate)>,
    meanwhile: Option<(&'static str, Meanwhile)>,
    state: Mutex<Burning>,
}

impl Fuse {
    fn new(at: Option<(usize, Fate)>, meanwhile: Option<(&'static str, Meanwhile)>) -> Arc<Self> {
        Arc::new(Self { at, meanwhile, state: Mutex::default() })
    }

    pub(super) fn never() -> Arc<Self> {
        Self::new(None, None)
    }

    pub(super) fn at(step: usize, fate: Fate) -> Arc<Self> {
        Self::new(Some((step, fate)), None)
    }

    /// Nothing fails; the first call of this name is followed by something else.
    pub(super) fn meanwhile(what: &'static str, happens: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Self::new(None, Some((what, Box::new(happens))))
    }

    pub(super) fn burnt(&self) -> bool {
        self.state.lock().unwrap().burnt
    }

    /// The name of the step that did not go well.
    pub(super) fn what(&self) -> &'static str {
        self.state.lock().unwrap().what
    }

    fn step(&self, what: &'static str) -> Option<Fate> {
        let mut state = self.state.lock().unwrap();
        state.steps += 1;
        let (_, fate) = self.at.filter(|(at, _)| *at == state.steps)?;
        (state.burnt, state.what) = (true, what);
        Some(fate)
    }

    fn happened(&self, what: &'static str) {
        if let Some((after, happens)) = self.meanwhile.as_ref().filter(|(after, _)| *after == what) {
            let first = {
                let mut state = self.state.lock().unwrap();
                !std::mem::replace(&mut state.burnt, true)
            };
            if first {
                assert_eq!(*after, what);
                happens();
            }
        }
    }

    async fn call<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, PoolError> {
        let lost = || Err(PoolError::new(PoolErrorKind::Unavailable, what, "simulated"));
        match self.step(what) {
            None => {
                let reply = call.await;
                self.happened(what);
                reply
            }
            Some(Fate::EndsBefore | Fate::EndsWithin) => resume_unwind(Box::new(Crash)),
            Some(Fate::EndsAfter) => {
                let _ = call.await;
                resume_unwind(Box::new(Crash))
            }
            Some(Fate::Fails) => lost(),
            Some(Fate::ReplyLost) => call.await.and_then(|_| lost()),
        }
    }
}

/// What a journal left on the disk: one entry a line, the last one perhaps cut off.
pub(super) type Disk = Arc<Mutex<Vec<u8>>>;

/// The history that a new process reads. A line that was cut off is dropped.
pub(super) fn read(disk: &Disk) -> History {
    let mut bytes = disk.lock().unwrap();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    let mut history = History::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        history.add(&serde_json::from_slice(line).unwrap());
    }
    history
}

/// A journal on a fuse.
pub(super) struct FusedJournal {
    history: History,
    disk: Disk,
    fuse: Arc<Fuse>,
}

impl FusedJournal {
    pub(super) fn open(disk: &Disk, fuse: &Arc<Fuse>) -> Self {
        Self { history: read(disk), disk: disk.clone(), fuse: fuse.clone() }
    }
}

impl Journal for FusedJournal {
    async fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        let line = [serde_json::to_vec(&entry).unwrap(), b"\n".to_vec()].concat();
        let (written, ends) = match self.fuse.step("journal") {
            None => (line.len(), false),
            Some(Fate::EndsBefore | Fate::Fails) => (0, true),
            Some(Fate::EndsAfter | Fate::ReplyLost) => (line.len(), true),
            Some(Fate::EndsWithin) => (line.len() / 2, true),
        };
        self.disk.lock().unwrap().extend_from_slice(&line[..written]);
        if ends {
            resume_unwind(Box::new(Crash));
        }
        self.history.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.history
    }
}

/// The memory pool on a fuse.
pub(super) struct Fused {
    pub(super) pool: MemoryPool,
    pub(super) fuse: Arc<Fuse>,
    pub(super) refuses: Refuses,
}

impl UserPool for Fused {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        self.fuse.call("ListUsers", self.pool.profiles_with_email(email)).await
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.fuse.call("AdminGetUser", self.pool.profile(name)).await
    }

    async fn is_sub(&self, name: &UserName) -> Result<bool, PoolError> {
        self.fuse.call("ListUsers", self.pool.is_sub(name)).await
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        self.fuse.call("DescribeUserPool", self.pool.required_attributes()).await
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        let made = self.fuse.call("AdminCreateUser", self.pool.create_native(new)).await?;
        match (self.refuses)(new) {
            None => Ok(made),
            Some(kind) => {
                self.pool.change(|accounts| accounts.retain(|account| account.user_name != made.user_name.as_str()));
                Err(PoolError::new(kind, "AdminCreateUser", "refused"))
            }
        }
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        self.fuse.call("AdminSetUserPassword", self.pool.replace_password(user, password)).await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.fuse.call("AdminLinkProviderForUser", self.pool.link(user, identity)).await
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.fuse.call("AdminDisableProviderForUser", self.pool.unlink_source(identity)).await
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        self.fuse.call("AdminUpdateUserAttributes", self.pool.set_verified_email(user, email)).await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.fuse.call("AdminSetUserMFAPreference", self.pool.forget_phone_and_factors(user)).await
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        self.fuse.call("AdminGetUserAuthFactors", self.pool.has_passkey(user)).await
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.fuse.call("AdminUserGlobalSignOut", self.pool.sign_out_everywhere(user)).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.fuse.call("AdminDeleteUser", self.pool.delete(user)).await
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.fuse.call("AdminAddUserToGroup", self.pool.add_to_group(user, group)).await
    }
}

impl Administration for Fused {
    async fn settings(&self) -> Result<PoolSettings, PoolError> {
        self.fuse.call("DescribeUserPool", self.pool.settings()).await
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, PoolError> {
        self.fuse.call("ListUsers", self.pool.page(token)).await
    }

    async fn found_by(&self, name: &str) -> Result<Option<ProfileRecord>, PoolError> {
        self.fuse.call("AdminGetUser", self.pool.found_by(name)).await
    }

    async fn user_name_of_sub(&self, sub: &str) -> Result<Option<UserName>, PoolError> {
        self.fuse.call("ListUsers", self.pool.user_name_of_sub(sub)).await
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        self.fuse.call("AdminListGroupsForUser", self.pool.groups(user)).await
    }

    async fn members(&self, group: &str, token: Option<&str>) -> Result<Page, PoolError> {
        self.fuse.call("ListUsersInGroup", self.pool.members(group, token)).await
    }

    async fn sign_in_factors(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        self.fuse.call("AdminGetUserAuthFactors", self.pool.sign_in_factors(user)).await
    }

    async fn write_attributes(
        &self,
        user: &CheckedUserName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), PoolError> {
        self.fuse.call("AdminUpdateUserAttributes", self.pool.write_attributes(user, attributes)).await
    }

    async fn remove_attributes(&self, user: &CheckedUserName, names: &[String]) -> Result<(), PoolError> {
        self.fuse.call("AdminDeleteUserAttributes", self.pool.remove_attributes(user, names)).await
    }

    async fn leave_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.fuse.call("AdminRemoveUserFromGroup", self.pool.leave_group(user, group)).await
    }
}

/// Ends the process after each step of a run, and the run after that one after each of its steps. Hands every scene that
/// comes of it to `then`, with what happened to it, and returns how many there were.
pub(super) async fn ended_twice(make: impl AsyncFn() -> Scene, then: impl AsyncFn(Scene, &str)) -> usize {
    let mut explored = 0;
    for at in 1.. {
        let mut first = make().await;
        let fuse = Fuse::at(at, Fate::EndsAfter);
        let _ = first.run(&fuse).await;
        if !fuse.burnt() {
            break;
        }
        for again in 1.. {
            let mut scene = first.copy();
            let second = Fuse::at(again, Fate::EndsAfter);
            let _ = scene.run(&second).await;
            if !second.burnt() {
                break;
            }
            explored += 1;
            then(scene, &format!("ended after step {at} and after step {again} ({})", second.what())).await;
        }
    }
    explored
}
