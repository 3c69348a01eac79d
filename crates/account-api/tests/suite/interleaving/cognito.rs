//! Somebody signs in with a provider while the API works: Cognito, and the engine of pre sign-up with its calls.

use super::explorer::End;
use crate::house::{Fuse, Fused, NOW};
use crate::identities_connect::at;
use cognito_core::email::Email;
use cognito_core::event::Attributes;
use cognito_core::password::Password;
use cognito_core::provider::{Providers, SourceIdentity};
use cognito_core::user_pool::memory::{Account, MemoryPool, federated};
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, NativeUserName, NewNative, Patience, PoolError, PoolErrorKind, Profile,
    RequiredAttribute, UserName, UserPool,
};
use linking::{Arrival, Linker, Policy, SubjectRule};
use serde_json::json;
use std::collections::BTreeMap;

/// The `sub` of a profile that Cognito makes.
pub(crate) const ANEW: &str = "anew";

/// A sign-in with an identity at Google.
#[derive(Clone, Copy)]
pub(crate) struct SignIn {
    pub(crate) subject: &'static str,
    pub(crate) email: &'static str,
    /// Whether Google proves the address.
    pub(crate) is_proven: bool,
}

/// The pool as the trigger sees it.
struct Trigger<'a>(&'a Fused<MemoryPool>);

macro_rules! calls {
    ($($name:ident($($argument:ident: $type:ty),*) of $key:expr => $output:ty;)*) => {
        impl UserPool for Trigger<'_> {
            $(async fn $name(&self, $($argument: &$type),*) -> Result<$output, PoolError> {
                let error = PoolError::new(PoolErrorKind::Unavailable, stringify!($name), "InternalErrorException");
                self.0.call(stringify!($name), $key, UserPool::$name(&self.0.0, $($argument),*), error).await
            })*
        }
    };
}

calls! {
    profiles_with_email(email: Email) of "" => Vec<Profile>;
    profile(name: str) of "" => Option<Profile>;
    is_sub(name: UserName) of "" => bool;
    required_attributes() of "" => Vec<RequiredAttribute>;
    create_native(new: NewNative) of "" => Profile;
    replace_password(user: CheckedUserName, password: Password) of user.as_str() => ();
    link(user: CheckedUserName, identity: SourceIdentity) of user.as_str() => ();
    unlink_source(identity: SourceIdentity) of "" => ();
    set_verified_email(user: CheckedUserName, email: AvailableEmail) of user.as_str() => ();
    forget_phone_and_factors(user: CheckedUserName) of user.as_str() => ();
    has_passkey(user: CheckedUserName) of user.as_str() => bool;
    sign_out_everywhere(user: CheckedUserName) of user.as_str() => ();
    delete(user: CheckedUserName) of user.as_str() => ();
    add_to_group(user: CheckedUserName, group: str) of user.as_str() => ();
}

impl SignIn {
    /// What Cognito does: it looks for the account of the identity, calls the trigger if there is none, and then makes a
    /// profile if the trigger let the sign-in through and linked nothing.
    pub(crate) async fn happens(self, pool: MemoryPool, fuse: Fuse) -> End {
        let pool = Fused(pool, fuse);
        if let Some(sub) = self.owner(&pool).await {
            return End::SignedIn(Some(sub));
        }
        let providers = Providers::parse("Google:claim,Facebook:claim,Corp:always").expect("providers");
        let attributes = json!({ "email": self.email, "email_verified": self.is_proven });
        let user_name = format!("Google_{}", self.subject);
        let arrival =
            Arrival::read(&user_name, Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
        let trigger = Trigger(&pool);
        let linker = Linker {
            pool: &trigger,
            policy: Policy::default(),
            providers: &providers,
            group: Some("Users"),
            user_name: NativeUserName::Email,
            attributes: BTreeMap::new(),
            now: at(NOW),
            patience: Patience::NONE,
            later: None,
            observer: None,
        };
        if linker.settle(&arrival).await.is_err() {
            return End::SignedIn(None);
        }
        if let Some(sub) = self.owner(&pool).await {
            return End::SignedIn(Some(sub));
        }
        let anew = Account {
            sub: ANEW.into(),
            email_verified: self.is_proven,
            created: Some(at(NOW)),
            ..federated("Google", self.subject, self.email)
        };
        pool.0.change(|accounts| accounts.push(anew));
        End::SignedIn(Some(ANEW.into()))
    }

    async fn owner(self, pool: &Fused<MemoryPool>) -> Option<String> {
        let looked = async { Ok(pool.0.owners_of("Google", self.subject).first().map(|owner| owner.sub.clone())) };
        pool.call("sign in", "", looked, ()).await.ok().flatten()
    }
}
