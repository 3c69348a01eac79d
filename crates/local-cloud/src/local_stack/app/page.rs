//! What the app shows.

use anyhow::Result;
use minijinja::{Environment, Value as Data, context};
use serde_json::Value;

use super::super::people::{FACEBOOK, GOOGLE, Person, READY_ACCOUNT};
use crate::seed::PASSWORD;
use crate::user_pool::Profile;

const TEMPLATE: &str = include_str!("page.html");

/// A page of the app.
#[derive(Debug)]
pub(super) struct Page(Data);

/// The account of whoever is signed in.
#[derive(Debug)]
pub(super) struct Account(Data);

impl Account {
    /// The account as the pool holds it, and what the ID token said about it.
    pub(super) fn new(profile: &Profile, claims: &Value) -> Self {
        let text = |name: &str| profile.attribute(name).to_owned();
        let mut ways_in: Vec<_> = profile
            .identities
            .iter()
            .map(|identity| context! { provider => identity.provider.clone(), subject => identity.subject.clone() })
            .collect();
        if profile.is_native() {
            ways_in.insert(0, context! { provider => "Password", subject => text("email") });
        }
        Self(context! {
            name => format!("{} {}", text("given_name"), text("family_name")),
            email => text("email"),
            verified => profile.email_verified(),
            subject => text("sub"),
            token_verified => claims["email_verified"].to_string(),
            groups => profile.groups.join(", "),
            ways_in,
        })
    }
}

impl Page {
    /// The buttons, and who can be signed in.
    pub(super) fn signed_out() -> Self {
        Self(context! {
            account => READY_ACCOUNT,
            password => PASSWORD,
            providers => [("Google", &GOOGLE[..]), ("Facebook", &FACEBOOK[..])]
                .map(|(name, people)| context! { name, people => people.iter().map(person).collect::<Vec<_>>() }),
        })
    }

    /// Who is signed in.
    pub(super) fn signed_in(account: Account) -> Self {
        Self(context! { signed_in => account.0 })
    }

    /// Why somebody is not signed in.
    pub(super) fn refused(message: &str) -> Self {
        Self(context! { refused => message })
    }

    /// The page as HTML. What comes from a provider, the pool or the address bar is escaped.
    pub(super) fn render(&self) -> Result<String> {
        let mut environment = Environment::new();
        // The name's ending turns escaping on.
        environment.add_template("page.html", TEMPLATE)?;
        Ok(environment.get_template("page.html")?.render(&self.0)?)
    }
}

fn person(person: &Person) -> Data {
    context! {
        subject => person.subject,
        name => format!("{} {}", person.name.0, person.name.1),
        email => person.email,
        verified => person.verified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let page = Page::refused("<script>alert(1)</script>").render().unwrap();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn everybody_who_can_sign_in_is_shown() {
        let page = Page::signed_out().render().unwrap();
        for person in GOOGLE.iter().chain(&FACEBOOK) {
            assert!(page.contains(person.subject), "{}", person.subject);
        }
    }
}
