//! A short life of each function's process. `cargo xtask fire soak` has longer ones.

use end_to_end::{binary, cloud};
use fire::soak::{live, live_api};
use local_cloud::function::{ACCOUNT_API, TRIGGERS};

#[tokio::test]
async fn a_process_that_answers_many_events_grows_neither_in_memory_nor_in_open_files() {
    for name in TRIGGERS {
        live(name, &binary(name).unwrap(), 300).await.unwrap().check().unwrap();
    }
    live_api(&binary(ACCOUNT_API).unwrap(), 210, &cloud().unwrap()).await.unwrap().check().unwrap();
}
