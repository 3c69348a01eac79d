//! How often a thing may happen in a day (UTC): for one address, for all addresses of one domain, and in the whole
//! pool. A limit for each account or each address alone does not stop a person who makes many of them.

use crate::clock::DAY;
use crate::code::Sealer;
use crate::problem::Problem;
use crate::table::Table;
use cognito_core::email::Email;
use cognito_core::settings::{self, Lookup, SettingError};
use serde::{Deserialize, Serialize};

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Address,
    Domain,
    Pool,
}

/// The limits of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// One address.
    pub address: u32,
    /// All addresses of one domain.
    pub domain: u32,
    /// The whole pool.
    pub pool: u32,
}

impl Ceilings {
    /// Reads three numbers of at least 1, such as `5,100,500`: for an address, a domain and the pool, as in `default`.
    ///
    /// # Errors
    ///
    /// Returns [`SettingError`] for any other value.
    pub(crate) fn from_lookup(lookup: Lookup<'_>, name: &'static str, default: [u32; 3]) -> Result<Self, SettingError> {
        let allowed =
            "three numbers of at least 1: for one address, for one domain and for the pool, such as 5,100,500";
        let read = |text: &str| {
            let numbers: Option<Vec<u32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
            numbers?.try_into().ok().filter(|numbers: &[u32; 3]| !numbers.contains(&0))
        };
        let [address, domain, pool] = settings::optional(lookup, name, allowed, read)?.unwrap_or(default);
        Ok(Self { address, domain, pool })
    }

    fn of(self, scope: Scope) -> u32 {
        match scope {
            Scope::Address => self.address,
            Scope::Domain => self.domain,
            Scope::Pool => self.pool,
        }
    }
}

/// What was counted, so that exactly this can be subtracted again. An empty ticket stands for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(Vec<String>);

impl Ticket {
    /// A ticket for what both tickets stand for.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Subtracts what was counted, because nothing came of it or it ended well.
    pub(crate) async fn give_back(self, table: &Table) {
        for key in self.0 {
            if let Err(why) = table.store.add(&key, -1, table.now() + 2 * DAY).await {
                // It stays counted until tomorrow.
                Problem::from(why).log(None);
            }
        }
    }
}

/// Counts one kind of thing.
pub(crate) struct Counter {
    /// The name of what is counted, as part of the table's keys.
    pub(crate) what: &'static str,
    pub(crate) ceilings: Ceilings,
    pub(crate) sealer: Sealer,
}

impl Counter {
    /// Counts one more in each scope and stops at the first one that is full. A refusal uses up nothing in any scope.
    /// Returns what was counted, or the full scope and the number of seconds until it has room. Pass the narrowest
    /// scope first.
    pub(crate) async fn add(
        &self,
        table: &Table,
        email: &Email,
        scopes: &[Scope],
    ) -> Result<Result<Ticket, (Scope, u64)>, Problem> {
        let now = table.now();
        let keys = scopes.iter().map(|scope| (*scope, self.key(*scope, email, now))).collect();
        self.add_keys(table, keys, now).await
    }

    /// The same for one account, whatever its address. The limit is the one of an address.
    pub(crate) async fn add_of(&self, table: &Table, sub: &str) -> Result<Result<Ticket, (Scope, u64)>, Problem> {
        let now = table.now();
        let key = format!("count#{}#{}#Account#{sub}", self.what, now / DAY);
        self.add_keys(table, vec![(Scope::Address, key)], now).await
    }

    async fn add_keys(
        &self,
        table: &Table,
        keys: Vec<(Scope, String)>,
        now: u64,
    ) -> Result<Result<Ticket, (Scope, u64)>, Problem> {
        let mut ticket = Ticket::default();
        for (scope, key) in keys {
            let count = match table.store.add(&key, 1, now + 2 * DAY).await {
                Ok(count) => count,
                Err(why) => {
                    ticket.give_back(table).await;
                    return Err(why.into());
                }
            };
            ticket.0.push(key);
            if count > i64::from(self.ceilings.of(scope)) {
                let (what, scope_name) = (self.what, format!("{scope:?}"));
                tracing::warn!(error_code = "ceiling_reached", what, scope = scope_name, "no more of this today");
                ticket.give_back(table).await;
                return Ok(Err((scope, DAY - now % DAY)));
            }
        }
        Ok(Ok(ticket))
    }

    fn key(&self, scope: Scope, email: &Email, at: u64) -> String {
        let address = email.to_lower_case();
        let subject = match scope {
            Scope::Address => address.as_str(),
            Scope::Domain => address.rsplit_once('@').map_or("", |(_, domain)| domain),
            Scope::Pool => "",
        };
        let digest = self.sealer.seal(&["counted", self.what], subject);
        format!("count#{}#{}#{scope:?}#{}", self.what, at / DAY, digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::testing::SetClock;
    use std::sync::Arc;

    const ALL: [Scope; 3] = [Scope::Address, Scope::Domain, Scope::Pool];

    #[tokio::test]
    async fn each_scope_has_its_ceiling_and_the_next_day_its_own() {
        let clock = SetClock::at(100 * DAY + DAY / 2);
        let table = Table { store: Arc::new(MemoryStore::default()), clock: Arc::new(clock.clone()) };
        let ceilings = Ceilings { address: 2, domain: 3, pool: 4 };
        let counter = Counter { what: "test", ceilings, sealer: Sealer::new(&[7; 32]).unwrap() };
        let count = async |address: &str| counter.add(&table, &Email::parse(address).unwrap(), &ALL).await.unwrap();
        let add = async |address: &str| count(address).await.err().map(|(scope, _)| scope);
        let (ticket, again) = (count("a@x.example").await.unwrap(), add("A@X.example").await);
        assert_eq!(again, None);
        assert_eq!(add("a@x.example").await, Some(Scope::Address));
        assert_eq!(add("b@x.example").await, None);
        assert_eq!(add("c@x.example").await, Some(Scope::Domain));
        assert_eq!(add("a@y.example").await, None, "what was refused took nothing from the pool");
        assert_eq!(add("a@z.example").await, Some(Scope::Pool));
        Ticket::default().give_back(&table).await;
        assert_eq!(add("b@x.example").await, Some(Scope::Domain), "who counted nothing gives nothing back");
        ticket.give_back(&table).await;
        assert_eq!(add("b@x.example").await, None, "what was given back is free again, for one");
        assert_eq!(count("d@x.example").await, Err((Scope::Domain, DAY / 2)));
        clock.forward(DAY / 2);
        assert_eq!(add("d@x.example").await, None);
    }

    #[test]
    fn the_setting_is_three_numbers_of_at_least_one() {
        let read = |text: &str| Ceilings::from_lookup(&|_| Some(text.to_owned()), "NAME", [1, 2, 3]);
        assert_eq!(read("5, 100,500"), Ok(Ceilings { address: 5, domain: 100, pool: 500 }));
        assert_eq!(read(""), Ok(Ceilings { address: 1, domain: 2, pool: 3 }));
        for wrong in ["5", "5,100", "0,1,1", "1,1,1,1", "a,b,c", "-1,1,1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
