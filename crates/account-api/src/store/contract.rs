//! The rules that every store must keep. The tests here check the memory store. The end-to-end tests check the DynamoDB
//! adapter on a local cloud.

use super::{Document, Store, StoreError, Written};
use futures_util::future::join_all;

type Outcome = Result<(), String>;

/// The documents of the checks are kept until the year 2106.
const LATER: Option<u64> = Some(u32::MAX as u64);

/// Runs every check. `unique` makes the keys of this run differ from those of earlier runs.
///
/// # Errors
///
/// Returns the name of the rule that does not hold, and what happened instead.
pub async fn check_all<S: Store>(store: &S, unique: &str) -> Outcome {
    let key = |name: &str| format!("contract-{name}#{unique}");
    nothing_is_none(store, &key("nothing")).await.map_err(|why| format!("nothing is none: {why}"))?;
    what_is_saved_is_read(store, &key("saved")).await.map_err(|why| format!("what is saved is read: {why}"))?;
    a_stale_writer_loses(store, &key("stale")).await.map_err(|why| format!("a stale writer loses: {why}"))?;
    of_many_one_wins(store, &key("many")).await.map_err(|why| format!("of many writers one wins: {why}"))?;
    every_addition_counts(store, &key("number")).await.map_err(|why| format!("every addition counts: {why}"))
}

async fn nothing_is_none<S: Store>(store: &S, key: &str) -> Outcome {
    expect(store.load(key).await.map_err(text)?.is_none(), "something was read")?;
    let lost = store.save(key, Some(1), "{}", LATER).await.map_err(text)?;
    expect(lost == Written::Conflict, "replaced what is not there")
}

async fn what_is_saved_is_read<S: Store>(store: &S, key: &str) -> Outcome {
    expect(store.save(key, None, "{\"é\":1}", LATER).await.map_err(text)? == Written::Stored, "not new")?;
    let first = loaded(store, key).await?;
    expect(first.body == "{\"é\":1}", "another document")?;
    let again = store.save(key, Some(first.version), "{}", None).await.map_err(text)?;
    expect(again == Written::Stored, "not replaced")?;
    let second = loaded(store, key).await?;
    expect(second.body == "{}" && second.version > first.version, "the version did not grow")
}

async fn a_stale_writer_loses<S: Store>(store: &S, key: &str) -> Outcome {
    store.save(key, None, "1", LATER).await.map_err(text)?;
    let stale = loaded(store, key).await?;
    store.save(key, Some(stale.version), "2", LATER).await.map_err(text)?;
    for version in [None, Some(stale.version)] {
        expect(store.save(key, version, "3", LATER).await.map_err(text)? == Written::Conflict, "overwritten")?;
    }
    expect(loaded(store, key).await?.body == "2", "the loser's document is there")
}

async fn of_many_one_wins<S: Store>(store: &S, key: &str) -> Outcome {
    for version in [None, Some(1)] {
        let writes = (0..50)
            .map(|number| async move { store.save(key, version, &number.to_string(), LATER).await.map_err(text) });
        let stored: Vec<_> = join_all(writes).await.into_iter().collect::<Result<_, _>>()?;
        let winners = stored.iter().filter(|written| **written == Written::Stored).count();
        expect(winners == 1, &format!("{winners} of 50 won"))?;
        expect(loaded(store, key).await?.version == version.unwrap_or(0) + 1, "the versions have gaps")?;
    }
    Ok(())
}

async fn every_addition_counts<S: Store>(store: &S, key: &str) -> Outcome {
    let additions = (0..20).map(|_| async move { store.add(key, 1, u64::from(u32::MAX)).await.map_err(text) });
    let mut sums: Vec<_> = join_all(additions).await.into_iter().collect::<Result<_, _>>()?;
    sums.sort_unstable();
    expect(sums == (1..=20).collect::<Vec<_>>(), &format!("{sums:?}"))?;
    expect(store.add(key, -5, u64::from(u32::MAX)).await.map_err(text)? == 15, "not subtracted")
}

async fn loaded<S: Store>(store: &S, key: &str) -> Result<Document, String> {
    store.load(key).await.map_err(text)?.ok_or_else(|| "nothing was read".to_owned())
}

fn expect(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it fits `map_err`")]
fn text(error: StoreError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn the_memory_store_keeps_the_contract() {
        check_all(&MemoryStore::default(), "1").await.unwrap();
    }
}
