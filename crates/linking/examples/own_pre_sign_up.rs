//! A pre sign-up trigger of your own that links, too.
//!
//! This one has a rule of the team: some addresses do not come in. Whom the rule lets pass is linked to the account that
//! they have, gets a new one, or is refused because nothing is proven. It runs here on a pool in memory:
//!
//! ```sh
//! cargo run --package cognito-account-linking --example own_pre_sign_up
//! ```
//!
//! As a Lambda function its `main` is, with the features `aws` and `runtime` of `cognito-trigger-core`:
//!
//! ```ignore
//! let build = |_: Lookup<'_>, pools: &AwsUserPools| Ok(OwnPreSignUp { pools: pools.clone(), .. });
//! cognito_core::runtime::run(async |lookup| AwsUserPools::from_lookup(lookup), build).await
//! ```

use std::collections::BTreeMap;
use std::error::Error;

use cognito_core::event::{Event, TriggerSource};
use cognito_core::failure::{Failure, Kind};
use cognito_core::provider::Providers;
use cognito_core::trigger::{Clock, TIME_LIMIT, Trigger, answer};
use cognito_core::user_pool::memory::{MemoryPool, PoolKind, native};
use cognito_core::user_pool::{NativeUserName, Patience, UserPools};
use linking::{Arrival, Linker, Policy, SubjectRule};
use serde_json::json;
use serde_json::value::RawValue;

/// The team's own refusal: a code for the log, and what the person reads.
const ON_THE_LIST: Kind = Kind::refusal("on_the_list", "Please write to us before you sign up");

/// The trigger.
struct OwnPreSignUp<P> {
    pools: P,
    /// How far each provider is trusted. Who is not listed is not trusted.
    providers: Providers,
    /// The team's list.
    refused: Vec<String>,
}

impl<P: UserPools + Sync> Trigger for OwnPreSignUp<P>
where
    P::Pool: Send,
{
    /// This is the team's own function.
    const CALLS_NEXT_FUNCTION: bool = false;

    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::PreSignUpExternalProvider
    }

    async fn handle(&self, event: &mut Event, clock: Clock) -> Result<(), Failure> {
        let attributes = event.user_attributes();
        // First the own rule: once an identity is linked, Cognito never asks about it again.
        let email = attributes.text("email").unwrap_or_default();
        if self.refused.iter().any(|refused| refused.eq_ignore_ascii_case(email)) {
            return Err(Failure::because(ON_THE_LIST, "the address is on the list"));
        }
        let user_name = event.user_name().unwrap_or_default();
        let arrival = Arrival::read(user_name, attributes, &self.providers, &SubjectRule::default());
        let linker = Linker {
            pool: &self.pools.pool(event.user_pool_id()),
            // The strictest sensible choices.
            policy: Policy::default(),
            providers: &self.providers,
            group: Some("Users"),
            later: None,
            observer: None,
            user_name: NativeUserName::Email,
            attributes: BTreeMap::new(),
            now: clock.now(),
            patience: Patience::until(clock.deadline()),
        };
        let settlement = clock.limit(linker.settle(&arrival)).await?.map_err(Failure::from)?;
        if settlement.profile.is_some_and(|profile| profile.newcomer) {
            event.respond("autoConfirmUser", true);
            event.respond("autoVerifyEmail", true);
        }
        Ok(())
    }
}

/// A pool with Ada, who has a password, and the trigger on it.
fn pool_and_trigger() -> Result<(MemoryPool, OwnPreSignUp<MemoryPool>), Box<dyn Error>> {
    let pool = MemoryPool::new(PoolKind::EmailUserNames, [native("ada@example.com")]);
    let providers = Providers::parse("Google:claim").ok_or("this is no value of PROVIDERS")?;
    let refused = vec!["mallory@example.com".to_owned()];
    Ok((pool.clone(), OwnPreSignUp { pools: pool, providers, refused }))
}

/// The event of a first sign-in with Google, as Cognito sends it.
fn first_sign_in(email: &str, email_verified: &str) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(&json!({
        "version": "1",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_EXAMPLE01",
        "userName": "Google_123456789012345678901",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789abcdefghij" },
        "triggerSource": "PreSignUp_ExternalProvider",
        "request": { "userAttributes": { "email": email, "email_verified": email_verified } },
        "response": { "autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false },
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (pool, trigger) = pool_and_trigger()?;
    for (email, verified) in [("ada@example.com", "true"), ("mallory@example.com", "true"), ("bob@example.com", "true")]
    {
        match answer(&trigger, &first_sign_in(email, verified)?, Clock::starting_now(TIME_LIMIT)).await {
            Ok(_) => println!("{email} comes in"),
            Err(failure) => println!("{email} does not: {}", failure.public_text()),
        }
    }
    for account in pool.accounts() {
        println!("{} has {} linked", account.user_name, account.identities.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of a refusal, or `None` if the sign-in goes on.
    async fn refusal(trigger: &OwnPreSignUp<MemoryPool>, email: &str, verified: &str) -> Option<&'static str> {
        let event = first_sign_in(email, verified).unwrap();
        let answered = answer(trigger, &event, Clock::starting_now(TIME_LIMIT)).await;
        answered.err().map(|failure| failure.kind().code)
    }

    #[tokio::test]
    async fn who_has_an_account_is_linked_to_it() {
        let (pool, trigger) = pool_and_trigger().unwrap();
        assert_eq!(refusal(&trigger, "ada@example.com", "true").await, None);
        assert_eq!(pool.owners_of("Google", "123456789012345678901")[0].user_name, "native-ada@example.com");
        assert_eq!(pool.accounts().len(), 1);
    }

    #[tokio::test]
    async fn an_address_that_is_not_proven_opens_nobodys_account() {
        let (pool, trigger) = pool_and_trigger().unwrap();
        assert!(refusal(&trigger, "ada@example.com", "false").await.is_some());
        assert!(pool.accounts()[0].identities.is_empty());
    }

    #[tokio::test]
    async fn the_own_rule_comes_before_any_call() {
        let (pool, trigger) = pool_and_trigger().unwrap();
        assert_eq!(refusal(&trigger, "Mallory@example.com", "true").await, Some("on_the_list"));
        assert!(pool.calls().is_empty());
    }
}
