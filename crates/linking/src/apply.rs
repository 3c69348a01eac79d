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
use crate::decision::{Claimed, Decision, Destination, decide_among, is_linked_with_others};
use crate::owners::{MAX_USER_NAME_CHARS, Owners};
use crate::policy::Policy;
use crate::refusal::Refusal;
use cognito_core::email::{InvalidEmail, ProvenEmail};
use cognito_core::failure::{Failure, Kind};
use cognito_core::password::Password;
use cognito_core::provider::{Providers, SourceIdentity};
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, NewNative, PoolError, PoolErrorKind, Profile, UserPool,
};
use futures_util::try_join;
use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};
use std::time::SystemTime;

/// How often the facts are read again before giving up. Two invocations at once need two; an
/// attacker who keeps registering the address at the same time must not keep us here.
const MAX_ATTEMPTS: u32 = 5;

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
    /// Whose addresses are proven, for judging the profiles that are there.
    pub providers: &'a Providers,
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
    /// The pool kept changing, or kept refusing, at every attempt.
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
        let claimed = match Claimed::by(arrival, &self.policy) {
            Continue(claimed) => claimed,
            Break(Decision::Refuse(refusal)) => return Err(LinkError::Refused(refusal)),
            Break(decision) => return Ok(Settlement { decision, profile: None, group_missing: false }),
        };
        let email = claimed.email();
        let mut owners = Owners::listed(self.pool, email, self.now, self.providers).await?;
        let mut attempt = 1;
        let mut before: Option<(Decision, PoolErrorKind)> = None;
        loop {
            let decision = decide_among(claimed, arrival, &owners, &self.policy);
            if decision.is_destructive() && !owners.current {
                owners = Owners::current(self.pool, email, self.now, self.providers, &owners).await?;
                continue;
            }
            let error = match self.carry_out(&decision, owners.creation_refused).await {
                Ok((profile, group_missing)) => return Ok(Settlement { decision, profile, group_missing }),
                Err(StepError::Final(error)) => {
                    log_name_holder(&error, &owners);
                    return Err(error);
                }
                Err(StepError::Moved { error, creation_refused }) => {
                    owners.creation_refused |= creation_refused;
                    error
                }
            };
            if is_objection(&error) && before.is_some_and(|(before, kind)| before == decision && kind == error.kind()) {
                // Nothing moved between two readings: it is the pool's settings that object, and asking again costs quota.
                return Err(LinkError::Pool(error));
            }
            if attempt == MAX_ATTEMPTS {
                return Err(LinkError::Unsettled(error));
            }
            before = Some((decision, error.kind()));
            attempt += 1;
            owners = Owners::current(self.pool, email, self.now, self.providers, &owners).await?;
        }
    }

    /// The profile that the identity signs in to, and whether the group to join does not exist. `creation_refused`: an
    /// an earlier attempt was refused, although nobody has the address.
    async fn carry_out(
        &self,
        decision: &Decision,
        creation_refused: bool,
    ) -> Result<(Option<Destination>, bool), StepError> {
        Ok(match decision {
            Decision::Continue(_) => (None, false),
            Decision::Refuse(refusal) => return Err(StepError::refused(*refusal)),
            Decision::AlreadyLinked(to) => {
                let user = self.checked(to).await?;
                (Some(to.clone()), self.join_group(to, &user).await?)
            }
            Decision::Link(to, identity) => {
                let user = self.checked(to).await?;
                let missing = self.join_group(to, &user).await?;
                self.pool.link(&user, identity).await?;
                (Some(to.clone()), missing)
            }
            Decision::AcceptInvitation { to, identity, verify } => {
                let user = self.checked(to).await?;
                let missing = self.accept_invitation(to, &user, verify.as_ref()).await?;
                if let Some(identity) = identity {
                    self.pool.link(&user, identity).await?;
                }
                (Some(to.clone()), missing)
            }
            // What is refused then is an attribute that somebody else holds as an alias.
            Decision::CreateAndLink { identity, email, .. } if creation_refused => {
                self.create_and_link(identity, email, BTreeMap::new()).await?
            }
            Decision::CreateAndLink { identity, email, .. } => {
                self.create_and_link(identity, email, self.attributes.clone()).await?
            }
            Decision::Replace { profile, identity, email } => {
                self.pool.delete(&self.checked(profile).await?).await?;
                self.create_and_link(identity, email, self.attributes.clone()).await?
            }
            Decision::Reclaim { profile, identity, email } => {
                let user = self.checked(profile).await?;
                self.reclaim(&user, identity, email).await?;
                let missing = self.join_group(profile, &user).await?;
                self.pool.link(&user, identity).await?;
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
        Ok(self.create_complete(email, self.attributes.clone()).await?.to)
    }

    async fn create_and_link(
        &self,
        identity: &SourceIdentity,
        email: &ProvenEmail,
        attributes: BTreeMap<String, String>,
    ) -> Result<(Option<Destination>, bool), StepError> {
        let made = self.create_complete(email, attributes).await?;
        self.pool.link(&made.user, identity).await?;
        Ok((Some(made.to), made.group_missing))
    }

    async fn create_complete(
        &self,
        email: &ProvenEmail,
        attributes: BTreeMap<String, String>,
    ) -> Result<Made, StepError> {
        let user_name = match self.user_name {
            NativeUserName::Email if email.email().as_str().chars().count() > MAX_USER_NAME_CHARS => {
                return Err(StepError::refused(Refusal::UnusableEmail(InvalidEmail::TooLong)));
            }
            NativeUserName::Email => email.email().to_lower_case(),
            NativeUserName::Uuid => uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple().to_string(),
        };
        let new = NewNative { user_name, email: email.email().clone(), attributes };
        let created = self.create(new).await?;
        let to = Destination { user_name: created.user_name, sub: created.sub, newcomer: true };
        let user = self.checked(&to).await?;
        // Cut off in here, the profile is found again young and verified, and is completed.
        let password = Password::random();
        let (group_missing, ()) = try_join!(self.join_group(&to, &user), self.pool.replace_password(&user, &password))?;
        Ok(Made { to, user, group_missing })
    }

    /// Creates the profile. What the provider says of the person may not fit the pool's schema;
    /// that is no reason to keep the person out, so it is then left away.
    async fn create(&self, mut new: NewNative) -> Result<Profile, StepError> {
        let mut created = self.pool.create_native(&new).await;
        if created.as_ref().is_err_and(|error| error.kind() == PoolErrorKind::InvalidParameter)
            && !new.attributes.is_empty()
        {
            new.attributes.clear();
            created = self.pool.create_native(&new).await;
        }
        created.map_err(|error| match error.kind() {
            PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists => {
                StepError::Moved { error, creation_refused: true }
            }
            // Reading again does not mend it.
            _ => StepError::Final(LinkError::Pool(error)),
        })
    }

    /// Gives an invited profile a password that nobody knows. If its address was never verified,
    /// it may have had another life before somebody gave it a temporary password, and what is left
    /// of that goes too.
    async fn accept_invitation(
        &self,
        to: &Destination,
        user: &CheckedUserName,
        verify: Option<&AvailableEmail>,
    ) -> Result<bool, StepError> {
        // First what only an invitation gets: once the password is replaced the profile no longer
        // shows that it was one, and a repeated invocation would leave these out.
        let missing = match verify {
            None => self.join_group(to, user).await?,
            Some(email) => {
                self.refuse_passkey(user).await?;
                let (missing, (), ()) = try_join!(
                    self.join_group(to, user),
                    self.pool.sign_out_everywhere(user),
                    self.pool.forget_phone_and_factors(user)
                )?;
                self.pool.set_verified_email(user, email).await?;
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
    async fn reclaim(
        &self,
        user: &CheckedUserName,
        identity: &SourceIdentity,
        email: &AvailableEmail,
    ) -> Result<(), StepError> {
        self.refuse_passkey(user).await?;
        self.pool.replace_password(user, &Password::random()).await?;
        // After the way in is closed, or a new session could be opened behind our back; and before
        // the rest is removed, or an open session could put it back.
        self.pool.sign_out_everywhere(user).await?;
        self.pool.forget_phone_and_factors(user).await?;
        self.refuse_passkey(user).await?;
        // Whoever had a session until now may have proven an address of their own and linked an identity to it. Another
        // invocation for the same person may have reclaimed the profile as well, and then the address is verified.
        let is_somebodys = |now: Profile| {
            let has_proof = now.email_verified && now.email.as_deref().is_some_and(|own| email.email().is_same(own));
            !has_proof && is_linked_with_others(&now, identity)
        };
        if self.pool.profile(user.as_str()).await?.is_some_and(is_somebodys) {
            return Err(StepError::refused(Refusal::LinkedProfile));
        }
        self.pool.set_verified_email(user, email).await?;
        Ok(())
    }

    async fn checked(&self, to: &Destination) -> Result<CheckedUserName, StepError> {
        Ok(self.pool.checked(&to.user_name, &to.sub).await?)
    }

    /// No administrator's call removes a passkey, so a profile with one cannot be made clean.
    async fn refuse_passkey(&self, user: &CheckedUserName) -> Result<(), StepError> {
        if self.pool.has_passkey(user).await? {
            return Err(StepError::refused(Refusal::PasskeyOnProfile));
        }
        Ok(())
    }

    /// Puts a newcomer into the default group. True if the group does not exist, which is the
    /// operator's to mend and no reason to keep people out.
    async fn join_group(&self, to: &Destination, user: &CheckedUserName) -> Result<bool, PoolError> {
        let Some(group) = self.group.filter(|_| to.newcomer) else { return Ok(false) };
        match self.pool.add_to_group(user, group).await {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == PoolErrorKind::ResourceNotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// The operator is to look at the profile that is in the way.
fn log_name_holder(error: &LinkError, owners: &Owners) {
    if let (LinkError::Refused(Refusal::UserNameHeld), Some(sub)) = (error, &owners.name_holder) {
        tracing::info!(sub, "this profile bears the address for its user name");
    }
}

/// A native profile of which nothing is missing but the link.
struct Made {
    to: Destination,
    user: CheckedUserName,
    /// The group to join does not exist.
    group_missing: bool,
}

/// Why a step of carrying out a decision did not succeed.
enum StepError {
    /// Reading the pool again would not help.
    Final(LinkError),
    /// The pool may no longer be as it was when the facts were read, or the step may have been done already.
    Moved {
        error: PoolError,
        /// A new profile was refused because somebody holds the address or the user name.
        creation_refused: bool,
    },
}

impl StepError {
    fn refused(refusal: Refusal) -> Self {
        Self::Final(LinkError::Refused(refusal))
    }
}

/// By kind only: AWS reports both under several names and changes the texts.
impl From<PoolError> for StepError {
    fn from(error: PoolError) -> Self {
        match error.kind() {
            PoolErrorKind::UserNameExists
            | PoolErrorKind::AliasExists
            | PoolErrorKind::UserNotFound
            | PoolErrorKind::InvalidParameter
            | PoolErrorKind::LimitExceeded => Self::Moved { error, creation_refused: false },
            PoolErrorKind::BorrowedSub => Self::refused(Refusal::BorrowedSub),
            _ => Self::Final(LinkError::Pool(error)),
        }
    }
}

impl From<StepError> for LinkError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Final(error) => error,
            StepError::Moved { error, .. } => Self::Pool(error),
        }
    }
}

/// Whether an error that stays the same on the same facts is an objection to the call itself.
fn is_objection(error: &PoolError) -> bool {
    matches!(error.kind(), PoolErrorKind::InvalidParameter | PoolErrorKind::LimitExceeded)
}
