//! Some of the wire faults. `cargo xtask fire wire` has all.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use fire::wire::{Flow, all, calls, play_all};

/// A call that is not counted would never go wrong.
#[tokio::test]
async fn the_calls_of_each_flow_are_counted_right() {
    for (flow, counted) in Flow::ALL {
        assert_eq!(calls(flow).await.unwrap(), counted, "{flow:?}");
    }
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_the_next_press_ends_with_one_clean_account() {
    // Every fault, flow and call at least once, and few enough for each run of the tests.
    let some: Vec<_> = all().into_iter().step_by(7).collect();
    assert!(some.len() > 50);
    let failed = play_all(some, None, |_, _| {}).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
