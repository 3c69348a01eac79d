use super::*;
use crate::challenge::{RESEND_PAUSE, RESENDS, TRIES};

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
fn the_current_address_is_proven_first_and_then_the_new_one() {
    assert_eq!(open().request(NOW).ok().unwrap().sent_to(), "old@example.com");
    assert_eq!(advanced().request(NOW).ok().unwrap().sent_to(), "new@example.com");
    assert!(committing().request(NOW).ok().unwrap().is_committing());
    assert!(committing().finished(NOW, true).is_done("id"));
}

#[test]
fn the_code_of_one_stage_does_not_prove_the_other() {
    assert!(matches!(open().verify(NOW, &sealer(), "222222", "222222"), CodeCheck::Wrong(_, 4)));
    assert!(matches!(advanced().verify(NOW, &sealer(), "111111", "333333"), CodeCheck::AdvancedBefore));
}

#[test]
fn five_wrong_codes_end_a_request_whatever_was_sent_again_meanwhile() {
    let mut state = open();
    for left in [4, 3, 2] {
        state = match state.verify(NOW, &sealer(), "000000", "222222") {
            CodeCheck::Wrong(next, tries) if tries == left => next,
            _ => panic!("{left} tries should be left"),
        };
    }
    state = state.resend(NOW + RESEND_PAUSE, &sealer(), "444444").ok().unwrap();
    assert!(matches!(state.verify(NOW, &sealer(), "111111", "2"), CodeCheck::Wrong(_, 1)), "the old code is dead");
    let CodeCheck::Wrong(state, 1) = state.verify(NOW, &sealer(), "000000", "2") else { panic!("one try is left") };
    let CodeCheck::LastTryWrong(state) = state.verify(NOW, &sealer(), "000000", "2") else { panic!("no try is left") };
    assert_eq!(state.request(NOW).err(), Some(RequestError::NoRequest));
    assert!(matches!(state.verify(NOW, &sealer(), "444444", "2"), CodeCheck::Refused(RequestError::NoRequest)));
}

#[test]
fn a_code_lives_fifteen_minutes_and_the_request_dies_with_it() {
    let last = NOW + CODE_LIFE - 1;
    assert!(matches!(open().verify(last, &sealer(), "111111", "2"), CodeCheck::Advance(_)));
    assert!(matches!(open().verify(last + 1, &sealer(), "111111", "2"), CodeCheck::Refused(RequestError::Expired)));
    assert_eq!(open().resend(last + 1, &sealer(), "2").err(), Some(RequestError::Expired));
    assert!(open().admit(last).is_err() && open().admit(last + 1).is_ok());
}

#[test]
fn another_code_is_sent_three_times_a_stage_with_a_pause() {
    let (mut state, mut now) = (open(), NOW);
    assert_eq!(state.resend(now + RESEND_PAUSE - 1, &sealer(), "2").err(), Some(NotResent::TooSoon(1).into()));
    for _ in 0..RESENDS {
        now += RESEND_PAUSE;
        state = state.resend(now, &sealer(), "555555").ok().unwrap();
        assert_eq!(state.request(now).ok().unwrap().ends_at(), now + CODE_LIFE);
    }
    now += RESEND_PAUSE;
    assert_eq!(state.resend(now, &sealer(), "2").err(), Some(NotResent::UsedUp(CODE_LIFE - RESEND_PAUSE).into()));
    let CodeCheck::Advance(next) = state.verify(now, &sealer(), "555555", "222222") else { panic!("not advanced") };
    assert!(next.resend(now + RESEND_PAUSE, &sealer(), "2").is_ok(), "the next stage has mails of its own");
    assert!(state.unsent().request(now).is_ok());
}

#[test]
fn a_mail_that_was_not_taken_needs_no_pause() {
    assert!(open().resend(NOW, &sealer(), "2").is_err());
    assert!(open().unsent().resend(NOW, &sealer(), "2").is_ok());
}

#[test]
fn a_repeated_code_gets_the_first_answer_and_changes_nothing() {
    assert!(matches!(advanced().verify(NOW, &sealer(), "111111", "3"), CodeCheck::AdvancedBefore));
    assert!(matches!(committing().verify(NOW, &sealer(), "222222", "3"), CodeCheck::Busy));
    let finished = committing().finished(NOW, true);
    assert!(matches!(finished.verify(NOW, &sealer(), "222222", "3"), CodeCheck::DoneBefore));
    assert!(matches!(finished.verify(NOW, &sealer(), "222223", "3"), CodeCheck::Refused(RequestError::NoRequest)));
    let later = NOW + CODE_LIFE;
    assert!(matches!(finished.verify(later, &sealer(), "222222", "3"), CodeCheck::Refused(RequestError::NoRequest)));
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
fn what_the_pool_does_not_have_lives_on_no_longer_than_any_other_request() {
    let state = committing().released().unwritten();
    assert!(matches!(state.verify(NOW + CODE_LIFE - 1, &sealer(), "222222", "3"), CodeCheck::Commit(_)));
    assert!(matches!(state.verify(NOW, &sealer(), "000000", "3"), CodeCheck::Wrong(_, 4)), "tries count again");
    assert!(matches!(
        state.verify(NOW + CODE_LIFE, &sealer(), "222222", "3"),
        CodeCheck::Refused(RequestError::Expired)
    ));
    assert!(state.resend(NOW + RESEND_PAUSE, &sealer(), "4").is_ok() && state.cancel().is_ok());
    assert!(state.admit(NOW + CODE_LIFE).is_ok());
}

#[test]
fn while_the_address_is_written_nothing_else_happens() {
    for state in [committing(), committing().released()] {
        assert_eq!(state.cancel().err(), Some(RequestError::Committing));
        assert_eq!(state.resend(NOW + RESEND_PAUSE, &sealer(), "2").err(), Some(RequestError::Committing));
        assert_eq!(state.admit(NOW).err(), Some(RequestError::Pending));
        let wrong = state.verify(NOW, &sealer(), "000000", "3");
        assert!(matches!(wrong, CodeCheck::WrongMeanwhile(TRIES)), "no try is counted");
    }
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
fn an_account_may_ask_ten_times_a_day_refused_requests_included() {
    let mut state = ChangeState::default();
    for number in 0..10 {
        state = state.admit(NOW + number).ok().unwrap().closed();
    }
    assert_eq!(state.admit(NOW + 10).err(), Some(RequestError::TooMany(DAY - 10)));
    assert!(state.admit(NOW + DAY).is_ok());
}

#[test]
fn an_account_that_keeps_its_address_proves_it_with_one_code() {
    let admitted = ChangeState::default().admit(NOW).ok().unwrap();
    let state = admitted.open(NOW, "id".into(), "Old@example.com", "old@example.com", &sealer(), "111111");
    let request = state.request(NOW).ok().unwrap();
    assert!(request.keeps_address() && request.stage == Stage::New);
    let CodeCheck::Commit(state) = state.verify(NOW, &sealer(), "111111", "2") else { panic!("not committed") };
    assert!(state.finished(NOW, true).is_done("id"));
    assert!(!open().request(NOW).ok().unwrap().keeps_address());
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
fn what_is_over_is_forgotten() {
    for state in [open().closed(), open().cancel().ok().unwrap(), committing().finished(NOW, true)] {
        let stored = serde_json::to_string(&state).unwrap();
        assert!(!stored.contains('@'), "{stored}");
    }
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
