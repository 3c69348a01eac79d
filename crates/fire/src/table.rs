//! The account API's table where calls to it go wrong: what the store makes of a write whose answer is lost, at whatever
//! plays DynamoDB. The rules without faults are `account_api::store::contract`.

use account_api::store::dynamodb::DynamoDb;
use account_api::store::{Store, Write, Written};
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use local_cloud::client_environment;
use local_cloud::dynamodb::item;

use crate::network::{Fault, Network, Origin, Plan};

/// The documents are kept until the year 2106.
const LATER: u64 = u32::MAX as u64;

/// Lets each write go wrong in each way, and looks at what is there. `unique` makes the keys differ from those of other runs.
///
/// # Errors
///
/// Says which rule does not hold, and with which fault.
pub async fn play(endpoint: &str, table: &str, unique: &str) -> Result<()> {
    let cases = Fault::ALL.into_iter().enumerate().map(async |(number, fault)| {
        let case = Case::start(endpoint, table, format!("lost-{number}#{unique}")).await?;
        case.play(fault).await.with_context(|| format!("{fault:?}"))
    });
    try_join_all(cases).await.map(drop)
}

/// The table behind a network, and a key of its own.
struct Case<'a> {
    network: Network,
    store: DynamoDb,
    endpoint: &'a str,
    table: &'a str,
    key: String,
}

impl<'a> Case<'a> {
    async fn start(endpoint: &'a str, table: &'a str, key: String) -> Result<Self> {
        let network = Network::start(Origin::Cloud { endpoint: endpoint.to_owned(), mails: None }).await?;
        let store = store(&network.url, table)?;
        Ok(Self { network, store, endpoint, table, key })
    }

    async fn play(&self, fault: Fault) -> Result<()> {
        self.write(fault, None, "first", Some(LATER)).await?;
        ensure!(self.keep_until().await?.as_deref() == Some("4294967295"), "the item does not say how long it is kept");
        self.write(fault, Some(1), "second", None).await?;
        ensure!(self.keep_until().await?.is_none(), "an item that is kept for good may be dropped");
        let stale = self.save(Some(1), "third", None).await?;
        ensure!(
            stale == Written::Conflict && self.read().await? == Some((2, "second".to_owned())),
            "a stale writer won"
        );
        self.add(fault).await
    }

    /// A write whose first call goes wrong. Whatever the answer says, it happened once or not at all.
    async fn write(&self, fault: Fault, version: Option<u64>, body: &str, keep_until: Option<u64>) -> Result<()> {
        let before = self.read().await?;
        let written = self.while_one_fails(fault, self.save(version, body, keep_until)).await?;
        let after = Some((version.unwrap_or_default() + 1, body.to_owned()));
        let read = self.read().await?;
        match written {
            Ok(Written::Stored) => ensure!(read == after, "what is stored is not there: {read:?}"),
            Ok(Written::Conflict) => anyhow::bail!("its own write counts as somebody else's"),
            Err(_) => ensure!(read == before || read == after, "a write that failed left {read:?}"),
        }
        if read == before {
            ensure!(self.save(version, body, keep_until).await? == Written::Stored, "the second try failed");
        }
        Ok(())
    }

    /// An addition whose first call goes wrong may count twice, and never less than once if the answer says that it counted.
    async fn add(&self, fault: Fault) -> Result<()> {
        let key = format!("{}-number", self.key);
        let told = self.while_one_fails(fault, self.store.add(&key, 1, LATER)).await?;
        let sum = self.store.add(&key, 1, LATER).await?;
        match told {
            Ok(told) => ensure!((1..=2).contains(&told) && sum == told + 1, "{told}, and then {sum}"),
            Err(_) => ensure!((1..=3).contains(&sum), "{sum} after an addition that failed"),
        }
        Ok(())
    }

    /// Makes a call whose first attempt goes wrong.
    async fn while_one_fails<T>(&self, fault: Fault, call: impl Future<Output = T>) -> Result<T> {
        self.network.set_plan(Plan { faults: vec![(0, fault)], lasts: false });
        let answer = call.await;
        ensure!(self.network.struck() == 1, "no call went wrong");
        self.network.set_plan(Plan::default());
        Ok(answer)
    }

    async fn save(
        &self,
        version: Option<u64>,
        body: &str,
        keep_until: Option<u64>,
    ) -> Result<Written, account_api::store::StoreError> {
        self.store.save(&self.key, version, Write { body, keep_until, listed: None }).await
    }

    async fn read(&self) -> Result<Option<(u64, String)>> {
        Ok(self.store.load(&self.key).await?.map(|document| (document.version, document.body)))
    }

    /// The attribute that the table's TTL looks at, past the store.
    async fn keep_until(&self) -> Result<Option<String>> {
        let item = item(self.endpoint, self.table, &self.key).await?;
        Ok(item["keep_until"]["N"].as_str().map(ToOwned::to_owned))
    }
}

/// The account API's store in the table of this name, at the DynamoDB of this address.
///
/// # Errors
///
/// Fails if the address is none.
pub fn store(endpoint: &str, table: &str) -> Result<DynamoDb> {
    let environment = client_environment(endpoint);
    let lookup = |asked: &str| environment.iter().find(|(name, _)| name == asked).map(|(_, value)| value.clone());
    Ok(DynamoDb::new(aws_sdk_dynamodb::Client::new(&cognito_core::sdk::config(&lookup)?), table))
}
