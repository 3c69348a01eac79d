//! A short life of each trigger's process. `cargo xtask fire soak` has longer ones.

use end_to_end::binary;
use fire::soak::live;
use local_cloud::function::TRIGGERS;

#[tokio::test]
async fn a_process_that_answers_many_events_grows_neither_in_memory_nor_in_open_files() {
    for name in TRIGGERS {
        live(name, &binary(name).unwrap(), 300).await.unwrap().check().unwrap();
    }
}
