//! The rules that every store must keep. The tests here check the memory store. The end-to-end tests check the DynamoDB
//! adapter on a local cloud.

use super::{Document, Listed, Store, StoreError, Write, Written};
use futures_util::future::join_all;

type Outcome = Result<(), String>;

fn write(body: &str, keep_until: Option<u64>) -> Write<'_> {
    Write { body, keep_until, listed: None }
}

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
    every_addition_counts(store, &key("number")).await.map_err(|why| format!("every addition counts: {why}"))?;
    a_list_has_what_is_in_it(store, &key("list")).await.map_err(|why| format!("a list has what is in it: {why}"))
}

/// Each run has places of its own, because all runs share the list.
async fn a_list_has_what_is_in_it<S: Store>(store: &S, key: &str) -> Outcome {
    const LIST: &str = "contract";
    let place = |number: u32| format!("{key}#{number}");
    for number in 1..=5 {
        let (of, place) = (format!("{key}-{number}"), place(number));
        let body = number.to_string();
        let listed = Some(Listed { list: LIST, place: &place });
        store.save(&of, None, Write { body: &body, keep_until: LATER, listed }).await.map_err(text)?;
    }
    store.save(key, None, write("not in the list", LATER)).await.map_err(text)?;
    // One takes another place, and one leaves the list.
    let moved = place(6);
    let listed = Some(Listed { list: LIST, place: &moved });
    store.save(&format!("{key}-1"), Some(1), Write { body: "6", keep_until: LATER, listed }).await.map_err(text)?;
    store.save(&format!("{key}-5"), Some(1), write("gone", LATER)).await.map_err(text)?;
    for (from, to, most, expected) in
        [(2, 9, 9, "6 4 3 2"), (2, 9, 3, "6 4 3"), (2, 3, 9, "2"), (2, 6, 1, "4"), (3, 6, 9, "4 3"), (7, 9, 9, "")]
    {
        // The index may be a moment behind.
        let (from, to, mut found) = (place(from), place(to), String::new());
        for _ in 0..20 {
            let list = store.list(LIST, &from, &to, most).await.map_err(text)?;
            found = list.iter().map(|document| document.body.as_str()).collect::<Vec<_>>().join(" ");
            if found == expected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        expect(found == expected, &format!("{found:?} instead of {expected:?}"))?;
    }
    Ok(())
}

async fn nothing_is_none<S: Store>(store: &S, key: &str) -> Outcome {
    expect(store.load(key).await.map_err(text)?.is_none(), "something was read")?;
    let lost = store.save(key, Some(1), write("{}", LATER)).await.map_err(text)?;
    expect(lost == Written::Conflict, "replaced what is not there")
}

async fn what_is_saved_is_read<S: Store>(store: &S, key: &str) -> Outcome {
    expect(store.save(key, None, write("{\"é\":1}", LATER)).await.map_err(text)? == Written::Stored, "not new")?;
    let first = loaded(store, key).await?;
    expect(first.body == "{\"é\":1}", "another document")?;
    let again = store.save(key, Some(first.version), write("{}", None)).await.map_err(text)?;
    expect(again == Written::Stored, "not replaced")?;
    let second = loaded(store, key).await?;
    expect(second.body == "{}" && second.version > first.version, "the version did not grow")
}

async fn a_stale_writer_loses<S: Store>(store: &S, key: &str) -> Outcome {
    store.save(key, None, write("1", LATER)).await.map_err(text)?;
    let stale = loaded(store, key).await?;
    store.save(key, Some(stale.version), write("2", LATER)).await.map_err(text)?;
    for version in [None, Some(stale.version)] {
        expect(store.save(key, version, write("3", LATER)).await.map_err(text)? == Written::Conflict, "overwritten")?;
    }
    expect(loaded(store, key).await?.body == "2", "the loser's document is there")
}

async fn of_many_one_wins<S: Store>(store: &S, key: &str) -> Outcome {
    for version in [None, Some(1)] {
        let writes = (0..50).map(|number| async move {
            store.save(key, version, write(&number.to_string(), LATER)).await.map_err(text)
        });
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
