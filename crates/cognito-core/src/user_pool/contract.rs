//! What every implementation of the port must do. It runs against the memory pool here, and against
//! the AWS adapter on a local cloud in the end-to-end tests. So the memory pool stays true to Cognito.
//!
//! Each check uses addresses of its own, so all may run against one pool, in any order.

/// Runs checks one after the other. An error begins with the name of the rule.
macro_rules! rules {
    ($checks:ident: $($rule:ident($($argument:ident)?),)+) => {{
        $(
            let holds = $checks.$rule($($argument)?).await;
            holds.map_err(|why| format!("{}: {why}", stringify!($rule).replace('_', " ")))?;
        )+
        Ok(())
    }};
}

#[cfg(feature = "administration")]
mod administration;
mod invitations;

#[cfg(feature = "administration")]
pub use administration::check_administration;
pub use invitations::check_invitations;

use super::memory::PoolKind;
use super::{AvailableEmail, CheckedUserName, NativeUserName, NewNative, PoolErrorKind, Status, UserName, UserPool};
use crate::email::Email;
use crate::password::Password;
use crate::provider::{Providers, SourceIdentity};
use std::collections::BTreeMap;

/// The group that the pool under test must have.
pub const GROUP: &str = "Users";

type Outcome = Result<(), String>;

/// Runs every check. `unique` sets the addresses of this run apart from those of earlier runs; `kind` says whether the
/// address is a user name, an alias or neither. The pool must know an identity provider named `Google`.
///
/// # Errors
///
/// Returns the name of the rule that does not hold, and what happened instead.
pub async fn check_all<P: UserPool>(pool: &P, unique: &str, kind: PoolKind) -> Outcome {
    let checks = Checks { pool, unique, kind };
    rules!(checks:
        nobody_is_an_empty_list(),
        a_created_profile_is_found(),
        a_sub_is_known_for_one(),
        a_name_is_created_once(),
        an_address_has_as_many_profiles_as_the_pool_allows(),
        a_derived_name_is_its_own(),
        a_password_confirms(),
        links_are_listed_once(),
        an_identity_has_one_owner(),
        groups_are_joined_again_and_again(),
        what_is_gone_is_not_found(),
        required_attributes_are_known(),
        verification_is_kept(),
    )
}

struct Checks<'a, P> {
    pool: &'a P,
    unique: &'a str,
    kind: PoolKind,
}

impl<P: UserPool> Checks<'_, P> {
    fn email(&self, name: &str) -> Result<Email, String> {
        Email::parse(&format!("{name}-{}@example.com", self.unique)).map_err(|why| why.to_string())
    }

    fn new_native(&self, name: &str) -> Result<NewNative, String> {
        let email = self.email(name)?;
        let user_name = user_name(self.kind, &email, name, self.unique);
        let attributes = BTreeMap::from([("given_name".to_owned(), "Ada".to_owned())]);
        Ok(NewNative { user_name, email, attributes })
    }

    fn google(&self, subject: &str) -> Result<SourceIdentity, String> {
        let providers = Providers::parse("Google:claim").ok_or("Google:claim does not parse")?;
        let google = providers.named("Google").ok_or("no Google")?;
        SourceIdentity::new(google, &format!("{subject}{}", self.unique)).map_err(|why| why.to_string())
    }

    fn available(&self, name: &str, user: &CheckedUserName) -> Result<AvailableEmail, String> {
        AvailableEmail::among(&self.email(name)?, [], user.user_name()).ok_or_else(|| "nobody holds it".to_owned())
    }

    async fn created(&self, name: &str) -> Result<CheckedUserName, String> {
        let created = self.pool.create_native(&self.new_native(name)?).await.map_err(text)?;
        self.pool.checked(&created.user_name, &created.sub).await.map_err(text)
    }

    async fn nobody_is_an_empty_list(&self) -> Outcome {
        let found = self.pool.profiles_with_email(&self.email("nobody")?).await.map_err(text)?;
        expect(found.is_empty(), "somebody was listed")?;
        let reached = self.pool.profile(self.email("nobody")?.as_str()).await.map_err(text)?;
        expect(reached.is_none(), "somebody was reached")
    }

    async fn a_created_profile_is_found(&self) -> Outcome {
        let name = self.created("found").await?;
        let found = self.pool.profiles_with_email(&self.email("FOUND")?).await.map_err(text)?;
        let [profile] = found.as_slice() else { return Err(format!("{} listed", found.len())) };
        expect(profile.user_name.as_str() == name.as_str(), "listed under another name")?;
        expect(profile.status == Status::ForceChangePassword, "not invited")?;
        expect(profile.email_verified && profile.enabled, "not verified or not enabled")?;
        expect(!profile.sub.is_empty() && profile.created.is_some(), "no sub or no creation time")?;
        let reached = self.pool.profile(self.email("found")?.as_str()).await.map_err(text)?;
        if self.kind == PoolKind::UserNames {
            return expect(reached.is_none(), "reached by an address that is no name");
        }
        expect(reached.is_some_and(|profile| profile.user_name.as_str() == name.as_str()), "not reached by its address")
    }

    async fn a_sub_is_known_for_one(&self) -> Outcome {
        let name = self.created("sub").await?;
        let profile = self.pool.profile(name.as_str()).await.map_err(text)?.ok_or("gone")?;
        let sub = UserName::new(profile.sub);
        let named = self.pool.user_name_of_sub(sub.as_str()).await.map_err(text)?;
        expect(named.is_some_and(|named| named.as_str() == name.as_str()), "its own sub is nobody's")?;
        let reached = self.pool.profile(sub.as_str()).await.map_err(text)?;
        expect(reached.is_some_and(|reached| reached.user_name.as_str() == name.as_str()), "not reached by its sub")?;
        let borrowed = self.pool.checked(&sub, "the sub of whoever borrowed it").await;
        refused(borrowed, &[PoolErrorKind::BorrowedSub], "a borrowed sub passes for a name")?;
        let nobody = UserName::new("00000000-0000-4000-8000-000000000000");
        self.pool.checked(&nobody, "").await.map_err(text)?;
        let named = self.pool.user_name_of_sub(nobody.as_str()).await.map_err(text)?;
        expect(named.is_none(), "somebody has a sub that nobody has")
    }

    async fn a_name_is_created_once(&self) -> Outcome {
        self.created("name").await?;
        let again = self.new_native("name")?;
        let elsewhere = NewNative { email: self.email("elsewhere")?, ..again.clone() };
        refused(self.pool.create_native(&again).await, &TAKEN, "created twice")?;
        if self.kind != PoolKind::EmailUserNames {
            let second = self.pool.create_native(&elsewhere).await;
            refused(second, &[PoolErrorKind::UserNameExists], "one name for two addresses")?;
        }
        Ok(())
    }

    /// One as user name or verified alias; where it is neither, each profile keeps its own mark and its own identities.
    async fn an_address_has_as_many_profiles_as_the_pool_allows(&self) -> Outcome {
        let first = self.created("once").await?;
        let mut again = self.new_native("once")?;
        if self.kind != PoolKind::EmailUserNames {
            again.user_name.push_str("-2");
        }
        let second = self.pool.create_native(&again).await;
        if self.kind != PoolKind::UserNames {
            return refused(second, &TAKEN, "created twice");
        }
        let second = second.map_err(text)?;
        let second = self.pool.checked(&second.user_name, &second.sub).await.map_err(text)?;
        let both = || async { self.pool.profiles_with_email(&again.email).await.map_err(text) };
        let is_verified = |listed: &[super::Profile]| listed.iter().all(|profile| profile.email_verified);
        let listed = both().await?;
        expect(listed.len() == 2 && is_verified(&listed), &format!("{} listed, or not verified", listed.len()))?;
        self.pool.set_verified_email(&second, &self.available("once", &second)?).await.map_err(text)?;
        let listed = both().await?;
        expect(listed.len() == 2 && is_verified(&listed), "a mark was taken from the other profile")?;
        self.pool.replace_password(&second, &Password::random()).await.map_err(text)?;
        self.pool.link(&second, &self.google("5")?).await.map_err(text)?;
        expect(self.identities(&first).await?.is_empty(), "the other profile got the identity")?;
        expect(self.status(&first).await? == Status::ForceChangePassword, "the other profile was confirmed")?;
        self.pool.delete(&second).await.map_err(text)?;
        let listed = both().await?;
        let [left] = listed.as_slice() else { return Err(format!("{} left", listed.len())) };
        expect(left.user_name.as_str() == first.as_str(), "the other profile was deleted")
    }

    /// Where the address is the user name, Cognito makes the name.
    async fn a_derived_name_is_its_own(&self) -> Outcome {
        if self.kind == PoolKind::EmailUserNames {
            return Ok(());
        }
        let email = self.email("derived")?;
        let new = NewNative { user_name: NativeUserName::derived(&email), email, attributes: BTreeMap::new() };
        let created = self.pool.create_native(&new).await.map_err(text)?;
        let user = self.pool.checked(&created.user_name, &created.sub).await.map_err(text)?;
        expect(user.as_str() == new.user_name, "another name")?;
        let others = self.pool.checked(&created.user_name, "another sub").await;
        refused(others, &[PoolErrorKind::HiddenByAlias], "a name that reaches another profile passes")?;
        self.pool.delete(&user).await.map_err(text)?;
        self.pool.checked(&created.user_name, "another sub").await.map(drop).map_err(text)
    }

    async fn a_password_confirms(&self) -> Outcome {
        let name = self.created("password").await?;
        for _ in 0..2 {
            self.pool.replace_password(&name, &Password::random()).await.map_err(text)?;
        }
        expect(self.status(&name).await? == Status::Confirmed, "not confirmed")
    }

    async fn links_are_listed_once(&self) -> Outcome {
        let name = self.created("links").await?;
        self.pool.replace_password(&name, &Password::random()).await.map_err(text)?;
        let google = self.google("1")?;
        self.pool.link(&name, &google).await.map_err(text)?;
        // Whether AWS accepts the same link again is not documented; it must not list it twice.
        let _ = self.pool.link(&name, &google).await;
        let listed = self.identities(&name).await?;
        let [identity] = listed.as_slice() else { return Err(format!("{} identities", listed.len())) };
        expect(identity.provider_name == "Google" && identity.user_id == google.value(), "another identity")?;
        expect(!identity.primary, "a link is primary")
    }

    async fn an_identity_has_one_owner(&self) -> Outcome {
        let (one, two) = (self.created("owner").await?, self.created("thief").await?);
        for name in [&one, &two] {
            self.pool.replace_password(name, &Password::random()).await.map_err(text)?;
        }
        let google = self.google("2")?;
        self.pool.link(&one, &google).await.map_err(text)?;
        let second = self.pool.link(&two, &google).await;
        let kinds = [PoolErrorKind::InvalidParameter, PoolErrorKind::AliasExists];
        refused(second, &kinds, "a second owner was accepted")?;
        expect(self.identities(&two).await?.is_empty(), "the second owner got it")
    }

    async fn groups_are_joined_again_and_again(&self) -> Outcome {
        let name = self.created("group").await?;
        for _ in 0..2 {
            self.pool.add_to_group(&name, GROUP).await.map_err(text)?;
        }
        let joined = self.pool.add_to_group(&name, "NoSuchGroup").await;
        refused(joined, &[PoolErrorKind::ResourceNotFound], "joined a group that is not")
    }

    async fn what_is_gone_is_not_found(&self) -> Outcome {
        let name = self.created("gone").await?;
        self.pool.delete(&name).await.map_err(text)?;
        expect(self.pool.profile(name.as_str()).await.map_err(text)?.is_none(), "still there")?;
        let (password, google, email) = (Password::random(), self.google("3")?, self.available("gone", &name)?);
        refused(self.pool.delete(&name).await, &GONE, "deleted twice")?;
        refused(self.pool.replace_password(&name, &password).await, &GONE, "a password for nobody")?;
        refused(self.pool.link(&name, &google).await, &GONE, "a link to nobody")?;
        refused(self.pool.add_to_group(&name, GROUP).await, &GONE, "nobody in a group")?;
        refused(self.pool.set_verified_email(&name, &email).await, &GONE, "nobody verified")?;
        refused(self.pool.sign_out_everywhere(&name).await, &GONE, "nobody signed out")
    }

    async fn required_attributes_are_known(&self) -> Outcome {
        let required = self.pool.required_attributes().await.map_err(text)?;
        expect(required.iter().all(|attribute| attribute.name != "sub"), "`sub` is for the pool to set")?;
        // What was created in this run had these and no others.
        let given = ["email", "given_name"];
        expect(required.iter().all(|attribute| given.contains(&attribute.name.as_str())), &format!("{required:?}"))
    }

    async fn verification_is_kept(&self) -> Outcome {
        let name = self.created("verify").await?;
        let moved = self.email("moved")?;
        let available = self.available("moved", &name)?;
        self.pool.set_verified_email(&name, &available).await.map_err(text)?;
        self.pool.sign_out_everywhere(&name).await.map_err(text)?;
        self.pool.forget_phone_and_factors(&name).await.map_err(text)?;
        let profile = self.pool.profile(name.as_str()).await.map_err(text)?.ok_or("gone")?;
        expect(profile.email.is_some_and(|email| moved.is_same(&email)) && profile.email_verified, "not moved")
    }

    async fn status(&self, name: &CheckedUserName) -> Result<Status, String> {
        Ok(self.pool.profile(name.as_str()).await.map_err(text)?.ok_or("gone")?.status)
    }

    async fn identities(&self, name: &CheckedUserName) -> Result<Vec<super::Identity>, String> {
        Ok(self.pool.profile(name.as_str()).await.map_err(text)?.ok_or("gone")?.identities)
    }
}

/// The user name of a profile with this address.
fn user_name(kind: PoolKind, email: &Email, name: &str, unique: &str) -> String {
    match kind {
        PoolKind::EmailUserNames => email.to_lower_case(),
        PoolKind::EmailAlias | PoolKind::UserNames => format!("{name}-{unique}-name"),
    }
}

fn expect(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it fits `map_err`")]
fn text(error: super::PoolError) -> String {
    error.to_string()
}

/// What a name or an address answers that somebody else has.
const TAKEN: [PoolErrorKind; 2] = [PoolErrorKind::UserNameExists, PoolErrorKind::AliasExists];

const GONE: [PoolErrorKind; 1] = [PoolErrorKind::UserNotFound];

/// A call that must fail with one of these.
fn refused<T>(answer: Result<T, super::PoolError>, kinds: &[PoolErrorKind], otherwise: &str) -> Outcome {
    let kind = answer.err().ok_or(otherwise)?.kind();
    expect(kinds.contains(&kind), &format!("refused as {kind:?}, not {kinds:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pool::memory::{MemoryPool, Quirks};

    #[tokio::test]
    async fn the_memory_pool_keeps_the_contract() {
        for quirks in [Quirks::default(), Quirks { refuse_link_again: true, ..Quirks::default() }] {
            for kind in [PoolKind::EmailUserNames, PoolKind::EmailAlias, PoolKind::UserNames] {
                let pool = MemoryPool::new(kind, []).with_quirks(quirks);
                check_all(&pool, "1", kind).await.unwrap();
                check_invitations(&pool, &pool, "1", kind).await.unwrap();
                check_administration(&pool, "app", "1", kind).await.unwrap();
            }
        }
    }
}
