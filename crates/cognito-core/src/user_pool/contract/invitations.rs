use super::{Outcome, expect, refused, text, user_name};
use crate::email::Email;
use crate::password::Password;
use crate::user_pool::memory::PoolKind;
use crate::user_pool::{
    CheckedUserName, Invitations, NewNative, PoolErrorKind, Profile, Response, Status, UserName, UserPool,
};
use std::collections::BTreeMap;

/// Runs every check of [`Invitations`], as [`check_all`](super::check_all) does for the pool. The pool under test must
/// ask for passwords of 12 characters and all four classes.
///
/// # Errors
///
/// Returns the name of the rule that does not hold, and what happened instead.
pub async fn check_invitations<P: UserPool, I: Invitations>(
    pool: &P,
    invitations: &I,
    unique: &str,
    kind: PoolKind,
) -> Outcome {
    let checks = Checks { pool, invitations, unique, kind };
    rules!(checks:
        an_invitation_is_accepted_once(),
        an_address_is_invited_once(),
        a_renewed_invitation_is_the_only_one(),
        a_weak_password_leaves_it_open(),
        nobody_is_closed(),
    )
}

struct Checks<'a, P, I> {
    pool: &'a P,
    invitations: &'a I,
    unique: &'a str,
    kind: PoolKind,
}

fn own() -> Password {
    Password::chosen("the Guest's own 1 password".replace(' ', "-"))
}

impl<P: UserPool, I: Invitations> Checks<'_, P, I> {
    fn invitee(&self, name: &str) -> Result<NewNative, String> {
        let email = Email::parse(&format!("{name}-{}@example.com", self.unique)).map_err(|why| why.to_string())?;
        let user_name = user_name(self.kind, &email, name, self.unique);
        let attributes = BTreeMap::from([("given_name".to_owned(), "Grace".to_owned())]);
        Ok(NewNative { user_name, email, attributes })
    }

    async fn invited(&self, name: &str, temporary: &Password) -> Result<(Profile, CheckedUserName), String> {
        let profile = self.invitations.invite(&self.invitee(name)?, temporary).await.map_err(text)?;
        let user = self.pool.checked(&profile.user_name, &profile.sub).await.map_err(text)?;
        Ok((profile, user))
    }

    async fn an_invitation_is_accepted_once(&self) -> Outcome {
        let temporary = Password::random();
        let (profile, user) = self.invited("guest", &temporary).await?;
        expect(profile.status == Status::ForceChangePassword, "not invited")?;
        expect(!profile.email_verified, "verified before anybody proved it")?;
        let user = &user;
        expect(self.invitations.opens(user, &temporary).await.map_err(text)?, "its password does not open it")?;
        expect(!self.invitations.opens(user, &Password::random()).await.map_err(text)?, "another one opens it")?;
        let wrong = self.invitations.respond(user, &Password::random(), &own()).await.map_err(text)?;
        expect(wrong == Response::Closed, &format!("a wrong token: {wrong:?}"))?;
        let right = self.invitations.respond(user, &temporary, &own()).await.map_err(text)?;
        expect(right == Response::Accepted, &format!("the token: {right:?}"))?;
        let again = self.invitations.respond(user, &temporary, &own()).await.map_err(text)?;
        expect(again == Response::Closed, &format!("a used token: {again:?}"))?;
        expect(!self.invitations.opens(user, &own()).await.map_err(text)?, "a permanent one invites")?;
        let after = self.pool.profile(user.as_str()).await.map_err(text)?.ok_or("gone")?;
        expect(after.status == Status::Confirmed, "not confirmed")
    }

    async fn an_address_is_invited_once(&self) -> Outcome {
        self.invited("twice", &Password::random()).await?;
        let again = self.invitations.invite(&self.invitee("twice")?, &Password::random()).await;
        refused(again, &[PoolErrorKind::UserNameExists], "invited twice")
    }

    async fn a_renewed_invitation_is_the_only_one(&self) -> Outcome {
        let (first, second) = (Password::random(), Password::random());
        let (_, user) = self.invited("renewed", &first).await?;
        self.invitations.renew(&user, &second).await.map_err(text)?;
        let former = self.invitations.respond(&user, &first, &own()).await.map_err(text)?;
        expect(former == Response::Closed, &format!("the former token: {former:?}"))?;
        let current = self.invitations.respond(&user, &second, &own()).await.map_err(text)?;
        expect(current == Response::Accepted, &format!("the new token: {current:?}"))
    }

    async fn a_weak_password_leaves_it_open(&self) -> Outcome {
        let temporary = Password::random();
        let (_, user) = self.invited("weak", &temporary).await?;
        let policy = self.invitations.password_policy().await.map_err(text)?;
        expect(policy.minimum_length == 12 && policy.symbols, &format!("{policy:?}"))?;
        let weak = Password::chosen("short".into());
        let refused = self.invitations.respond(&user, &temporary, &weak).await.map_err(text)?;
        expect(refused == Response::WeakPassword, &format!("a weak password: {refused:?}"))?;
        let accepted = self.invitations.respond(&user, &temporary, &own()).await.map_err(text)?;
        expect(accepted == Response::Accepted, &format!("a strong one after it: {accepted:?}"))
    }

    async fn nobody_is_closed(&self) -> Outcome {
        let nobody = UserName::new(format!("nobody-{}", self.unique));
        let nobody = self.pool.checked(&nobody, "").await.map_err(text)?;
        let response = self.invitations.respond(&nobody, &Password::random(), &own()).await.map_err(text)?;
        expect(response == Response::Closed, &format!("{response:?}"))
    }
}
