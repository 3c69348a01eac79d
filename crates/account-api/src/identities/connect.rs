//! Two accounts become one, because one person has just signed in to both. One of them goes, and its identities sign in to
//! the other one from then on.
//!
//! The person signs in to the other account and lets it make an offer to the first one. The first one looks at both, and
//! then confirms which of them stays. Both are checked by API Gateway as every caller is, so nothing here reads a token.

use super::SelfService;
use super::approval::Approval;
use super::asked::Wish;
use super::flow::{Identities, gone_as};
use super::party::Party;
use super::state::{Move, Owner, State};
use super::view::{Choice, Connected, Connecting, Offer, Proposal};
use super::ways::label;
use crate::caller::{Caller, FRESH};
use crate::problem::{Code, Problem};
use cognito_core::email::Email;
use cognito_core::provider::{LinkBy, Trust};
use cognito_core::user_pool::{Identity, Profile};
use linking::{LinkWithFactors, SecondSubject};
use merge::{Join, NotJoinable, Proof, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an offer is signed for.
const OFFER: [&str; 1] = ["identity-offer"];

/// What the caller confirms.
#[derive(Clone, Copy)]
pub(crate) struct Confirmation<'a> {
    /// What the other account offered.
    pub(crate) offer: &'a str,
    /// The confirmation of what was shown.
    pub(crate) seen: &'a str,
    /// The `sub` of the account that stays.
    pub(crate) stays: &'a str,
    /// The code from a mail that approves it, in ASCII digits.
    pub(crate) code: Option<&'a str>,
}

/// What an offer says. The key of the API signs it.
#[derive(Serialize, Deserialize)]
struct Offered {
    of: Owner,
    to: String,
    signed_in_at: u64,
    may_be_federated: bool,
}

impl From<NotJoinable> for Code {
    fn from(why: NotJoinable) -> Self {
        match why {
            NotJoinable::SameProfile => Self::SameAccount,
            NotJoinable::StaysNotNative | NotJoinable::StaysNotConfirmed => Self::CannotStay,
            NotJoinable::ProviderNotLinked | NotJoinable::NoLinkValue | NotJoinable::StoredAttribute => {
                Self::ProviderNotLinked
            }
            NotJoinable::TooManyIdentities => Self::TooManyIdentities,
            NotJoinable::StaysDisabled
            | NotJoinable::GoesDisabled
            | NotJoinable::GoesUnknown
            | NotJoinable::ShutOut
            | NotJoinable::Identities => Self::AccountUnusable,
        }
    }
}

impl Identities {
    /// The caller's account is offered to another one.
    pub(crate) async fn offer(&self, caller: &Caller, to: &str) -> Result<Offer, Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        if to == caller.sub {
            return Err(Code::SameAccount.into());
        }
        let of = Owner::from(caller);
        let (read, _) = self.settled(&of, &caller.locales).await?;
        if !read.value.is_signed_in(signed_in_at) {
            return Err(Code::SignInAgain.into());
        }
        let may_be_federated = caller.may_be_federated();
        let offered = Offered { of, to: to.to_owned(), signed_in_at, may_be_federated };
        let offered = serde_json::to_string(&offered).map_err(|_| Code::Misconfigured)?;
        Ok(Offer { offer: self.sealer.sign(&OFFER, &offered), expires_at: signed_in_at + FRESH })
    }

    /// Reads an offer that this API made to the caller and that is still good.
    fn offered(&self, caller: &Caller, offer: &str, now: u64) -> Result<Offered, Code> {
        let offered = self.sealer.signed(&OFFER, offer).and_then(|text| serde_json::from_str::<Offered>(&text).ok());
        let offered = offered.filter(|offered| offered.to == caller.sub).ok_or(Code::OfferInvalid)?;
        if offered.of.sub == caller.sub {
            return Err(Code::SameAccount);
        }
        let is_fresh = now <= offered.signed_in_at.saturating_add(FRESH);
        if is_fresh { Ok(offered) } else { Err(Code::OfferExpired) }
    }

    /// Shows both accounts, and what may become of them.
    pub(crate) async fn look(&self, caller: &Caller, offer: &str) -> Result<Proposal, Problem> {
        let now = self.table.now();
        let signed_in_at = caller.fresh(now)?;
        let offered = self.offered(caller, offer, now)?;
        let (own, _) = self.settled(&Owner::from(caller), &caller.locales).await?;
        let (own, other) = self.parties(caller, &own.value, signed_in_at, &offered).await?;
        self.proposal(caller, offer, &own, &other)
    }

    /// Makes one account of the two, once the mailboxes have approved. Both are still as they were shown.
    pub(crate) async fn connect(&self, caller: &Caller, confirmed: &Confirmation<'_>) -> Result<Connecting, Problem> {
        let (owner, wish) = (&Owner::from(caller), Wish { confirmation: confirmed.seen, stays: confirmed.stays });
        let fresh_now = caller.fresh(self.table.now());
        let (read, _) = self.settled(owner, &caller.locales).await?;
        // The answer may have been lost.
        if let Some(done) = read.value.joined.as_ref().filter(|done| done.id == confirmed.seen) {
            return Ok(Connecting::Done(Connected { stays: done.stays.clone(), goes: done.goes.clone() }));
        }
        let now = self.table.now();
        let asked_at = read.value.asked.as_ref().and_then(|asked| asked.since(&wish, now));
        if confirmed.code.is_some() && asked_at.is_none() {
            return Err(Code::CodeExpired.into());
        }
        // A mail takes its time. Both sign-ins were fresh when the code was asked for, and the code expires by itself.
        let signed_in_at = fresh_now.or_else(|why| asked_at.map_or(Err(why), |at| caller.fresh(at)))?;
        let offered = self.offered(caller, confirmed.offer, asked_at.unwrap_or(now))?;
        let (own, other) = self.parties(caller, &read.value, signed_in_at, &offered).await?;
        if self.proposal(caller, confirmed.offer, &own, &other)?.confirmation != confirmed.seen {
            return Err(Code::AccountsChanged.into());
        }
        let (goes, stays) = match confirmed.stays {
            sub if sub == own.owner.sub => (&other, &own),
            sub if sub == other.owner.sub => (&own, &other),
            _ => return Err(Code::InvalidRequest.into()),
        };
        let step = self.joinable(goes, stays, caller)?;
        let connected = goes.profile.identities.first().or_else(|| stays.profile.identities.first());
        let provider = connected.map(|identity| label(&identity.provider_name).to_owned()).unwrap_or_default();
        let approvers = self.approvers(goes, stays)?;
        let approval = Approval { owner, wish, approvers, provider: &provider, locales: &caller.locales };
        if let Some(asked) = self.approved(&approval, confirmed.code).await? {
            return Ok(Connecting::Asked(asked));
        }
        let tell: BTreeSet<_> = [stays, goes].into_iter().filter_map(|party| self.proven(&party.record)).collect();
        let moving = Move {
            id: confirmed.seen.to_owned(),
            goes: goes.owner.clone(),
            provider,
            tell: tell.into_iter().collect(),
            step,
            begun_at: self.table.now(),
            tries: 0,
            entries: Vec::new(),
        };
        let read = self.begin_move(moving, goes, stays).await?;
        let joined = self.carry_out(read, &caller.locales).await?;
        Ok(Connecting::Done(Connected { stays: joined.stays, goes: joined.goes }))
    }

    /// Reads both accounts, for one more change that the caller begins.
    async fn parties(
        &self,
        caller: &Caller,
        own: &State,
        signed_in_at: u64,
        offered: &Offered,
    ) -> Result<(Party, Party), Problem> {
        let owner = Owner::from(caller);
        let (other, _) = self.settled(&offered.of, &caller.locales).await?;
        both_signed_in(own, signed_in_at, &other.value, offered)?;
        self.count(&owner).await?;
        let own = self.party(owner, signed_in_at, caller.may_be_federated()).await?;
        let other = self.party(offered.of.clone(), offered.signed_in_at, offered.may_be_federated).await?;
        Ok((own, other))
    }

    async fn party(&self, owner: Owner, signed_in_at: u64, may_be_federated: bool) -> Result<Party, Problem> {
        let record = self.open_record(&owner).await?;
        let profile = record.profile().map_err(|why| Problem::from(Code::Misconfigured).because(&why))?;
        let groups = self.accounts.groups(&owner.name()).await.map_err(gone_as(Code::AccountUnusable))?;
        Ok(Party { owner, record, profile, groups, signed_in_at, may_be_federated })
    }

    /// What may become of the two. The confirmation is bound to the caller, the offer and everything that is shown.
    fn proposal(&self, caller: &Caller, offer: &str, own: &Party, other: &Party) -> Result<Proposal, Problem> {
        let choice = |goes: &Party, stays: &Party| {
            self.joinable(goes, stays, caller)
                .map(|_| Choice { stays: stays.owner.sub.clone(), goes: goes.owner.sub.clone() })
        };
        let (absorbs, leaves) = (choice(other, own), choice(own, other));
        let choices = match (absorbs, leaves) {
            (Err(why), Err(_)) => return Err(why.into()),
            (one, other) => one.into_iter().chain(other).collect(),
        };
        let mut proposal = Proposal {
            own: own.view(&self.settings),
            other: other.view(&self.settings),
            choices,
            confirmation: String::new(),
        };
        let seen = serde_json::to_string(&proposal).map_err(|_| Code::Misconfigured)?;
        let seal = self.sealer.seal(&["identity-confirmation", &caller.sub, offer], &seen);
        seal.as_str().clone_into(&mut proposal.confirmation);
        Ok(proposal)
    }

    /// Whether one account may be absorbed by the other.
    fn joinable(&self, goes: &Party, stays: &Party, caller: &Caller) -> Result<Step, Code> {
        let join = Join { proof: Proof::SignedInToBoth, goes: goes.side(), stays: stays.side() };
        let step = Step::joining(join, &self.settings.providers)?;
        if self.settings.self_service != SelfService::Any && !goes.is_new() {
            return Err(Code::OlderAccount);
        }
        self.linkable(&goes.profile, &stays.profile)?;
        self.approvers(goes, stays)?;
        // The caller may give up an account that has only a password, for one that has the provider already.
        let gives_up =
            goes.owner.sub == caller.sub && goes.profile.identities.is_empty() && !stays.profile.identities.is_empty();
        if !gives_up && !goes.is_signed_in_by_its_identity() {
            return Err(Code::NotByProvider);
        }
        // Its rights would be lost. The other account's rights would be gained by whoever has the identity: they are the
        // same person's, who has just signed in to both.
        let kept = stays.own_groups(&self.settings);
        let is_kept = |group: &&String| kept.contains(group) || self.settings.default_group.as_ref() == Some(*group);
        if goes.own_groups(&self.settings).iter().all(is_kept) { Ok(step) } else { Err(Code::GroupsDiffer) }
    }

    /// Whether the operator lets one account's identities be linked to the other, as at a sign-in.
    fn linkable(&self, goes: &Profile, stays: &Profile) -> Result<(), Code> {
        if !goes.identities.iter().all(|identity| self.is_ever_linked(goes, identity)) {
            return Err(Code::ProviderNotLinked);
        }
        let is_second = |identity: &Identity| {
            stays.identities.iter().any(|known| known.provider_name.eq_ignore_ascii_case(&identity.provider_name))
        };
        if self.settings.second_subject != SecondSubject::Link && goes.identities.iter().any(is_second) {
            return Err(Code::SecondSubject);
        }
        let refuses_factors = self.settings.link_with_factors == LinkWithFactors::Refuse;
        if refuses_factors && stays.has_second_factor && !goes.identities.is_empty() {
            return Err(Code::SecondFactor);
        }
        Ok(())
    }

    /// Whether a sign-in of the identity could be linked. Cognito writes its address to the account, as verified if that
    /// claim is mapped, so the provider must be trusted for the address.
    fn is_ever_linked(&self, profile: &Profile, identity: &Identity) -> bool {
        let Some(provider) = self.settings.providers.named(&identity.provider_name) else { return false };
        let email = profile.email.as_deref().and_then(|email| Email::parse(email).ok());
        provider.trust != Trust::Never
            && provider.link_by != LinkBy::Nothing
            && (provider.domains.is_every_domain() || email.is_some_and(|email| provider.domains.contain(&email)))
    }
}

/// Refuses sign-ins from before the sessions of one of the two accounts were ended.
fn both_signed_in(own: &State, signed_in_at: u64, other: &State, offered: &Offered) -> Result<(), Code> {
    if !own.is_signed_in(signed_in_at) {
        return Err(Code::SignInAgain);
    }
    if other.is_signed_in(offered.signed_in_at) { Ok(()) } else { Err(Code::OfferExpired) }
}
