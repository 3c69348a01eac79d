//! The people of a local stack: the people at the providers, and one account in the pool.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::seed::PASSWORD;
use crate::stack::Stack;

/// A person with an account at a provider.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Person {
    /// The id at the provider, which its sign-in page shows.
    pub subject: &'static str,
    /// First and last name.
    pub name: (&'static str, &'static str),
    /// The e-mail address that the provider sends, if it sends any.
    pub email: Option<&'static str>,
    /// Whether the provider says that it checked the address. Facebook never says anything about it.
    pub verified: bool,
}

impl Person {
    const fn new(
        subject: &'static str,
        name: (&'static str, &'static str),
        email: Option<&'static str>,
        verified: bool,
    ) -> Self {
        Self { subject, name, email, verified }
    }
}

/// The e-mail address of the account that is in the pool from the start.
pub const READY_ACCOUNT: &str = "ada@example.com";

/// The people Google knows.
pub const GOOGLE: [Person; 5] = [
    Person::new("110248495921238986420", ("Ada", "Lovelace"), Some(READY_ACCOUNT), true),
    Person::new("113366448822771155993", ("Grace", "Hopper"), Some("grace@example.org"), true),
    Person::new("115599337711224466880", ("Mary", "Somerville"), Some("mary@example.com"), false),
    // A stranger who wrote Ada's address into an account of their own.
    Person::new("116688440022775599113", ("Mallory", "Finch"), Some(READY_ACCOUNT), false),
    Person::new("117744228866331155997", ("Hedy", "Lamarr"), None, false),
];

/// The people Facebook knows.
pub const FACEBOOK: [Person; 3] = [
    Person::new("10158771234509876", ("Ada", "Lovelace"), Some(READY_ACCOUNT), false),
    Person::new("10158775678901234", ("Katherine", "Johnson"), Some("katherine@example.org"), false),
    Person::new("10158779012345678", ("Hedy", "Lamarr"), None, false),
];

/// Google's people as subject and claims, as in Google's ID token.
pub(super) fn at_google() -> Vec<(&'static str, Value)> {
    let claims = |person: &Person| {
        let mut claims = claims(person, ["given_name", "family_name"]);
        if person.email.is_some() {
            claims["email_verified"] = json!(person.verified);
        }
        (person.subject, claims)
    };
    GOOGLE.iter().map(claims).collect()
}

/// Facebook's people as subject and claims, as in Facebook's Graph API. It has its own claims for names, and does not
/// say whether the address was checked.
pub(super) fn at_facebook() -> Vec<(&'static str, Value)> {
    FACEBOOK.iter().map(|person| (person.subject, claims(person, ["first_name", "last_name"]))).collect()
}

fn claims(person: &Person, [first, last]: [&str; 2]) -> Value {
    let mut claims = json!({ first: person.name.0, last: person.name.1 });
    if let Some(email) = person.email {
        claims["email"] = json!(email);
    }
    claims
}

/// Puts the ready account into the pool, unless an earlier run did.
pub(super) async fn add_ready_account(stack: &Stack) -> Result<()> {
    let pool = stack.pool()?;
    let mut profiles = pool.profiles().await?.into_iter();
    if profiles.any(|profile| profile.is_native() && profile.attribute("email") == READY_ACCOUNT) {
        return Ok(());
    }
    let attributes =
        [("email", READY_ACCOUNT), ("email_verified", "true"), ("given_name", "Ada"), ("family_name", "Lovelace")];
    pool.add(READY_ACCOUNT, &attributes, PASSWORD).await.map(drop)
}
