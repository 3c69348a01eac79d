//! Engines broken on purpose. If the explorer let one of them pass, it would prove nothing.

use crate::explorer::{Fault, Invocation};
use crate::gate::{Fate, Gate};
use crate::scenario::{ADA, Scenario};
use crate::{Engine, explored, name, plain, real};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::memory::{MemoryPool, Quirks};
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, NewNative, PoolError, Profile, RequiredAttribute, Status, UserName, UserPool,
};
use std::rc::Rc;
use std::sync::Mutex;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mutation {
    /// Reads the facts once and decides on them for ever.
    NoReread,
    /// Sets the password only when the link is made.
    PasswordLast,
    /// Takes an unconfirmed profile for one that proved its address.
    LinksUnconfirmed,
    /// Never joins the group again after the first try.
    GroupOnlyOnCreation,
}

/// The real engine over a pool that makes it behave like the mutant.
struct Mutant {
    pool: MemoryPool,
    mutation: Mutation,
    first_read: Mutex<Option<Vec<Profile>>>,
    /// The profile that still has to get its password.
    owed: Mutex<Option<CheckedUserName>>,
    created: Mutex<bool>,
}

impl Mutant {
    fn bend(&self, mut profile: Profile) -> Profile {
        if self.mutation == Mutation::LinksUnconfirmed && profile.status == Status::Unconfirmed {
            (profile.status, profile.email_verified) = (Status::Confirmed, true);
        }
        profile
    }
}

impl UserPool for Mutant {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        if self.mutation == Mutation::NoReread
            && let Some(first) = self.first_read.lock().unwrap().clone()
        {
            return Ok(first);
        }
        let profiles = self.pool.profiles_with_email(email).await?;
        *self.first_read.lock().unwrap() = Some(profiles.clone());
        Ok(profiles.into_iter().map(|profile| self.bend(profile)).collect())
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        if self.mutation == Mutation::NoReread {
            let first = self.first_read.lock().unwrap().clone().unwrap_or_default();
            return Ok(first.into_iter().find(|profile| profile.user_name.as_str() == name));
        }
        Ok(self.pool.profile(name).await?.map(|profile| self.bend(profile)))
    }

    async fn user_name_of_sub(&self, sub: &str) -> Result<Option<UserName>, PoolError> {
        self.pool.user_name_of_sub(sub).await
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        self.pool.required_attributes().await
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        let created = self.pool.create_native(new).await;
        *self.created.lock().unwrap() = created.is_ok();
        created
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        if self.mutation == Mutation::PasswordLast {
            self.owed.lock().unwrap().replace(user.clone());
            return Ok(());
        }
        self.pool.replace_password(user, password).await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.pool.link(user, identity).await?;
        let owed = self.owed.lock().unwrap().take();
        match owed {
            Some(user) => self.pool.replace_password(&user, &Password::random()).await,
            None => Ok(()),
        }
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.pool.unlink_source(identity).await
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        self.pool.set_verified_email(user, email).await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pool.forget_phone_and_factors(user).await
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        self.pool.has_passkey(user).await
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pool.sign_out_everywhere(user).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pool.delete(user).await
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        if self.mutation == Mutation::GroupOnlyOnCreation && !*self.created.lock().unwrap() {
            return Ok(());
        }
        self.pool.add_to_group(user, group).await
    }
}

fn mutant(mutation: Mutation) -> Box<Engine> {
    Box::new(move |scenario: Rc<Scenario>, gate: Gate, identity: &'static str| -> Invocation {
        let mutant = Mutant {
            pool: gate.pool(),
            mutation,
            first_read: Mutex::default(),
            owed: Mutex::default(),
            created: Mutex::default(),
        };
        Box::pin(async move { scenario.settle(&mutant, identity, None).await.map_err(name) })
    })
}

/// The flow of many tutorials: the first profile with the address is linked, whatever its state;
/// without one, create, set a password, link, join the group.
fn tutorial(scenario: Rc<Scenario>, gate: Gate, identity: &'static str) -> Invocation {
    Box::pin(async move {
        let source = scenario.arrival(identity).identity.map_err(|_| "try again")?;
        let email = Email::parse(ADA).map_err(|_| "try again")?;
        let pool = gate.pool();
        let settle = async {
            if let Some(first) = pool.profiles_with_email(&email).await?.first() {
                return pool.link(&pool.checked(&first.user_name, &first.sub).await?, &source).await;
            }
            let new = NewNative { user_name: ADA.into(), email, attributes: std::collections::BTreeMap::new() };
            let created = pool.create_native(&new).await?;
            let created = pool.checked(&created.user_name, &created.sub).await?;
            pool.replace_password(&created, &Password::random()).await?;
            pool.link(&created, &source).await?;
            pool.add_to_group(&created, "Users").await
        };
        settle.await.map_err(|_| "try again".to_owned())
    })
}

#[track_caller]
fn caught(engine: &Engine, scenario: &Scenario, identities: &[&'static str], faults: &[Fault]) {
    let (_, with_real) = explored(&real, scenario, identities, faults);
    assert_eq!(with_real, None, "the engine itself fails");
    let (_, violation) = explored(engine, scenario, identities, faults);
    assert!(violation.is_some(), "the mutant was not caught");
}

#[test]
fn an_engine_that_does_not_read_again_is_caught() {
    caught(&*mutant(Mutation::NoReread), &plain("nobody"), &["Google_1", "Google_1"], &[]);
    caught(&*mutant(Mutation::NoReread), &plain("unconfirmed"), &["Google_1", "Okta_2"], &[]);
}

#[test]
fn an_engine_that_sets_the_password_last_is_caught() {
    // Nobody invokes the trigger again for an identity that is linked.
    let crash = Fault { invocation: 0, after: 4, fate: Fate::CrashBefore };
    caught(&*mutant(Mutation::PasswordLast), &plain("nobody"), &["Google_1"], &[crash]);
    let quirks = Quirks { refuse_link_before_password: true, ..Quirks::default() };
    caught(&*mutant(Mutation::PasswordLast), &plain("nobody").with_quirks(quirks), &["Google_1"], &[]);
}

#[test]
fn an_engine_that_links_an_unconfirmed_profile_is_caught() {
    caught(&*mutant(Mutation::LinksUnconfirmed), &plain("unconfirmed"), &["Google_1"], &[]);
}

#[test]
fn an_engine_that_joins_the_group_only_when_it_creates_is_caught() {
    let fault = Fault { invocation: 0, after: 2, fate: Fate::CrashBefore };
    caught(&*mutant(Mutation::GroupOnlyOnCreation), &plain("nobody"), &["Google_1"], &[fault]);
}

#[test]
fn the_flow_of_the_tutorials_is_caught() {
    caught(&tutorial, &plain("unconfirmed"), &["Google_1"], &[]);
    caught(&tutorial, &plain("nobody"), &["Google_1", "Google_1"], &[]);
    caught(&tutorial, &plain("disabled"), &["Google_1"], &[]);
    caught(&tutorial, &plain("two squatters"), &["Google_1"], &[]);
    let quirks = Quirks { refuse_link_again: true, ..Quirks::default() };
    let reply_lost = Fault { invocation: 0, after: 3, fate: Fate::ReplyLost };
    caught(&tutorial, &plain("nobody").with_quirks(quirks), &["Google_1"], &[reply_lost]);
}

/// Where the address is neither user name nor alias, nothing but the name keeps two creations at once apart.
#[test]
fn an_engine_that_names_accounts_at_random_is_caught_where_only_the_name_is_unique() {
    let random = |scenario: Rc<Scenario>, gate: Gate, identity: &'static str| -> Invocation {
        let named_at_random = Scenario::clone(&scenario).alias();
        Box::pin(async move { named_at_random.settle(&gate.pool(), identity, None).await.map_err(name) })
    };
    caught(&random, &plain("nobody, plain user names"), &["Google_1", "Okta_2"], &[]);
}
