//! Some of the wire faults. `cargo xtask fire wire` has all.

use fire::wire::{all, play_all};

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_the_next_press_ends_with_one_clean_account() {
    // Every fault, flow and call at least once, and few enough for each run of the tests.
    let some: Vec<_> = all().into_iter().step_by(7).collect();
    assert!(some.len() > 50);
    let failed = play_all(some, None, |_, _| {}).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
