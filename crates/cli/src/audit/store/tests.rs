use super::*;
use cognito_core::user_pool::memory::native;
use proptest::prelude::*;

const POOL: &str = "eu-central-1_A";

fn open(path: &Path, pool: &str, attributes: &[&str]) -> Result<Store> {
    let attributes: Vec<_> = attributes.iter().map(|name| (*name).to_owned()).collect();
    Store::open(Some(path), pool, &attributes)
}

fn state(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state")
}

fn record(name: &str, email: &str) -> ProfileRecord {
    native(email).named(name).record()
}

fn page(records: Vec<ProfileRecord>, next: Option<&str>) -> Page {
    Page { records, next: next.map(str::to_owned) }
}

fn drain(store: &Store) -> Vec<(String, String)> {
    let mut sorted = store.sorted().unwrap();
    std::iter::from_fn(|| sorted.next().unwrap()).map(|(address, record)| (address, record.user_name)).collect()
}

fn refusal(result: Result<Store>) -> String {
    result.err().unwrap().downcast::<Refused>().unwrap().0
}

proptest! {
    #[test]
    fn whatever_goes_in_comes_out_once_and_by_address(
        addresses in prop::collection::vec("[a-c@é]{1,3}", 0..60),
        every in 1_usize..20,
    ) {
        let mut store = Store::open(None, POOL, &["email".to_owned()]).unwrap();
        let records: Vec<_> = addresses.iter().enumerate().map(|(n, address)| record(&n.to_string(), address)).collect();
        for records in records.chunks(every) {
            store.add(page(records.to_vec(), Some("next"))).unwrap();
        }
        store.save().unwrap();
        let found = drain(&store);
        prop_assert!(found.is_sorted_by_key(|(address, _)| address.as_bytes()));
        let mut expected: Vec<_> = records.iter().map(|one| (one.address().unwrap(), one.user_name.clone())).collect();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_profile_that_is_listed_twice_is_there_once_and_only_what_is_asked_for_is_kept() {
    let mut store = Store::open(None, POOL, &["email".to_owned()]).unwrap();
    for next in [Some("next"), None] {
        store.add(page(vec![record("n", "Ada@example.com")], next)).unwrap();
    }
    assert_eq!(drain(&store), [("ada@example.com".to_owned(), "n".to_owned())]);
    let (_, record) = store.sorted().unwrap().next().unwrap().unwrap();
    assert_eq!(record.attributes.keys().collect::<Vec<_>>(), ["email"]);
}

#[test]
fn a_listing_goes_on_where_it_was_saved_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&state(&folder), POOL, &["sub"]).unwrap();
    store.add(page(vec![record("kept", "b")], Some("next"))).unwrap();
    store.save().unwrap();
    drop(store);
    let mut again = open(&state(&folder), POOL, &["sub"]).unwrap();
    assert_eq!((again.place.listed, again.place.token.as_deref()), (1, Some("next")));
    again.add(page(vec![record("listed now", "a")], None)).unwrap();
    let expected = [("a", "listed now"), ("b", "kept")].map(|(address, name)| (address.to_owned(), name.to_owned()));
    assert_eq!(drain(&again), expected);
    again.remove().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_ends_anywhere_leaves_a_place_and_the_profiles_that_belong_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&state(&folder), POOL, &[]).unwrap();
    store.add(page(vec![record("saved", "a")], Some("second"))).unwrap();
    store.save().unwrap();
    store.add(page(vec![record("not waited for", "b")], Some("third"))).unwrap();
    // As the disk would be if the process ended here.
    let copy = folder.path().join("copy");
    fs::copy(state(&folder), &copy).unwrap();
    let copy = open(&copy, POOL, &[]).unwrap();
    assert_eq!((copy.place.listed, copy.place.token.as_deref()), (1, Some("second")));
    assert_eq!(drain(&copy), [("a".to_owned(), "saved".to_owned())]);
}

#[test]
fn a_second_run_is_refused_while_one_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(&state(&folder), POOL, &[]).unwrap();
    assert!(refusal(open(&state(&folder), POOL, &[])).contains("another run"));
}

#[test]
fn a_listing_that_fails_again_is_as_old_as_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&state(&folder), "p", &[]).unwrap();
    assert_eq!(store.way_on(), "run the same command to try again");
    store.add(page(Vec::new(), Some("next"))).unwrap();
    assert!(store.way_on().contains("within 58 minutes"), "{}", store.way_on());
    store.place.since -= 3_000;
    store.save().unwrap();
    let since = store.place.since;
    drop(store);
    let mut again = open(&state(&folder), "p", &[]).unwrap();
    again.save().unwrap();
    assert_eq!(again.place.since, since);
    assert!(again.way_on().contains("within 8 minutes"), "{}", again.way_on());
    again.place.since -= 600;
    assert!(again.way_on().contains("remove"), "{}", again.way_on());
    again.save().unwrap();
    drop(again);
    assert!(refusal(open(&state(&folder), "p", &[])).contains("older than an hour"));
}

#[test]
fn a_file_that_is_no_listings_is_neither_changed_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(&folder);
    for mine in ["", "mine", &"mine".repeat(10_000)] {
        fs::write(&path, mine).unwrap();
        assert!(refusal(open(&path, "p", &[])).contains("not the state of a listing"), "{mine}");
        assert_eq!(fs::read_to_string(&path).unwrap(), mine);
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _store = open(&state(&folder), "p", &[]).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = state(&folder);
    let mut store = open(&path, POOL, &["sub"]).unwrap();
    store.add(page(vec![record("n", "a")], Some("next"))).unwrap();
    store.save().unwrap();
    drop(store);
    assert!(refusal(open(&path, "eu-central-1_B", &["sub"])).contains("a listing of eu-central-1_A; remove"));
    assert!(refusal(open(&path, POOL, &["email"])).contains("other --providers"));
    let edit = |change: fn(&mut Place)| {
        let mut store = open(&path, POOL, &["sub"]).unwrap();
        let before = store.place.clone();
        change(&mut store.place);
        store.save().unwrap();
        drop(store);
        let refusal = refusal(open(&path, POOL, &["sub"]));
        // Put back what was there.
        let database = database(private(&path).unwrap()).unwrap();
        Store { path: None, database, place: before, pending: Vec::new() }.save().unwrap();
        refusal
    };
    assert!(edit(|place| place.version = 9).contains("another version"));
    assert!(edit(|place| place.since -= 3_600).contains("older than an hour, and Cognito"));
    let ended_long_ago = |place: &mut Place| {
        place.complete = true;
        place.since -= 3_600;
    };
    assert!(edit(ended_long_ago).contains("the pool may have changed since; remove"));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(refusal(open(&path, POOL, &["sub"])).contains("damaged"));
}
