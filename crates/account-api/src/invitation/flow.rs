//! Invitations, carried out: the user pool, state in the table, and mails.

use super::{Invitation, LastInvited, Mode, address_digest};
use crate::accounts::Accounts;
use crate::caller::{Caller, Origin};
use crate::ceilings::{Counter, Scope, Ticket};
use crate::clock::DAY;
use crate::code::Sealer;
use crate::native_user_name::NativeUserName;
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::queue::{Job, Queue};
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::user_pool::{Invitee, PoolError, PoolErrorKind, Profile, Status, UserName};
use messages::Mail;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest value of an attribute, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// The longest user name that `AdminCreateUser` takes, in characters (API model, `UsernameType`).
const MAX_USER_NAME_CHARS: usize = 128;

/// User names that are tried for a guest: each that is taken by somebody who moved to another address leads to the next.
const NAMES: u32 = 4;

/// Invitations.
pub(crate) struct Invitations {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) table: Table,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) sealer: Sealer,
    pub(crate) counter: Counter,
    pub(crate) settings: super::Settings,
}

/// An invitation that was let in, and what takes that back.
struct Admission {
    key: String,
    read: Versioned<LastInvited>,
    former: LastInvited,
    ticket: Ticket,
}

/// Who has an address.
enum Owner {
    Nobody,
    /// Somebody who was invited and has not answered.
    Guest(Profile),
    /// Somebody registered with the address as the user name, and nobody confirmed it.
    Registration(Profile),
    /// Anybody else.
    Somebody,
}

/// Whether an account is one that was invited and has not been opened by anybody.
fn is_waiting(profile: &Profile) -> bool {
    profile.status == Status::ForceChangePassword
        && profile.enabled
        && profile.identities.is_empty()
        // With a verified address somebody else's procedure made the account.
        && !profile.email_verified
}

/// Whether somebody registered, and neither confirmed it nor proved anything. Nobody can sign in to such an account.
pub(super) fn is_registration(profile: &Profile) -> bool {
    profile.status == Status::Unconfirmed && profile.enabled && profile.identities.is_empty() && !profile.email_verified
}

impl Invitations {
    /// Invites an address, or sends its invitation again.
    ///
    /// Where everybody may invite, this only counts the invitation and leaves the rest to a later run: the answer and the
    /// time it takes are the same whoever has the address.
    pub(crate) async fn invite(
        &self,
        caller: Result<Caller, Problem>,
        origin: &Origin,
        address: &str,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let by = match &self.settings.mode {
            Mode::Off => return Err(Code::NotFound.into()),
            Mode::Public => None,
            Mode::Members(group) => Some(caller?.member_of(group)?),
        };
        let email = self.usable(address)?;
        self.allowed(attributes)?;
        let Some(by) = by else { return self.invite_by_anybody(origin, &email, attributes, locales).await };
        let admitted = self.admit(&email).await?;
        let admitted = admitted.map_err(|seconds| Problem::from(Code::TooManyRequests).retry_after(seconds))?;
        match self.send(&email, attributes, locales).await {
            Ok(()) => {}
            Err(why) if why.is_passing() => return Err(self.withdraw(admitted, why).await),
            Err(why) => return Err(why),
        }
        tracing::info!(decision = "invited", sub = by.sub, "decided");
        Ok(())
    }

    async fn invite_by_anybody(
        &self,
        origin: &Origin,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let caller = origin.pseudonym(&self.sealer, self.table.now());
        // Not told: somebody else may have asked for the same address.
        let Ok(mut admitted) = self.admit(email).await? else {
            tracing::info!(decision = "invitation_too_soon", caller, "decided");
            return Ok(());
        };
        match self.counter.add(&self.table, email, &[Scope::Domain, Scope::Pool]).await {
            Ok(Ok(ticket)) => admitted.ticket = admitted.ticket.and(ticket),
            Ok(Err((_, seconds))) => {
                let why = Problem::from(Code::TooManyRequests).retry_after(seconds);
                return Err(self.withdraw(admitted, why).await);
            }
            Err(why) => return Err(self.withdraw(admitted, why).await),
        }
        let locales = locales.iter().map(|locale| (*locale).to_owned()).collect();
        let job = Job { email: email.as_str().to_owned(), attributes: attributes.clone(), locales };
        if let Err(why) = self.queue.put(&job).await {
            return Err(self.withdraw(admitted, why.into()).await);
        }
        tracing::info!(decision = "invitation_taken", caller, "decided");
        Ok(())
    }

    /// Carries out what [`invite`](Self::invite) left. It may be done before, in part or whole.
    pub(crate) async fn run(&self, job: &Job) -> Result<(), Problem> {
        let locales: Vec<&str> = job.locales.iter().map(String::as_str).collect();
        self.send(&self.usable(&job.email)?, &job.attributes, &locales).await
    }

    /// Told before anything is looked up, so that it says nothing of who has the address. It is in lower case, as it is
    /// stored: where a mail host tells cases apart, another spelling is another mailbox, and a stranger would choose which.
    fn usable(&self, address: &str) -> Result<Email, Problem> {
        let email = Email::parse(&address.to_ascii_lowercase())
            .ok()
            .filter(|email| email.as_str().is_ascii())
            .ok_or(Code::InvalidEmail)?;
        if self.settings.user_name == NativeUserName::Email && email.as_str().len() > MAX_USER_NAME_CHARS {
            return Err(Code::InvalidEmail.into());
        }
        Ok(email)
    }

    fn allowed(&self, attributes: &BTreeMap<String, String>) -> Result<(), Problem> {
        let fits = |(name, value): (&String, &String)| {
            self.settings.attributes.contains(name)
                && value.chars().count() <= MAX_ATTRIBUTE_CHARS
                && !value.trim().is_empty()
                && !value.chars().any(char::is_control)
        };
        if attributes.iter().all(fits) { Ok(()) } else { Err(Code::AttributeNotAllowed.into()) }
    }

    /// Counts an invitation of an address; the error is after how many seconds the next one is possible.
    async fn admit(&self, email: &Email) -> Result<Result<Admission, u64>, Problem> {
        let key = format!("invitation-quota#{}", address_digest(email, &self.sealer).as_str());
        let last: Versioned<LastInvited> = self.table.load(&key).await?;
        let admitted = match last.value.admit(self.table.now()) {
            Ok(admitted) => admitted,
            Err(seconds) => return Ok(Err(seconds)),
        };
        let former = last.value.clone();
        // Also what keeps two invitations of one address at once from making two accounts. Without an answer it may be
        // there, and then lets nobody in before the pause is over.
        let written = self.table.replace(&key, last, admitted).await.map_err(|why| why.no_sooner_than(super::PAUSE))?;
        let Some(read) = written else { return Ok(Err(super::PAUSE)) };
        let admission = Admission { key, read, former, ticket: Ticket::default() };
        match self.counter.add(&self.table, email, &[Scope::Address]).await {
            Ok(Ok(ticket)) => Ok(Ok(Admission { ticket, ..admission })),
            Ok(Err((_, seconds))) => Ok(Err(seconds)),
            Err(why) => Err(self.withdraw(admission, why).await),
        }
    }

    /// Takes an admission back, so that whoever is told to come again is let in when they do. If that fails, they are told
    /// when they are let in anyway.
    async fn withdraw(&self, admitted: Admission, why: Problem) -> Problem {
        admitted.ticket.give_back(&self.table).await;
        match self.table.replace(&admitted.key, admitted.read, admitted.former).await {
            Ok(Some(_)) => why,
            Ok(None) | Err(_) => why.no_sooner_than(super::PAUSE),
        }
    }

    async fn send(
        &self,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        match self.owner(email).await? {
            Owner::Nobody => self.create_guest(email, attributes, locales).await,
            Owner::Guest(profile) => self.invite_again(&profile, email, locales).await,
            Owner::Registration(profile) => self.invite_to_a_registration(&profile, email, locales).await,
            Owner::Somebody => self.tell_the_owner(email, locales).await,
        }
    }

    /// A profile that only names the address, and whose owner proved nothing, keeps nobody from being invited.
    async fn owner(&self, email: &Email) -> Result<Owner, Problem> {
        let mut profiles = self.accounts.profiles_with_email(email).await?;
        let mut guests: Vec<_> = profiles.extract_if(.., |profile| is_waiting(profile)).collect();
        let mut registrations: Vec<_> = profiles.extract_if(.., |profile| is_registration(profile)).collect();
        if profiles.iter().any(|other| self.is_somebody(other)) {
            return Ok(Owner::Somebody);
        }
        // Where the address is no user name, a guest gets an account beside the registration.
        let holds_the_name = self.settings.user_name == NativeUserName::Email;
        Ok(match (guests.pop(), registrations.pop()) {
            (Some(guest), _) if guests.is_empty() => Owner::Guest(guest),
            (None, Some(registration)) if holds_the_name && registrations.is_empty() => {
                Owner::Registration(registration)
            }
            (None, None) => Owner::Nobody,
            (None, Some(_)) if !holds_the_name => Owner::Nobody,
            _ => Owner::Somebody,
        })
    }

    /// Whether a profile with the address, which does not wait, counts as its owner's.
    fn is_somebody(&self, other: &Profile) -> bool {
        // A registration or a guest whom an administrator keeps out, or a guest of another procedure.
        let begun = matches!(other.status, Status::Unconfirmed | Status::ForceChangePassword);
        // A sign-in through a provider may take the mark off an account whose owner has proven the address. Another
        // account is not made for them.
        let linked = !other.identities.is_empty() && !other.is_stand_alone();
        begun || linked || other.has_proven_address(&self.settings.providers)
    }

    async fn create_guest(
        &self,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let Some((profile, is_new)) = self.guest_account(email, attributes).await? else {
            return self.tell_the_owner(email, locales).await;
        };
        tracing::info!(decision = "guest_created", sub = profile.sub, "decided");
        let own: Vec<&str> =
            attributes.get("locale").map(String::as_str).into_iter().chain(locales.iter().copied()).collect();
        // In a pool open to everybody a stranger may have chosen the name.
        let name = attributes.get("given_name").or_else(|| attributes.get("name")).map(String::as_str);
        let name = name.filter(|_| self.settings.mode != Mode::Public);
        let key = key(profile.user_name.as_str());
        let mut stored: Versioned<Invitation> = self.table.load(&key).await?;
        // The link of another run for the same account stays good.
        if is_new || !stored.value.is_open(email, &self.sealer, self.table.now()) {
            let invitation = self.new_invitation(email);
            stored = self.table.replace(&key, stored, invitation).await?.ok_or(Code::TryAgain)?;
        }
        self.send_link(&profile.user_name, email, &stored.value, name, &own).await
    }

    /// Creates the account of a guest, or finds the one that another run of the same work created: perhaps by this very
    /// call, because the SDK repeats it when its answer was lost. Says whether it was created now. `None` if somebody else
    /// has the name.
    async fn guest_account(
        &self,
        email: &Email,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Option<(Profile, bool)>, Problem> {
        let (password, mut holder) = (self.temporary_password(email), String::new());
        for _ in 0..NAMES {
            let user_name = self.guest_name(email, &holder);
            let invitee = Invitee { user_name, email: email.clone(), attributes: attributes.clone() };
            match self.accounts.invite(&invitee, &password).await {
                Ok(profile) => return Ok(Some((profile, true))),
                Err(error) if matches!(error.kind(), PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists) => {}
                Err(error) => return Err(not_created(error)),
            }
            let Some(profile) = self.accounts.profile(&invitee.user_name).await? else { return Ok(None) };
            if is_waiting_for(&profile, email) {
                let user = self.accounts.checked(&profile.user_name, &profile.sub).await?;
                // With the password that only this API can make.
                return Ok(self.accounts.opens(&user, &password).await?.then_some((profile, false)));
            }
            let has_it = profile.email.as_deref().is_some_and(|own| email.is_same(own));
            if self.settings.user_name == NativeUserName::Email || (has_it && self.is_somebody(&profile)) {
                return Ok(None);
            }
            // A former guest who has another address by now, or no proof of this one.
            holder = profile.sub;
        }
        Ok(None)
    }

    /// What the account of a guest is called, the same in every run: where the name is not the address, two runs at once
    /// would otherwise make two accounts. `holder` is the `sub` of whoever has the former name; empty for the first.
    fn guest_name(&self, email: &Email, holder: &str) -> String {
        match self.settings.user_name {
            NativeUserName::Email => email.to_lower_case(),
            // Without hyphens it has not the form of a `sub`: Cognito takes a `sub` wherever it takes a user name.
            NativeUserName::Uuid => {
                self.sealer.seal(&["guest", holder], &email.to_lower_case()).as_str().chars().take(32).collect()
            }
        }
    }

    /// Sends the link of an invitation that is open once more, and makes another one otherwise.
    async fn invite_again(&self, guest: &Profile, email: &Email, locales: &[&str]) -> Result<(), Problem> {
        // The list may be seconds old, and a temporary password would lock out whoever has one of their own by now.
        let now = self.accounts.profile(guest.user_name.as_str()).await?;
        let now = now.filter(|now| now.sub == guest.sub && is_waiting_for(now, email));
        // In the spelling of whoever made the account.
        let Some(stored) = now.and_then(|now| Email::parse(now.email.as_deref()?).ok()) else {
            return self.tell_the_owner(email, locales).await;
        };
        let user = &self.accounts.checked(&guest.user_name, &guest.sub).await?;
        let key = key(user.as_str());
        let mut read: Versioned<Invitation> = self.table.load(&key).await?;
        if !read.value.is_open(email, &self.sealer, self.table.now()) {
            let password = self.temporary_password(email);
            // An account that waits for somebody else's temporary password keeps it, whoever asks. Ours are told by their
            // invitation, or by what only this API can make: their name, or their password while it has not expired.
            let is_ours =
                self.settings.user_name == NativeUserName::Uuid && user.as_str() == self.guest_name(email, "");
            let may_renew = self.settings.mode != Mode::Public
                || read.is_stored()
                || is_ours
                || self.accounts.opens(user, &password).await?;
            if !may_renew {
                return self.tell_the_owner(email, locales).await;
            }
            self.accounts.renew(user, &password).await?;
            let invitation = self.new_invitation(email);
            read = self.table.replace(&key, read, invitation).await?.ok_or(Code::TryAgain)?;
        }
        tracing::info!(decision = "guest_invited_again", sub = guest.sub, "decided");
        // The attributes are those of the first invitation: in a pool open to everybody this may be anybody.
        self.send_link(&guest.user_name, &stored, &read.value, None, locales).await
    }

    /// Sends a link to whoever reads the address. The registration stays as it is until they answer: it may be theirs.
    async fn invite_to_a_registration(
        &self,
        registration: &Profile,
        email: &Email,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let key = key(registration.user_name.as_str());
        let mut read: Versioned<Invitation> = self.table.load(&key).await?;
        if !read.value.is_open(email, &self.sealer, self.table.now()) {
            let invitation = self.new_invitation(email);
            read = self.table.replace(&key, read, invitation).await?.ok_or(Code::TryAgain)?;
        }
        tracing::info!(decision = "registration_invited", sub = registration.sub, "decided");
        self.send_link(&registration.user_name, email, &read.value, None, locales).await
    }

    async fn tell_the_owner(&self, email: &Email, locales: &[&str]) -> Result<(), Problem> {
        if self.settings.mode != Mode::Public {
            return Err(Code::AccountExists.into());
        }
        self.outbox.send(email, &Mail::AccountExists, None, locales).await
    }

    fn new_invitation(&self, email: &Email) -> Invitation {
        Invitation::new(email, &self.sealer, self.table.now() + u64::from(self.settings.days) * DAY)
    }

    /// What the account of a guest opens with. The same every time, so that an invitation that is sent again ends none.
    pub(super) fn temporary_password(&self, email: &Email) -> Password {
        self.sealer.password(&["temporary-password"], &email.to_lower_case())
    }

    async fn send_link(
        &self,
        user: &UserName,
        email: &Email,
        invitation: &Invitation,
        name: Option<&str>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let token = invitation.token(user.as_str(), &self.sealer).ok_or(Code::Misconfigured)?;
        let days = invitation.expires_at.saturating_sub(self.table.now()).div_ceil(DAY);
        let days = u32::try_from(days).unwrap_or(self.settings.days);
        let mail = Mail::Activation { username: user.as_str(), token: token.as_str(), days };
        self.outbox.send(email, &mail, name, locales).await
    }
}

/// What the pool does not take of a guest may be an address that is no address to Cognito, an attribute that is too long or
/// too short, or one that the pool does not have or misses: one code stands for all of them, and anybody can cause it.
fn not_created(error: PoolError) -> Problem {
    match error.kind() {
        PoolErrorKind::InvalidParameter => Problem::from(Code::InvalidRequest).because(&error).caused_outside(),
        _ => error.into(),
    }
}

fn is_waiting_for(profile: &Profile, email: &Email) -> bool {
    is_waiting(profile) && profile.email.as_deref().is_some_and(|own| email.is_same(own))
}

pub(super) fn key(user_name: &str) -> String {
    format!("invitation#{user_name}")
}
