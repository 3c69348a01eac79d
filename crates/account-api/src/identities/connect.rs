//! Two accounts become one, because one person has just signed in to both. One of them goes, and its identities sign in to
//! the other one from then on.
//!
//! The person signs in to the other account and lets it make an offer to the first one. The first one looks at both, and
//! then confirms which of them stays. Both are checked by API Gateway as every caller is, so nothing here reads a token.

use super::SelfService;
use super::flow::{Identities, WRITE_TRIES, key};
use super::merging::{Pool, TableJournal, history_of};
use super::state::{Joined, Move, Notice, Owner, State, What, Work};
use super::ways::{account_at_provider, label};
use crate::caller::{Caller, FRESH};
use crate::mask::masked;
use crate::problem::{Code, Problem};
use crate::table::Versioned;
use cognito_core::email::Email;
use cognito_core::provider::{LinkBy, Trust};
use cognito_core::user_pool::{Identity, PoolSettings, Profile, ProfileRecord, Status};
use linking::{LinkWithFactors, Policy, SecondSubject};
use merge::{
    CopyOptions, Join, Journal as _, MergeError, MergeState, Merger, NotJoinable, Planned, Proof, RateLimits, Rules,
    Side, Step, StepResult, WholeProfile, is_group_of_provider,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa::ToSchema;

/// A native account was made for an identity if the two are no further apart than this, in seconds.
const TOGETHER: u64 = 60;

/// What an offer is signed for.
const OFFER: [&str; 1] = ["identity-offer"];

/// How long a merge waits before it looks again for a profile that came back.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Made by the account that is to be connected, for the account that connects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IdentityOffer)]
pub struct Offer {
    /// Hand it in with the token of the account that it was made to. Whoever has both can join the two accounts.
    #[schema(example = "7b2273…5d.5f0c9a3b…")]
    pub offer: String,
    /// Until when it is good, in seconds since 1970: as long as the sign-in is fresh.
    pub expires_at: u64,
}

/// Both accounts, for the person to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionProposal)]
pub struct Proposal {
    /// The caller's account.
    pub own: AccountView,
    /// The account that made the offer.
    pub other: AccountView,
    /// What may be done.
    pub choices: Vec<Choice>,
    /// Send it along to confirm. It is good for these two accounts as they are shown here.
    pub confirmation: String,
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccountToConnect)]
pub struct AccountView {
    /// Its `sub`.
    pub sub: String,
    /// When it was made, in seconds since 1970, where the pool tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<u64>,
    /// Its address, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a***@example.com")]
    pub email: Option<String>,
    /// Whether it was made by this sign-in, or at most ten minutes before it, so that the application keeps little under
    /// its `sub` yet.
    pub is_new: bool,
    /// The providers that are connected to it.
    pub identities: Vec<IdentityView>,
    /// Its groups.
    pub groups: Vec<String>,
}

/// A provider that is connected to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IdentityToConnect)]
pub struct IdentityView {
    /// The provider's name in the pool.
    #[schema(example = "Google")]
    pub provider: String,
    /// What people call it.
    #[schema(example = "Google")]
    pub label: String,
    /// The address that the person has there, masked, where the pool knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a***@example.com")]
    pub account: Option<String>,
}

/// Which account stays, and which one is deleted with its `sub` and all that the application keeps under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConnectionChoice)]
pub struct Choice {
    /// The `sub` of the account that stays.
    pub stays: String,
    /// The `sub` of the account that goes.
    pub goes: String,
}

/// What became of a request to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Connecting {
    /// Both accounts, to look at and to confirm.
    Proposed(Box<Proposal>),
    /// They are one.
    Done(Connected),
}

/// The accounts are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccountsConnected)]
pub struct Connected {
    /// The `sub` of the account that every identity of both signs in to.
    pub stays: String,
    /// The `sub` of the deleted account. Its tokens are good for this API until they expire, and for nothing else.
    pub goes: String,
}

/// What an offer says. The key of the API signs it.
#[derive(Serialize, Deserialize)]
struct Offered {
    of: Owner,
    to: String,
    signed_in_at: u64,
    may_be_federated: bool,
}

/// One of the two accounts, as it is now, and its sign-in.
struct Party {
    owner: Owner,
    record: ProfileRecord,
    profile: Profile,
    groups: Vec<String>,
    signed_in_at: u64,
    may_be_federated: bool,
}

impl Party {
    /// Whether this sign-in made the account, or one at most ten minutes before it.
    fn is_new(&self) -> bool {
        self.record.created.is_some_and(|created| created.saturating_add(FRESH) >= self.signed_in_at)
    }

    /// Whether the person signed in with the account's only identity, so that nobody who merely knows a password moves
    /// it. A stand-alone profile has no password. A native one that was made with its identity a moment ago has one that
    /// nobody knows yet.
    fn is_signed_in_by_its_identity(&self) -> bool {
        let [only] = self.profile.identities.as_slice() else { return false };
        if self.profile.is_stand_alone() {
            return self.profile.status == Status::ExternalProvider;
        }
        self.may_be_federated && self.is_new() && self.was_made_with(only)
    }

    fn was_made_with(&self, identity: &Identity) -> bool {
        let connected = identity.connected.and_then(|time| u64::try_from(time / 1000).ok());
        connected.zip(self.record.created).is_some_and(|(one, other)| one.abs_diff(other) <= TOGETHER)
    }

    fn view(&self, settings: &super::Settings) -> AccountView {
        let identity = |identity: &Identity| IdentityView {
            provider: identity.provider_name.clone(),
            label: label(&identity.provider_name).to_owned(),
            account: account_at_provider(&self.profile, identity),
        };
        AccountView {
            sub: self.owner.sub.clone(),
            created_at: self.record.created,
            email: self.profile.email.as_deref().map(masked),
            is_new: self.is_new(),
            identities: self.profile.identities.iter().map(identity).collect(),
            groups: self.own_groups(settings).into_iter().cloned().collect(),
        }
    }

    /// Its groups, without those that Cognito keeps for a provider.
    fn own_groups(&self, settings: &super::Settings) -> BTreeSet<&String> {
        let is_own = |group: &&String| !is_group_of_provider(group, &settings.user_pool_id, &self.record);
        self.groups.iter().filter(is_own).collect()
    }

    fn side(&self) -> Side {
        let whole = WholeProfile { profile: self.record.clone(), groups: self.groups.clone() };
        Side { whole, factors: None }
    }
}

impl From<NotJoinable> for Code {
    fn from(why: NotJoinable) -> Self {
        match why {
            NotJoinable::SameProfile => Self::SameAccount,
            NotJoinable::StaysNotNative | NotJoinable::StaysNotConfirmed => Self::CannotStay,
            NotJoinable::ProviderNotLinked | NotJoinable::NoLinkValue => Self::ProviderNotLinked,
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
    pub(crate) async fn offer(&self, caller: &Caller, to: &str, locales: &[&str]) -> Result<Offer, Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        if to == caller.sub {
            return Err(Code::SameAccount.into());
        }
        let of = Owner::from(caller);
        let (read, _) = self.settled(&of, locales).await?;
        if !read.value.is_signed_in(signed_in_at) {
            return Err(Code::SignInAgain.into());
        }
        let may_be_federated = caller.may_be_federated();
        let offered = Offered { of, to: to.to_owned(), signed_in_at, may_be_federated };
        let offered = serde_json::to_string(&offered).map_err(|_| Code::Misconfigured)?;
        Ok(Offer { offer: self.sealer.sign(&OFFER, &offered), expires_at: signed_in_at + FRESH })
    }

    /// Reads an offer that this API made to the caller and that is still good.
    fn offered(&self, caller: &Caller, offer: &str) -> Result<Offered, Code> {
        let offered = self.sealer.signed(&OFFER, offer).and_then(|text| serde_json::from_str::<Offered>(&text).ok());
        let offered = offered.filter(|offered| offered.to == caller.sub).ok_or(Code::OfferInvalid)?;
        if offered.of.sub == caller.sub {
            return Err(Code::SameAccount);
        }
        let is_fresh = self.table.now() <= offered.signed_in_at.saturating_add(FRESH);
        if is_fresh { Ok(offered) } else { Err(Code::OfferExpired) }
    }

    /// Shows both accounts, and what may become of them.
    pub(crate) async fn look(&self, caller: &Caller, offer: &str, locales: &[&str]) -> Result<Proposal, Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        let offered = self.offered(caller, offer)?;
        let (own, _) = self.settled(&Owner::from(caller), locales).await?;
        let (other, _) = self.settled(&offered.of, locales).await?;
        both_signed_in(&own.value, signed_in_at, &other.value, &offered)?;
        self.count(&Owner::from(caller)).await?;
        let (own, other) = self.parties(caller, &offered).await?;
        self.proposal(caller, offer, &own, &other)
    }

    /// Makes one account of the two. Both are still as they were shown.
    pub(crate) async fn connect(
        &self,
        caller: &Caller,
        offer: &str,
        confirmation: &str,
        stays: &str,
        locales: &[&str],
    ) -> Result<Connected, Problem> {
        let signed_in = caller.fresh(self.table.now());
        let (read, _) = self.settled(&Owner::from(caller), locales).await?;
        // The answer may have been lost.
        if let Some(done) = read.value.joined.as_ref().filter(|done| done.id == confirmation) {
            return Ok(Connected { stays: done.stays.clone(), goes: done.goes.clone() });
        }
        let signed_in_at = signed_in?;
        let offered = self.offered(caller, offer)?;
        let (other, _) = self.settled(&offered.of, locales).await?;
        both_signed_in(&read.value, signed_in_at, &other.value, &offered)?;
        self.count(&Owner::from(caller)).await?;
        let (own, other) = self.parties(caller, &offered).await?;
        let proposal = self.proposal(caller, offer, &own, &other)?;
        if proposal.confirmation != confirmation {
            return Err(Code::AccountsChanged.into());
        }
        let (goes, stays) = match stays {
            sub if sub == own.owner.sub => (&other, &own),
            sub if sub == other.owner.sub => (&own, &other),
            _ => return Err(Code::InvalidRequest.into()),
        };
        let step = self.joinable(goes, stays, caller)?;
        let connected = goes.profile.identities.first().or_else(|| stays.profile.identities.first());
        let provider = connected.map(|identity| label(&identity.provider_name).to_owned()).unwrap_or_default();
        let tell: BTreeSet<_> = [stays, goes].into_iter().filter_map(|party| self.proven(&party.record)).collect();
        let moving = Move {
            id: confirmation.to_owned(),
            goes: goes.owner.clone(),
            provider,
            tell: tell.into_iter().collect(),
            step,
            begun_at: self.table.now(),
            tries: 0,
            entries: Vec::new(),
        };
        let read = self.begin_move(moving, goes, stays).await?;
        let Joined { stays, goes, .. } = self.carry_out(read, locales).await?;
        Ok(Connected { stays, goes })
    }

    /// Reads both accounts.
    async fn parties(&self, caller: &Caller, offered: &Offered) -> Result<(Party, Party), Problem> {
        let signed_in_at = caller.fresh(self.table.now())?;
        let own = self.party(Owner::from(caller), signed_in_at, caller.may_be_federated()).await?;
        let other = self.party(offered.of.clone(), offered.signed_in_at, offered.may_be_federated).await?;
        Ok((own, other))
    }

    async fn party(&self, owner: Owner, signed_in_at: u64, may_be_federated: bool) -> Result<Party, Problem> {
        let record = self.accounts.record(&owner.user_name).await?;
        let record = record.filter(|record| record.sub() == owner.sub && record.enabled);
        let record = record.ok_or(Code::AccountUnusable)?;
        let profile = record.profile().map_err(|why| Problem::from(Code::Misconfigured).because(&why))?;
        let groups = self.accounts.groups(&owner.name()).await?;
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

    /// Takes both accounts for the move: first the one that goes, which leads to the one that stays.
    async fn begin_move(&self, moving: Move, goes: &Party, stays: &Party) -> Result<Versioned<State>, Problem> {
        let id = moving.id.clone();
        let going: Versioned<State> = self.idle(goes).await?;
        let going = self.begin(&goes.owner, going, Work::Leave { id, into: stays.owner.sub.clone() }).await?;
        let staying = match self.idle(stays).await {
            Ok(read) => self.begin(&stays.owner, read, Work::Absorb(Box::new(moving))).await,
            Err(why) => Err(why),
        };
        if staying.as_ref().is_err_and(|why| matches!(why.code(), Code::IdentityChanging | Code::SignInAgain)) {
            let after = going.value.clone().ended([], self.table.now());
            self.table.replace(&key(&goes.owner.sub), going, after).await?;
        }
        staying
    }

    /// The state of an account at which nobody works, and whose sessions nobody ended since.
    async fn idle(&self, party: &Party) -> Result<Versioned<State>, Problem> {
        let read: Versioned<State> = self.table.load(&key(&party.owner.sub)).await?;
        if read.value.work.is_some() {
            return Err(Code::IdentityChanging.into());
        }
        if read.value.is_signed_in(party.signed_in_at) { Ok(read) } else { Err(Code::SignInAgain.into()) }
    }

    /// Carries a move out, or goes on with one. The caller has the account that stays to itself. If nothing of a move has
    /// happened that cannot be done any more, it ends with [`Code::AccountsChanged`].
    pub(super) async fn carry_out(&self, read: Versioned<State>, locales: &[&str]) -> Result<Joined, Problem> {
        let Some(moving) = read.value.moving().cloned() else { return Err(Code::TryAgain.into()) };
        let stays = staying(&moving.step).ok_or(Code::Misconfigured)?;
        let known = history_of(&read.value).merge_of(&moving.goes.user_name).cloned().unwrap_or_default();
        if self.is_in_use_again(&moving, &known).await? {
            self.give_up(&moving, &stays, read).await?;
            return Err(Code::AccountsChanged.into());
        }
        let mut journal = TableJournal::of(&self.table, &stays.sub, read);
        let result = self.merge(&mut journal, &moving.step).await;
        let state = journal.history().merge_of(&moving.goes.user_name).cloned().unwrap_or_default();
        let Some(read) = journal.into_read() else {
            return Err(result.err().unwrap_or_else(|| Code::TryAgain.into()));
        };
        let joined = Joined { id: moving.id.clone(), stays: stays.sub.clone(), goes: moving.goes.sub.clone() };
        match result {
            Ok(()) => {
                let (provider, old_sub) = (&moving.provider, &moving.goes.sub);
                tracing::info!(decision = "identity_connected", provider, sub = stays.sub, old_sub, "decided");
                self.joined(&moving, &stays, read, &joined, locales).await?;
                Ok(joined)
            }
            Err(why) => {
                let is_elsewhere = state.is_half_done() && self.has_moved_on(&moving, &state).await?;
                if why.is_passing() && !state.attempts.is_empty() && !is_elsewhere {
                    let after = read.value.clone().paused(self.table.now());
                    self.table.replace(&key(&stays.sub), read, after).await?;
                    return Err(why);
                }
                if state.is_half_done() && !is_elsewhere {
                    // Nothing would change that. The identity's next sign-in is one of somebody new.
                    let (error_code, sub, old_sub) = ("identity_not_connected", &stays.sub, &moving.goes.sub);
                    tracing::error!(error_code, sub, old_sub, "an identity has no account until its next sign-in");
                }
                self.give_up(&moving, &stays, read).await?;
                Err(if is_elsewhere { Code::AccountsChanged.into() } else { why })
            }
        }
    }

    /// Ends a move without its end.
    async fn give_up(&self, moving: &Move, stays: &Owner, read: Versioned<State>) -> Result<(), Problem> {
        let after = read.value.clone().ended([], self.table.now());
        self.table.replace(&key(&stays.sub), read, after).await?;
        self.let_go(&moving.goes, &moving.id, None).await
    }

    /// Whether a profile of the same name came back that may be in use by now. Only one that is as young as the move, and
    /// has no rights, is absorbed like the one before it.
    async fn is_in_use_again(&self, moving: &Move, state: &MergeState) -> Result<bool, Problem> {
        if state.attempts.is_empty() {
            return Ok(false);
        }
        let is_new = |record: &ProfileRecord| state.attempts.iter().all(|begin| begin.profile.sub() != record.sub());
        let Some(record) = self.accounts.record(&moving.goes.user_name).await?.filter(is_new) else { return Ok(false) };
        if record.created.is_none_or(|created| created > moving.begun_at.saturating_add(FRESH)) {
            return Ok(true);
        }
        let is_right = |group: &String| {
            !is_group_of_provider(group, &self.settings.user_pool_id, &record)
                && self.settings.default_group.as_ref() != Some(group)
        };
        Ok(self.accounts.groups(&record.name()).await?.iter().any(is_right))
    }

    /// One merge with the rules of the crate.
    async fn merge(&self, journal: &mut TableJournal<'_>, step: &Step) -> Result<(), Problem> {
        let rules =
            Rules { providers: self.settings.providers.clone(), policy: Policy::default(), trust_stored_values: false };
        let (pool, limits) = (Pool(&*self.accounts), RateLimits::none());
        let merger = Merger {
            pool: &pool,
            user_pool_id: &self.settings.user_pool_id,
            settings: &PoolSettings::default(),
            rules: &rules,
            copy: &CopyOptions::default(),
            limits: &limits,
            pause: LOOK_AGAIN,
        };
        let planned =
            Planned { line: 0, email: String::new(), merge: vec![step.clone()], leave: Vec::new(), group: None };
        let mut results = Vec::new();
        match merger.merge(journal, &planned, &mut results).await {
            Ok(()) => match results.first() {
                Some(StepResult::Done | StepResult::DoneBefore | StepResult::DoneWithout(_)) => Ok(()),
                Some(StepResult::Skipped(why)) if why == NotJoinable::ShutOut.code() => {
                    Err(Code::AccountUnusable.into())
                }
                Some(StepResult::Skipped(_)) | None => Err(Code::AccountsChanged.into()),
                Some(StepResult::Failed(_)) => Err(Code::Misconfigured.into()),
            },
            Err(MergeError::Pool(error)) => Err(error.into()),
            Err(error @ MergeError::Incomplete { may_pass: false, .. }) => {
                Err(Problem::from(Code::Misconfigured).because(&error))
            }
            Err(error @ (MergeError::Journal(_) | MergeError::Incomplete { .. })) => {
                Err(Problem::from(Code::TryAgain).because(&error))
            }
        }
    }

    /// Whether everything that is on its way has another account by now: its owner signed in, and the triggers linked it
    /// or Cognito made a profile. Then there is nothing to give back.
    async fn has_moved_on(&self, moving: &Move, state: &MergeState) -> Result<bool, Problem> {
        let Some(join) = &moving.step.join else { return Ok(false) };
        let Ok(going) = join.goes.profile().profile() else { return Ok(false) };
        let known = [join.stays.profile().sub(), going.sub.as_str()];
        let mut found: Vec<_> = self.accounts.profile(&moving.goes.user_name).await?.into_iter().collect();
        if let Some(Ok(address)) = going.email.as_deref().map(Email::parse) {
            found.extend(self.accounts.profiles_with_email(&address).await?);
        }
        let mut others = found.iter().filter(|profile| !known.contains(&profile.sub.as_str()));
        // A link may be by an attribute.
        let link = state.attempts.last().and_then(|begin| begin.identity.as_ref());
        let has_link = |other: &Profile, identity: &Identity| {
            link.filter(|link| link.provider().eq_ignore_ascii_case(&identity.provider_name))
                .is_some_and(|link| has(other, &Identity { user_id: link.value().to_owned(), ..identity.clone() }))
        };
        let has_all = |other: &&Profile| {
            going.identities.iter().all(|identity| has(other, identity) || has_link(other, identity))
        };
        Ok(!going.identities.is_empty() && others.any(|other| has_all(&other)))
    }

    /// The two accounts are one. Stores the end, and tells the owner.
    async fn joined(
        &self,
        moving: &Move,
        stays: &Owner,
        read: Versioned<State>,
        joined: &Joined,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let notice = |to: &String| Notice::new(What::Connected, to.clone(), moving.provider.clone());
        let ended = read.value.clone().joined(joined.clone(), moving.tell.iter().map(notice), self.table.now());
        self.end(stays, read, ended, locales).await?;
        self.let_go(&moving.goes, &moving.id, Some(joined)).await
    }

    /// Ends the move in the state of the account that goes.
    async fn let_go(&self, goes: &Owner, id: &str, joined: Option<&Joined>) -> Result<(), Problem> {
        for _ in 0..WRITE_TRIES {
            let read: Versioned<State> = self.table.load(&key(&goes.sub)).await?;
            if !matches!(&read.value.work, Some(Work::Leave { id: known, .. }) if known == id) {
                return Ok(());
            }
            let (state, now) = (read.value.clone(), self.table.now());
            let after = match joined {
                Some(joined) => state.joined(joined.clone(), [], now),
                None => state.ended([], now),
            };
            if self.table.replace(&key(&goes.sub), read, after).await?.is_some() {
                return Ok(());
            }
        }
        Err(Code::TryAgain.into())
    }

    /// Completes a move from the side of the account that goes. The caller has that account to itself.
    pub(super) async fn complete_leaving(
        &self,
        goes: &Owner,
        read: Versioned<State>,
        id: &str,
        into: &str,
        locales: &[&str],
    ) -> Result<(), Problem> {
        let staying: Versioned<State> = self.table.load(&key(into)).await?;
        let now = self.table.now();
        if staying.value.moving().is_some_and(|moving| moving.id == id) {
            if staying.value.is_held(now) {
                let after = read.value.clone().released();
                self.table.replace(&key(&goes.sub), read, after).await?;
                return Err(Code::IdentityChanging.into());
            }
            let held = staying.value.clone().held(now);
            let held = self.table.replace(&key(into), staying, held).await?.ok_or(Code::IdentityChanging)?;
            return self.carry_out(held, locales).await.map(drop);
        }
        // It ended, or never began.
        let joined = staying.value.joined.filter(|joined| joined.id == id);
        self.let_go(goes, id, joined.as_ref()).await
    }
}

/// Refuses sign-ins from before the sessions of one of the two accounts were ended.
fn both_signed_in(own: &State, signed_in_at: u64, other: &State, offered: &Offered) -> Result<(), Code> {
    if !own.is_signed_in(signed_in_at) {
        return Err(Code::SignInAgain);
    }
    if other.is_signed_in(offered.signed_in_at) { Ok(()) } else { Err(Code::OfferExpired) }
}

/// Whether an identity signs in to the account. Subjects compare exactly, as Cognito compares them.
fn has(profile: &Profile, identity: &Identity) -> bool {
    let is = |known: &Identity| {
        known.user_id == identity.user_id && known.provider_name.eq_ignore_ascii_case(&identity.provider_name)
    };
    profile.identities.iter().any(is)
}

/// The account that stays.
fn staying(step: &Step) -> Option<Owner> {
    let record = step.join.as_ref()?.stays.profile();
    Some(Owner { sub: record.sub().to_owned(), user_name: record.user_name.clone() })
}
