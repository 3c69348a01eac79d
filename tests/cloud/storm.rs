//! A small storm on the account API, over the table of the local cloud. `cargo xtask fire storm` has larger ones.

use end_to_end::{cloud, state_table};
use fire::storm::{Storm, play};

/// Over a table of its own, so that nothing else is throttled.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_people_at_once_over_a_table_that_throttles_keep_their_accounts() {
    let table = format!("storm-{}", uuid::Uuid::new_v4().simple());
    state_table(&cloud().unwrap(), &table).await.unwrap();
    let storm = Storm { clients: 30, throttled: 30, seed: 1 };
    let outcome = play(storm, &cloud().unwrap(), &table).await.unwrap();
    println!("{outcome}");
    outcome.check().unwrap();
}
