//! Carries a decision out so that it may be cut off anywhere, repeated, and run twice at once.
//!
//! Cognito has no lock. Three things make up for it: an address can be created once, an identity has
//! one owner, and every other step can be repeated without harm. If a step finds that the pool is not
//! as the decision assumed, the facts are read again and decided again.
//!
//! The link always comes last. Once it is made, Cognito signs the identity in and never asks this
//! trigger again, so anything that is missing by then stays missing. A profile left with a temporary
//! password would keep its owner out for good.

use crate::arrival::Arrival;
use crate::decision::{Claimed, Decision, Destination, decide_among, is_linked, is_linked_with_others};
use crate::later::Later;
use crate::observer::LinkObserver;
use crate::owners::Owners;
use crate::policy::Policy;
use crate::refusal::Refusal;
use cognito_core::email::{Email, InvalidEmail, ProvenEmail};
use cognito_core::failure::{Failure, Kind};
use cognito_core::password::Password;
use cognito_core::provider::{COGNITO_SUBJECT, Providers, SourceIdentity};
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, MAX_USER_NAME_CHARS, NativeUserName, NewNative, Patience, PoolError,
    PoolErrorKind, Profile, RequiredAttribute, UserPool,
};
use futures_util::try_join;
use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};
use std::time::SystemTime;

/// How often the facts are read and the decision is tried. Two invocations at once need two attempts. An
/// attacker who keeps registering the address at the same time must not hold the function.
const MAX_ATTEMPTS: u32 = 5;

/// Links federated sign-ins in one user pool.
#[derive(Debug)]
pub struct Linker<'a, P> {
    /// The pool.
    pub pool: &'a P,
    /// What the operator chose.
    pub policy: Policy,
    /// Which providers prove addresses, to judge the profiles of the pool.
    pub providers: &'a Providers,
    /// The group that new users join.
    pub group: Option<&'a str>,
    /// Where a membership of the group waits that Cognito throws back. `None` if it is to be tried while there is time.
    pub later: Option<&'a dyn Later>,
    /// Who is told of a link before it is made.
    pub observer: Option<&'a dyn LinkObserver>,
    /// What new native profiles are named.
    pub user_name: NativeUserName,
    /// Further attributes of a new native profile.
    pub attributes: BTreeMap<String, String>,
    /// The time of the invocation.
    pub now: SystemTime,
    /// How long calls that every first sign-in makes are made again while Cognito throttles them.
    pub patience: Patience,
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
    /// A call failed, and reading the pool again does not help.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The pool changed or refused at every attempt.
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
    /// Makes no call if the sign-in needs no look-up. A link takes two rounds of calls (list, link), a creation four
    /// (list, create, password and group at once, link). More are made only if somebody else changes the pool at the
    /// same time, or if something must be removed first.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError::Refused`] if that is the decision; otherwise the pool's error. After an error the same
    /// sign-in may be settled again, no matter how far it came.
    pub async fn settle(&self, arrival: &Arrival) -> Result<Settlement, LinkError> {
        let claimed = match Claimed::by(arrival, &self.policy) {
            Continue(claimed) => claimed,
            Break(Decision::Refuse(refusal)) => return Err(LinkError::Refused(refusal)),
            Break(decision) => return Ok(Settlement { decision, profile: None, group_missing: false }),
        };
        let email = claimed.email();
        let listed = || Owners::listed(self.pool, email, self.now, self.providers);
        let mut owners = self.patience.with(listed).await?;
        owners.new_name = self.user_name.foreseen(email);
        let mut attempt = 1;
        let mut before: Option<(Decision, PoolErrorKind)> = None;
        loop {
            let decision = decide_among(claimed, arrival, &owners, &self.policy);
            if decision.needs_current_facts(&self.policy) && !owners.current {
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
            let repeated = before.is_some_and(|(before, kind)| before == decision && kind == error.kind());
            if repeated && is_objection(&error) {
                // Nothing changed between two readings. So the pool's settings are the cause, and asking again costs
                // quota.
                return Err(LinkError::Pool(error));
            }
            if repeated && owners.creation_refused && attempt > 2 && matches!(decision, Decision::CreateAndLink { .. })
            {
                // Another invocation's profile would have shown by now. So somebody holds the name, out of our sight, or
                // the phone number.
                return Err(LinkError::Refused(self.held().await?));
            }
            if attempt == MAX_ATTEMPTS {
                return Err(LinkError::Unsettled(error));
            }
            before = Some((decision, error.kind()));
            attempt += 1;
            owners = Owners::current(self.pool, email, self.now, self.providers, &owners).await?;
        }
    }

    /// Returns the profile that the identity signs in to, and whether the group to join does not exist.
    /// `creation_refused` says that the pool refused to create the profile at an earlier attempt, although nobody has
    /// the address.
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
                self.link(to, &user, identity).await?;
                (Some(to.clone()), missing)
            }
            Decision::AcceptInvitation { to, identity, verify } => {
                let user = self.checked(to).await?;
                let verify = verify.as_ref().zip(identity.as_ref());
                let missing = self.accept_invitation(to, &user, verify).await?;
                if let Some(identity) = identity {
                    self.link(to, &user, identity).await?;
                }
                (Some(to.clone()), missing)
            }
            // Nobody has the address, so the pool refused an attribute that somebody else has as an alias.
            Decision::CreateAndLink { identity, email, .. } if creation_refused => {
                let required = self.known_to_be_required().await;
                let attributes = only_required(&self.attributes, &required);
                self.create_and_link(identity, email, attributes, Some(required)).await?
            }
            Decision::CreateAndLink { identity, email, .. } => {
                self.create_and_link(identity, email, self.attributes.clone(), None).await?
            }
            Decision::Replace { profile, identity, email } => {
                let user = self.checked(profile).await?;
                let required = self.required_attributes().await?;
                self.pool.delete(&user).await?;
                self.create_and_link(identity, email, self.attributes.clone(), Some(required)).await?
            }
            Decision::Reclaim { profile, identity, email } => {
                let user = self.checked(profile).await?;
                self.reclaim(profile, &user, identity, email).await?;
                let missing = self.join_group(profile, &user).await?;
                self.make_link(profile, &user, identity).await?;
                (Some(profile.clone()), missing)
            }
        })
    }

    /// Links the identity in the place of those it replaces. If this is cut off in between, the next invocation finds
    /// fewer of them or none, and links. The other way round, nobody would come back for them.
    async fn link(&self, to: &Destination, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), StepError> {
        // None of them, or another one than the profile's: two people's subjects may be alike where one was linked by another
        // attribute.
        let mut missed = false;
        for replaced in &to.replaced {
            let mut unlinked = self.pool.unlink_source(replaced).await;
            let by_subject = SourceIdentity::linked_by(replaced.provider(), COGNITO_SUBJECT, replaced.value());
            if unlinked.as_ref().is_err_and(PoolError::is_not_linked) && by_subject != *replaced {
                // The link may be older than the setting that this provider links by an attribute.
                unlinked = self.pool.unlink_source(&by_subject).await;
            }
            match unlinked {
                Err(error) if error.is_not_linked() => missed = true,
                unlinked => unlinked?,
            }
        }
        if !to.replaced.is_empty() && !missed {
            let now = self.pool.profile(user.as_str()).await?;
            let has = |now: &Profile| to.replaced.iter().any(|replaced| is_linked(now, replaced));
            missed = now.as_ref().is_none_or(has);
        }
        if missed {
            // Somebody else unlinked it, or the link was made by another attribute and is still there.
            let why = "no such link, or it was made by another attribute";
            let error = PoolError::new(PoolErrorKind::InvalidParameter, "AdminDisableProviderForUser", why);
            return Err(StepError::from(error));
        }
        match self.make_link(to, user, identity).await {
            // It was made by this very attribute.
            Err(error) if to.links_again && error.kind() == PoolErrorKind::InvalidParameter => Ok(()),
            linked => Ok(linked?),
        }
    }

    /// Creates a native profile that only lacks the link. A merge calls this before it deletes the stand-alone
    /// profile, to learn whether the pool accepts the new one.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError::Refused`] if the address is too long for a user name; otherwise the pool's error. After
    /// an error there may be a profile. [`Self::settle`] completes it.
    pub async fn create_native(&self, email: &ProvenEmail) -> Result<Destination, LinkError> {
        Ok(self.create_complete(email, self.attributes.clone(), None).await?.to)
    }

    async fn create_and_link(
        &self,
        identity: &SourceIdentity,
        email: &ProvenEmail,
        attributes: BTreeMap<String, String>,
        required: Option<Vec<RequiredAttribute>>,
    ) -> Result<(Option<Destination>, bool), StepError> {
        let made = self.create_complete(email, attributes, required).await?;
        self.make_link(&made.to, &made.user, identity).await?;
        Ok((Some(made.to), made.group_missing))
    }

    async fn make_link(
        &self,
        to: &Destination,
        user: &CheckedUserName,
        identity: &SourceIdentity,
    ) -> Result<(), PoolError> {
        if let Some(observer) = self.observer.filter(|_| !to.links_again) {
            observer.link_begins(to, identity).await;
        }
        self.update(|| self.pool.link(user, identity)).await
    }

    /// Makes a call that counts as an update, while there is time.
    async fn update<C: Future<Output = Result<(), PoolError>>>(&self, call: impl Fn() -> C) -> Result<(), PoolError> {
        let noted = || async {
            let done = call().await;
            if let (Some(later), Err(error)) = (self.later, &done)
                && error.kind() == PoolErrorKind::Throttled
            {
                later.note_throttling();
            }
            done
        };
        self.patience.with(noted).await
    }

    async fn create_complete(
        &self,
        email: &ProvenEmail,
        attributes: BTreeMap<String, String>,
        required: Option<Vec<RequiredAttribute>>,
    ) -> Result<Made, StepError> {
        let user_name = new_name(self.user_name, email.email());
        if user_name.chars().count() > MAX_USER_NAME_CHARS {
            return Err(StepError::refused(Refusal::UnusableEmail(InvalidEmail::TooLong)));
        }
        let new = NewNative { user_name, email: email.email().clone(), attributes };
        let created = self.create(new, required).await?;
        let to = Destination {
            user_name: created.user_name,
            sub: created.sub,
            newcomer: true,
            replaced: vec![],
            links_again: false,
        };
        let user = self.checked(&to).await?;
        // If this is cut off here, the next invocation finds a young, verified profile and completes it.
        let password = Password::random();
        let replaced = self.patience.with(|| self.pool.replace_password(&user, &password));
        let (group_missing, ()) = try_join!(self.join_group(&to, &user), replaced)?;
        Ok(Made { to, user, group_missing })
    }

    /// The attributes that the pool requires. Whether it takes a new profile cannot be tried while the old one has the
    /// name. So it is looked up, or a registration would be deleted that nothing can take the place of.
    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, StepError> {
        let required = self.pool.required_attributes().await?;
        // The address is there anyway, and verified.
        let is_ours = |name: &str| ["email", "email_verified"].contains(&name);
        let given = |name: &str| self.attributes.get(name).map(String::as_str);
        // Where it is a user name as well, somebody may have this number, and no look before tells.
        let may_be_held = |name: &str| name == "phone_number";
        let lacks = |wanted: &&RequiredAttribute| {
            !is_ours(&wanted.name) && (may_be_held(&wanted.name) || !wanted.takes(given(&wanted.name)))
        };
        let lacking: Vec<_> = required.iter().filter(lacks).map(|wanted| wanted.name.as_str()).collect();
        if lacking.is_empty() {
            return Ok(required);
        }
        tracing::info!(
            attributes = lacking.join(","),
            "the pool requires these attributes, which did not come or do not fit"
        );
        Err(StepError::refused(Refusal::RequiredAttribute))
    }

    /// What the pool requires, as far as it can be read. Without any attributes, there is nothing to keep.
    async fn known_to_be_required(&self) -> Vec<RequiredAttribute> {
        if self.attributes.is_empty() {
            return vec![];
        }
        self.pool.required_attributes().await.unwrap_or_else(|error| {
            let failure = error.into_failure();
            let (error_code, cause) = (failure.kind().code, failure.cause_chain());
            tracing::warn!(error_code, cause, "what the pool requires cannot be read, so no attribute is kept");
            vec![]
        })
    }

    /// What keeps the pool from making a profile although nobody has the address: of the attributes that came along, only a
    /// phone number that the pool requires was there at the second try, too.
    async fn held(&self) -> Result<Refusal, PoolError> {
        let kept = only_required(&self.attributes, &self.known_to_be_required().await);
        let holder = match kept.get("phone_number") {
            Some(phone) => self.pool.profile(phone).await?,
            None => None,
        };
        let Some(holder) = holder else { return Ok(Refusal::UserNameHeld) };
        tracing::info!(sub = holder.sub, "this profile has the phone number that came along");
        Ok(Refusal::PhoneNumberHeld)
    }

    /// Creates the profile. If the pool rejects the provider's attributes, creates the profile with those only that are
    /// known to be required. `required` is `None` if it was not looked up yet.
    async fn create(&self, mut new: NewNative, required: Option<Vec<RequiredAttribute>>) -> Result<Profile, StepError> {
        let mut created = self.patience.with(|| self.pool.create_native(&new)).await;
        if created.as_ref().is_err_and(|error| error.kind() == PoolErrorKind::InvalidParameter) {
            let required = match required {
                Some(required) => required,
                None => self.known_to_be_required().await,
            };
            let fewer = only_required(&new.attributes, &required);
            if fewer.len() < new.attributes.len() {
                new.attributes = fewer;
                created = self.pool.create_native(&new).await;
            }
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
    /// somebody may have used the profile before it got a temporary password. Then their phone number,
    /// factors and sessions go too, and the address is verified for the person with this identity.
    async fn accept_invitation(
        &self,
        to: &Destination,
        user: &CheckedUserName,
        verify: Option<(&AvailableEmail, &SourceIdentity)>,
    ) -> Result<bool, StepError> {
        // Group and clean-up come first. Once the password is replaced, the profile no longer shows that it
        // was an invitation, and a repeated invocation would leave them out.
        let missing = match verify {
            None => self.join_group(to, user).await?,
            Some((email, identity)) => {
                self.refuse_passkey(user).await?;
                let (missing, (), ()) = try_join!(
                    self.join_group(to, user),
                    self.pool.sign_out_everywhere(user),
                    self.pool.forget_phone_and_factors(user)
                )?;
                self.refuse_somebodys(to, user, identity, email).await?;
                self.pool.set_verified_email(user, email).await?;
                missing
            }
        };
        self.pool.replace_password(user, &Password::random()).await?;
        if verify.is_some() {
            // Once more: the temporary password worked until now.
            self.pool.sign_out_everywhere(user).await?;
            self.pool.forget_phone_and_factors(user).await?;
            self.refuse_passkey(user).await?;
        }
        Ok(missing)
    }

    /// Removes every way in that somebody else may have, and only then marks the address as
    /// verified. So a profile with a verified address is clean, even if this is cut off.
    async fn reclaim(
        &self,
        profile: &Destination,
        user: &CheckedUserName,
        identity: &SourceIdentity,
        email: &AvailableEmail,
    ) -> Result<(), StepError> {
        self.refuse_passkey(user).await?;
        self.pool.replace_password(user, &Password::random()).await?;
        // Only after the password is replaced, or it could open a new session. But before the rest is
        // removed, or an open session could put it back.
        self.pool.sign_out_everywhere(user).await?;
        self.pool.forget_phone_and_factors(user).await?;
        self.refuse_passkey(user).await?;
        self.refuse_somebodys(profile, user, identity, email).await?;
        self.pool.set_verified_email(user, email).await?;
        Ok(())
    }

    /// Looks once more, before the address is given to the profile. Somebody with a session may have proven an address of
    /// their own until now, and linked an identity to the profile. Or they deleted it and registered its name anew. Another
    /// invocation for the same person may have cleaned the profile as well; then the address is verified.
    async fn refuse_somebodys(
        &self,
        to: &Destination,
        user: &CheckedUserName,
        identity: &SourceIdentity,
        email: &AvailableEmail,
    ) -> Result<(), StepError> {
        let Some(now) = self.pool.profile(user.as_str()).await?.filter(|now| now.sub == to.sub) else {
            return Err(PoolError::new(PoolErrorKind::UserNotFound, "AdminGetUser", "it has another owner now").into());
        };
        let has_proof = now.email_verified && now.email.as_deref().is_some_and(|own| email.email().is_same(own));
        if !has_proof && is_linked_with_others(&now, identity) {
            return Err(StepError::refused(Refusal::LinkedProfile));
        }
        Ok(())
    }

    /// The user name of the destination, if calls with it reach that profile.
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

    /// Puts a newcomer into the default group. Returns true if the group does not exist. The operator has to mend that;
    /// it keeps nobody out.
    async fn join_group(&self, to: &Destination, user: &CheckedUserName) -> Result<bool, PoolError> {
        let Some(group) = self.group.filter(|_| to.newcomer) else { return Ok(false) };
        let added = match self.later {
            Some(later) => self.add_or_put_off(to, user, group, later).await,
            None => self.add_to_group(user, group).await,
        };
        match added {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == PoolErrorKind::ResourceNotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Adds a newcomer to the group, or notes that, so that the link gets what Cognito lets through.
    async fn add_or_put_off(
        &self,
        to: &Destination,
        user: &CheckedUserName,
        group: &str,
        later: &dyn Later,
    ) -> Result<(), PoolError> {
        if !later.is_busy() {
            match self.pool.add_to_group(user, group).await {
                Err(error) if error.kind() == PoolErrorKind::Throttled => later.note_throttling(),
                done => return done,
            }
        }
        if later.keep(to).await { Ok(()) } else { self.add_to_group(user, group).await }
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.update(|| self.pool.add_to_group(user, group)).await
    }
}

/// Logs which profile is in the way, for the operator.
fn log_name_holder(error: &LinkError, owners: &Owners) {
    if let (LinkError::Refused(Refusal::UserNameHeld), Some(sub)) = (error, &owners.name_holder) {
        tracing::info!(sub, "this profile has the user name that a new one would take");
    }
}

/// The name for a new profile with this address.
fn new_name(user_name: NativeUserName, email: &Email) -> String {
    match user_name {
        NativeUserName::Email => email.to_lower_case(),
        NativeUserName::Uuid => uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple().to_string(),
        NativeUserName::Derived => NativeUserName::derived(email),
    }
}

fn only_required(attributes: &BTreeMap<String, String>, required: &[RequiredAttribute]) -> BTreeMap<String, String> {
    let is_required = |name: &str| required.iter().any(|wanted| wanted.name == name);
    attributes.clone().into_iter().filter(|(name, _)| is_required(name)).collect()
}

/// A native profile that only lacks the link.
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
    /// The pool may have changed since the facts were read, or the step may have been done already.
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

/// Decides by kind only: AWS reports an error under several names and changes the texts.
impl From<PoolError> for StepError {
    fn from(error: PoolError) -> Self {
        match error.kind() {
            PoolErrorKind::UserNameExists
            | PoolErrorKind::AliasExists
            | PoolErrorKind::UserNotFound
            | PoolErrorKind::InvalidParameter
            | PoolErrorKind::LimitExceeded => Self::Moved { error, creation_refused: false },
            PoolErrorKind::BorrowedSub => Self::refused(Refusal::BorrowedSub),
            PoolErrorKind::HiddenByAlias => Self::refused(Refusal::UserNameHeld),
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

/// Whether an error that comes twice on the same facts means that the pool objects to the call itself.
fn is_objection(error: &PoolError) -> bool {
    matches!(error.kind(), PoolErrorKind::InvalidParameter | PoolErrorKind::LimitExceeded)
}
