//! The account of a guest: who has the address, and what becomes of it.

use super::flow::{Invitations, Order, Sent};
use super::{ANSWER_KEPT, Asker, Invitation, Mode};
use crate::problem::{Code, Problem};
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::user_pool::{CheckedUserName, NativeUserName, NewNative, PoolError, PoolErrorKind, Profile, Status};
use messages::Mail;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// How many user names are tried for a guest. If a former guest, who has another address by now, holds one, the next is
/// tried.
const NAMES: u32 = 4;

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
    pub(super) async fn send(&self, order: &Order<'_>) -> Result<Sent, Problem> {
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
        let own = attributes.get("locale").map(String::as_str);
        let languages: Vec<&str> = own.into_iter().chain(order.asker.locales.iter().copied()).collect();
        // Where everybody may invite, a stranger may have chosen the name.
        let name = attributes.get("given_name").or_else(|| attributes.get("name")).map(String::as_str);
        let name = name.filter(|_| self.settings.mode != Mode::Public);
        let mut stored = self.read(profile.user_name.as_str()).await?;
        // The link that another run sent for the same account keeps working. One of an earlier account does not.
        if is_new {
            stored = stored.with(Invitation::default());
        }
        let invitation = self.current(stored, Some(profile.sub), order).await?;
        let order = &Order { asker: Asker { locales: &languages, ..order.asker }, ..*order };
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
            let invitee = NewNative { user_name, email: email.clone(), attributes: attributes.clone() };
            match self.accounts.invite(&invitee, &password).await {
                Ok(profile) => return Ok(self.reaching(&profile).await?.map(|_| (profile, true))),
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
        let checked = self.reaching(profile).await?;
        checked.ok_or_else(|| Problem::from(Code::AccountUnusable).caused_outside())
    }

    /// The same, or `None` if calls with the user name reach somebody else.
    async fn reaching(&self, profile: &Profile) -> Result<Option<CheckedUserName>, Problem> {
        match self.accounts.checked(&profile.user_name, &profile.sub).await {
            Err(error) if error.kind() == PoolErrorKind::HiddenByAlias => Ok(None),
            checked => Ok(Some(checked?)),
        }
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
        let read = self.read(user.as_str()).await?;
        let is_ours = self.settings.user_name == NativeUserName::Uuid && user.as_str() == self.guest_name(email, "");
        // An account that its guest has opened is theirs, even if an administrator has given it a temporary password since.
        // Where the run that made an account was cut off before it wrote a record, only the name says whose it is. An older
        // account may have been opened: that record is gone by now.
        let now = UNIX_EPOCH + Duration::from_secs(self.table.now());
        let is_new = guest.is_younger_than(Duration::from_secs(ANSWER_KEPT), now);
        let was_cut_off = is_ours && !read.is_stored() && is_new;
        let made_account = was_cut_off || (read.value.made(&guest.sub) && !read.value.completed);
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
        let invitation = self.current(read, made_sub, order).await?;
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
        let read = self.read(user.as_str()).await?;
        let invitation = self.current(read, None, order).await?;
        tracing::info!(decision = "registration_invited", sub = registration.sub, "decided");
        self.deliver(user, order.email, &invitation, None, order).await
    }

    async fn tell_the_owner(&self, order: &Order<'_>) -> Result<Sent, Problem> {
        if self.settings.mode != Mode::Public {
            return Err(Code::AccountExists.into());
        }
        self.outbox.send(order.email, &Mail::AccountExists, order.asker.person()).await?;
        Ok(Sent::default())
    }

    /// The temporary password of a guest's account. It is the same every time, so that sending an invitation again does
    /// not end the earlier link.
    pub(super) fn temporary_password(&self, email: &Email) -> Password {
        self.sealer.password(&["temporary-password"], &email.to_lower_case())
    }
}

/// Explains why the pool did not create a guest's account. Cognito has one error code for an address that it does not
/// accept, an attribute that is too long or too short, an attribute that the pool does not have, and a required one
/// that is missing. The function on the pool's pre sign-up may refuse, too. Any caller can cause it.
fn not_created(error: PoolError) -> Problem {
    match error.kind() {
        PoolErrorKind::InvalidParameter | PoolErrorKind::TriggerRefused => {
            Problem::from(Code::InvalidRequest).because(&error).caused_outside()
        }
        _ => error.into(),
    }
}

pub(super) fn is_waiting_for(profile: &Profile, email: &Email) -> bool {
    is_waiting(profile) && profile.email.as_deref().is_some_and(|own| email.is_same(own))
}
