use super::{Checks, GROUP, Outcome, expect, text};
use crate::password::Password;
use crate::user_pool::{Administration, PoolErrorKind, ProfileRecord, UserName};
use std::collections::BTreeMap;

/// Runs every check of [`Administration`], as [`check_all`](super::check_all) does for the pool.
///
/// # Errors
///
/// The name of the rule that does not hold, and what happened instead.
pub async fn check_administration<P: Administration>(pool: &P, unique: &str, alias: bool) -> Outcome {
    let checks = Checks { pool, unique, alias };
    checks.a_record_shows_the_profile().await.map_err(|why| format!("a record shows the profile: {why}"))?;
    checks.pages_show_everybody_once().await.map_err(|why| format!("pages show everybody once: {why}"))?;
    checks.attributes_come_and_go().await.map_err(|why| format!("attributes come and go: {why}"))?;
    checks.groups_are_listed_until_left().await.map_err(|why| format!("groups are listed until left: {why}"))?;
    checks.a_link_ends_by_what_made_it().await.map_err(|why| format!("a link ends by what made it: {why}"))?;
    checks.nobody_has_nothing().await.map_err(|why| format!("nobody has nothing: {why}"))
}

impl<P: Administration> Checks<'_, P> {
    async fn whole(&self, name: &UserName) -> Result<ProfileRecord, String> {
        self.pool.record(name.as_str()).await.map_err(text)?.ok_or_else(|| "gone".to_owned())
    }

    async fn a_record_shows_the_profile(&self) -> Outcome {
        let name = self.created("record").await?;
        let record = self.whole(&name).await?;
        let profile = self.pool.profile(name.as_str()).await.map_err(text)?.ok_or("gone")?;
        let derived = record.profile().map_err(|why| why.to_string())?;
        expect(derived.sub == profile.sub && derived.status == profile.status, "another sub or status")?;
        expect(derived.email == profile.email && derived.email_verified, "another address, or not verified")?;
        expect(record.attribute("given_name") == Some("Ada") && record.enabled, "no name, or disabled")?;
        expect(record.created.is_some(), "no creation time")?;
        let email = self.email("record")?;
        let found = self.pool.found_by(email.as_str()).await.map_err(text)?;
        expect(found.is_some_and(|found| found.user_name == name.as_str()), "not found by its address")?;
        if self.alias {
            let exact = self.pool.record(email.as_str()).await.map_err(text)?;
            expect(exact.is_none(), "an alias is taken for a user name")?;
        }
        let of_sub = self.pool.user_name_of_sub(record.sub()).await.map_err(text)?;
        expect(of_sub.as_ref() == Some(&name), "not found by its sub")?;
        let settings = self.pool.settings().await.map_err(text)?;
        expect(settings.email_is_user_name() != self.alias, "the settings name another kind of pool")
    }

    async fn pages_show_everybody_once(&self) -> Outcome {
        let mut names = Vec::new();
        for name in ["page-1", "page-2", "page-3"] {
            names.push(self.created(name).await?);
        }
        let (mut token, mut listed) = (None, Vec::new());
        loop {
            let page = self.pool.page(token.as_deref()).await.map_err(text)?;
            listed.extend(page.records);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        for name in &names {
            let times = listed.iter().filter(|record| record.user_name == name.as_str()).count();
            expect(times == 1, &format!("listed {times} times"))?;
        }
        Ok(())
    }

    async fn attributes_come_and_go(&self) -> Outcome {
        let name = self.created("attributes").await?;
        let locale = BTreeMap::from([("locale".to_owned(), "de".to_owned())]);
        for _ in 0..2 {
            self.pool.write_attributes(&name, &locale).await.map_err(text)?;
        }
        expect(self.whole(&name).await?.attribute("locale") == Some("de"), "not written")?;
        for _ in 0..2 {
            self.pool.remove_attributes(&name, &["locale".to_owned()]).await.map_err(text)?;
        }
        expect(self.whole(&name).await?.attribute("locale").is_none(), "not removed")
    }

    async fn groups_are_listed_until_left(&self) -> Outcome {
        let name = self.created("groups").await?;
        expect(self.pool.groups(&name).await.map_err(text)?.is_empty(), "in a group from the start")?;
        self.pool.add_to_group(&name, GROUP).await.map_err(text)?;
        expect(self.pool.groups(&name).await.map_err(text)? == [GROUP], "not listed")?;
        self.pool.leave_group(&name, GROUP).await.map_err(text)?;
        expect(self.pool.groups(&name).await.map_err(text)?.is_empty(), "still listed")
    }

    async fn a_link_ends_by_what_made_it(&self) -> Outcome {
        let name = self.created("source").await?;
        self.pool.replace_password(&name, &Password::random()).await.map_err(text)?;
        let google = self.google("4")?;
        self.pool.link(&name, &google).await.map_err(text)?;
        self.pool.unlink_source(&google).await.map_err(text)?;
        expect(self.identities(&name).await?.is_empty(), "still listed")
    }

    async fn nobody_has_nothing(&self) -> Outcome {
        let nobody = UserName::new(format!("nobody-{}", self.unique));
        expect(self.pool.record(nobody.as_str()).await.map_err(text)?.is_none(), "somebody was found")?;
        expect(self.pool.user_name_of_sub("nobody").await.map_err(text)?.is_none(), "somebody has no sub's form")?;
        let none = BTreeMap::from([("locale".to_owned(), "de".to_owned())]);
        let refusals = [
            self.pool.groups(&nobody).await.err(),
            self.pool.write_attributes(&nobody, &none).await.err(),
            self.pool.remove_attributes(&nobody, &["locale".to_owned()]).await.err(),
            self.pool.leave_group(&nobody, GROUP).await.err(),
        ];
        let missing = |error: &Option<crate::user_pool::PoolError>| {
            error.as_ref().is_some_and(|error| error.kind() == PoolErrorKind::UserNotFound)
        };
        expect(refusals.iter().all(missing), &format!("{refusals:?}"))
    }
}
