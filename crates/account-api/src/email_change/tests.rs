use super::*;

const NOW: u64 = 1_800_000_000;

fn sealer() -> Sealer {
    Sealer::new(&[7; 32]).unwrap()
}

fn open() -> ChangeState {
    let admitted = ChangeState::default().admit(NOW).ok().unwrap();
    admitted.open(NOW, "id".into(), "old@example.com", "new@example.com", &sealer(), "111111")
}

fn advanced() -> ChangeState {
    match open().verify(NOW, &sealer(), "111111", "222222") {
        CodeCheck::Advance(state) => state,
        _ => panic!("the right code did not advance"),
    }
}

fn committing() -> ChangeState {
    match advanced().verify(NOW, &sealer(), "222222", "333333") {
        CodeCheck::Commit(state) => state,
        _ => panic!("the right code did not commit"),
    }
}

#[test]
fn a_commit_that_was_cut_off_is_in_doubt_after_its_lease_and_not_before() {
    let state = committing();
    assert!(matches!(state.verify(NOW + LEASE - 1, &sealer(), "222222", "3"), CodeCheck::Busy));
    assert!(state.in_doubt(NOW + LEASE - 1).is_none() && state.in_doubt(NOW + LEASE).is_some());
    // Even when the code would have expired: the account may have the new address already.
    assert!(state.in_doubt(NOW + CODE_LIFE).is_some());
    assert!(state.leased(NOW + LEASE).in_doubt(NOW + LEASE).is_none(), "one finds out at a time");
    for idle in [open(), advanced(), committing().unwritten(), committing().finished(NOW, true)] {
        assert!(idle.in_doubt(NOW + DAY).is_none());
    }
}

#[test]
fn a_write_without_an_answer_may_be_tried_again_at_once_and_not_be_cancelled() {
    let state = committing().released();
    assert!(matches!(state.verify(NOW, &sealer(), "222222", "3"), CodeCheck::Commit(_)));
    assert_eq!(state.cancel().err(), Some(RequestError::Committing), "it may be on its way");
    assert!(state.in_doubt(NOW + LEASE - 1).is_none() && state.in_doubt(NOW + LEASE).is_some());
}

#[test]
fn a_request_that_is_being_committed_does_not_end_in_the_past() {
    let late = NOW + CODE_LIFE - 1;
    let CodeCheck::Commit(state) = advanced().verify(late, &sealer(), "222222", "3") else { panic!("not committed") };
    assert_eq!(state.request(late + 2).ok().unwrap().ends_at(), late + LEASE);
    assert_eq!(committing().request(NOW).ok().unwrap().ends_at(), NOW + CODE_LIFE);
}

#[test]
fn a_note_that_is_owed_is_tried_once_a_minute_for_a_day() {
    let state = committing().finished(NOW, false);
    assert!(committing().finished(NOW, true).notice_due(NOW + NOTICE_PAUSE).is_none());
    assert!(state.notice_due(NOW + NOTICE_PAUSE - 1).is_none(), "it was tried just now");
    let (notice, tried) = state.notice_due(NOW + NOTICE_PAUSE).unwrap();
    assert_eq!((notice.to.as_str(), notice.new.as_str()), ("old@example.com", "n***@example.com"));
    assert!(tried.notice_due(NOW + NOTICE_PAUSE).is_none() && tried.notice_due(NOW + 2 * NOTICE_PAUSE).is_some());
    assert!(tried.admit(NOW).ok().unwrap().notice_due(NOW + DAY - 1).is_some(), "another change leaves it owed");
    let reopened = tried.open(NOW, "id2".into(), "new@example.com", "third@example.com", &sealer(), "111111");
    assert!(reopened.finished(NOW, true).notice_due(NOW + DAY - 1).is_some(), "and so does its end");
    assert!(tried.notice_due(NOW + DAY).is_none() && tried.notice_sent().notice_due(NOW + DAY - 1).is_none());
}

#[test]
fn a_code_is_about_the_change_that_it_was_judged_for() {
    let about =
        |state: &ChangeState, code: &str, id: &str| state.is_about(&state.verify(NOW, &sealer(), code, "333333"), id);
    for state in [open(), advanced(), committing()] {
        assert!(about(&state, "111111", "id") && about(&state, "000000", "id"));
        assert!(!about(&state, "111111", "other") && !about(&state, "000000", "other"));
    }
    let finished = committing().finished(NOW, true);
    assert!(about(&finished, "222222", "id") && !about(&finished, "222222", "other"));
    assert!(about(&finished, "000000", "other"), "nothing is under way, which is told as such");
}

#[test]
fn an_address_in_other_letters_is_the_one_that_the_account_has_and_needs_one_code() {
    let kept = ChangeState::default().open(NOW, "id".into(), "Old@Example.com", "old@example.com", &sealer(), "111111");
    let request = kept.request(NOW).ok().unwrap();
    assert!(request.stage == Stage::New && request.keeps_address());
    assert!(open().request(NOW).ok().unwrap().stage == Stage::Current);
}

#[test]
fn no_code_is_stored() {
    for state in [open(), advanced(), committing(), committing().finished(NOW, true)] {
        let stored = serde_json::to_string(&state).unwrap();
        for code in ["111111", "222222", "333333"] {
            assert!(!stored.contains(code), "{stored}");
        }
        assert!(serde_json::from_str::<ChangeState>(&stored).unwrap() == state);
    }
}

#[test]
fn a_change_that_ends_forgets_neither_the_count_of_the_day_nor_a_mail_that_is_owed() {
    let owed = committing().finished(NOW, false);
    assert_eq!(owed.recent.len(), 1);
    let again = |state: &ChangeState| {
        let admitted = state.admit(NOW).ok().unwrap();
        admitted.open(NOW, "next".into(), "new@example.com", "newer@example.com", &sealer(), "444444")
    };
    let mut state = owed;
    for _ in 1..REQUESTS_A_DAY {
        state = again(&state).cancel().ok().unwrap();
    }
    assert_eq!(state.admit(NOW).err(), Some(RequestError::TooMany(DAY)));
    assert!(state.notice_due(NOW + NOTICE_PAUSE).is_some(), "the old address is still to be told");
    let told = again(&committing().finished(NOW, false)).notice_sent();
    assert!(told.request(NOW).is_ok() && told.recent.len() == 2, "the change that is under way goes on");
}
