//! Somebody signs in with a provider while the API works: Cognito, and the engine of pre sign-up with its calls.

use super::explorer::End;
use crate::house::{Fuse, NOW};
use crate::identities_connect::at;
use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::user_pool::memory::{Account, MemoryPool, federated};
use cognito_core::user_pool::{NativeUserName, Patience};
use linking::{Arrival, Linker, Policy, SubjectRule};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

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

impl SignIn {
    /// What Cognito does: it looks for the account of the identity, calls the trigger if there is none, and then makes a
    /// profile if the trigger let the sign-in through and linked nothing.
    pub(crate) async fn happens(self, pool: MemoryPool, fuse: Fuse) -> End {
        if let Some(sub) = self.owner(&pool, &fuse).await {
            return End::SignedIn(Some(sub));
        }
        let providers = Providers::parse("Google:claim,Facebook:claim,Corp:always").expect("providers");
        let attributes = json!({ "email": self.email, "email_verified": self.is_proven });
        let user_name = format!("Google_{}", self.subject);
        let arrival =
            Arrival::read(&user_name, Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
        let linker = Linker {
            pool: &pool.behind(Arc::new(fuse.clone())),
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
        if let Some(sub) = self.owner(&pool, &fuse).await {
            return End::SignedIn(Some(sub));
        }
        let anew = Account {
            sub: ANEW.into(),
            email_verified: self.is_proven,
            created: Some(at(NOW)),
            ..federated("Google", self.subject, self.email)
        };
        pool.change(|accounts| accounts.push(anew));
        End::SignedIn(Some(ANEW.into()))
    }

    async fn owner(self, pool: &MemoryPool, fuse: &Fuse) -> Option<String> {
        fuse.burn("sign in", "").await;
        pool.owners_of("Google", self.subject).first().map(|owner| owner.sub.clone())
    }
}
