use super::*;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::memory::federated;
use merge::{Begin, Linked, Undone};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(crate) fn begin(user_name: &str) -> Entry {
    let mut profile = federated("Google", "1", "ada@example.com").record();
    profile.user_name = user_name.into();
    profile.attributes.insert("sub".into(), format!("sub of {user_name}"));
    Entry::Begin(Box::new(Begin {
        decision: "link".into(),
        into: Some("native".into()),
        into_sub: Some("s".into()),
        identity: Some(SourceIdentity::linked_by("Google", "Cognito_Subject", "1")),
        moves: Vec::new(),
        profile,
        groups: vec!["Users".into()],
        replaces: None,
        add_groups: Vec::new(),
        add_attributes: BTreeMap::new(),
        left_out: Vec::new(),
    }))
}

pub(crate) fn linked(user_name: &str) -> Entry {
    Entry::Linked(Box::new(Linked {
        user_name: user_name.into(),
        decision: "link".into(),
        into: "native".into(),
        into_sub: "s".into(),
        left_out: Vec::new(),
    }))
}

fn entries() -> Vec<Entry> {
    let name = || "Google_1".to_owned();
    vec![
        begin("Google_1"),
        Entry::Deleted { user_name: name(), sub: "s".into() },
        linked("Google_1"),
        Entry::Done { user_name: name() },
        begin("Google_2"),
        Entry::Skipped { user_name: name(), why: "w".into() },
        Entry::Failed { user_name: name(), why: "w".into() },
    ]
}

fn text(entries: &[Entry]) -> Vec<u8> {
    let header = serde_json::to_vec(&Header::new("eu-central-1_A", "p")).unwrap();
    let lines = [header].into_iter().chain(entries.iter().map(|entry| serde_json::to_vec(entry).unwrap()));
    lines.flat_map(|line| [line, b"\n".to_vec()].concat()).collect()
}

fn path() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn open(path: &Path) -> Result<JournalFile> {
    JournalFile::open(path, "eu-central-1_A", "p")
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().downcast::<Refused>().unwrap().0
}

#[tokio::test]
async fn what_was_written_is_read_back_by_the_next_run() {
    let (_folder, path) = path();
    let mut journal = open(&path).unwrap();
    for entry in entries() {
        journal.write(entry).await.unwrap();
    }
    let history = journal.history().clone();
    drop(journal);
    let again = open(&path).unwrap();
    assert_eq!(*again.history(), history);
    assert_eq!(history.order, ["Google_1", "Google_2"]);
    assert!(history.merges["Google_1"].done && !history.merges["Google_2"].done);
}

#[test]
fn a_journal_cut_off_at_any_byte_is_read_up_to_its_last_whole_line() {
    let all = text(&entries());
    for end in 0..=all.len() {
        let cut = &all[..end];
        let whole = cut.split(|byte| *byte == b'\n').count() - 1;
        match parse(cut).unwrap() {
            None => assert_eq!(whole, 0),
            Some(parsed) => {
                let mut expected = History::default();
                entries()[..whole - 1].iter().for_each(|entry| expected.add(entry));
                assert_eq!(parsed.history, expected);
            }
        }
    }
}

#[tokio::test]
async fn what_follows_a_torn_line_begins_on_a_line_of_its_own() {
    let (_folder, path) = path();
    let torn = [text(&entries()[..1]), b"{\"entry\":\"do".to_vec()].concat();
    std::fs::write(&path, torn).unwrap();
    let mut journal = open(&path).unwrap();
    journal.write(Entry::Done { user_name: "Google_1".into() }).await.unwrap();
    drop(journal);
    assert!(open(&path).unwrap().history().merges["Google_1"].done);
}

#[test]
fn a_damaged_line_in_the_middle_stops_everything() {
    let (_folder, path) = path();
    let mut damaged = text(&entries());
    let second = damaged.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    damaged[second] = b'x';
    std::fs::write(&path, &damaged).unwrap();
    assert!(refusal(open(&path)).contains("line 2 is damaged. Restore a copy"));
    assert_eq!(std::fs::read(&path).unwrap(), damaged, "a refused journal was changed");
}

#[test]
fn lines_that_are_there_twice_change_nothing() {
    let mut once = History::default();
    let mut twice = History::default();
    for entry in entries() {
        once.add(&entry);
        twice.add(&entry);
        twice.add(&entry);
    }
    assert_eq!(once, twice);
}

#[test]
fn another_pools_plans_or_versions_journal_is_refused() {
    let (_folder, path) = path();
    drop(open(&path).unwrap());
    assert!(refusal(JournalFile::open(&path, "eu-central-1_B", "p")).contains("the journal of eu-central-1_A, not of"));
    assert!(refusal(JournalFile::open(&path, "eu-central-1_A", "q")).contains("another plan"));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(refusal(open(&path)).contains("another version"));
    std::fs::write(&path, "something of somebody's\n").unwrap();
    assert!(refusal(open(&path)).contains("not a journal"));
    std::fs::write(&path, "something of somebody's").unwrap();
    assert!(refusal(open(&path)).contains("not a journal"));
    assert_eq!(std::fs::read(&path).unwrap(), b"something of somebody's");
}

#[test]
fn two_runs_cannot_share_a_journal() {
    let (_folder, path) = path();
    let _first = open(&path).unwrap();
    assert!(refusal(open(&path)).contains("another run is using this journal"));
    assert!(refusal(JournalFile::open_to_undo(&path)).contains("another run"));
}

#[tokio::test]
async fn a_journal_that_was_undone_is_not_carried_out_again() {
    let (_folder, path) = path();
    let mut journal = open(&path).unwrap();
    for entry in entries() {
        journal.write(entry).await.unwrap();
    }
    let undone = Undone { user_name: "Google_1".into(), restored: Vec::new(), lost: vec!["the sub".into()] };
    journal.write(Entry::Undone(undone.clone())).await.unwrap();
    drop(journal);
    assert!(refusal(open(&path)).contains("it was undone"));
    assert_eq!(JournalFile::open_to_undo(&path).unwrap().history().merges["Google_1"].undone, Some(undone));
}

#[test]
fn an_empty_line_does_no_harm_and_what_an_older_version_wrote_is_read() {
    let (_folder, path) = path();
    let older = b"\n  \n{\"entry\":\"undone\",\"user_name\":\"Google_1\"}\n".to_vec();
    std::fs::write(&path, [text(&entries()), older].concat()).unwrap();
    let history = JournalFile::open_to_undo(&path).unwrap().history().clone();
    assert!(history.merges["Google_1"].done && history.merges["Google_1"].undone.is_some());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_becomes_private_before_anything_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for before in [Vec::new(), text(&entries())] {
        let (_folder, path) = path();
        std::fs::write(&path, before).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        drop(open(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
    }
    // Somebody else's file stays as it is.
    let (_folder, path) = path();
    std::fs::write(&path, "something of somebody's\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(open(&path).is_err());
    assert_eq!(mode(&path), 0o644);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_journal() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = path();
    drop(open(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

proptest! {
    #[test]
    fn no_text_makes_reading_fail_in_another_way_than_a_refusal(text in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some(parsed)) = parse(&text) {
            prop_assert!(parsed.whole <= text.len() as u64);
        }
    }
}
