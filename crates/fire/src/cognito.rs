//! A stand-in for Cognito that remembers people and throttles as Cognito does.
//!
//! It plays a pool with the address as user name, and the calls of the triggers. It speaks the API's JSON, so that the
//! real adapter, with the SDK's own retries, can call it: in virtual time (`client`), or over TLS (`bench::stand_in`).

mod quota;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use quota::Bucket;
pub use quota::Category;

/// How long a call takes.
pub const LATENCY: Duration = Duration::from_millis(100);

/// How long Cognito waits for a trigger.
pub const CUT_OFF: Duration = Duration::from_secs(5);

/// How often Cognito calls a trigger that does not answer, in all.
pub const INVOCATIONS: u32 = 3;

/// When the accounts that people have already were made, in seconds since 1970.
const LONG_AGO: u64 = 1_700_000_000;

/// The stand-in. The default one is an empty pool that never throttles.
#[derive(Debug, Default)]
pub struct Cognito {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<Category, Bucket>,
    tallies: BTreeMap<Category, Tally>,
    /// By the number that each got when it was made.
    accounts: BTreeMap<usize, Account>,
    made: usize,
    /// By user name and by address.
    by_name: HashMap<String, usize>,
    /// By the federated user name.
    by_identity: HashMap<String, usize>,
    /// How often each operation was carried out.
    carried_out: BTreeMap<String, u64>,
}

/// The calls of one category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Let through.
    pub answered: u32,
    /// Thrown back.
    pub throttled: u32,
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) sub: String,
    pub(crate) email: String,
    /// Whether the address does not show as verified.
    pub(crate) unverified: bool,
    pub(crate) status: Status,
    /// The ways in that somebody else may have.
    pub(crate) ways_in: BTreeSet<WayIn>,
    /// In seconds since 1970.
    pub(crate) created: u64,
    /// By provider and subject.
    pub(crate) identities: Vec<(String, String)>,
    pub(crate) groups: BTreeSet<String>,
}

/// What Cognito calls the status of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its password is permanent.
    #[default]
    Confirmed,
    /// Its password is a temporary one.
    ForceChangePassword,
    /// Somebody registered it and entered no code.
    Unconfirmed,
    /// Made by Cognito for an identity that nobody linked.
    ExternalProvider,
}

/// What lets somebody in who registered an address that is not theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WayIn {
    Password,
    Session,
    Phone,
    Factor,
}

impl WayIn {
    /// Everything.
    pub(crate) const ALL: [Self; 4] = [Self::Password, Self::Session, Self::Phone, Self::Factor];
}

impl Account {
    /// Whether a person who came new has all that they should: a permanent password and the group.
    fn is_complete(&self, group: &str) -> bool {
        self.status == Status::Confirmed && self.groups.contains(group)
    }
}

/// An answer: the HTTP status and the body.
pub type Answer = (u16, String);

impl Cognito {
    /// An empty pool, with full buckets.
    #[must_use]
    pub fn with_quotas() -> Self {
        let buckets = Category::ALL.into_iter().map(|category| (category, Bucket::of(category))).collect();
        Self { state: State { buckets, ..State::default() }.into() }
    }

    /// Adds a confirmed account that was made long ago, with this user name and this `sub`.
    pub(crate) fn add_named(&self, user_name: &str, sub: &str) {
        let mut state = self.state();
        let at = state.add(Account { created: LONG_AGO, ..Account::default() });
        if let Some(account) = state.accounts.get_mut(&at) {
            sub.clone_into(&mut account.sub);
        }
        for name in [user_name, sub] {
            state.by_name.insert(name.to_owned(), at);
        }
    }

    /// Forgets everybody.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.accounts.clear();
        state.by_name.clear();
        state.by_identity.clear();
    }

    /// Adds a person who has a confirmed and verified account since long ago.
    pub fn add_known(&self, email: &str) {
        self.add(Account { email: email.to_owned(), ..Account::default() });
    }

    /// Adds an account that was made long ago, and returns its `sub`.
    pub(crate) fn add(&self, account: Account) -> String {
        let mut state = self.state();
        let at = state.add(Account { created: LONG_AGO, ..account });
        state.accounts[&at].sub.clone()
    }

    /// All accounts.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.state().accounts.values().cloned().collect()
    }

    /// Answers a call. Its effect, if it is let through, has happened then.
    pub fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut state = self.state();
        if Category::of(operation).is_some_and(|category| !state.lets_through(category)) {
            return refused("TooManyRequestsException", "Rate exceeded");
        }
        match state.carry_out(operation, &request) {
            Ok(answer) => {
                *state.carried_out.entry(operation.to_owned()).or_default() += 1;
                (200, answer.to_string())
            }
            Err(code) => refused(code, "refused"),
        }
    }

    /// Whether Cognito lets another federated sign-in in.
    #[must_use]
    pub fn admits(&self) -> bool {
        self.state().lets_through(Category::UserFederation)
    }

    /// Whether the identity signs in to an account, so that no trigger is asked.
    #[must_use]
    pub fn knows(&self, user_name: &str) -> bool {
        self.state().by_identity.contains_key(user_name)
    }

    /// Signs an identity in whose trigger had no objection, and returns the `sub` of its account. An identity that nobody
    /// linked gets one of its own.
    pub fn sign_in(&self, user_name: &str, email: &str) -> String {
        let mut state = self.state();
        let at = state.by_identity.get(user_name).copied().unwrap_or_else(|| {
            let status = Status::ExternalProvider;
            let at = state.add(Account { email: email.to_owned(), status, ..Account::default() });
            state.by_identity.insert(user_name.to_owned(), at);
            at
        });
        state.accounts[&at].sub.clone()
    }

    /// The calls so far.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<Category, Tally> {
        self.state().tallies.clone()
    }

    /// How often each operation was carried out.
    pub(crate) fn carried_out(&self) -> BTreeMap<String, u64> {
        self.state().carried_out.clone()
    }

    /// How many accounts there are beyond one for each address.
    #[must_use]
    pub fn second_accounts(&self) -> usize {
        let state = self.state();
        let addresses: BTreeSet<_> = state.accounts.values().map(|account| &account.email).collect();
        state.accounts.len() - addresses.len()
    }

    /// How many people signed in to an account that this launch made and that lacks its permanent password or the group.
    #[must_use]
    pub fn incomplete(&self, group: &str) -> usize {
        let state = self.state();
        let is_new = |account: &&Account| account.created != LONG_AGO && !account.identities.is_empty();
        state.accounts.values().filter(is_new).filter(|account| !account.is_complete(group)).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lets_through(&mut self, category: Category) -> bool {
        let through = self.buckets.get_mut(&category).is_none_or(Bucket::takes_one);
        let tally = self.tallies.entry(category).or_default();
        if through {
            tally.answered += 1;
        } else {
            tally.throttled += 1;
        }
        through
    }

    fn add(&mut self, account: Account) -> usize {
        let at = self.made;
        self.made += 1;
        let sub = format!("00000000-0000-4000-a000-{at:012}");
        self.by_name.insert(sub.clone(), at);
        if account.status != Status::ExternalProvider {
            self.by_name.insert(account.email.clone(), at);
        }
        self.accounts.insert(at, Account { sub, ..account });
        at
    }

    fn carry_out(&mut self, operation: &str, request: &Value) -> Result<Value, &'static str> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(match operation {
            "ListUsers" => {
                let filter = text(&request["Filter"]);
                let email = filter.strip_prefix("email = \"").and_then(|rest| rest.strip_suffix('"'));
                let found: Vec<_> = email.and_then(|email| self.by_name.get(email)).into_iter().collect();
                json!({ "Users": found.into_iter().map(|at| shown(&self.accounts[at], "Attributes")).collect::<Vec<_>>() })
            }
            "AdminGetUser" => shown(self.named(&request["Username"])?, "UserAttributes"),
            "AdminCreateUser" => {
                let email = text(&request["Username"]);
                if self.by_name.contains_key(&email) {
                    return Err("UsernameExistsException");
                }
                let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                let status = Status::ForceChangePassword;
                let at = self.add(Account { email, status, created, ..Account::default() });
                json!({ "User": shown(&self.accounts[&at], "Attributes") })
            }
            "AdminSetUserPassword" => {
                let account = self.named(&request["Username"])?;
                account.status = Status::Confirmed;
                account.ways_in.remove(&WayIn::Password);
                json!({})
            }
            "AdminUserGlobalSignOut" => self.without(WayIn::Session, request)?,
            "AdminSetUserMFAPreference" => self.without(WayIn::Factor, request)?,
            "AdminDeleteUserAttributes" => self.without(WayIn::Phone, request)?,
            "AdminGetUserAuthFactors" => {
                let sub = &self.named(&request["Username"])?.sub;
                json!({ "Username": sub, "ConfiguredUserAuthFactors": ["PASSWORD"] })
            }
            "AdminDeleteUser" => {
                let sub = self.named(&request["Username"])?.sub.clone();
                if let Some(at) = self.by_name.get(&sub).copied() {
                    self.by_name.retain(|_, other| *other != at);
                    self.by_identity.retain(|_, other| *other != at);
                    self.accounts.remove(&at);
                }
                json!({})
            }
            "DescribeUserPool" => json!({ "UserPool": { "SchemaAttributes": [] } }),
            "AdminAddUserToGroup" => {
                let group = text(&request["GroupName"]);
                self.named(&request["Username"])?.groups.insert(group);
                json!({})
            }
            "AdminUpdateUserAttributes" => {
                let is_mark = |attribute: &&Value| attribute["Name"] == "email_verified";
                let mark = request["UserAttributes"].as_array().into_iter().flatten().find(is_mark);
                let unverified = mark.is_none_or(|mark| mark["Value"] != "true");
                self.named(&request["Username"])?.unverified = unverified;
                json!({})
            }
            "AdminLinkProviderForUser" => {
                let source = &request["SourceUser"];
                let (provider, subject) = (text(&source["ProviderName"]), text(&source["ProviderAttributeValue"]));
                let identity = format!("{provider}_{subject}");
                if self.by_identity.contains_key(&identity) {
                    return Err("InvalidParameterException");
                }
                let account = self.named(&request["DestinationUser"]["ProviderAttributeValue"])?;
                account.identities.push((provider, subject));
                let sub = account.sub.clone();
                if let Some(at) = self.by_name.get(&sub) {
                    self.by_identity.insert(identity, *at);
                }
                json!({})
            }
            _ => return Err("InvalidParameterException"),
        })
    }

    fn named(&mut self, name: &Value) -> Result<&mut Account, &'static str> {
        let at = name.as_str().and_then(|name| self.by_name.get(name));
        at.and_then(|at| self.accounts.get_mut(at)).ok_or("UserNotFoundException")
    }

    fn without(&mut self, way_in: WayIn, request: &Value) -> Result<Value, &'static str> {
        self.named(&request["Username"])?.ways_in.remove(&way_in);
        Ok(json!({}))
    }
}

fn refused(code: &str, message: &str) -> Answer {
    (400, json!({ "__type": code, "message": message }).to_string())
}

/// An account as `ListUsers` and `AdminCreateUser` show it, or as `AdminGetUser` does.
fn shown(account: &Account, attributes: &str) -> Value {
    let identity = |(provider, subject): &(String, String)| json!({ "userId": subject, "providerName": provider, "providerType": provider, "primary": false });
    let identities: Vec<_> = account.identities.iter().map(identity).collect();
    let status = match account.status {
        Status::Confirmed => "CONFIRMED",
        Status::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        Status::Unconfirmed => "UNCONFIRMED",
        Status::ExternalProvider => "EXTERNAL_PROVIDER",
    };
    let phone =
        account.ways_in.contains(&WayIn::Phone).then(|| json!({ "Name": "phone_number", "Value": "+15550100" }));
    let factor = account.ways_in.contains(&WayIn::Factor).then_some("SOFTWARE_TOKEN_MFA");
    let mut shown = json!({
        "Username": account.sub,
        "Enabled": true,
        "UserStatus": status,
        "UserCreateDate": account.created,
        "UserLastModifiedDate": account.created,
        attributes: [
            { "Name": "sub", "Value": account.sub },
            { "Name": "email", "Value": account.email },
            { "Name": "email_verified", "Value": (!account.unverified).to_string() },
            { "Name": "identities", "Value": json!(identities).to_string() },
        ],
        "UserMFASettingList": factor.into_iter().collect::<Vec<_>>(),
    });
    if let Some(attributes) = shown[attributes].as_array_mut() {
        attributes.extend(phone);
    }
    shown
}
