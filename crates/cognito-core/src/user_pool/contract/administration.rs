use super::{Checks, GONE, GROUP, Outcome, expect, refused, text};
use crate::password::Password;
use crate::user_pool::memory::PoolKind;
use crate::user_pool::{
    Administration, AppClients, CheckedUserName, NewRegistration, PoolErrorKind, ProfileRecord, Status, UserName,
};
use std::collections::BTreeMap;

/// Runs every check of [`Administration`] and [`AppClients`], as [`check_all`](super::check_all) does for the pool. People
/// can register through the app client with this id.
///
/// # Errors
///
/// Returns the name of the rule that does not hold, and what happened instead.
pub async fn check_administration<P: Administration + AppClients>(
    pool: &P,
    app_client: &str,
    unique: &str,
    kind: PoolKind,
) -> Outcome {
    let checks = Checks { pool, unique, kind };
    rules!(checks:
        a_record_shows_the_profile(),
        pages_show_everybody_once(),
        attributes_come_and_go(),
        groups_are_listed_until_left(),
        a_link_ends_by_what_made_it(),
        nobody_has_nothing(),
        people_register_once(app_client),
    )
}

impl<P: Administration + AppClients> Checks<'_, P> {
    async fn people_register_once(&self, app_client: &str) -> Outcome {
        let listed = self.pool.app_clients().await.map_err(text)?;
        expect(listed.iter().any(|client| client.id == app_client), "the app client is not listed")?;
        let unknown = self.pool.app_client("0123456789abcdefghijklmnop").await.map_err(text)?;
        expect(unknown.is_none(), "there is a client of any id")?;
        let client = self.pool.app_client(app_client).await.map_err(text)?.ok_or("no app client")?;
        expect(client.may_write("given_name"), "the app client may not write a name")?;
        let new = self.new_native("register")?;
        let email = new.email.to_lower_case();
        let attributes = [("email".to_owned(), email), ("given_name".to_owned(), "Ada".to_owned())].into();
        let (password, none) = (Password::random(), BTreeMap::new());
        let registration = NewRegistration {
            user_name: &new.user_name,
            password: password.expose(),
            attributes: &attributes,
            client_metadata: &none,
        };
        let made = self.pool.sign_up(&client, &registration).await.map_err(text)?;
        let name = self.pool.user_name_of_sub(&made.sub).await.map_err(text)?.ok_or("no profile of the new sub")?;
        let record = self.pool.record(name.as_str()).await.map_err(text)?.ok_or("gone")?;
        expect(record.life() == Status::Unconfirmed && !made.confirmed, "confirmed at once")?;
        expect(record.attribute("given_name") == Some("Ada"), "without its attributes")?;
        expect(!record.has_flag("email_verified"), "verified at once")?;
        let again = self.pool.sign_up(&client, &registration).await;
        refused(again, &[PoolErrorKind::UserNameExists], "registered twice")?;
        if self.kind == PoolKind::EmailUserNames {
            return Ok(());
        }
        // Nobody proved the address yet, so another registration may name it as well.
        let another = NewRegistration { user_name: &format!("{}-2", new.user_name), ..registration };
        self.pool.sign_up(&client, &another).await.map_err(text)?;
        let listed = self.pool.profiles_with_email(&new.email).await.map_err(text)?;
        expect(listed.len() == 2, &format!("{} registrations with one address", listed.len()))
    }
}

impl<P: Administration> Checks<'_, P> {
    async fn whole(&self, name: &CheckedUserName) -> Result<ProfileRecord, String> {
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
        let by_address = found.map(|found| found.user_name);
        let expected = (self.kind != PoolKind::UserNames).then(|| name.as_str().to_owned());
        expect(by_address == expected, "not found by its address, or by one that is no name")?;
        if self.kind != PoolKind::EmailUserNames {
            let exact = self.pool.record(email.as_str()).await.map_err(text)?;
            expect(exact.is_none(), "an alias is taken for a user name")?;
        }
        let of_sub = self.pool.user_name_of_sub(record.sub()).await.map_err(text)?;
        expect(of_sub.is_some_and(|found| found.as_str() == name.as_str()), "not found by its sub")?;
        let settings = self.pool.settings().await.map_err(text)?;
        let kind = (settings.email_is_user_name(), settings.email_is_alias);
        let expected = (self.kind == PoolKind::EmailUserNames, self.kind == PoolKind::EmailAlias);
        expect(kind == expected && !settings.only_phone_is_user_name(), "the settings name another kind of pool")
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
        expect(self.pool.groups(name.user_name()).await.map_err(text)?.is_empty(), "in a group from the start")?;
        self.pool.add_to_group(&name, GROUP).await.map_err(text)?;
        expect(self.pool.groups(name.user_name()).await.map_err(text)? == [GROUP], "not listed")?;
        expect(self.is_member(&name).await?, "not a member")?;
        self.pool.leave_group(&name, GROUP).await.map_err(text)?;
        expect(!self.is_member(&name).await?, "still a member")?;
        expect(self.pool.groups(name.user_name()).await.map_err(text)?.is_empty(), "still listed")
    }

    async fn is_member(&self, name: &CheckedUserName) -> Result<bool, String> {
        let (mut token, mut times) = (None, 0);
        loop {
            let page = self.pool.members(GROUP, token.as_deref()).await.map_err(text)?;
            times += page.records.iter().filter(|record| record.user_name == name.as_str()).count();
            token = page.next;
            if token.is_none() {
                expect(times < 2, "a member twice")?;
                return Ok(times == 1);
            }
        }
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
        let nobody = self.pool.checked(&nobody, "").await.map_err(text)?;
        expect(self.pool.record(nobody.as_str()).await.map_err(text)?.is_none(), "somebody was found")?;
        expect(self.pool.user_name_of_sub("nobody").await.map_err(text)?.is_none(), "somebody has no sub's form")?;
        let none = BTreeMap::from([("locale".to_owned(), "de".to_owned())]);
        refused(self.pool.groups(nobody.user_name()).await, &GONE, "nobody is in groups")?;
        refused(self.pool.write_attributes(&nobody, &none).await, &GONE, "nobody got an attribute")?;
        refused(self.pool.remove_attributes(&nobody, &["locale".to_owned()]).await, &GONE, "nobody lost an attribute")?;
        refused(self.pool.leave_group(&nobody, GROUP).await, &GONE, "nobody left a group")
    }
}
