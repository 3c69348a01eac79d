//! Carries out invitations, with the user pool, the table and mails.

use super::listing::Listing;
use super::{Asker, Invitation, LastInvited, Mode, Wishes, address_digest, return_urls};
use crate::accounts::Accounts;
use crate::caller::{Caller, Origin, id_in_log};
use crate::ceilings::{Counter, Scope, Ticket};
use crate::clock::DAY;
use crate::code::Sealer;
use crate::events::Events;
use crate::outbox::Outbox;
use crate::problem::{Code, Problem};
use crate::queue::{Invite, Job, Queue};
use crate::table::{Table, Versioned};
use cognito_core::email::Email;
use cognito_core::user_pool::{MAX_USER_NAME_CHARS, NativeUserName, UserName};
use messages::{Mail, Person};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest value of an attribute, in characters (API model, `AttributeValueType`).
const MAX_ATTRIBUTE_CHARS: usize = 2048;

/// Invitations.
pub(crate) struct Invitations {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) table: Table,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) events: Events,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) sealer: Sealer,
    pub(crate) counter: Counter,
    pub(crate) settings: super::Settings,
}

/// What an invitation is asked for.
pub(super) struct Order<'a> {
    pub(super) email: &'a Email,
    pub(super) attributes: &'a BTreeMap<String, String>,
    pub(super) asker: Asker<'a>,
    /// The member who asks. `None` where everybody may.
    pub(super) by: Option<&'a Member>,
}

impl Order<'_> {
    /// Whether the answer has the link, and no mail goes out.
    pub(super) fn hands_out(&self) -> bool {
        self.by.is_some_and(|by| by.wishes.hand_out)
    }
}

/// A member who invites.
pub(super) struct Member {
    pub(super) sub: String,
    pub(super) wishes: Wishes,
}

/// An empty object where everybody may invite, so that the answer does not say who has an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Invited)]
pub(crate) struct Sent {
    /// The invitation, for members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The link, with `"notify": false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// An invitation that was counted, and what is needed to undo that.
pub(super) struct Admission {
    read: Versioned<LastInvited>,
    former: LastInvited,
    ticket: Ticket,
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
        asker: Asker<'_>,
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
            self.invite_by_anybody(origin, email, attributes, asker).await?;
            return Ok(Sent::default());
        };
        self.may_wish(&by.wishes)?;
        let order = Order { email, attributes, asker, by: Some(&by) };
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
        asker: Asker<'_>,
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
        let locales = asker.locales.iter().map(|locale| (*locale).to_owned()).collect();
        let client = asker.client.map(str::to_owned);
        let (email, attributes) = (email.as_str().to_owned(), attributes.clone());
        let job = Job::Invite(Invite { email, attributes, locales, client });
        if let Err(why) = self.queue.put(&job).await {
            return Err(self.withdraw(admitted, why.into()).await);
        }
        tracing::info!(decision = "invitation_taken", caller, "decided");
        Ok(())
    }

    /// Carries out what [`invite`](Self::invite) left. An earlier run may have done all of it or a part.
    pub(crate) async fn run(&self, job: &Invite) -> Result<(), Problem> {
        let locales: Vec<&str> = job.locales.iter().map(String::as_str).collect();
        let email = &self.usable(&job.email)?;
        let asker = Asker { locales: &locales, client: job.client.as_deref() };
        let order = Order { email, attributes: &job.attributes, asker, by: None };
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
        let last: Versioned<LastInvited> = self.table.load(key).await?;
        let admitted = match last.value.admit(self.table.now()) {
            Ok(admitted) => admitted,
            Err(seconds) => return Ok(Err(seconds)),
        };
        let former = last.value.clone();
        // This write also stops two invitations of one address at once from making two accounts. If no answer comes, it
        // may have been written, and then the address must wait for the pause.
        let written = self.table.replace(last, admitted).await.map_err(|why| why.no_sooner_than(super::PAUSE))?;
        let Some(read) = written else { return Ok(Err(super::PAUSE)) };
        let admission = Admission { read, former, ticket: Ticket::default() };
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
        match self.table.replace(admitted.read, admitted.former).await {
            Ok(Some(_)) => why,
            Ok(None) | Err(_) => why.no_sooner_than(super::PAUSE),
        }
    }

    /// What is stored of the invitation to the account with this user name.
    pub(super) async fn read(&self, user_name: &str) -> Result<Versioned<Invitation>, Problem> {
        self.table.load(format!("invitation#{user_name}")).await
    }

    pub(super) fn is_open(&self, invitation: &Invitation, order: &Order<'_>) -> bool {
        invitation.is_open(order.email, &self.sealer, self.table.now())
    }

    /// The invitation that was read, if it is open and its link serves this order, or a new one in its place.
    ///
    /// A link that was handed out is never mailed, and the other way round, because only a link that nobody but the
    /// mailbox has proves the address.
    pub(super) async fn current(
        &self,
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
        let written = self.table.replace(read, invitation).await?;
        Ok(written.ok_or(Code::TryAgain)?.value)
    }

    /// When an invitation expires that is sent now.
    pub(super) fn expiry(&self) -> u64 {
        self.table.now() + u64::from(self.settings.days) * DAY
    }

    /// Puts the invitation into the members' list and sends its link, in this order, so that nobody has a link that no
    /// member sees.
    pub(super) async fn deliver(
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
            self.table.replace(Versioned::nothing(listing.own_key()), listing).await?;
        }
        let link = self.send_link(user, to, invitation, name, inviter, order.asker).await?;
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
        asker: Asker<'_>,
    ) -> Result<Option<String>, Problem> {
        let token = invitation.token(user.as_str(), &self.sealer).ok_or(Code::Misconfigured)?;
        let days = invitation.expires_at.saturating_sub(self.table.now()).div_ceil(DAY);
        let days = u32::try_from(days).unwrap_or(self.settings.days);
        let mail = Mail::Activation { username: user.as_str(), token: token.as_str(), days, inviter };
        let person = Person { name, ..asker.person() };
        if invitation.handed_out {
            return Ok(Some(self.outbox.link(&mail, &person).ok_or(Code::Misconfigured)?));
        }
        self.outbox.send(email, &mail, person).await?;
        Ok(None)
    }
}
