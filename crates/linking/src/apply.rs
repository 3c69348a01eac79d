//! Carries a decision out so that it may be cut off anywhere, repeated, and run twice at once.
//!
//! There is no lock in Cognito. What stands in for one: an address can be created once, an
//! identity has one owner, and every other step may happen again without harm. When a step finds
//! that the pool is not as the decision assumed, the facts are read again and decided again.
//!
//! The link comes last, always. Once it is made Cognito signs the identity in without asking this
//! trigger ever again, so whatever is missing then stays missing: a profile left with a temporary
//! password keeps its owner out for good.

use crate::arrival::Arrival;
use crate::decision::{Decision, Destination, decide, decide_without_owners};
use crate::owners::{MAX_USER_NAME_CHARS, Owners};
use crate::policy::Policy;
use crate::refusal::Refusal;
use cognito_core::email::{EmailClaim, InvalidEmail, ProvenEmail};
use cognito_core::failure::{Failure, Kind};
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{Identity, NewNative, PoolError, PoolErrorKind, Profile, UserName, UserPool};
use futures_util::future::try_join_all;
use futures_util::try_join;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// How often the facts are read again before giving up. Two invocations at once need two; an
/// attacker who keeps registering the address at the same time must not keep us here.
const MAX_ROUNDS: u32 = 5;

/// What new native profiles are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NativeUserName {
    /// The address: for pools that sign in with the address as user name.
    #[default]
    Email,
    /// A random UUID, without hyphens, so that it never has the form of a `sub`: for pools where the address is an
    /// alias, which take no address as name.
    Uuid,
}

/// Links federated sign-ins in one user pool.
#[derive(Debug)]
pub struct Linker<'a, P> {
    /// The pool.
    pub pool: &'a P,
    /// What the operator chose.
    pub policy: Policy,
    /// The group that new users join.
    pub group: Option<&'a str>,
    /// What new native profiles are named.
    pub user_name: NativeUserName,
    /// Further attributes of a new native profile.
    pub attributes: BTreeMap<String, String>,
    /// The time of the invocation.
    pub now: SystemTime,
}

/// What was decided and carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The decision that was carried out in the end.
    pub decision: Decision,
    /// The profile the identity now signs in to; `None` if the sign-in is left to Cognito.
    pub profile: Option<Destination>,
    /// The group to join does not exist. The link stands all the same.
    pub group_missing: bool,
}

/// Why a sign-in was not settled.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The decision was to refuse.
    #[error("refused: {}", .0.kind().code)]
    Refused(Refusal),
    /// A call failed in a way that reading again does not help.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The pool kept changing, or kept refusing, until the rounds were used up.
    #[error("the pool did not settle")]
    Unsettled(#[source] PoolError),
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Refused(refusal) => refusal.into_failure(),
            LinkError::Pool(error) => error.into_failure(),
            LinkError::Unsettled(_) => Self::because(Kind::TRY_AGAIN, error),
        }
    }
}

impl<P: UserPool> Linker<'_, P> {
    /// Decides what the sign-in means and carries it out.
    ///
    /// Calls one after the other: none where nothing is to do, two rounds to link (list, link), four
    /// to create and link (list, create, password and group at once, link); more only when something
    /// else changes the pool meanwhile, or something is to be removed first.
    ///
    /// # Errors
    ///
    /// [`LinkError::Refused`] if that is the decision; otherwise the pool's errors. After an error
    /// the same sign-in may be settled again from whatever state was left.
    pub async fn settle(&self, arrival: &Arrival) -> Result<Settlement, LinkError> {
        let email = match (&arrival.email, decide_without_owners(arrival, &self.policy)) {
            (_, Some(decision)) => {
                let (profile, group_missing) = self.carry_out(&decision).await?;
                return Ok(Settlement { decision, profile, group_missing });
            }
            (EmailClaim::Proven(email), None) => email.email(),
            (EmailClaim::Unproven(email), None) => email,
            // Both are decided without owners; were they not, refusing is the safe end.
            (EmailClaim::Absent | EmailClaim::Unusable(_), None) => {
                return Err(LinkError::Refused(Refusal::UnusableEmail(InvalidEmail::Syntax)));
            }
        };
        let mut owners = Owners::listed(self.pool, email, self.now).await?;
        let mut round = 1;
        let mut before: Option<(Decision, PoolErrorKind)> = None;
        loop {
            let decision = decide(arrival, &owners, &self.policy);
            if decision.is_destructive() && !owners.current {
                owners = Owners::current(self.pool, email, self.now, &owners).await?;
                continue;
            }
            let error = match self.carry_out(&decision).await {
                Ok((profile, group_missing)) => return Ok(Settlement { decision, profile, group_missing }),
                Err(CarryError::Refused(refusal)) => return Err(LinkError::Refused(refusal)),
                Err(CarryError::Failed(error)) => return Err(LinkError::Pool(error)),
                Err(CarryError::Pool(error)) => error,
                Err(CarryError::CreationRefused(error)) => {
                    owners.creation_refused = true;
                    error
                }
            };
            if !may_have_moved(&error) {
                return Err(LinkError::Pool(error));
            }
            if is_objection(&error) && before.is_some_and(|(before, kind)| before == decision && kind == error.kind()) {
                // Nothing moved between two readings: it is the pool's settings that object, and asking again costs quota.
                return Err(LinkError::Pool(error));
            }
            if round == MAX_ROUNDS {
                return Err(LinkError::Unsettled(error));
            }
            before = Some((decision, error.kind()));
            round += 1;
            owners = Owners::current(self.pool, email, self.now, &owners).await?;
        }
    }

    /// The profile that the identity signs in to, and whether the group to join does not exist.
    async fn carry_out(&self, decision: &Decision) -> Result<(Option<Destination>, bool), CarryError> {
        if let Some(to) = decision.target() {
            self.refuse_borrowed_sub(to).await?;
        }
        Ok(match decision {
            Decision::Continue(_) => (None, false),
            Decision::Refuse(refusal) => return Err(CarryError::Refused(*refusal)),
            Decision::AlreadyLinked(to) => (Some(to.clone()), self.join_group(to).await?),
            Decision::Link(to, identity) => {
                let missing = self.join_group(to).await?;
                self.pool.link(&to.user_name, identity).await?;
                (Some(to.clone()), missing)
            }
            Decision::AcceptInvitation { to, identity, verify } => {
                let missing = self.accept_invitation(to, verify.as_ref()).await?;
                if let Some(identity) = identity {
                    self.pool.link(&to.user_name, identity).await?;
                }
                (Some(to.clone()), missing)
            }
            Decision::CreateAndLink { identity, email, .. } => self.create_and_link(identity, email).await?,
            Decision::Replace { profile, identity, email } => {
                self.pool.delete(&profile.user_name).await?;
                self.create_and_link(identity, email).await?
            }
            Decision::Reclaim { profile, unlink, identity, email } => {
                self.reclaim(&profile.user_name, unlink, email).await?;
                let missing = self.join_group(profile).await?;
                self.pool.link(&profile.user_name, identity).await?;
                (Some(profile.clone()), missing)
            }
        })
    }

    /// Creates a native profile of which nothing is missing but the link, for merging: there the identity has a profile
    /// of its own until just before the link, and that profile must not go while it is open whether the pool takes the
    /// new one.
    ///
    /// # Errors
    ///
    /// [`LinkError::Refused`] if the address is no user name; otherwise the pool's errors. After an error there may be a
    /// profile, which [`Self::settle`] completes.
    pub async fn create_native(&self, email: &ProvenEmail) -> Result<Destination, LinkError> {
        Ok(self.create_complete(email).await?.0)
    }

    async fn create_and_link(
        &self,
        identity: &SourceIdentity,
        email: &ProvenEmail,
    ) -> Result<(Option<Destination>, bool), CarryError> {
        let (to, missing) = self.create_complete(email).await?;
        self.pool.link(&to.user_name, identity).await?;
        Ok((Some(to), missing))
    }

    /// The new profile, and whether the group to join does not exist.
    async fn create_complete(&self, email: &ProvenEmail) -> Result<(Destination, bool), CarryError> {
        let user_name = match self.user_name {
            NativeUserName::Email if email.email().as_str().chars().count() > MAX_USER_NAME_CHARS => {
                return Err(CarryError::Refused(Refusal::UnusableEmail(InvalidEmail::TooLong)));
            }
            NativeUserName::Email => email.email().to_lower_case(),
            NativeUserName::Uuid => uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple().to_string(),
        };
        let new = NewNative { user_name, email: email.email().clone(), attributes: self.attributes.clone() };
        let created = self.create(new).await?;
        let to = Destination { user_name: created.user_name, sub: created.sub, newcomer: true };
        // Cut off in here, the profile is found again young and verified, and is completed.
        let password = Password::random();
        let (missing, ()) = try_join!(self.join_group(&to), self.pool.replace_password(&to.user_name, &password))?;
        Ok((to, missing))
    }

    /// Creates the profile. What the provider says of the person may not fit the pool's schema;
    /// that is no reason to keep the person out, so it is then left away.
    async fn create(&self, mut new: NewNative) -> Result<Profile, CarryError> {
        let mut created = self.pool.create_native(&new).await;
        if created.as_ref().is_err_and(|error| error.kind() == PoolErrorKind::InvalidParameter)
            && !new.attributes.is_empty()
        {
            new.attributes.clear();
            created = self.pool.create_native(&new).await;
        }
        created.map_err(|error| match error.kind() {
            PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists => CarryError::CreationRefused(error),
            _ => CarryError::Failed(error),
        })
    }

    /// Gives an invited profile a password that nobody knows. If its address was never verified,
    /// it may have had another life before somebody gave it a temporary password, and what is left
    /// of that goes too.
    async fn accept_invitation(&self, to: &Destination, verify: Option<&ProvenEmail>) -> Result<bool, CarryError> {
        let user = &to.user_name;
        // First what only an invitation gets: once the password is replaced the profile no longer
        // shows that it was one, and a repeated invocation would leave these out.
        let missing = match verify {
            None => self.join_group(to).await?,
            Some(email) => {
                self.refuse_passkey(user).await?;
                let (missing, (), ()) = try_join!(
                    self.join_group(to),
                    self.pool.sign_out_everywhere(user),
                    self.pool.forget_phone_and_factors(user)
                )?;
                self.pool.set_verified_email(user, email.email()).await?;
                missing
            }
        };
        self.pool.replace_password(user, &Password::random()).await?;
        if verify.is_some() {
            // Once more: the temporary password was good until just now.
            self.pool.sign_out_everywhere(user).await?;
            self.pool.forget_phone_and_factors(user).await?;
            self.refuse_passkey(user).await?;
        }
        Ok(missing)
    }

    /// Removes every way in that somebody else may have, and only then marks the address as
    /// verified: so a profile that shows a verified address is clean, wherever this is cut off.
    async fn reclaim(&self, user: &UserName, unlink: &[Identity], email: &ProvenEmail) -> Result<(), CarryError> {
        self.refuse_passkey(user).await?;
        let password = Password::random();
        try_join!(
            self.pool.replace_password(user, &password),
            try_join_all(unlink.iter().map(|identity| self.pool.unlink(identity))),
        )?;
        // After the ways in are closed, or a new session could be opened behind our back; and before
        // the rest is removed, or an open session could put it back.
        self.pool.sign_out_everywhere(user).await?;
        self.pool.forget_phone_and_factors(user).await?;
        self.refuse_passkey(user).await?;
        // Cognito wants an identity unlinked by the attribute it was linked by, which a profile does
        // not show. What is still there after all keeps the address from being verified.
        let left = self.pool.profile(user.as_str()).await?.map_or_else(Vec::new, |profile| profile.identities);
        if left.iter().any(|identity| unlink.contains(identity)) {
            return Err(CarryError::Refused(Refusal::UnverifiedProfile));
        }
        self.pool.set_verified_email(user, email.email()).await?;
        Ok(())
    }

    /// Cognito takes a `sub` for a user name. Somebody who registered with another's `sub` as user name could delete that
    /// profile in the middle, and what is left to do to it would be done to the other's account.
    async fn refuse_borrowed_sub(&self, to: &Destination) -> Result<(), CarryError> {
        if bears_borrowed_sub(self.pool, to).await? {
            return Err(CarryError::Refused(Refusal::BorrowedSub));
        }
        Ok(())
    }

    /// No administrator's call removes a passkey, so a profile with one cannot be made clean.
    async fn refuse_passkey(&self, user: &UserName) -> Result<(), CarryError> {
        if self.pool.has_passkey(user).await? {
            return Err(CarryError::Refused(Refusal::PasskeyOnProfile));
        }
        Ok(())
    }

    /// Puts a newcomer into the default group. True if the group does not exist, which is the
    /// operator's to mend and no reason to keep people out.
    async fn join_group(&self, to: &Destination) -> Result<bool, PoolError> {
        let Some(group) = self.group.filter(|_| to.newcomer) else { return Ok(false) };
        match self.pool.add_to_group(&to.user_name, group).await {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == PoolErrorKind::ResourceNotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Whether the profile's user name is the `sub` of another profile, so that a call may reach the other. One call, and only
/// for names of that form.
///
/// # Errors
///
/// The pool's.
pub async fn bears_borrowed_sub(pool: &impl UserPool, to: &Destination) -> Result<bool, PoolError> {
    let own = to.user_name.as_str().eq_ignore_ascii_case(&to.sub);
    Ok(!own && to.user_name.has_form_of_sub() && pool.is_sub(&to.user_name).await?)
}

enum CarryError {
    Refused(Refusal),
    /// The address or the user name is taken.
    CreationRefused(PoolError),
    /// The creation failed for another reason, which reading again does not mend.
    Failed(PoolError),
    Pool(PoolError),
}

impl From<PoolError> for CarryError {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<CarryError> for LinkError {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::Refused(refusal) => Self::Refused(refusal),
            CarryError::CreationRefused(error) | CarryError::Failed(error) | CarryError::Pool(error) => {
                Self::Pool(error)
            }
        }
    }
}

/// Whether an error that stays the same on the same facts is an objection to the call itself.
fn is_objection(error: &PoolError) -> bool {
    matches!(error.kind(), PoolErrorKind::InvalidParameter | PoolErrorKind::LimitExceeded)
}

/// Whether an error may mean that the pool is no longer as it was when the facts were read, or
/// that this very step has been done already. By kind only: AWS reports both under several names
/// and changes the texts.
fn may_have_moved(error: &PoolError) -> bool {
    matches!(
        error.kind(),
        PoolErrorKind::UserNameExists
            | PoolErrorKind::AliasExists
            | PoolErrorKind::UserNotFound
            | PoolErrorKind::InvalidParameter
            | PoolErrorKind::LimitExceeded
    )
}
