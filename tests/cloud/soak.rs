//! A short life of each function's process, and some faults of its network. `cargo xtask fire soak` and `wire` have more.

use end_to_end::{binary, cloud};
use fire::soak::{live, live_api};
use fire::wire::{all, play_all};
use local_cloud::function::{ACCOUNT_API, TRIGGERS};

#[tokio::test]
async fn a_process_that_answers_many_events_grows_neither_in_memory_nor_in_open_files() {
    for name in TRIGGERS {
        live(name, &binary(name).unwrap(), 300).await.unwrap().check().unwrap();
    }
    live_api(&binary(ACCOUNT_API).unwrap(), 210, &cloud().unwrap()).await.unwrap().check().unwrap();
}

/// The other tests of the network run the triggers in their own process.
#[tokio::test]
async fn a_process_whose_network_fails_lives_on_and_the_next_press_ends_with_one_clean_account() {
    let binary = binary(TRIGGERS[0]).unwrap();
    let some: Vec<_> = all().into_iter().step_by(11).collect();
    let failed = play_all(some, binary.parent(), |_, _| {}).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
