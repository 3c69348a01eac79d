//! Carries out invitations, with the user pool, the table and mails.

use super::listing::Listing;
use super::{Invitation, LastInvited, Mode, Wishes, address_digest, return_urls};
use crate::accounts::Accounts;
use crate::caller::{Caller, Origin, id_in_log};
use crate::ceilings::{Counter, Scope, Ticket};
use crate::clock::DAY;
use crate::code::Sealer;
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::queue::{Job, Queue};
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::user_pool::{
    CheckedUserName, Invitee, NativeUserName, PoolError, PoolErrorKind, Profile, Status, UserName,
};
use messages::Mail;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest value of an attribute, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// The longest user name that `AdminCreateUser` takes, in characters (API model, `UsernameType`).
const MAX_USER_NAME_CHARS: usize = 128;

/// How many user names are tried for a guest. If a former guest, who has another address by now, holds one, the next is
/// tried.
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

/// What an invitation is asked for.
struct Order<'a> {
    email: &'a Email,
    attributes: &'a BTreeMap<String, String>,
    /// The languages of the person who asks, best first.
    locales: &'a [&'a str],
    /// The member who asks. `None` where everybody may.
    by: Option<&'a Member>,
}

impl Order<'_> {
    /// Whether the answer has the link, and no mail goes out.
    fn hands_out(&self) -> bool {
        self.by.is_some_and(|by| by.wishes.hand_out)
    }
}

/// A member who invites.
pub(super) struct Member {
    pub(super) sub: String,
    pub(super) wishes: Wishes,
}

/// What a member is told of an invitation that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The invitation.
    pub(crate) id: Option<String>,
    /// The link, if it was not mailed.
    pub(crate) link: Option<String>,
}

/// An invitation that was counted, and what is needed to undo that.
pub(super) struct Admission {
    key: String,
    read: Versioned<LastInvited>,
    former: LastInvited,
    ticket: Ticket,
}

/// Who has an address.
enum Owner {
    Nobody,
    /// A person who was invited and has not answered.
    Guest(Profile),
    /// A registration with the address as the user name that nobody confirmed.
    Registration(Profile),
    /// Anybody else.
    Somebody,
}

/// Whether an account was invited and nobody has opened it yet.
pub(super) fn is_waiting(profile: &Profile) -> bool {
    profile.status == Status::ForceChangePassword
        && profile.enabled
        && profile.identities.is_empty()
        // This API never creates an account with a verified address, so another procedure made that one.
        && !profile.email_verified
}

/// Whether this is a registration that nobody confirmed and that proved nothing. Nobody can sign in to such an account.
pub(super) fn is_registration(profile: &Profile) -> bool {
    profile.status == Status::Unconfirmed && profile.enabled && profile.identities.is_empty() && !profile.email_verified
}

impl Invitations {
    /// Invites an address, or sends its invitation again.
    ///
    /// Where everybody may invite, this only counts the invitation and leaves the rest to a later run. So the answer,
    /// and the time it takes, do not depend on who has the address.
    pub(crate) async fn invite(
        &self,
        caller: Result<Caller, Problem>,
        origin: &Origin,
        address: &str,
        attributes: &BTreeMap<String, String>,
        wishes: Wishes,
        locales: &[&str],
    ) -> Result<Sent, Problem> {
        let by = match &self.settings.mode {
            Mode::Off => return Err(Code::NotFound.into()),
            // Where everybody may invite, nobody is a member.
            Mode::Public if wishes == Wishes::default() => None,
            Mode::Public => return Err(Code::NotAnAdmin.into()),
            Mode::Members(group) => Some(Member { sub: caller?.member_of(group)?.sub, wishes }),
        };
        let email = &self.usable(address)?;
        self.allowed(attributes)?;
        let Some(by) = by else {
            self.invite_by_anybody(origin, email, attributes, locales).await?;
            return Ok(Sent::default());
        };
        self.may_wish(&by.wishes)?;
        let order = Order { email, attributes, locales, by: Some(&by) };
        let sent = self.counted(email, self.send(&order)).await?;
        tracing::info!(decision = "invited", sub = id_in_log(&by.sub), "decided");
        Ok(sent)
    }

    /// Counts an invitation of an address and sends it. What failed and may be tried again does not count.
    pub(super) async fn counted<T>(
        &self,
        email: &Email,
        sending: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let admitted = self.admit(email).await?;
        let admitted = admitted.map_err(|seconds| Problem::from(Code::TooManyRequests).retry_after(seconds))?;
        match sending.await {
            Err(why) if why.is_passing() => Err(self.withdraw(admitted, why).await),
            done => done,
        }
    }

    async fn invite_by_anybody(
        &self,
        origin: &Origin,
        email: &Email,
        attributes: &BTreeMap<String, String>,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let caller = origin.pseudonym(&self.sealer, self.table.now());
        // The answer does not say this, because it would show that somebody else asked for the same address.
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

    /// Carries out what [`invite`](Self::invite) left. An earlier run may have done all of it or a part.
    pub(crate) async fn run(&self, job: &Job) -> Result<(), Problem> {
        let locales: Vec<&str> = job.locales.iter().map(String::as_str).collect();
        let email = &self.usable(&job.email)?;
        let order = Order { email, attributes: &job.attributes, locales: &locales, by: None };
        self.send(&order).await.map(drop)
    }

    /// Checks the address before anything is looked up, so that a refusal says nothing about who has it. Returns it in
    /// lower case, as it is stored. On a mail host that tells upper from lower case, another spelling is another
    /// mailbox, and a stranger must not choose which one gets the mail.
    fn usable(&self, address: &str) -> Result<Email, Problem> {
        let email = Email::parse(&address.to_ascii_lowercase())
            .ok()
            .filter(|email| email.as_str().is_ascii())
            .ok_or(Code::InvalidEmail)?;
        if self.settings.user_name == NativeUserName::Email && email.as_str().len() > MAX_USER_NAME_CHARS {
            return Err(Code::InvalidEmail.into());
        }
        if self.settings.mode == Mode::Public && !self.settings.domains.contain(&email) {
            return Err(Code::DomainNotAllowed.into());
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

    fn may_wish(&self, wishes: &Wishes) -> Result<(), Problem> {
        if wishes.group.as_ref().is_some_and(|group| !self.settings.groups.contains(group)) {
            return Err(Code::GroupNotAllowed.into());
        }
        let leads = |address: &String| return_urls::allow(&self.settings.return_urls, address);
        if wishes.return_to.as_ref().is_some_and(|address| !leads(address)) {
            return Err(Code::ReturnNotAllowed.into());
        }
        Ok(())
    }

    /// Counts an invitation of an address. The inner error is the number of seconds until the next one is possible.
    async fn admit(&self, email: &Email) -> Result<Result<Admission, u64>, Problem> {
        let key = format!("invitation-quota#{}", address_digest(email, &self.sealer).as_str());
        let last: Versioned<LastInvited> = self.table.load(&key).await?;
        let admitted = match last.value.admit(self.table.now()) {
            Ok(admitted) => admitted,
            Err(seconds) => return Ok(Err(seconds)),
        };
        let former = last.value.clone();
        // This write also stops two invitations of one address at once from making two accounts. If no answer comes, it
        // may have been written, and then the address must wait for the pause.
        let written = self.table.replace(&key, last, admitted).await.map_err(|why| why.no_sooner_than(super::PAUSE))?;
        let Some(read) = written else { return Ok(Err(super::PAUSE)) };
        let admission = Admission { key, read, former, ticket: Ticket::default() };
        match self.counter.add(&self.table, email, &[Scope::Address]).await {
            Ok(Ok(ticket)) => Ok(Ok(Admission { ticket, ..admission })),
            Ok(Err((_, seconds))) => Ok(Err(seconds)),
            Err(why) => Err(self.withdraw(admission, why).await),
        }
    }

    /// Undoes an admission, so that a caller who is told to try again can do so. If that fails, the caller is told to
    /// wait for the pause.
    async fn withdraw(&self, admitted: Admission, why: Problem) -> Problem {
        admitted.ticket.give_back(&self.table).await;
        match self.table.replace(&admitted.key, admitted.read, admitted.former).await {
            Ok(Some(_)) => why,
            Ok(None) | Err(_) => why.no_sooner_than(super::PAUSE),
        }
    }

    async fn send(&self, order: &Order<'_>) -> Result<Sent, Problem> {
        match self.owner(order.email).await? {
            Owner::Nobody => self.create_guest(order).await,
            Owner::Guest(profile) => self.invite_again(&profile, order).await,
            Owner::Registration(profile) => self.invite_to_a_registration(&profile, order).await,
            Owner::Somebody => self.tell_the_owner(order).await,
        }
    }

    /// Who has the address. A profile that only names the address, and whose owner proved nothing, does not block an
    /// invitation.
    async fn owner(&self, email: &Email) -> Result<Owner, Problem> {
        let mut profiles = self.accounts.profiles_with_email(email).await?;
        // Whoever disabled a profile that proved nothing said nothing about the owner of the address.
        profiles.retain(|profile| profile.enabled || !profile.identities.is_empty() || profile.email_verified);
        let mut guests: Vec<_> = profiles.extract_if(.., |profile| is_waiting(profile)).collect();
        let mut registrations: Vec<_> = profiles.extract_if(.., |profile| is_registration(profile)).collect();
        if profiles.iter().any(|other| self.is_somebody(other)) {
            return Ok(Owner::Somebody);
        }
        // Where the address is not the user name, a guest gets an account beside the registration.
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

    /// Whether a profile with the address counts as its owner's. The caller has taken out guests and registrations.
    fn is_somebody(&self, other: &Profile) -> bool {
        // It did not come out of this API, or an administrator disabled it.
        let unopened = matches!(other.status, Status::Unconfirmed | Status::ForceChangePassword);
        // The owner may have proven the address although it is marked as unverified, because a sign-in through a
        // provider can change the mark. They must not get a second account.
        let linked = !other.identities.is_empty() && !other.is_stand_alone();
        unopened || linked || other.has_proven_address(&self.settings.providers)
    }

    async fn create_guest(&self, order: &Order<'_>) -> Result<Sent, Problem> {
        let (email, attributes) = (order.email, order.attributes);
        let Some((profile, is_new)) = self.guest_account(email, attributes).await? else {
            return self.tell_the_owner(order).await;
        };
        tracing::info!(decision = "guest_created", sub = profile.sub, "decided");
        let languages: Vec<&str> =
            attributes.get("locale").map(String::as_str).into_iter().chain(order.locales.iter().copied()).collect();
        // Where everybody may invite, a stranger may have chosen the name.
        let name = attributes.get("given_name").or_else(|| attributes.get("name")).map(String::as_str);
        let name = name.filter(|_| self.settings.mode != Mode::Public);
        let mut stored: Versioned<Invitation> = self.table.load(&key(profile.user_name.as_str())).await?;
        // The link that another run sent for the same account keeps working. One of an earlier account does not.
        if is_new {
            stored = stored.with(Invitation::default());
        }
        let invitation = self.current(&profile.user_name, stored, Some(profile.sub), order).await?;
        let order = &Order { locales: &languages, ..*order };
        self.deliver(&profile.user_name, email, &invitation, name, order).await
    }

    /// Creates the account of a guest, or finds the one that an earlier run of the same job created. This very call may
    /// have created it, too, because the SDK repeats a call whose answer was lost. The flag says whether the account is
    /// new. Returns `None` if another person has the user name.
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
                Ok(profile) if self.is_hidden(&profile).await? => return Ok(None),
                Ok(profile) => return Ok(Some((profile, true))),
                Err(error) if matches!(error.kind(), PoolErrorKind::UserNameExists | PoolErrorKind::AliasExists) => {}
                Err(error) => return Err(not_created(error)),
            }
            let Some(profile) = self.accounts.profile(&invitee.user_name).await? else { return Ok(None) };
            if is_waiting_for(&profile, email) {
                let user = self.checked(&profile).await?;
                // Only this API can make the password, so an account that it opens is a guest's.
                return Ok(self.accounts.opens(&user, &password).await?.then_some((profile, false)));
            }
            let has_address = profile.email.as_deref().is_some_and(|own| email.is_same(own));
            // Only where the name is neither the address nor made of it, there is another one.
            if self.settings.user_name != NativeUserName::Uuid || (has_address && self.is_somebody(&profile)) {
                return Ok(None);
            }
            // A former guest who has another address by now, or who has not proven this one.
            holder = profile.sub;
        }
        Ok(None)
    }

    /// The account's user name, if calls with it reach that account.
    pub(super) async fn checked(&self, profile: &Profile) -> Result<CheckedUserName, Problem> {
        if self.is_hidden(profile).await? {
            return Err(Problem::from(Code::AccountUnusable).caused_outside());
        }
        Ok(self.accounts.checked(&profile.user_name, &profile.sub).await?)
    }

    /// Whether calls with the user name reach somebody else. Everybody can tell a derived name, and may have taken it as
    /// an alias (`preferred_username`).
    async fn is_hidden(&self, profile: &Profile) -> Result<bool, Problem> {
        if !self.settings.user_name.reserves(profile.user_name.as_str()) {
            return Ok(false);
        }
        let reached = self.accounts.profile(profile.user_name.as_str()).await?;
        Ok(reached.is_some_and(|reached| reached.sub != profile.sub))
    }

    /// The user name of a guest's account. It is the same in every run, because otherwise two runs at once could make
    /// two accounts where the name is not the address. `holder` is the `sub` of the account that has the name tried
    /// before, and empty for the first name.
    fn guest_name(&self, email: &Email, holder: &str) -> String {
        match self.settings.user_name {
            NativeUserName::Email => email.to_lower_case(),
            // As pre-sign-up names an account, so that the two cannot make one each.
            NativeUserName::Derived => NativeUserName::derived(email),
            // Without hyphens, so that it does not look like a `sub`. Cognito accepts a `sub` wherever it accepts a
            // user name.
            NativeUserName::Uuid => {
                self.sealer.seal(&["guest", holder], &email.to_lower_case()).as_str().chars().take(32).collect()
            }
        }
    }

    /// Sends the link of an open invitation again. If the invitation is no longer open, it makes a new one.
    async fn invite_again(&self, guest: &Profile, order: &Order<'_>) -> Result<Sent, Problem> {
        let email = order.email;
        // The list may be some seconds old. If the guest has chosen a password since, a new temporary one would lock
        // them out.
        let current = self.accounts.profile(guest.user_name.as_str()).await?;
        let current = current.filter(|current| current.sub == guest.sub && is_waiting_for(current, email));
        // The mail goes to the address as the account spells it.
        let Some(stored) = current.and_then(|current| Email::parse(current.email.as_deref()?).ok()) else {
            return self.tell_the_owner(order).await;
        };
        let user = &self.checked(guest).await?;
        let read: Versioned<Invitation> = self.table.load(&key(user.as_str())).await?;
        let is_ours = self.settings.user_name == NativeUserName::Uuid && user.as_str() == self.guest_name(email, "");
        let made_account = read.value.made(&guest.sub) || is_ours;
        // Another procedure made this account, with groups and attributes for one person. A member who got the link
        // would be that person. That the temporary password is this API's says nothing: an earlier invitation may have
        // written it.
        if order.hands_out() && !made_account {
            return self.tell_the_owner(order).await;
        }
        if !self.is_open(&read.value, order) {
            let password = self.temporary_password(email);
            // An account that another procedure invited keeps its temporary password, unless a member of the group
            // asks. An account of this API has an invitation, or a user name or an unexpired password that only this
            // API can make.
            let may_renew = self.settings.mode != Mode::Public
                || read.is_stored()
                || is_ours
                || self.accounts.opens(user, &password).await?;
            if !may_renew {
                return self.tell_the_owner(order).await;
            }
            self.accounts.renew(user, &password).await?;
        }
        let made_sub = made_account.then(|| guest.sub.clone());
        let invitation = self.current(&guest.user_name, read, made_sub, order).await?;
        tracing::info!(decision = "guest_invited_again", sub = guest.sub, "decided");
        // The attributes of the first invitation stay, and the mail uses no name: where everybody may invite, a
        // stranger may be asking.
        self.deliver(&guest.user_name, &stored, &invitation, None, order).await
    }

    /// Sends a link to the address of a registration. The registration stays as it is until somebody answers, because
    /// it may belong to the same person. For the same reason, no member gets the link.
    async fn invite_to_a_registration(&self, registration: &Profile, order: &Order<'_>) -> Result<Sent, Problem> {
        if order.hands_out() {
            return self.tell_the_owner(order).await;
        }
        let user = &registration.user_name;
        let read: Versioned<Invitation> = self.table.load(&key(user.as_str())).await?;
        let invitation = self.current(user, read, None, order).await?;
        tracing::info!(decision = "registration_invited", sub = registration.sub, "decided");
        self.deliver(user, order.email, &invitation, None, order).await
    }

    async fn tell_the_owner(&self, order: &Order<'_>) -> Result<Sent, Problem> {
        if self.settings.mode != Mode::Public {
            return Err(Code::AccountExists.into());
        }
        self.outbox.send(order.email, &Mail::AccountExists, None, order.locales).await?;
        Ok(Sent::default())
    }

    fn is_open(&self, invitation: &Invitation, order: &Order<'_>) -> bool {
        invitation.is_open(order.email, &self.sealer, self.table.now())
    }

    /// The invitation that was read, if it is open and its link serves this order, or a new one in its place.
    ///
    /// A link that was handed out is never mailed, and the other way round, because only a link that nobody but the
    /// mailbox has proves the address.
    async fn current(
        &self,
        user: &UserName,
        read: Versioned<Invitation>,
        made_sub: Option<String>,
        order: &Order<'_>,
    ) -> Result<Invitation, Problem> {
        let (open, handed_out) = (self.is_open(&read.value, order), order.hands_out());
        let id = order.by.map(|_| crate::random_uuid());
        let wishes = order.by.map(|by| by.wishes.clone()).unwrap_or_default();
        let invitation = if open && read.value.handed_out == handed_out {
            if read.value.id.is_some() && !read.value.grants(&wishes) {
                return Err(Code::InvitationOpen.into());
            }
            if order.by.is_none() || read.value.id.is_some() {
                return Ok(read.value);
            }
            // No member has listed it yet, so none has asked for anything.
            let Wishes { group, return_to, .. } = wishes;
            Invitation { id, group, return_to, ..read.value.clone() }
        } else {
            let new = if open {
                // The temporary password has the time of the open one, and a guest may be replacing it right now.
                self.must_not_be_answering(&read.value)?;
                read.value.renewed(read.value.expires_at)
            } else {
                Invitation::new(order.email, &self.sealer, self.expiry())
            };
            let Wishes { group, return_to, .. } = wishes;
            Invitation { id, made_sub, handed_out, group, return_to, ..new }
        };
        let written = self.table.replace(&key(user.as_str()), read, invitation).await?;
        Ok(written.ok_or(Code::TryAgain)?.value)
    }

    /// When an invitation expires that is sent now.
    pub(super) fn expiry(&self) -> u64 {
        self.table.now() + u64::from(self.settings.days) * DAY
    }

    /// The temporary password of a guest's account. It is the same every time, so that sending an invitation again does
    /// not end the earlier link.
    pub(super) fn temporary_password(&self, email: &Email) -> Password {
        self.sealer.password(&["temporary-password"], &email.to_lower_case())
    }

    /// Puts the invitation into the members' list and sends its link, in this order, so that nobody has a link that no
    /// member sees.
    async fn deliver(
        &self,
        user: &UserName,
        to: &Email,
        invitation: &Invitation,
        name: Option<&str>,
        order: &Order<'_>,
    ) -> Result<Sent, Problem> {
        let mut inviter = None;
        if let (Some(by), Some(id)) = (order.by, &invitation.id) {
            inviter = by.wishes.inviter.as_deref();
            let now = self.table.now();
            let listing = Listing {
                id: id.clone(),
                user_name: user.as_str().to_owned(),
                email: to.as_str().to_owned(),
                invited_by: by.sub.clone(),
                inviter: by.wishes.inviter.clone(),
                invited_at: now,
                sent_at: now,
                expires_at: invitation.expires_at,
            };
            // If it is in the list already, the first one stays.
            self.table.replace(&listing.own_key(), Versioned::nothing(), listing).await?;
        }
        let link = self.send_link(user, to, invitation, name, inviter, order.locales).await?;
        Ok(Sent { id: invitation.id.clone().filter(|_| order.by.is_some()), link })
    }

    /// Mails the link of an invitation, or returns it if it is to be handed out.
    pub(super) async fn send_link(
        &self,
        user: &UserName,
        email: &Email,
        invitation: &Invitation,
        name: Option<&str>,
        inviter: Option<&str>,
        locales: &[&str],
    ) -> Result<Option<String>, Problem> {
        let token = invitation.token(user.as_str(), &self.sealer).ok_or(Code::Misconfigured)?;
        let days = invitation.expires_at.saturating_sub(self.table.now()).div_ceil(DAY);
        let days = u32::try_from(days).unwrap_or(self.settings.days);
        let mail = Mail::Activation { username: user.as_str(), token: token.as_str(), days, inviter };
        if invitation.handed_out {
            return Ok(Some(self.outbox.link(&mail).ok_or(Code::Misconfigured)?));
        }
        self.outbox.send(email, &mail, name, locales).await?;
        Ok(None)
    }
}

/// Explains why the pool did not create a guest's account. Cognito has one error code for an address that it does not
/// accept, an attribute that is too long or too short, an attribute that the pool does not have, and a required one
/// that is missing. Any caller can cause it.
fn not_created(error: PoolError) -> Problem {
    match error.kind() {
        PoolErrorKind::InvalidParameter => Problem::from(Code::InvalidRequest).because(&error).caused_outside(),
        _ => error.into(),
    }
}

pub(super) fn is_waiting_for(profile: &Profile, email: &Email) -> bool {
    is_waiting(profile) && profile.email.as_deref().is_some_and(|own| email.is_same(own))
}

pub(super) fn key(user_name: &str) -> String {
    format!("invitation#{user_name}")
}
